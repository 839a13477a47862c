/** `seatrial verify`: whether a run on disk is what was written, and what its scenario leads to once more. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HOUR, simulate, type Event, type Recorded } from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';
import { formatNoun } from '../report/format.ts';
import { print } from '../report/print.ts';
import { readLinked } from '../store/chain.ts';
import { encodeCheckpoint } from '../store/checkpointFile.ts';
import { RunReader } from '../store/runDirectory.ts';

const DIFFERS = 1;

/** @returns the exit code: 1 when the scenario leads to something else. @throws InputError when a file is not what was written */
export function verify(path: string): number {
  const { events, complete, difference } = verified(path);
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
} {
  const reader = new RunReader(path);
  checkFiles(path, reader);
  return { events: reader.length, complete: reader.isComplete, difference: firstDifference(path, reader) };
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
  const { scenario, traces } = reader.loaded();
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
  const simulation = simulate(scenario, { traces, keepSegments: 1, onSegment: compare });
  const sailTo = (atMs: number) => {
    while (simulation.nowMs < atMs && found.difference === undefined)
      simulation.runUntil(Math.min(simulation.nowMs + HOUR, atMs));
  };
  for (const [index, { file, seq, atMs }] of reader.links.entries()) {
    if (seq === undefined || atMs === undefined) continue;
    sailTo(atMs);
    if (found.difference !== undefined) return found.difference;
    if (!readLinked(path, reader.links, index).equals(encodeCheckpoint(simulation.checkpoint())))
      return `the checkpoint ${file} differs from what is simulated anew`;
  }
  sailTo(scenario.start + scenario.duration);
  const { log } = simulation;
  const rest = function* () {
    for (let seq = log.openFrom; seq < log.length; seq++) yield log.at(seq);
  };
  compare(rest());
  if (found.difference !== undefined) return found.difference;
  if (stored.next().done !== true) return 'more events are stored than the scenario leads to';
  const { digest } = reader.links.at(-1) ?? {};
  return reader.isComplete && digest !== log.digest()
    ? `its digest is stored as ${digest}, simulated anew it is ${log.digest()}`
    : undefined;
}
