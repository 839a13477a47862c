/**
 * An Auto Scaling group keeps as many instances as it desires, evenly over its zones, and each instance goes through its
 * life cycle: warm pool, Pending, InService, Terminating.
 *
 * @source spec/capacity.md chapter 3 (AWS, "Amazon EC2 Auto Scaling User Guide")
 */

import type { Immutable } from 'immer';
import {
  event,
  flag,
  json,
  number,
  optional,
  text,
  texts,
  type Context,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { CpuCredits } from './cpuCredits.ts';
import { newCpuCredits } from './cpuCredits.ts';
import { changesLaunch, typesOf, updatedConfig, type AutoScalingGroupConfig, type GroupUpdate } from './groupConfig.ts';
import { hooksOf, launchWait } from './hooks.ts';
import type { InstanceCpu } from './instanceMetrics.ts';
import { launches, seconds } from './launch.ts';
import type { PurchaseOption } from './mixedInstances.ts';
import { scaleInVictims } from './termination.ts';
import { wantedWarm } from './warmPool.ts';
import type { Ec2World } from './world.ts';

export interface AutoScalingGroup {
  config: AutoScalingGroupConfig;
  desiredCapacity: number;
  /** Goes up when an update changes what is launched. */
  launchTemplateVersion: number;
  /** Its instances in service; and those on their way out, which may still hold tasks. */
  inServiceCount: number;
  readonly terminating: Map<string, true>;
  /** Failed launches, by purchase option. */
  readonly backoffs: Record<PurchaseOption, Backoff>;
  /** A launch has failed in some zone: the others may have more than their part. */
  unbalanced: boolean;
  /** The last change by a policy of its own, in AWS's words. */
  policyChange: { readonly atMs: Millis; readonly cause: string } | undefined;
  /** When its desired capacity was last lowered; 0: never. */
  shrunkMs: Millis;
  /** The last change by a simple scaling policy: its cooldown, and when it had come about. */
  simpleScaling: { readonly cooldownMs: Millis; endedMs: Millis | undefined } | undefined;
}

export interface Backoff {
  attempts: number;
  retryAtMs: Millis;
  /** No pool had capacity: launches wait for the retry. Else only rebalancing waits. */
  exhausted: boolean;
}

export type WarmState = 'Stopped' | 'Running' | 'Hibernated';

export type InstanceState =
  | 'Pending'
  | 'Pending:Wait'
  | 'InService'
  | 'Terminating:Wait'
  | 'Terminating:Proceed'
  | 'Warmed:Pending'
  | `Warmed:${WarmState}`;

export interface Instance {
  readonly instanceId: string;
  readonly autoScalingGroupName: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly purchaseOption: PurchaseOption;
  readonly launchTemplateVersion: number;
  /** Of an instance from a warm pool: when it left the pool. */
  launchedMs: Millis;
  /** When it runs, so far as is known. */
  runningAtMs: Millis;
  bootedAtMs: Millis;
  /** When it entered service. */
  inServiceMs: Millis | undefined;
  /** When chance will interrupt a Spot instance. */
  readonly interruptedAtMs: Millis | undefined;
  state: InstanceState;
  protectedFromScaleIn: boolean;
  /** Launched beyond the desired capacity, to replace another one. */
  readonly surplus: boolean;
  /** Has a rebalance recommendation or an interruption notice. */
  atRisk: boolean;
  /** Has the two-minute notice. */
  interrupted: boolean;
  /** Its status checks fail. */
  impaired: boolean;
  /** Lifecycle hooks that still hold its termination. */
  readonly waitsFor: Map<string, true>;
  /** Burstable types only. */
  readonly cpuCredits: CpuCredits | undefined;
  /** What it was measured to use; undefined until it counts. */
  cpu: InstanceCpu | undefined;
}

export const autoScalingGroupEvents = {
  AutoScalingGroupCreated: event('An Auto Scaling group was created.', {
    config: json<AutoScalingGroupConfig>('as create-auto-scaling-group takes it'),
    desiredCapacity: number('instances'),
  }),
  AutoScalingGroupUpdated: event('A group was updated: its bounds, or what it launches from now on.', {
    config: json<AutoScalingGroupConfig>('as it is now'),
    desiredCapacity: number('instances'),
    launchTemplateVersion: number('what is launched from now on'),
  }),
  DesiredCapacitySet: event('The desired capacity of a group was changed.', {
    autoScalingGroupName: text('the group'),
    from: number('instances before'),
    to: number('instances now'),
  }),
  InstanceLaunched: event('A group launched an instance.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('the group'),
    instanceType: text('its type'),
    availabilityZone: text('where'),
    purchaseOption: text<PurchaseOption>('on-demand or spot'),
    microUsdPerHour: number('its price when it was launched, millionths of a dollar'),
    inServiceAtMs: number('when it will be running; billing starts'),
    bootedAtMs: number('when its operating system and user data are done'),
    protectedFromScaleIn: flag('whether scale-in may pick it'),
    launchTemplateVersion: number('what it was launched from'),
    surplus: flag('whether it is beyond the desired capacity, to replace another one'),
    warmed: flag('whether it goes to the warm pool'),
    interruptedAtMs: optional(number('when chance will interrupt it')),
    cause: text("AWS's cause of the scaling activity"),
  }),
  InstanceLaunchFailed: event('A group could not launch an instance.', {
    autoScalingGroupName: text('the group'),
    instanceType: text('the type it asked for'),
    availabilityZone: text('where'),
    purchaseOption: text<PurchaseOption>('on-demand or spot'),
    errorCode: text("AWS's error code"),
    statusMessage: text("AWS's status message of the scaling activity"),
    warmed: flag('whether it was meant for the warm pool'),
    exhausted: flag('whether there was no other pool left to try'),
    attempt: number('failures in a row'),
    retryAtMs: number('when it tries again'),
  }),
  InstanceWarmed: event('An instance of a warm pool is prepared.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('the group'),
    poolState: text<WarmState>('how the pool keeps it; only Running is billed'),
  }),
  WarmInstanceStarted: event('A scale-out takes an instance from the warm pool.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('the group'),
    inServiceAtMs: number('when it will be running'),
    bootedAtMs: number('when its container agent will be there'),
    cause: text("AWS's cause of the scaling activity"),
  }),
  InstanceWaiting: event('An instance runs, and lifecycle hooks hold it before it enters service.', {
    instanceId: text('the instance'),
    hooks: texts('the hooks'),
    untilMs: number('when they end'),
    result: text<'CONTINUE' | 'ABANDON'>('how they end'),
  }),
  InstanceInService: event('An instance is running.', {
    instanceId: text('the instance'),
    bootedAtMs: number('when its operating system and user data are done'),
  }),
  InstanceProtectionSet: event('Scale-in protection of an instance was set or cleared.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('the group'),
    protectedFromScaleIn: flag('whether scale-in may pick it'),
  }),
  InstanceImpaired: event('Status checks of an instance fail.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('the group'),
    unhealthyAtMs: number('when the group will call it unhealthy'),
  }),
  InstanceTerminating: event('The group gave an instance up; lifecycle hooks hold it until they are done.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('the group'),
    waitsFor: texts('the hooks that hold it'),
    cause: text("AWS's cause of the scaling activity"),
  }),
  LifecycleActionCompleted: event('A lifecycle hook lets an instance go.', {
    instanceId: text('the instance'),
    hook: text('the hook'),
  }),
  ScaleInPrevented: event('A group is above its desired capacity, but every instance is protected from scale-in.', {
    autoScalingGroupName: text('the group'),
    surplus: number('instances it could not terminate'),
  }),
  InstanceTerminated: event('An instance is gone; billing ends.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('the group'),
    cause: optional(text('what took it, when it was not the group')),
  }),
} as const;
export type AutoScalingGroupEvent = EventsOf<typeof autoScalingGroupEvents>;

