/** Registry of the benchmarks, by the name that `npm run bench` takes. */

import { alarms } from './alarms.ts';
import { calendar } from './calendar.ts';
import { endToEnd } from './endToEnd.ts';
import { log } from './log.ts';
import { loop } from './loop.ts';
import { main } from './main.ts';
import { month } from './month.ts';
import { openDc } from './openDc.ts';
import { peers } from './peers.ts';
import { placement } from './placement.ts';
import { rng } from './rng.ts';
import { serving } from './serving.ts';
import { streams } from './streams.ts';
import type { Bench } from './suite.ts';
import { sweep } from './sweep.ts';
import { timeline } from './timeline.ts';

export const benches = {
  calendar,
  rng,
  loop,
  log,
  streams,
  timeline,
  placement,
  alarms,
  serving,
  endToEnd,
  sweep,
  main,
  month,
  openDc,
  peers,
} as const satisfies Readonly<Record<string, Bench>>;
