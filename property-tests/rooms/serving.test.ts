import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyedRng } from '../../core/kernel/rng.ts';
import {
  bucketOf,
  bucketValueMs,
  latencyLevels,
  requestProfile,
  servedTogether,
  servings,
  type Served,
  type Serving,
  type ServingStep,
} from '../../core/workload/index.ts';
import { histogramOf } from '../../core/workload/latencyBuckets.ts';
import { poissonCount } from '../../core/workload/loadModels/poisson.ts';
import { sortWhole } from '../../core/workload/sortWhole.ts';
import {
  losesNobody,
  queuesWithoutTargets,
  refusesWithoutTargets,
  reportsSensibly,
  survivesJson,
} from '../contracts/serving.ts';

const rng = keyedRng(2030);

for (const [name, serving] of Object.entries(servings)) {
  test(`${name}: no request appears or vanishes`, () => fc.assert(losesNobody(serving), { numRuns: 1000 }));
  test(`${name}: utilization, mean and quantiles make sense`, () =>
    fc.assert(reportsSensibly(serving, name === 'queue'), { numRuns: 1000 }));
  test(`${name}: what is carried is JSON, and the story goes on the same`, () =>
    fc.assert(survivesJson(serving), { numRuns: 1000 }));
}
for (const name of ['fluid', 'requests'] as const)
  test(`${name}: without a target every request fails at once`, () =>
    fc.assert(refusesWithoutTargets(servings[name]), { numRuns: 300 }));
test('queue: nothing is refused, with or without a task', () =>
  fc.assert(queuesWithoutTargets(servings.queue), { numRuns: 300 }));

/** A place under a steady load; what is not said has the value of `usual`. */
interface Place {
  readonly tasks: number;
  readonly cpuUnits: number;
  readonly cpuMs: number;
  readonly variation: number;
  readonly places: number;
  readonly room: number;
  readonly timeoutMs: number;
  readonly otherMs: number;
  readonly routing: ServingStep['routing'];
}

const usual: Place = {
  tasks: 10,
  cpuUnits: 1024,
  cpuMs: 20,
  variation: 1,
  places: 1000,
  room: 100_000,
  timeoutMs: 3_600_000,
  otherMs: 0,
  routing: 'random',
};

function stepOf(
  place: Place,
): Omit<ServingStep, 'fromMs' | 'toMs' | 'offered' | 'carried' | 'draws'> & { readonly targets: readonly string[] } {
  return {
    targets: Array.from({ length: place.tasks }, (_, index) => `task-${index}`),
    drainingTargets: [],
    cpuUnits: place.cpuUnits,
    profile: requestProfile.parse({
      cpuMs: place.cpuMs,
      cpuVariation: place.variation,
      otherMs: place.otherMs,
      timeoutMs: place.timeoutMs,
      perTaskConcurrency: place.places,
      maxQueuedPerTask: place.room,
    }),
    routing: place.routing,
  };
}

/** Requests per millisecond that the tasks can serve. */
function capacity({ tasks, cpuUnits, places, cpuMs }: Place): number {
  return (tasks * Math.min(cpuUnits / 1024, places)) / cpuMs;
}

/** Serves Poisson arrivals at each of `rates` (requests per ms), a step each. */
function serve(serving: Serving, place: Place, stepMs: number, rates: readonly number[]): Served[] {
  const step = stepOf(place);
  let carried = serving.empty;
  return rates.map((rate, index) => {
    const offered = poissonCount(rate * stepMs, rng.at('arrivals', index));
    const draws = rng.at('serving', index);
    const served = serving.serve({
      ...step,
      fromMs: index * stepMs,
      toMs: (index + 1) * stepMs,
      offered,
      carried,
      draws,
    });
    carried = served.carried;
    return served;
  });
}

interface Settled {
  readonly meanMs: number;
  readonly scv: number;
  readonly quantilesMs: readonly number[];
  readonly busyPercent: number;
}

