/** One Subject for each event type against one Subject that everybody filters. Sixteen types, each heard by one. */

import { filter, Subject } from 'rxjs';
import { event, keyedRng, number, Streams, type Recorded } from '../core/kernel/index.ts';
import { fold, hashOf } from './hash.ts';
import type { Bench, Contender } from './suite.ts';

interface Called {
  readonly type: string;
  readonly value: number;
}
type Listener = (recorded: Recorded<Called>) => void;
/** Subscribes each listener to its type, and gives what publishes. */
type Wiring = (listeners: ReadonlyMap<string, Listener>) => Listener;

export const streams: Bench = (smoke) => {
  const events = smoke ? 1_000 : 20_000;
  return [
    {
      name: 'streams, 16 types',
      amounts: { events },
      contenders: [
        publishing('Streams', events, oneSubjectEach),
        publishing('one Subject, 16 filters', events, oneSubject),
        publishing('Map of functions, no rxjs', events, noSubject),
      ],
    },
  ];
};

const types = Array.from({ length: 16 }, (_, index) => `Event${index}`);
const definitions = Object.fromEntries(types.map((type) => [type, event(type, { value: number('any') })]));

const oneSubjectEach: Wiring = (listeners) => {
  const subjects = new Streams<Called>(definitions);
  for (const [type, listener] of listeners) subjects.on(type).subscribe(listener);
  return (recorded) => subjects.publish(recorded);
};

const oneSubject: Wiring = (listeners) => {
  const subject = new Subject<Recorded<Called>>();
  for (const [type, listener] of listeners)
    subject.pipe(filter((recorded) => recorded.event.type === type)).subscribe(listener);
  return (recorded) => subject.next(recorded);
};

const noSubject: Wiring = (listeners) => (recorded) => listeners.get(recorded.event.type)?.(recorded);

function publishing(name: string, events: number, wire: Wiring): Contender {
  return {
    name,
    start() {
      const draws = keyedRng(1).at('bench.streams', 0);
      const source = Array.from({ length: events }, (_, seq): Recorded<Called> => {
        const value = draws.int(types.length);
        return { seq, atMs: seq, causedBy: -1, event: { type: types[value] as string, value } };
      });
      let hash = 0;
      const publish = wire(
        new Map(
          types.map((type, index) => [
            type,
            (recorded) => {
              hash = fold(fold(hash, recorded.seq), recorded.event.value - index);
            },
          ]),
        ),
      );
      return {
        run() {
          for (const recorded of source) publish(recorded);
        },
        hash: () => hashOf(hash),
      };
    },
  };
}
