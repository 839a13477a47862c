/** When ECS acts: each line says what it heard and what it asks for. */

import { filter, map } from 'rxjs';
import type { Immutable } from 'immer';
import type { AutoscalingCommand, AutoscalingEvent } from '../autoscaling/index.ts';
import { callsOf, METRIC_PERIOD_MS, type CloudWatchCommand, type CloudWatchEvent } from '../cloudwatch/index.ts';
import { listensTo, watchedPeriodsMs, type Ec2Command, type Ec2Event } from '../ec2/index.ts';
import type { CheckResult, ElbCommand, ElbEvent } from '../elb/index.ts';
import type { IamEvent } from '../iam/index.ts';
import {
  HOUR,
  MINUTE,
  mergeList,
  SECOND,
  together,
  type Controller,
  type Due,
  type EventStreams,
  type Millis,
} from '../kernel/index.ts';
import type { LogCommand } from '../logs/index.ts';
import type { VpcEvent } from '../vpc/index.ts';
import type { WorkloadEvent } from '../workload/index.ts';
import {
  holdsTasks,
  type CapacityProvider,
  type CapacityProviderCommand,
  type CapacityProviderEvent,
} from './capacity/capacityProvider.ts';
import {
  cpuSpeeds,
  cpuUse,
  hasBurstableInstances,
  isBurstable,
  type CpuSpeedCommand,
  type CpuSpeedEvent,
} from './capacity/cpuSpeed.ts';
import { LONGEST_DRAINING_MS, MANAGED_DRAINING_HOOK, SPOT_POLL_MS } from './capacity/draining.ts';
import type { FargateCommand, FargateEvent } from './capacity/fargate.ts';
import { KILLED, nextCheckMs, type ContainerLife } from './container.ts';
import type { ContainerInstanceCommand, ContainerInstanceEvent } from './containerInstance.ts';
import type { DeploymentEvent } from './deployment.ts';
import { checksFail, concerns, type FaultCommand, type FaultEvent, type TaskFault, type TaskFaultOf } from './fault.ts';
import type { JobQueueCommand, JobQueueEvent } from './jobQueue.ts';
import { HIGH_RESOLUTION_MS } from './metricKeys.ts';
import { hasHighResolution, metricData } from './metrics.ts';
import { overloadChanges } from './overload.ts';
import { applicationDenial, logStreamOf } from './permissions.ts';
import { isReachable } from './reachability.ts';
import { scalableResourceId, serviceNameOf } from './scalableService.ts';
import type { RebalancingCommand } from './rebalancing.ts';
import type { SchedulerCommand } from './scheduler.ts';
import type { ServiceCommand, ServiceEvent } from './service.ts';
import type { ServingCommand, ServingEvent } from './serving.ts';
import { answersAfterMs, type Task, type TaskCommand, type TaskEvent } from './task.ts';
import type { RegisteredTaskDefinition } from './taskDefinition.ts';
import type { TaskRunCommand, TaskRunEvent } from './taskRun.ts';
import type { EcsWorld } from './world.ts';

type EcsEvent =
  | ContainerInstanceEvent
  | CapacityProviderEvent
  | CpuSpeedEvent
  | DeploymentEvent
  | FargateEvent
  | FaultEvent
  | JobQueueEvent
  | ServiceEvent
  | ServingEvent
  | TaskEvent
  | TaskRunEvent;
type Heard = EcsEvent | IamEvent | VpcEvent | WorkloadEvent | CloudWatchEvent | AutoscalingEvent | Ec2Event | ElbEvent;
type Asked =
  | CapacityProviderCommand
  | ContainerInstanceCommand
  | CpuSpeedCommand
  | FargateCommand
  | FaultCommand
  | JobQueueCommand
  | RebalancingCommand
  | SchedulerCommand
  | ServiceCommand
  | ServingCommand
  | TaskCommand
  | TaskRunCommand
  | CloudWatchCommand
  | AutoscalingCommand
  | Ec2Command
  | LogCommand
  | ElbCommand;

export const ecsController: Controller<EcsWorld, Heard, Asked> = (events, world) =>
  together(
    measuring(events, world),
    scaling(events, world),
    scheduling(events, world),
    launching(events, world),
    queueing(events, world),
    living(events, world),
    failing(events, world),
    permissions(events, world),
    loadBalancing(events, world),
    instances(events, world),
    burstable(events, world),
    spot(events, world),
  );

const due = (atMs: Millis, command: Asked): Due<Asked> => ({ atMs, command });

/** A look of the scheduler at a service. @param retry  what kept its tasks from a place may have changed */
function reconcile(world: Immutable<EcsWorld>, atMs: Millis, serviceName: string, retry = false): Due<Asked>[] {
  const service = world.ecs.services.get(serviceName);
  if (service === undefined) return [];
  const type = service.config.schedulingStrategy === 'DAEMON' ? 'ReconcileDaemon' : 'ReconcileService';
  return [due(atMs, { type, serviceName, retry })];
}

/** Load is served, and at the end of a metric period its datapoints are published. */
const measuring = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events
      .on('LoadSampled')
      .pipe(
        map(({ atMs, event: { fromMs, services, offered } }) =>
          due(atMs, { type: 'ServeLoad', fromMs, services, offered }),
        ),
      ),
    events.on('LoadServed').pipe(
      filter(({ event }) => event.toMs % HIGH_RESOLUTION_MS === 0 && hasHighResolution(world)),
      map(({ atMs }) => due(atMs, { type: 'PutMetricData', ...metricData(world, atMs, HIGH_RESOLUTION_MS) })),
    ),
    events.on('LoadServed').pipe(
      filter(({ event }) => event.toMs % METRIC_PERIOD_MS === 0),
      map(({ atMs }) =>
        watchedPeriodsMs(world).length > 0
          ? due(atMs, { type: 'MeasureInstances', ...cpuUse(world, METRIC_PERIOD_MS / MINUTE, () => true) })
          : due(atMs, { type: 'PutMetricData', ...metricData(world, atMs, METRIC_PERIOD_MS) }),
      ),
    ),
    // Where the metrics of instances are read, those of the minute wait for them; basic monitoring has periods of its own.
    events
      .on('InstancesMeasured')
      .pipe(
        mergeList(({ atMs }) =>
          [...new Set([METRIC_PERIOD_MS, ...watchedPeriodsMs(world)])]
            .filter((periodMs) => atMs % periodMs === 0)
            .map((periodMs) => due(atMs, { type: 'PutMetricData', ...metricData(world, atMs, periodMs) })),
        ),
      ),
  );

