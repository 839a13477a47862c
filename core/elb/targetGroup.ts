/**
 * Target groups of an Application Load Balancer: registration, the state that health checks give a target, slow start,
 * deregistration delay.
 *
 * @source spec/capacity.md chapter 6 (AWS, "Target groups for your Application Load Balancers")
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  event,
  json,
  number,
  optional,
  SECOND,
  text,
  type Decide,
  type Draws,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { attribute, attributeValue, repeatedAttribute, truth, wholeNumber } from './attributes.ts';
import {
  countChecks,
  verdictOf,
  type CheckedState,
  type CheckResult,
  type CheckSettings,
  type FailedCheck,
  type TargetChecks,
  type Verdict,
} from './healthChecks.ts';
import { elbName, loadBalancer, type LoadBalancerEvent } from './loadBalancer.ts';
import type { ElbState, ElbWorld } from './world.ts';

/** How the load balancer picks a target for a request. */
type RoutingAlgorithm = 'round_robin' | 'least_outstanding_requests' | 'weighted_random';

const MATCHER = /^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/;

/** A target group as `aws elbv2 create-target-group` takes it, with its attributes beside it. */
export const targetGroup = z.strictObject({
  Name: elbName,
  loadBalancer: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the load balancer in front of it. Left out: one of its own, with the same name'),
  TargetType: z
    .enum(['instance', 'ip'])
    .optional()
    .describe('must suit the network mode of its tasks: ip for awsvpc, instance else. Left out: what suits'),
  HealthCheckIntervalSeconds: z.int().min(5).max(300).default(30),
  HealthCheckTimeoutSeconds: z
    .int()
    .min(2)
    .max(120)
    .optional()
    .describe('shorter than the interval. Left out: 5, or a second less than an interval of 5'),
  HealthyThresholdCount: z
    .int()
    .min(2)
    .max(10)
    .default(5)
    .describe('passed checks in a row until an unhealthy target is healthy; a new one needs a single one'),
  UnhealthyThresholdCount: z.int().min(2).max(10).default(2).describe('failed checks in a row until it is unhealthy'),
  Matcher: z
    .strictObject({ HttpCode: z.string().regex(MATCHER, 'expected codes such as 200, 200,202 or 200-299') })
    .prefault({ HttpCode: '200' })
    .describe('codes that pass; the application answers its checks with 200'),
  deregistrationDelaySeconds: z
    .int()
    .min(0)
    .max(3600)
    .optional()
    .describe('the same as the attribute deregistration_delay.timeout_seconds'),
  Attributes: z
    .array(
      z.discriminatedUnion('Key', [
        attribute('deregistration_delay.timeout_seconds', wholeNumber(0, 3600)),
        attribute('slow_start.duration_seconds', wholeNumber(0, 900)),
        attribute(
          'load_balancing.algorithm.type',
          z.enum(['round_robin', 'least_outstanding_requests', 'weighted_random']),
        ),
        attribute(
          'load_balancing.cross_zone.enabled',
          z.union([truth, z.literal('use_load_balancer_configuration').transform(() => true)]),
        ),
        attribute('target_group_health.unhealthy_state_routing.minimum_healthy_targets.count', wholeNumber(1, 1000)),
        attribute(
          'target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage',
          z.union([z.literal('off').transform(() => 0), wholeNumber(1, 100)]),
        ),
      ]),
    )
    .default([])
    .describe('as modify-target-group-attributes takes them'),
});
export type TargetGroupConfig = z.output<typeof targetGroup>;

type Problem = { readonly path: readonly (string | number)[]; readonly message: string };

