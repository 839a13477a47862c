/**
 * What must hold after every event: conservation, capacity, and every count in the world equal to its scan. For property
 * tests and for `--check`; a scan of the whole world per event is too slow for long runs.
 */

import type { Immutable } from 'immer';
import { turnsOf } from './cloudwatch/index.ts';
import { fargateTakes, instanceType, membersOf, onDemandShare } from './ec2/index.ts';
import {
  answerTo,
  censusByCounts,
  censusByTasks,
  findInIndex,
  groupOf,
  hasReleased,
  hostPorts,
  isFargate,
  placementRequest,
  prepare,
  rosterOf,
  scanForPlace,
  type Service,
} from './ecs/index.ts';
import { BrokenInvariantError, keyedRng, type Millis, type Recorded } from './kernel/index.ts';
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
    if (recorded.event.type === 'MessagesServed') checkQueue(recorded.event, world, queued, fail, equal);
    checkInstances(world, fail, equal);
    if (CHANGING_PLACEMENT.has(recorded.event.type)) checkPlacement(world, recorded.seq, fail);
    checkServices(world, fail, equal);
    checkJobs(world, fail, equal);
    checkTargetGroups(world, recorded.atMs, orphans, fail, equal);
    checkGroups(world, fail, equal);
    checkTurns(world, fail);
    checkLooks(world, recorded, fail);
    checkEc2(world, fail);
    checkLaunch(world, recorded.event, fail);
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
    equal(
      `gateway timeouts of ${service} beyond its timeouts`,
      Math.max(0, at(frame.gatewayTimeouts) - at(frame.timedOut)),
      0,
    );
    equal(
      `connection errors of ${service} beyond its lost`,
      Math.max(0, at(frame.connectionErrors) - at(frame.lost)),
      0,
    );
    queued.set(service, at(frame.queued));
  }
}

/** Every message of a queue is somewhere, and no task works on more than it has places for. */
function checkQueue(
  event: Extract<Event, { type: 'MessagesServed' }>,
  { workload }: Immutable<World>,
  queued: ReadonlyMap<string, number>,
  fail: Fail,
  equal: Equal,
): void {
  const { serviceName, queueName, visible, notVisible, held, heldDraining, taskIds, drainingTaskIds } = event;
  const counted = (rows: readonly number[], width: number) =>
    rows.reduce((sum, value, index) => (index % width === 0 ? sum + value : sum), 0);
  equal(`messages of ${queueName}, visible and not,`, visible + notVisible, queued.get(serviceName) ?? 0);
  equal(`visible messages of ${queueName}, by cohort,`, counted(event.visibleCohorts, 4), visible);
  const holding = counted(held, 2);
  equal(`messages of ${queueName} in flight`, holding + counted(event.hiddenCohorts, 5), notVisible);
  const places = workload.loads.get(serviceName)?.config.request.perTaskConcurrency ?? 0;
  if (holding - heldDraining > taskIds.length * places || heldDraining > drainingTaskIds.length * places)
    fail(
      `${taskIds.length} and ${drainingTaskIds.length} tasks hold ${holding}, ${heldDraining}, expected ${places} each`,
    );
}

