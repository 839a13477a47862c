/** Branches on disk: what they write is a run of its own, and what is told of them is what was found. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Event, Recorded } from '../../core/index.ts';
import { planBranch, type BranchRequest } from '../../sims/branches.ts';
import { branched } from '../../sims/commands/branch.ts';
import { verified } from '../../sims/commands/verify.ts';
import { ENGINE_VERSION } from '../../sims/engine.ts';
import { loadScenario, type LoadedScenario } from '../../sims/input/scenarioFile.ts';
import { RunDirectory, RunReader, type Resumption } from '../../sims/store/runDirectory.ts';
import { sail } from '../../sims/voyage.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
after(() => rmSync(folder, { recursive: true }));

function seatrial(...rest: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'sims/cli.ts', ...rest], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Every file of a directory, by its name. */
function filesOf(directory: string): ReadonlyMap<string, Buffer> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .toSorted();
  return new Map(names.map((name) => [name, readFileSync(join(directory, name))]));
}

/** A run of a voyage that ships, in a directory. */
async function stored(voyage: string, days?: number) {
  const path = join(folder, `${voyage}-${days}`);
  const loaded = loadScenario(join(root, `sims/scenarios/${voyage}.yaml`), { days });
  const directory = RunDirectory.create(path, loaded, ENGINE_VERSION);
  const { summary } = await sailInto(directory, loaded);
  return { path, summary, reader: new RunReader(path) };
}

async function sailInto(directory: RunDirectory, loaded: LoadedScenario, from?: Resumption) {
  const told = await sail(loaded, {
    engineVersion: ENGINE_VERSION,
    from,
    onSegment: (segment) => directory.append(segment),
    onHop: (simulation) => directory.checkpoint(simulation),
  });
  directory.finish(told.summary, told.activities);
  return told;
}

/** Until the flash crowd has gone; and until after the checkpoint of the first whole chunk. */
const short = await stored('flash-crowd', 1.6);
const long = await stored('flash-crowd', 3.1);
const CROWD = '2030-01-08T11:00:00Z';
/** After the checkpoint, not at the end of a hop. */
const LATE = '2030-01-10T01:34:56.789Z';
const TARGET = 'services.web.scalingPolicies.cpu.TargetValue=45';

async function branch({ path, reader }: typeof short, request: BranchRequest, out?: string) {
  const found = await branched(reader, planBranch(path, reader, request), out, ENGINE_VERSION);
  assert.ok(found !== undefined);
  return found;
}

function decisionsIn(types: readonly Event['type'][]): readonly Recorded<Event>[] {
  return [...short.reader.events()].filter(({ event }) => types.includes(event.type));
}

describe('a directory of a branch', () => {
  test('that changes nothing has the same log and checkpoints, byte by byte', async () => {
    const out = join(folder, 'same');
    const { digest, partings, outcomes } = await branch(long, { at: LATE, set: [], change: undefined }, out);
    assert.equal(digest, long.summary.digest);
    assert.deepEqual(partings, { first: undefined, decision: undefined });
    assert.deepEqual(outcomes[0], outcomes[1]);
    const files = (path: string) => [...filesOf(path)].filter(([name]) => /^(events|checkpoints)\//.test(name));
    assert.deepEqual(files(out), files(long.path));
    assert.equal(files(out).filter(([name]) => name.startsWith('checkpoints/')).length, 1);
  });

  test('is resumed to the same bytes when it was killed before its first chunk', async () => {
    const out = join(folder, 'other');
    // Before the checkpoint, and at the instant of a command.
    const set = [TARGET, 'assumptions.metricDelay.service=90s'];
    const { digest } = await branch(long, { at: '2030-01-08T12:00:00Z', set, change: undefined }, out);
    assert.notEqual(digest, long.summary.digest);
    const cut = join(folder, 'cut');
    cpSync(out, cut, { recursive: true });
    const [first = ''] = readFileSync(join(out, 'chain.ndjson'), 'utf8').split('\n');
    writeFileSync(join(cut, 'chain.ndjson'), `${first}\n`);
    const resumed = RunDirectory.resume(cut);
    assert.ok(resumed !== undefined);
    await sailInto(resumed.directory, new RunReader(cut).loaded(), resumed.from);
    assert.deepEqual(filesOf(cut), filesOf(out));
  });

  test('is verified and branched again, from where it was made on', async () => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    await branch(short, { at: CROWD, set: [TARGET], change: undefined }, first);
    const reader = new RunReader(first);
    // The same target again changes nothing: it is what it is already.
    const later = '2030-01-08T12:34:56.789Z';
    const unchanged = planBranch(first, reader, { at: later, set: [TARGET], change: undefined });
    assert.deepEqual([unchanged.branch.submitted, unchanged.branch.withheld], [[], []]);
    const set = ['services.web.desiredCount=9'];
    await branched(reader, planBranch(first, reader, { at: later, set, change: undefined }), second, ENGINE_VERSION);
    const { length } = new RunReader(second);
    assert.deepEqual(verified(second), {
      events: length,
      complete: true,
      difference: undefined,
      sailedWith: undefined,
    });
    assert.equal(new RunReader(second).loaded().branches?.length, 2);
    const before = { at: '2030-01-08T10:00:00Z', set: [], change: undefined };
    assert.throws(() => planBranch(first, reader, before), /it is a branch itself/);
  });
});

