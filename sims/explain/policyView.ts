/** A scaling policy that an alarm has called: what it reckons, step by step, and what then holds it back or bounds it. */

import type { Immutable } from 'immer';
import {
  aggregatedMetric,
  forecastFloor,
  matchingStep,
  policiesOf,
  scaleInVote,
  scalerOf,
  SECOND,
  serviceNameOf,
  trackedValue,
  type AskedPolicy,
  type Millis,
  type World,
} from '../../core/index.ts';
import { alarmTitle, policyName, refusals } from '../report/describe.ts';
import { formatDuration, formatExact, formatNear, formatNoun } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';
import { alarmSentence, datapointLines } from './alarmView.ts';

type View = Immutable<World>;
interface Call {
  readonly key: string;
  readonly alarmName: string;
  readonly nowMs: Millis;
}

/** All of it, from the alarm's datapoints to the capacity that is set. */
export function decisionLines(world: View, asked: AskedPolicy, call: Call, indent: number): StoryLine[] {
  const alarm = world.cloudwatch.alarms.get(call.alarmName);
  if (alarm === undefined) return [];
  return [
    { indent, text: `datapoints: ${alarmSentence(world, alarm, call.nowMs)}` },
    ...datapointLines(world, alarm.config, call.nowMs, indent + 2),
    ...answerLines(world, asked, call, indent),
  ];
}

/** From the formula on. */
export function answerLines(world: View, asked: AskedPolicy, call: Call, indent: number): StoryLine[] {
  const said = [formulaSentence(world, asked, call), ...checkSentences(world, asked, call), outcome(asked)];
  return said.map((text) => ({ indent, text }));
}

/** `formula: mean of 3 datapoints 75.5556; 21 running x 75.5556 / 60 = 26.4444, rounded up 27` */
function formulaSentence(
  world: View,
  { policy: { config }, reading, capacity }: AskedPolicy,
  { alarmName }: Call,
): string {
  const { runningCount, deploymentInProgress } = capacity;
  const { datapoints, want } = reading;
  const both = deploymentInProgress ? ' (a deployment is in progress: tasks of the old revision count, too)' : '';
  if (config.PolicyType === 'TargetTrackingScaling') {
    const { TargetValue: target } = config.TargetTrackingScalingPolicyConfiguration;
    const { metricValue: which, maxScaleInFraction } = world.autoscaling.settings;
    const value = trackedValue(datapoints, which);
    const title = which === 'mean' ? 'mean' : which === 'max' ? 'largest' : 'newest';
    const seen = `formula: ${title} of ${formatNoun(datapoints.length, 'datapoint')} ${formatExact(value)}, target ${target}`;
    if (want === undefined) return `${seen}: no longer past the threshold`;
    if (runningCount === 0) return `${seen}; no task runs: ${want} to begin with`;
    const raw = (runningCount * value) / target;
    const up = Math.max(0, Math.ceil(raw - 1e-9));
    const capped = want > up ? `; at most ${formatExact(maxScaleInFraction * 100)} % go at once: ${want}` : '';
    return `${seen}; ${runningCount} running x ${formatExact(value)} / ${target} = ${formatExact(raw)}, rounded up ${up}${capped}${both}`;
  }
  if (config.PolicyType !== 'StepScaling') return 'formula: its forecast';
  const { StepScalingPolicyConfiguration: steps } = config;
  const { threshold = 0, comparisonOperator = 'GreaterThanThreshold' } =
    world.cloudwatch.alarms.get(alarmName)?.config ?? {};
  const metricValue = aggregatedMetric(steps, datapoints);
  const step = matchingStep(steps, { metricValue, threshold, comparisonOperator });
  const beyond = `formula: ${steps.MetricAggregationType.toLowerCase()} of ${formatNoun(datapoints.length, 'datapoint')} ${formatExact(metricValue)} - threshold ${formatExact(threshold)} = ${formatExact(metricValue - threshold)}`;
  if (step === undefined || want === undefined) return `${beyond}: in no step`;
  const { MetricIntervalLowerBound: low, MetricIntervalUpperBound: high, ScalingAdjustment: by } = step;
  const interval = `${low === undefined ? 'below' : formatExact(low)}${low !== undefined && high !== undefined ? ' to ' : ''}${low === undefined ? ` ${formatExact(high ?? 0)}` : high === undefined ? ' and more' : formatExact(high)}`;
  const signed = `${by > 0 ? '+' : ''}${by}`;
  const kind = {
    ExactCapacity: `exactly ${by}`,
    ChangeInCapacity: `${runningCount} running ${signed} = ${want}`,
    PercentChangeInCapacity: `${signed} % of ${runningCount} running is ${formatExact((runningCount * by) / 100)}${steps.MinAdjustmentMagnitude === undefined ? '' : `, ${steps.MinAdjustmentMagnitude} at least`}: ${want}`,
  }[steps.AdjustmentType];
  return `${beyond}, in the step ${interval}: ${kind}${both}`;
}

