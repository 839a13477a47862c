/** Branches: the same future when nothing is changed, the commands of a person when something is, and the same luck in both. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { alike, branching, sailTo, standing, type Branching } from '../core/branch.ts';
import { createInvariants } from '../core/invariants.ts';
import { replay, thaw, type Due } from '../core/kernel/index.ts';
import { scenarioSchema, type Scenario } from '../core/scenario.ts';
import { restore, simulate, startOf, type EcsSimulation } from '../core/simulate.ts';
import { createModel, type Command, type World } from '../core/world.ts';
import { edited, setting } from '../sims/input/edits.ts';
import { written } from '../sims/input/written.ts';
import { endOf, quietScenario, scenarios } from './arbitraries.ts';

const runs = { numRuns: 12 };

/** Any instant but the end; its first and last ms come up often, and the instants of what is planned. */
const moments = fc.oneof(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat({ max: 9 }));

function momentOf({ start, duration, changes, faults }: Scenario, moment: number): number {
  const planned = [...changes, ...faults].map(({ at }) => at).filter((at) => at < start + duration);
  if (Number.isInteger(moment) && planned.length > 0) return planned[moment % planned.length] as number;
  return start + Math.floor(Math.min(moment, 0.999) * duration);
}

describe('a branch that changes nothing', () => {
  test('is the original, byte by byte, also where a command is due and from a checkpoint on', () =>
    fc.assert(
      fc.property(scenarios, moments, (scenario, moment) => {
        const atMs = momentOf(scenario, moment);
        const whole = simulate(scenario);
        whole.runUntil(endOf(scenario));
        const original = simulate(scenario);
        original.runUntil(atMs);
        const checkpoint = original.checkpoint();
        const now = standing(scenario, original.world, atMs);
        // As it is when it was written down and read again.
        const read = scenarioSchema.parse(written(scenarioSchema, now));
        assert.equal(alike(read, now), true);
        const made = branching(now, read, atMs);
        assert.deepEqual([made.submitted, made.withheld], [[], []]);
        const branch = restore(scenario, checkpoint, made);
        sailTo(branch, endOf(scenario), [made]);
        assert.equal(branch.log.digest(), whole.log.digest());
        assert.deepEqual(branch.world, whole.world);
      }),
      runs,
    ));
});

test('what is written is read as it was, and writing leaves the scenario alone', () =>
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const before = structuredClone(scenario);
      const text = JSON.stringify(written(scenarioSchema, scenario));
      assert.deepEqual(scenarioSchema.parse(JSON.parse(text)), scenario);
      assert.deepEqual(scenario, before);
    }),
    { numRuns: 30 },
  ));

test('what is withheld does not happen, and nothing before it is other', () =>
  fc.assert(
    fc.property(scenarios, fc.nat(), (scenario, pick) => {
      const original = simulate(scenario);
      const decisions: { readonly seq: number; readonly digest: string; readonly due: Due<Command> }[] = [];
      while (original.nowMs < endOf(scenario) && original.next !== undefined) {
        const { atMs, command } = original.next;
        const seq = original.log.length;
        const digest = command.type === 'EvaluateScalingPolicy' ? original.log.digest() : '';
        original.step();
        if (original.log.length > seq && digest !== '') decisions.push({ seq, digest, due: { atMs, command } });
      }
      fc.pre(decisions.length > 0);
      const { seq, digest, due } = decisions[pick % decisions.length] as (typeof decisions)[number];
      const branch = simulate(scenario, { withheld: [due] });
      while (branch.log.length < seq) branch.step();
      assert.equal(branch.log.digest(), digest);
      branch.runUntil(endOf(scenario));
      assert.notDeepEqual(branch.log.at(seq), original.log.at(seq));
      // A run that goes on from a checkpoint withholds the same.
      const half = simulate(scenario, { withheld: [due] });
      half.runUntil(due.atMs);
      const resumed = restore(scenario, half.checkpoint(), { withheld: [due] });
      resumed.runUntil(endOf(scenario));
      assert.equal(resumed.log.digest(), branch.log.digest());
    }),
    { numRuns: 6 },
  ));

