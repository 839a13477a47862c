/** Why nothing happened at an instant of a stored run: of one service, task or instance, or of all that stood still. */

import {
  scalableResourceId,
  serviceNameOf,
  type Event,
  type Millis,
  type Recorded,
  type World,
} from '../../core/index.ts';
import { describeIn } from '../report/describe.ts';
import { formatMoment, formatNear, formatNoun } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';
import type { RunReader } from '../store/runDirectory.ts';
import { lookBefore, worldAt } from '../store/worldAt.ts';
import { whyInstanceNot } from './whyNotInstance.ts';
import { serviceInShort, whyServiceNot } from './whyNotService.ts';
import { refusedPlace, whyTaskNot } from './whyNotTask.ts';
import { arithmetic } from './arithmetic.ts';

export interface Subject {
  readonly kind: 'service' | 'task' | 'instance';
  readonly name: string;
}

type Activity = Recorded<Extract<Event, { type: 'ScalingActivityStarted' }>>;

/** @returns undefined when the subject is not there at the instant. @throws InputError */
export function whyNot(
  reader: RunReader,
  nowMs: Millis,
  subject: Subject | undefined,
): readonly StoryLine[] | undefined {
  const { world, seq } = worldAt(reader, nowMs);
  switch (subject?.kind) {
    case undefined:
      return standstill(world, nowMs);
    case 'task':
      return whyTaskNot(world, subject.name, nowMs);
    case 'instance':
      return whyInstanceNot(world, subject.name, nowMs);
    case 'service':
      if (!world.ecs.services.has(subject.name)) return undefined;
      return ofService(reader, world, seq, subject.name, nowMs);
  }
}

function ofService(
  reader: RunReader,
  world: World,
  seq: number,
  serviceName: string,
  nowMs: Millis,
): readonly StoryLine[] {
  const last = lastActivity(reader, seq, scalableResourceId(world.ecs.clusterName, serviceName));
  if (last?.atMs !== nowMs) return whyServiceNot(world, serviceName, nowMs, changedBefore(last, nowMs));
  const [told = []] = lookBefore(reader, [last], (before, recorded) => [
    {
      text: `${formatMoment(nowMs)}  ${serviceName} did scale at this very instant, event ${last.seq}: ${describeIn(before, recorded)}`,
    },
    ...arithmetic(before, recorded, 2),
  ]);
  return [
    ...told,
    { text: 'Just after that:' },
    ...whyServiceNot(world, serviceName, nowMs, changedBefore(last, nowMs)),
  ];
}

/** The newest activity of a resource among the events before a number. */
function lastActivity(reader: RunReader, seq: number, resourceId: string): Activity | undefined {
  let last: Activity | undefined;
  for (const recorded of reader.events(0, seq))
    if (recorded.event.type === 'ScalingActivityStarted' && recorded.event.resourceId === resourceId)
      last = recorded as Activity;
  return last;
}

function changedBefore(last: Activity | undefined, nowMs: Millis): string {
  if (last === undefined) return 'It has not been scaled so far.';
  const { fromCapacity, toCapacity } = last.event;
  return `Last scaled ${formatNear(last.atMs, nowMs)}, ${fromCapacity} -> ${formatNoun(toCapacity, 'task')} (event ${last.seq}).`;
}

/** Services that do not scale, tasks that wait, instances that idle. */
export function standstill(world: World, nowMs: Millis): readonly StoryLine[] {
  const { ecs, ec2, autoscaling } = world;
  const scaled = Array.from(autoscaling.targets.keys(), serviceNameOf).filter((name) => ecs.services.has(name));
  const waiting = new Map<string, number>();
  for (const taskId of ecs.waiting.keys()) {
    const task = ecs.tasks.get(taskId);
    if (task === undefined) continue;
    const key = `${task.serviceName || task.group}: ${refusedPlace(world, task)?.reason ?? 'an instance has room by now'}`;
    waiting.set(key, (waiting.get(key) ?? 0) + 1);
  }
  const idle = Array.from(ecs.containerInstances.values()).filter(({ tasks }) => tasks.size === 0);
  const leaving = Array.from(ec2.instances.values()).filter(({ state }) => state.startsWith('Terminating'));
  const list = (title: string, rows: readonly string[], none: string): StoryLine[] =>
    rows.length === 0
      ? [{ indent: 2, text: none }]
      : [{ indent: 2, text: title }, ...rows.map((text) => ({ indent: 4, text }))];
  return [
    { text: `${formatMoment(nowMs)}  what did not happen, and why` },
    ...list(
      'services that do not scale:',
      scaled.map((name) => serviceInShort(world, name, nowMs)),
      'No service is scaled by anything.',
    ),
    ...list(
      'tasks that wait for a place:',
      Array.from(waiting, ([key, count]) => `${formatNoun(count, 'task')} of ${key}`),
      'No task waits for a place.',
    ),
    ...list(
      'instances without a task:',
      idle.map(({ ec2InstanceId, status }) => `${ec2InstanceId}, ${status}`),
      'No instance is without tasks.',
    ),
    ...(leaving.length === 0
      ? []
      : list(
          'instances on their way out:',
          leaving.map(
            ({ instanceId, state, waitsFor }) =>
              `${instanceId}, ${state}${waitsFor.size === 0 ? '' : `, waits for ${[...waitsFor.keys()].join(', ')}`}`,
          ),
          '',
        )),
    { indent: 2, text: 'Look closer: add service, task or instance, and its name.' },
  ];
}
