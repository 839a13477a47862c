/** Laws of a group that scales itself. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MINUTE } from '../../core/kernel/index.ts';
import { scenarios, endOf } from '../arbitraries.ts';
import { ec2Room, type GroupPolicyInput } from '../ec2Room.ts';
import { simulate } from '../../core/simulate.ts';

const quick = { launch: { medianSeconds: 1, p95Seconds: 1 }, boot: { medianSeconds: 1, p95Seconds: 1 } };
const WARMUP_S = 240;

const tracking = (target: number): GroupPolicyInput => ({
  PolicyName: 'cpu',
  PolicyType: 'TargetTrackingScaling',
  TargetTrackingConfiguration: {
    TargetValue: target,
    PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
  },
});
const alarm = (ComparisonOperator: 'GreaterThanThreshold' | 'LessThanThreshold', Threshold: number) => ({
  MetricName: 'CPUUtilization',
  Period: 60,
  EvaluationPeriods: 1,
  Threshold,
  ComparisonOperator,
});
const policies = fc.uniqueArray(
  fc.oneof(
    fc.integer({ min: 10, max: 90 }).map(tracking),
    fc
      .record({ out: fc.integer({ min: 40, max: 90 }), change: fc.integer({ min: -60, max: 60 }) })
      .map(({ out, change }): GroupPolicyInput => ({
        PolicyName: 'steps',
        PolicyType: 'StepScaling',
        alarm: change > 0 ? alarm('GreaterThanThreshold', out) : alarm('LessThanThreshold', out),
        AdjustmentType: 'PercentChangeInCapacity',
        StepAdjustments: [
          change > 0
            ? { MetricIntervalLowerBound: 0, ScalingAdjustment: change }
            : { MetricIntervalUpperBound: 0, ScalingAdjustment: change },
        ],
      })),
    fc
      .record({ above: fc.integer({ min: 40, max: 90 }), change: fc.integer({ min: -3, max: 3 }) })
      .map(({ above, change }): GroupPolicyInput => ({
        PolicyName: 'simple',
        PolicyType: 'SimpleScaling',
        alarm: alarm('GreaterThanThreshold', above),
        AdjustmentType: 'ChangeInCapacity',
        ScalingAdjustment: change,
      })),
  ),
  { minLength: 1, maxLength: 3, selector: ({ PolicyName }) => PolicyName },
);
const days = fc.array(fc.record({ minutes: fc.integer({ min: 1, max: 25 }), cpu: fc.nat({ max: 100 }) }), {
  minLength: 1,
  maxLength: 8,
});

test('whatever its CPU does, a group stays within its bounds, and takes nothing away while an instance warms up', () =>
  fc.assert(
    fc.property(policies, days, fc.nat({ max: 4 }), fc.nat({ max: 12 }), (drawn, stretches, MinSize, spare) => {
      const MaxSize = MinSize + spare;
      const room = ec2Room(
        { MinSize, MaxSize, Monitoring: { Enabled: true }, DefaultInstanceWarmup: WARMUP_S, DefaultCooldown: 120 },
        { timings: quick, policies: drawn },
      );
      for (const { minutes, cpu } of stretches) room.pass(minutes, cpu);
      const inService = room.happened('InstanceInService');
      for (const { atMs, event } of room.happened('GroupScaled')) {
        const { policyKey, from, to, warmingUp, wantedCapacity } = event;
        assert.equal(to >= MinSize && to <= MaxSize && to !== from, true, `${from} to ${to}`);
        assert.equal(to, Math.min(Math.max(wantedCapacity, MinSize), MaxSize));
        if (to > from || policyKey.endsWith('/simple')) continue;
        assert.equal(warmingUp, 0);
        const young = inService.filter((entry) => entry.atMs <= atMs && atMs < entry.atMs + WARMUP_S * 1_000);
        assert.deepEqual(young, []);
      }
      assert.equal(room.members().length, room.desired());
    }),
    { numRuns: 60 },
  ));

test('under constant work target tracking reaches a size at which the CPU is within its target, and stays there', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 90 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 30, max: 1_200 }),
      (target, size, work) => {
        const room = ec2Room(
          { MinSize: 1, MaxSize: 100, DesiredCapacity: size, Monitoring: { Enabled: true }, DefaultInstanceWarmup: 60 },
          { timings: quick, policies: [tracking(target)] },
        );
        const cpu = () => work / Math.max(1, room.members().filter(({ state }) => state === 'InService').length);
        // An instance is busy at most: what is beyond shows once there are more.
        for (let minute = 0; minute < 200; minute++) room.pass(1, Math.min(100, cpu()));
        const rests = room.desired();
        for (let minute = 0; minute < 60; minute++) room.pass(1, Math.min(100, cpu()));
        assert.equal(room.desired(), rests);
        assert.equal(cpu() <= target, true, `${cpu()} % of ${target} on ${rests}`);
        assert.equal(
          rests === 1 || (cpu() * rests!) / (rests! - 1) > 0.9 * target - 1e-9,
          true,
          `${rests} are too many`,
        );
      },
    ),
    { numRuns: 40 },
  ));

test('the CPU of instances is a share of their vCPUs, of instances that are there and count', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const simulation = simulate(scenario);
      simulation.events.on('InstancesMeasured').subscribe(({ atMs, event: { instanceIds, cpuPercents } }) => {
        assert.equal(atMs % MINUTE, 0);
        assert.equal(new Set(instanceIds).size, instanceIds.length);
        for (const [row, instanceId] of instanceIds.entries()) {
          const percent = cpuPercents[row] as number;
          assert.equal(percent >= 0 && percent <= 100, true, `${percent} %`);
          const state = simulation.world.ec2.instances.get(instanceId)?.state ?? 'gone';
          assert.equal(['InService', 'Terminating:Wait'].includes(state), true, `${instanceId} is ${state}`);
        }
      });
      simulation.runUntil(endOf(scenario));
    }),
    { numRuns: 25 },
  ));
