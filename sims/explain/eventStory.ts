/** An event with its arithmetic, and the chain of its causes down to the traffic. */

import type { Event, Recorded } from '../../core/index.ts';
import { describeIn } from '../report/describe.ts';
import { formatMoment } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';
import type { RunReader } from '../store/runDirectory.ts';
import { lookBefore } from '../store/worldAt.ts';
import { arithmetic } from './arithmetic.ts';

/** @param seq  a number of an event of the run. @throws InputError */
export function eventStory(reader: RunReader, seq: number): readonly StoryLine[] {
  const chain = causesOf(reader, seq);
  const told = lookBefore(reader, chain.toReversed(), (world, recorded): readonly StoryLine[] => {
    const { seq: number, event, atMs } = recorded;
    const link = number === seq ? '' : 'because ';
    const text = `${event.type}: ${describeIn(world, recorded)}`;
    const effect = chain[chain.findIndex((other) => other.seq === number) - 1];
    return [
      { lead: `${link}${formatMoment(atMs)}  `, text: `${number} ${text}` },
      ...(isToldAbove(recorded, effect) ? [] : arithmetic(world, recorded, 4)),
    ];
  });
  return [...told.toReversed().flat(), { text: endOf(reader, chain.at(-1) as Recorded<Event>) }];
}

/** What the first cause came from. */
function endOf(reader: RunReader, { event, atMs }: Recorded<Event>): string {
  if (event.type === 'LoadSampled') return 'which is the traffic';
  const { branches = [] } = reader.loaded();
  const ofBranch = branches.some(({ submitted }) => submitted.some((due) => due.atMs === atMs));
  return `which the ${ofBranch ? 'branch' : 'scenario'} asks for`;
}

/** The datapoints of an alarm stand with the decision that it has called for. */
function isToldAbove({ event, atMs }: Recorded<Event>, effect: Recorded<Event> | undefined): boolean {
  return event.type === 'AlarmStateChanged' && effect?.atMs === atMs && 'alarmName' in effect.event;
}

/** The event and its causes, nearest first. */
function causesOf(reader: RunReader, from: number): readonly Recorded<Event>[] {
  const chain: Recorded<Event>[] = [];
  for (let seq = from; seq !== -1;) {
    const recorded = reader.event(seq);
    chain.push(recorded);
    // Down to the traffic: each step of it follows from the one before.
    if (recorded.event.type === 'LoadSampled') break;
    seq = recorded.causedBy;
  }
  return chain;
}
