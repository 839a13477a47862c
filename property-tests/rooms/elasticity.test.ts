/** Demand, elasticity, step responses and churn: against plain scans, and against what can be reckoned by hand. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HOUR, keyedRng, MINUTE, SECOND, type Recorded } from '../../core/kernel/index.ts';
import {
  churnProjection,
  Demand,
  elasticityProjection,
  elasticSpeedup,
  fragmentationProjection,
  project,
  serviceLevelProjection,
  type ElasticityReport,
} from '../../core/projections/index.ts';
import { Resonance } from '../../core/projections/resonance.ts';
import { taskDemand } from '../../core/ecs/index.ts';
import { scenarioSchema } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import { latencyLevels, load, requestProfile, servings, settledService } from '../../core/workload/index.ts';
import type { Event } from '../../core/world.ts';
import { endOf, scenarios } from '../arbitraries.ts';

const start = Date.UTC(2030, 0, 7);
const profiles = fc
  .record({
    cpuMs: fc.double({ min: 1, max: 200, noNaN: true }),
    cpuVariation: fc.constantFrom(0.5, 1, 2),
    otherMs: fc.constantFrom(0, 30),
    perTaskConcurrency: fc.constantFrom(1, 8, 64),
  })
  .map((written) => requestProfile.parse(written));
const routings = fc.constantFrom('round_robin', 'random', 'least_outstanding_requests');

describe('demand', () => {
  test('a settled service is what fluid serving comes to when nothing changes', () =>
    fc.assert(
      fc.property(
        profiles,
        routings,
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        fc.constantFrom(256, 1024, 2048),
        (profile, routing, tasks, share, cpuUnits) => {
          const targets = Array.from({ length: tasks }, (_, index) => `task-${index}`);
          const vcpus = Math.min(Math.max(1, cpuUnits / 1024), profile.perTaskConcurrency);
          const fullPerMs = (tasks * vcpus * Math.min(1, cpuUnits / 1024)) / profile.cpuMs;
          const stepMs = HOUR;
          const offered = Math.floor(share * fullPerMs * stepMs);
          let carried = servings.fluid.empty;
          let last = servings.fluid.empty as unknown as ReturnType<typeof servings.fluid.serve>;
          for (let step = 0; step < 8; step++) {
            last = servings.fluid.serve({
              fromMs: step * stepMs,
              toMs: (step + 1) * stepMs,
              offered,
              targets,
              drainingTargets: [],
              cpuUnits,
              profile,
              routing,
              carried,
              draws: keyedRng(1).at('x', step),
            });
            ({ carried } = last);
          }
          const settled = settledService(offered / (fullPerMs * stepMs), tasks, cpuUnits, profile, routing);
          const p99Ms = last.quantilesMs[latencyLevels.indexOf(0.99)] as number;
          assert.ok(Math.abs(settled.p99Ms - p99Ms) <= 0.02 * p99Ms + 0.01, `p99 ${settled.p99Ms} and ${p99Ms}`);
          assert.ok(Math.abs(settled.available - last.served / offered) < 1e-3, `${settled.available}`);
        },
      ),
      { numRuns: 150 },
    ));

  const demands = fc.record({
    profile: profiles,
    routing: routings,
    cpuUnits: fc.constantFrom(256, 1024, 4096),
    latencyP99Ms: fc.option(fc.integer({ min: 50, max: 3000 }), { nil: undefined }),
    availabilityPercent: fc.constantFrom(undefined, 99, 99.9, 100),
    serving: fc.constantFrom('fluid', 'queue'),
  });
  const demandOf = ({
    profile,
    routing,
    cpuUnits,
    serving,
    ...objective
  }: typeof demands extends fc.Arbitrary<infer Drawn> ? Drawn : never) =>
    new Demand({ serving, request: profile }, { cpuUnits, workFactor: 1, routing }, objective);

  test('it is the smallest number of tasks whose capacity is enough, in whatever order it is asked', () =>
    fc.assert(
      fc.property(demands, fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { maxLength: 6 }), (how, rates) => {
        const demand = demandOf(how);
        for (const rateRps of rates) {
          let scan = rateRps > 0 ? 1 : 0;
          while (scan < 5_000 && demand.capacityRps(scan) < rateRps) scan++;
          assert.equal(demand.tasksFor(rateRps), scan);
          assert.equal(demandOf(how).tasksFor(rateRps), scan);
        }
      }),
      { numRuns: 60 },
    ));

  test('more load never takes fewer tasks; half the work never takes more', () =>
    fc.assert(
      fc.property(demands, fc.double({ min: 1, max: 300, noNaN: true }), (how, rateRps) => {
        const tasks = demandOf(how).tasksFor(rateRps);
        assert.ok(demandOf(how).tasksFor(rateRps * 1.5) >= tasks);
        const half = { ...how, profile: { ...how.profile, cpuMs: how.profile.cpuMs / 2 } };
        if (demandOf(how).isAttainable) assert.ok(demandOf(half).tasksFor(rateRps) <= tasks);
      }),
      { numRuns: 60 },
    ));

  test('an objective that a single request misses leaves the availability alone', () => {
    const request = requestProfile.parse({ cpuMs: 100 });
    const task = { cpuUnits: 1024, workFactor: 1, routing: 'round_robin' } as const;
    const strict = new Demand({ serving: 'fluid', request }, task, { latencyP99Ms: 100, availabilityPercent: 99.9 });
    const without = new Demand({ serving: 'fluid', request }, task, { availabilityPercent: 99.9 });
    assert.equal(strict.isAttainable, false);
    assert.equal(strict.tasksFor(50), without.tasksFor(50));
  });
});

/** A made-up service: a vCPU each, requests of 100 ms, so that a task does 10 a second; minutes with a demand and a supply. */
const SERVICE = 'web';
const CAPACITY = 10;
const objective = { availabilityPercent: 90 };
const config = load.parse({
  service: SERVICE,
  arrivals: 'even',
  request: { cpuMs: 100, timeoutMs: 600_000, maxQueuedPerTask: 100_000 },
  rate: [{ model: 'constant', rate: 1 }],
});

