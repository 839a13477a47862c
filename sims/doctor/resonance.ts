/** Loads that swing at a pace at which scaling answers each wave with what the last one needed. */

import { MINUTE, type MetricAlarm } from '../../core/index.ts';
import { formatDuration, formatNoun } from '../report/format.ts';
import type { Lint } from './lint.ts';
import { policiesOf } from './policies.ts';
import type { LoadFacts } from './facts.ts';

/** From the end of an alarm's last datapoint to its call: publishing and evaluating, as runs have it. */
const PUBLISHED_AFTER_MS = 1.33 * MINUTE;
/** Waves of hours are not followed minute by minute. */
const LONGEST_MINUTES = 180;
/** Likeness of a load to itself a period later, from which on it is taken for a wave. */
const ALIKE = 0.7;
/** How far a load swings, in parts of its mean, to be worth following. */
const SWING = 0.3;

/** Minutes after which a load repeats itself; undefined when it does not, or hardly swings. */
export function wavePeriod({ rates, lookMs }: Pick<LoadFacts, 'rates' | 'lookMs'>): number | undefined {
  if (lookMs !== MINUTE || rates.length < 3 * 2) return undefined;
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const off = rates.map((rate) => rate - mean);
  const variance = off.reduce((sum, value) => sum + value * value, 0) / off.length;
  if (mean === 0 || Math.sqrt(variance) < SWING * mean) return undefined;
  const longest = Math.min(LONGEST_MINUTES, Math.floor(rates.length / 3));
  let wasUnlike = false;
  let best: { readonly lag: number; readonly alike: number } | undefined;
  for (let lag = 2; lag <= longest; lag++) {
    let sum = 0;
    for (let at = lag; at < off.length; at++) sum += (off[at] as number) * (off[at - lag] as number);
    const alike = sum / (off.length - lag) / variance;
    if (alike < 0) wasUnlike = true;
    if (wasUnlike && alike > ALIKE && alike > (best?.alike ?? 0) + 0.05) best = { lag, alike };
  }
  return best?.lag;
}

const lasts = ({ evaluationPeriods, periodMs }: MetricAlarm) => evaluationPeriods * periodMs + PUBLISHED_AFTER_MS;

export const resonance: Lint = {
  title: 'a load that swings at the pace of its scaling',
  source:
    'AWS, Application Auto Scaling, "How target tracking scaling works": 3 datapoints out, 15 in; control theory: a loop with dead time answers such a wave too late both ways',
  find: (facts) =>
    policiesOf(facts).flatMap(({ service, alarms, path, name }) => {
      const { load, startupMs } = service;
      const [high, low] = (['Greater', 'Less'] as const).map((side) =>
        alarms.find(({ comparisonOperator }) => comparisonOperator.startsWith(side)),
      );
      if (load === undefined || high === undefined || low === undefined) return [];
      const minutes = wavePeriod(load);
      if (minutes === undefined) return [];
      const halfMs = (minutes * MINUTE) / 2;
      const [outMs, inMs] = [lasts(high) + startupMs, lasts(low)];
      // Shorter: its alarm does not see a wave. Longer: what is late is a small part of it.
      if (halfMs < outMs || outMs < LATE_SHARE * halfMs) return [];
      const late = formatDuration(outMs);
      return [
        {
          severity: 'warning' as const,
          path,
          what: `each wave of "${service.name}" meets too few tasks, and each trough too many`,
          why: `its load repeats itself after ${formatNoun(minutes, 'minute')}: policy "${name}" answers a wave of ${formatDuration(halfMs)} after ${late}, and takes tasks away after ${formatDuration(inMs)}`,
          help: 'raise MinCapacity to what a wave needs, scale out by steps with an alarm of one datapoint, or scale in by an alarm that outlasts a trough',
        },
      ];
    }),
};

/** Part of a wave that scaling misses, from which on it is worth telling. */
const LATE_SHARE = 0.15;
