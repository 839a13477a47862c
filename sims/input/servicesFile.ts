/**
 * Services in CSV: one row for each task, as traces of real clusters list them. Tasks that are alike make a service.
 *
 * ECS knows "one of a group on an instance" only. A limit of n to an instance is n services with distinctInstance each,
 * which share the tasks.
 */

import { z } from 'zod';
import {
  registeredResources,
  scenarioSchema,
  taskDemand,
  type Scenario,
  type ScenarioInput,
} from '../../core/index.ts';
import { readPieces } from './file.ts';
import { counted, quote } from './inputError.ts';
import { readTable } from './table.ts';

const LIMIT_BYTES = 256 * 1024 * 1024;
const EXPECTED = 'a CSV file with a task in each row';

const number = (expected: string) =>
  z
    .string()
    .trim()
    .min(1, `expected ${expected}`)
    .pipe(z.coerce.number(`expected ${expected}`));

/** Columns that a file must have; others are not read. */
const row = z.object({
  app_name: z.string().trim().min(1, 'expected the name of an application'),
  role: z.string().trim(),
  cpu_request: number('vCPUs').pipe(z.number().min(0)),
  memory_request: number('GiB').pipe(z.number().positive()),
  gpu_request: number('a number of GPUs').pipe(z.int().min(0)),
  max_instance_per_node: number('how many may be on one instance; 0 or less: any').pipe(z.int()),
});
type Row = z.output<typeof row>;

type ServiceInput = ScenarioInput['services'][number];

/** Tasks that are alike in everything that is read. */
interface Shape {
  readonly row: Row;
  count: number;
}

export interface ReadServices {
  readonly scenario: Scenario;
  /** What was made of the file, in a sentence. */
  readonly note: string;
}

/**
 * The scenario with the services of a file in place of its own. `role` names the capacity provider of a task; the placement
 * strategy is that of the scenario's first service of that provider. Each group starts with twice the instances that the
 * tasks of its provider need at least, as far as its MaxSize lets it.
 *
 * @throws InputError with the first 20 mistakes and the number of the others
 */
export function withServices(scenario: Scenario, file: string): ReadServices {
  const rows = readRows(file, scenario);
  const shapes = new Map<string, Shape>();
  for (const item of rows) {
    const key = JSON.stringify(Object.values(item));
    const shape = shapes.get(key);
    if (shape === undefined) shapes.set(key, { row: item, count: 1 });
    else shape.count++;
  }
  const taskDefinitions: ScenarioInput['taskDefinitions'] = [];
  const services: ServiceInput[] = [];
  for (const [index, { row: item, count }] of Array.from(shapes.values()).entries()) {
    const family = `${item.app_name}-${index + 1}`;
    taskDefinitions.push(definitionOf(family, item));
    services.push(...servicesOf(family, item, count, scenario));
  }
  const parsed = scenarioSchema.shape;
  const applications = new Set(rows.map(({ app_name: name }) => name)).size;
  const autoScalingGroups = scenario.autoScalingGroups.map((group) => withRoom(group, [...shapes.values()], scenario));
  return {
    scenario: {
      ...scenario,
      autoScalingGroups,
      taskDefinitions: parsed.taskDefinitions.parse(taskDefinitions),
      services: parsed.services.parse(services),
    },
    note: `${counted(rows.length, 'task')} of ${counted(applications, 'application')} in ${counted(shapes.size, 'size')} are ${counted(services.length, 'service')}: a limit of n on an instance is n services with distinctInstance.`,
  };
}

function definitionOf(family: string, { cpu_request: vcpu, memory_request: gib, gpu_request: gpus }: Row) {
  return {
    family,
    containerDefinitions: [
      {
        name: 'app',
        image: 'app',
        cpu: Math.round(vcpu * 1024),
        memory: Math.max(6, Math.round(gib * 1024)),
        resourceRequirements: gpus === 0 ? [] : [{ type: 'GPU' as const, value: String(gpus) }],
      },
    ],
  };
}

type Group = Scenario['autoScalingGroups'][number];

/** Choice: twice what they need at least is room for any packing that opens an instance only when no used one has room. */
function withRoom(group: Group, shapes: readonly Shape[], { capacityProviders }: Scenario): Group {
  const roles = capacityProviders
    .filter(({ autoScalingGroupProvider: of }) => of.autoScalingGroup === group.AutoScalingGroupName)
    .map(({ name }) => name);
  const own = shapes.filter(({ row: { role } }) => roles.includes(role));
  const offer = registeredResources(group.instanceType ?? '', group.ecsConfig);
  if (offer === undefined || own.length === 0) return group;
  let least = 0;
  for (const { row: item, count } of own)
    if (item.max_instance_per_node > 0) least = Math.max(least, count / item.max_instance_per_node);
  for (const key of ['cpuUnits', 'memoryMiB', 'gpuCount'] as const) {
    const asked = own.reduce((sum, { row: item, count }) => sum + count * taskDemand(definitionOf('', item))[key], 0);
    if (asked > 0) least = Math.max(least, asked / Math.max(1, offer[key]));
  }
  return { ...group, DesiredCapacity: Math.min(group.MaxSize, Math.ceil(2 * least)) };
}

/** As even as the tasks allow; one that would have none is left out. */
function servicesOf(family: string, { role, max_instance_per_node: limit }: Row, count: number, scenario: Scenario) {
  const parts = Math.min(Math.max(1, limit), count);
  const like = scenario.services.find(({ capacityProviderStrategy: strategy }) =>
    strategy?.some(({ capacityProvider }) => capacityProvider === role),
  );
  return Array.from({ length: parts }, (_, part): ServiceInput => ({
    serviceName: limit > 0 ? `${family}-${part + 1}` : family,
    taskDefinition: family,
    desiredCount: Math.ceil((count - part) / parts),
    capacityProviderStrategy: [{ capacityProvider: role, weight: 1 }],
    placementStrategy: like?.placementStrategy ?? [],
    ...(like?.availabilityZoneRebalancing === undefined
      ? {}
      : { availabilityZoneRebalancing: like.availabilityZoneRebalancing }),
    placementConstraints: limit > 0 ? [{ type: 'distinctInstance' }] : [],
  }));
}

function readRows(file: string, { cluster }: Scenario): readonly Row[] {
  const bytes = Buffer.concat([...readPieces(file, LIMIT_BYTES, EXPECTED)]);
  return readTable(file, bytes, row, EXPECTED, ({ role }) =>
    cluster.capacityProviders.includes(role)
      ? undefined
      : `role: found ${quote(role)}, expected a capacity provider of the cluster: ${cluster.capacityProviders.join(', ')}`,
  );
}
