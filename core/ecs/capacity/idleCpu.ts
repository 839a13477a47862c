/**
 * CPU that nobody on an instance uses goes to those who want more, in proportion to their CPU units; nobody gets less than
 * its own units. On Linux CPU units are a share, not a cap, unless the task has a size of its own.
 *
 * @source AWS, ECS API, ContainerDefinition, cpu; spec/placement.md 1.2
 */

/** What the tasks of one service on an instance ask for. */
export interface CpuWish {
  /** Reserved by all of them. */
  readonly cpuUnits: number;
  /** What they use now. */
  readonly usedUnits: number;
  /** They use all they get, and would use more. */
  readonly isBusy: boolean;
  /** Their task definition has a size: they get no more than that. */
  readonly isLimited: boolean;
}

/**
 * CPU units that each may use. What the busy ones leave, those who are not busy could have, too, should they want it.
 *
 * @param cpuUnits  of the whole instance
 */
export function sharedCpuUnits(cpuUnits: number, wishes: readonly CpuWish[]): readonly number[] {
  const shares = wishes.map(({ usedUnits, cpuUnits: own, isLimited }) => (isLimited ? Math.min(usedUnits, own) : 0));
  let left = cpuUnits - shares.reduce((sum, share) => sum + share, 0);
  const open = new Set(
    wishes.flatMap(({ isLimited, cpuUnits: own }, index) => (isLimited || own === 0 ? [] : [index])),
  );
  // Those who want less than their part of what is left get that, and leave the rest to the others.
  for (let settled = true; settled && open.size > 0;) {
    settled = false;
    const perUnit = left / sumOf(wishes, open);
    for (const index of open) {
      const { isBusy, usedUnits, cpuUnits: own } = wishes[index] as CpuWish;
      if (isBusy || usedUnits > own * perUnit) continue;
      shares[index] = usedUnits;
      left -= usedUnits;
      open.delete(index);
      settled = true;
    }
  }
  const wanting = open.size > 0 ? sumOf(wishes, open) : 0;
  const all = wishes.reduce((sum, { isLimited, cpuUnits: own }) => sum + (isLimited ? 0 : own), 0);
  return wishes.map(({ cpuUnits: own, isLimited }, index) => {
    if (isLimited) return own;
    const share = open.has(index) ? (left * own) / wanting : (shares[index] as number);
    const idle = open.size === 0 && all > 0 ? (left * own) / all : 0;
    return Math.max(own, share + idle);
  });
}

function sumOf(wishes: readonly CpuWish[], indexes: ReadonlySet<number>): number {
  let sum = 0;
  for (const index of indexes) sum += (wishes[index] as CpuWish).cpuUnits;
  return sum;
}
