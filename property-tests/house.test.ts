import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  bannedWords,
  deadExports,
  deadFiles,
  fileNames,
  floors,
  importsOf,
  leftOvers,
  namedExports,
  operators,
  packages,
  partsOf,
  words,
  type Rule,
  type Source,
} from './houseRules.ts';

const top = fileURLToPath(new URL('..', import.meta.url));
const sources: readonly Source[] = ['core', 'sims', 'bench', 'property-tests'].flatMap((folder) =>
  readdirSync(join(top, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.d)\.(ts|tsx|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(top, file).split(sep).join('/'), text: readFileSync(file, 'utf8') }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
);

const rules: Readonly<Record<string, Rule>> = {
  'a room imports its own files and the doors of rooms on lower floors': floors,
  'core imports nothing from Node, and each package in its place': packages,
  'core does not ask the machine for time, chance or its locale': words,
  'controllers use operators without memory or time': operators,
  'no file is dead': deadFiles,
  'no export of core is dead': deadExports,
  'files and folders are camelCase': fileNames,
  'exports are named': namedExports,
  'nothing is left over': leftOvers,
};

describe('the house', () => {
  for (const [name, rule] of Object.entries(rules))
    test(name, () => {
      const breaches = rule(sources);
      assert.ok(breaches.length === 0, `${breaches.length} breaches:\n${breaches.join('\n')}`);
    });

  test('the rules look at the whole house', () => {
    for (const path of ['core/kernel/log.ts', 'property-tests/house.test.ts'])
      assert.ok(sources.some((source) => source.path === path));
  });
});

function letters(part: string): string {
  return part.replace(/[^a-z]/g, '');
}

/** Small made-up sources: `path: text`. */
function made(files: Readonly<Record<string, string>>): Source[] {
  return Object.entries(files).map(([path, text]) => ({ path, text }));
}

function finds(rule: Rule, files: Readonly<Record<string, string>>, ...expected: readonly RegExp[]): void {
  const breaches = rule(made(files));
  assert.equal(breaches.length, expected.length, `found:\n${breaches.join('\n')}\nin ${JSON.stringify(files)}`);
  for (const [index, pattern] of expected.entries()) assert.match(breaches[index] as string, pattern);
}

function findsIn(rule: Rule, path: string, text: string, ...expected: readonly RegExp[]): void {
  finds(rule, { [path]: text }, ...expected);
}

/** As `findsIn`, for the floors: a file that imports another, on its second line. */
function importing(path: string, from: string, ...expected: readonly RegExp[]): void {
  findsIn(floors, path, `// first line\nimport { x } from '${from}';`, ...expected);
}

describe('the rules find what is planted, and let the rest be', () => {
  test('floors: upwards, sideways, past a door, out of core, onto no floor', () => {
    importing('core/kernel/log.ts', '../ecs/index.ts', /^core\/kernel\/log\.ts:2: .* floor 0, ecs above it on 4; pass/);
    importing('core/cloudwatch/alarm.ts', '../workload/index.ts', /neighbours on floor 1; join them on a floor above/);
    importing('core/ecs/placement/engine.ts', '../../ec2/spot.ts', /through its door, core\/ec2\/index\.ts/);
    importing('core/ecs/task.ts', '../world.ts', /floor 4, roof above it on 5/);
    importing('core/projections/cost.ts', '../index.ts', /floor 6, door above it on 7/);
    importing('core/ecs/task.ts', '../../sims/cli.ts', /core knows nothing outside of core/);
    importing('core/lambda/function.ts', '../kernel/index.ts', /core\/lambda is on no floor/);
    importing('core/ecs/task.ts', '../lambda/index.ts', /core\/lambda is on no floor/);
    importing('core/stray.ts', './kernel/index.ts', /is on no floor/);
    importing(
      'sims/cli.ts',
      '../core/kernel/log.ts',
      /import core\/index\.ts or the door of its room, core\/kernel\/index\.ts/,
    );
    importing('sims/cli.ts', '../core/world.ts', /import core\/index\.ts/);
    importing('sims/cli.ts', '../bench/run.ts', /sims does not know bench; move what both need into core/);
    importing('sims/report/html.ts', '../../property-tests/given.ts', /sims does not know property-tests/);
    importing('bench/run.ts', '../sims/cli.ts', /bench does not know sims/);
    finds(floors, { 'core/ecs/task.ts': "export type { Simulate } from '../simulate.ts';" }, /simulate\.ts/);
    finds(floors, { 'core/ecs/task.ts': "import type {\n  A,\n  B,\n} from '../simulate.ts';" }, /task\.ts:1/);
    finds(floors, { 'core/ecs/task.ts': "import '../simulate.ts';" }, /task\.ts:1/);
    finds(floors, { 'core/ecs/task.ts': "const late = import('../simulate.ts');" }, /task\.ts:1/);

    importing('core/ecs/placement/engine.ts', '../task.ts');
    importing('core/ecs/placement/engine.ts', '../../ec2/index.ts');
    importing('core/autoscaling/scalers/stepScaling.ts', '../../kernel/index.ts');
    importing('core/ec2/instanceTypes.ts', './instanceTypes.json');
    importing('core/simulate.ts', './world.ts');
    importing('core/world.ts', './ecs/index.ts');
    importing('core/projections/cost.ts', '../world.ts');
    importing('core/index.ts', './simulate.ts');
    importing('core/index.ts', './projections/index.ts');
    importing('sims/cli.ts', '../core/index.ts');
    importing('bench/calendar.ts', '../core/kernel/index.ts');
    importing('property-tests/rooms/ecs.test.ts', '../../core/ecs/task.ts');
    importing('property-tests/sims/cli.test.ts', '../../sims/cli.ts');
    finds(floors, { 'core/ecs/task.ts': "// import { x } from '../world.ts';\n`import { x } from '../world.ts';`;" });
  });

  test('packages: Node, and packages out of their place', () => {
    findsIn(
      packages,
      'core/ecs/task.ts',
      "import { readFileSync } from 'node:fs';",
      /^core\/ecs\/task\.ts:1: .*nothing from Node/,
    );
    findsIn(packages, 'core/ecs/task.ts', "import fs from 'fs';", /rxjs, immer, zod, croner and re2js only/);
    findsIn(packages, 'core/ecs/task.ts', "import yaml from 'yaml';", /rxjs, immer, zod, croner and re2js only/);
    findsIn(packages, 'core/ecs/task.ts', "import { map } from 'rxjs';", /pipelines live in controller\.ts/);
    findsIn(packages, 'core/ecs/task.ts', "import { map } from 'rxjs/operators';", /only/);
    findsIn(packages, 'core/ecs/task.ts', "import { produce } from 'immer';", /only kernel\/timeline\.ts calls immer/);
    findsIn(
      packages,
      'core/ecs/task.ts',
      "import { produce, type Immutable } from 'immer';",
      /only kernel\/timeline\.ts calls immer/,
    );
    findsIn(
      packages,
      'core/ecs/task.ts',
      "import { Cron } from 'croner';",
      /only autoscaling\/schedule\.ts knows calendars/,
    );

    findsIn(
      packages,
      'core/ecs/task.ts',
      "import { RE2JS } from 're2js';",
      /only ecs\/placement\/query\.ts reads expressions of users/,
    );

    findsIn(packages, 'core/ecs/controller.ts', "import { map } from 'rxjs';");
    findsIn(packages, 'core/kernel/streams.ts', "import { Subject } from 'rxjs';");
    findsIn(packages, 'core/kernel/timeline.ts', "import { produce } from 'immer';");
    findsIn(packages, 'core/ecs/task.ts', "import type { Immutable } from 'immer';");
    findsIn(packages, 'core/ecs/task.ts', "import { type Immutable } from 'immer';");
    findsIn(packages, 'core/ecs/task.ts', "import { z } from 'zod';");
    findsIn(packages, 'core/autoscaling/schedule.ts', "import { Cron } from 'croner';");
    findsIn(packages, 'core/ecs/placement/query.ts', "import { RE2JS } from 're2js';");
    findsIn(packages, 'sims/cli.ts', "import { readFileSync } from 'node:fs';");
  });

  test('words: each banned word is found, and its replacement named', () => {
    const planted = [
      'const t = Date.now();',
      'const t = new Date();',
      'const t = new Date;',
      'const t = Date();',
      'const h = new Date(atMs).getHours();',
      'const t = performance.now();',
      'const u = Math.random();',
      'const id = crypto.randomUUID();',
      'setTimeout(go, 1);',
      'queueMicrotask(go);',
      'async function go() {}',
      'const all = Promise.all(list);',
      'const home = process.env.HOME;',
      'console.log(x);',
      'list.sort((a, b) => a.localeCompare(b));',
      'const s = count.toLocaleString();',
      "const f = new Intl.DateTimeFormat('en');",
      'const copy = structuredClone(world);',
      'for (const key in record) go(key);',
      'export enum Colour { Red }',
      'const enum Colour { Red }',
      'namespace Aws { }',
      'const x: any = 1;',
      'const x = y as any;',
      'function f(list: any[]) {}',
      'const s = `now ${Date.now()}`;',
    ];
    const hit = new Set<RegExp>();
    for (const line of planted) {
      const breaches = words(made({ 'core/ecs/task.ts': `/* any */\n${line}` }));
      assert.notEqual(breaches.length, 0, line);
      for (const breach of breaches) assert.match(breach, /^core\/ecs\/task\.ts:2: .+: write .+/);
      for (const { word } of bannedWords) if (word.test(partsOf({ path: '', text: line }).code)) hit.add(word);
    }
    for (const { word } of bannedWords) assert.ok(hit.has(word), `nothing was planted for ${word.source}`);
    finds(words, { 'core/ecs/task.ts': '\n// @ts-ignore\nconst x = 1;' }, /task\.ts:2: @ts-ignore: make the types/);
  });

  test('words: pure dates, names that merely look alike, strings and comments are left alone', () => {
    for (const line of [
      'const t = new Date(atMs).toISOString();',
      "const t = new Date('2030-01-01').getUTCHours();",
      'const t = Date.parse(text) + Date.UTC(2030, 0);',
      'const z = zod.enum([1]);',
      'const metric = { namespace: 1, anyone: 2, processed: 3 };',
      'for (const key of keys) go(key);',
      "if ('x' in record) go();",
      '// Math.random() would be wrong here, and so would any await',
      '/* console.log(1) */',
      "const s = 'Date.now()';",
      'const s = `Math.random() is ${banned}`;',
      'const p = /Date.now()|any/.test(text);',
    ])
      finds(words, { 'core/ecs/task.ts': line });
    finds(words, { 'core/autoscaling/schedule.ts': "const f = new Intl.DateTimeFormat('en', { timeZone });" });
    finds(words, { 'sims/cli.ts': 'console.log(Date.now());' });
  });

  test('operators: what remembers or waits is found', () => {
    finds(
      operators,
      { 'core/ecs/controller.ts': "import {\n  map,\n  scan,\n  delay as later,\n  type Observer,\n} from 'rxjs';" },
      /^core\/ecs\/controller\.ts:1: scan from rxjs: keep memory in the world/,
      /^core\/ecs\/controller\.ts:1: delay from rxjs/,
    );
    finds(operators, { 'core/ecs/controller.ts': "import { Subject } from 'rxjs';" }, /Subject/);
    finds(operators, { 'core/ecs/controller.ts': "import * as rxjs from 'rxjs';" }, /\* from rxjs/);
    finds(operators, { 'core/ecs/controller.ts': "import { share } from 'rxjs/operators';" }, /share/);

    finds(operators, { 'core/kernel/streams.ts': "import { merge, Observable, Subject } from 'rxjs';" });
    finds(operators, { 'core/ecs/controller.ts': "import { Observable } from 'rxjs';" }, /Observable/);
    finds(operators, {
      'core/ecs/controller.ts': "import { filter, map, mergeMap, concatMap, merge, EMPTY, of } from 'rxjs';",
    });
    finds(operators, { 'core/ecs/controller.ts': "import type { Subscription } from 'rxjs';" });
    finds(operators, { 'sims/live.ts': "import { scan } from 'rxjs';" });
  });

  test('dead files: what nothing leads to is found, a worker and its own imports are not', () => {
    const alive = {
      'core/index.ts': "export { simulate } from './simulate.ts';",
      'core/simulate.ts': "import { a } from './ecs/index.ts';",
      'core/ecs/index.ts': "export { a } from './task.ts';",
      'core/ecs/task.ts': 'export const a = 1;',
      'sims/cli.ts': "new Worker(new URL('./pool/worker.ts', import.meta.url)); void import('./late.ts');",
      'sims/pool/worker.ts': "import '../helper.ts';",
      'sims/helper.ts': '',
      'sims/late.ts': '',
      'property-tests/a.test.ts': "import { lonely } from '../core/lonely.ts';",
    };
    finds(deadFiles, alive);
    finds(
      deadFiles,
      { ...alive, 'core/ecs/lonely.ts': "import { a } from './task.ts';", 'bench/lost.ts': '' },
      /^core\/ecs\/lonely\.ts:1: nothing leads here .*: import it or delete it/,
      /^bench\/lost\.ts:1/,
    );
  });

  test('dead exports: what nobody imports is found, in a file and in a door', () => {
    const alive = {
      'core/index.ts': "export { a, type Kind } from './ecs/index.ts';",
      'core/ecs/index.ts': "export { a, b as c, type Kind } from './task.ts';",
      'core/ecs/task.ts': 'export const a = 1;\nexport function b() {}\nexport type Kind = 1;\nexport class Seen {}',
      'core/world.ts': "import { c } from './ecs/index.ts';",
      'property-tests/a.test.ts': "import * as tasks from '../core/ecs/task.ts';\nnew tasks.Seen();",
    };
    finds(deadExports, alive);
    finds(
      deadExports,
      {
        ...alive,
        'core/ecs/index.ts': `${alive['core/ecs/index.ts']}\nexport {\n  type Unasked,\n  d,\n} from './more.ts';`,
        'core/ecs/more.ts':
          '\nexport interface Unasked {}\nexport const d = 1;\nexport abstract class Unseen {}\nconst own = 1;',
        'core/roof.ts': "import { d } from './ecs/index.ts'; // import { Unseen, Unasked }",
      },
      /^core\/ecs\/index\.ts:3: nobody imports Unasked: drop/,
      /^core\/ecs\/more\.ts:4: nobody imports Unseen/,
    );
  });

  test('file names: snake, kebab and Pascal are found', () => {
    const bad = ['core/ecs/task_definition.ts', 'core/ecs/task-definition.ts', 'core/ecs/Task.ts', 'core/my-room/a.ts'];
    for (const path of bad) finds(fileNames, { [path]: '' }, /:1: .*camelCase/);
    for (const path of ['core/ecs/taskDefinition.ts', 'property-tests/kernel/log.test.ts', 'sims/seatrial.mjs'])
      finds(fileNames, { [path]: '' });
  });

  test('exports: default and star are found', () => {
    finds(namedExports, { 'core/a.ts': '\nexport default 1;' }, /^core\/a\.ts:2: export default: export by name/);
    finds(namedExports, { 'core/a.ts': "export * from './b.ts';" }, /export \*/);
    finds(namedExports, { 'core/a.ts': "export * as b from './b.ts';" }, /export \*/);
    finds(namedExports, { 'core/a.ts': "// export default\nexport const text = 'export default';" });
  });

  test('left-overs: marks in comments, and tests that would not run or run alone', () => {
    for (const mark of ['TODO', 'FIXME', 'XXX', 'HACK'])
      finds(
        leftOvers,
        { 'core/a.ts': `const a = 1;\n// ${mark}: later` },
        new RegExp(`^core/a\\.ts:2: ${mark}: do it`),
      );
    finds(leftOvers, { 'property-tests/a.test.ts': "test.only('a', go);" }, /test\.only: every test runs/);
    finds(leftOvers, { 'property-tests/a.test.ts': "describe.skip('a', go);" }, /describe\.skip/);
    finds(leftOvers, { 'property-tests/a.test.ts': "test('a', { skip: true }, go);" }, /skip: true/);
    finds(leftOvers, { 'core/a.ts': "const mark = 'TODO';\nlist.skip(3);" });
  });

  test('the scanner: comments, strings, templates in templates, regular expressions and division', () => {
    const text = "a / b / 'c//d' // e 'f'\n`g${h + `i${j}`} // k` + /[/'\"`]l/.m /* n\no */ + (p) / q;";
    const { code, withStrings, comments } = partsOf({ path: '', text });
    assert.deepEqual([code, withStrings, comments].map(letters), ['abhjmpq', 'abcdhjmpq', 'efno']);
    for (const part of [code, withStrings, comments]) assert.equal(part.length, text.length);
    for (const part of [code, withStrings, comments]) assert.equal(part.split('\n').length, text.split('\n').length);
  });

  test('imports: names, renamed names, types, default, everything', () => {
    const [first, second, third] = importsOf({
      path: 'core/ecs/a.ts',
      text: "import b, { type C, d as e } from './b.ts';\nimport * as f from '../f.ts';\nexport type { G } from 'g';",
    });
    assert.deepEqual(first?.names, [
      { name: 'default', isType: false },
      { name: 'C', isType: true },
      { name: 'd', isType: false },
    ]);
    assert.deepEqual([first.target, first.isType, first.line], ['core/ecs/b.ts', false, 1]);
    assert.deepEqual([second?.everything, second?.target], ['f', 'core/f.ts']);
    assert.deepEqual([third?.target, third?.isType, third?.line], [undefined, true, 3]);
  });
});
