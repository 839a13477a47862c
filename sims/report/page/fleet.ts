/** The lives of instances and tasks: which states each went through, and when. The picture of the cluster is drawn from it. */

import { taskDemand, type Event, type Recorded } from '../../../core/index.ts';
import type { ColumnPacker } from './columns.ts';
import { instanceStates, taskStates, type InstanceState, type PageRun, type TaskState } from './data.ts';
import { Names } from './names.ts';

/** Tasks that a page holds; a year of an ordinary service starts some tens of thousands. */
const MOST_TASKS = 100_000;

interface Life {
  readonly atMs: number[];
  readonly states: number[];
}

interface InstanceLife extends Life {
  readonly type: number;
  readonly zone: number;
  readonly provider: number;
  readonly isSpot: boolean;
  cpuUnits: number;
  memoryMiB: number;
}

interface TaskLife extends Life {
  readonly service: number;
  readonly definition: number;
  readonly provider: number;
  instance: number;
  zone: number;
}

/** What an instant came to, for the series. */
export interface FleetCounts {
  /** By service: tasks that run, and tasks on their way. */
  readonly running: number[];
  readonly pending: number[];
  /** By provider: instances, or Fargate tasks. */
  readonly byProvider: number[];
  reservedCpu: number;
  reservedMemory: number;
  registeredCpu: number;
  registeredMemory: number;
}

const taskStateOf = Object.fromEntries(taskStates.map((state, index) => [state, index])) as Record<TaskState, number>;
const instanceStateOf = Object.fromEntries(instanceStates.map((state, index) => [state, index])) as Record<
  InstanceState,
  number
>;

const LAUNCH_TYPE_EC2 = 'EC2';

export class Fleet {
  readonly services = new Names();
  readonly providers = new Names();
  readonly tasks = new Names();
  readonly instances = new Names();
  readonly counts: FleetCounts = {
    running: [],
    pending: [],
    byProvider: [],
    reservedCpu: 0,
    reservedMemory: 0,
    registeredCpu: 0,
    registeredMemory: 0,
  };
  readonly #startMs: number;
  readonly #zones = new Names();
  readonly #types = new Names();
  readonly #definitionNames = new Names();
  readonly #definitions: { readonly name: string; readonly cpuUnits: number; readonly memoryMiB: number }[] = [];
  readonly #providerOfGroup = new Map<string, string>();
  readonly #instanceLives: InstanceLife[] = [];
  readonly #taskLives: TaskLife[] = [];
  #untoldTasks = 0;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  on({ atMs, event }: Recorded<Event>): void {
    switch (event.type) {
      case 'ServiceCreated':
        this.services.indexOf(event.config.serviceName);
        return;
      case 'CapacityProviderCreated':
        this.#providerOfGroup.set(event.config.autoScalingGroupProvider.autoScalingGroup, event.config.name);
        return;
      case 'TaskDefinitionRegistered': {
        const { cpuUnits, memoryMiB } = taskDemand(event.definition);
        const index = this.#definitionNames.indexOf(event.taskDefinition);
        this.#definitions[index] = { name: event.taskDefinition, cpuUnits, memoryMiB };
        return;
      }
      case 'InstanceLaunched':
        this.#launch(event, atMs);
        return;
      case 'InstanceWarmed':
        this.#moveInstance(event.instanceId, 'in the warm pool', atMs);
        return;
      case 'WarmInstanceStarted':
        this.#moveInstance(event.instanceId, 'booting', atMs);
        return;
      case 'InstanceInService':
        if (this.#stateOfInstance(event.instanceId) === 'booting')
          this.#moveInstance(event.instanceId, 'joining the cluster', atMs);
        return;
      case 'ContainerInstanceRegistered': {
        const life = this.#instanceLives[this.instances.indexOf(event.ec2InstanceId)];
        if (life === undefined) return;
        life.cpuUnits = event.cpuUnits;
        life.memoryMiB = event.memoryMiB;
        this.counts.registeredCpu += event.cpuUnits;
        this.counts.registeredMemory += event.memoryMiB;
        const state = event.activeAtMs > atMs ? 'joining the cluster' : 'ACTIVE';
        this.#moveInstance(event.ec2InstanceId, state, atMs);
        return;
      }
      case 'ContainerInstanceActivated':
      case 'ContainerAgentConnected':
        this.#moveInstance(event.ec2InstanceId, 'ACTIVE', atMs);
        return;
      case 'ContainerAgentDisconnected':
        this.#moveInstance(event.ec2InstanceId, 'agent disconnected', atMs);
        return;
      case 'ContainerInstanceDraining':
        this.#moveInstance(event.ec2InstanceId, 'DRAINING', atMs);
        return;
      case 'ContainerInstanceDeregistered': {
        const life = this.#instanceLives[this.instances.indexOf(event.ec2InstanceId)];
        this.counts.registeredCpu -= life?.cpuUnits ?? 0;
        this.counts.registeredMemory -= life?.memoryMiB ?? 0;
        return;
      }
      case 'InstanceTerminating':
        this.#moveInstance(event.instanceId, 'terminating', atMs);
        return;
      case 'InstanceTerminated':
        this.#terminate(event.instanceId, atMs);
        return;
      default:
        this.#onTask(event, atMs);
    }
  }