function* events(minutes: readonly { readonly demand: number; readonly supplies: readonly number[] }[]) {
  let seq = 0;
  const recorded = (atMs: number, event: object) =>
    ({ seq: seq++, atMs, causedBy: -1, event }) as unknown as Recorded<Event>;
  const definition = { family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 1024, memory: 512 }] };
  yield recorded(start, { type: 'TaskDefinitionRegistered', taskDefinition: 'web:1', definition });
  yield recorded(start, {
    type: 'ServiceCreated',
    taskDefinition: 'web:1',
    config: { serviceName: SERVICE, loadBalancers: [] },
  });
  yield recorded(start, { type: 'LoadAttached', service: SERVICE, config });
  for (const [minute, { demand, supplies }] of minutes.entries()) {
    const stepMs = MINUTE / supplies.length;
    for (const [step, tasks] of supplies.entries()) {
      const fromMs = start + minute * MINUTE + step * stepMs;
      // 95 % of what `demand` tasks can do: one task less is overloaded.
      const offered = ((demand - 0.05) * CAPACITY * stepMs) / SECOND;
      const toMs = fromMs + stepMs;
      const row = {
        services: [SERVICE],
        offered: [Math.max(0, offered)],
        targets: [tasks],
        cpuPercent: [50],
        memoryPercent: [96],
      };
      yield recorded(toMs, { type: 'LoadServed', fromMs, toMs, ...row });
    }
  }
}

const even = (demand: number, supply: number) => ({ demand, supplies: [supply, supply] });

function elasticityOf(minutes: Parameters<typeof events>[0]): ElasticityReport {
  const projection = elasticityProjection(SERVICE, objective);
  project(events(minutes), [projection]);
  return projection.report(start + minutes.length * MINUTE) as ElasticityReport;
}

