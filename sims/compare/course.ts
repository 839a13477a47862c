/**
 * Where two runs part: the first thing that one did and the other did not. Compared is what happens to tasks, instances, targets
 * and requests, and what scaling does; not what only watches (alarms, metrics, policies as they are put), which differs from the
 * start between two policies. Setting the scene, at the first instant, is no parting either.
 */

import { MINUTE, simulate, type Event, type EcsSimulation, type Recorded } from '../../core/index.ts';
import { hashText } from '../../core/kernel/index.ts';
import type { LoadedScenario } from '../input/scenarioFile.ts';
import { describeIn } from '../report/describe.ts';
import type { Parting } from './jobs.ts';

const WATCHING: ReadonlySet<Event['type']> = new Set<Event['type']>([
  'MetricAlarmPut',
  'AlarmDeleted',
  'AlarmActionsSet',
  'AlarmStateChanged',
  'AlarmActionsRepeated',
  'CompositeAlarmPut',
  'CompositeAlarmStateChanged',
  'AlarmActionsSuppressed',
  'AlarmActionsExtended',
  'SuppressedAlarmActionsRun',
  'CustomMetricStarted',
  'CustomMetricPublished',
  'MetricDataPublished',
  'MetricValuesPut',
  'MetricsKept',
  'ScalableTargetRegistered',
  'ScalableTargetDeregistered',
  'ScalableTargetBoundsChanged',
  'ScalingPolicyPut',
  'ScalingPolicyDeleted',
  'ScalingActivityNotScaled',
  'ScalingActivityCompleted',
  'ScheduledActionPut',
  'ScheduledActionDeleted',
  'ForecastRefreshed',
  'ForecastApplied',
]);

function isAct({ event, atMs }: Recorded<Event>, startMs: number): boolean {
  return atMs > startMs && !WATCHING.has(event.type);
}

/** Fingerprints of what happened until the end of each minute. */
export class Course {
  readonly #startMs: number;
  readonly #minutes: Uint32Array;
  #last = 0;
  #hash = 0;

  constructor(startMs: number, durationMs: number) {
    this.#startMs = startMs;
    this.#minutes = new Uint32Array(Math.ceil(durationMs / MINUTE));
  }

  take(recorded: Recorded<Event>): void {
    if (!isAct(recorded, this.#startMs)) return;
    const minute = minuteOf(recorded.atMs, this.#startMs);
    if (minute > this.#last) this.#minutes.fill(this.#hash, this.#last, minute);
    this.#last = minute;
    this.#hash = hashText(`${recorded.atMs} ${JSON.stringify(recorded.event)}`, this.#hash);
  }

  end(): Uint32Array {
    return this.#minutes.fill(this.#hash, this.#last);
  }
}

/** What happens at a full minute belongs to the minute that ends then. */
function minuteOf(atMs: number, startMs: number): number {
  return Math.ceil((atMs - startMs) / MINUTE) - 1;
}

/** The first minute of two courses in which something else happened; undefined when there is none. */
export function partingMinute(first: Uint32Array, second: Uint32Array): number | undefined {
  const minute = first.findIndex((hash, index) => hash !== second[index]);
  return minute === -1 ? undefined : minute;
}

/** What happened first in a minute of one of two runs and not in the other. */
export function partingIn(pair: readonly [LoadedScenario, LoadedScenario], minute: number): Parting {
  const [first, second] = pair.map((loaded) => actsIn(loaded, minute)) as [Acts, Acts];
  let place = 0;
  while (first.texts[place] !== undefined && first.texts[place] === second.texts[place]) place++;
  const acts = [first, second].map(({ acts: all }) => all[place]);
  // Of two different things the earlier one parts them; the other has done nothing until then.
  const atMs = Math.min(...acts.flatMap((act) => act?.atMs ?? []));
  const tell = ({ simulation }: Acts, act: Recorded<Event> | undefined) =>
    act === undefined || act.atMs > atMs ? undefined : describeIn(simulation.world, act);
  return { kind: 'part', atMs, what: [tell(first, acts[0]), tell(second, acts[1])] };
}

interface Acts {
  readonly simulation: EcsSimulation;
  readonly acts: readonly Recorded<Event>[];
  readonly texts: readonly string[];
}

function actsIn({ scenario, traces, jobs }: LoadedScenario, minute: number): Acts {
  const simulation = simulate(scenario, { traces, jobs, keepSegments: 1 });
  const acts: Recorded<Event>[] = [];
  simulation.events.all.subscribe((recorded) => {
    if (isAct(recorded, scenario.start) && minuteOf(recorded.atMs, scenario.start) === minute) acts.push(recorded);
  });
  simulation.runUntil(scenario.start + (minute + 1) * MINUTE);
  return { simulation, acts, texts: acts.map(({ atMs, event }) => `${atMs} ${JSON.stringify(event)}`) };
}