function checkInstances({ ecs }: Immutable<World>, fail: Fail, equal: Equal): void {
  for (const instance of ecs.containerInstances.values()) {
    const { ec2InstanceId: id, registered, remaining, host } = instance;
    let { cpuUnits, memoryMiB, gpuCount, enis } = registered;
    const used = { cpuUnits: 0, memoryMiB: 0, gpuCount: 0 };
    const usedPorts = new Set<string>();
    const running = new Map<string, number>();
    const counts = new Map<string, number>();
    const ports = new Set<string>();
    for (const taskId of instance.tasks.keys()) {
      const task = ecs.tasks.get(taskId) ?? fail(`${id} holds ${taskId}, which does not exist`);
      if (task.ec2InstanceId !== id) fail(`${id} holds ${taskId}, which says it is on ${task.ec2InstanceId}`);
      if (task.stopping === undefined) addTo(counts, task.group, 1);
      const demand = ecs.taskDefinitions.get(task.taskDefinition)?.demand ?? fail(`${taskId} has no task definition`);
      if (task.status === 'RUNNING') addTo(running, task.group, 1);
      const isEnding = task.status === 'STOPPING' || task.status === 'DEPROVISIONING';
      if (!isEnding || ecs.placement.releaseEniAt === 'STOPPED') enis -= demand.enis;
      if (!host.queue.has(taskId)) {
        used.cpuUnits += demand.cpuUnits;
        used.memoryMiB += demand.memoryMiB;
        used.gpuCount += demand.gpuCount;
        for (const port of [...hostPorts(demand), ...task.hostPorts]) {
          if (usedPorts.has(port)) fail(`${id} really has two tasks on ${port}`);
          usedPorts.add(port);
          if (!host.ports.has(port)) fail(`the host of ${id} does not know that ${port} is taken`);
        }
      }
      if (hasReleased(ecs, task)) continue;
      cpuUnits -= demand.cpuUnits;
      memoryMiB -= demand.memoryMiB;
      gpuCount -= demand.gpuCount;
      for (const port of hostPorts(demand)) {
        if (ports.has(port)) fail(`${id} has two tasks on ${port}`);
        ports.add(port);
        if (!instance.ports.has(port)) fail(`${id} does not know that ${port} is taken`);
      }
    }
    equal(`remaining cpuUnits of ${id}`, remaining.cpuUnits, cpuUnits);
    equal(`remaining memoryMiB of ${id}`, remaining.memoryMiB, memoryMiB);
    equal(`remaining gpuCount of ${id}`, remaining.gpuCount, gpuCount);
    equal(`remaining enis of ${id}`, remaining.enis, enis);
    if (Math.min(cpuUnits, memoryMiB, gpuCount, enis) < 0)
      fail(`${id} is over-committed: ${cpuUnits} cpuUnits, ${memoryMiB} MiB, ${gpuCount} GPUs, ${enis} ENIs remain`);
    for (const key of ['cpuUnits', 'memoryMiB', 'gpuCount'] as const) {
      equal(`${key} that the host of ${id} has`, host[key], registered[key] - used[key]);
      if (host[key] < 0) fail(`the host of ${id} is over-committed: ${host[key]} ${key} remain`);
    }
    for (const taskId of host.queue.keys())
      if (ecs.tasks.get(taskId)?.status !== 'PENDING') fail(`${taskId} waits on the host of ${id}, but is not PENDING`);
    const taskCount = Array.from(counts.values()).reduce((sum, count) => sum + count, 0);
    equal(`runningTasksCount of ${id}`, instance.runningTasksCount, taskCount);
    equalCounts(`running tasks per group on ${id}`, instance.runningGroups, running, equal);
    equalCounts(`tasks per group on ${id}`, instance.taskGroups, counts, equal);
  }
  const ordinals = [...Array.from(ecs.containerInstances.values(), ({ ordinal }) => ordinal), ...ecs.freeOrdinals];
  if (ordinals.toSorted((a, b) => a - b).some((ordinal, place) => ordinal !== place))
    fail(`ordinals of instances, taken and free, are ${ordinals.join(', ')}`);
  const draining = Array.from(ecs.containerInstances.values()).filter(({ status }) => status === 'DRAINING');
  equal('drainingInstances', ecs.drainingInstances, draining.length);
  const active = new Map<string, number>();
  for (const { status, availabilityZone } of ecs.containerInstances.values())
    if (status === 'ACTIVE') addTo(active, availabilityZone, 1);
  equalCounts('ACTIVE instances per zone', ecs.activeInstances, active, equal);
  const holding = new Map<string, number>();
  for (const { serviceName, ec2InstanceId } of ecs.tasks.values())
    if (ec2InstanceId !== undefined && ecs.services.get(serviceName)?.config.schedulingStrategy !== 'DAEMON')
      addTo(holding, ec2InstanceId, 1);
  const occupied = new Map(Array.from(ecs.occupiedInstances.values()).flatMap((counts) => [...counts]));
  equalCounts('tasks of no daemon per instance', occupied, holding, equal);
}

/** Events that change what placement sees. */
const CHANGING_PLACEMENT: ReadonlySet<string> = new Set<Event['type']>([
  'ContainerInstanceRegistered',
  'ContainerInstanceActivated',
  'ContainerInstanceDraining',
  'ContainerInstanceDeregistered',
  'ContainerAgentDisconnected',
  'ContainerAgentConnected',
  'TaskPlaced',
  'TaskDeactivating',
  'TaskStopping',
  'TaskStopped',
]);

