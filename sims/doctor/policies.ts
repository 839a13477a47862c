/** The scaling policies of a scenario, spelled out: what each follows, which alarms call it, and how far its metric can go. */

import type { MetricAlarm, PutScalingPolicy, StepScalingPolicy } from '../../core/index.ts';
import { scalerOf } from '../../core/autoscaling/index.ts';
import { metricAlarmOf, metricIdentity, metricsOf, type MetricRequest } from '../../core/cloudwatch/index.ts';
import { canonicalRequest, followedRequest, scalableResourceId } from '../../core/ecs/index.ts';
import type { Facts, Listed, ScalableTarget, ServiceFacts } from './facts.ts';

type TargetTracking = Extract<
  PutScalingPolicy,
  { PolicyType: 'TargetTrackingScaling' }
>['TargetTrackingScalingPolicyConfiguration'];

export interface PolicyFacts {
  readonly name: string;
  readonly service: ServiceFacts;
  readonly target: Listed<ScalableTarget>;
  readonly path: readonly (string | number)[];
  readonly tracking?: TargetTracking;
  readonly step?: StepScalingPolicy;
  /** What calls it: its own alarms, and those of the scenario that name it. */
  readonly alarms: readonly MetricAlarm[];
}

/** The policies that services have when the run starts; shorthand is spelled out. */
export function policiesOf({ scenario, services }: Facts): readonly PolicyFacts[] {
  const { clusterName } = scenario.cluster;
  return services.flatMap((service) => {
    const { target, name: serviceName } = service;
    const [targetGroup] = service.config.loadBalancers.map((balancer) => balancer.targetGroup);
    if (target === undefined) return [];
    return target.config.policies.flatMap((written, index) => {
      const scaler = scalerOf(written);
      return scaler.policies(written).map((put): PolicyFacts => {
        const followed = scaler.follows(put);
        const request =
          followed === undefined ? undefined : followedRequest({ clusterName, serviceName, targetGroup }, followed);
        const key = `${scalableResourceId(clusterName, serviceName)}/${put.PolicyName}`;
        return {
          name: put.PolicyName,
          service,
          target,
          path: ['scalableTargets', target.index, 'policies', index],
          alarms: [
            ...(request === undefined ? [] : scaler.alarms(put, request, key, '')),
            ...alarmsThatCall(scenario, `${serviceName}/${put.PolicyName}`),
          ],
          ...kindOf(put),
        };
      });
    });
  });
}

function kindOf(put: PutScalingPolicy): Pick<PolicyFacts, 'tracking' | 'step'> {
  if (put.PolicyType === 'StepScaling') return { step: put as StepScalingPolicy };
  return put.PolicyType === 'TargetTrackingScaling' ? { tracking: put.TargetTrackingScalingPolicyConfiguration } : {};
}

/** Alarms of the scenario, or of its changes, with an action that names a policy. */
function alarmsThatCall({ alarms, changes }: Facts['scenario'], policy: string): readonly MetricAlarm[] {
  return [...alarms, ...changes.flatMap(({ PutMetricAlarm: put }) => put ?? [])]
    .map((written) => metricAlarmOf(written, (owner, policyName) => `${owner}/${policyName}`))
    .filter(({ scalingActions }) => Object.values(scalingActions).some((called) => called.includes(policy)))
    .map((alarm) => ({ ...alarm, request: canonicalRequest(alarm.request) }));
}

/** What a metric is, where it is one that a task's load decides. */
export type MetricKind = 'cpu' | 'memory' | 'requestsPerTarget' | 'other';

export function metricKind(request: MetricRequest): MetricKind {
  const [only, ...rest] = request;
  if (only === undefined || rest.length > 0 || !('metric' in only)) return 'other';
  const { namespace, name, dimensions } = metricIdentity(only.metric);
  if (namespace === 'AWS/ECS' && dimensions['ServiceName'] !== undefined) {
    if (name === 'CPUUtilization') return 'cpu';
    if (name === 'MemoryUtilization') return 'memory';
  }
  return name === 'RequestCountPerTarget' && only.statistic === 'Sum' ? 'requestsPerTarget' : 'other';
}

/** The metrics that a request reads, taken apart. */
export function metricsRead(request: MetricRequest) {
  return metricsOf(request).map(({ metric }) => metricIdentity(metric));
}

/**
 * The most that CPUUtilization or MemoryUtilization can be: 100 where the task has a size of its own or may not borrow from
 * its instance, less where its places are held without work.
 *
 * @source AWS, ECS Developer Guide, "Service utilization": above 100 % only what is reserved by a container
 */
export function mostPercent(kind: 'cpu' | 'memory', service: ServiceFacts, idleCpu: 'reserved' | 'shared'): number {
  if (kind === 'memory') return 100;
  const mayBorrow = idleCpu === 'shared' && !service.onFargate && service.definition.cpu === undefined;
  return mayBorrow ? Number.POSITIVE_INFINITY : Math.min(100, service.load?.mostCpuPercent ?? 100);
}
