/** ECS's slice of the world: one cluster and all that is in it. */

import type { Immutable } from 'immer';
import type { AutoscalingWorld } from '../autoscaling/index.ts';
import type { Ec2World } from '../ec2/index.ts';
import type { EcrWorld } from '../ecr/index.ts';
import type { ElbWorld } from '../elb/index.ts';
import type { IamWorld } from '../iam/index.ts';
import type { Millis } from '../kernel/index.ts';
import type { LogsWorld } from '../logs/index.ts';
import type { VpcWorld } from '../vpc/index.ts';
import type { WorkloadWorld } from '../workload/index.ts';
import type { ServiceAssumptions, TaskAssumptions } from './assumptions.ts';
import type { EcsCapacityAssumptions, EcsTimings } from './capacity/assumptions.ts';
import type { CapacityProvider } from './capacity/capacityProvider.ts';
import type { TokenBucket } from './capacity/fargate.ts';
import type { CapacityProviderStrategyItem } from './capacity/strategy.ts';
import type { ContainerInstance } from './containerInstance.ts';
import type { TaskFault } from './fault.ts';
import type { JobQueue } from './jobs.ts';
import type { MetricSettings } from './metrics.ts';
import type { PlacementAssumptions } from './placement/assumptions.ts';
import { newPlacementJournal, type PlacementJournal } from './placement/placementIndex.ts';
import type { Service } from './service.ts';
import type { Task } from './task.ts';
import type { RegisteredTaskDefinition } from './taskDefinition.ts';
import type { TaskRun } from './taskRun.ts';

export interface EcsWorld
  extends
    Immutable<AutoscalingWorld>,
    Immutable<Ec2World>,
    Immutable<EcrWorld>,
    Immutable<ElbWorld>,
    Immutable<IamWorld>,
    Immutable<LogsWorld>,
    Immutable<VpcWorld>,
    Immutable<WorkloadWorld> {
  readonly ecs: EcsState;
}

/** What is settled before the run starts. */
export interface EcsSettings {
  readonly clusterName: string;
  /** Where Fargate tasks may run. */
  readonly availabilityZones: readonly string[];
  readonly defaultCapacityProviderStrategy: readonly CapacityProviderStrategyItem[];
  /** Container Insights is switched on. */
  readonly containerInsights: boolean;
  readonly metrics: MetricSettings;
  readonly placement: PlacementAssumptions;
  /** The zone of each subnet that has a name of its own. */
  readonly subnets: ReadonlyMap<string, string>;
  /** The account setting: whether task network interfaces share a trunk on new instances. */
  readonly awsvpcTrunking: 'enabled' | 'disabled';
  /** Where AWS is silent. */
  readonly assumptions: { readonly services: ServiceAssumptions; readonly tasks: TaskAssumptions };
  /** A run that starts in steady state: what is started at this instant is there at once. */
  readonly warmStartMs: Millis;
  readonly timings: EcsTimings;
  readonly capacity: EcsCapacityAssumptions;
}

export interface EcsState extends EcsSettings {
  readonly capacityProviders: Map<string, CapacityProvider>;
  /** By `family:revision`. */
  readonly taskDefinitions: Map<string, RegisteredTaskDefinition>;
  /** Newest `family:revision` of each family. */
  readonly latestRevisions: Map<string, string>;
  /** By EC2 instance id, in the order of registration. */
  readonly containerInstances: Map<string, ContainerInstance>;
  /** Ordinals of instances that have left, to be given again. */
  readonly freeOrdinals: number[];
  /** Those of them that are DRAINING. */
  drainingInstances: number;
  /** Those of them that are ACTIVE, by zone. */
  readonly activeInstances: Map<string, number>;
  /** Their tasks, but for those of daemons, on each that has any; by capacity provider, which may be empty. */
  readonly occupiedInstances: Map<string, Map<string, number>>;
  readonly services: Map<string, Service>;
  /** The services that register their tasks with each target group. */
  readonly targetGroupUsers: Map<string, string[]>;
  /** By task id; stopped ones are gone. */
  readonly tasks: Map<string, Task>;
  /** Tasks in PROVISIONING that wait for capacity, oldest first. */
  readonly waiting: Map<string, true>;
  readonly placementJournal: PlacementJournal;
  /** Launch rates of FARGATE and FARGATE_SPOT. */
  readonly fargateBuckets: Map<string, TokenBucket>;
  /** Services on burstable instances that have run out of CPU credits: their share of full speed. */
  readonly cpuSpeeds: Map<string, number>;
  /** Requests for tasks of their own whose tasks are not all STOPPED. */
  readonly runs: Map<string, TaskRun>;
  readonly jobQueues: Map<string, JobQueue>;
  /** Faults that last. */
  readonly faults: Map<string, TaskFault>;
  nextTask: number;
  nextDeployment: number;
  nextRun: number;
}

export const emptyEcs = (settings: EcsSettings): EcsState => ({
  ...settings,
  capacityProviders: new Map(),
  taskDefinitions: new Map(),
  latestRevisions: new Map(),
  containerInstances: new Map(),
  drainingInstances: 0,
  activeInstances: new Map(),
  occupiedInstances: new Map(),
  services: new Map(),
  targetGroupUsers: new Map(),
  tasks: new Map(),
  waiting: new Map(),
  placementJournal: newPlacementJournal(),
  fargateBuckets: new Map(),
  cpuSpeeds: new Map(),
  runs: new Map(),
  jobQueues: new Map(),
  faults: new Map(),
  freeOrdinals: [],
  nextTask: 1,
  nextDeployment: 1,
  nextRun: 1,
});
