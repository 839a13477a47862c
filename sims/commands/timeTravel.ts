/** `seatrial at`, `seatrial diff` and `seatrial explain event`: a stored run at an instant, between two, and back along causes. */

import { stringify } from 'yaml';
import {
  createModel,
  DAY,
  eventDefinitions,
  instant,
  startOf,
  Timeline,
  EventLog,
  type Event,
  type Recorded,
  type World,
} from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';
import { describeIn } from '../report/describe.ts';
import { formatCount, formatDay, formatInstant, formatNoun } from '../report/format.ts';
import { print } from '../report/print.ts';
import { RunReader } from '../store/runDirectory.ts';
import { worldAt } from '../store/worldAt.ts';

/** What can be looked at, and where the world keeps it. */
const KINDS = {
  service: (world: World) => world.ecs.services,
  task: (world: World) => world.ecs.tasks,
  containerInstance: (world: World) => world.ecs.containerInstances,
  capacityProvider: (world: World) => world.ecs.capacityProviders,
  instance: (world: World) => world.ec2.instances,
  group: (world: World) => world.ec2.groups,
  targetGroup: (world: World) => world.elb.targetGroups,
  alarm: (world: World) => world.cloudwatch.alarms,
  scalableTarget: (world: World) => world.autoscaling.targets,
  policy: (world: World) => world.autoscaling.policies,
} as const;

/** @returns the exit code. @throws InputError */
export function at(path: string, text: string, kind?: string, name?: string): number {
  const reader = new RunReader(path);
  const { world } = worldAt(reader, instantIn(path, reader, text));
  print(kind === undefined ? overview(world) : detail(path, world, kind, name));
  return 0;
}

/** An instant of the run. @throws InputError */
function instantIn(path: string, reader: RunReader, text: string): number {
  const parsed = instant.safeParse(text);
  const { start, duration } = reader.loaded().scenario;
  if (parsed.success && parsed.data >= start && parsed.data <= start + duration) return parsed.data;
  const [from, to] = [start, start + duration].map((ms) => new Date(ms).toISOString());
  throw new InputError([{ file: path, message: `found "${text}", expected an instant from ${from} to ${to}` }]);
}

function overview(world: World): string {
  const lines: string[] = [];
  for (const { config, desiredCount, runningCount, pendingCount, stoppingCount, status } of world.ecs.services.values())
    lines.push(
      `service ${config.serviceName}: ${status}, desired ${desiredCount}, running ${runningCount}, pending ${pendingCount}, stopping ${stoppingCount}`,
    );
  for (const { config, targets, healthyCount } of world.elb.targetGroups.values())
    lines.push(`target group ${config.Name}: ${healthyCount} of ${formatNoun(targets.size, 'target')} healthy`);
  for (const [name, { desiredCapacity }] of world.ec2.groups) {
    const members = Array.from(world.ec2.instances.values()).filter((item) => item.autoScalingGroupName === name);
    lines.push(`group ${name}: desired ${desiredCapacity}, ${formatNoun(members.length, 'instance')}`);
  }
  for (const [name, { state }] of world.cloudwatch.alarms) lines.push(`alarm ${name}: ${state}`);
  lines.push(`look closer: ${Object.keys(KINDS).join(', ')}, then a name`);
  return `${lines.join('\n')}\n`;
}

function detail(path: string, world: World, kind: string, name: string | undefined): string {
  const ofKind = (KINDS as Readonly<Record<string, (world: World) => ReadonlyMap<string, unknown>>>)[kind];
  if (ofKind === undefined)
    throw new InputError([
      { file: path, message: `found "${kind}", expected one of ${Object.keys(KINDS).join(', ')}` },
    ]);
  const all = ofKind(world);
  if (name === undefined) return `${[...all.keys()].join('\n')}\n`;
  const found = all.get(name);
  if (found === undefined) {
    const names = all.size === 0 ? 'there is none' : `one of ${[...all.keys()].join(', ')}`;
    throw new InputError([{ file: path, message: `found "${name}", expected the name of a ${kind}: ${names}` }]);
  }
  return stringify(plain(found));
}

