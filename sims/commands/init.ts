/** `seatrial init`: a scenario to start from, from a few questions or flags. */

import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cancel, group, intro, outro, select, text } from '@clack/prompts';
import { InputError } from '../input/inputError.ts';
import { checkNewFile, writeNewFiles } from '../input/newFile.ts';
import {
  newScenarioProblem,
  scaleThatScales,
  usualScenario,
  writeScenario,
  type NewScenario,
} from '../input/newScenario.ts';
import { readTrace } from '../input/trace.ts';
import { commandName } from '../report/output.ts';

export interface InitOptions extends Partial<Omit<NewScenario, 'trace'>> {
  readonly trace?: string;
  readonly yes?: boolean;
}

const SCHEMA = fileURLToPath(new URL('../input/scenario.schema.json', import.meta.url));
export const USUAL_FILE = 'seatrial.yaml';
const CANCELLED = 130;

/** @returns the exit code. @throws InputError */
export async function init(file: string, { yes, ...flags }: InitOptions): Promise<number> {
  checkNewFile(file);
  const asks = process.stdin.isTTY && process.stdout.isTTY && yes !== true && Object.keys(flags).length === 0;
  const answers = asks ? await ask() : flags;
  if (answers === undefined) return CANCELLED;
  const { content, scale } = newScenario(file, answers);
  writeNewFiles({ [file]: content });
  const faint =
    scale === undefined
      ? ''
      : ` Its traffic never needs more than the minimum of tasks: nothing would scale. With --scale ${scale} it would.`;
  const said = `${file} is written.${faint} Next: ${commandName()} doctor ${file}, then ${commandName()} run ${file}`;
  if (asks) outro(said);
  else process.stdout.write(`${said}\n`);
  return 0;
}

/** What would be written, and the factor on the trace at which it would scale. @throws InputError */
export function newScenario(file: string, { trace: traceFile, ...flags }: Omit<InitOptions, 'yes'>) {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const folder = resolve(dirname(file));
  const trace =
    traceFile === undefined ? undefined : { file: relative(folder, resolve(traceFile)), trace: readTrace(traceFile) };
  const wanted: NewScenario = { ...usualScenario, ...given, trace };
  const problem = newScenarioProblem(wanted);
  if (problem !== undefined) throw new InputError([{ file, message: problem }]);
  return { content: writeScenario(wanted, relative(folder, SCHEMA)), scale: scaleThatScales(wanted) };
}

/** @returns what was answered; undefined when it was cancelled */
async function ask(): Promise<Omit<InitOptions, 'yes'> | undefined> {
  intro('A scenario to start from. Enter takes what is suggested; everything can be changed in the file.');
  const { service, min, max, targetCpu, rps } = usualScenario;
  const number = (message: string, usual: number, most: number) =>
    text({
      message,
      placeholder: String(usual),
      defaultValue: String(usual),
      validate: (written = '') => {
        const value = Number(written === '' ? usual : written);
        return Number.isInteger(value) && value >= 0 && value <= most
          ? undefined
          : `Expected a whole number from 0 to ${most}.`;
      },
    });
  let stopped = false;
  const answers = await group(
    {
      service: () => text({ message: 'What is the service called?', placeholder: service, defaultValue: service }),
      launchType: () =>
        select({
          message: 'Where does it run?',
          options: [
            { value: 'FARGATE' as const, label: 'Fargate' },
            { value: 'EC2' as const, label: 'EC2 instances of a group, with a capacity provider' },
          ],
        }),
      trace: () =>
        text({
          message: 'A CSV of its traffic (timestamp,value or minute,count)? Leave it empty for a made-up day.',
          defaultValue: '',
          validate: (written = '') =>
            written === '' || existsSync(written) ? undefined : 'There is no file of this name.',
        }),
      rps: ({ results }) =>
        results.trace === '' ? number('Requests per second at the busiest hour?', rps, 1_000_000) : Promise.resolve(''),
      min: () => number('How many tasks at least?', min, 5_000),
      max: () => number('How many at most?', max, 5_000),
      targetCpu: () => number('Which CPU should its scaling keep, in percent?', targetCpu, 100),
    },
    {
      onCancel: () => {
        stopped = true;
        cancel('Nothing is written.');
      },
    },
  );
  if (stopped) return undefined;
  return {
    service: answers.service,
    launchType: answers.launchType,
    min: Number(answers.min),
    max: Number(answers.max),
    targetCpu: Math.max(1, Number(answers.targetCpu)),
    ...(answers.trace === '' ? { rps: Number(answers.rps) } : { trace: answers.trace }),
  };
}
