/**
 * Placement: filters, then constraints, then strategies, then one of the instances that are left. The answer says how many
 * each step left and how the winner scored; or why there is none, who came closest, and what it lacked.
 *
 * Here is the plain scan over all instances. It is what `placementIndex.ts` must always agree with.
 *
 * @source spec/placement.md 1.1, 1.3, 2.2, 2.4, 4.9
 */

import type { Draws } from '../../kernel/index.ts';
import type { TaskDemand } from '../taskDefinition.ts';
import type { PlacementAssumptions } from './assumptions.ts';
import type { RequiredAttribute } from './capabilities.ts';
import {
  constraintOf,
  type ConstraintRefusal,
  type ConstraintRule,
  type PlacementConstraintConfig,
} from './constraints.ts';
import { attributeOf, registeredBefore, type PlacementInstance } from './instance.ts';
import { strategyOf, type PlacementStrategyConfig, type RankKey, type TasksOn } from './strategies.ts';

export interface PlacementRequest {
  /** The task group: whose tasks spread and distinctInstance count. `service:web` for a service. */
  readonly group: string;
  readonly demand: TaskDemand;
  readonly requiredAttributes: readonly RequiredAttribute[];
  /** Zones of the subnets of an awsvpc task; undefined: any. */
  readonly zones: readonly string[] | undefined;
  readonly constraints: readonly PlacementConstraintConfig[];
  readonly strategies: readonly PlacementStrategyConfig[];
  /** Only instances of this provider; undefined: any. */
  readonly capacityProvider: string | undefined;
}

/** What can keep a task off an active instance: filters in their order, then constraints. */
type InstanceRefusal =
  | 'AGENT'
  | 'ATTRIBUTE'
  | 'LOCATION'
  | 'RESOURCE:CPU'
  | 'RESOURCE:MEMORY'
  | 'RESOURCE:GPU'
  | 'RESOURCE:PORTS'
  | 'RESOURCE:ENI'
  | ConstraintRefusal;

/** ECS's failure reasons. */
export type PlacementFailure =
  | 'No Container Instances were found in your cluster.'
  | 'EMPTY CAPACITY PROVIDER'
  | 'NO ACTIVE INSTANCES'
  | InstanceRefusal;

export interface Refused {
  readonly reason: PlacementFailure;
  /** The active instance that passed the most filters, then had the most of what it lacks. */
  readonly closest?: string;
  /** What the closest one lacked, in words. */
  readonly lack?: string;
  /** How many active instances each reason turned away, in the order of the filters. */
  readonly refusedBy: readonly InstanceRefusal[];
  readonly refusedCounts: readonly number[];
}

export interface Placed<Instance> {
  readonly instance: Instance;
  /** Instances left after each step: active, fit for it, with room, allowed, then one number per strategy. */
  readonly left: readonly number[];
  /** By strategy, as it was before the task came: tasks of the group there, or units that remained; 0 for chance. */
  readonly scores: readonly number[];
}

export type Placement<Instance = PlacementInstance> = Placed<Instance> | Refused;

/** A request made ready to be asked of many instances. */
export interface PreparedRequest {
  readonly request: PlacementRequest;
  readonly assumptions: PlacementAssumptions;
  /** Static host ports, as `tcp/80`. */
  readonly ports: readonly string[];
  readonly constraints: readonly (ConstraintRule & { readonly refusal: ConstraintRefusal })[];
  readonly levels: readonly Level[];
  readonly tasksOn: TasksOn;
  /** What each filter says when it refuses; the constraints come last. */
  readonly refusals: readonly InstanceRefusal[];
}

/** One strategy of the chain. */
interface Level {
  /** Absent: by chance. */
  readonly key: ((instance: PlacementInstance) => RankKey) | undefined;
  /** The field whose values the tasks of the group are counted by, when a key is ranked by them. */
  readonly countedBy: string | undefined;
}

const FIT_STEPS = ['AGENT', 'ATTRIBUTE', 'LOCATION'] as const;
const ROOM_STEPS = ['RESOURCE:CPU', 'RESOURCE:MEMORY', 'RESOURCE:GPU', 'RESOURCE:PORTS', 'RESOURCE:ENI'] as const;
/** Filters after which an instance is fit for the task, and after which it has room. */
const FIT = FIT_STEPS.length;
const WITH_ROOM = FIT + ROOM_STEPS.length;

/** Reserved host ports of an instance, the agent's own included. @source AWS, ECS API, PortMapping.hostPort */
const MOST_HOST_PORTS = 100;

