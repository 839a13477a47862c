import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { keyedRng } from '../../core/kernel/rng.ts';
import { MINUTE, SECOND } from '../../core/kernel/index.ts';
import { scenarioProblems, scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import {
  queue as queueSchema,
  requestProfile,
  servings,
  type Served,
  type ServingStep,
} from '../../core/workload/index.ts';
import { poissonCount } from '../../core/workload/loadModels/poisson.ts';
import { endOf, quietScenario } from '../arbitraries.ts';
import { MessageByMessage, type Seen } from '../messageByMessage.ts';

const rng = keyedRng(2030);
const { queue } = servings;

interface Place {
  readonly tasks: number;
  readonly cpuUnits: number;
  readonly cpuMs: number;
  readonly variation: number;
  readonly otherMs: number;
  readonly places: number;
  readonly stepMs: number;
  readonly attributes: Parameters<typeof queueSchema.parse>[0];
}

const usual: Place = {
  tasks: 4,
  cpuUnits: 1024,
  cpuMs: 50,
  variation: 1,
  otherMs: 0,
  places: 1,
  stepMs: 10_000,
  attributes: {},
};

const profileOf = ({ cpuMs, variation, otherMs, places }: Place) =>
  requestProfile.parse({ cpuMs, cpuVariation: variation, otherMs, perTaskConcurrency: places });
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `task-${from + index}`);

/** What one step changes: messages sent, the tasks that take them, those that finish only. */
interface Turn {
  readonly offered: number;
  readonly targets?: readonly string[];
  readonly draining?: readonly string[];
}

/** Serves a story step by step, and checks at each that no message appears or vanishes. */
function work(place: Place, turns: readonly Turn[]): Served[] {
  const profile = profileOf(place);
  const attributes = queueSchema.parse(place.attributes);
  let carried = queue.empty;
  return turns.map(({ offered, targets = ids(place.tasks), draining = [] }, index) => {
    const step: ServingStep = {
      fromMs: index * place.stepMs,
      toMs: (index + 1) * place.stepMs,
      offered,
      targets,
      drainingTargets: draining,
      cpuUnits: place.cpuUnits,
      profile,
      routing: 'random',
      queue: attributes,
      carried,
      draws: rng.at('unused', index),
    };
    const served = queue.serve(step);
    const gone = served.served + served.timedOut + served.rejected + served.unserved + served.lost;
    assert.equal(gone + served.queued, carried.queued + offered, `step ${index}`);
    assert.equal(served.counts!.visible + served.counts!.notVisible, served.queued, `step ${index}`);
    carried = served.carried;
    return served;
  });
}

/** Messages per step that the tasks get done when there is always one: asked of a backlog nobody could work off. */
function capacity(place: Place): number {
  const steps = work(
    { ...place, stepMs: 3_600_000 },
    Array.from({ length: 10 }, () => ({ offered: 1e9 })),
  );
  return (steps.reduce((sum, { served }) => sum + served, 0) / 36_000_000) * place.stepMs;
}

const places: fc.Arbitrary<Place> = fc.record({
  tasks: fc.integer({ min: 1, max: 12 }),
  cpuUnits: fc.constantFrom(256, 1024, 4096),
  cpuMs: fc.constantFrom(1, 50, 2_000, 60_000),
  variation: fc.constantFrom(0, 1, 2),
  otherMs: fc.constantFrom(0, 200, 30_000),
  places: fc.constantFrom(1, 3, 10, 64),
  stepMs: fc.constantFrom(1_000, 10_000, 60_000),
  attributes: fc.constant({ MessageRetentionPeriod: 1_209_600 }),
});
/** Loads as parts of the capacity, a step each. */
const loads = fc.array(fc.constantFrom(0, 0.3, 0.8, 1, 1.5, 4), { minLength: 4, maxLength: 60 });
const offers = (place: Place, parts: readonly number[], full = capacity(place)): Turn[] =>
  parts.map((part, index) => ({ offered: poissonCount(part * full, rng.at('offers', index)) }));

