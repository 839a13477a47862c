/** `seatrial compare`: its references, its statistics, its condition, and that nothing depends on how many workers there are. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import peggy from 'peggy';
import { HOUR, MINUTE, priceList, scenarioProblems, simulate, type Scenario } from '../../core/index.ts';
import { report } from '../../sims/commands/report.ts';
import { scoresPage } from '../../sims/commands/schema.ts';
import { readComparison } from '../../sims/compare/comparisonFile.ts';
import { comparisonReport, type ComparisonReport } from '../../sims/compare/comparisonReport.ts';
import { partingMinute } from '../../sims/compare/course.ts';
import { evaluate, parseCondition, refuseUnknown, type MeanOf } from '../../sims/compare/failIf.ts';
import type { Contestant, Parting, RunResult, WorkerData } from '../../sims/compare/jobs.ts';
import { loadAhead } from '../../sims/compare/loadAhead.ts';
import { JobPool } from '../../sims/compare/pool.ts';
import { REFERENCES, referenceOf } from '../../sims/compare/references.ts';
import { runJob } from '../../sims/compare/runJob.ts';
import { meanOf, pairedDifference } from '../../sims/compare/statistics.ts';
import { InputError } from '../../sims/input/inputError.ts';
import { loadScenario, type LoadedScenario } from '../../sims/input/scenarioFile.ts';
import { decodePage } from '../../sims/report/viewer/run.ts';
import { RunDirectory, RunReader } from '../../sims/store/runDirectory.ts';
import { sail } from '../../sims/voyage.ts';
import { endOf, scenarios } from '../arbitraries.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
after(() => rmSync(folder, { recursive: true }));

/** steps-on-fargate, its first step only, with a CPU target of one's own. */
function target(percent: number): string {
  const file = join(folder, `target-${percent}.yaml`);
  const shipped = readFileSync(join(root, 'sims/scenarios/steps-on-fargate.yaml'), 'utf8');
  const changed = shipped
    .replace('TargetValue: 50', `TargetValue: ${percent}`)
    .replace('duration: 1d', 'duration: 3h')
    .replace('2030-01-07T06:00:00Z', '2030-01-07T00:30:00Z');
  assert.notEqual(changed, shipped);
  writeFileSync(file, changed);
  return file;
}

const of = (scenario: Scenario): LoadedScenario => ({
  scenario,
  traces: new Map(),
  jobs: new Map(),
  traceFiles: [],
  prices: priceList.parse({}),
  notes: [],
});

describe('the references', () => {
  test('are valid scenarios whatever the scenario; nothing scales in them but as the oracle foresaw', () =>
    fc.assert(
      fc.property(scenarios, (scenario) => {
        for (const reference of REFERENCES) {
          const { scenario: made } = referenceOf(of(scenario), reference);
          assert.deepEqual(scenarioProblems(made), []);
          const loads = scenario.load.map(({ service }) => service);
          for (const { UpdateService: update } of reference === 'best fixed size' ? made.changes : [])
            if (update !== undefined && loads.includes(update.service)) assert.equal(update.desiredCount, undefined);
          const simulation = simulate(made);
          simulation.runUntil(Math.min(endOf(made), made.start + HOUR));
          for (const { event } of simulation.log) assert.notEqual(event.type, 'ScalingActivityStarted');
        }
      }),
      { numRuns: 6 },
    ));

  test('the load ahead is the load that comes', () =>
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const ahead = loadAhead(scenario, new Map());
        const simulation = simulate(scenario);
        simulation.runUntil(endOf(scenario));
        const peaks = new Map<string, number[]>();
        for (const { event } of simulation.log) {
          if (event.type !== 'LoadSampled') continue;
          const minute = Math.floor((event.fromMs - scenario.start) / MINUTE);
          for (const [row, service] of event.services.entries()) {
            const list = peaks.get(service) ?? [];
            const rateRps = ((event.offered[row] as number) * 1000) / (event.toMs - event.fromMs);
            list[minute] = Math.max(list[minute] ?? 0, rateRps);
            peaks.set(service, list);
          }
        }
        for (const [service, { peakRps }] of ahead) assert.deepEqual(peakRps, peaks.get(service) ?? []);
      }),
      { numRuns: 5 },
    ));

  test('on a step, doing nothing misses the objective, the oracle never, and the policy lies between', async () => {
    const loaded = loadScenario(target(50));
    const lost = async (one: LoadedScenario) =>
      (await sail(one, { engineVersion: 'test' })).summary.scores.run.sloMinutesLost as number;
    const [own, nothing, oracle] = await Promise.all([
      lost(loaded),
      lost(referenceOf(loaded, 'do nothing')),
      lost(referenceOf(loaded, 'oracle')),
    ]);
    assert.equal(oracle, 0);
    assert.ok(own > 0 && own < nothing, `${own} of ${nothing}`);
  });
});

