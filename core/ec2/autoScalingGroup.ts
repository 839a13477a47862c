/**
 * An Auto Scaling group keeps as many instances as it desires, evenly over its zones.
 *
 * @source spec/capacity.md chapter 3 (AWS, "Amazon EC2 Auto Scaling User Guide")
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  event,
  flag,
  json,
  number,
  text,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
  type Rng,
} from '../kernel/index.ts';
import type { Ec2World } from './world.ts';

const size = z.int().min(0).max(10_000);

/** A group as `aws autoscaling create-auto-scaling-group` takes it, with the instance type in place of a launch template. */
export const autoScalingGroup = z.strictObject({
  AutoScalingGroupName: z.string().min(1).max(255),
  AvailabilityZones: z.array(z.string().min(1)).min(1),
  MinSize: size,
  MaxSize: size,
  DesiredCapacity: size.optional().describe('MinSize when left out'),
  instanceType: z.string().min(1),
  NewInstancesProtectedFromScaleIn: z.boolean().default(false),
  ecsConfig: z
    .strictObject({
      ECS_CLUSTER: z.string().min(1),
      ECS_IMAGE_PULL_BEHAVIOR: z
        .enum(['default', 'always', 'once', 'prefer-cached'])
        .optional()
        .describe('whether a cached image is pulled again, and used when the pull fails; default when left out'),
    })
    .optional()
    .describe("the container agent's ecs.config; a wrong cluster name is an instance that never appears"),
});
export type AutoScalingGroupConfig = z.output<typeof autoScalingGroup>;

export interface AutoScalingGroup {
  readonly config: AutoScalingGroupConfig;
  desiredCapacity: number;
}

export type InstanceState = 'Pending' | 'InService' | 'Terminating:Wait' | 'Terminating:Proceed';

export interface Instance {
  readonly instanceId: string;
  readonly autoScalingGroupName: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly launchedMs: Millis;
  state: InstanceState;
  protectedFromScaleIn: boolean;
}

