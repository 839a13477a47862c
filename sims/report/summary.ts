/** What a run comes to, as plain data: printed, written beside the log, and given by `--json`. */

import type {
  CostReport,
  FailureReport,
  QueueReport,
  ScalingReport,
  ServiceLevelReport,
  SeriesReport,
  UtilizationReport,
} from '../../core/index.ts';

/** One service of a run. */
export interface ServiceSummary {
  readonly serviceName: string;
  readonly serviceLevel: ServiceLevelReport;
  readonly utilization: UtilizationReport;
  readonly scaling: ScalingReport;
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
  readonly cost: CostReport;
  /** Oldest first. */
  readonly failures: readonly FailureReport[];
  readonly moments: readonly Moment[];
}

/** What the plots are drawn from, by service name; not part of the JSON. */
export type RunSeries = ReadonlyMap<string, SeriesReport>;
