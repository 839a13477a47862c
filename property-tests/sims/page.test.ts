/** What a report page carries: it comes back as it was, and what it tells of an instant is what the engine's world was. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import packageJson from '../../package.json' with { type: 'json' };
import { createModel, MINUTE, startOf, thaw, type Event, type Recorded, type World } from '../../core/index.ts';
import { renderSummary } from '../../sims/report/terminal.ts';
import type { RunSummary } from '../../sims/report/summary.ts';
import { printable } from '../../sims/report/format.ts';
import { ColumnPacker, unpackColumns } from '../../sims/report/page/columns.ts';
import { pointLength } from '../../sims/report/page/course.ts';
import { instanceStates, taskStates } from '../../sims/report/page/data.ts';
import { reportPage } from '../../sims/report/page/html.ts';
import { recordRun, type StoredRun } from '../../sims/report/page/recording.ts';
import { highestOf, tableOf, type Panel } from '../../sims/report/viewer/panels.ts';
import { decodePage, Run } from '../../sims/report/viewer/run.ts';
import { countTasks, isAlarmThere, presentAt, slotsOf } from '../../sims/report/viewer/world.ts';
import { scenarios } from '../arbitraries.ts';
import { crowd, sailed } from './pages.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The run as the page reads it. */
function read(stored: StoredRun): Run {
  const { run, packed } = recordRun('runs/a', stored);
  return new Run(run, unpackColumns(packed), 0);
}

/** Worlds at instants, each after everything that happened at it. */
function* worldsAt(stored: StoredRun, instants: readonly number[]): Iterable<readonly [atMs: number, World]> {
  const { scenario } = stored.loaded();
  const world = thaw(startOf(scenario).world) as World;
  const evolve = createModel().evolve as Record<string, (world: World, event: Event, atMs: number) => void>;
  const events = [...stored.events()];
  let next = 0;
  for (const atMs of instants) {
    for (; next < events.length && (events[next] as Recorded<Event>).atMs <= scenario.start + atMs; next++) {
      const { event, atMs: when } = events[next] as Recorded<Event>;
      evolve[event.type]?.(world, event, when);
    }
    yield [atMs, world];
  }
}

describe('columns', () => {
  const numbers = fc.oneof(
    fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
    fc.integer({ min: -300, max: 300 }),
    fc.constant(Number.NaN),
  );

  test('come back as they were, with what is missing', () =>
    fc.assert(
      fc.property(fc.array(fc.array(numbers)), (lists) => {
        const packer = new ColumnPacker();
        for (const [index, list] of lists.entries()) packer.add(`c${index}`, list);
        const columns = unpackColumns(packer.finish());
        for (const [index, list] of lists.entries())
          assert.deepEqual(
            [...(columns.get(`c${index}`) ?? [])],
            list.map((value) => value + 0),
          );
      }),
    ));

  test('keep as many decimals as they are asked to', () =>
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true })),
        fc.integer({ min: 0, max: 3 }),
        (list, decimals) => {
          const packer = new ColumnPacker();
          packer.add('c', list, decimals);
          const found = unpackColumns(packer.finish()).get('c') as Float64Array;
          for (const [index, value] of list.entries())
            assert.ok(Math.abs((found[index] as number) - value) <= 0.5 * 10 ** -decimals + 1e-9);
        },
      ),
    ));

  test('that end too early are refused', () => {
    const packer = new ColumnPacker();
    packer.add('c', [1, 2, 300]);
    const { headers, bytes } = packer.finish();
    assert.throws(() => unpackColumns({ headers, bytes: bytes.subarray(0, -1) }), RangeError);
  });
});