/** What the schema cannot see. */
export function targetGroupProblems(config: TargetGroupConfig): readonly Problem[] {
  const problems: Problem[] = [];
  const { HealthCheckTimeoutSeconds: timeoutS, HealthCheckIntervalSeconds: intervalS, Attributes } = config;
  if (timeoutS !== undefined && timeoutS >= intervalS)
    problems.push({
      path: ['HealthCheckTimeoutSeconds'],
      message: `found ${timeoutS}, expected less than the interval, ${intervalS}: Health check interval must be greater than the timeout.`,
    });
  const repeated = repeatedAttribute(Attributes);
  if (repeated !== undefined)
    problems.push({
      path: ['Attributes', repeated.index, 'Key'],
      message: `found "${repeated.key}" a second time, expected each attribute once`,
    });
  if (
    config.deregistrationDelaySeconds !== undefined &&
    Attributes.some(({ Key }) => Key === 'deregistration_delay.timeout_seconds')
  )
    problems.push({
      path: ['deregistrationDelaySeconds'],
      message: 'found the attribute deregistration_delay.timeout_seconds as well, expected one of the two',
    });
  const slowStartS = attributeValue(Attributes, 'slow_start.duration_seconds') ?? 0;
  const at = ['Attributes', Attributes.findIndex(({ Key }) => Key === 'slow_start.duration_seconds'), 'Value'];
  if (slowStartS > 0 && slowStartS < 30)
    problems.push({ path: at, message: `found ${slowStartS}, expected 0 (off), or 30 to 900` });
  const algorithm = attributeValue(Attributes, 'load_balancing.algorithm.type') ?? 'round_robin';
  if (slowStartS > 0 && algorithm !== 'round_robin')
    problems.push({ path: at, message: `found a slow start with ${algorithm}, expected round_robin` });
  return problems;
}

export type TargetState = CheckedState | 'draining' | 'unused';

export interface TargetGroup {
  readonly config: TargetGroupConfig;
  readonly settings: TargetGroupSettings;
  /** By target id, in the order of registration. */
  readonly targets: Map<string, TargetState>;
  /** Of the targets that are checked: initial, healthy and unhealthy ones. */
  readonly checks: Map<string, TargetChecks>;
  /** Those of them whose next change of state is foreseen. */
  readonly foreseen: Map<string, true>;
  readonly zones: Map<string, string>;
  /** When a draining target has left. */
  readonly drainedAtMs: Map<string, Millis>;
  /** Since when and until when a target in slow start gets less than its share. */
  readonly slowStarts: Map<string, { readonly fromMs: Millis; readonly untilMs: Millis }>;
  healthyCount: number;
  unhealthyCount: number;
  /** Changes of `targets` so far: what has been worked out of them holds as long as it stays the same. */
  changes: number;
  /** Targets whose application fails. */
  failingCount: number;
  /** What overload does to the checks of the targets that get requests. */
  overload: CheckResult;
}

interface TargetGroupSettings {
  readonly loadBalancer: string;
  readonly checks: CheckSettings;
  /** Whether the codes that pass include the application's 200. */
  readonly matches: boolean;
  readonly deregistrationDelayMs: Millis;
  readonly slowStartMs: Millis;
  /** Undefined: what the service's load says. */
  readonly algorithm: RoutingAlgorithm | undefined;
  readonly crossZone: boolean;
  readonly minimumHealthyCount: number;
  /** 0: off. */
  readonly minimumHealthyPercent: number;
}

const DEFAULT_DEREGISTRATION_DELAY_S = 300;
const DEFAULT_TIMEOUT_S = 5;

/** How long a target group waits for an answer to a health check. */
export function healthCheckTimeoutMs({
  HealthCheckTimeoutSeconds: timeoutS,
  HealthCheckIntervalSeconds: intervalS,
}: Immutable<TargetGroupConfig>): Millis {
  return (timeoutS ?? Math.min(DEFAULT_TIMEOUT_S, intervalS - 1)) * SECOND;
}

/** How long a target drains. */
export function deregistrationDelayMs({
  Attributes: attributes,
  deregistrationDelaySeconds: besideThem,
}: Immutable<TargetGroupConfig>): Millis {
  const delayS = attributeValue(attributes, 'deregistration_delay.timeout_seconds') ?? besideThem;
  return (delayS ?? DEFAULT_DEREGISTRATION_DELAY_S) * SECOND;
}

