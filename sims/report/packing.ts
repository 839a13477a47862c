/** How well tasks fill the instances they are on, and how few instances any packing could do with. */

import Table from 'cli-table3';
import type { World } from '../../core/index.ts';
import { formatCount, formatNoun, formatValue } from './format.ts';

const RESOURCES = ['cpuUnits', 'memoryMiB', 'gpuCount', 'enis'] as const;
type Resource = (typeof RESOURCES)[number];
const NAMES: Readonly<Record<Resource, string>> = {
  cpuUnits: 'CPU',
  memoryMiB: 'memory',
  gpuCount: 'GPUs',
  enis: 'network interfaces',
};
/** Reserved host ports of an instance. @source AWS, ECS API, PortMapping.hostPort */
const MOST_HOST_PORTS = 100;

export interface Packing {
  /** EC2 for instances of no provider. */
  readonly capacityProvider: string;
  readonly instances: number;
  /** Those that hold a task. */
  readonly used: number;
  readonly tasks: number;
  /** Mean over the used instances, in percent of what they registered; undefined where they registered none. */
  readonly reservedPercent: Readonly<Record<Resource | 'hostPorts', number | undefined>>;
  /** No packing of these tasks does with fewer instances; and what says so. */
  readonly lowerBound: number;
  readonly boundBy: string;
}

type Instances = readonly (World['ecs']['containerInstances'] extends Map<string, infer Item> ? Item : never)[];

/** The packing of each capacity provider, as the world is now. */
export function packingOf({ ecs }: World): readonly Packing[] {
  const byProvider = new Map<string, Instances[number][]>();
  for (const instance of ecs.containerInstances.values()) {
    const name = instance.capacityProvider ?? 'EC2';
    byProvider.set(name, [...(byProvider.get(name) ?? []), instance]);
  }
  return Array.from(byProvider, ([capacityProvider, instances]) => {
    const used = instances.filter(({ tasks }) => tasks.size > 0);
    const mean = (of: (instance: Instances[number]) => number) =>
      used.length === 0 ? undefined : (100 * used.reduce((sum, instance) => sum + of(instance), 0)) / used.length;
    const reserved = (key: Resource) =>
      used.some(({ registered }) => registered[key] > 0)
        ? mean(({ registered, remaining }) => 1 - remaining[key] / Math.max(1, registered[key]))
        : undefined;
    return {
      capacityProvider,
      instances: instances.length,
      used: used.length,
      tasks: used.reduce((sum, { tasks }) => sum + tasks.size, 0),
      reservedPercent: {
        cpuUnits: reserved('cpuUnits'),
        memoryMiB: reserved('memoryMiB'),
        gpuCount: reserved('gpuCount'),
        enis: reserved('enis'),
        hostPorts: mean(({ ports }) => ports.size / MOST_HOST_PORTS),
      },
      ...lowerBound(ecs, instances),
    };
  });
}

/** The tightest of: what is asked for of each resource in all, and the largest group of which an instance takes one task. */
function lowerBound(ecs: World['ecs'], instances: Instances): Pick<Packing, 'lowerBound' | 'boundBy'> {
  const asked: Record<Resource, number> = { cpuUnits: 0, memoryMiB: 0, gpuCount: 0, enis: 0 };
  const apart = new Map<string, number>();
  for (const { tasks } of instances)
    for (const taskId of tasks.keys()) {
      const task = ecs.tasks.get(taskId);
      const demand = ecs.taskDefinitions.get(task?.taskDefinition ?? '')?.demand;
      if (task === undefined || demand === undefined) continue;
      for (const key of RESOURCES) asked[key] += demand[key];
      const owner = ecs.services.get(task.serviceName) ?? ecs.runs.get(task.startedBy);
      const keys = [
        ...(owner?.config.placementConstraints.some(({ type }) => type === 'distinctInstance')
          ? [`distinctInstance of ${task.group}`]
          : []),
        ...[...demand.tcpPorts.map((port) => `tcp/${port}`), ...demand.udpPorts.map((port) => `udp/${port}`)].map(
          (port) => `host port ${port}`,
        ),
      ];
      for (const key of keys) apart.set(key, (apart.get(key) ?? 0) + 1);
    }
  const bounds: [string, number][] = RESOURCES.map((key) => {
    const most = instances.reduce((largest, { registered }) => Math.max(largest, registered[key]), 1);
    return [NAMES[key], Math.ceil(asked[key] / most)];
  });
  let [boundBy, least] = bounds[0] as [string, number];
  for (const [name, bound] of [...bounds, ...apart])
    if (bound > least) {
      boundBy = name;
      least = bound;
    }
  return { lowerBound: least, boundBy };
}

/** As a table, a row for each capacity provider. */
export function renderPacking(packings: readonly Packing[]): string {
  const style = { head: [], border: [], compact: true };
  const chars = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', left: '', right: '', middle: '  ' };
  const bottom = { bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' };
  const head = [
    '',
    'tasks',
    'instances',
    'used',
    'bound',
    'ratio',
    'CPU',
    'memory',
    'GPUs',
    'ENIs',
    'ports',
    'bound by',
  ];
  const table = new Table({
    head,
    style,
    chars: { ...chars, ...bottom, 'left-mid': '', mid: '', 'mid-mid': '', 'right-mid': '' },
    colAligns: head.map((_, column) => (column === 0 || column === head.length - 1 ? 'left' : 'right')),
  });
  for (const packing of packings) {
    const { capacityProvider, instances, used, tasks, reservedPercent: reserved, lowerBound: bound, boundBy } = packing;
    const percent = (value: number | undefined) => (value === undefined ? '-' : `${formatValue(value)} %`);
    table.push([
      capacityProvider,
      formatCount(tasks),
      formatCount(instances),
      formatCount(used),
      formatCount(bound),
      bound === 0 ? '-' : (used / bound).toFixed(3),
      percent(reserved.cpuUnits),
      percent(reserved.memoryMiB),
      percent(reserved.gpuCount),
      percent(reserved.enis),
      percent(reserved.hostPorts),
      boundBy,
    ]);
  }
  const lines = table.toString().split('\n');
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** Tasks that are wanted and have no place, in sentences. */
export function unplaced({ ecs }: World): readonly string[] {
  const lines: string[] = [];
  for (const { config, desiredCount, pendingCount, runningCount } of ecs.services.values()) {
    const missing = desiredCount - pendingCount - runningCount;
    if (missing > 0) lines.push(`${config.serviceName}: ${formatNoun(missing, 'task')} without a place`);
  }
  if (ecs.waiting.size > 0) lines.push(`${formatNoun(ecs.waiting.size, 'task')} in PROVISIONING`);
  return lines;
}
