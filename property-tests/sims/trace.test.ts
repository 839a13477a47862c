/** Traces: one series in any dialect is one series, and every mistake says where it is. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { MINUTE, SECOND } from '../../core/kernel/time.ts';
import { InputError } from '../../sims/input/inputError.ts';
import { readTrace, type TraceOptions } from '../../sims/input/trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'seatrial-trace-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'trace.csv');

function read(content: string | Uint8Array, options?: TraceOptions) {
  writeFileSync(file, content);
  return readTrace(file, options);
}

/** Lines of the message, without the name of the file. */
function complaints(content: string | Uint8Array): readonly string[] {
  try {
    read(content);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message.split('\n').map((line) => line.slice(file.length + 1).trimStart());
  }
  return [];
}

const total = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);

// Laws --------------------------------------------------------------------------------------------------------------

const iso = (ms: number) => new Date(ms).toISOString();
const stamps: Readonly<Record<string, (ms: number) => string>> = {
  iso,
  'ISO without zone': (ms) => iso(ms).slice(0, -1),
  spaced: (ms) => iso(ms).slice(0, 19).replace('T', ' '),
  'with slashes': (ms) => iso(ms).slice(0, 19).replaceAll('-', '/').replace('T', ' '),
  'with an offset': (ms) => `${iso(ms + 90 * MINUTE).slice(0, 19)}+01:30`,
  'with a western offset': (ms) => `${iso(ms - 300 * MINUTE).slice(0, 19)}-0500`,
  'epoch seconds': (ms) => String(ms / SECOND),
  'epoch milliseconds': (ms) => String(ms),
};

const seriesOf = fc.record({
  startMs: fc.integer({ min: 200_000_000, max: 4_000_000_000 }).map((seconds) => seconds * SECOND),
  periodMs: fc.constantFrom(SECOND, MINUTE, 5 * MINUTE, 60 * MINUTE),
  values: fc.array(fc.oneof(fc.nat(1_000_000), fc.double({ min: 0, max: 1e6, noNaN: true })), {
    minLength: 2,
    maxLength: 40,
  }),
});
const dialect = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t'),
  newline: fc.constantFrom('\n', '\r\n'),
  header: fc.constantFrom(undefined, 'timestamp value', 'time requests', 'date count', 'datetime RequestCount'),
  mark: fc.constantFrom('', '\uFEFF'),
  quoted: fc.boolean(),
  trailing: fc.boolean(),
  commented: fc.boolean(),
  extra: fc.boolean(),
  stamp: fc.constantFrom(...Object.keys(stamps)),
});

test('a series reads back the same from every dialect', () => {
  fc.assert(
    fc.property(seriesOf, dialect, ({ startMs, periodMs, values }, style) => {
      const cell = (text: string) => (style.quoted ? `"${text}"` : text);
      const row = (...cells: string[]) =>
        [...cells, ...(style.extra ? ['a "b"'.replaceAll('"', style.quoted ? '""' : '')] : [])]
          .map(cell)
          .join(style.delimiter);
      const lines = [
        ...(style.commented ? ['# from a load balancer', ''] : []),
        ...(style.header === undefined ? [] : [row(...style.header.split(' '))]),
        ...values.map((value, index) => row(stamps[style.stamp]!(startMs + index * periodMs), String(value))),
        ...(style.trailing ? [''] : []),
      ];
      const content = style.mark + lines.join(style.newline);
      const trace = read(content);
      assert.deepEqual(trace.series, {
        startMs,
        endMs: startMs + values.length * periodMs,
        offsetsMs: values.map((_, index) => index * periodMs),
        requests: values,
        periodsMs: values.map(() => periodMs),
      });
      assert.equal(trace.clock, 'absolute');
      assert.equal(trace.rows, values.length);
      assert.equal(trace.sha256, createHash('sha256').update(content).digest('hex'));
    }),
    { numRuns: 500 },
  );
});

test('an index counts in the unit of its name, from the first row', () => {
  const units = { second: SECOND, minutes: MINUTE, hour: 60 * MINUTE, elapsed_ms: 1 };
  fc.assert(
    fc.property(fc.constantFrom(...Object.entries(units)), fc.nat(1000), ([name, unitMs], first) => {
      const trace = read(`${name},count\n${first},42\n${first + 1},62\n${first + 2},0\n`);
      assert.equal(trace.clock, 'relative');
      assert.deepEqual(trace.series, {
        startMs: 0,
        endMs: 3 * unitMs,
        offsetsMs: [0, unitMs, 2 * unitMs],
        requests: [42, 62, 0],
        periodsMs: [unitMs, unitMs, unitMs],
      });
    }),
  );
});