export function prepare(request: PlacementRequest, assumptions: PlacementAssumptions): PreparedRequest {
  const constraints = request.constraints.map((config) => {
    const { allows, refusal } = constraintOf(config);
    return { ...allows(config, request.group, assumptions), refusal };
  });
  const { group } = request;
  const tasksOn: TasksOn =
    assumptions.spreadCounts === 'running'
      ? ({ runningGroups }) => runningGroups.get(group) ?? 0
      : ({ taskGroups }) => taskGroups.get(group) ?? 0;
  return {
    request,
    assumptions,
    tasksOn,
    ports: hostPorts(request.demand),
    constraints,
    levels: request.strategies.map((config) => {
      const { key, countedBy } = strategyOf(config);
      return { key: key?.(config, tasksOn), countedBy: countedBy?.(config) };
    }),
    refusals: [...FIT_STEPS, ...ROOM_STEPS, ...constraints.map(({ refusal }) => refusal)],
  };
}

/** The static host ports of a demand, as `tcp/80`. */
export function hostPorts({ tcpPorts, udpPorts }: TaskDemand): readonly string[] {
  if (tcpPorts.length === 0 && udpPorts.length === 0) return [];
  return [...tcpPorts.map((port) => `tcp/${port}`), ...udpPorts.map((port) => `udp/${port}`)];
}

/** Whether the instance is one of those that the request is about. */
export function isMember({ request: { capacityProvider } }: PreparedRequest, instance: PlacementInstance): boolean {
  return capacityProvider === undefined || instance.capacityProvider === capacityProvider;
}

/** How many filters an instance passes before one refuses by what was settled when it registered. */
export function settledPassed(
  { request, constraints, refusals }: PreparedRequest,
  instance: PlacementInstance,
): number {
  if (!carriesAll(instance, request.requiredAttributes)) return 1;
  if (request.zones !== undefined && !request.zones.includes(instance.availabilityZone)) return 2;
  const refusing = constraints.findIndex(({ settled }) => settled?.(instance) === false);
  return refusing === -1 ? refusals.length : WITH_ROOM + refusing;
}

/**
 * How many filters an active instance passes before one refuses; `refusals.length` when it may take the task.
 *
 * @param most  as `settledPassed` says, for those who have asked already
 */
export function filtersPassed(
  prepared: PreparedRequest,
  instance: PlacementInstance,
  most = settledPassed(prepared, instance),
): number {
  const { demand } = prepared.request;
  const { remaining } = instance;
  if (!instance.agentConnected) return 0;
  if (most < FIT) return most;
  if (remaining.cpuUnits < demand.cpuUnits) return 3;
  if (remaining.memoryMiB < demand.memoryMiB) return 4;
  if (remaining.gpuCount < demand.gpuCount) return 5;
  if (!portsAreFree(prepared, instance)) return 6;
  if (remaining.enis < demand.enis) return 7;
  for (let passed = WITH_ROOM; passed < most; passed++)
    if (prepared.constraints[passed - WITH_ROOM]?.changing?.(instance) === false) return passed;
  return most;
}

function carriesAll(instance: PlacementInstance, required: readonly RequiredAttribute[]): boolean {
  for (const { name, value } of required) {
    const found = attributeOf(instance, name);
    if (found === undefined || (value !== undefined && found !== value)) return false;
  }
  return true;
}

function portsAreFree({ ports: wanted, assumptions }: PreparedRequest, { ports }: PlacementInstance): boolean {
  if (wanted.length === 0) return true;
  for (const port of wanted) if (ports.has(port)) return false;
  if (assumptions.portLimit === 'together') return ports.size + wanted.length <= MOST_HOST_PORTS;
  return ['tcp/', 'udp/'].every((protocol) => {
    const taken = Array.from(ports.keys()).filter((port) => port.startsWith(protocol)).length;
    return taken + wanted.filter((port) => port.startsWith(protocol)).length <= MOST_HOST_PORTS;
  });
}

/** How much an instance has of what it lacks; the more, the closer it came. */
export function amountAfter(passed: number, { remaining }: PlacementInstance): number {
  switch (passed) {
    case 3:
      return remaining.cpuUnits;
    case 4:
      return remaining.memoryMiB;
    case 5:
      return remaining.gpuCount;
    case 7:
      return remaining.enis;
    default:
      return 0;
  }
}

/** `needs 512 CPU units, has 256`: what would have to change for an instance to take the task. */
function lackAfter(passed: number, prepared: PreparedRequest, instance: PlacementInstance): string {
  const { request, ports, constraints } = prepared;
  const { demand } = request;
  const has = amountAfter(passed, instance);
  switch (passed) {
    case 0:
      return 'its agent is not connected';
    case 1: {
      const lacking = request.requiredAttributes.find((required) => !carriesAll(instance, [required]));
      return `needs the attribute ${lacking?.name}${lacking?.value === undefined ? '' : ` = ${lacking.value}`}`;
    }
    case 2:
      return `is in ${instance.availabilityZone}, the subnets are in ${(request.zones ?? []).join(', ')}`;
    case 3:
      return `needs ${demand.cpuUnits} CPU units, has ${has}`;
    case 4:
      return `needs ${demand.memoryMiB} MiB, has ${has}`;
    case 5:
      return `needs ${demand.gpuCount} GPUs, has ${has}`;
    case 6: {
      const taken = ports.filter((port) => instance.ports.has(port));
      return taken.length > 0
        ? `${taken.join(', ')} is taken`
        : `has ${instance.ports.size} of 100 host ports reserved`;
    }
    case 7:
      return `needs a network interface, has ${has}`;
    default: {
      const config = request.constraints[passed - WITH_ROOM];
      return config?.type === 'memberOf' && passed < WITH_ROOM + constraints.length
        ? `is not a member of ${config.expression}`
        : `runs a task of ${request.group} already`;
    }
  }
}