function settingsOf(config: Immutable<TargetGroupConfig>, { assumptions }: Immutable<ElbState>): TargetGroupSettings {
  const { Attributes: attributes, HealthCheckIntervalSeconds: intervalS } = config;
  return {
    loadBalancer: config.loadBalancer ?? config.Name,
    checks: {
      intervalMs: intervalS * SECOND,
      timeoutMs: healthCheckTimeoutMs(config),
      unhealthyAfter: config.UnhealthyThresholdCount,
      healthyAfter: config.HealthyThresholdCount,
      firstHealthyAfter: assumptions.newTargetNeeds === 'oneCheck' ? 1 : config.HealthyThresholdCount,
      newTargetsTurnUnhealthy: assumptions.failingNewTargets === 'unhealthy',
    },
    matches: config.Matcher.HttpCode.split(',').some((range) => {
      const [first = '', last = first] = range.split('-');
      return Number(first) <= 200 && 200 <= Number(last);
    }),
    deregistrationDelayMs: deregistrationDelayMs(config),
    slowStartMs: (attributeValue(attributes, 'slow_start.duration_seconds') ?? 0) * SECOND,
    algorithm: attributeValue(attributes, 'load_balancing.algorithm.type'),
    crossZone: attributeValue(attributes, 'load_balancing.cross_zone.enabled') ?? true,
    minimumHealthyCount:
      attributeValue(attributes, 'target_group_health.unhealthy_state_routing.minimum_healthy_targets.count') ?? 1,
    minimumHealthyPercent:
      attributeValue(attributes, 'target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage') ?? 0,
  };
}

export const targetGroupEvents = {
  TargetGroupCreated: event('A target group was created.', {
    config: json<TargetGroupConfig>('as create-target-group takes it'),
  }),
  TargetRegistered: event('A target was registered; it gets requests once a health check has passed.', {
    targetGroup: text('the group'),
    targetId: text('the target'),
    availabilityZone: text('where it is'),
    state: text<'initial' | 'unused'>('unused: its zone is not enabled for the load balancer (Target.NotInUse)'),
    firstCheckMs: number('when it is checked for the first time'),
    answersFromMs: number('from when its application listens'),
    healthyAtMs: optional(number('in a run that starts in steady state: when it is healthy without a check')),
  }),
  TargetHealthy: event('A health check passed: the load balancer sends requests to the target.', {
    targetGroup: text('the group'),
    targetId: text('the target'),
    fullShareAtMs: optional(number('with a slow start: when it gets its full share of the requests')),
  }),
  TargetUnhealthy: event('Checks failed in a row: the load balancer sends no requests as long as others are healthy.', {
    targetGroup: text('the group'),
    targetId: text('the target'),
    reason: text<FailedCheck>("AWS's reason code"),
  }),
  HealthCheckAnswerChanged: event('From now on health checks meet another answer.', {
    targetGroup: text('the group'),
    targetId: optional(text('the target; absent: all that get requests, for they are overloaded, or no longer')),
    answer: text<CheckResult>('Passes, or the reason code of the checks that fail'),
  }),
  TargetDraining: event('A target gets no new requests; those in flight may finish.', {
    targetGroup: text('the group'),
    targetId: text('the target'),
    untilMs: number('end of the deregistration delay'),
  }),
  TargetDeregistered: event('A target left its group.', {
    targetGroup: text('the group'),
    targetId: text('the target'),
  }),
} as const;
export type TargetGroupEvent = EventsOf<typeof targetGroupEvents>;

interface OfTarget {
  readonly targetGroup: string;
  readonly targetId: string;
}

