import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { instanceType } from '../../core/ec2/index.ts';
import { taskDemand } from '../../core/ecs/index.ts';
import { MINUTE, type Recorded } from '../../core/kernel/index.ts';
import {
  churnProjection,
  costProjection,
  elasticityProjection,
  failuresProjection,
  fargateCostMicroUsd,
  fragmentationProjection,
  priceList,
  project,
  scalingHistoryProjection,
  seriesProjection,
  serviceLevelProjection,
  utilizationProjection,
  type CostReport,
  type Projection,
} from '../../core/projections/index.ts';
import { LatencyHistogram } from '../../core/projections/latency.ts';
import type { Scenario } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import { latencyLevels, shareAbove } from '../../core/workload/index.ts';
import type { Event } from '../../core/world.ts';
import { endOf, scenarios } from '../arbitraries.ts';

const runs = { numRuns: 25 };

function projectionsOf(scenario: Scenario): readonly Projection<unknown>[] {
  const { start, duration, cluster, services, slo } = scenario;
  return [
    costProjection(),
    failuresProjection(),
    fragmentationProjection(),
    ...services.flatMap(({ serviceName, loadBalancers }) => [
      scalingHistoryProjection(cluster.clusterName, serviceName, loadBalancers.length > 0),
      seriesProjection(serviceName, start, duration, 50),
      serviceLevelProjection(
        serviceName,
        slo.find(({ service }) => service === serviceName),
      ),
      utilizationProjection(serviceName),
      elasticityProjection(
        serviceName,
        slo.find(({ service }) => service === serviceName),
      ),
      churnProjection(serviceName, {
        clusterName: cluster.clusterName,
        hasLoadBalancer: loadBalancers.length > 0,
        cooldownMs: 5 * MINUTE,
        startMs: start,
      }),
    ]),
  ];
}

function sail(scenario: Scenario): Recorded<Event>[] {
  const simulation = simulate(scenario);
  simulation.runUntil(endOf(scenario));
  return [...simulation.log];
}

const reports = (projections: readonly Projection<unknown>[], atMs: number) =>
  projections.map(({ report }) => report(atMs));

test('a projection that listens to a run, and is asked on the way, says what one over its log says', () =>
  fc.assert(
    fc.property(scenarios, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }), (scenario, asks) => {
      const simulation = simulate(scenario);
      const live = projectionsOf(scenario);
      for (const { types, on } of live) simulation.events.on(...types).subscribe(on);
      for (const share of asks.toSorted((a, b) => a - b)) {
        const atMs = scenario.start + Math.floor((share * scenario.duration) / MINUTE) * MINUTE + 1;
        if (atMs > endOf(scenario)) break;
        simulation.runUntil(atMs);
        reports(live, atMs);
      }
      simulation.runUntil(endOf(scenario));
      const later = projectionsOf(scenario);
      project(simulation.log, later);
      assert.deepEqual(reports(live, endOf(scenario)), reports(later, endOf(scenario)));
    }),
    runs,
  ));

