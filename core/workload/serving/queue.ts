/**
 * Serving from a queue: workers that take messages from Amazon SQS. A message waits in the queue, the oldest first, until a
 * running task has a free place; `perTaskConcurrency` places each. It holds its place for its work and its other wait, and is
 * deleted. Nothing is rejected, and nobody gives up: what is older than MessageRetentionPeriod is dropped (`timedOut`).
 *
 * Counts are whole messages at every step. What the tasks get done follows from the number that is there, by one step of
 * n' = arrivals - capacity x load(n), in which load(n) is that of a service that has settled at n. In a step that outlasts
 * many messages chance has played its part (implicit, with the line of `Workers.waiting`); in a step that is short against a
 * message only what is there counts (explicit), so that a single long message keeps its task busy until it is done.
 * While more waits than the tasks get done in a step, all of them work throughout.
 *
 * Ages: the queue is a bounded number of cohorts; those held share one mean, spread and time held.
 *
 * A task that takes no more messages finishes what it holds at its own speed; when it goes, it has had a second since SIGTERM,
 * and what it has not finished by then stays invisible for the VisibilityTimeout since it was received. A worker extends that
 * timeout as long as it lives, so nothing is received twice because its work takes long.
 * After maxReceiveCount receives a message is a dead letter (`lost`) when it would become visible again.
 *
 * Not seen: the chance of the work itself in steps that are short against it; messages moved to the back of the queue after
 * three receives; delayed messages; batches (a message is received when its own place is free).
 *
 * Error against the same workers, message by message (60,000 of them; property-tests/rooms/queue.test.ts), in steps that outlast
 * a message: mean at most 3 %, p50 10 %, p95 10 % for loads to 0.7; at 0.9 mean 17 %, p50 27 %, p95 37 %, and p99 up to twice
 * for fixed work. In overload the backlog follows from the capacity, which is exact.
 * Measured: 3 to 4 us a step, 5 us with a full list of cohorts (fluid beside it: 1.6); the number of messages does not matter.
 *
 * @source AWS, SQS Developer Guide, "Amazon SQS visibility timeout", "Using dead-letter queues", "Amazon SQS short and long
 *         polling"
 */

import { usualQueue } from '../queue.ts';
import type { RequestProfile } from '../requestProfile.ts';
import {
  latencyLevels,
  type QueueState,
  type Served,
  type Serving,
  type ServingStep,
  type TaskIds,
} from '../serving.ts';
import {
  countOf,
  dropOlder,
  grow,
  hiddenOf,
  insertByAge,
  keepFew,
  keepFewHidden,
  MOST_COHORTS,
  rowsOf,
  takeOldest,
  visibleOf,
  type Cohort,
  type HiddenCohort,
} from './cohorts.ts';
import { sojourn, sojournQuantile } from './sojourn.ts';
import { Workers } from './workers.ts';

const NO_LATENCIES: readonly number[] = latencyLevels.map(() => 0);
/** ln(-ln(1 - level)) of each level. */
const LOG_ODDS: readonly number[] = latencyLevels.map((level) => Math.log(-Math.log(1 - level)));
/** Most cohorts of hidden messages, and most numbers of receives among the held ones. */
const MOST_HIDDEN = 8;
const MOST_RECEIVES = 8;
/** Choice: as tasks of core/ecs do, a worker ends a second after SIGTERM; it deletes what it finishes within. */
const EXIT_MS = 1_000;

const EMPTY: QueueState = {
  visibleCohorts: [],
  hiddenCohorts: [],
  held: [],
  heldDraining: 0,
  waitMs: 0,
  waitSpreadMs: 0,
  heldMs: 0,
  donePart: 0,
  drainedPart: 0,
  taskIds: [],
  drainingTaskIds: [],
};

