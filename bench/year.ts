/**
 * A year of the main scenario, for its memory: what is retained at the end of each month must not grow with simulated time.
 * Months have four weeks, after which flash crowds and deployments begin anew, so that any two months are alike.
 * `npm run bench -- year`
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { simulate } from '../core/index.ts';
import { MAIN_SIZE, mainScenario } from './mainScenario.ts';
import { SMALL_SIZE } from './main.ts';

const HOUR_MS = 3_600_000;
const MONTH_DAYS = 28;
/** How much the heap may hold at the end of what it held at the most in the first three months. */
const TOLERATED = 1.1;

export interface Month {
  /** Since the start. */
  readonly days: number;
  readonly events: number;
  readonly cpuSeconds: number;
  /** Once all garbage is collected. */
  readonly heapBytes: number;
  /** Mostly what the log keeps, two segments of up to 16 MB: it comes and goes with how full the open one is. */
  readonly bufferBytes: number;
  readonly residentBytes: number;
}

/** Month by month, as they end. `smoke`: three hours for months. @throws Error when the heap has grown */
export function* year(smoke: boolean): Generator<Month> {
  const [months, hours] = smoke ? [2, 3] : [13, MONTH_DAYS * 24];
  const scenario = mainScenario(smoke ? SMALL_SIZE : { ...MAIN_SIZE, days: months * MONTH_DAYS });
  const simulation = simulate(scenario, { keepSegments: 1 });
  const collectGarbage = garbageCollector();
  const ended: Month[] = [];
  for (let month = 1; month <= months; month++) {
    const fromUs = process.cpuUsage();
    const fromEvent = simulation.log.length;
    simulation.runUntil(scenario.start + month * hours * HOUR_MS);
    const { user, system } = process.cpuUsage(fromUs);
    collectGarbage();
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    const latest: Month = {
      days: (month * hours) / 24,
      events: simulation.log.length - fromEvent,
      cpuSeconds: (user + system) / 1e6,
      heapBytes: heapUsed,
      bufferBytes: arrayBuffers,
      residentBytes: rss,
    };
    ended.push(latest);
    yield latest;
  }
  if (!smoke) checkFlat(ended.map(({ heapBytes }) => heapBytes));
}

/** @throws Error when the heap has grown from the first three months to the last */
export function checkFlat(heapBytes: readonly number[]): void {
  const early = Math.max(...heapBytes.slice(0, 3));
  const last = heapBytes[heapBytes.length - 1] as number;
  if (last > TOLERATED * early)
    throw new Error(
      `memory grows with simulated time: the heap has ${last} bytes in the last month, ${early} at the most in the first three`,
    );
}

/** V8's own, which it hides unless it is asked for. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
