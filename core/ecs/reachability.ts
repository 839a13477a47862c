/**
 * Whether a load balancer's connections get through to a task: security groups, and the port that they come to.
 *
 * @source spec/placement.md 5.5 (AWS, "Troubleshooting service load balancers")
 */

import type { Immutable } from 'immer';
import { admits } from '../vpc/index.ts';
import { portRangeOf } from './hostPorts.ts';
import type { ServiceConfig } from './service.ts';
import type { Task } from './task.ts';
import type { RegisteredTaskDefinition } from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

type World = Immutable<EcsWorld>;
type Attachment = Immutable<ServiceConfig>['loadBalancers'][number];

/** Whether what carries the load balancer's security groups may connect to a task of a target group. */
export function isReachable(world: World, task: Immutable<Task>, attachment: Attachment): boolean {
  if (world.vpc.securityGroups.size === 0) return true;
  const group = world.elb.targetGroups.get(attachment.targetGroup);
  const from = world.elb.loadBalancers.get(group?.settings.loadBalancer ?? '')?.config.SecurityGroups ?? [];
  const port = targetPort(world, task, attachment);
  return port === undefined || admits(world, groupsOf(world, task), from, port);
}

/** With awsvpc a task carries groups of its own, else its instance's count. */
function groupsOf({ ecs, ec2 }: World, { serviceName, taskDefinition, ec2InstanceId = '' }: Immutable<Task>) {
  const { definition } = ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
  if (definition.networkMode === 'awsvpc')
    return ecs.services.get(serviceName)?.config.networkConfiguration?.awsvpcConfiguration.securityGroups ?? [];
  return ec2.groups.get(ec2.instances.get(ec2InstanceId)?.autoScalingGroupName ?? '')?.config.SecurityGroupIds ?? [];
}

/** The port that requests come to: the host's where the bridge maps one. Undefined: the task has none. */
function targetPort({ ecs }: World, task: Immutable<Task>, attachment: Attachment): number | undefined {
  const { definition } = ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  if (definition.networkMode !== 'bridge') return attachment.containerPort;
  // Ports that the host picked stand in the order of the mappings that asked for them.
  let picked = 0;
  for (const { name, portMappings } of definition.containerDefinitions)
    for (const { containerPort, containerPortRange, hostPort = 0 } of portMappings) {
      const { from, to } =
        containerPortRange === undefined
          ? { from: containerPort as number, to: containerPort as number }
          : portRangeOf(containerPortRange);
      const isMeant =
        name === attachment.containerName && from <= attachment.containerPort && attachment.containerPort <= to;
      if (isMeant && hostPort > 0) return hostPort;
      if (isMeant) {
        const port = task.hostPorts[picked + attachment.containerPort - from];
        return port === undefined ? undefined : Number(port.slice(port.indexOf('/') + 1));
      }
      if (hostPort === 0) picked += to - from + 1;
    }
  return undefined;
}