/** Requests in the long run: about `count` of them, after a tenth as many to warm up. */
function simulated(place: Place, load: number, count = 200_000): Settled {
  const rate = load * capacity(place);
  const stepMs = Math.round(count / rate / 20);
  const steps = serve(
    servings.requests,
    place,
    stepMs,
    Array.from({ length: 22 }, () => rate),
  ).slice(2);
  const counts = new Map<number, number>();
  let served = 0;
  let sumMs = 0;
  let busy = 0;
  for (const one of steps) {
    served += one.served;
    sumMs += one.served * one.meanMs;
    busy += one.busyPercent / steps.length;
    one.histogram!.buckets.forEach((bucket, index) =>
      counts.set(bucket, (counts.get(bucket) ?? 0) + one.histogram!.counts[index]!),
    );
  }
  const sorted = [...counts].toSorted(([one], [other]) => one - other);
  const meanMs = sumMs / served;
  const squares = sorted.reduce((sum, [bucket, many]) => sum + many * bucketValueMs(bucket) ** 2, 0);
  let level = 0;
  let seen = 0;
  const quantilesMs: number[] = [];
  for (const [bucket, many] of sorted)
    for (seen += many; level < latencyLevels.length && seen >= latencyLevels[level]! * served; level++)
      quantilesMs.push(bucketValueMs(bucket));
  return { meanMs, scv: squares / served / meanMs ** 2 - 1, quantilesMs, busyPercent: busy };
}

/** The fluid in the long run. */
function flowing(place: Place, load: number): Served {
  const rate = load * capacity(place);
  const stepMs = Math.round(1e7 / rate);
  const step = { ...stepOf(place), offered: Math.round(rate * stepMs), draws: rng.at('none', 0) };
  const first = servings.fluid.serve({ ...step, fromMs: 0, toMs: stepMs, carried: servings.fluid.empty });
  return servings.fluid.serve({ ...step, fromMs: stepMs, toMs: 2 * stepMs, carried: first.carried });
}

function near(actual: number, expected: number, tolerance: number, what: string): void {
  const off = actual / expected - 1;
  assert.ok(Math.abs(off) <= tolerance, `${what}: expected ${expected}, got ${actual} (${(100 * off).toFixed(1)} %)`);
}

/** Mean sojourn in M/M/c, in parts of the work. @source A. K. Erlang (1917) */
function erlangSojourn(servers: number, load: number): number {
  const offered = load * servers;
  let loss = 1;
  for (let server = 1; server <= servers; server++) loss = (offered * loss) / (server + offered * loss);
  const delayed = loss / (1 - load * (1 - loss));
  return 1 + delayed / (servers * (1 - load));
}

for (const [what, place, theory] of [
  ['M/M/1', { places: 1 }, (load) => 1 / (1 - load)],
  ['M/M/1, a task of a quarter vCPU', { places: 1, cpuUnits: 256 }, (load) => 4 / (1 - load)],
  ['M/M/2', { places: 2, cpuUnits: 2048 }, (load) => erlangSojourn(2, load)],
  ['M/M/4', { places: 4, cpuUnits: 4096 }, (load) => erlangSojourn(4, load)],
  ['M/D/1 (Pollaczek-Khinchine)', { places: 1, variation: 0 }, (load) => 1 + load / (2 * (1 - load))],
  ['M/G/1 (Pollaczek-Khinchine)', { places: 1, variation: 1.5 }, (load) => 1 + (3.25 * load) / (2 * (1 - load))],
  ['M/M/1 processor sharing', {}, (load) => 1 / (1 - load)],
  ['M/D/1 processor sharing: the work does not matter', { variation: 0 }, (load) => 1 / (1 - load)],
  ['M/G/1 processor sharing: the work does not matter', { variation: 1.5 }, (load) => 1 / (1 - load)],
  ['M/G/4 processor sharing', { variation: 0, cpuUnits: 4096 }, (load) => erlangSojourn(4, load)],
] as [string, Partial<Place>, (load: number) => number][])
  for (const load of [0.3, 0.7])
    test(`${what} at ${load}: the mean is the theory's`, () => {
      const here = { ...usual, ...place };
      const expected = here.cpuMs * theory(load);
      const { meanMs, busyPercent } = simulated(here, load);
      near(meanMs, expected, 0.03, 'requests');
      near(busyPercent, 100 * load, 0.02, 'requests, utilization');
      near(flowing(here, load).meanMs, expected, 0.002, 'fluid');
      near(flowing(here, load).busyPercent, 100 * load, 0.002, 'fluid, utilization');
    });

