/** Documents: what is written is what is read, and every mistake says where it is, what was found and what was expected. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { duration, instant } from '../../core/kernel/input.ts';
import { documentProblems, readDocument } from '../../sims/input/document.ts';
import { InputError, formatProblem } from '../../sims/input/inputError.ts';

const folder = mkdtempSync(join(tmpdir(), 'seatrial-document-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'scenario.yaml');

const placement = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('spread'), field: z.string() }),
  z.strictObject({ type: z.literal('binpack'), field: z.enum(['cpu', 'memory']) }),
  z.strictObject({ type: z.literal('random') }),
]);
const service = z
  .strictObject({
    serviceName: z.string(),
    desiredCount: z.int().optional(),
    deploymentConfiguration: z.strictObject({ minimumHealthyPercent: z.int().min(0) }).optional(),
    placementStrategy: z.array(placement).optional(),
  })
  .refine(({ serviceName }) => serviceName !== 'bad', 'a service cannot be called bad');
const schema = z.strictObject({
  name: z.string().min(1).optional(),
  duration: duration.optional(),
  start: instant.optional(),
  seed: z.int().min(0).max(5000).default(1),
  share: z.number().gt(0).lte(1).optional(),
  weight: z.number().min(0).optional(),
  step: z.number().multipleOf(5).optional(),
  status: z.enum(['ENABLED', 'DISABLED']).optional(),
  on: z.boolean().optional(),
  tags: z.array(z.string()).min(1).max(2).optional(),
  sizes: z.record(z.string().regex(/^[a-z]+$/, 'expected a lower-case name'), z.int()).optional(),
  capacity: z.union([z.int(), z.literal('all'), z.strictObject({ min: z.int(), max: z.int() })]).optional(),
  services: z.array(service).optional(),
});

function read<S extends z.ZodType>(content: string | Uint8Array, as: S) {
  writeFileSync(file, content);
  return readDocument(file, as);
}

/** Lines of the message, without the name of the file. */
function complaints(content: string | Uint8Array): readonly string[] {
  try {
    read(content, schema);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message.split('\n').map((line) => line.slice(file.length + 1).trimStart());
  }
  return [];
}

const KEYS = 'expected name, duration, start, seed, share, weight, step, status, on, tags, sizes, capacity or 1 other';

