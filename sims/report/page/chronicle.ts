/**
 * The events of a run that a reader looks at, each with its text and its cause. What only measures is left out, unless something
 * followed from it. A long run has more events than a page takes: then the details of tasks go first, decisions last.
 */

import { policyForScaler, serviceNameOf, type Event, type MetricAlarm, type Recorded } from '../../../core/index.ts';
import { alarmTitle, comparisonOf, describe, type AimOf } from '../describe.ts';
import { formatCount, formatDuration, formatNoun, formatValue } from '../format.ts';
import type { ColumnPacker } from './columns.ts';
import { alarmStates, type Limit, type PageAlarm, type PageRun, type PageSpan } from './data.ts';
import type { Fleet } from './fleet.ts';
import { Names } from './names.ts';

/** Events that a page takes: about 25 bytes each. */
const MOST_EVENTS = 60_000;
/** Passed over unless they are causes; kept at hand for as long as something may follow from them. */
const HEARD = 16_384;

/** What merely measures or repeats. */
const measuring: ReadonlySet<Event['type']> = new Set<Event['type']>([
  'LoadSampled',
  'LoadServed',
  'RequestsServed',
  'ZonesServed',
  'MessagesServed',
  'MetricDataPublished',
  'MetricValuesPut',
  'MetricsKept',
  'CustomMetricPublished',
  'InstancesMeasured',
  'CpuCreditsSettled',
  'SpotMarketMoved',
  'AlarmActionsRepeated',
  'LogStreamCreated',
  'RegistryTokenIssued',
]);

/** In the order in which they are given up when there are too many. */
const details: readonly ReadonlySet<Event['type']>[] = [
  new Set<Event['type']>([
    'TargetRegistered',
    'TargetDraining',
    'TargetDeregistered',
    'HealthCheckAnswerChanged',
    'TaskAdmitted',
    'TaskPending',
    'ContainersStarted',
    'ContainerHealthChecked',
    'TaskActivating',
    'TaskDeactivating',
    'TaskDeprovisioning',
    'TaskProtectionUpdated',
    'ImagePullDelayed',
  ]),
  new Set<Event['type']>([
    'TaskCreated',
    'TaskRunning',
    'TaskStopping',
    'TargetHealthy',
    'ServiceTasksStarting',
    'ServiceTasksStopping',
  ]),
  new Set<Event['type']>([
    'TaskPlaced',
    'TaskWaiting',
    'TaskStopped',
    'TargetUnhealthy',
    'ServiceUpdated',
    'ServiceReachedSteadyState',
    'ScalingActivityCompleted',
  ]),
];
const detailNames = [
  'steps of tasks on their way in and out',
  'starts and stops of tasks',
  'placements and steady states',
];

interface Told {
  readonly seq: number;
  readonly atMs: number;
  readonly type: Event['type'];
  readonly text: string;
  cause: number;
  readonly task: number;
  readonly instance: number;
  readonly service: number;
  readonly from: number;
  readonly to: number;
}

/** An event that is not told: where it came from, and itself when it may be told yet. */
interface Passed {
  readonly causedBy: number;
  readonly measured: Recorded<Event> | undefined;
}