export type TargetGroupCommand =
  | { readonly type: 'CreateTargetGroup'; readonly config: TargetGroupConfig }
  | (OfTarget & {
      readonly type: 'RegisterTarget';
      readonly availabilityZone: string;
      /** When the application will answer its health check. */
      readonly answersFromMs: Millis;
    })
  /** What the health checks have decided until now becomes the state of the group's targets. */
  | { readonly type: 'ApplyHealthChecks'; readonly targetGroup: string }
  /** The targets that get requests are overloaded: their checks meet this; or no longer: Passes. */
  | { readonly type: 'OverloadTargets'; readonly targetGroup: string; readonly answer: CheckResult }
  /** The application of a target hangs, refuses connections, or answers with errors. */
  | (OfTarget & { readonly type: 'TargetFails'; readonly reason: FailedCheck })
  | (OfTarget & { readonly type: 'TargetRecovers' })
  /** @param longestRequestMs  after which no request can be in flight any more */
  | (OfTarget & { readonly type: 'DeregisterTarget'; readonly longestRequestMs: Millis })
  | (OfTarget & { readonly type: 'FinishDeregistration' })
  /** The target is gone, whatever its state. */
  | (OfTarget & { readonly type: 'RemoveTarget' });

export const decideTargetGroup: Decide<ElbWorld, TargetGroupCommand, TargetGroupEvent | LoadBalancerEvent> = {
  CreateTargetGroup({ config }, { world: { elb } }) {
    const name = config.loadBalancer ?? config.Name;
    const created = { type: 'TargetGroupCreated', config } as const;
    if (elb.loadBalancers.has(name)) return [created];
    return [{ type: 'LoadBalancerCreated', config: loadBalancer.parse({ Name: name }) }, created];
  },

  RegisterTarget({ targetGroup: name, targetId, availabilityZone, answersFromMs }, { world: { elb }, nowMs, rng }) {
    const group = elb.targetGroups.get(name);
    if (group === undefined || group.targets.has(targetId)) return [];
    const zones = elb.loadBalancers.get(group.settings.loadBalancer)?.config.AvailabilityZones;
    const state = zones === undefined || zones.includes(availabilityZone) ? 'initial' : 'unused';
    const firstCheckMs = nowMs + untilFirstCheck(elb, group, rng.at('elb.registration', elb.registrations));
    const type = 'TargetRegistered';
    const registered = {
      type,
      targetGroup: name,
      targetId,
      availabilityZone,
      state,
      firstCheckMs,
      answersFromMs,
    } as const;
    const isWarm = nowMs === elb.warmStartMs && state === 'initial';
    return [isWarm ? { ...registered, healthyAtMs: nowMs } : registered];
  },

  ApplyHealthChecks({ targetGroup: name }, { world, nowMs }) {
    const group = world.elb.targetGroups.get(name);
    if (group === undefined) return [];
    const events: TargetGroupEvent[] = [];
    for (const [targetId, reason] of dueVerdicts(group, nowMs)) {
      if (reason !== undefined) events.push({ type: 'TargetUnhealthy', targetGroup: name, targetId, reason });
      else events.push({ type: 'TargetHealthy', targetGroup: name, targetId, ...slowStartOf(group, nowMs) });
    }
    return events;
  },

  OverloadTargets({ targetGroup: name, answer }, { world }) {
    const overload = world.elb.targetGroups.get(name)?.overload;
    if (overload === undefined || overload === answer) return [];
    return [{ type: 'HealthCheckAnswerChanged', targetGroup: name, answer }];
  },

  TargetFails: ({ targetGroup: name, targetId, reason }, { world }) => answerChange(world, name, targetId, reason),

  TargetRecovers: ({ targetGroup: name, targetId }, { world }) => answerChange(world, name, targetId, 'Passes'),

  DeregisterTarget({ targetGroup: name, targetId, longestRequestMs }, { world: { elb }, nowMs }) {
    const group = elb.targetGroups.get(name);
    const state = group?.targets.get(targetId);
    if (group === undefined || state === undefined || state === 'draining') return [];
    if (state === 'unused') return [{ type: 'TargetDeregistered', targetGroup: name, targetId }];
    const { deregistrationDelayMs: delayMs } = group.settings;
    const early = elb.assumptions.deregistrationEnds === 'withLastRequest';
    const untilMs = nowMs + (early ? Math.min(delayMs, longestRequestMs) : delayMs);
    return [{ type: 'TargetDraining', targetGroup: name, targetId, untilMs }];
  },

  FinishDeregistration({ targetGroup: name, targetId }, { world, nowMs }) {
    // Not of an earlier registration under the same id.
    if (world.elb.targetGroups.get(name)?.drainedAtMs.get(targetId) !== nowMs) return [];
    return [{ type: 'TargetDeregistered', targetGroup: name, targetId }];
  },

  RemoveTarget({ targetGroup: name, targetId }, { world }) {
    if (world.elb.targetGroups.get(name)?.targets.has(targetId) !== true) return [];
    return [{ type: 'TargetDeregistered', targetGroup: name, targetId }];
  },
};

