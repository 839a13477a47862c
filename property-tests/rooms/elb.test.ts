import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  decideElb,
  elbController,
  elbEvents,
  elbPhases,
  emptyElb,
  evolveElb,
  getsRequests,
  loadBalancer,
  loadBalancerDimension,
  loadBalancingAssumptions,
  routesOf,
  targetGroup,
  targetGroupDimension,
  targetGroupProblems,
  type CheckResult,
  type ElbCommand,
  type ElbEvent,
  type ElbWorld,
  type FailedCheck,
  type TargetGroup,
} from '../../core/elb/index.ts';
import { Digest, HOUR, SECOND, Simulation } from '../../core/kernel/index.ts';

type Options = Partial<ReturnType<typeof loadBalancingAssumptions.parse>>;

function start(config: object = {}, options: Options = {}, warmStartMs = -1) {
  const simulation = new Simulation<ElbWorld, ElbCommand, ElbEvent>(
    { events: elbEvents, decide: decideElb, evolve: evolveElb, phases: elbPhases, controllers: [elbController] },
    3,
    {
      atMs: 0,
      world: { elb: emptyElb(warmStartMs, loadBalancingAssumptions.parse(options)) },
      pending: [],
      log: { seq: 0, digest: new Digest().state() },
    },
  );
  simulation.submit(0, { type: 'CreateTargetGroup', config: targetGroup.parse({ Name: 'web', ...config }) });
  simulation.runUntil(0);
  return simulation;
}

type Simulated = ReturnType<typeof start>;
const group = (simulation: Simulated): TargetGroup => simulation.world.elb.targetGroups.get('web') as TargetGroup;
const web = (targetId: string) => ({ targetGroup: 'web', targetId });

function register(simulation: Simulated, targetId: string, answersFromMs = simulation.nowMs, zone = 'a'): void {
  const command = { type: 'RegisterTarget', ...web(targetId), availabilityZone: zone, answersFromMs } as const;
  simulation.submit(simulation.nowMs, command);
  simulation.runUntil(simulation.nowMs);
}

function tell(simulation: Simulated, command: ElbCommand): void {
  simulation.submit(simulation.nowMs, command);
  simulation.runUntil(simulation.nowMs);
}

const failures: readonly FailedCheck[] = ['Target.Timeout', 'Target.FailedHealthChecks', 'Target.ResponseCodeMismatch'];

/** What happens to up to six targets of a group, and how long it takes until then. */
const stories = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 200_000 })),
    what: fc.constantFrom(
      'register',
      'register',
      'register',
      'fails',
      'fails',
      'recovers',
      'overload',
      'overload',
      'calm',
      'deregister',
      'remove',
    ),
    target: fc.nat({ max: 5 }),
    answersInMs: fc.constantFrom(0, 0, 7_001, 95_003),
    how: fc.constantFrom(...failures),
  }),
  { minLength: 1, maxLength: 60, size: 'max' },
);

const settings = fc.record({
  HealthCheckIntervalSeconds: fc.constantFrom(5, 10, 30),
  HealthCheckTimeoutSeconds: fc.constantFrom(2, 4),
  HealthyThresholdCount: fc.integer({ min: 2, max: 5 }),
  UnhealthyThresholdCount: fc.integer({ min: 2, max: 4 }),
  deregistrationDelaySeconds: fc.constantFrom(0, 20, 300),
  Attributes: fc.constantFrom<readonly object[]>(
    [],
    [{ Key: 'target_group_health.unhealthy_state_routing.minimum_healthy_targets.count', Value: '2' }],
    [{ Key: 'target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage', Value: '60' }],
  ),
});
type Settings = typeof settings extends fc.Arbitrary<infer Drawn> ? Drawn : never;
type Story = typeof stories extends fc.Arbitrary<infer Drawn> ? Drawn : never;

const options = fc.record({
  newTargetNeeds: fc.constantFrom('oneCheck' as const, 'healthyThreshold' as const),
  failingNewTargets: fc.constantFrom('unhealthy' as const, 'initial' as const),
  firstCheck: fc.constantFrom('random' as const, 'atOnce' as const, 'afterInterval' as const),
});

function commandOf({ what, target, answersInMs, how }: Story[number], atMs: number): ElbCommand {
  const of = web(`task-${target}`);
  const registered = { ...of, availabilityZone: 'a', answersFromMs: atMs + answersInMs };
  if (what === 'register') return { type: 'RegisterTarget', ...registered };
  if (what === 'fails') return { type: 'TargetFails', ...of, reason: how };
  if (what === 'recovers') return { type: 'TargetRecovers', ...of };
  if (what === 'overload') return { type: 'OverloadTargets', targetGroup: 'web', answer: how };
  if (what === 'calm') return { type: 'OverloadTargets', targetGroup: 'web', answer: 'Passes' };
  if (what === 'deregister') return { type: 'DeregisterTarget', ...of, longestRequestMs: 0 };
  return { type: 'RemoveTarget', ...of };
}

