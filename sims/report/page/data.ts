/** What a report page carries of a run, besides columns of numbers: names, texts, and how the columns are to be read. */

import type { Told } from '../../compare/told.ts';
import type { RunSummary } from '../summary.ts';

/** States of a task, by number: in the words of the ECS console, and whether its target answers. */
export const taskStates = [
  'PROVISIONING',
  'PENDING',
  'ACTIVATING',
  'RUNNING, not healthy yet',
  'RUNNING',
  'RUNNING, unhealthy',
  'DEACTIVATING',
  'STOPPING',
  'DEPROVISIONING',
  'STOPPED',
] as const;
export type TaskState = (typeof taskStates)[number];

/** States of an instance, by number: from its launch to its end, as group and cluster see it. */
export const instanceStates = [
  'booting',
  'in the warm pool',
  'joining the cluster',
  'ACTIVE',
  'agent disconnected',
  'DRAINING',
  'terminating',
  'terminated',
] as const;
export type InstanceState = (typeof instanceStates)[number];

export const alarmStates = ['OK', 'ALARM', 'INSUFFICIENT_DATA'] as const;

/** A line across a plot: a target, or the threshold of an alarm. */
export interface Limit {
  readonly of: 'cpu' | 'memory';
  readonly value: number;
  readonly label: string;
  readonly isTarget: boolean;
}

export interface PageService {
  readonly name: string;
  /** Requests or messages come to it. */
  readonly hasLoad: boolean;
  readonly hasQueue: boolean;
  readonly limits: readonly Limit[];
}

export interface PageAlarm {
  readonly title: string;
  /** What it waits for: `3 of 3 periods of 1m above 60`. */
  readonly rule: string;
  readonly threshold?: number;
  readonly evaluationPeriods: number;
  readonly periodMs: number;
  /** When it was put, and deleted; one that stays ends with the run. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stretch of time: a fault, or a deployment. One that is open ends with the run. */
export interface PageSpan {
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly outcome: 'done' | 'failed' | 'open';
}

/** Times are milliseconds since the start of the run. */
export interface PageRun {
  /** What the run is called on the page. */
  readonly label: string;
  readonly summary: RunSummary;
  readonly startMs: number;
  readonly durationMs: number;
  /** Length of time that one value of a series stands for. */
  readonly pointMs: number;
  /** Length of time of the finest value there was. */
  readonly stepMs: number;
  readonly services: readonly PageService[];
  readonly providers: readonly string[];
  readonly zones: readonly string[];
  readonly instanceTypes: readonly string[];
  readonly taskDefinitions: readonly { readonly name: string; readonly cpuUnits: number; readonly memoryMiB: number }[];
  readonly instanceNames: readonly string[];
  readonly taskNames: readonly string[];
  readonly alarms: readonly PageAlarm[];
  readonly faults: readonly PageSpan[];
  readonly deployments: readonly PageSpan[];
  readonly eventTypes: readonly string[];
  readonly eventTexts: readonly string[];
  /** What the page had to leave out of the log, in sentences. */
  readonly leftOut: readonly string[];
}

/** What `compare` wrote. */
export interface PageComparison extends Told {
  /** Why the page has no plots of it, in a sentence. */
  readonly withoutRuns?: string;
}

/** The JSON that stands before the columns. */
export interface PageData {
  readonly comparison?: PageComparison;
  /** One, or two side by side; of a comparison, none where their directories are not there. */
  readonly runs: readonly PageRun[];
  /** Of each run, its columns. */
  readonly headers: readonly (readonly (readonly [name: string, decimals: number, length: number])[])[];
  /** Of each run, how many bytes its columns take. */
  readonly lengths: readonly number[];
}

/** What the page is about, in a few words. */
export function titleOf(runs: readonly PageRun[], comparison: PageComparison | undefined): string {
  if (comparison === undefined) return listed([...new Set(runs.map(({ summary }) => summary.scenario))]);
  const own = comparison.scenarios.filter(({ reference }) => reference === undefined).map(({ name }) => name);
  if (own.length > 1) return `${listed(own)} compared`;
  return comparison.scenarios.length > 1 ? `${listed(own)} and its references` : listed(own);
}

/** `a, b and c` */
function listed(names: readonly string[]): string {
  return names.length < 3 ? names.join(' and ') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) as string}`;
}

/** Events that decide how many tasks or instances there are. */
export const decisionTypes: ReadonlySet<string> = new Set([
  'ScalingActivityStarted',
  'CapacityProviderScaled',
  'GroupScaled',
  'ScheduledActionTriggered',
]);
