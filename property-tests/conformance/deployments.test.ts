/** The service scheduler, deployments and the life of tasks by AWS's worked examples. @source spec/placement.md chapters 4 to 7 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  availabilityZoneBalanced,
  circuitBreakerThreshold,
  project,
  scenarioProblems,
  serviceEventsProjection,
  taskHealth,
  type HealthStatus,
} from '../../core/index.ts';
import { scalableServices } from '../../core/ecs/index.ts';
import { createInvariants } from '../../core/invariants.ts';
import { scenarioSchema, type Scenario, type ScenarioInput } from '../../core/scenario.ts';
import { simulate, type EcsSimulation } from '../../core/simulate.ts';
import { endOf } from '../arbitraries.ts';
import {
  at,
  heard,
  instances,
  minuteOf,
  onFargate,
  onInstances,
  sail,
  scenarioWith,
  type ChangeInput,
  type ServiceInput,
} from '../schedulerRoom.ts';

const deploy: ChangeInput = { at: at(10), UpdateService: { service: 'web', taskDefinition: 'web:2' } };

/** Starts and stops after a deployment, as AWS tells them: `start 2, stop 2`. */
function rollout(simulation: EcsSimulation): string {
  const steps: [string, number][] = [];
  let begun = false;
  for (const { event } of simulation.log) {
    if (event.type === 'DeploymentStarted') begun = true;
    const step = { TaskPlaced: 'start', TaskStopping: 'stop' }[event.type as string];
    if (!begun || step === undefined) continue;
    const last = steps.at(-1);
    if (last?.[0] === step) last[1]++;
    else steps.push([step, 1]);
  }
  return steps.map(([step, count]) => `${step} ${count}`).join(', ');
}

function messages({ log, world, nowMs }: EcsSimulation, serviceName = 'web') {
  const projection = serviceEventsProjection(serviceName);
  project(log, [projection]);
  assert.ok(world.ecs.services.has(serviceName));
  return projection.report(nowMs).events;
}

const texts = (simulation: EcsSimulation) => messages(simulation).map(({ message }) => message);

/** A deployment at the very start of a run, where tasks start, count as healthy and stop at once. */
function deployedAtOnce(scenario: Scenario): EcsSimulation {
  const simulation = simulate(scenario, { check: createInvariants() });
  simulation.runUntil(scenario.start);
  simulation.submit(scenario.start, { type: 'UpdateService', serviceName: 'web', taskDefinition: 'web:2' });
  simulation.runUntil(endOf(scenario));
  return simulation;
}

describe('rolling deployments', () => {
  const atOnce = { behavior: { stopsIn: '0s' } };

  for (const [id, minimumHealthyPercent, maximumPercent, expected] of [
    ['W5: 6 old tasks, room for 8, 100 and 200 %', 100, 200, 'start 2, stop 2, start 2, stop 2, start 2, stop 2'],
    ['W6: 6 old tasks, room for 8, minimum 50 %', 50, 200, 'stop 3, start 5, stop 3, start 1'],
  ] as const)
    test(id, () => {
      const deploymentConfiguration = { minimumHealthyPercent, maximumPercent };
      const simulation = deployedAtOnce(
        scenarioWith(
          { desiredCount: 6, deploymentConfiguration, availabilityZoneRebalancing: 'DISABLED' },
          { ...instances(4), taskDefinitions: [onInstances(atOnce), onInstances(atOnce)] },
        ),
      );
      assert.equal(rollout(simulation), expected);
      assert.equal(heard(simulation, 'DeploymentCompleted').length, 2, 'the first one, and this');
    });

  for (const [id, desiredCount, minimumHealthyPercent, maximumPercent, expected] of [
    ['W1: 4 at 50 and 100 %: two stop before two start', 4, 50, 100, 'stop 2, start 2, stop 2, start 2'],
    ['W2: 2 at 75 and 150 %: none may stop before one has started', 2, 75, 150, 'start 1, stop 1, start 1, stop 1'],
    ['W3: 4 at 200 %: four start before four stop', 4, 100, 200, 'start 4, stop 4'],
  ] as const)
    test(id, () => {
      const deploymentConfiguration = { minimumHealthyPercent, maximumPercent };
      const taskDefinitions = [onInstances(atOnce), onInstances(atOnce)];
      const simulation = deployedAtOnce(
        scenarioWith(
          { desiredCount, deploymentConfiguration, availabilityZoneRebalancing: 'DISABLED' },
          { ...instances(4), taskDefinitions },
        ),
      );
      assert.equal(rollout(simulation), expected);
    });

  for (const [id, desiredCount, minimum, maximum, expected] of [
    ['W4, W11: 3 at 100 and 125 %: neither', 3, 100, 125, ''],
    ['W11: 100 and 100 %: neither', 5, 100, 100, ''],
    ['nothing is desired', 0, 100, 200, ''],
  ] as const)
    test(id, () => {
      const deploymentConfiguration = { minimumHealthyPercent: minimum, maximumPercent: maximum };
      const simulation = sail(scenarioWith({ desiredCount, deploymentConfiguration }, { changes: [deploy] }));
      assert.equal(rollout(simulation), expected);
      const blocked = expected === '' && desiredCount > 0;
      assert.equal(heard(simulation, 'ServiceDeploymentBlocked').length, blocked ? 1 : 0);
      assert.equal(
        texts(simulation).includes(
          '(service web) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.',
        ),
        blocked,
      );
    });

  test('4.4: without any health check a task counts after 40 seconds of RUNNING', () => {
    const scenario = scenarioWith({}, { changes: [deploy] });
    const simulation = sail(scenario);
    const started = heard(simulation, 'TaskRunning')
      .slice(2)
      .map(({ atMs }) => atMs);
    const stopped = heard(simulation, 'TaskStopping').map(({ atMs }) => atMs);
    assert.equal(started.length, 2);
    assert.deepEqual(
      stopped,
      started.map((startMs) => startMs + 40_000),
    );
  });

  test('4.6: what starts a deployment, and what does not', () => {
    const change = (update: Omit<NonNullable<ChangeInput['UpdateService']>, 'service'>) => {
      const changes = [{ at: at(10), UpdateService: { service: 'web', ...update } }];
      return heard(sail(scenarioWith({}, { changes, duration: '11m' })), 'DeploymentStarted').length;
    };
    assert.equal(change({ taskDefinition: 'web:2' }), 1);
    assert.equal(change({ taskDefinition: 'web' }), 1, 'web alone is its latest revision');
    assert.equal(change({ forceNewDeployment: true }), 1);
    assert.equal(change({ taskDefinition: 'web:1' }), 0);
    assert.equal(change({ desiredCount: 5 }), 0);
    assert.equal(change({ healthCheckGracePeriodSeconds: 5 }), 0);
    assert.equal(change({ deploymentConfiguration: { maximumPercent: 150 } }), 0);
    assert.equal(change({ availabilityZoneRebalancing: 'DISABLED' }), 0);
  });

  test('scale-in by policies is off exactly while a rollout is in progress', () => {
    const simulation = sail(scenarioWith({}, { changes: [deploy] }));
    const boundaries = heard(simulation, 'DeploymentStarted', 'DeploymentCompleted').map(({ event }) => event.type);
    assert.deepEqual(boundaries, ['DeploymentCompleted', 'DeploymentStarted', 'DeploymentCompleted']);
    const resourceId = 'service/demo/web';
    const { start } = scenarioWith({});
    const inProgress = (minute: number) => {
      const partly = simulate(scenarioWith({}, { changes: [deploy] }));
      partly.runUntil(start + minute * 60_000);
      return scalableServices.describe(partly.world, resourceId)?.deploymentInProgress;
    };
    assert.deepEqual([5, 10, 20].map(inProgress), [false, true, false]);
  });
});