describe('plots', () => {
  test('however much is drawn together, the highest and the lowest of a stretch are drawn', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, buckets, one, other) => {
          const values = Float64Array.from(list);
          const panel: Panel = {
            id: 'p',
            title: '',
            series: [{ label: '', values, colour: '' }],
            pointMs: MINUTE,
            format: String,
            limits: [],
            atLeast: 0,
          };
          const [fromMs, toMs] = [Math.min(one, other), Math.max(one, other)].map(
            (share) => share * list.length * MINUTE,
          );
          const [xs, ys = []] = tableOf(panel, fromMs as number, toMs as number, buckets);
          assert.equal(xs.length, ys.length);
          for (const [index, x] of xs.entries()) assert.ok(index === 0 || x > (xs[index - 1] as number));
          assert.ok(xs.length <= 4 * buckets + 6, `${xs.length} of ${buckets}`);
          const inside = list.slice(Math.floor((fromMs as number) / MINUTE), Math.ceil((toMs as number) / MINUTE));
          const drawn = ys.map(Number);
          assert.ok(inside.every((value) => value <= Math.max(...drawn) && value >= Math.min(...drawn)));
          assert.ok(highestOf(panel, fromMs as number, toMs as number) >= Math.max(0, ...inside));
        },
      ),
    ));

  test('a point is a whole number of steps, and a month has one for each minute', () => {
    const DAYS = 86_400_000;
    assert.equal(pointLength(30 * DAYS, 10_000, 1), MINUTE);
    assert.equal(pointLength(31 * DAYS, MINUTE, 1), MINUTE);
    assert.equal(pointLength(3_600_000, 10_000, 1), 10_000);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 800 * DAYS }),
        fc.constantFrom(1_000, 3_000, 7_500, 10_000, 60_000),
        fc.integer({ min: 1, max: 900 }),
        (durationMs, stepMs, services) => {
          const pointMs = pointLength(durationMs, stepMs, services);
          assert.equal(pointMs % stepMs, 0);
          assert.ok((services * durationMs) / pointMs <= 410_000);
        },
      ),
    );
  });
});

test('no two things that are there at once share a slot of a zone, and slots are as few as can be', () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 30 }), fc.nat(2))), (drawn) => {
      const lives = drawn.toSorted(([a], [b]) => a - b);
      const fromMs = Float64Array.from(lives, ([from]) => from);
      const toMs = Float64Array.from(lives, ([from, length]) => from + length);
      const { slots, byZone } = slotsOf(
        { count: lives.length, fromMs, toMs },
        (index) => (lives[index] as number[])[2] as number,
        3,
      );
      for (let at = 0; at < 80; at++) {
        const there = lives.flatMap(([from, length, zone], index) =>
          from <= at && at < from + length ? [`${zone} ${slots[index]}`] : [],
        );
        assert.equal(new Set(there).size, there.length);
      }
      const most = [0, 1, 2].map((zone) =>
        Math.max(
          0,
          ...Array.from(
            { length: 80 },
            (_, at) => lives.filter(([from, length, of]) => of === zone && from <= at && at < from + length).length,
          ),
        ),
      );
      assert.deepEqual(byZone, most);
    }),
  ));