describe('elasticity', () => {
  test('accuracy and timeshare are what a scan of demand and supply says', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            demand: fc.nat({ max: 9 }),
            supplies: fc.array(fc.nat({ max: 12 }), { minLength: 2, maxLength: 2 }),
          }),
          {
            minLength: 1,
            maxLength: 30,
          },
        ),
        (minutes) => {
          const report = elasticityOf(minutes);
          const pairs = minutes.flatMap(({ demand, supplies }) => supplies.map((supply) => [demand, supply] as const));
          const mean = (of: (demand: number, supply: number) => number) =>
            (100 * pairs.reduce((sum, [d, s]) => sum + of(d, s), 0)) / pairs.length;
          const peak = Math.max(1, ...minutes.map(({ demand }) => demand));
          const close = (found: number, expected: number) =>
            assert.ok(Math.abs(found - expected) < 1e-9, `${found} ${expected}`);
          close(report.underPercent, mean((d, s) => Math.max(0, d - s)) / peak);
          close(report.overPercent, mean((d, s) => Math.max(0, s - d)) / peak);
          close(
            report.underNormalisedPercent,
            mean((d, s) => Math.max(0, d - s) / Math.max(1, d)),
          );
          close(
            report.overNormalisedPercent,
            mean((d, s) => Math.max(0, s - d) / Math.max(1, s)),
          );
          close(
            report.overOfDemandPercent,
            mean((d, s) => Math.max(0, s - d) / Math.max(1, d)),
          );
          close(
            report.underTimePercent,
            mean((d, s) => Number(d > s)),
          );
          close(
            report.overTimePercent,
            mean((d, s) => Number(s > d)),
          );
          close(
            report.rightTimePercent,
            mean((d, s) => Number(s === d)),
          );
          close(report.idlePercent, mean((_, s) => s / 2) / peak);
          close(report.memoryNearLimitPercent, 100);
        },
      ),
      { numRuns: 60 },
    ));

  test('instability is of changes: a nervous supply over a steady demand has it, and a steady one has none', () => {
    const nervous = elasticityOf(Array.from({ length: 21 }, (_, minute) => even(5, minute % 2 === 0 ? 10 : 12)));
    // Up ten times in twenty changes. Of levels, sgn(s) - sgn(d) is 1 - 1 throughout: no instability at all.
    assert.equal(nervous.instabilityPercent, 50);
    assert.equal(nervous.lagPercent, 50);
    assert.equal(nervous.disagreementPercent, 100);
    // Two tasks up or down in each of twenty changes.
    assert.equal(Math.round(nervous.jitterPerHour), Math.round((20 * 2 * 60) / 21));
    // Of levels, sgn(s) - sgn(d) is 1 - 0 throughout: unstable all the time.
    const idle = elasticityOf(Array.from({ length: 21 }, () => even(0, 3)));
    assert.equal(idle.instabilityPercent, 0);
    const following = elasticityOf(Array.from({ length: 21 }, (_, minute) => even(minute % 4, 2 * (minute % 4))));
    assert.equal(following.disagreementPercent, 0);
    // Supply that never moves under a demand that does: it stays while demand falls, and stays while demand rises.
    const deaf = elasticityOf(Array.from({ length: 21 }, (_, minute) => even(minute % 2 === 0 ? 5 : 7, 9)));
    assert.deepEqual([deaf.instabilityPercent, deaf.lagPercent, Math.round(deaf.jitterPerHour)], [50, 50, -114]);
  });

  test('the perfect policy deviates by nothing, and elastic speedup is a ratio', () => {
    const perfect = elasticityOf([3, 4, 4, 6, 2].map((demand) => even(demand, demand)));
    assert.deepEqual([perfect.deviation, perfect.absoluteErrorTaskHours, perfect.rightTimePercent], [0, 0, 100]);
    const wasteful = elasticityOf([3, 4, 4, 6, 2].map((demand) => even(demand, 2 * demand)));
    assert.equal(elasticSpeedup(wasteful, wasteful), 1);
    assert.ok(elasticSpeedup(wasteful, perfect) > 1);
    assert.ok(Math.abs(elasticSpeedup(wasteful, perfect) * elasticSpeedup(perfect, wasteful) - 1) < 1e-12);
  });
});

