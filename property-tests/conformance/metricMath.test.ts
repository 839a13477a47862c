/** AWS's vectors and examples for metric math. @source spec/autoscaling.md 1.6, 8 (A6) */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluateMetricMath, MetricMathError } from '../../core/index.ts';

/** `30 - 0`: values, oldest first, and `-` where there is none. */
function points(text: string): (number | undefined)[] {
  return text.split(' ').map((value) => (value === '-' ? undefined : Number(value)));
}

type Row = readonly [expression: string, expected: string];

function table(name: string, metrics: Readonly<Record<string, string>>, rows: readonly Row[]): void {
  const series = Object.fromEntries(Object.entries(metrics).map(([id, text]) => [id, points(text)]));
  describe(name, () => {
    for (const [expression, expected] of rows)
      test(`${expression} is ${expected}`, () =>
        assert.deepEqual(evaluateMetricMath(expression, series, { periodS: 60 }), points(expected)));
  });
}

table('A6: comparisons and logic, AWS', { metric1: '30 20 0 0', metric2: '20 - 20 -' }, [
  ['metric1 < metric2', '0 0 1 0'],
  ['(metric1 < metric2)', '0 0 1 0'],
  ['(metric1 >= 30)', '1 0 0 0'],
  ['(metric1 > 15 AND metric2 > 15)', '1 0 0 0'],
  ['metric1 > 15 && metric2 > 15', '1 0 0 0'],
  ['metric1 > 15 OR metric2 > 15', '1 1 1 0'],
  ['metric1 > 15 || metric2 > 15', '1 1 1 0'],
  ['metric1 == metric2', '0 0 0 1'],
  ['metric1 != metric2', '1 1 1 0'],
  ['metric1 <= metric2', '0 0 1 1'],
]);

table('A6: IF, AWS', { c: '1 1 0 0 -', a: '30 - 0 0 30', b: '0 0 20 - 20' }, [
  ['IF(c, a, b)', '30 0 20 - -'],
  ['IF(c, 5, b)', '5 5 20 - -'],
  ['IF(c, a, 5)', '30 0 5 5 -'],
  ['IF(c, a)', '30 0 - - -'],
  ['IF(c, 5, 2)', '5 5 2 2 -'],
  ['IF(1, a, b)', '30 - 0 0 30'],
  ['IF(-0.5, a, b)', '30 - 0 0 30'],
  ['IF(0, a, b)', '0 0 20 - 20'],
  ['IF(0, a)', '- - - - -'],
  ['IF(a < 25, a)', '- - 0 0 -'],
  ['IF(a < 25, 10, 2)', '2 - 10 10 2'],
]);

table('arithmetic: missing values are 0, a division by zero drops the point', { m1: '6 - 4 5 -', m2: '3 2 0 - -' }, [
  ['m1 + m2', '9 2 4 5 -'],
  ['m1 - m2', '3 -2 4 5 -'],
  ['m1 * m2', '18 0 0 0 -'],
  ['m1 / m2', '2 0 - - -'],
  ['m2 ^ 2', '9 4 0 - -'],
  ['m2 ^ -1', '0.333333333333333 0.5 - - -'],
  ['(-m1) ^ 0.5', '- - - - -'],
  ['5 * m1', '30 - 20 25 -'],
  ['-m1', '-6 - -4 -5 -'],
  ['-5*m1', '-30 - -20 -25 -'],
  ['0 * -m2', '0 0 0 - -'],
  ['m1 / 0', '- - - - -'],
  ['m1 * 1e308 * 1e308', '- - - - -'],
]);

table('precedence, our choice', { one: '1' }, [
  ['one + 2 * 3 ^ 2', '19'],
  ['-2 ^ 2 * one', '-4'],
  ['2 ^ 3 ^ 2 * one', '512'],
  ['2 ^ -1 * one', '0.5'],
  ['10 - 4 - 3 * one', '3'],
  ['16 / 4 / 2 * one', '2'],
  ['one OR 0 AND 0', '1'],
  ['(one OR 0) AND 0', '0'],
  ['3 == 3 < 2 * one', '0'],
  ['--one', '1'],
  ['2.5e1 + .5 + 5. * one', '30.5'],
]);

table('FILL', { m1: '- 1 - - 4 -', m2: '9 9 - 8 9 9' }, [
  ['FILL(m1, 10)', '10 1 10 10 4 10'],
  ['FILL(m1, REPEAT)', '- 1 1 1 4 4'],
  ['FILL(m1, LINEAR)', '- 1 2 3 4 -'],
  ['FILL(m1, MIN(m1))', '1 1 1 1 4 1'],
  ['FILL(m1, m2)', '9 1 - 8 4 9'],
  ['SUM(FILL(METRICS(), 0))', '9 10 0 8 13 9'],
]);