/** Time until the load balancer's nodes know a target, and from then until they check it for the first time. */
function untilFirstCheck(
  { assumptions }: Immutable<ElbState>,
  { settings }: Immutable<TargetGroup>,
  draws: Draws,
): Millis {
  const { registration, firstCheck } = assumptions;
  const { intervalMs } = settings.checks;
  const knownMs = registration.from + draws.int(Math.max(1, registration.to - registration.from));
  if (firstCheck === 'random') return knownMs + draws.int(intervalMs);
  return firstCheck === 'atOnce' ? knownMs : knownMs + intervalMs;
}

/** A target starts slowly only beside one that has its full share. @source ALB guide, "Slow start mode" */
function slowStartOf({ settings, healthyCount, slowStarts }: Immutable<TargetGroup>, nowMs: Millis) {
  if (settings.slowStartMs === 0) return {};
  let slow = 0;
  for (const { untilMs } of slowStarts.values()) if (untilMs > nowMs) slow++;
  return healthyCount > slow ? { fullShareAtMs: nowMs + settings.slowStartMs } : {};
}

function answerChange(
  { elb }: Immutable<ElbWorld>,
  name: string,
  targetId: string,
  answer: CheckResult,
): readonly TargetGroupEvent[] {
  const checks = elb.targetGroups.get(name)?.checks.get(targetId);
  if (checks === undefined || checks.application === answer) return [];
  return [{ type: 'HealthCheckAnswerChanged', targetGroup: name, targetId, answer }];
}