export class Chronicle {
  readonly #startMs: number;
  readonly #fleet: Fleet;
  readonly #tracked: Parameters<typeof describe>[3];
  #told = new Map<number, Told>();
  readonly #passed = new Map<number, Passed>();
  /** How many kinds of details have been given up, and how many events of each. */
  #givenUp = 0;
  readonly #leftOut = details.map(() => 0);
  #tooMany = 0;
  readonly #alarmNames = new Names();
  readonly #alarms = new Map<string, MetricAlarm>();
  readonly #alarmLives = new Map<string, { readonly fromMs: number; readonly toMs: number | undefined }>();
  readonly #alarmChanges: {
    readonly alarm: number;
    readonly atMs: number;
    readonly state: number;
    readonly seq: number;
  }[] = [];
  readonly #aims = new Map<string, NonNullable<ReturnType<AimOf>>>();
  readonly #targets = new Map<string, Limit & { readonly service: number }>();
  readonly #faults = new Map<string, Span>();
  readonly #deployments = new Map<string, Span>();

  constructor(startMs: number, fleet: Fleet, tracked: Parameters<typeof describe>[3]) {
    this.#startMs = startMs;
    this.#fleet = fleet;
    this.#tracked = tracked;
  }

  on(recorded: Recorded<Event>): void {
    this.#learn(recorded);
    const { seq, causedBy, event } = recorded;
    if (measuring.has(event.type)) {
      this.#passOver(seq, { causedBy, measured: recorded });
      return;
    }
    const level = details.findIndex((types) => types.has(event.type));
    if (level !== -1 && level < this.#givenUp) {
      this.#leftOut[level] = (this.#leftOut[level] as number) + 1;
      this.#passOver(seq, { causedBy, measured: undefined });
      return;
    }
    while (this.#told.size >= MOST_EVENTS && this.#givenUp < details.length) this.#giveUpDetails();
    if (this.#told.size < MOST_EVENTS) this.#tell(recorded);
    else this.#tooMany++;
  }

  get alarmNames(): readonly string[] {
    return this.#alarmNames.all;
  }

  get leftOut(): readonly string[] {
    const parts = detailNames
      .map((name, level) => [this.#leftOut[level] as number, name] as const)
      .filter(([count]) => count > 0)
      .map(([count, name]) => `${formatCount(count)} ${name}`);
    if (this.#tooMany > 0)
      parts.push(`${formatNoun(this.#tooMany, 'event')} after the first ${formatCount(MOST_EVENTS)}`);
    return parts.length === 0 ? [] : [`Not among the events here, only in the log: ${parts.join('; ')}.`];
  }

  limitsOf(service: number): readonly Limit[] {
    const name = this.#fleet.services.all[service] as string;
    const thresholds = Array.from(this.#alarms.values()).flatMap(({ alarmName, threshold, request }): Limit[] => {
      const metric =
        request.length === 1 && request[0] !== undefined && 'metric' in request[0] ? request[0].metric : '';
      const found = /^AWS\/ECS (CPU|Memory)Utilization .*\bServiceName=([^,]+)$/.exec(metric);
      if (found?.[2] !== name) return [];
      const of = found[1] === 'CPU' ? 'cpu' : 'memory';
      return [{ of, value: threshold, label: `alarm ${alarmTitle(alarmName)}`, isTarget: false }];
    });
    const targets = [...this.#targets.values()].filter((target) => target.service === service);
    return [...targets.map(({ of, value, label }) => ({ of, value, label, isTarget: true })), ...thresholds];
  }

  pack(columns: ColumnPacker): void {
    const told = this.#inOrder();
    const types = new Names();
    columns.add(
      'event.seq',
      told.map(({ seq }) => seq),
    );
    columns.add(
      'event.at',
      told.map(({ atMs }) => atMs - this.#startMs),
    );
    columns.add(
      'event.type',
      told.map(({ type }) => types.indexOf(type)),
    );
    // How far back the cause is, in events; 0: there is none.
    columns.add(
      'event.back',
      told.map(({ seq, cause }) => (cause === -1 ? 0 : seq - cause)),
    );
    for (const field of ['task', 'instance', 'service', 'from', 'to'] as const)
      columns.add(
        `event.${field}`,
        told.map((row) => row[field]),
      );
    for (const field of ['alarm', 'state', 'seq'] as const)
      columns.add(
        `alarmChange.${field}`,
        this.#alarmChanges.map((row) => row[field]),
      );
    columns.add(
      'alarmChange.at',
      this.#alarmChanges.map(({ atMs }) => atMs - this.#startMs),
    );
  }

  page(endMs: number): Pick<PageRun, 'alarms' | 'faults' | 'deployments' | 'eventTypes' | 'eventTexts'> {
    const told = this.#inOrder();
    const types = new Names();
    for (const { type } of told) types.indexOf(type);
    const spans = (of: ReadonlyMap<string, Span>) =>
      Array.from(of.values(), ({ label, fromMs, toMs, outcome }): PageSpan => {
        const end = toMs ?? endMs;
        return { label, fromMs: fromMs - this.#startMs, toMs: end - this.#startMs, outcome };
      });
    return {
      alarms: this.#alarmNames.all.map((name): PageAlarm => {
        const alarm = this.#alarms.get(name);
        const title = alarmTitle(name);
        const { fromMs, toMs } = this.#alarmLives.get(name) ?? { fromMs: this.#startMs, toMs: undefined };
        const life = { fromMs: fromMs - this.#startMs, toMs: (toMs ?? endMs) - this.#startMs };
        if (alarm === undefined)
          return { title, rule: 'a rule over other alarms', evaluationPeriods: 0, periodMs: 0, ...life };
        const { threshold, evaluationPeriods, datapointsToAlarm, periodMs, comparisonOperator } = alarm;
        const { side } = comparisonOf(name, comparisonOperator);
        const rule = `${datapointsToAlarm} of ${formatNoun(evaluationPeriods, 'period')} of ${formatDuration(periodMs)} ${side} ${formatValue(threshold)}`;
        return { title, rule, threshold, evaluationPeriods, periodMs, ...life };
      }),
      faults: spans(this.#faults),
      deployments: spans(this.#deployments),
      eventTypes: types.all,
      eventTexts: told.map(({ text }) => text),
    };
  }

  #putAlarm(name: string, atMs: number): void {
    this.#alarmNames.indexOf(name);
    const fromMs = this.#alarmLives.get(name)?.fromMs ?? atMs;
    this.#alarmLives.set(name, { fromMs, toMs: undefined });
  }

  /** What later texts need to know, and what lasts. */
  #learn({ seq, atMs, event }: Recorded<Event>): void {
    switch (event.type) {
      case 'MetricAlarmPut':
        this.#alarms.set(event.alarm.alarmName, event.alarm);
        this.#putAlarm(event.alarm.alarmName, atMs);
        return;
      case 'CompositeAlarmPut':
        this.#putAlarm(event.alarm.alarmName, atMs);
        return;
      case 'AlarmDeleted':
        this.#alarmLives.set(event.alarmName, {
          fromMs: this.#startMs,
          ...this.#alarmLives.get(event.alarmName),
          toMs: atMs,
        });
        return;
      case 'AlarmStateChanged':
      case 'CompositeAlarmStateChanged':
        this.#alarmChanges.push({
          alarm: this.#alarmNames.indexOf(event.alarmName),
          atMs,
          state: alarmStates.indexOf(event.to),
          seq,
        });
        return;
      case 'ScalingPolicyPut':
        this.#learnPolicy(event);
        return;
      case 'GroupScalingPolicyPut': {
        const config = policyForScaler(event.config, event.autoScalingGroupName);
        if (config?.PolicyType === 'StepScaling') this.#aims.set(event.policyKey, config);
        if (config?.PolicyType === 'TargetTrackingScaling')
          this.#aims.set(event.policyKey, config.TargetTrackingScalingPolicyConfiguration.TargetValue);
        return;
      }
      case 'FaultBegan':
      case 'TaskFaultBegan':
        this.#faults.set(`${event.type[0] as string}${event.faultId}`, {
          label: this.#textOf({ seq, atMs, causedBy: -1, event }).replace(/^fault begins: /, ''),
          fromMs: atMs,
          outcome: 'open',
        });
        return;
      case 'FaultEnded':
      case 'TaskFaultEnded':
        end(this.#faults.get(`${event.type[0] as string}${event.faultId}`), atMs, 'done');
        return;
      case 'DeploymentStarted': {
        const { serviceName, deploymentId, taskDefinition, rollsBack } = event;
        const what = rollsBack === undefined ? '' : ', a rollback';
        const label = `${serviceName}: ${taskDefinition}${what}`;
        this.#deployments.set(`${serviceName} ${deploymentId}`, { label, fromMs: atMs, outcome: 'open' });
        return;
      }
      case 'DeploymentCompleted':
      case 'DeploymentFailed': {
        const outcome = event.type === 'DeploymentCompleted' ? 'done' : 'failed';
        end(this.#deployments.get(`${event.serviceName} ${event.deploymentId}`), atMs, outcome);
        return;
      }
      default:
    }
  }

  #learnPolicy({ policyKey, resourceId, config }: Extract<Event, { type: 'ScalingPolicyPut' }>): void {
    if (config.PolicyType === 'StepScaling') this.#aims.set(policyKey, config);
    if (config.PolicyType !== 'TargetTrackingScaling') return;
    const { TargetValue, PredefinedMetricSpecification: predefined } = config.TargetTrackingScalingPolicyConfiguration;
    this.#aims.set(policyKey, TargetValue);
    const of = { ECSServiceAverageCPUUtilization: 'cpu', ECSServiceAverageMemoryUtilization: 'memory' } as const;
    const metric = predefined?.PredefinedMetricType ?? '';
    if (metric !== 'ECSServiceAverageCPUUtilization' && metric !== 'ECSServiceAverageMemoryUtilization') return;
    this.#targets.set(policyKey, {
      of: of[metric],
      value: TargetValue,
      label: `target ${formatValue(TargetValue)} %`,
      isTarget: true,
      service: this.#fleet.services.indexOf(serviceNameOf(resourceId)),
    });
  }

  readonly #aimOf: AimOf = (policyKey) => this.#aims.get(policyKey);

  #textOf(recorded: Recorded<Event>): string {
    return describe(recorded, this.#aimOf, (alarmName) => this.#alarms.get(alarmName), this.#tracked);
  }

  #tell(recorded: Recorded<Event>): void {
    const { seq, atMs, event } = recorded;
    const fields = event as Readonly<Partial<Record<string, unknown>>>;
    const number = (name: string) => (typeof fields[name] === 'number' ? fields[name] : -1);
    const text = (...names: readonly string[]) =>
      names.map((name) => fields[name]).find((value) => typeof value === 'string' && value !== '');
    const taskId = text('taskId', 'targetId');
    const instanceId = text('ec2InstanceId', 'instanceId');
    const resource = text('resourceId');
    const service = text('serviceName') ?? (typeof resource === 'string' ? serviceNameOf(resource) : undefined);
    const find = (names: { readonly find: (name: string) => number }, name: unknown) =>
      typeof name === 'string' ? names.find(name) : -1;
    this.#told.set(seq, {
      seq,
      atMs,
      type: event.type,
      text: this.#textOf(recorded),
      cause: this.#causeOf(recorded),
      task: find(this.#fleet.tasks, taskId),
      instance: find(this.#fleet.instances, instanceId),
      service: find(this.#fleet.services, service),
      from: number(fields['fromCapacity'] === undefined ? 'from' : 'fromCapacity'),
      to: number(fields['toCapacity'] === undefined ? 'to' : 'toCapacity'),
    });
  }

  /** The nearest cause that is told. What measured is told once something follows from it, down to what was served. */
  #causeOf({ event, causedBy }: Recorded<Event>): number {
    for (let seq = causedBy; seq !== -1;) {
      if (this.#told.has(seq)) return seq;
      const passed = this.#passed.get(seq);
      const type = passed?.measured?.event.type;
      // Each step of the traffic follows from the one before.
      if (passed === undefined || type === 'LoadSampled') return -1;
      // Alarm actions repeat each minute: one is enough.
      if (passed.measured !== undefined && type !== event.type) {
        this.#tell(passed.measured);
        return seq;
      }
      seq = passed.causedBy;
    }
    return -1;
  }

  #passOver(seq: number, passed: Passed): void {
    this.#passed.set(seq, passed);
    if (this.#passed.size <= HEARD) return;
    const [oldest] = this.#passed.keys();
    this.#passed.delete(oldest as number);
  }

  /** Drops one more kind of details; what followed from them then follows from their causes. */
  #giveUpDetails(): void {
    const level = this.#givenUp++;
    const types = details[level] as ReadonlySet<Event['type']>;
    const all = this.#told;
    this.#told = new Map();
    for (const [seq, row] of all) {
      if (types.has(row.type)) {
        this.#leftOut[level] = (this.#leftOut[level] as number) + 1;
        this.#passOver(seq, { causedBy: row.cause, measured: undefined });
        continue;
      }
      let cause = all.get(row.cause);
      while (cause !== undefined && types.has(cause.type)) {
        row.cause = cause.cause;
        cause = all.get(row.cause);
      }
      this.#told.set(seq, row);
    }
  }

  /** In their order: what was told later, as a cause, may have happened before. */
  #inOrder(): readonly Told[] {
    return [...this.#told.values()].toSorted((a, b) => a.seq - b.seq);
  }
}

interface Span {
  readonly label: string;
  readonly fromMs: number;
  toMs?: number;
  outcome: PageSpan['outcome'];
}

function end(span: Span | undefined, atMs: number, outcome: 'done' | 'failed'): void {
  if (span === undefined || span.outcome !== 'open') return;
  span.toMs = atMs;
  span.outcome = outcome;
}