test('M/M/1: quantiles are exponential', () => {
  const expected = latencyLevels.map((level) => (-20 * Math.log(1 - level)) / (1 - 0.7));
  const one = simulated({ ...usual, places: 1 }, 0.7, 600_000);
  const other = flowing({ ...usual, places: 1 }, 0.7);
  expected.forEach((quantileMs, index) => {
    near(one.quantilesMs[index]!, quantileMs, index === 4 ? 0.12 : 0.05, `requests at ${latencyLevels[index]}`);
    near(other.quantilesMs[index]!, quantileMs, 0.002, `fluid at ${latencyLevels[index]}`);
  });
});

for (const load of [0.3, 0.8])
  test(`M/M/1 processor sharing at ${load}: variance is (2 + load) / (2 - load) squared means`, () => {
    near(simulated(usual, load, 600_000).scv, (2 + load) / (2 - load), 0.1, 'requests');
  });

test('M/M/2/2: requests are lost as Erlang says', () => {
  const place = { ...usual, cpuUnits: 2048, places: 2, room: 0 };
  const expected = (1.6 ** 2 / 2 / (1 + 1.6 + 1.6 ** 2 / 2)) * 100;
  for (const name of ['fluid', 'requests'] as const) {
    const serving = servings[name];
    const steps = serve(
      serving,
      place,
      20_000,
      Array.from({ length: 20 }, () => 0.8 * capacity(place)),
    );
    const sum = (count: (one: Served) => number): number => steps.reduce((total, one) => total + count(one), 0);
    near((100 * sum((one) => one.rejected)) / sum((one) => one.rejected + one.served), expected, 0.03, name);
  }
});

/**
 * Tolerances of the fluid against the requests, for mean, p50, p95 and p99. Measured on a wider grid, for exponential work, the
 * worst errors were 1, 2, 2, 4 % at load 0.2; 3, 6, 5, 13 % at 0.5; 5, 12, 9, 9 % at 0.8; 6, 9, 10, 12 % at 0.9.
 */
const grid: readonly [number, readonly [number, number, number, number]][] = [
  [0.2, [0.03, 0.05, 0.05, 0.08]],
  [0.5, [0.06, 0.1, 0.08, 0.2]],
  [0.8, [0.1, 0.15, 0.15, 0.25]],
  [0.9, [0.12, 0.2, 0.2, 0.3]],
];
for (const [tasks, cpuUnits, places] of [
  [1, 1024, 64],
  [4, 256, 64],
  [10, 512, 8],
  [10, 1024, 1],
  [10, 2048, 64],
  [8, 4096, 4],
  [50, 1024, 64],
] as const)
  for (const routing of ['round_robin', 'random'] as const)
    test(`fluid is near requests: ${tasks} tasks of ${cpuUnits} units, ${places} places, ${routing}`, () => {
      const place = { ...usual, tasks, cpuUnits, places, routing };
      for (const [load, tolerances] of grid) {
        const requests = simulated(place, load, load > 0.85 ? 400_000 : 100_000);
        const fluid = flowing(place, load);
        near(fluid.meanMs, requests.meanMs, tolerances[0], `mean at ${load}`);
        for (const [index, tolerance] of [
          [0, tolerances[1]],
          [2, tolerances[2]],
          [3, tolerances[3]],
        ] as const)
          near(
            fluid.quantilesMs[index]!,
            requests.quantilesMs[index]!,
            tolerance,
            `p${latencyLevels[index]} at ${load}`,
          );
      }
    });

