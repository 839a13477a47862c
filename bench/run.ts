/** `npm run bench [-- name...] [--smoke] [--json]`: measures all benchmarks, or those named. */

import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { benches } from './benches.ts';
import { checked, measured, type Bench, type Case, type Result } from './suite.ts';

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    smoke: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
type Hashed = Pick<Result, 'contender' | 'hash'>;

const wanted = chosen(names);
const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
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
    if (!flags.json) print(of, results);
  }
if (flags.json) console.log(JSON.stringify({ machine, cases: report }, null, 2));

function chosen(all: readonly string[]): readonly Bench[] {
  const known: Readonly<Record<string, Bench>> = benches;
  if (all.length === 0) return Object.values(known);
  return all.map((name) => {
    const bench = known[name];
    if (bench === undefined)
      throw new RangeError(`no benchmark is called ${name}; there are ${Object.keys(known).join(', ')}`);
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

/** Three digits: 35.1 M, 920 k, 4.02. */
function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (value >= 1e3) return `${(value / 1e3).toPrecision(3)} k`;
  return value.toPrecision(3);
}
