/** Laws of the service scheduler: what holds for every service, deployment and daemon, whatever happens. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { circuitBreakerThreshold, deploymentBounds, project, serviceEventsProjection } from '../../core/index.ts';
import { nextCheckMs, startable, stopPlan, newContainer, type ContainerLife } from '../../core/ecs/container.ts';
import { healthOf } from '../../core/ecs/scheduler.ts';
import { healthyPercents } from '../../core/ecs/service.ts';
import { scenarioSchema, type Scenario } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import { endOf, quietScenario, scenarios } from '../arbitraries.ts';
import {
  at,
  heard,
  instances,
  onFargate,
  onInstances,
  sail,
  scenarioWith,
  type ChangeInput,
} from '../schedulerRoom.ts';

const runs = { numRuns: 40 };

/** Deployments of a service that controls its counts: nothing fails, and its desired count stays. */
const rollouts = fc.record({
  desired: fc.integer({ min: 1, max: 9 }),
  minimum: fc.constantFrom(0, 25, 50, 75, 100),
  maximum: fc.constantFrom(100, 120, 150, 200, 400),
  behind: fc.boolean(),
  checked: fc.boolean(),
  deployments: fc.array(fc.record({ minute: fc.integer({ min: 5, max: 60 }), force: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  }),
});

test('a deployment stays within its bounds: never more tasks than the maximum, never fewer healthy ones than the minimum', () =>
  fc.assert(
    fc.property(rollouts, ({ desired, minimum, maximum, behind, checked, deployments }) => {
      const container = checked ? { healthCheck: { command: ['CMD', 'true'], interval: 5 } } : {};
      const changes = deployments.map(({ minute, force }, index): ChangeInput => ({
        at: at(minute),
        UpdateService: { service: 'web', taskDefinition: `web:${(index % 2) + 1}`, forceNewDeployment: force },
      }));
      const scenario = scenarioWith(
        {
          desiredCount: desired,
          deploymentConfiguration: { minimumHealthyPercent: minimum, maximumPercent: maximum },
          availabilityZoneRebalancing: 'DISABLED',
          loadBalancers: behind ? [{ targetGroup: 'web', containerName: 'app', containerPort: 80 }] : [],
        },
        {
          taskDefinitions: [onFargate(container), onFargate(container)],
          targetGroups: [{ Name: 'web', HealthCheckIntervalSeconds: 10, deregistrationDelaySeconds: 20 }],
          changes,
          duration: '150m',
          step: '60s',
        },
      );
      const { minimumHealthy, maximumTasks } = deploymentBounds(desired, minimum, maximum);
      let most = 0;
      const simulation = simulate(scenario, {
        check: (world, { atMs, event }) => {
          const service = world.ecs.services.get('web');
          if (service === undefined || atMs < scenario.start + 2 * 60_000) return;
          most = Math.max(most, service.tasks.size + service.starting);
          assert.ok(service.tasks.size + service.starting <= maximumTasks, `${service.tasks.size} tasks`);
          // Between the decision to stop and what it leads to, the world is on its way.
          if (event.type !== 'ServiceTasksStopping' && event.type !== 'TaskStopping') return;
          let healthy = 0;
          for (const task of world.ecs.tasks.values())
            if (healthOf(world, service, task, atMs).state === 'healthy') healthy++;
          assert.ok(healthy >= minimumHealthy, `${healthy} healthy tasks, ${minimumHealthy} at least`);
        },
      });
      simulation.runUntil(endOf(scenario));
      assert.ok(most <= maximumTasks);
      const service = simulation.world.ecs.services.get('web')!;
      const isFree = minimumHealthy < desired || maximumTasks > desired;
      if (isFree) {
        assert.deepEqual([service.runningCount, service.tasks.size], [desired, desired]);
        assert.equal(service.deployments.length, 1);
        assert.equal(service.deployments[0]?.rolloutState, 'COMPLETED');
      }
    }),
    { numRuns: 60 },
  ));

/** On instances there may be too little room, and some of them drain meanwhile. */
const rolloutsOnInstances = fc.record({
  desired: fc.integer({ min: 1, max: 7 }),
  minimum: fc.constantFrom(0, 30, 50, 75, 100),
  maximum: fc.constantFrom(100, 130, 150, 200),
  size: fc.integer({ min: 1, max: 5 }),
  checked: fc.boolean(),
  deployments: fc.array(fc.integer({ min: 5, max: 60 }), { maxLength: 3 }),
  drains: fc.array(
    fc.record({ minute: fc.integer({ min: 5, max: 60 }), which: fc.integer({ min: 1, max: 5 }), back: fc.boolean() }),
    { maxLength: 4 },
  ),
  others: fc.integer({ min: 0, max: 4 }),
});

test('nor does it on instances, with too little room and while some drain: the last healthy ones stay', () => {
  let stopped = 0;
  fc.assert(
    fc.property(rolloutsOnInstances, ({ desired, minimum, maximum, size, checked, deployments, drains, others }) => {
      const container = onInstances(checked ? { healthCheck: { command: ['CMD', 'true'], interval: 5 } } : {});
      const scenario = scenarioWith(
        {
          desiredCount: desired,
          deploymentConfiguration: { minimumHealthyPercent: minimum, maximumPercent: maximum },
          availabilityZoneRebalancing: 'DISABLED',
        },
        {
          ...instances(size),
          taskDefinitions: [container, container],
          changes: [
            ...deployments.map((minute, index): ChangeInput => ({
              at: at(minute),
              UpdateService: { service: 'web', taskDefinition: `web:${(index % 2) + 1}`, forceNewDeployment: true },
            })),
            ...drains.flatMap(({ minute, which, back }): ChangeInput[] => {
              const containerInstances = [`i-0000000000000000${which}`];
              const drain = { containerInstances, status: 'DRAINING' as const };
              const activate = { containerInstances, status: 'ACTIVE' as const };
              return [
                { at: at(minute), UpdateContainerInstancesState: drain },
                ...(back ? [{ at: at(minute + 30), UpdateContainerInstancesState: activate }] : []),
              ];
            }),
            ...(others === 0 ? [] : [{ at: at(20), RunTask: { taskDefinition: 'web', count: others } }]),
          ],
          duration: '150m',
          step: '60s',
        },
      );
      const { minimumHealthy, maximumTasks } = deploymentBounds(desired, minimum, maximum);
      const simulation = simulate(scenario, {
        check: (world, { atMs, event }) => {
          const service = world.ecs.services.get('web');
          if (service === undefined) return;
          assert.ok(service.tasks.size + service.starting <= maximumTasks, `${service.tasks.size} tasks`);
          if (event.type !== 'ServiceTasksStopping') return;
          const healthy = (taskId: string) => {
            const task = world.ecs.tasks.get(taskId);
            return task !== undefined && healthOf(world, service, task, atMs).state === 'healthy';
          };
          const stops = event.taskIds.filter(healthy);
          const stay = [...service.tasks.keys()].filter((taskId) => {
            return !service.asked.has(taskId) && !service.stopping.has(taskId) && healthy(taskId);
          });
          stopped += stops.length;
          assert.ok(
            stops.length === 0 || stay.length >= minimumHealthy,
            `${stops.join(' ')} stop, ${stay.length} healthy ones stay, ${minimumHealthy} at least`,
          );
        },
      });
      simulation.runUntil(endOf(scenario));
    }),
    { numRuns: 80 },
  );
  assert.ok(stopped > 100, `${stopped} healthy tasks were stopped`);
});

describe('the circuit breaker', () => {
  const plans = fc.record({
    desired: fc.integer({ min: 1, max: 12 }),
    rollback: fc.boolean(),
    threshold: fc.option(
      fc.record({
        type: fc.constantFrom('COUNT' as const, 'BOUNDED_PERCENT' as const),
        value: fc.integer({ min: 1, max: 60 }),
      }),
      { nil: undefined },
    ),
    flaw: fc.constantFrom('missing', 'sick'),
  });

  test('fails a deployment exactly at its threshold, and goes back to the last one that was COMPLETED', () =>
    fc.assert(
      fc.property(plans, ({ desired, rollback, threshold, flaw }) => {
        const bad =
          flaw === 'missing'
            ? onFargate({ image: 'typo' })
            : onFargate({
                healthCheck: { command: ['CMD', 'false'], interval: 5, retries: 2 },
                behavior: { healthChecks: 'fail' },
              });
        const scenario = scenarioWith(
          {
            desiredCount: desired,
            deploymentConfiguration: {
              deploymentCircuitBreaker: {
                enable: true,
                rollback,
                ...(threshold === undefined ? {} : { thresholdConfiguration: threshold }),
              },
            },
          },
          {
            taskDefinitions: [onFargate(), bad],
            changes: [{ at: at(5), UpdateService: { service: 'web', taskDefinition: 'web:2' } }],
            faults: [{ kind: 'ImageMissing', at: at(0), image: 'typo' }],
            duration: '20h',
            step: '60s',
          },
        );
        const simulation = sail(scenario);
        const expected = circuitBreakerThreshold(desired, threshold);
        const [failed, ...more] = heard(simulation, 'DeploymentFailed');
        const counts = heard(simulation, 'DeploymentTaskFailed').map(({ event }) => event.failedTasks);
        assert.deepEqual(
          counts,
          Array.from({ length: expected }, (_, index) => index + 1),
        );
        assert.equal(failed?.event.failedTasks, expected);
        assert.deepEqual(more, []);
        const service = simulation.world.ecs.services.get('web')!;
        assert.equal(service.deployments[0]?.taskDefinition, rollback ? 'web:1' : 'web:2');
        assert.equal(service.deployments[0]?.rolloutState, rollback ? 'COMPLETED' : 'FAILED');
        // Nothing was ever lost: the old tasks stayed until the new ones were healthy, which they never were.
        const running = heard(simulation, 'LoadServed').map(({ event }) => event.runningTasks[0]!);
        assert.ok(running.every((count) => count >= desired));
        const late = heard(simulation, 'TaskCreated').filter(({ atMs, event }) =>
          rollback ? event.startedBy === 'ecs-svc/2' && atMs > failed.atMs : atMs > failed.atMs,
        );
        assert.deepEqual(late, [], 'a failed deployment starts no more tasks');
      }),
      { numRuns: 12 },
    ));

  test('a task that becomes healthy resets the count, unless it is told not to', () => {
    // The checks fail for all tasks for a while, twice; in between they pass.
    const scenario = (resetOnHealthyTask: boolean) =>
      scenarioWith(
        {
          desiredCount: 2,
          healthCheckGracePeriodSeconds: 0,
          deploymentConfiguration: {
            deploymentCircuitBreaker: {
              enable: true,
              rollback: false,
              resetOnHealthyTask,
              thresholdConfiguration: { type: 'COUNT', value: 30 },
            },
          },
        },
        {
          taskDefinitions: [onFargate({ healthCheck: { command: ['CMD', 'true'], interval: 5, retries: 1 } })],
          faults: [{ kind: 'HealthCheckFails', at: at(0), for: '6m' }],
          duration: '20m',
        },
      );
    const [resets, kept] = [true, false].map((reset) => sail(scenario(reset)));
    assert.ok(heard(resets!, 'DeploymentTaskFailed').length > 0);
    assert.ok(heard(resets!, 'DeploymentFailuresReset').length > 0);
    assert.equal(heard(kept!, 'DeploymentFailuresReset').length, 0);
    assert.equal(resets!.world.ecs.services.get('web')?.deployments[0]?.failedTasks, 0);
    assert.ok((kept!.world.ecs.services.get('web')?.deployments[0]?.failedTasks ?? 0) > 0);
  });
});

describe('daemons', () => {
  const happenings = fc.record({
    sizes: fc.array(fc.record({ minute: fc.integer({ min: 1, max: 150 }), to: fc.integer({ min: 0, max: 6 }) }), {
      maxLength: 6,
    }),
    deployments: fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 2 }),
    cold: fc.boolean(),
    replicas: fc.integer({ min: 0, max: 12 }),
    minimum: fc.constantFrom(0, 50),
  });

  const clusterOf = ({
    cold,
    replicas,
    deployments,
    minimum,
  }: {
    cold: boolean;
    replicas: number;
    deployments: number[];
    minimum: number;
  }) =>
    scenarioSchema.parse(
      quietScenario({
        ...instances(3),
        duration: '4h',
        step: '60s',
        capacityProviders: [
          {
            name: 'fleet',
            autoScalingGroupProvider: { autoScalingGroup: 'group', managedScaling: { status: 'DISABLED' } },
          },
        ],
        cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
        taskDefinitions: [
          { family: 'agent', containerDefinitions: [{ name: 'agent', image: 'agent', cpu: 512, memory: 256 }] },
          { family: 'agent', containerDefinitions: [{ name: 'agent', image: 'agent', cpu: 512, memory: 256 }] },
          onInstances(),
        ],
        services: [
          {
            serviceName: 'agent',
            taskDefinition: 'agent:1',
            schedulingStrategy: 'DAEMON',
            deploymentConfiguration: { minimumHealthyPercent: minimum },
          },
          { serviceName: 'web', taskDefinition: 'web', desiredCount: replicas, launchType: 'EC2' },
        ],
        changes: deployments.map((minute, index) => ({
          at: at(minute),
          UpdateService: { service: 'agent', taskDefinition: `agent:${2 - (index % 2)}`, forceNewDeployment: true },
        })),
        assumptions: { start: cold ? 'cold' : 'steady' },
      }),
    );

  test('once it is steady, a daemon has one task on each active instance; and replicas never take its room', () =>
    fc.assert(
      fc.property(happenings, ({ sizes, ...drawn }) => {
        const scenario = clusterOf(drawn);
        const simulation = simulate(scenario, {
          check: (world, { event }) => {
            if (event.type !== 'ServiceReachedSteadyState' || event.serviceName !== 'agent') return;
            const active = [...world.ecs.containerInstances.values()].filter(({ status }) => status === 'ACTIVE');
            const homes = [...world.ecs.tasks.values()]
              .filter(({ serviceName }) => serviceName === 'agent')
              .map(({ ec2InstanceId }) => ec2InstanceId);
            assert.deepEqual(new Set(homes), new Set(active.map(({ ec2InstanceId }) => ec2InstanceId)));
            assert.equal(homes.length, active.length);
            assert.equal(world.ecs.services.get('agent')?.desiredCount, active.length);
          },
        });
        for (const { minute, to } of sizes)
          simulation.submit(scenario.start + minute * 60_000, {
            type: 'SetDesiredCapacity',
            autoScalingGroupName: 'group',
            desiredCapacity: to,
          });
        simulation.runUntil(endOf(scenario));
        const refused = heard(simulation, 'ServiceTaskPlacementFailed').filter(
          ({ event }) => event.serviceName === 'agent',
        );
        assert.deepEqual(refused, []);
        const draining = [...simulation.world.ecs.containerInstances.values()].some(
          ({ status }) => status === 'DRAINING',
        );
        // Where replicas find no other place, draining does not end, and the daemon stays with them.
        if (!draining) assert.equal(simulation.world.ecs.services.get('agent')!.steady, true);
      }),
      { numRuns: 40 },
    ));

  test('it is the first task on an instance, and the last to leave it', () => {
    const scenario = clusterOf({ cold: true, replicas: 2, deployments: [], minimum: 0 });
    const simulation = sail({ ...scenario, duration: 30 * 60_000 });
    simulation.submit(simulation.nowMs, {
      type: 'SetDesiredCapacity',
      autoScalingGroupName: 'group',
      desiredCapacity: 2,
    });
    simulation.runUntil(endOf(scenario));
    const first = new Map<string, string>();
    const last = new Map<string, string>();
    const serviceOf = new Map<string, string>();
    for (const { event } of simulation.log) {
      if (event.type === 'TaskCreated') serviceOf.set(event.taskId, event.serviceName);
      if (event.type === 'TaskPlaced' && !first.has(event.ec2InstanceId!))
        first.set(event.ec2InstanceId!, serviceOf.get(event.taskId)!);
      if (event.type === 'TaskStopped') last.set(event.ec2InstanceId!, event.serviceName);
    }
    assert.deepEqual([...new Set(first.values())], ['agent']);
    const [gone] = heard(simulation, 'ContainerInstanceDeregistered');
    assert.equal(last.get(gone!.event.ec2InstanceId), 'agent');
  });
});