test('a run costs what its instances and tasks cost: a plain scan; money is conserved, and never less than before', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const events = sail(scenario);
      const endMs = endOf(scenario);
      const cost = costProjection();
      let last = cost.report(scenario.start);
      let next = scenario.start + 10 * MINUTE;
      for (const recorded of events) {
        for (; next < recorded.atMs; next += 10 * MINUTE) {
          const now = cost.report(next);
          assertConserved(now);
          for (const key of Object.keys(now) as (keyof typeof now)[]) {
            const [before, after] = [last[key], now[key]];
            // Money may go over from idle to a service, by a rounding.
            if (typeof before === 'number' && typeof after === 'number' && key !== 'idleMicroUsd')
              assert.equal(after >= before, true, `${key} fell from ${before} to ${after}`);
          }
          last = now;
        }
        if (cost.types.includes(recorded.event.type)) cost.on(recorded);
      }
      const report = cost.report(endMs);
      assertConserved(report);

      const found = { onDemand: 0, ebs: 0, fargate: 0, fargateSpot: 0 };
      const revisions = new Map<string, number>();
      const definitions = new Map(
        scenario.taskDefinitions.map((item) => {
          const revision = (revisions.get(item.family) ?? 0) + 1;
          revisions.set(item.family, revision);
          return [`${item.family}:${revision}`, item];
        }),
      );
      const after = (index: number, type: Event['type'], key: 'instanceId' | 'taskId', id: string) =>
        events.slice(index).find(({ event }) => event.type === type && (event as Record<string, unknown>)[key] === id);
      for (const [index, { atMs, event }] of events.entries()) {
        if (event.type === 'InstanceLaunched') {
          const { instanceId, inServiceAtMs, purchaseOption } = event;
          const untilMs = after(index, 'InstanceTerminated', 'instanceId', instanceId)?.atMs ?? endMs;
          found.ebs += Math.round((30 * 0.08 * 1e6 * (untilMs - atMs)) / (730 * 3_600_000));
          if (purchaseOption === 'spot') continue;
          // Runs: from the start, or out of the warm pool, to the stop, or to the end.
          let fromMs: number | undefined = inServiceAtMs;
          for (const other of events.slice(index)) {
            if (!('instanceId' in other.event) || other.event.instanceId !== instanceId) continue;
            const stops =
              other.event.type === 'InstanceTerminated' ||
              (other.event.type === 'InstanceWarmed' && other.event.poolState !== 'Running');
            if (other.event.type === 'WarmInstanceStarted') fromMs ??= other.event.inServiceAtMs;
            if (!stops || fromMs === undefined) continue;
            if (other.atMs > fromMs) found.onDemand += runCost(event.instanceType, fromMs, other.atMs);
            fromMs = undefined;
          }
          if (fromMs !== undefined && fromMs < endMs && untilMs === endMs)
            found.onDemand += runCost(event.instanceType, fromMs, endMs);
        }
        if (event.type !== 'TaskPlaced' || event.ec2InstanceId !== undefined) continue;
        const { taskId, pullStartedAtMs = Number.NaN } = event;
        const created = after(0, 'TaskCreated', 'taskId', taskId)!.event as {
          taskDefinition: string;
          capacityProvider?: string;
        };
        const untilMs = after(index, 'TaskStopped', 'taskId', taskId)?.atMs ?? endMs;
        const stoppingMs = after(index, 'TaskStopping', 'taskId', taskId)?.atMs ?? untilMs;
        if (untilMs <= pullStartedAtMs || stoppingMs < pullStartedAtMs) continue;
        const definition = definitions.get(created.taskDefinition)!;
        const spot = created.capacityProvider === 'FARGATE_SPOT';
        found[spot ? 'fargateSpot' : 'fargate'] += fargateCostMicroUsd({
          ...taskDemand(definition),
          seconds: (untilMs - pullStartedAtMs) / 1000,
          architecture: definition.runtimePlatform?.cpuArchitecture ?? 'X86_64',
          spot,
        });
      }
      const balancers = new Set(scenario.targetGroups.map(({ Name, loadBalancer = Name }) => loadBalancer));
      for (const { Name } of scenario.loadBalancers) balancers.add(Name);
      const hours = balancers.size * Math.ceil(scenario.duration / 3_600_000);
      assert.deepEqual(
        [report.ec2MicroUsd, report.ebsMicroUsd, report.fargateMicroUsd, report.fargateSpotMicroUsd],
        [found.onDemand, found.ebs, found.fargate, found.fargateSpot],
      );
      assert.equal(report.loadBalancerMicroUsd, 22_500 * hours);
    }),
    runs,
  ));

function runCost(type: string, fromMs: number, toMs: number): number {
  const seconds = Math.max(60, Math.ceil((toMs - fromMs) / 1000));
  return Math.round((instanceType(type)!.microUsdPerHour * seconds * 1000) / 3_600_000);
}

/** Whole millionths, none negative; by kind, by owner and by hour the same sum. */
function assertConserved(report: CostReport): void {
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const { totalMicroUsd: total, byService, idleMicroUsd, sharedMicroUsd, byHour, byProvider } = report;
  const kinds = Object.entries(report).filter(
    ([key]) => key.endsWith('MicroUsd') && !['totalMicroUsd', 'idleMicroUsd', 'sharedMicroUsd'].includes(key),
  );
  assert.equal(sum(kinds.map(([, value]) => value as number)), total, 'by kind');
  assert.equal(sum(byService.map(({ microUsd }) => microUsd)) + idleMicroUsd + sharedMicroUsd, total, 'by service');
  assert.equal(sum(byHour), total, 'by hour');
  const owned =
    total - report.loadBalancerMicroUsd - report.lcuMicroUsd - report.cloudWatchMicroUsd - report.logsMicroUsd;
  assert.equal(sum(byProvider.map(({ microUsd }) => microUsd)), owned, 'by provider');
  for (const value of [idleMicroUsd, sharedMicroUsd, ...byHour, ...kinds.map(([, part]) => part as number)])
    assert.equal(Number.isSafeInteger(value) && value >= 0, true, `${value}`);
  for (const { microUsd, unusedMicroUsd } of byService)
    assert.equal(unusedMicroUsd >= 0 && unusedMicroUsd <= microUsd, true, `${unusedMicroUsd} of ${microUsd} unused`);
}