test('with irregular steps, periods meet without overlap, and requests in the file are kept', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.nat(1000)), { minLength: 2, maxLength: 50 });
  fc.assert(
    fc.property(steps, (rows) => {
      let minute = 0;
      const lines = rows.map(([step, count]) => `${(minute += step)},${count}`);
      const { series, periodMs } = read(`minute,count\n${lines.join('\n')}`);
      const ends = series.offsetsMs.map((offset, index) => offset + series.periodsMs[index]!);
      assert.deepEqual([...series.offsetsMs.slice(1), series.endMs], ends);
      assert.ok(series.periodsMs.every((ms) => ms > 0));
      const firstMinute = rows[0]![0];
      const starts = new Set(lines.map((line) => (Number(line.split(',')[0]) - firstMinute) * MINUTE));
      const inFile = series.offsetsMs.flatMap((offset, index) => (starts.has(offset) ? [index] : []));
      assert.ok(inFile.every((index) => series.periodsMs[index]! <= 1.5 * periodMs));
      assert.equal(total(inFile.map((index) => series.requests[index]!)), total(rows.map(([, count]) => count)));
    }),
  );
});

test('a rate and its counts are the same traffic', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { minLength: 2 }), (rates) => {
      const lines = (value: (rate: number) => number) =>
        rates.map((rate, minute) => `${minute},${value(rate)}`).join('\n');
      const asRates = read(`minute,rps\n${lines((rate) => rate)}`);
      assert.equal(asRates.unit, 'requests-per-second');
      assert.deepEqual(asRates.series, read(`minute,count\n${lines((rate) => rate * 60)}`).series);
      assert.deepEqual(
        asRates.series,
        read(
          lines((rate) => rate),
          { unit: 'requests-per-second' },
        ).series,
      );
    }),
  );
});

test('whatever happens to the bytes, the answer is a trace or an InputError', () => {
  const sound = Buffer.from(
    '\uFEFFtimestamp,value,note\r\n# c\r\n2014-04-10 00:04:00,94.0,"a,b"\r\n2014-04-10 00:09:00,"56.0",x\r\n2014-04-10T00:14:00Z,1e2,"""q"""\r\n2014-04-10 00:34:00,0,\r\n',
  );
  const at = fc.nat(sound.length - 1);
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\r\n\t "\',;#-+.e0123456789:TZ')));
  const replaced = fc.array(fc.tuple(at, byte), { minLength: 1, maxLength: 6 }).map((changes) => {
    const copy = Buffer.from(sound);
    for (const [index, value] of changes) copy[index] = value;
    return copy;
  });
  const cut = at.map((end) => sound.subarray(0, end));
  fc.assert(
    fc.property(fc.oneof(cut, replaced), (bytes) => {
      complaints(bytes);
    }),
    { numRuns: 1000 },
  );
});

// Mistakes ----------------------------------------------------------------------------------------------------------

const A = '2014-04-10 00:00:00';
const B = '2014-04-10 00:05:00';
const C = '2014-04-10 00:10:00';
const NUMBER = 'expected a number of at least 0, such as 94.5';
const WHOLE = 'expected a CSV file with a time and a number of requests in each row';

