/** `main.ts ENGINE hold GAPS PENDING UNTIL_MS` or `... station GAPS CUSTOMERS`: an engine of Node as a program of its own. */

import { readFileSync } from 'node:fs';
import { engines } from './engines.ts';

const [name, work, file, ...numbers] = process.argv.slice(2) as [keyof typeof engines, string, string, ...string[]];
const [first = 0, second = 0] = numbers.map(Number);
const engine = await engines[name]();
// Ours draws for itself at M/M/1, and is given no file.
const gapsMs = file === '-' ? new Int32Array() : new Int32Array(new Uint8Array(readFileSync(file)).buffer);
const { events, clockMs, sum, seconds } =
  work === 'hold'
    ? await engine.hold({ gapsMs, pending: first, untilMs: second })
    : await engine.station({ gapsMs, customers: first });
console.log(events, clockMs, sum, seconds);