export const queue: Serving = {
  empty: { queued: 0 },
  serve(step) {
    const { offered, profile, cpuUnits, targets, carried, queue: config = usualQueue } = step;
    const lengthMs = step.toMs - step.fromMs;
    const messages = new Messages(carried.queue ?? EMPTY);
    const workers = new Workers(targets.length, cpuUnits, profile);
    const maxReceives = config.RedrivePolicy?.maxReceiveCount ?? Number.POSITIVE_INFINITY;

    // Tasks came and went since the last step.
    const finished = messages.follow(step, workers.aloneMs, config.VisibilityTimeout * 1_000);
    let deadLetters = messages.reappear(0, maxReceives);

    // How much is done.
    messages.age(lengthMs);
    const waiting = countOf(messages.visible);
    const held = messages.heldRunning;
    const full = workers.perMs * lengthMs;
    const load = loadOver(workers, held + waiting, offered, lengthMs, Math.min(1, waiting / full));
    const doneSum = messages.donePart + load * full;
    const done = Math.min(Math.floor(doneSum), held + waiting + offered);
    messages.donePart = targets.length === 0 ? 0 : millionth(Math.min(doneSum - done, 0.999999));
    const drained = messages.drain(step);

    // Who is received: free places at once, and then one for each that is done.
    const left = held + waiting + offered - done;
    const holding = Math.min(left, Math.max(workers.places, held - done));
    const received = holding + done - held;
    if (offered > 0) messages.visible.push({ count: offered, youngestMs: 0, oldestMs: lengthMs, receives: 0 });
    const processingMs = workers.processingMs(load);
    const atOnce = Math.min(waiting, received, Math.max(0, workers.places - held));
    const receivedAgain = messages.receive(received, atOnce, done, lengthMs, processingMs);

    const timedOut = messages.expire(config.MessageRetentionPeriod * 1_000);
    deadLetters += messages.reappear(lengthMs, maxReceives);

    const served = finished + drained + done;
    const state = messages.state(step);
    const visible = countOf(messages.visible);
    const notVisible = countOf(messages.held) + countOf(messages.hidden);
    const idle = Math.max(0, workers.places - (held + holding) / 2);
    const latency = served === 0 ? NO_LATENCY : latencyOf(messages, workers, profile, load, lengthMs, processingMs);
    return {
      served,
      timedOut,
      rejected: 0,
      unserved: 0,
      lost: deadLetters,
      queued: visible + notVisible,
      busyPercent:
        targets.length === 0 ? 0 : millionth(workers.busyPercent(load * workers.perMs, cpuUnits, profile.cpuMs)),
      ...latency,
      // Nobody checks the health of workers by a request.
      nextMs: 0,
      turnsAway: 0,
      counts: {
        visible,
        notVisible,
        oldestMs: messages.oldestMs(),
        received,
        receivedAgain,
        emptyReceives: Math.round((idle * lengthMs) / 1_000 / Math.max(1, config.ReceiveMessageWaitTimeSeconds)),
      },
      carried: { queued: visible + notVisible, queue: state },
    };
  },
};

/** The messages of a queue in the course of a step. */
class Messages {
  readonly visible: Cohort[];
  readonly hidden: HiddenCohort[];
  /** Held messages by how often they have been received, the fewest first. */
  readonly held: { count: number; receives: number }[];
  donePart: number;
  waitMs: number;
  waitSpreadMs: number;
  #heldDraining: number;
  #heldMs: number;
  #drainedPart: number;
  readonly #before: QueueState;

  constructor(before: QueueState) {
    this.#before = before;
    const { visibleCohorts, hiddenCohorts, held } = before;
    this.visible = visibleOf(visibleCohorts);
    this.hidden = hiddenOf(hiddenCohorts);
    this.held = [];
    for (let at = 0; at < held.length; at += 2) this.held.push({ count: held[at]!, receives: held[at + 1]! });
    this.#heldDraining = before.heldDraining;
    this.waitMs = before.waitMs;
    this.waitSpreadMs = before.waitSpreadMs;
    this.#heldMs = before.heldMs;
    this.donePart = before.donePart;
    this.#drainedPart = before.drainedPart;
  }

  get heldRunning(): number {
    return countOf(this.held) - this.#heldDraining;
  }