describe('the circuit breaker', () => {
  for (const [id, desiredCount, threshold, expected] of [
    ['W12: 1 desired', 1, undefined, 3],
    ['W13: 25 desired', 25, undefined, 13],
    ['W14: 400 desired', 400, undefined, 200],
    ['W15: 800 desired', 800, undefined, 200],
    ['half of 7, up', 7, undefined, 4],
    ['nothing desired', 0, undefined, 3],
    ['where half meets the minimum', 6, undefined, 3],
    ['where half meets the maximum', 400, undefined, 200],
    ['a count is the count', 25, { type: 'COUNT', value: 7 }, 7],
    ['a bounded percentage is bounded', 4, { type: 'BOUNDED_PERCENT', value: 25 }, 3],
    ['an unbounded one is not', 4, { type: 'UNBOUNDED_PERCENT', value: 25 }, 1],
    ['not even above', 5000, { type: 'UNBOUNDED_PERCENT', value: 100 }, 5000],
    ['0 is 1', 4, { type: 'COUNT', value: 0 }, 1],
  ] as const)
    test(id, () => assert.equal(circuitBreakerThreshold(desiredCount, threshold), expected));

  test('W12: 10 until 2023', () => assert.equal(circuitBreakerThreshold(1, undefined, 10), 10));

  const breaker = (rollback: boolean): ServiceInput['deploymentConfiguration'] => ({
    deploymentCircuitBreaker: { enable: true, rollback },
  });
  const missing = onFargate({ image: 'typo' });
  const fault = { kind: 'ImageMissing', at: at(0), image: 'typo' } as const;

  test('W16: threshold 3, three tasks fail before RUNNING: FAILED at the third, and rolled back', () => {
    const simulation = sail(
      scenarioWith(
        { desiredCount: 1, deploymentConfiguration: breaker(true) },
        { taskDefinitions: [onFargate(), missing], changes: [deploy], faults: [fault], duration: '3h' },
      ),
    );
    assert.deepEqual(
      heard(simulation, 'DeploymentTaskFailed').map(({ event }) => event.failedTasks),
      [1, 2, 3],
    );
    const [failed] = heard(simulation, 'DeploymentFailed');
    assert.equal(failed?.event.failedTasks, 3);
    assert.equal(failed?.event.reason, 'tasks failed to start.');
    const service = simulation.world.ecs.services.get('web')!;
    assert.equal(service.deployments[0]?.taskDefinition, 'web:1');
    assert.equal(service.deployments[0]?.rolloutState, 'COMPLETED');
    assert.equal(service.runningCount, 1);
    const told = texts(simulation);
    assert.ok(told.includes('(service web) (deployment ecs-svc/2) deployment failed: tasks failed to start.'));
    assert.ok(told.includes('(service web) rolling back to deployment ecs-svc/1.'));
  });

  test('without rollback a failed deployment starts no more tasks, and the old ones stay', () => {
    const simulation = sail(
      scenarioWith(
        { desiredCount: 1, deploymentConfiguration: breaker(false) },
        { taskDefinitions: [onFargate(), missing], changes: [deploy], faults: [fault], duration: '3h' },
      ),
    );
    const [failed] = heard(simulation, 'DeploymentFailed');
    assert.ok(failed !== undefined);
    assert.equal(heard(simulation, 'TaskCreated').filter(({ atMs }) => atMs > failed.atMs).length, 0);
    const service = simulation.world.ecs.services.get('web')!;
    assert.deepEqual(
      service.deployments.map(({ rolloutState }) => rolloutState),
      ['FAILED', 'COMPLETED'],
    );
    assert.equal(service.runningCount, 1);
    assert.equal(service.steady, false);
  });

  test('W17: a deployment that is gone back to is in progress: one that fails meanwhile has nothing to go back to', () => {
    const scenario = scenarioWith(
      { desiredCount: 1, deploymentConfiguration: breaker(true) },
      {
        taskDefinitions: [onFargate(), missing, missing],
        changes: [deploy],
        faults: [fault],
        duration: '4h',
      },
    );
    const dry = sail(scenario);
    const [failed] = heard(dry, 'DeploymentFailed');
    const third = {
      at: new Date(failed!.atMs).toISOString(),
      UpdateService: { service: 'web', taskDefinition: 'web:3' },
    };
    // The third comes in the very instant of the rollback, which needs no task to be started.
    const simulation = sail({
      ...scenario,
      changes: [...scenario.changes, ...scenarioSchema.shape.changes.parse([third])],
    });
    assert.equal(heard(simulation, 'DeploymentStarted').filter(({ event }) => event.rollsBack !== undefined).length, 1);
    const last = heard(simulation, 'DeploymentFailed').at(-1);
    assert.equal(last?.event.deploymentId, 'ecs-svc/4');
    assert.equal(heard(simulation, 'TaskCreated').filter(({ atMs }) => atMs > last.atMs).length, 0);
    assert.equal(simulation.world.ecs.services.get('web')?.deployments[0]?.rolloutState, 'FAILED');
  });

  test('stage 2: once a task has been RUNNING, only failed health checks count', () => {
    const sick = onFargate({
      healthCheck: { command: ['CMD', 'false'], interval: 10, retries: 2 },
      behavior: { healthChecks: 'fail' },
    });
    const simulation = sail(
      scenarioWith(
        { desiredCount: 1, deploymentConfiguration: breaker(true) },
        { taskDefinitions: [onFargate(), sick], changes: [deploy], duration: '2h' },
      ),
    );
    const [failed] = heard(simulation, 'DeploymentFailed');
    assert.equal(failed?.event.reason, 'tasks failed health checks.');
    assert.equal(failed?.event.failedTasks, 3);
    assert.equal(heard(simulation, 'TaskRunning').length >= 4, true);
    assert.equal(simulation.world.ecs.services.get('web')?.deployments[0]?.taskDefinition, 'web:1');
  });
});

