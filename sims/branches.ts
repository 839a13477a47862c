/** Branches of a stored run: from what a person asks for to what is done at an instant, and what is not. */

import {
  branching,
  instant,
  InvalidScenarioError,
  restore,
  sailTo,
  standing,
  startOf,
  type Branching,
  type Command,
  type EcsCheckpoint,
  type EcsSimulation,
  type Event,
  type Recorded,
} from '../core/index.ts';
import { isDecision, SCALING_DECISIONS, type ScalingDecision } from './futures.ts';
import { edited, editsOf, setting } from './input/edits.ts';
import { InputError } from './input/inputError.ts';
import type { Branch, LoadedScenario } from './input/scenarioFile.ts';
import { describeIn } from './report/describe.ts';
import type { RunReader } from './store/runDirectory.ts';

/** What is asked for: other settings at an instant, or another fate of one event. */
export type BranchRequest =
  | { readonly at: string; readonly set: readonly string[]; readonly change: string | undefined }
  | { readonly without: string }
  /** Milliseconds earlier. */
  | { readonly earlier: string; readonly byMs: number };

/** A branch that is to be sailed, and where it leaves its original. */
export interface PlannedBranch {
  readonly branch: Branch;
  /** The original then. */
  readonly checkpoint: EcsCheckpoint;
  /** What one should know of it, in sentences. */
  readonly notes: readonly string[];
}

/** @param path  how the directory is called in what is told. @throws InputError */
export function planBranch(path: string, reader: RunReader, request: BranchRequest): PlannedBranch {
  const original = new Original(path, reader);
  if ('without' in request) return original.without(request.without);
  if ('earlier' in request) return original.earlier(request.earlier, request.byMs);
  return original.under(request);
}

/** A simulation that is where a run was at a checkpoint. It goes on with `sailTo`, which takes the branches. */
export function goOn({ scenario, traces, jobs, branches = [] }: LoadedScenario, from: EcsCheckpoint): EcsSimulation {
  return restore(scenario, from, { traces, jobs, withheld: branches.flatMap(({ withheld }) => withheld) });
}

/** What may be withheld without breaking a chain: a scheduled action and a forecast plan the next one with each. */
const ASKED_FOR_ONCE: readonly string[] = [
  'EvaluateScalingPolicy',
  'StartScalingActivity',
  'RegisterScalableTarget',
  'EvaluateGroupScalingPolicy',
  'ScaleGroup',
  'ScaleCapacityProvider',
  'SizeCapacityProvider',
] satisfies Command['type'][];

class Original {
  readonly #path: string;
  readonly #reader: RunReader;
  readonly #loaded: LoadedScenario;
  readonly #digest: string;

  constructor(path: string, reader: RunReader) {
    this.#path = path;
    this.#reader = reader;
    this.#loaded = reader.loaded();
    this.#digest = reader.links.at(-1)?.digest ?? '';
  }

  under({ at, set, change }: Extract<BranchRequest, { at: string }>): PlannedBranch {
    const atMs = this.#instant(at);
    const checkpoint = this.#at(atMs);
    const now = this.#standing(checkpoint);
    const edits = [...(change === undefined ? [] : editsOf(change, atMs)), ...set.map(setting)];
    if (edits.length === 0) return this.#planned(checkpoint, { atMs, submitted: [], withheld: [], scenario: now }, []);
    const { scenario, changed, tell } = edited(now, edits);
    const untraced = scenario.load.flatMap(({ rate }, index) =>
      rate.flatMap((part, place) => {
        if (part.model !== 'trace' || this.#loaded.traces.has(part.file)) return [];
        const known = [...this.#loaded.traces.keys()].join(', ') || 'none: it has none';
        const message = `found "${part.file}", expected a trace of the run, ${known}`;
        return [{ path: ['load', index, 'rate', place, 'file'], message }];
      }),
    );
    if (untraced.length > 0) throw tell(untraced);
    try {
      return this.#planned(checkpoint, branching(now, scenario, atMs), changed);
    } catch (error) {
      throw error instanceof InvalidScenarioError ? tell(error.problems) : error;
    }
  }

  without(text: string): PlannedBranch {
    const { recorded, command } = this.#decision(text, '--without');
    const { atMs, seq } = recorded;
    const checkpoint = this.#at(atMs - 1);
    const what = `without event ${seq}, ${this.#told(recorded)}`;
    const scenario = this.#standing(checkpoint);
    return this.#planned(checkpoint, { atMs: atMs - 1, submitted: [], withheld: [{ atMs, command }], scenario }, [
      what,
    ]);
  }

