/**
 * Another future of a run from an instant on: what a person would do then to come from the scenario as it stands to the one
 * that is wanted. Chance is keyed, so that both futures have the same luck.
 */

import { policyKey, scalerOf, type ScalingPolicyConfig } from './autoscaling/index.ts';
import { compositeAlarmOf } from './cloudwatch/index.ts';
import { updatedConfig } from './ec2/index.ts';
import { serviceUpdate } from './ecs/index.ts';
import { InvalidScenarioError, type Due, type Millis, type ScenarioProblem } from './kernel/index.ts';
import type { Change, Scenario } from './scenario.ts';
import { alarmOf, changeOf, hasSpot, putGroupPolicy, resourceOf, troubleOf, type EcsSimulation } from './simulate.ts';
import type { Command } from './world.ts';

/** Where a future parts from another, and by what. */
export interface Branching {
  /** Everything that happens at this instant has happened. */
  readonly atMs: Millis;
  /** What is done from then on. */
  readonly submitted: readonly Due<Command>[];
  /** What would have been done, and is not. */
  readonly withheld: readonly Due<Command>[];
  /** The scenario as it stands from then on. */
  readonly scenario: Scenario;
}

/**
 * Sails until an instant, and does on the way what branchings ask for. A branching is taken when the run leaves its instant:
 * one that goes on from a checkpoint of that instant takes it, one that ends there does not.
 */
export function sailTo(simulation: EcsSimulation, atMs: Millis, branchings: readonly Branching[]): void {
  for (const branching of branchings) {
    if (branching.atMs < simulation.nowMs || branching.atMs >= atMs) continue;
    simulation.runUntil(branching.atMs);
    for (const { atMs: dueMs, command } of branching.submitted) simulation.submit(dueMs, command);
  }
  simulation.runUntil(atMs);
}

/**
 * The scenario as it stands at an instant of its run: with the changes that have been made until then, and the counts and
 * bounds to which scaling has moved.
 *
 * @param sinceMs  of a branch, its instant: the scenario is as it stood then
 */
export function standing(
  scenario: Scenario,
  world: EcsSimulation['world'],
  atMs: Millis,
  sinceMs = Number.NEGATIVE_INFINITY,
): Scenario {
  const changed = scenario.changes.filter(({ at }) => at > sinceMs && at <= atMs).reduce(after, scenario);
  return {
    ...changed,
    services: changed.services.map((item) => {
      const now = world.ecs.services.get(item.serviceName);
      const counts = now?.status === 'ACTIVE' && now.config.schedulingStrategy !== 'DAEMON';
      return counts ? { ...item, desiredCount: now.desiredCount } : item;
    }),
    scalableTargets: changed.scalableTargets.map((target) => {
      const now = world.autoscaling.targets.get(resourceOf(scenario, target.service));
      return now === undefined ? target : { ...target, MinCapacity: now.minCapacity, MaxCapacity: now.maxCapacity };
    }),
    autoScalingGroups: changed.autoScalingGroups.map((group) => {
      const now = world.ec2.groups.get(group.AutoScalingGroupName);
      return now === undefined || group.DesiredCapacity === undefined
        ? group
        : { ...group, DesiredCapacity: now.desiredCapacity };
    }),
  };
}