export const evolveTargetGroup: Evolve<ElbWorld, TargetGroupEvent> = {
  TargetGroupCreated({ elb }, { config }) {
    elb.targetGroups.set(config.Name, {
      config,
      settings: settingsOf(config, elb),
      targets: new Map(),
      checks: new Map(),
      foreseen: new Map(),
      zones: new Map(),
      drainedAtMs: new Map(),
      slowStarts: new Map(),
      healthyCount: 0,
      unhealthyCount: 0,
      changes: 0,
      failingCount: 0,
      overload: 'Passes',
    });
  },
  TargetRegistered({ elb }, event, atMs) {
    const { targetId, availabilityZone, state, firstCheckMs, answersFromMs, healthyAtMs } = event;
    elb.registrations++;
    const group = elb.targetGroups.get(event.targetGroup);
    if (group === undefined) return;
    countUntil(group, targetId, atMs);
    setTarget(group, targetId, state);
    group.zones.set(targetId, availabilityZone);
    if (state === 'initial') {
      const verdict =
        healthyAtMs === undefined ? undefined : { atMs: healthyAtMs, checkMs: healthyAtMs, reason: undefined };
      const counted = { countedMs: atMs, streak: 0 };
      const number = elb.registrations;
      group.checks.set(targetId, { number, firstCheckMs, answersFromMs, ...counted, application: 'Passes', verdict });
    }
    foresee(group, targetId);
  },
  TargetHealthy({ elb }, { targetGroup: name, targetId, fullShareAtMs }, atMs) {
    const group = elb.targetGroups.get(name);
    if (group === undefined) return;
    countUntil(group, targetId, atMs);
    setState(group, targetId, 'healthy');
    if (fullShareAtMs !== undefined) group.slowStarts.set(targetId, { fromMs: atMs, untilMs: fullShareAtMs });
    foresee(group, targetId);
  },
  TargetUnhealthy({ elb }, { targetGroup: name, targetId }, atMs) {
    const group = elb.targetGroups.get(name);
    if (group === undefined) return;
    countUntil(group, targetId, atMs);
    setState(group, targetId, 'unhealthy');
    foresee(group, targetId);
  },
  HealthCheckAnswerChanged({ elb }, { targetGroup: name, targetId, answer }, atMs) {
    const group = elb.targetGroups.get(name);
    if (group === undefined) return;
    if (targetId === undefined) {
      for (const id of group.checks.keys()) countOne(group, id, atMs);
      group.overload = answer;
      for (const id of group.checks.keys()) foreseeOne(group, id);
      return;
    }
    const checks = group.checks.get(targetId);
    if (checks === undefined) return;
    countOne(group, targetId, atMs);
    group.failingCount += Number(answer !== 'Passes') - Number(checks.application !== 'Passes');
    checks.application = answer;
    foreseeOne(group, targetId);
  },
  TargetDraining({ elb }, { targetGroup: name, targetId, untilMs }, atMs) {
    const group = elb.targetGroups.get(name);
    if (group === undefined) return;
    countUntil(group, targetId, atMs);
    leave(group, targetId);
    setTarget(group, targetId, 'draining');
    group.drainedAtMs.set(targetId, untilMs);
    foresee(group, targetId);
  },
  TargetDeregistered({ elb }, { targetGroup: name, targetId }, atMs) {
    const group = elb.targetGroups.get(name);
    if (group === undefined) return;
    countUntil(group, targetId, atMs);
    leave(group, targetId);
    setTarget(group, targetId, undefined);
    group.zones.delete(targetId);
    group.drainedAtMs.delete(targetId);
    foresee(group, targetId);
  },
};

function setState(group: TargetGroup, targetId: string, state: 'healthy' | 'unhealthy'): void {
  setTarget(group, targetId, state);
  if (state === 'unhealthy') group.slowStarts.delete(targetId);
  const checks = group.checks.get(targetId);
  if (checks !== undefined) setVerdict(group, targetId, checks, undefined);
}

/** @param state  undefined: it has left */
function setTarget(group: TargetGroup, targetId: string, state: TargetState | undefined): void {
  countTarget(group, group.targets.get(targetId), -1);
  countTarget(group, state, 1);
  if (state === undefined) group.targets.delete(targetId);
  else group.targets.set(targetId, state);
  group.changes++;
}

function countTarget(group: TargetGroup, state: TargetState | undefined, by: 1 | -1): void {
  if (state === 'healthy') group.healthyCount += by;
  else if (state === 'unhealthy') group.unhealthyCount += by;
}

/** The target is checked no more. */
function leave(group: TargetGroup, targetId: string): void {
  if ((group.checks.get(targetId)?.application ?? 'Passes') !== 'Passes') group.failingCount--;
  group.checks.delete(targetId);
  group.foreseen.delete(targetId);
  group.slowStarts.delete(targetId);
}

/**
 * Before a state changes. Under overload the checks of all targets depend on who gets requests, and that on every state: their
 * checks so far are counted as what they have met. Else only the target's own are.
 */
function countUntil(group: TargetGroup, targetId: string, atMs: Millis): void {
  if (group.overload === 'Passes') countOne(group, targetId, atMs);
  else for (const id of group.checks.keys()) countOne(group, id, atMs);
}