describe('Fargate’s launch rate', () => {
  const range = { fromSeconds: 0, toSeconds: 0 };
  const after = (calls: number, count: number, duration = '2h') => {
    const RunTask = { taskDefinition: 'web', count, launchType: 'FARGATE' as const };
    const changes = Array.from({ length: calls }, () => ({ at: at(5), RunTask }));
    const fargateProvision = { medianSeconds: 1, p95Seconds: 1 };
    const simulation = sail(
      scenarioWith(
        { desiredCount: 0 },
        { changes, duration, assumptions: { timings: { eni: range, fargateProvision } } },
      ),
    );
    return heard(simulation, 'TaskPlaced').map(({ atMs, event }) => Math.round(event.pullStartedAtMs! - atMs - 1_000));
  };

  test('W58: 100 launches at once, then 20 a second', () => {
    const delays = after(30, 10);
    assert.deepEqual(
      delays,
      Array.from({ length: 300 }, (_, index) => Math.max(0, (index - 99) * 50)),
    );
  });

  for (const [calls, count] of [
    [10, 10],
    [20, 5],
  ] as const)
    test(`W59: ${calls} calls of ${count} tasks in one second`, () =>
      assert.deepEqual(
        after(calls, count),
        Array.from({ length: 100 }, () => 0),
      ));
});

