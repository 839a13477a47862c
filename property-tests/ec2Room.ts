/** EC2 alone, without the rooms above it: a group, and what its instances go through. */

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
  membersOf,
  type Ec2Command,
  type Ec2Event,
  type Ec2World,
} from '../core/ec2/index.ts';
import { Digest, Simulation, type Millis, type Recorded } from '../core/kernel/index.ts';

const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const timings = z.strictObject(ec2Timings);
const assumptions = z.strictObject(ec2Assumptions);
const fault = z.discriminatedUnion('kind', [...capacityFaults]);

export type GroupInput = Partial<z.input<typeof autoScalingGroup>>;
export type FaultInput = z.input<typeof fault>;

export interface RoomOptions {
  readonly seed?: number;
  readonly zones?: number;
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
  const simulation = new Simulation<Ec2World, Ec2Command, Ec2Event>(
    {
      events: ec2Events,
      decide: decideEc2<Ec2World>(() => []),
      evolve: evolveEc2,
      phases: ec2Phases,
      controllers: [ec2Controller],
    },
    options.seed ?? 5,
    { atMs: 0, world: { ec2: emptyEc2(settings) }, pending: [], log: { seq: 0, digest: new Digest().state() } },
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
    members: () => membersOf(simulation.world, 'group'),
    inZones: () =>
      ZONES.map(
        (zone) =>
          membersOf(simulation.world, 'group').filter(({ availabilityZone }) => availabilityZone === zone).length,
      ),
    warmed: () => Array.from(simulation.world.ec2.instances.values()).filter(({ state }) => state.startsWith('Warmed')),
    happened: <T extends Ec2Event['type']>(type: T) =>
      [...simulation.log].filter(({ event }) => event.type === type) as Recorded<Extract<Ec2Event, { type: T }>>[],
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
