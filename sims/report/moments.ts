/**
 * The few events of a run that tell most about it. They are picked while the run goes on: of each kind only the best is
 * held, with its chain of causes, which is read from the log at once, for the log may forget it later.
 */

import {
  desiredInstances,
  MINUTE,
  nextEvaluationMs,
  recentDatapoints,
  scalableResourceId,
  serviceNameOf,
  type EcsSimulation,
  type Event,
  type Millis,
  type PutScalingPolicy,
  type Recorded,
} from '../../core/index.ts';
import {
  alarmTitle,
  comparisonOf,
  describeDatapoints,
  describeIn,
  describeServed,
  failedRequests,
} from './describe.ts';
import { formatCount, formatDuration, formatInstant, formatMinute, formatNoun } from './format.ts';
import type { Moment } from './summary.ts';

const MOST_MOMENTS = 5;

/** Kinds of moments, the most telling first: what users felt, what stood in the way of capacity, what scaling did. */
const kinds = [
  'worst minute',
  'largest backlog',
  'placement failure',
  'maximum capacity',
  'maximum size',
  'longest wait',
  'group scale-in',
  'group scale-out',
  'slowest capacity',
  'largest scale-out',
  'first scale-in',
  'refused scale-in',
  'instance scale-in',
  'first scale-out',
] as const;
type Kind = (typeof kinds)[number];

type RecordedOf<T extends Event['type']> = Recorded<Extract<Event, { type: T }>>;

interface Candidate extends Moment {
  readonly score: number;
}

/** Watches a run from its start. @param options.from  start of the run: what sets the scene tells nothing */
export function collectMoments(
  simulation: EcsSimulation,
  options: { readonly from: Millis },
): { readonly moments: () => readonly Moment[] } {
  const collector = new Collector(simulation, options.from);
  return { moments: () => collector.moments() };
}

interface ServiceMinute {
  readonly startMs: Millis;
  ended: number;
  failed: number;
  timedOut: number;
}

/** A rise in load that was answered, until the first new task serves. */
interface Episode {
  readonly riseMs: Millis;
  readonly decidedMs: Millis;
  readonly tasks: Set<string>;
}

class Collector {
  readonly #simulation: EcsSimulation;
  readonly #fromMs: Millis;
  readonly #best = new Map<Kind, Candidate>();
  /** Services that have been steady once: what came before was the start of the run. */
  readonly #settled = new Set<string>();
  readonly #minutes = new Map<string, ServiceMinute>();
  /** By service: its newest scale-out. A scale-in before the first one only corrects what the scenario starts with. */
  readonly #scaleOuts = new Map<string, number>();
  readonly #episodes = new Map<string, Episode>();
  /** By alarm: start of its first breaching period, until a decision has answered it. */
  readonly #risenMs = new Map<string, Millis>();
  /** By task: the event with which its wait for an instance began. */
  readonly #waiting = new Map<string, RecordedOf<'TaskWaiting'>>();

