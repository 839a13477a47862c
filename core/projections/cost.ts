/**
 * What a run costs, in millionths of a dollar: by kind, by service, by capacity provider and by hour, and what of it was
 * idle. Instances and Fargate tasks by the second, a minute at least; load balancers by the started hour; what AWS prices by
 * the month in proportion, a month being 730 hours.
 *
 * @source spec/capacity.md 3.8, 4.4, 6.4; prices.json
 */

import { instanceType, type AutoScalingGroupConfig } from '../ec2/index.ts';
import { taskDemand, type BillAssumptions } from '../ecs/index.ts';
import { HOUR, SECOND, type Millis, type Recorded } from '../kernel/index.ts';
import type { Event } from '../world.ts';
import { defaultPrices, type PriceList } from './prices.ts';
import type { Projection } from './projection.ts';

/** Integers, so that they add up: 1,000,000 are one dollar. */
export interface CostReport {
  /** Instances on demand, and on Spot. */
  readonly ec2MicroUsd: number;
  readonly ec2SpotMicroUsd: number;
  /** CPU credits of burstable instances in unlimited mode, beyond what they earn. */
  readonly cpuCreditsMicroUsd: number;
  readonly ebsMicroUsd: number;
  readonly publicIpv4MicroUsd: number;
  readonly fargateMicroUsd: number;
  readonly fargateSpotMicroUsd: number;
  /** Hours, and load balancer capacity units. */
  readonly loadBalancerMicroUsd: number;
  readonly lcuMicroUsd: number;
  /** Alarms and custom metrics, and the ingestion of logs. */
  readonly cloudWatchMicroUsd: number;
  readonly logsMicroUsd: number;
  /** The sum of all above. It also is the sum of `byService`, `idleMicroUsd` and `sharedMicroUsd`; and that of `byHour`. */
  readonly totalMicroUsd: number;
  readonly byService: readonly ServiceCost[];
  /** Instances' capacity that no task had reserved. */
  readonly idleMicroUsd: number;
  /** What belongs to no one service: volumes, addresses, CPU credits, load balancer, CloudWatch. */
  readonly sharedMicroUsd: number;
  /** Instances with their volumes, addresses and credits, and Fargate tasks. */
  readonly byProvider: readonly { readonly capacityProvider: string; readonly microUsd: number }[];
  /** Hour by hour from the first event on; what only shows at the end, such as minimum charges, is in the last one. */
  readonly byHour: readonly number[];
  readonly instanceHours: number;
  readonly fargateTaskHours: number;
}

export interface ServiceCost {
  /** Empty: all tasks of their own together. */
  readonly serviceName: string;
  /** Its Fargate tasks, and its part of the instances by what its tasks reserve. */
  readonly microUsd: number;
  /** Of that, what was reserved and not used. */
  readonly unusedMicroUsd: number;
}

export interface CostOptions {
  readonly prices?: PriceList;
  readonly bill?: BillAssumptions;
}

/** Billed by the second, a minute at least. */
const MINIMUM_SECONDS = 60;
const MONTH_MS = 730 * HOUR;
const MICRO = 1e6;
const GIB = 1024 ** 3;

/**
 * Price of a Fargate task (Linux, us-east-1).
 *
 * @param usage.seconds  from the start of the image pull to the stop; a started second counts whole, less than 60 count 60
 * @returns millionths of a dollar, rounded to whole ones
 */
export function fargateCostMicroUsd(
  usage: {
    readonly cpuUnits: number;
    readonly memoryMiB: number;
    readonly seconds: number;
    readonly architecture: 'X86_64' | 'ARM64';
    readonly spot: boolean;
  },
  prices: PriceList = defaultPrices,
): number {
  const seconds = Math.max(MINIMUM_SECONDS, Math.ceil(usage.seconds));
  return Math.round(fargateHourly(usage, prices) * (seconds / 3600));
}

/** Millionths of a dollar an hour. */
function fargateHourly(
  { cpuUnits, memoryMiB, architecture, spot }: Size & { readonly spot: boolean },
  prices: PriceList,
) {
  const rates = prices.fargate[spot ? 'spot' : 'onDemand'][architecture];
  return ((cpuUnits / 1024) * rates.vcpuHourUsd + (memoryMiB / 1024) * rates.gbHourUsd) * MICRO;
}

