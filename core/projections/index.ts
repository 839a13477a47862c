/** What can be read from a run's events. */

export { costProjection, fargateCostMicroUsd, type CostReport } from './cost.ts';
export { churnProjection, type ChurnReport } from './churn.ts';
export type { DelayReport } from './delays.ts';
export { Demand } from './demand.ts';
export { elasticityProjection, elasticSpeedup, type ElasticityReport } from './elasticity.ts';
export { DemandTimes, MISSED_TIMES } from './fixedSize.ts';
export { failuresProjection, type FailureReport } from './failures.ts';
export { fragmentationProjection, type PlacementReport } from './fragmentation.ts';
export { jobsProjection, type JobQueueReport } from './jobs.ts';
export { priceList, type PriceList } from './prices.ts';
export { queueProjection, type QueueReport } from './queue.ts';
export { project, type Projection } from './projection.ts';
export { scalingActivitiesProjection, type ScalingActivityDescription } from './scalingActivities.ts';
export { scalingHistoryProjection, type ScalingReport } from './scalingHistory.ts';
export { seriesProjection, type SeriesReport } from './series.ts';
export { serviceEventsProjection, type ServiceEventsReport } from './serviceEvents.ts';
export { serviceLevelProjection, type ServiceLevelReport } from './serviceLevel.ts';
export { utilizationProjection, type UtilizationReport } from './utilization.ts';
