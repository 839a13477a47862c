import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DAY, HOUR, MINUTE, SECOND } from '../../core/kernel/time.ts';
import { keyedRng } from '../../core/kernel/rng.ts';
import { loadModels, loadPart, requestsOffered, type LoadPart } from '../../core/workload/index.ts';
import {
  isAdditive,
  isAmount,
  isRepeatable,
  loadContext,
  series,
  START_MS,
  writtenParts,
  type Offer,
} from '../contracts/loadModel.ts';

const offer: Offer = (part, fromMs, toMs, context) => requestsOffered([part], fromMs, toMs, context);

for (const name of Object.keys(loadModels) as (keyof typeof loadModels)[]) {
  const parts = writtenParts[name].map((written) => loadPart.parse(written));
  test(`${name}: what it offers is finite and not negative`, () =>
    fc.assert(isAmount(parts, offer), { numRuns: 1000 }));
  test(`${name}: the same question has the same answer`, () =>
    fc.assert(isRepeatable(parts, offer), { numRuns: 1000 }));
  if (name !== 'poisson')
    test(`${name}: adjacent intervals sum to their union`, () =>
      fc.assert(isAdditive(parts, offer), { numRuns: 1000 }));
}

function parse(written: object): LoadPart {
  return loadPart.parse(written);
}

function about(actual: number, expected: number, tolerance = 1e-6): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `expected ${expected} within ${tolerance}, got ${actual}`);
}

test('constant: a rate for an hour', () => {
  about(offer(parse({ model: 'constant', rate: 2.5 }), START_MS, START_MS + HOUR, loadContext()), 9000);
});

test('diurnal: a weekday averages base and peak, the peak hour is the peak, the weekend is scaled', () => {
  const part = parse({ model: 'diurnal', base: 10, peak: 30, weekend: 0.5 });
  const day = (index: number): number =>
    offer(part, START_MS + index * DAY, START_MS + (index + 1) * DAY, loadContext());
  const weekday = (20 * DAY) / SECOND;
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7].map((index) => Math.round(day(index))),
    [...Array.from({ length: 5 }, () => weekday), weekday / 2, weekday / 2, weekday],
  );
  about(offer(part, START_MS + 14 * HOUR - SECOND, START_MS + 14 * HOUR + SECOND, loadContext()), 60, 1e-4);
  about(offer(part, START_MS + 2 * HOUR - SECOND, START_MS + 2 * HOUR + SECOND, loadContext()), 20, 1e-4);
});

test('burst: the area of the trapezoid, once or every week', () => {
  const written = { model: 'burst', at: '2030-01-07', rise: '2m', hold: '10m', fall: '4m', peak: 100 };
  const area = (100 * (1 + 10 + 2) * MINUTE) / SECOND;
  const ask = (part: LoadPart, days: number): number =>
    offer(part, START_MS - DAY, START_MS + days * DAY, loadContext());
  about(ask(parse(written), 30), area);
  about(ask(parse({ ...written, every: '1w' }), 20), 3 * area);
  about(offer(parse(written), START_MS + MINUTE, START_MS + 2 * MINUTE, loadContext()), 0.75 * 100 * 60);
  assert.throws(() => parse({ ...written, every: '15m' }), /rise \+ hold \+ fall/);
});

test('trace: the total, the part of a period, the gap, and the turn', () => {
  const total = series.requests.reduce((sum, requests) => sum + requests, 0);
  const once = parse({ model: 'trace', file: 'day.csv', scale: 2 });
  about(offer(once, START_MS - DAY, START_MS + DAY, loadContext()), 2 * total);
  about(offer(once, START_MS + 2.5 * HOUR, START_MS + 3.5 * HOUR, loadContext()), 7200);
  about(offer(once, START_MS + 3 * HOUR, START_MS + 4 * HOUR, loadContext()), 0);
  const again = parse({ model: 'trace', file: 'day.csv', repeat: true });
  about(offer(again, START_MS, START_MS + DAY, loadContext()), 4 * total);
  const ownTime = parse({ model: 'trace', file: 'day.csv', align: 'time' });
  about(offer(ownTime, START_MS, START_MS + DAY, loadContext()), 0);
  about(offer(ownTime, START_MS - 7 * DAY, START_MS, loadContext()), total);
});

for (const mean of [0.2, 3, 9.9, 10, 40, 1000, 1e6])
  test(`poisson: mean and variance are ${mean}, as far as 20,000 draws tell`, () => {
    const part = parse({ model: 'poisson', mean });
    const rng = keyedRng(3);
    let sum = 0;
    let squares = 0;
    for (let key = 0; key < 20_000; key++) {
      const count = offer(part, START_MS, START_MS + SECOND, { ...loadContext(), draws: rng.at('poisson', key) });
      assert.ok(Number.isInteger(count));
      sum += count - mean;
      squares += (count - mean) ** 2;
    }
    about(sum / 20_000, 0, 4 * Math.sqrt(mean / 20_000));
    about(squares / 20_000 / mean, 1, 4 * Math.sqrt((2 + 1 / mean) / 20_000));
  });

for (const mean of [5, 30])
  test(`poisson: chances of each count follow the formula at mean ${mean} (chi-square, 100,000 draws)`, () => {
    const part = parse({ model: 'poisson', mean });
    const rng = keyedRng(4);
    const counts = new Float64Array(200);
    for (let key = 0; key < 100_000; key++)
      counts[offer(part, START_MS, START_MS + SECOND, { ...loadContext(), draws: rng.at('poisson', key) })]! += 1;
    let chance = Math.exp(-mean);
    let chiSquare = 0;
    let cells = 0;
    for (let count = 0; count < 200; chance *= mean / ++count) {
      const expected = 100_000 * chance;
      if (expected < 20) continue;
      chiSquare += (counts[count]! - expected) ** 2 / expected;
      cells++;
    }
    assert.ok(chiSquare < cells + 4 * Math.sqrt(2 * cells), `chi-square ${chiSquare} over ${cells} cells`);
  });

test('the parts add up', () => {
  const parts = [parse({ model: 'constant', rate: 1 }), parse({ model: 'constant', rate: 2 })];
  about(requestsOffered(parts, START_MS, START_MS + MINUTE, loadContext()), 180);
});