describe('statistics', () => {
  test('the interval of a paired t', () => {
    // Differences 1, 2, 3, 4, 5: mean 3, deviation 1.5811, t of 4 degrees of freedom 2.7764.
    const { mean, halfWidth, pairs } = pairedDifference([0, 0, 0, 0, 0], [1, 2, 3, 4, 5]) ?? {};
    assert.deepEqual([mean, pairs], [3, 5]);
    assert.ok(Math.abs((halfWidth ?? 0) - (2.776445 * 1.5811388) / Math.sqrt(5)) < 1e-5);
  });

  test('what both share falls out of the difference, and not out of the independent one', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.double({ min: -100, max: 100, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })),
          {
            minLength: 3,
            maxLength: 20,
          },
        ),
        (luck) => {
          const first = luck.map(([shared]) => shared);
          const found = pairedDifference(
            first,
            luck.map(([shared, own]) => shared + 5 + own),
          );
          const plain = pairedDifference(
            luck.map(() => 0),
            luck.map(([, own]) => 5 + own),
          );
          assert.ok(Math.abs((found?.mean ?? 0) - (plain?.mean ?? 1)) < 1e-9);
          assert.ok(Math.abs((found?.halfWidth ?? 0) - (plain?.halfWidth ?? 1)) < 1e-6);
        },
      ),
      { numRuns: 100 },
    ));

  test('a run without the score has no pair; one pair has no interval', () => {
    assert.equal(pairedDifference([undefined, 1], [2, undefined]), undefined);
    assert.deepEqual(pairedDifference([undefined, 1], [2, 4]), { mean: 3, pairs: 1 });
  });
});