describe('tasks that fail', () => {
  test('W63: a container that ends right after RUNNING, again and again: no throttle, and no event of it', () => {
    const simulation = sail(
      scenarioWith(
        { desiredCount: 1 },
        { taskDefinitions: [onFargate({ behavior: { exitsAfter: '1s', exitCode: 1 } })], duration: '30m' },
      ),
    );
    const created = heard(simulation, 'TaskCreated');
    assert.ok(created.length > 15, `${created.length} tasks`);
    assert.equal(heard(simulation, 'ServiceTaskStartFailed').length, 0);
    const stops = heard(simulation, 'TaskStopped');
    assert.ok(stops.every(({ event }) => event.stopCode === 'EssentialContainerExited'));
    assert.ok(stops.every(({ event }) => event.reason === 'Essential container in task exited'));
    assert.ok(!texts(simulation).some((text) => text.includes('consistently')));
  });

  test('4.8: tasks that never reach RUNNING are started less and less often, 27 minutes apart at most', () => {
    const simulation = sail(
      scenarioWith(
        { desiredCount: 1 },
        { faults: [{ kind: 'ImageMissing', at: at(0), image: 'web' }], duration: '8h', assumptions: { start: 'cold' } },
      ),
    );
    const created = heard(simulation, 'TaskCreated').map(({ atMs }) => atMs);
    const gaps = created.slice(1).map((atMs, index) => (atMs - created[index]!) / 60_000);
    assert.ok(gaps[0]! < 2 && gaps[1]! < 2, 'the first attempts follow at once');
    assert.ok(
      gaps.slice(2, 6).every((gap, index) => gap > 2 ** index),
      gaps.join(' '),
    );
    assert.ok(gaps.at(-1)! >= 27 && gaps.at(-1)! < 29, gaps.join(' '));
    assert.ok(texts(simulation).includes('(service web) is unable to consistently start tasks successfully.'));
    assert.ok(
      heard(simulation, 'TaskStopped').every(({ event }) => event.reason.startsWith('CannotPullContainerError')),
    );
  });

  test('4.8: another task definition ends the throttle at once', () => {
    const simulation = sail(
      scenarioWith(
        { desiredCount: 1 },
        {
          taskDefinitions: [onFargate({ image: 'typo' }), onFargate()],
          faults: [{ kind: 'ImageMissing', at: at(0), image: 'typo' }],
          changes: [{ ...deploy, at: at(121) }],
          duration: '125m',
          assumptions: { start: 'cold' },
        },
      ),
    );
    assert.equal(simulation.world.ecs.services.get('web')?.runningCount, 1);
  });

  for (const [behavior, cached, failed] of [
    ['default', true, false],
    ['default', false, true],
    ['always', true, true],
    ['once', true, false],
    ['once', false, true],
    ['prefer-cached', true, false],
    ['prefer-cached', false, true],
    ['always', false, true],
  ] as const)
    test(`W64: a pull fails, behavior ${behavior}, image ${cached ? '' : 'not '}cached: ${failed ? 'the task fails' : 'it starts'}`, () => {
      const { autoScalingGroups, ...rest } = instances(1);
      const simulation = sail(
        scenarioWith(
          { desiredCount: 1 },
          {
            ...rest,
            autoScalingGroups: autoScalingGroups!.map((group) => ({
              ...group,
              ecsConfig: { ECS_CLUSTER: 'demo', ECS_IMAGE_PULL_BEHAVIOR: behavior },
            })),
            taskDefinitions: [onInstances()],
            faults: [{ kind: 'ImageMissing', at: at(cached ? 5 : 0), image: 'web' }],
            changes: [{ at: at(10), UpdateService: { service: 'web', desiredCount: 2 } }],
            duration: '15m',
          },
        ),
      );
      const pulled = heard(simulation, 'ImagePullDelayed');
      assert.equal(pulled.length > 0, failed);
      if (failed)
        assert.equal(pulled[0]?.event.failure, 'CannotPullContainerError: API error (404): repository web not found');
      assert.equal(simulation.world.ecs.services.get('web')?.runningCount, cached ? (failed ? 1 : 2) : 0);
    });

  test('W50: SIGTERM handled in 500 ms, stopTimeout 30: the container stops after 500 ms', () => {
    const stopOf = (behavior: { stopsIn: string }, stopTimeout?: number) => {
      const container = { behavior, ...(stopTimeout === undefined ? {} : { stopTimeout }) };
      const changes = [{ at: at(10), UpdateService: { service: 'web', desiredCount: 0 } }];
      const taskDefinitions = [onFargate(container)];
      const simulation = sail(scenarioWith({ desiredCount: 1 }, { taskDefinitions, changes }));
      const [stopping] = heard(simulation, 'TaskStopping');
      return [stopping!.event.stoppedAtMs - stopping!.atMs, stopping!.event.exitCodes[0]];
    };
    assert.deepEqual(stopOf({ stopsIn: '500ms' }, 30), [500, 0]);
    assert.deepEqual(stopOf({ stopsIn: '5m' }, 20), [20_000, 137], 'SIGKILL after stopTimeout');
    assert.deepEqual(stopOf({ stopsIn: '5m' }), [30_000, 137], '30 seconds when left out');
  });

  test('5.6: a container that exceeds its memory', () => {
    const taskDefinitions = [onFargate({ behavior: { exitsAfter: '2m', outOfMemory: true } })];
    const simulation = sail(scenarioWith({ desiredCount: 1 }, { taskDefinitions, duration: '5m' }));
    const [stopped] = heard(simulation, 'ContainerStopped');
    assert.equal(stopped?.event.exitCode, 137);
    assert.equal(stopped?.event.reason, 'OutOfMemoryError: Container killed due to memory usage');
  });
});

