/** rxjs's VirtualTimeScheduler, which sorts everything that waits at each `schedule`. */

import { VirtualTimeScheduler } from 'rxjs';
import { gapsIn, weighed, type Engine } from './work.ts';

export const rxjs: Engine = {
  hold(work) {
    const { pending, untilMs } = work;
    const gapOf = gapsIn(work);
    const scheduler = new VirtualTimeScheduler(undefined, untilMs);
    let [events, clockMs, sum] = [0, 0, 0];
    const hold = (id = 0) => {
      const nowMs = scheduler.frame;
      events++;
      clockMs = nowMs;
      sum = (sum + weighed(nowMs, id)) | 0;
      scheduler.schedule(hold, gapOf(id), id);
    };
    for (let id = 0; id < pending; id++) scheduler.schedule(hold, gapOf(id), id);
    const from = performance.now();
    scheduler.flush();
    return { events, clockMs, sum: sum >>> 0, seconds: (performance.now() - from) / 1000 };
  },

  station({ gapsMs, customers }) {
    const scheduler = new VirtualTimeScheduler();
    const queuedMs: number[] = [];
    let [arrived, started, events, sum] = [0, 0, 0, 0];
    const serve = () => {
      sum += scheduler.frame - (queuedMs[started] as number);
      scheduler.schedule(leave, gapsMs[2 * started + 1]);
    };
    const arrive = () => {
      events++;
      queuedMs[arrived++] = scheduler.frame;
      if (arrived < customers) scheduler.schedule(arrive, gapsMs[2 * arrived]);
      if (arrived - started === 1) serve();
    };
    const leave = () => {
      events++;
      started++;
      if (started < arrived) serve();
    };
    scheduler.schedule(arrive, gapsMs[0]);
    const from = performance.now();
    scheduler.flush();
    return { events, clockMs: scheduler.frame, sum, seconds: (performance.now() - from) / 1000 };
  },
};
