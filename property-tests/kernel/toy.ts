/**
 * A small job shop, for the laws of the kernel: jobs are ordered, wait, are worked on at a bench, finish, or are thrown
 * back when their bench breaks. It knows no AWS and uses everything a model may use: every column kind, keyed chance,
 * Maps, stale commands, controllers that fan out, several phases at one instant, chains within one instant.
 */

import * as fc from 'fast-check';
import { filter, map, merge, mergeMap } from 'rxjs';
import {
  Digest,
  event,
  flag,
  json,
  number,
  numbers,
  optional,
  Phase,
  Simulation,
  text,
  texts,
  type Checkpoint,
  type Controller,
  type Decide,
  type Due,
  type Evolve,
  type EventsOf,
  type Millis,
  type Model,
  type Phases,
  type SimulationOptions,
} from '../../core/kernel/index.ts';

interface Job {
  readonly id: string;
  readonly urgent: boolean;
  readonly labels: string[];
  /** Work left, in pieces; a stopped job keeps what is not done. */
  readonly pieces: number[];
  benchId: string | null;
  startedAtMs: Millis;
  attempts: number;
}

interface Bench {
  broken: boolean;
  jobId: string | null;
  finished: number;
}

export interface ToyWorld {
  readonly jobs: Map<string, Job>;
  readonly benches: Map<string, Bench>;
  ordered: number;
  late: number;
  readonly lastMeasured: { atMs: Millis; waiting: number };
}

type Options = { readonly colour: string | null; readonly parts: readonly { readonly size: number }[] };

export const toyEvents = {
  JobOrdered: event('Someone wants something made.', {
    jobId: text('the job'),
    number: number('counts the orders from 0'),
    urgent: flag('to be started before others'),
    pieces: numbers('work in each piece, ms'),
    labels: texts('what is written on it'),
    options: json<Options>('how it is to be made'),
    dueAtMs: optional(number('when it is wanted, if anyone said')),
    note: optional(text('what the customer said')),
  }),
  JobStarted: event('A bench works on the job.', {
    jobId: text('the job'),
    benchId: text('the bench'),
    attempt: number('counts the starts of the job from 1'),
    endsAtMs: number('when it will be finished if nothing breaks'),
    breaksAtMs: optional(number('when the bench will break')),
  }),
  JobFinished: event('The job is done and gone.', { jobId: text('the job'), late: flag('it came after its time') }),
  BenchFreed: event('The bench can take another job.', { benchId: text('the bench') }),
  JobStopped: event('The job waits again.', { jobId: text('the job'), why: text<'BenchBroke' | 'Recalled'>('why') }),
  BenchBroken: event('The bench cannot work.', { benchId: text('the bench'), untilMs: number('when it is repaired') }),
  BenchRepaired: event('The bench can work again.', { benchId: text('the bench') }),
  ShopMeasured: event('How the shop stands.', {
    waiting: number('jobs without a bench'),
    busy: texts('benches at work'),
    finished: numbers('jobs finished, by bench'),
    again: flag('to be measured again'),
  }),
} as const;

export type ToyEvent = EventsOf<typeof toyEvents>;

export type ToyCommand =
  | { readonly type: 'OrderJobs'; readonly count: number; readonly urgent: boolean; readonly note?: string }
  | { readonly type: 'StartJob'; readonly jobId: string }
  | { readonly type: 'FinishJob'; readonly jobId: string; readonly attempt: number }
  | { readonly type: 'BreakBench'; readonly benchId: string }
  | { readonly type: 'RepairBench'; readonly benchId: string }
  | { readonly type: 'MeasureShop' };

export const MEASURE_MS = 5_000;
const LAST_MEASURE_MS = 10_000_000;