/**
 * Least outstanding requests as one pooled task: errors of the mean at most 4 % for exponential work, of p99 9 %, for tasks of
 * some places; with a single place a task p99 is up to 22 % low. Varied work (2) is up to 15 % low at load 0.9, fixed work 2 %.
 */
for (const [tasks, cpuUnits, places] of [
  [2, 1024, 64],
  [4, 256, 64],
  [10, 512, 8],
  [10, 2048, 64],
  [50, 1024, 64],
] as const)
  test(`fluid is near requests: ${tasks} tasks of ${cpuUnits} units, ${places} places, least outstanding requests`, () => {
    const place = { ...usual, tasks, cpuUnits, places, routing: 'least_outstanding_requests' as const };
    for (const load of [0.2, 0.5, 0.8, 0.9]) {
      const requests = simulated(place, load, 60_000);
      const fluid = flowing(place, load);
      near(fluid.meanMs, requests.meanMs, 0.08, `mean at ${load}`);
      near(fluid.quantilesMs[2]!, requests.quantilesMs[2]!, 0.12, `p95 at ${load}`);
      near(fluid.quantilesMs[3]!, requests.quantilesMs[3]!, 0.2, `p99 at ${load}`);
    }
  });

test('requests: least outstanding picks a task with the fewest in flight, those that wait for others included', () =>
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 6 }), { minLength: 2, maxLength: 6 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(0, 50_000),
      (held, offered, otherMs) => {
        // Work that outlasts the steps, or hardly any before a wait that does: nobody leaves, so all can be counted.
        const place = { ...usual, tasks: held.length, variation: 0, cpuMs: otherMs === 0 ? 600_000 : 0.01, otherMs };
        const step = {
          ...stepOf({ ...place, routing: 'least_outstanding_requests' }),
          draws: rng.at('fewest', offered),
        };
        let { empty: carried } = servings.requests;
        for (const [index, count] of held.entries()) {
          const targets = [`task-${index}`];
          const drainingTargets = step.targets.filter((target) => target !== targets[0]);
          const alone = { ...step, targets, drainingTargets, fromMs: index, toMs: index + 1, offered: count, carried };
          carried = servings.requests.serve(alone).carried;
        }
        const counts = () =>
          step.targets.map((target) => carried.taskIds!.filter((taskId) => taskId === target).length);
        assert.deepEqual(counts(), held);
        for (let turn = 0; turn < offered; turn++) {
          const before = counts();
          carried = servings.requests.serve({
            ...step,
            fromMs: 10 + turn,
            toMs: 11 + turn,
            offered: 1,
            carried,
          }).carried;
          const picked = counts().findIndex((count, index) => count > before[index]!);
          assert.equal(before[picked], Math.min(...before));
        }
      },
    ),
    { numRuns: 200 },
  ));

test('requests: least outstanding beats round robin, and round robin beats chance', () => {
  const place = { ...usual, tasks: 10 };
  const means = (['least_outstanding_requests', 'round_robin', 'random'] as const).map(
    (routing) => simulated({ ...place, routing }, 0.8, 60_000).meanMs,
  );
  assert.ok(means[0]! < means[1]! && means[1]! < means[2]!, means.join(' < '));
  const fluids = (['least_outstanding_requests', 'round_robin', 'random'] as const).map(
    (routing) => flowing({ ...place, routing }, 0.8).meanMs,
  );
  assert.ok(fluids[0]! < fluids[1]! && fluids[1]! < fluids[2]!, fluids.join(' < '));
});

