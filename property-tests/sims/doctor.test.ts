/**
 * `seatrial doctor`: each trap has a scenario that it is in and one, as alike as can be, that it is not in; shipped voyages
 * have those that they teach or that truly happen in them; and for some of the traps a run shows what the doctor says.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  MINUTE,
  scenarioProblems,
  scenarioSchema,
  simulate,
  type Event,
  type Scenario,
  type ScenarioInput,
} from '../../core/index.ts';
import { diagnose, renderDiagnoses } from '../../sims/commands/doctor.ts';
import { wavePeriod } from '../../sims/doctor/resonance.ts';
import { lints, type LintId } from '../../sims/doctor/lints.ts';
import { readDocument } from '../../sims/input/document.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';
import { shippedVoyages } from '../../sims/input/voyages.ts';
import { scenarioInputs } from '../arbitraries.ts';

type Item<K extends keyof ScenarioInput> = NonNullable<ScenarioInput[K]> extends readonly (infer I)[] ? I : never;
interface Parts {
  readonly scenario?: Partial<ScenarioInput>;
  readonly definition?: Partial<Item<'taskDefinitions'>>;
  readonly container?: object;
  readonly service?: Partial<Item<'services'>>;
  readonly target?: Partial<Item<'scalableTargets'>>;
  readonly group?: Partial<Item<'autoScalingGroups'>>;
  readonly managed?: object;
  readonly targetGroup?: Partial<Item<'targetGroups'>>;
  readonly load?: Partial<Item<'load'>>;
  readonly request?: object;
}

const START = '2030-01-07T00:00:00Z';
const tracking = (more: object = {}): Item<'scalableTargets'>['policies'] => [
  {
    PolicyName: 'cpu',
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 60,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      ...more,
    },
  },
];
const onMemory = (TargetValue: number) => ({
  TargetValue,
  PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageMemoryUtilization' },
});

/** A sound service on Fargate behind a load balancer, and what is different about it. */
function onFargate(parts: Parts = {}): ScenarioInput {
  return {
    name: 'case',
    start: START,
    duration: '6h',
    cluster: { clusterName: 'demo', capacityProviders: ['FARGATE', 'FARGATE_SPOT'] },
    taskDefinitions: [
      {
        family: 'web',
        networkMode: 'awsvpc',
        cpu: 1024,
        memory: 2048,
        ...parts.definition,
        containerDefinitions: [
          { name: 'app', image: 'web', portMappings: [{ containerPort: 8080 }], ...parts.container },
        ],
      },
    ],
    targetGroups: [
      { Name: 'web', HealthCheckIntervalSeconds: 10, deregistrationDelaySeconds: 30, ...parts.targetGroup },
    ],
    services: [
      {
        serviceName: 'web',
        taskDefinition: 'web',
        desiredCount: 2,
        ...(parts.service?.capacityProviderStrategy === undefined ? { launchType: 'FARGATE' } : {}),
        loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 8080 }],
        ...parts.service,
      },
    ],
    scalableTargets: [{ service: 'web', MinCapacity: 2, MaxCapacity: 20, policies: tracking(), ...parts.target }],
    load: [
      {
        service: 'web',
        rate: [{ model: 'constant', rate: 60 }],
        ...parts.load,
        request: { cpuMs: 20, ...parts.request },
      },
    ],
    ...parts.scenario,
  };
}

/** The same on instances of an Auto Scaling group with managed scaling. */
function onInstances(parts: Parts = {}): ScenarioInput {
  const { networkMode = 'bridge', ...definition } = parts.definition ?? {};
  return onFargate({
    ...parts,
    definition: { ...definition, networkMode, cpu: undefined, memory: undefined },
    container: { cpu: 512, memory: 1024, ...parts.container },
    service: { capacityProviderStrategy: [{ capacityProvider: 'fleet', weight: 1 }], ...parts.service },
    scenario: {
      cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
      autoScalingGroups: [
        {
          AutoScalingGroupName: 'asg',
          AvailabilityZones: ['us-east-1a', 'us-east-1b'],
          MinSize: 2,
          MaxSize: 10,
          instanceType: 'm5.large',
          ...parts.group,
        },
      ],
      capacityProviders: [
        {
          name: 'fleet',
          autoScalingGroupProvider: {
            autoScalingGroup: 'asg',
            managedScaling: { targetCapacity: 90, ...parts.managed },
          },
        },
      ],
      ...parts.scenario,
    },
  });
}

