/** Fargate: which sizes exist. @source spec/capacity.md 4.1; fargateSizes.json, field `source` */

import catalogue from './fargateSizes.json' with { type: 'json' };

const memoryByCpu: ReadonlyMap<number, readonly number[]> = new Map(
  catalogue.sizes.map(({ cpuUnits, memoryMiB }) => [cpuUnits, memoryMiB]),
);

/** Whether Fargate offers a task of this size. */
export function fargateSizeIsValid(cpuUnits: number, memoryMiB: number): boolean {
  return memoryByCpu.get(cpuUnits)?.includes(memoryMiB) ?? false;
}

/** The memory sizes that go with a CPU size; none when Fargate does not offer it. */
export function fargateMemorySizes(cpuUnits: number): readonly number[] {
  return memoryByCpu.get(cpuUnits) ?? [];
}

export const fargateCpuSizes: readonly number[] = [...memoryByCpu.keys()];