for (const routing of ['round_robin', 'random'] as const)
  test(`requests: a target gets its weight of the requests, ${routing}`, () => {
    const step = stepOf({ ...usual, tasks: 3, variation: 0, cpuMs: 600_000, room: 1_000_000, routing });
    const carried = servings.requests.serve({
      ...step,
      weights: [1, 0.5, 0.1],
      fromMs: 0,
      toMs: 1000,
      offered: 32_000,
      carried: servings.requests.empty,
      draws: rng.at('weights', 0),
    }).carried;
    for (const [index, share] of [1 / 1.6, 0.5 / 1.6, 0.1 / 1.6].entries())
      near(carried.taskIds!.filter((id) => id === `task-${index}`).length, 32_000 * share, 0.05, `task-${index}`);
  });

test('fluid: targets of half weight are half targets, and idle for the other half', () => {
  const step = { ...stepOf({ ...usual, tasks: 4 }), draws: rng.at('none', 0), carried: servings.fluid.empty };
  const whole = { ...step, fromMs: 0, toMs: 60_000, offered: 2000 };
  const slow = servings.fluid.serve({ ...whole, weights: [1, 1, 0.5, 0.5] });
  const three = servings.fluid.serve({ ...whole, targets: step.targets.slice(1) });
  assert.deepEqual([slow.meanMs, slow.served], [three.meanMs, three.served]);
  near(slow.busyPercent, (three.busyPercent * 3) / 4, 1e-6, 'utilization');
});

test('parts of several zones, told as one: counts add up, latencies lie between, and alike parts are the whole', () => {
  const step = { ...stepOf({ ...usual, tasks: 2 }), draws: rng.at('zones', 0) };
  const serveAt = (serving: Serving, offered: number) =>
    serving.serve({ ...step, fromMs: 0, toMs: 60_000, offered, carried: serving.empty });
  for (const serving of Object.values(servings)) {
    const calm = serveAt(serving, 600);
    const busy = serveAt(serving, 5400);
    const both = servedTogether([
      { zone: 'a', targets: 2, result: calm },
      { zone: 'b', targets: 2, result: busy },
    ]);
    for (const key of ['served', 'timedOut', 'queued'] as const) assert.equal(both[key], calm[key] + busy[key]);
    near(both.busyPercent, (calm.busyPercent + busy.busyPercent) / 2, 1e-6, 'utilization');
    for (const index of latencyLevels.keys()) {
      const quantileMs = both.quantilesMs[index]!;
      assert.ok(quantileMs >= calm.quantilesMs[index]! && quantileMs <= busy.quantilesMs[index]! + 0.001);
    }
    const twice = servedTogether([calm, calm].map((result, index) => ({ zone: `${index}`, targets: 2, result })));
    for (const [index, quantileMs] of twice.quantilesMs.entries())
      near(quantileMs, calm.quantilesMs[index]!, 0.01, 'alike');
    assert.equal(
      twice.histogram?.counts.reduce((sum, count) => sum + count, 0),
      calm.histogram && twice.served,
    );
  }
});

/** Ten calm seconds, thirty overloaded ones, and forty to recover. */
function rush(place: Place, load: number): { fluid: Served[]; requests: Served[] } {
  const loads = [...Array.from({ length: 10 }, () => 0.5), ...Array.from({ length: 30 }, () => load)];
  const rates = [...loads, ...Array.from({ length: 40 }, () => 0.5)].map((part) => part * capacity(place));
  return { fluid: serve(servings.fluid, place, 1000, rates), requests: serve(servings.requests, place, 1000, rates) };
}

function total(steps: readonly Served[], count: 'served' | 'timedOut' | 'rejected'): number {
  return steps.reduce((sum, step) => sum + step[count], 0);
}

function longestQueue(steps: readonly Served[]): number {
  return Math.max(...steps.map(({ queued }) => queued));
}

/** Second after the rush at which the queue is back to a twentieth of its peak. */
function drainedAfter(steps: readonly Served[]): number {
  const peak = longestQueue(steps);
  return steps.findIndex(({ queued }, second) => second >= 40 && queued <= peak / 20) - 40;
}