const steps = (adjustments: object[], alarm: object = {}, more: object = {}): Item<'scalableTargets'>['policies'] => [
  {
    PolicyName: 'steps',
    PolicyType: 'StepScaling',
    alarm: {
      MetricName: 'CPUUtilization',
      EvaluationPeriods: 1,
      Threshold: 60,
      ComparisonOperator: 'GreaterThanThreshold',
      ...alarm,
    },
    StepScalingPolicyConfiguration: {
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: adjustments as { ScalingAdjustment: number }[],
      ...more,
    },
  },
];
/** A pair of step policies around 60 %: out by one, in below `low`. */
const pair = (low: number) => [
  ...(steps([{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }]) ?? []),
  ...(
    steps([{ MetricIntervalUpperBound: 0, ScalingAdjustment: -1 }], {
      Threshold: low,
      ComparisonOperator: 'LessThanThreshold',
    }) ?? []
  ).map((policy) => ({ ...policy, PolicyName: 'in' })),
];
const scheduled = (Schedule: string, more: object = {}): Item<'scalableTargets'>['scheduledActions'] => [
  { ScheduledActionName: 'action', Schedule, ScalableTargetAction: { MinCapacity: 2 }, ...more },
];
/** Tracks the tasks of the service itself, whatever that is good for. */
const tasksCounted = tracking({
  PredefinedMetricSpecification: undefined,
  CustomizedMetricSpecification: {
    Namespace: 'ECS/ContainerInsights',
    MetricName: 'RunningTaskCount',
    Dimensions: [
      { Name: 'ClusterName', Value: 'demo' },
      { Name: 'ServiceName', Value: 'web' },
    ],
    Statistic: 'Average',
  },
});
const withoutAlarm: Item<'scalableTargets'>['policies'] = [
  {
    PolicyName: 'steps',
    PolicyType: 'StepScaling',
    StepScalingPolicyConfiguration: {
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 2 }],
    },
  },
];
const groupCpu: NonNullable<Item<'autoScalingGroups'>['policies']>[number] = {
  PolicyName: 'cpu',
  PolicyType: 'TargetTrackingScaling',
  TargetTrackingConfiguration: {
    TargetValue: 50,
    PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
  },
};
const burst = (peak: number) =>
  ({ model: 'burst', at: '2030-01-07T02:00:00Z', rise: '1m', hold: '30m', fall: '1m', peak }) as const;
/** Square waves upon a load of 40 requests a second, up for half of the period, six hours long. */
const waves = (minutes: number) => [
  { model: 'constant', rate: 40 } as const,
  ...Array.from({ length: Math.floor(330 / minutes) }, (_, wave) => {
    const at = new Date(Date.parse(START) + (10 + wave * minutes) * 60_000).toISOString();
    return { model: 'burst', at, rise: '1m', hold: `${minutes / 2 - 1}m`, fall: '1m', peak: 200 } as const;
  }),
];
const square = (minutes: number) =>
  Array.from({ length: 360 }, (_, minute) => (minute % minutes < minutes / 2 ? 200 : 40));
const withRole = (actions: readonly string[], more: Partial<ScenarioInput> = {}) =>
  onFargate({
    definition: { executionRoleArn: 'starter' },
    container: { image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1' },
    scenario: {
      images: [{ name: '123456789012.dkr.ecr.us-east-1.amazonaws.com/web:1', compressedMiB: 100 }],
      roles: [
        {
          RoleName: 'starter',
          AssumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              { Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' },
            ],
          },
          Policies: [
            {
              PolicyName: 'pull',
              PolicyDocument: {
                Version: '2012-10-17',
                Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
              },
            },
          ],
        },
      ],
      ...more,
    } as Partial<ScenarioInput>,
  });
const PULL = [
  'ecr:GetAuthorizationToken',
  'ecr:BatchCheckLayerAvailability',
  'ecr:GetDownloadUrlForLayer',
  'ecr:BatchGetImage',
];
const berlin = { start: '2030-03-29T00:00:00Z', duration: '5d' };