const decide: Decide<ToyWorld, ToyCommand, ToyEvent> = {
  OrderJobs({ count, urgent, note }, { world, nowMs, rng }) {
    return Array.from({ length: count }, (_, index) => {
      const order = world.ordered + index;
      const draws = rng.at('toy.order', order);
      const pieces = Array.from({ length: 1 + draws.int(3) }, () => Math.round(draws.exponential(700)));
      return {
        type: 'JobOrdered',
        jobId: `job-${order}`,
        number: order,
        urgent,
        pieces,
        labels: draws.uniform() < 0.5 ? [] : ['small', `from ${nowMs}`],
        options: { colour: draws.int(2) === 0 ? null : 'red', parts: pieces.map((size) => ({ size })) },
        ...(order % 3 === 0 ? { dueAtMs: nowMs + 2_000 } : {}),
        ...(note === undefined ? {} : { note }),
      };
    });
  },
  StartJob({ jobId }, { world, nowMs, rng }) {
    const job = world.jobs.get(jobId);
    if (job === undefined || job.benchId !== null) return [];
    for (const [benchId, bench] of world.benches) {
      if (bench.broken || bench.jobId !== null) continue;
      const endsAtMs = nowMs + job.pieces.reduce((sum, piece) => sum + piece, 0);
      const luck = rng.at('toy.break', Number(jobId.slice(4)) * 100 + job.attempts);
      const started = { type: 'JobStarted', jobId, benchId, attempt: job.attempts + 1, endsAtMs } as const;
      return luck.uniform() < 0.8 || endsAtMs === nowMs
        ? [started]
        : [{ ...started, breaksAtMs: nowMs + luck.int(endsAtMs - nowMs) }];
    }
    return [];
  },
  FinishJob({ jobId, attempt }, { world, nowMs }) {
    const job = world.jobs.get(jobId);
    if (job === undefined || job.benchId === null || job.attempts !== attempt) return [];
    return [
      { type: 'JobFinished', jobId, late: job.urgent && nowMs - job.startedAtMs > 1_000 },
      { type: 'BenchFreed', benchId: job.benchId },
    ];
  },
  BreakBench({ benchId }, { world, nowMs }) {
    const bench = world.benches.get(benchId);
    if (bench === undefined || bench.broken) return [];
    const broken = { type: 'BenchBroken', benchId, untilMs: nowMs + 3_000 } as const;
    return bench.jobId === null ? [broken] : [{ type: 'JobStopped', jobId: bench.jobId, why: 'BenchBroke' }, broken];
  },
  RepairBench: ({ benchId }, { world }) =>
    world.benches.get(benchId)?.broken === true ? [{ type: 'BenchRepaired', benchId }] : [],
  MeasureShop: (_, { world, nowMs }) => [
    {
      type: 'ShopMeasured',
      waiting: world.jobs.size - [...world.benches.values()].filter(({ jobId }) => jobId !== null).length,
      busy: [...world.benches].filter(([, { jobId }]) => jobId !== null).map(([benchId]) => benchId),
      finished: [...world.benches.values()].map(({ finished }) => finished),
      again: nowMs < LAST_MEASURE_MS,
    },
  ],
};

const evolve: Evolve<ToyWorld, ToyEvent> = {
  JobOrdered(world, { jobId, urgent, labels, pieces }) {
    const job = { id: jobId, urgent, benchId: null, startedAtMs: 0, attempts: 0 };
    world.jobs.set(jobId, { ...job, labels: [...labels], pieces: [...pieces] });
    world.ordered++;
  },
  JobStarted(world, { jobId, benchId, attempt }, atMs) {
    const job = jobOf(world, jobId);
    job.benchId = benchId;
    job.startedAtMs = atMs;
    job.attempts = attempt;
    benchOf(world, benchId).jobId = jobId;
  },
  JobFinished(world, { jobId, late }) {
    benchOf(world, jobOf(world, jobId).benchId as string).finished++;
    world.jobs.delete(jobId);
    if (late) world.late++;
  },
  BenchFreed(world, { benchId }) {
    benchOf(world, benchId).jobId = null;
  },
  JobStopped(world, { jobId, why }) {
    const job = jobOf(world, jobId);
    benchOf(world, job.benchId as string).jobId = null;
    job.benchId = null;
    job.labels.push(why);
    if (job.pieces.length > 1) job.pieces.shift();
  },
  BenchBroken(world, { benchId }) {
    benchOf(world, benchId).broken = true;
  },
  BenchRepaired(world, { benchId }) {
    benchOf(world, benchId).broken = false;
  },
  ShopMeasured(world, { waiting }, atMs) {
    world.lastMeasured.atMs = atMs;
    world.lastMeasured.waiting = waiting;
  },
};