/** A target as the oracle keeps it: every check is sent, and every result comes back. */
interface Watched {
  readonly firstCheckMs: number;
  readonly answersFromMs: number;
  nextCheckMs: number;
  /** Sent and not known yet. */
  waiting: { readonly knownMs: number; readonly result: CheckResult } | undefined;
  passed: number;
  failed: number;
  state: 'initial' | 'healthy' | 'unhealthy';
  application: CheckResult;
}

/** Simulates a story check by check. @returns the instants at which targets change their state */
function checkByCheck(
  log: Iterable<{ readonly atMs: number; readonly event: ElbEvent }>,
  config: Settings,
  chosen: Options,
  endMs: number,
) {
  const intervalMs = config.HealthCheckIntervalSeconds * SECOND;
  const targets = new Map<string, Watched>();
  const changes: string[] = [];
  let overload: CheckResult = 'Passes';
  const [minimum] = config.Attributes as readonly { readonly Key: string; readonly Value: string }[];
  const failsOpen = (): boolean => {
    const all = [...targets.values()];
    const healthy = all.filter(({ state }) => state === 'healthy').length;
    if (minimum?.Key.endsWith('count')) return healthy < Number(minimum.Value);
    return healthy === 0 || (minimum !== undefined && (100 * healthy) / all.length < Number(minimum.Value));
  };
  const resultFor = (target: Watched, atMs: number): CheckResult => {
    if (atMs < target.answersFromMs) return 'Target.FailedHealthChecks';
    if (target.application !== 'Passes') return target.application;
    return target.state === 'healthy' || failsOpen() ? overload : 'Passes';
  };
  const learn = (id: string, target: Watched, result: CheckResult, atMs: number): void => {
    if (result === 'Passes') {
      target.passed++;
      target.failed = 0;
      const needed =
        target.state === 'unhealthy' || chosen.newTargetNeeds === 'healthyThreshold' ? config.HealthyThresholdCount : 1;
      if (target.state === 'healthy' || target.passed < needed) return;
      target.state = 'healthy';
      changes.push(`${atMs} ${id} healthy`);
    } else {
      target.failed++;
      target.passed = 0;
      const stays = target.state === 'initial' && chosen.failingNewTargets === 'initial';
      if (target.state === 'unhealthy' || stays || target.failed < config.UnhealthyThresholdCount) return;
      target.state = 'unhealthy';
      changes.push(`${atMs} ${id} ${result}`);
    }
  };
  const runUntil = (untilMs: number): void => {
    for (;;) {
      let nowMs = Infinity;
      for (const { nextCheckMs, waiting } of targets.values())
        nowMs = Math.min(nowMs, nextCheckMs, waiting?.knownMs ?? Infinity);
      if (nowMs > untilMs) return;
      const known: (readonly [string, Watched, CheckResult])[] = [];
      for (const [id, target] of targets) {
        if (target.nextCheckMs !== nowMs) continue;
        target.nextCheckMs += intervalMs;
        const result = resultFor(target, nowMs);
        if (result === 'Target.Timeout')
          target.waiting = { knownMs: nowMs + config.HealthCheckTimeoutSeconds * SECOND, result };
        else known.push([id, target, result]);
      }
      for (const [id, target] of targets)
        if (target.waiting?.knownMs === nowMs) {
          known.push([id, target, target.waiting.result]);
          target.waiting = undefined;
        }
      for (const [id, target, result] of known) learn(id, target, result, nowMs);
    }
  };
  for (const { atMs, event } of log) {
    if (event.type === 'TargetRegistered') {
      runUntil(atMs);
      const { firstCheckMs, answersFromMs } = event;
      const counts = { nextCheckMs: firstCheckMs, waiting: undefined, passed: 0, failed: 0 };
      targets.set(event.targetId, { firstCheckMs, answersFromMs, ...counts, state: 'initial', application: 'Passes' });
    } else if (event.type === 'HealthCheckAnswerChanged') {
      runUntil(atMs);
      if (event.targetId === undefined) overload = event.answer;
      else targets.get(event.targetId)!.application = event.answer;
    } else if (event.type === 'TargetDraining' || event.type === 'TargetDeregistered') {
      runUntil(atMs);
      targets.delete(event.targetId);
    }
  }
  runUntil(endMs);
  return changes;
}