test('replacing unhealthy tasks ends: once the checks pass again, every service comes to rest', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(100, 150, 200),
      fc.constantFrom(0, 50, 100),
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom('container' as const, 'loadBalancer' as const),
      fc.constantFrom('startFirst' as const, 'stopFirst' as const),
      (desiredCount, maximumPercent, minimumHealthyPercent, minutes, checks, replaceUnhealthy) => {
        const simulation = sail(
          scenarioWith(
            {
              desiredCount,
              deploymentConfiguration: { maximumPercent, minimumHealthyPercent },
              loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 80 }],
            },
            {
              taskDefinitions: [onFargate({ healthCheck: { command: ['CMD', 'true'], interval: 10 } })],
              targetGroups: [{ Name: 'web', HealthCheckIntervalSeconds: 10, deregistrationDelaySeconds: 20 }],
              faults: [{ kind: 'HealthCheckFails', at: at(10), for: `${minutes}m`, checks }],
              duration: '3h',
              step: '60s',
              assumptions: { services: { replaceUnhealthy } },
            },
          ),
        );
        const service = simulation.world.ecs.services.get('web')!;
        assert.deepEqual(
          [service.runningCount, service.tasks.size, service.steady],
          [desiredCount, desiredCount, true],
        );
        const settled = simulation.log.at(simulation.log.length - 1).atMs - 60 * 60_000;
        assert.ok(
          heard(simulation, 'TaskStopped').every(({ atMs }) => atMs < settled),
          'no task has stopped for an hour',
        );
      },
    ),
    runs,
  ));