describe('one decision of scaling', () => {
  test('a scale-out of a group by managed scaling: without it', async () => {
    const decided = decisionsIn(['CapacityProviderScaled'])[1];
    assert.ok(decided !== undefined);
    const { partings } = await branch(short, { without: String(decided.seq) });
    assert.deepEqual([partings.first?.original, partings.decision?.original], [decided, decided]);
    assert.notEqual(partings.first?.branch?.event.type, 'CapacityProviderScaled');
  });

  for (const type of ['ScalingActivityStarted', 'CapacityProviderScaled'] as const)
    test(`${type}: the same, earlier, and not a second time`, async () => {
      const decided = decisionsIn([type]).filter(({ event }) => !('scheduledActionName' in event))[1];
      assert.ok(decided !== undefined);
      const { seq, atMs, event } = decided;
      const { partings, planned } = await branch(short, { earlier: String(seq), byMs: 60_000 });
      const moved = partings.first?.branch;
      assert.deepEqual([moved?.atMs, moved?.event.type], [atMs - 60_000, type]);
      const goal = (of: Event | undefined) =>
        of?.type === 'ScalingActivityStarted'
          ? of.toCapacity
          : of?.type === 'CapacityProviderScaled'
            ? of.to
            : undefined;
      assert.equal(goal(moved?.event), goal(event));
      assert.deepEqual(
        planned.branch.withheld.map((due) => due.atMs),
        [atMs],
      );
    });

  test('what cannot be named is refused, with what can', () => {
    const [scheduled] = decisionsIn(['ScalingActivityStarted']).filter(({ event }) => 'scheduledActionName' in event);
    const [policy] = decisionsIn(['ScalingActivityStarted']).filter(({ event }) => 'policyKey' in event);
    assert.ok(scheduled !== undefined && policy !== undefined);
    for (const [request, expected] of [
      [
        { without: '3' },
        /found event 3, AutoScalingGroupCreated, expected a decision of scaling, ScalingActivityStarted/,
      ],
      [{ without: '99999999' }, /expected a number from 0 to/],
      [{ without: 'x' }, /found event x, expected a number/],
      [{ without: String(scheduled.seq) }, /which a scheduled action has led to/],
      [{ earlier: String(policy.seq), byMs: 90 * 86_400_000 }, /there the run begins/],
      [{ at: '2030-01-08T14:24:00Z', set: [], change: undefined }, /expected an instant from .* until before/],
      [{ at: CROWD, set: ['services.web.desiredCont=4'], change: undefined }, /did you mean "desiredCount"\?/],
      [{ at: CROWD, set: ['services.wob.desiredCount=4'], change: undefined }, /found "wob" .* did you mean "web"\?/],
      [{ at: CROWD, set: ['services.web.desiredCount=two'], change: undefined }, /expected a whole number from 0 to/],
      [{ at: CROWD, set: ['services.web.desiredCount'], change: undefined }, /expected a path and a value/],
      [{ at: CROWD, set: ['services.web.desiredCount=[4'], change: undefined }, /expected a value in YAML/],
      [
        { at: CROWD, set: ['seed=4'], change: undefined },
        /on the way only services, scalableTargets, .* can be changed/,
      ],
      [
        { at: CROWD, set: ['assumptions.placement.tieBreak=seeded'], change: undefined },
        /only everything but start, placement and bill can be changed/,
      ],
      [{ at: CROWD, set: ['scalableTargets.web.MinCapacity=60'], change: undefined }, /expected at most MaxCapacity/],
      [
        { at: CROWD, set: ['load.web.rate=[{model: trace, file: x.csv}]'], change: undefined },
        /expected a trace of the run/,
      ],
    ] satisfies [BranchRequest, RegExp][])
      assert.throws(() => planBranch(short.path, short.reader, request), expected, JSON.stringify(request));
  });
});

