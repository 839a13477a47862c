/** Managed scaling of a capacity provider at an instant: M, N, the reservation, and what it makes of them. */

import type { Immutable } from 'immer';
import {
  askManagedScaling,
  desiredInstances,
  SECOND,
  scalingState,
  type Millis,
  type World,
} from '../../core/index.ts';
import { formatExact, formatNear, formatNoun } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';
import { alarmSentence, datapointLines } from './alarmView.ts';

type View = Immutable<World>;

/** What an alarm's call makes of a group, from the datapoints to the size. */
export function managedScalingLines(
  world: View,
  name: string,
  alarmName: string,
  nowMs: Millis,
  indent: number,
): StoryLine[] {
  const alarm = world.cloudwatch.alarms.get(alarmName);
  if (alarm === undefined) return [];
  return [
    { indent, text: `datapoints: ${alarmSentence(world, alarm, nowMs)}` },
    ...datapointLines(world, alarm.config, nowMs, indent + 2),
    ...askedSentences(world, name, alarmName, nowMs).map((text) => ({ indent, text })),
  ];
}

function askedSentences(world: View, name: string, alarmName: string, nowMs: Millis): string[] {
  const provider = world.ecs.capacityProviders.get(name);
  const answer = askManagedScaling(world, name, alarmName, nowMs);
  if (provider === undefined || answer === undefined) return [];
  const { autoScalingGroup, managedScaling } = provider.config.autoScalingGroupProvider;
  const warmup = `instanceWarmupPeriod ${managedScaling.instanceWarmupPeriod} s`;
  if ('reason' in answer && answer.reason === 'InstancesWarmingUp')
    return [
      `warm-up: the newest instance of ${autoScalingGroup} warms up until ${formatNear(answer.untilMs, nowMs)}, ${(answer.untilMs - nowMs) / SECOND} s left (${warmup}); nothing is changed meanwhile`,
    ];
  if ('reason' in answer && answer.reason === 'NoDatapoint') return ['formula: no datapoint can be read'];
  const { runningInstances: n, reservationPercent, targetCapacity, from, to } = answer;
  const wanted = desiredInstances(n, reservationPercent, targetCapacity);
  const group = world.ec2.groups.get(autoScalingGroup);
  const bounds = `MinSize ${group?.config.MinSize ?? 0}, MaxSize ${group?.config.MaxSize ?? 0}`;
  const step =
    alarmName === provider.lowAlarm && wanted < n - Math.max(1, Math.floor(n / 2))
      ? '; at most half of a group goes in one minute'
      : '';
  return [
    `warm-up: no instance warms up (${warmup})`,
    `formula: ${Math.max(n, 1)} ${n === 0 ? '(an empty group counts as one)' : 'in service'} x ${formatExact(reservationPercent)} % / ${targetCapacity} % = ${formatExact((Math.max(n, 1) * reservationPercent) / targetCapacity)}, rounded up ${wanted}${step}`,
    `bounds: ${bounds}; ${formatNoun(from, 'instance')} desired now`,
    'reason' in answer
      ? `so ${autoScalingGroup} stays at ${from}`
      : `so ${autoScalingGroup} goes from ${from} to ${to}`,
  ];
}

/** `M = 6 instances needed, N = 4 in service: CapacityProviderReservation 150 %` */
export function reservationSentences(world: View, name: string): string[] {
  const provider = world.ecs.capacityProviders.get(name);
  if (provider === undefined) return [];
  const { managedScaling } = provider.config.autoScalingGroupProvider;
  const { m, n, capacityProviderReservation, desired } = scalingState(world, provider);
  const wanted = desired ?? n;
  const verdict =
    wanted === n ? 'none too few, none too many' : wanted > n ? `${wanted - n} too few` : `${n - wanted} too many`;
  const waiting = Array.from(world.ecs.waiting.keys()).filter(
    (taskId) => world.ecs.tasks.get(taskId)?.capacityProvider === name,
  ).length;
  const needs =
    waiting === 0
      ? `${m} hold tasks that are not a daemon's, and no task waits`
      : `${n} in service and ${m - n} more for ${formatNoun(waiting, 'task')} that wait (each call between ${managedScaling.minimumScalingStepSize} and ${managedScaling.maximumScalingStepSize})`;
  return [
    `${name} needs M = ${formatNoun(m, 'instance')} (${needs}) and has N = ${n} in service: CapacityProviderReservation ${m} / ${n} x 100 = ${formatExact(capacityProviderReservation)} %, target ${managedScaling.targetCapacity} %`,
    `with that, managed scaling would want ceil(${Math.max(n, 1)} x ${formatExact(capacityProviderReservation)} / ${managedScaling.targetCapacity}) = ${wanted} instances: ${verdict}`,
  ];
}