describe('the best fixed size', () => {
  const minutes = fc.array(fc.record({ demand: fc.nat({ max: 9 }), supply: fc.nat({ max: 12 }) }), {
    minLength: 1,
    maxLength: 40,
  });
  const lossOf = (demands: readonly number[], supplies: readonly number[]) => {
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const missed = demands.filter((demand, minute) => demand > (supplies[minute] as number)).length / demands.length;
    return mean(supplies) + 10 * mean(demands) * missed;
  };

  test('no other size loses less, and regret is what the policy loses more than it', () =>
    fc.assert(
      fc.property(minutes, (drawn) => {
        const demands = drawn.map(({ demand }) => demand);
        const sizes = Array.from({ length: 12 }, (_, size) => lossOf(demands, Array(demands.length).fill(size)));
        const { bestFixedTasks, fixedRegretTaskHours } = elasticityOf(
          drawn.map(({ demand, supply }) => even(demand, supply)),
        );
        const least = Math.min(...sizes);
        assert.ok(Math.abs((sizes[bestFixedTasks] as number) - least) < 1e-9, `${bestFixedTasks} of ${sizes.join()}`);
        const own = lossOf(
          demands,
          drawn.map(({ supply }) => supply),
        );
        assert.ok(Math.abs(fixedRegretTaskHours - ((own - least) * demands.length) / 60) < 1e-9);
      }),
      { numRuns: 60 },
    ));

  test('a policy that keeps a fixed size regrets nothing where that is the best, and a perfect one regrets less than nothing', () => {
    const demands = Array.from({ length: 60 }, (_, minute) => (minute % 20 < 10 ? 2 : 8));
    const fixed = elasticityOf(demands.map((demand) => even(demand, 8)));
    assert.deepEqual([fixed.bestFixedTasks, fixed.fixedRegretTaskHours], [8, 0]);
    assert.equal(elasticityOf(demands.map((demand) => even(demand, demand))).fixedRegretTaskHours, -3);
  });
});

describe('resonance', () => {
  const wave = (minute: number, period: number, tasks: number) => tasks * Math.sin((2 * Math.PI * minute) / period);
  const resonanceOf = (length: number, at: (minute: number) => readonly [demand: number, supply: number]) => {
    const resonance = new Resonance();
    for (let minute = 0; minute < length; minute++) resonance.take(...at(minute));
    return resonance.report();
  };
  const demands = fc
    .record({
      level: fc.integer({ min: 10, max: 40 }),
      period: fc.integer({ min: 5, max: 400 }),
      noise: fc.nat({ max: 3 }),
    })
    .map(
      ({ level, period, noise }) =>
        (minute: number) =>
          Math.round(level + wave(minute, period, level / 3) + noise * Math.cos(minute ** 2)),
    );

  test('supply that swings under a steady demand resonates at its period, by as many tasks as it swings', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 80 }),
        fc.integer({ min: 2, max: 9 }),
        fc.integer({ min: 256, max: 1_500 }),
        (period, tasks, length) => {
          const found = resonanceOf(length, (minute) => [12, Math.round(20 + wave(minute, period, tasks))]);
          const periodS = found?.periodS ?? 0;
          // A stretch tells frequencies apart by a swing in 256 minutes.
          const swings = (seconds: number) => (256 * 60) / seconds;
          assert.ok(Math.abs(swings(periodS) - swings(60 * period)) < 0.6, `${periodS / 60} for ${period} minutes`);
          assert.ok(
            Math.abs((found?.swingTasks ?? 0) - tasks) < 0.2 * tasks + 0.3,
            `${found?.swingTasks} for ${tasks}`,
          );
        },
      ),
      { numRuns: 40 },
    ));

  test('supply that follows demand does not resonate, late or early, with whatever part to spare', () =>
    fc.assert(
      fc.property(demands, fc.integer({ min: 0, max: 15 }), fc.constantFrom(1, 2, 3), (demand, late, times) => {
        const found = resonanceOf(700, (minute) => [demand(minute), times * demand(Math.max(0, minute - late))]);
        assert.deepEqual(found, { swingTasks: 0 });
      }),
      { numRuns: 40 },
    ));

  test('a loop that amplifies one period of demand resonates there', () => {
    const found = resonanceOf(1_000, (minute) => [
      Math.round(20 + wave(minute, 120, 6) + wave(minute, 24, 2)),
      Math.round(20 + wave(minute, 120, 6) + wave(minute, 24, 7)),
    ]);
    assert.ok(Math.abs((found?.periodS ?? 0) - 24 * 60) < 40, `${found?.periodS}`);
  });

  test('a run that is shorter than a stretch does not tell', () =>
    assert.equal(
      resonanceOf(255, (minute) => [5, minute % 9]),
      undefined,
    ));
});

