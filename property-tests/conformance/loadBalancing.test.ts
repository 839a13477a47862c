/** Load balancers by AWS's rules and examples. @source spec/capacity.md 6.1 to 6.3, 8 D9; spec/placement.md 5.5, W48 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FailedCheck } from '../../core/elb/index.ts';
import { MINUTE, SECOND } from '../../core/kernel/index.ts';
import { costProjection, project } from '../../core/projections/index.ts';
import { scenarioProblems, scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { simulate, type EcsSimulation } from '../../core/simulate.ts';
import type { Event } from '../../core/world.ts';
import { endOf, quietScenario } from '../arbitraries.ts';

type Load = NonNullable<ScenarioInput['load']>[number];
type Group = NonNullable<ScenarioInput['targetGroups']>[number];

interface Behind {
  readonly group?: Partial<Group>;
  readonly load?: Partial<Load>;
  readonly request?: Partial<Load['request']>;
  readonly rate?: number;
  readonly tasks?: number;
  readonly scenario?: Partial<ScenarioInput>;
}

/** Two tasks of a vCPU behind a load balancer; 20 requests a second of 10 ms, unless something else is said. */
function behind({ group, load, request, rate = 20, tasks = 2, scenario }: Behind = {}): EcsSimulation {
  const parsed = scenarioSchema.parse(
    quietScenario({
      duration: '30m',
      targetGroups: [{ Name: 'web', ...group }],
      services: [
        {
          serviceName: 'web',
          taskDefinition: 'web',
          desiredCount: tasks,
          launchType: 'FARGATE',
          loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 8080 }],
          // Here the load balancer is watched: no task is replaced for its health.
          healthCheckGracePeriodSeconds: 3_600,
        },
      ],
      load: [{ service: 'web', request: { cpuMs: 10, ...request }, rate: [{ model: 'constant', rate }], ...load }],
      ...scenario,
    }),
  );
  assert.deepEqual(scenarioProblems(parsed), []);
  const simulation = simulate(parsed);
  simulation.runUntil(parsed.start + MINUTE);
  return simulation;
}

const web = (targetId: string) => ({ targetGroup: 'web', targetId });

function fail(simulation: EcsSimulation, targetId: string, reason: FailedCheck): void {
  simulation.submit(simulation.nowMs, { type: 'TargetFails', ...web(targetId), reason });
}

function eventsOf<T extends Event['type']>(simulation: EcsSimulation, type: T) {
  return [...simulation.log].flatMap(({ atMs, event }) =>
    event.type === type ? [{ atMs, event: event as Extract<Event, { type: T }> }] : [],
  );
}

/** What became of the requests from `fromMs` on. */
function outcomes(simulation: EcsSimulation, fromMs: number) {
  const sums = {
    offered: 0,
    served: 0,
    timedOut: 0,
    rejected: 0,
    unserved: 0,
    lost: 0,
    gatewayTimeouts: 0,
    connectionErrors: 0,
  };
  for (const { event } of eventsOf(simulation, 'LoadServed'))
    if (event.fromMs >= fromMs)
      for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += event[key][0] as number;
  return sums;
}