/** A scenario in which a change has been made. What leaves no trace in the other blocks, such as RunTask, is left alone. */
function after(scenario: Scenario, change: Change): Scenario {
  const {
    UpdateService: update,
    RegisterScalableTarget: register,
    SuspendScaling: suspend,
    DeregisterScalableTarget: deregister,
    PutScalingPolicy: put,
    DeleteScalingPolicy: drop,
    PutScheduledAction: action,
    DeleteScheduledAction: dropAction,
    UpdateAutoScalingGroup: group,
    PutMetricAlarm: alarm,
    DeleteAlarms: dropAlarms,
  } = change;
  const target = (service: string, edit: (target: Target) => Target) => ({
    ...scenario,
    scalableTargets: scenario.scalableTargets.map((item) => (item.service === service ? edit(item) : item)),
  });
  if (update !== undefined) {
    const { service, forceNewDeployment: _, ...fields } = update;
    return {
      ...scenario,
      services: scenario.services.map((item) =>
        item.serviceName === service ? { ...item, ...present(fields) } : item,
      ),
    };
  }
  if (register !== undefined) {
    const { service, ...fields } = register;
    if (!scenario.scalableTargets.some((item) => item.service === service)) {
      const { MinCapacity = 0, MaxCapacity = 0, SuspendedState } = fields;
      const suspended = SuspendedState === undefined ? {} : { SuspendedState };
      const added = { service, MinCapacity, MaxCapacity, ...suspended, policies: [], scheduledActions: [] };
      return { ...scenario, scalableTargets: [...scenario.scalableTargets, added] };
    }
    return target(service, (item) => ({ ...item, ...present(fields) }));
  }
  if (suspend !== undefined) {
    const { service, ...state } = suspend;
    return target(service, (item) => ({ ...item, SuspendedState: { ...item.SuspendedState, ...present(state) } }));
  }
  if (deregister !== undefined)
    return {
      ...scenario,
      scalableTargets: scenario.scalableTargets.filter(({ service }) => service !== deregister.service),
    };
  if (put !== undefined)
    return target(put.service, (item) => ({
      ...item,
      policies: replaced(item.policies, put.policy, ({ PolicyName }) => PolicyName),
    }));
  if (drop !== undefined)
    return target(drop.service, (item) => ({
      ...item,
      policies: item.policies.filter(({ PolicyName }) => PolicyName !== drop.PolicyName),
    }));
  if (action !== undefined) {
    const { service, ...written } = action;
    return target(service, (item) => {
      const known = item.scheduledActions.find(
        ({ ScheduledActionName }) => ScheduledActionName === written.ScheduledActionName,
      );
      const { StartTime: _start, EndTime: _end, ...kept } = known ?? {};
      const now = { Timezone: 'UTC', ...kept, ...present(written) } as ScheduledAction;
      return {
        ...item,
        scheduledActions: replaced(item.scheduledActions, now, ({ ScheduledActionName }) => ScheduledActionName),
      };
    });
  }
  if (dropAction !== undefined)
    return target(dropAction.service, (item) => ({
      ...item,
      scheduledActions: item.scheduledActions.filter(
        ({ ScheduledActionName }) => ScheduledActionName !== dropAction.ScheduledActionName,
      ),
    }));
  if (group !== undefined)
    return {
      ...scenario,
      autoScalingGroups: scenario.autoScalingGroups.map((item) =>
        item.AutoScalingGroupName === group.AutoScalingGroupName
          ? { ...updatedConfig(item, group), policies: item.policies }
          : item,
      ),
    };
  if (alarm !== undefined)
    return { ...scenario, alarms: replaced(scenario.alarms, alarm, ({ AlarmName }) => AlarmName) };
  if (dropAlarms !== undefined)
    return {
      ...scenario,
      alarms: scenario.alarms.filter(({ AlarmName }) => !dropAlarms.AlarmNames.includes(AlarmName)),
    };
  return scenario;
}

type Target = Scenario['scalableTargets'][number];
type ScheduledAction = Target['scheduledActions'][number];
type Path = ScenarioProblem['path'];

/** Fields that are given. */
function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function replaced<T>(items: readonly T[], item: T, nameOf: (item: T) => string): T[] {
  const index = items.findIndex((other) => nameOf(other) === nameOf(item));
  return index === -1 ? [...items, item] : items.with(index, item);
}

/** What can be other in a branch, block by block; the rest of a scenario cannot be changed while it sails. */
const CHANGEABLE = {
  services: Object.keys(serviceUpdate.shape)
    .filter((key) => key !== 'service' && key !== 'forceNewDeployment')
    .join(', '),
  scalableTargets: 'everything',
  autoScalingGroups: 'MinSize, MaxSize, DesiredCapacity, instanceType, MixedInstancesPolicy and policies',
  capacityProviders: 'managedScaling without its status, managedTerminationProtection and managedDraining',
  alarms: 'everything',
  compositeAlarms: 'everything',
  load: 'rate, arrivals, request, memory, startup and routing',
  changes: 'what is still to come',
  faults: 'what is still to come, and how long a fault lasts',
  assumptions: 'everything but start, placement and bill',
} as const;

/**
 * What leads from one scenario to another at an instant of its run. Of scenarios that are alike it is nothing.
 *
 * @param before  as it stands at the instant
 * @throws InvalidScenarioError that names what cannot be changed on the way
 */
