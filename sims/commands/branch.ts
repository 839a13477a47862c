/** `seatrial branch`: goes on from an instant of a stored run under other settings, with the same luck; both futures compared. */

import { outputOf, type Output } from '../report/output.ts';
import { MODEL_VERSION, sailTo, type Event, type Recorded } from '../../core/index.ts';
import { goOn, planBranch, type BranchRequest, type PlannedBranch } from '../branches.ts';
import { Futures, type Parting, type Partings } from '../futures.ts';
import { InputError } from '../input/inputError.ts';
import type { LoadedScenario } from '../input/scenarioFile.ts';
import { OutcomeSince } from '../outcome.ts';
import { comparedSheets, compareOutcomes, verdictOn, type Outcome } from '../report/comparison.ts';
import { describeIn } from '../report/describe.ts';
import { formatCount, formatDate, formatDay, formatDuration, formatInstant, printable } from '../report/format.ts';
import { makeProgress } from '../report/progress.ts';
import { drawSheet, type Sheet } from '../report/sheet.ts';
import { shortened, toText, usedWidth, wrap } from '../report/terminal.ts';
import { RunDirectory, RunReader } from '../store/runDirectory.ts';
import { INTERRUPTED } from './run.ts';
import { worldAt } from '../store/worldAt.ts';
import { sail } from '../voyage.ts';
import { parseLength } from './run.ts';
import { print } from '../report/print.ts';

export interface BranchOptions {
  /** An instant. */
  readonly at?: string;
  /** Each as `path=value`. */
  readonly set?: readonly string[];
  /** A file. */
  readonly change?: string;
  /** The number of an event. */
  readonly without?: string;
  /** The number of an event, and how much earlier. */
  readonly earlier?: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
}

const ONE_SIDED = 'the first decision of scaling that only one of them makes';
const SIDES = ['original', 'branch'] as const;

/** @returns the exit code. @throws InputError */
export async function branch(path: string, options: BranchOptions, engineVersion: string): Promise<number> {
  const request = requestOf(path, options);
  const reader = new RunReader(path);
  if (reader.modelVersion !== MODEL_VERSION)
    throw new InputError([
      { file: path, message: `found a run of ${reader.sailedWith}, expected one of model version ${MODEL_VERSION}` },
    ]);
  if (!reader.isComplete)
    throw new InputError([
      {
        file: path,
        message:
          'found a run that was stopped before its end, expected one with a future to compare with: seatrial resume goes on with it',
      },
    ]);
  const { out, json } = options;
  const found = await branched(reader, planBranch(path, reader, request), out, engineVersion);
  if (found === undefined) {
    const rest = out === undefined ? '' : `; seatrial resume ${out} goes on with it`;
    process.stderr.write(`the branch was stopped before its end, and is not compared${rest}\n`);
    return INTERRUPTED;
  }
  if (json === true) print(`${JSON.stringify(asJson(found), undefined, 2)}\n`);
  else {
    process.stdout.write(asText(found, outputOf(process.stdout)));
    if (out !== undefined) print(`\nThe branch as a run of its own: ${out}\n`);
  }
  return 0;
}

/** @throws InputError when the options do not go together */
function requestOf(file: string, { at, set = [], change, without, earlier }: BranchOptions): BranchRequest {
  const refusal = (message: string) => new InputError([{ file, message }]);
  const settings = at !== undefined || set.length > 0 || change !== undefined;
  const kinds = [settings, without !== undefined, earlier !== undefined].filter(Boolean).length;
  if (kinds !== 1)
    throw refusal(
      `found ${kinds === 0 ? 'nothing to change' : 'several kinds of branches at once'}, expected one of --at with --set or --change, --without and --earlier`,
    );
  if (without !== undefined) return { without };
  if (earlier !== undefined) {
    const [event, length = '', ...rest] = earlier;
    const byMs = parseLength(length);
    if (event === undefined || byMs === undefined || rest.length > 0)
      throw refusal(
        `--earlier: found "${earlier.join(' ')}", expected an event and a length of time, such as 4711 60s`,
      );
    return { earlier: event, byMs };
  }
  if (at === undefined) throw refusal('found no --at, expected the instant from which things are other');
  return { at, set, change };
}