for (const [what, changes, load] of [
  ['first come first served, a backlog that is served', { places: 1, timeoutMs: 60_000 }, 1.5],
  ['sharing, a backlog that is served', { places: 64, timeoutMs: 60_000 }, 1.5],
  ['sharing, many time out', { places: 64, timeoutMs: 10_000 }, 1.6],
  ['slow requests, many time out', { places: 64, cpuMs: 200, tasks: 40, room: 200, timeoutMs: 10_000 }, 1.5],
  ['little room, many are rejected', { places: 8, room: 20 }, 1.5],
] as [string, Partial<Place>, number][])
  test(`overload: ${what}`, () => {
    const place: Place = { ...usual, routing: 'round_robin', ...changes };
    const { fluid, requests } = rush(place, load);
    const offered = total(requests, 'served') + total(requests, 'timedOut') + total(requests, 'rejected');
    for (const count of ['served', 'timedOut', 'rejected'] as const) {
      const off = (total(fluid, count) - total(requests, count)) / offered;
      assert.ok(
        Math.abs(off) < 0.04,
        `${count}: ${total(fluid, count)} against ${total(requests, count)} of ${offered}`,
      );
    }
    near(longestQueue(fluid), longestQueue(requests), 0.15, 'longest queue');
    const [one, other] = [drainedAfter(fluid), drainedAfter(requests)];
    assert.ok(Math.abs(one - other) <= 5, `drained after ${one} s, requests after ${other} s`);
    near(fluid[39]!.quantilesMs[0]!, requests[39]!.quantilesMs[0]!, 0.4, 'p50 at the end of the rush');
    for (const { quantilesMs } of fluid.slice(20, 40))
      assert.ok(quantilesMs[4]! <= place.timeoutMs, 'an overload has no absurd tail');
  });

test('requests: cutting a quiet time into steps changes nothing but rounding', () => {
  const step = {
    ...stepOf({ ...usual, tasks: 2, places: 3, cpuMs: 50, otherMs: 40, timeoutMs: 1500 }),
    draws: rng.at('cut', 0),
  };
  const start = servings.requests.serve({
    ...step,
    fromMs: 0,
    toMs: 100,
    offered: 120,
    carried: servings.requests.empty,
  });
  const run = (stepMs: number): { served: number; timedOut: number; sumMs: number } => {
    let { carried } = start;
    const sums = { served: 0, timedOut: 0, sumMs: 0 };
    for (let fromMs = 100; fromMs < 2100; fromMs += stepMs) {
      const one = servings.requests.serve({ ...step, fromMs, toMs: fromMs + stepMs, offered: 0, carried });
      carried = one.carried;
      sums.served += one.served;
      sums.timedOut += one.timedOut;
      sums.sumMs += one.meanMs * one.served;
    }
    return sums;
  };
  const whole = run(2000);
  const cut = run(10);
  assert.ok(whole.timedOut > 10 && whole.served > 10);
  assert.deepEqual([cut.served, cut.timedOut], [whole.served, whole.timedOut]);
  near(cut.sumMs, whole.sumMs, 1e-3, 'sum of the latencies');
});

test('requests: fixed work on an idle task takes the work, at its speed, plus the other wait', () => {
  for (const [cpuUnits, speed] of [
    [256, 0.25],
    [1024, 1],
    [4096, 1],
  ] as const) {
    const step = stepOf({ ...usual, tasks: 1, variation: 0, cpuUnits, otherMs: 5 });
    const draws = rng.at('idle', 0);
    const one = servings.requests.serve({
      ...step,
      fromMs: 0,
      toMs: 60_000,
      offered: 1,
      carried: servings.requests.empty,
      draws,
    });
    assert.equal(one.meanMs, 20 / speed + 5);
    assert.deepEqual(
      one.quantilesMs,
      latencyLevels.map(() => one.meanMs),
    );
  }
});

