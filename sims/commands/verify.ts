/** `seatrial verify`: whether a run on disk is what was written, and what its scenario leads to once more. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HOUR, MODEL_VERSION, sailTo, simulate, type Event, type Recorded } from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';
import { formatNoun } from '../report/format.ts';
import { print } from '../report/print.ts';
import { readLinked } from '../store/chain.ts';
import { encodeCheckpoint } from '../store/checkpointFile.ts';
import { RunReader } from '../store/runDirectory.ts';

const DIFFERS = 1;

/** @returns the exit code: 1 when the scenario leads to something else. @throws InputError when a file is not what was written */
export function verify(path: string): number {
  const { events, complete, difference, sailedWith } = verified(path);
  if (sailedWith !== undefined) {
    print(`${path}: ${formatNoun(events, 'event')}, as written; not simulated anew: ${sailedWith}.\n`);
    return 0;
  }
  if (difference === undefined) {
    const state = complete ? 'complete' : 'not complete: seatrial resume goes on with it';
    print(`${path}: ${formatNoun(events, 'event')}, as written and as simulated anew; ${state}.\n`);
    return 0;
  }
  print(`${path}: ${difference}\n`);
  return DIFFERS;
}

/** @throws InputError when a file is not what was written */
export function verified(path: string): {
  readonly events: number;
  readonly complete: boolean;
  /** The first thing that the scenario leads to otherwise. */
  readonly difference: string | undefined;
  /** Other rules than these, which have nothing to say about it. */
  readonly sailedWith: string | undefined;
} {
  const reader = new RunReader(path);
  checkFiles(path, reader);
  const { length: events, isComplete: complete, modelVersion } = reader;
  if (modelVersion === MODEL_VERSION)
    return { events, complete, difference: firstDifference(path, reader), sailedWith: undefined };
  const sailedWith = `it was sailed with ${reader.sailedWith}, this is model version ${MODEL_VERSION}`;
  return { events, complete, difference: undefined, sailedWith };
}

/** Every file of the chain is there and as it was; and nothing else is. */
function checkFiles(path: string, reader: RunReader): void {
  let next = 0;
  for (const [index, { file, firstSeq, events = 0 }] of reader.links.entries()) {
    readLinked(path, reader.links, index);
    if (firstSeq === undefined) continue;
    if (firstSeq !== next)
      throw new InputError([
        { file: join(path, file), message: `found events from ${firstSeq} on, expected them from ${next}` },
      ]);
    next += events;
  }
  const known = new Set(reader.links.map(({ file }) => file));
  for (const name of readdirSync(path, { recursive: true, withFileTypes: true })) {
    const file = join(name.parentPath, name.name)
      .slice(path.length)
      .replace(/^[/\\]+/, '')
      .replaceAll('\\', '/');
    const isOurs = file === 'chain.ndjson' || file === 'lock' || file.endsWith('.part');
    if (name.isDirectory() || isOurs || known.has(file)) continue;
    throw new InputError([
      { file: join(path, file), message: 'found a file that is no part of the run, expected none' },
    ]);
  }
}

/** Sails the scenario again beside the log. */
function firstDifference(path: string, reader: RunReader): string | undefined {
  const { scenario, traces, jobs, branches = [] } = reader.loaded();
  const stored = reader.events()[Symbol.iterator]();
  const found: { difference?: string } = {};
  const compare = (events: Iterable<Recorded<Event>>) => {
    for (const simulated of events) {
      if (found.difference !== undefined) return;
      const next = stored.next();
      // An interrupted run ends somewhere.
      if (next.done === true) return;
      const [one, other] = [JSON.stringify(next.value), JSON.stringify(simulated)];
      if (one !== other)
        found.difference = `the first event that differs is ${simulated.seq}: stored ${one}, simulated anew ${other}`;
    }
  };
  const simulation = simulate(scenario, {
    traces,
    jobs,
    keepSegments: 1,
    onSegment: compare,
    withheld: branches.flatMap(({ withheld }) => withheld),
  });
  const sail = (atMs: number) => {
    while (simulation.nowMs < atMs && found.difference === undefined)
      sailTo(simulation, Math.min(simulation.nowMs + HOUR, atMs), branches);
  };
  for (const [index, { file, seq, atMs }] of reader.links.entries()) {
    if (seq === undefined || atMs === undefined || !reader.isOfThisEngine) continue;
    sail(atMs);
    if (found.difference !== undefined) return found.difference;
    if (!readLinked(path, reader.links, index).equals(encodeCheckpoint(simulation.checkpoint())))
      return `the checkpoint ${file} differs from what is simulated anew`;
  }
  sail(scenario.start + scenario.duration);
  const { log } = simulation;
  if (log.open !== undefined) compare(log.open);
  if (found.difference !== undefined) return found.difference;
  if (stored.next().done !== true) return 'more events are stored than the scenario leads to';
  const { digest } = reader.links.at(-1) ?? {};
  return reader.isComplete && digest !== log.digest()
    ? `its digest is stored as ${digest}, simulated anew it is ${log.digest()}`
    : undefined;
}
