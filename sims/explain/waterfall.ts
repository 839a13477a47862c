/**
 * Where the seconds of a scale-out go, from the rise of the load to the first request that a new task serves. Each step ends
 * where the next one begins, so that they add up.
 */

import {
  comparisonOperators,
  createModel,
  HOUR,
  pullSeconds,
  SECOND,
  serviceNameOf,
  startOf,
  thaw,
  type Event,
  type Millis,
  type Recorded,
  type Scenario,
  type World,
} from '../../core/index.ts';
import { formatNoun } from '../report/format.ts';
import { publicationMs } from './alarmView.ts';

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;
type RecordedOf<T extends Event['type']> = Recorded<EventOf<T>>;

export interface WaterfallStep {
  readonly what: string;
  readonly fromMs: Millis;
  readonly toMs: Millis;
  /** The event that ends it; absent where the log has none, such as the instant at which a datapoint can be read. */
  readonly event?: number;
}

/** The way of one new task. */
export interface TaskWaterfall {
  readonly task: string;
  readonly totalMs: Millis;
  readonly steps: readonly WaterfallStep[];
}

export interface Waterfall {
  readonly service: string;
  /** The ScalingActivityStarted. */
  readonly event: number;
  readonly fromCapacity: number;
  readonly toCapacity: number;
  readonly startMs: Millis;
  readonly decidedMs: Millis;
  /** Of its new tasks that came to serve, the first and the last; the same when there was one. */
  readonly served: number;
  readonly first: TaskWaterfall;
  readonly last: TaskWaterfall;
}

/** All scale-outs of a run after which a new task came to serve, in the order of their decisions. */
export function waterfallsOf(scenario: Scenario, events: Iterable<Recorded<Event>>): readonly Waterfall[] {
  const world = thaw(startOf(scenario).world) as World;
  const { evolve } = createModel();
  const collector = new Collector(world);
  for (const recorded of events) {
    collector.hear(recorded);
    (evolve[recorded.event.type] as (world: World, event: Event, atMs: Millis) => void)(
      world,
      recorded.event,
      recorded.atMs,
    );
  }
  return collector.finished();
}

/** Steps one after the other: what is over before the one before it takes no time. */
class Steps {
  readonly #steps: WaterfallStep[];
  #atMs: Millis;

  constructor(startMs: Millis, before: readonly WaterfallStep[] = []) {
    this.#steps = [...before];
    this.#atMs = before.at(-1)?.toMs ?? startMs;
  }