/** The next task of every service would get the same answer from the index as from a scan of all instances. */
function checkPlacement({ ecs }: Immutable<World>, seq: number, fail: Fail): void {
  const rng = keyedRng(seq);
  for (const { config, deployments, strategy } of ecs.services.values()) {
    const taskDefinition = deployments[0]?.taskDefinition;
    const group = groupOf(config.serviceName);
    if (taskDefinition === undefined) continue;
    const providers = strategy.map(({ capacityProvider }) => capacityProvider).filter((name) => !isFargate(name));
    for (const provider of strategy.length === 0 ? [undefined] : providers) {
      const request = placementRequest(ecs, config, { group, taskDefinition, capacityProvider: provider });
      const indexed = findInIndex(ecs, request, ecs.placement, rng.at('check', 1));
      const all = ecs.containerInstances.values();
      const scanned = scanForPlace(prepare(request, ecs.placement), all, rng.at('check', 1));
      const [one, other] = [indexed, scanned].map((place) =>
        JSON.stringify('instance' in place ? { ...place, instance: place.instance.ec2InstanceId } : place),
      );
      if (one !== other) fail(`placement of ${config.serviceName} by the index is ${one}, by a scan ${other}`);
    }
  }
}

/** Where the scheduler knows by its counts how a service stands, a look at every task would lead to the same. */
function checkLooks(world: Immutable<World>, { seq, atMs: nowMs }: Recorded<Event>, fail: Fail): void {
  const context = { world, nowMs, rng: keyedRng(seq) };
  for (const service of world.ecs.services.values()) {
    if (service.config.schedulingStrategy === 'DAEMON' || service.status === 'INACTIVE') continue;
    const byCounts = censusByCounts(world, service, nowMs);
    // A task that has just gone is still a target of its group: that is mended before the scheduler looks.
    if (byCounts === undefined || hasLostTargets(world, service)) continue;
    const byTasks = censusByTasks(world, service, nowMs);
    const [one, other] = [byCounts, byTasks].map((census) => JSON.stringify(answerTo(census, service, false, context)));
    if (one !== other)
      fail(`a look at ${service.config.serviceName} answers ${one} by its counts, by its tasks ${other}`);
  }
}

function hasLostTargets({ elb }: Immutable<World>, { config, tasks }: Immutable<Service>): boolean {
  return config.loadBalancers.some(({ targetGroup }) =>
    Array.from(elb.targetGroups.get(targetGroup)?.targets.keys() ?? []).some((targetId) => !tasks.has(targetId)),
  );
}

function checkServices({ ecs }: Immutable<World>, fail: Fail, equal: Equal): void {
  for (const service of ecs.services.values()) {
    const name = service.config.serviceName;
    const zones = new Map<string, number>();
    const providers = new Map<string, number>();
    const counts = { pending: 0, running: 0, protected: 0 };
    const staying: string[] = [];
    const stopping: string[] = [];
    const draining: string[] = [];
    const ofDeployments = new Map<string, number>();
    const runningOf = new Map<string, number>();
    for (const task of ecs.tasks.values()) {
      if (task.serviceName !== name) continue;
      addTo(ofDeployments, task.startedBy, 1);
      if (task.protectedUntilMs !== undefined) counts.protected++;
      if (task.stopping !== undefined) {
        stopping.push(task.taskId);
        continue;
      }
      staying.push(task.taskId);
      if (task.status === 'RUNNING') addTo(runningOf, task.startedBy, 1);
      counts[task.status === 'RUNNING' ? 'running' : 'pending']++;
      if (ecs.containerInstances.get(task.ec2InstanceId ?? '')?.status === 'DRAINING') draining.push(task.taskId);
      const provider = task.capacityProvider ?? '';
      providers.set(provider, (providers.get(provider) ?? 0) + 1);
      const zone = task.availabilityZone;
      if (zone !== undefined) zones.set(zone, (zones.get(zone) ?? 0) + 1);
    }
    equal(`pendingCount of ${name}`, service.pendingCount, counts.pending);
    equal(`runningCount of ${name}`, service.runningCount, counts.running);
    equalKeys(`tasks of ${name} on their way out`, service.stopping, stopping, fail, equal);
    const roster = rosterOf(ecs, service);
    if (roster.length !== staying.length || roster.some(({ taskId }, place) => taskId !== staying[place]))
      fail(`roster of ${name} is ${roster.map(({ taskId }) => taskId).join(' ')}, expected ${staying.join(' ')}`);
    equalKeys(`tasks of ${name} on draining instances`, service.draining, draining, fail, equal);
    for (const taskId of service.asked.keys())
      if (!service.tasks.has(taskId) || service.stopping.has(taskId)) fail(`${name} still asks ${taskId} to stop`);
    equal(`protectedCount of ${name}`, service.protectedCount, counts.protected);
    equal(`tasks of ${name}`, service.tasks.size, counts.pending + counts.running + stopping.length);
    equalCounts(`tasks per zone of ${name}`, service.zoneCounts, zones, equal);
    const counted = Array.from(service.providerCounts.values()).reduce((sum, count) => sum + count, 0);
    equal(`tasks of all providers of ${name}`, counted, counts.pending + counts.running + service.starting);
    if (service.starting === 0) equalCounts(`tasks per provider of ${name}`, service.providerCounts, providers, equal);
    checkDeployments(service, ofDeployments, runningOf, fail, equal);
  }
}

