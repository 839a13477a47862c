/** Runs on disk: what is read is what was written, damage is found and named, and a killed run goes on to the same bytes. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import {
  eventDefinitions,
  EventLog,
  keyedRng,
  MODEL_VERSION,
  Segment,
  simulate,
  type Event,
  type Recorded,
} from '../../core/index.ts';
import { explanation } from '../../sims/commands/explain.ts';
import { verified } from '../../sims/commands/verify.ts';
import { InputError } from '../../sims/input/inputError.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';
import type { RunSummary } from '../../sims/report/summary.ts';
import { Chain, readLinks } from '../../sims/store/chain.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../sims/store/checkpointFile.ts';
import { decodeChunk, encodeChunk } from '../../sims/store/chunk.ts';
import { RunDirectory, RunReader } from '../../sims/store/runDirectory.ts';
import { worldAt } from '../../sims/store/worldAt.ts';
import { endOf, scenarios } from '../arbitraries.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
after(() => rmSync(folder, { recursive: true }));

const words = (...rest: readonly string[]) => ['--import', 'tsx', 'sims/cli.ts', ...rest];
function seatrial(...rest: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, words(...rest), { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** Every file of a directory, by its name. */
function filesOf(directory: string): ReadonlyMap<string, Buffer> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .toSorted();
  return new Map(names.map((name) => [name, readFileSync(join(directory, name))]));
}

function segmentOf(events: readonly Recorded<Event>[]): Segment<Event> {
  const log = new EventLog<Event>(eventDefinitions);
  for (const { event, atMs, causedBy } of events) log.append(event, atMs, causedBy);
  return log.open as Segment<Event>;
}

/** Ten days of the default voyage: several chunks, with checkpoints between them. */
const long = join(folder, 'long');
const LONG = ['run', '--days', '10', '--seed', '5'];
assert.equal(seatrial(...LONG, '--out', long).status, 0);

describe('chunks and checkpoints', () => {
  test('events come back as they were, whatever they are', () =>
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const simulation = simulate(scenario);
        simulation.runUntil(endOf(scenario));
        const segment = simulation.log.open as Segment<Event>;
        const bytes = encodeChunk(segment.columns());
        assert.deepEqual([...Segment.of(decodeChunk(bytes))], [...segment]);
        assert.deepEqual(encodeChunk(Segment.of(decodeChunk(bytes)).columns()), bytes);
        const checkpoint = simulation.checkpoint();
        assert.deepEqual(decodeCheckpoint(encodeCheckpoint(checkpoint)), checkpoint);
      }),
      { numRuns: 25 },
    ));

  test('numbers of every size and kind come back exactly', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.integer(),
            fc.maxSafeInteger(),
            fc.double({ noNaN: true, noDefaultInfinity: true }),
            fc.integer().map((value) => value / 1000),
            fc.integer().map((value) => value / 1e6),
            fc.constantFrom(0, -0, 127, 128, -129, 32_768, 2 ** 31, -(2 ** 31), 1.5e300),
          ),
          { minLength: 1 },
        ),
        fc.array(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }))),
        (values, lists) => {
          const events = values.map((value, index): Recorded<Event> => ({
            seq: index,
            atMs: 1e12 + index,
            causedBy: index - 1,
            event: {
              type: 'ServiceRebalancingStarted',
              serviceName: `${index % 3}`,
              extra: value,
              misplaced: index,
              zones: [],
              counts: lists[index] ?? [],
            },
          }));
          assert.deepEqual([...Segment.of(decodeChunk(encodeChunk(segmentOf(events).columns())))], events);
        },
      ),
    ));

  test('an event takes 25 bytes at the most', () => {
    const reader = new RunReader(long);
    const bytes = [...filesOf(long)].reduce((sum, [, { length }]) => sum + length, 0);
    assert.equal(bytes / reader.length < 25, true, `${bytes / reader.length} bytes`);
  });
});