interface Size {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  readonly architecture: 'X86_64' | 'ARM64';
}

interface InstanceUse {
  readonly type: string;
  readonly spot: boolean;
  readonly pool: string;
  readonly group: string;
  readonly launchedMs: Millis;
  microUsdPerHour: number;
  /** When it runs; later than now while it starts, undefined while it is stopped in a warm pool. */
  runningFromMs: Millis | undefined;
  /** Whether it is part of the rate. */
  counted: boolean;
  readonly ebsHourly: number;
  readonly ipv4Hourly: number;
  /** What this run has cost up to the last change of its price, and when that was. */
  accrued: number;
  accruedMs: Millis;
  /** Cost of its earlier runs, out of a warm pool. */
  earlier: number;
  earlierMs: number;
  /** CPU credits that it owes. */
  owedCredits: number;
  /** Part of its price that each of its tasks takes, by task id. */
  readonly reserved: Map<string, { readonly serviceName: string; readonly share: number }>;
}

interface TaskUse {
  readonly serviceName: string;
  readonly taskDefinition: string;
  readonly provider: string;
  /** Fargate: when billing starts. */
  fromMs: Millis | undefined;
  /** Fargate: whether it is part of the service's rate. */
  counted: boolean;
  /** On an instance. */
  instanceId: string | undefined;
}

interface ServiceUse {
  /** Millionths of a dollar an hour that its tasks reserve on instances, and on Fargate. */
  ec2Hourly: number;
  fargateHourly: number;
  tasks: number;
  ec2: number;
  /** Of the whole, what was not used. */
  unused: number;
  /** What came since the last step of serving. */
  sinceStep: number;
  fargateBilled: number;
}

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

const LAUNCH_TYPE_EC2 = 'EC2';
const DEFAULT_BILL: BillAssumptions = { requestsPerConnection: 10, kibPerRequest: 8, logBytesPerRequest: 0 };

/** @param options  prices as in prices.json, and the bill's assumptions as by default, when they are left out */
export function costProjection(options: CostOptions = {}): Projection<CostReport> {
  const bill = new Bill(options.prices ?? defaultPrices, options.bill ?? DEFAULT_BILL);
  return { types: Bill.types, on: (recorded) => bill.on(recorded), report: (atMs) => bill.report(atMs) };
}

class Bill {
  static readonly types = [
    'AutoScalingGroupCreated',
    'AutoScalingGroupUpdated',
    'CapacityProviderCreated',
    'ServiceCreated',
    'TaskDefinitionRegistered',
    'LoadBalancerCreated',
    'MetricAlarmPut',
    'AlarmDeleted',
    'MetricDataPublished',
    'InstanceLaunched',
    'InstanceWaiting',
    'InstanceInService',
    'InstanceWarmed',
    'WarmInstanceStarted',
    'InstanceTerminated',
    'SpotMarketMoved',
    'CpuCreditsSettled',
    'TaskCreated',
    'TaskPlaced',
    'TaskRunning',
    'TaskStopping',
    'TaskStopped',
    'LoadServed',
  ] as const;

  readonly #prices: PriceList;
  readonly #assumed: BillAssumptions;
  #sizes = new Map<string, Size>();
  #groups = new Map<string, AutoScalingGroupConfig>();
  #providerOfGroup = new Map<string, string>();
  #balanced = new Set<string>();
  #instances = new Map<string, InstanceUse>();
  #tasks = new Map<string, TaskUse>();
  #services = new Map<string, ServiceUse>();
  #byProvider = new Map<string, number>();
  #ended = { ec2: 0, ec2Spot: 0, credits: 0, ebs: 0, ipv4: 0, fargate: 0, fargateSpot: 0 };
  #instanceMs = 0;
  #fargateMs = 0;
  #firstMs: Millis | undefined;
  /** The rates are accounted up to here. */
  #atMs: Millis = 0;
  /** Millionths of a dollar an hour that everything together costs right now. */
  #hourly = 0;
  #hours: number[] = [];
  #loadBalancersFromMs: Millis[] = [];
  #requests = 0;
  /** Requests through the load balancer in the current hour, and the LCU-hours of those before. */
  #hourRequests = 0;
  #lcuHours = 0;
  #alarms = new Set<string>();
  #alarmMs = 0;
  #customMetrics = new Map<string, number>();
  #customMetricHours = 0;

