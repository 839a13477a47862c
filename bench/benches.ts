/** Registry of the benchmarks, by the name that `npm run bench` takes. */

import { calendar } from './calendar.ts';
import { endToEnd } from './endToEnd.ts';
import { log } from './log.ts';
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
  log,
  streams,
  timeline,
  placement,
  serving,
  endToEnd,
  sweep,
} as const satisfies Readonly<Record<string, Bench>>;
