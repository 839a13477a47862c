/**
 * The events of a service as `aws ecs describe-services` shows them: ECS's words, the newest hundred, repeats suppressed.
 *
 * @source spec/placement.md 4.9, 4.10 (AWS, "Amazon ECS service event messages")
 */

import { HOUR, type Millis } from '../kernel/index.ts';
import type { Event } from '../world.ts';
import type { Projection } from './projection.ts';

export interface ServiceMessage {
  readonly atMs: Millis;
  readonly message: string;
}

export interface ServiceEventsReport {
  /** Oldest first. */
  readonly events: readonly ServiceMessage[];
}

const MOST_EVENTS = 100;
/** The same trouble is told again only when its cause was resolved in the meantime, or after this. */
const REPEAT_MS = 6 * HOUR;

/** What happens to several tasks at one instant, and is told in one message. */
interface Batch {
  readonly atMs: Millis;
  readonly started: string[];
  replaced: number;
  readonly stoppedRunning: string[];
  stoppedPending: number;
  readonly draining: string[];
  readonly registered: Map<string, number>;
  readonly deregistered: Map<string, number>;
}

const newBatch = (atMs: Millis): Batch => ({
  atMs,
  started: [],
  replaced: 0,
  stoppedRunning: [],
  stoppedPending: 0,
  draining: [],
  registered: new Map(),
  deregistered: new Map(),
});

/** Trouble that lasts; which of it is over is seen from what happens. */
type Trouble = 'placement' | 'start' | 'bounds' | 'protection';

