/** The front door: everything that is public. */

export {
  alarmState,
  evaluateMetricMath,
  evaluationOffsetMs,
  MetricMathError,
  recentDatapoints,
  statistics,
  type AlarmRule,
  type AlarmState,
  type MetricAlarm,
  type Slot,
  type TreatMissingData,
} from './cloudwatch/index.ts';
export {
  aggregatedMetric,
  lowThreshold,
  matchingStep,
  scalers,
  scheduledTimes,
  scheduleProblem,
  stepScalingCapacity,
  targetTrackingCapacity,
  type NotScaledReason,
  type PutScalingPolicy,
  type ScalingPolicyConfig,
  type StepScalingPolicy,
  type StepScalingPolicyConfiguration,
} from './autoscaling/index.ts';
export { instanceType, instanceTypeNames, onDemandCount, typesOf, type InstanceType } from './ec2/index.ts';
export {
  deploymentBounds,
  desiredInstances,
  fargateSizeIsValid,
  managedScaling,
  placementConstraints,
  placementStrategies,
  scalableResourceId,
  serviceNameOf,
  splitByStrategy,
  taskDemand,
  type ManagedScalingInput,
  type TaskDefinition,
  type TaskDemand,
} from './ecs/index.ts';
export {
  BrokenInvariantError,
  DAY,
  duration,
  formatPath,
  HOUR,
  InvalidScenarioError,
  keyedRng,
  MINUTE,
  parseInstant,
  SECOND,
  SimulationError,
  replay,
  Timeline,
  type EventStreams,
  type Millis,
  type Recorded,
  type ScenarioProblem,
} from './kernel/index.ts';
export {
  bucketOf,
  bucketValueMs,
  latencyLevels,
  loadModels,
  servings,
  type LoadConfig,
  type TraceSeries,
} from './workload/index.ts';
export {
  costProjection,
  fargateCostMicroUsd,
  priceList,
  project,
  scalingHistoryProjection,
  seriesProjection,
  serviceLevelProjection,
  utilizationProjection,
  type CostReport,
  type DelayReport,
  type PriceList,
  type Projection,
  type ScalingReport,
  type SeriesReport,
  type ServiceLevelReport,
  type UtilizationReport,
} from './projections/index.ts';
export { createInvariants } from './invariants.ts';
export { scenarioProblems, scenarioSchema, type Scenario, type ScenarioInput } from './scenario.ts';
export {
  restore,
  simulate,
  startOf,
  type EcsCheckpoint,
  type EcsSimulation,
  type SimulateOptions,
} from './simulate.ts';
export { createModel, eventDefinitions, type Command, type Event, type World } from './world.ts';