/** For each trap a scenario that it is in, and one that it is not in. */
const cases: Readonly<Record<LintId, { readonly trap: ScenarioInput; readonly sound: ScenarioInput }>> = {
  'minimum-carries-all': {
    trap: onFargate({ load: { rate: [{ model: 'constant', rate: 30 }] } }),
    sound: onFargate({ load: { rate: [{ model: 'constant', rate: 31 }] } }),
  },
  resonance: {
    trap: onFargate({ load: { rate: waves(40) } }),
    sound: onFargate({ load: { rate: waves(120) } }),
  },
  'start-denied': { trap: withRole(PULL.slice(1)), sound: withRole(PULL) },
  'strands-room': {
    // An m5.large has 2,048 CPU units and 7,633 MiB.
    trap: onInstances({ container: { cpu: 1_100, memory: 2_000 } }),
    sound: onInstances({ container: { cpu: 1_024, memory: 2_000 } }),
  },
  'no-room-to-scale': {
    trap: onFargate({ target: { MaxCapacity: 2 } }),
    sound: onFargate({ target: { MaxCapacity: 3 } }),
  },
  'suspended-for-good': {
    trap: onFargate({ target: { SuspendedState: { DynamicScalingOutSuspended: true } } }),
    sound: onFargate({
      target: { SuspendedState: { DynamicScalingOutSuspended: true } },
      scenario: {
        changes: [
          { at: '2030-01-07T01:00:00Z', SuspendScaling: { service: 'web', DynamicScalingOutSuspended: false } },
        ],
      },
    }),
  },
  'unreachable-target': {
    trap: onFargate({ target: { policies: tracking({ TargetValue: 100 }) } }),
    sound: onFargate({ target: { policies: tracking({ TargetValue: 99 }) } }),
  },
  'target-beyond-saturation': {
    // A task of one vCPU answers 50 requests of 20 ms a second, 3,000 in a minute.
    trap: onFargate({
      target: {
        policies: tracking({
          TargetValue: 3_100,
          PredefinedMetricSpecification: { PredefinedMetricType: 'ALBRequestCountPerTarget' },
        }),
      },
    }),
    sound: onFargate({
      target: {
        policies: tracking({
          TargetValue: 2_000,
          PredefinedMetricSpecification: { PredefinedMetricType: 'ALBRequestCountPerTarget' },
        }),
      },
    }),
  },
  'scale-in-floor': {
    trap: onFargate({ target: { policies: tracking(onMemory(50)) }, load: { memory: { idleMiB: 950 } } }),
    sound: onFargate({ target: { policies: tracking(onMemory(50)) }, load: { memory: { idleMiB: 400 } } }),
  },
  'missing-metric': {
    trap: onFargate({ target: { policies: tasksCounted } }),
    sound: onFargate({
      target: { policies: tasksCounted },
      scenario: {
        cluster: {
          clusterName: 'demo',
          capacityProviders: ['FARGATE'],
          settings: [{ name: 'containerInsights', value: 'enabled' }],
        },
      },
    }),
  },
  'unheard-policy': {
    trap: onFargate({ target: { policies: withoutAlarm } }),
    sound: onFargate({
      target: { policies: withoutAlarm },
      scenario: {
        alarms: [
          {
            AlarmName: 'busy',
            Namespace: 'AWS/ECS',
            MetricName: 'CPUUtilization',
            Dimensions: [
              { Name: 'ClusterName', Value: 'demo' },
              { Name: 'ServiceName', Value: 'web' },
            ],
            Statistic: 'Average',
            EvaluationPeriods: 1,
            Threshold: 60,
            ComparisonOperator: 'GreaterThanThreshold',
            AlarmActions: ['web/steps'],
          },
        ],
      },
    }),
  },
  'stuck-at-zero': {
    trap: onFargate({ service: { desiredCount: 0 }, target: { MinCapacity: 0 } }),
    sound: onFargate({ service: { desiredCount: 1 }, target: { MinCapacity: 1 } }),
  },
  'only-one-way': {
    trap: onFargate({ target: { policies: tracking({ DisableScaleIn: true }) } }),
    sound: onFargate(),
  },
  'answers-twice': {
    trap: onFargate({ target: { policies: tracking({ ScaleOutCooldown: 0 }) } }),
    sound: onFargate({ target: { policies: tracking({ ScaleOutCooldown: 180 }) } }),
  },
  'gap-in-steps': {
    trap: onFargate({ target: { policies: steps([{ MetricIntervalLowerBound: 10, ScalingAdjustment: 2 }]) } }),
    sound: onFargate({ target: { policies: steps([{ MetricIntervalLowerBound: 0, ScalingAdjustment: 2 }]) } }),
  },
  'steps-flap': {
    trap: onFargate({ target: { policies: pair(45) } }),
    sound: onFargate({ target: { policies: pair(30) } }),
  },
  'never-due': {
    trap: onFargate({ target: { scheduledActions: scheduled('at(2029-12-24T08:00:00)') } }),
    sound: onFargate({ target: { scheduledActions: scheduled('at(2030-01-07T04:00:00)') } }),
  },
  'skipped-by-clocks': {
    trap: onFargate({
      scenario: berlin,
      target: { scheduledActions: scheduled('cron(30 2 * * ? *)', { Timezone: 'Europe/Berlin' }) },
    }),
    sound: onFargate({
      scenario: berlin,
      target: { scheduledActions: scheduled('cron(30 4 * * ? *)', { Timezone: 'Europe/Berlin' }) },
    }),
  },
  'clocks-apart': {
    trap: onFargate({
      scenario: berlin,
      target: {
        scheduledActions: [
          ...(scheduled('cron(0 9 * * ? *)', { Timezone: 'Europe/Berlin' }) ?? []),
          ...(scheduled('cron(0 8 * * ? *)', { ScheduledActionName: 'other' }) ?? []),
        ],
      },
    }),
    sound: onFargate({
      scenario: { start: '2030-03-25T00:00:00Z', duration: '5d' }, // the week before
      target: {
        scheduledActions: [
          ...(scheduled('cron(0 9 * * ? *)', { Timezone: 'Europe/Berlin' }) ?? []),
          ...(scheduled('cron(0 8 * * ? *)', { ScheduledActionName: 'other' }) ?? []),
        ],
      },
    }),
  },
  'zone-turned-around': {
    trap: onFargate({ target: { scheduledActions: scheduled('rate(1 hour)', { Timezone: 'Etc/GMT+9' }) } }),
    sound: onFargate({ target: { scheduledActions: scheduled('rate(1 hour)', { Timezone: 'Asia/Tokyo' }) } }),
  },
  'bounds-cross': {
    trap: onFargate({
      target: { scheduledActions: scheduled('rate(1 hour)', { ScalableTargetAction: { MinCapacity: 30 } }) },
    }),
    sound: onFargate({
      target: {
        scheduledActions: scheduled('rate(1 hour)', { ScalableTargetAction: { MinCapacity: 30, MaxCapacity: 40 } }),
      },
    }),
  },
  'minimum-stays-up': {
    trap: onFargate({
      target: { scheduledActions: scheduled('rate(1 hour)', { ScalableTargetAction: { MinCapacity: 8 } }) },
    }),
    sound: onFargate({
      target: {
        scheduledActions: [
          ...(scheduled('rate(1 hour)', { ScalableTargetAction: { MinCapacity: 8 } }) ?? []),
          ...(scheduled('rate(2 hours)', { ScheduledActionName: 'later' }) ?? []),
        ],
      },
    }),
  },
  'host-port-caps': {
    trap: onInstances({ container: { portMappings: [{ containerPort: 8080, hostPort: 80 }] } }),
    sound: onInstances({ container: { portMappings: [{ containerPort: 8080, hostPort: 0 }] } }),
  },
  'interfaces-cap': {
    trap: onInstances({ definition: { networkMode: 'awsvpc' }, container: { cpu: 128, memory: 256 } }),
    sound: onInstances({
      definition: { networkMode: 'awsvpc' },
      container: { cpu: 128, memory: 256 },
      scenario: { accountSettings: { awsvpcTrunking: 'enabled' } },
    }),
  },
  'group-too-small': { trap: onInstances({ group: { MaxSize: 4 } }), sound: onInstances({ group: { MaxSize: 5 } }) },
  'fits-some-types': {
    trap: onInstances({
      container: { cpu: 1024, memory: 6000 },
      group: {
        instanceType: undefined,
        MaxSize: 30,
        MixedInstancesPolicy: {
          LaunchTemplate: { Overrides: [{ InstanceType: 'm5.large' }, { InstanceType: 'c5.large' }] },
        },
      },
    }),
    sound: onInstances({ container: { cpu: 1024, memory: 6000 }, group: { MaxSize: 30 } }),
  },
  'constraint-nowhere': {
    trap: onInstances({
      group: { ecsConfig: { ECS_CLUSTER: 'demo', ECS_INSTANCE_ATTRIBUTES: { stack: 'prod' } } },
      service: { placementConstraints: [{ type: 'memberOf', expression: 'attribute:stack == production' }] },
    }),
    sound: onInstances({
      group: { ecsConfig: { ECS_CLUSTER: 'demo', ECS_INSTANCE_ATTRIBUTES: { stack: 'prod' } } },
      service: { placementConstraints: [{ type: 'memberOf', expression: 'attribute:stack == prod' }] },
    }),
  },
  'joins-elsewhere': {
    trap: onInstances({ group: { ecsConfig: { ECS_CLUSTER: 'default' } } }),
    sound: onInstances({ group: { ecsConfig: { ECS_CLUSTER: 'demo' } } }),
  },
  'nobody-scales-group': {
    trap: onInstances({ managed: { status: 'DISABLED' } }),
    sound: onInstances(),
  },
  'group-scales-apart': {
    trap: onInstances({ managed: { status: 'DISABLED' }, group: { policies: [groupCpu] } }),
    sound: onInstances(),
  },
  'no-headroom': {
    trap: onInstances({ managed: { targetCapacity: 100 } }),
    sound: onInstances({ managed: { targetCapacity: 90 } }),
  },
  'all-on-spot': {
    trap: onFargate({ service: { capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }] } }),
    sound: onFargate({
      service: {
        capacityProviderStrategy: [
          { capacityProvider: 'FARGATE', base: 1, weight: 0 },
          { capacityProvider: 'FARGATE_SPOT', weight: 1 },
        ],
      },
    }),
  },
  'provider-unused': {
    trap: onFargate({
      service: {
        capacityProviderStrategy: [
          { capacityProvider: 'FARGATE', base: 20, weight: 1 },
          { capacityProvider: 'FARGATE_SPOT', weight: 1 },
        ],
      },
    }),
    sound: onFargate({
      service: {
        capacityProviderStrategy: [
          { capacityProvider: 'FARGATE', base: 10, weight: 1 },
          { capacityProvider: 'FARGATE_SPOT', weight: 1 },
        ],
      },
    }),
  },
  'door-closed': {
    trap: onFargate(withDoor([{ IpProtocol: 'tcp', FromPort: 80, ToPort: 80, IpRanges: [{ CidrIp: '0.0.0.0/0' }] }])),
    sound: onFargate(
      withDoor([{ IpProtocol: 'tcp', FromPort: 8080, ToPort: 8080, UserIdGroupPairs: [{ GroupId: 'sg-alb' }] }]),
    ),
  },
  'rollout-stuck': {
    trap: onFargate({
      service: { desiredCount: 1, deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 150 } },
      scenario: { scalableTargets: [] },
    }),
    sound: onFargate({
      service: { desiredCount: 2, deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 150 } },
      scenario: { scalableTargets: [] },
    }),
  },
  'rollout-without-place': {
    trap: onInstances({
      managed: { status: 'DISABLED' },
      container: { portMappings: [{ containerPort: 8080, hostPort: 80 }] },
      scenario: { scalableTargets: [] },
    }),
    sound: onInstances({
      managed: { status: 'DISABLED' },
      container: { portMappings: [{ containerPort: 8080, hostPort: 80 }] },
      service: { deploymentConfiguration: { minimumHealthyPercent: 50 } },
      scenario: { scalableTargets: [] },
    }),
  },
  'checks-kill-start': {
    trap: onFargate({ load: { startup: '2m' } }),
    sound: onFargate({ load: { startup: '2m' }, service: { healthCheckGracePeriodSeconds: 175 } }),
  },
  'container-check-kills-start': {
    trap: onFargate({
      load: { startup: '2m' },
      container: { healthCheck: { command: ['CMD', 'true'], interval: 10 } },
    }),
    sound: onFargate({
      load: { startup: '2m' },
      container: { healthCheck: { command: ['CMD', 'true'], interval: 10, startPeriod: 120 } },
    }),
  },
  'checks-kill-busy': {
    trap: onFargate({ load: { rate: [{ model: 'constant', rate: 60 }, burst(400)] } }),
    sound: onFargate({
      load: { rate: [{ model: 'constant', rate: 60 }, burst(400)] },
      request: { maxQueuedPerTask: 100 },
    }),
  },
  'drains-too-short': {
    trap: onFargate({ request: { otherMs: 5_000 }, targetGroup: { deregistrationDelaySeconds: 2 } }),
    sound: onFargate({ request: { otherMs: 5_000 }, targetGroup: { deregistrationDelaySeconds: 10 } }),
  },
  'drains-too-long': {
    trap: onFargate({ targetGroup: { deregistrationDelaySeconds: undefined } }),
    sound: onFargate({ targetGroup: { deregistrationDelaySeconds: 60 } }),
  },
  'killed-at-stop': {
    trap: onFargate({ container: { behavior: { stopsIn: '45s' } } }),
    sound: onFargate({ container: { behavior: { stopsIn: '45s' }, stopTimeout: 60 } }),
  },
  'objective-out-of-reach': {
    trap: onFargate({ request: { cpuMs: 150 }, scenario: { slo: [{ service: 'web', latencyP99Ms: 100 }] } }),
    sound: onFargate({ request: { cpuMs: 50 }, scenario: { slo: [{ service: 'web', latencyP99Ms: 100 }] } }),
  },
  'objective-without-bite': {
    trap: onFargate({ request: { timeoutMs: 2_000 }, scenario: { slo: [{ service: 'web', latencyP99Ms: 2_000 }] } }),
    sound: onFargate({ request: { timeoutMs: 2_000 }, scenario: { slo: [{ service: 'web', latencyP99Ms: 1_000 }] } }),
  },
  'timeout-too-short': {
    trap: onFargate({ request: { cpuMs: 150, timeoutMs: 100 } }),
    sound: onFargate({ request: { cpuMs: 50, timeoutMs: 100 } }),
  },
  'peak-above-maximum': {
    trap: onFargate({ load: { rate: [burst(1_001)] } }),
    sound: onFargate({ load: { rate: [burst(999)] } }),
  },
};

