/**
 * Fragmentation: what of the instances' capacity is free, and how much of it no task can use. A look every ten minutes; means are
 * over the looks at which there was an instance.
 *
 * Free is what ECS counts as free. Stranded is what is free on instances that no service's task fits on. The fragmentation index
 * is 1 - (largest free part on one instance) / (all that is free), of memory. Zones are compared by the tasks of a service.
 *
 * @source the index: external fragmentation, as of memory allocators; stranding: A. Verma et al., "Large-scale cluster
 *         management at Google with Borg", EuroSys 2015
 */

import { taskDemand } from '../ecs/index.ts';
import { MINUTE } from '../kernel/index.ts';
import type { Event } from '../world.ts';
import type { Projection } from './projection.ts';

/** Means over time, but where it says otherwise. Percents are of what the instances registered. */
export interface FragmentationReport {
  readonly freeCpuPercent: number;
  readonly freeMemoryPercent: number;
  readonly strandedCpuPercent: number;
  readonly strandedMemoryPercent: number;
  /** 0: all free memory is on one instance; towards 100: it is in small pieces. */
  readonly indexPercent: number;
  /** The largest task that still fit on an instance, at the look where that was least. */
  readonly tightest: { readonly cpuUnits: number; readonly memoryMiB: number };
}

export interface ZoneBalanceReport {
  readonly serviceName: string;
  /** Tasks in its fullest zone less those in its emptiest, of the zones it was ever in: mean, and most. */
  readonly meanDifference: number;
  readonly mostDifference: number;
}

export interface PlacementReport {
  /** Absent when no instance was ever there. */
  readonly instances?: FragmentationReport;
  readonly zones: readonly ZoneBalanceReport[];
}

interface Size {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
}

interface Instance {
  readonly registered: Size;
  cpuUnits: number;
  memoryMiB: number;
}

interface Placed {
  readonly serviceName: string;
  readonly size: Size;
  zone: string | undefined;
  instanceId: string | undefined;
}

const LOOK_EVERY_MS = 10 * MINUTE;