export function branching(before: Scenario, wanted: Scenario, atMs: Millis): Branching {
  const problems: ScenarioProblem[] = [];
  const refuse = (path: Path, message?: string) => {
    const found =
      message ?? `found another value, expected what it was: on the way only ${listed(path[0])} can be changed`;
    problems.push({ path, message: found });
  };
  for (const key of Object.keys({ ...before, ...wanted }) as (keyof Scenario)[])
    if (!(key in CHANGEABLE) && !alike(before[key], wanted[key])) refuse([key]);
  const submitted: Due<Command>[] = [];
  const withheld: Due<Command>[] = [];
  const submit = (command: Command) => submitted.push({ atMs, command });
  if (!hasSpot(before) && hasSpot(wanted)) submit({ type: 'MoveSpotMarket' });
  for (const command of commandsNow(before, wanted, refuse)) submit(command);

  checkPast(before, wanted, atMs, refuse);
  const planned = plannedOf(before).filter((due) => due.atMs >= atMs);
  const replanned = plannedOf(wanted).filter((due) => due.atMs >= atMs);
  withheld.push(...without(planned, replanned).filter((due) => due.atMs > atMs));
  submitted.push(...without(replanned, planned));
  if (problems.length > 0) throw new InvalidScenarioError(problems);
  const made = without(wanted.changes, before.changes).filter(({ at }) => at === atMs);
  return { atMs, submitted, withheld, scenario: made.reduce(after, wanted) };
}

type Refuse = (path: Path, message?: string) => void;

/** What a block of the scenario allows; of a block that allows nothing, what the others do. */
function listed(block: Path[number] | undefined): string {
  const own = CHANGEABLE[block as keyof typeof CHANGEABLE];
  return own ?? Object.keys(CHANGEABLE).join(', ');
}

/** Calls that are made at the instant itself, in the order in which a scene is set. */
function* commandsNow(before: Scenario, wanted: Scenario, refuse: Refuse): Iterable<Command> {
  if (!alike(before.assumptions, wanted.assumptions)) {
    // The index of instances is built for one way of placing; how a run starts and what is billed is settled, too.
    for (const key of ['start', 'placement', 'bill'] as const)
      if (!alike(before.assumptions[key], wanted.assumptions[key])) refuse(['assumptions', key]);
    yield { type: 'ChangeAssumptions', assumptions: wanted.assumptions };
  }
  for (const { old, item, path } of pairs('capacityProviders', before, wanted, ({ name }) => name, refuse))
    yield* providerCommands(old, item, path, refuse);
  for (const { old, item, path } of pairs('autoScalingGroups', before, wanted, groupName, refuse))
    yield* groupCommands(old, item, path, refuse);
  for (const { old, item, path } of pairs('services', before, wanted, ({ serviceName }) => serviceName, refuse)) {
    const update = changedFields(old, item, UPDATED_OF_SERVICE, path, refuse);
    if (update !== undefined) yield { type: 'UpdateService', serviceName: item.serviceName, ...update };
  }
  yield* scalingCommands(before, wanted);
  yield* alarmCommands(before, wanted, refuse);
  for (const item of wanted.load) {
    const index = wanted.load.indexOf(item);
    const old = before.load.find(({ service }) => service === item.service);
    if (alike(old, item)) continue;
    if (old !== undefined) changedFields(old, item, UPDATED_OF_LOAD, ['load', index], refuse);
    yield { type: 'AttachLoad', config: item };
  }
  for (const { service } of before.load)
    if (!wanted.load.some((item) => item.service === service))
      refuse(['load'], `found no load of "${service}", expected one: a rate of 0 ends it`);
}

const UPDATED_OF_SERVICE = Object.keys(serviceUpdate.shape);
const UPDATED_OF_LOAD = ['rate', 'arrivals', 'request', 'memory', 'startup', 'routing'];
const UPDATED_OF_GROUP = ['MinSize', 'MaxSize', 'DesiredCapacity', 'instanceType', 'MixedInstancesPolicy'];

type Named = 'services' | 'autoScalingGroups' | 'capacityProviders';

/** Items of a list that were there before, with what they are now. None comes and none goes. */
function pairs<K extends Named>(
  key: K,
  before: Scenario,
  wanted: Scenario,
  nameOf: (item: Scenario[K][number]) => string,
  refuse: Refuse,
): { readonly old: Scenario[K][number]; readonly item: Scenario[K][number]; readonly path: Path }[] {
  const items = wanted[key] as readonly Scenario[K][number][];
  const olds = before[key] as readonly Scenario[K][number][];
  for (const old of olds)
    if (!items.some((item) => nameOf(item) === nameOf(old)))
      refuse([key], `found no "${nameOf(old)}", expected all that are there; what goes has a call under changes`);
  return items.flatMap((item, index) => {
    const path = [key, index];
    const old = olds.find((other) => nameOf(other) === nameOf(item));
    if (old === undefined) refuse(path, `found "${nameOf(item)}", expected one that is there: none can be added`);
    return old === undefined ? [] : [{ old, item, path }];
  });
}

