/**
 * Target groups of an Application Load Balancer: registration, the first passing health check, deregistration delay.
 *
 * @source spec/capacity.md chapter 6 (AWS, "Target groups for your Application Load Balancers")
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  event,
  flag,
  json,
  number,
  SECOND,
  text,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import type { ElbWorld } from './world.ts';

/** A target group as `aws elbv2 create-target-group` takes it, with its attributes beside it. */
export const targetGroup = z.strictObject({
  Name: z.string().min(1).max(32),
  TargetType: z.enum(['instance', 'ip']).default('ip'),
  HealthCheckIntervalSeconds: z.int().min(5).max(300).default(30),
  HealthCheckTimeoutSeconds: z.int().min(2).max(120).default(5),
  HealthyThresholdCount: z.int().min(2).max(10).default(5),
  UnhealthyThresholdCount: z.int().min(2).max(10).default(2),
  deregistrationDelaySeconds: z.int().min(0).max(3600).default(300),
});
export type TargetGroupConfig = z.output<typeof targetGroup>;

export type TargetState = 'initial' | 'healthy' | 'unhealthy' | 'draining';

export interface TargetGroup {
  readonly config: TargetGroupConfig;
  /** By target id, in the order of registration. */
  readonly targets: Map<string, TargetState>;
  /** When the state of a target changes next: by its health checks, or at the end of its deregistration delay. */
  readonly dueAtMs: Map<string, Millis>;
  /** Targets whose application fails. */
  readonly failing: Map<string, true>;
  healthyCount: number;
}