describe('health', () => {
  const status = (letter: string): HealthStatus =>
    (({ U: 'UNHEALTHY', H: 'HEALTHY', '?': 'UNKNOWN' }) as const)[letter as 'U'];
  for (const [one, other, expected] of [
    ['U', '?', 'U'],
    ['U', 'H', 'U'],
    ['H', '?', '?'],
    ['H', 'H', 'H'],
  ] as const)
    test(`W46: ${one} and ${other}: ${expected}`, () => {
      const both = [one, other].map((letter) => ({ essential: true, healthStatus: status(letter) }));
      assert.equal(taskHealth(both), status(expected));
      assert.equal(taskHealth(both.toReversed()), status(expected));
      assert.equal(taskHealth([...both, { essential: false, healthStatus: 'UNHEALTHY' }]), status(expected));
    });

  const check = { command: ['CMD', 'true'], interval: 10, retries: 3 };

  test('4.4: three failures at an interval of 10 seconds; a start period does not count, a grace period keeps the task', () => {
    const unhealthyAfter = (startPeriod: number, healthCheckGracePeriodSeconds: number) => {
      const container = { healthCheck: { ...check, startPeriod }, behavior: { healthChecks: 'fail' as const } };
      const scenario = scenarioWith(
        { desiredCount: 1, healthCheckGracePeriodSeconds },
        { taskDefinitions: [onFargate(container)], duration: '10m' },
      );
      const simulation = sail(scenario);
      const checks = heard(simulation, 'ContainerHealthChecked').filter(({ event }) => event.taskId === 'task-1');
      const [unhealthy] = checks.filter(({ event }) => event.healthStatus === 'UNHEALTHY');
      const [, second] = heard(simulation, 'TaskCreated');
      return [unhealthy, second].map((recorded) => (recorded!.atMs - scenario.start) / 1_000);
    };
    assert.deepEqual(unhealthyAfter(0, 0), [30, 30]);
    assert.deepEqual(unhealthyAfter(25, 0), [50, 50]);
    assert.deepEqual(unhealthyAfter(0, 120), [30, 120]);
  });

  /** Their targets fail for two checks, and take ten to recover; new ones need one. */
  const sick = (service: Partial<ServiceInput>, changes: Partial<ScenarioInput> = {}) =>
    sail(
      scenarioWith(
        { loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 80 }], ...service },
        {
          targetGroups: [
            { Name: 'web', HealthCheckIntervalSeconds: 10, HealthyThresholdCount: 10, deregistrationDelaySeconds: 10 },
          ],
          faults: [{ kind: 'HealthCheckFails', at: at(10), for: '25s', checks: 'loadBalancer' }],
          ...changes,
        },
      ),
    );
  const orderOf = (simulation: EcsSimulation) =>
    heard(simulation, 'TaskRunning', 'TaskDeactivating')
      .slice(2)
      .map(({ event }) => (event.type === 'TaskRunning' ? 'run' : 'stop'))
      .join(' ');

  test('4.5: a replacement first, then the unhealthy task stops', () => {
    const simulation = sick({});
    assert.match(orderOf(simulation), /^run .*stop/);
    for (const { event } of heard(simulation, 'TaskStopped')) {
      assert.equal(event.reason, 'Task failed ELB health checks in (target-group web)');
      assert.equal(event.stopCode, 'ServiceSchedulerInitiated');
    }
    const replaced = texts(simulation).filter((text) => text.endsWith('replaced 1 tasks due to an unhealthy status.'));
    assert.equal(replaced.length, 2);
    const service = simulation.world.ecs.services.get('web')!;
    assert.deepEqual([service.runningCount, service.steady], [2, true]);
  });

  test('4.5: with a maximum of 100 % one unhealthy task stops before its replacement starts, then the next', () =>
    assert.match(
      orderOf(sick({ deploymentConfiguration: { maximumPercent: 100, minimumHealthyPercent: 50 } })),
      /^stop run/,
    ));

  test('4.5: until 2023 the unhealthy task stopped first', () =>
    assert.match(
      orderOf(sick({ desiredCount: 2 }, { assumptions: { services: { replaceUnhealthy: 'stopFirst' } } })),
      /^stop/,
    ));

  test('5.6: a task that fails the health check of its container', () => {
    const container = { healthCheck: check, behavior: { healthChecks: 'fail' as const } };
    const simulation = sail(scenarioWith({}, { taskDefinitions: [onFargate(container)], duration: '10m' }));
    const stops = heard(simulation, 'TaskStopped');
    assert.ok(stops.length > 0);
    assert.ok(stops.every(({ event }) => event.reason === 'Task failed container health checks'));
  });
});

describe('zones', () => {
  for (const [counts, expected] of [
    [[2, 0], false],
    [[1, 1], true],
    [[2, 1, 1], true],
    [[2, 2, 0], false],
    [[3, 1], false],
    [[1, 0, 0], true],
    [[0, 0], true],
    [[], true],
  ] as const)
    test(`W21 to W23: ${counts.join(', ')} is ${expected ? '' : 'not '}balanced`, () =>
      assert.equal(availabilityZoneBalanced(counts), expected));

  test('balanced is: no zone has two tasks more than another', () =>
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 6 }), (counts) =>
        assert.equal(availabilityZoneBalanced(counts), Math.max(...counts) - Math.min(...counts) <= 1),
      ),
    ));

  test('W20: two tasks in one of two zones: one starts in the other, then one stops in the first', () => {
    const simulation = sail(
      scenarioWith(
        { desiredCount: 2 },
        {
          ...instances(1),
          taskDefinitions: [onInstances()],
          changes: [],
          duration: '20m',
        },
      ),
    );
    assert.equal(heard(simulation, 'ServiceRebalancingStarted').length, 0, 'one zone has nothing to balance');
    const scenario = scenarioWith(
      { desiredCount: 2 },
      { ...instances(1), taskDefinitions: [onInstances()], duration: '30m' },
    );
    const grown = sailWithAnotherInstance(scenario);
    const [started] = heard(grown, 'ServiceRebalancingStarted');
    assert.deepEqual([started?.event.extra, started?.event.counts], [1, [2, 0]]);
    const after = heard(grown, 'TaskRunning', 'TaskStopping').filter(({ atMs }) => atMs >= started!.atMs);
    assert.deepEqual(
      after.map(({ event }) => event.type),
      ['TaskRunning', 'TaskStopping'],
    );
    const zones = [...grown.world.ecs.tasks.values()].map(({ availabilityZone }) => availabilityZone);
    assert.deepEqual([zones.length, new Set(zones)], [2, new Set(['a', 'b'])]);
    const told = texts(grown);
    assert.ok(
      told.includes('(service web) is not AZ balanced with 2 tasks in a, 0 tasks in b. AZ Rebalancing in progress.'),
    );
    assert.ok(told.includes('(service web) is AZ balanced with 1 tasks in a, 1 tasks in b.'));
  });
});