describe('laws', () => {
  test('with a backlog all tasks work throughout, and they never get done more than they can', () =>
    fc.assert(
      fc.property(places, loads, (place, parts) => {
        const full = capacity(place);
        const busiest = work(place, [{ offered: 1e9 }, { offered: 0 }])[1]!.busyPercent;
        let backlog = 0;
        let done = 0;
        for (const [index, { served, busyPercent, counts }] of work(place, offers(place, parts, full)).entries()) {
          done += served;
          assert.ok(served <= full * 1.000001 + 1, `${served} of ${full} in step ${index}`);
          assert.ok(done <= full * (index + 1) * 1.000001 + 1, `${done} in ${index + 1} steps of ${full}`);
          if (backlog >= full * 1.000001)
            assert.ok(Math.abs(busyPercent - busiest) < 1e-4, `busy ${busyPercent} %, expected ${busiest} %`);
          if (counts!.visible > 0) assert.equal(counts!.notVisible, place.tasks * place.places);
          backlog = counts!.visible;
        }
      }),
      { numRuns: 200 },
    ));

  test('first in, first out: the oldest that waits is as old as in a list of all, within a step and 3 % of its age', () =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 0.2, 1, 2, 7), { minLength: 40, maxLength: 400 }), (parts) => {
        const full = capacity(usual);
        const turns = offers(usual, parts, full);
        const sentMs = turns.flatMap(({ offered }, index) =>
          Array.from({ length: offered }, (_, place) => (index + (place + 0.5) / offered) * usual.stepMs),
        );
        let received = 0;
        for (const [index, { counts, carried }] of work(usual, turns).entries()) {
          received += counts!.received;
          assert.ok(carried.queue!.visibleCohorts.length <= 4 * 32);
          if (counts!.visible === 0) continue;
          const ageMs = (index + 1) * usual.stepMs - sentMs[received]!;
          const found = Math.max(...carried.queue!.visibleCohorts.filter((_, at) => at % 4 === 2));
          assert.ok(
            Math.abs(found - ageMs) <= usual.stepMs + 0.03 * ageMs,
            `step ${index}: ${found}, expected ${ageMs}`,
          );
        }
      }),
      { numRuns: 60 },
    ));

  test('twice the tasks, and nothing gets older (but for a step and a message of rounding)', () =>
    fc.assert(
      fc.property(places, loads, (place, parts) => {
        const turns = offers(place, parts);
        const more = work({ ...place, tasks: 2 * place.tasks }, turns);
        const aloneMs = (place.cpuMs * 1024) / Math.min(place.cpuUnits, 1024) + place.otherMs;
        for (const [index, { counts }] of work(place, turns).entries()) {
          const [one, two] = [counts!, more[index]!.counts!];
          assert.ok(two.visible <= one.visible, `${two.visible} wait, ${one.visible} before`);
          // Held messages are known by their means only, and more of them may be at work at once.
          if (one.visible > 0 && two.visible > 0)
            assert.ok(two.oldestMs <= one.oldestMs + place.stepMs + aloneMs, `${two.oldestMs}, before ${one.oldestMs}`);
        }
      }),
      { numRuns: 200 },
    ));

  test('a step cut in two comes to the same, within a tenth of a step of work', () =>
    fc.assert(
      fc.property(places, loads, (place, parts) => {
        const full = capacity(place);
        const turns = parts.map((part) => ({ offered: 2 * Math.round((part * full) / 2) }));
        const halves = turns.flatMap(({ offered }) => [{ offered: offered / 2 }, { offered: offered / 2 }]);
        const whole = work(place, turns);
        const cut = work({ ...place, stepMs: place.stepMs / 2 }, halves);
        for (const [index, { queued }] of whole.entries()) {
          const other = cut[2 * index + 1]!.queued;
          const tolerance = 3 + 0.1 * full + 0.35 * place.tasks * place.places;
          assert.ok(Math.abs(queued - other) <= tolerance, `step ${index}: ${queued}, cut ${other}, full ${full}`);
        }
      }),
      { numRuns: 200 },
    ));

  test('no message appears or vanishes while tasks come, go and drain, with retention and dead letters', () =>
    fc.assert(
      fc.property(
        places,
        fc.record({
          VisibilityTimeout: fc.constantFrom(0, 7, 30, 600),
          MessageRetentionPeriod: fc.constantFrom(60, 3_600),
          RedrivePolicy: fc.constantFrom({ maxReceiveCount: 1 }, { maxReceiveCount: 3 }, undefined),
        }),
        fc.array(
          fc.record({
            offered: fc.constantFrom(0, 1, 5, 300),
            kinds: fc.array(fc.constantFrom('target', 'target', 'draining', 'gone'), { minLength: 6, maxLength: 6 }),
          }),
          { maxLength: 40 },
        ),
        (place, attributes, drawn) => {
          const written =
            attributes.RedrivePolicy === undefined ? { ...attributes, RedrivePolicy: undefined } : attributes;
          const among = (kinds: readonly string[], kind: string) => ids(6).filter((_, index) => kinds[index] === kind);
          const turns = drawn.map(({ offered, kinds }) => ({
            offered,
            targets: among(kinds, 'target'),
            draining: among(kinds, 'draining'),
          }));
          for (const { served, timedOut, lost, queued } of work({ ...place, attributes: written }, turns))
            for (const count of [served, timedOut, lost, queued]) assert.ok(Number.isSafeInteger(count) && count >= 0);
        },
      ),
      { numRuns: 400 },
    ));
});

