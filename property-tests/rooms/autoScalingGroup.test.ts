import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  instanceType,
  onDemandCount,
  onDemandShare,
  scaleInVictims,
  usableVcpus,
  settleCredits,
  warmPoolSize,
} from '../../core/ec2/index.ts';
import { HOUR, MINUTE, SECOND } from '../../core/kernel/index.ts';
import { groupMember } from '../arbitraries.ts';
import { at, ec2Room, mixed } from '../ec2Room.ts';

const runs = { numRuns: 100 };

/** Sizes that are asked for, minutes apart. */
const sizes = fc.array(fc.record({ minutes: fc.integer({ min: 0, max: 90 }), to: fc.nat({ max: 16 }) }), {
  maxLength: 6,
});

const distributions = fc.record({
  OnDemandBaseCapacity: fc.nat({ max: 6 }),
  OnDemandPercentageAboveBaseCapacity: fc.nat({ max: 100 }),
  OnDemandAllocationStrategy: fc.constantFrom('prioritized' as const, 'lowest-price' as const),
  SpotAllocationStrategy: fc.constantFrom(
    'lowest-price' as const,
    'capacity-optimized' as const,
    'capacity-optimized-prioritized' as const,
    'price-capacity-optimized' as const,
  ),
  SpotInstancePools: fc.integer({ min: 1, max: 4 }),
});

const quiet = { spotInterruption: { model: 'hazard', percentPerMonth: 0 } } as const;

describe('mixed instances', () => {
  test('the on-demand count is the base and the percentage above it, rounded up; one more instance adds one at most', () =>
    fc.assert(
      fc.property(fc.nat({ max: 400 }), fc.nat({ max: 60 }), fc.nat({ max: 100 }), (total, base, percentage) => {
        const count = onDemandCount(total, base, percentage);
        const exact = Math.min(total, base) + (Math.max(0, total - base) * percentage) / 100;
        assert.equal(count >= exact - 1e-9 && count < exact + 1, true, `${count} for ${exact}`);
        assert.equal(count <= total, true);
        const step = onDemandCount(total + 1, base, percentage) - count;
        assert.equal(step === 0 || step === 1, true);
      }),
      { numRuns: 2_000 },
    ));

  test('a group comes to its size with exactly its on-demand share, whatever the strategies and the way there', () =>
    fc.assert(
      fc.property(distributions, sizes, (distribution, changes) => {
        const policy = mixed(['m5.large', 'm5a.large', 'c5.xlarge'], distribution);
        const room = ec2Room({ ...policy, DesiredCapacity: 3, MaxSize: 12 }, { assumptions: quiet });
        for (const { minutes, to } of changes) {
          room.simulation.runUntil(room.simulation.nowMs + minutes * MINUTE);
          room.resize(to);
          const members = room.members();
          const onDemand = members.filter(({ purchaseOption }) => purchaseOption === 'on-demand').length;
          const { config } = room.simulation.world.ec2.groups.get('group')!;
          assert.equal(members.length, Math.min(to, 12));
          assert.equal(onDemand, onDemandShare(config, members.length));
        }
      }),
      runs,
    ));

  test('Spot by price and capacity: nobody launches in a pool while another of the zone is deeper, or as deep and cheaper', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const types = ['m5.large', 'm5a.large', 'm6i.large', 'c5.xlarge'];
      const distribution = {
        OnDemandPercentageAboveBaseCapacity: 0,
        SpotAllocationStrategy: 'price-capacity-optimized',
      } as const;
      const room = ec2Room({ ...mixed(types, distribution), DesiredCapacity: 6 }, { seed });
      room.simulation.runUntil(0);
      const { spotPools } = room.simulation.world.ec2;
      for (const { event } of room.happened('InstanceLaunched')) {
        const pool = (type: string) => spotPools.get(`${type} ${event.availabilityZone}`)!;
        const tier = (type: string) => Math.ceil(pool(type).capacityScore / 4);
        const chosen = event.instanceType;
        for (const type of types) {
          assert.equal(tier(type) <= tier(chosen), true);
          if (tier(type) === tier(chosen))
            assert.equal(pool(type).microUsdPerHour >= pool(chosen).microUsdPerHour, true);
        }
      }
    }
  });

  test('Spot by lowest price takes turns between the cheapest pools of a zone', () => {
    const types = ['m5.large', 'm5a.large', 'm6i.large', 'c5.xlarge'];
    const distribution = { OnDemandPercentageAboveBaseCapacity: 0, SpotInstancePools: 2 };
    const room = ec2Room({ ...mixed(types, distribution), DesiredCapacity: 4 }, { zones: 1 });
    room.simulation.runUntil(0);
    const { spotPools } = room.simulation.world.ec2;
    const price = (type: string) => spotPools.get(`${type} us-east-1a`)!.microUsdPerHour;
    const [first, second] = types.toSorted((a, b) => price(a) - price(b));
    const launched = room.happened('InstanceLaunched').map(({ event }) => event.instanceType);
    assert.deepEqual(launched, [first, second, first, second]);
  });

  test('a Spot price above the maximum is no capacity', () => {
    const distribution = { OnDemandPercentageAboveBaseCapacity: 0, SpotMaxPrice: '0.0001' };
    const room = ec2Room({ ...mixed(['m5.large'], distribution), DesiredCapacity: 1 }, { zones: 1 });
    room.simulation.runUntil(MINUTE);
    assert.equal(room.members().length, 0);
    assert.equal(room.happened('InstanceLaunchFailed')[0]?.event.errorCode, 'SpotMaxPriceTooLow');
  });
});