/** A scaling activity sets the desired count; the alarms of a capacity provider size its group. */
const scaling = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events.on('ScalingActivityStarted').pipe(
      map(({ atMs, event }) =>
        due(atMs, {
          type: 'UpdateService',
          serviceName: serviceNameOf(event.resourceId),
          desiredCount: event.toCapacity,
        }),
      ),
    ),
    events.on('TaskRunning', 'TaskDeactivating', 'TaskStopping', 'TaskStopped', 'ServiceUpdated').pipe(
      mergeList(({ atMs, event: { serviceName } }) => {
        const resourceId = scalableResourceId(world.ecs.clusterName, serviceName);
        const waits = world.autoscaling.targets.get(resourceId)?.activity !== undefined;
        return waits ? [due(atMs, { type: 'CompleteScalingActivity', resourceId })] : [];
      }),
    ),
    events
      .on('CapacityProviderCreated', 'CapacityProviderUpdated')
      .pipe(mergeList(({ atMs, event }) => event.alarms.map((alarm) => due(atMs, { type: 'PutMetricAlarm', alarm })))),
    events.on('AlarmStateChanged').pipe(
      filter(({ event }) => event.to === 'ALARM'),
      mergeList(({ atMs, event }) => scaleProviders(world, atMs, [event.alarmName])),
    ),
    events
      .on('AlarmActionsRepeated')
      .pipe(mergeList(({ atMs, event }) => scaleProviders(world, atMs, event.alarmNames))),
    events
      .on('CapacityProviderScaled')
      .pipe(
        map(({ atMs, event: { autoScalingGroupName, to } }) =>
          due(atMs, { type: 'SetDesiredCapacity', autoScalingGroupName, desiredCapacity: to }),
        ),
      ),
  );

function scaleProviders(
  world: Immutable<EcsWorld>,
  atMs: Millis,
  alarmNames: readonly string[],
): readonly Due<Asked>[] {
  return callsOf(world, alarmNames, (capacityProvider, alarmName) =>
    world.ecs.capacityProviders.has(capacityProvider)
      ? due(atMs, { type: 'ScaleCapacityProvider', capacityProvider, alarmName })
      : undefined,
  );
}

/** The service scheduler looks again after whatever changes its counts, or what it knows of health and room. */
const scheduling = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events.on('ServiceCreated').pipe(mergeList(({ atMs, event }) => reconcile(world, atMs, event.config.serviceName))),
    events
      .on('ServiceUpdated', 'ServiceConfigured', 'ServiceDeleted', 'DeploymentStarted', 'ServiceRebalancingStarted')
      .pipe(mergeList(({ atMs, event }) => reconcile(world, atMs, event.serviceName, true))),
    events
      .on('TaskRunning', 'TaskDeactivating', 'TaskStopping', 'TaskStopped', 'TaskProtectionUpdated')
      .pipe(mergeList(({ atMs, event }) => reconcile(world, atMs, event.serviceName))),
    // A task without any check counts as healthy after a while; a health check in its grace period is heard after it.
    events
      .on('TaskRunning')
      .pipe(
        mergeList(({ atMs, event: { serviceName } }) => [
          ...(isReplacing(world, serviceName) ? afterWhile(world, atMs, serviceName) : []),
          ...afterGrace(world, atMs, serviceName),
        ]),
      ),
    events.on('DeploymentStarted').pipe(mergeList(({ atMs, event }) => afterWhile(world, atMs, event.serviceName))),
    events
      .on(
        'ServiceTasksStarting',
        'ServiceTaskPlacementFailed',
        'ServiceTaskConfigurationFailed',
        'ServiceTaskStartFailed',
      )
      .pipe(
        mergeList(({ event }) => {
          const againAtMs = event.type === 'ServiceTasksStarting' ? event.continuesAtMs : event.retryAtMs;
          return againAtMs === undefined ? [] : reconcile(world, againAtMs, event.serviceName, true);
        }),
      ),
    // The desired count was lowered while these tasks were being started.
    events.on('TaskCreated', 'ServiceTaskPlacementFailed', 'ServiceTaskConfigurationFailed').pipe(
      filter(({ event }) => hasTooMany(world, event.serviceName)),
      mergeList(({ atMs, event }) => reconcile(world, atMs, event.serviceName)),
    ),
    events
      .on('ContainerHealthChecked')
      .pipe(
        mergeList(({ atMs, event: { taskId, serviceName, passed, healthStatus } }) => [
          ...(passed && serviceName !== '' ? [due(atMs, { type: 'NoteHealthyTask', taskId })] : []),
          ...(passed || healthStatus === 'UNHEALTHY' ? reconcile(world, atMs, serviceName) : []),
        ]),
      ),
    events
      .on('TargetHealthy')
      .pipe(map(({ atMs, event }) => due(atMs, { type: 'NoteHealthyTask', taskId: event.targetId }))),
    events
      .on('TargetHealthy', 'TargetUnhealthy', 'TargetDeregistered')
      .pipe(mergeList(({ atMs, event }) => reconcileBehind(world, atMs, event.targetGroup))),
    // Choice: ECS hears that a target is in no zone of its load balancer when the first health check would have come.
    events
      .on('TargetRegistered')
      .pipe(
        mergeList(({ event: { targetGroup, state, firstCheckMs } }) =>
          state === 'unused' ? reconcileBehind(world, firstCheckMs, targetGroup) : [],
        ),
      ),
    events
      .on(
        'ContainerInstanceRegistered',
        'ContainerInstanceActivated',
        'ContainerInstanceDraining',
        'ContainerInstanceDeregistered',
      )
      .pipe(mergeList(({ atMs }) => daemons(world, atMs, true))),
    // The last task but daemons' has left a draining instance.
    events.on('TaskStopped').pipe(
      filter(({ event }) => world.ecs.containerInstances.get(event.ec2InstanceId ?? '')?.status === 'DRAINING'),
      mergeList(({ atMs }) => daemons(world, atMs, false)),
    ),
    roomMade(events, world).pipe(mergeList(({ atMs }) => withoutRoom(world, atMs))),
    events.on('ServiceReachedSteadyState').pipe(
      filter(({ event }) => isBalanced(world, event.serviceName)),
      map(({ atMs, event: { serviceName } }) => {
        const isUnderWay = world.ecs.services.get(serviceName)?.rebalancing !== undefined;
        const dueMs = isUnderWay ? atMs : atMs + world.ecs.assumptions.services.rebalancingDelay;
        return due(dueMs, { type: 'RebalanceService', serviceName, retry: false });
      }),
    ),
    // There is a place more, or a zone is back.
    events.on('ContainerInstanceRegistered', 'ContainerInstanceActivated', 'FaultEnded').pipe(
      // At a warm start no service is steady yet, and each asks once it is: 10,000 instances times 760 services took minutes.
      filter(({ atMs }) => atMs !== world.ecs.warmStartMs),
      mergeList(({ atMs }) =>
        Array.from(world.ecs.services.keys())
          .filter((serviceName) => isBalanced(world, serviceName))
          .map((serviceName) => {
            const dueMs = atMs + world.ecs.assumptions.services.rebalancingDelay;
            return due(dueMs, { type: 'RebalanceService', serviceName, retry: true });
          }),
      ),
    ),
  );