export type AutoScalingGroupCommand =
  | { readonly type: 'CreateAutoScalingGroup'; readonly config: AutoScalingGroupConfig }
  | { readonly type: 'UpdateAutoScalingGroup'; readonly autoScalingGroupName: string; readonly update: GroupUpdate }
  | { readonly type: 'SetDesiredCapacity'; readonly autoScalingGroupName: string; readonly desiredCapacity: number }
  | { readonly type: 'ReconcileAutoScalingGroup'; readonly autoScalingGroupName: string }
  | { readonly type: 'EnterService'; readonly instanceId: string; readonly bootedAtMs: Millis }
  /** The launch hooks of an instance have ended. */
  | { readonly type: 'FinishLaunch'; readonly instanceId: string; readonly result: 'CONTINUE' | 'ABANDON' }
  | { readonly type: 'WarmInstance'; readonly instanceId: string }
  | { readonly type: 'SetInstanceProtection'; readonly instanceId: string; readonly protectedFromScaleIn: boolean }
  | { readonly type: 'MarkInstanceUnhealthy'; readonly instanceId: string }
  /** A target on the instance was found unhealthy; it counts if it still is, and once the instance's grace period is over. */
  | {
      readonly type: 'CheckTargetHealth';
      readonly instanceId: string;
      readonly targetGroup: string;
      readonly targetId: string;
    }
  | { readonly type: 'CompleteLifecycleAction'; readonly instanceId: string; readonly hook: string };

