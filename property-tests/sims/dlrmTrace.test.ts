/**
 * Real services with real caps per node, where they are at hand: 23,871 instances of 156 recommendation services, placed as
 * ECS tasks. ECS knows "one of a group on an instance" only; a cap of n is n services with distinctInstance each.
 *
 * Source: alibaba/clusterdata, cluster-trace-gpu-v2025, "disaggregated DLRM"; it is read from outside, never shipped.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import {
  findInIndex,
  newPlacementJournal,
  noteChange,
  noteMembership,
  prepare,
  scanForPlace,
  type PlacementRequest,
} from '../../core/ecs/index.ts';
import { placementAssumptions } from '../../core/ecs/placement/assumptions.ts';
import type { PlacementStrategyConfig } from '../../core/ecs/placement/strategies.ts';
import { keyedRng } from '../../core/kernel/index.ts';
import { sailAndPack } from '../../sims/commands/packing.ts';
import { emptyInstance } from '../arbitraries.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const file = join(root, '..', 'shared', 'traces', 'alibaba-dlrm-2025-instances', 'disaggregated_DLRM_trace.csv');
const skip = existsSync(file) ? false : 'the trace is not beside the project (../shared/traces)';

interface Row {
  readonly role: string;
  readonly app_name: string;
  readonly cpu_request: string;
  readonly gpu_request: string;
  readonly memory_request: string;
  readonly max_instance_per_node: string;
}

/** Choice: the trace does not say what its nodes are; we take r7i.48xlarge for CPU and p4d.24xlarge for GPU work. */
const NODES = {
  CN: { cpuUnits: 192 * 1024, memoryMiB: 1536 * 1024, gpuCount: 0, enis: 0 },
  HN: { cpuUnits: 96 * 1024, memoryMiB: 1152 * 1024, gpuCount: 8, enis: 0 },
} as const;
type Role = keyof typeof NODES;
const ZONES = ['a', 'b', 'c'];
const assumptions = placementAssumptions.parse({});

/** Places everything; where nothing has room, one more instance joins, as managed scaling would have it. */
function pack(rows: readonly Row[], role: Role, strategies: readonly PlacementStrategyConfig[]) {
  const cluster = {
    containerInstances: new Map<string, ReturnType<typeof emptyInstance>>(),
    placementJournal: newPlacementJournal(),
  };
  const { containerInstances, placementJournal } = cluster;
  const join = () => {
    const plain = emptyInstance(containerInstances.size, ZONES[containerInstances.size % 3] as string);
    const instance = { ...plain, registered: { ...NODES[role] }, remaining: { ...NODES[role] } };
    containerInstances.set(instance.ec2InstanceId, instance);
    noteMembership(placementJournal, instance.ec2InstanceId);
  };
  const seen = new Map<string, number>();
  const perNode = new Map<string, number>();
  for (const [number, row] of rows.entries()) {
    const cap = Number(row.max_instance_per_node);
    // A few services were run with different caps: what has a cap of its own is a service of its own.
    const service = `${row.app_name}-${cap}`;
    const order = seen.get(service) ?? 0;
    seen.set(service, order + 1);
    const request: PlacementRequest = {
      group: `service:${service}${cap > 0 ? `-${order % cap}` : ''}`,
      demand: {
        cpuUnits: Math.round(Number(row.cpu_request) * 1024),
        memoryMiB: Math.round(Number(row.memory_request) * 1024),
        gpuCount: Number(row.gpu_request),
        tcpPorts: [],
        udpPorts: [],
        enis: 0,
      },
      requiredAttributes: [],
      zones: undefined,
      constraints: cap > 0 ? [{ type: 'distinctInstance' }] : [],
      strategies,
      capacityProvider: undefined,
    };
    const draws = () => keyedRng(1).at('dlrm', number);
    let place = findInIndex(cluster, request, assumptions, draws());
    if (number % 997 === 0)
      assert.deepEqual(place, scanForPlace(prepare(request, assumptions), containerInstances.values(), draws()));
    if (!('instance' in place)) {
      join();
      place = findInIndex(cluster, request, assumptions, draws());
    }
    assert.equal('instance' in place, true, `row ${number} fits no empty node`);
    if (!('instance' in place)) return 0;
    const { instance } = place;
    for (const key of ['cpuUnits', 'memoryMiB', 'gpuCount'] as const) {
      instance.remaining[key] -= request.demand[key];
      assert.equal(instance.remaining[key] >= 0, true, `row ${number}: ${key} of ${instance.ec2InstanceId}`);
    }
    instance.taskGroups.set(request.group, (instance.taskGroups.get(request.group) ?? 0) + 1);
    instance.runningTasksCount++;
    noteChange(placementJournal, instance, request.group);
    const held = `${instance.ec2InstanceId} ${service}`;
    perNode.set(held, (perNode.get(held) ?? 0) + 1);
    if (cap > 0) assert.equal((perNode.get(held) as number) <= cap, true, `row ${number}: ${held}`);
  }
  return containerInstances.size;
}

/** No packing can do with fewer: what is asked for in all, by the tightest resource. */
function lowerBound(rows: readonly Row[], role: Role): number {
  const total = (column: 'cpu_request' | 'memory_request' | 'gpu_request') =>
    rows.reduce((sum, row) => sum + Number(row[column]), 0);
  const { cpuUnits, memoryMiB, gpuCount } = NODES[role];
  return Math.ceil(
    Math.max(
      (total('cpu_request') * 1024) / cpuUnits,
      (total('memory_request') * 1024) / memoryMiB,
      gpuCount === 0 ? 0 : total('gpu_request') / gpuCount,
    ),
  );
}

for (const role of ['CN', 'HN'] as const)
  test(
    `${role}: every instance has its place, caps hold, and packing stays near what is possible`,
    { skip },
    (context) => {
      const all = parse(readFileSync(file), { columns: true }) as Row[];
      const rows = all.filter((row) => row.role === role);
      const bound = lowerBound(rows, role);
      const packed = pack(rows, role, [
        { type: 'spread', field: 'attribute:ecs.availability-zone' },
        { type: 'binpack', field: 'cpu' },
      ]);
      context.diagnostic(`${rows.length} tasks on ${packed} nodes, lower bound ${bound}`);
      assert.equal(packed >= bound, true);
      assert.equal(packed <= 1.1 * bound, true, `${packed} nodes, lower bound ${bound}`);
    },
  );

test('the shipped voyage places all of it through the service scheduler, near the lower bound', { skip }, (context) => {
  const services = file;
  const { packings, unplaced, notes } = sailAndPack(join(root, 'sims/scenarios/capped-fleet.yaml'), { services });
  assert.deepEqual(unplaced, []);
  assert.match(notes.join(' '), /23,871 tasks of 156 applications/);
  const tasks = packings.map((packing) => packing.tasks);
  assert.deepEqual(tasks, [16_485, 7_386]);
  for (const { capacityProvider, used, instances, lowerBound: bound } of packings) {
    context.diagnostic(`${capacityProvider}: ${used} of ${instances} nodes, lower bound ${bound}`);
    assert.equal(bound <= used && used <= 1.05 * bound, true, `${used} nodes, lower bound ${bound}`);
  }
});