function sailWithAnotherInstance(scenario: ReturnType<typeof scenarioWith>): EcsSimulation {
  const simulation = sail({ ...scenario, duration: 10 * 60_000 });
  simulation.submit(simulation.nowMs, {
    type: 'SetDesiredCapacity',
    autoScalingGroupName: 'group',
    desiredCapacity: 2,
  });
  simulation.runUntil(scenario.start + scenario.duration);
  return simulation;
}

describe('service events', () => {
  test('W62: the same placement failure is told once, and again after six hours', () => {
    const scenario = scenarioWith(
      { desiredCount: 3 },
      { ...instances(1), taskDefinitions: [onInstances()], duration: '15h', step: '60s' },
    );
    const simulation = sail(scenario);
    assert.ok(heard(simulation, 'ServiceTaskPlacementFailed').length > 100, 'it is tried every five minutes');
    const told = messages(simulation).filter(({ message }) => message.includes('unable to place'));
    assert.equal(told.length, 3);
    assert.ok(told.every(({ message }) => message === told[0]!.message));
    assert.equal(
      told[0]!.message,
      '(service web) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance i-00000000000000001) has insufficient CPU units available. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.',
    );
    const minutes = told.map((message) => minuteOf(scenario, message));
    for (const gap of [minutes[1]! - minutes[0]!, minutes[2]! - minutes[1]!])
      assert.ok(gap >= 360 && gap <= 366, `${gap} minutes`);
  });

  test('the words of an ordinary rollout', () => {
    const simulation = sail(scenarioWith({ desiredCount: 1 }, { changes: [deploy] }));
    assert.deepEqual(texts(simulation), [
      '(service web) has started 1 tasks: (task task-1).',
      '(service web) (deployment ecs-svc/1) deployment completed.',
      '(service web) has reached a steady state.',
      '(service web) has started 1 tasks: (task task-2).',
      '(service web) has stopped 1 running tasks: (task task-1).',
      '(service web) (deployment ecs-svc/2) deployment completed.',
      '(service web) has reached a steady state.',
    ]);
  });

  test('more tasks under protection than are desired', () => {
    const simulation = sail(
      scenarioWith(
        { desiredCount: 3 },
        {
          changes: [
            { at: at(10), UpdateTaskProtection: { service: 'web', protectionEnabled: true, expiresInMinutes: 30 } },
            { at: at(12), UpdateService: { service: 'web', desiredCount: 1 } },
          ],
          duration: '2h',
        },
      ),
    );
    assert.ok(
      texts(simulation).includes(
        '(service web) was unable to reach steady state because (taskSet ecs-svc/1) was unable to scale in due to (reason 2 tasks under protection)',
      ),
    );
    const stops = heard(simulation, 'TaskStopping').map((recorded) =>
      Math.floor(minuteOf({ start: Date.UTC(2030, 0, 7) } as never, recorded)),
    );
    assert.deepEqual(stops, [40, 40], 'when the protection expires');
  });
});

describe('task protection', () => {
  const refusals = (changes: ChangeInput[], service: Partial<ServiceInput> = {}) =>
    heard(sail(scenarioWith(service, { changes, duration: '20m' })), 'TaskProtectionRefused').map(
      ({ event }) => event.reason,
    );
  const protect = (minute: number, tasks: string[]): ChangeInput => ({
    at: at(minute),
    UpdateTaskProtection: { service: 'web', tasks, protectionEnabled: true },
  });

  test('6.2: MISSING', () => assert.deepEqual(refusals([protect(5, ['task-99'])]), ['MISSING']));
  test('6.2: TASK_NOT_VALID for a task of its own', () =>
    assert.deepEqual(
      refusals([{ at: at(5), RunTask: { taskDefinition: 'web', launchType: 'FARGATE' } }, protect(8, ['task-3'])]),
      ['TASK_NOT_VALID'],
    ));
  test('6.2: DEPLOYMENT_BLOCKED for a task that a rollout is to stop', () =>
    assert.deepEqual(refusals([deploy, protect(10, ['task-1'])]), ['DEPLOYMENT_BLOCKED']));

  test('2.5: deployments leave protected tasks alone until the protection ends', () => {
    const simulation = sail(scenarioWith({}, { changes: [protect(5, ['task-1']), deploy], duration: '4h' }));
    const stops = heard(simulation, 'TaskStopping').map((recorded) => [
      recorded.event.taskId,
      Math.floor(minuteOf({ start: Date.UTC(2030, 0, 7) } as never, recorded)),
    ]);
    assert.deepEqual(
      stops.map(([taskId]) => taskId),
      ['task-2', 'task-1'],
    );
    assert.equal(stops[1]![1], 125, 'two hours when left out');
  });
});