describe('step responses', () => {
  const rise = (after: readonly number[], demand = 10) =>
    elasticityOf([...Array.from({ length: 6 }, () => even(4, 4)), ...after.map((supply) => even(demand, supply))])
      .steps;

  test('dead time, rise time, overshoot and settling of a made-up response', () => {
    // Nothing for 3 minutes, then 6, 9, 14, and 12 for good; demand is 10.
    const steps = rise([4, 4, 4, 6, 9, 14, ...Array.from({ length: 24 }, () => 12)]);
    assert.deepEqual([steps.rises, steps.covered, steps.unanswered], [1, 0, 0]);
    assert.deepEqual(steps.deadTime, { count: 1, medianS: 180, longestS: 180 });
    // 10 % of the way from 4 to 12 is 4.8, 90 % 11.2: from minute 3 to minute 5.
    assert.deepEqual(steps.riseTime, { count: 1, medianS: 120, longestS: 120 });
    assert.deepEqual(steps.timeToDemand, { count: 1, medianS: 300, longestS: 300 });
    // The overshoot lasts until the end of minute 5.
    assert.deepEqual(steps.settlingTime, { count: 1, medianS: 360, longestS: 360 });
    assert.deepEqual(steps.overshootPercent, { median: 25, worst: 25 });
    assert.deepEqual(steps.steadyErrorPercent, { median: 20, worst: 20 });
    // |d - s| is 6, 6, 6, 4, 1, 4, and 2 for minutes 6 to 30; its moment in minute n is that times n + 1/2.
    const expected = 6 * 4.5 + 4 * 3.5 + 4.5 + 4 * 5.5 + (2 * (30 ** 2 - 6 ** 2)) / 2;
    assert.deepEqual(steps.timeWeightedErrorTaskMin2, { median: Math.round(expected), worst: Math.round(expected) });
  });

  test('the same error weighs more in ITAE the later it comes', () =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 6 }), (minute, tasks) => {
        const errorOf = (wrong: number) =>
          rise(Array.from({ length: 20 }, (_, at) => (at === wrong ? 10 - tasks : 10))).timeWeightedErrorTaskMin2
            .median;
        assert.ok((errorOf(minute) as number) < (errorOf(minute + 1) as number));
      }),
      { numRuns: 20 },
    ));

  test('enough tasks beforehand, and supply that never comes', () => {
    const covered = elasticityOf(Array.from({ length: 20 }, (_, minute) => even(minute < 6 ? 4 : 10, 12))).steps;
    assert.deepEqual([covered.rises, covered.covered, covered.unanswered], [1, 1, 0]);
    const deaf = rise(Array.from({ length: 20 }, () => 4));
    assert.deepEqual([deaf.rises, deaf.covered, deaf.unanswered, deaf.deadTime.count], [1, 0, 1, 0]);
  });

  test('one task more is no rise; a rise an hour later is another one', () => {
    assert.equal(
      rise(
        Array.from({ length: 10 }, () => 4),
        5,
      ).rises,
      0,
    );
    const hour = Array.from({ length: 90 }, () => even(4, 4));
    const peak = Array.from({ length: 20 }, () => even(10, 10));
    assert.equal(elasticityOf([...hour, ...peak, ...hour, ...peak, ...hour]).steps.rises, 2);
  });
});