test('failures are counted: every task that did not start, every refused call, and nothing that was wanted', () => {
  let seen = 0;
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const events = sail(scenario);
      const projection = failuresProjection();
      project(events, [projection]);
      const report = projection.report(endOf(scenario));
      const count = (is: (event: Event) => number) => events.reduce((sum, { event }) => sum + is(event), 0);
      const expected = count((event) => {
        if (event.type === 'ServiceTaskPlacementFailed' || event.type === 'ServiceTaskConfigurationFailed')
          return event.count;
        if (event.type === 'TaskRunFailed' || event.type === 'AgentCallDenied') return 1;
        if (event.type === 'ContainerStopped') return event.reason === undefined ? 0 : 1;
        if (event.type !== 'TaskStopped') return 0;
        const isWanted = /^(Scaling activity|Task is on a draining)/.test(event.reason);
        return event.stopCode === 'UserInitiated' || isWanted ? 0 : 1;
      });
      assert.equal(
        report.reduce((sum, failure) => sum + failure.count, 0),
        expected,
      );
      for (const { firstAtMs, lastAtMs, reason } of report) {
        assert.equal(firstAtMs <= lastAtMs, true, reason);
        assert.equal(/task-\d/.test(reason), false, reason);
        seen++;
      }
    }),
    runs,
  );
  assert.equal(seen > 10, true, `${seen} failures were seen`);
});

test('a price list replaces what it names and nothing else', () => {
  const free = priceList.parse({
    instances: { 'm5.large': 0.2 },
    fargate: { onDemand: { X86_64: { vcpuHourUsd: 1 } } },
  });
  assert.equal(free.fargate.onDemand.X86_64.gbHourUsd, 0.004445);
  assert.equal(free.publicIpv4HourUsd, 0.005);
  const usage = { cpuUnits: 1024, memoryMiB: 0, seconds: 3600, architecture: 'X86_64', spot: false } as const;
  assert.equal(fargateCostMicroUsd(usage, free), 1_000_000);
  assert.throws(() => priceList.parse({ vcpuHour: 1 }));
});

test('counts, availability and utilization are those of a plain scan', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const events = sail(scenario);
      for (const { serviceName } of scenario.services) {
        const level = serviceLevelProjection(serviceName);
        const use = utilizationProjection(serviceName);
        project(events, [level, use]);
        const total = { offered: 0, served: 0, timedOut: 0, rejected: 0, unserved: 0, lost: 0 };
        const minutes = new Set<number>();
        let [queued, taskMs, cpuMs, most] = [0, 0, 0, 0];
        for (const { event } of events) {
          if (event.type !== 'LoadServed') continue;
          const row = event.services.indexOf(serviceName);
          if (row === -1) continue;
          let ended = 0;
          for (const key of Object.keys(total) as (keyof typeof total)[]) {
            const count: number = event[key][row]!;
            total[key] += count;
            if (key !== 'offered') ended += count;
          }
          if (ended > 0) minutes.add(Math.floor(event.fromMs / MINUTE));
          queued = event.queued[row]!;
          const stepMs = event.toMs - event.fromMs;
          taskMs += stepMs * event.runningTasks[row]!;
          cpuMs += stepMs * event.runningTasks[row]! * event.cpuPercent[row]!;
          most = Math.max(most, event.runningTasks[row]!);
        }
        const report = level.report(endOf(scenario));
        const { offered, ...ends } = total;
        assert.deepEqual({ ...report, ...ends, requests: offered, queued, minutes: minutes.size }, report);
        const gone = offered - queued;
        assert.equal(report.availabilityPercent, gone === 0 ? 100 : (100 * total.served) / gone);
        const { taskHours, mostTasks, meanCpuPercent } = use.report(endOf(scenario));
        assert.equal(mostTasks, most);
        assert.equal(Math.abs(taskHours - taskMs / 3_600_000) < 1e-9, true);
        assert.equal(Math.abs(meanCpuPercent - (taskMs === 0 ? 0 : cpuMs / taskMs)) < 1e-6, true);
      }
    }),
    runs,
  ));

test('the scaling history counts what the log holds', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const events = sail(scenario);
      for (const { serviceName } of scenario.services) {
        const history = scalingHistoryProjection(scenario.cluster.clusterName, serviceName, false);
        project(events, [history]);
        const report = history.report(endOf(scenario));
        const resourceId = `service/${scenario.cluster.clusterName}/${serviceName}`;
        const moves = events.flatMap(({ event }) =>
          event.type === 'ScalingActivityStarted' && event.resourceId === resourceId
            ? [event.toCapacity - event.fromCapacity]
            : [],
        );
        assert.equal(report.scaleOuts, moves.filter((move) => move > 0).length);
        assert.equal(report.scaleIns, moves.filter((move) => move < 0).length);
        const { riseToDecision, riseToCapacity } = report;
        assert.equal(riseToCapacity.count <= riseToDecision.count, true);
        // Three breaching datapoints come first, of a minute or of 20 seconds.
        if (riseToDecision.count > 0) assert.equal(riseToDecision.medianS! >= 40, true, `${riseToDecision.medianS} s`);
      }
    }),
    runs,
  ));

