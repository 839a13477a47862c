/**
 * Seatrial's calendar and those of others at the same work: the hold model, and M/M/1. Each runs in a process of its own and
 * times its own loop. All must come to the same counts, clock and sum, or the bench stops.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashOf } from './hash.ts';
import { engines } from './peers/engines.ts';
import { cpp, node, outcomeOf, simpy } from './peers/programs.ts';
import { holdFor, stationFor, THEORY_MS, type Hold, type Outcome } from './peers/work.ts';
import type { Bench, Case, Program } from './suite.ts';

interface Peer {
  readonly name: string;
  readonly find: () => ReturnType<typeof cpp>;
  /** Started in this process to compare results, which is quicker; timed in its own. */
  readonly engine?: keyof typeof engines;
  /** Events that take about half a second, by how many are pending; absent: it would take too long. */
  readonly events: Readonly<Partial<Record<number, number>>>;
  /** The same for M/M/1. */
  readonly customers: number;
  /** Draws the gaps itself, as ours does, instead of being given a table. */
  readonly draws?: true;
}

const OURS: Peer = {
  name: 'Calendar',
  find: () => node('seatrial'),
  engine: 'seatrial',
  events: { 100: 5e6, 10_000: 5e6, 1_000_000: 2e6 },
  customers: 5e6,
  draws: true,
};

const PEERS: readonly Peer[] = [
  {
    name: 'C++ std::priority_queue',
    find: () => cpp('priorityQueue.cpp'),
    events: { 100: 5e6, 10_000: 5e6, 1_000_000: 2e6 },
    customers: 5e6,
    draws: true,
  },
  {
    name: 'ns-3 Simulator',
    find: () => cpp('ns3.cpp', { header: 'ns3/core-module.h', library: 'ns3-core', from: 'libns3-dev' }),
    events: { 100: 2e6, 10_000: 2e6, 1_000_000: 5e5 },
    customers: 1e6,
  },
  {
    name: 'SimGrid timers',
    find: () => cpp('simgrid.cpp', { header: 'simgrid/kernel/Timer.hpp', library: 'simgrid', from: 'libsimgrid-dev' }),
    events: { 100: 1e6, 10_000: 1e6, 1_000_000: 5e5 },
    customers: 1e6,
  },
  {
    name: 'SimPy',
    find: simpy,
    events: { 100: 5e5, 10_000: 5e5, 1_000_000: 2e5 },
    customers: 1e5,
  },
  {
    name: 'simjs',
    find: () => node('simjs', 'simjs'),
    engine: 'simjs',
    events: { 100: 1e6, 10_000: 5e5, 1_000_000: 1e5 },
    customers: 2e5,
  },
  {
    name: 'simscript',
    find: () => node('simscript', 'simscript'),
    engine: 'simscript',
    events: { 100: 5e4, 10_000: 3e3 },
    customers: 2e4,
  },
  {
    name: 'rxjs VirtualTimeScheduler',
    find: () => node('rxjs'),
    engine: 'rxjs',
    events: { 100: 2e5, 10_000: 5e3 },
    customers: 2e5,
  },
];

/** What all do first, to be compared. */
const CHECKED = { pending: 500, events: 2_000, customers: 1_000 };
/** So many, for a mean wait within one percent of theory. */
const CUSTOMERS = 5e6;
const PERCENT_OFF = 1;

export const peers: Bench = (smoke) => {
  const found = [OURS, ...PEERS].map((peer) => ({ peer, ...peer.find() }));
  const missing = found.flatMap((each) => ('missing' in each ? [`${each.peer.name}: ${each.missing}`] : []));
  const contending = (programOf: (peer: Peer, command: readonly string[]) => Program | undefined) =>
    found.flatMap((each) => ('missing' in each ? [] : (programOf(each.peer, each.command) ?? []))) as [
      Program,
      ...Program[],
    ];
  return [
    ...(smoke ? [100] : [100, 10_000, 1_000_000]).map((pending): Case => {
      const amount = OURS.events[pending] as number;
      return {
        name: `peers, hold model, ${pending.toLocaleString('en')} pending`,
        amounts: { events: amount },
        contenders: contending((peer, command) => {
          const events = peer.events[pending];
          return events === undefined ? undefined : holding(peer, command, pending, events, amount);
        }),
        missing,
      };
    }),
    {
      name: 'peers, M/M/1',
      amounts: { events: 2 * CUSTOMERS },
      contenders: contending(serving),
      missing,
    },
  ];
};

function holding(peer: Peer, command: readonly string[], pending: number, events: number, amount: number): Program {
  const timed = holdFor(pending, events);
  const checked = holdFor(CHECKED.pending, CHECKED.events);
  const run = (work: Hold) =>
    withGaps(work.gapsMs, (file) => outcomeOf(command, 'hold', file, work.pending, work.untilMs));
  return {
    name: peer.name,
    hash: async () =>
      hashOfOutcome(await (peer.engine === undefined ? run(checked) : (await engines[peer.engine]()).hold(checked))),
    runsPerSecond: () => {
      const { events: done, seconds } = run(timed);
      return done / seconds / amount;
    },
  };
}

function serving(peer: Peer, command: readonly string[]): Program {
  const run = (customers: number) =>
    peer.draws === true
      ? outcomeOf(command, 'station', '-', customers)
      : withGaps(stationFor(customers).gapsMs, (file) => outcomeOf(command, 'station', file, customers));
  return {
    name: peer.name,
    hash: async () =>
      hashOfOutcome(
        await (peer.engine === undefined
          ? run(CHECKED.customers)
          : (await engines[peer.engine]()).station(stationFor(CHECKED.customers))),
      ),
    runsPerSecond: () => {
      const { events, sum, seconds } = run(peer.customers);
      if (peer.customers === CUSTOMERS) checkMeanWait(peer.name, sum / CUSTOMERS);
      return events / seconds / (2 * CUSTOMERS);
    },
  };
}

/** @throws Error when the mean wait, in ms, is not what queueing theory says */
export function checkMeanWait(name: string, meanMs: number): void {
  const percent = Math.abs(meanMs / THEORY_MS - 1) * 100;
  if (!(percent <= PERCENT_OFF))
    throw new Error(`${name}: a mean wait of ${meanMs} ms is ${percent.toFixed(2)} % from theory, ${THEORY_MS} ms`);
}

function hashOfOutcome({ events, clockMs, sum }: Outcome): string {
  return hashOf(events, clockMs, sum);
}

/** Hands a program the table in a file, which is gone afterwards. */
function withGaps(gapsMs: Int32Array, run: (file: string) => Outcome): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'seatrial-bench-'));
  try {
    const file = join(folder, 'gaps');
    writeFileSync(file, gapsMs);
    return run(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