/** Names of hooks that the owner of a group's instances puts on their termination; ECS provides it at the roof. */
export type TerminationHooks<World> = (world: Immutable<World>, autoScalingGroupName: string) => readonly string[];

type Events = AutoScalingGroupEvent[];
type Member = Immutable<Instance>;
type Group = Immutable<AutoScalingGroup>;

export function decideAutoScalingGroup<World extends Ec2World>(
  terminationHooks: TerminationHooks<World>,
): Decide<World, AutoScalingGroupCommand, AutoScalingGroupEvent> {
  return {
    CreateAutoScalingGroup({ config }) {
      return [{ type: 'AutoScalingGroupCreated', config, desiredCapacity: config.DesiredCapacity ?? config.MinSize }];
    },

    UpdateAutoScalingGroup({ autoScalingGroupName, update }, { world }) {
      const group = world.ec2.groups.get(autoScalingGroupName);
      if (group === undefined) return [];
      const config = updatedConfig(group.config, update);
      return [
        {
          type: 'AutoScalingGroupUpdated',
          config,
          desiredCapacity: bounded(config, update.DesiredCapacity ?? group.desiredCapacity),
          launchTemplateVersion: group.launchTemplateVersion + (changesLaunch(update) ? 1 : 0),
        },
      ];
    },

    SetDesiredCapacity({ autoScalingGroupName, desiredCapacity }, { world }) {
      const group = world.ec2.groups.get(autoScalingGroupName);
      if (group === undefined) return [];
      const to = bounded(group.config, desiredCapacity);
      const from = group.desiredCapacity;
      return to === from ? [] : [{ type: 'DesiredCapacitySet', autoScalingGroupName, from, to }];
    },

    ReconcileAutoScalingGroup({ autoScalingGroupName }, context) {
      const { world, nowMs } = context;
      const group = world.ec2.groups.get(autoScalingGroupName);
      if (group === undefined) return [];
      const members = membersOf(world, autoScalingGroupName);
      const hooks = terminationHooks(world, autoScalingGroupName);
      const missing = group.desiredCapacity - members.length;
      const events = missing > 0 ? scaleOut(group, members, missing, context) : [];
      const launching = members.filter(({ surplus, state }) => surplus && state !== 'InService').length;
      const extra = -missing - launching;
      if (extra > 0) {
        const victims = scaleInVictims(members, extra, { config: group.config, pools: world.ec2.spotPools, nowMs });
        const cause = `${policyCause(group, nowMs)}At ${awsTime(nowMs)} an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from ${members.length} to ${members.length - extra}.`;
        for (const victim of victims)
          events.push(...terminating(victim, group, hooks, `${cause} ${selected(victim, nowMs)}`));
        if (victims.length < extra)
          events.push({ type: 'ScaleInPrevented', autoScalingGroupName, surplus: extra - victims.length });
      } else if (missing <= 0) events.push(...replacements(group, members, launching, context));
      return [...events, ...tendWarmPool(group, events, context)];
    },

    EnterService({ instanceId, bootedAtMs }, { world, nowMs }) {
      const instance = world.ec2.instances.get(instanceId);
      if (instance?.state !== 'Pending') return [];
      const { config } = world.ec2.groups.get(instance.autoScalingGroupName) as Group;
      const hooks = hooksOf(config, 'autoscaling:EC2_INSTANCE_LAUNCHING');
      if (hooks.length === 0 || nowMs === world.ec2.warmStartMs)
        return [{ type: 'InstanceInService', instanceId, bootedAtMs }];
      const { afterMs, result } = launchWait(hooks);
      const names = hooks.map(({ LifecycleHookName }) => LifecycleHookName);
      return [{ type: 'InstanceWaiting', instanceId, hooks: names, untilMs: nowMs + afterMs, result }];
    },

    FinishLaunch({ instanceId, result }, { world, nowMs }) {
      const instance = world.ec2.instances.get(instanceId);
      if (instance?.state !== 'Pending:Wait') return [];
      const bootedAtMs = Math.max(nowMs, instance.bootedAtMs);
      if (result === 'CONTINUE') return [{ type: 'InstanceInService', instanceId, bootedAtMs }];
      const cause = `At ${awsTime(nowMs)} an instance was taken out of service in response to its launch being abandoned by a lifecycle hook.`;
      return terminating(instance, undefined, [], cause);
    },

    WarmInstance({ instanceId }, { world }) {
      const instance = world.ec2.instances.get(instanceId);
      if (instance?.state !== 'Warmed:Pending') return [];
      const { autoScalingGroupName } = instance;
      const poolState = world.ec2.groups.get(autoScalingGroupName)?.config.warmPool?.PoolState ?? 'Stopped';
      return [{ type: 'InstanceWarmed', instanceId, autoScalingGroupName, poolState }];
    },

    SetInstanceProtection({ instanceId, protectedFromScaleIn }, { world }) {
      const instance = world.ec2.instances.get(instanceId);
      if (instance === undefined || instance.protectedFromScaleIn === protectedFromScaleIn) return [];
      const { autoScalingGroupName } = instance;
      return [{ type: 'InstanceProtectionSet', instanceId, autoScalingGroupName, protectedFromScaleIn }];
    },

    MarkInstanceUnhealthy({ instanceId }, { world, nowMs }) {
      const instance = world.ec2.instances.get(instanceId);
      if (instance?.impaired !== true || instance.state.startsWith('Terminating')) return [];
      const group = world.ec2.groups.get(instance.autoScalingGroupName) as Group;
      const cause = `At ${awsTime(nowMs)} an instance was taken out of service in response to an EC2 instance status checks failure.`;
      return terminating(instance, group, terminationHooks(world, instance.autoScalingGroupName), cause);
    },

    CheckTargetHealth({ instanceId, targetGroup, targetId }, { world, nowMs }) {
      const instance = world.ec2.instances.get(instanceId);
      const group = world.ec2.groups.get(instance?.autoScalingGroupName ?? '');
      if (instance?.state !== 'InService' || group === undefined || !listensTo(group.config, targetGroup)) return [];
      if (world.elb.targetGroups.get(targetGroup)?.targets.get(targetId) !== 'unhealthy') return [];
      const cause = `At ${awsTime(nowMs)} an instance was taken out of service in response to an ELB system health check failure.`;
      return terminating(instance, group, terminationHooks(world, instance.autoScalingGroupName), cause);
    },

    CompleteLifecycleAction({ instanceId, hook }, { world }) {
      const instance = world.ec2.instances.get(instanceId);
      if (instance?.state !== 'Terminating:Wait' || !instance.waitsFor.has(hook)) return [];
      const completed = { type: 'LifecycleActionCompleted', instanceId, hook } as const;
      if (instance.waitsFor.size > 1) return [completed];
      const { autoScalingGroupName } = instance;
      return [completed, { type: 'InstanceTerminated', instanceId, autoScalingGroupName }];
    },
  };
}

