/** EC2 with the rooms below it: a group, what its instances go through, and what its own policies answer its metrics. */

import { z } from 'zod';
import {
  autoScalingGroup,
  capacityFaults,
  decideEc2,
  ec2Assumptions,
  ec2Controller,
  ec2Events,
  ec2Phases,
  ec2Timings,
  emptyEc2,
  evolveEc2,
  faultEndMs,
  groupCpuMetric,
  groupPolicyRequest,
  groupScalingPolicy,
  membersOf,
  policyForScaler,
  type Ec2Command,
  type Ec2Event,
  type Ec2World,
} from '../core/ec2/index.ts';
import { emptyAutoscaling } from '../core/autoscaling/index.ts';
import {
  alarmAssumptions,
  cloudWatchSettings,
  cloudwatchController,
  cloudwatchEvents,
  cloudwatchPhases,
  decideCloudWatch,
  emptyCloudWatch,
  evolveCloudWatch,
  metricDelay,
  type CloudWatchCommand,
  type CloudWatchEvent,
  type CloudWatchWorld,
} from '../core/cloudwatch/index.ts';
import { emptyElb, loadBalancingAssumptions } from '../core/elb/index.ts';
import { Digest, MINUTE, Simulation, type Controller, type Millis, type Recorded } from '../core/kernel/index.ts';

const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const timings = z.strictObject(ec2Timings);
const assumptions = z.strictObject(ec2Assumptions);
const fault = z.discriminatedUnion('kind', [...capacityFaults]);

export type GroupInput = Partial<z.input<typeof autoScalingGroup>>;
export type FaultInput = z.input<typeof fault>;

export type GroupPolicyInput = z.input<typeof groupScalingPolicy>;

type RoomWorld = Ec2World & CloudWatchWorld;
type RoomCommand = Ec2Command | CloudWatchCommand;
type RoomEvent = Ec2Event | CloudWatchEvent;

export interface RoomOptions {
  readonly seed?: number;
  readonly zones?: number;
  readonly policies?: readonly GroupPolicyInput[];
  readonly faults?: readonly FaultInput[];
  readonly assumptions?: z.input<typeof assumptions>;
  readonly timings?: Partial<z.input<typeof timings>>;
}

/** A group named `group`, created at the epoch; m5.large in three zones unless `config` says otherwise. */
export function ec2Room(config: GroupInput, options: RoomOptions = {}) {
  const settings = {
    warmStartMs: -1,
    timings: timings.parse({ launch: {}, boot: {}, warmStart: {}, warmAttach: {}, ...options.timings }),
    assumptions: assumptions.parse(options.assumptions ?? {}),
  };
  const world: RoomWorld = {
    cloudwatch: emptyCloudWatch(
      cloudWatchSettings(
        'typical',
        metricDelay.parse({ instance: '0s' }),
        alarmAssumptions.parse({ evaluationPhase: 'zero' }),
      ),
    ),
    autoscaling: emptyAutoscaling(),
    elb: emptyElb(-1, loadBalancingAssumptions.parse({})),
    ec2: emptyEc2(settings),
  };
  const simulation = new Simulation<RoomWorld, RoomCommand, RoomEvent>(
    {
      events: { ...cloudwatchEvents, ...ec2Events },
      decide: { ...decideCloudWatch, ...decideEc2<RoomWorld>(() => []) },
      evolve: { ...evolveCloudWatch, ...evolveEc2 },
      phases: { ...cloudwatchPhases, ...ec2Phases },
      controllers: [cloudwatchController, ec2Controller] as unknown as readonly Controller<
        RoomWorld,
        RoomEvent,
        RoomCommand
      >[],
    },
    options.seed ?? 5,
    { atMs: 0, world, pending: [], log: { seq: 0, digest: new Digest().state() } },
  );
  const parsed = autoScalingGroup.parse({
    AutoScalingGroupName: 'group',
    AvailabilityZones: ZONES.slice(0, options.zones ?? 3),
    MinSize: 0,
    MaxSize: 30,
    ...(config.MixedInstancesPolicy === undefined ? { instanceType: 'm5.large' } : {}),
    ...config,
  });
  simulation.submit(0, { type: 'CreateAutoScalingGroup', config: parsed });
  simulation.submit(0, { type: 'MoveSpotMarket' });
  for (const written of options.policies ?? []) {
    const policy = groupScalingPolicy.parse(written);
    const request = groupPolicyRequest(policyForScaler(policy, 'group'));
    simulation.submit(0, {
      type: 'PutGroupScalingPolicy',
      autoScalingGroupName: 'group',
      config: policy,
      ...(request === undefined ? {} : { request }),
    });
  }
  for (const [faultId, item] of (options.faults ?? []).entries()) {
    const read = fault.parse(item);
    simulation.submit(read.at, { type: 'BeginFault', faultId, fault: read });
    const endMs = faultEndMs(read);
    if (endMs !== undefined) simulation.submit(endMs, { type: 'EndFault', faultId });
  }
  return {
    simulation,
    /** Asks for another size now, and lets the group decide. */
    resize(desiredCapacity: number) {
      const { nowMs } = simulation;
      simulation.submit(nowMs, { type: 'SetDesiredCapacity', autoScalingGroupName: 'group', desiredCapacity });
      simulation.runUntil(nowMs);
    },
    /** Minutes pass in which the group's CPU was this; without a value, nothing is published of them. */
    pass(minutes: number, cpuPercent?: number) {
      for (let minute = 0; minute < minutes; minute++) {
        const endMs = (Math.floor(simulation.nowMs / MINUTE) + 1) * MINUTE;
        const row = cpuPercent === undefined ? [] : [cpuPercent];
        simulation.submit(endMs, {
          type: 'PutMetricData',
          periodStartMs: endMs - MINUTE,
          periodMs: MINUTE,
          metrics: row.map(() => groupCpuMetric('group')),
          sampleCounts: row.map(() => 1),
          sums: row,
          minimums: row,
          maximums: row,
          distributionEnds: [],
          distributionValues: [],
          distributionCounts: [],
        });
        simulation.runUntil(endMs);
      }
    },
    desired: () => simulation.world.ec2.groups.get('group')?.desiredCapacity,
    members: () => membersOf(simulation.world, 'group'),
    inZones: () =>
      ZONES.map(
        (zone) =>
          membersOf(simulation.world, 'group').filter(({ availabilityZone }) => availabilityZone === zone).length,
      ),
    warmed: () => Array.from(simulation.world.ec2.instances.values()).filter(({ state }) => state.startsWith('Warmed')),
    happened: <T extends RoomEvent['type']>(type: T) =>
      [...simulation.log].filter(({ event }) => event.type === type) as Recorded<Extract<RoomEvent, { type: T }>>[],
  };
}

/** An instant of the room's own time, which starts with the epoch. */
export function at(atMs: Millis): string {
  return new Date(atMs).toISOString();
}

/** A mixed instances policy. */
export function mixed(
  types: readonly string[],
  distribution: NonNullable<NonNullable<GroupInput['MixedInstancesPolicy']>['InstancesDistribution']>,
): GroupInput {
  return {
    MixedInstancesPolicy: {
      LaunchTemplate: { Overrides: types.map((InstanceType) => ({ InstanceType })) },
      InstancesDistribution: distribution,
    },
  };
}