/** The answer when no instance may take the task. @param counts  active instances by how many filters they passed */
export function refusal(
  prepared: PreparedRequest,
  found: { readonly instances: number; readonly members: number },
  counts: readonly number[],
  closest: PlacementInstance | undefined,
): Refused {
  const { request, refusals } = prepared;
  const refusedBy: InstanceRefusal[] = [];
  const refusedCounts: number[] = [];
  for (const [passed, reason] of refusals.entries()) {
    const count = counts[passed] ?? 0;
    if (count === 0) continue;
    refusedBy.push(reason);
    refusedCounts.push(count);
  }
  if (closest !== undefined) {
    const passed = filtersPassed(prepared, closest);
    return {
      reason: refusals[passed] as InstanceRefusal,
      closest: closest.ec2InstanceId,
      lack: lackAfter(passed, prepared, closest),
      refusedBy,
      refusedCounts,
    };
  }
  const nobody = { refusedBy, refusedCounts };
  if (request.capacityProvider !== undefined && found.members === 0)
    return { reason: 'EMPTY CAPACITY PROVIDER', ...nobody };
  if (found.instances === 0) return { reason: 'No Container Instances were found in your cluster.', ...nobody };
  return { reason: 'NO ACTIVE INSTANCES', ...nobody };
}

/**
 * What `left` begins with.
 *
 * @param counts  active instances by how many filters they passed
 * @returns how many numbers that are
 */
export function leftByFilters(counts: readonly number[], left: number[]): number {
  let [active, fit, withRoom] = [0, 0, 0];
  for (let passed = 0; passed < counts.length; passed++) {
    const count = counts[passed] as number;
    active += count;
    if (passed >= FIT) fit += count;
    if (passed >= WITH_ROOM) withRoom += count;
  }
  left[0] = active;
  left[1] = fit;
  left[2] = withRoom;
  left[3] = counts[counts.length - 1] as number;
  return 4;
}

/**
 * Chooses an instance by looking at every one of them.
 *
 * @param draws  chance; asked once for each `random` strategy, and for a tie that chance shall break
 */
export function scanForPlace<Instance extends PlacementInstance>(
  prepared: PreparedRequest,
  instances: Iterable<Instance>,
  draws: Draws,
): Placement<Instance> {
  const all = Array.from(instances);
  const last = prepared.refusals.length;
  const counts = Array.from({ length: last + 1 }, () => 0);
  const members = all.filter((instance) => isMember(prepared, instance));
  let candidates: Instance[] = [];
  let closest: { readonly passed: number; readonly instance: Instance } | undefined;
  for (const instance of members.toSorted(registeredBefore)) {
    if (instance.status !== 'ACTIVE') continue;
    const passed = filtersPassed(prepared, instance);
    counts[passed] = (counts[passed] as number) + 1;
    if (passed === last) candidates.push(instance);
    else if (
      closest === undefined ||
      passed > closest.passed ||
      (passed === closest.passed && amountAfter(passed, instance) > amountAfter(passed, closest.instance))
    )
      closest = { passed, instance };
  }
  if (candidates.length === 0)
    return refusal(prepared, { instances: all.length, members: members.length }, counts, closest?.instance);
  const left: number[] = [];
  leftByFilters(counts, left);
  const scores: number[] = [];
  for (const { key, countedBy } of prepared.levels) {
    if (key === undefined) {
      candidates = [candidates[draws.int(candidates.length)] as Instance];
      scores.push(0);
    } else {
      const tally = countedBy !== undefined ? tallyOf(all, key, prepared.tasksOn) : undefined;
      const ranks = candidates.map((instance) => {
        const value = key(instance);
        return tally === undefined ? (value as number) : (tally.get(value) ?? 0);
      });
      const least = ranks.reduce((a, b) => Math.min(a, b));
      candidates = candidates.filter((_, index) => ranks[index] === least);
      scores.push(least);
    }
    left.push(candidates.length);
  }
  const place = prepared.assumptions.tieBreak === 'seeded' ? draws.int(candidates.length) : 0;
  return { instance: candidates[place] as Instance, left, scores };
}

/** Tasks of a group on all instances of each key. */
function tallyOf(
  instances: readonly PlacementInstance[],
  key: (instance: PlacementInstance) => RankKey,
  tasksOn: TasksOn,
): ReadonlyMap<RankKey, number> {
  const tally = new Map<RankKey, number>();
  for (const instance of instances) {
    const value = key(instance);
    tally.set(value, (tally.get(value) ?? 0) + tasksOn(instance));
  }
  return tally;
}