/** Whether the health checks of a target group count for a group's instances. */
export function listensTo(
  { HealthCheckType, TargetGroupARNs = [] }: Immutable<AutoScalingGroupConfig>,
  targetGroup: string,
): boolean {
  return HealthCheckType === 'ELB' && TargetGroupARNs.includes(targetGroup);
}

/** Instances that count towards the desired capacity: Pending and InService, hooks included. Oldest first. */
export function membersOf({ ec2 }: Immutable<Ec2World>, autoScalingGroupName: string): readonly Member[] {
  const members: Member[] = [];
  for (const instance of ec2.instances.values()) if (isMemberOf(instance, autoScalingGroupName)) members.push(instance);
  return members;
}

export function isMemberOf({ autoScalingGroupName: its, state }: Member, autoScalingGroupName: string): boolean {
  return its === autoScalingGroupName && (state === 'InService' || state === 'Pending' || state === 'Pending:Wait');
}

function warmedOf({ ec2 }: Immutable<Ec2World>, autoScalingGroupName: string): readonly Member[] {
  const warmed: Member[] = [];
  for (const instance of ec2.instances.values())
    if (instance.autoScalingGroupName === autoScalingGroupName && instance.state.startsWith('Warmed'))
      warmed.push(instance);
  return warmed;
}

