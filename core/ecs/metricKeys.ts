/** What the metrics of a service are called, and how often they come. */

import type { Immutable } from 'immer';
import { METRIC_PERIOD_MS, metricKey } from '../cloudwatch/index.ts';
import { SECOND, type Millis } from '../kernel/index.ts';
import type { ServiceConfig } from './service.ts';

/** Of a service whose `monitoring` asks for it. */
export const HIGH_RESOLUTION_MS = 20 * SECOND;

/** How often a metric of a service is published. */
export function resolutionMs({ monitoring }: Immutable<ServiceConfig>, name: string): Millis {
  const configured = monitoring?.metricConfigurations.find(({ metricNames }) =>
    (metricNames as readonly string[]).includes(name),
  );
  return configured?.resolutionSeconds === 20 ? HIGH_RESOLUTION_MS : METRIC_PERIOD_MS;
}

/** Whether one of its utilizations is published every 20 seconds. */
export function isHighResolution({ monitoring }: Immutable<ServiceConfig>): boolean {
  return monitoring?.metricConfigurations.some(({ resolutionSeconds }) => resolutionSeconds === 20) === true;
}

/** Metric of a service in AWS/ECS. */
export function serviceMetric(clusterName: string, serviceName: string, name: string): string {
  return metricKey('AWS/ECS', name, { ClusterName: clusterName, ServiceName: serviceName });
}

/** Metric of a target group in AWS/ApplicationELB. */
export function targetGroupMetric(targetGroup: string, name: string): string {
  return metricKey('AWS/ApplicationELB', name, { TargetGroup: targetGroup });
}

/** The metrics that tell how long a service takes to answer. */
export function latencyMetricsOf(config: Immutable<ServiceConfig>): readonly string[] {
  return [
    ...config.loadBalancers.map(({ targetGroup }) => targetGroupMetric(targetGroup, 'TargetResponseTime')),
    ...discoveryNames(config).map((name) => metricKey('AWS/ECS', 'TargetResponseTime', { DiscoveryName: name })),
  ];
}

/** The metric of managed scaling. */
export function reservationMetric(clusterName: string, name: string): string {
  return metricKey('AWS/ECS/ManagedScaling', 'CapacityProviderReservation', {
    CapacityProviderName: name,
    ClusterName: clusterName,
  });
}

/** The names by which a service is reached through Service Connect. */
export function discoveryNames({ serviceConnectConfiguration: connect }: Immutable<ServiceConfig>): readonly string[] {
  return connect?.enabled === true
    ? connect.services.map(({ portName, discoveryName }) => discoveryName ?? portName)
    : [];
}