describe('termination policies', () => {
  const config = (policies: readonly string[], more = {}) =>
    ec2Room({ TerminationPolicies: policies as 'Default'[], ...more });
  const members = [
    groupMember(1, { launchedMs: 0, launchTemplateVersion: 2 }),
    groupMember(2, { launchedMs: 10 * MINUTE, launchTemplateVersion: 1 }),
    groupMember(3, { launchedMs: 40 * MINUTE, launchTemplateVersion: 3 }),
    groupMember(4, { launchedMs: 50 * MINUTE, launchTemplateVersion: 1 }),
  ];
  const pick = (...policies: string[]) => {
    const { simulation } = config(policies);
    simulation.runUntil(0);
    const { config: parsed } = simulation.world.ec2.groups.get('group')!;
    const context = { config: parsed, pools: simulation.world.ec2.spotPools, nowMs: 105 * MINUTE };
    const [victim] = scaleInVictims(members, 1, context);
    return Number.parseInt(victim!.instanceId.slice(2), 10);
  };
  for (const [policy, expected] of [
    ['OldestInstance', 1],
    ['NewestInstance', 4],
    // Ages 105, 95, 65 and 55 minutes: the last one is five minutes from its next hour.
    ['ClosestToNextInstanceHour', 4],
    ['OldestLaunchTemplate', 2],
    ['OldestLaunchConfiguration', 2],
    // Of the two oldest versions the one closer to its next hour.
    ['Default', 4],
    ['AllocationStrategy', 1],
  ] as const)
    test(`${policy} picks the instance it is named after`, () => assert.equal(pick(policy), expected));

  test('policies apply from left to right', () => assert.equal(pick('OldestLaunchTemplate', 'OldestInstance'), 2));

  test('a mixed group gives up the option of which it has too many, then the type it likes least', () => {
    const distribution = { OnDemandBaseCapacity: 1, OnDemandPercentageAboveBaseCapacity: 0 };
    const { simulation } = ec2Room(mixed(['m5.large', 'm5a.large'], distribution));
    simulation.runUntil(0);
    const { config: parsed } = simulation.world.ec2.groups.get('group')!;
    const context = { config: parsed, pools: simulation.world.ec2.spotPools, nowMs: HOUR };
    const spot = groupMember(1, { purchaseOption: 'spot' });
    const extra = [groupMember(2), groupMember(3, { instanceType: 'm5a.large' }), spot];
    assert.deepEqual(
      scaleInVictims(extra, 2, context).map(({ instanceId }) => Number.parseInt(instanceId.slice(2), 10)),
      [3, 1],
    );
    assert.deepEqual(scaleInVictims([groupMember(2), { ...spot, protectedFromScaleIn: true }], 1, context), []);
  });
});

