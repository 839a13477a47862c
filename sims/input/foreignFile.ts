/** What describes a cluster for another tool, and what to do with it. */

import { extname } from 'node:path';
import type { InputProblem } from './inputError.ts';

interface Kind {
  readonly looksLike: (file: string, text: string) => boolean;
  readonly found: string;
  readonly help: (file: string) => string;
}

const whatYouHave = () =>
  'seatrial init writes one to start from, and “From what you have” in README.md tells which keys go where';

/** Keys at the top of what the AWS CLI prints, or takes as `--cli-input-json`. */
const AWS_KEYS =
  'services|failures|taskDefinition|ScalableTargets|ScalingPolicies|serviceName|TargetGroups|AutoScalingGroups';

const kinds: readonly Kind[] = [
  {
    looksLike: (file, text) =>
      ['.tf', '.hcl'].includes(extname(file)) || /^\s*(?:resource|module|provider)\s+"/m.test(text),
    found: 'Terraform',
    help: whatYouHave,
  },
  {
    looksLike: (_file, text) => /\bAWSTemplateFormatVersion\b|["']?Type["']?\s*:\s*["']?AWS::/.test(text),
    found: 'a template of CloudFormation',
    help: whatYouHave,
  },
  {
    looksLike: (_file, text) => new RegExp(`^\\s*\\{\\s*"(?:${AWS_KEYS})"`).test(text) && !/"duration"\s*:/.test(text),
    found: 'what the AWS CLI prints',
    help: whatYouHave,
  },
  {
    looksLike: (file, text) =>
      extname(file) === '.csv' || /^\s*\{\s*"(?:Label|Datapoints|MetricDataResults)"/.test(text),
    found: 'a trace',
    help: (file) => `run --trace ${file} replays it, and init --trace ${file} writes a scenario with it`,
  },
];

/** One sentence in place of all that is wrong with such a text as a scenario; undefined when it is no such text. */
export function foreignFile(file: string, text: string): InputProblem | undefined {
  const kind = kinds.find(({ looksLike }) => looksLike(file, text));
  return kind === undefined
    ? undefined
    : { file, message: `found ${kind.found}, expected a scenario: ${kind.help(file)}` };
}
