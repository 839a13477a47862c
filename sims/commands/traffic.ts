/** `seatrial traffic`: the load of a scenario as a trace: a CSV of the requests of each minute. */

import { keyedRng, MINUTE } from '../../core/index.ts';
import { requestsOffered } from '../../core/workload/index.ts';
import { InputError } from '../input/inputError.ts';
import { writeNewFiles } from '../input/newFile.ts';
import { loadScenario } from '../input/scenarioFile.ts';
import { formatNoun } from '../report/format.ts';

export interface TrafficOptions {
  readonly service?: string;
  readonly days?: number;
  readonly out?: string;
}

/** @returns the CSV. @throws InputError */
export function trafficOf(given: string, { service, days }: Omit<TrafficOptions, 'out'>): string {
  const { scenario, traces } = loadScenario(given, { days });
  const { load: loads, seed, start, duration } = scenario;
  const load = loads.find((candidate) => candidate.service === (service ?? loads[0]?.service));
  if (load === undefined) {
    const names = loads.map((candidate) => candidate.service).join(', ');
    const message = `--service: found "${service ?? ''}", expected ${names === '' ? 'a scenario with a load' : `one of ${names}`}`;
    throw new InputError([{ file: given, message }]);
  }
  const rng = keyedRng(seed);
  const rows = Array.from({ length: Math.floor(duration / MINUTE) }, (_, minute) => {
    const fromMs = start + minute * MINUTE;
    const context = { traces, startMs: start, draws: rng.at(`traffic.${load.service}`, minute) };
    const count = Math.round(requestsOffered(load.rate, fromMs, fromMs + MINUTE, context));
    return `${new Date(fromMs).toISOString().slice(0, 19).replace('T', ' ')},${count}\n`;
  });
  return `timestamp,value\n${rows.join('')}`;
}

/** @returns the exit code. @throws InputError */
export function traffic(given: string, { out, ...options }: TrafficOptions): number {
  const csv = trafficOf(given, options);
  if (out === undefined) process.stdout.write(csv);
  else {
    writeNewFiles({ [out]: csv });
    process.stdout.write(`${out}: ${formatNoun(csv.split('\n').length - 2, 'minute')}\n`);
  }
  return 0;
}
