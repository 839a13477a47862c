/** Why an instance does not go away at an instant: its tasks, its protection, its group, managed scaling, and its draining. */

import type { Immutable } from 'immer';
import { holdsTasks, membersOf, scaleInVictims, type Instance, type Millis, type World } from '../../core/index.ts';
import { groupRefusals, policyName } from '../report/describe.ts';
import { formatDuration, formatMoment, formatNear, formatNoun } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';
import { alarmSentence, earliestAlarmMs } from './alarmView.ts';
import { managedScalingLines, reservationSentences } from './managedScalingView.ts';

type View = Immutable<World>;
type Member = Immutable<Instance>;

/** @returns undefined when there is no such instance at the instant */
export function whyInstanceNot(world: View, instanceId: string, nowMs: Millis): readonly StoryLine[] | undefined {
  const instance = world.ec2.instances.get(instanceId);
  if (instance === undefined) return undefined;
  const { instanceType, availabilityZone, state, launchedMs } = instance;
  return [
    {
      text: `${formatMoment(nowMs)}  why ${instanceId} does not go away: ${instanceType} in ${availabilityZone}, ${state}, launched ${formatNear(launchedMs, nowMs)}.`,
    },
    ...taskSentences(world, instanceId).map(line),
    ...(state.startsWith('Terminating')
      ? drainingSentences(world, instance, nowMs)
      : stayingSentences(world, instance, nowMs)),
  ];
}

const line = (text: string): StoryLine => ({ indent: 2, text });

