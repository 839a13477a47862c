/**
 * The main scenario, against which speed is judged: many services on one cluster of EC2 instances, each with its day's tide and
 * a flash crowd now and then; capacity providers, load balancers, roles, security groups, images, log groups and deployments.
 */

import { scenarioSchema, type Scenario, type ScenarioInput } from '../core/index.ts';

export interface MainScenarioSize {
  readonly services: number;
  readonly instances: number;
  /** In the mean over the day. */
  readonly tasks: number;
  readonly days: number;
  /** How often load is served, in seconds; metrics come once a minute. */
  readonly stepSeconds: number;
}

/** One cluster, 50 services, 1,000 instances, about 10,000 tasks. */
export const MAIN_SIZE: MainScenarioSize = { services: 50, instances: 1_000, tasks: 10_000, days: 1, stepSeconds: 60 };

/** Ten of these fill an m5.xlarge by CPU. */
const TASK_CPU = 400;
const TASK_MEMORY_MIB = 1_400;
const CPU_MS = 20;
const TARGET_PERCENT = 60;
/** The tide's lowest and highest rate, as parts of its mean. */
const EBB = 0.75;
const FLOOD = 1.25;
/** Requests per second that keep one task at the target. */
const RATE_PER_TASK = ((TASK_CPU / 1_024) * (TARGET_PERCENT / 100)) / (CPU_MS / 1_000);
const START = Date.parse('2030-01-07T00:00:00Z');
const DAY_MS = 86_400_000;
/** A service has a flash crowd every so many days, and a deployment. */
const CROWD_DAYS = 14;
const DEPLOYMENT_DAYS = 28;
const REPOSITORY = '123456789012.dkr.ecr.us-east-1.amazonaws.com/shop';

export function mainScenario({ services, instances, tasks, days, stepSeconds }: MainScenarioSize): Scenario {
  const names = Array.from({ length: services }, (_, index) => `api-${index}`);
  const tasksEach = Math.max(2, Math.round(tasks / services));
  const meanRps = tasksEach * RATE_PER_TASK;
  return scenarioSchema.parse({
    name: `main-${services}`,
    start: new Date(START).toISOString(),
    duration: `${days * 24}h`,
    step: `${stepSeconds}s`,
    cluster: { clusterName: 'main', capacityProviders: ['fleet'] },
    roles: [
      {
        RoleName: 'instances',
        AssumeRolePolicyDocument: trusting('ec2.amazonaws.com'),
        AttachedPolicies: ['AmazonEC2ContainerServiceforEC2Role'],
      },
      {
        RoleName: 'execution',
        AssumeRolePolicyDocument: trusting('ecs-tasks.amazonaws.com'),
        AttachedPolicies: ['AmazonECSTaskExecutionRolePolicy'],
      },
    ],
    securityGroups: [
      { GroupId: 'sg-front', IpPermissions: [port(443, { IpRanges: [{ CidrIp: '0.0.0.0/0' }] })] },
      {
        GroupId: 'sg-instances',
        IpPermissions: [{ ...port(32_768, { UserIdGroupPairs: [{ GroupId: 'sg-front' }] }), ToPort: 60_999 }],
      },
    ],
    logGroups: names.map((name) => ({ logGroupName: `/ecs/${name}` })),
    images: names.map((name) => ({ name: `${REPOSITORY}/${name}:1`, compressedMiB: 180 })),
    autoScalingGroups: [
      {
        AutoScalingGroupName: 'fleet-asg',
        AvailabilityZones: ['us-east-1a', 'us-east-1b', 'us-east-1c'],
        MinSize: Math.ceil(instances / 10),
        MaxSize: instances * 4,
        DesiredCapacity: Math.ceil(instances * EBB),
        instanceType: 'm5.xlarge',
        IamInstanceProfile: { Name: 'instances' },
        SecurityGroupIds: ['sg-instances'],
      },
    ],
    capacityProviders: [
      {
        name: 'fleet',
        autoScalingGroupProvider: {
          autoScalingGroup: 'fleet-asg',
          managedScaling: { status: 'ENABLED', targetCapacity: 100 },
        },
      },
    ],
    taskDefinitions: names.map((name) => ({
      family: name,
      executionRoleArn: 'execution',
      containerDefinitions: [
        {
          name: 'app',
          image: `${REPOSITORY}/${name}:1`,
          cpu: TASK_CPU,
          memory: TASK_MEMORY_MIB,
          portMappings: [{ containerPort: 8080 }],
          logConfiguration: {
            logDriver: 'awslogs',
            options: {
              'awslogs-group': `/ecs/${name}`,
              'awslogs-region': 'us-east-1',
              'awslogs-stream-prefix': name,
            },
          },
        },
      ],
    })),
    loadBalancers: names.map((Name) => ({ Name, SecurityGroups: ['sg-front'] })),
    targetGroups: names.map((Name) => ({ Name, loadBalancer: Name, deregistrationDelaySeconds: 60 })),
    services: names.map((serviceName) => ({
      serviceName,
      taskDefinition: serviceName,
      desiredCount: Math.ceil(tasksEach * EBB),
      capacityProviderStrategy: [{ capacityProvider: 'fleet', weight: 1 }],
      placementStrategy: [
        { type: 'spread', field: 'attribute:ecs.availability-zone' },
        { type: 'binpack', field: 'memory' },
      ],
      loadBalancers: [{ targetGroup: serviceName, containerName: 'app', containerPort: 8080 }],
    })),
    scalableTargets: names.map((service) => ({
      service,
      MinCapacity: Math.ceil(tasksEach / 4),
      MaxCapacity: tasksEach * 4,
      policies: [
        {
          PolicyName: 'cpu',
          PolicyType: 'TargetTrackingScaling',
          TargetTrackingScalingPolicyConfiguration: {
            TargetValue: TARGET_PERCENT,
            PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
          },
        },
      ],
    })),
    load: names.map((service, index) => ({
      service,
      request: { cpuMs: CPU_MS, otherMs: 30, timeoutMs: 10_000 },
      rate: [
        { model: 'diurnal', base: meanRps * EBB, peak: meanRps * FLOOD, peakHour: 12 + (index % 8) },
        {
          model: 'burst',
          at: new Date(
            START + ((index * 5) % CROWD_DAYS) * DAY_MS + (index % 24) * 3_600_000 + 1_800_000,
          ).toISOString(),
          rise: '3m',
          hold: '20m',
          fall: '10m',
          peak: meanRps / 2,
          every: `${CROWD_DAYS * 24}h`,
        },
      ],
    })),
    changes: Array.from({ length: days }, (_, day) =>
      names
        .filter((_name, index) => (index + 1) % DEPLOYMENT_DAYS === day % DEPLOYMENT_DAYS)
        .map((service) => ({
          at: new Date(START + day * DAY_MS + 10 * 3_600_000).toISOString(),
          UpdateService: { service, forceNewDeployment: true },
        })),
    ).flat(),
  } satisfies ScenarioInput);
}

function trusting(service: string) {
  const allowed = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' } as const;
  return { Statement: [allowed] };
}

function port(from: number, who: object) {
  return { IpProtocol: 'tcp' as const, FromPort: from, ToPort: from, ...who };
}