export function bounded({ MinSize, MaxSize }: Immutable<AutoScalingGroupConfig>, capacity: number): number {
  return Math.min(Math.max(capacity, MinSize), MaxSize);
}

/** `2030-01-07T00:00:00Z`, as AWS writes instants in causes. */
export function awsTime(atMs: Millis): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

function selected({ instanceId }: Member, nowMs: Millis): string {
  return `At ${awsTime(nowMs)} instance ${instanceId} was selected for termination.`;
}

/** AWS tells of the policy first, when it is by one that capacities differ. */
function policyCause({ policyChange }: Group, nowMs: Millis): string {
  return policyChange?.atMs === nowMs ? `${policyChange.cause} ` : '';
}

/** From the warm pool first, then new ones. */
function scaleOut(group: Group, members: readonly Member[], missing: number, context: Context<Ec2World>): Events {
  const { world, nowMs, rng } = context;
  const { ec2 } = world;
  const { AutoScalingGroupName: name } = group.config;
  const cause = `${policyCause(group, nowMs)}At ${awsTime(nowMs)} an instance was started in response to a difference between desired and actual capacity, increasing the capacity from ${members.length} to ${members.length + missing}.`;
  const events: Events = [];
  // Choice: the pool's instances are taken oldest first, whatever their zone.
  for (const { instanceId, state } of group.config.warmPool === undefined ? [] : warmedOf(world, name)) {
    if (events.length === missing) break;
    if (state === 'Warmed:Pending') continue;
    const draws = rng.at(`ec2.warmStart.${instanceId}`, nowMs);
    const { warmAttach, warmStart } = ec2.timings;
    const bootedAtMs = nowMs + Math.round(seconds(draws, state === 'Warmed:Running' ? warmAttach : warmStart) * 1_000);
    // Choice: half of a start is the machine's, half the operating system's and the agent's.
    const inServiceAtMs = state === 'Warmed:Running' ? nowMs : nowMs + Math.round((bootedAtMs - nowMs) / 2);
    events.push({
      type: 'WarmInstanceStarted',
      instanceId,
      autoScalingGroupName: name,
      inServiceAtMs,
      bootedAtMs,
      cause,
    });
  }
  const count = missing - events.length;
  if (count > 0) {
    const request = { group, members, count, surplus: false, warmed: false, cause };
    events.push(...launches(request, ec2.nextInstance, context));
  }
  return events;
}