describe('churn', () => {
  const churnOf = (happened: readonly (readonly [seconds: number, event: object])[]) => {
    const options = { clusterName: 'demo', hasLoadBalancer: false, cooldownMs: 5 * MINUTE, startMs: start };
    const projection = churnProjection(SERVICE, options);
    project(
      happened.map(
        ([seconds, event], seq) =>
          ({ seq, atMs: start + seconds * SECOND, causedBy: -1, event }) as unknown as Recorded<Event>,
      ),
      [projection],
    );
    return projection.report(start + 24 * HOUR);
  };
  const scaled = (fromCapacity: number, toCapacity: number) => ({
    type: 'ScalingActivityStarted',
    resourceId: 'service/demo/web',
    fromCapacity,
    toCapacity,
  });
  const task = (type: string, taskId: string) => ({ type, taskId, serviceName: SERVICE });

  test('tasks move when their place goes or zones are balanced, not when they are scaled in or fail', () => {
    const stopped = (stopCode: string, reason: string) => ({ ...task('TaskStopped', 'task-1'), stopCode, reason });
    const happened = [
      [10, stopped('ServiceSchedulerInitiated', 'Task is on a draining container instance')],
      [20, stopped('TerminationNotice', 'Your Spot Task was interrupted.')],
      [30, { type: 'ServiceRebalancingStarted', serviceName: SERVICE, extra: 2 }],
      [40, stopped('ServiceSchedulerInitiated', 'Scaling activity initiated by (deployment ecs-svc/1)')],
      [50, stopped('EssentialContainerExited', 'Essential container in task exited')],
      [60, { ...stopped('TerminationNotice', 'Your Spot Task was interrupted.'), serviceName: 'other' }],
    ] as const;
    assert.equal(churnOf(happened).tasksMoved, 4);
    const config = { serviceName: SERVICE, schedulingStrategy: 'DAEMON' };
    assert.equal(churnOf([[0, { type: 'ServiceCreated', config }], ...happened.slice(0, 2)]).tasksMoved, 0);
  });

  test('containers out of memory are counted for each day of a task that serves', () => {
    const killed = {
      ...task('ContainerStopped', 'task-1'),
      reason: 'OutOfMemoryError: Container killed due to memory usage',
    };
    const { outOfMemory, outOfMemoryPerTaskDay } = churnOf([
      [0, task('TaskCreated', 'task-1')],
      [0, task('TaskRunning', 'task-1')],
      [12 * 3_600, killed],
      [12 * 3_600, task('TaskStopping', 'task-1')],
      [12 * 3_600, { ...killed, reason: 'exit' }],
    ]);
    assert.deepEqual([outOfMemory, outOfMemoryPerTaskDay], [1, 2]);
  });

  test('a change of direction within the cooldown is a reversal, a later one is not', () => {
    const { actions, reversals } = churnOf([
      [0, scaled(4, 6)],
      [299, scaled(6, 5)],
      [400, scaled(5, 4)],
      [700, scaled(4, 6)],
      [800, scaled(6, 8)],
    ]);
    assert.deepEqual([actions, reversals], [5, 1]);
  });

  test('a task that ends before it has served twice its start-up is wasted', () => {
    const life = (taskId: string, createdS: number, startS: number, servedS: number) =>
      [
        [createdS, task('TaskCreated', taskId)],
        [createdS, { ...task('TaskPlaced', taskId), ec2InstanceId: 'i-1' }],
        [createdS + startS, task('TaskRunning', taskId)],
        [createdS + startS + servedS, task('TaskStopping', taskId)],
        [createdS + startS + servedS + 30, task('TaskStopped', taskId)],
      ] as const;
    const report = churnOf(
      [...life('task-1', 10, 30, 59), ...life('task-2', 10, 30, 60)].toSorted(([a], [b]) => a - b),
    );
    assert.deepEqual([report.taskStarts, report.wastedStarts, report.taskLifeP10S], [2, 1, 59]);
    assert.ok(Math.abs(report.billedTaskHours * 3600 - (119 + 120)) < 1e-6);
    assert.ok(Math.abs(report.notServingTaskHours * 3600 - 120) < 1e-6);
  });

  test('in whole runs: starts are counted, and tasks that serve are those that get requests', () =>
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const simulation = simulate(scenario);
        simulation.runUntil(endOf(scenario));
        const log = [...simulation.log];
        for (const { serviceName, loadBalancers } of scenario.services) {
          const options = {
            clusterName: scenario.cluster.clusterName,
            hasLoadBalancer: loadBalancers.length > 0,
            cooldownMs: 5 * MINUTE,
            startMs: scenario.start,
          };
          const projection = churnProjection(serviceName, options);
          project(log, [projection]);
          const report = projection.report(endOf(scenario));
          const created = log.filter(
            ({ atMs, event }) =>
              event.type === 'TaskCreated' && event.serviceName === serviceName && atMs > scenario.start,
          );
          assert.equal(report.taskStarts, created.length);
          assert.ok(report.wastedStarts <= report.taskStarts);
          assert.ok(report.notServingTaskHours <= report.billedTaskHours + 1e-9);
        }
      }),
      { numRuns: 15 },
    ));

  test('a run that starts in a steady state serves from the start, and nothing of it is churn', () => {
    const scenario = scenarioSchema.parse({
      name: 'steady',
      start: '2030-01-07T00:00:00Z',
      duration: '1h',
      cluster: { clusterName: 'demo', capacityProviders: ['FARGATE'] },
      taskDefinitions: [
        {
          family: 'web',
          networkMode: 'awsvpc',
          requiresCompatibilities: ['FARGATE'],
          cpu: 256,
          memory: 512,
          containerDefinitions: [{ name: 'app', image: 'web', portMappings: [{ containerPort: 80 }] }],
        },
      ],
      targetGroups: [{ Name: 'web', TargetType: 'ip' }],
      services: [
        {
          serviceName: 'web',
          taskDefinition: 'web',
          desiredCount: 3,
          launchType: 'FARGATE',
          loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 80 }],
        },
      ],
    });
    const simulation = simulate(scenario);
    simulation.runUntil(endOf(scenario));
    const options = { clusterName: 'demo', hasLoadBalancer: true, cooldownMs: MINUTE, startMs: scenario.start };
    const projection = churnProjection('web', options);
    project(simulation.log, [projection]);
    const report = projection.report(endOf(scenario));
    assert.deepEqual([report.taskStarts, report.billedTaskHours, report.notServingTaskHours], [0, 3, 0]);
  });
});