test('requests: a draining task finishes what it holds, a vanished one loses it, and neither gets more', () => {
  const step = { ...stepOf({ ...usual, tasks: 2, variation: 0, cpuMs: 1000 }), routing: 'round_robin' as const };
  const first = servings.requests.serve({
    ...step,
    fromMs: 0,
    toMs: 1,
    offered: 10,
    carried: servings.requests.empty,
    draws: rng.at('d', 0),
  });
  assert.equal(first.queued, 10);
  const draining = { ...step, targets: [], drainingTargets: ['task-0'] };
  const second = servings.requests.serve({
    ...draining,
    fromMs: 1,
    toMs: 60_000,
    offered: 3,
    carried: first.carried,
    draws: rng.at('d', 1),
  });
  assert.deepEqual([second.served, second.lost, second.unserved, second.queued], [5, 5, 3, 0]);
});

test('requests: round robin goes on where the last step stopped', () => {
  const step = stepOf({ ...usual, tasks: 3, cpuMs: 1000, routing: 'round_robin' });
  let { empty: carried } = servings.requests;
  const held = (): number[] => step.targets.map((task) => carried.taskIds!.filter((taskId) => taskId === task).length);
  for (let fromMs = 0; fromMs < 6; fromMs++)
    carried = servings.requests.serve({
      ...step,
      fromMs,
      toMs: fromMs + 1,
      offered: 1,
      carried,
      draws: rng.at('r', fromMs),
    }).carried;
  assert.deepEqual(held(), [2, 2, 2]);
});

test('buckets: a latency is within half a percent of what stands for its bucket', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 3_600_000_000 }), (latencyUs) => {
      const ratio = bucketValueMs(bucketOf(latencyUs / 1000)) / (latencyUs / 1000);
      return ratio > 0.995 && ratio < 1.005;
    }),
    { numRuns: 1000 },
  );
});

test('buckets: counted together or one by one, a latency falls into the same', () => {
  const HOUR_US = 3_600_000_000;
  const oneByOne = (latenciesUs: Uint32Array) => {
    const counts = new Map<number, number>();
    for (const latencyUs of latenciesUs) {
      const bucket = bucketOf(latencyUs / 1000);
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    }
    return { buckets: [...counts.keys()], counts: [...counts.values()] };
  };
  // Every bucket's middle, and the microseconds round each of its ends.
  const corners = [0, 1, 2, HOUR_US - 1, HOUR_US];
  for (let bucket = 0; bucket < bucketOf(HOUR_US / 1000); bucket++) {
    corners.push(Math.round(1000 * bucketValueMs(bucket)));
    for (let off = -2; off <= 2; off++) corners.push(Math.round(1.01 ** bucket) + off);
  }
  const sorted = Uint32Array.from(corners.filter((latencyUs) => latencyUs >= 0)).toSorted();
  assert.deepEqual(histogramOf(sorted), oneByOne(sorted));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: HOUR_US })), (latenciesUs) => {
      const ascending = Uint32Array.from(latenciesUs).toSorted();
      assert.deepEqual(histogramOf(ascending), oneByOne(ascending));
    }),
    { numRuns: 300 },
  );
});

test('whole numbers are sorted as the engine sorts them, few or many, short or long', () => {
  const digits = fc.constantFrom(0, 1, 0x7ff, 0x800, 0x3f_ffff, 0x40_0000, 0xffff_ffff);
  fc.assert(
    fc.property(fc.nat({ max: 1_000 }), digits, fc.integer(), (count, most, seed) => {
      const draws = rng.at('test.sortWhole', seed);
      const values = Uint32Array.from({ length: count }, () => draws.int(most + 1));
      const given = values.slice();
      assert.deepEqual(sortWhole(values), given.toSorted());
      assert.deepEqual(values, given);
    }),
    { numRuns: 300 },
  );
});