test('states change at the instants at which simulating every single check changes them', () => {
  let changed = 0;
  fc.assert(
    fc.property(stories, settings, options, (story, config, chosen) => {
      const simulation = start(config, chosen);
      for (const turn of story) {
        const atMs = simulation.nowMs + turn.waitMs;
        simulation.submit(atMs, commandOf(turn, atMs));
        simulation.runUntil(atMs);
      }
      simulation.runUntil(simulation.nowMs + 900 * SECOND);
      const told = [...simulation.log].flatMap(({ atMs, event }) => {
        if (event.type === 'TargetHealthy') return [`${atMs} ${event.targetId} healthy`];
        return event.type === 'TargetUnhealthy' ? [`${atMs} ${event.targetId} ${event.reason}`] : [];
      });
      const expected = checkByCheck(simulation.log, config, chosen, simulation.nowMs);
      assert.deepEqual(told.toSorted(), expected.toSorted());
      changed += told.length;
    }),
    { numRuns: 300 },
  );
  assert.ok(changed > 2_000, `${changed} changes seen`);
});

test('requests go to healthy targets, without any to all that are registered, and their parts add up', () =>
  fc.assert(
    fc.property(stories, settings, fc.boolean(), (story, config, crossZone) => {
      const zonal = crossZone ? [] : [{ Key: 'load_balancing.cross_zone.enabled', Value: 'false' }];
      const simulation = start({ ...config, Attributes: zonal });
      for (const turn of story) {
        const atMs = simulation.nowMs + turn.waitMs;
        const command = commandOf(turn, atMs);
        simulation.submit(
          atMs,
          command.type === 'RegisterTarget' ? { ...command, availabilityZone: `zone-${turn.target % 3}` } : command,
        );
        simulation.runUntil(atMs);
        const { targets, healthyCount, checks } = group(simulation);
        const { pools, failing, targetCount } = routesOf(group(simulation), atMs);
        const states = [...targets.values()];
        assert.equal(healthyCount, states.filter((state) => state === 'healthy').length);
        const registered = states.filter((state) => state !== 'draining').length;
        assert.equal(targetCount, healthyCount > 0 ? healthyCount : registered);
        const shares = [...pools.map(({ share }) => share), ...failing.values()];
        const sum = shares.reduce((total, share) => total + share, 0);
        assert.ok(registered === 0 ? sum === 0 : Math.abs(sum - 1) < 1e-9, `shares add up to ${sum}`);
        const seen = new Set<string>();
        for (const { receiving, holding } of pools) {
          for (const id of receiving) {
            assert.equal(getsRequests(group(simulation), targets.get(id)), true);
            assert.equal(checks.get(id)?.application, 'Passes', 'who fails is among the failing');
            assert.notEqual(targets.get(id), 'draining');
            if (healthyCount > 0) assert.equal(targets.get(id), 'healthy');
          }
          assert.deepEqual([receiving.length, holding.length], [[...receiving].length, [...holding].length]);
          for (const id of [...receiving, ...holding]) {
            assert.equal(seen.has(id), false, `${id} is in two pools`);
            seen.add(id);
          }
        }
      }
      simulation.runUntil(simulation.nowMs + HOUR);
      assert.deepEqual([...group(simulation).drainedAtMs], [], 'who was to leave has left');
    }),
    { numRuns: 300 },
  ));

test('a new target is healthy after one passing check, which comes within the registration and an interval', () =>
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 300 }), fc.nat({ max: 200 }), (interval, startup) => {
      const simulation = start({ HealthCheckIntervalSeconds: interval, UnhealthyThresholdCount: 10 });
      register(simulation, 'task-1', startup * SECOND);
      simulation.runUntil(2 * HOUR);
      const changes = [...simulation.log].filter(({ event }) => /healthy$/i.test(event.type));
      // Ten failed checks in a row make a new target unhealthy; it needs the threshold then.
      const patient = startup < 9 * interval;
      const healthy = changes.at(-1)!;
      assert.equal(healthy.event.type, 'TargetHealthy');
      assert.ok(healthy.atMs >= Math.max(SECOND, startup * SECOND), 'not before the application answers');
      if (!patient) return;
      assert.equal(changes.length, 1);
      assert.ok(healthy.atMs <= (Math.max(startup, 5) + interval) * SECOND, `at ${healthy.atMs}`);
    }),
    { numRuns: 300 },
  ));

test('a healthy group has nothing in the calendar', () => {
  const simulation = start();
  for (let task = 0; task < 50; task++) register(simulation, `task-${task}`);
  simulation.runUntil(60 * SECOND);
  assert.equal(group(simulation).healthyCount, 50);
  assert.equal(simulation.step(), false);
});

