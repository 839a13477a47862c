/**
 * Workers on a queue, message by message: the plain simulation that the queue's serving stands for. Every free place polls, and
 * the oldest message goes to one of them by chance; the work of a task's messages shares its vCPUs.
 */

import type { Draws } from '../core/kernel/index.ts';
import type { RequestProfile } from '../core/workload/requestProfile.ts';

interface Held {
  readonly sentMs: number;
  workMs: number;
  /** When its other wait ends, once its work is done. */
  endsAtMs: number;
}

export interface Seen {
  readonly agesMs: readonly number[];
  readonly waiting: number;
  readonly held: number;
  readonly oldestMs: number;
  readonly busyPercent: number;
}

export class MessageByMessage {
  readonly #profile: RequestProfile;
  readonly #vcpus: number;
  readonly #draws: Draws;
  #tasks: Held[][] = [];
  readonly #queue: number[] = [];
  #first = 0;
  #nowMs = 0;

  constructor(profile: RequestProfile, cpuUnits: number, draws: Draws) {
    this.#profile = profile;
    this.#vcpus = cpuUnits / 1024;
    this.#draws = draws;
  }

  /** A step with a number of tasks, and messages sent at these instants. Tasks may only be added. */
  step(untilMs: number, tasks: number, sentMs: readonly number[]): Seen {
    const fromMs = this.#nowMs;
    while (this.#tasks.length < tasks) this.#tasks.push([]);
    const agesMs: number[] = [];
    let busyMs = 0;
    let next = 0;
    this.#receive();
    for (;;) {
      const arrivesMs = sentMs[next] ?? Number.POSITIVE_INFINITY;
      let atMs = Math.min(untilMs, arrivesMs);
      for (const held of this.#tasks) atMs = Math.min(atMs, this.#nextMs(held));
      for (const held of this.#tasks) busyMs += this.#work(held, atMs - this.#nowMs);
      this.#nowMs = atMs;
      for (const held of this.#tasks)
        for (let index = held.length - 1; index >= 0; index--) {
          const message = held[index]!;
          if (message.workMs > 1e-9 || message.endsAtMs > atMs) continue;
          agesMs.push(atMs - message.sentMs);
          held.splice(index, 1);
        }
      if (arrivesMs === atMs) {
        this.#queue.push(arrivesMs);
        next++;
      }
      this.#receive();
      if (atMs === untilMs && next === sentMs.length) break;
    }
    let oldestMs = this.#first < this.#queue.length ? untilMs - this.#queue[this.#first]! : 0;
    for (const held of this.#tasks) for (const message of held) oldestMs = Math.max(oldestMs, untilMs - message.sentMs);
    return {
      agesMs,
      waiting: this.#queue.length - this.#first,
      held: this.#tasks.reduce((sum, held) => sum + held.length, 0),
      oldestMs,
      busyPercent: (100 * busyMs) / (tasks * this.#vcpus * (untilMs - fromMs)),
    };
  }

  #speed(held: readonly Held[]): number {
    let working = 0;
    for (const message of held) if (message.workMs > 1e-9) working++;
    return working === 0 ? 0 : Math.min(1, this.#vcpus / working);
  }

  #nextMs(held: readonly Held[]): number {
    const speed = this.#speed(held);
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { workMs, endsAtMs } of held)
      nextMs = Math.min(nextMs, workMs > 1e-9 ? this.#nowMs + workMs / speed : endsAtMs);
    return nextMs;
  }

  /** @returns milliseconds of one vCPU that were worked */
  #work(held: readonly Held[], forMs: number): number {
    const speed = this.#speed(held);
    let busyMs = 0;
    for (const message of held) {
      if (message.workMs <= 1e-9) continue;
      busyMs += speed * forMs;
      message.workMs -= speed * forMs;
      if (message.workMs <= 1e-9) message.endsAtMs = this.#nowMs + forMs + this.#profile.otherMs;
    }
    return busyMs;
  }

  #receive(): void {
    const { perTaskConcurrency, cpuMs, cpuVariation } = this.#profile;
    while (this.#first < this.#queue.length) {
      let free = 0;
      for (const held of this.#tasks) free += perTaskConcurrency - held.length;
      if (free === 0) break;
      let place = this.#draws.int(free);
      const held = this.#tasks.find((one) => (place -= perTaskConcurrency - one.length) < 0)!;
      const part = cpuVariation === 0 ? 1 : cpuVariation === 1 ? this.#draws.exponential(1) : this.#logNormal();
      held.push({ sentMs: this.#queue[this.#first++]!, workMs: Math.max(1e-6, cpuMs * part), endsAtMs: 0 });
    }
    if (this.#first < 10_000) return;
    this.#queue.splice(0, this.#first);
    this.#first = 0;
  }

  #logNormal(): number {
    const logVariance = Math.log1p(this.#profile.cpuVariation ** 2);
    return Math.exp(this.#draws.normal(-logVariance / 2, Math.sqrt(logVariance)));
  }
}