describe('what is damaged is found, and named', () => {
  test('what is whole passes', () => {
    const { difference, complete, events } = verified(long);
    assert.deepEqual(
      { difference, complete, events },
      { difference: undefined, complete: true, events: new RunReader(long).length },
    );
    assert.match(seatrial('verify', long).stdout, /as written and as simulated anew; complete\.$/m);
  });

  test('any bit that is turned, any file that is cut short, removed, swapped or added', () => {
    const files = [...filesOf(long)];
    const copy = join(folder, 'damaged');
    const damaged = (harm: (path: string) => void, name: string) => {
      rmSync(copy, { recursive: true, force: true });
      cpSync(long, copy, { recursive: true });
      harm(join(copy, name));
      assert.throws(
        () => {
          const { complete, difference } = verified(copy);
          // A chain that lost its end is that of a run that was killed; it does not pass for a complete one.
          if (!complete || difference !== undefined) throw new InputError([{ file: name, message: 'not complete' }]);
        },
        InputError,
        name,
      );
    };
    const draws = keyedRng(1).at('damage', 1);
    const cheap = files.filter(([name]) => name !== 'chain.ndjson');
    for (let round = 0; round < Number(process.env['DAMAGE_RUNS'] ?? 60); round++) {
      const [name, bytes] = cheap[draws.int(cheap.length)] as [string, Buffer];
      const changed = Buffer.from(bytes);
      const place = draws.int(bytes.length);
      changed[place] = (changed[place] as number) ^ (1 << draws.int(8));
      damaged((path) => writeFileSync(path, changed), name);
      damaged((path) => truncateSync(path, draws.int(bytes.length)), name);
    }
    for (const [name] of cheap) damaged((path) => rmSync(path), name);
    const chunks = cheap.filter(([name]) => name.endsWith('.chunk'));
    const [[one, oneBytes], [other, otherBytes]] = chunks as [[string, Buffer], [string, Buffer]];
    damaged((path) => {
      writeFileSync(path, otherBytes);
      writeFileSync(join(copy, other), oneBytes);
    }, one);
    damaged((path) => writeFileSync(path, 'x'), 'events/000000999999.chunk');
  });

  test('a chain that is changed, line by line', () => {
    const copy = join(folder, 'chain');
    cpSync(long, copy, { recursive: true });
    const path = join(copy, 'chain.ndjson');
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    for (const [index, line] of lines.entries()) {
      for (const other of [
        line.replace(/(.*)[0-9a-f]{3}"/, '$1xyz"'),
        line.replace(/\d(?=[^"]*",|,")/, '7'),
        line.slice(0, -3),
        '{}',
        '',
      ]) {
        if (other === line) continue;
        writeFileSync(path, `${lines.with(index, other).join('\n')}\n`);
        assert.throws(() => verified(copy), InputError, `line ${index + 1}: ${other}`);
      }
    }
  });

  test('a log that its scenario does not lead to, forged link by link: the first event that differs is named', () => {
    const out = join(folder, 'forged');
    const { scenario, ...rest } = loadScenario(join(root, 'sims/scenarios/port-eighty.yaml'));
    const simulation = simulate(scenario);
    simulation.runUntil(endOf(scenario));
    const forged = [...simulation.log].map((recorded) =>
      recorded.event.type === 'TaskStopped'
        ? { ...recorded, event: { ...recorded.event, reason: 'Nobody knows.' } }
        : recorded,
    );
    const directory = RunDirectory.create(out, { scenario, ...rest }, 'test');
    directory.append(segmentOf(forged));
    directory.finish({ complete: true, digest: simulation.log.digest() } as RunSummary, []);
    const first = forged.find(({ event }) => event.type === 'TaskStopped') as Recorded<Event>;
    const { difference } = verified(out);
    assert.match(
      difference ?? 'none',
      new RegExp(`^the first event that differs is ${first.seq}: stored .*Nobody knows.*simulated anew .*TaskStopped`),
    );
    assert.equal(seatrial('verify', out).status, 1);
  });
});

describe('a run that is killed', () => {
  const whole = filesOf(long);

  /** What repeats a run is complete once its manifest is written. */
  const canResume = (path: string) =>
    existsSync(join(path, 'chain.ndjson')) && readLinks(path).some(({ file }) => file === 'manifest.json');

  test('goes on to the same bytes, whenever it was killed', async () => {
    const out = join(folder, 'killed');
    const draws = keyedRng(2).at('kill', 1);
    for (let round = 0; round < Number(process.env['CRASH_RUNS'] ?? 2); round++) {
      rmSync(out, { recursive: true, force: true });
      let command = [...LONG, '--out', out];
      for (let kills = 0; kills < 3; kills++) {
        const child = spawn(process.execPath, words(...command), { cwd: root, stdio: 'ignore' });
        const ended = new Promise((resume) => child.once('exit', resume));
        await new Promise((resume) => setTimeout(resume, 1_200 + draws.int(5_000)));
        child.kill('SIGKILL');
        await ended;
        if (canResume(out)) command = ['resume', out];
        else rmSync(out, { recursive: true, force: true });
      }
      if (command[0] === 'resume') assert.equal(seatrial('resume', out).status, 0);
      else assert.equal(seatrial(...command).status, 0);
      assert.deepEqual(filesOf(out), whole, `round ${round}`);
    }
  });

  test('what was cut short at any place is dropped, and written anew', () => {
    const out = join(folder, 'cut');
    const chain = (whole.get('chain.ndjson') as Buffer).toString('utf8').trimEnd().split('\n');
    // Killed after each of the links, while the next file and the next line were being written.
    // One of them is that of a chunk: its checkpoint must come after the same hop as ever.
    for (const kept of [chain.length - 2, chain.findIndex((line) => line.includes('"seq"')), 1]) {
      rmSync(out, { recursive: true, force: true });
      cpSync(long, out, { recursive: true });
      writeFileSync(
        join(out, 'chain.ndjson'),
        `${chain.slice(0, kept).join('\n')}\n${chain[kept]?.slice(0, 20) ?? ''}`,
      );
      writeFileSync(join(out, 'events/000000131072.chunk.part'), 'half');
      assert.equal(seatrial('resume', out).status, 0, `${kept} links`);
      assert.deepEqual(filesOf(out), whole, `${kept} links`);
    }
  });

  test('a full disk stops it with a sentence, and loses nothing that is written', (context) => {
    const disk = join(folder, 'disk');
    const out = join(disk, 'run');
    mkdirSync(disk);
    const mount = (options: string) =>
      spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk], { encoding: 'utf8' });
    const { status: refused, stderr: why } = mount('size=1500k');
    if (refused !== 0) {
      context.diagnostic(`no small disk can be had here: ${why}`);
      return;
    }
    try {
      const { status, stderr } = seatrial(...LONG, '--out', out);
      assert.equal(status, 2);
      assert.match(
        stderr,
        /run: found no room left on the disk, expected more; what is written stays, and seatrial resume/,
      );
      const names = [...filesOf(out).keys()];
      assert.equal(names.includes('events/000000000000.chunk'), true, 'the first chunk was written');
      assert.deepEqual(
        names.filter((name) => name.endsWith('.part') || name === 'lock'),
        [],
      );
      assert.equal(mount('remount,size=100m').status, 0);
      assert.equal(seatrial('resume', out).status, 0);
      assert.deepEqual(filesOf(out), whole);
      // Too small for what repeats the run: nothing is left of it.
      rmSync(out, { recursive: true });
      assert.equal(mount('remount,size=8k').status, 0);
      assert.equal(seatrial(...LONG, '--out', out).status, 2);
      assert.deepEqual(readdirSync(disk), []);
    } finally {
      spawnSync('umount', [disk]);
    }
  });

  test('one that other rules have led is read and not simulated anew; resume refuses it', () => {
    const out = join(folder, 'older');
    for (const name of ['events', 'checkpoints']) mkdirSync(join(out, name), { recursive: true });
    const chain = new Chain(out);
    for (const { file, sha256: _, ...what } of readLinks(long).slice(0, -2)) {
      const bytes = whole.get(file) as Buffer;
      const older = bytes.toString('utf8').replace(`"modelVersion": ${MODEL_VERSION}`, '"modelVersion": 0');
      chain.append(file, file === 'manifest.json' ? Buffer.from(older) : bytes, what);
    }
    assert.match(seatrial('verify', out).stdout, /as written; not simulated anew: it was sailed with model version 0/);
    const before = filesOf(out);
    const { status, stderr } = seatrial('resume', out);
    assert.equal(status, 2);
    assert.match(stderr, /found a run that was sailed with model version 0 .*, expected one of this engine/);
    assert.deepEqual(filesOf(out), before);
  });

  test('one that is complete has nothing to resume', () => {
    const { status, stdout } = seatrial('resume', long);
    assert.equal(status, 0);
    assert.match(stdout, /has sailed to its end/);
  });

  test('two processes on one directory: the second is refused, in a sentence', () => {
    const out = join(folder, 'locked');
    cpSync(long, out, { recursive: true });
    const lines = readFileSync(join(out, 'chain.ndjson'), 'utf8').trimEnd().split('\n');
    writeFileSync(join(out, 'chain.ndjson'), `${lines.slice(0, -2).join('\n')}\n`);
    writeFileSync(join(out, 'lock'), String(process.pid));
    const { status, stderr } = seatrial('resume', out);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`found process ${process.pid} writing here, expected nobody`));
    writeFileSync(join(out, 'lock'), '4194305');
    assert.equal(seatrial('resume', out).status, 0, 'a process that has gone holds nothing');
  });
});