describe('minutes of service level', () => {
  /** Minutes of a step each, with answers that all take the same time. */
  const levelOf = (minutes: readonly { readonly served: number; readonly failed: number; readonly ms: number }[]) => {
    const projection = serviceLevelProjection(SERVICE, { latencyP99Ms: 500, availabilityPercent: 99 });
    project(
      minutes.map(({ served, failed, ms }, minute) => {
        const fromMs = start + minute * MINUTE;
        const none = { rejected: [0], unserved: [0], lost: [0], queued: [0] };
        const counts = { offered: [served + failed], served: [served], timedOut: [failed], ...none };
        const latency = { meanMs: [ms], quantilesMs: latencyLevels.map(() => ms) };
        const event = { type: 'LoadServed', fromMs, toMs: fromMs + MINUTE, services: [SERVICE], ...counts, ...latency };
        return { seq: minute, atMs: fromMs + MINUTE, causedBy: -1, event } as unknown as Recorded<Event>;
      }),
      [projection],
    );
    return projection.report(start + minutes.length * MINUTE);
  };
  const minutes = fc.array(
    fc.record({
      served: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1000 })),
      failed: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50 })),
      ms: fc.integer({ min: 10, max: 1000 }),
    }),
    { minLength: 1, maxLength: 150 },
  );

  test('the worst five minutes, the budgets and the burn of the worst hour are those of a scan', () =>
    fc.assert(
      fc.property(minutes, (all) => {
        const report = levelOf(all);
        const sum = (of: (minute: (typeof all)[number]) => number, list = all) =>
          list.reduce((n, minute) => n + of(minute), 0);
        const failed = sum((minute) => minute.failed);
        const requests = failed + sum((minute) => minute.served);
        const windows = (length: number) =>
          all
            .map((_, end) => all.slice(Math.max(0, end - length + 1), end + 1))
            .filter((window) => {
              const { served, failed: lost } = window.at(-1) as (typeof all)[number];
              return served + lost > 0;
            });
        if (requests > 0)
          assert.equal(
            report.worstFiveMinutes?.failed,
            Math.max(...windows(5).map((window) => sum((minute) => minute.failed, window))),
          );
        const availability = report.errorBudgets.find(({ of }) => of === 'availability');
        assert.ok(Math.abs((availability?.allowed ?? 0) - 0.01 * requests) < 1e-6);
        assert.equal(availability?.spent, failed);
        if (requests > 0) {
          const hour = windows(60).map(
            (window) => sum((minute) => minute.failed, window) / sum((minute) => minute.failed + minute.served, window),
          );
          assert.ok(Math.abs((availability?.worstHourBurnRate ?? 0) - Math.max(...hour) / 0.01) < 1e-6);
        }
        const slow = report.errorBudgets.find(({ of }) => of === 'latency')?.spent ?? 0;
        const reallySlow = sum(({ served, ms }) => (ms > 500 ? served : 0));
        assert.ok(Math.abs(slow - reallySlow) <= 0.002 * requests, `${slow} slow, not ${reallySlow}`);
      }),
      { numRuns: 60 },
    ));

  test('percentiles over minutes count minutes, percentiles over requests count requests', () => {
    // Nine quiet minutes and a crowded slow one.
    const quiet = Array.from({ length: 9 }, () => ({ served: 10, failed: 0, ms: 100 }));
    const report = levelOf([...quiet, { served: 10_000, failed: 0, ms: 900 }]);
    assert.ok(Math.abs(report.minuteP99Ms.p50 - 100) < 2);
    assert.ok(Math.abs(report.minuteP99Ms.worst - 900) < 10);
    assert.ok(Math.abs(report.p50Ms - 900) < 10);
    assert.equal(report.sloMinutesLost, 1);
  });
});

