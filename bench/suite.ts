/**
 * What a benchmark is, and how it is measured: benchmark.js times one call after another, in rounds that take turns among
 * the contenders, so that what else the machine does falls on all of them. Hashes are compared before anything is timed.
 */

import Benchmark from 'benchmark';

/** Work that goes on: `run` does one portion, and may be called any number of times. */
export interface Work {
  readonly run: () => void;
  /** Hash of what has come out so far. It depends on all of it, so that no engine may leave any of it out. */
  readonly hash: () => string;
}

/** One way of doing the work of a case. */
export interface Contender {
  readonly name: string;
  /** Gets ready, unmeasured. */
  readonly start: () => Work;
  /** It does something else that is worth comparing; its hash is its own. */
  readonly otherWork?: true;
}

/** A contender in a process of its own, which times its own loop: that it has to start does not count. */
export interface Program {
  readonly name: string;
  /** Hash of what comes out of a small piece of the work, the same for all programs of the case. */
  readonly hash: () => Promise<string>;
  /** Runs a second, if one run were all of the case's amount. A slow one may do a part of it only. */
  readonly runsPerSecond: () => number;
}

export interface Case {
  readonly name: string;
  /** What one `run` does, in its units: the first is the rate that is printed, the others are printed beside it. */
  readonly amounts: Readonly<Record<string, number>>;
  /** Ours, then the references. */
  readonly contenders: readonly [Contender, ...Contender[]] | readonly [Program, ...Program[]];
  /** References that are not here, and why. */
  readonly missing?: readonly string[];
  /** What else is to be said of it, a sentence each; it may run for a while. */
  readonly remarks?: () => readonly string[];
}

/** The cases of one file, in the size for measuring or, for a look whether they work at all, a tiny one. */
export type Bench = (smoke: boolean) => readonly Case[];

/** What one contender came to. Medians over the rounds. */
export interface Result {
  readonly contender: string;
  readonly hash: string;
  readonly runsPerSecond: number;
  /** Half the distance between the quartiles of the rounds, in percent of the median. */
  readonly spreadPercent: number;
  /** How many times as fast as this one ours is: the median of the ratios within each round. */
  readonly oursIsFaster: number;
}

interface Started {
  readonly name: string;
  readonly hash: string;
  readonly runsPerSecond: () => number;
  readonly work?: Work;
}

/** Each contender's hash after its first run. @throws Error when two that do the same work disagree */
export async function checked({ name, contenders }: Case): Promise<readonly Started[]> {
  const started: Started[] = [];
  for (const contender of contenders) {
    const next = 'start' in contender ? startedHere(contender, name) : { ...contender, hash: await contender.hash() };
    const [ours] = started;
    const isOtherWork = 'otherWork' in contender;
    if (ours !== undefined && !isOtherWork && next.hash !== ours.hash)
      throw new Error(`${name}: ${ours.name} came to ${ours.hash}, but ${next.name} to ${next.hash}`);
    started.push(next);
  }
  return started;
}

function startedHere({ name, start }: Contender, caseName: string): Started {
  const work = start();
  work.run();
  return { name, hash: work.hash(), work, runsPerSecond: () => runsPerSecond(`${caseName}, ${name}`, work.run) };
}

/** Rounds for medians: at least, and at most, or until the time is up. */
const LEAST_ROUNDS = 5;
const MOST_ROUNDS = 25;
const ENOUGH_MS = 3_000;

export async function measured(of: Case, enoughMs = ENOUGH_MS): Promise<readonly Result[]> {
  const started = await checked(of);
  const rates = started.map((): number[] => []);
  const fromMs = performance.now();
  for (let round = 0; round < LEAST_ROUNDS || (round < MOST_ROUNDS && performance.now() < fromMs + enoughMs); round++)
    for (let turn = 0; turn < started.length; turn++) {
      const index = (round + turn) % started.length;
      (rates[index] as number[]).push((started[index] as Started).runsPerSecond());
    }
  return started.map(({ name, hash, work }, index): Result => {
    if (work?.hash() === '') throw new Error(`${of.name}: ${name} has no result`); // the sink
    const own = rates[index] as number[];
    return {
      contender: name,
      hash,
      runsPerSecond: median(own),
      spreadPercent: (50 * (quantile(own, 0.75) - quantile(own, 0.25))) / median(own),
      oursIsFaster: median(own.map((rate, round) => ((rates[0] as number[])[round] as number) / rate)),
    };
  });
}

/**
 * One sample of benchmark.js: 50 ms, or one run. @throws what `run` throws: what comes at the first calls, benchmark.js
 * would only note.
 */
export function runsPerSecond(name: string, run: () => void): number {
  const benchmark = new Benchmark(name, run, { minSamples: 1, maxTime: 0 });
  try {
    benchmark.run();
    const noted: unknown = benchmark.error;
    if (noted !== undefined) throw noted;
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return benchmark.hz;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Between two values it is interpolated. */
function quantile(values: readonly number[], level: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = level * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
  return below + (above - below) * (place % 1);
}