function terminating(
  instance: Member,
  group: Group | undefined,
  ownersHooks: readonly string[],
  cause: string,
): Events {
  const { instanceId, autoScalingGroupName, state } = instance;
  // Hooks are for instances that were in service.
  const held = group !== undefined && state === 'InService';
  const own = held ? hooksOf(group.config, 'autoscaling:EC2_INSTANCE_TERMINATING') : [];
  const waitsFor = held ? [...ownersHooks, ...own.map(({ LifecycleHookName }) => LifecycleHookName)] : [];
  const gone = { type: 'InstanceTerminating', instanceId, autoScalingGroupName, waitsFor, cause } as const;
  return waitsFor.length > 0 ? [gone] : [gone, { type: 'InstanceTerminated', instanceId, autoScalingGroupName }];
}

/**
 * Launches beyond the desired capacity: for instances at risk when the group rebalances capacity, and into zones that had
 * none. They may exceed the maximum by a tenth, by one at least; what they replace goes when they are in service.
 */
function replacements(group: Group, members: readonly Member[], launching: number, context: Context<Ec2World>): Events {
  const { nowMs } = context;
  const { config, desiredCapacity } = group;
  const most = config.MaxSize + Math.max(1, Math.floor(config.MaxSize / 10)) - members.length;
  const extra = members.length - desiredCapacity;
  const first = context.world.ec2.nextInstance;
  if (config.CapacityRebalance) {
    const atRisk = members.filter(({ atRisk: risky, state }) => risky && state === 'InService').length;
    const count = Math.min(atRisk - extra, most);
    const cause = `At ${awsTime(nowMs)} an instance was launched in response to a Spot instance rebalance recommendation.`;
    if (count > 0) {
      const others = members.filter(({ atRisk: risky }) => !risky);
      return launches({ group, members: others, count, surplus: true, warmed: false, cause }, first, context);
    }
  }
  const zone = group.unbalanced && launching === 0 && extra === 0 && most > 0 ? thinZone(config, members) : undefined;
  const { 'on-demand': onDemand, spot } = group.backoffs;
  if (zone === undefined || nowMs < Math.max(onDemand.retryAtMs, spot.retryAtMs)) return [];
  const cause = `At ${awsTime(nowMs)} instances were launched to balance instances in zones ${zone} with other zones resulting in more than desired number of instances in the group.`;
  return launches({ group, members, count: 1, zones: [zone], surplus: true, warmed: false, cause }, first, context);
}

/** The emptiest zone, when another has at least two more and one of them to give. */
function thinZone({ AvailabilityZones }: Immutable<AutoScalingGroupConfig>, members: readonly Member[]) {
  const sizes = AvailabilityZones.map(
    (zone) => members.filter(({ availabilityZone }) => availabilityZone === zone).length,
  );
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const fullest = AvailabilityZones[sizes.indexOf(most)];
  const gives = members.some(
    ({ availabilityZone, protectedFromScaleIn, state }) =>
      availabilityZone === fullest && !protectedFromScaleIn && state === 'InService',
  );
  return most - least > 1 && gives ? AvailabilityZones[sizes.indexOf(least)] : undefined;
}