describe('--fail-if', () => {
  const means =
    (scores: Readonly<Record<string, number>>): MeanOf =>
    (score, service) =>
      scores[service === undefined ? score : `${service}.${score}`];
  const first = means({ costUsd: 10, p99Ms: 300, 'web.p99Ms': 200, sloMinutesLost: 0 });
  const candidate = means({ costUsd: 10.6, p99Ms: 350, 'web.p99Ms': 350, sloMinutesLost: 2 });
  const holds = (text: string) => evaluate(parseCondition(text, ['web'], false), first, candidate).holds;

  test('values, differences and their combinations', () => {
    for (const [text, expected] of [
      ['costUsd > 10.5', true],
      ['costUsd > +5%', true],
      ['costUsd > +7%', false],
      ['costUsd > +0.5', true],
      ['costUsd < -0.5', false],
      ['p99Ms >= 350', true],
      ['web.p99Ms > +50%', true],
      ['p99Ms > +50%', false],
      ['sloMinutesLost > +1000%', true],
      ['p99Ms > 400 or costUsd > +5%', true],
      ['p99Ms > 400 and costUsd > +5%', false],
      ['p99Ms > 400 and costUsd > 1 or costUsd > 2', true],
      ['p99Ms > 400 and (costUsd > 1 or costUsd > 2)', false],
      ['deadTimeS < 1000', false],
    ] as const)
      assert.equal(holds(text), expected, text);
    const { because } = evaluate(parseCondition('p99Ms > 400 or costUsd > +5%', [], false), first, candidate);
    assert.deepEqual(because, ['costUsd > +5%']);
  });

  test('what is wrong is told with its place', () => {
    for (const [text, message] of [
      ['p99 > 3', '--fail-if:1:1: found "p99", expected the name of a score; did you mean p99Ms or p999Ms?'],
      [
        'p99Ms > 4 or costUSD > 3',
        '--fail-if:1:14: found "costUSD", expected the name of a score; did you mean costUsd?',
      ],
      ['api.p99Ms > 3', '--fail-if:1:1: found the service "api", expected one of web'],
      ['p99Ms = 3', '--fail-if:1:7: found "=", expected one of >, >=, <, <='],
      ['costUsd > 5%', '--fail-if:1:1: found 5%, expected 5 (costUsd is in $), or +5% for a difference'],
      ['(p99Ms > 3', '--fail-if:1:11: found the end, expected ")", "and", or "or"'],
    ] as const)
      assert.throws(() => parseCondition(text, ['web'], false), new InputError([parts(message)]), text);
    assert.throws(() => parseCondition('costUsd > +5%', ['web'], true), /expected a second one to compare with it/);
    assert.throws(() => refuseUnknown(parseCondition('oldestMessageS > 1', [], false), [first]), InputError);
  });

  function parts(message: string) {
    const [, file = '', line, column, rest = ''] = /^(--fail-if):(\d+):(\d+): (.*)$/.exec(message) ?? [];
    return { file, line: Number(line), column: Number(column), message: rest };
  }

  test('the parser is what the grammar generates', () => {
    const read = (name: string) => readFileSync(join(root, 'sims/compare', name), 'utf8');
    const source = peggy.generate(read('failIfParser.peggy'), { output: 'source', format: 'es' });
    assert.equal(read('failIfParser.js').trim(), source.trim(), 'npm run grammar');
  });
});

/** Every run of some contestants under some seeds, one after the other in this process. */
async function serial(contestants: readonly Contestant[], seeds: readonly number[]) {
  const jobs = jobsOf(contestants, seeds);
  const data: WorkerData = {
    contestants,
    engineVersion: 'test',
    progress: new SharedArrayBuffer(8 * (jobs.length + 1)),
    stop: new SharedArrayBuffer(4),
  };
  const done: RunResult[] = [];
  for (const [number, job] of jobs.entries()) done.push((await runJob({ ...job, number }, data)) as RunResult);
  return { data, done };
}

function jobsOf(contestants: readonly Contestant[], seeds: readonly number[]) {
  return seeds.flatMap((seed, run) =>
    contestants.map((_, contestant) => ({ kind: 'run' as const, contestant, seed, withCourse: run === 0 })),
  );
}

/** A report on two contestants whose runs took turns. */
function reportOf(done: readonly RunResult[], seeds: readonly number[], parting?: Parting): ComparisonReport {
  const [from, to] = [0, 1].map((contestant) => done.filter((_, index) => index % 2 === contestant));
  return comparisonReport(
    [
      { name: 'target-50', results: from as readonly RunResult[] },
      { name: 'target-70', results: to as readonly RunResult[], ...(parting === undefined ? {} : { parting }) },
    ],
    { seeds, durationMs: 180 * MINUTE, engineVersion: 'test' },
  );
}