/** There may be more room on an instance than before. */
const roomMade = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  events
    .on(
      'TaskStopping',
      'TaskStopped',
      'ContainerInstanceRegistered',
      'ContainerInstanceActivated',
      'ContainerAgentConnected',
    )
    .pipe(filter(({ event }) => mayMakeRoom(world, event)));

/** Whether there may be more room on an instance: what stops on Fargate leaves none. */
function mayMakeRoom(
  { ecs }: Immutable<EcsWorld>,
  event: { readonly type: string; readonly taskId?: string; readonly ec2InstanceId?: string | undefined },
): boolean {
  if (event.type === 'TaskStopping') return ecs.tasks.get(event.taskId ?? '')?.ec2InstanceId !== undefined;
  return event.ec2InstanceId !== undefined;
}

/** Services whose tasks have found no place try again. */
function withoutRoom(world: Immutable<EcsWorld>, atMs: Millis): Due<Asked>[] {
  const asked: Due<Asked>[] = [];
  for (const { placementFailures, config } of world.ecs.services.values())
    if (placementFailures > 0) asked.push(...reconcile(world, atMs, config.serviceName, true));
  return asked;
}

/** Whether a service wants its zones balanced. */
function isBalanced({ ecs }: Immutable<EcsWorld>, serviceName: string): boolean {
  return ecs.services.get(serviceName)?.config.availabilityZoneRebalancing === 'ENABLED';
}

function daemons(world: Immutable<EcsWorld>, atMs: Millis, retry: boolean): Due<Asked>[] {
  return Array.from(world.ecs.services.values())
    .filter(({ config }) => config.schedulingStrategy === 'DAEMON')
    .flatMap(({ config }) => reconcile(world, atMs, config.serviceName, retry));
}

function isReplacing({ ecs }: Immutable<EcsWorld>, serviceName: string): boolean {
  const service = ecs.services.get(serviceName);
  if (service === undefined) return false;
  return service.deployments.length > 1 || ecs.drainingInstances > 0;
}

/** When tasks that run now will count as healthy, should they have no health check. */
function afterWhile(world: Immutable<EcsWorld>, atMs: Millis, serviceName: string): Due<Asked>[] {
  const { config } = world.ecs.services.get(serviceName) ?? {};
  if (config === undefined || config.loadBalancers.length > 0) return [];
  return reconcile(world, atMs + world.ecs.assumptions.services.healthyAfterRunning, serviceName);
}

function afterGrace(world: Immutable<EcsWorld>, atMs: Millis, serviceName: string): Due<Asked>[] {
  const graceS = world.ecs.services.get(serviceName)?.config.healthCheckGracePeriodSeconds ?? 0;
  return graceS === 0 ? [] : reconcile(world, atMs + graceS * 1_000, serviceName);
}

function hasTooMany({ ecs }: Immutable<EcsWorld>, serviceName: string): boolean {
  const service = ecs.services.get(serviceName);
  if (service === undefined || service.starting > 0) return false;
  return service.pendingCount + service.runningCount > service.desiredCount;
}

/** Tasks that are asked for are created and look for a place. */
const launching = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events.on('ServiceTasksStarting').pipe(
      // A daemon's tasks are created in the same decision.
      filter(({ event }) => world.ecs.services.get(event.serviceName)?.config.schedulingStrategy === 'REPLICA'),
      mergeList(({ atMs, event: { serviceName, deploymentId, capacityProviders } }) =>
        capacityProviders.map((capacityProvider) =>
          due(atMs, { type: 'RunServiceTask', serviceName, deploymentId, capacityProvider }),
        ),
      ),
    ),
    events
      .on('TaskRunRequested')
      .pipe(
        mergeList(({ atMs, event: { runId, capacityProviders, containerInstances } }) => [
          ...capacityProviders.map((capacityProvider) =>
            due(atMs, { type: 'LaunchTask', runId, capacityProvider } as const),
          ),
          ...containerInstances.map((ec2InstanceId) =>
            due(atMs, { type: 'LaunchTaskOn', runId, ec2InstanceId } as const),
          ),
        ]),
      ),
    events
      .on('TaskWaiting')
      .pipe(map(({ event: { taskId, givesUpAtMs } }) => due(givesUpAtMs, { type: 'GiveUpTask', taskId }))),
    // Room has appeared, or a waiting task has just been placed and the next one may try.
    events
      .on(
        'TaskStopping',
        'ContainerInstanceRegistered',
        'ContainerInstanceActivated',
        'ContainerAgentConnected',
        'TaskPlaced',
        'TaskStopped',
      )
      .pipe(
        filter(() => world.ecs.waiting.size > 0),
        map(({ atMs }) => due(atMs, { type: 'PlaceWaitingTask' })),
      ),
  );

