/** What a service tells Application Auto Scaling of itself: its counts, and the metrics that its policies name. */

import { scalerOf, type ScalableNamespace } from '../autoscaling/index.ts';
import { primaryOf } from './deployment.ts';
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
    const { desiredCount, runningCount } = service;
    const deploymentInProgress = primaryOf(service).rolloutState === 'IN_PROGRESS';
    return { desiredCount, runningCount, deploymentInProgress };
  },

  metric({ ecs }, resourceId, config) {
    const serviceName = serviceNameOf(resourceId);
    const ofService = (name: 'CPUUtilization' | 'MemoryUtilization') => {
      const metric = serviceMetric(ecs.clusterName, serviceName, name);
      return { metric, statistic: 'Average', delayMs: ecs.metricDelays.serviceMs } as const;
    };
    const ofTargetGroup = (name: string, statistic: 'Average' | 'Sum') => {
      const targetGroup = ecs.services.get(serviceName)?.config.loadBalancers[0]?.targetGroup;
      if (targetGroup === undefined) return undefined;
      return { metric: targetGroupMetric(targetGroup, name), statistic, delayMs: ecs.metricDelays.loadBalancerMs };
    };
    switch (scalerOf(config).metric(config)) {
      case 'ECSServiceAverageCPUUtilization':
      case 'CPUUtilization':
        return ofService('CPUUtilization');
      case 'ECSServiceAverageMemoryUtilization':
      case 'MemoryUtilization':
        return ofService('MemoryUtilization');
      case 'ALBRequestCountPerTarget':
      case 'RequestCountPerTarget':
        return ofTargetGroup('RequestCountPerTarget', 'Sum');
      case 'TargetResponseTime':
        return ofTargetGroup('TargetResponseTime', 'Average');
    }
  },
};