export const autoScalingGroupEvents = {
  AutoScalingGroupCreated: event('An Auto Scaling group was created.', {
    config: json<AutoScalingGroupConfig>('as create-auto-scaling-group takes it'),
    desiredCapacity: number('instances'),
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
    inServiceAtMs: number('when it will be running; billing starts'),
    bootedAtMs: number('when its operating system and user data are done'),
    protectedFromScaleIn: flag('whether scale-in may pick it'),
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
  InstanceTerminating: event('The group gave an instance up; with a lifecycle hook it waits until its owner is done.', {
    instanceId: text('the instance'),
    waits: flag('whether a lifecycle hook holds it'),
  }),
  ScaleInPrevented: event('A group is above its desired capacity, but every instance is protected from scale-in.', {
    autoScalingGroupName: text('the group'),
    surplus: number('instances it could not terminate'),
  }),
  InstanceTerminated: event('An instance is gone; billing ends.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('the group'),
  }),
} as const;
export type AutoScalingGroupEvent = EventsOf<typeof autoScalingGroupEvents>;

export type AutoScalingGroupCommand =
  | { readonly type: 'CreateAutoScalingGroup'; readonly config: AutoScalingGroupConfig }
  | { readonly type: 'SetDesiredCapacity'; readonly autoScalingGroupName: string; readonly desiredCapacity: number }
  | { readonly type: 'ReconcileAutoScalingGroup'; readonly autoScalingGroupName: string }
  | { readonly type: 'EnterService'; readonly instanceId: string; readonly bootedAtMs: Millis }
  | { readonly type: 'SetInstanceProtection'; readonly instanceId: string; readonly protectedFromScaleIn: boolean }
  | { readonly type: 'CompleteTermination'; readonly instanceId: string };

/** Median and 95th percentile of start-up times, in seconds. @source spec/capacity.md chapter 9, "Timing evidence" */
const LAUNCH_TO_RUNNING_S = { median: 12, p95: 25 };
const LAUNCH_TO_BOOTED_S = { median: 50, p95: 110 };

/** Whether the owner of a group's instances holds their termination with a lifecycle hook; ECS provides it at the roof. */
export type HoldsTermination<World> = (world: Immutable<World>, autoScalingGroupName: string) => boolean;

export function decideAutoScalingGroup<World extends Ec2World>(
  holdsTermination: HoldsTermination<World>,
): Decide<World, AutoScalingGroupCommand, AutoScalingGroupEvent> {
  return {
    CreateAutoScalingGroup({ config }) {
      return [{ type: 'AutoScalingGroupCreated', config, desiredCapacity: config.DesiredCapacity ?? config.MinSize }];
    },

    SetDesiredCapacity({ autoScalingGroupName, desiredCapacity }, { world }) {
      const group = world.ec2.groups.get(autoScalingGroupName);
      if (group === undefined) return [];
      const to = Math.min(Math.max(desiredCapacity, group.config.MinSize), group.config.MaxSize);
      const from = group.desiredCapacity;
      return to === from ? [] : [{ type: 'DesiredCapacitySet', autoScalingGroupName, from, to }];
    },

    ReconcileAutoScalingGroup({ autoScalingGroupName }, { world, nowMs, rng }) {
      const group = world.ec2.groups.get(autoScalingGroupName);
      if (group === undefined) return [];
      const members = membersOf(world, autoScalingGroupName);
      const missing = group.desiredCapacity - members.length;
      if (missing > 0) return launches(world, group, members, missing, nowMs, rng);
      if (missing === 0) return [];
      const victims = scaleInVictims(members, -missing);
      const waits = holdsTermination(world, autoScalingGroupName);
      const events: AutoScalingGroupEvent[] = [];
      for (const { instanceId } of victims) {
        events.push({ type: 'InstanceTerminating', instanceId, waits });
        if (!waits) events.push({ type: 'InstanceTerminated', instanceId, autoScalingGroupName });
      }
      const surplus = -missing - victims.length;
      if (surplus > 0) events.push({ type: 'ScaleInPrevented', autoScalingGroupName, surplus });
      return events;
    },

    EnterService({ instanceId, bootedAtMs }, { world }) {
      if (world.ec2.instances.get(instanceId)?.state !== 'Pending') return [];
      return [{ type: 'InstanceInService', instanceId, bootedAtMs }];
    },

    SetInstanceProtection({ instanceId, protectedFromScaleIn }, { world }) {
      const instance = world.ec2.instances.get(instanceId);
      if (instance === undefined || instance.protectedFromScaleIn === protectedFromScaleIn) return [];
      const { autoScalingGroupName } = instance;
      return [{ type: 'InstanceProtectionSet', instanceId, autoScalingGroupName, protectedFromScaleIn }];
    },

    CompleteTermination({ instanceId }, { world }) {
      const instance = world.ec2.instances.get(instanceId);
      if (instance?.state !== 'Terminating:Wait') return [];
      return [{ type: 'InstanceTerminated', instanceId, autoScalingGroupName: instance.autoScalingGroupName }];
    },
  };
}

/** Instances that count towards the desired capacity: Pending and InService. Oldest first. */
export function membersOf({ ec2 }: Immutable<Ec2World>, autoScalingGroupName: string): readonly Immutable<Instance>[] {
  const members: Immutable<Instance>[] = [];
  for (const instance of ec2.instances.values())
    if (
      instance.autoScalingGroupName === autoScalingGroupName &&
      (instance.state === 'Pending' || instance.state === 'InService')
    )
      members.push(instance);
  return members;
}

/** Each new instance goes to the zone with the fewest members. Choice: the first of several such zones. */
function launches(
  { ec2 }: Immutable<Ec2World>,
  { config }: Immutable<AutoScalingGroup>,
  members: readonly Immutable<Instance>[],
  count: number,
  nowMs: Millis,
  rng: Rng,
): AutoScalingGroupEvent[] {
  const inZone = new Map(config.AvailabilityZones.map((zone) => [zone, 0]));
  for (const { availabilityZone } of members) inZone.set(availabilityZone, (inZone.get(availabilityZone) ?? 0) + 1);
  const events: AutoScalingGroupEvent[] = [];
  for (let index = 0; index < count; index++) {
    let availabilityZone = config.AvailabilityZones[0] as string;
    for (const zone of config.AvailabilityZones)
      if ((inZone.get(zone) as number) < (inZone.get(availabilityZone) as number)) availabilityZone = zone;
    inZone.set(availabilityZone, (inZone.get(availabilityZone) as number) + 1);
    const number = ec2.nextInstance + index;
    const draws = rng.at('ec2.launch', number);
    const warm = nowMs === ec2.warmStartMs;
    const runningS = draws.lognormal(LAUNCH_TO_RUNNING_S.median, LAUNCH_TO_RUNNING_S.p95);
    const bootedS = Math.max(runningS, draws.lognormal(LAUNCH_TO_BOOTED_S.median, LAUNCH_TO_BOOTED_S.p95));
    events.push({
      type: 'InstanceLaunched',
      instanceId: `i-${number.toString(16).padStart(17, '0')}`,
      autoScalingGroupName: config.AutoScalingGroupName,
      instanceType: config.instanceType,
      availabilityZone,
      inServiceAtMs: warm ? nowMs : nowMs + Math.round(runningS * 1_000),
      bootedAtMs: warm ? nowMs : nowMs + Math.round(bootedS * 1_000),
      protectedFromScaleIn: config.NewInstancesProtectedFromScaleIn,
    });
  }
  return events;
}

/**
 * Which members scale-in gives up: one at a time from the zone with the most members that has an unprotected one.
 * Choice: AWS's default policy ends in chance; we take the oldest, since all share one launch template here.
 */
export function scaleInVictims(members: readonly Immutable<Instance>[], count: number): readonly Immutable<Instance>[] {
  const zones = new Map<string, Immutable<Instance>[]>();
  for (const instance of members) {
    const zone = zones.get(instance.availabilityZone);
    if (zone === undefined) zones.set(instance.availabilityZone, [instance]);
    else zone.push(instance);
  }
  const victims: Immutable<Instance>[] = [];
  while (victims.length < count) {
    let fullest: Immutable<Instance>[] = [];
    for (const zone of zones.values())
      if (zone.length > fullest.length && zone.some((instance) => !instance.protectedFromScaleIn)) fullest = zone;
    const index = fullest.findIndex((instance) => !instance.protectedFromScaleIn);
    if (index === -1) break;
    victims.push(...fullest.splice(index, 1));
  }
  return victims;
}

export const evolveAutoScalingGroup: Evolve<Ec2World, AutoScalingGroupEvent> = {
  AutoScalingGroupCreated({ ec2 }, { config, desiredCapacity }) {
    ec2.groups.set(config.AutoScalingGroupName, { config, desiredCapacity });
  },
  DesiredCapacitySet({ ec2 }, { autoScalingGroupName, to }) {
    const group = ec2.groups.get(autoScalingGroupName);
    if (group !== undefined) group.desiredCapacity = to;
  },
  InstanceLaunched({ ec2 }, event, atMs) {
    const { instanceId, autoScalingGroupName, instanceType, availabilityZone, protectedFromScaleIn } = event;
    ec2.nextInstance++;
    ec2.instances.set(instanceId, {
      instanceId,
      autoScalingGroupName,
      instanceType,
      availabilityZone,
      launchedMs: atMs,
      state: 'Pending',
      protectedFromScaleIn,
    });
  },
  InstanceInService({ ec2 }, { instanceId }) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined) instance.state = 'InService';
  },
  InstanceProtectionSet({ ec2 }, { instanceId, protectedFromScaleIn }) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined) instance.protectedFromScaleIn = protectedFromScaleIn;
  },
  InstanceTerminating({ ec2 }, { instanceId, waits }) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined) instance.state = waits ? 'Terminating:Wait' : 'Terminating:Proceed';
  },
  ScaleInPrevented() {},
  InstanceTerminated({ ec2 }, { instanceId }) {
    ec2.instances.delete(instanceId);
  },
};