/** Jobs are submitted, and started one at a time: the next one when RunTask has answered, or may answer otherwise. */
const queueing = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events
      .on('JobQueueCreated', 'JobsSubmitted')
      .pipe(
        mergeList(({ event: { queue, nextAtMs } }) =>
          nextAtMs === undefined ? [] : [due(nextAtMs, { type: 'SubmitJobs', queue })],
        ),
      ),
    events.on('JobsSubmitted').pipe(
      filter(({ event }) => world.ecs.jobQueues.get(event.queue)?.refusedRunId === undefined),
      map(({ atMs, event: { queue } }) => due(atMs, { type: 'StartJob', queue })),
    ),
    events
      .on('JobStarted')
      .pipe(
        map(({ atMs, event: { runId, capacityProvider } }) =>
          due(atMs, { type: 'LaunchTask', runId, capacityProvider }),
        ),
      ),
    events.on('TaskCreated').pipe(
      mergeList(({ atMs, event }) => {
        const job = world.ecs.runs.get(event.startedBy)?.job;
        return job === undefined ? [] : [due(atMs, { type: 'StartJob', queue: job.queue })];
      }),
    ),
    events.on('TaskRunFailed').pipe(mergeList(({ atMs, event }) => callsAgain(world, atMs, event.runId))),
    roomMade(events, world).pipe(mergeList(({ atMs }) => blockedQueues(world, atMs))),
  );

/** Queues whose next job has found no room, and that hear when there may be some. */
function blockedQueues({ ecs }: Immutable<EcsWorld>, atMs: Millis): Due<Asked>[] {
  const asked: Due<Asked>[] = [];
  for (const [queue, { refusedRunId, config }] of ecs.jobQueues)
    if (refusedRunId !== undefined && config.retryAfter === undefined)
      asked.push(due(atMs, { type: 'StartJob', queue }));
  return asked;
}

/** When the queue whose job was refused calls again, if it goes by the clock. */
function callsAgain({ ecs }: Immutable<EcsWorld>, atMs: Millis, runId: string): Due<Asked>[] {
  for (const [queue, { refusedRunId, config }] of ecs.jobQueues)
    if (refusedRunId === runId && config.retryAfter !== undefined)
      return [due(atMs + config.retryAfter, { type: 'StartJob', queue })];
  return [];
}

/** Tasks go through their life: pull, start, check, exit, stop. */
const living = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events
      .on('TaskPlaced', 'TaskAdmitted')
      .pipe(
        mergeList(({ event: { taskId, pullStartedAtMs, runningAtMs } }) =>
          pullStartedAtMs === undefined || runningAtMs === undefined
            ? []
            : [
                due(pullStartedAtMs, { type: 'PullImages', taskId }),
                due(runningAtMs, { type: 'StartContainers', taskId }),
              ],
        ),
      ),
    // What the task had is free on its host, or it has left the queue: those who wait there look again.
    events
      .on('TaskStopped')
      .pipe(
        mergeList(({ atMs, event: { ec2InstanceId = '' } }) =>
          (world.ecs.containerInstances.get(ec2InstanceId)?.host.queue.size ?? 0) > 0
            ? [due(atMs, { type: 'AdmitTasks', ec2InstanceId })]
            : [],
        ),
      ),
    events
      .on('ImagePullDelayed')
      .pipe(map(({ event: { taskId, untilMs } }) => due(untilMs, { type: 'StartContainers', taskId }))),
    events
      .on('ContainersStarted', 'ContainerStopped')
      .pipe(map(({ atMs, event: { taskId } }) => due(atMs, { type: 'ContinueStart', taskId }))),
    events
      .on('ContainersStarted', 'TaskRunning')
      .pipe(mergeList(({ atMs, event: { taskId } }) => startedContainers(world, atMs, taskId))),
    events.on('ContainerHealthChecked').pipe(
      mergeList(({ atMs, event: { taskId, container, passed, healthStatus } }) => {
        if (passed) return [due(atMs, { type: 'ContinueStart', taskId })];
        return nextCheck(world, atMs, taskId, container, healthStatus === 'UNHEALTHY');
      }),
    ),
    events
      .on('ServiceTasksStopping')
      .pipe(
        mergeList(({ atMs, event: { taskIds, reason } }) =>
          taskIds.map((taskId) =>
            due(atMs, { type: 'StopTask', taskId, stopCode: 'ServiceSchedulerInitiated', reason }),
          ),
        ),
      ),
    events
      .on('TaskStopping')
      .pipe(map(({ event: { taskId, stoppedAtMs } }) => due(stoppedAtMs, { type: 'FinishTask', taskId }))),
    events
      .on('TaskDeprovisioning')
      .pipe(map(({ event: { taskId, detachedAtMs } }) => due(detachedAtMs, { type: 'DetachInterface', taskId }))),
    events
      .on('TaskProtectionUpdated')
      .pipe(
        mergeList(({ event: { taskId, protectedUntilMs } }) =>
          protectedUntilMs === undefined ? [] : [due(protectedUntilMs, { type: 'ExpireTaskProtection', taskId })],
        ),
      ),
  );

type TaskView = Immutable<Task>;
type Container = Immutable<RegisteredTaskDefinition>['definition']['containerDefinitions'][number];

function containersOf({ ecs }: Immutable<EcsWorld>, { taskDefinition }: TaskView) {
  const registered = ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
  return registered.definition.containerDefinitions;
}

