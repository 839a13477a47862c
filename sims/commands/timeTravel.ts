/** `seatrial at` and `seatrial diff`: a stored run at an instant, and between two. */

import { stringify } from 'yaml';
import { createModel, eventDefinitions, Timeline, EventLog, type Event, type World } from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';
import { runInstant } from '../input/runInstant.ts';
import { formatCount, formatNoun } from '../report/format.ts';
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

function instantIn(path: string, reader: RunReader, text: string): number {
  return runInstant(path, reader.loaded().scenario, text);
}

function overview(world: World): string {
  const lines: string[] = [];
  for (const { config, desiredCount, runningCount, pendingCount, stopping, status } of world.ecs.services.values())
    lines.push(
      `service ${config.serviceName}: ${status}, desired ${desiredCount}, running ${runningCount}, pending ${pendingCount}, stopping ${stopping.size}`,
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
  const start = reader.checkpointAt(fromMs);
  const model = createModel();
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