const broken: Readonly<Record<string, readonly [content: string | Uint8Array, ...messages: string[]]>> = {
  'a negative value': [`timestamp,value\n${A},1\n${B},-1`, `3:21: found "-1", ${NUMBER}`],
  NaN: [`timestamp,value\n${A},NaN\n${B},1`, `2:21: found "NaN", ${NUMBER}`],
  Infinity: [`timestamp,value\n${A},1\n${B},Infinity`, `3:21: found "Infinity", ${NUMBER}`],
  'a number beyond all traffic': [`timestamp,value\n${A},1\n${B},1e300`, `3:21: found "1e300", ${NUMBER}`],
  'an empty value': [`timestamp,value\n${A},\n${B},1`, `2:21: found nothing, ${NUMBER}`],
  'text for a value, twice': [
    `${A},1\n${B},many\n${C},"more"`,
    `2:21: found "many", ${NUMBER}`,
    `3:21: found "more", ${NUMBER}`,
  ],
  'a decimal comma': [`timestamp;value\n${A};1\n${B}; 94,5`, `3:22: found "94,5", ${NUMBER}`],
  'a missing column': [`timestamp,value\n${A},1\n${B}`, '3: found 1 column, expected at least 2'],
  'one column': [
    `value\n1\n2`,
    '1: found one column, expected two or more with a comma, semicolon or tab between them',
  ],
  'a day that does not exist': [
    `timestamp,value\n${A},1\n2014-04-31 00:00:00,1`,
    '3:1: found "2014-04-31 00:00:00", expected a timestamp such as 2014-04-10 00:04:00',
  ],
  'a date of another country': [
    '10/04/2014 00:04,94\n10/04/2014 00:09,56',
    ...[1, 2].map(
      (line) =>
        `${line}:1: found "10/04/2014 00:0${line === 1 ? 4 : 9}", expected a time such as 2014-04-10 00:04:00, or a number`,
    ),
  ],
  'another kind of time in the middle': ['minute,count\n0,1\nA,2', '3:1: found "A", expected a number of minutes'],
  'a row out of order': [
    `timestamp,value\n${A},1\n${C},2\n${B},3`,
    `4: found the time "${B}", which is before "${C}" on line 3, expected a later one`,
  ],
  'the newest row first': [
    `timestamp,value\n${C},1\n${B},2\n${A},3`,
    'found the newest row first, expected the oldest first: reverse the file',
  ],
  'two values at one time': [
    `timestamp,value\n${A},1\n${B},2\n${B},3`,
    `4: found the time "${B}" again, with 3 where it has 2 on line 3, expected one number`,
  ],
  'a first row that is no header': [
    '0.5,2306.0;\n1.5,3360.0;',
    ...[1, 2].flatMap((line) => [
      `${line}:1: found "${line - 0.5},${line === 1 ? '2306' : '3360'}.0", expected a time such as 2014-04-10 00:04:00, or a number`,
      `${line}:12: found nothing, ${NUMBER}`,
    ]),
  ],
  'no rows': ['timestamp,value\n', 'found 0 rows of data, expected at least 2'],
  'one row': [`timestamp,value\n${A},1\n${A},1`, 'found 1 row of data, expected at least 2'],
  'only comments': ['# a\n\n# b\n', 'found 0 rows of data, expected at least 2'],
  'a quote that stays open': [
    `timestamp,value\n${A},"1\n${B},2\n${C},3`,
    '2: found a stray quote, expected quotes around a whole value or none',
  ],
  'a binary file': [Buffer.from(`${A},1\n\0`), `found a binary file (byte 22 is NUL), ${WHOLE}`],
  'UTF-16': [Buffer.from('\uFEFFa,b', 'utf16le'), `found text in UTF-16 instead of UTF-8, ${WHOLE}`],
  'Latin-1': [
    Buffer.from(`timestamp,value,place\n${A},1,Köln`, 'latin1'),
    '2: found bytes that are not UTF-8, expected text in UTF-8',
  ],
  'an empty file': ['', `found an empty file, ${WHOLE}`],
  'a line of 3 MiB': [
    `timestamp,value\n${'1'.repeat(3 * 1024 * 1024)}`,
    '2: found a line longer than 64 KiB, expected rows of a time and a number',
  ],
  'a line just over the limit': [
    `timestamp,value\n${A},1 ${' '.repeat(64 * 1024)}\n${B},1\n`,
    '2: found a line longer than 64 KiB, expected rows of a time and a number',
  ],
};

for (const [name, [content, ...messages]] of Object.entries(broken))
  test(`${name} is told with its place`, () => assert.deepEqual(complaints(content), messages));

test('a missing file and a directory are one sentence each', () => {
  assert.throws(() => readTrace('/nowhere.csv'), { message: `/nowhere.csv: found no file of this name, ${WHOLE}` });
  assert.throws(() => readTrace(folder), { message: `${folder}: found a directory with trace.csv in it, ${WHOLE}` });
});

test('of many mistakes the first twenty are told, and how many more there are', () => {
  const rows = Array.from({ length: 50 }, (_, minute) => `${minute},x`);
  const messages = complaints(`minute,count\n${rows.join('\n')}`);
  assert.equal(messages.length, 21);
  assert.equal(messages[0], `2:3: found "x", ${NUMBER}`);
  assert.equal(messages.at(-1), 'and 30 more problems');
});

// What is inferred --------------------------------------------------------------------------------------------------