function withDoor(IpPermissions: NonNullable<Item<'securityGroups'>['IpPermissions']>): Parts {
  return {
    targetGroup: { loadBalancer: 'alb' },
    service: {
      networkConfiguration: { awsvpcConfiguration: { subnets: ['us-east-1a'], securityGroups: ['sg-tasks'] } },
    },
    scenario: {
      loadBalancers: [{ Name: 'alb', SecurityGroups: ['sg-alb'] }],
      securityGroups: [
        { GroupId: 'sg-alb', IpPermissions: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }] },
        { GroupId: 'sg-tasks', IpPermissions },
      ],
    },
  };
}

function parsed(input: ScenarioInput): Scenario {
  const scenario = scenarioSchema.parse(JSON.parse(JSON.stringify(input))); // without what is undefined
  assert.deepEqual(scenarioProblems(scenario), []);
  return scenario;
}

const NOWHERE = () => ({ line: 1, column: 1 });
const traps = (scenario: Scenario) => diagnose({ scenario, traces: new Map() }, 'case.yaml', NOWHERE);

describe('each trap is found where it is, and not where it is not', () => {
  for (const [id, { trap, sound }] of Object.entries(cases) as [LintId, (typeof cases)[LintId]][])
    test(`${id}: ${lints[id].title}`, () => {
      const found = traps(parsed(trap)).filter(({ lint }) => lint === id);
      assert.notEqual(found.length, 0, 'nothing found in the trap');
      assert.deepEqual(
        traps(parsed(sound)).filter(({ lint }) => lint === id),
        [],
      );
    });

  test('a sound service has none of them', () => {
    assert.deepEqual(traps(parsed(onFargate())), []);
    assert.deepEqual(traps(parsed(onInstances())), []);
  });
});

