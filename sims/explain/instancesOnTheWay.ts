/** Instances of a group that are not there for tasks yet. */

import type { Immutable } from 'immer';
import { membersOf, type Millis, type World } from '../../core/index.ts';
import { formatDuration, formatNear, formatNoun } from '../report/format.ts';

/** A sentence for each; one that says so when there is none. */
export function instancesOnTheWay(world: Immutable<World>, group: string | undefined, nowMs: Millis): string[] {
  if (group === undefined) return [];
  const { ecs, ec2 } = world;
  const desired = ec2.groups.get(group)?.desiredCapacity ?? 0;
  const members = membersOf(world, group);
  const coming = members.filter(({ instanceId }) => ecs.containerInstances.get(instanceId)?.status !== 'ACTIVE');
  const size = `${group} desires ${formatNoun(desired, 'instance')} and has ${members.length}`;
  if (coming.length === 0) return [`${size}: none is on its way`];
  return [
    `${size}, of which ${coming.length} are not in the cluster yet`,
    ...coming.map(({ instanceId, state, launchedMs, bootedAtMs }) => {
      const boots =
        bootedAtMs > nowMs
          ? `boots until ${formatNear(bootedAtMs, nowMs)}, ${formatDuration(bootedAtMs - nowMs)} more`
          : 'has booted';
      return `${instanceId} is ${state}, launched ${formatNear(launchedMs, nowMs)}, ${boots}`;
    }),
  ];
}
