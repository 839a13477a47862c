/** What the processes of a comparison tell each other: plain data that can be cloned. */

import type { InputProblem } from '../input/inputError.ts';
import type { LoadedScenario } from '../input/scenarioFile.ts';
import type { RunScores } from '../report/scores.ts';
import type { Reference } from './references.ts';

/** One scenario of a comparison, or a reference policy for one. */
export interface Contestant {
  readonly loaded: LoadedScenario;
  /** Not the scenario's own policies, but these. */
  readonly reference?: Reference;
}

/** What every worker is given once. */
export interface WorkerData {
  readonly contestants: readonly Contestant[];
  readonly engineVersion: string;
  /** How far each job is, 0 to 1, by its number; shared by all. */
  readonly progress: SharedArrayBuffer;
  /** One flag: stop after this hop; shared by all. */
  readonly stop: SharedArrayBuffer;
}

export type Job =
  | {
      readonly kind: 'run';
      readonly number: number;
      readonly contestant: number;
      readonly seed: number;
      /** Whether to tell what happened in each minute, as fingerprints. */
      readonly withCourse: boolean;
      /** Where to write the run. */
      readonly out?: string;
    }
  | {
      readonly kind: 'part';
      readonly number: number;
      readonly contestants: readonly [number, number];
      readonly seed: number;
      /** The first minute in which they differ, counted from the start. */
      readonly minute: number;
    };

export interface RunResult {
  readonly kind: 'run';
  readonly digest: string;
  readonly events: number;
  readonly complete: boolean;
  readonly scores: RunScores;
  /** By minute. */
  readonly course?: Uint32Array;
}

/** What each of two did where they part: an event, or nothing until then. */
export interface Parting {
  readonly kind: 'part';
  readonly atMs: number;
  readonly what: readonly [string | undefined, string | undefined];
}

/** What the disk refuses is told by the process that the user sees. */
export interface Refused {
  readonly kind: 'refused';
  readonly problems: readonly InputProblem[];
}

export type JobResult = RunResult | Parting | Refused;
