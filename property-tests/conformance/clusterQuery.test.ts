/** The cluster query language by AWS's examples and rules. @source spec/placement.md 3.3 to 3.5, 6.2 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import peggy from 'peggy';
import { ClusterQueryError, parseClusterQuery, printClusterQuery, type QueriedInstanceJson } from '../../core/index.ts';
import { meantExpressions, queriedInstances } from '../arbitraries.ts';

function instance(part: Partial<QueriedInstanceJson>): QueriedInstanceJson {
  return {
    ec2InstanceId: 'i-0',
    agentConnected: true,
    agentVersion: '1.99.1',
    registeredAt: '2026-01-01T00:00:00Z',
    runningTasksCount: 0,
    taskGroups: [],
    ...part,
    attributes: {
      'ecs.instance-type': 't2.small',
      'ecs.availability-zone': 'us-east-1a',
      'ecs.os-type': 'linux',
      'ecs.os-family': 'LINUX',
      ...part.attributes,
    },
  };
}

/** By a letter each. */
const fixture: Readonly<Record<string, QueriedInstanceJson>> = {
  a: instance({ attributes: { stack: 'prod' } }),
  b: instance({ attributes: { 'ecs.instance-type': 't2.medium', 'ecs.availability-zone': 'us-east-1b' } }),
  c: instance({
    ec2InstanceId: 'i-abcd1234',
    attributes: { 'ecs.instance-type': 'g2.2xlarge', 'ecs.availability-zone': 'us-east-1c', stack: 'test' },
    runningTasksCount: 1,
    taskGroups: ['service:production'],
  }),
  d: instance({
    ec2InstanceId: 'i-wxyx7890',
    attributes: { 'ecs.instance-type': 'g2.8xlarge', 'ecs.availability-zone': 'us-east-1d' },
    runningTasksCount: 2,
    taskGroups: ['database', 'databases'],
  }),
  e: instance({
    agentVersion: '1.14.4',
    registeredAt: '2018-02-12T23:59:59Z',
    attributes: { 'ecs.instance-type': 'p2.xlarge', stack: null },
    runningTasksCount: 1,
    taskGroups: ['service:daemon-service'],
  }),
  f: instance({
    agentConnected: false,
    agentVersion: '1.100.0',
    attributes: {
      'ecs.instance-type': 'm5.large',
      'ecs.os-type': 'windows',
      'ecs.os-family': 'WINDOWS_SERVER_2022_FULL',
      racks: '10',
    },
  }),
};

function selected(expression: string): string {
  const { matches } = parseClusterQuery(expression);
  return Object.entries(fixture)
    .filter(([, item]) => matches(item))
    .map(([name]) => name)
    .join('');
}

describe('W60: every documented expression', () => {
  for (const [id, expression, expected] of [
    ['E1', 'attribute:ecs.instance-type == t2.small', 'a'],
    ['E2', 'attribute:ecs.availability-zone in [us-east-1a, us-east-1b]', 'abef'],
    ['E3', 'attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d', 'c'],
    ['E4', 'task:group == service:production', 'c'],
    ['E5', 'not(task:group == database)', 'abcef'],
    ['E6', 'runningTasksCount == 1', 'ce'],
    ['E7', 'agentVersion < 1.14.5', 'e'],
    ['E8', 'registeredAt < 2018-02-13', 'e'],
    ['E9', "ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']", 'cd'],
    ['E10', '(attribute:stack == prod or attribute:stack == test) and runningTasksCount > 0', 'c'],
    ['E11', 'attribute:ecs.instance-type =~ t2.*', 'ab'],
    ['E12', 'task:group == databases', 'd'],
    ['E13', 'task:group == service:daemon-service', 'e'],
    ['E14', 'attribute:ecs.instance-type == g2.2xlarge', 'c'],
    ['E15', 'attribute:stack == prod', 'a'],
    ['E16: only instances that have the attribute', 'attribute:stack != prod', 'ce'],
    ['E17', 'attribute:ecs.instance-type in [t2.small, t2.medium]', 'ab'],
    ['E18', 'attribute:ecs.instance-type =~ t2.* and attribute:ecs.availability-zone == us-east-1a', 'a'],
    ['E19', 'attribute:ecs.os-family == WINDOWS_SERVER_2022_FULL', 'f'],
    ['E20', 'attribute:ecs.instance-type == p2.xlarge', 'e'],
    ['E21', 'attribute:ecs.os-type == linux', 'abcde'],
  ] as const)
    test(`${id}: ${expression}`, () => assert.equal(selected(expression), expected));
});

