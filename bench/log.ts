/** The log against an array of frozen objects, on the events of a real voyage. */

import { eventDefinitions, type Event, type Recorded } from '../core/index.ts';
import { EventLog } from '../core/kernel/index.ts';
import { fold, hashOf } from './hash.ts';
import type { Bench, Contender } from './suite.ts';
import { eventsOf, fargateScenario } from './voyage.ts';

type Records = Iterable<Recorded<Event>>;

export const log: Bench = (smoke) => {
  const source = eventsOf(fargateScenario(2, smoke ? 1 : 24));
  const amounts = { events: source.length };
  return [
    {
      name: 'log, append',
      amounts,
      contenders: [
        keeping('EventLog', source, logged),
        keeping('array of frozen objects', source, frozen),
        { ...keeping('making the events (part of both)', source, made), otherWork: true },
      ],
    },
    {
      name: 'log, read back',
      amounts,
      contenders: [reading('EventLog', source, logged), reading('array of frozen objects', source, frozen)],
    },
  ];
};

function logged(source: readonly Recorded<Event>[]): Records {
  const kept = new EventLog<Event>(eventDefinitions);
  for (const { atMs, causedBy, event } of source) kept.append({ ...event }, atMs, causedBy);
  return kept;
}

function frozen(source: readonly Recorded<Event>[]): Records {
  const kept: Recorded<Event>[] = [];
  for (const { seq, atMs, causedBy, event } of source)
    kept.push(Object.freeze({ seq, atMs, causedBy, event: Object.freeze({ ...event }) }));
  return kept;
}

/** Only the last is left. */
function made(source: readonly Recorded<Event>[]): Records {
  let last = source[0] as Recorded<Event>;
  for (const { seq, atMs, causedBy, event } of source) last = { seq, atMs, causedBy, event: { ...event } };
  return [last];
}

function keeping(
  name: string,
  source: readonly Recorded<Event>[],
  keep: (source: readonly Recorded<Event>[]) => Records,
): Contender {
  return {
    name,
    start() {
      let kept: Records = [];
      return {
        run() {
          kept = keep(source);
        },
        hash: () => hashOf(...Array.from(kept, (recorded) => JSON.stringify(recorded))),
      };
    },
  };
}

function reading(
  name: string,
  source: readonly Recorded<Event>[],
  keep: (source: readonly Recorded<Event>[]) => Records,
): Contender {
  return {
    name,
    start() {
      const kept = keep(source);
      let hash = 0;
      return {
        run() {
          for (const { seq, atMs, causedBy, event } of kept)
            hash = fold(fold(fold(fold(hash, seq), atMs), causedBy), event.type.length);
        },
        hash: () => hashOf(hash),
      };
    },
  };
}
