/** What things cost. The defaults are data, with source and date; a file of the user's replaces any of them. */

import { z } from 'zod';
import defaults from './prices.json' with { type: 'json' };

const usd = (value: number) => z.number().min(0).default(value);

const fargateRates = (rates: { readonly vcpuHourUsd: number; readonly gbHourUsd: number }) =>
  z.strictObject({ vcpuHourUsd: usd(rates.vcpuHourUsd), gbHourUsd: usd(rates.gbHourUsd) }).prefault({});

const fargatePrices = (option: 'onDemand' | 'spot') =>
  z
    .strictObject({
      X86_64: fargateRates(defaults.fargate[option].X86_64),
      ARM64: fargateRates(defaults.fargate[option].ARM64),
    })
    .prefault({});

/** A price list as people write it: what is left out is as in prices.json. */
export const priceList = z.strictObject({
  region: z.string().default(defaults.region).describe('said, not used'),
  date: z.string().default(defaults.date).describe('said, not used'),
  source: z.unknown().optional().describe('said, not used'),
  instances: z
    .record(z.string(), z.number().min(0))
    .default({})
    .describe('on-demand dollars an hour by instance type; Spot prices follow in proportion'),
  fargate: z.strictObject({ onDemand: fargatePrices('onDemand'), spot: fargatePrices('spot') }).prefault({}),
  applicationLoadBalancer: z
    .strictObject({
      hourUsd: usd(defaults.applicationLoadBalancer.hourUsd),
      lcuHourUsd: usd(defaults.applicationLoadBalancer.lcuHourUsd),
    })
    .prefault({}),
  cpuCredits: z
    .strictObject({
      vcpuHourUsd: usd(defaults.cpuCredits.vcpuHourUsd),
      t4gVcpuHourUsd: usd(defaults.cpuCredits.t4gVcpuHourUsd),
    })
    .prefault({}),
  ebs: z.strictObject({ gp3GbMonthUsd: usd(defaults.ebs.gp3GbMonthUsd) }).prefault({}),
  publicIpv4HourUsd: usd(defaults.publicIpv4HourUsd),
  cloudWatch: z
    .strictObject({
      alarmMonthUsd: usd(defaults.cloudWatch.alarmMonthUsd),
      customMetricMonthUsd: usd(defaults.cloudWatch.customMetricMonthUsd),
      logsGbUsd: usd(defaults.cloudWatch.logsGbUsd),
    })
    .prefault({}),
});
export type PriceList = z.output<typeof priceList>;

export const defaultPrices: PriceList = priceList.parse({});
