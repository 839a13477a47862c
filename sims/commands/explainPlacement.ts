/** `seatrial explain placement`: where tasks went and why, or why they went nowhere and what would help. */

import { existsSync, statSync } from 'node:fs';
import { simulate, type Event, type Recorded } from '../../core/index.ts';
import { placementLines, refusalLines } from '../explain/placement.ts';
import { InputError } from '../input/inputError.ts';
import { loadScenario } from '../input/scenarioFile.ts';
import { formatCount, formatInstant, formatNoun } from '../report/format.ts';
import { print } from '../report/print.ts';
import { RunReader } from '../store/runDirectory.ts';

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;
type RefusalEvent = EventOf<'TaskWaiting'> | EventOf<'ServiceTaskPlacementFailed'> | EventOf<'TaskRunFailed'>;
type At<E> = { readonly atMs: number; readonly event: E };

/** @returns the exit code. @throws InputError */
export async function explainPlacement(from: string, one: string | undefined): Promise<number> {
  print(`${(await placementStory(from, one)).join('\n')}\n`);
  return 0;
}

/**
 * In lines.
 *
 * @param from  a run directory, or a scenario file, which is sailed
 * @param one   a task, such as task-17, or a RunTask or StartTask, such as run-2; all together when left out
 * @throws InputError
 */
export async function placementStory(from: string, one?: string): Promise<readonly string[]> {
  const story = new PlacementStory(one);
  if (existsSync(from) && statSync(from).isDirectory())
    for (const recorded of new RunReader(from).events()) story.hear(recorded);
  else for (const recorded of sailed(from)) story.hear(recorded);
  if (one === undefined) return story.ofAll();
  return one.startsWith('run-') ? story.ofRun(from, one) : story.ofTask(from, one);
}

const HOP_MS = 3_600_000;

/** Sails a scenario, an hour at a time, and hands out what happened. */
function* sailed(file: string): Iterable<Recorded<Event>> {
  const { scenario, traces, jobs } = loadScenario(file);
  const simulation = simulate(scenario, { traces, jobs });
  const endMs = scenario.start + scenario.duration;
  let told = 0;
  while (simulation.nowMs < endMs) {
    simulation.runUntil(Math.min(simulation.nowMs + HOP_MS, endMs));
    for (; told < simulation.log.length; told++) yield simulation.log.at(told);
  }
}

/** Tasks of a service, or tasks of their own that share a task group. */
interface Story {
  placed: number;
  /** Refusals of each reason. */
  readonly reasons: Map<string, number>;
  last: At<RefusalEvent> | undefined;
  readonly waiting: Set<string>;
}

