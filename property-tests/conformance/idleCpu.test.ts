/** W52: CPU units are a share, not a cap. What nobody uses goes to those who want more. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sharedCpuUnits, type CpuWish } from '../../core/index.ts';
import { scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { quietScenario } from '../arbitraries.ts';
import { heard, sail } from '../schedulerRoom.ts';

const busy = (cpuUnits: number): CpuWish => ({ cpuUnits, usedUnits: cpuUnits, isBusy: true, isLimited: false });
const using = (cpuUnits: number, usedUnits: number): CpuWish => ({
  cpuUnits,
  usedUnits,
  isBusy: false,
  isLimited: false,
});

for (const [what, cpuUnits, wishes, expected] of [
  ['W52: one core, 512 CPU alone: it may use 1024', 1024, [busy(512)], [1024]],
  ['W52: two such tasks, both busy: 512 each', 1024, [busy(512), busy(512)], [512, 512]],
  ['what one leaves, the other may use', 1024, [busy(512), using(512, 100)], [924, 512]],
  ['in proportion to the units', 4096, [busy(512), busy(1024)], [4096 / 3, (2 * 4096) / 3]],
  ['a task with a size of its own gets no more', 4096, [{ ...busy(512), isLimited: true }, busy(512)], [512, 3584]],
  ['nobody is busy: each could have what is idle', 2048, [using(512, 0), using(512, 0)], [1024, 1024]],
  ['one that has used idle CPU gives it back', 1024, [{ ...busy(512), usedUnits: 1024 }, busy(512)], [512, 512]],
  ['nobody is there', 1024, [], []],
] as const)
  test(what, () => assert.deepEqual(sharedCpuUnits(cpuUnits, wishes), expected));

test('nobody gets less than its own, the busy ones get no more than there is, and leave nothing idle', () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          cpuUnits: fc.integer({ min: 1, max: 4096 }),
          part: fc.double({ min: 0, max: 3, noNaN: true }),
          isBusy: fc.boolean(),
          isLimited: fc.boolean(),
        }),
        { maxLength: 8 },
      ),
      fc.integer({ min: 0, max: 4096 }),
      (drawn, spare) => {
        const wishes = drawn.map(({ part, ...wish }) => ({ ...wish, usedUnits: wish.cpuUnits * part }));
        const cpuUnits = wishes.reduce((sum, wish) => sum + wish.cpuUnits, spare);
        const shares = sharedCpuUnits(cpuUnits, wishes);
        let taken = 0;
        for (const [index, wish] of wishes.entries()) {
          const share = shares[index] as number;
          assert.equal(share >= wish.cpuUnits, true);
          if (wish.isLimited) assert.equal(share, wish.cpuUnits);
          taken += wish.isLimited
            ? Math.min(wish.usedUnits, wish.cpuUnits)
            : wish.isBusy
              ? share
              : Math.min(wish.usedUnits, share);
        }
        assert.equal(taken <= cpuUnits * (1 + 1e-9), true, `${taken} of ${cpuUnits}`);
        const wanting = wishes.some(({ isBusy, isLimited }) => isBusy && !isLimited);
        if (wanting) assert.equal(taken >= cpuUnits * (1 - 1e-9), true, `${taken} of ${cpuUnits}`);
      },
    ),
  ));

/** An m5.large, and services of one task of a vCPU each, with as many requests a second of 10 ms CPU. */
function onOneInstance(rates: readonly number[], idleCpu: 'reserved' | 'shared', size: { cpu?: number } = {}) {
  return sail(
    scenarioSchema.parse(
      quietScenario({
        duration: '30m',
        cluster: { clusterName: 'demo' },
        autoScalingGroups: [
          { AutoScalingGroupName: 'group', AvailabilityZones: ['a'], MinSize: 1, MaxSize: 1, instanceType: 'm5.large' },
        ],
        taskDefinitions: rates.map((_, index) => ({
          family: `web-${index}`,
          ...size,
          containerDefinitions: [{ name: 'app', image: 'web', cpu: 1024, memory: 256 }],
        })),
        services: rates.map((_, index) => ({
          serviceName: `web-${index}`,
          taskDefinition: `web-${index}`,
          desiredCount: 1,
          launchType: 'EC2' as const,
        })),
        load: rates.map((rate, index): NonNullable<ScenarioInput['load']>[number] => ({
          service: `web-${index}`,
          request: { cpuMs: 10 },
          arrivals: 'even',
          rate: [{ model: 'constant', rate }],
        })),
        assumptions: { tasks: { idleCpu } },
      }),
    ),
  );
}

test('W52, in a run: alone a task serves with the idle vCPU, beside a busy one with its own', () => {
  const servedPerSecond = (simulation: ReturnType<typeof onOneInstance>, row: number) => {
    const last = heard(simulation, 'LoadServed').at(-1)!.event;
    return ((last.served[row] as number) * 1_000) / (last.toMs - last.fromMs);
  };
  const near = (found: number, expected: number) =>
    assert.equal(Math.abs(found - expected) < 0.08 * expected, true, `${found}, expected about ${expected}`);
  near(servedPerSecond(onOneInstance([300], 'reserved'), 0), 100);
  const alone = onOneInstance([300], 'shared');
  near(servedPerSecond(alone, 0), 200);
  near(heard(alone, 'LoadServed').at(-1)!.event.cpuPercent[0] as number, 200);
  near(servedPerSecond(onOneInstance([300], 'shared', { cpu: 1024 }), 0), 100);
  const two = onOneInstance([300, 300], 'shared');
  near(servedPerSecond(two, 0), 100);
  near(servedPerSecond(two, 1), 100);
  const quiet = onOneInstance([300, 20], 'shared');
  near(servedPerSecond(quiet, 0), 180);
  near(servedPerSecond(quiet, 1), 20);
});
