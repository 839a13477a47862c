/** Step scaling: steps that leave a gap, and pairs of policies that undo each other. */

import { matchingStep, stepScalingCapacity, type MetricAlarm, type StepScalingPolicy } from '../../core/index.ts';
import { formatNoun, formatValue } from '../report/format.ts';
import type { Facts } from './facts.ts';
import type { Finding, Lint } from './lint.ts';
import { metricKind, policiesOf, type PolicyFacts } from './policies.ts';

const STEP_SCALING = 'AWS, Application Auto Scaling, "How step scaling works"';

type StepPolicy = PolicyFacts & { readonly step: StepScalingPolicy };

function stepPolicies(facts: Facts): readonly StepPolicy[] {
  return policiesOf(facts).filter((policy): policy is StepPolicy => policy.step !== undefined);
}

const adjustmentsPath = ({ path, step }: StepPolicy, index?: number) => [
  ...path,
  'StepScalingPolicyConfiguration',
  'StepAdjustments',
  ...(index === undefined || step.StepScalingPolicyConfiguration.StepAdjustments.length === 0 ? [] : [index]),
];

/** Values on the alarm's side of its threshold: at it, just past it, and about every bound of a step. */
function valuesPast(policy: StepPolicy, { threshold, comparisonOperator: operator }: MetricAlarm): readonly number[] {
  const side = operator.startsWith('Greater') ? 1 : -1;
  const bounds = policy.step.StepScalingPolicyConfiguration.StepAdjustments.flatMap((adjustment) => [
    adjustment.MetricIntervalLowerBound ?? 0,
    adjustment.MetricIntervalUpperBound ?? 0,
  ]);
  const near = [...new Set([0, ...bounds])].flatMap((bound) => [bound - 1e-6, bound, bound + 1e-6]);
  const past = near.filter((beyond) => beyond * side > 0 || (beyond === 0 && operator.includes('OrEqual')));
  return past.map((beyond) => threshold + beyond).toSorted((a, b) => (a - b) * side);
}

export const gapInSteps: Lint = {
  title: 'an alarm that finds no step',
  source: `${STEP_SCALING}: when no step holds the metric, nothing happens`,
  find: (facts) =>
    stepPolicies(facts).flatMap((policy) =>
      policy.alarms.flatMap((alarm): readonly Finding[] => {
        const { threshold, comparisonOperator } = alarm;
        const stepAt = (metricValue: number) =>
          matchingStep(policy.step.StepScalingPolicyConfiguration, { metricValue, threshold, comparisonOperator });
        const values = valuesPast(policy, alarm);
        const uncovered = values.filter((value) => stepAt(value) === undefined);
        const [first] = uncovered;
        if (first === undefined) return [];
        const none = uncovered.length === values.length;
        const covered = values.find((value) => stepAt(value) !== undefined);
        return [
          {
            severity: none ? 'serious' : 'warning',
            path: adjustmentsPath(policy),
            what: none
              ? `policy "${policy.name}" of "${policy.service.name}" never changes anything`
              : `policy "${policy.name}" of "${policy.service.name}" does nothing while its metric is between ${formatValue(first)} and ${formatValue(covered ?? first)}`,
            why: none
              ? `its alarm is ${comparisonOperator.startsWith('Greater') ? 'above' : 'below'} ${formatValue(threshold)}, and all of its steps are on the other side: bounds are of the metric less the threshold`
              : `the alarm is on from ${formatValue(threshold)}, and the first step begins at ${formatValue(covered ?? first)}`,
            help: none ? 'turn the signs of the bounds' : 'let the first step begin at 0, or move the threshold',
          },
        ];
      }),
    ),
};

/**
 * The smallest number of tasks at which a scale-out is undone at once: the metric at the threshold, shared among the tasks
 * that are then there, is where the other policy scales in.
 */
function flapsAt(out: StepPolicy, high: MetricAlarm, inward: StepPolicy, low: MetricAlarm) {
  const { MinCapacity: minCapacity, MaxCapacity: maxCapacity } = out.target.config;
  const call = (policy: StepPolicy, alarm: MetricAlarm, metricValue: number, currentCapacity: number) =>
    stepScalingCapacity(policy.step.StepScalingPolicyConfiguration, {
      metricValue,
      threshold: alarm.threshold,
      comparisonOperator: alarm.comparisonOperator,
      currentCapacity,
      minCapacity,
      maxCapacity,
    });
  for (let tasks = Math.max(1, minCapacity); tasks < maxCapacity; tasks++) {
    const more = call(out, high, high.threshold, tasks);
    const value = (high.threshold * tasks) / more;
    const isLow = low.comparisonOperator === 'LessThanThreshold' ? value < low.threshold : value <= low.threshold;
    if (more > tasks && isLow && call(inward, low, value, more) <= tasks) return { tasks, more, value };
  }
  return undefined;
}

export const stepsFlap: Lint = {
  title: 'two step policies that undo each other',
  source: `${STEP_SCALING}: adjustments count from the running tasks; no policy asks whether another one will undo it`,
  find: (facts) => {
    const all = stepPolicies(facts);
    return all.flatMap((out) =>
      out.alarms.flatMap((high) =>
        all.flatMap((inward) =>
          inward.alarms.flatMap((low): readonly Finding[] => {
            if (inward.service !== out.service || metricKind(high.request) === 'other') return [];
            if (!high.comparisonOperator.startsWith('Greater') || !low.comparisonOperator.startsWith('Less')) return [];
            if (JSON.stringify(high.request) !== JSON.stringify(low.request)) return [];
            const found = flapsAt(out, high, inward, low);
            if (found === undefined) return [];
            const { tasks, more, value } = found;
            return [
              {
                severity: 'warning',
                path: adjustmentsPath(inward),
                what: `"${out.service.name}" goes up and down without end under a steady load, at ${formatNoun(tasks, 'task')} and ${more}`,
                why: `at ${formatValue(high.threshold)} policy "${out.name}" makes ${more} of ${formatNoun(tasks, 'task')}; shared by them the metric is ${formatValue(value)}, where policy "${inward.name}" scales in below ${formatValue(low.threshold)} and leads back`,
                help: `lower the threshold of "${inward.name}" to less than ${formatValue(Math.floor(value))}, or raise MinCapacity to where one task more matters less`,
              },
            ];
          }),
        ),
      ),
    );
  },
};
