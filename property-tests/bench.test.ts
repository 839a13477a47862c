import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fallen, withMeasured } from '../bench/baseline.ts';
import { benches } from '../bench/benches.ts';
import { exponentOf, growth } from '../bench/growth.ts';
import { checkMeanWait, peers } from '../bench/peers.ts';
import { node, outcomeOf } from '../bench/peers/programs.ts';
import { seatrial } from '../bench/peers/seatrial.ts';
import { stationFor } from '../bench/peers/work.ts';
import { checked, measured, runsPerSecond, type Bench, type Case, type Contender } from '../bench/suite.ts';
import { checkFlat, year } from '../bench/year.ts';

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

async function hashesOf(bench: Bench): Promise<readonly string[]> {
  const hashes: string[] = [];
  for (const of of bench(true)) for (const { hash } of await checked(of)) hashes.push(hash);
  return hashes;
}

describe('the benchmarks', () => {
  for (const [name, bench] of Object.entries(benches))
    test(`${name}: the same work has the same hash, and does on a second run`, async () => {
      const hashes = await hashesOf(bench);
      assert.ok(hashes.length > 0);
      assert.deepEqual(await hashesOf(bench), hashes);
    });

  test('the names of all cases differ', () => {
    const names = Object.values(benches).flatMap((bench) => bench(true).map(({ name }) => name));
    assert.deepEqual([...new Set(names)], names);
  });
});

describe('the peers', () => {
  test('those that are not installed are told, and the others run', async () => {
    const { PATH } = process.env;
    process.env['PATH'] = '';
    try {
      const [hold] = peers(true) as [Case];
      const names = ['Calendar', 'simjs', 'rxjs VirtualTimeScheduler'];
      assert.deepEqual(
        hold.contenders.map(({ name }) => name).filter((name) => name !== 'simscript'),
        names,
      );
      for (const message of ['C++ std::priority_queue: there is no g++', 'SimPy: no python3 has simpy'])
        assert.ok(
          hold.missing?.some((told) => told.startsWith(message)),
          message,
        );
      assert.ok((await checked(hold)).length >= names.length);
    } finally {
      process.env['PATH'] = PATH;
    }
  });

  test('in a process of its own ours does the same as in this one', async () => {
    const { command } = node('seatrial') as { readonly command: readonly string[] };
    const { seconds, ...outcome } = outcomeOf(command, 'station', '-', 500);
    const { seconds: here, ...expected } = await seatrial.station(stationFor(500));
    assert.deepEqual(outcome, expected);
    assert.ok(seconds > 0 && here > 0);
  });

  test('a program that fails is noticed, and so is one that prints something else', () => {
    assert.throws(() => outcomeOf([process.execPath, '-e', 'process.exit(3)'], 'hold'), /-e .* hold failed: 3/);
    assert.throws(() => outcomeOf([process.execPath, '-p', '1'], 'hold'), /failed: 1/);
    assert.throws(() => outcomeOf(['no-such-program'], 'hold'), /failed: .*ENOENT/);
  });

  test('a mean wait away from theory is noticed', () => {
    checkMeanWait('ours', 4_039);
    assert.throws(
      () => checkMeanWait('ours', 3_900),
      /^Error: ours: a mean wait of 3900 ms is 2\.50 % from theory, 4000/,
    );
    assert.throws(() => checkMeanWait('ours', Number.NaN), /NaN/);
  });
});

describe('the baseline', () => {
  const measured = (theirs: number) => [
    {
      case: 'sums',
      results: [
        { contender: 'ours', oursIsFaster: 1 },
        { contender: 'theirs', oursIsFaster: theirs },
      ],
    },
  ];
  const machine = { node: 'v20', cpu: 'a', cores: 2 };
  const before = { machine, date: '2026-01-01', ratios: { sums: { theirs: 2, others: 5 }, products: { theirs: 1 } } };

  test('a ratio that fell is told, one that rose or wavered is not, nor one that is new', () => {
    assert.deepEqual(fallen(before, measured(1.1)), ['sums: 1.10 x theirs, where it was 2.00 x']);
    assert.deepEqual(fallen(before, measured(1.3)), []);
    assert.deepEqual(fallen(before, measured(9)), []);
    assert.deepEqual(fallen({ ratios: {} }, measured(0.1)), []);
  });

  test('what was not measured stays', () => {
    assert.deepEqual(withMeasured(before, measured(1.23456), { machine, date: '2026-01-02' }), {
      machine,
      date: '2026-01-02',
      ratios: { sums: { theirs: 1.23, others: 5 }, products: { theirs: 1 } },
    });
  });
});

describe('growth', () => {
  test('every dimension grows at its smallest', () => {
    const curves = [...growth(true)];
    assert.deepEqual(
      curves.map(({ dimension }) => dimension),
      ['time', 'services', 'instances', 'tasks', 'alarms'],
    );
    for (const { points } of curves) assert.ok((points[0]?.seconds ?? 0) > 0);
  });

  test('the exponent of a power is found, whatever stands before it', () => {
    const sizes = [1, 10, 100];
    for (const exponent of [0, 1, 1.5, 2])
      assert.ok(Math.abs(exponentOf(sizes.map((size) => [size, 7 * size ** exponent])) - exponent) < 1e-9);
  });
});

describe('the suite', () => {
  const amounts = { sums: 1 };

  test('wrong work is noticed, other work is not compared', async () => {
    const wrong: Case = { name: 'sums', amounts, contenders: [adding('one', 1), adding('two', 2)] };
    await assert.rejects(checked(wrong), { message: 'sums: one came to sum 1, but two to sum 2' });
    await checked({ ...wrong, contenders: [adding('one', 1), { ...adding('two', 2), otherWork: true }] });
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

  test('a slower contender is seen to be slower', async () => {
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
    const [ours, theirs] = await measured({ name: 'spin', amounts, contenders: [adding('fast', 1), spinning] }, 0);
    assert.equal(ours?.oursIsFaster, 1);
    assert.ok((theirs?.oursIsFaster ?? 0) > 10, `${theirs?.oursIsFaster} times`);
    assert.equal(theirs?.hash, 'sum 1');
  });
});

describe('a year', () => {
  test('each month is measured', () => {
    const months = [...year(true)];
    assert.deepEqual(
      months.map(({ days }) => days),
      [3 / 24, 6 / 24],
    );
    for (const { events, heapBytes, residentBytes } of months)
      assert.ok(events > 0 && heapBytes > 0 && residentBytes > heapBytes);
  });

  test('memory that grows is noticed, and that which comes and goes is not', () => {
    checkFlat([56, 57, 56, 70, 57]);
    assert.throws(() => checkFlat([56, 57, 56, 60, 64]), /64 bytes in the last month, 57 at the most in the first/);
  });
});