  /** @param toMs  undefined: there was no such step */
  add(what: string, toMs: Millis | undefined, event?: number): this {
    if (toMs === undefined) return this;
    const endMs = Math.max(this.#atMs, toMs);
    this.#steps.push({ what, fromMs: this.#atMs, toMs: endMs, ...(event === undefined ? {} : { event }) });
    this.#atMs = endMs;
    return this;
  }

  get list(): readonly WaterfallStep[] {
    return this.#steps;
  }
}

/** A task that a scale-out has started. */
interface Track {
  readonly created: RecordedOf<'TaskCreated'>;
  waiting?: RecordedOf<'TaskWaiting'>;
  placed?: RecordedOf<'TaskPlaced'>;
  admitted?: RecordedOf<'TaskAdmitted'>;
  /** When its images are there. */
  pulledAtMs?: Millis;
  started?: RecordedOf<'TaskActivating' | 'TaskRunning'>;
  registered?: RecordedOf<'TargetRegistered'>;
  /** From here on it gets requests. */
  ready?: RecordedOf<'TaskRunning' | 'TargetHealthy'>;
  /** With which step of the traffic it has served. */
  served?: { readonly seq: number; readonly atMs: Millis };
}

interface Episode {
  readonly decision: RecordedOf<'ScalingActivityStarted'>;
  /** Until the decision. */
  readonly steps: readonly WaterfallStep[];
  readonly startMs: Millis;
  /** The decision, and what of the scheduler's followed from it. */
  readonly seqs: Set<number>;
  readonly tracks: Map<string, Track>;
}

/** How an instance came into the cluster. */
interface Arrival {
  launched: RecordedOf<'InstanceLaunched' | 'WarmInstanceStarted'>;
  scaled?: Scaled | undefined;
  inService?: RecordedOf<'InstanceInService'>;
  registered?: RecordedOf<'ContainerInstanceRegistered'>;
  activated?: RecordedOf<'ContainerInstanceActivated'>;
}

/** A change by managed scaling, and the alarm that called for it. */
interface Scaled {
  readonly recorded: RecordedOf<'CapacityProviderScaled'>;
  readonly alarm: RecordedOf<'AlarmStateChanged'> | undefined;
}

/** Frames of metrics that are held: more than any alarm of services looks back. */
const FRAMES = 1_500;

class Collector {
  /** As it is just before the event that is heard. */
  readonly #world: World;
  readonly #done: Waterfall[] = [];
  readonly #open: Episode[] = [];
  /** By alarm: since when it is in ALARM, and the last scale-out that it brought about meanwhile. */
  readonly #alarms = new Map<string, { readonly changed: RecordedOf<'AlarmStateChanged'>; answeredMs?: Millis }>();
  readonly #frames: { readonly endMs: Millis; readonly seq: number }[] = [];
  /** By group: the newest change by managed scaling. */
  readonly #scaled = new Map<string, Scaled>();
  readonly #arrivals = new Map<string, Arrival>();
  /** By task: the episode it is part of. */
  readonly #episodeOf = new Map<string, Episode>();

  constructor(world: World) {
    this.#world = world;
  }