  constructor(prices: PriceList, assumed: BillAssumptions) {
    this.#prices = prices;
    this.#assumed = assumed;
  }

  on({ atMs, event }: Recorded<Event>): void {
    this.#advance(atMs);
    switch (event.type) {
      case 'AutoScalingGroupCreated':
      case 'AutoScalingGroupUpdated':
        this.#groups.set(event.config.AutoScalingGroupName, event.config);
        return;
      case 'CapacityProviderCreated':
        this.#providerOfGroup.set(event.config.autoScalingGroupProvider.autoScalingGroup, event.config.name);
        return;
      case 'ServiceCreated':
        this.#services.set(event.config.serviceName, noUse());
        if (event.config.loadBalancers.length > 0) this.#balanced.add(event.config.serviceName);
        return;
      case 'TaskDefinitionRegistered': {
        const { cpuUnits, memoryMiB } = taskDemand(event.definition);
        const architecture = event.definition.runtimePlatform?.cpuArchitecture ?? 'X86_64';
        this.#sizes.set(event.taskDefinition, { cpuUnits, memoryMiB, architecture });
        return;
      }
      case 'LoadBalancerCreated':
        this.#loadBalancersFromMs.push(atMs);
        this.#hourly += this.#prices.applicationLoadBalancer.hourUsd * MICRO;
        return;
      case 'MetricAlarmPut':
        this.#keepAlarm(event.alarm.alarmName, true);
        return;
      case 'AlarmDeleted':
        this.#keepAlarm(event.alarmName, false);
        return;
      case 'MetricDataPublished':
        this.#publish(event);
        return;
      case 'InstanceLaunched':
        this.#launch(event, atMs);
        return;
      case 'InstanceWaiting':
      case 'InstanceInService':
        this.#countInstance(event.instanceId, atMs);
        return;
      case 'InstanceWarmed':
        this.#countInstance(event.instanceId, atMs);
        if (event.poolState !== 'Running') this.#stop(event.instanceId, atMs);
        return;
      case 'WarmInstanceStarted':
        this.#restart(event);
        return;
      case 'InstanceTerminated':
        this.#terminate(event.instanceId, atMs);
        return;
      case 'SpotMarketMoved':
        this.#reprice(event, atMs);
        return;
      case 'CpuCreditsSettled':
        this.#settleCredits(event);
        return;
      case 'TaskCreated': {
        const { taskId, serviceName, taskDefinition, capacityProvider = LAUNCH_TYPE_EC2 } = event;
        const nowhere = { fromMs: undefined, instanceId: undefined, counted: false };
        this.#tasks.set(taskId, { serviceName, taskDefinition, provider: capacityProvider, ...nowhere });
        return;
      }
      case 'TaskPlaced':
        this.#place(event);
        return;
      case 'TaskRunning':
        this.#count(event.taskId, atMs);
        return;
      case 'TaskStopping':
        this.#release(event.taskId);
        this.#forgo(event.taskId, atMs);
        return;
      case 'TaskStopped':
        this.#endTask(event.taskId, atMs);
        return;
      case 'LoadServed':
        this.#serve(event);
        return;
      default:
        return;
    }
  }