const broken: Readonly<Record<string, readonly [content: string | Uint8Array, ...messages: string[]]>> = {
  'a word for a number': [
    'services:\n  - serviceName: a\n    desiredCount: two',
    '3:19 services[0].desiredCount: found "two", expected a whole number',
  ],
  'an unknown key near a known one': [
    'services:\n  - serviceName: a\n    depoyment: {}',
    '3:5 services[0]: found an unknown key "depoyment", did you mean "deploymentConfiguration"?',
  ],
  'several unknown keys': [
    'foo: 1\nServices: []',
    `1:1: found an unknown key "foo", ${KEYS}`,
    '2:1: found an unknown key "Services", did you mean "services"?',
  ],
  'a missing key': ['services:\n  - desiredCount: 1', '2:5 services[0].serviceName: found nothing, expected a string'],
  'a number too small': ['weight: -1', '1:9 weight: found -1, expected a number of at least 0'],
  'a number outside its range': ['seed: 5001', '1:7 seed: found 5001, expected a whole number from 0 to 5000'],
  'a number at an open end': ['share: 0', '1:8 share: found 0, expected a number above 0 and of at most 1'],
  'a fraction': ['seed: 1.5', '1:7 seed: found 1.5, expected a whole number from 0 to 5000'],
  'not a number': ['weight: .nan', '1:9 weight: found NaN, expected a number of at least 0'],
  infinity: ['weight: .inf', '1:9 weight: found Infinity, expected a number of at least 0'],
  'a wrong multiple': ['step: 7', '1:7 step: found 7, expected a multiple of 5'],
  'a choice misspelt': [
    'status: ENABLE',
    '1:9 status: found "ENABLE", expected "ENABLED" or "DISABLED", did you mean "ENABLED"?',
  ],
  'YAML 1.1 truth': ['on: yes', '1:5 on: found "yes", expected true or false'],
  'YAML 1.1 truth by directive': ['%YAML 1.1\n---\non: yes', '3:5 on: found "yes", expected true or false'],
  'a length of time without unit': [
    'duration: 90',
    '1:11 duration: found 90, expected a length of time such as 90s, 2m, 1.5h, 3d or 2w',
  ],
  'an instant in words': [
    'start: tomorrow',
    '1:8 start: found "tomorrow", expected an instant such as 2030-01-07T08:00:00Z',
  ],
  'a long value': [
    `seed: ${'x'.repeat(100)}`,
    `1:7 seed: found "${'x'.repeat(60)}…", expected a whole number from 0 to 5000`,
  ],
  'a value that would write on the terminal': [
    'seed: "\\u202e\\u001b[31m"',
    '1:7 seed: found "\\u202e\\u001b[31m", expected a whole number from 0 to 5000',
  ],
  'an empty string': ['name: ""', '1:7 name: found "", expected at least 1 character'],
  'an empty list': ['tags: []', '1:7 tags: found an empty list, expected at least 1 item'],
  'a long list': ['tags: [a, b, c]', '1:7 tags: found a list of 3 items, expected at most 2 items'],
  'a key of the wrong form': [
    'sizes: { A: 1, b: x }',
    '1:10 sizes: found the key "A", expected a lower-case name',
    '1:19 sizes.b: found "x", expected a whole number',
  ],
  'none of several forms': ['capacity: true', '1:11 capacity: found true, expected a whole number, "all" or a mapping'],
  'one of several forms, with mistakes': [
    'capacity: { min: 1, mx: 2 }',
    '1:11 capacity.max: found nothing, expected a whole number',
    '1:21 capacity: found an unknown key "mx", expected min or max',
  ],
  'an unknown discriminator': [
    'services: [{ serviceName: a, placementStrategy: [{ type: spred }] }]',
    '1:58 services[0].placementStrategy[0].type: found "spred", expected "spread", "binpack" or "random", did you mean "spread"?',
  ],
  'a missing discriminator': [
    'services: [{ serviceName: a, placementStrategy: [{}] }]',
    '1:50 services[0].placementStrategy[0].type: found nothing, expected "spread", "binpack" or "random"',
  ],
  'a key of another form': [
    'services: [{ serviceName: a, placementStrategy: [{ type: random, field: cpu }] }]',
    '1:66 services[0].placementStrategy[0]: found an unknown key "field", expected type',
  ],
  'a rule of several keys': [
    'services: [{ serviceName: bad }]',
    '1:12 services[0]: found a mapping, a service cannot be called bad',
  ],
  'a list at the top': ['- a', '1:1: found a list of 1 item, expected a mapping'],
  'a key twice': [
    'name: a\nname: b\nseed: x',
    '2:1: found the key "name" twice',
    '3:7 seed: found "x", expected a whole number from 0 to 5000',
  ],
  'a key twice in JSON': ['{"seed": 1, "seed": 2}', '1:13: found the key "seed" twice'],
  'an open bracket': [
    'tags: [a',
    '1:9: found a mistake of syntax: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  'an open quote': ['name: "a', '1:9: found a mistake of syntax: Missing closing "quote'],
  'a tab as indentation': ['seed: 1\n\tname: x', '2:1: found a mistake of syntax: Tabs are not allowed as indentation'],
  'a tag of CloudFormation': ['name: !Ref x', '1:7: found a mistake of syntax: Unresolved tag: !Ref'],
  'two documents': ['seed: 1\n---\nseed: 2', '2:1: found a second document, expected one in a file'],
  'an alias without anchor': ['name: *b', '1:7: found the alias *b with no anchor of that name before it'],
  'an alias inside itself': ['tags: &a [*a]', '1:11: found the alias *a inside the value it stands for'],
  'a merge of a number': ['<<: 3', 'found aliases that cannot be followed: Merge sources must be maps or map aliases'],
  'an alias bomb': [
    [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...['ab', 'bc', 'cd', 'de'].map(([from, to]) => `${to}: &${to} [${Array(9).fill(`*${from}`).join()}]`),
    ].join('\n'),
    'found aliases that cannot be followed: Excessive alias count indicates a resource exhaustion attack',
  ],
  'nesting without end': ['['.repeat(100_000), '1:201: found nesting deeper than 200 levels, expected less'],
  'an empty file': ['', 'found an empty file, expected a YAML or JSON document'],
  'comments only': ['# nothing\n', 'found nothing in the file, expected a YAML or JSON document'],
  'a binary file': [Buffer.from('a\0b'), 'found a binary file (byte 1 is NUL), expected a YAML or JSON document'],
  'UTF-16': [
    Buffer.from('\uFEFFa', 'utf16le'),
    'found text in UTF-16 instead of UTF-8, expected a YAML or JSON document',
  ],
  'Latin-1': [Buffer.from('seed: 1\nname: é\n', 'latin1'), '2: found bytes that are not UTF-8, expected text in UTF-8'],
  'a file too large': [
    Buffer.alloc(16 * 1024 * 1024 + 1, '#'),
    'found a file of more than 16 MiB, which is the limit, expected a YAML or JSON document',
  ],
};

for (const [name, [content, ...messages]] of Object.entries(broken))
  test(`${name} is told with its place`, () => assert.deepEqual(complaints(content), messages));

test('a missing file, a directory and an impossible name are one sentence each', () => {
  const of = (name: string) => {
    try {
      return readDocument(name, schema);
    } catch (error) {
      return error instanceof InputError ? error.message : error;
    }
  };
  assert.equal(of('/nowhere.yaml'), '/nowhere.yaml: found no file of this name, expected a YAML or JSON document');
  assert.equal(of(folder), `${folder}: found a directory with scenario.yaml in it, expected a YAML or JSON document`);
  assert.equal(
    of('a\0b'),
    'a\\u0000b: found a file that cannot be read (ERR_INVALID_ARG_VALUE), expected a YAML or JSON document',
  );
});

test('anchors, merges, a byte order mark and defaults are read', () => {
  const text =
    '\uFEFFcapacity: &c { min: 1, max: 2 }\nservices: [{ serviceName: a, deploymentConfiguration: { <<: &d { minimumHealthyPercent: 5 } } }]';
  assert.deepEqual(read(text, schema).value, {
    seed: 1,
    capacity: { min: 1, max: 2 },
    services: [{ serviceName: 'a', deploymentConfiguration: { minimumHealthyPercent: 5 } }],
  });
});

test('problems found later get the place of their path, or of what stands above it', () => {
  const { locate } = read('services:\n  - serviceName: a\n    desiredCount: 3\n', schema);
  const problems = [
    { path: ['services', 0, 'desiredCount'], message: 'found 3, expected 4' },
    { path: ['services', 0, 'taskDefinition', 'cpu'], message: 'found nothing, expected 256' },
    { path: [], message: 'found no load, expected some' },
  ];
  assert.deepEqual(documentProblems('s.yaml', locate, problems).map(formatProblem), [
    's.yaml:3:19 services[0].desiredCount: found 3, expected 4',
    's.yaml:2:5 services[0].taskDefinition.cpu: found nothing, expected 256',
    's.yaml:1:1: found no load, expected some',
  ]);
});

test('very many mistakes are cut', () => {
  const messages = complaints(`services: [${Array(150).fill('{ serviceName: 1 }').join()}]`);
  assert.equal(messages.length, 101);
  assert.equal(messages.at(-1), 'and 50 more problems');
});

test('any JSON value reads back as itself', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 2, '\t'), (text, indent) => {
      const written = JSON.stringify(JSON.parse(text), null, indent);
      assert.deepEqual(read(written, z.unknown()).value, JSON.parse(written));
    }),
    { numRuns: 500 },
  );
});