describe('time travel', () => {
  test('the world at an instant is the world of the run then', () => {
    const reader = new RunReader(long);
    const { scenario, traces } = reader.loaded();
    const simulation = simulate(scenario, { traces, keepSegments: 1 });
    for (const share of [0, 0.31, 0.5, 0.777, 1]) {
      const atMs = scenario.start + Math.floor(share * scenario.duration);
      simulation.runUntil(atMs);
      const { world, seq } = worldAt(reader, atMs);
      assert.equal(seq, simulation.log.length);
      assert.deepEqual(world, simulation.world);
    }
  });

  test('at, diff, export and explain, as a user asks', () => {
    const { start } = new RunReader(long).loaded().scenario;
    const noon = new Date(start + 36.2 * 3_600_000).toISOString();
    const later = new Date(start + 36.25 * 3_600_000).toISOString();
    assert.match(seatrial('at', long, noon).stdout, /^service web: ACTIVE, desired \d+, running \d+/m);
    assert.match(seatrial('at', long, noon, 'service', 'web').stdout, /^runningCount: \d+$/m);
    assert.match(seatrial('at', long, noon, 'service').stdout, /^web$/m);
    assert.match(seatrial('diff', long, noon, later).stdout, / -> /);
    const exported = seatrial('export', long, '--type', 'ScalingActivityStarted').stdout.trimEnd().split('\n');
    const first = JSON.parse(exported[0] as string) as Recorded<Event>;
    assert.equal(first.event.type, 'ScalingActivityStarted');
    const story = explanation(long, [String(first.seq)], { width: 400 });
    assert.match(story, /^.*ScalingActivityStarted: web \d+ -> \d+ tasks by policy cpu: mean .* (over|under) target/);
    assert.match(story, /because .* AlarmStateChanged: .* datapoints (above|below)/);
    assert.match(story, /\nwhich is the traffic\n$/);
  });

  test('what cannot be answered is told with exit code 2', () => {
    for (const [command, expected] of [
      [['at', long, '1999-01-01T00:00:00Z'], /expected an instant from 2030-01-07T00:00:00\.000Z to/],
      [['at', long, '2030-01-08T00:00:00Z', 'ship'], /found "ship", expected one of service, task/],
      [['at', long, '2030-01-08T00:00:00Z', 'service', 'x'], /found "x", expected the name of a service: one of web/],
      [['diff', long, '2030-01-08T00:00:00Z', '2030-01-07T00:00:00Z'], /expected it after/],
      [['explain', long, '99999999'], /expected a number from 0 to/],
      [['export', long, '--type', 'Nothing'], /found "Nothing", expected a type of event/],
      [['verify', folder], /found no chain\.ndjson, expected a directory of run --out: .+ and .+/],
      [['report', join(folder, 'nowhere')], /found nothing of this name, expected a directory of run --out/],
      [
        ['why-not', long, '12:05'],
        /found "why-not", expected a command \(did you mean explain DIR why-not INSTANT\?\)/,
      ],
    ] as const) {
      const { status, stderr } = seatrial(...command);
      assert.equal(status, 2, command.join(' '));
      assert.match(stderr, expected);
      assert.equal(stderr.includes('    at '), false, 'no stack trace');
    }
  });
});
