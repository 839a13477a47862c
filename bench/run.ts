/** `npm run bench [-- name...] [--smoke] [--json] [--write-baseline]`: measures all benchmarks, or those named; `growth` and `year` by name only. */

import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { fallen, readBaseline, TOLERATED_PERCENT, withMeasured, writeBaseline, type Measured } from './baseline.ts';
import { benches } from './benches.ts';
import { growth, type Curve } from './growth.ts';
import { checked, measured, type Bench, type Case, type Result } from './suite.ts';
import { year, type Month } from './year.ts';

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    smoke: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'write-baseline': { type: 'boolean', default: false },
  },
});
/** These take minutes and have no reference: they are measured only when they are asked for. */
const BY_NAME_ONLY = ['growth', 'year'] as const;
type Hashed = Pick<Result, 'contender' | 'hash'>;

const wanted = chosen(names.filter((name) => !BY_NAME_ONLY.some((other) => other === name)));
const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
const comparable: Measured[] = [];
const report: {
  readonly case: string;
  readonly amounts: Case['amounts'];
  readonly results: readonly (Result | Hashed)[];
}[] = [];

if (!flags.json) console.log(`Node ${machine.node}, ${machine.cores} x ${machine.cpu}`);
const told = new Set<string>();
for (const bench of wanted)
  for (const of of bench(flags.smoke)) {
    for (const skipped of of.missing ?? []) {
      if (!told.has(skipped)) console.error(`skipped: ${skipped}`);
      told.add(skipped);
    }
    if (flags.smoke) {
      const results = (await checked(of)).map(({ name, hash }): Hashed => ({ contender: name, hash }));
      report.push({ case: of.name, amounts: of.amounts, results });
      if (!flags.json) console.log(`${of.name}: ${results[0]?.hash}`);
      continue;
    }
    const results = await measured(of);
    report.push({ case: of.name, amounts: of.amounts, results });
    comparable.push({ case: of.name, results });
    if (!flags.json) print(of, results);
    if (!flags.json) for (const remark of of.remarks?.() ?? []) console.log(`  ${remark}`);
  }
const curves: Curve[] = [];
if (isAskedFor('growth'))
  for (const curve of growth(flags.smoke)) {
    curves.push(curve);
    if (!flags.json) printCurve(curve);
  }
const months: Month[] = [];
if (isAskedFor('year'))
  for (const month of year(flags.smoke)) {
    months.push(month);
    if (!flags.json) printMonth(month);
  }
const fell = fallen(readBaseline(), comparable);
if (flags.json) console.log(JSON.stringify({ machine, cases: report, curves, months, fell }, null, 2));
else if (fell.length > 0)
  console.log(`\nFell by more than ${TOLERATED_PERCENT} % since baseline.json:\n  ${fell.join('\n  ')}`);
if (flags['write-baseline'] && comparable.length > 0)
  writeBaseline(withMeasured(readBaseline(), comparable, { machine, date: new Date().toISOString().slice(0, 10) }));

function isAskedFor(name: (typeof BY_NAME_ONLY)[number]): boolean {
  return names.includes(name) || (flags.smoke && names.length === 0);
}

function chosen(all: readonly string[]): readonly Bench[] {
  const known: Readonly<Record<string, Bench>> = benches;
  if (all.length === 0) return names.length > 0 ? [] : Object.values(known);
  return all.map((name) => {
    const bench = known[name];
    if (bench === undefined)
      throw new RangeError(
        `no benchmark is called ${name}; there are ${[...Object.keys(known), ...BY_NAME_ONLY].join(', ')}`,
      );
    return bench;
  });
}

function print({ name, amounts }: Case, results: readonly Result[]): void {
  console.log(`\n${name}`);
  for (const [index, { contender, hash, runsPerSecond, spreadPercent, oursIsFaster }] of results.entries()) {
    const rates = Object.entries(amounts).map(([unit, amount]) => `${short(runsPerSecond * amount)} ${unit}/s`);
    const ratio = index === 0 ? '' : `ours is ${oursIsFaster.toPrecision(3)} x`;
    const columns = [
      contender.padEnd(34),
      (rates[0] as string).padStart(16),
      `±${spreadPercent.toFixed(0)} %`.padStart(7),
      ratio.padStart(18),
    ];
    console.log(`  ${columns.join(' ')}  ${hash}${rates.length > 1 ? `  ${rates.slice(1).join(', ')}` : ''}`);
  }
}

function printCurve({ dimension, unit, points, time, memory }: Curve): void {
  console.log(`\ngrowth with ${dimension}`);
  for (const { size, seconds, bytes } of points)
    console.log(
      `  ${`${size.toLocaleString('en')} ${unit}`.padEnd(20)} ${seconds.toFixed(2).padStart(8)} s ${(bytes / 2 ** 20).toFixed(0).padStart(6)} MiB`,
    );
  if (points.length === 1) return;
  const exponents = ({ fitted, last }: Curve['time']) => `${fitted.toFixed(2)} (last step ${last.toFixed(2)})`;
  console.log(`  exponents: ${exponents(time)} of time, ${exponents(memory)} of memory`);
}

function printMonth({ days, events, cpuSeconds, heapBytes, bufferBytes, residentBytes }: Month): void {
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  console.log(
    `  after ${days.toLocaleString('en')} days: ${mib(heapBytes)} of heap, ${mib(bufferBytes)} of buffers, ${mib(residentBytes)} resident; ${short(events)} events in ${cpuSeconds.toFixed(1)} s of CPU`,
  );
}

/** Three digits: 35.1 M, 920 k, 4.02. */
function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (value >= 1e3) return `${(value / 1e3).toPrecision(3)} k`;
  return value.toPrecision(3);
}