describe('runs of a comparison', () => {
  const contestants: readonly Contestant[] = [50, 70].map((percent) => ({ loaded: loadScenario(target(percent)) }));
  const seeds = [1, 2];
  const sailed = serial(contestants, seeds);
  const pooled = async (workers: number) => {
    const jobs = jobsOf(contestants, seeds);
    const pool = new JobPool(contestants, 'test', workers, jobs.length);
    try {
      return await pool.do<'run'>(jobs);
    } finally {
      await pool.end();
    }
  };
  const parted = async () => {
    const { data, done } = await sailed;
    const course = (place: number) => done[place]?.course as Uint32Array;
    const minute = partingMinute(course(0), course(1)) as number;
    return (await runJob({ kind: 'part', number: 0, contestants: [0, 1], seed: 1, minute }, data)) as Parting;
  };

  test('they are the same on one worker, on two, and without any', async () => {
    const { done } = await sailed;
    assert.deepEqual(await pooled(1), done);
    assert.deepEqual(await pooled(2), done);
  });

  test('a verdict in a sentence, and the first things that one did and the other did not', async () => {
    const parting = await parted();
    const report = reportOf((await sailed).done, seeds, parting);
    const verdict = report.scenarios[1]?.againstFirst?.verdict ?? '';
    assert.match(verdict, /^target-70 costs \$[\d.]+ less than target-50 \(.*\), and misses the objective in .*\.$/);
    assert.match(parting.what[0] ?? '', /api 2 -> \d+ tasks by policy cpu: mean [\d.]+ over target 50/);
    assert.match(parting.what[1] ?? '', /api 2 -> \d+ tasks by policy cpu: mean [\d.]+ over target 70/);
  });

  test('until they part the two runs are the same, and at that instant they are not', async () => {
    const parting = await parted();
    const acts = (percent: number, untilMs: number) => {
      const { scenario } = loadScenario(target(percent));
      const simulation = simulate(scenario);
      simulation.runUntil(untilMs);
      return [...simulation.log]
        .filter(
          ({ event, atMs }) =>
            (event.type === 'ServiceUpdated' || event.type === 'TaskCreated') && atMs > scenario.start,
        )
        .map(({ atMs, event }) => JSON.stringify([atMs, event]));
    };
    assert.deepEqual(acts(50, parting.atMs - 1), acts(70, parting.atMs - 1));
    assert.notDeepEqual(acts(50, parting.atMs), acts(70, parting.atMs));
  });

  test('a scenario compared with itself is the same in everything', async () => {
    const { done } = await sailed;
    const twice = done.flatMap((result, index) => (index % 2 === 0 ? [result, result] : []));
    const report = reportOf(twice, seeds);
    assert.ok(report.scores.length > 30);
    for (const { differences, score } of report.scores)
      assert.ok([null, 'same'].includes(differences[0]?.judgement ?? null), score);
  });
});

test('target 50 against 70 on a fleet with Spot: seeds in pairs know the difference of costs better than seeds apart', async () => {
  const shipped = loadScenario(join(root, 'sims/scenarios/mixed-instances.yaml'));
  const contestants = [50, 70].map((TargetValue): Contestant => {
    const { duration: _whole, scalableTargets, ...scenario } = shipped.scenario;
    const retargeted = scalableTargets.map((scaled) => ({
      ...scaled,
      policies: scaled.policies.map((policy) => {
        assert.ok(policy.PolicyType === 'TargetTrackingScaling');
        const configuration = { ...policy.TargetTrackingScalingPolicyConfiguration, TargetValue };
        return { ...policy, TargetTrackingScalingPolicyConfiguration: configuration };
      }),
    }));
    return { loaded: { ...shipped, scenario: { ...scenario, duration: 8 * HOUR, scalableTargets: retargeted } } };
  });
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  const { done } = await serial(contestants, seeds);
  const costOf = (report: ComparisonReport) =>
    report.scores.find(({ score, service }) => score === 'costUsd' && service === undefined)?.differences[0];
  const paired = costOf(reportOf(done, seeds));
  // The same runs of target 70 beside those of target 50 under other seeds, which share no luck, in every turn.
  const apart = seeds.slice(1).map((_, turn) => {
    const turned = done.map((run, index) => (index % 2 === 0 ? run : (done.at(index - 2 * (turn + 1)) as RunResult)));
    return costOf(reportOf(turned, seeds))?.halfWidth ?? 0;
  });
  const [half, halfApart] = [paired?.halfWidth ?? Infinity, meanOf(apart)];
  assert.ok(1.5 * half < halfApart, `±${half} in pairs, ±${halfApart} apart`);
  assert.ok(half < (paired?.independentHalfWidth ?? 0), `±${half} in pairs, ±${paired?.independentHalfWidth} by Welch`);
});

