/**
 * How fast tasks run: an instance without CPU credits shares its baseline among its tasks, and one with idle CPU lends it, where
 * the scenario says so. A service is as fast as its tasks are on average. Measured once a minute, by service and instance.
 * Choice: on an instance that lives on credits a task reaches its CPU units at most, and an idle machine spends nothing.
 *
 * @source AWS, EC2 user guide, "Key concepts for burstable performance instances"
 */

import type { Immutable } from 'immer';
import { event, number, text, type Decide, type EventsOf, type Evolve } from '../../kernel/index.ts';
import type { ContainerInstance } from '../containerInstance.ts';
import { primaryOf } from '../deployment.ts';
import { jobCpuUnits } from '../jobs.ts';
import type { Service } from '../service.ts';
import { serviceOfGroup } from '../task.ts';
import type { RegisteredTaskDefinition } from '../taskDefinition.ts';
import type { EcsWorld } from '../world.ts';
import { sharedCpuUnits, type CpuWish } from './idleCpu.ts';

export const cpuSpeedEvents = {
  CpuSpeedChanged: event('CPU credits or idle CPU of its instances changed how fast the tasks of a service run.', {
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
  const ofJobs = jobCpuUnits(world);
  for (const instance of world.ecs.containerInstances.values()) {
    if (!concerns(instance.ec2InstanceId)) continue;
    let units = ofJobs.get(instance.ec2InstanceId) ?? 0;
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
    for (const [serviceName, count, speed] of speedsOn(world, instance, usable.get(instance.ec2InstanceId))) {
      tasks.set(serviceName, (tasks.get(serviceName) ?? 0) + count);
      speeds.set(serviceName, (speeds.get(serviceName) ?? 0) + count * speed);
    }
  }
  return Array.from(world.ecs.services.keys(), (serviceName) => {
    const count = tasks.get(serviceName) ?? 0;
    const speed = count === 0 ? 1 : (speeds.get(serviceName) as number) / count;
    return { serviceName, percent: Math.max(1, Math.round(speed * 100)) };
  });
}

/** Services on an instance, how many tasks each has there, and how fast they are. @param vcpus  of one that lives on credits */
function* speedsOn(
  world: Immutable<EcsWorld>,
  instance: Immutable<ContainerInstance>,
  vcpus: number | undefined,
): Iterable<readonly [serviceName: string, count: number, speed: number]> {
  const services = Array.from(servicesOn(world, instance));
  const own = services.map(([service, count]) => unitsOn(world, service, count));
  let usable = own;
  if (vcpus !== undefined) {
    const all = own.reduce((sum, units) => sum + units, 0);
    usable = own.map((units) => (all === 0 ? units : units * Math.min(1, (vcpus * 1024) / all)));
  } else if (world.ecs.assumptions.tasks.idleCpu === 'shared')
    usable = [
      ...sharedCpuUnits(
        instance.registered.cpuUnits,
        services.map((entry) => wishOf(world, entry)),
      ),
    ];
  for (const [index, [{ config }, count]] of services.entries()) {
    const units = own[index] as number;
    yield [config.serviceName, count, units === 0 ? 1 : (usable[index] as number) / units];
  }
}

/** From this part of what they could use on, tasks are taken to want more. */
const BUSY_PERCENT = 95;

function wishOf(world: Immutable<EcsWorld>, [service, count]: readonly [Immutable<Service>, number]): CpuWish {
  const { ecs } = world;
  const cpuUnits = unitsOn(world, service, count);
  const { percent, steps } = service.utilization.minute.cpu;
  const usedPercent = steps === 0 ? 0 : percent / steps;
  const speed = ecs.cpuSpeeds.get(service.config.serviceName) ?? 1;
  const { definition } = ecs.taskDefinitions.get(
    primaryOf(service).taskDefinition,
  ) as Immutable<RegisteredTaskDefinition>;
  return {
    cpuUnits,
    usedUnits: (cpuUnits * usedPercent) / 100,
    isBusy: usedPercent >= speed * BUSY_PERCENT,
    isLimited: definition.cpu !== undefined,
  };
}
