import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { benches } from '../bench/benches.ts';
import { checked, measured, runsPerSecond, type Case, type Contender } from '../bench/suite.ts';

/** Adds up what it is given. */
function adding(name: string, value: number): Contender {
  return {
    name,
    start() {
      let sum = 0;
      return {
        run() {
          sum += value;
        },
        hash: () => `sum ${sum}`,
      };
    },
  };
}

describe('the benchmarks', () => {
  for (const [name, bench] of Object.entries(benches))
    test(`${name}: the same work has the same hash, and does on a second run`, () => {
      const hashes = bench(true).map((of) => checked(of).map(({ hash }) => hash));
      assert.ok(hashes.length > 0);
      assert.deepEqual(
        bench(true).map((of) => checked(of).map(({ hash }) => hash)),
        hashes,
      );
    });

  test('the names of all cases differ', () => {
    const names = Object.values(benches).flatMap((bench) => bench(true).map(({ name }) => name));
    assert.deepEqual([...new Set(names)], names);
  });
});

describe('the suite', () => {
  const amounts = { sums: 1 };

  test('wrong work is noticed, other work is not compared', () => {
    const wrong: Case = { name: 'sums', amounts, contenders: [adding('one', 1), adding('two', 2)] };
    assert.throws(() => checked(wrong), { message: 'sums: one came to sum 1, but two to sum 2' });
    checked({ ...wrong, contenders: [adding('one', 1), { ...adding('two', 2), otherWork: true }] });
  });

  test('a benchmark that throws fails, at its first call or later', () => {
    let calls = 0;
    const boom = (after: number) => () => {
      if (calls++ >= after) throw new TypeError('boom');
    };
    for (const after of [0, 100]) {
      calls = 0;
      assert.throws(() => runsPerSecond('bomb', boom(after)), { message: 'bomb: boom' });
    }
  });

  test('a slower contender is seen to be slower', () => {
    const slow = adding('slow', 1);
    const spinning: Contender = {
      name: 'spinning',
      start() {
        const work = slow.start();
        return {
          run() {
            for (let turn = 0; turn < 1e4; turn++) work.hash();
            work.run();
          },
          hash: work.hash,
        };
      },
    };
    const [ours, theirs] = measured({ name: 'spin', amounts, contenders: [adding('fast', 1), spinning] }, 0);
    assert.equal(ours?.oursIsFaster, 1);
    assert.ok((theirs?.oursIsFaster ?? 0) > 10, `${theirs?.oursIsFaster} times`);
    assert.equal(theirs?.hash, 'sum 1');
  });
});