test('the command: a table, compare.json, a run for each scenario, and exit code 3 when the condition holds', () => {
  const out = join(folder, 'out');
  const words = ['--import', 'tsx', 'sims/cli.ts', 'compare', target(50), target(70), '--seeds', '2', '--references'];
  const condition = 'sloMinutesLost > +0 and costUsd < -1%';
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...words, '--fail-if', condition, '--markdown', '--out', out],
    { cwd: root, encoding: 'utf8' },
  );
  assert.equal(status, 3, stderr);
  assert.match(stdout, /^\*\*Failed: of target-70 it is so that sloMinutesLost \\> \+0, and costUsd \\< -1%\.\*\*$/m);
  assert.match(
    stdout,
    /^\| {2}\| target-50 \| target-70 \| do nothing \| best fixed size \| oracle \| difference \| 95 % interval \| {2}\|$/m,
  );
  const report = JSON.parse(readFileSync(join(out, 'compare.json'), 'utf8')) as ComparisonReport;
  assert.deepEqual(
    report.scenarios.map(({ name, runDirectory }) => [name, runDirectory]),
    [
      ['target-50', '1-target-50'],
      ['target-70', '2-target-70'],
      ['do nothing', '3-do-nothing'],
      ['best fixed size', '4-best-fixed-size'],
      ['oracle', '5-oracle'],
    ],
  );
  for (const { runDirectory = '', runs } of report.scenarios) {
    const reader = new RunReader(join(out, runDirectory));
    assert.equal(reader.isComplete, true);
    assert.equal(reader.length, runs[0]?.events);
  }
  const percents = report.scenarios.map(({ costAtSlo }) => costAtSlo?.percent ?? Number.NaN);
  assert.deepEqual(
    [percents[2], percents[4]].map((percent) => Math.round(percent as number)),
    [0, 100],
  );
  for (const percent of percents.slice(0, 2)) assert.ok(percent > 0 && percent < 100, `${percent}`);
});