/** What the containers that have started in this instant will do: be checked, be waited for, end. */
function startedContainers(world: Immutable<EcsWorld>, atMs: Millis, taskId: string): Due<Asked>[] {
  const task = world.ecs.tasks.get(taskId);
  if (task === undefined) return [];
  const asked: Due<Asked>[] = [];
  for (const definition of containersOf(world, task)) {
    const { name: container, healthCheck, startTimeout } = definition;
    if (task.containers.get(container)?.startedAtMs !== atMs) continue;
    if (healthCheck !== undefined) asked.push(...nextCheck(world, atMs, taskId, container, false));
    if (startTimeout !== undefined)
      asked.push(due(atMs + startTimeout * 1_000, { type: 'ExpireStart', taskId, container }));
    asked.push(...ownExit(world, atMs, task, definition), ...deniedExit(world, atMs, task, definition));
    asked.push(...logStream(atMs, taskId, definition));
    for (const [faultId, fault] of world.ecs.faults) asked.push(...forcedExits(world, task, faultId, fault, container));
  }
  return asked;
}

/** AWS's words. */
export const OUT_OF_MEMORY = 'OutOfMemoryError: Container killed due to memory usage';

/** What works on a job ends when it is done, and by its own behavior if that is earlier. */
function ownExit(
  { ecs }: Immutable<EcsWorld>,
  startedAtMs: Millis,
  { taskId, startedBy }: TaskView,
  definition: Immutable<ContainerLife>,
): Due<Asked>[] {
  const { exitsAfter = Infinity, exitCode = 0, outOfMemory = false } = definition.behavior ?? {};
  const jobMs = definition.essential ? (ecs.runs.get(startedBy)?.job?.durationMs ?? Infinity) : Infinity;
  const afterMs = Math.min(exitsAfter, jobMs);
  if (afterMs === Infinity) return [];
  const runsOut = outOfMemory && exitsAfter <= jobMs;
  return [
    due(startedAtMs + afterMs, {
      type: 'ExitContainer',
      taskId,
      container: definition.name,
      exitCode: runsOut ? KILLED : exitsAfter <= jobMs ? exitCode : 0,
      reason: runsOut ? OUT_OF_MEMORY : undefined,
      faultId: '',
    }),
  ];
}

/** How soon an application ends that may not make a call it needs. Choice: its SDK gives up at once. */
const DENIED_AFTER_MS = 1_000;

function deniedExit(
  world: Immutable<EcsWorld>,
  startedAtMs: Millis,
  task: TaskView,
  definition: Container,
): Due<Asked>[] {
  const reason = applicationDenial(world, task, definition);
  if (reason === undefined) return [];
  const { taskId } = task;
  const ends = { type: 'ExitContainer', taskId, container: definition.name, exitCode: 1, reason, faultId: '' } as const;
  return [due(startedAtMs + DENIED_AFTER_MS, ends)];
}

/** The awslogs driver opens a stream for the container, and the group where it may. */
function logStream(atMs: Millis, taskId: string, definition: Container): Due<Asked>[] {
  const stream = logStreamOf(definition, taskId);
  if (stream === undefined) return [];
  const { logGroupName, logStreamName, createsGroup } = stream;
  return [
    ...(createsGroup ? [due(atMs, { type: 'CreateLogGroup', logGroupName })] : []),
    due(atMs, { type: 'CreateLogStream', logGroupName, logStreamName }),
  ];
}

/** When a fault ends a container that runs. @param only  of this name */
function forcedExits(
  world: Immutable<EcsWorld>,
  task: TaskView,
  faultId: string,
  fault: Immutable<TaskFault>,
  only?: string,
): Due<Asked>[] {
  if ((fault.kind !== 'ContainerExit' && fault.kind !== 'OutOfMemory') || !concerns(fault, task)) return [];
  const name = fault.containerName ?? containersOf(world, task).find(({ essential }) => essential)?.name;
  const startedAtMs = task.containers.get(name ?? '')?.startedAtMs;
  if (name === undefined || startedAtMs === undefined || (only !== undefined && name !== only)) return [];
  return [
    due(Math.max(startedAtMs, fault.at) + fault.after, {
      type: 'ExitContainer',
      taskId: task.taskId,
      container: name,
      exitCode: fault.kind === 'OutOfMemory' ? KILLED : fault.exitCode,
      reason: fault.kind === 'OutOfMemory' ? OUT_OF_MEMORY : undefined,
      faultId,
    }),
  ];
}

/** The next check that may change something. Of an unhealthy container, the first once its application will answer. */
function nextCheck(
  world: Immutable<EcsWorld>,
  atMs: Millis,
  taskId: string,
  container: string,
  isUnhealthy: boolean,
): Due<Asked>[] {
  const task = world.ecs.tasks.get(taskId);
  if (task === undefined) return [];
  const definition = containersOf(world, task).find(({ name }) => name === container);
  const startedAtMs = task.containers.get(container)?.startedAtMs;
  if (definition?.healthCheck === undefined || startedAtMs === undefined) return [];
  const answersMs = startedAtMs + answersAfterMs(world, task, definition);
  if (isUnhealthy && answersMs <= atMs) return [];
  const fromMs = isUnhealthy ? answersMs : atMs + 1;
  const checkMs = nextCheckMs(startedAtMs, definition.healthCheck.interval, fromMs);
  return [due(checkMs, { type: 'CheckContainer', taskId, container })];
}

/** Faults reach the tasks that run already; and what an agent has not told comes to light when it is back. */
const failing = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events.on('TaskFaultBegan').pipe(
      mergeList(({ atMs, event: { faultId, fault } }) => {
        if (fault.kind === 'AgentDisconnected')
          return [due(atMs + world.ecs.assumptions.tasks.agentDisconnectDelay, { type: 'DisconnectAgents', faultId })];
        return Array.from(world.ecs.tasks.values()).flatMap((task) => forcedExits(world, task, faultId, fault));
      }),
    ),
    events.on('TaskFaultBegan', 'TaskFaultEnded').pipe(
      filter(({ event }) => event.fault.kind === 'HealthCheckFails'),
      mergeList(({ atMs, event: { fault } }) =>
        Array.from(world.ecs.tasks.values())
          .filter((task) => concerns(fault as TaskFaultOf<'HealthCheckFails'>, task))
          .flatMap((task) => [...checksOf(world, atMs, task), ...targetAnswers(world, atMs, task)]),
      ),
    ),
    events.on('TaskFaultEnded').pipe(
      filter(({ event }) => event.fault.kind === 'AgentDisconnected'),
      mergeList(({ atMs }) => Array.from(world.ecs.tasks.values()).flatMap((task) => catchUp(world, atMs, task))),
    ),
  );