describe('a page', () => {
  test('tells of every instant what the world of the engine was', async () => {
    await fc.assert(
      fc.asyncProperty(
        scenarios,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }),
        async (scenario, shares) => {
          const stored = await sailed(scenario);
          const run = read(stored);
          const instants = shares.toSorted((a, b) => a - b).map((share) => Math.floor(share * scenario.duration));
          for (const [atMs, world] of worldsAt(stored, instants)) {
            const tasks = presentAt(run.tasks, atMs);
            const alive = [...world.ecs.tasks.values()];
            assert.deepEqual(
              new Set(tasks.map(({ index }) => run.page.taskNames[index])),
              new Set(alive.map(({ taskId }) => taskId)),
            );
            const counts = countTasks(run, tasks);
            for (const [index, { name }] of run.page.services.entries()) {
              const service = world.ecs.services.get(name);
              if (service !== undefined)
                assert.equal(counts[index]?.running, service.runningCount, `${name} at ${atMs}`);
            }
            const instances = presentAt(run.instances, atMs).map(({ index }) => run.page.instanceNames[index]);
            assert.deepEqual(new Set(instances), new Set(world.ec2.instances.keys()));
            const { alarms, compositeAlarms } = world.cloudwatch;
            const there = run.page.alarms.filter((_, index) => isAlarmThere(run, index, atMs));
            assert.equal(there.length, alarms.size + compositeAlarms.size);
            const draining = presentAt(run.instances, atMs).filter(({ state }) => instanceStates[state] === 'DRAINING');
            for (const { index } of draining)
              assert.equal(
                world.ecs.containerInstances.get(run.page.instanceNames[index] as string)?.status,
                'DRAINING',
              );
          }
        },
      ),
      { numRuns: 5 },
    );
  });

  test('leads each event back along the causes of the log', async () => {
    const stored = await sailed(crowd);
    const run = read(stored);
    const causes = new Map(Array.from(stored.events(), ({ seq, causedBy }) => [seq, causedBy]));
    assert.ok(run.events.count > 300);
    let reachesTraffic = 0;
    for (let index = 0; index < run.events.count; index++) {
      const cause = run.causeOf(index);
      if (cause === undefined) continue;
      let seq = run.events.seq[index];
      while (seq !== run.events.seq[cause] && seq !== undefined && seq !== -1) seq = causes.get(seq);
      assert.equal(seq, run.events.seq[cause], run.textOf(index));
      if (run.typeOf(cause) === 'LoadServed') reachesTraffic++;
    }
    assert.ok(reachesTraffic > 5);
    const scaled = run.decisions.filter((index) => run.typeOf(index) === 'ScalingActivityStarted');
    assert.ok(scaled.length > 2);
    for (const decision of scaled) assert.match(run.typeOf(run.causeOf(decision) as number), /^Alarm/);
  });

  test('of a run with too many events gives up the details of tasks first, and still leads to causes', async () => {
    const stored = await sailed(crowd);
    const once = [...stored.events()];
    const { scenario } = stored.loaded();
    const times = 60;
    const long: StoredRun = {
      ...stored,
      *events() {
        for (let time = 0; time < times; time++)
          for (const { seq, atMs, causedBy, event } of once) {
            const [before, laterMs] = [time * once.length, time * scenario.duration];
            yield {
              seq: before + seq,
              atMs: atMs + laterMs,
              causedBy: causedBy === -1 ? -1 : before + causedBy,
              event,
            };
          }
      },
    };
    const [whole, run] = [read(stored), read(long)];
    assert.ok(whole.events.count * times > 70_000);
    assert.ok(run.events.count < 70_000, `${run.events.count}`);
    assert.equal(run.decisions.length, whole.decisions.length * times);
    assert.match(run.page.leftOut.join(' '), /only in the log: [\d,]+ steps of tasks on their way in and out/);
    for (const decision of run.decisions)
      if (run.events.back[decision] !== 0) assert.notEqual(run.causeOf(decision), undefined);
    assert.ok(run.page.eventTypes.includes('TaskStopped') && !run.page.eventTypes.includes('TaskActivating'));
  });

  test('comes back out of its HTML, and its names are no markup', async () => {
    const stored = await sailed(crowd);
    const named = {
      ...stored,
      summary: () => ({ ...(stored.summary() as RunSummary), scenario: '</script><b>"\u001B[31m' }),
    };
    const page = reportPage([recordRun('runs/a', named), recordRun('runs/b', stored)]);
    assert.equal(page.match(/<script/g)?.length, 2);
    assert.ok(!page.includes('<b>') && !page.includes('\u001B'));
    const data = /<script type="application\/octet-stream" id="data">([^<]*)<\/script>/.exec(page)?.[1] ?? '';
    const {
      runs: [first, second],
    } = await decodePage(data);
    assert.equal(first?.page.summary.scenario, '</script><b>"\\u001b[31m');
    const expected = read(stored);
    assert.deepEqual(second?.page.eventTexts, expected.page.eventTexts);
    assert.deepEqual(second?.page.services, expected.page.services);
    assert.deepEqual(second?.events, expected.events);
  });

  test('of a run has its tasks by state', async () => {
    const run = read(await sailed(crowd));
    const states = new Set(presentAt(run.tasks, MINUTE).map(({ state }) => taskStates[state]));
    assert.deepEqual([...states], ['RUNNING']);
    assert.equal(run.page.services[0]?.limits.find(({ isTarget }) => isTarget)?.value, 60);
  });
});

test('the viewer is built from its sources, and small', () => {
  const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
  const [command = '', ...words] = packageJson.scripts.viewer.split(' ');
  const options = words.map((word) => word.replace(/^--outdir=.*/, `--outdir=${folder}`));
  execFileSync(join(root, 'node_modules/.bin', command), [...options, '--log-level=error'], { cwd: root });
  for (const name of ['viewer.js', 'viewer.css']) {
    const built = join(root, 'sims/report/viewer/built', name);
    assert.equal(readFileSync(built, 'utf8'), readFileSync(join(folder, name), 'utf8'), 'npm run viewer builds it');
  }
  assert.ok(statSync(join(folder, 'viewer.js')).size < 170_000);
  rmSync(folder, { recursive: true });
});

test('a summary on a terminal has no control characters, whatever names are', async () => {
  const summary = (await sailed(crowd)).summary() as RunSummary;
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (name) => {
      const named = JSON.parse(
        JSON.stringify(summary).replaceAll('web', JSON.stringify(name).slice(1, -1)),
      ) as RunSummary;
      const text = renderSummary({ ...named, scenario: name, notes: [name] }, new Map(), { width: 100, color: false });
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }),
    { numRuns: 50 },
  );
});

test('what a terminal would obey is shown instead', () => {
  assert.equal(printable('a\u001B[31mred\u0007\u202Etxt\tb\n'), 'a\\u001b[31mred\\u0007\\u202etxt\tb\n');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(printable(text), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
      assert.equal(printable(printable(text)), printable(text));
    }),
  );
});
