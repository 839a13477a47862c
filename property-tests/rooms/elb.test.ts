import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decideElb,
  drainingTargets,
  elbController,
  elbEvents,
  elbPhases,
  emptyElb,
  evolveElb,
  routableTargets,
  targetGroup,
  type ElbCommand,
  type ElbEvent,
  type ElbWorld,
} from '../../core/elb/index.ts';
import { Digest, HOUR, SECOND, Simulation } from '../../core/kernel/index.ts';

function start(config: object = {}) {
  const simulation = new Simulation<ElbWorld, ElbCommand, ElbEvent>(
    {
      events: elbEvents,
      decide: decideElb,
      evolve: evolveElb,
      phases: elbPhases,
      controllers: [elbController],
    },
    3,
    { atMs: 0, world: { elb: emptyElb(-1) }, pending: [], log: { seq: 0, digest: new Digest().state() } },
  );
  simulation.submit(0, { type: 'CreateTargetGroup', config: targetGroup.parse({ Name: 'web', ...config }) });
  simulation.runUntil(0);
  return simulation;
}

const group = (simulation: ReturnType<typeof start>) => simulation.world.elb.targetGroups.get('web')!;

const steps = fc.array(
  fc.record({
    waitMs: fc.integer({ min: 0, max: 40_000 }),
    what: fc.constantFrom('register', 'register', 'deregister', 'finish'),
    target: fc.nat({ max: 5 }),
    answersInMs: fc.constantFrom(0, 5_000, 100_000),
  }),
  { minLength: 1, maxLength: 40 },
);

test('a target is routable only after a passing check, or when none is healthy; never while it drains', () =>
  fc.assert(
    fc.property(steps, fc.constantFrom(5, 30), fc.constantFrom(0, 20, 300), (story, interval, delay) => {
      const simulation = start({ HealthCheckIntervalSeconds: interval, deregistrationDelaySeconds: delay });
      const answersFromMs = new Map<string, number>();
      for (const { waitMs, what, target, answersInMs } of story) {
        const targetId = `task-${target}`;
        const atMs = simulation.nowMs + waitMs;
        if (what === 'register') {
          simulation.runUntil(atMs);
          if (!group(simulation).targets.has(targetId)) answersFromMs.set(targetId, atMs + answersInMs);
          simulation.submit(atMs, {
            type: 'RegisterTarget',
            targetGroup: 'web',
            targetId,
            answersFromMs: atMs + answersInMs,
          });
        } else
          simulation.submit(atMs, {
            type: what === 'finish' ? 'RemoveTarget' : 'DeregisterTarget',
            targetGroup: 'web',
            targetId,
          });
        simulation.runUntil(atMs);
        const { targets, healthyCount } = group(simulation);
        const healthy = [...targets].filter(([, state]) => state === 'healthy').map(([id]) => id);
        const initial = [...targets].filter(([, state]) => state === 'initial').map(([id]) => id);
        assert.equal(healthyCount, healthy.length);
        assert.deepEqual(routableTargets(group(simulation)), healthy.length > 0 ? healthy : initial);
        for (const id of drainingTargets(group(simulation)))
          assert.equal(routableTargets(group(simulation)).includes(id), false);
      }
      simulation.runUntil(simulation.nowMs + HOUR);
      // Whatever was registered and stayed is healthy now, whatever was to leave is gone.
      for (const state of group(simulation).targets.values()) assert.equal(state, 'healthy');
      const since = new Map<string, number>();
      for (const { atMs, event } of simulation.log) {
        if (event.type === 'TargetRegistered') since.set(event.targetId, atMs);
        if (event.type === 'TargetDraining') assert.equal(event.untilMs, atMs + delay * SECOND);
        if (event.type !== 'TargetHealthy') continue;
        const waitedMs = atMs - (since.get(event.targetId) as number);
        assert.equal(waitedMs >= SECOND, true, 'the load balancer has to hear of a target first');
        assert.equal(waitedMs <= 5 * SECOND + interval * SECOND + 100_000 + interval * SECOND, true, `${waitedMs} ms`);
      }
    }),
    { numRuns: 300 },
  ));

test('one passing check is enough, and it comes within the registration and one interval once the application answers', () =>
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 300 }), fc.nat({ max: 200 }), (interval, startup) => {
      const simulation = start({ HealthCheckIntervalSeconds: interval });
      simulation.submit(0, {
        type: 'RegisterTarget',
        targetGroup: 'web',
        targetId: 'task-1',
        answersFromMs: startup * SECOND,
      });
      simulation.runUntil(2 * HOUR);
      const healthy = [...simulation.log].find(({ event }) => event.type === 'TargetHealthy')!;
      assert.equal(healthy.atMs >= startup * SECOND, true, 'not before the application answers');
      assert.equal(
        healthy.atMs <= Math.max(startup, 5 + interval) * SECOND + interval * SECOND,
        true,
        `at ${healthy.atMs}`,
      );
    }),
    { numRuns: 300 },
  ));

test('without a healthy target the load balancer fails open to all that are registered', () => {
  const simulation = start();
  for (const targetId of ['task-1', 'task-2'])
    simulation.submit(0, { type: 'RegisterTarget', targetGroup: 'web', targetId, answersFromMs: HOUR });
  simulation.runUntil(60 * SECOND);
  assert.deepEqual(routableTargets(group(simulation)), ['task-1', 'task-2']);
  assert.equal(group(simulation).healthyCount, 0);
});
