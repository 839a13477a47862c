/** The rooms, joined: one world, one union of events and of commands, one table of each kind. */

import {
  assumptionEvents,
  assumptionPhases,
  decideAssumptions,
  evolveAssumptions,
  type AssumptionCommand,
  type AssumptionEvent,
} from './assumptions.ts';
import {
  autoscalingController,
  autoscalingEvents,
  autoscalingPhases,
  decideAutoscaling,
  evolveAutoscaling,
  type AutoscalingCommand,
  type AutoscalingEvent,
  type AutoscalingState,
} from './autoscaling/index.ts';
import {
  cloudwatchController,
  cloudwatchEvents,
  cloudwatchPhases,
  decideCloudWatch,
  evolveCloudWatch,
  type CloudWatchCommand,
  type CloudWatchEvent,
  type CloudWatchState,
} from './cloudwatch/index.ts';
import {
  decideEc2,
  ec2Controller,
  ec2Events,
  ec2Phases,
  evolveEc2,
  type Ec2Command,
  type Ec2Event,
  type Ec2State,
} from './ec2/index.ts';
import {
  decideEcs,
  ecsController,
  ecsEvents,
  ecsPhases,
  evolveEcs,
  scalableServices,
  terminationHooks,
  type EcsCommand,
  type EcsEvent,
  type EcsState,
  type JobTraces,
} from './ecs/index.ts';
import {
  decideEcr,
  ecrEvents,
  ecrPhases,
  evolveEcr,
  type EcrCommand,
  type EcrEvent,
  type EcrState,
} from './ecr/index.ts';
import {
  decideElb,
  elbController,
  elbEvents,
  elbPhases,
  evolveElb,
  type ElbCommand,
  type ElbEvent,
  type ElbState,
} from './elb/index.ts';
import {
  decideIam,
  evolveIam,
  iamEvents,
  iamPhases,
  type IamCommand,
  type IamEvent,
  type IamState,
} from './iam/index.ts';
import type { Controller, Model } from './kernel/index.ts';
import {
  decideLogs,
  evolveLogs,
  logEvents,
  logPhases,
  type LogCommand,
  type LogEvent,
  type LogsState,
} from './logs/index.ts';
import {
  decideVpc,
  evolveVpc,
  vpcEvents,
  vpcPhases,
  type VpcCommand,
  type VpcEvent,
  type VpcState,
} from './vpc/index.ts';
import {
  decideWorkload,
  evolveWorkload,
  workloadController,
  workloadEvents,
  workloadPhases,
  type TraceSeries,
  type WorkloadCommand,
  type WorkloadEvent,
  type WorkloadState,
} from './workload/index.ts';

/**
 * Version of the model: the same scenario and seed lead to the same log with every engine of one version. A change of results,
 * whatever its reason, raises it, and has its line in CHANGELOG.md.
 */
export const MODEL_VERSION = 1;

export interface World {
  readonly iam: IamState;
  readonly vpc: VpcState;
  readonly workload: WorkloadState;
  readonly cloudwatch: CloudWatchState;
  readonly autoscaling: AutoscalingState;
  readonly ec2: Ec2State;
  readonly ecr: EcrState;
  readonly logs: LogsState;
  readonly elb: ElbState;
  readonly ecs: EcsState;
}

export type Event =
  | IamEvent
  | VpcEvent
  | WorkloadEvent
  | CloudWatchEvent
  | AutoscalingEvent
  | Ec2Event
  | EcrEvent
  | LogEvent
  | ElbEvent
  | EcsEvent
  | AssumptionEvent;
export type Command =
  | IamCommand
  | VpcCommand
  | WorkloadCommand
  | CloudWatchCommand
  | AutoscalingCommand
  | Ec2Command
  | EcrCommand
  | LogCommand
  | ElbCommand
  | EcsCommand
  | AssumptionCommand;

/** Every event type with its columns and their meaning. */
export const eventDefinitions = {
  ...iamEvents,
  ...vpcEvents,
  ...workloadEvents,
  ...cloudwatchEvents,
  ...autoscalingEvents,
  ...ec2Events,
  ...ecrEvents,
  ...logEvents,
  ...elbEvents,
  ...ecsEvents,
  ...assumptionEvents,
} as const;

/**
 * The order in which controllers hear an event decides the arrival order of what they ask for.
 * A room's controller hears its own events and those of the rooms below; that all of them are among ours, the compiler
 * cannot follow through the generic `on`.
 */
const controllers = [
  workloadController,
  cloudwatchController,
  autoscalingController,
  ec2Controller,
  elbController,
  ecsController,
] as unknown as readonly Controller<World, Event, Command>[];

/** What was recorded elsewhere, and a run plays back. */
export interface Recordings {
  /** Loads by the name of their file. */
  readonly traces?: ReadonlyMap<string, TraceSeries> | undefined;
  /** Jobs by the name of their file. */
  readonly jobs?: JobTraces | undefined;
}

/** The model of a run. What is missing of the recordings is only missed by decisions: to write events takes none. */
export function createModel({ traces = new Map(), jobs = new Map() }: Recordings = {}): Model<World, Command, Event> {
  return {
    events: eventDefinitions,
    decide: {
      ...decideIam,
      ...decideVpc,
      ...decideWorkload(traces),
      ...decideCloudWatch,
      ...decideAutoscaling<World>(scalableServices),
      ...decideEc2<World>(terminationHooks),
      ...decideEcr,
      ...decideLogs,
      ...decideElb,
      ...decideEcs(jobs),
      ...decideAssumptions,
    },
    evolve: {
      ...evolveIam,
      ...evolveVpc,
      ...evolveWorkload,
      ...evolveCloudWatch,
      ...evolveAutoscaling,
      ...evolveEc2,
      ...evolveEcr,
      ...evolveLogs,
      ...evolveElb,
      ...evolveEcs,
      ...evolveAssumptions,
    },
    phases: {
      ...iamPhases,
      ...vpcPhases,
      ...workloadPhases,
      ...cloudwatchPhases,
      ...autoscalingPhases,
      ...ec2Phases,
      ...ecrPhases,
      ...logPhases,
      ...elbPhases,
      ...ecsPhases,
      ...assumptionPhases,
    },
    controllers,
  };
}
