import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { scalerOf, scalers, targetTrackingCapacity, type PutScalingPolicy } from '../../core/autoscaling/index.ts';
import { HOUR, MINUTE } from '../../core/kernel/index.ts';
import { scenarioSchema, type Scenario } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import { endOf, quietScenario, scenarios } from '../arbitraries.ts';
import {
  alarmsAreSound,
  capacitiesAreSound,
  capacityFollowsTheMetric,
  writtenPolicies,
  type AnyScaler,
} from '../contracts/scaler.ts';

for (const [name, entry] of Object.entries(scalers)) {
  const scaler = entry as AnyScaler;
  const written = writtenPolicies[name as keyof typeof scalers];
  test(`${name}: its alarms are sound`, () => fc.assert(alarmsAreSound(scaler, written), { numRuns: 500 }));
  test(`${name}: its capacities are sound`, () => fc.assert(capacitiesAreSound(scaler, written), { numRuns: 2_000 }));
  if (scaler.tracksTarget)
    test(`${name}: its capacities follow the metric`, () =>
      fc.assert(capacityFollowsTheMetric(scaler, written), { numRuns: 2_000 }));
}

describe('a constant load', () => {
  /** CPU in percent of `tasks` that share the work of `work` whole tasks. */
  const cpuOf = (work: number, tasks: number): number => (tasks === 0 ? 0 : Math.min(100, (100 * work) / tasks));

  test('target tracking reaches a fixed point and stays, for targets 20 to 90 and 1 to 500 tasks', () => {
    for (let target = 20; target <= 90; target++)
      for (const work of [0.01, 0.3, 1, 2.5, 7, 33.3, 99, 180])
        for (const from of [1, 2, 17, 120, 500]) {
          let tasks = from;
          let rounds = 0;
          for (; rounds < 200; rounds++) {
            const cpu = cpuOf(work, tasks);
            const want = targetTrackingCapacity({ runningCount: tasks, metricValue: cpu, targetValue: target });
            const acts = cpu > target ? want > tasks : cpu < 0.9 * target && want < tasks;
            const next = acts ? Math.max(1, want) : tasks;
            if (next === tasks) break;
            tasks = next;
          }
          assert.equal(rounds < 200, true, `work ${work} at ${target} % from ${from} never settles`);
          const cpu = cpuOf(work, tasks);
          assert.equal(cpu <= target, true, `${cpu} % at ${target} % with ${tasks}`);
          // One task fewer would be above the target, or it rests within the tenth below it.
          assert.equal(
            tasks === 1 || cpu >= 0.9 * target || cpuOf(work, tasks - 1) > target,
            true,
            `${tasks} for ${work}`,
          );
        }
  });

  /** One task serves 50 requests a second at 20 ms of a vCPU each. */
  function voyage(target: number, rate: number, from: number): Scenario {
    return scenarioSchema.parse(
      quietScenario({
        duration: '5h',
        services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: from, launchType: 'FARGATE' }],
        scalableTargets: [
          {
            service: 'web',
            MinCapacity: 1,
            MaxCapacity: 60,
            policies: [
              {
                PolicyName: 'cpu',
                PolicyType: 'TargetTrackingScaling',
                TargetTrackingScalingPolicyConfiguration: {
                  TargetValue: target,
                  PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
                },
              },
            ],
          },
        ],
        load: [{ service: 'web', arrivals: 'even', request: { cpuMs: 20 }, rate: [{ model: 'constant', rate }] }],
      }),
    );
  }

  for (const [target, rate, from] of [
    [50, 480, 2],
    [50, 480, 40],
    [80, 333, 1],
    [35, 70, 12],
  ] as const)
    test(`a whole run: ${rate} requests/s at ${target} % from ${from} tasks settles and stays`, () => {
      const scenario = voyage(target, rate, from);
      const simulation = simulate(scenario);
      simulation.runUntil(scenario.start + 3 * HOUR);
      const settled = simulation.world.ecs.services.get('web')!.desiredCount;
      const activities = () =>
        [...simulation.log].filter(({ event }) => event.type === 'ScalingActivityStarted').length;
      const before = activities();
      simulation.runUntil(endOf(scenario));
      assert.equal(activities(), before, 'it stays');
      const work = rate / 50;
      const cpu = (100 * work) / settled;
      assert.equal(cpu <= target + 0.5, true, `${cpu} % with ${settled} tasks`);
      assert.equal(
        cpu >= 0.9 * target - 0.5 || (100 * work) / (settled - 1) > target - 0.5,
        true,
        `${cpu} % with ${settled}`,
      );
    });
});