describe('6.1: health checks', () => {
  for (const [id, group, seconds] of [
    ['D9, W48: 30 s x 5 by default', {}, 150],
    ['D9, W48: 5 s x 2', { HealthCheckIntervalSeconds: 5, HealthyThresholdCount: 2 }, 10],
  ] as const)
    test(`${id}: an unhealthy target is healthy after ${seconds} s`, () => {
      const simulation = behind({ group });
      fail(simulation, 'task-1', 'Target.ResponseCodeMismatch');
      simulation.runUntil(simulation.nowMs + 5 * MINUTE);
      const recoversMs = simulation.nowMs;
      simulation.submit(recoversMs, { type: 'TargetRecovers', ...web('task-1') });
      simulation.runUntil(recoversMs + 5 * MINUTE);
      const healthyMs = eventsOf(simulation, 'TargetHealthy').at(-1)!.atMs;
      const intervalMs = (group.HealthCheckIntervalSeconds ?? 30) * SECOND;
      // The first of the checks comes within an interval.
      assert.ok(healthyMs - recoversMs <= seconds * SECOND, `after ${healthyMs - recoversMs} ms`);
      assert.ok(healthyMs - recoversMs >= seconds * SECOND - intervalMs, `after ${healthyMs - recoversMs} ms`);
    });

  test('5.5: 2 x 30 s until a target is unhealthy, and the timeout on top where checks are not answered', () => {
    for (const [reason, extraMs] of [
      ['Target.FailedHealthChecks', 0],
      ['Target.ResponseCodeMismatch', 0],
      ['Target.Timeout', 5 * SECOND],
    ] as const) {
      const simulation = behind();
      const failedMs = simulation.nowMs;
      fail(simulation, 'task-1', reason);
      simulation.runUntil(failedMs + 5 * MINUTE);
      const [first] = eventsOf(simulation, 'TargetUnhealthy');
      assert.equal(first!.event.reason, reason);
      const tookMs = first!.atMs - failedMs - extraMs;
      assert.ok(tookMs > 30 * SECOND && tookMs <= 60 * SECOND, `${reason} after ${tookMs} ms`);
    }
  });

  for (const [newTargetNeeds, least, most] of [
    ['oneCheck', 31, 35],
    ['healthyThreshold', 151, 155],
  ] as const)
    test(`A9: a new target needs ${newTargetNeeds}: ${least} to ${most} s when it is first checked after an interval`, () => {
      const simulation = behind({
        scenario: { assumptions: { start: 'cold', loadBalancing: { newTargetNeeds, firstCheck: 'afterInterval' } } },
      });
      simulation.runUntil(simulation.nowMs + 10 * MINUTE);
      const registered = new Map(
        eventsOf(simulation, 'TargetRegistered').map(({ atMs, event }) => [event.targetId, atMs]),
      );
      const healthy = eventsOf(simulation, 'TargetHealthy');
      assert.equal(healthy.length, 2);
      for (const { atMs, event } of healthy) {
        const tookS = (atMs - registered.get(event.targetId)!) / SECOND;
        assert.ok(tookS >= least && tookS <= most, `${tookS} s`);
      }
    });

  test('an application that starts for longer than the threshold allows is unhealthy first, unless that is assumed away', () => {
    for (const [failingNewTargets, count] of [
      ['unhealthy', 2],
      ['initial', 0],
    ] as const) {
      const simulation = behind({
        load: { startup: '90s' },
        scenario: { assumptions: { start: 'cold', loadBalancing: { failingNewTargets } } },
      });
      simulation.runUntil(simulation.nowMs + 15 * MINUTE);
      const unhealthy = eventsOf(simulation, 'TargetUnhealthy');
      assert.equal(unhealthy.length, count);
      for (const { event } of unhealthy) assert.equal(event.reason, 'Target.FailedHealthChecks');
      assert.equal(simulation.world.elb.targetGroups.get('web')!.healthyCount, 2);
    }
  });

  test('overload fails health checks, or does not, as is assumed', () => {
    for (const [healthChecksUnderOverload, group, falls] of [
      ['likeRequests', {}, true],
      ['unaffected', {}, false],
      // The queue holds 364 requests of 20 ms: none waits for longer than 7.3 s.
      ['likeRequests', { HealthCheckTimeoutSeconds: 9 }, false],
    ] as const) {
      const simulation = behind({
        group,
        rate: 130,
        request: { cpuMs: 20, maxQueuedPerTask: 300 },
        scenario: { assumptions: { loadBalancing: { healthChecksUnderOverload } } },
      });
      simulation.runUntil(simulation.nowMs + 20 * MINUTE);
      const unhealthy = eventsOf(simulation, 'TargetUnhealthy');
      assert.equal(unhealthy.length > 0, falls);
      for (const { event } of unhealthy) assert.equal(event.reason, 'Target.Timeout');
    }
  });
});

