/** Where a task went by the engine's steps, or why it went nowhere and what would help; in lines. */

import type { Event, Millis } from '../../core/index.ts';
import { formatCount, formatInstant, formatNoun } from '../report/format.ts';

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;
type TaskPlaced = EventOf<'TaskPlaced'>;

/** Why there is no place, as events and the engine say it. */
export type Refusal = Pick<
  EventOf<'TaskWaiting' | 'ServiceTaskPlacementFailed' | 'TaskRunFailed'>,
  'reason' | 'refusedBy' | 'refusedCounts'
> & {
  readonly closest?: string;
  readonly lack?: string;
};

const STEPS = ['ACTIVE instances', 'fit: agent, attributes, zone', 'with room', 'allowed by constraints'];

/** The steps with what each left, and how the winner scored. */
export function placementLines(
  { ec2InstanceId, availabilityZone, left, strategies, scores, runningAtMs }: TaskPlaced,
  atMs: Millis,
): string[] {
  if (ec2InstanceId === undefined)
    return [
      `placed ${formatInstant(atMs)} on Fargate in ${availabilityZone}: the zone with the fewest tasks of its service`,
    ];
  const names = [...STEPS, ...strategies];
  const width = Math.max(...names.map((name) => name.length));
  const rows = names.map((name, step) => {
    const score = step < STEPS.length ? '' : `   ${scored(name, scores[step - STEPS.length] as number)}`;
    return `  ${name.padEnd(width)} ${formatCount(left[step] as number).padStart(7)}${score}`;
  });
  const ties = left.at(-1) as number;
  return [
    `placed ${formatInstant(atMs)} on ${ec2InstanceId} in ${availabilityZone}`,
    ...rows,
    ...(ties > 1 ? [`  of the ${formatCount(ties)} that are left, assumptions.placement.tieBreak chose it`] : []),
    ...(runningAtMs === undefined ? ['  its host did not have the room yet: it waited in PENDING there'] : []),
  ];
}

function scored(strategy: string, score: number): string {
  if (strategy.startsWith('random')) return 'by chance';
  if (strategy.startsWith('binpack'))
    return `the winner had ${strategy.toLowerCase().endsWith('cpu') ? formatNoun(score, 'CPU unit') : `${formatCount(score)} MiB`} left`;
  return `the winner's value had ${formatNoun(score, 'task')} of the group`;
}

/** Why there was no place, who came closest, and what would help. @param isBound  no other instance comes into question */
export function refusalLines(
  { reason, closest, lack, refusedBy, refusedCounts }: Refusal,
  isBound: boolean,
): readonly string[] {
  const counts = refusedBy.map((by, index) => `${formatCount(refusedCounts[index] as number)} x ${by}`);
  return [
    `reason: ${reason}`,
    ...(counts.length > 0 ? [`instances turned away: ${counts.join(', ')}`] : []),
    ...(closest === undefined ? [] : [`closest: ${closest} ${lack ?? ''}`]),
    `what would help: ${isBound && REMEDIES[reason] === ROOM ? ROOM_THERE : REMEDIES[reason]}`,
  ];
}

const ROOM = 'free the difference on the closest instance, add an instance, or let the task ask for less';
const ROOM_THERE =
  'free the difference on that very instance, or let the task ask for less: it is not looked for elsewhere';
const REMEDIES: Readonly<Record<Refusal['reason'], string>> = {
  'No Container Instances were found in your cluster.':
    'start instances, and look whether their ecs.config names this cluster',
  'EMPTY CAPACITY PROVIDER': 'let the group of the capacity provider start instances: its MaxSize, managed scaling',
  'NO ACTIVE INSTANCES': 'every instance is draining: add one, or set one ACTIVE',
  AGENT: 'the agent of the instance has to reconnect',
  ATTRIBUTE: 'instances whose agent or image has what the task definition asks for',
  LOCATION: 'a subnet in the zone of the instances, or instances in the zones of the subnets',
  'RESOURCE:CPU': ROOM,
  'RESOURCE:MEMORY': ROOM,
  'RESOURCE:GPU': 'add an instance with GPUs, and ECS_ENABLE_GPU_SUPPORT in its ecs.config',
  'RESOURCE:PORTS': 'a dynamic host port (hostPort 0, or none), or one more instance for each task',
  'RESOURCE:ENI': 'add an instance, take a larger type, or enable the account setting awsvpcTrunking',
  'DistinctInstance placement constraint unsatisfied.': 'as many instances as tasks: add one',
  'MemberOf placement constraint unsatisfied.':
    'instances that the expression selects: their type, zone, or ECS_INSTANCE_ATTRIBUTES',
  'Capacity is unavailable at this time. Please try again later or in a different availability zone':
    'subnets in other zones, or FARGATE beside FARGATE_SPOT in the capacity provider strategy',
  MISSING: 'the id of an instance that is in the cluster: StartTask does not look for another',
  INACTIVE: 'an instance that is ACTIVE: StartTask does not look for another',
  'ECS was unable to assume the role that was provided for this task.':
    'let ecs-tasks.amazonaws.com assume the execution role and the task role: their AssumeRolePolicyDocument',
  'PROVISIONING LIMIT': 'wait: as many tasks wait for capacity as a cluster may have; they are tried again',
  'ThrottlingException: Rate exceeded': 'wait: the service scheduler tries again by itself',
};