  constructor(simulation: EcsSimulation, fromMs: Millis) {
    this.#simulation = simulation;
    this.#fromMs = fromMs;
    const { events } = simulation;
    events.on('ServiceReachedSteadyState').subscribe(({ event }) => this.#settled.add(event.serviceName));
    events.on('LoadServed').subscribe((recorded) => this.#onServed(recorded));
    events.on('MessagesServed').subscribe((recorded) => this.#onMessages(recorded));
    events.on('ServiceTaskPlacementFailed', 'TaskStopped').subscribe((recorded) => this.#onFailure(recorded));
    events.on('AlarmStateChanged').subscribe((recorded) => this.#onAlarm(recorded));
    events.on('ScalingActivityStarted').subscribe((recorded) => this.#onScaling(recorded));
    events.on('ScalingActivityNotScaled').subscribe((recorded) => this.#onNotScaled(recorded));
    events.on('CapacityProviderScaled').subscribe((recorded) => this.#onProviderScaled(recorded));
    events.on('GroupScaled').subscribe((recorded) => this.#onGroupScaled(recorded));
    events.on('TaskWaiting').subscribe((recorded) => this.#waiting.set(recorded.event.taskId, recorded));
    events.on('TaskPlaced').subscribe((recorded) => this.#onPlaced(recorded));
    events.on('TaskCreated').subscribe(({ event }) => this.#episodes.get(event.serviceName)?.tasks.add(event.taskId));
    events.on('TaskRunning').subscribe((recorded) => {
      const { serviceName, taskId } = recorded.event;
      const loadBalancers = simulation.world.ecs.services.get(serviceName)?.config.loadBalancers ?? [];
      if (loadBalancers.length === 0) this.#onServing(recorded, taskId);
    });
    events.on('TargetHealthy').subscribe((recorded) => this.#onServing(recorded, recorded.event.targetId));
  }

  moments(): readonly Moment[] {
    const picked = new Map<number, Moment>();
    for (const kind of kinds) {
      const candidate = this.#best.get(kind);
      if (candidate === undefined || picked.has(candidate.seq) || picked.size === MOST_MOMENTS) continue;
      const { seq, atMs, what, because } = candidate;
      picked.set(seq, { seq, atMs, what, because });
    }
    return [...picked.values()].toSorted((a, b) => a.seq - b.seq);
  }

  /** Holds an event when it beats the one held; only then is its story read. Of equals the first stays. */
  #offer(
    kind: Kind,
    score: number,
    { seq, atMs }: Recorded<Event>,
    story: () => { readonly what: string; readonly because: readonly string[] },
  ): void {
    if (score > (this.#best.get(kind)?.score ?? 0)) this.#best.set(kind, { score, seq, atMs, ...story() });
  }

  #onServed(recorded: RecordedOf<'LoadServed'>): void {
    const { event } = recorded;
    const startMs = event.fromMs - (event.fromMs % MINUTE);
    for (let row = 0; row < event.services.length; row++) {
      const serviceName = event.services[row] as string;
      let minute = this.#minutes.get(serviceName);
      if (minute?.startMs !== startMs) {
        minute = { startMs, ended: 0, failed: 0, timedOut: 0 };
        this.#minutes.set(serviceName, minute);
      }
      const failed = failedRequests(event, row);
      minute.ended += (event.served[row] as number) + failed;
      minute.failed += failed;
      minute.timedOut += event.timedOut[row] as number;
      // A minute is judged with its last step, when its numbers are whole.
      if (event.toMs % MINUTE === 0)
        this.#offer('worst minute', minute.failed, recorded, () => this.#worstMinute(recorded, row, minute));
    }
  }

  #worstMinute({ event, atMs }: RecordedOf<'LoadServed'>, row: number, minute: ServiceMinute) {
    const serviceName = event.services[row] as string;
    const late = minute.timedOut === 0 ? '' : `, ${formatCount(minute.timedOut)} of them timed out`;
    return {
      what: `the worst minute of ${serviceName}, from ${formatMinute(minute.startMs)}: ${formatCount(minute.failed)} of ${formatNoun(minute.ended, this.#unitOf(serviceName))} failed${late}`,
      because: [describeServed(event, row, this.#unitOf(serviceName)), ...this.#whyNotMore(serviceName, atMs)],
    };
  }

  /** A backlog is worth telling when a message is older than a minute; it is looked at once a minute. */
  #onMessages(recorded: RecordedOf<'MessagesServed'>): void {
    const { serviceName, queueName, visible, oldestMs } = recorded.event;
    if (recorded.atMs % MINUTE !== 0 || oldestMs < MINUTE) return;
    this.#offer('largest backlog', visible, recorded, () => ({
      what: `queue ${queueName} has ${formatNoun(visible, 'message')} waiting, the oldest for ${formatDuration(oldestMs)}`,
      because: [this.#describe(recorded), ...this.#whyNotMore(serviceName, recorded.atMs)],
    }));
  }

  #unitOf(serviceName: string): 'request' | 'message' {
    const serving = this.#simulation.world.workload.loads.get(serviceName)?.config.serving;
    return serving === 'queue' ? 'message' : 'request';
  }

  /** Why a service had no more tasks at this moment. */
  #whyNotMore(serviceName: string, nowMs: Millis): readonly string[] {
    const { world } = this.#simulation;
    const { ecs, elb, autoscaling, cloudwatch } = world;
    const service = ecs.services.get(serviceName);
    if (service === undefined) return [];
    const { desiredCount, runningCount, config } = service;
    const ready = elb.targetGroups.get(config.loadBalancers[0]?.targetGroup ?? '')?.healthyCount ?? runningCount;
    if (ready < desiredCount) {
      const waiting = Array.from(ecs.waiting.keys(), (taskId) => ecs.tasks.get(taskId)).filter(
        (task) => task?.serviceName === serviceName,
      ).length;
      const state = [`${runningCount} run`, `${ready} are healthy`];
      if (waiting > 0) state.push(`${waiting} wait for an instance`);
      const decision = this.#link(this.#scaleOuts.get(serviceName) ?? -1);
      return [`of ${formatNoun(desiredCount, 'desired task')} ${state.join(', ')}`, ...decision];
    }
    const resourceId = scalableResourceId(ecs.clusterName, serviceName);
    const target = autoscaling.targets.get(resourceId);
    if (target === undefined) return [`nothing scales ${serviceName}`];
    if (desiredCount >= target.maxCapacity) return [`its maximum is ${formatNoun(target.maxCapacity, 'task')}`];
    const reasons: string[] = [];
    for (const policy of autoscaling.policies.values()) {
      const alarm = cloudwatch.alarms.get(policy.alarmNames[0] ?? '');
      if (policy.resourceId !== resourceId || alarm === undefined || !mayScaleOut(policy.config)) continue;
      const { alarmName, threshold, comparisonOperator } = alarm.config;
      const datapoints = recentDatapoints(world, alarmName, nowMs);
      const seen = describeDatapoints(alarmName, threshold, datapoints, comparisonOperator);
      const title = `alarm ${alarmTitle(alarmName)}`;
      if (alarm.state !== 'ALARM')
        reasons.push(
          `${title} has not fired yet, evaluated next at ${formatInstant(nextEvaluationMs(alarm, nowMs))}: ${seen}`,
        );
      else
        reasons.push(
          `policy ${policy.config.PolicyName} asks for no more${policy.refusal === undefined ? '' : `: ${policy.refusal}`}`,
        );
    }
    return reasons;
  }

  #onFailure(recorded: RecordedOf<'ServiceTaskPlacementFailed' | 'TaskStopped'>): void {
    const { event, atMs } = recorded;
    if (event.type === 'TaskStopped') {
      this.#waiting.delete(event.taskId);
      this.#episodes.get(event.serviceName)?.tasks.delete(event.taskId);
      if (event.stopCode !== 'TaskFailedToStart') return;
    }
    if (atMs === this.#fromMs) return;
    // A failure while the first tasks start counts only if there is none later, and least while there are no instances yet.
    const noInstances = event.type === 'ServiceTaskPlacementFailed' && event.closest === undefined;
    const score = this.#settled.has(event.serviceName) ? 2 : noInstances ? 0 : 1;
    this.#offer('placement failure', score, recorded, () => this.#story(recorded));
  }

  #onAlarm({ atMs, event }: RecordedOf<'AlarmStateChanged'>): void {
    const { alarmName, to, datapointStartsMs } = event;
    if (to === 'ALARM') this.#risenMs.set(alarmName, datapointStartsMs[this.#firstBreach(event)] ?? atMs);
    else this.#risenMs.delete(alarmName);
  }

  /** With M of N datapoints the oldest that counted need not be past the threshold. */
  #firstBreach({ alarmName, threshold, datapoints }: RecordedOf<'AlarmStateChanged'>['event']): number {
    const operator = this.#simulation.world.cloudwatch.alarms.get(alarmName)?.config.comparisonOperator;
    const { breaches } = comparisonOf(alarmName, operator);
    return datapoints.findIndex((value) => breaches(value, threshold));
  }

  #onScaling(recorded: RecordedOf<'ScalingActivityStarted'>): void {
    const { atMs, event, seq } = recorded;
    const { alarmName = '', fromCapacity, toCapacity, wantedCapacity, maxCapacity } = event;
    const serviceName = serviceNameOf(event.resourceId);
    if (!this.#settled.has(serviceName)) return;
    const story = () => this.#story(recorded, serviceName);
    if (toCapacity < fromCapacity) {
      if (this.#scaleOuts.has(serviceName)) this.#offer('first scale-in', 1, recorded, story);
      return;
    }
    this.#scaleOuts.set(serviceName, seq);
    this.#offer('first scale-out', 1, recorded, story);
    this.#offer('largest scale-out', toCapacity - fromCapacity, recorded, story);
    this.#offer('maximum capacity', wantedCapacity - maxCapacity, recorded, story);
    const riseMs = this.#risenMs.get(alarmName);
    if (riseMs === undefined) return;
    this.#risenMs.delete(alarmName);
    this.#episodes.set(serviceName, { riseMs, decidedMs: atMs, tasks: new Set() });
  }

  #onNotScaled(recorded: RecordedOf<'ScalingActivityNotScaled'>): void {
    const { resourceId, reason, wantedCapacity = 0, desiredCount } = recorded.event;
    const serviceName = serviceNameOf(resourceId);
    if (!this.#settled.has(serviceName)) return;
    const story = () => this.#story(recorded, serviceName);
    if (reason === 'AlreadyAtMaxCapacity')
      this.#offer('maximum capacity', wantedCapacity - desiredCount, recorded, story);
    if (reason === 'AutoScalingAnticipatedFlapping' && this.#scaleOuts.has(serviceName))
      this.#offer('refused scale-in', 1, recorded, story);
  }

  #onProviderScaled(recorded: RecordedOf<'CapacityProviderScaled'>): void {
    const { from, to, runningInstances, reservationPercent, targetCapacity } = recorded.event;
    if (this.#settled.size === 0) return;
    const story = () => this.#story(recorded);
    const wanted = desiredInstances(runningInstances, reservationPercent, targetCapacity);
    if (to > from) this.#offer('maximum size', wanted - to, recorded, story);
    else if (this.#scaleOuts.size > 0) this.#offer('instance scale-in', from - to, recorded, story);
  }

  /** What a group does by policies of its own, which know nothing of the tasks. */
  #onGroupScaled(recorded: RecordedOf<'GroupScaled'>): void {
    const { from, to, wantedCapacity } = recorded.event;
    if (this.#settled.size === 0) return;
    const story = () => this.#story(recorded);
    this.#offer(to > from ? 'group scale-out' : 'group scale-in', Math.abs(to - from), recorded, story);
    if (to > from) this.#offer('maximum size', wantedCapacity - to, recorded, story);
  }

  #onPlaced(recorded: RecordedOf<'TaskPlaced'>): void {
    const { taskId } = recorded.event;
    const wait = this.#waiting.get(taskId);
    const serviceName = this.#simulation.world.ecs.tasks.get(taskId)?.serviceName ?? '';
    if (wait === undefined) return;
    this.#waiting.delete(taskId);
    if (!this.#settled.has(serviceName)) return;
    this.#offer('longest wait', recorded.atMs - wait.atMs, recorded, () => {
      const decision = this.#causesOf(wait).find(({ event }) => event.type === 'ScalingActivityStarted');
      return {
        what: `${taskId} of ${serviceName} gets a place after waiting ${formatDuration(recorded.atMs - wait.atMs)} for an instance (${wait.event.reason})`,
        because: [...this.#because(recorded), ...this.#link(decision?.seq ?? -1)],
      };
    });
  }

  /** A task begins to serve: the first new one ends its service's episode. */
  #onServing(recorded: RecordedOf<'TaskRunning' | 'TargetHealthy'>, taskId: string): void {
    const serviceName = this.#simulation.world.ecs.tasks.get(taskId)?.serviceName ?? '';
    const episode = this.#episodes.get(serviceName);
    if (episode?.tasks.has(taskId) !== true) return;
    this.#episodes.delete(serviceName);
    const { riseMs, decidedMs } = episode;
    const { atMs } = recorded;
    this.#offer('slowest capacity', atMs - riseMs, recorded, () => ({
      what: `${taskId} of ${serviceName} serves ${formatDuration(atMs - riseMs)} after the load rose: ${formatDuration(decidedMs - riseMs)} to decide, ${formatDuration(atMs - decidedMs)} to get ready`,
      because: this.#because(recorded, serviceName),
    }));
  }

  #story(recorded: Recorded<Event>, serviceName?: string) {
    return { what: this.#describe(recorded), because: this.#because(recorded, serviceName) };
  }

  #describe(recorded: Recorded<Event>): string {
    return describeIn(this.#simulation.world, recorded);
  }

  /** Its causes, nearest first: back to the load, to what came from outside, or to what the log has forgotten. */
  #causesOf({ causedBy }: Recorded<Event>): readonly Recorded<Event>[] {
    const { log } = this.#simulation;
    const causes: Recorded<Event>[] = [];
    for (let seq = causedBy; seq >= log.keptFrom;) {
      const cause = log.at(seq);
      if (cause.event.type === 'LoadSampled' || cause.atMs === this.#fromMs) break;
      causes.push(cause);
      seq = cause.causedBy;
    }
    return causes;
  }

  /** The causes that tell something, each type once. @param serviceName  whose load is shown at the end */
  #because(recorded: Recorded<Event>, serviceName?: string): readonly string[] {
    const links: string[] = [];
    const told = new Set<Event['type']>([recorded.event.type]);
    let shownMs = recorded.atMs;
    let effect: Event = recorded.event;
    for (const cause of this.#causesOf(recorded)) {
      const { type } = cause.event;
      const text = told.has(type) ? undefined : this.#tell(cause, effect, told, serviceName);
      effect = cause.event;
      if (text === undefined) continue;
      told.add(type);
      links.push(timed(cause.atMs, shownMs, text));
      shownMs = cause.atMs;
    }
    return links;
  }

  /** A cause in the words of its effect; undefined when it adds nothing. */
  #tell(
    cause: Recorded<Event>,
    effect: Event,
    told: ReadonlySet<Event['type']>,
    serviceName: string | undefined,
  ): string | undefined {
    const { event } = cause;
    switch (event.type) {
      case 'LoadServed': {
        // A capacity provider's metric does not measure the load.
        const row = told.has('CapacityProviderScaled') ? -1 : event.services.indexOf(serviceName ?? '');
        return row === -1 ? undefined : describeServed(event, row, this.#unitOf(serviceName as string));
      }
      case 'AlarmActionsRepeated': {
        const alarmName = this.#alarmOf(effect);
        if (alarmName === undefined) return this.#describe(cause);
        const alarm = this.#simulation.world.cloudwatch.alarms.get(alarmName);
        const lasts = alarm?.state === 'ALARM' && alarm.stateSinceMs <= cause.atMs;
        return `alarm ${alarmTitle(alarmName)} ${lasts ? `in ALARM since ${formatInstant(alarm.stateSinceMs)}` : 'still in ALARM'}`;
      }
      case 'ServiceUpdated':
        return cause.causedBy === -1 ? this.#describe(cause) : undefined;
      case 'MetricDataPublished':
      case 'DesiredCapacitySet':
      case 'InstanceInService':
      case 'InstancesMeasured':
      case 'ServiceTasksStarting':
      case 'TaskCreated':
      case 'TaskRunning':
      case 'TargetRegistered':
        return undefined;
      default:
        return this.#describe(cause);
    }
  }

  #alarmOf(effect: Event): string | undefined {
    if ('alarmName' in effect) return effect.alarmName;
    if (effect.type !== 'CapacityProviderScaled') return undefined;
    const provider = this.#simulation.world.ecs.capacityProviders.get(effect.capacityProvider);
    return effect.to > effect.from ? provider?.highAlarm : provider?.lowAlarm;
  }

  /** One event as a link, if the log still has it. */
  #link(seq: number): readonly string[] {
    const { log } = this.#simulation;
    if (seq < log.keptFrom) return [];
    const recorded = log.at(seq);
    return [`${formatInstant(recorded.atMs)} ${this.#describe(recorded)}`];
  }
}

/** A link says when, unless it was in the same second as what is told before it. */
function timed(atMs: Millis, shownMs: Millis, text: string): string {
  const instant = formatInstant(atMs);
  return instant === formatInstant(shownMs) ? text : `${instant} ${text}`;
}

/** A policy with nothing but steps down is no answer to a rise; of exact capacities the side of the alarm tells. */
function mayScaleOut(policy: PutScalingPolicy): boolean {
  if (policy.PolicyType !== 'StepScaling') return policy.PolicyType === 'TargetTrackingScaling';
  const { AdjustmentType, StepAdjustments } = policy.StepScalingPolicyConfiguration;
  if (AdjustmentType === 'ExactCapacity') return policy.alarm?.ComparisonOperator.startsWith('Greater') === true;
  return StepAdjustments.some(({ ScalingAdjustment }) => ScalingAdjustment > 0);
}