describe('tasks of their own', () => {
  test('1.10: RunTask is not transactional: what has room is placed, the rest fails', () => {
    const simulation = sail(
      scenarioWith(
        { desiredCount: 0 },
        {
          ...instances(1),
          taskDefinitions: [onInstances({ portMappings: [{ containerPort: 80, hostPort: 80 }] })],
          changes: [{ at: at(5), RunTask: { taskDefinition: 'web', count: 2, launchType: 'EC2' } }],
        },
      ),
    );
    assert.equal(heard(simulation, 'TaskRunning').length, 1);
    assert.deepEqual(
      heard(simulation, 'TaskRunFailed').map(({ event }) => event.reason),
      ['RESOURCE:PORTS'],
    );
    const [task] = simulation.world.ecs.tasks.values();
    assert.deepEqual([task?.group, task?.startedBy, task?.serviceName], ['family:web', 'run-1', '']);
  });

  test('1.10, 6.2: RunTask on EC2 without a single instance', () => {
    const changes = [{ at: at(5), RunTask: { taskDefinition: 'web', count: 2, launchType: 'EC2' as const } }];
    const simulation = sail(
      scenarioWith({ desiredCount: 0 }, { ...instances(0), taskDefinitions: [onInstances()], changes }),
    );
    assert.deepEqual(
      heard(simulation, 'TaskRunFailed').map(({ event }) => event.reason),
      Array.from({ length: 2 }, () => 'No Container Instances were found in your cluster.'),
    );
  });

  test('1.10, 6.2: with managed scaling tasks wait in PROVISIONING, no more than the quota', () => {
    const strategy = [{ capacityProvider: 'fleet', weight: 1 }];
    const simulation = sail(
      scenarioWith(
        { desiredCount: 0 },
        {
          ...instances(0),
          cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
          capacityProviders: [{ name: 'fleet', autoScalingGroupProvider: { autoScalingGroup: 'group' } }],
          taskDefinitions: [onInstances()],
          changes: [{ at: at(5), RunTask: { taskDefinition: 'web', count: 8, capacityProviderStrategy: strategy } }],
          assumptions: { capacity: { provisioningLimit: 5 } },
        },
      ),
    );
    assert.equal(heard(simulation, 'TaskWaiting').length, 5);
    assert.deepEqual(
      heard(simulation, 'TaskRunFailed').map(({ event }) => event.reason),
      Array.from({ length: 3 }, () => 'PROVISIONING LIMIT'),
    );
    assert.equal(heard(simulation, 'TaskRunning').length, 5);
  });

  test('1.10: StartTask names its instances: MISSING where there is none', () => {
    const simulation = sail(
      scenarioWith(
        { desiredCount: 0 },
        {
          ...instances(1),
          taskDefinitions: [onInstances({ behavior: { exitsAfter: '90s' } })],
          changes: [
            {
              at: at(5),
              StartTask: { taskDefinition: 'web', group: 'batch', containerInstances: ['i-00000000000000001', 'i-no'] },
            },
          ],
        },
      ),
    );
    assert.deepEqual(
      heard(simulation, 'TaskRunFailed').map(({ event }) => event.reason),
      ['MISSING'],
    );
    const [stopped] = heard(simulation, 'TaskStopped');
    assert.equal(stopped?.event.reason, 'Essential container in task exited');
    assert.equal(simulation.world.ecs.tasks.size, 0, 'nobody replaces it');
    assert.equal(simulation.world.ecs.runs.size, 0);
  });

  test('5.4: a service task that a user stops is replaced', () => {
    const simulation = sail(scenarioWith({}, { changes: [{ at: at(5), StopTask: { task: 'task-1' } }] }));
    const [stopped] = heard(simulation, 'TaskStopped');
    assert.deepEqual([stopped?.event.stopCode, stopped?.event.reason], ['UserInitiated', 'Task stopped by user']);
    assert.equal(simulation.world.ecs.services.get('web')?.runningCount, 2);
  });
});

