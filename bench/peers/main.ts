/** `main.ts ENGINE hold GAPS PENDING UNTIL_MS` or `... station GAPS CUSTOMERS`: an engine of Node as a program of its own. */

import { readFileSync } from 'node:fs';
import { engines } from './engines.ts';

const [name, work, file, ...numbers] = process.argv.slice(2) as [keyof typeof engines, string, string, ...string[]];
const [first = 0, second = 0] = numbers.map(Number);
const engine = await engines[name]();
// Ours draws for itself at M/M/1, and is given no file.
const gapsMs = file === '-' ? new Int32Array() : new Int32Array(new Uint8Array(readFileSync(file)).buffer);
const run = (share: number) =>
  work === 'hold'
    ? engine.hold({ gapsMs, pending: first, untilMs: second * share })
    : engine.station({ gapsMs, customers: Math.ceil(first * share) });
// A part of it first, that the loop is compiled: that, like the start of the process, would not count in a long run.
await run(0.1);
const { events, clockMs, sum, seconds } = await run(1);
console.log(events, clockMs, sum, seconds);