/** What stands between a wanted capacity and the one that is set: cooldown, other policies, deployment, bounds. */
function checkSentences(world: View, asked: AskedPolicy, { key, nowMs }: Call): string[] {
  const { policy, target, reading, capacity } = asked;
  const { want } = reading;
  const { runningCount, desiredCount } = capacity;
  if (want === undefined || want === runningCount) return [];
  const { settings } = world.autoscaling;
  const out = want > runningCount;
  const sentences: string[] = [];
  const decided = target.activity?.startedMs === nowMs ? target.activity : undefined;
  if (decided?.policyKey !== undefined && decided.policyKey !== key)
    sentences.push(
      `other policies: ${policyName(decided.policyKey)} has decided ${decided.fromCapacity} -> ${decided.toCapacity} in this instant; the largest capacity wins`,
    );
  if (out) {
    if (target.suspended.DynamicScalingOutSuspended) sentences.push('suspended: scaling out is');
    sentences.push(`cooldown: ${scaleOutCooldown(world, asked, want, nowMs)}`);
  } else {
    if (capacity.deploymentInProgress)
      sentences.push('deployment: one is in progress, and no policy scales in meanwhile');
    if (target.suspended.DynamicScalingInSuspended) sentences.push('suspended: scaling in is');
    sentences.push(`cooldown: ${cooldownLeft('scale-in', policy.scaleInCoolsUntilMs, asked, nowMs)}`);
    if (settings.scaleInDuringScaleOutCooldown === 'blocked' && nowMs < policy.scaleOutCoolsUntilMs)
      sentences.push(
        `cooldown: ${cooldownLeft('scale-out', policy.scaleOutCoolsUntilMs, asked, nowMs)}, and holds scale-in, too`,
      );
    if (scalerOf(policy.config).tracksTarget) sentences.push(...voteSentences(world, asked, nowMs));
    const floor = forecastFloor(policy.resourceId, world);
    if (floor > 0) sentences.push(`forecast: it holds ${serviceNameOf(policy.resourceId)} at ${floor} or more`);
  }
  const { minCapacity, maxCapacity } = target;
  const wanted = out && deducts(world, asked, nowMs) ? want - (policy.chainTo - policy.chainFrom) : want;
  const cut =
    wanted > maxCapacity ? `, cut to ${maxCapacity}` : wanted < minCapacity ? `, raised to ${minCapacity}` : '';
  sentences.push(`bounds: minimum ${minCapacity}, maximum ${maxCapacity}${cut}; ${desiredCount} desired now`);
  return sentences;
}

/** Whether a scale-out cooldown runs that counts what it has seen added. */
function deducts({ autoscaling }: View, { policy }: AskedPolicy, nowMs: Millis): boolean {
  return (
    nowMs < policy.scaleOutCoolsUntilMs &&
    autoscaling.settings.scaleOutCooldown === 'credit' &&
    scalerOf(policy.config).countsFromRunning(policy.config)
  );
}

/** What a cooldown deducts, and how long it still lasts. */
function scaleOutCooldown(world: View, asked: AskedPolicy, want: number, nowMs: Millis): string {
  const { scaleOutCoolsUntilMs: untilMs, chainFrom, chainTo } = asked.policy;
  const left = cooldownLeft('scale-out', untilMs, asked, nowMs);
  if (nowMs >= untilMs) return left;
  if (!deducts(world, asked, nowMs)) return `${left}; only more than is desired is set`;
  const added = chainTo - chainFrom;
  return `${left}; the ${added} that it has seen added (${chainFrom} -> ${chainTo}) are deducted: ${want} - ${added} = ${want - added}`;
}

function cooldownLeft(kind: 'scale-out' | 'scale-in', untilMs: Millis, asked: AskedPolicy, nowMs: Millis): string {
  const { outMs, inMs } = scalerOf(asked.policy.config).cooldowns(asked.policy.config);
  const lengthMs = kind === 'scale-out' ? outMs : inMs;
  if (nowMs < untilMs)
    return `the ${kind} cooldown of ${formatDuration(lengthMs)} lasts until ${formatNear(untilMs, nowMs)}, ${(untilMs - nowMs) / SECOND} s left`;
  const { activity } = asked.target;
  const waits =
    activity === undefined || activity.startedMs === nowMs
      ? ''
      : `; ${activity.activityId}, ${activity.fromCapacity} -> ${activity.toCapacity}, still waits for its tasks: its cooldown begins when ${activity.toCapacity} run`;
  return `no ${kind} cooldown runs (it is ${formatDuration(lengthMs)})${waits}`;
}

const VETOES = {
  NotInAlarm: 'vetoes, for its low alarm is not in ALARM',
  MetricBackInRange: 'vetoes, for its metric is back in range',
  InCooldown: 'vetoes, for its own scale-in cooldown runs',
} as const;

/** `votes: cpu would be content with 3, memory vetoes, for its low alarm is not in ALARM` */
function voteSentences(world: View, { policy, capacity }: AskedPolicy, nowMs: Millis): string[] {
  const votes = policiesOf(policy.resourceId, world).flatMap(([key, other]) => {
    const vote = scaleInVote(key, other, capacity.runningCount, { world, nowMs });
    if (vote === undefined) return [];
    return [
      `${policyName(key)} ${'want' in vote ? `would be content with ${vote.want}` : vetoText(world, other.alarmNames[1], vote.veto)}`,
    ];
  });
  return votes.length < 2 ? [] : [`votes: all policies that track a target must agree: ${votes.join('; ')}`];
}

function vetoText(world: View, alarmName: string | undefined, veto: keyof typeof VETOES): string {
  const alarm = world.cloudwatch.alarms.get(alarmName ?? '');
  if (veto !== 'NotInAlarm' || alarm === undefined) return VETOES[veto];
  return `vetoes, for alarm ${alarmTitle(alarm.config.alarmName)} is ${alarm.state}`;
}

/** `so web goes from 17 to 27 tasks`, or why it does not. */
function outcome({ policy, answer, capacity }: AskedPolicy): string {
  const name = serviceNameOf(policy.resourceId);
  if ('reason' in answer)
    return `so ${name} stays at ${formatNoun(capacity.desiredCount, 'task')}, ${answer.reason}: ${refusals[answer.reason](capacity)}`;
  return `so ${name} goes from ${answer.fromCapacity} to ${formatNoun(answer.toCapacity, 'task')}`;
}