describe('6.2: what AWS refuses', () => {
  const problems = (service: Partial<ServiceInput>, changes: Partial<ScenarioInput> = {}) =>
    scenarioProblems(scenarioWith(service, changes)).map(({ path, message }) => `${path.join('.')}: ${message}`);
  const daemon = { ...instances(1), taskDefinitions: [onInstances()] };
  const update = (change: Omit<NonNullable<ChangeInput['UpdateService']>, 'service'>) => [
    { at: at(5), UpdateService: { service: 'web', ...change } },
  ];

  for (const [id, found, expected] of [
    [
      'a daemon above 100 %',
      problems(
        { schedulingStrategy: 'DAEMON', desiredCount: undefined, deploymentConfiguration: { maximumPercent: 150 } },
        daemon,
      ),
      'services.0.deploymentConfiguration: The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment configuration. Change the maximumPercent value to 100, and try again',
    ],
    [
      'a daemon with a desired count',
      problems({ schedulingStrategy: 'DAEMON', desiredCount: 2 }, daemon),
      'services.0.desiredCount: The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again',
    ],
    [
      'a daemon with a placement strategy',
      problems(
        { schedulingStrategy: 'DAEMON', desiredCount: undefined, placementStrategy: [{ type: 'random' }] },
        daemon,
      ),
      'services.0.placementStrategy: The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try again',
    ],
    [
      'a daemon that is given a desired count later',
      problems(
        { schedulingStrategy: 'DAEMON', desiredCount: undefined },
        { ...daemon, changes: update({ desiredCount: 2 }) },
      ),
      'changes.0.UpdateService.desiredCount: The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again',
    ],
    [
      'a replica service without a desired count',
      problems({ desiredCount: undefined }),
      'services.0.desiredCount: found nothing, expected a number of tasks for a REPLICA service',
    ],
    [
      'rebalancing with another strategy first',
      problems(
        { availabilityZoneRebalancing: 'ENABLED', placementStrategy: [{ type: 'binpack', field: 'cpu' }] },
        daemon,
      ),
      "services.0.availabilityZoneRebalancing: The service couldn't be updated because Availability Zone Rebalancing only supports availability zone spread as task placement strategy.",
    ],
    [
      'rebalancing without room above 100 %',
      problems({ availabilityZoneRebalancing: 'ENABLED', deploymentConfiguration: { maximumPercent: 100 } }),
      'services.0.availabilityZoneRebalancing: Availability Zone Rebalancing does not support a maximumPercent of 100',
    ],
    [
      'deleting what is scaled above 0',
      problems({}, { changes: [{ at: at(5), DeleteService: { service: 'web' } }] }),
      'changes.0.DeleteService: The service cannot be stopped while it is scaled above 0.',
    ],
    [
      'updating a deleted service',
      problems(
        {},
        {
          changes: [
            { at: at(5), DeleteService: { service: 'web', force: true } },
            { ...deploy, at: at(6) },
          ],
        },
      ),
      'changes.1.UpdateService.service: found "web", which is deleted: Service is not ACTIVE.',
    ],
    [
      'a revision that is not there',
      problems({}, { changes: update({ taskDefinition: 'web:3' }) }),
      'changes.0.UpdateService.taskDefinition: found "web:3", expected the name of a task definition: one of web, web:1, web, web:2',
    ],
    [
      'launch type and strategy together',
      problems(
        {},
        {
          changes: [
            {
              at: at(5),
              RunTask: {
                taskDefinition: 'web',
                launchType: 'FARGATE',
                capacityProviderStrategy: [{ capacityProvider: 'FARGATE', weight: 1 }],
              },
            },
          ],
        },
      ),
      'changes.0.RunTask.launchType: Specify either Launch Type or Capacity Provider Strategy, but not both.',
    ],
    [
      'two actions in one change',
      problems({}, { changes: [{ ...deploy, StopTask: { task: 'task-1' } }] }).map((text) => text.split(' of ')[0]),
      'changes.0: found UpdateService and StopTask, expected exactly one',
    ],
    [
      'a container that waits for the success of an essential one',
      problems(
        {},
        {
          taskDefinitions: [
            onFargate({ dependsOn: [{ containerName: 'db', condition: 'SUCCESS' }] }, [{ name: 'db', image: 'db' }]),
          ],
        },
      ),
      'taskDefinitions.0.containerDefinitions.0.dependsOn.0.condition: found SUCCESS, expected "db" not to be essential',
    ],
    [
      'a container that waits for health nobody checks',
      problems(
        {},
        {
          taskDefinitions: [
            onFargate({ dependsOn: [{ containerName: 'db', condition: 'HEALTHY' }] }, [{ name: 'db', image: 'db' }]),
          ],
        },
      ),
      'taskDefinitions.0.containerDefinitions.0.dependsOn.0.condition: found HEALTHY, expected "db" to have a health check',
    ],
    [
      'containers that wait for each other',
      problems(
        {},
        {
          taskDefinitions: [
            onFargate({ dependsOn: [{ containerName: 'b', condition: 'START' }] }, [
              { name: 'b', image: 'b', dependsOn: [{ containerName: 'app', condition: 'START' }] },
            ]),
          ],
        },
      ),
      'taskDefinitions.0.containerDefinitions: found containers that wait for each other: app, b',
    ],
    [
      'no essential container',
      problems({}, { taskDefinitions: [onFargate({ essential: false })] }),
      'taskDefinitions.0.containerDefinitions: found no essential container, expected at least one',
    ],
  ] as const)
    test(id, () => assert.deepEqual(found, [expected]));

  for (const [id, change, pattern] of [
    ['RunTask of eleven', { RunTask: { taskDefinition: 'web', count: 11 } }, /<=10/],
    [
      'StartTask on nothing',
      { StartTask: { taskDefinition: 'web', containerInstances: [] } },
      /Container Instances cannot be empty\./,
    ],
    [
      'protection for three days',
      { UpdateTaskProtection: { service: 'web', protectionEnabled: true, expiresInMinutes: 4320 } },
      /<=2880/,
    ],
  ] as const)
    test(id, () => assert.throws(() => scenarioSchema.shape.changes.parse([{ at: at(1), ...change }]), pattern));
});
