/** What every serving keeps, whatever happens to its targets; and two laws that differ for requests and for messages. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { keyedRng } from '../../core/kernel/rng.ts';
import {
  requestProfile,
  type Carried,
  type Served,
  type Serving,
  type ServingStep,
} from '../../core/workload/index.ts';

/** One step of a story; the rest of `ServingStep` follows from it. */
interface Turn {
  readonly lengthMs: number;
  readonly offered: number;
  readonly targets: readonly string[];
  readonly weights: readonly number[] | undefined;
  readonly drainingTargets: readonly string[];
}

interface Story {
  readonly profile: ServingStep['profile'];
  readonly cpuUnits: number;
  readonly routing: ServingStep['routing'];
  readonly turns: readonly Turn[];
}

/** A turn puts each of six tasks among the targets, the draining ones, or nowhere. */
const turn: fc.Arbitrary<Turn> = fc
  .record({
    lengthMs: fc.constantFrom(1, 100, 1000, 60_000),
    offered: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 600 })),
    places: fc.array(fc.constantFrom('target', 'target', 'target', 'draining', 'gone'), { minLength: 6, maxLength: 6 }),
    outage: fc.integer({ min: 0, max: 7 }),
    slow: fc.constantFrom(1, 1, 0.001, 0.4),
  })
  .map(({ lengthMs, offered, places, outage, slow }) => {
    const among = (place: string): string[] =>
      places.flatMap((other, index) => (other === place && outage > 0 ? [`task-${index}`] : []));
    const targets = among('target');
    const weights = slow === 1 ? undefined : targets.map((_, index) => (index === 0 ? 1 : slow));
    return { lengthMs, offered, targets, weights, drainingTargets: among('draining') };
  });

export const stories: fc.Arbitrary<Story> = fc.record({
  profile: fc
    .record({
      cpuMs: fc.constantFrom(0.01, 1, 20, 200, 5000),
      cpuVariation: fc.constantFrom(0, 0.5, 1, 3),
      otherMs: fc.constantFrom(0, 0, 30, 2000, 20_000),
      timeoutMs: fc.constantFrom(1, 500, 10_000),
      perTaskConcurrency: fc.constantFrom(1, 2, 7, 64),
      maxQueuedPerTask: fc.constantFrom(0, 3, 200),
    })
    .map((written) => requestProfile.parse(written)),
  cpuUnits: fc.constantFrom(128, 256, 1024, 1536, 4096, 16_384),
  routing: fc.constantFrom('round_robin', 'random', 'least_outstanding_requests'),
  turns: fc.array(turn, { minLength: 1, maxLength: 12 }),
});

/** Plays a story; `pass` is what happens to the carried state between two steps. */
function play(
  serving: Serving,
  story: Story,
  pass: (carried: Carried) => Carried,
  see: (step: ServingStep, served: Served) => void,
): void {
  const rng = keyedRng(11);
  const { profile, cpuUnits, routing } = story;
  let carried = serving.empty;
  let fromMs = 1_900_000_000_000;
  story.turns.forEach(({ lengthMs, ...turn }, index) => {
    const step = {
      ...turn,
      fromMs,
      toMs: fromMs + lengthMs,
      cpuUnits,
      profile,
      routing,
      carried,
      draws: rng.at('turn', index),
    };
    const served = serving.serve(step);
    see(step, served);
    carried = pass(served.carried);
    fromMs += lengthMs;
  });
}

const same = (carried: Carried): Carried => carried;

export const losesNobody = (serving: Serving): fc.IProperty<unknown> =>
  fc.property(stories, (story) =>
    play(serving, story, same, (step, { served, timedOut, rejected, unserved, lost, queued, carried }) => {
      const counts = [served, timedOut, rejected, unserved, lost, queued];
      for (const count of counts) assert.ok(Number.isInteger(count) && count >= 0, `counts ${counts.join(' ')}`);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        step.carried.queued + step.offered,
      );
      assert.equal(carried.queued, queued);
    }),
  );

/** Behind a load balancer, what comes while there is no target fails at once. */
export const refusesWithoutTargets = (serving: Serving): fc.IProperty<unknown> =>
  fc.property(stories, (story) =>
    play(serving, story, same, (step, { unserved }) => {
      if (step.targets.length === 0) assert.equal(unserved, step.offered);
    }),
  );

/** A queue refuses nothing and loses nothing on the way: without a dead-letter queue, what came is done, too old, or there. */
export const queuesWithoutTargets = (serving: Serving): fc.IProperty<unknown> =>
  fc.property(stories, (story) =>
    play(serving, story, same, (_, { rejected, unserved, lost }) =>
      assert.deepEqual([rejected, unserved, lost], [0, 0, 0]),
    ),
  );

/** @param patient  nobody gives up: a latency may be longer than the timeout */
export const reportsSensibly = (serving: Serving, patient: boolean): fc.IProperty<unknown> =>
  fc.property(stories, (story) =>
    play(
      serving,
      story,
      same,
      ({ profile }, { served, busyPercent, meanMs, quantilesMs, histogram, nextMs, turnsAway }) => {
        assert.ok(nextMs >= 0 && turnsAway >= 0 && turnsAway <= 1, `next ${nextMs} ms, turned away ${turnsAway}`);
        assert.ok(busyPercent >= 0 && busyPercent <= 100, `busy ${busyPercent} %`);
        const mostMs = patient ? Number.MAX_VALUE : profile.timeoutMs;
        const ascending = [0, ...quantilesMs, mostMs];
        for (let index = 1; index < ascending.length; index++)
          assert.ok(ascending[index]! >= ascending[index - 1]!, `quantiles ${quantilesMs.join(' ')}`);
        assert.ok(meanMs >= 0 && meanMs <= mostMs, `mean ${meanMs}`);
        if (served === 0) assert.deepEqual([meanMs, ...quantilesMs], [0, 0, 0, 0, 0, 0]);
        if (histogram !== undefined)
          assert.equal(
            histogram.counts.reduce((sum, count) => sum + count, 0),
            served,
          );
      },
    ),
  );

/** What is carried is plain JSON, and a story that is written down between its steps goes on as if it had not been. */
export const survivesJson = (serving: Serving): fc.IProperty<unknown> =>
  fc.property(stories, (story) => {
    const live: Served[] = [];
    const restored: Served[] = [];
    play(serving, story, same, (_, served) => void live.push(served));
    play(
      serving,
      story,
      (carried) => JSON.parse(JSON.stringify(carried)) as Carried,
      (_, served) => void restored.push(served),
    );
    assert.deepEqual(restored, live);
    assert.deepEqual(JSON.parse(JSON.stringify(live)), live);
  });