export function serviceEventsProjection(serviceName: string): Projection<ServiceEventsReport> {
  const events: ServiceMessage[] = [];
  const told = new Map<Trouble, ServiceMessage>();
  const ours = new Set<string>();
  const running = new Set<string>();
  let completed = '';
  let batch = newBatch(0);
  const service = `(service ${serviceName})`;

  const say = (atMs: Millis, message: string) => {
    const last = events.at(-1);
    if (last?.message === message && atMs < last.atMs + REPEAT_MS) return;
    events.push({ atMs, message });
    if (events.length > MOST_EVENTS) events.shift();
  };
  const warn = (trouble: Trouble, atMs: Millis, message: string) => {
    const last = told.get(trouble);
    if (last?.message === message && atMs < last.atMs + REPEAT_MS) return;
    told.set(trouble, { atMs, message });
    say(atMs, message);
  };
  const flush = () => {
    for (const message of messagesOf(service, batch)) say(batch.atMs, message);
    batch = newBatch(0);
  };

  return {
    types: [
      'TaskCreated',
      'TaskRunning',
      'TaskDeactivating',
      'TaskStopped',
      'ServiceTasksStarting',
      'ServiceTasksStopping',
      'ServiceTaskPlacementFailed',
      'ServiceTaskConfigurationFailed',
      'ServiceTaskStartFailed',
      'ServiceDeploymentBlocked',
      'ServiceScaleInBlocked',
      'ServiceRebalancingStarted',
      'ServiceRebalancingStopped',
      'ServiceRebalancingCompleted',
      'ServiceReachedSteadyState',
      'DeploymentStarted',
      'DeploymentCompleted',
      'DeploymentFailed',
      'TargetRegistered',
      'TargetUnhealthy',
      'TargetDeregistered',
    ],

    on({ atMs, event }) {
      if (atMs > batch.atMs) {
        flush();
        batch = newBatch(atMs);
      }
      if ('serviceName' in event && event.serviceName !== serviceName) return;
      switch (event.type) {
        case 'TaskCreated':
          ours.add(event.taskId);
          batch.started.push(event.taskId);
          told.delete('placement');
          return;
        case 'TaskRunning':
          running.add(event.taskId);
          told.delete('start');
          return;
        case 'TaskDeactivating':
          batch.draining.push(event.taskId);
          return;
        case 'TaskStopped':
          running.delete(event.taskId);
          ours.delete(event.taskId);
          return;
        case 'ServiceTasksStarting':
          batch.replaced += event.replaced;
          told.delete('bounds');
          return;
        case 'ServiceTasksStopping':
          for (const taskId of event.taskIds)
            if (running.has(taskId)) batch.stoppedRunning.push(taskId);
            else batch.stoppedPending++;
          told.delete('bounds');
          told.delete('protection');
          return;
        case 'TargetRegistered':
          if (ours.has(event.targetId)) count(batch.registered, event.targetGroup);
          return;
        case 'TargetDeregistered':
          if (ours.has(event.targetId)) count(batch.deregistered, event.targetGroup);
          return;
        case 'TargetUnhealthy':
          if (ours.has(event.targetId))
            say(
              atMs,
              `${service} (task ${event.targetId}) is unhealthy in (target-group ${event.targetGroup}) due to (reason Health checks failed).`,
            );
          return;
        case 'ServiceTaskPlacementFailed':
          return warn('placement', atMs, placementMessage(service, event));
        case 'ServiceTaskConfigurationFailed':
          return warn(
            'placement',
            atMs,
            `${service} failed to launch a task with (error ECS was unable to assume the role '${event.roleName}' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.)`,
          );
        case 'ServiceTaskStartFailed':
          if (event.retryAtMs !== undefined)
            warn('start', atMs, `${service} is unable to consistently start tasks successfully.`);
          return;
        case 'ServiceDeploymentBlocked':
          return warn(
            'bounds',
            atMs,
            `${service} was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.`,
          );
        case 'ServiceScaleInBlocked':
          return warn(
            'protection',
            atMs,
            `${service} was unable to reach steady state because (taskSet ${event.deploymentId}) was unable to scale in due to (reason ${event.protectedTasks} tasks under protection)`,
          );
        default:
          flush();
          batch = newBatch(atMs);
          if (event.type === 'DeploymentStarted' && event.rollsBack !== undefined)
            say(atMs, `${service} rolling back to deployment ${completed}.`);
          else if (event.type === 'DeploymentCompleted') {
            completed = event.deploymentId;
            say(atMs, `${service} (deployment ${event.deploymentId}) deployment completed.`);
          } else if (event.type === 'DeploymentFailed')
            say(atMs, `${service} (deployment ${event.deploymentId}) deployment failed: ${event.reason}`);
          else if (event.type === 'ServiceReachedSteadyState') say(atMs, `${service} has reached a steady state.`);
          else if (event.type === 'ServiceRebalancingStarted')
            say(atMs, `${service} is not AZ balanced with ${zones(event)}. AZ Rebalancing in progress.`);
          else if (event.type === 'ServiceRebalancingCompleted')
            say(atMs, `${service} is AZ balanced with ${zones(event)}.`);
          else if (event.type === 'ServiceRebalancingStopped') say(atMs, `${service} stopped AZ Rebalancing.`);
      }
    },

    report() {
      flush();
      return { events: [...events] };
    },
  };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function zones({
  zones: names,
  counts,
}: {
  readonly zones: readonly string[];
  readonly counts: readonly number[];
}): string {
  return names.map((zone, index) => `${counts[index]} tasks in ${zone}`).join(', ');
}

function messagesOf(service: string, batch: Batch): string[] {
  const { started, replaced, stoppedRunning, stoppedPending, draining, registered, deregistered } = batch;
  const tasks = (ids: readonly string[]) => ids.map((id) => `(task ${id})`).join(' ');
  const messages: string[] = [];
  const unhealthy = replaced > 0 ? ` Amazon ECS replaced ${replaced} tasks due to an unhealthy status.` : '';
  if (started.length > 0)
    messages.push(`${service} has started ${started.length} tasks: ${tasks(started)}.${unhealthy}`);
  for (const [group, targets] of registered)
    messages.push(`${service} registered ${targets} targets in (target-group ${group})`);
  if (stoppedPending > 0) messages.push(`${service} stopped ${stoppedPending} pending tasks.`);
  if (stoppedRunning.length > 0)
    messages.push(`${service} has stopped ${stoppedRunning.length} running tasks: ${tasks(stoppedRunning)}.`);
  if (draining.length > 0) messages.push(`${service} has begun draining connections on ${draining.length} tasks.`);
  for (const [group, targets] of deregistered)
    messages.push(`${service} deregistered ${targets} targets in (target-group ${group})`);
  return messages;
}

const GUIDE = ' For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.';

function placementMessage(
  service: string,
  { reason, closest, capacityProvider }: Extract<Event, { type: 'ServiceTaskPlacementFailed' }>,
): string {
  if (reason === 'PROVISIONING LIMIT')
    return `${service} was unable to place tasks in your cluster because the tasks provisioning capacity limit was exceeded.`;
  // Fargate has no instances; its reasons are sentences or AWS's exceptions.
  if (reason === 'ThrottlingException: Rate exceeded' || reason.startsWith('Capacity is unavailable'))
    return `${service} was unable to place a task. Reason: ${reason}.`;
  const because = `${service} was unable to place a task because no container instance met all of its requirements.`;
  if (closest === undefined) {
    const where = capacityProvider === '' ? 'cluster' : 'capacity provider';
    return `${because} Reason: No Container Instances were found in your ${where}.${GUIDE}`;
  }
  return `${because} The closest matching (container-instance ${closest}) ${lacks(reason)}${GUIDE}`;
}

function lacks(reason: string): string {
  switch (reason) {
    case 'RESOURCE:CPU':
      return 'has insufficient CPU units available.';
    case 'RESOURCE:MEMORY':
      return 'has insufficient memory available.';
    case 'RESOURCE:GPU':
      return 'has insufficient GPU resource available.';
    case 'RESOURCE:PORTS':
      return 'is already using a port required by your task.';
    case 'ATTRIBUTE':
      return 'is missing an attribute required by your task.';
    default:
      return `encountered error "${reason}".`;
  }
}
