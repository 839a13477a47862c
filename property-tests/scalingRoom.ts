/** Application Auto Scaling alone, for conformance tests: given alarms and a service, what does a policy answer? */

import {
  decideAutoscaling,
  emptyAutoscaling,
  evolveAutoscaling,
  policyKey,
  scalingAssumptions,
  scalingSettings,
  type AutoscalingCommand,
  type AutoscalingEvent,
  type AutoscalingWorld,
  type ScalableCapacity,
  type ScalingPolicyConfig,
} from '../core/autoscaling/index.ts';
import {
  alarmAssumptions,
  cloudWatchSettings,
  emptyCloudWatch,
  evolveCloudWatch,
  metricDelay,
  metricKey,
  metricsOf,
  requestFor,
  type CloudWatchEvent,
  type CloudWatchWorld,
  type MetricAlarm,
} from '../core/cloudwatch/index.ts';
import { keyedRng, MINUTE, thaw, type Millis } from '../core/kernel/index.ts';

export const RESOURCE = 'service/demo/web';

interface RoomWorld extends AutoscalingWorld {
  readonly cloudwatch: CloudWatchWorld['cloudwatch'];
  readonly web: { -readonly [K in keyof ScalableCapacity]: ScalableCapacity[K] };
}

const decide = decideAutoscaling<RoomWorld>({
  describe: ({ web }) => web,
  request: (_world, _resourceId, followed) =>
    'request' in followed ? followed.request : requestFor('Room Cpu ', 'Average'),
});

/** Each policy has a metric of its own, whatever it follows. */
function ofItsOwn({ config }: { readonly config: { readonly PolicyName: string } }, alarm: MetricAlarm): MetricAlarm {
  return { ...alarm, request: requestFor(metricKey('Room', config.PolicyName, {}), 'Average') };
}

/** The room with one scalable target whose service obeys at once, and whose tasks run when they are told to. */
export class ScalingRoom {
  readonly world: RoomWorld;
  nowMs: Millis = 100 * MINUTE;

  constructor(
    count: number,
    { assumptions = {}, ...bounds }: { readonly min: number; readonly max: number; readonly assumptions?: object },
    ...policies: ScalingPolicyConfig[]
  ) {
    this.world = {
      cloudwatch: emptyCloudWatch(
        cloudWatchSettings('typical', metricDelay.parse({ custom: '0s' }), alarmAssumptions.parse({})),
      ),
      autoscaling: emptyAutoscaling(scalingSettings(scalingAssumptions.parse(assumptions))),
      web: { desiredCount: count, runningCount: count, deploymentInProgress: false },
    };
    this.#carryOut({
      type: 'RegisterScalableTarget',
      resourceId: RESOURCE,
      minCapacity: bounds.min,
      maxCapacity: bounds.max,
    });
    for (const config of policies) {
      for (const put of this.#carryOut({ type: 'PutScalingPolicy', resourceId: RESOURCE, config }))
        if (put.type === 'ScalingPolicyPut')
          for (const alarm of put.alarms) this.#watch({ type: 'MetricAlarmPut', alarm: ofItsOwn(put, alarm) });
    }
  }

  get desired(): number {
    return this.world.web.desiredCount;
  }

  /** The alarm of a policy goes to ALARM, each of its datapoints being `value`; the other one goes to OK. */
  breach(name: string, direction: 'High' | 'Low', value: number): void {
    const alarm = this.world.cloudwatch.alarms.get(this.#alarmName(name, direction));
    const { metric } = metricsOf(alarm!.config.request)[0]!;
    this.world.cloudwatch.metrics.get(metric)!.datapoints.length = 0;
    for (let minute = 20; minute >= 1; minute--)
      this.#watch({
        type: 'MetricDataPublished',
        periodStartMs: this.nowMs - minute * MINUTE,
        periodMs: MINUTE,
        metrics: [metric],
        sampleCounts: [1],
        sums: [value],
        minimums: [value],
        maximums: [value],
        distributionEnds: [],
        distributionValues: [],
        distributionCounts: [],
      });
    for (const side of ['High', 'Low'] as const) this.#setAlarm(name, side, side === direction ? 'ALARM' : 'OK');
  }

  calm(name: string): void {
    for (const side of ['High', 'Low'] as const) this.#setAlarm(name, side, 'OK');
  }

  /** The action of the alarm: what came of it, as the capacity that was set or the reason why none was. */
  act(name: string, direction: 'High' | 'Low', reaches: 'at once' | 'later' = 'at once'): number | string | undefined {
    const alarmName = this.#alarmName(name, direction);
    const [event] = this.#carryOut({ type: 'EvaluateScalingPolicy', policyKey: policyKey(RESOURCE, name), alarmName });
    if (event?.type === 'ScalingActivityNotScaled') return event.reason;
    if (event?.type !== 'ScalingActivityStarted') return undefined;
    if (reaches === 'at once') this.world.web.desiredCount = event.toCapacity;
    return event.toCapacity;
  }

  /** Breach and action in one. */
  signal(name: string, direction: 'High' | 'Low', value: number): number | string | undefined {
    this.breach(name, direction, value);
    return this.act(name, direction);
  }

  /** All tasks that are desired run: the activity succeeds, and its cooldown starts. */
  settle(): void {
    this.world.web.runningCount = this.world.web.desiredCount;
    this.#carryOut({ type: 'CompleteScalingActivity', resourceId: RESOURCE });
  }

  wait(lengthMs: Millis): void {
    this.nowMs += lengthMs;
  }

  alarms(name: string): readonly (MetricAlarm | undefined)[] {
    return (['High', 'Low'] as const).map(
      (side) => this.world.cloudwatch.alarms.get(this.#alarmName(name, side))?.config,
    );
  }

  carryOutNow(command: AutoscalingCommand): readonly AutoscalingEvent[] {
    return this.#carryOut(command);
  }

  #alarmName(name: string, side: 'High' | 'Low'): string {
    const policy = this.world.autoscaling.policies.get(policyKey(RESOURCE, name));
    return policy?.alarmNames.find((alarmName) => alarmName.includes(`-Alarm${side}-`)) ?? '';
  }

  #setAlarm(name: string, side: 'High' | 'Low', to: 'ALARM' | 'OK'): void {
    const alarmName = this.#alarmName(name, side);
    this.#watch({
      type: 'AlarmStateChanged',
      alarmName,
      from: 'OK',
      to,
      threshold: 0,
      datapointStartsMs: [],
      datapoints: [],
    });
  }

  #watch(event: CloudWatchEvent): void {
    const write = evolveCloudWatch[event.type] as (
      world: CloudWatchWorld,
      event: CloudWatchEvent,
      atMs: Millis,
    ) => void;
    write(this.world, event, this.nowMs);
  }

  #carryOut(command: AutoscalingCommand): readonly AutoscalingEvent[] {
    type Decision = (command: AutoscalingCommand, context: object) => readonly AutoscalingEvent[];
    const context = { world: this.world, nowMs: this.nowMs, rng: keyedRng(1) };
    const events = (decide[command.type] as Decision)(command, context);
    for (const event of events) {
      const write = evolveAutoscaling[event.type] as (world: RoomWorld, event: AutoscalingEvent, atMs: Millis) => void;
      write(this.world, thaw(event), this.nowMs);
    }
    return events;
  }
}