describe('lifecycle hooks', () => {
  const hook = (LifecycleTransition: string, more = {}) => ({
    LifecycleHookName: LifecycleTransition,
    LifecycleTransition: LifecycleTransition as 'autoscaling:EC2_INSTANCE_LAUNCHING',
    HeartbeatTimeout: 120,
    ...more,
  });
  const launching = 'autoscaling:EC2_INSTANCE_LAUNCHING';

  test('a launch hook holds the instance until it is completed', () => {
    const hooks = [hook(launching, { completesAfter: '40s' })];
    const room = ec2Room({ DesiredCapacity: 1, LifecycleHookSpecificationList: hooks });
    room.simulation.runUntil(HOUR);
    const [waiting] = room.happened('InstanceWaiting');
    const [entered] = room.happened('InstanceInService');
    assert.equal(entered!.atMs - waiting!.atMs, 40 * SECOND);
    assert.equal(room.happened('InstanceLaunched').length, 1);
  });

  test('one that times out with ABANDON is terminated and replaced, with CONTINUE it enters service', () => {
    const abandon = ec2Room({ DesiredCapacity: 1, LifecycleHookSpecificationList: [hook(launching)] });
    abandon.simulation.runUntil(10 * MINUTE);
    assert.equal(abandon.happened('InstanceInService').length, 0);
    assert.equal(abandon.happened('InstanceTerminated').length >= 3, true);
    assert.match(abandon.happened('InstanceTerminating')[0]!.event.cause, /abandoned by a lifecycle hook/);
    assert.equal(abandon.members().length, 1);
    const goOn = ec2Room({
      DesiredCapacity: 1,
      LifecycleHookSpecificationList: [hook(launching, { DefaultResult: 'CONTINUE' })],
    });
    goOn.simulation.runUntil(10 * MINUTE);
    assert.equal(goOn.happened('InstanceInService')[0]!.atMs - goOn.happened('InstanceWaiting')[0]!.atMs, 2 * MINUTE);
  });

  test('a terminating hook delays the end, and does not prevent it; the place counts as free at once', () => {
    const hooks = [hook('autoscaling:EC2_INSTANCE_TERMINATING')];
    const room = ec2Room({ DesiredCapacity: 2, LifecycleHookSpecificationList: hooks }, { zones: 1 });
    room.simulation.runUntil(HOUR);
    room.resize(1);
    assert.equal(room.members().length, 1);
    assert.equal(room.simulation.world.ec2.instances.size, 2);
    room.simulation.runUntil(HOUR + 2 * MINUTE - 1);
    assert.equal(room.simulation.world.ec2.instances.size, 2);
    room.simulation.runUntil(HOUR + 2 * MINUTE);
    assert.equal(room.simulation.world.ec2.instances.size, 1);
  });
});