/** Runs count their tasks; of a queue one job at a time is being started, and every job that runs is known to be at work. */
function checkJobs({ ecs }: Immutable<World>, fail: Fail, equal: Equal): void {
  if (ecs.runs.size === 0 && ecs.jobQueues.size === 0) return;
  const running = new Map<string, number>();
  const onInstances = new Map<string, number>();
  for (const { serviceName, startedBy, status, stopping, ec2InstanceId } of ecs.tasks.values()) {
    if (serviceName !== '' || status !== 'RUNNING' || stopping !== undefined) continue;
    addTo(running, startedBy, 1);
    if (ec2InstanceId !== undefined) addTo(onInstances, startedBy, 1);
  }
  const starting = new Map<string, number>();
  for (const [runId, run] of ecs.runs) {
    equal(`runningCount of ${runId}`, run.runningCount, running.get(runId) ?? 0);
    equal(`tasks of ${runId} on instances`, run.runningOnInstances, onInstances.get(runId) ?? 0);
    if (run.job === undefined) continue;
    addTo(starting, run.job.queue, run.starting);
    const job = ecs.jobQueues.get(run.job.queue)?.working.get(run.job.job);
    if (run.runningCount > 0 && (job === undefined || job.endedMs !== undefined))
      fail(`${runId} runs, and its job is not at work`);
  }
  for (const [name, { isStarting, nextToStart, nextToSubmit, refusedRunId, working }] of ecs.jobQueues) {
    equal(`jobs that ${name} starts`, starting.get(name) ?? 0, Number(isStarting));
    if (nextToStart > nextToSubmit) fail(`${name} starts job ${nextToStart - 1}, which is not submitted`);
    if (refusedRunId !== undefined && nextToStart === nextToSubmit) fail(`${name} waits for room, and has no job`);
    for (const job of working.keys()) if (job >= nextToStart) fail(`${name} works on job ${job} before it is started`);
  }
}

function equalKeys(
  what: string,
  found: ReadonlyMap<string, true>,
  expected: readonly string[],
  fail: Fail,
  equal: Equal,
): void {
  equal(what, found.size, expected.length);
  for (const key of expected) if (!found.has(key)) fail(`${what} lack ${key}`);
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
  for (const [
    name,
    { targets, healthyCount, unhealthyCount, checks, foreseen, zones, drainedAtMs, slowStarts, failingCount },
  ] of elb.targetGroups) {
    let healthy = 0;
    let unhealthy = 0;
    let checked = 0;
    let drained = 0;
    for (const [targetId, state] of targets) {
      if (state === 'healthy') healthy++;
      if (state === 'unhealthy') unhealthy++;
      if (state === 'draining') drained++;
      else if (state !== 'unused') checked++;
      if (checks.has(targetId) !== (state !== 'draining' && state !== 'unused'))
        fail(`target ${targetId} of ${name} is ${state} and ${checks.has(targetId) ? '' : 'not '}checked`);
      const verdictMs = checks.get(targetId)?.verdict?.atMs;
      if (verdictMs !== undefined && verdictMs < atMs)
        fail(`a verdict on ${targetId} of ${name} was due at ${verdictMs}`);
      if (ecs.tasks.has(targetId)) continue;
      seen.set(targetId, orphans.get(targetId) ?? atMs);
      if (seen.get(targetId) !== atMs) fail(`target ${targetId} of ${name} is no task`);
    }
    equal(`healthyCount of ${name}`, healthyCount, healthy);
    equal(`unhealthyCount of ${name}`, unhealthyCount, unhealthy);
    equal(`targets of ${name} that are checked`, checks.size, checked);
    equal(`targets of ${name} with a zone`, zones.size, targets.size);
    equal(`targets of ${name} that drain`, drainedAtMs.size, drained);
    let failing = 0;
    let foreseenCount = 0;
    for (const [targetId, { application, verdict }] of checks) {
      if (application !== 'Passes') failing++;
      if (verdict !== undefined) foreseenCount++;
      if (foreseen.has(targetId) !== (verdict !== undefined))
        fail(`the verdict on ${targetId} of ${name} is not listed`);
    }
    equal(`failingCount of ${name}`, failingCount, failing);
    equal(`verdicts of ${name} that are foreseen`, foreseen.size, foreseenCount);
    for (const targetId of slowStarts.keys())
      if (targets.get(targetId) !== 'healthy') fail(`${targetId} of ${name} starts slowly and is not healthy`);
  }
  orphans.clear();
  for (const [targetId, sinceMs] of seen) orphans.set(targetId, sinceMs);
}

