/** Ours: the kernel's calendar, and its keyed chance. */

import { Calendar, Phase, type Message } from '../../core/kernel/index.ts';
import { arrivalsOf, gapsIn, STATION_SEED, weighed, type Engine, type Hold } from './work.ts';

interface Due extends Message {
  readonly id: number;
}

const ARRIVE: Due = { type: 'Arrive', id: 0 };
const LEAVE: Due = { type: 'Leave', id: 1 };
/** Room for those who queue, one behind the other in a ring. At 80 % no queue is this long. */
const RING = 2 ** 12;

/** Apart from the loop that is timed: what the engine writes into one is no longer written into the other. */
function filled({ pending }: Hold, gapOf: (id: number) => number): Calendar<Due> {
  const calendar = new Calendar<Due>();
  for (let id = 0; id < pending; id++) calendar.push(gapOf(id), Phase.Execute, { type: 'Hold', id }, -1);
  return calendar;
}

export const seatrial: Engine = {
  hold(work) {
    const { untilMs } = work;
    const gapOf = gapsIn(work);
    const calendar = filled(work, gapOf);
    let [events, clockMs, sum] = [0, 0, 0];
    const from = performance.now();
    while (calendar.nextMs <= untilMs) {
      const { atMs, command } = calendar.pop();
      events++;
      clockMs = atMs;
      sum = (sum + weighed(atMs, command.id)) | 0;
      calendar.push(atMs + gapOf(command.id), Phase.Execute, command, -1);
    }
    return { events, clockMs, sum: sum >>> 0, seconds: (performance.now() - from) / 1000 };
  },

  /** The draws are made as the customers come. */
  station({ customers }) {
    const { untilNextMs, serviceMs } = arrivalsOf(STATION_SEED);
    const calendar = new Calendar<Due>();
    const queuedMs = new Float64Array(RING);
    let [arrived, started, events, clockMs, sum] = [0, 0, 0, 0, 0];
    const from = performance.now();
    calendar.push(untilNextMs(0), Phase.Environment, ARRIVE, -1);
    while (calendar.size > 0) {
      const { atMs, command } = calendar.pop();
      events++;
      clockMs = atMs;
      if (command === ARRIVE) {
        queuedMs[arrived++ % RING] = atMs;
        if (arrived < customers) calendar.push(atMs + untilNextMs(arrived), Phase.Environment, ARRIVE, -1);
        if (arrived - started > 1) continue;
      } else {
        started++;
        if (started === arrived) continue;
      }
      // The one at the head of the queue is served next.
      sum += atMs - (queuedMs[started % RING] as number);
      calendar.push(atMs + serviceMs(started), Phase.Environment, LEAVE, -1);
    }
    return { events, clockMs, sum, seconds: (performance.now() - from) / 1000 };
  },
};