  /**
   * What happened to the tasks that held messages: each held as much as any other of its kind. Those that take no more keep
   * theirs; of those that are gone, what was not finished in time is hidden.
   *
   * @returns how many messages were finished on the way out
   */
  follow({ targets, drainingTargets }: ServingStep, aloneMs: number, visibilityMs: number): number {
    const { taskIds, drainingTaskIds } = this.#before;
    if (sameTasks(taskIds, targets) && sameTasks(drainingTaskIds, drainingTargets)) return 0;
    const running = new Set(targets);
    const draining = new Set(drainingTargets);
    let gone = 0;
    let moved = 0;
    for (const taskId of taskIds)
      if (draining.has(taskId)) moved++;
      else if (!running.has(taskId)) gone++;
    let drainingGone = 0;
    for (const taskId of drainingTaskIds) if (!draining.has(taskId)) drainingGone++;
    const heldRunning = this.heldRunning;
    const left = share(heldRunning, gone, taskIds.length);
    const leftDraining = share(this.#heldDraining, drainingGone, drainingTaskIds.length);
    this.#heldDraining += share(heldRunning - left, moved, taskIds.length - gone) - leftDraining;
    const finished = Math.floor((left + leftDraining) * -Math.expm1(-EXIT_MS / aloneMs));
    this.#release(finished);
    const youngestMs = Math.round(Math.max(0, this.waitMs - this.waitSpreadMs));
    const oldestMs = Math.round(this.waitMs + this.waitSpreadMs + 2 * this.#heldMs);
    const forMs = visibilityMs === 0 ? 0 : Math.round(visibilityMs - (this.#heldMs % visibilityMs));
    for (const { count, receives } of this.#release(left + leftDraining - finished))
      this.hidden.push({ count, youngestMs, oldestMs, receives, forMs });
    return finished;
  }

  /** Those whose time has passed within `lengthMs` are visible again, or dead letters. @returns how many of the latter */
  reappear(lengthMs: number, maxReceives: number): number {
    let deadLetters = 0;
    for (let index = this.hidden.length - 1; index >= 0; index--) {
      const cohort = this.hidden[index] as HiddenCohort;
      const forMs = cohort.forMs - lengthMs;
      if (forMs > 0) {
        this.hidden[index] = { ...cohort, forMs };
        continue;
      }
      this.hidden.splice(index, 1);
      const { count, youngestMs, oldestMs, receives } = cohort;
      if (receives >= maxReceives) deadLetters += count;
      else insertByAge(this.visible, { count, youngestMs, oldestMs, receives });
    }
    return deadLetters;
  }

  /** From now on ages are those at the end of the step. */
  age(lengthMs: number): void {
    grow(this.visible, lengthMs);
    grow(this.hidden, lengthMs);
  }

  /** Tasks that take no more: the fewer they hold, the fewer share. @returns how many messages they finished */
  drain({ drainingTargets, profile: { cpuMs, otherMs }, cpuUnits, fromMs, toMs }: ServingStep): number {
    if (this.#heldDraining === 0) {
      this.#drainedPart = 0;
      return 0;
    }
    const vcpus = cpuUnits / 1024;
    const aloneMs = cpuMs / Math.min(1, vcpus) + otherMs;
    const perMs = Math.min(this.#heldDraining / aloneMs, (drainingTargets.length * vcpus) / cpuMs);
    const sum = this.#drainedPart + Math.min(perMs * (toMs - fromMs), this.#heldDraining);
    const drained = Math.min(Math.floor(sum), this.#heldDraining);
    this.#drainedPart = millionth(Math.min(sum - drained, 0.999999));
    this.#heldDraining -= drained;
    this.#release(drained);
    return drained;
  }

  /**
   * The running tasks receive messages and delete `done`, those they have held first.
   *
   * @param atOnce  of the received, how many find a free place when the step begins; the others come one after the other
   * @returns how many of them had been received before
   */
  receive(received: number, atOnce: number, done: number, lengthMs: number, processingMs: number): number {
    const heldBefore = this.heldRunning;
    const taken = takeOldest(this.visible, received);
    const kept = Math.max(0, heldBefore - done);
    this.#release(Math.min(done, heldBefore));
    let doneOfTaken = Math.max(0, done - heldBefore);
    let position = 0;
    let sumMs = 0;
    let squares = 0;
    let again = 0;
    for (const { count, youngestMs, oldestMs, receives } of taken) {
      const firstMs = Math.max(0, oldestMs - lengthMs + takenAtMs(position, atOnce, received, lengthMs));
      position += count;
      if (receives > 0) again += count;
      const lastMs = Math.max(0, youngestMs - lengthMs + takenAtMs(position, atOnce, received, lengthMs));
      const meanMs = (firstMs + lastMs) / 2;
      sumMs += count * meanMs;
      squares += count * (meanMs * meanMs + (firstMs - lastMs) ** 2 / 12);
      const stays = count - Math.min(count, doneOfTaken);
      doneOfTaken -= count - stays;
      if (stays > 0) this.#hold(stays, receives + 1);
    }
    const others = heldBefore + this.#heldDraining;
    const all = others + received;
    if (all > 0) {
      const meanMs = (others * this.waitMs + sumMs) / all;
      const square = (others * (this.waitMs ** 2 + this.waitSpreadMs ** 2 / 3) + squares) / all;
      this.waitMs = millionth(meanMs);
      this.waitSpreadMs = millionth(Math.min(meanMs, Math.sqrt(3 * Math.max(0, square - meanMs * meanMs))));
    }
    const keptAll = kept + this.#heldDraining;
    const holding = countOf(this.held);
    const newMs = Math.min(lengthMs, processingMs) / 2;
    this.#heldMs =
      holding === 0 ? 0 : millionth((keptAll * (this.#heldMs + lengthMs) + (holding - keptAll) * newMs) / holding);
    return again;
  }

  /** Drops what is too old. @returns how many messages */
  expire(limitMs: number): number {
    return dropOlder(this.visible, limitMs) + dropOlder(this.hidden, limitMs);
  }

  /** Age of the oldest message that is not deleted. */
  oldestMs(): number {
    let oldestMs = 0;
    for (const cohort of this.visible) oldestMs = Math.max(oldestMs, cohort.oldestMs);
    for (const cohort of this.hidden) oldestMs = Math.max(oldestMs, cohort.oldestMs);
    // Held messages are spread evenly, from just received to twice the mean.
    const holding = countOf(this.held);
    const heldMs = (2 * this.#heldMs * holding) / (holding + 1);
    if (holding > 0) oldestMs = Math.max(oldestMs, this.waitMs + this.waitSpreadMs + heldMs);
    return Math.round(oldestMs);
  }

  state({ targets, drainingTargets }: ServingStep): QueueState {
    keepFew(this.visible, MOST_COHORTS);
    keepFewHidden(this.hidden, MOST_HIDDEN);
    const holding = this.held.length > 0;
    return {
      visibleCohorts: rowsOf(this.visible, undefined),
      hiddenCohorts: rowsOf(this.hidden, this.hidden),
      held: this.held.flatMap(({ count, receives }) => [count, receives]),
      heldDraining: this.#heldDraining,
      waitMs: holding ? this.waitMs : 0,
      waitSpreadMs: holding ? this.waitSpreadMs : 0,
      heldMs: this.#heldMs,
      donePart: this.donePart,
      drainedPart: this.#drainedPart,
      taskIds: [...targets],
      drainingTaskIds: [...drainingTargets],
    };
  }

  #hold(count: number, receives: number): void {
    const { held } = this;
    let place = 0;
    while (place < held.length && held[place]!.receives < receives) place++;
    if (held[place]?.receives === receives) held[place]!.count += count;
    else held.splice(place, 0, { count, receives });
    if (held.length <= MOST_RECEIVES) return;
    // The two that were received most often share one number.
    const last = held.pop()!;
    const before = held.at(-1)!;
    const sum = before.count + last.count;
    before.receives = Math.round((before.count * before.receives + last.count * last.receives) / sum);
    before.count = sum;
  }

  /** Takes held messages out, of each number of receives its share. @returns what was taken out */
  #release(count: number): readonly { readonly count: number; readonly receives: number }[] {
    const released: { count: number; receives: number }[] = [];
    let all = countOf(this.held);
    let left = count;
    for (let index = this.held.length - 1; index >= 0 && left > 0; index--) {
      const group = this.held[index]!;
      const part = share(left, group.count, all);
      all -= group.count;
      left -= part;
      if (part === 0) continue;
      released.push({ count: part, receives: group.receives });
      group.count -= part;
      if (group.count === 0) this.held.splice(index, 1);
    }
    return released;
  }
}

function sameTasks(some: readonly string[], others: TaskIds): boolean {
  if (some.length !== others.length) return false;
  let place = 0;
  for (const taskId of others) if (some[place++] !== taskId) return false;
  return true;
}

/** When, in the step, a message is received, by its position among those received. */
function takenAtMs(position: number, atOnce: number, received: number, lengthMs: number): number {
  return position <= atOnce ? 0 : (lengthMs * (position - atOnce)) / (received - atOnce);
}

/** Whole messages of a part of the tasks. */
function share(count: number, part: number, of: number): number {
  return part === of ? count : Math.round((count * part) / of);
}

/**
 * The part of their capacity that the tasks work at in a step, from 0 to 1: where
 *   n(load) + k x capacity x load = there + k x arriving,
 * with k from 0 to 1, the longer the step is against a message. It is searched for in y = load / (1 - load), whose logarithm
 * spans all loads evenly, by the false position of two bounds (Illinois).
 *
 * @param least  what they work at least
 */
function loadOver(workers: Workers, there: number, arriving: number, lengthMs: number, least: number): number {
  if (workers.tasks === 0) return 0;
  const mixed = mixedIn(lengthMs, workers);
  const present = there + mixed * arriving;
  if (present === 0 || least === 1) return least;
  const full = mixed * workers.perMs * lengthMs;
  // Without chance and sharing it would be this one, and it is a little less; from there the bounds are found.
  const free = Math.min(present / (workers.perMs * workers.aloneMs + full), 0.999);
  let high = Math.log(free / (1 - free));
  let above = surplus(workers, high, full, mixed, present);
  let low = high - 0.5;
  let below = surplus(workers, low, full, mixed, present);
  for (let stride = 1; above < 0 && high < 40; stride *= 2) {
    [low, below] = [high, above];
    above = surplus(workers, (high += stride), full, mixed, present);
  }
  for (let stride = 1; below > 0 && low > -40; stride *= 2) {
    [high, above] = [low, below];
    below = surplus(workers, (low -= stride), full, mixed, present);
  }
  let load = loadAt(high);
  for (let round = 0, side = 0; round < 60 && high - low > 1e-9; round++) {
    const middle = (low * above - high * below) / (above - below);
    const value = surplus(workers, middle, full, mixed, present);
    load = loadAt(middle);
    if (Math.abs(value) < 1e-6 * (1 + present)) break;
    if (value < 0) {
      low = middle;
      below = value;
      if (side === -1) above /= 2;
      side = -1;
    } else {
      high = middle;
      above = value;
      if (side === 1) below /= 2;
      side = 1;
    }
  }
  // No more than is there: a short step that is full of arrivals has done none of them yet.
  const most = (there + arriving) / (workers.perMs * lengthMs);
  return Math.max(least, Math.min(load, most));
}

function loadAt(logY: number): number {
  return 1 / (1 + Math.exp(-logY));
}

function surplus(workers: Workers, logY: number, full: number, mixed: number, present: number): number {
  const load = loadAt(logY);
  const line = chanceLine(workers, Math.min(load, 1 - 1e-15), mixed);
  return workers.held(load) + line + full * load - present;
}

/** Messages that wait by chance. Choice: it fades with the square, so that one message alone is not held up by others. */
function chanceLine(workers: Workers, load: number, mixed: number): number {
  return mixed * mixed * workers.waiting(load);
}

/** How far chance has played its part in a step: from 0, short against a message, to 1. */
function mixedIn(lengthMs: number, workers: Workers): number {
  return -Math.expm1(-lengthMs / workers.aloneMs);
}

const NO_LATENCY = { meanMs: 0, quantilesMs: NO_LATENCIES };

/**
 * Age when done. What waited in the queue waited as long as its cohort says, or as long as chance would have it; the work
 * takes as long as sharing makes it.
 */
function latencyOf(
  { waitMs, waitSpreadMs }: Messages,
  workers: Workers,
  { cpuVariation, otherMs }: RequestProfile,
  load: number,
  lengthMs: number,
  processingMs: number,
): Pick<Served, 'meanMs' | 'quantilesMs'> {
  const done = load * workers.perMs;
  const line = load > 0 && load < 1 ? chanceLine(workers, load, mixedIn(lengthMs, workers)) : 0;
  const chanceMs = line > 0 ? line / done : 0;
  // Of a short queue one message more or less is rounding.
  const queueMs = Math.max(0, waitMs - (done > 0 ? 1 / done : 0), waitMs > lengthMs ? waitMs : 0);
  const byChance = Math.min(1, chanceMs / Math.max(queueMs, chanceMs, 1e-9));
  const restMs = Math.max(0, queueMs - chanceMs);

  const randomMs = Math.max(processingMs - otherMs, workers.workMs);
  const sharing = 1 - workers.workMs / randomMs;
  const variance = randomMs * randomMs * (workers.workScv + ((1 + workers.workScv) * sharing) / (2 - sharing));
  const delayed = line > 0 ? Math.min(1, (line * (1 - load)) / load) : 1;
  const chanceVariance = chanceMs * Math.max(0, (2 * chanceMs) / delayed - chanceMs);
  const moments = {
    meanMs: randomMs + chanceMs,
    variance: variance + chanceVariance,
    logNormalPart: cpuVariation === 0 || cpuVariation === 1 ? 0 : (1 - sharing) * (randomMs / (randomMs + chanceMs)),
  };
  const time = sojourn(workers, moments, moments.meanMs);
  const quantilesMs: number[] = [];
  let leastMs = 0;
  for (const [index, level] of latencyLevels.entries()) {
    const aroundMs = sojournQuantile(time, level, LOG_ODDS[index]!) - moments.meanMs;
    const spreadMs = (1 - byChance) * waitSpreadMs * (2 * level - 1);
    const sum = aroundMs + spreadMs;
    const joinedMs = Math.sign(sum) * Math.sqrt(aroundMs * aroundMs + spreadMs * spreadMs);
    leastMs = Math.max(leastMs, otherMs + moments.meanMs + restMs + joinedMs);
    quantilesMs.push(thousandth(leastMs));
  }
  return { meanMs: thousandth(otherMs + moments.meanMs + restMs), quantilesMs };
}

function thousandth(value: number): number {
  return Math.round(value * 1e3) / 1e3;
}

function millionth(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