table('statistics', { m1: '1 - 3 -', m2: '5 7 - -', e: '- - - -' }, [
  ['m1 - AVG(m1)', '0 - 2 -'],
  ['m1 - SUM(m1) / DATAPOINT_COUNT(m1)', '-1 - 1 -'],
  ['m1 - MIN(m1)', '0 - 2 -'],
  ['MAX(m1) / m1', '3 - 1 -'],
  ['m1 / STDDEV(m1)', '1 - 3 -'],
  ['AVG([m1, m2])', '3 3.5 1.5 -'],
  ['SUM(METRICS())', '6 7 3 -'],
  ['MIN([m1, m2])', '1 7 3 -'],
  ['MAX(METRICS("m"))', '5 7 3 -'],
  ['STDDEV([m1, m2])', '2 0 0 -'],
  ['DATAPOINT_COUNT(METRICS())', '2 1 1 0'],
  ['m1 - MAX(e)', '1 - 3 -'],
  ['m1 / MAX(e)', '- - - -'],
  ['TIME_SERIES(MAX(m1))', '3 3 3 3'],
  ['TIME_SERIES(5 * AVG(m1))', '5 5 5 5'],
  ['TIME_SERIES(MAX(e))', '- - - -'],
  ['TIME_SERIES(MAX(e) == MIN(e))', '- - - -'],
  ['TIME_SERIES(MAX(e) == 0)', '1 1 1 1'],
]);

table('from datapoint to datapoint, and each by itself', { m1: '-1.5 - 4.5 10.5', m2: '100 10 1 -10' }, [
  ['DIFF(m1)', '- - 6 6'],
  ['DIFF_TIME(m1)', '- - 120 60'],
  ['RATE(m1)', '- - 0.05 0.1'],
  ['m2 * PERIOD(m2) / 60', '100 10 1 -10'],
  ['RUNNING_SUM(m1)', '-1.5 - 3 13.5'],
  ['SUM(RUNNING_SUM([m1, m2]))', '98.5 110 114 114.5'],
  ['ABS(m1)', '1.5 - 4.5 10.5'],
  ['CEIL(m1)', '-1 - 5 11'],
  ['FLOOR(m1)', '-2 - 4 10'],
  ['LOG10(m2)', '2 1 0 -'],
  ['LOG(m2 * 0 + 1)', '0 0 0 0'],
]);

table('arrays', { low: '1 1', top: '9 8', errors4xx: '3 -', errors5xx: '4 -', empty: '- -' }, [
  ['SUM(100 / [low, top])', '111.11111111111111 112.5'],
  ['SUM(-[low, top])', '-10 -9'],
  ['AVG([low, top] / low)', '5 4.5'],
  ['SUM(METRICS("errors"))', '7 -'],
  ['SUM([METRICS("4xx"), METRICS(\'5xx\')])', '7 -'],
  ['low / METRIC_COUNT(METRICS())', '0.2 0.2'],
  ['low / METRIC_COUNT(REMOVE_EMPTY(METRICS()))', '0.25 0.25'],
  ['FIRST(SORT(METRICS(), AVG, DESC))', '9 8'],
  ['IF(FIRST(SORT(METRICS(), AVG, DESC)) > 8, 1, 0)', '1 0'],
  ['LAST(SORT(METRICS(), SUM, ASC))', '- -'],
  ['FIRST(SLICE(SORT(METRICS(), SUM, ASC), 1))', '3 -'],
  ['SUM(SLICE([low, top, errors4xx], 1, 3))', '12 8'],
  ['FIRST(SLICE([low, top], 1))', '9 8'],
  ['MAX(SORT(METRICS(), MAX, ASC, 2))', '3 1'],
  ['SUM(SORT([low, top], MIN, DESC, 1))', '9 8'],
  ['SUM(METRICS("nobody"))', '- -'],
]);