test('service events have no immediate duplicates, and are a hundred at most; no task is asked twice to stop', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const simulation = simulate(scenario);
      simulation.runUntil(endOf(scenario));
      const asked = heard(simulation, 'ServiceTasksStopping').flatMap(({ event }) => event.taskIds);
      assert.equal(new Set(asked).size, asked.length);
      for (const { serviceName } of scenario.services) {
        const projection = serviceEventsProjection(serviceName);
        project(simulation.log, [projection]);
        const { events } = projection.report(endOf(scenario));
        assert.ok(events.length <= 100);
        for (const [index, { atMs, message }] of events.entries()) {
          const before = events[index - 1];
          if (before === undefined) continue;
          assert.ok(before.atMs <= atMs);
          assert.ok(before.message !== message || atMs - before.atMs >= 6 * 3_600_000, message);
        }
      }
    }),
    { numRuns: 12 },
  ));

test('a rollout between sizes serves what its tasks can do together', () => {
  // Two old tasks of a quarter vCPU and two new ones of a half: 1.5 vCPU; a request costs 100 ms, so 15 a second.
  const busy = (cpu: number, memory: number, requests: number, workFactor = 1): number => {
    const scenario = scenarioWith(
      { deploymentConfiguration: { maximumPercent: 200 } },
      {
        taskDefinitions: [
          onFargate(),
          { ...onFargate({ behavior: { answersAfter: '0s' } }), cpu, memory, application: { workFactor } },
        ],
        changes: [
          { at: at(5), UpdateTaskProtection: { service: 'web', protectionEnabled: true } },
          { at: at(6), UpdateService: { service: 'web', taskDefinition: 'web:2' } },
        ],
        load: [
          { service: 'web', arrivals: 'even', request: { cpuMs: 100 }, rate: [{ model: 'constant', rate: requests }] },
        ],
        duration: '40m',
      },
    );
    const frames = heard(sail(scenario), 'LoadServed').filter(({ event }) => event.targets[0] === 4);
    const { event } = frames.at(-1)!;
    return event.cpuPercent[0]!;
  };
  // Offered 6 requests a second x 100 ms = 0.6 vCPU of (2 x 0.25 + 2 x 0.5) = 1.5 vCPU.
  assert.ok(Math.abs(busy(512, 1024, 6) - 40) < 1, `${busy(512, 1024, 6)} %`);
  assert.ok(Math.abs(busy(256, 512, 4) - 40) < 1, 'alike: 0.4 of 1 vCPU');
  // Twice the work on the new ones: together they do as much as 0.5 + 0.25 vCPU would, so 0.3 of 0.75 is 40 %.
  assert.ok(Math.abs(busy(256, 512, 3, 2) - 40) < 1, `${busy(256, 512, 3, 2)} %`);
});