  /** Accounts what has run since the last event. */
  #advance(atMs: Millis): void {
    this.#firstMs ??= atMs;
    if (this.#hours.length === 0) this.#atMs = atMs;
    while (this.#atMs < atMs || this.#hours.length === 0) {
      const hour = Math.floor((this.#atMs - this.#firstMs) / HOUR);
      const untilMs = Math.min(atMs, this.#firstMs + (hour + 1) * HOUR);
      const hours = (untilMs - this.#atMs) / HOUR;
      this.#hours[hour] = (this.#hours[hour] ?? 0) + this.#hourly * hours;
      for (const use of this.#services.values()) {
        const ec2 = use.ec2Hourly * hours;
        use.ec2 += ec2;
        use.sinceStep += ec2 + use.fargateHourly * hours;
      }
      this.#alarmMs += this.#alarms.size * (untilMs - this.#atMs);
      this.#atMs = untilMs;
      if (untilMs === this.#firstMs + (hour + 1) * HOUR) this.#closeHour();
    }
  }

  #closeHour(): void {
    const lcus = this.#lcusOf(this.#hourRequests);
    this.#lcuHours += lcus;
    const metrics = (this.#customMetrics.size * this.#prices.cloudWatch.customMetricMonthUsd * HOUR) / MONTH_MS;
    this.#add((lcus * this.#prices.applicationLoadBalancer.lcuHourUsd + metrics) * MICRO);
    this.#hourRequests = 0;
    this.#customMetricHours += this.#customMetrics.size;
    this.#customMetrics.clear();
  }

  /**
   * Load balancer capacity units of an hour: the largest of its dimensions.
   * Choice: a connection is open for a minute after its last request, so two minutes count it as active.
   */
  #lcusOf(requests: number): number {
    const connectionsPerSecond = requests / this.#assumed.requestsPerConnection / 3600;
    const gibPerHour = (requests * this.#assumed.kibPerRequest) / (1024 * 1024);
    return Math.max(connectionsPerSecond / 25, (connectionsPerSecond * 120) / 3000, gibPerHour);
  }

  /** There is an alarm from now on, or there is none. */
  #keepAlarm(alarmName: string, kept: boolean): void {
    if (kept ? this.#alarms.has(alarmName) : !this.#alarms.delete(alarmName)) return;
    if (kept) this.#alarms.add(alarmName);
    this.#hourly += ((kept ? 1 : -1) * this.#prices.cloudWatch.alarmMonthUsd * MICRO * HOUR) / MONTH_MS;
  }

  /** Only metrics of one's own namespaces cost; each hour in which one is published. */
  #publish({ metrics }: EventOf<'MetricDataPublished'>): void {
    for (const metric of metrics) if (!metric.startsWith('AWS/')) this.#customMetrics.set(metric, 1);
  }

  #launch(event: EventOf<'InstanceLaunched'>, atMs: Millis): void {
    const { instanceType: type, purchaseOption, autoScalingGroupName: group, inServiceAtMs, availabilityZone } = event;
    const spot = purchaseOption === 'spot';
    const config = this.#groups.get(group);
    const ebsHourly = ((config?.rootVolumeGiB ?? 0) * this.#prices.ebs.gp3GbMonthUsd * MICRO * HOUR) / MONTH_MS;
    this.#hourly += ebsHourly;
    this.#instances.set(event.instanceId, {
      type,
      spot,
      pool: `${type} ${availabilityZone}`,
      group,
      launchedMs: atMs,
      microUsdPerHour: this.#priceOf(type, event.microUsdPerHour),
      runningFromMs: inServiceAtMs,
      counted: false,
      ebsHourly,
      ipv4Hourly: config?.AssociatePublicIpAddress === true ? this.#prices.publicIpv4HourUsd * MICRO : 0,
      accrued: 0,
      accruedMs: inServiceAtMs,
      earlier: 0,
      earlierMs: 0,
      owedCredits: 0,
      reserved: new Map(),
    });
  }

  /** An instance runs: from now on it is part of the rate, and what it has run before is added. */
  #countInstance(instanceId: string, atMs: Millis): void {
    const use = this.#instances.get(instanceId);
    if (use?.runningFromMs === undefined || use.counted) return;
    use.counted = true;
    const hourly = use.microUsdPerHour + use.ipv4Hourly;
    this.#hourly += hourly;
    this.#add((hourly * (atMs - use.runningFromMs)) / HOUR);
  }

  #discount(use: InstanceUse): void {
    if (use.counted) this.#hourly -= use.microUsdPerHour + use.ipv4Hourly;
    use.counted = false;
  }

