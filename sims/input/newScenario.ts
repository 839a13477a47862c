/** A scenario to start from: what somebody knows of a service at once, and sound values with comments for all the rest. */

import {
  DAY,
  fargateSizeIsValid,
  instanceType,
  MINUTE,
  registeredResources,
  SECOND,
  type Millis,
} from '../../core/index.ts';
import { elbName } from '../../core/elb/index.ts';
import type { Trace } from './trace.ts';

/** What is asked of a user. */
export interface NewScenario {
  readonly service: string;
  readonly launchType: 'FARGATE' | 'EC2';
  readonly instanceType: string;
  readonly cpu: number;
  readonly memory: number;
  readonly min: number;
  readonly max: number;
  readonly targetCpu: number;
  /** Requests per second at the busiest hour; not looked at with a trace. */
  readonly rps: number;
  readonly requestMs: number;
  readonly days: number;
  /** Factor on every number of the trace. */
  readonly scale: number;
  readonly trace?: { readonly file: string; readonly trace: Pick<Trace, 'series' | 'clock'> } | undefined;
}

export const usualScenario: NewScenario = {
  service: 'web',
  launchType: 'FARGATE',
  instanceType: 'm5.large',
  cpu: 1024,
  memory: 2048,
  min: 2,
  max: 20,
  targetCpu: 60,
  rps: 100,
  requestMs: 20,
  scale: 1,
  days: 3,
};

const SERVICE_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,254}$/;

/** What is wrong with the answers, in sentences; the first one that is. @source AWS, ECS API, CreateService, serviceName */
export function newScenarioProblem(wanted: NewScenario): string | undefined {
  const { service, launchType, cpu, memory, min, max, instanceType: type } = wanted;
  if (!SERVICE_NAME.test(service))
    return `found the service name "${service}", expected a letter, then letters, digits, - and _`;
  if (min > max) return `found a minimum of ${min} tasks and a maximum of ${max}, expected no more than the maximum`;
  if (launchType === 'FARGATE' && !fargateSizeIsValid(cpu, memory))
    return `found ${cpu} CPU units and ${memory} MiB, expected a size that Fargate has, such as 1024 and 2048`;
  if (launchType === 'FARGATE') return undefined;
  if (instanceType(type) === undefined)
    return `found instance type "${type}", expected one of the catalogue, such as m5.large`;
  if (tasksOnInstance(wanted) === 0)
    return `found a task of ${cpu} CPU units and ${memory} MiB, expected one that fits a ${type}`;
  return undefined;
}

function tasksOnInstance({ instanceType: type, cpu, memory }: NewScenario): number {
  const { cpuUnits = 0, memoryMiB = 0 } = registeredResources(type) ?? {};
  return Math.min(Math.floor(cpuUnits / cpu), Math.floor(memoryMiB / memory));
}

/** A Monday. */
const START_MS: Millis = Date.UTC(2030, 0, 7);
/** Of managed scaling: a tenth of the instances is spare. */
const TARGET_CAPACITY = 90;
/** From container start until it answers. */
const STARTUP_MS = 10 * SECOND;

/**
 * The scenario as a file with comments.
 *
 * @param wanted  without a problem
 * @param schema  where editors find the JSON Schema, from the file's folder
 */