test('overload: targets that get requests fail, the others pass, and when all have failed all get requests again', () => {
  const simulation = start({ HealthCheckIntervalSeconds: 10, HealthyThresholdCount: 2 });
  for (const id of ['task-1', 'task-2', 'task-3']) register(simulation, id);
  simulation.runUntil(60 * SECOND);
  tell(simulation, { type: 'OverloadTargets', targetGroup: 'web', answer: 'Target.Timeout' });
  simulation.runUntil(95 * SECOND);
  assert.deepEqual([...group(simulation).targets.values()], ['unhealthy', 'unhealthy', 'unhealthy']);
  assert.equal(routesOf(group(simulation), simulation.nowMs).targetCount, 3);
  simulation.runUntil(HOUR);
  assert.equal(group(simulation).healthyCount, 0, 'all of them get requests, so none recovers');
  tell(simulation, { type: 'OverloadTargets', targetGroup: 'web', answer: 'Passes' });
  simulation.runUntil(HOUR + 25 * SECOND);
  assert.equal(group(simulation).healthyCount, 3);
});

test('slow start: the share grows in a straight line to the full one, and only beside a target that has it', () =>
  fc.assert(
    fc.property(fc.integer({ min: 30, max: 900 }), fc.integer({ min: 1, max: 8 }), (seconds, others) => {
      const simulation = start({ Attributes: [{ Key: 'slow_start.duration_seconds', Value: String(seconds) }] });
      for (let task = 1; task <= others; task++) register(simulation, `task-${task}`);
      while (group(simulation).healthyCount === 0) simulation.step();
      assert.equal(group(simulation).slowStarts.size, 0, 'beside nobody with a full share it starts at once');
      simulation.runUntil((60 + seconds) * SECOND);
      register(simulation, 'new');
      while (group(simulation).targets.get('new') !== 'healthy') simulation.step();
      const fromMs = simulation.nowMs;
      let last = 0;
      for (let tenth = 0; tenth <= 12; tenth++) {
        const [pool] = routesOf(group(simulation), fromMs + tenth * seconds * 100).pools;
        const receiving = [...pool!.receiving];
        const weights = pool!.weights ?? receiving.map(() => 1);
        const weight = weights[receiving.indexOf('new')]!;
        assert.ok(
          Math.abs(weight - Math.min(1, Math.max(tenth / 10, 0.001))) < 1e-9,
          `weight ${weight} after ${tenth}/10`,
        );
        const share = weight / weights.reduce((sum, one) => sum + one, 0);
        assert.ok(share >= last);
        last = share;
      }
      assert.ok(Math.abs(last - 1 / (others + 1)) < 1e-9, 'it ends at the full share');
    }),
    { numRuns: 100 },
  ));

test('without cross-zone load balancing every zone has an equal part, whatever its targets', () => {
  const Attributes = [{ Key: 'load_balancing.cross_zone.enabled', Value: 'false' }];
  const simulation = start({ Attributes });
  for (const [index, zone] of ['a', 'a', 'a', 'b', 'c', 'c'].entries()) register(simulation, `task-${index}`, 0, zone);
  simulation.runUntil(60 * SECOND);
  const shares = () =>
    Object.fromEntries(routesOf(group(simulation), simulation.nowMs).pools.map(({ zone, share }) => [zone, share]));
  const third = 1 / 3;
  assert.deepEqual(shares(), { a: third, b: third, c: third });
  tell(simulation, { type: 'TargetFails', ...web('task-3'), reason: 'Target.FailedHealthChecks' });
  assert.deepEqual(shares(), { a: third, b: 0, c: third }, 'until it is unhealthy, its part fails');
  assert.ok(
    Math.abs(routesOf(group(simulation), simulation.nowMs).failing.get('Target.FailedHealthChecks')! - third) < 1e-9,
  );
  simulation.runUntil(180 * SECOND);
  assert.deepEqual(shares(), { a: 0.5, b: 0, c: 0.5 }, 'then its zone leaves the DNS');
});

