/** The page of every event that a log can hold, from the definitions that also store them. */

import { autoscalingEvents } from '../../core/autoscaling/index.ts';
import { cloudwatchEvents } from '../../core/cloudwatch/index.ts';
import { ec2Events } from '../../core/ec2/index.ts';
import { ecrEvents } from '../../core/ecr/index.ts';
import { ecsEvents } from '../../core/ecs/index.ts';
import { elbEvents } from '../../core/elb/index.ts';
import { iamEvents } from '../../core/iam/index.ts';
import { eventDefinitions } from '../../core/index.ts';
import { logEvents } from '../../core/logs/index.ts';
import { vpcEvents } from '../../core/vpc/index.ts';
import { workloadEvents } from '../../core/workload/index.ts';
import { table } from './jsonSchema.ts';

/** By the room that they come from; what is left comes from the roof. */
const rooms: Readonly<Record<string, object>> = {
  'Offered load': workloadEvents,
  'Amazon CloudWatch': cloudwatchEvents,
  'Application Auto Scaling': autoscalingEvents,
  'Amazon ECS': ecsEvents,
  'Amazon EC2': ec2Events,
  'Elastic Load Balancing': elbEvents,
  'Amazon ECR': ecrEvents,
  'AWS IAM': iamEvents,
  'CloudWatch Logs': logEvents,
  'Amazon VPC': vpcEvents,
};

const INTRODUCTION = `# Events

Everything that happens in a run is one of these, in a log that never changes; the world at an instant, reports and
explanations are folds over it. In \`seatrial export\` an event is a line of JSON with its columns, and beside them \`seq\`,
its number; \`atMs\`, its instant in milliseconds since 1970; and \`causedBy\`, the number of the event that caused it.
\`numbers\` and \`texts\` are lists, a row for each of what the event measures; columns in *italics* may be missing. This page is
written by \`npm run docs\` from the definitions by which the log stores events.
`;

export function eventsPage(): string {
  const told = new Set(Object.values(rooms).flatMap((definitions) => Object.keys(definitions)));
  const rest = Object.keys(eventDefinitions).filter((type) => !told.has(type));
  const sections = Object.entries(rooms).map(([room, definitions]) => section(room, Object.keys(definitions)));
  return `${INTRODUCTION}\n${[...sections, section('The run itself', rest)].join('\n\n')}\n`;
}

function section(title: string, types: readonly string[]): string {
  const events = types.map((type) => {
    const { meaning, columns } = eventDefinitions[type as keyof typeof eventDefinitions];
    const rows = Object.entries(columns).map(([name, { kind, optional, meaning: what }]) => [
      optional ? `*\`${name}\`*` : `\`${name}\``,
      kind,
      what,
    ]);
    return `### ${type}\n\n${meaning}${rows.length === 0 ? '' : `\n\n${table(['column', 'kind', 'meaning'], rows)}`}`;
  });
  return `## ${title}\n\n${events.join('\n\n')}`;
}
