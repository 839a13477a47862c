import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { InputError } from '../../sims/input/inputError.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';
import { quietScenario } from '../arbitraries.ts';

function withPrices(prices: string, check: (scenarioFile: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'seatrial-prices-'));
  try {
    writeFileSync(join(folder, 'prices.yaml'), prices);
    writeFileSync(join(folder, 'scenario.json'), JSON.stringify(quietScenario({ prices: 'prices.yaml' })));
    check(join(folder, 'scenario.json'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a price list beside the scenario replaces what it names', () =>
  withPrices('applicationLoadBalancer: { hourUsd: 1 }\ninstances: { m5.large: 0.2 }\n', (file) => {
    const { prices } = loadScenario(file);
    assert.equal(prices.applicationLoadBalancer.hourUsd, 1);
    assert.equal(prices.applicationLoadBalancer.lcuHourUsd, 0.008);
    assert.equal(prices.instances['m5.large'], 0.2);
  }));

test('a mistake in a price list is told with its file and line', () =>
  withPrices('ebs:\n  gp3GbMonth: 1\n', (file) =>
    assert.throws(
      () => loadScenario(file),
      (error) =>
        error instanceof InputError && /prices\.yaml:2/.test(error.message) && /gp3GbMonth/.test(error.message),
    ),
  ));