describe('6.2: deregistration', () => {
  test('300 s by default, or what the attribute says', () => {
    for (const [group, seconds] of [
      [{}, 300],
      [{ deregistrationDelaySeconds: 20 }, 20],
      [{ Attributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '45' }] }, 45],
    ] as const) {
      const simulation = behind({ group: group as Partial<Group> });
      simulation.submit(simulation.nowMs, { type: 'UpdateService', serviceName: 'web', desiredCount: 1 });
      const fromMs = simulation.nowMs;
      simulation.runUntil(fromMs + 10 * MINUTE);
      assert.equal(eventsOf(simulation, 'TargetDeregistered')[0]!.atMs, fromMs + seconds * SECOND);
    }
  });

  test('a task of two target groups is registered with both, and stops when it has left both', () => {
    const simulation = behind({
      scenario: {
        targetGroups: [
          { Name: 'web', deregistrationDelaySeconds: 20 },
          { Name: 'internal', deregistrationDelaySeconds: 70 },
        ],
        services: [
          {
            serviceName: 'web',
            taskDefinition: 'web',
            desiredCount: 2,
            launchType: 'FARGATE',
            loadBalancers: ['web', 'internal'].map((targetGroup) => ({
              targetGroup,
              containerName: 'app',
              containerPort: 8080,
            })),
          },
        ],
      },
    });
    for (const { healthyCount } of simulation.world.elb.targetGroups.values()) assert.equal(healthyCount, 2);
    const fromMs = simulation.nowMs;
    simulation.submit(fromMs, { type: 'UpdateService', serviceName: 'web', desiredCount: 1 });
    simulation.runUntil(fromMs + 5 * MINUTE);
    assert.deepEqual(
      eventsOf(simulation, 'TargetDeregistered').map(({ atMs }) => (atMs - fromMs) / SECOND),
      [20, 70],
    );
    assert.equal(eventsOf(simulation, 'TaskStopping')[0]!.atMs, fromMs + 70 * SECOND);
  });
});