/** Maps as objects. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [String(key), plain(item)]));
}

const MOST_CHANGES = 200;
/** What changes with every step, or is kept for speed, and tells nothing. */
const BOOKKEEPING =
  /^. (workload|cloudwatch\.metrics|ecs\.placementJournal|ecs\.services\.[^.]+\.(measured|utilization|latencies|carried|startedCount)|elb\.targetGroups\.[^.]+\.checks)/;

/** @returns the exit code. @throws InputError */
export function diff(path: string, fromText: string, toText: string): number {
  const reader = new RunReader(path);
  const [fromMs, toMs] = [instantIn(path, reader, fromText), instantIn(path, reader, toText)];
  if (toMs < fromMs)
    throw new InputError([{ file: path, message: `found "${toText}" before "${fromText}", expected it after` }]);
  const start = reader.checkpointAt(fromMs) ?? startOf(reader.loaded().scenario);
  const model = createModel(new Map());
  const log = new EventLog<Event>(eventDefinitions, { from: start.log });
  for (const { event, atMs, causedBy } of reader.events(start.log.seq)) {
    if (atMs > toMs) break;
    log.append(event, atMs, causedBy);
  }
  const timeline = new Timeline({ model, seed: reader.loaded().scenario.seed, checkpoints: [start], log });
  const before = timeline.at(fromMs);
  const changes = timeline
    .changes(fromMs, toMs)
    .map(({ op, path: where, value }) => {
      const name = where.join('.');
      const was = valueAt(before, where);
      if (op === 'remove') return `- ${name}`;
      if (was === undefined) return `+ ${name}: ${shown(value)}`;
      return `  ${name}: ${shown(was)} -> ${shown(value)}`;
    })
    .filter((line) => !BOOKKEEPING.test(line));
  const more = changes.length > MOST_CHANGES ? [`and ${formatCount(changes.length - MOST_CHANGES)} changes more`] : [];
  print(`${[...changes.slice(0, MOST_CHANGES), ...more].join('\n')}\n`);
  return 0;
}

function valueAt(world: unknown, where: readonly (string | number)[]): unknown {
  let value = world;
  for (const key of where) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = value instanceof Map ? value.get(key) : (value as Record<string | number, unknown>)[key];
  }
  return value;
}

function shown(value: unknown): string {
  const text = JSON.stringify(plain(value)) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** @returns the exit code. @throws InputError */
export function explainEvent(path: string, text: string): number {
  print(`${eventStory(path, text).join('\n')}\n`);
  return 0;
}

/** An event and its causes, in lines. @param text  the number of the event, or an instant: the last one until then */
export function eventStory(path: string, text: string): readonly string[] {
  const reader = new RunReader(path);
  const wanted = /^\d+$/.test(text) ? Number(text) : worldAt(reader, instantIn(path, reader, text)).seq - 1;
  if (wanted < 0 || wanted >= reader.length)
    throw new InputError([
      { file: path, message: `found event ${text}, expected a number from 0 to ${reader.length - 1}` },
    ]);
  const chain: Recorded<Event>[] = [];
  for (let seq = wanted; seq !== -1; seq = (chain.at(-1) as Recorded<Event>).causedBy) {
    chain.push(reader.event(seq));
    // Down to the traffic: each step of it follows from the one before.
    if (chain.at(-1)?.event.type === 'LoadSampled') break;
  }
  // Alarms and policies as they were when it happened.
  const { world } = worldAt(reader, (chain[0] as Recorded<Event>).atMs);
  const dated = reader.loaded().scenario.duration > DAY;
  return [
    ...chain.map((recorded, index) => {
      const { atMs, seq, event } = recorded;
      const when = `${dated ? `${formatDay(atMs)} ` : ''}${formatInstant(atMs)}`;
      return `${index === 0 ? '' : 'because '}${when}  ${seq} ${event.type}: ${describeIn(world, recorded)}`;
    }),
    chain.at(-1)?.event.type === 'LoadSampled' ? 'which is the traffic' : 'which the scenario asks for',
  ];
}