interface Branched {
  readonly loaded: LoadedScenario;
  readonly planned: PlannedBranch;
  /** Of the branch. */
  readonly digest: string;
  readonly toMs: number;
  readonly partings: Partings;
  readonly outcomes: readonly [Outcome, Outcome];
  /** An event of one side, in words. */
  readonly describe: (side: keyof Parting, recorded: Recorded<Event>) => string;
}

/** Sails the branch beside the log of its original. @returns undefined when it was interrupted */
export async function branched(
  reader: RunReader,
  planned: PlannedBranch,
  out: string | undefined,
  engineVersion: string,
): Promise<Branched | undefined> {
  const original = reader.loaded();
  const { branch: made, checkpoint } = planned;
  const note = `Branched from run ${made.of} at ${new Date(made.atMs).toISOString()}: ${made.changed.join('; ') || 'nothing changed'}`;
  const loaded: LoadedScenario = {
    ...original,
    branches: [...(original.branches ?? []), made],
    notes: [...original.notes, note, ...planned.notes],
  };
  const directory = out === undefined ? undefined : RunDirectory.create(out, loaded, engineVersion);
  directory?.takeOver(reader, checkpoint);
  const outcomes = [new OutcomeSince(original, made.atMs), new OutcomeSince(original, made.atMs)] as const;
  const { seq } = checkpoint.log;
  for (const recorded of reader.events(0, seq)) outcomes[0].hear(recorded);
  const futures = new Futures(reader.events(seq), (recorded) => outcomes[0].hear(recorded));
  const progress = makeProgress(`${original.scenario.name}, branch`);
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.once('SIGINT', interrupt);
  const { summary, activities } = await sail(loaded, {
    engineVersion,
    from: { checkpoint, events: reader.events(0, seq) },
    onSegment: (segment) => {
      directory?.append(segment);
      for (const recorded of segment) {
        outcomes[1].hear(recorded);
        if (recorded.seq >= seq) futures.hear(recorded);
      }
    },
    onHop: (simulation) => directory?.checkpoint(simulation),
    onProgress: progress.update,
    stopped: () => interrupted,
  });
  process.off('SIGINT', interrupt);
  progress.end();
  directory?.finish(summary, activities);
  if (interrupted) return undefined;
  const toMs = Date.parse(summary.to);
  return {
    loaded,
    planned,
    digest: summary.digest,
    toMs,
    partings: futures.end(),
    outcomes: [outcomes[0].report(toMs), outcomes[1].report(toMs)],
    describe: (side, recorded) => {
      if (side === 'original') return describeIn(worldAt(reader, recorded.atMs).world, recorded);
      const simulation = goOn(loaded, checkpoint);
      // A run takes a branch when it leaves its instant.
      sailTo(simulation, recorded.atMs + 1, loaded.branches ?? []);
      return describeIn(simulation.world, recorded);
    },
  };
}

function asJson({ loaded, planned, digest, toMs, partings, outcomes, describe }: Branched) {
  const { of, atMs, changed } = planned.branch;
  const told = (parting: Parting | undefined) =>
    parting === undefined
      ? null
      : Object.fromEntries(
          SIDES.map((side) => {
            const recorded = parting[side];
            if (recorded === undefined) return [side, null];
            const at = new Date(recorded.atMs).toISOString();
            return [side, { seq: recorded.seq, at, type: recorded.event.type, what: describe(side, recorded) }];
          }),
        );
  return {
    scenario: loaded.scenario.name,
    seed: loaded.scenario.seed,
    at: new Date(atMs).toISOString(),
    to: new Date(toMs).toISOString(),
    changed,
    notes: planned.notes,
    digests: { original: of, branch: digest },
    identical: of === digest,
    parting: told(partings.first),
    firstDecision: told(partings.decision),
    ...compareOutcomes(...outcomes),
    verdict: verdictOn(...outcomes),
  };
}