describe('6.3: status codes', () => {
  const none = { timedOut: 0, rejected: 0, unserved: 0, lost: 0, gatewayTimeouts: 0, connectionErrors: 0 };
  /** Runs on for five minutes from when `change` has been made; what became of the requests since then. */
  function after(simulation: EcsSimulation, change: () => void) {
    const fromMs = simulation.nowMs;
    change();
    simulation.runUntil(fromMs + 5 * MINUTE);
    const { offered, served, ...failed } = outcomes(simulation, fromMs);
    return { offered, served, failed };
  }

  test('2xx: a healthy group answers everything', () => {
    const simulation = behind();
    assert.deepEqual(after(simulation, () => {}).failed, none);
  });

  test('503: no target is registered', () => {
    const simulation = behind({ tasks: 0 });
    const { offered, failed } = after(simulation, () => {});
    assert.ok(offered > 0);
    assert.deepEqual(failed, { ...none, unserved: offered });
  });

  test('not 503: all targets are unhealthy, and the load balancer fails open', () => {
    const simulation = behind();
    for (const task of ['task-1', 'task-2']) fail(simulation, task, 'Target.Timeout');
    simulation.runUntil(simulation.nowMs + 5 * MINUTE);
    assert.equal(simulation.world.elb.targetGroups.get('web')!.healthyCount, 0);
    const recovered = after(simulation, () => {
      for (const task of ['task-1', 'task-2'])
        simulation.submit(simulation.nowMs, { type: 'TargetRecovers', ...web(task) });
    });
    assert.deepEqual(recovered.failed, none, 'though it takes 150 s until the first one is healthy again');
  });

  test('502: half of the requests until the target that refuses connections is unhealthy', () => {
    const simulation = behind();
    const fromMs = simulation.nowMs;
    const { failed } = after(simulation, () => fail(simulation, 'task-1', 'Target.FailedHealthChecks'));
    const unhealthyMs = eventsOf(simulation, 'TargetUnhealthy')[0]!.atMs;
    const expected = (20 * (unhealthyMs - fromMs)) / SECOND / 2;
    assert.ok(Math.abs(failed.lost / expected - 1) < 0.3, `${failed.lost} lost, expected ${expected}`);
    assert.deepEqual(failed, { ...none, lost: failed.lost, connectionErrors: failed.lost });
  });

  test('502: in flight when the deregistration delay ends', () => {
    const simulation = behind({
      group: { deregistrationDelaySeconds: 0 },
      load: { serving: 'requests' },
      request: { otherMs: 9000 },
    });
    const { failed } = after(simulation, () =>
      simulation.submit(simulation.nowMs, { type: 'UpdateService', serviceName: 'web', desiredCount: 1 }),
    );
    assert.ok(failed.lost > 20, `${failed.lost} lost`);
    assert.deepEqual(failed, { ...none, lost: failed.lost });
  });

  for (const [idle, timeoutMs, gateway] of [
    ['5', 10_000, true],
    ['60', 10_000, false],
  ] as const)
    test(`${gateway ? '504' : 'the client gives up, no error of the load balancer'}: idle timeout ${idle} s, client ${timeoutMs} ms`, () => {
      const simulation = behind({
        group: { loadBalancer: 'front' },
        request: { timeoutMs },
        scenario: {
          loadBalancers: [{ Name: 'front', Attributes: [{ Key: 'idle_timeout.timeout_seconds', Value: idle }] }],
        },
      });
      const { failed } = after(simulation, () => fail(simulation, 'task-1', 'Target.Timeout'));
      assert.ok(failed.timedOut > 100);
      const gatewayTimeouts = gateway ? failed.timedOut : 0;
      assert.deepEqual(failed, { ...none, timedOut: failed.timedOut, gatewayTimeouts });
    });

  test('504: targets that answer more slowly than the idle timeout', () => {
    const simulation = behind({
      group: { loadBalancer: 'front' },
      request: { otherMs: 3000 },
      load: { serving: 'requests' },
      scenario: {
        loadBalancers: [{ Name: 'front', Attributes: [{ Key: 'idle_timeout.timeout_seconds', Value: 2 }] }],
      },
    });
    const { served, failed } = after(simulation, () => {});
    assert.equal(served, 0);
    assert.deepEqual(failed, { ...none, timedOut: failed.timedOut, gatewayTimeouts: failed.timedOut });
  });

  test('5xx of the target: its application fails, or its queue is full', () => {
    const failing = behind();
    const { failed } = after(failing, () => fail(failing, 'task-1', 'Target.ResponseCodeMismatch'));
    assert.ok(failed.rejected > 100);
    assert.deepEqual(failed, { ...none, rejected: failed.rejected });
    const full = behind({ rate: 300, request: { maxQueuedPerTask: 0, perTaskConcurrency: 4 } });
    const { failed: turnedAway } = after(full, () => {});
    assert.deepEqual(turnedAway, { ...none, rejected: turnedAway.rejected });
    assert.ok(turnedAway.rejected > 10_000);
  });

  test('each minute adds up what its metrics are made of', () => {
    const simulation = behind({ rate: 300, request: { maxQueuedPerTask: 0, perTaskConcurrency: 4 } });
    fail(simulation, 'task-1', 'Target.FailedHealthChecks');
    for (let minute = 0; minute < 6; minute++) {
      const fromMs = simulation.nowMs;
      simulation.runUntil(fromMs + MINUTE);
      const { offered, served, rejected, unserved, lost, gatewayTimeouts, connectionErrors } = outcomes(
        simulation,
        fromMs,
      );
      const { measured } = simulation.world.ecs.services.get('web')!;
      assert.deepEqual(
        [measured.requests, measured.completed, measured.target5xx, measured.elb502, measured.elb503, measured.elb504],
        [offered, served, rejected, lost, unserved, gatewayTimeouts],
      );
      assert.equal(measured.elb5xx, lost + unserved + gatewayTimeouts);
      assert.equal(measured.targetConnectionErrors, connectionErrors);
      assert.ok(Math.abs(measured.newConnections - offered / 10) <= 6);
      assert.ok(
        measured.healthyHostsMinimum * 6 <= measured.healthyHosts &&
          measured.healthyHosts <= measured.healthyHostsMaximum * 6,
      );
      assert.equal(measured.healthyHosts + measured.unhealthyHosts, 2 * measured.steps);
    }
  });
});