/** What shipped voyages have: what they teach, or what truly happens in them. */
const ofVoyages: Readonly<Record<string, readonly LintId[]>> = {
  'aws-benchmark-60s': ['answers-twice', 'answers-twice', 'answers-twice', 'answers-twice'],
  'burstable-credits': ['rollout-without-place'],
  'business-day': ['checks-kill-start', 'checks-kill-start', 'clocks-apart', 'clocks-apart'],
  'closed-door': ['door-closed'],
  'cold-group': ['no-headroom', 'answers-twice'],
  'daemon-and-replicas': ['no-headroom'],
  'death-spiral': ['checks-kill-busy', 'checks-kill-busy', 'drains-too-long', 'drains-too-long', 'drains-too-long'],
  'drain-delays': ['drains-too-short', 'drains-too-long'],
  'flash-crowd': ['checks-kill-busy', 'answers-twice'],
  'forgotten-minimum': ['minimum-stays-up'],
  'least-privilege': ['start-denied', 'start-denied', 'start-denied', 'start-denied', 'start-denied', 'start-denied'],
  'memory-veto': ['scale-in-floor'],
  'minute-or-twenty-seconds': ['answers-twice'],
  'mixed-instances': ['answers-twice'],
  'nowhere-to-go': ['constraint-nowhere'],
  'port-eighty': ['host-port-caps'],
  'predictive-morning': [
    'checks-kill-busy',
    'checks-kill-busy',
    'checks-kill-start',
    'checks-kill-start',
    'answers-twice',
    'answers-twice',
  ],
  'queue-backlog': ['unreachable-target', 'answers-twice'],
  'step-overshoot': ['checks-kill-busy', 'checks-kill-start', 'answers-twice', 'steps-flap'],
  'steps-on-fargate': ['checks-kill-busy'],
  'target-capacity-100': ['no-headroom', 'answers-twice'],
  'target-capacity-80': ['answers-twice'],
  'three-cooldowns': ['answers-twice', 'answers-twice'],
  'worker-at-zero': ['stuck-at-zero'],
  'two-scalings-apart': ['group-scales-apart', 'answers-twice'],
  'two-scalings-joined': ['no-headroom', 'answers-twice'],
  'warm-pool': ['answers-twice'],
};

