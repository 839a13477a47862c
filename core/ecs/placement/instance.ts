/**
 * What placement sees of a container instance. Its id, type, zone, provider, agent's version, attributes and capabilities are
 * settled when it registers: an index asks about them once.
 */

import type { Immutable } from 'immer';
import type { Millis } from '../../kernel/index.ts';
import { CAPABILITIES } from './capabilities.ts';

export interface Resources {
  cpuUnits: number;
  memoryMiB: number;
  gpuCount: number;
  /** Network interfaces for tasks. */
  enis: number;
}

export interface PlacementInstance {
  readonly ec2InstanceId: string;
  /** A number that no other one in the cluster has. */
  readonly ordinal: number;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly capacityProvider: string | undefined;
  readonly registeredAtMs: Millis;
  readonly status: 'REGISTERING' | 'ACTIVE' | 'DRAINING';
  readonly agentConnected: boolean;
  readonly agentVersion: string;
  readonly remaining: Readonly<Resources>;
  /** Host ports that are taken, as `tcp/80`; the agent's own too. */
  readonly ports: Immutable<Map<string, true>>;
  /** Built-in and custom attributes; null is one without a value. */
  readonly attributes: Immutable<Map<string, string | null>>;
  /** What its agent cannot do, of all that the agent can. */
  readonly missingCapabilities: readonly string[];
  /** Tasks meant to run of each task group, and of all of them. */
  readonly taskGroups: Immutable<Map<string, number>>;
  readonly runningTasksCount: number;
  /** Those of them that are RUNNING. */
  readonly runningGroups: Immutable<Map<string, number>>;
}

/** The value of an attribute; null when it has none, undefined when the instance does not carry it. */
export function attributeOf(instance: PlacementInstance, name: string): string | null | undefined {
  const value = instance.attributes.get(name);
  if (value !== undefined) return value;
  return CAPABILITIES.has(name) && !instance.missingCapabilities.includes(name) ? null : undefined;
}

/** Where the tasks of a group are counted: `instanceId`, `host`, or `attribute:name`. A missing attribute is one value. */
export function fieldReader(field: string): (instance: PlacementInstance) => string | null | undefined {
  if (isInstanceField(field)) return ({ ec2InstanceId }) => ec2InstanceId;
  const name = field.slice('attribute:'.length);
  return (instance) => attributeOf(instance, name);
}

export function isInstanceField(field: string): boolean {
  return field === 'instanceId' || field === 'host';
}

/** The order of ties: registered first, then by id. */
export function registeredBefore(
  a: Pick<PlacementInstance, 'registeredAtMs' | 'ec2InstanceId'>,
  b: Pick<PlacementInstance, 'registeredAtMs' | 'ec2InstanceId'>,
): number {
  return a.registeredAtMs - b.registeredAtMs || (a.ec2InstanceId < b.ec2InstanceId ? -1 : 1);
}