describe('warm pools', () => {
  const pool = { MaxGroupPreparedCapacity: 8 };

  test('the pool is what is prepared beyond the desired capacity, and no instance is lost between pool and group', () =>
    fc.assert(
      fc.property(
        fc.constantFrom(-1, 0, 4, 8),
        fc.nat({ max: 3 }),
        fc.constantFrom('Stopped' as const, 'Running' as const, 'Hibernated' as const),
        sizes,
        (prepared, least, state, changes) => {
          const warmPool = { MaxGroupPreparedCapacity: prepared, MinSize: least, PoolState: state };
          const room = ec2Room({ DesiredCapacity: 2, MaxSize: 10, warmPool });
          for (const { minutes, to } of changes) {
            room.simulation.runUntil(room.simulation.nowMs + minutes * MINUTE);
            room.resize(to);
            const desired = Math.min(to, 10);
            assert.equal(room.members().length, desired);
            assert.equal(room.warmed().length, warmPoolSize(desired, 10, { ...warmPool }));
            const launched = room.happened('InstanceLaunched').length;
            const gone = room.happened('InstanceTerminated').length;
            assert.equal(launched - gone, room.members().length + room.warmed().length);
          }
          room.simulation.runUntil(room.simulation.nowMs + HOUR);
          for (const instance of room.warmed()) assert.equal(instance.state, `Warmed:${state}`);
          for (const instance of room.members()) assert.equal(instance.state, 'InService');
        },
      ),
      runs,
    ));

  test('a scale-out takes from the pool first, and is there sooner than a new instance', () => {
    const room = ec2Room({ DesiredCapacity: 2, MaxSize: 10, warmPool: pool });
    room.simulation.runUntil(HOUR);
    assert.equal(room.warmed().length, 6);
    room.resize(6);
    assert.equal(room.happened('WarmInstanceStarted').length, 4);
    assert.equal(room.happened('InstanceLaunched').length, 8, 'nothing new is launched: 8 were prepared');
    room.resize(9);
    assert.equal(room.happened('WarmInstanceStarted').length, 6);
    assert.equal(room.happened('InstanceLaunched').length, 9, 'the pool is empty: the rest is new');
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const warm = room.happened('WarmInstanceStarted').map(({ atMs, event }) => event.bootedAtMs - atMs);
    const cold = room.happened('InstanceLaunched').map(({ atMs, event }) => event.bootedAtMs - atMs);
    assert.equal(mean(warm) < mean(cold), true);
  });
});

