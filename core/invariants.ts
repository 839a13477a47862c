/**
 * What must hold after every event: conservation, capacity, and every count in the world equal to its scan. For property
 * tests and for `--check`; a scan of the whole world per event is too slow for long runs.
 */

import type { Immutable } from 'immer';
import { countKey, hasReleased, hostPorts, type Service } from './ecs/index.ts';
import { BrokenInvariantError, type Millis, type Recorded } from './kernel/index.ts';
import type { Event, World } from './world.ts';

/** Checks one run; it remembers the requests in the system, and targets without a task. @throws BrokenInvariantError */
export function createInvariants(): (world: Immutable<World>, recorded: Recorded<Event>) => void {
  const queued = new Map<string, number>();
  const orphans = new Map<string, Millis>();
  return (world, recorded) => {
    const fail = (message: string): never => {
      throw new BrokenInvariantError(`after event ${recorded.seq} (${recorded.event.type}): ${message}`);
    };
    const equal = (what: string, found: number, expected: number) => {
      if (found !== expected) fail(`${what} is ${found}, expected ${expected}`);
    };
    if (recorded.event.type === 'LoadServed') checkRequests(recorded.event, queued, equal);
    checkInstances(world, fail, equal);
    checkServices(world, fail, equal);
    checkTargetGroups(world, recorded.atMs, orphans, fail, equal);
    checkGroups(world, fail);
  };
}

type Fail = (message: string) => never;
type Equal = (what: string, found: number, expected: number) => void;
type LoadServed = Extract<Event, { type: 'LoadServed' }>;

/** Every request that came was served, failed, or is still there. */
function checkRequests(frame: LoadServed, queued: Map<string, number>, equal: Equal): void {
  for (const [row, service] of frame.services.entries()) {
    const at = (column: readonly number[]) => column[row] as number;
    const came = (queued.get(service) ?? 0) + at(frame.offered);
    const gone = at(frame.served) + at(frame.timedOut) + at(frame.rejected) + at(frame.unserved) + at(frame.lost);
    equal(`requests of ${service}, served, failed and queued,`, gone + at(frame.queued), came);
    queued.set(service, at(frame.queued));
  }
}

function checkInstances({ ecs }: Immutable<World>, fail: Fail, equal: Equal): void {
  for (const instance of ecs.containerInstances.values()) {
    const { ec2InstanceId: id, registered, remaining } = instance;
    let { cpuUnits, memoryMiB, enis } = registered;
    const counts = new Map<string, number>();
    const ports = new Set<string>();
    for (const taskId of instance.tasks.keys()) {
      const task = ecs.tasks.get(taskId) ?? fail(`${id} holds ${taskId}, which does not exist`);
      if (task.ec2InstanceId !== id) fail(`${id} holds ${taskId}, which says it is on ${task.ec2InstanceId}`);
      if (task.stopping === undefined) counts.set(countKey(task), (counts.get(countKey(task)) ?? 0) + 1);
      const demand = ecs.taskDefinitions.get(task.taskDefinition)?.demand ?? fail(`${taskId} has no task definition`);
      enis -= demand.enis;
      if (hasReleased(ecs, task)) continue;
      cpuUnits -= demand.cpuUnits;
      memoryMiB -= demand.memoryMiB;
      for (const port of hostPorts(demand)) {
        if (ports.has(port)) fail(`${id} has two tasks on ${port}`);
        ports.add(port);
        if (!instance.ports.has(port)) fail(`${id} does not know that ${port} is taken`);
      }
    }
    equal(`remaining cpuUnits of ${id}`, remaining.cpuUnits, cpuUnits);
    equal(`remaining memoryMiB of ${id}`, remaining.memoryMiB, memoryMiB);
    equal(`remaining enis of ${id}`, remaining.enis, enis);
    if (Math.min(cpuUnits, memoryMiB, enis) < 0)
      fail(`${id} is over-committed: ${cpuUnits} cpuUnits, ${memoryMiB} MiB, ${enis} ENIs remain`);
    equalCounts(`tasks per service on ${id}`, instance.serviceCounts, counts, equal);
  }
}