function checkGroups({ ec2 }: Immutable<World>, fail: Fail, equal: Equal): void {
  for (const [name, { config, desiredCapacity, inServiceCount, terminating }] of ec2.groups) {
    if (desiredCapacity < config.MinSize || desiredCapacity > config.MaxSize)
      fail(`desired capacity of ${name} is ${desiredCapacity}, expected ${config.MinSize} to ${config.MaxSize}`);
    const own = Array.from(ec2.instances.values()).filter(({ autoScalingGroupName }) => autoScalingGroupName === name);
    equal(`inServiceCount of ${name}`, inServiceCount, own.filter(({ state }) => state === 'InService').length);
    const leaving = own.filter(({ state }) => state.startsWith('Terminating'));
    equal(`instances of ${name} that terminate`, terminating.size, leaving.length);
    for (const { instanceId } of leaving)
      if (!terminating.has(instanceId)) fail(`${instanceId} terminates, which ${name} does not know`);
  }
}

/** Each alarm has its turns, and those of one instant are in the order in which they were put. */
function checkTurns({ cloudwatch: { alarms, turns } }: Immutable<World>, fail: Fail): void {
  const expected = new Map<Millis, string[]>();
  for (const alarm of alarms.values())
    for (const turn of turnsOf(alarm, 0)) {
      const names = expected.get(turn);
      if (names === undefined) expected.set(turn, [alarm.config.alarmName]);
      else names.push(alarm.config.alarmName);
    }
  for (const turn of new Set([...expected.keys(), ...turns.keys()])) {
    const [found, wanted] = [[...(turns.get(turn)?.keys() ?? [])], expected.get(turn) ?? []].map(String);
    if (found !== wanted) fail(`the alarms that have a turn at ${turn} ms are ${found}, expected ${wanted}`);
  }
}

/** Hooks hold only what terminates, warm instances are in no cluster, and credits stay within what a day earns. */
function checkEc2({ ec2, ecs }: Immutable<World>, fail: Fail): void {
  for (const { instanceId, instanceType: type, state, waitsFor, cpuCredits } of ec2.instances.values()) {
    if (waitsFor.size > 0 && state !== 'Terminating:Wait') fail(`${instanceId} is ${state} and held by hooks`);
    if (state.startsWith('Warmed') && ecs.containerInstances.has(instanceId))
      fail(`${instanceId} is in a warm pool and in the cluster`);
    if (cpuCredits === undefined) continue;
    const limit = 24 * (instanceType(type)?.cpuCreditsPerHour ?? 0);
    const { balance, launchCredits, surplus, mode } = cpuCredits;
    if (Math.min(balance, launchCredits, surplus) < 0 || Math.max(balance, surplus) > limit)
      fail(`${instanceId} has ${balance} CPU credits and owes ${surplus}, expected 0 to ${limit}`);
    if (mode === 'standard' && surplus > 0) fail(`${instanceId} owes ${surplus} CPU credits in standard mode`);
  }
}

/** Nothing starts in a zone that is out, scale-in spares what is protected, and on-demand comes before Spot. */
function checkLaunch(world: Immutable<World>, event: Immutable<Event>, fail: Fail): void {
  const { ec2 } = world;
  if (event.type === 'InstanceTerminating' && event.cause.includes('difference between desired and actual')) {
    if (ec2.instances.get(event.instanceId)?.protectedFromScaleIn === true)
      fail(`${event.instanceId} is protected from scale-in, and was picked`);
  }
  if (event.type !== 'InstanceLaunched') return;
  if (!fargateTakes(ec2, event.availabilityZone, false))
    fail(`${event.instanceId} was launched in ${event.availabilityZone}, which is out`);
  const group = ec2.groups.get(event.autoScalingGroupName);
  if (group === undefined || event.purchaseOption === 'on-demand' || event.surplus) return;
  if (group.config.CapacityRebalance || group.backoffs['on-demand'].exhausted) return;
  const members = membersOf(world, event.autoScalingGroupName);
  const onDemand = members.filter(({ purchaseOption }) => purchaseOption === 'on-demand').length;
  if (onDemand < onDemandShare(group.config, members.length))
    fail(`${event.autoScalingGroupName} has ${onDemand} on-demand instances of ${members.length}, below its share`);
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