/** Roles have changed: agents try again what they could not do, and tell what they could not tell. */
const permissions = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  events.on('RolePolicyPut', 'RolePolicyRemoved', 'RoleTrustUpdated').pipe(
    mergeList(({ atMs }) => [
      ...Array.from(world.ec2.instances.values())
        .filter(({ instanceId, state, bootedAtMs }) => {
          const isThere = state === 'InService' && bootedAtMs <= atMs;
          return isThere && !world.ecs.containerInstances.has(instanceId);
        })
        .map(({ instanceId }) => due(atMs, { type: 'RegisterContainerInstance', ec2InstanceId: instanceId })),
      due(atMs, { type: 'ReviewAgents' }),
      ...Array.from(world.ecs.tasks.values()).flatMap((task) => catchUp(world, atMs, task)),
      ...withoutRoom(world, atMs),
    ]),
  );

function checksOf(world: Immutable<EcsWorld>, atMs: Millis, { taskId, containers }: TaskView): Due<Asked>[] {
  return Array.from(containers.keys()).flatMap((name) => nextCheck(world, atMs, taskId, name, false));
}

/** What became due of a task while nobody heard of it. */
function catchUp(world: Immutable<EcsWorld>, atMs: Millis, task: TaskView): Due<Asked>[] {
  const { taskId, containers } = task;
  const asked = [
    due(atMs, { type: 'StartContainers', taskId }),
    due(atMs, { type: 'ContinueStart', taskId }),
    due(atMs, { type: 'FinishTask', taskId }),
    ...checksOf(world, atMs, task),
  ];
  for (const definition of containersOf(world, task)) {
    const startedAtMs = containers.get(definition.name)?.startedAtMs;
    if (startedAtMs === undefined) continue;
    asked.push(...ownExit(world, startedAtMs, task, definition));
    for (const [faultId, fault] of world.ecs.faults)
      asked.push(...forcedExits(world, task, faultId, fault, definition.name));
  }
  return asked.map(({ atMs: dueMs, command }) => due(Math.max(dueMs, atMs), command));
}

/** Looks at the services that register their tasks with a target group. */
function reconcileBehind(world: Immutable<EcsWorld>, atMs: Millis, targetGroup: string): Due<Asked>[] {
  const asked: Due<Asked>[] = [];
  for (const serviceName of world.ecs.targetGroupUsers.get(targetGroup) ?? [])
    asked.push(...reconcile(world, atMs, serviceName));
  return asked;
}

/** Running tasks are registered as targets; deactivating ones leave, and stop when the load balancer is done. */
const loadBalancing = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events.on('TaskRunning').pipe(
      mergeList(({ atMs, event: { taskId, serviceName } }) =>
        targetGroupsOf(world, serviceName).map((targetGroup) => {
          const answersFromMs = atMs + startupMs(world, taskId, targetGroup);
          const availabilityZone = world.ecs.tasks.get(taskId)?.availabilityZone ?? '';
          return due(atMs, { type: 'RegisterTarget', targetGroup, targetId: taskId, availabilityZone, answersFromMs });
        }),
      ),
    ),
    events.on('TargetRegistered').pipe(
      mergeList(({ atMs, event: { targetId } }) => {
        const task = world.ecs.tasks.get(targetId);
        if (task === undefined) return [];
        const fails = targetGroupsOf(world, task.serviceName).some((name) => answerOf(world, task, name) !== 'Passes');
        return fails ? targetAnswers(world, atMs, task) : [];
      }),
    ),
    events.on('TaskDeactivating').pipe(
      mergeList(({ atMs, event: { taskId, serviceName } }) => {
        const longestRequestMs = world.workload.loads.get(serviceName)?.config.request.timeoutMs ?? 0;
        return targetGroupsOf(world, serviceName).map((targetGroup) =>
          due(atMs, { type: 'DeregisterTarget', targetGroup, targetId: taskId, longestRequestMs }),
        );
      }),
    ),
    events
      .on('SecurityGroupIngressAuthorized', 'SecurityGroupIngressRevoked')
      .pipe(
        mergeList(({ atMs }) =>
          Array.from(world.ecs.tasks.values()).flatMap((task) => targetAnswers(world, atMs, task)),
        ),
      ),
    // A task that ends by itself does not wait for its target group.
    events.on('TaskStopping', 'TaskStopped').pipe(
      mergeList(({ atMs, event: { taskId, serviceName } }) =>
        targetGroupsOf(world, serviceName)
          .filter((targetGroup) => world.elb.targetGroups.get(targetGroup)?.targets.has(taskId) === true)
          .map((targetGroup) => due(atMs, { type: 'RemoveTarget', targetGroup, targetId: taskId })),
      ),
    ),
    // A task that lost its instance in the very instant it started is registered when it has gone already.
    events.on('TargetRegistered').pipe(
      filter(({ event }) => !world.ecs.tasks.has(event.targetId)),
      map(({ atMs, event: { targetGroup, targetId } }) => due(atMs, { type: 'RemoveTarget', targetGroup, targetId })),
    ),
    // A task of several target groups stops when it has left the last of them.
    events.on('TargetDeregistered').pipe(
      filter(({ event: { targetId } }) => !isTarget(world, targetId)),
      map(({ atMs, event }) => due(atMs, { type: 'StopContainers', taskId: event.targetId })),
    ),
    // Overload shows in the time a request takes; the health checks of the tasks that get requests are judged by it.
    events
      .on('LoadServed')
      .pipe(
        mergeList(({ atMs, event }) =>
          overloadChanges(world, event).map(({ targetGroup, answer }) =>
            due(atMs, { type: 'OverloadTargets', targetGroup, answer }),
          ),
        ),
      ),
  );

