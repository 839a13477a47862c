/** When a group acts: after its desired capacity or its members changed. */

import { map, merge } from 'rxjs';
import type { Controller } from '../kernel/index.ts';
import type { AutoScalingGroupCommand, AutoScalingGroupEvent } from './autoScalingGroup.ts';
import type { Ec2World } from './world.ts';

export const ec2Controller: Controller<Ec2World, AutoScalingGroupEvent, AutoScalingGroupCommand> = (events) =>
  merge(
    events
      .on('AutoScalingGroupCreated')
      .pipe(map(({ atMs, event }) => reconcile(atMs, event.config.AutoScalingGroupName))),
    events
      .on('DesiredCapacitySet', 'InstanceProtectionSet', 'InstanceTerminated')
      .pipe(map(({ atMs, event }) => reconcile(atMs, event.autoScalingGroupName))),
    events.on('InstanceLaunched').pipe(
      map(({ event: { instanceId, inServiceAtMs, bootedAtMs } }) => ({
        atMs: inServiceAtMs,
        command: { type: 'EnterService', instanceId, bootedAtMs } as const,
      })),
    ),
  );

function reconcile(atMs: number, autoScalingGroupName: string) {
  return { atMs, command: { type: 'ReconcileAutoScalingGroup', autoScalingGroupName } as const };
}