describe('load balancers as things', () => {
  const twoServices = (loadBalancer: string | undefined): ScenarioInput =>
    quietScenario({
      ...(loadBalancer === undefined ? {} : { loadBalancers: [{ Name: loadBalancer, Scheme: 'internal' }] }),
      targetGroups: ['web', 'api'].map((Name) => ({ Name, ...(loadBalancer === undefined ? {} : { loadBalancer }) })),
      services: ['web', 'api'].map((name) => ({
        serviceName: name,
        taskDefinition: 'web',
        desiredCount: 1,
        launchType: 'FARGATE',
        loadBalancers: [{ targetGroup: name, containerName: 'app', containerPort: 8080 }],
      })),
      load: [{ service: 'api', request: { cpuMs: 10 }, rate: [{ model: 'constant', rate: 5 }] }],
    });

  for (const [what, loadBalancer, names, microUsd] of [
    ['a target group without one has one of its own', undefined, ['web', 'api'], 45_000],
    ['several target groups share one', 'front', ['front'], 22_500],
  ] as const)
    test(what, () => {
      const scenario = scenarioSchema.parse(twoServices(loadBalancer));
      assert.deepEqual(scenarioProblems(scenario), []);
      const simulation = simulate(scenario);
      simulation.runUntil(endOf(scenario));
      assert.deepEqual([...simulation.world.elb.loadBalancers.keys()], names);
      const cost = costProjection();
      project(simulation.log, [cost]);
      assert.equal(cost.report(endOf(scenario)).loadBalancerMicroUsd, microUsd);
      // Each service's load goes to its own group.
      for (const { event } of eventsOf(simulation, 'LoadServed')) {
        const row = event.services.indexOf('web');
        assert.deepEqual([event.offered[row], event.served[row]], [0, 0]);
      }
    });

  for (const [what, change, path, pattern] of [
    [
      'one that is not there',
      { targetGroups: [{ Name: 'web', loadBalancer: 'nowhere' }] },
      ['targetGroups', 0, 'loadBalancer'],
      /expected the name of a load balancer/,
    ],
    [
      'an instance target group for awsvpc tasks',
      { targetGroups: [{ Name: 'web', TargetType: 'instance' }] },
      ['services', 0, 'loadBalancers', 0, 'targetGroup'],
      /^The provided target group web has target type instance, which is incompatible with the awsvpc network mode/,
    ],
    [
      'the same name twice',
      { loadBalancers: [{ Name: 'a' }, { Name: 'a' }] },
      ['loadBalancers', 1, 'Name'],
      /a second time/,
    ],
  ] as const)
    test(`refused: ${what}`, () => {
      const input = quietScenario({
        targetGroups: [{ Name: 'web' }],
        services: [
          {
            serviceName: 'web',
            taskDefinition: 'web',
            desiredCount: 1,
            launchType: 'FARGATE',
            loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 8080 }],
          },
        ],
        ...(change as object),
      });
      const problems = scenarioProblems(scenarioSchema.parse(input));
      assert.deepEqual(
        problems.map((problem) => problem.path),
        [path],
      );
      assert.match(problems[0]!.message, pattern);
    });
});

test('without cross-zone load balancing the zone with one task is the busy one', () => {
  const runs = [true, false].map((crossZone) => {
    const simulation = behind({
      tasks: 4,
      rate: 60,
      request: { cpuMs: 40, maxQueuedPerTask: 20 },
      group: { Attributes: [{ Key: 'load_balancing.cross_zone.enabled', Value: String(crossZone) as 'true' }] },
    });
    const fromMs = simulation.nowMs;
    simulation.runUntil(fromMs + 10 * MINUTE);
    const zones = [...simulation.world.elb.targetGroups.get('web')!.zones.values()];
    assert.deepEqual(zones.toSorted(), ['us-east-1a', 'us-east-1a', 'us-east-1b', 'us-east-1c']);
    return outcomes(simulation, fromMs);
  });
  // 15 requests a second for each task; or 20 for one in each of two zones. Both are within the capacity of 25 a task.
  assert.equal(runs[0]!.rejected, 0);
  const simulation = (crossZone: boolean) => {
    const run = behind({
      tasks: 4,
      rate: 90,
      request: { cpuMs: 40, maxQueuedPerTask: 20 },
      group: { Attributes: [{ Key: 'load_balancing.cross_zone.enabled', Value: String(crossZone) as 'true' }] },
    });
    const fromMs = run.nowMs;
    run.runUntil(fromMs + 10 * MINUTE);
    return outcomes(run, fromMs);
  };
  // 22.5 a task; or 30 for the two alone in their zones, which can serve 25, and 15 for the others.
  const [even, zonal] = [simulation(true), simulation(false)];
  const expected = (2 * 5 * 10 * MINUTE) / SECOND;
  assert.ok(
    zonal.rejected - even.rejected > expected * 0.8,
    `${zonal.rejected} turned away, ${even.rejected} with cross-zone`,
  );
  assert.ok(zonal.rejected < expected * 1.3, `${zonal.rejected}, expected about ${expected}`);
});