describe('launch failures', () => {
  const ice = (more = {}) => ({ kind: 'InsufficientInstanceCapacity', at: at(0), for: '2h', ...more }) as const;

  test('another zone takes what one cannot; when it can again, the group is balanced, never above its limits', () => {
    const zone = { availabilityZone: 'us-east-1a' };
    const room = ec2Room({ DesiredCapacity: 6, MaxSize: 6 }, { faults: [ice(zone)] });
    room.simulation.runUntil(HOUR);
    assert.deepEqual(room.inZones(), [0, 3, 3]);
    const [failed] = room.happened('InstanceLaunchFailed');
    assert.equal(failed!.event.errorCode, 'InsufficientInstanceCapacity');
    assert.equal(
      failed!.event.statusMessage,
      'We currently do not have sufficient m5.large capacity in the Availability Zone you requested (us-east-1a). Our system will be working on provisioning additional capacity. You can currently get m5.large capacity by not specifying an Availability Zone in your request or choosing us-east-1b, us-east-1c. Launching EC2 instance failed.',
    );
    let most = 0;
    for (let minute = 61; minute < 4 * 60; minute++) {
      room.simulation.runUntil(minute * MINUTE);
      most = Math.max(most, room.members().length);
      assert.equal(room.members().length >= 6, true, 'launch first, then terminate');
    }
    assert.deepEqual(room.inZones(), [2, 2, 2]);
    assert.equal(most, 7, 'MaxSize and one more');
  });

  test('without any capacity it waits longer and longer, up to a limit, and then fills up', () => {
    const room = ec2Room({ DesiredCapacity: 4 }, { faults: [ice()] });
    room.simulation.runUntil(2 * HOUR - 1);
    assert.equal(room.members().length, 0);
    const instants = [...new Set(room.happened('InstanceLaunchFailed').map(({ atMs }) => atMs))];
    const waits = instants.slice(1).map((atMs, index) => atMs - instants[index]!);
    assert.deepEqual(
      waits.slice(0, 6),
      [30, 60, 120, 240, 480, 600].map((wait) => wait * SECOND),
    );
    assert.equal(Math.max(...waits), 10 * MINUTE);
    room.simulation.runUntil(2 * HOUR + 10 * MINUTE);
    assert.equal(room.members().length, 4);
  });

  test('a larger desired capacity is tried at once', () => {
    const room = ec2Room({ DesiredCapacity: 1 }, { faults: [ice()] });
    room.simulation.runUntil(HOUR);
    const before = room.happened('InstanceLaunchFailed').length;
    room.resize(2);
    assert.equal(room.happened('InstanceLaunchFailed').length > before, true);
  });

  test('balanced-only keeps to the zone whose turn it is', () => {
    const zone = { availabilityZone: 'us-east-1a' };
    const distribution = { CapacityDistributionStrategy: 'balanced-only' } as const;
    const room = ec2Room({ DesiredCapacity: 6, AvailabilityZoneDistribution: distribution }, { faults: [ice(zone)] });
    room.simulation.runUntil(HOUR);
    assert.deepEqual(room.inZones(), [0, 0, 0]);
    room.simulation.runUntil(3 * HOUR);
    assert.deepEqual(room.inZones(), [2, 2, 2]);
  });

  test('another type takes what one cannot; Spot has its own capacity', () => {
    const distribution = { OnDemandBaseCapacity: 2, OnDemandPercentageAboveBaseCapacity: 0 };
    const room = ec2Room(
      { ...mixed(['m5.large', 'm5a.large'], distribution), DesiredCapacity: 4 },
      { faults: [ice({ instanceType: 'm5.large' })], assumptions: quiet },
    );
    room.simulation.runUntil(MINUTE);
    const launched = room.happened('InstanceLaunched').map(({ event }) => event);
    assert.equal(launched.length, 4);
    for (const { purchaseOption, instanceType: type } of launched)
      if (purchaseOption === 'on-demand') assert.equal(type, 'm5a.large');
  });

  test('throttled calls fail with RequestLimitExceeded, slow launches take as many times as long', () => {
    const throttled = ec2Room({ DesiredCapacity: 1 }, { faults: [{ kind: 'ApiThrottling', at: at(0), for: '5m' }] });
    throttled.simulation.runUntil(4 * MINUTE);
    assert.equal(throttled.happened('InstanceLaunchFailed')[0]!.event.errorCode, 'RequestLimitExceeded');
    const slow = ec2Room({ DesiredCapacity: 1 }, { faults: [{ kind: 'SlowLaunches', at: at(0), factor: 10 }] });
    const normal = ec2Room({ DesiredCapacity: 1 });
    for (const room of [slow, normal]) room.simulation.runUntil(0);
    const [slowly, quickly] = [slow, normal].map((room) => room.happened('InstanceLaunched')[0]!.event.bootedAtMs);
    assert.equal(Math.abs(slowly! / quickly! - 10) < 0.001, true);
  });
});

describe('health', () => {
  test('an impaired instance is replaced after its status checks have told, not within its grace period', () => {
    const faults = [{ kind: 'InstanceFailure', at: at(5 * MINUTE), mode: 'impaired', count: 1 }] as const;
    const room = ec2Room({ DesiredCapacity: 2 }, { faults });
    room.simulation.runUntil(8 * MINUTE - 1);
    assert.equal(room.happened('InstanceTerminating').length, 0);
    room.simulation.runUntil(8 * MINUTE);
    assert.match(room.happened('InstanceTerminating')[0]!.event.cause, /EC2 instance status checks failure\./);
    assert.equal(room.members().length, 2);
    const patient = ec2Room({ DesiredCapacity: 2, HealthCheckGracePeriod: 1200 }, { faults });
    patient.simulation.runUntil(15 * MINUTE);
    assert.equal(patient.happened('InstanceTerminating').length, 0);
    patient.simulation.runUntil(25 * MINUTE);
    assert.equal(patient.happened('InstanceTerminating').length, 1);
  });

  test('an instance whose host fails, and all of a zone that is out, are replaced at once, elsewhere', () => {
    const faults = [
      { kind: 'InstanceFailure', at: at(5 * MINUTE), count: 2 },
      { kind: 'AvailabilityZoneOutage', at: at(10 * MINUTE), for: '1h', availabilityZone: 'us-east-1b' },
    ] as const;
    const room = ec2Room({ DesiredCapacity: 6 }, { faults });
    room.simulation.runUntil(5 * MINUTE);
    assert.equal(room.happened('InstanceTerminated').length, 2);
    assert.equal(room.members().length, 6);
    room.simulation.runUntil(10 * MINUTE);
    assert.deepEqual(room.inZones(), [3, 0, 3]);
    room.simulation.runUntil(3 * HOUR);
    assert.deepEqual(room.inZones(), [2, 2, 2]);
  });
});

