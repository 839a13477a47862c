/**
 * What goes wrong with capacity, by the scenario's `faults`: no capacity, a zone gone, calls throttled, slow launches,
 * failing instances, a Spot storm.
 *
 * @source spec/capacity.md 3.6, 3.7
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { duration, event, instant, json, number, type Millis } from '../kernel/index.ts';
import { instanceType } from './instanceTypes.ts';
import type { PurchaseOption } from './mixedInstances.ts';
import { poolKey } from './spotMarket.ts';
import type { Ec2State } from './world.ts';

const when = {
  at: instant,
  for: duration.optional().describe('until the end of the run when left out'),
};
const where = {
  instanceType: z.string().min(1).optional().describe('every type when left out'),
  availabilityZone: z.string().min(1).optional().describe('every zone when left out'),
};

export const capacityFaults = [
  z
    .strictObject({ kind: z.literal('InsufficientInstanceCapacity'), ...when, ...where })
    .describe('AWS has no on-demand capacity'),
  z
    .strictObject({ kind: z.literal('AvailabilityZoneOutage'), ...when, availabilityZone: z.string().min(1) })
    .describe('all that runs in a zone is lost, and nothing starts there'),
  z
    .strictObject({
      kind: z.literal('ApiThrottling'),
      ...when,
      api: z.enum(['RunInstances', 'Fargate']).default('RunInstances').describe('whose calls are refused'),
    })
    .describe('launches fail with RequestLimitExceeded'),
  z
    .strictObject({
      kind: z.literal('SlowLaunches'),
      ...when,
      ...where,
      factor: z.number().min(1).max(1000).default(5).describe('times as long'),
    })
    .describe('instances take longer to run and to boot'),
  z
    .strictObject({
      kind: z.literal('InstanceFailure'),
      at: instant,
      ...where,
      autoScalingGroup: z.string().min(1).optional().describe('AutoScalingGroupName; every group when left out'),
      count: z.int().min(1).default(1).describe('instances, picked by chance'),
      mode: z
        .enum(['terminated', 'impaired'])
        .default('terminated')
        .describe('terminated: gone at once; impaired: its status checks fail until the group replaces it'),
    })
    .describe('instances in service fail'),
  z
    .strictObject({
      kind: z.literal('SpotStorm'),
      ...when,
      ...where,
      percent: z.number().min(0).max(100).default(100).describe('share of the Spot capacity that is interrupted'),
    })
    .describe('Spot capacity is interrupted, and none is left; Fargate Spot too unless an instanceType is named'),
] as const;

const capacityFault = z.discriminatedUnion('kind', capacityFaults);
export type CapacityFault = z.output<typeof capacityFault>;

/** Whether a fault of the scenario is one of these. */
export function isCapacityFault<Fault extends { readonly kind: string }>(
  fault: Fault,
): fault is Extract<Fault, CapacityFault> {
  return capacityFaults.some(({ shape }) => shape.kind.value === fault.kind);
}

export const faultEvents = {
  FaultBegan: event('A fault of the scenario began.', {
    faultId: number('its place in the list'),
    fault: json<CapacityFault>('as written'),
  }),
  FaultEnded: event('A fault of the scenario is over.', {
    faultId: number('its place in the list'),
    fault: json<CapacityFault>('as written'),
  }),
} as const;

export interface LaunchError {
  readonly code: string;
  readonly message: string;
}

type State = Immutable<Ec2State>;

function concerns(
  fault: { readonly instanceType?: string | undefined; readonly availabilityZone?: string | undefined },
  type: string,
  zone: string,
): boolean {
  return (fault.instanceType ?? type) === type && (fault.availabilityZone ?? zone) === zone;
}

/** Why a pool cannot give an instance right now; undefined when it can. */
export function launchError(
  ec2: State,
  option: PurchaseOption,
  type: string,
  zone: string,
  zones: readonly string[],
  maxPriceUsd: string | undefined,
): LaunchError | undefined {
  for (const fault of ec2.faults.values()) {
    if (fault.kind === 'ApiThrottling' && fault.api === 'RunInstances')
      return { code: 'RequestLimitExceeded', message: 'Request limit exceeded. Launching EC2 instance failed.' };
    const noZone = fault.kind === 'AvailabilityZoneOutage' && fault.availabilityZone === zone;
    if (option === 'on-demand' && fault.kind === 'InsufficientInstanceCapacity' && concerns(fault, type, zone))
      return insufficient(type, zone, zones);
    if (noZone && option === 'on-demand') return insufficient(type, zone, zones);
    if (option === 'spot' && (noZone || (fault.kind === 'SpotStorm' && concerns(fault, type, zone))))
      return {
        code: 'InsufficientInstanceCapacity',
        message:
          'Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request. Launching EC2 instance failed.',
      };
  }
  if (option === 'on-demand' || maxPriceUsd === undefined) return undefined;
  const priceUsd = (ec2.spotPools.get(poolKey(type, zone))?.microUsdPerHour ?? 0) / 1e6;
  const mostUsd = Math.min(Number(maxPriceUsd), (instanceType(type)?.microUsdPerHour ?? 0) / 1e6);
  if (priceUsd <= mostUsd) return undefined;
  return {
    code: 'SpotMaxPriceTooLow',
    message: `Could not launch Spot Instances. SpotMaxPriceTooLow - Your Spot request price of ${mostUsd} is lower than the minimum required Spot request fulfillment price of ${priceUsd}. Launching EC2 instance failed.`,
  };
}

function insufficient(type: string, zone: string, zones: readonly string[]): LaunchError {
  const others = zones.filter((other) => other !== zone);
  const choosing = others.length === 0 ? '' : ` or choosing ${others.join(', ')}`;
  return {
    code: 'InsufficientInstanceCapacity',
    message: `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone}). Our system will be working on provisioning additional capacity. You can currently get ${type} capacity by not specifying an Availability Zone in your request${choosing}. Launching EC2 instance failed.`,
  };
}

/** How many times as long a launch takes right now. */
export function launchSlowness(ec2: State, type: string, zone: string): number {
  let factor = 1;
  for (const fault of ec2.faults.values())
    if (fault.kind === 'SlowLaunches' && concerns(fault, type, zone)) factor *= fault.factor;
  return factor;
}

/** Whether an instance is one that a storm or failure is about. */
export function isConcerned(
  fault: { readonly instanceType?: string | undefined; readonly availabilityZone?: string | undefined },
  instance: { readonly instanceType: string; readonly availabilityZone: string },
): boolean {
  return concerns(fault, instance.instanceType, instance.availabilityZone);
}

/** Whether a zone is there, and gives Spot capacity of no particular type: what Fargate needs. */
export function fargateTakes(ec2: State, zone: string, spot: boolean): boolean {
  for (const fault of ec2.faults.values()) {
    if (fault.kind === 'AvailabilityZoneOutage' && fault.availabilityZone === zone) return false;
    if (spot && fault.kind === 'SpotStorm' && fault.instanceType === undefined && concerns(fault, '', zone))
      return false;
  }
  return true;
}

export function fargateIsThrottled(ec2: State): boolean {
  for (const fault of ec2.faults.values()) if (fault.kind === 'ApiThrottling' && fault.api === 'Fargate') return true;
  return false;
}

/** When a fault that lasts is over; undefined when it lasts to the end of the run. */
export function faultEndMs(fault: CapacityFault): Millis | undefined {
  return 'for' in fault && fault.for !== undefined ? fault.at + fault.for : undefined;
}