export function writeScenario(wanted: NewScenario, schema: string): string {
  const { service, cpu, memory, min, max, targetCpu } = wanted;
  const onFargate = wanted.launchType === 'FARGATE';
  const group = elbName.safeParse(service).success ? service : 'web';
  const network = onFargate ? 'awsvpc' : 'bridge';
  return `# yaml-language-server: $schema=${schema}
#
# Written by seatrial init. What AWS has keeps AWS's keys, so that what you have can be pasted; what is ours has units.
# Lines that begin with "#?" are worth a thought: they are what a first guess is most often wrong about.
name: ${service}
${timeOf(wanted)}
seed: 1 # all chance follows from it: another seed, other luck

cluster:
  clusterName: demo
  capacityProviders: [${onFargate ? 'FARGATE, FARGATE_SPOT' : 'fleet'}]
${onFargate ? '' : fleetOf(wanted)}
taskDefinitions:
  - family: ${service}
    networkMode: ${network}${onFargate ? `\n    cpu: ${cpu} # of the whole task; 1024 are one vCPU\n    memory: ${memory} # MiB` : ''}
    containerDefinitions:
      - name: app
        image: ${service}:1${onFargate ? '' : `\n        cpu: ${cpu} # 1024 are one vCPU\n        memory: ${memory} # MiB`}
        portMappings: [{ containerPort: 8080 }]

images:
  - { name: "${service}:1", compressedMiB: 200 } #? what a pull costs a new task

targetGroups:
  - Name: ${group}
    HealthCheckIntervalSeconds: 10
    deregistrationDelaySeconds: 30 #? 300 when left out: each task that stops waits for it

services:
  - serviceName: ${service}
    taskDefinition: ${service}
    desiredCount: ${firstTasks(wanted)} # at the start; the policies below change it
    ${onFargate ? 'launchType: FARGATE' : 'capacityProviderStrategy: [{ capacityProvider: fleet, weight: 1 }]'}
    loadBalancers: [{ targetGroup: ${group}, containerName: app, containerPort: 8080 }]
    healthCheckGracePeriodSeconds: 70 # for so long failed health checks do not stop a task that starts
    deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 200 }

scalableTargets:
  - service: ${service}
    MinCapacity: ${min}
    MaxCapacity: ${max}
    policies:
      - PolicyName: cpu
        PolicyType: TargetTrackingScaling
        TargetTrackingScalingPolicyConfiguration:
          TargetValue: ${targetCpu} # percent
          PredefinedMetricSpecification: { PredefinedMetricType: ECSServiceAverageCPUUtilization }
          ScaleOutCooldown: 180 # seconds; shorter is faster, and answers one rise twice
          ScaleInCooldown: 300
    # scheduledActions:
    #   - ScheduledActionName: before-the-rush
    #     Schedule: cron(45 8 ? * MON-FRI *)
    #     Timezone: Europe/Berlin # UTC when left out, which knows no summer
    #     ScalableTargetAction: { MinCapacity: ${Math.min(max, min * 2)} }

load:
  - service: ${service}
    request:
      cpuMs: ${wanted.requestMs} #? mean CPU time of a request: CPU seconds of a busy minute, divided by its requests
      otherMs: 0 # what a request waits for databases and the like, without CPU
      timeoutMs: 10000 # when its client gives up
    startup: ${STARTUP_MS / SECOND}s #? from container start until the application answers its health check
    rate: # requests per second; parts add up
${rateOf(wanted)}

slo:
  - { service: ${service}, latencyP99Ms: ${latencyOf(wanted)}, availabilityPercent: 99.9 }

# changes: # what a person or a pipeline does on the way
#   - { at: ${instantOf(startOf(wanted) + DAY / 2)}, UpdateService: { service: ${service}, forceNewDeployment: true } }
`;
}

function startOf({ trace }: NewScenario): Millis {
  if (trace === undefined || trace.trace.clock === 'relative') return START_MS;
  return Math.floor(trace.trace.series.startMs / MINUTE) * MINUTE;
}

/** As a person writes it: without milliseconds. */
function instantOf(atMs: Millis): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

/** Of the highest rate of a made-up day, what is there in its first hour, and at night. */
const FIRST_SHARE = 0.3;
const NIGHT_SHARE = 0.25;

/** Tasks that the target calls for when the run begins. */
function firstTasks({ trace, scale, rps, requestMs, cpu, targetCpu, min, max }: NewScenario): number {
  const { requests = [], periodsMs = [] } = trace?.trace.series ?? {};
  const firstRps =
    trace === undefined ? rps * FIRST_SHARE : (scale * (requests[0] ?? 0) * SECOND) / (periodsMs[0] ?? SECOND);
  const wanted = (firstRps * requestMs) / SECOND / (cpu / 1024) / (targetCpu / 100);
  return Math.min(max, Math.max(min, Math.ceil(wanted)));
}

function timeOf(wanted: NewScenario): string {
  const { trace, days } = wanted;
  const lengthMs = trace === undefined ? days * DAY : trace.trace.series.endMs - trace.trace.series.startMs;
  const minutes = Math.max(1, Math.ceil(lengthMs / MINUTE));
  const length = minutes % (DAY / MINUTE) === 0 ? `${minutes / (DAY / MINUTE)}d` : `${minutes}m`;
  const note =
    trace === undefined ? '# a Monday; all times are UTC unless a zone is written' : '# as long as the trace';
  return `start: ${instantOf(startOf(wanted))}\nduration: ${length} ${note}`;
}

function fleetOf(wanted: NewScenario): string {
  const { min, max, instanceType: type } = wanted;
  const each = tasksOnInstance(wanted);
  const instances = (tasks: number) => Math.ceil((Math.ceil(tasks / each) * 100) / TARGET_CAPACITY);
  return `