function isTarget(world: Immutable<EcsWorld>, taskId: string): boolean {
  const serviceName = world.ecs.tasks.get(taskId)?.serviceName ?? '';
  return targetGroupsOf(world, serviceName).some((name) => world.elb.targetGroups.get(name)?.targets.has(taskId));
}

function targetGroupsOf({ ecs }: Immutable<EcsWorld>, serviceName: string): string[] {
  return (ecs.services.get(serviceName)?.config.loadBalancers ?? []).map(({ targetGroup }) => targetGroup);
}

function startupMs(world: Immutable<EcsWorld>, taskId: string, targetGroup: string): Millis {
  const task = world.ecs.tasks.get(taskId) as TaskView;
  return answersAfterMs(world, task, targetContainer(world, task, targetGroup));
}

/** The container that a target group sends requests to. */
function targetContainer(world: Immutable<EcsWorld>, task: TaskView, targetGroup: string) {
  const named = attachmentOf(world, task, targetGroup)?.containerName;
  return containersOf(world, task).find(({ name }) => name === named);
}

/** How a service is attached to a target group. */
function attachmentOf({ ecs }: Immutable<EcsWorld>, { serviceName }: TaskView, targetGroup: string) {
  return ecs.services
    .get(serviceName)
    ?.config.loadBalancers.find((loadBalancer) => loadBalancer.targetGroup === targetGroup);
}

/** What the checks of a target group meet at a task: nothing comes through, the application fails them, or it passes. */
function answerOf(world: Immutable<EcsWorld>, task: TaskView, targetGroup: string): CheckResult {
  const attachment = attachmentOf(world, task, targetGroup);
  if (attachment !== undefined && !isReachable(world, task, attachment)) return 'Target.Timeout';
  const fails =
    targetContainer(world, task, targetGroup)?.behavior?.healthChecks === 'fail' ||
    checksFail(world.ecs.faults, 'loadBalancer', task);
  return fails ? 'Target.ResponseCodeMismatch' : 'Passes';
}

/** Tells the load balancer how the application of a task answers its checks from now on. */
function targetAnswers(world: Immutable<EcsWorld>, atMs: Millis, task: TaskView): Due<Asked>[] {
  const { taskId: targetId } = task;
  return targetGroupsOf(world, task.serviceName)
    .filter((targetGroup) => world.elb.targetGroups.get(targetGroup)?.targets.has(targetId) === true)
    .map((targetGroup) => {
      const answer = answerOf(world, task, targetGroup);
      return due(
        atMs,
        answer === 'Passes'
          ? { type: 'TargetRecovers', targetGroup, targetId }
          : { type: 'TargetFails', targetGroup, targetId, reason: answer },
      );
    });
}

/** Instances join when they have booted, drain before they go, and are protected while they hold tasks. */
const instances = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events
      .on('InstanceInService')
      .pipe(
        map(({ event: { instanceId, bootedAtMs } }) =>
          due(bootedAtMs, { type: 'RegisterContainerInstance', ec2InstanceId: instanceId }),
        ),
      ),
    events.on('InstanceTerminating').pipe(
      filter(({ event }) => event.waitsFor.includes(MANAGED_DRAINING_HOOK)),
      mergeList(({ atMs, event: { instanceId } }) => [
        due(atMs + LONGEST_DRAINING_MS, completeDraining(instanceId)),
        world.ecs.containerInstances.has(instanceId)
          ? due(atMs, { type: 'DrainContainerInstance', ec2InstanceId: instanceId })
          : due(atMs, completeDraining(instanceId)),
      ]),
    ),
    events.on('ContainerInstanceRegistered').pipe(
      filter(({ atMs, event }) => event.activeAtMs > atMs),
      map(({ event: { ec2InstanceId, activeAtMs } }) =>
        due(activeAtMs, { type: 'ActivateContainerInstance', ec2InstanceId }),
      ),
    ),
    events
      .on('ContainerInstanceDraining')
      .pipe(
        mergeList(({ atMs, event: { ec2InstanceId } }) => [
          ...reconcileAll(world, atMs),
          ...completeWhenEmpty(world, atMs, ec2InstanceId),
        ]),
      ),
    events
      .on('TaskStopped')
      .pipe(
        mergeList(({ atMs, event: { ec2InstanceId } }) =>
          world.ecs.containerInstances.get(ec2InstanceId ?? '')?.status === 'DRAINING'
            ? completeWhenEmpty(world, atMs, ec2InstanceId as string)
            : [],
        ),
      ),
    // Choice: a group hears of the targets that ECS has registered; AWS would register its instances besides, at one port.
    events
      .on('TargetUnhealthy')
      .pipe(
        mergeList(({ atMs, event: { targetGroup, targetId } }) => targetHealth(world, atMs, targetGroup, targetId)),
      ),
    events
      .on('InstanceTerminated')
      .pipe(map(({ atMs, event }) => due(atMs, { type: 'LoseContainerInstance', ec2InstanceId: event.instanceId }))),
    events
      .on('ContainerInstanceRegistered', 'TaskPlaced', 'TaskStopped')
      .pipe(mergeList(({ atMs, event }) => protection(world, atMs, event.ec2InstanceId ?? ''))),
  );

/** Any service may have tasks to replace, now and once others count as healthy. */
function reconcileAll(world: Immutable<EcsWorld>, atMs: Millis): Due<Asked>[] {
  const asked: Due<Asked>[] = [];
  for (const serviceName of world.ecs.services.keys())
    asked.push(...reconcile(world, atMs, serviceName), ...afterWhile(world, atMs, serviceName));
  return asked;
}

