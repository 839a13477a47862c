/** What failed, how often, and from when to when: tasks that ended in failure or found no place, and calls that AWS refused. */

import type { Millis } from '../kernel/index.ts';
import type { Event } from '../world.ts';
import type { Projection } from './projection.ts';

export interface FailureReport {
  /** The service, the queue of jobs, the run of tasks, or the instance. */
  readonly who: string;
  /** In AWS's words; names of tasks are left out, so that what happens to each of them is one failure. */
  readonly reason: string;
  readonly count: number;
  readonly firstAtMs: Millis;
  readonly lastAtMs: Millis;
}

/** Failures told apart; what comes after so many different ones is not counted. */
const MOST_FAILURES = 500;

/** The report has the oldest failure first. */
export function failuresProjection(): Projection<readonly FailureReport[]> {
  const failures = new Map<string, { -readonly [Key in keyof FailureReport]: FailureReport[Key] }>();
  const own = new OwnTasks();
  return {
    types: [
      'JobStarted',
      'TaskCreated',
      'TaskStopping',
      'TaskStopped',
      'ContainerStopped',
      'ServiceTaskPlacementFailed',
      'ServiceTaskConfigurationFailed',
      'TaskRunFailed',
      'AgentCallDenied',
    ],
    on({ atMs, event }) {
      const failure = own.hasSucceeded(event) ? undefined : failureOf(event);
      const owner = own.queueOf(event);
      own.hear(event);
      if (failure === undefined) return;
      const { count } = failure;
      const who = owner ?? failure.who;
      const reason = failure.reason.replaceAll(/\btask-\d+/g, 'TASK');
      const key = `${who} ${reason}`;
      const known = failures.get(key);
      if (known !== undefined) {
        known.count += count;
        known.lastAtMs = atMs;
      } else if (failures.size < MOST_FAILURES)
        failures.set(key, { who, reason, count, firstAtMs: atMs, lastAtMs: atMs });
    },
    report: () => Array.from(failures.values(), (failure) => ({ ...failure })),
  };
}

/** What is known of tasks without a service while they are there: whose they are, and which have done what they were for. */
class OwnTasks {
  /** The queue of jobs, by runs that have not been answered, and by tasks. */
  readonly #queueOfRun = new Map<string, string>();
  readonly #queueOfTask = new Map<string, string>();
  readonly #succeeded = new Set<string>();

  hear(event: Event): void {
    if (event.type === 'JobStarted') this.#queueOfRun.set(event.runId, event.queue);
    else if (event.type === 'TaskRunFailed') this.#queueOfRun.delete(event.runId);
    else if (event.type === 'TaskCreated') {
      const queue = this.#queueOfRun.get(event.startedBy);
      if (queue !== undefined) this.#queueOfTask.set(event.taskId, queue);
      this.#queueOfRun.delete(event.startedBy);
    } else if (event.type === 'TaskStopping') {
      if (event.serviceName === '' && endsWell(event)) this.#succeeded.add(event.taskId);
    } else if (event.type === 'TaskStopped') {
      this.#queueOfTask.delete(event.taskId);
      this.#succeeded.delete(event.taskId);
    }
  }

  queueOf(event: Event): string | undefined {
    if (event.type === 'TaskRunFailed') return this.#queueOfRun.get(event.runId);
    return 'taskId' in event ? this.#queueOfTask.get(event.taskId) : undefined;
  }

  /** Whether it is the end of a task that was there to come to one. */
  hasSucceeded(event: Event): boolean {
    return event.type === 'TaskStopped' && this.#succeeded.has(event.taskId);
  }
}

/** Whether the containers of a task have ended by themselves, and without an error. */
export function endsWell({ stopCode, exitCodes }: Extract<Event, { type: 'TaskStopping' }>): boolean {
  return stopCode === 'EssentialContainerExited' && exitCodes.every((code) => code <= 0);
}

function failureOf(event: Event): Pick<FailureReport, 'who' | 'reason' | 'count'> | undefined {
  switch (event.type) {
    case 'TaskStopped': {
      const { serviceName, stopCode, reason } = event;
      // What the scheduler stops has failed only where it says so: the rest is scaling, deployments and draining.
      const hasFailed =
        stopCode === 'ServiceSchedulerInitiated' ? reason.startsWith('Task failed') : stopCode !== 'UserInitiated';
      return hasFailed ? { who: serviceName || event.taskId, reason, count: 1 } : undefined;
    }
    case 'ContainerStopped':
      return event.reason === undefined
        ? undefined
        : { who: event.serviceName || event.taskId, reason: `${event.container}: ${event.reason}`, count: 1 };
    case 'ServiceTaskPlacementFailed':
      return { who: event.serviceName, reason: event.reason, count: event.count };
    case 'ServiceTaskConfigurationFailed':
      return {
        who: event.serviceName,
        reason: `ECS was unable to assume the role '${event.roleName}' that was provided for this task.`,
        count: event.count,
      };
    case 'TaskRunFailed':
      return { who: event.runId, reason: event.reason, count: 1 };
    case 'AgentCallDenied':
      return { who: event.ec2InstanceId, reason: event.message, count: 1 };
    default:
      return undefined;
  }
}