/** A web service on instances that scale, which sails for an hour; a deployment and a fault are still to come. */
const busy = scenarioSchema.parse({
  ...quietScenario({
    taskDefinitions: ['256', '512'].map((cpu) => ({
      family: 'web',
      networkMode: 'bridge',
      cpu,
      memory: '512',
      containerDefinitions: [{ name: 'app', image: 'web' }],
    })),
    cluster: { clusterName: 'demo', capacityProviders: ['own'] },
    autoScalingGroups: [
      {
        AutoScalingGroupName: 'web-asg',
        AvailabilityZones: ['us-east-1a'],
        MinSize: 1,
        MaxSize: 8,
        instanceType: 'm5.large',
        policies: [
          {
            PolicyName: 'own-cpu',
            PolicyType: 'TargetTrackingScaling',
            TargetTrackingConfiguration: {
              TargetValue: 50,
              PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
            },
          },
        ],
      },
    ],
    capacityProviders: [{ name: 'own', autoScalingGroupProvider: { autoScalingGroup: 'web-asg' } }],
    services: [
      {
        serviceName: 'web',
        taskDefinition: 'web:1',
        desiredCount: 3,
        capacityProviderStrategy: [{ capacityProvider: 'own', weight: 1 }],
      },
    ],
    scalableTargets: [
      {
        service: 'web',
        MinCapacity: 2,
        MaxCapacity: 9,
        policies: [
          {
            PolicyName: 'cpu',
            PolicyType: 'TargetTrackingScaling',
            TargetTrackingScalingPolicyConfiguration: {
              TargetValue: 60,
              PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
            },
          },
        ],
        scheduledActions: [
          {
            ScheduledActionName: 'noon',
            Schedule: 'cron(0 12 * * ? *)',
            ScalableTargetAction: { MinCapacity: 4 },
          },
        ],
      },
    ],
    load: [{ service: 'web', request: { cpuMs: 20 }, rate: [{ model: 'constant', rate: 20 }] }],
    changes: [
      { at: '2030-01-07T00:05:00Z', UpdateService: { service: 'web', desiredCount: 5 } },
      { at: '2030-01-07T00:30:00Z', UpdateService: { service: 'web', taskDefinition: 'web:2' } },
    ],
    faults: [
      { kind: 'SlowLaunches', at: '2030-01-07T00:02:00Z', for: '30m' },
      { kind: 'InstanceFailure', at: '2030-01-07T00:40:00Z' },
    ],
  }),
});
const HALF = busy.start + 1_200_000;

function sailed(untilMs: number, ...branchings: readonly Branching[]): EcsSimulation {
  const withheld = branchings.flatMap((made) => made.withheld);
  const simulation = simulate(busy, { withheld, check: createInvariants() });
  sailTo(simulation, untilMs, branchings);
  return simulation;
}

/** What the branch does at 00:20, and later; types of commands, and when they are due in minutes. */
function made(...sets: readonly string[]) {
  const simulation = simulate(busy);
  simulation.runUntil(HALF);
  const now = standing(busy, simulation.world, HALF);
  const { scenario } = edited(now, sets.map(setting));
  const branch = branching(now, scenario, HALF);
  const told = (due: Due<Command>) => `${(due.atMs - busy.start) / 60_000} ${due.command.type}`;
  return { ...branch, does: branch.submitted.map(told), leaves: branch.withheld.map(told) };
}

describe('settings become what a person would do, and the invariants hold', () => {
  const table: readonly (readonly [setting: string, does: readonly string[], leaves?: readonly string[]])[] = [
    ['services.web.desiredCount=6', ['20 UpdateService']],
    ['services.web.taskDefinition=web:2', ['20 UpdateService']],
    ['services.web.deploymentConfiguration.maximumPercent=150', ['20 UpdateService']],
    ['services.web.scalingPolicies.cpu.TargetValue=45', ['20 PutScalingPolicy']],
    ['scalableTargets.web.policies.cpu.TargetTrackingConfiguration.TargetValue=45', ['20 PutScalingPolicy']],
    ['scalableTargets.web.policies.cpu.ScaleInCooldown=60', ['20 PutScalingPolicy']],
    ['scalableTargets.web.policies.cpu=null', ['20 DeleteScalingPolicy']],
    ['scalableTargets.web.MaxCapacity=20', ['20 RegisterScalableTarget']],
    ['scalableTargets.web.SuspendedState.DynamicScalingInSuspended=true', ['20 RegisterScalableTarget']],
    ['scalableTargets.web.scheduledActions.noon.Timezone=Europe/Paris', ['20 PutScheduledAction']],
    ['services.web.scheduledActions.noon=null', ['20 DeleteScheduledAction']],
    ['autoScalingGroups.web-asg.MaxSize=20', ['20 UpdateAutoScalingGroup']],
    ['autoScalingGroups.web-asg.policies.own-cpu.TargetValue=30', ['20 PutGroupScalingPolicy']],
    ['capacityProviders.own.targetCapacity=80', ['20 UpdateCapacityProvider']],
    ['load.web.scale=2', ['20 AttachLoad']],
    ['load.web.rate.0.rate=50', ['20 AttachLoad']],
    ['changes.1.at=2030-01-07T00:45:00Z', ['45 UpdateService'], ['30 UpdateService']],
    ['changes.1=null', [], ['30 UpdateService']],
    ['faults.0.for=50m', ['52 EndFault'], ['32 EndFault']],
    ['faults.1=null', [], ['40 BeginFault']],
    ['assumptions.metricDelay.service=150s', ['20 ChangeAssumptions']],
  ];
  const digests = { half: sailed(HALF).log.digest(), end: sailed(endOf(busy)).log.digest() };
  for (const [text, does, leaves = []] of table)
    test(text, () => {
      const branch = made(text);
      assert.deepEqual([branch.does, branch.leaves], [does, leaves]);
      assert.equal(sailed(HALF, branch).log.digest(), digests.half, 'nothing is other before');
      const { log, world } = sailed(endOf(busy), branch);
      assert.notEqual(log.digest(), digests.end);
      const folded = thaw(startOf(busy).world) as World;
      replay(folded, createModel().evolve, log, 0, log.length);
      assert.deepEqual(folded, world, 'replay == live');
    });
});