function groupName({ AutoScalingGroupName }: Scenario['autoScalingGroups'][number]): string {
  return AutoScalingGroupName;
}

/** Fields that have another value now; undefined when there is none. Others than those that may be changed are refused. */
function changedFields<T extends object>(
  old: T,
  item: T,
  allowed: readonly string[],
  path: Path,
  refuse: Refuse,
): Partial<T> | undefined {
  const keys = (Object.keys({ ...old, ...item }) as (keyof T & string)[]).filter((key) => !alike(old[key], item[key]));
  for (const key of keys)
    if (!allowed.includes(key)) refuse([...path, key]);
    else if (item[key] === undefined)
      refuse([...path, key], 'found nothing, expected a value: it cannot be taken away');
  return keys.length === 0 ? undefined : (Object.fromEntries(keys.map((key) => [key, item[key]])) as Partial<T>);
}

type Provider = Scenario['capacityProviders'][number];

function* providerCommands(old: Provider, item: Provider, path: Path, refuse: Refuse): Iterable<Command> {
  if (alike(old, item)) return;
  const [was, is] = [old.autoScalingGroupProvider, item.autoScalingGroupProvider];
  const at = [...path, 'autoScalingGroupProvider'];
  if (was.autoScalingGroup !== is.autoScalingGroup) refuse([...at, 'autoScalingGroup']);
  if (was.managedScaling.status !== is.managedScaling.status) refuse([...at, 'managedScaling', 'status']);
  yield { type: 'UpdateCapacityProvider', config: item };
}

type Group = Scenario['autoScalingGroups'][number];

function* groupCommands(old: Group, item: Group, path: Path, refuse: Refuse): Iterable<Command> {
  const { policies: oldPolicies, ...oldGroup } = old;
  const { policies, ...group } = item;
  const update = changedFields(oldGroup, group, UPDATED_OF_GROUP, path, refuse);
  const { AutoScalingGroupName: autoScalingGroupName } = item;
  if (update !== undefined) yield { type: 'UpdateAutoScalingGroup', autoScalingGroupName, update };
  for (const [index, policy] of policies.entries()) {
    const known = oldPolicies.find(({ PolicyName }) => PolicyName === policy.PolicyName);
    if (alike(known, policy)) continue;
    // A policy that is put again has the alarms it had: one that needs others would leave them behind.
    if (known !== undefined && !alike(alarmsOf(known), alarmsOf(policy)))
      refuse([...path, 'policies', index], 'found another kind of policy, expected the kind that it is');
    yield putGroupPolicy(autoScalingGroupName, policy);
  }
  for (const { PolicyName } of oldPolicies)
    if (!policies.some((policy) => policy.PolicyName === PolicyName))
      refuse([...path, 'policies'], `found no "${PolicyName}", expected it: a group's policy cannot be taken away`);
}

function alarmsOf(policy: Group['policies'][number]) {
  return policy.PolicyType === 'TargetTrackingScaling'
    ? [policy.PolicyType, policy.TargetTrackingConfiguration.DisableScaleIn]
    : [policy.PolicyType, policy.alarm === undefined];
}

/** Bounds, policies and scheduled actions of scalable targets. */
function* scalingCommands(before: Scenario, wanted: Scenario): Iterable<Command> {
  for (const target of wanted.scalableTargets) {
    const resourceId = resourceOf(wanted, target.service);
    const old = before.scalableTargets.find(({ service }) => service === target.service);
    const { policies, scheduledActions, MinCapacity, MaxCapacity, SuspendedState } = target;
    const bounds = [MinCapacity, MaxCapacity, SuspendedState];
    if (old === undefined || !alike([old.MinCapacity, old.MaxCapacity, old.SuspendedState], bounds))
      yield {
        type: 'RegisterScalableTarget',
        resourceId,
        minCapacity: MinCapacity,
        maxCapacity: MaxCapacity,
        suspendedState: { ...RESUMED, ...SuspendedState },
      };
    const names = policies.flatMap(namesOf);
    for (const name of (old?.policies ?? []).flatMap(namesOf))
      if (!names.includes(name)) yield { type: 'DeleteScalingPolicy', policyKey: policyKey(resourceId, name) };
    for (const config of without(policies, old?.policies ?? [])) yield { type: 'PutScalingPolicy', resourceId, config };
    for (const { ScheduledActionName: scheduledActionName } of old?.scheduledActions ?? [])
      if (!scheduledActions.some((action) => action.ScheduledActionName === scheduledActionName))
        yield { type: 'DeleteScheduledAction', resourceId, scheduledActionName };
    for (const config of without(scheduledActions, old?.scheduledActions ?? []))
      yield { type: 'PutScheduledAction', resourceId, config };
  }
  for (const { service } of before.scalableTargets)
    if (!wanted.scalableTargets.some((target) => target.service === service))
      yield { type: 'DeregisterScalableTarget', resourceId: resourceOf(wanted, service) };
}