/** A crowd that leaves slowly: the alarm below the target stays in ALARM, and each minute asks for a little less. */
function ebb(): Scenario {
  return scenarioSchema.parse(
    quietScenario({
      duration: '6h',
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 40, launchType: 'FARGATE' }],
      scalableTargets: [
        {
          service: 'web',
          MinCapacity: 1,
          MaxCapacity: 60,
          policies: [
            {
              PolicyName: 'cpu',
              PolicyType: 'TargetTrackingScaling',
              TargetTrackingScalingPolicyConfiguration: {
                TargetValue: 50,
                PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
                ScaleInCooldown: 900,
              },
            },
          ],
        },
      ],
      load: [
        {
          service: 'web',
          request: { cpuMs: 20 },
          rate: [{ model: 'burst', at: '2030-01-07T00:00:00Z', rise: '0s', hold: '30m', fall: '5h', peak: 1_000 }],
        },
      ],
    }),
  );
}

test('no policy leaves the bounds, none scales in within its cooldown or during a deployment, and each decision moves as its alarm says', () => {
  let decisions = 0;
  const kinds = new Set<string>();
  for (const scenario of [ebb(), ...fc.sample(scenarios, { seed: 11, numRuns: 60 })]) {
    const simulation = simulate(scenario);
    const cooledFrom = new Map<string, number>();
    const by = new Map<string, { readonly policyKey: string; readonly isIn: boolean }>();
    const deploying = new Map<string, boolean>();
    const policies = new Map<string, PutScalingPolicy>();
    let seq = 0;
    simulation.runUntil(endOf(scenario));
    for (; seq < simulation.log.length; seq++) {
      const { atMs, event } = simulation.log.at(seq);
      if (event.type === 'ScalingPolicyPut') policies.set(event.policyKey, event.config);
      if (event.type === 'ServiceCreated') deploying.set(event.config.serviceName, true);
      if (event.type === 'DeploymentStarted') deploying.set(event.serviceName, true);
      if (event.type === 'DeploymentCompleted' || event.type === 'DeploymentFailed')
        deploying.set(event.serviceName, false);
      if (event.type === 'ScalingActivityCompleted') {
        const started = by.get(event.activityId);
        if (started?.isIn === true && event.statusCode === 'Successful') cooledFrom.set(started.policyKey, atMs);
      }
      if (event.type !== 'ScalingActivityStarted') continue;
      assert.equal(
        event.toCapacity >= event.minCapacity && event.toCapacity <= event.maxCapacity,
        true,
        `event ${seq}`,
      );
      assert.notEqual(event.toCapacity, event.fromCapacity);
      const isIn = event.toCapacity < event.fromCapacity;
      if (!isIn)
        for (const key of cooledFrom.keys()) if (key.startsWith(`${event.resourceId}/`)) cooledFrom.delete(key);
      if (event.policyKey === undefined) continue;
      decisions++;
      by.set(event.activityId, { policyKey: event.policyKey, isIn });
      kinds.add(`${(policies.get(event.policyKey) as PutScalingPolicy).PolicyType} ${isIn ? 'in' : 'out'}`);
      // Of the policies' own alarms: the drawn steps above a threshold add, those below one take away.
      if (event.alarmName?.includes('-Alarm') === true)
        assert.equal(
          event.alarmName.includes(isIn ? '-AlarmLow' : '-AlarmHigh'),
          true,
          `event ${seq}: ${event.alarmName}`,
        );
      if (!isIn) continue;
      const serviceName = event.resourceId.split('/')[2] as string;
      assert.equal(deploying.get(serviceName), false, `event ${seq} scales in during a deployment`);
      const policy = policies.get(event.policyKey) as PutScalingPolicy;
      const cooldownMs = scalerOf(policy).cooldowns(policy).inMs;
      const since = cooledFrom.get(event.policyKey);
      if (since !== undefined)
        assert.equal(atMs >= since + cooldownMs, true, `event ${seq}: ${(atMs - since) / MINUTE} min`);
    }
  }
  assert.equal(decisions > 50, true, `only ${decisions} decisions were seen`);
  assert.equal(kinds.size, 4, `only ${[...kinds].join(', ')} were seen`);
});