describe('shipped voyages have the traps that they teach, or that happen in them, and no others', () => {
  for (const { name, file } of shippedVoyages())
    test(name, () => {
      const { locate } = readDocument(file, scenarioSchema);
      const found = diagnose(loadScenario(file), file, locate);
      assert.deepEqual(
        found.map(({ lint }) => lint),
        ofVoyages[name] ?? [],
      );
      for (const { line } of found) assert.ok(line > 1, 'each is told where it is written');
    });
});

/** What a service had over a run. */
function sailed(input: ScenarioInput) {
  const scenario = parsed(input);
  const simulation = simulate(scenario, { traces: new Map() });
  const desired: number[] = [];
  const count = new Map<Event['type'], number>();
  simulation.events.on('ServiceUpdated').subscribe(({ event: { to } }) => desired.push(to));
  simulation.events.all.subscribe(({ event: { type } }) => count.set(type, (count.get(type) ?? 0) + 1));
  simulation.runUntil(scenario.start + scenario.duration);
  const { ecs } = simulation.world;
  const service = ecs.services.get('web');
  assert.ok(service !== undefined);
  return {
    desired,
    most: Math.max(...desired, service.config.desiredCount ?? 0),
    atEnd: service.desiredCount,
    running: service.runningCount,
    instances: ecs.containerInstances.size,
    deployment: service.deployments[0]?.rolloutState,
    reversals: desired.filter((to, index) => {
      const [before = to, first = before] = [desired[index - 1], desired[index - 2]];
      return Math.sign(to - before) === -Math.sign(before - first) && to !== before;
    }).length,
    events: (type: Event['type']) => count.get(type) ?? 0,
  };
}

