/**
 * How time and memory grow: each dimension at one, ten and a hundred times its size, each size in a process of its own. An
 * exponent of 1 is proportional; n log n comes to about 1.1 over these sizes. `npm run bench -- growth`
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { scenarioSchema, type Scenario } from '../core/index.ts';
import { simulatedAlarms } from './alarms.ts';
import { fargateScenario, sail } from './voyage.ts';

interface Dimension {
  readonly unit: string;
  /** Of the smallest size that is measured. */
  readonly from: number;
  readonly run: (size: number) => void;
}

export const dimensions = {
  time: { unit: 'hours', from: 4, run: (hours) => sail(fargateScenario(2, hours)) },
  services: { unit: 'services', from: 2, run: (services) => sail(fargateScenario(services, 2)) },
  instances: { unit: 'instances', from: 20, run: (instances) => sail(onInstances(instances)) },
  tasks: { unit: 'tasks', from: 20, run: (tasks) => sail(withTasks(tasks)) },
  alarms: { unit: 'alarms', from: 100, run: (alarms) => simulatedAlarms(alarms, 30) },
} as const satisfies Readonly<Record<string, Dimension>>;
export type DimensionName = keyof typeof dimensions;

const FACTORS = [1, 10, 100];

interface Point {
  readonly size: number;
  readonly seconds: number;
  /** The most that it took beyond what the program takes before it starts. */
  readonly bytes: number;
}

export interface Curve {
  readonly dimension: string;
  readonly unit: string;
  readonly points: readonly Point[];
  /** Over all points, and from the last but one to the last, where what a start costs weighs least. */
  readonly time: Exponents;
  readonly memory: Exponents;
}
interface Exponents {
  readonly fitted: number;
  readonly last: number;
}

/** Each dimension's curve. `smoke`: one tiny size, in this process, without an exponent. */
export function* growth(smoke: boolean): Generator<Curve> {
  for (const [dimension, { unit, from }] of Object.entries(dimensions)) {
    const points = smoke
      ? [measuredHere(dimension as DimensionName, 1)]
      : FACTORS.map((factor) => measuredApart(dimension as DimensionName, from * factor));
    yield {
      dimension,
      unit,
      points,
      time: exponentsOf(points.map(({ size, seconds }) => [size, seconds])),
      memory: exponentsOf(points.map(({ size, bytes }) => [size, bytes])),
    };
  }
}

export function measuredHere(dimension: DimensionName, size: number): Point {
  const before = process.memoryUsage.rss();
  const from = performance.now();
  dimensions[dimension].run(size);
  const seconds = (performance.now() - from) / 1000;
  return { size, seconds, bytes: Math.max(0, process.resourceUsage().maxRSS * 1024 - before) };
}

function measuredApart(dimension: DimensionName, size: number): Point {
  const point = fileURLToPath(new URL('./growthPoint.ts', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', point, dimension, String(size)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`growth of ${dimension}, ${size}: ${stderr}`);
  return JSON.parse(stdout) as Point;
}

function exponentsOf(points: readonly (readonly [size: number, amount: number])[]): Exponents {
  return { fitted: exponentOf(points), last: exponentOf(points.slice(-2)) };
}

/** The slope of the straight line through the logarithms; NaN for fewer than two points. */
export function exponentOf(points: readonly (readonly [size: number, amount: number])[]): number {
  const logs = points.map(([size, amount]) => [Math.log(size), Math.log(amount)] as const);
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length;
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length;
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** Hours of a group of instances on which two tasks run. */
function onInstances(instances: number): Scenario {
  return scenarioSchema.parse({
    name: 'growth-instances',
    start: '2030-01-07T06:00:00Z',
    duration: '2h',
    cluster: { clusterName: 'bench', capacityProviders: ['group'] },
    autoScalingGroups: [
      {
        AutoScalingGroupName: 'group-asg',
        AvailabilityZones: ['us-east-1a', 'us-east-1b', 'us-east-1c'],
        MinSize: instances,
        MaxSize: instances,
        instanceType: 'm5.large',
        ecsConfig: { ECS_CLUSTER: 'bench' },
      },
    ],
    capacityProviders: [{ name: 'group', autoScalingGroupProvider: { autoScalingGroup: 'group-asg' } }],
    taskDefinitions: [
      {
        family: 'api',
        networkMode: 'bridge',
        containerDefinitions: [{ name: 'app', image: 'api:1', cpu: 256, memory: 512 }],
      },
    ],
    services: [
      {
        serviceName: 'api',
        taskDefinition: 'api',
        desiredCount: 2,
        capacityProviderStrategy: [{ capacityProvider: 'group', weight: 1 }],
      },
    ],
  });
}

/** Hours of one service on Fargate that keeps so many tasks, each of which has its share of the load. */
function withTasks(tasks: number): Scenario {
  const scenario = fargateScenario(1, 2);
  return {
    ...scenario,
    scalableTargets: [],
    services: scenario.services.map((service) => ({ ...service, desiredCount: tasks })),
    load: scenario.load.map((load) => ({ ...load, rate: [{ model: 'constant', rate: tasks }] })),
  };
}