  earlier(text: string, byMs: number): PlannedBranch {
    const { recorded, command } = this.#decision(text, '--earlier');
    const { atMs: ownMs, seq, event } = recorded;
    const atMs = ownMs - byMs;
    const firstMs = this.#firstMs();
    if (atMs < firstMs)
      throw this.#refusal(
        `--earlier: found ${byMs / 1_000}s before event ${seq}, expected at most ${(ownMs - firstMs) / 1_000}s: there the run begins`,
      );
    if (command.type === 'RegisterScalableTarget')
      throw this.#refusal(`--earlier: found event ${seq}, which new bounds have led to, expected one of a policy`);
    const checkpoint = this.#at(atMs);
    const again = repeated(event);
    const trial = goOn(this.#loaded, checkpoint);
    const before = trial.log.length;
    trial.submit(atMs, again);
    trial.step();
    if (trial.log.length === before)
      throw this.#refusal(
        `--earlier: found event ${seq} at ${new Date(atMs).toISOString()}, when the capacity was what it sets already, or bounds forbade it; expected an instant at which it changes something`,
      );
    const scenario = this.#standing(checkpoint);
    const moved = { atMs, submitted: [{ atMs, command: again }], withheld: [{ atMs: ownMs, command }], scenario };
    const what = `event ${seq} ${byMs / 1_000} s earlier, ${this.#told(recorded)}`;
    return this.#planned(checkpoint, moved, [what]);
  }

  #planned(checkpoint: EcsCheckpoint, made: Branching, changed: readonly string[]): PlannedBranch {
    return { checkpoint, branch: { of: this.#digest, changed, ...made }, notes: this.#notes(checkpoint, made) };
  }

  /** CloudWatch has the data of every metric; the run has kept those of what was read. */
  #notes(checkpoint: EcsCheckpoint, made: Branching): readonly string[] {
    const { branches = [] } = this.#loaded;
    const simulation = goOn(this.#loaded, checkpoint);
    sailTo(simulation, made.atMs + 1, [...branches, made]);
    const read = Array.from(simulation.world.cloudwatch.metrics.keys());
    return read
      .filter((metric) => !checkpoint.world.cloudwatch.metrics.has(metric))
      .map((metric) => `nothing has read ${metric} before the branch: what reads it now begins without its past`);
  }

  /** The first instant from which a branch can be made: of a branch, where it was made. */
  #firstMs(): number {
    return this.#loaded.branches?.at(-1)?.atMs ?? this.#loaded.scenario.start;
  }

  #instant(text: string): number {
    const parsed = instant.safeParse(text);
    const { start, duration } = this.#loaded.scenario;
    const [firstMs, endMs] = [this.#firstMs(), start + duration];
    if (parsed.success && parsed.data >= firstMs && parsed.data < endMs) return parsed.data;
    const [from, to] = [firstMs, endMs].map((ms) => new Date(ms).toISOString());
    const why = firstMs === start ? '' : '; it is a branch itself, made at the first of them';
    throw this.#refusal(`--at: found "${text}", expected an instant from ${from} until before ${to}${why}`);
  }

  /** The original after everything that happened at an instant: from the newest checkpoint before it on. */
  #at(atMs: number): EcsCheckpoint {
    const simulation = goOn(this.#loaded, this.#reader.checkpointAt(atMs) ?? startOf(this.#loaded.scenario));
    sailTo(simulation, atMs, this.#loaded.branches ?? []);
    return simulation.checkpoint();
  }

  #standing({ world, atMs }: EcsCheckpoint) {
    const last = this.#loaded.branches?.at(-1);
    return standing(last?.scenario ?? this.#loaded.scenario, world, atMs, last?.atMs);
  }

  /** An event that a decision of scaling has led to, and what had it decided. */
  #decision(text: string, option: string): { readonly recorded: ScalingDecision; readonly command: Command } {
    const seq = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(seq < this.#reader.length))
      throw this.#refusal(`${option}: found event ${text}, expected a number from 0 to ${this.#reader.length - 1}`);
    const recorded = this.#reader.event(seq);
    const { atMs, event } = recorded;
    const expected = `expected a decision of scaling, ${SCALING_DECISIONS.join(', ')}: seatrial export ${this.#path} --type ${SCALING_DECISIONS.join(' ')} lists them`;
    if (!isDecision(recorded)) throw this.#refusal(`${option}: found event ${seq}, ${event.type}, ${expected}`);
    if (atMs <= this.#firstMs())
      throw this.#refusal(`${option}: found event ${seq} at the first instant, expected one after it`);
    const simulation = goOn(this.#loaded, this.#at(atMs - 1));
    // What a branch asks for at that instant is asked for when the run leaves it.
    for (const { atMs: madeMs, submitted } of this.#loaded.branches ?? [])
      if (madeMs === atMs - 1) for (const due of submitted) simulation.submit(due.atMs, due.command);
    let command = simulation.next?.command;
    while (simulation.log.length <= seq) {
      command = simulation.next?.command;
      simulation.step();
    }
    if (command === undefined || !ASKED_FOR_ONCE.includes(command.type))
      throw this.#refusal(
        `${option}: found event ${seq}, which ${command?.type === 'RunScheduledAction' ? 'a scheduled action' : 'a forecast'} has led to, expected one of an alarm: --set changes the action or the policy`,
      );
    return { recorded, command };
  }

  #told(recorded: Recorded<Event>): string {
    return describeIn(this.#at(recorded.atMs).world, recorded);
  }

  #refusal(message: string): InputError {
    return new InputError([{ file: this.#path, message }]);
  }
}

/** The same decision for another instant: capacities are those that are there then. */
function repeated(event: ScalingDecision['event']): Command {
  switch (event.type) {
    case 'ScalingActivityStarted': {
      const { resourceId, policyKey, alarmName, toCapacity, metricValues, wantedCapacity } = event;
      const by = {
        ...(policyKey === undefined ? {} : { policyKey }),
        ...(alarmName === undefined ? {} : { alarmName }),
      };
      return { type: 'StartScalingActivity', resourceId, ...by, toCapacity, metricValues, wantedCapacity };
    }
    case 'GroupScaled': {
      const { policyKey, alarmName, to, metricValues, wantedCapacity } = event;
      return { type: 'ScaleGroup', policyKey, alarmName, to, metricValues, wantedCapacity };
    }
    case 'CapacityProviderScaled': {
      const { capacityProvider, reservationPercent, to } = event;
      return { type: 'SizeCapacityProvider', capacityProvider, reservationPercent, to };
    }
  }
}