/** Which tasks it holds, and whether they make it needed. */
function taskSentences(world: View, instanceId: string): string[] {
  const { ecs } = world;
  const instance = ecs.containerInstances.get(instanceId);
  if (instance === undefined) return ['It is not in the cluster: no agent of it is registered.'];
  const counts = new Map<string, number>();
  for (const taskId of instance.tasks.keys()) {
    const task = ecs.tasks.get(taskId);
    const owner = task === undefined ? taskId : task.serviceName || task.group;
    const daemon = ecs.services.get(task?.serviceName ?? '')?.config.schedulingStrategy === 'DAEMON';
    const key = daemon ? `${owner} (a daemon)` : owner;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const tasks = Array.from(counts, ([owner, count]) => `${count} of ${owner}`).join(', ');
  const held =
    counts.size === 0 ? 'It holds no task.' : `It holds ${formatNoun(instance.tasks.size, 'task')}: ${tasks}.`;
  const inM = instance.capacityProvider === undefined ? '' : ' in M of managed scaling';
  const needed = holdsTasks(world, instanceId)
    ? `That makes it needed${inM === '' ? '' : `: it counts${inM}`}.`
    : `Nothing on it makes it needed: tasks of daemons do not count${inM}.`;
  return [`${held} ${needed}`, `In the cluster it is ${instance.status}.`];
}

/** What would have to happen before its group gives it up. */
function stayingSentences(world: View, instance: Member, nowMs: Millis): StoryLine[] {
  const { ec2, ecs } = world;
  const { instanceId, autoScalingGroupName: name } = instance;
  const group = ec2.groups.get(name);
  if (group === undefined) return [];
  if (instance.state.startsWith('Warmed'))
    return [line(`It is in the warm pool of ${name}, which keeps it for the next scale-out.`)];
  const members = membersOf(world, name);
  const { desiredCapacity, config } = group;
  const provider = Array.from(ecs.capacityProviders.values()).find(
    (other) => other.config.autoScalingGroupProvider.autoScalingGroup === name,
  );
  const managed = provider?.config.autoScalingGroupProvider;
  const protection = instance.protectedFromScaleIn
    ? `It is protected from scale-in${managed?.managedTerminationProtection === 'ENABLED' ? ' by managed termination protection, while it holds tasks that are not a daemon’s' : ''}.`
    : 'It is not protected from scale-in.';
  const [victim] = scaleInVictims(members, 1, { config, pools: ec2.spotPools, nowMs });
  const next =
    victim === undefined
      ? 'If the group had to give one up now, it could not: all are protected.'
      : `If the group had to give one up now, it would be ${victim.instanceId === instanceId ? 'this one' : victim.instanceId}.`;
  const size =
    members.length > desiredCapacity
      ? `${name} has ${members.length} and desires ${desiredCapacity}: ${members.length - desiredCapacity} too many, which it gives up as far as they are not protected.`
      : `${name} desires ${formatNoun(desiredCapacity, 'instance')} and has ${members.length}: nobody has asked it for fewer. Its MinSize is ${config.MinSize}${desiredCapacity <= config.MinSize ? ', so that it cannot have fewer' : ''}.`;
  return [
    line(size),
    line(protection),
    line(next),
    ...(provider === undefined || provider.lowAlarm === ''
      ? [line(`No managed scaling changes ${name}.`)]
      : [
          ...reservationSentences(world, provider.config.name).map(line),
          ...managedScalingLines(world, provider.config.name, provider.lowAlarm, nowMs, 2),
          ...earliestSentence(world, provider.lowAlarm, nowMs).map(line),
        ]),
    ...ownPolicySentences(world, name, nowMs).map(line),
  ];
}

function earliestSentence(world: View, alarmName: string, nowMs: Millis): string[] {
  const alarm = world.cloudwatch.alarms.get(alarmName);
  if (alarm === undefined || alarm.state === 'ALARM') return [];
  const atMs = earliestAlarmMs(world, alarm, nowMs);
  return atMs === undefined
    ? []
    : [
        `Managed scaling can ask for fewer at ${formatNear(atMs, nowMs)} at the earliest, in ${formatDuration(atMs - nowMs)}, if all datapoints until then are below its target.`,
      ];
}

/** Policies that the group has of its own. */
function ownPolicySentences(world: View, name: string, nowMs: Millis): string[] {
  return Array.from(world.ec2.scalingPolicies)
    .filter(([, policy]) => policy.autoScalingGroupName === name)
    .flatMap(([key, { refusal }]) => {
      const refused = refusal === undefined ? '' : `; it last refused, ${refusal}: ${groupRefusals[refusal]}`;
      return Array.from(world.cloudwatch.alarms.values())
        .filter(({ config }) => Object.values(config.scalingActions).some((actions) => actions?.includes(key)))
        .map((alarm) => `its own policy ${policyName(key)}: ${alarmSentence(world, alarm, nowMs)}${refused}`);
    });
}

/** What holds the termination. */
function drainingSentences({ ecs }: View, { instanceId, waitsFor, state }: Member, nowMs: Millis): StoryLine[] {
  const hooks = [...waitsFor.keys()];
  const container = ecs.containerInstances.get(instanceId);
  const left = Array.from(container?.tasks.keys() ?? [], (taskId) => ecs.tasks.get(taskId)).filter(
    (task) => task !== undefined,
  );
  return [
    line(
      hooks.length === 0
        ? `Its termination goes on: ${state}.`
        : `Its termination has begun and waits for ${formatNoun(hooks.length, 'lifecycle hook')}: ${hooks.join(', ')}.`,
    ),
    ...(left.length === 0
      ? []
      : [line(`Managed draining waits until its ${formatNoun(left.length, 'task')} have ended:`)]),
    ...left.map(({ taskId, status, serviceName, stopping, protectedUntilMs }) => ({
      indent: 4,
      text: [
        `${taskId}${serviceName === '' ? '' : ` of ${serviceName}`} is ${status}`,
        ...(stopping === undefined
          ? ['its replacement has to be healthy first, or the deployment bounds allow no stop yet']
          : [stopping.reason]),
        ...(protectedUntilMs !== undefined && protectedUntilMs > nowMs
          ? [`protected until ${formatNear(protectedUntilMs, nowMs)}`]
          : []),
      ].join(', '),
    })),
  ];
}