describe('what a task leaves behind', () => {
  const slow = { ...usual, tasks: 2, cpuMs: 300_000, variation: 0 };

  test('its messages stay invisible for the VisibilityTimeout since they were received, and are received again', () => {
    const turns: Turn[] = [
      { offered: 2 },
      { offered: 0 },
      ...Array.from({ length: 6 }, () => ({ offered: 0, targets: ['task-0', 'new'] })),
    ];
    const steps = work({ ...slow, attributes: { VisibilityTimeout: 40 } }, turns);
    assert.deepEqual(
      steps.map(({ counts }) => [counts!.visible, counts!.notVisible, counts!.received]),
      // Received within the first 10 s; the task is gone from 20 s on; visible between 45 s and the end of that step.
      [
        [0, 2, 2],
        [0, 2, 0],
        [0, 2, 0],
        [0, 2, 0],
        [1, 1, 0],
        [0, 2, 1],
        [0, 2, 0],
        [0, 2, 0],
      ],
    );
  });

  test('after maxReceiveCount receives they are dead letters', () => {
    const turns = Array.from({ length: 12 }, (_, index) => ({
      offered: index === 0 ? 1 : 0,
      targets: [`task-${index}`],
    }));
    const attributes = { VisibilityTimeout: 0, RedrivePolicy: { maxReceiveCount: 3 } };
    const steps = work({ ...slow, attributes }, turns);
    assert.equal(
      steps.reduce((sum, { counts }) => sum + counts!.received, 0),
      3,
    );
    assert.deepEqual(
      steps.map(({ lost }) => lost),
      [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    );
    const forever = work({ ...slow, attributes: { VisibilityTimeout: 0 } }, turns);
    assert.equal(
      forever.reduce((sum, { counts }) => sum + counts!.receivedAgain, 0),
      11,
    );
    assert.equal(
      forever.reduce((sum, { counts }) => sum + counts!.received, 0),
      12,
    );
    assert.equal(forever.at(-1)!.queued, 1);
  });

  test('a task that was told to stop takes nothing, and finishes what it can', () => {
    const place = { ...usual, tasks: 1, cpuMs: 20_000, variation: 0 };
    const draining = { offered: 0, targets: [], draining: ['task-0'] };
    const steps = work(place, [{ offered: 3 }, draining, draining, draining]);
    assert.deepEqual(
      steps.map(({ served }) => served),
      [0, 0, 1, 0],
    );
    assert.deepEqual(
      steps.map(({ counts }) => counts!.received),
      [1, 0, 0, 0],
    );
    assert.equal(steps.at(-1)!.counts!.visible, 2);
  });
});

test('a message older than MessageRetentionPeriod is dropped, and no younger one', () => {
  const place = { ...usual, attributes: { MessageRetentionPeriod: 60 } };
  const steps = work(
    place,
    Array.from({ length: 12 }, () => ({ offered: 100, targets: [] })),
  );
  assert.deepEqual(
    steps.map(({ timedOut }) => timedOut),
    [0, 0, 0, 0, 0, 0, 100, 100, 100, 100, 100, 100],
  );
  assert.equal(steps.at(-1)!.counts!.oldestMs, 60_000);
});

test('one long message keeps its task busy until it is done, and counts as in flight as long', () => {
  const place = { ...usual, tasks: 1, cpuMs: 120_000, variation: 0, stepMs: 5_000 };
  const steps = work(place, [{ offered: 1 }, ...Array.from({ length: 40 }, () => ({ offered: 0 }))]);
  const doneAfter = steps.findIndex(({ served }) => served === 1) + 1;
  assert.ok(doneAfter >= 24 && doneAfter <= 26, `done after ${doneAfter} steps of 5 s, of 120 s of work`);
  for (const { counts, busyPercent } of steps.slice(1, doneAfter - 1)) {
    assert.equal(counts!.notVisible, 1);
    assert.ok(busyPercent > 90, `${busyPercent} % busy`);
  }
});

test('a backlog of tens of millions is no more to remember, and no slower, than one of thousands', () => {
  const many = work(
    { ...usual, tasks: 100 },
    Array.from({ length: 2_000 }, (_, index) => ({ offered: index < 1_000 ? 50_000 : 0 })),
  );
  assert.ok(Math.max(...many.map(({ queued }) => queued)) > 20_000_000);
  assert.ok(Math.max(...many.map(({ carried }) => JSON.stringify(carried).length)) < 5_000);
});

function near(actual: number, expected: number, tolerance: number, what: string): void {
  const off = Math.abs(actual / expected - 1);
  assert.ok(off <= tolerance, `${what}: ${actual}, message by message ${expected} (${(100 * off).toFixed(1)} %)`);
}

/** Both ways, the same arrivals. Tasks may be added on the way. */
function compare(place: Place, loadAt: readonly number[], tasksAt: (index: number) => number) {
  const full = capacity(place);
  const one = new MessageByMessage(profileOf(place), place.cpuUnits, rng.at('one by one', 1));
  const turns: Turn[] = [];
  const seen: Seen[] = loadAt.map((part, index) => {
    const offered = poissonCount(part * full, rng.at('compared', index));
    const draws = rng.at('instants', index);
    const sent = Array.from({ length: offered }, () => (index + draws.uniform()) * place.stepMs);
    turns.push({ offered, targets: ids(tasksAt(index)) });
    return one.step(
      (index + 1) * place.stepMs,
      tasksAt(index),
      sent.toSorted((a, b) => a - b),
    );
  });
  return { seen, steps: work(place, turns) };
}

/** In the long run: tolerances of the mean, and of p50 and p95, by load; the errors over eight times as many messages are in core/workload/serving/queue.ts. */
const grid: readonly (readonly [number, number, number, number])[] = [
  [0.3, 0.08, 0.06, 0.12],
  [0.7, 0.12, 0.15, 0.25],
];
for (const [what, changes] of [
  ['one at a time', {}],
  ['one at a time, fixed work on half a vCPU', { cpuUnits: 512, variation: 0, cpuMs: 20 }],
  ['ten at once, sharing', { cpuMs: 20, places: 10 }],
  ['ten at once, waiting for others', { cpuMs: 20, places: 10, otherMs: 200 }],
  ['two vCPUs', { cpuUnits: 2048, places: 4, otherMs: 100, tasks: 3 }],
] as [string, Partial<Place>][])
  test(`near the workers message by message: ${what}`, () => {
    const place: Place = { ...usual, ...changes };
    const full = capacity(place);
    for (const [load, meanTolerance, p50, p95] of grid) {
      const count = Math.ceil(8_000 / (load * full));
      const { seen, steps } = compare(
        place,
        Array.from({ length: count }, () => load),
        () => place.tasks,
      );
      const ages = seen.flatMap(({ agesMs }) => agesMs).toSorted((a, b) => a - b);
      const served = steps.reduce((sum, step) => sum + step.served, 0);
      const over = (tell: (step: Served) => number) =>
        steps.reduce((sum, step) => sum + step.served * tell(step), 0) / served;
      near(
        over(({ meanMs }) => meanMs),
        ages.reduce((sum, age) => sum + age, 0) / ages.length,
        meanTolerance,
        `mean at ${load}`,
      );
      near(
        over(({ quantilesMs }) => quantilesMs[0]!),
        ages[Math.ceil(ages.length / 2)]!,
        p50,
        `p50 at ${load}`,
      );
      near(
        over(({ quantilesMs }) => quantilesMs[2]!),
        ages[Math.ceil(0.95 * ages.length)]!,
        p95,
        `p95 at ${load}`,
      );
      const busy = (list: readonly { readonly busyPercent: number }[]) =>
        list.reduce((sum, { busyPercent }) => sum + busyPercent, 0) / list.length;
      near(busy(steps), busy(seen), 0.03, `utilization at ${load}`);
    }
  });

for (const [what, changes] of [
  ['quick messages', {}],
  ['slow ones, many at once', { cpuMs: 200, otherMs: 2_000, places: 8, tasks: 2 }],
  ['jobs longer than a step', { cpuMs: 20_000, tasks: 10, stepMs: 10_000 }],
] as [string, Partial<Place>][])
  test(`a rush of twice the capacity, and twice the tasks half way: ${what}`, () => {
    const place: Place = { ...usual, ...changes };
    const parts = [
      ...Array.from({ length: 10 }, () => 0.5),
      ...Array.from({ length: 30 }, () => 2),
      ...Array.from({ length: 40 }, () => 0.5),
    ];
    const { seen, steps } = compare(place, parts, (index) => (index < 30 ? place.tasks : 2 * place.tasks));
    for (const index of [25, 29, 45]) {
      const { counts } = steps[index]!;
      const { waiting, oldestMs } = seen[index]!;
      if (waiting < 20) continue;
      near(counts!.visible, waiting, 0.2, `backlog after step ${index}`);
      near(counts!.oldestMs, oldestMs, 0.25, `oldest after step ${index}`);
    }
    const drained = (list: readonly number[]) => list.findIndex((waiting, index) => index >= 40 && waiting <= 1);
    const [one, other] = [
      drained(steps.map(({ counts }) => counts!.visible)),
      drained(seen.map(({ waiting }) => waiting)),
    ];
    assert.ok(Math.abs(one - other) <= 5, `worked off after step ${one}, message by message ${other}`);
    const mean = (list: readonly number[]) => list.reduce((sum, age) => sum + age, 0) / list.length;
    near(steps[35]!.meanMs, mean(seen[35]!.agesMs), 0.3, 'age when done, in the rush');
  });

const worker = (changes: Partial<NonNullable<ScenarioInput['load']>[number]> = {}): ScenarioInput =>
  quietScenario({
    load: [
      {
        service: 'web',
        serving: 'queue',
        request: { cpuMs: 100, perTaskConcurrency: 2 },
        rate: [{ model: 'constant', rate: 5 }],
        ...changes,
      },
    ],
  });

test('a queue reports to AWS/SQS each minute: numbers and age as they are, messages sent, received and deleted as sums', () => {
  const watched = [
    'ApproximateNumberOfMessagesVisible',
    'ApproximateNumberOfMessagesNotVisible',
    'ApproximateAgeOfOldestMessage',
    'NumberOfMessagesSent',
    'NumberOfMessagesReceived',
    'NumberOfMessagesDeleted',
    'NumberOfEmptyReceives',
  ];
  const scenario = scenarioSchema.parse({
    ...worker({ queue: { QueueName: 'orders' }, rate: [{ model: 'constant', rate: 50 }] }),
    alarms: watched.map((MetricName) => ({
      AlarmName: MetricName,
      Namespace: 'AWS/SQS',
      MetricName,
      Dimensions: [{ Name: 'QueueName', Value: 'orders' }],
      Statistic: 'Sum',
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    })),
  });
  assert.deepEqual(scenarioProblems(scenario), []);
  const simulation = simulate(scenario);
  simulation.runUntil(endOf(scenario));
  const sums = new Map<string, number>();
  let queued = 0;
  let oldestMs = 0;
  const offered = { minute: 0, total: 0 };
  for (const { event } of simulation.log) {
    if (event.type === 'LoadServed') {
      offered.minute += event.offered[0]!;
      queued = event.queued[0]!;
    }
    if (event.type === 'MessagesServed') oldestMs = event.oldestMs;
    if (event.type !== 'MetricDataPublished') continue;
    const value = (name: string) => {
      const row = event.metrics.indexOf(`AWS/SQS ${name} QueueName=orders`);
      assert.equal(event.sampleCounts[row], 1, name);
      sums.set(name, (sums.get(name) ?? 0) + event.sums[row]!);
      return event.sums[row]!;
    };
    assert.equal(value('NumberOfMessagesSent'), offered.minute);
    offered.total += offered.minute;
    offered.minute = 0;
    const inQueue = value('ApproximateNumberOfMessagesVisible') + value('ApproximateNumberOfMessagesNotVisible');
    assert.equal(inQueue, queued);
    assert.equal(value('ApproximateAgeOfOldestMessage'), Math.floor(oldestMs / SECOND));
    assert.ok(value('NumberOfMessagesReceived') >= value('NumberOfMessagesDeleted'));
    assert.ok(value('NumberOfEmptyReceives') >= 0);
  }
  assert.equal(sums.get('NumberOfMessagesSent'), offered.total);
  assert.equal(offered.total - sums.get('NumberOfMessagesDeleted')!, queued);
  assert.ok(queued > 30 * 60 * 50, 'two tasks get 20 messages a second done, of 50');
});

test('without a task a queue still reports, and its messages wait for one', () => {
  const scenario = scenarioSchema.parse({
    ...worker(),
    services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 0, launchType: 'FARGATE' }],
    duration: '30m',
    changes: [{ at: '2030-01-07T00:20:00Z', UpdateService: { service: 'web', desiredCount: 4 } }],
  });
  const simulation = simulate(scenario);
  simulation.runUntil(scenario.start + 20 * MINUTE);
  assert.equal(simulation.world.ecs.services.get('web')?.measured.queue?.notVisible, 0);
  assert.ok(simulation.world.ecs.services.get('web')!.carried!.queued > 5_000);
  simulation.runUntil(endOf(scenario));
  assert.ok(simulation.world.ecs.services.get('web')!.measured.queue!.deleted > 0);
});

