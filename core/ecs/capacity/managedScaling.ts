/**
 * Managed scaling: how many instances the tasks need (M), how many there are (N), and what the group should desire.
 *
 * @source spec/capacity.md chapter 2 (AWS, "Amazon ECS managed scaling")
 */

/** What one waiting task asks of an instance, or each of several. */
export interface ProvisioningTask {
  /** How many; 1 when left out. */
  readonly count?: number;
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  readonly enis?: number;
  readonly tcpPorts?: readonly number[];
  readonly distinctInstance?: boolean;
}

export interface ManagedScalingInput {
  /** Instances in service. */
  readonly runningInstances: number;
  /** Those with at least one task that is not a daemon's. */
  readonly instancesWithTasks: number;
  readonly provisioningTasks: readonly ProvisioningTask[];
  /** The group's instance types. */
  readonly instanceTypes: readonly {
    readonly cpuUnits: number;
    readonly memoryMiB: number;
    readonly taskEnis?: number;
  }[];
  readonly targetCapacity: number;
  readonly minimumScalingStepSize: number;
  readonly maximumScalingStepSize: number;
  /** An empty group that nobody needs publishes 100, as AWS documented it in 2020. */
  readonly legacyEmptyMetric?: boolean;
}

export interface ManagedScalingOutput {
  /** Instances needed. */
  readonly m: number;
  readonly n: number;
  /** CapacityProviderReservation, percent. */
  readonly capacityProviderReservation: number;
  /** What target tracking would set the group to, before its bounds; undefined when there is nothing to do. */
  readonly desired: number | undefined;
}

export function managedScaling(input: ManagedScalingInput): ManagedScalingOutput {
  const { runningInstances: n, targetCapacity } = input;
  const additional = additionalInstances(input);
  // No waiting task fits even an empty instance: ECS publishes the target itself, and nothing moves.
  if (additional === undefined) return { m: n, n, capacityProviderReservation: targetCapacity, desired: undefined };
  const m = additional === 0 ? input.instancesWithTasks : n + additional;
  const capacityProviderReservation = reservation(m, n, input.legacyEmptyMetric === true ? 100 : targetCapacity);
  const desired = desiredInstances(n, capacityProviderReservation, targetCapacity);
  return { m, n, capacityProviderReservation, desired: desired === n ? undefined : desired };
}

/**
 * M / N x 100. From nothing to something it is 200; with nothing and no need it is the target, so that nothing moves.
 * Choice: AWS documents 100 for the latter, which for targets below 100 would launch idle instances (capacity.md 9-A3).
 */
function reservation(m: number, n: number, emptyPercent: number): number {
  if (n > 0) return (100 * m) / n;
  return m > 0 ? 200 : emptyPercent;
}

/** Target tracking on the group: ceil(N x reservation / target), an empty group counting as one instance. */
export function desiredInstances(n: number, reservationPercent: number, targetCapacity: number): number {
  if (reservationPercent === targetCapacity) return n;
  return Math.max(0, Math.ceil((Math.max(n, 1) * reservationPercent) / targetCapacity - 1e-9)); // 0, not -0
}

/** Instances to add for the waiting tasks; 0 when none waits, undefined when none of them fits any instance. */
function additionalInstances(input: ManagedScalingInput): number | undefined {
  if (input.provisioningTasks.length === 0) return 0;
  const { smallest, largest } = extremes(input.instanceTypes);
  const groups = new Map<string, { readonly task: ProvisioningTask; count: number }>();
  for (const task of input.provisioningTasks) {
    const key = JSON.stringify([task.cpuUnits, task.memoryMiB, task.enis, task.tcpPorts, task.distinctInstance]);
    const { count = 1 } = task;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { task, count });
    else group.count += count;
  }
  let needed: number | undefined;
  for (const { task, count } of groups.values()) {
    if (tasksPerInstance(task, smallest) === 0) continue;
    needed = Math.max(needed ?? 0, Math.ceil(count / tasksPerInstance(task, largest)));
  }
  if (needed === undefined) return undefined;
  return Math.min(Math.max(needed, input.minimumScalingStepSize), input.maximumScalingStepSize);
}

interface Room {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  readonly taskEnis: number;
}

/** ECS compares with the smallest and the largest value of each parameter over the group's types. */
function extremes(types: ManagedScalingInput['instanceTypes']): { readonly smallest: Room; readonly largest: Room } {
  const pick = (choose: (...values: number[]) => number): Room => ({
    cpuUnits: choose(...types.map(({ cpuUnits }) => cpuUnits)),
    memoryMiB: choose(...types.map(({ memoryMiB }) => memoryMiB)),
    taskEnis: choose(...types.map(({ taskEnis }) => taskEnis ?? Number.POSITIVE_INFINITY)),
  });
  return { smallest: pick(Math.min), largest: pick(Math.max) };
}

/** Pure bin packing on an empty instance; a static port or distinctInstance allows one. */
function tasksPerInstance(task: ProvisioningTask, room: Room): number {
  const exclusive = task.distinctInstance === true || (task.tcpPorts?.length ?? 0) > 0;
  return Math.min(
    exclusive ? 1 : Number.MAX_SAFE_INTEGER,
    task.cpuUnits === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(room.cpuUnits / task.cpuUnits),
    task.memoryMiB === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(room.memoryMiB / task.memoryMiB),
    (task.enis ?? 0) === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(room.taskEnis / (task.enis as number)),
  );
}