function jobOf(world: ToyWorld, jobId: string): Job {
  return world.jobs.get(jobId) as Job;
}

function benchOf(world: ToyWorld, benchId: string): Bench {
  return world.benches.get(benchId) as Bench;
}

const phases: Phases<ToyCommand> = {
  OrderJobs: Phase.Environment,
  FinishJob: Phase.Environment,
  RepairBench: Phase.Environment,
  MeasureShop: Phase.Monitor,
  BreakBench: Phase.Analyze,
  StartJob: Phase.Plan,
};

/** What was started will finish, and may break; what was broken will be repaired. */
const workController: Controller<ToyWorld, ToyEvent, ToyCommand> = (events) =>
  merge(
    events
      .on('JobStarted')
      .pipe(
        mergeMap(({ event: { jobId, benchId, attempt, endsAtMs, breaksAtMs } }): Due<ToyCommand>[] => [
          { atMs: endsAtMs, command: { type: 'FinishJob', jobId, attempt } },
          ...(breaksAtMs === undefined
            ? []
            : [{ atMs: breaksAtMs, command: { type: 'BreakBench', benchId } as const }]),
        ]),
      ),
    events
      .on('BenchBroken')
      .pipe(
        map(
          ({ event: { benchId, untilMs } }) => ({ atMs: untilMs, command: { type: 'RepairBench', benchId } }) as const,
        ),
      ),
  );

/** A job that waits is started as soon as there may be a bench; most of these commands come too late and do nothing. */
const startController: Controller<ToyWorld, ToyEvent, ToyCommand> = (events, world) =>
  merge(
    events
      .on('JobOrdered', 'JobStopped')
      .pipe(map(({ atMs, event: { jobId } }) => ({ atMs, command: { type: 'StartJob', jobId } }) as const)),
    events.on('BenchFreed', 'BenchRepaired').pipe(
      mergeMap(({ atMs }) =>
        [...world.jobs.values()]
          .filter(({ benchId }) => benchId === null)
          .toSorted((a, b) => Number(b.urgent) - Number(a.urgent) || (a.id < b.id ? -1 : 1))
          .slice(0, 3)
          .map(({ id }) => ({ atMs, command: { type: 'StartJob', jobId: id } }) as const),
      ),
    ),
  );

const measureController: Controller<ToyWorld, ToyEvent, ToyCommand> = (events) =>
  events.on('ShopMeasured').pipe(
    filter(({ event: { again } }) => again),
    map(({ atMs }) => ({ atMs: atMs + MEASURE_MS, command: { type: 'MeasureShop' } }) as const),
  );

export type ToyModel = Model<ToyWorld, ToyCommand, ToyEvent>;
export type ToySimulation = Simulation<ToyWorld, ToyCommand, ToyEvent>;
export type ToyCheckpoint = Checkpoint<ToyWorld, ToyCommand>;

export const toy: ToyModel = {
  events: toyEvents,
  decide,
  evolve,
  phases,
  controllers: [workController, startController, measureController],
};

export function toyWorld(benches: number): ToyWorld {
  const ids = Array.from({ length: benches }, (_, index) => `bench-${index}`);
  return {
    jobs: new Map(),
    benches: new Map(ids.map((id) => [id, { broken: false, jobId: null, finished: 0 }])),
    ordered: 0,
    late: 0,
    lastMeasured: { atMs: 0, waiting: 0 },
  };
}

