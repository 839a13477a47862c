/** What a run comes to, as plain data: printed, written beside the log, and given by `--json`. */

import type {
  ChurnReport,
  CostReport,
  ElasticityReport,
  FailureReport,
  JobQueueReport,
  PlacementReport,
  QueueReport,
  ScalingReport,
  ServiceLevelReport,
  SeriesReport,
  UtilizationReport,
} from '../../core/index.ts';
import type { Packing } from './packing.ts';
import type { RunScores } from './scores.ts';

/** One service of a run. */
export interface ServiceSummary {
  readonly serviceName: string;
  readonly serviceLevel: ServiceLevelReport;
  readonly utilization: UtilizationReport;
  readonly scaling: ScalingReport;
  readonly churn: ChurnReport;
  /** Of a service with a load. */
  readonly elasticity?: ElasticityReport;
  /** Of a service whose tasks take messages from a queue. */
  readonly queue?: QueueReport;
}

/** A telling event: when, what, and why in one line. */
export interface Moment {
  readonly seq: number;
  readonly atMs: number;
  readonly what: string;
  /** Its chain of causes, nearest first. */
  readonly because: readonly string[];
}

export interface RunSummary {
  readonly engine: { readonly name: 'seatrial'; readonly version: string };
  readonly scenario: string;
  readonly teaches?: string;
  readonly seed: number;
  /** Sixteen hexadecimal digits over every event of the run. */
  readonly digest: string;
  readonly events: number;
  /** ISO instants. */
  readonly from: string;
  readonly to: string;
  /** False when the run was stopped before its end. */
  readonly complete: boolean;
  /** What was inferred or assumed about the input, in sentences. */
  readonly notes: readonly string[];
  readonly services: readonly ServiceSummary[];
  /** Of each queue of jobs. */
  readonly jobs: readonly JobQueueReport[];
  readonly cost: CostReport;
  readonly placement: PlacementReport;
  /** Of each capacity provider with instances, at the end. */
  readonly packing: readonly Packing[];
  /** What it is judged by, by name: sims/report/SCORES.md. */
  readonly scores: RunScores;
  /** Oldest first. */
  readonly failures: readonly FailureReport[];
  readonly moments: readonly Moment[];
}

/** What the plots are drawn from, by service name; not part of the JSON. */
export type RunSeries = ReadonlyMap<string, SeriesReport>;