test('a gap carries on the rate before it, and the notes say so', () => {
  const { series, notes } = read('minute,count\n0,6\n1,12\n4,3\n5,1\n6,1\n');
  assert.deepEqual(
    series.offsetsMs.map((ms) => ms / MINUTE),
    [0, 1, 2, 4, 5, 6],
  );
  assert.deepEqual(series.requests, [6, 12, 24, 3, 1, 1]);
  assert.deepEqual(notes, [
    'Time is column 1 ("minute"), requests are column 2 ("count").',
    'Times are an index in minutes (from the name "minute"); the series has no date and starts at its first row.',
    'One row covers 1 minute, the usual step between rows.',
    'Values are requests in each period, by default.',
    '1 gap (2 missing periods) filled with the rate before the gap, which adds 24 requests.',
  ]);
});

test('a step of up to 1.5 periods is one longer period', () => {
  const { series, notes } = read('second,count\n0,1\n60,1\n120,9\n210,1\n270,1\n');
  assert.deepEqual(
    series.periodsMs.map((ms) => ms / SECOND),
    [60, 60, 90, 60, 60],
  );
  assert.equal(notes.at(-1), 'Irregular steps: rows that last longer or shorter than that are 1 of 5.');
});

test('rows that repeat themselves are merged', () => {
  const { series, rows, notes } = read(`${A},1\n${A},1.0\n${B},2\n`);
  assert.deepEqual(series.requests, [1, 2]);
  assert.equal(rows, 3);
  assert.equal(notes[0], 'No header: time is column 1, requests are column 2.');
  assert.equal(notes.at(-1), 'Merged into the row before: 1 row with the same time and value.');
});

test('columns are found by their names, and by place when no name is known', () => {
  const named = read(`region,requests_per_second,timestamp\neu,2,${A}\neu,3,${B}`);
  assert.deepEqual(named.series.requests, [600, 900]);
  assert.deepEqual(named.notes, [
    'Time is column 3 ("timestamp"), requests are column 2 ("requests_per_second"); not used: "region".',
    'Timestamps are UTC unless they carry a zone.',
    'One row covers 5 minutes, the usual step between rows.',
    'Values are requests per second, from the name "requests_per_second".',
  ]);
  assert.equal(
    read('x,y\n0,1\n1,2').notes[0],
    'Time is column 1 ("x", taken by its place because no name is known), requests are column 2 ("y", taken by its place because no name is known).',
  );
});

test('what is asked for wins over what is inferred', () => {
  const { series, periodMs, unit, notes } = read('minute,rps\n0,5\n5,6\n', {
    unit: 'requests-per-period',
    periodMs: MINUTE,
  });
  assert.deepEqual([periodMs, unit], [MINUTE, 'requests-per-period']);
  assert.deepEqual(series.requests, [5, 20, 6]);
  assert.equal(notes[2], 'One row covers 1 minute, as asked; the usual step between rows is 5 minutes.');
  assert.equal(notes[3], 'Values are requests in each period, as asked.');
});

// Real traffic ------------------------------------------------------------------------------------------------------

const real = [
  {
    name: 'nab-elb-request-count/elb_request_count_8c0756.csv',
    rows: 4032,
    filled: 8,
    requests: 249_327,
    periodMs: 5 * MINUTE,
    clock: 'absolute',
  },
  {
    name: 'nasa-http-minute/per_minute.csv',
    rows: 84_332,
    filled: 0,
    requests: 3_461_596,
    periodMs: MINUTE,
    clock: 'relative',
  },
  {
    name: 'synthetic-nab/art_daily_perfect_square_wave.csv',
    rows: 4032,
    filled: 0,
    requests: 171_360,
    periodMs: 5 * MINUTE,
    clock: 'absolute',
  },
  {
    name: 'synthetic-nab/art_increase_spike_density.csv',
    rows: 4032,
    filled: 0,
    requests: 1_700,
    periodMs: 5 * MINUTE,
    clock: 'absolute',
  },
  {
    name: 'twitter-volume/Twitter_volume_AAPL.csv',
    rows: 15_902,
    filled: 0,
    requests: 1_360_453,
    periodMs: 5 * MINUTE,
    clock: 'absolute',
  },
  {
    name: 'twitter-volume/Twitter_volume_AMZN.csv',
    rows: 15_831,
    filled: 0,
    requests: 843_768,
    periodMs: 5 * MINUTE,
    clock: 'absolute',
  },
];