/** Listens to a run, and remembers of each service or group only counts, of one task or one run everything. */
class PlacementStory {
  readonly #wanted: string | undefined;
  readonly #stories = new Map<string, Story>();
  /** Daemons, and StartTasks: each of their tasks has one instance that comes into question. */
  readonly #daemons = new Set<string>();
  readonly #startTasks = new Set<string>();
  /** Tasks that are not STOPPED: whose story they are part of. */
  readonly #ownerOf = new Map<string, string>();
  readonly #ofRun: { readonly tasks: string[]; readonly failed: At<EventOf<'TaskRunFailed'>>[] } = {
    tasks: [],
    failed: [],
  };
  #requested: At<EventOf<'TaskRunRequested'> | EventOf<'JobStarted'>> | undefined;
  #newest = 0;
  #newestRun = 0;
  #created: At<EventOf<'TaskCreated'>> | undefined;
  #waiting: At<EventOf<'TaskWaiting'>> | undefined;
  #placed: At<EventOf<'TaskPlaced'>> | undefined;
  #admitted: At<EventOf<'TaskAdmitted'>> | undefined;
  #stopped: At<EventOf<'TaskStopped'>> | undefined;

  constructor(wanted: string | undefined) {
    this.#wanted = wanted;
  }

  hear({ atMs, event }: Recorded<Event>): void {
    switch (event.type) {
      case 'ServiceCreated':
        if (event.config.schedulingStrategy === 'DAEMON') this.#daemons.add(event.config.serviceName);
        return;
      case 'TaskRunRequested':
        this.#newestRun++;
        if (event.containerInstances.length > 0) this.#startTasks.add(event.runId);
        if (event.runId === this.#wanted) this.#requested = { atMs, event };
        return;
      case 'JobStarted':
        this.#newestRun++;
        if (event.runId === this.#wanted) this.#requested = { atMs, event };
        return;
      case 'TaskRunFailed':
        this.#refused(ownTasks(event.group), { atMs, event });
        if (event.runId === this.#wanted) this.#ofRun.failed.push({ atMs, event });
        return;
      case 'TaskCreated':
        this.#newest = event.number;
        this.#ownerOf.set(event.taskId, event.serviceName || ownTasks(event.group));
        if (event.taskId === this.#wanted) this.#created = { atMs, event };
        if (event.startedBy === this.#wanted) this.#ofRun.tasks.push(event.taskId);
        return;
      case 'TaskWaiting':
        this.#refused(this.#ownerOf.get(event.taskId) as string, { atMs, event });
        this.#of(this.#ownerOf.get(event.taskId) as string).waiting.add(event.taskId);
        if (event.taskId === this.#wanted) this.#waiting = { atMs, event };
        return;
      case 'ServiceTaskPlacementFailed':
        this.#refused(event.serviceName, { atMs, event });
        return;
      case 'TaskPlaced': {
        const story = this.#of(this.#ownerOf.get(event.taskId) as string);
        story.placed++;
        story.waiting.delete(event.taskId);
        if (event.taskId === this.#wanted) this.#placed = { atMs, event };
        return;
      }
      case 'TaskAdmitted':
        if (event.taskId === this.#wanted) this.#admitted = { atMs, event };
        return;
      case 'TaskStopped':
        this.#of(this.#ownerOf.get(event.taskId) as string).waiting.delete(event.taskId);
        this.#ownerOf.delete(event.taskId);
        if (event.taskId === this.#wanted) this.#stopped = { atMs, event };
        return;
      default:
    }
  }

  #of(owner: string): Story {
    let story = this.#stories.get(owner);
    if (story === undefined) {
      story = { placed: 0, reasons: new Map(), last: undefined, waiting: new Set() };
      this.#stories.set(owner, story);
    }
    return story;
  }

  #refused(owner: string, refusal: At<RefusalEvent>): void {
    const story = this.#of(owner);
    const { reason } = refusal.event;
    story.reasons.set(reason, (story.reasons.get(reason) ?? 0) + 1);
    story.last = refusal;
  }

  #told(event: RefusalEvent): string[] {
    const isBound =
      (event.type === 'ServiceTaskPlacementFailed' && this.#daemons.has(event.serviceName)) ||
      (event.type === 'TaskRunFailed' && this.#startTasks.has(event.runId));
    return refusalLines(event, isBound).map((line) => `  ${line}`);
  }

  ofAll(): string[] {
    if (this.#stories.size === 0) return ['No task was placed, and none was refused a place.'];
    return Array.from(this.#stories).flatMap(([name, { placed, reasons, last, waiting }]) => {
      const refused = Array.from(reasons, ([reason, count]) => `${formatCount(count)} x ${reason}`).join(', ');
      return [
        `${name}${this.#daemons.has(name) ? ', a daemon' : ''}: ${formatNoun(placed, 'task')} placed${refused === '' ? ', none refused' : `; refused ${refused}`}`,
        ...(waiting.size > 0 ? [`  ${formatNoun(waiting.size, 'task')} still waiting: ${first(waiting)}`] : []),
        ...(last === undefined ? [] : [`  last refused ${formatInstant(last.atMs)}`, ...this.#told(last.event)]),
      ];
    });
  }

  /** @throws InputError when the run has no such task */
  ofTask(from: string, taskId: string): string[] {
    const created = this.#created;
    if (created === undefined) {
      const known = this.#newest === 0 ? 'there is none' : `task-1 to task-${this.#newest}`;
      throw new InputError([{ file: from, message: `found task "${taskId}", expected a task of the run: ${known}` }]);
    }
    const { serviceName, startedBy, group, taskDefinition, capacityProvider = 'EC2' } = created.event;
    const owner = serviceName || `${startedBy} in group ${group}`;
    const lines = [`${taskId} of ${owner}, ${taskDefinition} for ${capacityProvider}, ${formatInstant(created.atMs)}`];
    if (this.#waiting !== undefined)
      lines.push(`found no place ${formatInstant(this.#waiting.atMs)}`, ...this.#told(this.#waiting.event));
    if (this.#placed !== undefined) lines.push(...placementLines(this.#placed.event, this.#placed.atMs));
    if (this.#admitted !== undefined)
      lines.push(`  its resources were free there ${formatInstant(this.#admitted.atMs)}: the agent started it`);
    if (this.#placed === undefined)
      lines.push(
        this.#stopped === undefined
          ? 'it was still waiting when the run ended'
          : `it was stopped without a place ${formatInstant(this.#stopped.atMs)}: ${this.#stopped.event.reason}`,
      );
    return lines;
  }

  /** @throws InputError when there was no such RunTask or StartTask */
  ofRun(from: string, runId: string): string[] {
    const requested = this.#requested;
    if (requested === undefined) {
      const known = this.#newestRun === 0 ? 'there is none' : `run-1 to run-${this.#newestRun}`;
      throw new InputError([
        { file: from, message: `found "${runId}", expected a RunTask or StartTask of the run: ${known}` },
      ]);
    }
    const { taskDefinition, group } = requested.event;
    const { tasks, failed } = this.#ofRun;
    const isJob = requested.event.type === 'JobStarted';
    const again = isJob ? 'the queue calls again for the same job' : 'and is not tried again';
    return [
      `${runId}, ${callOf(requested.event)} of ${taskDefinition} in group ${group}, ${formatInstant(requested.atMs)}`,
      `  created: ${tasks.length === 0 ? 'none' : tasks.join(', ')}`,
      ...failed.flatMap(({ event }) => [`failed, ${again}`, ...this.#told(event)]),
    ];
  }
}

function callOf(event: EventOf<'TaskRunRequested'> | EventOf<'JobStarted'>): string {
  if (event.type === 'JobStarted') return `RunTask for job ${event.job} of ${event.queue}: 1 task`;
  const { capacityProviders, containerInstances } = event;
  const count = formatNoun(capacityProviders.length + containerInstances.length, 'task');
  return containerInstances.length > 0
    ? `StartTask on ${containerInstances.join(', ')}: ${count}`
    : `RunTask: ${count}`;
}

/** How tasks without a service are told together. */
function ownTasks(group: string): string {
  return `tasks of their own in group ${group}`;
}

function first(names: ReadonlySet<string>): string {
  const few = [...names].slice(0, 5).join(', ');
  return names.size > 5 ? `${few} and ${names.size - 5} more` : few;
}
