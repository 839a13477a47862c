/** `seatrial init`: whatever the answers, the scenario is one that parses, that the doctor passes, and that sails. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { HOUR, scenarioSchema, simulate } from '../../core/index.ts';
import { diagnose } from '../../sims/commands/doctor.ts';
import { init, newScenario, type InitOptions } from '../../sims/commands/init.ts';
import { trafficOf } from '../../sims/commands/traffic.ts';
import { readDocument } from '../../sims/input/document.ts';
import { InputError } from '../../sims/input/inputError.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'seatrial-init-'));
after(() => rmSync(folder, { recursive: true }));

const dated = join(folder, 'dated.csv');
const counted = join(folder, 'counted.csv');
writeFileSync(dated, 'timestamp,value\n2026-03-02 08:00:30,600\n2026-03-02 08:05:30,900\n2026-03-02 08:10:30,300\n');
writeFileSync(counted, 'minute,count\n0,100\n1,300\n2,200\n');

const sizes = fc.constantFrom(
  { cpu: 256, memory: 512 },
  { cpu: 512, memory: 1024 },
  { cpu: 1024, memory: 2048 },
  { cpu: 1024, memory: 4096 },
);
const answers: fc.Arbitrary<InitOptions> = fc
  .record({
    service: fc.constantFrom('web', 'shop-api', 'Shop_api', 'a', 'a-name-of-more-than-thirty-two-letters'),
    launchType: fc.constantFrom('FARGATE' as const, 'EC2' as const),
    instanceType: fc.constantFrom('m5.large', 'c5.xlarge', 't3.large'),
    size: sizes,
    bounds: fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 30 })),
    targetCpu: fc.integer({ min: 20, max: 90 }),
    rps: fc.constantFrom(0.5, 10, 100, 300),
    requestMs: fc.constantFrom(1, 20, 80),
    days: fc.integer({ min: 1, max: 14 }),
    trace: fc.constantFrom(undefined, undefined, dated, counted),
  })
  .map(({ size, bounds: [min, more], trace, ...rest }) => ({
    ...rest,
    ...size,
    min,
    max: min + more,
    ...(trace === undefined ? {} : { trace }),
  }));

test('every combination of answers is a scenario without a serious trap, which sails', () => {
  fc.assert(
    fc.property(answers, (options) => {
      const file = join(folder, 'drawn.yaml');
      const text = newScenario(file, options).content;
      writeFileSync(file, text);
      const loaded = loadScenario(file);
      const serious = diagnose(loaded, file, readDocument(file, scenarioSchema).locate).filter(
        ({ severity, lint }) => severity === 'serious' && lint !== 'no-room-to-scale',
      );
      assert.deepEqual(serious, []);
      const { scenario, traces } = loaded;
      const simulation = simulate(scenario, { traces });
      simulation.runUntil(scenario.start + Math.min(HOUR, scenario.duration));
      assert.ok((simulation.world.ecs.services.get(options.service as string)?.runningCount ?? 0) >= 1);
      for (const line of text.split('\n')) assert.ok(line.length <= 140, line);
    }),
    { numRuns: 20 },
  );
});

test('answers that do not fit are refused in a sentence, and nothing is written', async () => {
  const refused = [
    [{ min: 5, max: 2 }, /found a minimum of 5 tasks and a maximum of 2/],
    [{ cpu: 300 }, /found 300 CPU units and 2048 MiB, expected a size that Fargate has/],
    [{ launchType: 'EC2', instanceType: 'm5.lrge' }, /found instance type "m5.lrge"/],
    [{ launchType: 'EC2', cpu: 4096 }, /expected one that fits a m5.large/],
    [{ service: '7 up' }, /found the service name "7 up"/],
    [{ trace: join(folder, 'none.csv') }, /found no file of this name/],
  ] as const satisfies readonly (readonly [InitOptions, RegExp])[];
  const file = join(folder, 'refused.yaml');
  for (const [options, pattern] of refused)
    await assert.rejects(init(file, options), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, pattern);
      return true;
    });
  assert.equal(existsSync(file), false);
});

test('a trace that nobody would feel is told, with a factor at which a run scales, which is then written', () => {
  const file = join(folder, 'faint.yaml');
  const { scale } = newScenario(file, { trace: counted });
  assert.ok(scale !== undefined && scale > 1);
  const louder = newScenario(file, { trace: counted, scale });
  assert.equal(louder.scale, undefined, 'and at that factor nothing is told');
  writeFileSync(file, louder.content);
  const [part] = loadScenario(file).scenario.load[0]?.rate ?? [];
  assert.equal(part?.model === 'trace' && part.scale, scale);
});

test('a file that is there is left as it is', async () => {
  const file = join(folder, 'mine.yaml');
  writeFileSync(file, 'name: mine\n');
  await assert.rejects(init(file, { yes: true }), /nothing is overwritten/);
  assert.equal(readFileSync(file, 'utf8'), 'name: mine\n');
});

test('the load of a scenario is a trace, which offers the same again', () => {
  const csv = join(folder, 'traffic.csv');
  writeFileSync(csv, trafficOf('flash-crowd', {}));
  const { traces } = loadScenario('flash-crowd', { trace: csv });
  const [series] = traces.values();
  assert.equal(series?.requests.length, 3 * 24 * 60);
  const total = series.requests.reduce((sum, count) => sum + count, 0);
  assert.ok(Math.abs(total / 26_413_437 - 1) < 0.001, `${total} requests, and flash-crowd has 26,413,437`);
  assert.throws(() => trafficOf('flash-crowd', { service: 'api' }), /found "api", expected one of web/);
  assert.throws(() => trafficOf('port-eighty', {}), /expected a scenario with a load/);
});