describe('report of a comparison', () => {
  const contestants: readonly Contestant[] = [50, 70].map((percent) => ({ loaded: loadScenario(target(percent)) }));
  const directory = join(folder, 'trial');
  const written = async () => {
    mkdirSync(directory, { recursive: true });
    const { done } = await serial(contestants, [1]);
    const { scenarios, ...rest } = reportOf(done, [1]);
    const kept = scenarios.map((scenario, index) => ({ ...scenario, runDirectory: `${index + 1}` }));
    for (const [index, { loaded }] of contestants.entries()) {
      const path = join(directory, `${index + 1}`);
      if (existsSync(path)) continue;
      const run = RunDirectory.create(path, loaded, 'test');
      const { summary, activities } = await sail(loaded, {
        engineVersion: 'test',
        onSegment: (segment) => run.append(segment),
      });
      run.finish(summary, activities);
    }
    return { ...rest, scenarios: kept } satisfies ComparisonReport;
  };
  const write = (comparison: unknown) => {
    const file = join(directory, 'compare.json');
    writeFileSync(file, JSON.stringify(comparison));
    return file;
  };
  const page = async (paths: readonly string[], beside?: string) => {
    const out = join(folder, 'page.html');
    assert.equal(report(paths, { out, ...(beside === undefined ? {} : { beside }) }), 0);
    const [, data = ''] = /id="data">([^<]*)</.exec(readFileSync(out, 'utf8')) ?? [];
    return await decodePage(data);
  };

  test('a comparison that is written is the one that is read, and its runs are on the page', async () => {
    const comparison = await written();
    const file = write(comparison);
    assert.deepEqual(readComparison(file).report, JSON.parse(JSON.stringify(comparison)));
    const { runs, comparison: shown } = await page([directory]);
    assert.deepEqual(
      runs.map((run) => run.page.label),
      ['target-50', 'target-70'],
    );
    assert.equal(shown?.scenarios[1]?.againstFirst?.verdict, comparison.scenarios[1]?.againstFirst?.verdict);
    const alone = join(folder, 'alone.json');
    writeFileSync(alone, JSON.stringify(comparison));
    const apart = await page([alone]);
    assert.equal(apart.runs.length, 0);
    assert.match(apart.comparison?.withoutRuns ?? '', /target-50 and target-70 are not beside the comparison/);
    // A score that this version does not know is left out.
    const later = { ...comparison, scores: [{ ...comparison.scores[0], score: 'ofTomorrow' }, ...comparison.scores] };
    assert.deepEqual(readComparison(write(later)).report.scores, readComparison(write(comparison)).report.scores);
  });

  test('what cannot be used is refused in a sentence, with its place', async () => {
    const comparison = await written();
    const [first, second] = comparison.scenarios;
    for (const [changed, message] of [
      [{ ...comparison, format: 2 }, /compare\.json:1:\d+ format: found 2, expected 1 of what compare --json prints/],
      [{ services: [] }, /compare\.json:1:1 format: found nothing, expected 1 of what compare --json prints/],
      ['text', /found "text", expected a mapping/],
      [{ ...comparison, scenarios: [{ ...first, runDirectory: '../1' }, second] }, /runDirectory: found "\.\.\/1"/],
      [{ ...comparison, scores: [{ ...comparison.scores[0], means: [1] }] }, /found 1 means, expected 2: one for each/],
      [
        { ...comparison, scenarios: [{ ...first, runDirectory: '2' }, second] },
        /2: found a run with digest \w+, expected \w+, which was compared$/,
      ],
    ] as const) {
      write(changed);
      assert.throws(
        () => report([directory], { out: join(folder, 'never.html') }),
        (error) => error instanceof InputError && error.problems.length === 1 && message.test(error.message),
        message.source,
      );
    }
    write(comparison);
    const refuses = (paths: readonly string[], beside: string | undefined, message: RegExp) =>
      assert.throws(
        () => report(paths, { out: join(folder, 'never.html'), ...(beside === undefined ? {} : { beside }) }),
        (error) => error instanceof InputError && message.test(error.message),
      );
    refuses([directory], 'target-60', /--beside: found "target-60", expected one of target-70$/);
    refuses([directory, join(directory, '1')], undefined, /found a second path, expected a comparison alone/);
    refuses([join(directory, '1')], 'target-70', /--beside: found a run, expected what compare wrote/);
    refuses([join(folder, 'nowhere')], undefined, /nowhere: found nothing of this name, expected a directory/);
    assert.equal(existsSync(join(folder, 'never.html')), false);
  });
});

test('bad input is refused before anything sails', () => {
  const refused = (...rest: readonly string[]) => {
    const words = ['--import', 'tsx', 'sims/cli.ts', 'compare', ...rest];
    const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
    assert.equal(status, 2, stderr);
    return stderr;
  };
  const out = join(folder, 'never');
  const shipped = join(root, 'sims/scenarios/steps-on-fargate.yaml');
  assert.match(
    refused(target(50), shipped, '--out', out),
    /steps-on-fargate\.yaml duration: found 1d, expected 3h as in/,
  );
  assert.equal(existsSync(out), false);
});

test('the page of scores is that of their definitions', () => {
  const page = readFileSync(join(root, 'sims/report/SCORES.md'), 'utf8');
  assert.equal(page, scoresPage(), 'npm run sim -- schema --scores > sims/report/SCORES.md');
});