describe('containers', () => {
  /** Up to six containers, each waiting for some of those before it. */
  const definitions = fc
    .array(
      fc.record({
        after: fc.nat({ max: 63 }),
        stopsIn: fc.integer({ min: 0, max: 60 }),
        limit: fc.integer({ min: 1, max: 40 }),
      }),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    .map((drawn) =>
      drawn.map(({ after, stopsIn, limit }, index): ContainerLife => ({
        name: `c${index}`,
        essential: index === 0,
        stopTimeout: limit,
        dependsOn: drawn
          .slice(0, index)
          .flatMap((_, other) =>
            (after >> other) & 1 ? [{ containerName: `c${other}`, condition: 'START' as const }] : [],
          ),
        behavior: { healthChecks: 'pass', exitCode: 0, outOfMemory: false, calls: [], stopsIn: stopsIn * 1_000 },
      })),
    );

  test('they start after what they depend on, all of them in the end; and end before it', () =>
    fc.assert(
      fc.property(definitions, (drawn) => {
        const containers = new Map(drawn.map(({ name }) => [name, newContainer()]));
        const order: string[] = [];
        for (let names = startable(drawn, containers); names.length > 0; names = startable(drawn, containers))
          for (const name of names) {
            const { dependsOn = [] } = drawn.find((definition) => definition.name === name)!;
            assert.ok(dependsOn.every(({ containerName }) => order.includes(containerName)));
            const container = containers.get(name)!;
            container.status = 'RUNNING';
            order.push(name);
          }
        assert.equal(order.length, drawn.length);
        const { stoppedAtMs, exitCodes } = stopPlan(drawn, containers, 1_000);
        const longest = drawn.map(({ behavior, stopTimeout }) => Math.min(behavior!.stopsIn, stopTimeout! * 1_000));
        assert.ok(stoppedAtMs >= 1_000 + Math.max(...longest));
        assert.ok(stoppedAtMs <= 1_000 + longest.reduce((sum, ms) => sum + ms, 0));
        for (const [index, { behavior, stopTimeout }] of drawn.entries())
          assert.equal(exitCodes[index], behavior!.stopsIn > stopTimeout! * 1_000 ? 137 : 0);
      }),
      { numRuns: 500 },
    ));

  test('health checks come an interval after the start, and at intervals from there', () =>
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.integer({ min: 5, max: 300 }),
        fc.nat(10_000_000),
        (startedAtMs, interval, later) => {
          const nextMs = nextCheckMs(startedAtMs, interval, startedAtMs + later);
          assert.equal((nextMs - startedAtMs) % (interval * 1_000), 0);
          assert.ok(nextMs > startedAtMs && nextMs >= startedAtMs + later);
          assert.ok(nextMs - interval * 1_000 < startedAtMs + Math.max(later, 1));
        },
      ),
      { numRuns: 500 },
    ));
});