export function fragmentationProjection(): Projection<PlacementReport> {
  const sizes = new Map<string, Size>();
  const instances = new Map<string, Instance>();
  const tasks = new Map<string, Placed>();
  /** Tasks of each service by zone, and what was seen of them. */
  const zones = new Map<string, { readonly counts: Map<string, number>; looks: number; sum: number; most: number }>();
  const sums = { looks: 0, freeCpu: 0, freeMemory: 0, strandedCpu: 0, strandedMemory: 0, index: 0 };
  let tightest: Size | undefined;

  const leave = (taskId: string) => {
    const placed = tasks.get(taskId);
    if (placed === undefined) return;
    tasks.delete(taskId);
    const instance = instances.get(placed.instanceId ?? '');
    if (instance !== undefined) {
      instance.cpuUnits += placed.size.cpuUnits;
      instance.memoryMiB += placed.size.memoryMiB;
    }
    const counts = zones.get(placed.serviceName)?.counts;
    if (placed.zone !== undefined) counts?.set(placed.zone, (counts.get(placed.zone) ?? 0) - 1);
  };

  const look = () => {
    for (const seen of zones.values()) {
      if (seen.counts.size === 0) continue;
      const counts = [...seen.counts.values()];
      const difference = Math.max(...counts) - Math.min(...counts);
      seen.looks++;
      seen.sum += difference;
      seen.most = Math.max(seen.most, difference);
    }
    if (instances.size === 0) return;
    const all = { cpu: 0, memory: 0, freeCpu: 0, freeMemory: 0, strandedCpu: 0, strandedMemory: 0 };
    let largest: Instance | undefined;
    for (const instance of instances.values()) {
      const { registered, cpuUnits, memoryMiB } = instance;
      all.cpu += registered.cpuUnits;
      all.memory += registered.memoryMiB;
      all.freeCpu += cpuUnits;
      all.freeMemory += memoryMiB;
      if (largest === undefined || memoryMiB > largest.memoryMiB) largest = instance;
      if ([...sizes.values()].some((size) => size.cpuUnits <= cpuUnits && size.memoryMiB <= memoryMiB)) continue;
      all.strandedCpu += cpuUnits;
      all.strandedMemory += memoryMiB;
    }
    const { cpuUnits, memoryMiB } = largest as Instance;
    sums.looks++;
    sums.freeCpu += all.freeCpu / all.cpu;
    sums.freeMemory += all.freeMemory / all.memory;
    sums.strandedCpu += all.strandedCpu / all.cpu;
    sums.strandedMemory += all.strandedMemory / all.memory;
    if (all.freeMemory > 0) sums.index += 1 - memoryMiB / all.freeMemory;
    if (tightest === undefined || memoryMiB < tightest.memoryMiB) tightest = { cpuUnits, memoryMiB };
  };

  return {
    types: [
      'TaskDefinitionRegistered',
      'ServiceCreated',
      'ContainerInstanceRegistered',
      'ContainerInstanceDeregistered',
      'TaskCreated',
      'TaskPlaced',
      'TaskStopping',
      'TaskStopped',
      'LoadServed',
    ] satisfies Event['type'][],
    on({ event }) {
      switch (event.type) {
        case 'TaskDefinitionRegistered': {
          const { cpuUnits, memoryMiB } = taskDemand(event.definition);
          sizes.set(event.taskDefinition, { cpuUnits, memoryMiB });
          return;
        }
        case 'ServiceCreated':
          zones.set(event.config.serviceName, { counts: new Map(), looks: 0, sum: 0, most: 0 });
          return;
        case 'ContainerInstanceRegistered': {
          const { ec2InstanceId, cpuUnits, memoryMiB } = event;
          instances.set(ec2InstanceId, { registered: { cpuUnits, memoryMiB }, cpuUnits, memoryMiB });
          return;
        }
        case 'ContainerInstanceDeregistered':
          instances.delete(event.ec2InstanceId);
          return;
        case 'TaskCreated':
          tasks.set(event.taskId, {
            serviceName: event.serviceName,
            size: sizes.get(event.taskDefinition) ?? { cpuUnits: 0, memoryMiB: 0 },
            zone: undefined,
            instanceId: undefined,
          });
          return;
        case 'TaskPlaced': {
          const placed = tasks.get(event.taskId);
          if (placed === undefined) return;
          placed.zone = event.availabilityZone;
          const counts = zones.get(placed.serviceName)?.counts;
          counts?.set(event.availabilityZone, (counts.get(event.availabilityZone) ?? 0) + 1);
          const instance = instances.get(event.ec2InstanceId ?? '');
          if (instance === undefined) return;
          placed.instanceId = event.ec2InstanceId;
          instance.cpuUnits -= placed.size.cpuUnits;
          instance.memoryMiB -= placed.size.memoryMiB;
          return;
        }
        case 'TaskStopping':
        case 'TaskStopped':
          leave(event.taskId);
          return;
        case 'LoadServed':
          if (event.toMs % LOOK_EVERY_MS === 0) look();
          return;
        default:
          return;
      }
    },
    report() {
      const percent = (sum: number) => (100 * sum) / sums.looks;
      return {
        ...(sums.looks === 0 || tightest === undefined
          ? {}
          : {
              instances: {
                freeCpuPercent: percent(sums.freeCpu),
                freeMemoryPercent: percent(sums.freeMemory),
                strandedCpuPercent: percent(sums.strandedCpu),
                strandedMemoryPercent: percent(sums.strandedMemory),
                indexPercent: percent(sums.index),
                tightest,
              },
            }),
        zones: Array.from(zones).flatMap(([serviceName, { looks, sum, most }]) =>
          looks === 0 ? [] : [{ serviceName, meanDifference: sum / looks, mostDifference: most }],
        ),
      };
    },
  };
}
