/**
 * What CPU credits do to tasks: an instance without credits shares its baseline among its tasks, and a service is as fast as
 * its tasks are on average. Measured once a minute, by service and instance, not by task.
 * Choice: a task reaches its CPU units at most, with credits too, and an idle machine spends nothing.
 *
 * @source AWS, EC2 user guide, "Key concepts for burstable performance instances"
 */

import type { Immutable } from 'immer';
import { event, number, text, type Decide, type EventsOf, type Evolve } from '../../kernel/index.ts';
import type { ContainerInstance } from '../containerInstance.ts';
import { primaryOf } from '../deployment.ts';
import type { Service } from '../service.ts';
import { serviceOfGroup } from '../task.ts';
import type { RegisteredTaskDefinition } from '../taskDefinition.ts';
import type { EcsWorld } from '../world.ts';

export const cpuSpeedEvents = {
  CpuSpeedChanged: event('CPU credits of its instances changed how fast the tasks of a service run.', {
    serviceName: text('the service'),
    percent: number('of their CPU units, on average'),
  }),
} as const;
export type CpuSpeedEvent = EventsOf<typeof cpuSpeedEvents>;

export type CpuSpeedCommand = {
  readonly type: 'SetCpuSpeed';
  readonly serviceName: string;
  readonly percent: number;
};

export const decideCpuSpeed: Decide<EcsWorld, CpuSpeedCommand, CpuSpeedEvent> = {
  SetCpuSpeed({ serviceName, percent }, { world: { ecs } }) {
    if (!ecs.services.has(serviceName) || (ecs.cpuSpeeds.get(serviceName) ?? 1) * 100 === percent) return [];
    return [{ type: 'CpuSpeedChanged', serviceName, percent }];
  },
};

export const evolveCpuSpeed: Evolve<EcsWorld, CpuSpeedEvent> = {
  CpuSpeedChanged({ ecs }, { serviceName, percent }) {
    if (percent === 100) ecs.cpuSpeeds.delete(serviceName);
    else ecs.cpuSpeeds.set(serviceName, percent / 100);
  },
};

/** Whether any instance lives on credits. */
export function hasBurstableInstances({ ec2 }: Immutable<EcsWorld>): boolean {
  for (const { cpuCredits } of ec2.instances.values()) if (cpuCredits !== undefined) return true;
  return false;
}

/** The services with tasks on an instance, and how many each has there. */
function* servicesOn(
  { ecs }: Immutable<EcsWorld>,
  { taskGroups }: Immutable<ContainerInstance>,
): Iterable<readonly [Immutable<Service>, number]> {
  for (const [group, count] of taskGroups) {
    const service = ecs.services.get(serviceOfGroup(group) ?? '');
    if (service !== undefined) yield [service, count];
  }
}

/** CPU units of a service's tasks on an instance. */
function unitsOn({ ecs }: Immutable<EcsWorld>, service: Immutable<Service>, count: number): number {
  const { demand } = ecs.taskDefinitions.get(primaryOf(service).taskDefinition) as Immutable<RegisteredTaskDefinition>;
  return count * demand.cpuUnits;
}

/** Whether an instance lives on credits. */
export function isBurstable({ ec2 }: Immutable<EcsWorld>, ec2InstanceId: string): boolean {
  return ec2.instances.get(ec2InstanceId)?.cpuCredits !== undefined;
}

/** vCPU-minutes that the tasks of each instance that it concerns worked in the metric period that has just ended. */
export function cpuUse(world: Immutable<EcsWorld>, minutes: number, concerns: (ec2InstanceId: string) => boolean) {
  const instanceIds: string[] = [];
  const vcpuMinutes: number[] = [];
  for (const instance of world.ecs.containerInstances.values()) {
    if (!concerns(instance.ec2InstanceId)) continue;
    let units = 0;
    for (const [service, count] of servicesOn(world, instance)) {
      const { percent, steps } = service.utilization.minute.cpu;
      if (steps > 0) units += (unitsOn(world, service, count) * percent) / steps / 100;
    }
    if (units === 0) continue;
    instanceIds.push(instance.ec2InstanceId);
    vcpuMinutes.push((units / 1024) * minutes);
  }
  return { instanceIds, vcpuMinutes };
}

/** How fast the tasks of each service are, in percent, given the vCPUs that burstable instances can use. */
export function cpuSpeeds(
  world: Immutable<EcsWorld>,
  instanceIds: readonly string[],
  vcpus: readonly number[],
): readonly { readonly serviceName: string; readonly percent: number }[] {
  const usable = new Map(instanceIds.map((id, row) => [id, vcpus[row] as number]));
  const tasks = new Map<string, number>();
  const speeds = new Map<string, number>();
  for (const instance of world.ecs.containerInstances.values()) {
    const speed = speedOf(world, instance, usable.get(instance.ec2InstanceId));
    for (const [{ config }, count] of servicesOn(world, instance)) {
      tasks.set(config.serviceName, (tasks.get(config.serviceName) ?? 0) + count);
      speeds.set(config.serviceName, (speeds.get(config.serviceName) ?? 0) + count * speed);
    }
  }
  return Array.from(world.ecs.services.keys(), (serviceName) => {
    const count = tasks.get(serviceName) ?? 0;
    const speed = count === 0 ? 1 : (speeds.get(serviceName) as number) / count;
    return { serviceName, percent: Math.max(1, Math.round(speed * 100)) };
  });
}

function speedOf(
  world: Immutable<EcsWorld>,
  instance: Immutable<ContainerInstance>,
  vcpus: number | undefined,
): number {
  if (vcpus === undefined) return 1;
  let units = 0;
  for (const [service, count] of servicesOn(world, instance)) units += unitsOn(world, service, count);
  return units === 0 ? 1 : Math.min(1, (vcpus * 1024) / units);
}