test('an agent that loses touch: no placements there, and what happened meanwhile comes to light when it is back', () => {
  const scenario = scenarioWith(
    { desiredCount: 2 },
    {
      ...instances(2),
      taskDefinitions: [onInstances({ behavior: { exitsAfter: '12m' } })],
      faults: [{ kind: 'AgentDisconnected', at: at(10), for: '20m', ec2InstanceId: 'i-00000000000000001' }],
      changes: [{ at: at(15), UpdateService: { service: 'web', desiredCount: 4 } }],
      duration: '32m',
    },
  );
  const simulation = sail(scenario);
  const onFirst = heard(simulation, 'TaskPlaced').filter(
    ({ atMs, event }) => event.ec2InstanceId === 'i-00000000000000001' && atMs > scenario.start + 12 * 60_000,
  );
  assert.ok(onFirst.every(({ atMs }) => atMs >= scenario.start + 30 * 60_000));
  const [exit] = heard(simulation, 'ContainerStopped').filter(({ event }) => event.taskId === 'task-1');
  assert.equal(exit!.atMs, scenario.start + 30 * 60_000, 'it had ended at minute 12');
  assert.equal(heard(simulation, 'ContainerAgentDisconnected')[0]?.atMs, scenario.start + 12 * 60_000);
  assert.equal(heard(simulation, 'ContainerAgentConnected')[0]?.atMs, scenario.start + 30 * 60_000);
});