  #onTask(event: Event, atMs: number): void {
    switch (event.type) {
      case 'TaskCreated':
        this.#createTask(event, atMs);
        return;
      case 'TaskPlaced':
        this.#place(event);
        this.#moveTask(event.taskId, 'PENDING', atMs);
        return;
      case 'TaskActivating':
        this.#moveTask(event.taskId, 'ACTIVATING', atMs);
        return;
      case 'TaskRunning':
        // Its target may have answered before.
        if (!isRunning(this.#stateOfTask(event.taskId))) this.#moveTask(event.taskId, 'RUNNING', atMs);
        return;
      case 'TargetRegistered':
        if (event.state === 'initial') this.#answers(event.targetId, 'RUNNING, not healthy yet', atMs);
        return;
      case 'TargetHealthy':
        this.#answers(event.targetId, 'RUNNING', atMs);
        return;
      case 'TargetUnhealthy':
        this.#answers(event.targetId, 'RUNNING, unhealthy', atMs);
        return;
      case 'TaskDeactivating':
        this.#moveTask(event.taskId, 'DEACTIVATING', atMs);
        return;
      case 'TaskStopping':
        this.#moveTask(event.taskId, 'STOPPING', atMs);
        return;
      case 'TaskDeprovisioning':
        this.#moveTask(event.taskId, 'DEPROVISIONING', atMs);
        return;
      case 'TaskStopped':
        this.#moveTask(event.taskId, 'STOPPED', atMs);
        return;
      default:
    }
  }

  /** The number of a task that the page holds; -1 for the others. */
  taskNumber(taskId: string): number {
    return this.tasks.find(taskId);
  }

  instanceNumber(instanceId: string): number {
    return this.instances.find(instanceId);
  }

  /** What is said of the tasks that were too many. */
  get leftOut(): readonly string[] {
    return this.#untoldTasks === 0
      ? []
      : [
          `The picture of the cluster has the first ${MOST_TASKS.toLocaleString('en-US')} tasks; ${this.#untoldTasks.toLocaleString('en-US')} later ones are in the log only.`,
        ];
  }

  pack(columns: ColumnPacker): void {
    const since = (atMs: number) => atMs - this.#startMs;
    const write = (kind: string, lives: readonly Life[]) => {
      columns.add(
        `${kind}.changes`,
        lives.map(({ atMs }) => atMs.length),
      );
      columns.add(
        `${kind}.changedAt`,
        lives.flatMap(({ atMs }) => atMs.map(since)),
      );
      columns.add(
        `${kind}.states`,
        lives.flatMap(({ states }) => states),
      );
    };
    const { instances, tasks } = { instances: this.#instanceLives, tasks: this.#taskLives };
    write('instance', instances);
    for (const field of ['type', 'zone', 'provider', 'cpuUnits', 'memoryMiB'] as const)
      columns.add(
        `instance.${field}`,
        instances.map((life) => life[field]),
      );
    columns.add(
      'instance.isSpot',
      instances.map(({ isSpot }) => Number(isSpot)),
    );
    write('task', tasks);
    for (const field of ['service', 'definition', 'provider', 'instance', 'zone'] as const)
      columns.add(
        `task.${field}`,
        tasks.map((life) => life[field]),
      );
  }

  page(): Pick<PageRun, 'providers' | 'zones' | 'instanceTypes' | 'taskDefinitions' | 'instanceNames' | 'taskNames'> {
    return {
      providers: this.providers.all,
      zones: this.#zones.all,
      instanceTypes: this.#types.all,
      taskDefinitions: this.#definitions,
      instanceNames: this.instances.all,
      taskNames: this.tasks.all,
    };
  }

  #launch(event: Extract<Event, { type: 'InstanceLaunched' }>, atMs: number): void {
    const { instanceId, autoScalingGroupName, instanceType, availabilityZone, purchaseOption } = event;
    const provider = this.#provider(this.#providerOfGroup.get(autoScalingGroupName) ?? autoScalingGroupName);
    const index = this.instances.indexOf(instanceId);
    this.counts.byProvider[provider] = (this.counts.byProvider[provider] ?? 0) + 1;
    this.#instanceLives[index] = {
      type: this.#types.indexOf(instanceType),
      zone: this.#zones.indexOf(availabilityZone),
      provider,
      isSpot: purchaseOption === 'spot',
      cpuUnits: 0,
      memoryMiB: 0,
      atMs: [atMs],
      states: [instanceStateOf.booting],
    };
  }