const withLoad = (input: ScenarioInput, ...rate: Item<'load'>['rate']): ScenarioInput => ({
  ...input,
  load: (input.load ?? []).map((load) => ({ ...load, rate })),
});
const steady = (rate: number) => ({ model: 'constant', rate }) as const;
const deployed = (input: ScenarioInput): ScenarioInput => ({
  ...withLoad(input, steady(10)),
  changes: [{ at: '2030-01-07T01:00:00Z', UpdateService: { service: 'web', forceNewDeployment: true } }],
});

test('names of policies are shown, and what a terminal would obey is written out', () => {
  const policies = (tracking({ TargetValue: 100 }) ?? []).map((policy) => ({
    ...policy,
    PolicyName: 'a\u001b[31m\u202e',
  }));
  const found = diagnose(
    { scenario: parsed(onFargate({ target: { policies } })), traces: new Map() },
    'x.yaml',
    () => ({
      line: 1,
      column: 1,
    }),
  );
  const text = renderDiagnoses(found, ['a note\u0007'], { width: 80, color: false });
  assert.match(text, /a\\u001b\[31m\\u202e/);
  for (const obeyed of ['\u001b', '\u0007', '\u202e']) assert.ok(!text.includes(obeyed));
});

describe('a run shows what the doctor says', () => {
  test('a CPU target of 100 never scales out, whatever the load; one of 99 does', () => {
    const { trap, sound } = cases['unreachable-target'];
    assert.equal(sailed(withLoad(trap, steady(300))).most, 2);
    assert.ok(sailed(withLoad(sound, steady(300))).most > 2);
  });

  test('idle memory near the target keeps the tasks of the peak, where the arithmetic says', () => {
    const { trap, sound } = cases['scale-in-floor'];
    const calm = (input: ScenarioInput, idleMiB: number): ScenarioInput => {
      const [load] = input.load ?? [];
      assert.ok(load !== undefined);
      return {
        ...input,
        load: [{ ...load, memory: { idleMiB, perRequestMiB: 0 }, rate: [steady(1)] }],
        services: input.services.map((service) => ({ ...service, desiredCount: 20 })),
      };
    };
    const [finding] = traps(parsed(trap)).filter(({ lint }) => lint === 'scale-in-floor');
    assert.match(finding?.what ?? '', /never scales in/);
    assert.equal(sailed(calm(trap, 950)).atEnd, 20);
    assert.equal(sailed(calm(sound, 400)).atEnd, 2);
    // 40 % idle under a target of 50: ceil(5 x 40 / 50) = 4, and ceil(4 x 40 / 50) = 4 again.
    const [floor] = traps(parsed(calm(trap, 0.4 * 2048))).filter(({ lint }) => lint === 'scale-in-floor');
    assert.match(floor?.what ?? '', /does not go below 4 tasks/);
    assert.equal(sailed(calm(trap, 0.4 * 2048)).atEnd, 4);
  });

  test('a service that follows CPU does not leave zero tasks', () => {
    const { trap, sound } = cases['stuck-at-zero'];
    assert.equal(sailed(withLoad(trap, steady(300))).most, 0);
    assert.ok(sailed(withLoad(sound, steady(300))).most > 1);
  });

  test('a metric that nobody publishes scales nothing, and one that rests below its threshold scales nothing out', () => {
    const busy = sailed(withLoad(cases['missing-metric'].trap, steady(300)));
    assert.deepEqual(busy.desired, []);
    const gap = sailed(withLoad(cases['gap-in-steps'].trap, steady(66)));
    assert.deepEqual(gap.desired, [], 'the alarm is on at 66 %, and the first step begins at 70');
    assert.ok(sailed(withLoad(cases['gap-in-steps'].sound, steady(66))).most > 2);
  });

  test('a rollout whose minimum and maximum are the same number of tasks stays where it is', () => {
    const { trap, sound } = cases['rollout-stuck'];
    assert.equal(sailed(deployed(trap)).deployment, 'IN_PROGRESS');
    assert.equal(sailed(deployed(sound)).deployment, 'COMPLETED');
    assert.equal(sailed(deployed(cases['rollout-without-place'].trap)).deployment, 'IN_PROGRESS');
    assert.equal(sailed(deployed(cases['rollout-without-place'].sound)).deployment, 'COMPLETED');
  });

  test('a start that outlasts grace and health checks is a task that is stopped, again and again', () => {
    const { trap, sound } = cases['checks-kill-start'];
    const cold = (input: ScenarioInput) => withLoad({ ...input, assumptions: { start: 'cold' } }, steady(10));
    assert.ok(sailed(cold(trap)).events('TaskStopped') > 50);
    assert.equal(sailed(cold(sound)).events('TaskStopped'), 0);
    const container = cases['container-check-kills-start'];
    assert.ok(sailed(cold(container.trap)).events('TaskStopped') > 50);
  });

  test('a static host port, and network interfaces, hold a service to what its instances have', () => {
    for (const id of ['host-port-caps', 'interfaces-cap'] as const) {
      const trap = { ...cases[id].trap, scalableTargets: [] };
      const wanting = (input: ScenarioInput): ScenarioInput => ({
        ...input,
        services: input.services.map((service) => ({ ...service, desiredCount: 24 })),
        assumptions: { start: 'cold' },
      });
      const [finding] = traps(parsed(wanting(trap))).filter(({ lint }) => lint === id);
      const most = Number(/more than (\d+)/.exec(finding?.what ?? '')?.[1] ?? Number.NaN);
      assert.equal(sailed(wanting(trap)).running, Math.min(24, Number.isNaN(most) ? 24 : most));
      assert.equal(sailed(wanting({ ...cases[id].sound, scalableTargets: [] })).running, 24);
    }
  });

  test('step policies that undo each other never rest under a steady load', () => {
    const { trap, sound } = cases['steps-flap'];
    assert.ok(sailed(withLoad(trap, steady(62))).reversals > 5, '62 % on two tasks, 41 % on three');
    assert.equal(sailed(withLoad(sound, steady(62))).reversals, 0);
  });

  test('waves at the pace of scaling are followed up and down, each of them too late', () => {
    const { trap, sound } = cases.resonance;
    assert.ok(sailed(trap).reversals >= 14, 'up and down in each of eight waves');
    assert.ok(sailed(sound).reversals < 7, 'as many in six hours as it has waves');
    for (const minutes of [36, 40, 50]) assert.equal(wavePeriod({ rates: square(minutes), lookMs: MINUTE }), minutes);
    assert.equal(wavePeriod({ rates: square(40).map(() => 60), lookMs: MINUTE }), undefined, 'a steady load has none');
  });

  test('a role that may not pull starts nothing, and a load far below the minimum scales nothing', () => {
    const cold = (input: ScenarioInput): ScenarioInput => ({ ...input, assumptions: { start: 'cold' } });
    assert.equal(sailed(cold(cases['start-denied'].trap)).running, 0);
    assert.ok(sailed(cold(cases['start-denied'].sound)).running >= 2);
    const { trap } = cases['minimum-carries-all'];
    assert.deepEqual(sailed(withLoad(trap, steady(55))).desired, [], 'not at nearly twice its load');
  });

  test('without a cooldown one rise is answered twice', () => {
    const { trap, sound } = cases['answers-twice'];
    const rise = [
      steady(60),
      { model: 'burst', at: '2030-01-07T02:00:00Z', rise: '1s', hold: '2h', fall: '1s', peak: 120 },
    ] as const;
    const [overshot, right] = [trap, sound].map((input) => sailed(withLoad(input, ...rise)).most);
    assert.ok((overshot as number) > (right as number), `${overshot} and ${right}`);
  });

  test('instances that join another cluster are never there; a door that is closed stops task after task', () => {
    assert.equal(sailed(cases['joins-elsewhere'].trap).instances, 0);
    const { trap, sound } = cases['door-closed'];
    assert.ok(sailed(withLoad(trap, steady(10))).events('TaskStopped') > 20);
    assert.equal(sailed(withLoad(sound, steady(10))).events('TaskStopped'), 0);
  });
});

test('any scenario can be looked at, and findings are the same each time and told in full', () => {
  fc.assert(
    fc.property(scenarioInputs, (input) => {
      const scenario = scenarioSchema.parse(input);
      const found = traps(scenario);
      assert.deepEqual(traps(scenario), found);
      for (const { what, why, help } of found)
        for (const text of [what, why, help]) {
          assert.doesNotMatch(text, /NaN|undefined|Infinity|\[object/);
          assert.ok(text.length > 0);
        }
      const text = renderDiagnoses(found, [], { width: 40, color: false });
      for (const line of text.split('\n')) assert.ok(line.length <= 40, line);
    }),
    { numRuns: 30 },
  );
});