test('every value is located where it is written', () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(fc.integer(), fc.string()))),
      (list) => {
        const text = JSON.stringify(list, null, 2);
        const lines = text.split('\n');
        const { locate } = read(text, z.unknown());
        for (const [index, entry] of list.entries())
          for (const [key, value] of Object.entries(entry)) {
            const { line, column } = locate([index, key]);
            assert.ok(lines[line - 1]?.slice(column - 1).startsWith(JSON.stringify(value)));
          }
      },
    ),
  );
});

test('whatever happens to the bytes, the answer is a document or an InputError', () => {
  const sound = Buffer.from(
    'name: a\nsizes: &s { a: 1 }\ntags: [x, "y"]\nservices:\n  - serviceName: b\n    placementStrategy:\n      - { type: spread, field: cpu }\n# end\nz: { <<: *s }\n',
  );
  fc.assert(
    fc.property(mutationOf(sound), (bytes) => {
      complaints(bytes);
    }),
    { numRuns: 1000 },
  );
});

/** The bytes cut short, or with some of them replaced by other bytes. */
function mutationOf(bytes: Buffer): fc.Arbitrary<Buffer> {
  const at = fc.nat(bytes.length - 1);
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\n\t "\'[]{}:,&*!#-|>%@<.')));
  const replaced = fc.array(fc.tuple(at, byte), { minLength: 1, maxLength: 6 }).map((changes) => {
    const copy = Buffer.from(bytes);
    for (const [index, value] of changes) copy[index] = value;
    return copy;
  });
  return fc.oneof(
    at.map((end) => bytes.subarray(0, end)),
    replaced,
  );
}