describe('3.3, 3.4: what the words mean', () => {
  for (const [expression, expected] of [
    ['not(attribute:stack == prod)', 'bcdef'],
    ['attribute:stack exists', 'ace'],
    ['attribute:stack !exists', 'bdf'],
    ['attribute:stack not_exists', 'bdf'],
    ['attribute:stack !in [prod]', 'ce'],
    ['attribute:stack !~ pro.*', 'ce'],
    ['agentVersion > 1.99.1', 'f'],
    ['agentVersion >= 1.99', 'abcdf'],
    ['agentConnected == false', 'f'],
    ['agentConnected in [true]', 'abcde'],
    ['ec2InstanceId =~ i-[a-d].*', undefined],
    ["ec2InstanceId =~ 'i-[a-d].*'", 'c'],
    ['registeredAt < 2018-02-13T00:00:00+00:00 or registeredAt == 2026-01-01T00:00:00', 'abcdef'],
    ['registeredAt >= 2018-02-13T00:59:59+01:00 and runningTasksCount == 1 and agentVersion < 2', 'ce'],
    ['task:group != database', 'abcef'],
    ['task:group !in [database, service:production]', 'abef'],
    ['attribute:racks > 9', 'f'],
    ['attribute:racks > x', ''],
    ['attribute:ecs.instance-type =~ t2', ''],
    // not before and before or
    ['attribute:stack == prod or agentConnected == true and runningTasksCount == 2', 'ad'],
    ['not attribute:stack exists and runningTasksCount == 2', 'd'],
    ['!attribute:stack exists', 'bdf'],
    ['!(attribute:stack exists)', 'bdf'],
    ['attribute:stack==prod||attribute:stack==test', 'ac'],
    ['attribute:ecs.instance-type in[t2.small]and attribute:stack exists', 'a'],
  ] as const)
    test(expression, () => {
      if (expected === undefined) assert.throws(() => parseClusterQuery(expression), ClusterQueryError);
      else assert.equal(selected(expression), expected);
    });

  test('=~ matches the whole value, or with regexMode find a part of it', () => {
    const { matches } = parseClusterQuery('attribute:ecs.instance-type =~ small', { regexMode: 'find' });
    assert.equal(matches(fixture['a']!), true);
    assert.equal(matches(fixture['b']!), false);
  });

  test('Java’s inline flags and quotes are understood, and a wicked pattern takes no time', () => {
    assert.equal(selected("attribute:stack =~ '(?i)PROD'"), 'a');
    assert.equal(selected("attribute:ecs.instance-type =~ '\\Qt2.small\\E'"), 'a');
    assert.equal(selected("attribute:stack =~ '(p+)+x'"), '');
  });
});

describe('what is refused, and where', () => {
  for (const [expression, offset, message] of [
    ['', 0, /end of input/],
    ['attribute:stack', 15, /an operator/],
    ['attribute:stack == ', 19, /a value/],
    ['attribute:stack = prod', 16, /an operator/],
    ['stack == prod', 0, /a subject/],
    ['Attribute:stack == prod', 0, /a subject/],
    ['attribute:stack == prod AND agentConnected == true', 24, /found/],
    ['attribute:stack == two words', 23, /found/],
    ['attribute:stack in prod', 19, /a list such as/],
    ['attribute:stack in []', 19, /a list such as/],
    ['(attribute:stack exists', 23, /end of input/],
    ['attribute:stack exists)', 22, /found/],
    ["attribute:stack == 'prod", 19, /a value/],
    ['attribute:stack == (prod)', 19, /a value/],
    ['runningTasksCount in [1]', 18, /found in for runningTasksCount, expected one of == != > >= < <=/],
    ['runningTasksCount == many', 21, /expected a whole number/],
    ['agentVersion =~ 1.*', 13, /found =~ for agentVersion/],
    ['agentVersion > new', 15, /expected a version/],
    ['registeredAt > yesterday', 15, /expected an instant/],
    ['registeredAt > 2018-02-30', 15, /expected an instant/],
    ['ec2InstanceId > i-1', 14, /found > for ec2InstanceId/],
    ['task:group exists', 11, /found exists for task:group/],
    ['agentConnected exists', 15, /found exists for agentConnected/],
    ["attribute:stack =~ 'a++'", 19, /possessive/],
    ["attribute:stack =~ '(?<=a)b'", 19, /look-around/],
    ['attribute:stack =~ \\p{Alpha}+', 19, /Alpha/],
    [`attribute:${'x'.repeat(129)} exists`, 0, /129 characters/],
    [`attribute:stack == ${'x'.repeat(1_990)}`, 2_000, /found 2009 characters, expected at most 2000/],
  ] as const)
    test(expression.slice(0, 60) || 'an empty expression', () =>
      assert.throws(
        () => parseClusterQuery(expression),
        (error) => {
          assert.equal(error instanceof ClusterQueryError, true);
          assert.equal((error as ClusterQueryError).offset, offset);
          assert.match((error as ClusterQueryError).message, message);
          assert.match((error as ClusterQueryError).message, new RegExp(`At character ${offset + 1}: `));
          return true;
        },
      ),
    );
});

describe('laws of the language', () => {
  test('it agrees with the meaning that a naive reading of the specification gives', () =>
    fc.assert(
      fc.property(
        meantExpressions,
        fc.array(queriedInstances, { minLength: 1, maxLength: 6 }),
        ({ text, means }, on) => {
          const { matches } = parseClusterQuery(text);
          for (const item of on) assert.equal(matches(item), means(item), `${text} of ${JSON.stringify(item)}`);
        },
      ),
      { numRuns: 600 },
    ));

  test('what is printed means the same, and printing it again changes nothing', () =>
    fc.assert(
      fc.property(meantExpressions, fc.array(queriedInstances, { minLength: 1, maxLength: 4 }), ({ text }, on) => {
        const printed = printClusterQuery(text);
        if (printed.length > 2_000) return;
        assert.equal(printClusterQuery(printed), printed);
        for (const item of on)
          assert.equal(parseClusterQuery(printed).matches(item), parseClusterQuery(text).matches(item), printed);
      }),
      { numRuns: 200 },
    ));

  test('any other text is refused at a place within it', () =>
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          parseClusterQuery(text);
        } catch (error) {
          assert.equal(error instanceof ClusterQueryError, true);
          assert.equal(
            (error as ClusterQueryError).offset >= 0 && (error as ClusterQueryError).offset <= text.length,
            true,
          );
        }
      }),
      { numRuns: 300 },
    ));
});

test('the parser is what `npm run grammar` makes of the grammar', () => {
  const read = (name: string) =>
    readFileSync(fileURLToPath(new URL(`../../core/ecs/placement/${name}`, import.meta.url)), 'utf8');
  const source = peggy.generate(read('queryParser.peggy'), { output: 'source', format: 'es' });
  assert.equal(read('queryParser.js').trim(), source.trim());
});
