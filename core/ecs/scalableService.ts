/** What a service tells Application Auto Scaling of itself: its counts, and the metrics that its policies name. */

import type { Immutable } from 'immer';
import {
  askScalingPolicy,
  targetGroupOfLabel,
  type AskedPolicy,
  type FollowedMetric,
  type ScalableNamespace,
} from '../autoscaling/index.ts';
import { requestFor, type MetricRequest } from '../cloudwatch/index.ts';
import type { Millis } from '../kernel/index.ts';
import { primaryOf } from './deployment.ts';
import { serviceMetric, targetGroupMetric } from './metricKeys.ts';
import { canonicalRequest } from './metrics.ts';
import type { EcsWorld } from './world.ts';

/** Ids by cluster and service: every step of a task asks for one, and to put it together and hash it takes 0.3 us. */
const resourceIds = new Map<string, Map<string, string>>();

export function scalableResourceId(clusterName: string, serviceName: string): string {
  let ofCluster = resourceIds.get(clusterName);
  if (ofCluster === undefined) resourceIds.set(clusterName, (ofCluster = new Map<string, string>()));
  let resourceId = ofCluster.get(serviceName);
  if (resourceId === undefined) ofCluster.set(serviceName, (resourceId = `service/${clusterName}/${serviceName}`));
  return resourceId;
}

/** The service of `service/<cluster>/<service>`. */
export function serviceNameOf(resourceId: string): string {
  return resourceId.slice(resourceId.lastIndexOf('/') + 1);
}

export const scalableServices: ScalableNamespace<EcsWorld> = {
  describe({ ecs }, resourceId) {
    const service = ecs.services.get(serviceNameOf(resourceId));
    if (service === undefined) return undefined;
    const { desiredCount, runningCount } = service;
    const deploymentInProgress = primaryOf(service).rolloutState === 'IN_PROGRESS';
    return { desiredCount, runningCount, deploymentInProgress };
  },

  request({ ecs }, resourceId, followed) {
    const serviceName = serviceNameOf(resourceId);
    const targetGroup = ecs.services.get(serviceName)?.config.loadBalancers[0]?.targetGroup;
    return followedRequest({ clusterName: ecs.clusterName, serviceName, targetGroup }, followed);
  },
};

/** What a policy of a service answers to the call of an alarm; undefined when the alarm calls it no longer. */
export function askServicePolicy(
  world: Immutable<EcsWorld>,
  policyKey: string,
  alarmName: string,
  nowMs: Millis,
): AskedPolicy | undefined {
  return askScalingPolicy<EcsWorld>(scalableServices, policyKey, alarmName, { world, nowMs });
}

/** The metrics that a policy of a service follows; undefined when the service has none of that name. */
export function followedRequest(
  service: { readonly clusterName: string; readonly serviceName: string; readonly targetGroup: string | undefined },
  followed: FollowedMetric,
): MetricRequest | undefined {
  if ('request' in followed) return canonicalRequest(followed.request);
  const { clusterName, serviceName } = service;
  const { predefined, resourceLabel, statistic } = followed;
  const labelled = resourceLabel === undefined ? undefined : targetGroupOfLabel(resourceLabel);
  const targetGroup = labelled ?? service.targetGroup;
  switch (predefined) {
    case 'ECSServiceAverageCPUUtilization':
    case 'ECSServiceAverageCPUUtilizationHighResolution':
    case 'CPUUtilization':
      return requestFor(serviceMetric(clusterName, serviceName, 'CPUUtilization'), statistic ?? 'Average');
    case 'ECSServiceAverageMemoryUtilization':
    case 'ECSServiceAverageMemoryUtilizationHighResolution':
    case 'MemoryUtilization':
      return requestFor(serviceMetric(clusterName, serviceName, 'MemoryUtilization'), statistic ?? 'Average');
    case 'ALBRequestCountPerTarget':
    case 'RequestCountPerTarget':
      return ofTargetGroup(targetGroup, 'RequestCountPerTarget', statistic ?? 'Sum');
    case 'RequestCount':
      return ofTargetGroup(targetGroup, 'RequestCount', statistic ?? 'Sum');
    case 'TargetResponseTime':
      return ofTargetGroup(targetGroup, 'TargetResponseTime', statistic ?? 'Average');
  }
}

function ofTargetGroup(targetGroup: string | undefined, name: string, statistic: string): MetricRequest | undefined {
  return targetGroup === undefined ? undefined : requestFor(targetGroupMetric(targetGroup, name), statistic);
}