function checkServices({ ecs }: Immutable<World>, fail: Fail, equal: Equal): void {
  for (const service of ecs.services.values()) {
    const name = service.config.serviceName;
    const zones = new Map<string, number>();
    const providers = new Map<string, number>();
    const counts = { pending: 0, running: 0, stopping: 0 };
    const ofDeployments = new Map<string, number>();
    const runningOf = new Map<string, number>();
    for (const task of ecs.tasks.values()) {
      if (task.serviceName !== name) continue;
      addTo(ofDeployments, task.startedBy, 1);
      if (task.stopping !== undefined) {
        counts.stopping++;
        continue;
      }
      if (task.status === 'RUNNING') addTo(runningOf, task.startedBy, 1);
      counts[task.status === 'RUNNING' ? 'running' : 'pending']++;
      const provider = task.capacityProvider ?? '';
      providers.set(provider, (providers.get(provider) ?? 0) + 1);
      const zone = task.availabilityZone;
      if (zone !== undefined) zones.set(zone, (zones.get(zone) ?? 0) + 1);
    }
    equal(`pendingCount of ${name}`, service.pendingCount, counts.pending);
    equal(`runningCount of ${name}`, service.runningCount, counts.running);
    equal(`stoppingCount of ${name}`, service.stoppingCount, counts.stopping);
    equal(`tasks of ${name}`, service.tasks.size, counts.pending + counts.running + counts.stopping);
    equalCounts(`tasks per zone of ${name}`, service.zoneCounts, zones, equal);
    const counted = Array.from(service.providerCounts.values()).reduce((sum, count) => sum + count, 0);
    equal(`tasks of all providers of ${name}`, counted, counts.pending + counts.running + service.starting);
    if (service.starting === 0) equalCounts(`tasks per provider of ${name}`, service.providerCounts, providers, equal);
    checkDeployments(service, ofDeployments, runningOf, fail, equal);
  }
}

/** Each deployment knows its tasks; only the primary may be without; and none starts tasks but the primary. */
function checkDeployments(
  { config, deployments, starting }: Immutable<Service>,
  tasks: ReadonlyMap<string, number>,
  running: ReadonlyMap<string, number>,
  fail: Fail,
  equal: Equal,
): void {
  const name = config.serviceName;
  let asked = 0;
  for (const [index, deployment] of deployments.entries()) {
    const { deploymentId, taskCount, runningCount, rolloutState } = deployment;
    equal(`tasks of ${deploymentId}`, taskCount, tasks.get(deploymentId) ?? 0);
    equal(`running tasks of ${deploymentId}`, runningCount, running.get(deploymentId) ?? 0);
    let ownStarts = 0;
    for (const count of deployment.starting.values()) ownStarts += count;
    if (index > 0 && taskCount === 0) fail(`${deploymentId} of ${name} has no task left, and is still there`);
    if (ownStarts > 0 && (index > 0 || rolloutState === 'FAILED')) fail(`${deploymentId} of ${name} starts tasks`);
    asked += ownStarts;
  }
  equal(`tasks that ${name} starts`, starting, asked);
  for (const deploymentId of tasks.keys())
    if (!deployments.some((deployment) => deployment.deploymentId === deploymentId))
      fail(`${name} has tasks of ${deploymentId}, which is not there`);
}

function addTo(counts: Map<string, number>, key: string, change: number): void {
  counts.set(key, (counts.get(key) ?? 0) + change);
}

/** A target goes with its task: when an instance is lost, in the same instant. */
function checkTargetGroups(
  { ecs, elb }: Immutable<World>,
  atMs: Millis,
  orphans: Map<string, Millis>,
  fail: Fail,
  equal: Equal,
): void {
  const seen = new Map<string, Millis>();
  for (const [name, { targets, healthyCount }] of elb.targetGroups) {
    let healthy = 0;
    for (const [targetId, state] of targets) {
      if (state === 'healthy') healthy++;
      if (ecs.tasks.has(targetId)) continue;
      seen.set(targetId, orphans.get(targetId) ?? atMs);
      if (seen.get(targetId) !== atMs) fail(`target ${targetId} of ${name} is no task`);
    }
    equal(`healthyCount of ${name}`, healthyCount, healthy);
  }
  orphans.clear();
  for (const [targetId, sinceMs] of seen) orphans.set(targetId, sinceMs);
}

function checkGroups({ ec2 }: Immutable<World>, fail: Fail): void {
  for (const [name, { config, desiredCapacity }] of ec2.groups)
    if (desiredCapacity < config.MinSize || desiredCapacity > config.MaxSize)
      fail(`desired capacity of ${name} is ${desiredCapacity}, expected ${config.MinSize} to ${config.MaxSize}`);
}

function equalCounts(
  what: string,
  found: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
  equal: Equal,
): void {
  for (const key of new Set([...found.keys(), ...expected.keys()]))
    equal(`${what}, ${key === '' ? 'launch type EC2' : key},`, found.get(key) ?? 0, expected.get(key) ?? 0);
}
