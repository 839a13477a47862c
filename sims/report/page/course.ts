/** The course of a run: what was asked of each service and of the cluster, point by point of time. */

import {
  DAY,
  HOUR,
  latencyLevels,
  MINUTE,
  SECOND,
  type Event,
  type MetricAlarm,
  type Recorded,
} from '../../../core/index.ts';
import type { ColumnPacker } from './columns.ts';
import type { Fleet } from './fleet.ts';

/** Points of a series, and points of all services together: a month by the minute is 43,200. */
const MOST_POINTS = 53_000;
const MOST_SERVICE_POINTS = 400_000;
const LENGTHS = [1, 2, 5, 10, 20, 30]
  .map((seconds) => seconds * SECOND)
  .concat(
    [1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
    [1, 2, 6, 12].map((hours) => hours * HOUR),
    DAY,
  );

/** The shortest length of time at which a run is told in as many points as a page takes. */
export function pointLength(durationMs: number, stepMs: number, services: number): number {
  const most = Math.min(MOST_POINTS, Math.floor(MOST_SERVICE_POINTS / Math.max(1, services)));
  return (
    LENGTHS.find((ms) => ms >= stepMs && ms % stepMs === 0 && durationMs / ms <= most) ??
    stepMs * Math.ceil(durationMs / stepMs / most)
  );
}

type LoadServed = Extract<Event, { type: 'LoadServed' }>;

/** How the steps within a point become one value, and with how many decimals it is kept. */
type Form = readonly [combine: 'sum' | 'most' | 'last' | 'mean', decimals: number];

const forms = {
  offered: ['sum', 0],
  peakRps: ['most', 2],
  timedOut: ['sum', 0],
  rejected: ['sum', 0],
  unserved: ['sum', 0],
  lost: ['sum', 0],
  desired: ['last', 0],
  running: ['last', 0],
  pending: ['most', 0],
  healthy: ['last', 0],
  cpu: ['mean', 1],
  cpuMost: ['most', 1],
  memory: ['mean', 1],
  p50Ms: ['most', 0],
  p95Ms: ['most', 0],
  p99Ms: ['most', 0],
  backlog: ['most', 0],
  oldestMs: ['most', 0],
} as const satisfies Readonly<Record<string, Form>>;
export type CourseColumn = keyof typeof forms;

/** What a metric came to, point by point: as many values as its period has in a point. */
interface Watched {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
}

export class Course {
  readonly pointMs: number;
  readonly points: number;
  readonly #startMs: number;
  readonly #fleet: Fleet;
  readonly #services: (Map<CourseColumn, Float64Array> | undefined)[] = [];
  readonly #desired: number[] = [];
  readonly #weights: Float64Array[] = [];
  readonly #providers: Float64Array[] = [];
  readonly #reservedCpu: Float64Array;
  readonly #reservedMemory: Float64Array;
  /** Metrics that alarms look at: by key and statistic. */
  readonly #watched = new Map<string, { readonly statistic: string; readonly column: number }[]>();
  readonly #values: Watched[] = [];
  readonly #alarmColumns = new Map<string, number>();

  constructor(fleet: Fleet, startMs: number, durationMs: number, pointMs: number) {
    this.#fleet = fleet;
    this.#startMs = startMs;
    this.pointMs = pointMs;
    this.points = Math.max(1, Math.ceil(durationMs / pointMs));
    this.#reservedCpu = this.#column();
    this.#reservedMemory = this.#column();
  }

  hasLoad(service: number): boolean {
    return this.#services[service]?.has('offered') === true;
  }

  hasQueue(service: number): boolean {
    return this.#services[service]?.has('backlog') === true;
  }

  on({ atMs, event }: Recorded<Event>): void {
    switch (event.type) {
      case 'ServiceCreated':
        this.#desired[this.#fleet.services.indexOf(event.config.serviceName)] = event.config.desiredCount ?? Number.NaN;
        return;
      case 'ServiceUpdated':
        this.#desired[this.#fleet.services.indexOf(event.serviceName)] = event.to;
        return;
      case 'LoadServed':
        this.#serve(event);
        return;
      case 'MessagesServed': {
        const service = this.#fleet.services.indexOf(event.serviceName);
        const point = this.#pointBefore(atMs);
        this.#take(service, 'backlog', point, event.visible, 0);
        this.#take(service, 'oldestMs', point, event.oldestMs, 0);
        return;
      }
      case 'MetricAlarmPut':
        this.#watch(event.alarm);
        return;
      case 'MetricDataPublished':
        for (const [row, metric] of event.metrics.entries())
          for (const { statistic, column } of this.#watched.get(metric) ?? []) {
            const value = {
              Average: (event.sums[row] as number) / Math.max(1, event.sampleCounts[row] as number),
              Sum: event.sums[row],
              Minimum: event.minimums[row],
              Maximum: event.maximums[row],
              SampleCount: event.sampleCounts[row],
            }[statistic];
            if (value !== undefined && event.sampleCounts[row] !== 0) this.#note(column, event.periodStartMs, value);
          }
        return;
      case 'CustomMetricPublished':
        if (event.value === undefined) return;
        for (const { column } of this.#watched.get(event.metric) ?? [])
          this.#note(column, this.#startMs + this.#pointBefore(atMs) * this.pointMs, event.value);
        return;
      default:
    }
  }

  pack(columns: ColumnPacker, alarmNames: readonly string[]): void {
    for (const service of this.#fleet.services.all.keys())
      for (const [name, values] of this.#services[service] ?? [])
        columns.add(`service.${service}.${name}`, this.#finished(service, name, values), forms[name][1]);
    for (const [provider, values] of this.#providers.entries()) columns.add(`provider.${provider}`, values);
    columns.add('cluster.cpuReserved', this.#reservedCpu, 1);
    columns.add('cluster.memoryReserved', this.#reservedMemory, 1);
    for (const [index, name] of alarmNames.entries()) {
      const column = this.#values[this.#alarmColumns.get(name) ?? -1];
      if (column === undefined) continue;
      const values = column.sums.map((sum, point) => sum / (column.counts[point] as number));
      columns.add(`alarm.${index}`, values, 2);
    }
  }

  /** Sums become means where they are meant to be. */
  #finished(service: number, name: CourseColumn, values: Float64Array): Float64Array {
    const weights = this.#weights[service];
    if (forms[name][0] !== 'mean' || weights === undefined) return values;
    return values.map((value, point) => (weights[point] === 0 ? Number.NaN : value / (weights[point] as number)));
  }

  #serve(event: LoadServed): void {
    const { fromMs, toMs } = event;
    const point = Math.min(this.points - 1, Math.floor((fromMs - this.#startMs) / this.pointMs));
    const ms = toMs - fromMs;
    for (const [row, name] of event.services.entries()) {
      const service = this.#fleet.services.indexOf(name);
      const take = (column: CourseColumn, value: number) => this.#take(service, column, point, value, ms);
      const at = (column: readonly number[]) => column[row] as number;
      const weights = (this.#weights[service] ??= this.#column(0));
      weights[point] = (weights[point] as number) + ms;
      take('offered', at(event.offered));
      take('peakRps', (at(event.offered) * SECOND) / ms);
      take('timedOut', at(event.timedOut));
      take('rejected', at(event.rejected));
      take('unserved', at(event.unserved));
      take('lost', at(event.lost));
      take('healthy', at(event.healthyTargets));
      take('cpu', at(event.cpuPercent));
      take('cpuMost', at(event.cpuPercent));
      take('memory', at(event.memoryPercent));
      if (at(event.served) === 0) continue;
      const quantileMs = (level: 0.5 | 0.95 | 0.99) =>
        event.quantilesMs[row * latencyLevels.length + latencyLevels.indexOf(level)] as number;
      take('p50Ms', quantileMs(0.5));
      take('p95Ms', quantileMs(0.95));
      take('p99Ms', quantileMs(0.99));
    }
    this.#look(point);
  }

  /** What the fleet is at the end of a step. */
  #look(point: number): void {
    const { counts, services } = this.#fleet;
    for (const service of services.all.keys()) {
      const running = counts.running[service] ?? 0;
      const desired = this.#desired[service] ?? Number.NaN;
      this.#take(service, 'running', point, running, 0);
      this.#take(service, 'pending', point, counts.pending[service] ?? 0, 0);
      // A daemon desires what its instances ask for.
      this.#take(service, 'desired', point, Number.isNaN(desired) ? running : desired, 0);
    }
    for (const [provider, count] of counts.byProvider.entries())
      (this.#providers[provider] ??= this.#column(0))[point] = count ?? 0;
    const { reservedCpu, reservedMemory, registeredCpu, registeredMemory } = counts;
    if (registeredCpu > 0) this.#reservedCpu[point] = (100 * reservedCpu) / registeredCpu;
    if (registeredMemory > 0) this.#reservedMemory[point] = (100 * reservedMemory) / registeredMemory;
  }

  #take(service: number, name: CourseColumn, point: number, value: number, weight: number): void {
    const columns = (this.#services[service] ??= new Map<CourseColumn, Float64Array>());
    let column = columns.get(name);
    const [combine] = forms[name];
    if (column === undefined)
      columns.set(name, (column = this.#column(combine === 'sum' || combine === 'mean' ? 0 : Number.NaN)));
    const before = column[point] as number;
    if (combine === 'sum') column[point] = before + value;
    else if (combine === 'mean') column[point] = before + value * weight;
    else if (combine === 'last' || Number.isNaN(before) || value > before) column[point] = value;
  }

  /** Of an alarm over one metric; what expressions come to, only the alarm's own events tell. */
  #watch({ alarmName, request }: MetricAlarm): void {
    const [query] = request;
    if (query === undefined || request.length > 1 || !('metric' in query)) return;
    const { statistic } = query;
    const watched = this.#watched.get(query.metric) ?? [];
    this.#watched.set(query.metric, watched);
    let column = watched.find((known) => known.statistic === statistic)?.column;
    if (column === undefined) {
      column = this.#values.push({ sums: this.#column(0), counts: this.#column(0) }) - 1;
      watched.push({ statistic, column });
    }
    this.#alarmColumns.set(alarmName, column);
  }

  #note(column: number, startMs: number, value: number): void {
    const point = Math.floor((startMs - this.#startMs) / this.pointMs);
    const { sums, counts } = this.#values[column] as Watched;
    if (point < 0 || point >= this.points) return;
    sums[point] = (sums[point] as number) + value;
    counts[point] = (counts[point] as number) + 1;
  }

  /** The step that ends now. */
  #pointBefore(atMs: number): number {
    return Math.min(this.points - 1, Math.max(0, Math.floor((atMs - 1 - this.#startMs) / this.pointMs)));
  }

  #column(fill = Number.NaN): Float64Array {
    return new Float64Array(this.points).fill(fill);
  }
}
