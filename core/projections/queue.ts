/** What became of a service's queue: how many messages it took in and gave out, how long it grew, and how old they got. */

import type { Millis } from '../kernel/index.ts';
import type { Projection } from './projection.ts';

export interface QueueReport {
  readonly queueName: string;
  readonly sent: number;
  readonly received: number;
  /** Of these, messages that had been received before: their task went away before they were done. */
  readonly receivedAgain: number;
  readonly deleted: number;
  readonly emptyReceives: number;
  /** Older than MessageRetentionPeriod, and received maxReceiveCount times in vain. */
  readonly expired: number;
  readonly deadLetters: number;
  /** Visible messages: the most at the end of a step and when, and at the end. */
  readonly largestBacklog: number;
  readonly largestBacklogAtMs?: Millis;
  readonly backlog: number;
  /** The oldest that a message got without being deleted. */
  readonly oldestMessageMs: Millis;
}

/** The report is undefined for a service without a queue. */
export function queueProjection(serviceName: string): Projection<QueueReport | undefined> {
  const sums = { sent: 0, received: 0, receivedAgain: 0, deleted: 0, emptyReceives: 0, expired: 0, deadLetters: 0 };
  let queueName: string | undefined;
  let largestBacklog = 0;
  let largestBacklogAtMs: Millis | undefined;
  let backlog = 0;
  let oldestMessageMs = 0;
  const gone = { expired: 0, deadLetters: 0 };
  return {
    types: ['LoadServed', 'MessagesServed'],
    on({ atMs, event }) {
      if (event.type === 'LoadServed') {
        const row = event.services.indexOf(serviceName);
        gone.expired = event.timedOut[row] ?? 0;
        gone.deadLetters = event.lost[row] ?? 0;
      }
      if (event.type !== 'MessagesServed' || event.serviceName !== serviceName) return;
      ({ queueName, visible: backlog } = event);
      for (const count of ['sent', 'received', 'receivedAgain', 'deleted', 'emptyReceives'] as const)
        sums[count] += event[count];
      sums.expired += gone.expired;
      sums.deadLetters += gone.deadLetters;
      oldestMessageMs = Math.max(oldestMessageMs, event.oldestMs);
      if (backlog <= largestBacklog) return;
      largestBacklog = backlog;
      largestBacklogAtMs = atMs;
    },
    report() {
      if (queueName === undefined) return undefined;
      const when = largestBacklogAtMs === undefined ? {} : { largestBacklogAtMs };
      return { queueName, ...sums, largestBacklog, ...when, backlog, oldestMessageMs };
    },
  };
}
