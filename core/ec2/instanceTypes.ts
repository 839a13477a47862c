/** EC2 instance types: what they offer and what they cost. */

import catalogue from './instanceTypes.json' with { type: 'json' };

export interface InstanceType {
  readonly type: string;
  readonly vcpu: number;
  /** As advertised. */
  readonly memoryMiB: number;
  /** What the container agent registers: what the operating system sees, less than advertised. */
  readonly ecsMemoryMiB: number;
  readonly arch: string;
  readonly maxEnis: number;
  /** Tasks with their own network interface, without and with trunking; null where trunking is not possible. */
  readonly awsvpcTasks: number;
  readonly awsvpcTasksTrunked: number | null;
  /** On-demand, Linux, us-east-1; a millionth of a dollar. */
  readonly microUsdPerHour: number;
  /** Burstable types: CPU credits earned per hour; one is a vCPU for a minute, so this also is the baseline. */
  readonly cpuCreditsPerHour?: number | undefined;
}

const byName: ReadonlyMap<string, InstanceType> = new Map(catalogue.instanceTypes.map((entry) => [entry.type, entry]));

/** The catalogue's entry; undefined for a type it does not know. @source instanceTypes.json, field `source` */
export function instanceType(name: string): InstanceType | undefined {
  return byName.get(name);
}

export const instanceTypeNames: readonly string[] = [...byName.keys()];