/** A run of the toy: what is asked for from outside, and how long it goes on. */
export interface ToyPlan {
  readonly seed: number;
  readonly startMs: Millis;
  readonly endMs: Millis;
  readonly benches: number;
  readonly commands: readonly Due<ToyCommand>[];
}

/** The run's first checkpoint: nothing has happened, the plan's commands wait. */
export function startOf({ startMs, benches, commands }: ToyPlan): ToyCheckpoint {
  const pending = commands
    .map(({ atMs, command }) => ({ atMs, phase: phases[command.type], command, causedBy: -1 }))
    .concat({ atMs: startMs, phase: Phase.Monitor, command: { type: 'MeasureShop' }, causedBy: -1 });
  return { atMs: startMs, world: toyWorld(benches), pending, log: { seq: 0, digest: new Digest().state() } };
}

/** The plan's simulation, not yet moved. */
export function begin(
  plan: ToyPlan,
  options: SimulationOptions<ToyWorld, ToyCommand, ToyEvent> = {},
  model = toy,
): ToySimulation {
  return new Simulation(model, plan.seed, startOf(plan), options);
}

/** The plan's simulation, run to its end. */
export function run(plan: ToyPlan, options: SimulationOptions<ToyWorld, ToyCommand, ToyEvent> = {}): ToySimulation {
  const simulation = begin(plan, options);
  simulation.runUntil(plan.endMs);
  return simulation;
}

/** Plans of a few dozen events, with many commands due at the same instants. */
export const plans: fc.Arbitrary<ToyPlan> = fc
  .record({
    seed: fc.maxSafeNat(),
    startMs: fc.constantFrom(0, -7_000, 1_893_456_000_000),
    lengthMs: fc.integer({ min: 5_000, max: 40_000 }),
    benches: fc.integer({ min: 1, max: 3 }),
    orders: fc.array(
      fc.record({
        afterMs: instants(),
        count: fc.integer({ min: 0, max: 5 }),
        urgent: fc.boolean(),
        note: fc.option(fc.string(), { nil: undefined }),
      }),
      { minLength: 3, maxLength: 8, size: 'max' },
    ),
    breaks: fc.array(fc.record({ afterMs: instants(), bench: fc.nat({ max: 3 }) }), { maxLength: 3, size: 'max' }),
  })
  .map(({ seed, startMs, lengthMs, benches, orders, breaks }) => ({
    seed,
    startMs,
    endMs: startMs + lengthMs,
    benches,
    commands: [
      ...orders.map(({ afterMs, count, urgent, note }) => ({
        atMs: startMs + afterMs,
        command: { type: 'OrderJobs', count, urgent, ...(note === undefined ? {} : { note }) } as const,
      })),
      ...breaks.map(({ afterMs, bench }) => ({
        atMs: startMs + afterMs,
        command: { type: 'BreakBench', benchId: `bench-${bench}` } as const,
      })),
    ],
  }));

function instants(): fc.Arbitrary<Millis> {
  return fc.oneof(
    fc.integer({ min: 0, max: 5 }).map((tick) => tick * MEASURE_MS),
    fc.integer({ min: 0, max: 30_000 }),
  );
}

/** A plan of some ten thousand events, or as often as many. */
export function longPlan(seed: number, times = 1): ToyPlan {
  const commands = Array.from({ length: 700 * times }, (_, index) => ({
    atMs: index * 3_000,
    command: { type: 'OrderJobs', count: 1 + (index % 5), urgent: index % 7 === 0 } as const,
  }));
  return { seed, startMs: 0, endMs: 2_200_000 * times, benches: 3, commands };
}

/** Worlds and checkpoints as JSON text, with Maps (in their order) as lists of pairs. */
export function toText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (item instanceof Map ? { $map: [...item] } : item));
}

export function fromText(source: string): ToyCheckpoint {
  return JSON.parse(source, (_, item: unknown) =>
    typeof item === 'object' && item !== null && '$map' in item ? new Map(item.$map as [unknown, unknown][]) : item,
  ) as ToyCheckpoint;
}