describe('what is refused, where, and why', () => {
  const metrics = { m1: [1, 2], m2: [3, 4] };
  for (const [expression, offset, message] of [
    ['', 0, /found the end at character 1, expected a metric/],
    ['m1 +', 4, /found the end at character 5, expected a metric/],
    ['m1 m2', 3, /found "m2" at character 4, expected an operator or the end/],
    ['m3', 0, /found "m3" .* expected a metric of the request \(m1, m2\)/],
    ['constructor', 0, /found "constructor"/],
    ['(m1', 3, /found the end .* expected an operator or \)/],
    ['[m1', 3, /found the end .* expected an operator, a comma or \]/],
    ['[]', 1, /found "\]"/],
    ['m1 $ 2', 3, /found "\$" at character 4/],
    ['SUM(METRICS("m))', 12, /found "m\)\)/],
    ['m1 = 2', 3, /found "="/],
    ['!m1', 0, /found "!"/],
    ['m1 and m2', 3, /found "and"/],
    ['m1 ANDm2', 3, /found "ANDm2"/],
    ['m1 + 1e999', 5, /found "1e999" .* expected a number up to/],
    ['abs(m1)', 0, /found "abs" .* expected a metric of the request/],
    ['NOPE(m1)', 0, /found NOPE .* expected one of the functions ABS, AVG/],
    ['1 + SEARCH(\'{AWS/ECS} cpu\', "Sum")', 4, /found SEARCH, which needs the metrics of the whole account/],
    ['LAST(ANOMALY_DETECTION_BAND(m1))', 5, /found ANOMALY_DETECTION_BAND, which needs a trained model/],
    ['INSIGHT_RULE_METRIC("rule", "Sum")', 0, /found INSIGHT_RULE_METRIC, which needs a rule/],
    ['SERVICE_QUOTA(m1)', 0, /found SERVICE_QUOTA, which needs the quotas/],
    ['IF(DAY(m1) < 6, m1)', 3, /found DAY, which needs the timestamps/],
    ['SUM(RATE(METRICS("nobody")))', 4, /found RATE .* expected to be given the period of the metrics, periodS/],
    ['DIFF_TIME(METRICS())', 0, /found DIFF_TIME .* periodS/],
    ['m1 / PERIOD(m1)', 5, /found PERIOD .* periodS/],
    ['m1 / PERIOD(m1 + 0)', 12, /found the result of an expression .* expected a metric/],
    ['AVG(m1)', 0, /found a number at character 1, expected a time series; TIME_SERIES makes one/],
    ['METRICS()', 0, /found an array of time series at character 1, expected a time series; FIRST takes one/],
    ['METRICS("nobody")', 0, /found an array of time series/],
    ['[m1, m2] + [m1]', 11, /found an array of time series .* expected a number or a time series/],
    ['[m1, m2] > 3', 0, /found an array of time series .* expected a number or a time series/],
    ['[m1, 3]', 5, /found a number .* expected a time series or an array/],
    ['m1 + REPEAT', 5, /found REPEAT .* expected a number or a time series/],
    ['m1 + "a"', 5, /found a text in quotes .* expected a number or a time series/],
    ['FILL(m1, NEAREST)', 9, /found NEAREST .* expected REPEAT or LINEAR/],
    ['SUM(SORT(METRICS(), STDDEV, ASC))', 20, /found STDDEV .* expected AVG or MIN or MAX or SUM/],
    ['SUM(SORT(METRICS(), SUM, UP))', 25, /found UP .* expected ASC or DESC/],
    ['IF(1, 5, m1)', 6, /found a number .* expected a time series/],
    ['ABS(5) + m1', 4, /found a number .* expected a time series or an array/],
    ['IF(m1)', 0, /found IF with 1 arguments .* expected it to have 2 to 3/],
    ['MAX(m1, m2)', 0, /found MAX with 2 arguments .* expected it to have 1/],
    [`m1${' '.repeat(2047)}`, 2048, /found 2049 characters .* expected at most 2048/],
  ] as const)
    test(expression.slice(0, 40) || 'nothing at all', () => {
      for (const series of [metrics, { m1: [], m2: [] }])
        assert.throws(
          () => evaluateMetricMath(expression, series),
          (error: unknown) => {
            assert.equal(error instanceof MetricMathError, true, String(error));
            assert.equal((error as MetricMathError).offset, offset);
            assert.match((error as MetricMathError).message, message);
            return true;
          },
        );
    });

  test('series of different lengths are our own mistake', () =>
    assert.throws(() => evaluateMetricMath('m1', { m1: [1], m2: [] }), { name: 'BrokenInvariantError' }));

  test('the deepest expressions that fit are read', () => {
    const fits = (before: string, after: string) => {
      const levels = Math.floor(2046 / (before.length + after.length));
      return `${before.repeat(levels)}m1${after.repeat(levels)}`;
    };
    for (const deep of [fits('(', ')'), fits('FIRST([', '])'), fits('ABS(', ')'), fits('-', ''), fits('', '^1')])
      assert.deepEqual(evaluateMetricMath(deep, { m1: [1, undefined] }), [1, undefined]);
  });
});