  #terminate(instanceId: string, atMs: number): void {
    const life = this.#instanceLives[this.instances.find(instanceId)];
    if (life === undefined || life.states.at(-1) === instanceStateOf.terminated) return;
    this.counts.byProvider[life.provider] = (this.counts.byProvider[life.provider] ?? 0) - 1;
    change(life, instanceStateOf.terminated, atMs);
  }

  #stateOfInstance(instanceId: string): InstanceState | undefined {
    const state = this.#instanceLives[this.instances.find(instanceId)]?.states.at(-1);
    return state === undefined ? undefined : instanceStates[state];
  }

  #moveInstance(instanceId: string, state: InstanceState, atMs: number): void {
    const life = this.#instanceLives[this.instances.find(instanceId)];
    if (life === undefined || life.states.at(-1) === instanceStateOf.terminated) return;
    change(life, instanceStateOf[state], atMs);
  }

  #createTask(event: Extract<Event, { type: 'TaskCreated' }>, atMs: number): void {
    const { taskId, serviceName, group, taskDefinition, capacityProvider } = event;
    if (this.#taskLives.length === MOST_TASKS) {
      this.#untoldTasks++;
      return;
    }
    const service = this.services.indexOf(serviceName || group);
    this.counts.pending[service] = (this.counts.pending[service] ?? 0) + 1;
    this.#taskLives[this.tasks.indexOf(taskId)] = {
      service,
      definition: this.#definitionNames.indexOf(taskDefinition),
      provider: this.#provider(capacityProvider ?? LAUNCH_TYPE_EC2),
      instance: -1,
      zone: -1,
      atMs: [atMs],
      states: [taskStateOf.PROVISIONING],
    };
  }

  #place({ taskId, ec2InstanceId, availabilityZone }: Extract<Event, { type: 'TaskPlaced' }>): void {
    const life = this.#taskLives[this.tasks.find(taskId)];
    if (life === undefined) return;
    life.zone = this.#zones.indexOf(availabilityZone);
    life.instance = ec2InstanceId === undefined ? -1 : this.instances.find(ec2InstanceId);
    if (ec2InstanceId === undefined)
      this.counts.byProvider[life.provider] = (this.counts.byProvider[life.provider] ?? 0) + 1;
    else this.#reserve(life, 1);
  }

  #reserve({ definition }: TaskLife, sign: 1 | -1): void {
    const { cpuUnits = 0, memoryMiB = 0 } = this.#definitions[definition] ?? {};
    this.counts.reservedCpu += sign * cpuUnits;
    this.counts.reservedMemory += sign * memoryMiB;
  }

  /** The state of a target matters only while its task runs. */
  #answers(taskId: string, state: TaskState, atMs: number): void {
    const now = this.#stateOfTask(taskId);
    if (now === 'ACTIVATING' || isRunning(now)) this.#moveTask(taskId, state, atMs);
  }

  #stateOfTask(taskId: string): TaskState | undefined {
    const state = this.#taskLives[this.tasks.find(taskId)]?.states.at(-1);
    return state === undefined ? undefined : taskStates[state];
  }

  #moveTask(taskId: string, state: TaskState, atMs: number): void {
    const life = this.#taskLives[this.tasks.find(taskId)];
    if (life === undefined) return;
    const before = taskStates[life.states.at(-1) as number];
    change(life, taskStateOf[state], atMs);
    const count = (counts: number[], from: boolean, to: boolean) => {
      counts[life.service] = (counts[life.service] ?? 0) + Number(to) - Number(from);
    };
    count(this.counts.running, isRunning(before), isRunning(state));
    count(this.counts.pending, isOnItsWay(before), isOnItsWay(state));
    const held = holds(before);
    if (held && !holds(state) && life.instance !== -1) this.#reserve(life, -1);
    if (state === 'STOPPED' && life.instance === -1 && life.zone !== -1)
      this.counts.byProvider[life.provider] = (this.counts.byProvider[life.provider] ?? 0) - 1;
  }

  #provider(name: string): number {
    const index = this.providers.indexOf(name);
    this.counts.byProvider[index] ??= 0;
    return index;
  }
}

function change(life: Life, state: number, atMs: number): void {
  if (life.states.at(-1) === state) return;
  if (life.atMs.at(-1) === atMs && life.atMs.length > 1) {
    life.states[life.states.length - 1] = state;
    return;
  }
  life.atMs.push(atMs);
  life.states.push(state);
}

function isRunning(state: TaskState | undefined): boolean {
  return state === 'RUNNING' || state === 'RUNNING, not healthy yet' || state === 'RUNNING, unhealthy';
}

function isOnItsWay(state: TaskState | undefined): boolean {
  return state === 'PROVISIONING' || state === 'PENDING' || state === 'ACTIVATING';
}

/** ECS counts the resources of a stopping task as free. */
function holds(state: TaskState | undefined): boolean {
  return isRunning(state) || state === 'PENDING' || state === 'ACTIVATING' || state === 'DEACTIVATING';
}