describe('Spot', () => {
  const spot = mixed(['m5.large', 'm5a.large'], { OnDemandPercentageAboveBaseCapacity: 0 });

  test('an interruption gives a notice of exactly two minutes; the group replaces the instance when it is gone', () => {
    const storm = { kind: 'SpotStorm', at: at(HOUR), for: '1m', percent: 100 } as const;
    const room = ec2Room({ ...spot, DesiredCapacity: 3 }, { faults: [storm], assumptions: quiet });
    room.simulation.runUntil(HOUR);
    assert.equal(room.happened('SpotInterruptionNoticed').length, 3);
    room.simulation.runUntil(HOUR + 2 * MINUTE - 1);
    assert.equal(room.happened('InstanceLaunched').length, 3);
    assert.equal(room.members().length, 3);
    room.simulation.runUntil(HOUR + 2 * MINUTE);
    assert.equal(room.happened('InstanceTerminated').length, 3);
    assert.equal(room.happened('InstanceLaunched').length, 6);
  });

  test('with capacity rebalancing the replacement comes first, and the one at risk goes when it is in service', () => {
    const room = ec2Room({ ...spot, DesiredCapacity: 3, MaxSize: 3, CapacityRebalance: true }, { assumptions: quiet });
    room.simulation.runUntil(HOUR);
    const [risky] = room.members();
    room.simulation.submit(HOUR, { type: 'RecommendRebalance', instanceId: risky!.instanceId });
    room.simulation.runUntil(HOUR);
    assert.equal(room.members().length, 4, 'one above MaxSize');
    room.simulation.runUntil(HOUR + 5 * MINUTE);
    assert.equal(room.members().length, 3);
    assert.equal(room.simulation.world.ec2.instances.has(risky!.instanceId), false);
    assert.equal(room.happened('InstanceTerminated').length, 1);
  });

  test('the hazard is what it says: a tenth of the instances a month, within the luck of a few hundred', () => {
    const assumptions = { spotInterruption: { model: 'hazard', percentPerMonth: 10 } } as const;
    const room = ec2Room({ ...spot, DesiredCapacity: 400, MaxSize: 400 }, { assumptions });
    room.simulation.runUntil(720 * HOUR);
    const count = room.happened('SpotInterruptionNoticed').length;
    assert.equal(count > 22 && count < 60, true, `${count} interruptions of 400 instances`);
    for (const { atMs, event } of room.happened('SpotInterruptionNoticed'))
      assert.equal(event.reclaimedAtMs - atMs, 2 * MINUTE);
  });

  test('a pool that is interrupted at given instants loses all it has, and nothing else does', () => {
    const room = ec2Room({ ...spot, DesiredCapacity: 6 }, { zones: 2, assumptions: quiet });
    room.simulation.runUntil(HOUR);
    const pool = { instanceType: 'm5.large', availabilityZone: 'us-east-1a' } as const;
    room.simulation.submit(HOUR, { type: 'InterruptSpotPool', ...pool });
    room.simulation.runUntil(HOUR);
    for (const { interrupted, instanceType: type, availabilityZone } of room.members())
      assert.equal(interrupted, type === pool.instanceType && availabilityZone === pool.availabilityZone);
  });

  test('Spot prices stay below on-demand, near their long-run share, and move', () => {
    const room = ec2Room({ ...spot, DesiredCapacity: 1 }, { assumptions: quiet });
    room.simulation.runUntil(240 * HOUR);
    const prices: number[] = [];
    for (const { event } of room.happened('SpotMarketMoved'))
      for (const [row, pool] of event.pools.entries())
        prices.push(event.microUsdPerHour[row]! / instanceType(pool.split(' ')[0]!)!.microUsdPerHour);
    const mean = prices.reduce((sum, price) => sum + price, 0) / prices.length;
    assert.equal(Math.abs(mean - 0.35) < 0.02, true, `mean ${mean}`);
    assert.equal(Math.max(...prices) <= 0.35 * 1.2 + 1e-6 && Math.min(...prices) >= 0.35 * 0.8 - 1e-6, true);
    assert.equal(new Set(prices).size > 100, true);
  });
});