test('fragmentation: what is free, and on how many instances nothing fits, is what the world says at every look', () => {
  let looked = 0;
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const simulation = simulate(scenario);
      const projection = fragmentationProjection();
      simulation.events.on(...projection.types).subscribe(projection.on);
      const sizes = scenario.taskDefinitions.map(taskDemand);
      const seen = { looks: 0, freeCpu: 0, strandedMemory: 0 };
      simulation.events.on('LoadServed').subscribe(({ event }) => {
        const instances = [...simulation.world.ecs.containerInstances.values()];
        if (event.toMs % (10 * MINUTE) !== 0 || instances.length === 0) return;
        const sum = (of: (instance: (typeof instances)[number]) => number) =>
          instances.reduce((all, instance) => all + of(instance), 0);
        const takesNone = ({ remaining }: (typeof instances)[number]) =>
          sizes.every((size) => size.cpuUnits > remaining.cpuUnits || size.memoryMiB > remaining.memoryMiB);
        seen.looks++;
        seen.freeCpu += sum(({ remaining }) => remaining.cpuUnits) / sum(({ registered }) => registered.cpuUnits);
        seen.strandedMemory +=
          sum((instance) => (takesNone(instance) ? instance.remaining.memoryMiB : 0)) /
          sum(({ registered }) => registered.memoryMiB);
      });
      simulation.runUntil(endOf(scenario));
      const { instances } = projection.report(endOf(scenario));
      looked += seen.looks;
      assert.equal(instances === undefined, seen.looks === 0);
      if (instances === undefined) return;
      assert.ok(Math.abs(instances.freeCpuPercent - (100 * seen.freeCpu) / seen.looks) < 1e-6);
      assert.ok(Math.abs(instances.strandedMemoryPercent - (100 * seen.strandedMemory) / seen.looks) < 1e-6);
    }),
    { numRuns: 25 },
  );
  assert.ok(looked > 20, `${looked} looks`);
});
