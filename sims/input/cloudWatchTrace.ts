/** What `aws cloudwatch get-metric-statistics` and `get-metric-data` print, as rows of a time and a number. */

import { z } from 'zod';
import { counted, InputError } from './inputError.ts';

/** The AWS CLI writes times as texts, or as seconds since 1970 when it is asked for what went over the wire. */
const time = z.union([z.string(), z.number()]);
const statistics = z.looseObject({
  Label: z.string().default(''),
  Datapoints: z.array(
    z.looseObject({ Timestamp: time, Sum: z.number().optional(), SampleCount: z.number().optional() }),
  ),
});
const metricData = z.looseObject({
  MetricDataResults: z.array(
    z.looseObject({
      Id: z.string(),
      Label: z.string().default(''),
      Timestamps: z.array(time),
      Values: z.array(z.number()),
    }),
  ),
});

type Datapoint = readonly [time: string | number, value: number];

/**
 * Rows of CSV in the order of time. A load balancer reports no RequestCount for a minute without requests: nothing is what
 * such a gap holds, and a row says so.
 *
 * @returns the rows, and what was made of the answer in sentences
 * @throws InputError when it is another answer, of several metrics, or of none that counts
 * @source AWS, "CloudWatch metrics for your Application Load Balancer", RequestCount: reported if there is a nonzero value
 */
export function cloudWatchRows(
  file: string,
  text: string,
): { readonly rows: readonly string[]; readonly notes: readonly string[] } {
  const { label, datapoints, of } = metricOf(file, text);
  const inOrder = datapoints
    .map(([at, value]) => ({ atMs: typeof at === 'number' ? at * 1000 : Date.parse(at), at, value }))
    .toSorted((a, b) => a.atMs - b.atMs);
  const steps = inOrder.slice(1).map(({ atMs }, index) => atMs - (inOrder[index]?.atMs ?? atMs));
  const usualMs = steps.toSorted((a, b) => a - b)[(steps.length - 1) >> 1] ?? 0;
  const isCount = /\brequestcount/i.test(label);
  let quiet = 0;
  const rows = inOrder.flatMap(({ at, atMs, value }, index) => {
    const isQuiet = isCount && (steps[index] ?? 0) > 1.5 * usualMs;
    if (!isQuiet) return [`${at},${value}`];
    quiet += 1;
    const next = atMs + usualMs;
    return [`${at},${value}`, `${typeof at === 'number' ? next / 1000 : new Date(next).toISOString()},0`];
  });
  const gaps =
    quiet === 0 ? [] : [`${counted(quiet, 'gap')} of ${label} taken for no request: only what is above 0 is reported.`];
  return { rows, notes: [`${of}.`, ...gaps] };
}

function metricOf(file: string, text: string) {
  const refuse = (message: string) => new InputError([{ file, message }]);
  const expected =
    'what aws cloudwatch get-metric-statistics --statistics Sum or get-metric-data prints, or a CSV of timestamp,value';
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (error) {
    throw refuse(`found a mistake of syntax in JSON: ${(error as Error).message}`);
  }
  const single = statistics.safeParse(answer);
  if (single.success) {
    const { Label, Datapoints } = single.data;
    const statistic = (['Sum', 'SampleCount'] as const).find((name) => Datapoints.every((point) => name in point));
    if (statistic === undefined) throw refuse('found datapoints without Sum, expected the statistic Sum, which counts');
    const datapoints = Datapoints.map((point): Datapoint => [point.Timestamp, point[statistic] as number]);
    return { label: Label, datapoints, of: `CloudWatch's ${statistic} of ${JSON.stringify(Label)}` };
  }
  const several = metricData.safeParse(answer);
  if (!several.success) throw refuse(`found JSON of something else, expected ${expected}`);
  const [result, another] = several.data.MetricDataResults.filter(({ Values }) => Values.length > 0);
  if (result === undefined) throw refuse('found no datapoint, expected those of one metric');
  if (another !== undefined)
    throw refuse(`found the metrics "${result.Id}" and "${another.Id}", expected the datapoints of one metric`);
  const { Label, Id, Timestamps, Values } = result;
  if (Timestamps.length !== Values.length)
    throw refuse(
      `found ${counted(Timestamps.length, 'time')} and ${counted(Values.length, 'value')}, expected as many`,
    );
  const datapoints = Timestamps.map((at, index): Datapoint => [at, Values[index] as number]);
  return { label: Label || Id, datapoints, of: `CloudWatch's answer for ${JSON.stringify(Label || Id)}` };
}
