/** Why a task has no place at an instant, or what it still waits for. */

import type { Immutable } from 'immer';
import { keyedRng, placementRequest, prepare, scanForPlace, type Millis, type World } from '../../core/index.ts';
import { formatDuration, formatMoment, formatNear } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';
import { instancesOnTheWay } from './instancesOnTheWay.ts';
import { managedScalingLines, reservationSentences } from './managedScalingView.ts';
import { refusalLines } from './placement.ts';

type View = Immutable<World>;
type Task = NonNullable<ReturnType<View['ecs']['tasks']['get']>>;

/** @returns undefined when there is no such task at the instant */
export function whyTaskNot(world: View, taskId: string, nowMs: Millis): readonly StoryLine[] | undefined {
  const { ecs } = world;
  const task = ecs.tasks.get(taskId);
  if (task === undefined) return undefined;
  const owner = task.serviceName || task.group;
  const title = `${formatMoment(nowMs)}  ${taskId} of ${owner}`;
  if (!ecs.waiting.has(taskId)) return [{ text: `${title}: ${statusSentence(world, task, nowMs)}` }];
  const head: StoryLine = { text: `${title} waits in PROVISIONING for a place.` };
  const refusal = refusedPlace(world, task);
  const place: StoryLine[] =
    refusal === undefined
      ? [line('An instance has room for it by now: it is placed when ECS looks again.')]
      : refusalLines(refusal, false).map(line);
  const { capacityProvider } = task;
  if (capacityProvider === undefined) return [head, ...place];
  const provider = ecs.capacityProviders.get(capacityProvider);
  return [
    head,
    ...place,
    ...reservationSentences(world, capacityProvider).map(line),
    ...(provider === undefined ? [] : managedScalingLines(world, capacityProvider, provider.highAlarm, nowMs, 2)),
    ...instancesOnTheWay(world, provider?.config.autoScalingGroupProvider.autoScalingGroup, nowMs).map(line),
  ];
}

const line = (text: string): StoryLine => ({ indent: 2, text });

/** What the placement engine says of a waiting task; undefined when some instance would take it. */
export function refusedPlace({ ecs }: View, task: Task) {
  const together = ecs.services.get(task.serviceName) ?? ecs.runs.get(task.startedBy);
  if (together === undefined) return undefined;
  const prepared = prepare(placementRequest(ecs, together.config, task), ecs.placement);
  // Chance breaks ties between instances that would take it; whether one would is none of its business.
  const answer = scanForPlace(prepared, ecs.containerInstances.values(), keyedRng(0).at('ecs.placement', task.number));
  return 'reason' in answer ? answer : undefined;
}

/** Where a task is that has a place, or is on its way out. */
function statusSentence({ ecs }: View, task: Task, nowMs: Millis): string {
  const { status, ec2InstanceId, availabilityZone, dueAtMs, runningSinceMs, stopping, taskId } = task;
  const where =
    ec2InstanceId === undefined
      ? availabilityZone === undefined
        ? 'it has no place yet'
        : `it has a place on Fargate in ${availabilityZone}`
      : `it has a place on ${ec2InstanceId} in ${availabilityZone ?? ''}`;
  if (stopping !== undefined) return `${where}, and is ${status}: ${stopping.reason}`;
  if (status === 'RUNNING') return `${where}, and is RUNNING since ${formatNear(runningSinceMs ?? nowMs, nowMs)}`;
  if (ecs.containerInstances.get(ec2InstanceId ?? '')?.host.queue.has(taskId) === true)
    return `${where}, but is PENDING there: its host has not the room yet, and the agent starts tasks in the order they came`;
  if (dueAtMs !== undefined && dueAtMs > nowMs)
    return `${where}, and is ${status}: its containers start ${formatNear(dueAtMs, nowMs)}, in ${formatDuration(dueAtMs - nowMs)}`;
  return `${where}, and is ${status}`;
}