/** Fills the warm pool up, or takes away what it has too many of, given what this round has decided already. */
function tendWarmPool(group: Group, decided: readonly AutoScalingGroupEvent[], context: Context<Ec2World>): Events {
  const { config, desiredCapacity } = group;
  const { AutoScalingGroupName: name } = config;
  const { world, nowMs } = context;
  if (config.warmPool === undefined) return [];
  let taken = 0;
  let launched = 0;
  for (const { type } of decided) {
    if (type === 'WarmInstanceStarted') taken++;
    if (type === 'InstanceLaunched') launched++;
  }
  const warmed = warmedOf(world, name).slice(taken);
  const short = wantedWarm(config, desiredCapacity) - warmed.length;
  if (short > 0) {
    const cause = `At ${awsTime(nowMs)} an instance was launched to fill the warm pool, increasing it from ${warmed.length} to ${warmed.length + short}.`;
    const request = { group, members: warmed, count: short, surplus: false, warmed: true, cause };
    return launches(request, world.ec2.nextInstance + launched, context);
  }
  const cause = `At ${awsTime(nowMs)} an instance was taken out of the warm pool, shrinking it from ${warmed.length} to ${warmed.length + short}.`;
  return warmed.slice(0, -short || 0).flatMap((instance) => terminating(instance, undefined, [], cause));
}

export const evolveAutoScalingGroup: Evolve<Ec2World, AutoScalingGroupEvent> = {
  AutoScalingGroupCreated({ ec2 }, { config, desiredCapacity }) {
    const nothing = { attempts: 0, retryAtMs: 0, exhausted: false };
    ec2.groups.set(config.AutoScalingGroupName, {
      config,
      desiredCapacity,
      launchTemplateVersion: 1,
      inServiceCount: 0,
      terminating: new Map(),
      backoffs: { 'on-demand': { ...nothing }, spot: { ...nothing } },
      unbalanced: false,
      policyChange: undefined,
      shrunkMs: 0,
      simpleScaling: undefined,
    });
  },
  AutoScalingGroupUpdated({ ec2 }, { config, desiredCapacity, launchTemplateVersion }) {
    const group = ec2.groups.get(config.AutoScalingGroupName);
    if (group === undefined) return;
    Object.assign(group, { config, desiredCapacity, launchTemplateVersion });
    tryAgain(group);
  },
  DesiredCapacitySet({ ec2 }, { autoScalingGroupName, from, to }, atMs) {
    const group = ec2.groups.get(autoScalingGroupName);
    if (group === undefined) return;
    group.desiredCapacity = to;
    if (to > from) tryAgain(group);
    else group.shrunkMs = atMs;
  },
  InstanceLaunched({ ec2 }, event, atMs) {
    const group = ec2.groups.get(event.autoScalingGroupName);
    ec2.nextInstance++;
    ec2.instances.set(event.instanceId, {
      instanceId: event.instanceId,
      autoScalingGroupName: event.autoScalingGroupName,
      instanceType: event.instanceType,
      availabilityZone: event.availabilityZone,
      purchaseOption: event.purchaseOption,
      launchTemplateVersion: event.launchTemplateVersion,
      launchedMs: atMs,
      runningAtMs: event.inServiceAtMs,
      bootedAtMs: event.bootedAtMs,
      inServiceMs: undefined,
      interruptedAtMs: event.interruptedAtMs,
      state: event.warmed ? 'Warmed:Pending' : 'Pending',
      protectedFromScaleIn: event.protectedFromScaleIn,
      surplus: event.surplus,
      atRisk: false,
      interrupted: false,
      impaired: false,
      waitsFor: new Map(),
      cpuCredits: newCpuCredits(event.instanceType, group?.config.CreditSpecification?.CpuCredits),
      cpu: undefined,
    });
  },
  InstanceLaunchFailed({ ec2 }, { autoScalingGroupName, purchaseOption, exhausted, attempt, retryAtMs, warmed }, atMs) {
    const group = ec2.groups.get(autoScalingGroupName);
    if (group === undefined) return;
    group.backoffs[purchaseOption] = { attempts: attempt, retryAtMs, exhausted };
    if (warmed) return;
    group.unbalanced = true;
    // An activity that fails has ended, too.
    if (group.simpleScaling !== undefined) group.simpleScaling.endedMs ??= atMs;
  },
  InstanceWarmed({ ec2 }, { instanceId, poolState }) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined) instance.state = `Warmed:${poolState}`;
  },
  WarmInstanceStarted({ ec2 }, { instanceId, inServiceAtMs, bootedAtMs }, atMs) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined)
      Object.assign(instance, { state: 'Pending', launchedMs: atMs, runningAtMs: inServiceAtMs, bootedAtMs });
  },
  InstanceWaiting({ ec2 }, { instanceId }) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined) instance.state = 'Pending:Wait';
  },
  InstanceInService(world, { instanceId, bootedAtMs }, atMs) {
    const instance = world.ec2.instances.get(instanceId);
    if (instance === undefined) return;
    countState(world.ec2, instance, -1);
    Object.assign(instance, { state: 'InService', bootedAtMs, inServiceMs: atMs });
    countState(world.ec2, instance, 1);
    noteSettled(world, instance.autoScalingGroupName, atMs);
  },
  InstanceProtectionSet({ ec2 }, { instanceId, protectedFromScaleIn }) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined) instance.protectedFromScaleIn = protectedFromScaleIn;
  },
  InstanceImpaired({ ec2 }, { instanceId }) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined) instance.impaired = true;
  },
  InstanceTerminating({ ec2 }, { instanceId, waitsFor }) {
    const instance = ec2.instances.get(instanceId);
    if (instance === undefined) return;
    countState(ec2, instance, -1);
    instance.state = waitsFor.length > 0 ? 'Terminating:Wait' : 'Terminating:Proceed';
    countState(ec2, instance, 1);
    for (const hook of waitsFor) instance.waitsFor.set(hook, true);
  },
  LifecycleActionCompleted({ ec2 }, { instanceId, hook }) {
    ec2.instances.get(instanceId)?.waitsFor.delete(hook);
  },
  ScaleInPrevented() {},
  InstanceTerminated(world, { instanceId, autoScalingGroupName }, atMs) {
    const instance = world.ec2.instances.get(instanceId);
    if (instance !== undefined) countState(world.ec2, instance, -1);
    world.ec2.instances.delete(instanceId);
    noteSettled(world, autoScalingGroupName, atMs);
  },
};

