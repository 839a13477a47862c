/**
 * CPU credits of burstable instances: earned all the time, spent by work, lent in unlimited mode.
 *
 * @source AWS, EC2 user guide, "Key concepts for burstable performance instances", "Unlimited mode", "Standard mode"
 */

import type { Immutable } from 'immer';
import {
  event,
  HOUR,
  MINUTE,
  number,
  numbers,
  texts,
  type Decide,
  type EventsOf,
  type Evolve,
} from '../kernel/index.ts';
import type { Instance } from './autoScalingGroup.ts';
import { instanceType } from './instanceTypes.ts';
import type { Ec2World } from './world.ts';

/** One credit is one vCPU for a minute. */
export interface CpuCredits {
  readonly mode: 'standard' | 'unlimited';
  /** Earned and not spent; at most what 24 hours earn. */
  balance: number;
  /** Given to T2 Standard at launch, spent first, beyond the limit of the balance. */
  launchCredits: number;
  /** Lent in unlimited mode and not paid back; at most what 24 hours earn, what is beyond is charged. */
  surplus: number;
}

const T2_LAUNCH_CREDITS_PER_VCPU = 30;

/** The credits of a new instance; undefined when its type is not burstable. */
export function newCpuCredits(type: string, wanted: CpuCredits['mode'] | undefined): CpuCredits | undefined {
  const found = instanceType(type);
  if (found?.cpuCreditsPerHour === undefined) return undefined;
  const isT2 = type.startsWith('t2.');
  const mode = wanted ?? (isT2 ? 'standard' : 'unlimited');
  const launchCredits = isT2 && mode === 'standard' ? T2_LAUNCH_CREDITS_PER_VCPU * found.vcpu : 0;
  return { mode, balance: 0, launchCredits, surplus: 0 };
}

/**
 * What a stretch of time does to an instance's credits.
 *
 * @param spent  vCPU-minutes of work
 * @returns the credits after it, and those that are charged now
 */
export function settleCredits(
  credits: Immutable<CpuCredits>,
  creditsPerHour: number,
  periodMs: number,
  spent: number,
): { readonly balance: number; readonly launchCredits: number; readonly surplus: number; readonly charged: number } {
  const limit = 24 * creditsPerHour;
  const fromLaunch = Math.min(credits.launchCredits, spent);
  let net = credits.balance - credits.surplus + (creditsPerHour * periodMs) / HOUR - (spent - fromLaunch);
  net = credits.mode === 'standard' ? Math.max(0, net) : net;
  const owed = Math.max(0, -net);
  return {
    balance: millionth(Math.min(Math.max(0, net), limit)),
    launchCredits: millionth(credits.launchCredits - fromLaunch),
    surplus: millionth(Math.min(owed, limit)),
    charged: millionth(Math.max(0, owed - limit)),
  };
}

/** vCPUs that an instance can use in the next minute: all of them while there are credits, in the end its baseline. */
export function usableVcpus(
  type: string,
  credits: Immutable<Omit<CpuCredits, 'mode' | 'surplus'>>,
  mode: string,
): number {
  const found = instanceType(type);
  if (found?.cpuCreditsPerHour === undefined || mode === 'unlimited') return found?.vcpu ?? 0;
  const earned = (found.cpuCreditsPerHour * MINUTE) / HOUR;
  return millionth(Math.min(found.vcpu, credits.balance + credits.launchCredits + earned));
}

function millionth(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

export const cpuCreditEvents = {
  CpuCreditsSettled: event('A period of the burstable instances, a row each.', {
    periodMs: number('its length'),
    instanceIds: texts('the instances'),
    spent: numbers('vCPU-minutes worked'),
    balances: numbers('credits earned and not spent'),
    launchCredits: numbers('launch credits left'),
    surplus: numbers('credits lent and not paid back'),
    charged: numbers('credits beyond what may be lent: charged'),
    vcpus: numbers('vCPUs it can use in the next minute'),
  }),
} as const;
export type CpuCreditEvent = EventsOf<typeof cpuCreditEvents>;

export type CpuCreditCommand = {
  readonly type: 'SettleCpuCredits';
  readonly periodMs: number;
  /** Instances that worked, and their vCPU-minutes; the others were idle. */
  readonly instanceIds: readonly string[];
  readonly vcpuMinutes: readonly number[];
};

/** Choice: credits are earned from the moment an instance is in service. */
function earns({ state }: Immutable<Instance>): boolean {
  return state === 'InService' || state === 'Terminating:Wait';
}

export const decideCpuCredits: Decide<Ec2World, CpuCreditCommand, CpuCreditEvent> = {
  SettleCpuCredits({ periodMs, instanceIds: working, vcpuMinutes }, { world: { ec2 } }) {
    const used = new Map(working.map((id, row) => [id, vcpuMinutes[row] as number]));
    const rows = {
      instanceIds: [] as string[],
      spent: [] as number[],
      balances: [] as number[],
      launchCredits: [] as number[],
      surplus: [] as number[],
      charged: [] as number[],
      vcpus: [] as number[],
    };
    for (const instance of ec2.instances.values()) {
      const { instanceId, instanceType: type, cpuCredits } = instance;
      if (cpuCredits === undefined || !earns(instance)) continue;
      const spent = millionth(used.get(instanceId) ?? 0);
      const after = settleCredits(cpuCredits, instanceType(type)?.cpuCreditsPerHour ?? 0, periodMs, spent);
      rows.instanceIds.push(instanceId);
      rows.spent.push(spent);
      rows.balances.push(after.balance);
      rows.launchCredits.push(after.launchCredits);
      rows.surplus.push(after.surplus);
      rows.charged.push(after.charged);
      rows.vcpus.push(usableVcpus(type, after, cpuCredits.mode));
    }
    return rows.instanceIds.length === 0 ? [] : [{ type: 'CpuCreditsSettled', periodMs, ...rows }];
  },
};

export const evolveCpuCredits: Evolve<Ec2World, CpuCreditEvent> = {
  CpuCreditsSettled({ ec2 }, { instanceIds, balances, launchCredits, surplus }) {
    for (const [row, instanceId] of instanceIds.entries()) {
      const credits = ec2.instances.get(instanceId)?.cpuCredits;
      if (credits === undefined) continue;
      credits.balance = balances[row] as number;
      credits.launchCredits = launchCredits[row] as number;
      credits.surplus = surplus[row] as number;
    }
  },
};