/** Quantiles at `latencyLevels` of known distributions. */
const distributions = {
  exponential: (level: number) => -100 * Math.log(1 - level),
  'exponential after a fixed part': (level: number) => 30 - 20 * Math.log(1 - level),
  fixed: () => 80,
  Weibull: (level: number) => 100 * (-Math.log(1 - level)) ** 0.7,
} as const;

for (const [name, quantile] of Object.entries(distributions))
  test(`a histogram fed with the quantiles of one distribution (${name}) gives them back within 5 %`, () => {
    const histogram = new LatencyHistogram();
    const quantilesMs = latencyLevels.map(quantile);
    for (let step = 1; step <= 20; step++) histogram.addQuantiles([7, ...quantilesMs], 1, 1_000 * step);
    for (const [index, level] of latencyLevels.entries()) {
      const found = histogram.quantileMs(level);
      const wanted = quantilesMs[index]!;
      assert.equal(Math.abs(found / wanted - 1) < 0.05, true, `p${100 * level}: ${found}, expected ${wanted}`);
    }
  });

test('a histogram fed with exact counts gives every quantile within the width of a bucket', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 200 }), (latencies) => {
      const histogram = new LatencyHistogram();
      const bucketOf = (ms: number) => Math.floor(Math.log(ms / 0.001) / Math.log(1.01));
      for (const ms of latencies) histogram.addCounts([bucketOf(ms)], [1]);
      const sorted = latencies.toSorted((a, b) => a - b);
      for (const level of [0.01, 0.5, 0.9, 0.99, 1]) {
        const exact = sorted[Math.max(0, Math.ceil(level * sorted.length - 1e-9) - 1)]!;
        const found = histogram.quantileMs(level);
        assert.equal(Math.abs(found / exact - 1) < 0.011, true, `${level}: ${found}, expected ${exact}`);
      }
    }),
    { numRuns: 300 },
  ));

test('a mixture of steps lies between its parts', () => {
  const histogram = new LatencyHistogram();
  histogram.addQuantiles(latencyLevels.map(distributions.exponential), 0, 500);
  histogram.addQuantiles(
    latencyLevels.map((level) => 10 * distributions.exponential(level)),
    0,
    500,
  );
  const median = histogram.quantileMs(0.5);
  // 1 - (exp(-x / 100) + exp(-x / 1000)) / 2 = 0.5 has its solution near 166.
  assert.equal(Math.abs(median / 166 - 1) < 0.05, true, `${median} ms`);
});

const ascending = fc
  .array(fc.oneof(fc.constantFrom(10, 100), fc.double({ min: 0.01, max: 10_000, noNaN: true })), {
    minLength: latencyLevels.length,
    maxLength: latencyLevels.length,
  })
  .map((values) => values.toSorted((a, b) => a - b));

test('the share above a threshold is 0 to 1, falls as the threshold rises, and is right at each level', () =>
  fc.assert(
    fc.property(
      ascending,
      fc.array(fc.double({ min: 0.001, max: 20_000, noNaN: true }), { maxLength: 30 }),
      (quantilesMs, drawn) => {
        const thresholds = [...drawn, ...quantilesMs, 10, 100].toSorted((a, b) => a - b);
        let last = 1;
        for (const threshold of thresholds) {
          const share = shareAbove(quantilesMs, 0, threshold);
          assert.equal(share >= 0 && share <= last + 1e-12, true, `${share} after ${last} at ${threshold}`);
          last = share;
        }
        for (const [index, level] of latencyLevels.entries()) {
          // Of equal quantiles the highest counts: that many are not above it.
          const highest = quantilesMs.lastIndexOf(quantilesMs[index]!);
          const share = shareAbove(quantilesMs, 0, quantilesMs[index]!);
          assert.equal(Math.abs(share - (1 - latencyLevels[highest]!)) < 1e-9, true, `p${100 * level}: ${share}`);
        }
      },
    ),
    { numRuns: 2_000 },
  ));

test('when all answers take the same time, a threshold below it is missed by all, and one at it by hardly any', () => {
  const same = latencyLevels.map(() => 80);
  assert.equal(shareAbove(same, 0, 79.9), 1);
  assert.equal(shareAbove(same, 0, 80) <= 0.001 + 1e-12, true);
});