autoScalingGroups:
  - AutoScalingGroupName: fleet-asg
    AvailabilityZones: [us-east-1a, us-east-1b, us-east-1c]
    MinSize: ${instances(min)}
    MaxSize: ${instances(max)} # ${each} ${each === 1 ? 'task fits' : 'tasks fit'} an instance, and one in ten is spare
    instanceType: ${type}

capacityProviders:
  - name: fleet
    autoScalingGroupProvider:
      autoScalingGroup: fleet-asg
      managedScaling: { status: ENABLED, targetCapacity: ${TARGET_CAPACITY} } #? 100 keeps nothing spare: a scale-out waits for a boot
`;
}

/** Requests per second of the busiest period of the trace as it is; undefined without one. */
function tracePeakRps({ trace }: NewScenario): number | undefined {
  if (trace === undefined) return undefined;
  const { requests, periodsMs } = trace.trace.series;
  let peakRps = 0;
  for (const [index, count] of requests.entries())
    peakRps = Math.max(peakRps, (count * SECOND) / (periodsMs[index] as number));
  return peakRps;
}

/** Requests per second that a task serves with all of its CPU. */
function taskRps({ cpu, requestMs }: NewScenario): number {
  return (cpu / 1024) * (SECOND / requestMs);
}

/**
 * The factor at which the busiest minute of the trace takes half of the maximum: enough for scaling to have something to do.
 *
 * @returns undefined without a trace, or when its peak asks for more than the minimum as it is
 */
export function scaleThatScales(wanted: NewScenario): number | undefined {
  const { min, max, targetCpu, scale } = wanted;
  const peakRps = (tracePeakRps(wanted) ?? 0) * scale;
  const perTask = (taskRps(wanted) * targetCpu) / 100;
  if (peakRps === 0 || max <= min || peakRps > min * perTask) return undefined;
  const tasks = Math.max(min + 1, Math.ceil(max / 2));
  return Number(((scale * tasks * perTask) / peakRps).toPrecision(2));
}

function rateOf(wanted: NewScenario): string {
  const { trace, rps, scale, min } = wanted;
  if (trace !== undefined) {
    const { clock } = trace.trace;
    const peakRps = (tracePeakRps(wanted) ?? 0) * scale;
    const served = Number((min * taskRps(wanted)).toPrecision(3));
    return `      # It peaks at ${Number(peakRps.toPrecision(3))} requests per second; ${min} ${min === 1 ? 'task serves' : 'tasks serve'} ${served} with all their CPU.
      - { model: trace, file: ${JSON.stringify(trace.file)}, scale: ${scale}, align: ${clock === 'absolute' ? 'time' : 'start'} }`;
  }
  return `      - { model: diurnal, base: ${rps * NIGHT_SHARE}, peak: ${rps}, peakHour: 14 } # hour of the peak, UTC
      # - { model: burst, at: 2030-01-08T12:00:00Z, rise: 2m, hold: 20m, fall: 10m, peak: ${rps * 2} } # a flash crowd
      # - { model: trace, file: traffic.csv } # recorded: timestamp,value`;
}

/** Far above the bare time of a request: what overload does shows, and the size of a task does not. */
function latencyOf({ requestMs, cpu }: NewScenario): number {
  return Math.max(500, Math.ceil((10 * requestMs) / Math.min(1, cpu / 1024)));
}