/** Counts an instance as what it is, or with -1 no longer. */
function countState({ groups }: Ec2World['ec2'], instance: Instance, by: 1 | -1): void {
  const group = groups.get(instance.autoScalingGroupName);
  if (group === undefined) return;
  if (instance.state === 'InService') group.inServiceCount += by;
  if (!instance.state.startsWith('Terminating')) return;
  if (by === 1) group.terminating.set(instance.instanceId, true);
  else group.terminating.delete(instance.instanceId);
}

/** A change by a simple scaling policy has come about when the group is as large as it desires, and nothing is under way. */
function noteSettled(world: Ec2World, autoScalingGroupName: string, atMs: Millis): void {
  const group = world.ec2.groups.get(autoScalingGroupName);
  if (group?.simpleScaling === undefined || group.simpleScaling.endedMs !== undefined) return;
  let inService = 0;
  for (const instance of world.ec2.instances.values()) {
    if (instance.autoScalingGroupName !== autoScalingGroupName || instance.state.startsWith('Warmed')) continue;
    if (instance.state !== 'InService') return;
    inService++;
  }
  if (inService === group.desiredCapacity) group.simpleScaling.endedMs = atMs;
}

/** What people ask for is tried at once. */
function tryAgain({ backoffs }: AutoScalingGroup): void {
  backoffs['on-demand'].retryAtMs = 0;
  backoffs.spot.retryAtMs = 0;
}

/** Every type that a group of the world may launch, once. */
export function allTypes(groups: Immutable<ReadonlyMap<string, AutoScalingGroup>>): readonly string[] {
  const types = new Set<string>();
  for (const { config } of groups.values()) for (const type of typesOf(config)) types.add(type);
  return [...types];
}