function asText({ loaded, planned, digest, toMs, partings, outcomes, describe }: Branched, page: Output): string {
  const { scenario } = loaded;
  const { of, atMs, changed } = planned.branch;
  const width = usedWidth(page);
  const lines = (text: string, style?: Parameters<typeof wrap>[2], indent = '') => {
    const wrapped = wrap(text, width - indent.length, style);
    return wrapped.map((line) => `${indent}${toText(line, page.color)}\n`).join('');
  };
  const when = (ms: number) => `${formatDay(ms)} ${formatInstant(ms)}`;
  const parting = (title: string, found: Parting | undefined) =>
    found === undefined
      ? ''
      : [
          '\n',
          lines(title, 'bold'),
          ...SIDES.map((side) => {
            const recorded = found[side];
            const what =
              recorded === undefined ? 'nothing then' : `${when(recorded.atMs)}: ${describe(side, recorded)}`;
            const head = `${side}  `.padEnd(10);
            const [first = '', ...rest] = lines(what, undefined, ' '.repeat(head.length)).split(/(?<=\n)/);
            return `${head}${first.slice(head.length)}${rest.join('')}`;
          }),
        ].join('');
  const header = [
    lines(`${scenario.name}, branched at ${formatDate(atMs)}:${formatInstant(atMs).slice(6)} UTC`, 'bold'),
    ...(changed.length === 0 ? ['nothing is changed\n'] : changed.map((change) => lines(change))),
    lines(`seed ${scenario.seed}, the same luck; original ${of}, branch ${digest}`, 'dim'),
    ...planned.notes.map((told) => lines(`Note: ${told}`, 'dim')),
  ].join('');
  const { first } = partings;
  if (first === undefined)
    return `${header}\n${lines('Nothing differs: both futures are the same, event by event.', 'bold')}`;
  const seq = (first.branch ?? first.original)?.seq ?? 0;
  return [
    header,
    parting(`the futures part at event ${formatCount(seq)}`, first),
    isTold(first, partings.decision) ? '' : parting(ONE_SIDED, partings.decision),
    '\n',
    lines(`from ${when(atMs)} to the end, ${formatDuration(toMs - atMs)}`, 'bold'),
    comparedSheets(compareOutcomes(...outcomes), SIDES)
      .map((sheet) => drawnWithin(sheet, width, page))
      .join('\n'),
    '\n',
    lines(verdictOn(...outcomes), 'bold'),
  ].join('');
}

/** Columns, the last two of a number left blank. */
const TITLE_COLUMN = 28;
const NUMBER_COLUMN = { least: 12, most: 16 };

function drawnWithin({ head: [name = '', ...heads], rows }: Sheet, width: number, page: Output): string {
  const column = Math.min(Math.max(Math.floor((width - TITLE_COLUMN) / 3), NUMBER_COLUMN.least), NUMBER_COLUMN.most);
  const titles = Math.min(TITLE_COLUMN, width - 3 * column);
  const head = [shortened(printable(name), titles - 2), ...heads.map((title) => shortened(title, column - 2))];
  const drawn =
    rows.length === 0
      ? [[{ text: shortened(`${name}: no figure differs`, width) }]]
      : drawSheet({ head, rows }, [titles, column, column, column]);
  return `${drawn.map((line) => toText(line, page.color)).join('\n')}\n`;
}

/** Where the futures part says already what they decide differently. */
function isTold(first: Parting, decision: Parting | undefined): boolean {
  return SIDES.some((side) => decision?.[side] !== undefined && decision[side].seq === first[side]?.seq);
}
