/** What a service tells Application Auto Scaling of itself: its counts, and the metrics that predefined types stand for. */

import type { ScalableNamespace } from '../autoscaling/index.ts';
import { serviceMetric, targetGroupMetric } from './metrics.ts';
import type { EcsWorld } from './world.ts';

export function scalableResourceId(clusterName: string, serviceName: string): string {
  return `service/${clusterName}/${serviceName}`;
}

/** The service of `service/<cluster>/<service>`. */
export function serviceNameOf(resourceId: string): string {
  return resourceId.slice(resourceId.lastIndexOf('/') + 1);
}

export const scalableServices: ScalableNamespace<EcsWorld> = {
  describe({ ecs }, resourceId) {
    const service = ecs.services.get(serviceNameOf(resourceId));
    if (service === undefined) return undefined;
    const { desiredCount, runningCount, deploymentInProgress } = service;
    return { desiredCount, runningCount, deploymentInProgress };
  },

  metric({ ecs }, resourceId, { TargetTrackingScalingPolicyConfiguration: policy }) {
    const serviceName = serviceNameOf(resourceId);
    const { PredefinedMetricType } = policy.PredefinedMetricSpecification;
    switch (PredefinedMetricType) {
      case 'ECSServiceAverageCPUUtilization':
      case 'ECSServiceAverageMemoryUtilization': {
        const name =
          PredefinedMetricType === 'ECSServiceAverageCPUUtilization' ? 'CPUUtilization' : 'MemoryUtilization';
        const metric = serviceMetric(ecs.clusterName, serviceName, name);
        return { metric, statistic: 'Average', delayMs: ecs.metricDelays.serviceMs };
      }
      case 'ALBRequestCountPerTarget': {
        const targetGroup = ecs.services.get(serviceName)?.config.loadBalancers[0]?.targetGroup;
        if (targetGroup === undefined) return undefined;
        const metric = targetGroupMetric(targetGroup, 'RequestCountPerTarget');
        return { metric, statistic: 'Sum', delayMs: ecs.metricDelays.loadBalancerMs };
      }
    }
  },
};