describe('CPU credits', () => {
  const credits = fc.record({
    balance: fc.nat({ max: 288 }),
    launchCredits: fc.constantFrom(0, 60),
    surplus: fc.constant(0),
  });

  test('what is earned and lent is spent, kept, paid back or lost at the limit: nothing else', () =>
    fc.assert(
      fc.property(credits, fc.nat({ max: 288 }), fc.double({ min: 0, max: 2, noNaN: true }), (given, owed, spent) => {
        for (const mode of ['standard', 'unlimited'] as const) {
          const before = { ...given, mode, ...(mode === 'unlimited' && owed > 0 ? { surplus: owed, balance: 0 } : {}) };
          const after = settleCredits(before, 12, MINUTE, spent);
          const wealth = ({ balance, launchCredits, surplus }: Omit<typeof after, 'charged'>) =>
            balance + launchCredits - surplus;
          const exact = wealth(before) + 0.2 - spent;
          const found = wealth(after) - after.charged;
          if (mode === 'unlimited') assert.equal(found <= exact + 1e-5, true);
          if (after.balance < 288 && (mode === 'unlimited' || after.balance > 0))
            assert.equal(Math.abs(found - exact) < 1e-5, true, `${found} for ${exact}`);
          assert.equal(Math.min(after.balance, after.surplus, after.launchCredits, after.charged) >= 0, true);
          assert.equal(after.balance === 0 || after.surplus === 0, true);
        }
      }),
      { numRuns: 1_000 },
    ));

  test('a t3.nano lends what a day earns, 144 credits, and pays for what is beyond', () => {
    let state = { balance: 0, launchCredits: 0, surplus: 0, charged: 0 };
    let charged = 0;
    // Both vCPUs for 100 minutes: 200 spent, 10 earned.
    for (let minute = 0; minute < 100; minute++) {
      state = settleCredits({ ...state, mode: 'unlimited' }, 6, MINUTE, 2);
      charged += state.charged;
    }
    assert.equal(Math.abs(state.surplus - 144) < 1e-3, true);
    assert.equal(Math.abs(charged - 46) < 1e-3, true, `${charged}`);
  });

  test('without credits a standard instance falls to its baseline: a t3.medium to a fifth of two vCPUs', () => {
    const none = { balance: 0, launchCredits: 0 };
    assert.equal(usableVcpus('t3.medium', none, 'standard'), 0.4);
    assert.equal(usableVcpus('t3.medium', { ...none, balance: 5 }, 'standard'), 2);
    assert.equal(usableVcpus('t3.medium', none, 'unlimited'), 2);
    assert.equal(usableVcpus('m5.large', none, 'standard'), 2);
  });

  test('T2 Standard starts with 30 credits per vCPU, T3 with none', () => {
    for (const [type, expected] of [
      ['t2.medium', 60],
      ['t2.micro', 30],
      ['t3.medium', 0],
    ] as const) {
      const room = ec2Room({ instanceType: type, DesiredCapacity: 1, CreditSpecification: { CpuCredits: 'standard' } });
      room.simulation.runUntil(0);
      assert.equal(room.members()[0]!.cpuCredits?.launchCredits, expected);
    }
  });
});