test('with the defaults of its strategy, a daemon may stop all of its tasks at once and start none above', () => {
  const percents = (schedulingStrategy: 'REPLICA' | 'DAEMON') =>
    healthyPercents({ schedulingStrategy, deploymentConfiguration: {} });
  assert.deepEqual(percents('REPLICA'), { minimumHealthyPercent: 100, maximumPercent: 200 });
  assert.deepEqual(percents('DAEMON'), { minimumHealthyPercent: 0, maximumPercent: 100 });
});

test('many tasks are started in cycles, as many in a minute as the quota allows', () => {
  const scenario: Scenario = scenarioWith(
    { desiredCount: 0 },
    {
      changes: [{ at: at(10), UpdateService: { service: 'web', desiredCount: 200 } }],
      assumptions: { services: { launchesPerMinute: { fargate: 60 } } },
    },
  );
  const simulation = sail(scenario);
  const starts = heard(simulation, 'ServiceTasksStarting').map(({ event }) => event.capacityProviders.length);
  assert.deepEqual(
    starts,
    Array.from({ length: 20 }, () => 10),
  );
  const [first, last] = [heard(simulation, 'TaskCreated')[0]!, heard(simulation, 'TaskCreated').at(-1)!];
  assert.equal(last.atMs - first.atMs, 190_000);
});