/** One that is written with two alarms becomes two. */
function namesOf(policy: ScalingPolicyConfig): readonly string[] {
  return scalerOf(policy)
    .policies(policy)
    .map(({ PolicyName }) => PolicyName);
}

/** What is not suspended any more has to be said. */
const RESUMED = {
  DynamicScalingInSuspended: false,
  DynamicScalingOutSuspended: false,
  ScheduledScalingSuspended: false,
} as const;

function* alarmCommands(before: Scenario, wanted: Scenario, refuse: Refuse): Iterable<Command> {
  for (const { AlarmName: alarmName } of before.alarms)
    if (!wanted.alarms.some(({ AlarmName }) => AlarmName === alarmName)) yield { type: 'DeleteAlarm', alarmName };
  for (const { AlarmName: alarmName } of before.compositeAlarms)
    if (!wanted.compositeAlarms.some(({ AlarmName }) => AlarmName === alarmName))
      refuse(['compositeAlarms'], `found no "${alarmName}", expected it: a composite alarm cannot be taken away`);
  for (const written of without(wanted.alarms, before.alarms))
    yield { type: 'PutMetricAlarm', alarm: alarmOf(wanted, written) };
  for (const written of without(wanted.compositeAlarms, before.compositeAlarms))
    yield { type: 'PutCompositeAlarm', alarm: compositeAlarmOf(written) };
}

/** What was to happen at an instant that has passed can neither be changed nor added. */
function checkPast(before: Scenario, wanted: Scenario, atMs: Millis, refuse: Refuse): void {
  const now = new Date(atMs).toISOString();
  const made = before.changes.filter(({ at }) => at <= atMs);
  for (const [index, change] of wanted.changes.entries())
    if (change.at < atMs && !made.some((other) => alike(other, change)))
      refuse(['changes', index], `found an instant before ${now}, expected one from there on`);
  if (without(made, wanted.changes).length > 0)
    refuse(['changes'], `found other changes before ${now}, expected them as they were made`);
  for (const [index, fault] of before.faults.entries()) {
    if (fault.at > atMs) continue;
    const { for: length, ...began } = { for: undefined, ...fault };
    const { for: other, ...is } = { for: undefined, ...wanted.faults[index] };
    if (!alike(began, is))
      refuse(
        ['faults', index],
        `found another fault, expected the one that has begun before ${now}; only its length can be changed`,
      );
    else if (length !== other && fault.at + (other ?? Number.POSITIVE_INFINITY) <= atMs)
      refuse(['faults', index, 'for'], `found an end before ${now}, expected one after it`);
  }
  for (const [index, fault] of wanted.faults.entries())
    if (fault.at < atMs && index >= before.faults.length)
      refuse(['faults', index, 'at'], `found an instant before ${now}, expected one from there on`);
}

/** What the scenario has happen at its instants. */
function plannedOf(scenario: Scenario): readonly Due<Command>[] {
  return [
    ...scenario.changes.flatMap((change) =>
      Array.from(changeOf(scenario, change), (command) => ({ atMs: change.at, command })),
    ),
    ...Array.from(troubleOf(scenario), ([atMs, command]) => ({ atMs, command })),
  ];
}

/** Those that the others do not have; of what is there twice, one counts for one. */
function without<T>(items: readonly T[], others: readonly T[]): T[] {
  const left = [...others];
  return items.filter((item) => {
    const index = left.findIndex((other) => alike(other, item));
    if (index !== -1) left.splice(index, 1);
    return index === -1;
  });
}

/** Plain data that says the same; what is undefined is not there. */
export function alike(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [a, b] = [one, other] as [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>];
  return Object.keys({ ...a, ...b }).every((key) => alike(a[key], b[key]));
}