  /** To the current hour. */
  #add(microUsd: number): void {
    this.#hours[this.#hours.length - 1] = (this.#hours.at(-1) ?? 0) + microUsd;
  }

  /** The user's price list says what a type costs; a Spot price keeps its share of it. */
  #priceOf(type: string, microUsdPerHour: number): number {
    const listed = this.#prices.instances[type];
    const known = instanceType(type)?.microUsdPerHour ?? 0;
    return listed === undefined || known === 0 ? microUsdPerHour : (microUsdPerHour / known) * listed * MICRO;
  }

  /** A run of an instance, so far or whole: at least a minute, started seconds whole. */
  #runCost({ runningFromMs, accrued, accruedMs, microUsdPerHour }: InstanceUse, toMs: Millis): number {
    if (runningFromMs === undefined || toMs <= runningFromMs) return 0;
    const seconds = Math.max(MINIMUM_SECONDS, Math.ceil((toMs - runningFromMs) / SECOND));
    const restMs = runningFromMs + seconds * SECOND - accruedMs;
    return Math.round(accrued + (microUsdPerHour * restMs) / HOUR);
  }

  #stop(instanceId: string, atMs: Millis): void {
    const use = this.#instances.get(instanceId);
    if (use?.runningFromMs === undefined) return;
    this.#discount(use);
    use.earlier += this.#runCost(use, atMs);
    use.earlierMs += Math.max(0, atMs - use.runningFromMs);
    use.runningFromMs = undefined;
  }

  #restart({ instanceId, inServiceAtMs }: EventOf<'WarmInstanceStarted'>): void {
    const use = this.#instances.get(instanceId);
    if (use === undefined || use.runningFromMs !== undefined) return;
    use.runningFromMs = inServiceAtMs;
    use.accrued = 0;
    use.accruedMs = inServiceAtMs;
  }

  #terminate(instanceId: string, atMs: Millis): void {
    const use = this.#instances.get(instanceId);
    if (use === undefined) return;
    for (const taskId of use.reserved.keys()) this.#release(taskId);
    this.#discount(use);
    this.#hourly -= use.ebsHourly;
    this.#instances.delete(instanceId);
    const { ebs, ipv4, compute, credits } = this.#instanceCost(use, atMs);
    this.#ended[use.spot ? 'ec2Spot' : 'ec2'] += compute;
    this.#ended.ebs += ebs;
    this.#ended.ipv4 += ipv4;
    this.#ended.credits += credits;
    this.#instanceMs += runMs(use, atMs);
    addTo(this.#byProvider, this.#providerOf(use), compute + ebs + ipv4 + credits);
  }

  #providerOf({ group }: InstanceUse): string {
    return this.#providerOfGroup.get(group) ?? LAUNCH_TYPE_EC2;
  }

  #instanceCost(use: InstanceUse, toMs: Millis) {
    return {
      compute: use.earlier + this.#runCost(use, toMs),
      ebs: Math.round((use.ebsHourly * (toMs - use.launchedMs)) / HOUR),
      ipv4: Math.round((use.ipv4Hourly * runMs(use, toMs)) / HOUR),
      credits: this.#creditCost(use.type, use.owedCredits),
    };
  }

  #creditCost(type: string, credits: number): number {
    const { vcpuHourUsd, t4gVcpuHourUsd } = this.#prices.cpuCredits;
    return Math.round((credits / 60) * (type.startsWith('t4g.') ? t4gVcpuHourUsd : vcpuHourUsd) * MICRO);
  }

  #reprice({ pools, microUsdPerHour }: EventOf<'SpotMarketMoved'>, atMs: Millis): void {
    const prices = new Map(pools.map((pool, row) => [pool, microUsdPerHour[row] as number]));
    for (const use of this.#instances.values()) {
      const moved = use.spot ? prices.get(use.pool) : undefined;
      if (moved === undefined) continue;
      const price = this.#priceOf(use.type, moved);
      const change = price - use.microUsdPerHour;
      if (use.runningFromMs !== undefined && atMs > use.accruedMs) {
        use.accrued += (use.microUsdPerHour * (atMs - use.accruedMs)) / HOUR;
        use.accruedMs = atMs;
      }
      if (use.counted) this.#hourly += change;
      for (const { serviceName, share } of use.reserved.values()) this.#use(serviceName).ec2Hourly += share * change;
      use.microUsdPerHour = price;
    }
  }

  /** Credits beyond what may be lent are charged at once, the rest when the instance ends. */
  #settleCredits({ instanceIds, surplus, charged }: EventOf<'CpuCreditsSettled'>): void {
    for (const [row, instanceId] of instanceIds.entries()) {
      const use = this.#instances.get(instanceId);
      if (use === undefined) continue;
      use.owedCredits = surplus[row] as number;
      const microUsd = this.#creditCost(use.type, charged[row] as number);
      this.#ended.credits += microUsd;
      if (microUsd > 0) addTo(this.#byProvider, this.#providerOf(use), microUsd);
      this.#add(microUsd);
    }
  }

  #use(serviceName: string): ServiceUse {
    let use = this.#services.get(serviceName);
    if (use === undefined) this.#services.set(serviceName, (use = noUse()));
    return use;
  }

  /** Choice: half of an instance's price is its CPU, half its memory. */
  #place({ taskId, ec2InstanceId, pullStartedAtMs }: EventOf<'TaskPlaced'>): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined) return;
    const service = this.#use(task.serviceName);
    service.tasks++;
    if (ec2InstanceId === undefined) {
      task.fromMs = pullStartedAtMs;
      return;
    }
    const use = this.#instances.get(ec2InstanceId);
    const type = instanceType(use?.type ?? '');
    const size = this.#sizes.get(task.taskDefinition);
    if (use === undefined || type === undefined || size === undefined) return;
    task.instanceId = ec2InstanceId;
    const share = (size.cpuUnits / (type.vcpu * 1024) + size.memoryMiB / type.ecsMemoryMiB) / 2;
    use.reserved.set(taskId, { serviceName: task.serviceName, share });
    service.ec2Hourly += share * use.microUsdPerHour;
  }

  /** A Fargate task has started: it is billed since its image pull. */
  #count(taskId: string, atMs: Millis): void {
    const task = this.#tasks.get(taskId);
    if (task?.fromMs === undefined || task.counted) return;
    const hourly = this.#taskHourly(task);
    task.counted = true;
    this.#hourly += hourly;
    const service = this.#use(task.serviceName);
    service.fargateHourly += hourly;
    this.#add((hourly * (atMs - task.fromMs)) / HOUR);
  }

  #taskHourly({ taskDefinition, provider }: TaskUse): number {
    return fargateHourly(
      { ...(this.#sizes.get(taskDefinition) as Size), spot: provider === 'FARGATE_SPOT' },
      this.#prices,
    );
  }

  #taskCost({ taskDefinition, provider, fromMs }: TaskUse, toMs: Millis): number {
    if (fromMs === undefined || toMs <= fromMs) return 0; // stopped before its image pull began
    const spot = provider === 'FARGATE_SPOT';
    const usage = { ...(this.#sizes.get(taskDefinition) as Size), seconds: (toMs - fromMs) / SECOND, spot };
    return fargateCostMicroUsd(usage, this.#prices);
  }

  /** A task on an instance gives back what it reserved. */
  #release(taskId: string): void {
    const task = this.#tasks.get(taskId);
    const use = this.#instances.get(task?.instanceId ?? '');
    const held = use?.reserved.get(taskId);
    if (task === undefined || use === undefined || held === undefined) return;
    use.reserved.delete(taskId);
    const service = this.#use(held.serviceName);
    service.ec2Hourly -= held.share * use.microUsdPerHour;
    this.#leave(task);
  }

  /** What is left of rates after many additions is nothing when no task is left. */
  #leave(task: TaskUse): void {
    const service = this.#use(task.serviceName);
    service.tasks--;
    if (service.tasks > 0) return;
    service.ec2Hourly = 0;
    service.fargateHourly = 0;
  }

  /** A Fargate task that is stopped before its image pull is not billed, however long its end takes. */
  #forgo(taskId: string, atMs: Millis): void {
    const task = this.#tasks.get(taskId);
    if (task?.fromMs !== undefined && task.fromMs > atMs) task.fromMs = Infinity;
  }

  #endTask(taskId: string, atMs: Millis): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined) return;
    this.#release(taskId);
    this.#tasks.delete(taskId);
    if (task.fromMs === undefined) return;
    const microUsd = this.#taskCost(task, atMs);
    this.#ended[task.provider === 'FARGATE_SPOT' ? 'fargateSpot' : 'fargate'] += microUsd;
    this.#fargateMs += Math.max(0, atMs - task.fromMs);
    addTo(this.#byProvider, task.provider, microUsd);
    const service = this.#use(task.serviceName);
    service.fargateBilled += microUsd;
    if (task.counted) {
      const hourly = this.#taskHourly(task);
      this.#hourly -= hourly;
      service.fargateHourly -= hourly;
    }
    this.#leave(task);
  }

  #serve(event: EventOf<'LoadServed'>): void {
    for (let row = 0; row < event.services.length; row++) {
      const serviceName = event.services[row] as string;
      const offered = event.offered[row] as number;
      this.#requests += offered;
      this.#add(this.#logUsd(offered) * MICRO);
      if (this.#balanced.has(serviceName)) this.#hourRequests += offered;
      const use = this.#use(serviceName);
      const used = ((event.cpuPercent[row] as number) + (event.memoryPercent[row] as number)) / 200;
      use.unused += use.sinceStep * (1 - Math.min(1, used));
      use.sinceStep = 0;
    }
  }

  #logUsd(requests: number): number {
    return ((requests * this.#assumed.logBytesPerRequest) / GIB) * this.#prices.cloudWatch.logsGbUsd;
  }

  /** As of an instant; the bill itself stays where it is, so that asking changes nothing. */
  report(atMs: Millis): CostReport {
    const then = this.#fork();
    if (this.#firstMs !== undefined) then.#advance(atMs);
    return then.#tell(atMs);
  }

  /** A bill that may go on without this one; they share what going on does not change. */
  #fork(): Bill {
    const copy = new Bill(this.#prices, this.#assumed);
    copy.#sizes = this.#sizes;
    copy.#groups = this.#groups;
    copy.#providerOfGroup = this.#providerOfGroup;
    copy.#balanced = this.#balanced;
    copy.#instances = this.#instances;
    copy.#tasks = this.#tasks;
    copy.#byProvider = this.#byProvider;
    copy.#ended = this.#ended;
    copy.#services = new Map(Array.from(this.#services, ([name, use]) => [name, { ...use }]));
    copy.#hours = [...this.#hours];
    copy.#customMetrics = new Map(this.#customMetrics);
    copy.#instanceMs = this.#instanceMs;
    copy.#fargateMs = this.#fargateMs;
    copy.#firstMs = this.#firstMs;
    copy.#atMs = this.#atMs;
    copy.#hourly = this.#hourly;
    copy.#loadBalancersFromMs = this.#loadBalancersFromMs;
    copy.#requests = this.#requests;
    copy.#hourRequests = this.#hourRequests;
    copy.#lcuHours = this.#lcuHours;
    copy.#alarms = this.#alarms;
    copy.#alarmMs = this.#alarmMs;
    copy.#customMetricHours = this.#customMetricHours;
    return copy;
  }

  #tell(atMs: Millis): CostReport {
    const sum = { ...this.#ended };
    const byProvider = new Map(this.#byProvider);
    let instanceMs = this.#instanceMs;
    let fargateMs = this.#fargateMs;
    for (const use of this.#instances.values()) {
      const { compute, ebs, ipv4, credits } = this.#instanceCost(use, atMs);
      sum[use.spot ? 'ec2Spot' : 'ec2'] += compute;
      sum.ebs += ebs;
      sum.ipv4 += ipv4;
      sum.credits += credits;
      instanceMs += runMs(use, atMs);
      addTo(byProvider, this.#providerOf(use), compute + ebs + ipv4 + credits);
    }
    const billed = new Map(Array.from(this.#services, ([name, { fargateBilled }]) => [name, fargateBilled]));
    for (const task of this.#tasks.values()) {
      const microUsd = this.#taskCost(task, atMs);
      if (microUsd === 0) continue;
      sum[task.provider === 'FARGATE_SPOT' ? 'fargateSpot' : 'fargate'] += microUsd;
      fargateMs += atMs - (task.fromMs as Millis);
      addTo(byProvider, task.provider, microUsd);
      addTo(billed, task.serviceName, microUsd);
    }
    const shared = this.#shared(atMs, sum);
    const sharedMicroUsd = Object.values(shared).reduce((all, part) => all + part, 0);
    let idleMicroUsd = sum.ec2 + sum.ec2Spot;
    const byService = Array.from(this.#services, ([serviceName, use]) => {
      const ec2 = Math.min(Math.max(0, Math.floor(use.ec2)), idleMicroUsd);
      idleMicroUsd -= ec2;
      const microUsd = ec2 + (billed.get(serviceName) ?? 0);
      return { serviceName, microUsd, unusedMicroUsd: Math.min(Math.max(0, Math.floor(use.unused)), microUsd) };
    });
    const totalMicroUsd = sum.ec2 + sum.ec2Spot + sum.fargate + sum.fargateSpot + sharedMicroUsd;
    return {
      ec2MicroUsd: sum.ec2,
      ec2SpotMicroUsd: sum.ec2Spot,
      ...shared,
      fargateMicroUsd: sum.fargate,
      fargateSpotMicroUsd: sum.fargateSpot,
      totalMicroUsd,
      byService,
      idleMicroUsd,
      sharedMicroUsd,
      byProvider: Array.from(byProvider, ([capacityProvider, microUsd]) => ({ capacityProvider, microUsd })),
      byHour: wholeParts(this.#hours, totalMicroUsd),
      instanceHours: instanceMs / HOUR,
      fargateTaskHours: fargateMs / HOUR,
    };
  }

  #shared(
    atMs: Millis,
    { credits, ebs, ipv4 }: { readonly credits: number; readonly ebs: number; readonly ipv4: number },
  ) {
    const { applicationLoadBalancer, cloudWatch } = this.#prices;
    const startedHours = this.#loadBalancersFromMs.reduce((sum, fromMs) => sum + Math.ceil((atMs - fromMs) / HOUR), 0);
    const lcuHours = this.#lcuHours + this.#lcusOf(this.#hourRequests);
    const metricHours = this.#customMetricHours + this.#customMetrics.size;
    const alarmUsd = (cloudWatch.alarmMonthUsd * this.#alarmMs) / MONTH_MS;
    const metricUsd = (cloudWatch.customMetricMonthUsd * metricHours * HOUR) / MONTH_MS;
    return {
      cpuCreditsMicroUsd: credits,
      ebsMicroUsd: ebs,
      publicIpv4MicroUsd: ipv4,
      loadBalancerMicroUsd: Math.round(startedHours * applicationLoadBalancer.hourUsd * MICRO),
      lcuMicroUsd: Math.round(lcuHours * applicationLoadBalancer.lcuHourUsd * MICRO),
      cloudWatchMicroUsd: Math.round((alarmUsd + metricUsd) * MICRO),
      logsMicroUsd: Math.round(this.#logUsd(this.#requests) * MICRO),
    };
  }
}

function noUse(): ServiceUse {
  return { ec2Hourly: 0, fargateHourly: 0, tasks: 0, ec2: 0, unused: 0, sinceStep: 0, fargateBilled: 0 };
}

/** How long an instance has run, earlier runs included. */
function runMs({ runningFromMs, earlierMs }: InstanceUse, toMs: Millis): number {
  return earlierMs + (runningFromMs === undefined ? 0 : Math.max(0, toMs - runningFromMs));
}

function addTo(sums: Map<string, number>, key: string, amount: number): void {
  sums.set(key, (sums.get(key) ?? 0) + amount);
}

/** Whole numbers that add up to `total`: each part rounded down, the rest in the last one that can hold it. */
function wholeParts(parts: readonly number[], total: number): readonly number[] {
  const whole = parts.map((part) => Math.max(0, Math.floor(part)));
  let rest = total - whole.reduce((sum, part) => sum + part, 0);
  for (let index = whole.length - 1; index >= 0 && rest !== 0; index--) {
    const part = Math.max(0, (whole[index] as number) + rest);
    rest -= part - (whole[index] as number);
    whole[index] = part;
  }
  return whole;
}