test('a scenario says what is wrong with its queues', () => {
  const problems = (input: ScenarioInput) =>
    scenarioProblems(scenarioSchema.parse(input)).map(({ path, message }) => `${path.join('.')}: ${message}`);
  assert.deepEqual(problems(worker()), []);
  assert.deepEqual(problems(worker({ serving: 'fluid', queue: {} })), [
    'load.0.queue: found a queue with serving fluid, expected serving queue',
  ]);
  assert.deepEqual(problems(worker({ request: { cpuMs: 1, perTaskConcurrency: 2_000 } })), [
    'load.0.request.perTaskConcurrency: found 2000, expected at most 1000 messages at once with serving queue',
  ]);
  const behind = worker();
  assert.match(
    problems({
      ...behind,
      targetGroups: [{ Name: 'web' }],
      services: [
        { ...behind.services[0]!, loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 8080 }] },
      ],
    }).join(),
    /load\.0\.serving: found queue, expected service "web" to have no load balancer/,
  );
  for (const wrong of [
    { QueueName: 'orders.fifo' },
    { VisibilityTimeout: 43_201 },
    { MessageRetentionPeriod: 59 },
    { RedrivePolicy: { maxReceiveCount: 0 } },
    { DelaySeconds: 5 },
  ])
    assert.equal(scenarioSchema.safeParse(worker({ queue: wrong })).success, false, JSON.stringify(wrong));
});