test('a target in a zone that is not enabled for the load balancer is unused, and leaves without draining', () => {
  const simulation = start();
  tell(simulation, {
    type: 'CreateLoadBalancer',
    config: loadBalancer.parse({ Name: 'front', AvailabilityZones: ['a'] }),
  });
  tell(simulation, { type: 'CreateTargetGroup', config: targetGroup.parse({ Name: 'api', loadBalancer: 'front' }) });
  for (const zone of ['a', 'b'])
    tell(simulation, {
      type: 'RegisterTarget',
      targetGroup: 'api',
      targetId: zone,
      availabilityZone: zone,
      answersFromMs: 0,
    });
  simulation.runUntil(HOUR);
  const api = simulation.world.elb.targetGroups.get('api')!;
  assert.deepEqual(
    [...api.targets],
    [
      ['a', 'healthy'],
      ['b', 'unused'],
    ],
  );
  assert.equal(routesOf(api, simulation.nowMs).targetCount, 1);
  tell(simulation, { type: 'DeregisterTarget', targetGroup: 'api', targetId: 'b', longestRequestMs: 0 });
  assert.deepEqual([...api.targets.keys()], ['a']);
});

test('a target drains for its delay; when it may go with its last request, no longer than one can take', () => {
  for (const [deregistrationEnds, untilMs] of [
    ['afterDelay', 300 * SECOND],
    ['withLastRequest', 12 * SECOND],
  ] as const) {
    const simulation = start({}, { deregistrationEnds });
    register(simulation, 'task-1');
    tell(simulation, { type: 'DeregisterTarget', ...web('task-1'), longestRequestMs: 12 * SECOND });
    simulation.runUntil(HOUR);
    assert.equal([...simulation.log].find(({ event }) => event.type === 'TargetDeregistered')?.atMs, untilMs);
  }
});

describe('what AWS refuses', () => {
  const attribute = (Key: string, Value: unknown) => ({ Key, Value });
  for (const [what, config, pattern] of [
    [
      'a timeout as long as the interval',
      { HealthCheckIntervalSeconds: 10, HealthCheckTimeoutSeconds: 10 },
      /greater than the timeout/,
    ],
    ['a slow start of 20 s', { Attributes: [attribute('slow_start.duration_seconds', '20')] }, /30 to 900/],
    [
      'a slow start with least outstanding requests',
      {
        Attributes: [
          attribute('slow_start.duration_seconds', 60),
          attribute('load_balancing.algorithm.type', 'least_outstanding_requests'),
        ],
      },
      /expected round_robin/,
    ],
    [
      'an attribute twice',
      { Attributes: [attribute('slow_start.duration_seconds', 60), attribute('slow_start.duration_seconds', 60)] },
      /second time/,
    ],
    [
      'two deregistration delays',
      { deregistrationDelaySeconds: 5, Attributes: [attribute('deregistration_delay.timeout_seconds', 5)] },
      /one of the two/,
    ],
  ] as const)
    test(what, () => {
      const problems = targetGroupProblems(targetGroup.parse({ Name: 'web', ...config }));
      assert.equal(problems.length, 1);
      assert.match(problems[0]!.message, pattern);
    });

  for (const [what, config] of [
    ['an unknown attribute', { Attributes: [attribute('slow_start.seconds', '30')] }],
    ['a delay of 3601 s', { Attributes: [attribute('deregistration_delay.timeout_seconds', '3601')] }],
    ['a name that ends in a hyphen', { Name: 'web-' }],
    ['a code that is none', { Matcher: { HttpCode: 'ok' } }],
  ] as const)
    test(what, () => assert.equal(targetGroup.safeParse({ Name: 'web', ...config }).success, false));
});

test('a matcher without the 200 of the application lets no target become healthy', () => {
  for (const [HttpCode, healthy] of [
    ['200', 1],
    ['200-299', 1],
    ['204,200', 1],
    ['204', 0],
    ['301-399', 0],
  ] as const) {
    const simulation = start({ Matcher: { HttpCode } });
    register(simulation, 'task-1');
    simulation.runUntil(HOUR);
    assert.equal(group(simulation).healthyCount, healthy, HttpCode);
    const failed = [...simulation.log].find(({ event }) => event.type === 'TargetUnhealthy')?.event;
    if (healthy === 0) assert.equal(failed?.type === 'TargetUnhealthy' && failed.reason, 'Target.ResponseCodeMismatch');
  }
});

test('dimensions are AWS-shaped, follow from the name alone, and differ', () => {
  assert.match(loadBalancerDimension('my-alb'), /^app\/my-alb\/[0-9a-f]{16}$/);
  assert.match(targetGroupDimension('my-targets'), /^targetgroup\/my-targets\/[0-9a-f]{16}$/);
  assert.equal(loadBalancerDimension('my-alb'), loadBalancerDimension('my-alb'));
  const ids = ['a', 'b', 'web'].flatMap((name) => [loadBalancerDimension(name), targetGroupDimension(name)]);
  assert.equal(new Set(ids.map((text) => text.slice(-16))).size, ids.length);
});