  hear(recorded: Recorded<Event>): void {
    const { event, seq, atMs } = recorded;
    const as = <T extends Event['type']>() => recorded as RecordedOf<T>;
    switch (event.type) {
      case 'MetricDataPublished':
        this.#frames.push({ endMs: event.periodStartMs + event.periodMs, seq });
        if (this.#frames.length > 2 * FRAMES) this.#frames.splice(0, FRAMES);
        return;
      case 'AlarmStateChanged':
        if (event.to === 'ALARM') this.#alarms.set(event.alarmName, { changed: as<'AlarmStateChanged'>() });
        else this.#alarms.delete(event.alarmName);
        return;
      case 'ScalingActivityStarted':
        if (event.toCapacity > event.fromCapacity) this.#begin(as<'ScalingActivityStarted'>());
        return;
      case 'ServiceUpdated':
      case 'ServiceTasksStarting':
      case 'ServiceTaskPlacementFailed':
        for (const { seqs } of this.#open) if (seqs.has(recorded.causedBy)) seqs.add(seq);
        return;
      case 'TaskCreated': {
        const episode = this.#open.find(({ seqs }) => seqs.has(recorded.causedBy));
        if (episode === undefined) return;
        episode.tracks.set(event.taskId, { created: as<'TaskCreated'>() });
        this.#episodeOf.set(event.taskId, episode);
        return;
      }
      case 'TaskWaiting':
        this.#track(event.taskId, (track) => (track.waiting = as<'TaskWaiting'>()));
        return;
      case 'TaskPlaced':
        this.#track(event.taskId, (track) => {
          track.placed = as<'TaskPlaced'>();
          this.#notePull(track, event);
        });
        return;
      case 'TaskAdmitted':
        this.#track(event.taskId, (track) => {
          track.admitted = as<'TaskAdmitted'>();
          this.#notePull(track, event);
        });
        return;
      case 'TaskActivating':
        this.#track(event.taskId, (track) => (track.started ??= as<'TaskActivating'>()));
        return;
      case 'TaskRunning':
        this.#track(event.taskId, (track) => {
          track.started ??= as<'TaskRunning'>();
          const { loadBalancers = [] } = this.#world.ecs.services.get(event.serviceName)?.config ?? {};
          if (loadBalancers.length === 0) track.ready ??= as<'TaskRunning'>();
        });
        return;
      case 'TargetRegistered':
        this.#track(event.targetId, (track) => (track.registered ??= as<'TargetRegistered'>()));
        return;
      case 'TargetHealthy':
        this.#track(event.targetId, (track) => (track.ready ??= as<'TargetHealthy'>()));
        return;
      case 'TaskStopped': {
        // One that has never served takes its waterfall with it.
        const tracks = this.#episodeOf.get(event.taskId)?.tracks;
        if (tracks?.get(event.taskId)?.ready === undefined) tracks?.delete(event.taskId);
        this.#episodeOf.delete(event.taskId);
        return;
      }
      case 'LoadServed':
        for (const episode of this.#open.slice()) {
          const row = event.services.indexOf(serviceNameOf(episode.decision.event.resourceId));
          if ((event.served[row] ?? 0) > 0) this.#onServed(episode, { seq, atMs });
        }
        return;
      case 'CapacityProviderScaled': {
        const provider = this.#world.ecs.capacityProviders.get(event.capacityProvider);
        const alarm = this.#alarms.get(provider?.highAlarm ?? '')?.changed;
        this.#scaled.set(event.autoScalingGroupName, { recorded: as<'CapacityProviderScaled'>(), alarm });
        return;
      }
      case 'InstanceLaunched':
      case 'WarmInstanceStarted':
        this.#arrivals.set(event.instanceId, {
          launched: as<'InstanceLaunched' | 'WarmInstanceStarted'>(),
          scaled: this.#scaled.get(event.autoScalingGroupName),
        });
        return;
      case 'InstanceInService':
        this.#arrival(event.instanceId, (arrival) => (arrival.inService = as<'InstanceInService'>()));
        return;
      case 'ContainerInstanceRegistered':
        this.#arrival(event.ec2InstanceId, (arrival) => (arrival.registered = as<'ContainerInstanceRegistered'>()));
        return;
      case 'ContainerInstanceActivated':
        this.#arrival(event.ec2InstanceId, (arrival) => (arrival.activated ??= as<'ContainerInstanceActivated'>()));
        return;
      case 'InstanceTerminated':
        this.#arrivals.delete(event.instanceId);
        return;
      default:
    }
  }

  finished(): readonly Waterfall[] {
    // Where no request has come any more, the last step is missing.
    for (const episode of this.#open.slice()) this.#finish(episode);
    return this.#done.toSorted((a, b) => a.event - b.event);
  }

  #track(taskId: string, note: (track: Track) => void): void {
    const track = this.#episodeOf.get(taskId)?.tracks.get(taskId);
    if (track !== undefined) note(track);
  }

  #arrival(instanceId: string, note: (arrival: Arrival) => void): void {
    const arrival = this.#arrivals.get(instanceId);
    if (arrival !== undefined) note(arrival);
  }

  /** When the images of a task that has just been placed, or admitted, are there. */
  #notePull(track: Track, { pullStartedAtMs, runningAtMs, taskId }: EventOf<'TaskPlaced' | 'TaskAdmitted'>): void {
    const { ecs } = this.#world;
    const task = ecs.tasks.get(taskId);
    if (task === undefined || pullStartedAtMs === undefined || runningAtMs === undefined) return;
    const instanceId = track.placed?.event.ec2InstanceId;
    const pullS = pullSeconds(ecs, task.taskDefinition, ecs.containerInstances.get(instanceId ?? ''));
    track.pulledAtMs = Math.min(runningAtMs, pullStartedAtMs + Math.round(pullS * SECOND));
  }

  #begin(decision: RecordedOf<'ScalingActivityStarted'>): void {
    const { alarmName } = decision.event;
    const known = alarmName === undefined ? undefined : this.#alarms.get(alarmName);
    const { startMs, steps } = this.#untilDecision(decision, known);
    if (known !== undefined) known.answeredMs = decision.atMs;
    this.#open.push({ decision, steps: steps.list, startMs, seqs: new Set([decision.seq]), tracks: new Map() });
  }

  /** From the rise to the decision; a scheduled one, or a forecast's, begins with itself. */
  #untilDecision(
    { atMs, seq }: RecordedOf<'ScalingActivityStarted'>,
    known: { readonly changed: RecordedOf<'AlarmStateChanged'>; readonly answeredMs?: Millis } | undefined,
  ): { readonly startMs: Millis; readonly steps: Steps } {
    if (known === undefined) return { startMs: atMs, steps: new Steps(atMs) };
    const { changed, answeredMs } = known;
    if (answeredMs !== undefined)
      return {
        startMs: answeredMs,
        steps: new Steps(answeredMs).add('policy: since its last scale-out by this alarm', atMs, seq),
      };
    const { datapointStartsMs, datapoints, threshold, alarmName } = changed.event;
    const config = this.#world.cloudwatch.alarms.get(alarmName)?.config;
    const breaches = comparisonOperators[config?.comparisonOperator ?? 'GreaterThanThreshold'];
    const startMs = datapointStartsMs[datapoints.findIndex((value) => breaches(value, threshold))];
    if (config === undefined || startMs === undefined)
      return { startMs: changed.atMs, steps: new Steps(changed.atMs).add('policy: called by its alarm', atMs, seq) };
    const readableMs = publicationMs(this.#world, config);
    const lastMs = datapointStartsMs.at(-1) as Millis;
    const steps = new Steps(startMs);
    const until = (endMs: Millis) => Math.min(endMs, changed.atMs);
    steps
      .add(
        'load rises within the metric’s period',
        until(startMs + config.periodMs),
        this.#frameEnding(startMs + config.periodMs),
      )
      .add('its datapoint is published', until(startMs + readableMs));
    if (lastMs > startMs)
      steps.add(
        `${formatNoun(datapoints.length, 'datapoint')}: the last one is published`,
        until(lastMs + readableMs),
        this.#frameEnding(lastMs + config.periodMs),
      );
    steps
      .add('alarm: evaluated, goes to ALARM', changed.atMs, changed.seq)
      .add(atMs > changed.atMs ? 'policy: held back, then called again' : 'policy: decides', atMs, seq);
    return { startMs, steps };
  }

  #frameEnding(endMs: Millis): number | undefined {
    return this.#frames.findLast((frame) => frame.endMs === endMs)?.seq;
  }

  /** Ready tasks have served. When none is on its way any more, the scale-out is over. */
  #onServed(episode: Episode, served: { readonly seq: number; readonly atMs: Millis }): void {
    const { decision, tracks } = episode;
    const { fromCapacity, toCapacity } = decision.event;
    let coming = 0;
    for (const track of tracks.values())
      if (track.ready === undefined) coming++;
      else track.served ??= served;
    const isWhole = tracks.size >= toCapacity - fromCapacity || served.atMs > decision.atMs + HOUR;
    if (coming === 0 && isWhole) this.#finish(episode);
  }

  #finish(episode: Episode): void {
    const { decision, tracks, startMs } = episode;
    this.#open.splice(this.#open.indexOf(episode), 1);
    for (const taskId of tracks.keys()) this.#episodeOf.delete(taskId);
    const ready = Array.from(tracks.values())
      .filter((track) => track.ready !== undefined)
      .toSorted((a, b) => (a.ready as Recorded<Event>).seq - (b.ready as Recorded<Event>).seq);
    const [first, last] = [ready[0], ready.at(-1)];
    if (first === undefined || last === undefined) return;
    const { resourceId, fromCapacity, toCapacity } = decision.event;
    this.#done.push({
      service: serviceNameOf(resourceId),
      event: decision.seq,
      fromCapacity,
      toCapacity,
      startMs,
      decidedMs: decision.atMs,
      served: ready.length,
      first: this.#ofTask(episode, first),
      last: this.#ofTask(episode, last),
    });
  }

  #ofTask({ startMs, steps: before }: Episode, track: Track): TaskWaterfall {
    const steps = new Steps(startMs, before);
    this.#untilReady(steps, track);
    if (track.served !== undefined) steps.add('first requests served', track.served.atMs, track.served.seq);
    const list = steps.list.filter(({ fromMs, toMs, event }) => toMs > fromMs || event !== undefined);
    return { task: track.created.event.taskId, totalMs: (list.at(-1)?.toMs ?? startMs) - startMs, steps: list };
  }

  #untilReady(
    steps: Steps,
    { created, waiting, placed, admitted, pulledAtMs, started, registered, ready }: Track,
  ): void {
    steps.add('scheduler: creates the task', created.atMs, created.seq);
    const instanceId = placed?.event.ec2InstanceId;
    if (waiting !== undefined && placed !== undefined && instanceId !== undefined)
      this.#untilRoom(steps, waiting, placed, this.#arrivals.get(instanceId));
    steps.add('placement', placed?.atMs, placed?.seq);
    steps.add('agent: its host has the room', admitted?.atMs, admitted?.seq);
    const pull = admitted ?? placed;
    steps
      .add(
        instanceId === undefined ? 'Fargate: provisions, attaches a network interface' : 'agent: takes the task over',
        pull?.event.pullStartedAtMs,
      )
      .add('image pull', pulledAtMs)
      .add('containers start', started?.atMs, started?.seq)
      .add('load balancer: registers the target', registered?.atMs, registered?.seq)
      .add(ready?.event.type === 'TargetHealthy' ? 'health check passes' : 'task is RUNNING', ready?.atMs, ready?.seq);
  }

  /** What a task waits for that finds no room: managed scaling, and a new instance; or room on one that is there. */
  #untilRoom(
    steps: Steps,
    waiting: RecordedOf<'TaskWaiting'>,
    placed: RecordedOf<'TaskPlaced'>,
    arrival: Arrival | undefined,
  ): void {
    steps.add('no room: the task waits', waiting.atMs, waiting.seq);
    const joined = arrival?.activated ?? arrival?.registered;
    if (arrival === undefined || joined === undefined || joined.atMs < waiting.atMs) {
      steps.add('room comes free on an instance', placed.atMs, placed.seq);
      return;
    }
    const { launched, scaled, inService, registered, activated } = arrival;
    if (launched.atMs >= waiting.atMs && scaled !== undefined && scaled.recorded.atMs >= waiting.atMs)
      this.#untilScaled(steps, scaled, waiting.atMs);
    if (launched.atMs >= waiting.atMs) steps.add('group: launches the instance', launched.atMs, launched.seq);
    else steps.add('an instance is on its way already', Math.min(waiting.atMs, joined.atMs), launched.seq);
    steps
      .add('instance: starts', inService?.atMs, inService?.seq)
      .add('instance: boots, its agent registers', registered?.atMs, registered?.seq)
      .add('instance: becomes ACTIVE', activated?.atMs, activated?.seq);
  }

  /** @param fromMs  an alarm that was in ALARM before had only to call again */
  #untilScaled(steps: Steps, { recorded, alarm }: Scaled, fromMs: Millis): void {
    const config = this.#world.cloudwatch.alarms.get(alarm?.event.alarmName ?? '')?.config;
    const startMs = alarm?.event.datapointStartsMs.at(-1);
    if (alarm === undefined || config === undefined || startMs === undefined || alarm.atMs < fromMs) {
      steps.add('managed scaling: called again, asks for instances', recorded.atMs, recorded.seq);
      return;
    }
    const endMs = startMs + config.periodMs;
    steps
      .add('CapacityProviderReservation’s period', Math.min(endMs, alarm.atMs), this.#frameEnding(endMs))
      .add('its datapoint is published', Math.min(startMs + publicationMs(this.#world, config), alarm.atMs))
      .add('managed scaling’s alarm goes to ALARM', alarm.atMs, alarm.seq)
      .add('managed scaling: asks for instances', recorded.atMs, recorded.seq);
  }
}