export const targetGroupEvents = {
  TargetGroupCreated: event('A target group was created.', {
    config: json<TargetGroupConfig>('as create-target-group takes it'),
  }),
  TargetRegistered: event('A target was registered; it gets requests once a health check has passed.', {
    targetGroup: text('the group'),
    targetId: text('the target'),
    healthyAtMs: number('when its first check will pass'),
  }),
  TargetHealthy: event('A health check passed: the load balancer sends requests to the target.', {
    targetGroup: text('the group'),
    targetId: text('the target'),
  }),
  TargetUnhealthy: event('Checks failed in a row: the load balancer sends no requests as long as others are healthy.', {
    targetGroup: text('the group'),
    targetId: text('the target'),
    reason: text("AWS's reason code"),
  }),
  HealthCheckAnswerChanged: event('From now on the health checks of a target meet another answer.', {
    targetGroup: text('the group'),
    targetId: text('the target'),
    passes: flag('whether they pass'),
    decidedAtMs: number('when enough of them have met it to change the state of the target'),
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

/** @source ELB API, TargetHealth */
type FailedCheck = 'Target.FailedHealthChecks' | 'Target.ResponseCodeMismatch';

export type TargetGroupCommand =
  | { readonly type: 'CreateTargetGroup'; readonly config: TargetGroupConfig }
  | {
      readonly type: 'RegisterTarget';
      readonly targetGroup: string;
      readonly targetId: string;
      /** When the application will answer its health check. */
      readonly answersFromMs: Millis;
    }
  | { readonly type: 'PassHealthCheck'; readonly targetGroup: string; readonly targetId: string }
  | { readonly type: 'FailHealthChecks'; readonly targetGroup: string; readonly targetId: string }
  /** The application of a target answers its health checks with errors, or no longer. */
  | {
      readonly type: 'TargetFails';
      readonly targetGroup: string;
      readonly targetId: string;
      readonly reason: FailedCheck;
    }
  | { readonly type: 'TargetRecovers'; readonly targetGroup: string; readonly targetId: string }
  | { readonly type: 'DeregisterTarget'; readonly targetGroup: string; readonly targetId: string }
  | { readonly type: 'FinishDeregistration'; readonly targetGroup: string; readonly targetId: string }
  /** The target is gone, whatever its state. */
  | { readonly type: 'RemoveTarget'; readonly targetGroup: string; readonly targetId: string };

/** Time from RegisterTargets until the load balancer's nodes know the target. Choice: 1 to 5 s (spec/capacity.md 6.1). */
const REGISTRATION_MS = { from: 1 * SECOND, to: 5 * SECOND };

export const decideTargetGroup: Decide<ElbWorld, TargetGroupCommand, TargetGroupEvent> = {
  CreateTargetGroup: ({ config }) => [{ type: 'TargetGroupCreated', config }],

  RegisterTarget({ targetGroup: name, targetId, answersFromMs }, { world: { elb }, nowMs, rng }) {
    const group = elb.targetGroups.get(name);
    if (group === undefined || group.targets.has(targetId)) return [];
    const draws = rng.at('elb.registration', elb.registrations);
    const intervalMs = group.config.HealthCheckIntervalSeconds * SECOND;
    const knownMs = nowMs + REGISTRATION_MS.from + draws.int(REGISTRATION_MS.to - REGISTRATION_MS.from);
    const firstCheckMs = knownMs + draws.int(intervalMs);
    // A new target is healthy after a single passing check; the healthy threshold is for targets that had failed.
    const failedChecks = Math.max(0, Math.ceil((answersFromMs - firstCheckMs) / intervalMs));
    const healthyAtMs = nowMs === elb.warmStartMs ? nowMs : firstCheckMs + failedChecks * intervalMs;
    return [{ type: 'TargetRegistered', targetGroup: name, targetId, healthyAtMs }];
  },

  PassHealthCheck({ targetGroup: name, targetId }, { world, nowMs }) {
    const group = world.elb.targetGroups.get(name);
    const state = group?.targets.get(targetId);
    if (state === undefined || state === 'healthy' || group?.failing.has(targetId) === true) return [];
    if (state === 'draining' || !isDue(group, targetId, state, nowMs)) return [];
    return [{ type: 'TargetHealthy', targetGroup: name, targetId }];
  },

  FailHealthChecks({ targetGroup: name, targetId }, { world, nowMs }) {
    const group = world.elb.targetGroups.get(name);
    const state = group?.targets.get(targetId);
    if (state === undefined || state === 'draining' || group?.failing.has(targetId) !== true) return [];
    if (!isDue(group, targetId, state, nowMs)) return [];
    return [{ type: 'TargetUnhealthy', targetGroup: name, targetId, reason: 'Target.ResponseCodeMismatch' }];
  },

  TargetFails({ targetGroup: name, targetId }, { world, nowMs }) {
    const group = world.elb.targetGroups.get(name);
    const state = group?.targets.get(targetId);
    if (group === undefined || state === undefined || state === 'draining' || group.failing.has(targetId)) return [];
    const { UnhealthyThresholdCount: count, HealthCheckIntervalSeconds: intervalS } = group.config;
    const decidedAtMs = nowMs + count * intervalS * SECOND;
    return [{ type: 'HealthCheckAnswerChanged', targetGroup: name, targetId, passes: false, decidedAtMs }];
  },

  TargetRecovers({ targetGroup: name, targetId }, { world, nowMs }) {
    const group = world.elb.targetGroups.get(name);
    if (group?.failing.has(targetId) !== true || group.targets.get(targetId) === 'draining') return [];
    const { HealthyThresholdCount: count, HealthCheckIntervalSeconds: intervalS } = group.config;
    const decidedAtMs = nowMs + count * intervalS * SECOND;
    return [{ type: 'HealthCheckAnswerChanged', targetGroup: name, targetId, passes: true, decidedAtMs }];
  },

  DeregisterTarget({ targetGroup: name, targetId }, { world, nowMs }) {
    const group = world.elb.targetGroups.get(name);
    const state = group?.targets.get(targetId);
    if (group === undefined || state === undefined || state === 'draining') return [];
    const untilMs = nowMs + group.config.deregistrationDelaySeconds * SECOND;
    return [{ type: 'TargetDraining', targetGroup: name, targetId, untilMs }];
  },

  FinishDeregistration({ targetGroup: name, targetId }, { world, nowMs }) {
    if (!isDue(world.elb.targetGroups.get(name), targetId, 'draining', nowMs)) return [];
    return [{ type: 'TargetDeregistered', targetGroup: name, targetId }];
  },

  RemoveTarget({ targetGroup: name, targetId }, { world }) {
    if (world.elb.targetGroups.get(name)?.targets.has(targetId) !== true) return [];
    return [{ type: 'TargetDeregistered', targetGroup: name, targetId }];
  },
};

/** Whether this is the instant a target in this state waits for, and not one of an earlier registration. */
function isDue(
  group: Immutable<TargetGroup> | undefined,
  targetId: string,
  state: TargetState,
  nowMs: Millis,
): boolean {
  return group?.targets.get(targetId) === state && group.dueAtMs.get(targetId) === nowMs;
}

export const evolveTargetGroup: Evolve<ElbWorld, TargetGroupEvent> = {
  TargetGroupCreated({ elb }, { config }) {
    elb.targetGroups.set(config.Name, {
      config,
      targets: new Map(),
      dueAtMs: new Map(),
      failing: new Map(),
      healthyCount: 0,
    });
  },
  TargetRegistered({ elb }, { targetGroup: name, targetId, healthyAtMs }) {
    elb.registrations++;
    const group = elb.targetGroups.get(name);
    group?.targets.set(targetId, 'initial');
    group?.dueAtMs.set(targetId, healthyAtMs);
  },
  TargetHealthy({ elb }, { targetGroup: name, targetId }) {
    const group = elb.targetGroups.get(name);
    if (group === undefined) return;
    group.targets.set(targetId, 'healthy');
    group.dueAtMs.delete(targetId);
    group.healthyCount++;
  },
  TargetUnhealthy({ elb }, { targetGroup: name, targetId }) {
    const group = elb.targetGroups.get(name);
    if (group === undefined) return;
    if (group.targets.get(targetId) === 'healthy') group.healthyCount--;
    group.targets.set(targetId, 'unhealthy');
    group.dueAtMs.delete(targetId);
  },
  HealthCheckAnswerChanged({ elb }, { targetGroup: name, targetId, passes, decidedAtMs }) {
    const group = elb.targetGroups.get(name);
    if (passes) group?.failing.delete(targetId);
    else group?.failing.set(targetId, true);
    group?.dueAtMs.set(targetId, decidedAtMs);
  },
  TargetDraining({ elb }, { targetGroup: name, targetId, untilMs }) {
    const group = elb.targetGroups.get(name);
    if (group === undefined) return;
    if (group.targets.get(targetId) === 'healthy') group.healthyCount--;
    group.targets.set(targetId, 'draining');
    group.dueAtMs.set(targetId, untilMs);
  },
  TargetDeregistered({ elb }, { targetGroup: name, targetId }) {
    const group = elb.targetGroups.get(name);
    if (group === undefined) return;
    if (group.targets.get(targetId) === 'healthy') group.healthyCount--;
    group.targets.delete(targetId);
    group.dueAtMs.delete(targetId);
    group.failing.delete(targetId);
  },
};

/**
 * The targets that get requests: the healthy ones; without any, all that are registered (the load balancer "fails open").
 *
 * @source AWS, "Target group health": when no target is healthy, requests are routed to all registered targets
 */
export function routableTargets(group: Immutable<TargetGroup>): readonly string[] {
  const targets: string[] = [];
  for (const [targetId, state] of group.targets)
    if (state === 'healthy' || (group.healthyCount === 0 && state !== 'draining')) targets.push(targetId);
  return targets;
}

export function drainingTargets(group: Immutable<TargetGroup>): readonly string[] {
  const targets: string[] = [];
  for (const [targetId, state] of group.targets) if (state === 'draining') targets.push(targetId);
  return targets;
}