test('a file of changes: parts of a scenario and calls, and its mistakes at their lines', () => {
  const file = join(folder, 'change.yaml');
  const planned = (text: string) => {
    writeFileSync(file, text);
    return planBranch(short.path, short.reader, { at: CROWD, set: [], change: file }).branch;
  };
  const { submitted } = planned(`
services:
  web:
    scalingPolicies: { cpu: { TargetValue: 50 } }
changes:
  - UpdateService: { service: web, desiredCount: 14 }
  - at: 2030-01-08T13:00:00Z
    UpdateAutoScalingGroup: { AutoScalingGroupName: web-asg, MinSize: 5 }
`);
  const atMs = Date.parse(CROWD);
  assert.deepEqual(
    submitted.map((due) => [due.atMs, due.command.type]),
    [
      [atMs, 'PutScalingPolicy'],
      [atMs, 'UpdateService'],
      [Date.parse('2030-01-08T13:00:00Z'), 'UpdateAutoScalingGroup'],
    ],
  );
  for (const [text, expected] of [
    ['services:\n  web:\n    desiredCount: two\n', /change\.yaml:3:19 .*: found "two", expected a whole number/],
    ['services:\n  wob: { desiredCount: 3 }\n', /change\.yaml:2:24: found "wob" in services/],
    ['changes:\n  - UpdateSevice: {}\n', /change\.yaml:2:19 .*did you mean "UpdateService"\?/],
    [
      'changes:\n  - UpdateService: { service: wob }\n',
      /change\.yaml:2:31 changes\[0\]\.UpdateService\.service: found "wob"/,
    ],
    ['duration: 5d\n', /change\.yaml:1:11 duration: found another value/],
  ] as const)
    assert.throws(() => planned(text), expected, text);
});

describe('as a user asks', () => {
  test('a branch in words, and as JSON; nothing is written without --out', async () => {
    const before = filesOf(short.path);
    const { stdout, status } = seatrial('branch', short.path, '--at', CROWD, '--set', TARGET);
    assert.equal(status, 0);
    for (const expected of [
      /^flash-crowd, branched at 2030-01-08 11:00:00 UTC$/m,
      /TargetValue: 60 -> 45$/m,
      /^the futures part at event [\d,]+\noriginal {2}01-08 11:00:10: web .*\nbranch {4}01-08 11:00:00: web gets another/m,
      /^web +original +branch +difference$/m,
      /^minutes objective missed +\d+ +\d+ +-\d+$/m,
      /^The branch costs \$[\d.]+ \([\d.]+ %\) more than the original, misses the objective in \d+ fewer minutes/m,
    ])
      assert.match(stdout, expected);
    assert.deepEqual(filesOf(short.path), before);
    const { path } = await stored('port-eighty');
    const json = seatrial(
      'branch',
      path,
      '--at',
      new Date(new RunReader(path).loaded().scenario.start).toISOString(),
      '--json',
    );
    const told = JSON.parse(json.stdout) as { identical: boolean; parting: unknown; changed: unknown };
    assert.deepEqual([told.identical, told.parting, told.changed], [true, null, []]);
  });

  test('what does not go together, and what is not whole, is told with exit code 2', () => {
    const cut = join(folder, 'stopped');
    cpSync(short.path, cut, { recursive: true });
    const chain = readFileSync(join(cut, 'chain.ndjson'), 'utf8').trimEnd().split('\n');
    writeFileSync(join(cut, 'chain.ndjson'), `${chain.slice(0, -2).join('\n')}\n`);
    const out = join(folder, 'never');
    for (const [args, expected] of [
      [[short.path, '--out', out], /expected one of --at with --set or --change, --without and --earlier/],
      [[cut, '--at', CROWD, '--out', out], /found a run that was stopped before its end/],
    ] as const) {
      const { status, stderr } = seatrial('branch', ...args);
      assert.equal(status, 2);
      assert.match(stderr, expected);
      assert.equal(existsSync(out), false);
    }
  });
});