/** To a group with health checks by a load balancer, a failing target on an instance is a failing instance. */
function targetHealth(world: Immutable<EcsWorld>, atMs: Millis, targetGroup: string, targetId: string): Due<Asked>[] {
  const instance = world.ec2.instances.get(world.ecs.tasks.get(targetId)?.ec2InstanceId ?? '');
  const config = world.ec2.groups.get(instance?.autoScalingGroupName ?? '')?.config;
  if (instance === undefined || config === undefined || !listensTo(config, targetGroup)) return [];
  const { instanceId, inServiceMs = atMs } = instance;
  const graceEndsMs = inServiceMs + config.HealthCheckGracePeriod * SECOND;
  return [due(Math.max(atMs, graceEndsMs), { type: 'CheckTargetHealth', instanceId, targetGroup, targetId })];
}

const completeDraining = (instanceId: string) =>
  ({ type: 'CompleteLifecycleAction', instanceId, hook: MANAGED_DRAINING_HOOK }) as const;

function completeWhenEmpty({ ecs }: Immutable<EcsWorld>, atMs: Millis, instanceId: string): Due<Asked>[] {
  const empty = ecs.containerInstances.get(instanceId)?.tasks.size === 0;
  return empty ? [due(atMs, completeDraining(instanceId))] : [];
}

/** Managed termination protection: an instance that holds tasks is protected from scale-in, an empty one is not. */
function protection(world: Immutable<EcsWorld>, atMs: Millis, instanceId: string): Due<Asked>[] {
  const { ecs, ec2 } = world;
  const instance = ecs.containerInstances.get(instanceId);
  const provider: Immutable<CapacityProvider> | undefined = ecs.capacityProviders.get(instance?.capacityProvider ?? '');
  if (provider?.config.autoScalingGroupProvider.managedTerminationProtection !== 'ENABLED') return [];
  const protectedFromScaleIn = holdsTasks(world, instanceId);
  if (ec2.instances.get(instanceId)?.protectedFromScaleIn === protectedFromScaleIn) return [];
  return [due(atMs, { type: 'SetInstanceProtection', instanceId, protectedFromScaleIn })];
}

/** Once a minute the burstable instances settle their CPU credits, and tasks run as fast as these, or idle CPU, allow. */
const burstable = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events.on('LoadServed').pipe(
      filter(({ event }) => event.toMs % METRIC_PERIOD_MS === 0 && hasBurstableInstances(world)),
      map(({ atMs }) =>
        due(atMs, {
          type: 'SettleCpuCredits',
          periodMs: METRIC_PERIOD_MS,
          ...cpuUse(world, METRIC_PERIOD_MS / MINUTE, (id) => isBurstable(world, id)),
        }),
      ),
    ),
    events.on('LoadServed').pipe(
      filter(({ event }) => event.toMs % METRIC_PERIOD_MS === 0),
      // Where instances live on credits these are settled first.
      filter(() => world.ecs.assumptions.tasks.idleCpu === 'shared' && !hasBurstableInstances(world)),
      mergeList(({ atMs }) => changedSpeeds(world, atMs, [], [])),
    ),
    events
      .on('CpuCreditsSettled')
      .pipe(mergeList(({ atMs, event: { instanceIds, vcpus } }) => changedSpeeds(world, atMs, instanceIds, vcpus))),
  );

function changedSpeeds(
  world: Immutable<EcsWorld>,
  atMs: Millis,
  instanceIds: readonly string[],
  vcpus: readonly number[],
): Due<Asked>[] {
  return cpuSpeeds(world, instanceIds, vcpus)
    .filter(({ serviceName, percent }) => percent !== 100 || world.ecs.cpuSpeeds.has(serviceName))
    .map((speed) => due(atMs, { type: 'SetCpuSpeed', ...speed }));
}

/** Spot notices drain instances that are told to, Fargate Spot stops its tasks, and what a zone held is lost with it. */
const spot = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  together(
    events.on('SpotInterruptionNoticed').pipe(
      filter(
        ({ event }) =>
          world.ec2.groups.get(event.autoScalingGroupName)?.config.ecsConfig?.ECS_ENABLE_SPOT_INSTANCE_DRAINING ===
          true,
      ),
      map(({ atMs, event }) =>
        due(atMs + SPOT_POLL_MS, {
          type: 'DrainContainerInstance',
          ec2InstanceId: event.instanceId,
          byAgent: true,
        }),
      ),
    ),
    events
      .on('SpotMarketMoved')
      .pipe(map(({ atMs, event: { untilMs } }) => due(atMs, { type: 'DoomFargateSpotTasks', untilMs }))),
    // One that has just started, and may not live to see the next hour.
    events.on('TaskRunning').pipe(
      filter(({ event }) => world.ecs.tasks.get(event.taskId)?.capacityProvider === 'FARGATE_SPOT'),
      map(({ atMs, event: { taskId } }) =>
        due(atMs, { type: 'DoomFargateSpotTasks', untilMs: (Math.floor(atMs / HOUR) + 1) * HOUR, taskId }),
      ),
    ),
    events
      .on('FargateSpotTaskDoomed')
      .pipe(
        map(({ event: { taskId, interruptedAtMs } }) =>
          due(interruptedAtMs, { type: 'InterruptFargateSpotTask', taskId }),
        ),
      ),
    // Choice: after SIGTERM a task answers on until its target is drained, or until it is killed.
    events.on('FargateSpotTaskInterrupted').pipe(
      mergeList(({ atMs, event: { taskId, endsAtMs } }) => [
        due(atMs, {
          type: 'StopTask',
          taskId,
          stopCode: 'TerminationNotice',
          reason: 'Your Spot Task was interrupted.',
        }),
        due(endsAtMs, { type: 'StopContainers', taskId }),
      ]),
    ),
    events.on('FaultBegan').pipe(
      mergeList(({ atMs, event: { fault } }) => {
        if (fault.kind === 'AvailabilityZoneOutage')
          return [due(atMs, { type: 'LoseFargateTasks', availabilityZone: fault.availabilityZone })];
        if (fault.kind !== 'SpotStorm' || fault.instanceType !== undefined) return [];
        const { percent, availabilityZone } = fault;
        return [due(atMs, { type: 'InterruptFargateSpot', percent, availabilityZone })];
      }),
    ),
  );