for (const { name, ...expected } of real) {
  const path = join(import.meta.dirname, '../../../shared/traces', name);
  const skip = existsSync(path) ? false : `${path} is not here`;
  test(`${name} is read as it was recorded`, { skip }, () => {
    const trace = readTrace(path);
    const { series, rows, periodMs, clock } = trace;
    const filled = series.offsetsMs.length - rows;
    const added = /adds ([\d,]+) request/.exec(trace.notes.at(-1) ?? '')?.[1]?.replaceAll(',', '') ?? '0';
    assert.deepEqual({ rows, filled, requests: total(series.requests) - Number(added), periodMs, clock }, expected);
    assert.equal(trace.sha256, createHash('sha256').update(readFileSync(path)).digest('hex'));
  });
}

// CloudWatch --------------------------------------------------------------------------------------------------------

test('what CloudWatch answers is the same series as a CSV of it, in whatever order its datapoints come', () => {
  fc.assert(
    fc.property(seriesOf, fc.boolean(), fc.infiniteStream(fc.nat()), ({ startMs, periodMs, values }, whole, luck) => {
      const at = (index: number) => iso(startMs + index * periodMs);
      const expected = read(values.map((value, index) => `${at(index)},${value}\n`).join('')).series;
      const shuffled = values.map((Sum, index) => ({ Timestamp: at(index), Sum, rank: luck.next().value as number }));
      shuffled.sort((a, b) => a.rank - b.rank);
      const answer = whole
        ? { Label: 'Hits', Datapoints: shuffled }
        : {
            MetricDataResults: [
              {
                Id: 'm1',
                Label: 'Hits',
                Timestamps: shuffled.map((one) => one.Timestamp),
                Values: shuffled.map((one) => one.Sum),
              },
              { Id: 'm2', Timestamps: [], Values: [] },
            ],
          };
      assert.deepEqual(read(JSON.stringify(answer)).series, expected);
    }),
    { numRuns: 50 },
  );
});

test('a minute without RequestCount had no requests', () => {
  const Datapoints = [0, 1, 2, 6, 7].map((minute) => ({ Timestamp: iso(minute * MINUTE), Sum: 60 }));
  const { series, notes } = read(JSON.stringify({ Label: 'RequestCount', Datapoints }));
  assert.equal(total(series.requests), 300);
  assert.match(notes.join(), /1 gap of RequestCount taken for no request/);
});

test('what the console of CloudWatch writes above its rows is read over', () => {
  const { series } = read(
    'Full label,app/web RequestCount\nLabel,RequestCount\nPeriod,300\nStatistic,Sum\n2026/11/01 00:00:00,120\n2026/11/01 00:05:00,130\n',
  );
  assert.deepEqual(series.requests, [120, 130]);
});

for (const [what, answer, expected] of [
  [
    'an average',
    { Datapoints: [{ Timestamp: iso(0), Average: 1 }] },
    /datapoints without Sum, expected the statistic Sum/,
  ],
  ['something else', { services: [] }, /JSON of something else, expected what aws cloudwatch/],
  [
    'two metrics',
    { MetricDataResults: ['a', 'b'].map((Id) => ({ Id, Timestamps: [iso(0)], Values: [1] })) },
    /found the metrics "a" and "b"/,
  ],
  ['nothing', { MetricDataResults: [] }, /found no datapoint/],
  ['fewer values than times', { MetricDataResults: [{ Id: 'a', Timestamps: [], Values: [1] }] }, /0 times and 1 value/],
] as const)
  test(`an answer of CloudWatch with ${what} is refused in a sentence`, () => {
    assert.match(complaints(JSON.stringify(answer)).join(), expected);
  });

test('broken JSON is refused in a sentence', () => {
  assert.match(complaints('{"Datapoints": [').join(), /a mistake of syntax in JSON/);
});

// Size --------------------------------------------------------------------------------------------------------------

test('a million minutes, one of them with a billion requests, are read in bounded memory', () => {
  const rows = Array.from({ length: 1_000_000 }, (_, minute) => `${minute},${minute === 7 ? 1_000_000_000 : 5}\n`);
  writeFileSync(file, `minute,count\n${rows.join('')}`);
  const program = `import { readTrace } from ${JSON.stringify(new URL('../../sims/input/trace.ts', import.meta.url).href)};
    const { rows, series } = readTrace(${JSON.stringify(file)});
    console.log(rows, series.requests[7]);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--max-old-space-size=160', '--import', 'tsx', '--input-type=module', '--eval', program],
    { cwd: fileURLToPath(new URL('../../', import.meta.url)), encoding: 'utf8' },
  );
  assert.equal(stdout, '1000000 1000000000\n', stderr);
});