/** After a state has changed. */
function foresee(group: TargetGroup, targetId: string): void {
  if (group.overload === 'Passes') foreseeOne(group, targetId);
  else for (const id of group.checks.keys()) foreseeOne(group, id);
}

function countOne(group: TargetGroup, targetId: string, atMs: Millis): void {
  const checks = group.checks.get(targetId);
  if (checks !== undefined) countChecks(checks, resultOf(group, targetId), group.settings.checks.intervalMs, atMs);
}

function foreseeOne(group: TargetGroup, targetId: string): void {
  const checks = group.checks.get(targetId);
  if (checks === undefined) return;
  const state = group.targets.get(targetId) as CheckedState;
  setVerdict(group, targetId, checks, verdictOf(checks, state, resultOf(group, targetId), group.settings.checks));
}

function setVerdict(
  { foreseen }: TargetGroup,
  targetId: string,
  checks: TargetChecks,
  verdict: Verdict | undefined,
): void {
  checks.verdict = verdict;
  if (verdict === undefined) foreseen.delete(targetId);
  else foreseen.set(targetId, true);
}

/** What the checks of a target meet now, once its application listens. */
function resultOf(group: Immutable<TargetGroup>, targetId: string): CheckResult {
  const { application } = group.checks.get(targetId) as Immutable<TargetChecks>;
  if (application !== 'Passes') return application;
  if (group.overload !== 'Passes' && getsRequests(group, group.targets.get(targetId))) return group.overload;
  return group.settings.matches ? 'Passes' : 'Target.ResponseCodeMismatch';
}

/**
 * Healthy targets get requests. When fewer are healthy than the group asks for, one by default, all that are registered get
 * them: the load balancer "fails open".
 *
 * @source ALB guide, "Target group health"
 */
export function getsRequests(group: Immutable<TargetGroup>, state: TargetState | undefined): boolean {
  return state === 'healthy' || ((state === 'initial' || state === 'unhealthy') && failsOpen(group));
}

/** Without a healthy target it always does. */
export function failsOpen({ healthyCount, checks, settings }: Immutable<TargetGroup>): boolean {
  const { minimumHealthyCount, minimumHealthyPercent } = settings;
  return healthyCount < minimumHealthyCount || 100 * healthyCount < minimumHealthyPercent * checks.size;
}

/** Whether a target has failed its checks, or is in no zone of its load balancer. */
export function hasFailedTargets({ unhealthyCount, targets, checks, drainedAtMs }: Immutable<TargetGroup>): boolean {
  return unhealthyCount > 0 || targets.size > checks.size + drainedAtMs.size;
}

/** When health checks next change the state of a target. */
export function nextVerdictMs({ checks, foreseen }: Immutable<TargetGroup>): Millis | undefined {
  let nextMs: Millis | undefined;
  for (const targetId of foreseen.keys()) {
    const atMs = checks.get(targetId)?.verdict?.atMs;
    if (atMs !== undefined && (nextMs === undefined || atMs < nextMs)) nextMs = atMs;
  }
  return nextMs;
}

/** Targets whose state changes now, and why: those that fail by their reason. In the order of registration. */
function dueVerdicts(
  { checks, foreseen }: Immutable<TargetGroup>,
  nowMs: Millis,
): readonly (readonly [string, FailedCheck | undefined])[] {
  const due: { readonly targetId: string; readonly number: number; readonly reason: FailedCheck | undefined }[] = [];
  for (const targetId of foreseen.keys()) {
    const { number, verdict } = checks.get(targetId) as Immutable<TargetChecks>;
    if (verdict !== undefined && verdict.atMs <= nowMs) due.push({ targetId, number, reason: verdict.reason });
  }
  due.sort((a, b) => a.number - b.number);
  return due.map(({ targetId, reason }) => [targetId, reason]);
}
