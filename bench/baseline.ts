/** What was measured before, to compare with: ratios only, since a rate says more about the machine than about the code. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Result } from './suite.ts';

export interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
}

export interface Baseline {
  readonly machine: Machine;
  readonly date: string;
  /** By case and reference: how many times as fast as the reference ours was. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface Measured {
  readonly case: string;
  /** Ours first. */
  readonly results: readonly Pick<Result, 'contender' | 'oursIsFaster'>[];
}

/** A ratio may fall by this much before it is told: on a shared machine some come again within 40 % only. */
export const TOLERATED_PERCENT = 40;

const FILE = fileURLToPath(new URL('baseline.json', import.meta.url));

export function readBaseline(): Baseline {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Baseline;
}

/** What was not measured now stays as it was. */
export function withMeasured(
  before: Baseline,
  measured: readonly Measured[],
  { machine, date }: Pick<Baseline, 'machine' | 'date'>,
): Baseline {
  const ratios = { ...before.ratios };
  for (const { case: name, results } of measured)
    ratios[name] = {
      ...ratios[name],
      ...Object.fromEntries(
        results.slice(1).map(({ contender, oursIsFaster }) => [contender, Number(oursIsFaster.toPrecision(3))]),
      ),
    };
  return { machine, date, ratios };
}

export function writeBaseline(baseline: Baseline): void {
  writeFileSync(FILE, `${JSON.stringify(baseline, null, 2)}\n`);
}

/** A line for each ratio that fell by more than is tolerated. */
export function fallen({ ratios }: Pick<Baseline, 'ratios'>, measured: readonly Measured[]): readonly string[] {
  return measured.flatMap(({ case: name, results }) =>
    results.slice(1).flatMap(({ contender, oursIsFaster }) => {
      const before = ratios[name]?.[contender];
      if (before === undefined || oursIsFaster >= before * (1 - TOLERATED_PERCENT / 100)) return [];
      return [`${name}: ${oursIsFaster.toPrecision(3)} x ${contender}, where it was ${before.toPrecision(3)} x`];
    }),
  );
}
