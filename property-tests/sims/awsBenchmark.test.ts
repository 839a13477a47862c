/**
 * AWS's own benchmark: from a step in load to the scale-out, and to running tasks. The voyages that ship come within 10 % of it.
 *
 * @source AWS News Blog, 2026-06-18, high-resolution metrics of Amazon ECS; spec/autoscaling.md 9.1
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serviceNameOf, simulate, SECOND } from '../../core/index.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';

/** Mean seconds over all services and steps. */
function measured(voyage: string): { readonly trigger: number; readonly running: number; readonly steps: number } {
  const { scenario } = loadScenario(fileURLToPath(new URL(`../../sims/scenarios/${voyage}.yaml`, import.meta.url)));
  const burst = scenario.load[0]?.rate.find(({ model }) => model === 'burst') as { at: number; every: number };
  const stepBefore = (atMs: number) => burst.at + Math.floor((atMs - burst.at) / burst.every) * burst.every;
  const triggers = new Map<string, number>();
  const runnings = new Map<string, number>();
  const simulation = simulate(scenario, { keepSegments: 1 });
  simulation.events.on('ScalingActivityStarted', 'TaskRunning').subscribe(({ atMs, event }) => {
    if (atMs < burst.at) return;
    const name = event.type === 'TaskRunning' ? event.serviceName : serviceNameOf(event.resourceId);
    const key = `${name} ${stepBefore(atMs)}`;
    if (event.type === 'TaskRunning') {
      if (triggers.has(key) && !runnings.has(key)) runnings.set(key, atMs - stepBefore(atMs));
    } else if (event.toCapacity > event.fromCapacity && !triggers.has(key)) triggers.set(key, atMs - stepBefore(atMs));
  });
  simulation.runUntil(scenario.start + scenario.duration);
  const mean = (all: ReadonlyMap<string, number>) =>
    [...all.values()].reduce((sum, ms) => sum + ms, 0) / all.size / SECOND;
  assert.equal(runnings.size, triggers.size);
  return { trigger: mean(triggers), running: mean(runnings), steps: triggers.size };
}

for (const [voyage, published] of [
  ['aws-benchmark-60s', { trigger: 363, running: 386 }],
  ['aws-benchmark-20s', { trigger: 86, running: 109 }],
] as const)
  test(`${voyage}: trigger in ${published.trigger} s and running in ${published.running} s, within 10 %`, () => {
    const { trigger, running, steps } = measured(voyage);
    assert.equal(steps, 80);
    assert.ok(Math.abs(trigger - published.trigger) < 0.1 * published.trigger, `trigger in ${trigger} s`);
    assert.ok(Math.abs(running - published.running) < 0.1 * published.running, `running in ${running} s`);
  });
