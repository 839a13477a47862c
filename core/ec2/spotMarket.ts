/**
 * The Spot market: what each pool, a type in a zone, costs and how deep it is, hour by hour.
 * Choice: AWS publishes neither how prices move nor how much is left; a pool's price is a long-run share of the on-demand
 * price, times a walk that needs no memory: the mean of noises that change hourly, every six hours, daily and weekly.
 *
 * @source spec/capacity.md 3.4, 3.6, 5
 */

import type { Immutable } from 'immer';
import { DAY, event, HOUR, number, numbers, texts, type Millis, type Rng } from '../kernel/index.ts';
import type { Ec2Assumptions } from './assumptions.ts';
import { instanceType } from './instanceTypes.ts';

export interface SpotPool {
  /** Millionths of a dollar. */
  readonly microUsdPerHour: number;
  /** 1 to 10, as Spot placement scores are. */
  readonly capacityScore: number;
}

export const spotMarketEvents = {
  SpotMarketMoved: event('A new hour of the Spot market: the price and the depth of each pool.', {
    pools: texts('type and zone'),
    microUsdPerHour: numbers('millionths of a dollar'),
    capacityScores: numbers('1 to 10'),
    untilMs: number('when it moves again'),
  }),
} as const;

export function poolKey(type: string, zone: string): string {
  return `${type} ${zone}`;
}

const PERIODS: readonly Millis[] = [HOUR, 6 * HOUR, DAY, 7 * DAY];

/** The pools' columns in the hour that holds `nowMs`. */
export function spotMarket(
  pools: readonly string[],
  nowMs: Millis,
  { spotPricePercent, spotPriceSpreadPercent }: Immutable<Ec2Assumptions>,
  rng: Rng,
) {
  const microUsdPerHour: number[] = [];
  const capacityScores: number[] = [];
  for (const pool of pools) {
    const onDemand = instanceType(pool.split(' ')[0] as string)?.microUsdPerHour ?? 0;
    let noise = 0;
    for (const period of PERIODS)
      noise += rng.at(`ec2.spotPrice.${pool}.${period}`, Math.floor(nowMs / period)).uniform() * 2 - 1;
    const stray = (spotPriceSpreadPercent / 100) * (noise / PERIODS.length);
    // Not above on-demand, and never for nothing.
    const price = Math.round(onDemand * Math.min(1, (spotPricePercent / 100) * (1 + stray)));
    microUsdPerHour.push(Math.max(1, price));
    capacityScores.push(1 + rng.at(`ec2.spotDepth.${pool}`, Math.floor(nowMs / DAY)).int(10));
  }
  return { pools, microUsdPerHour, capacityScores, untilMs: (Math.floor(nowMs / HOUR) + 1) * HOUR };
}
