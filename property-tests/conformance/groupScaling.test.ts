/** A group's own scaling policies by AWS's rules and examples. @source spec/capacity.md 3.1, 8 C4 to C7 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createInvariants } from '../../core/invariants.ts';
import { MINUTE, SECOND, type Recorded } from '../../core/kernel/index.ts';
import { scenarioNotes, scenarioProblems, scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { simulate, type EcsSimulation } from '../../core/simulate.ts';
import type { Event } from '../../core/world.ts';
import { endOf, quietScenario } from '../arbitraries.ts';
import { ec2Room, type GroupInput, type GroupPolicyInput, type RoomOptions } from '../ec2Room.ts';

/** Instances are in service after a second, so that a minute is enough for a group to follow. */
const quick = { launch: { medianSeconds: 1, p95Seconds: 1 }, boot: { medianSeconds: 1, p95Seconds: 1 } };

type Room = ReturnType<typeof ec2Room>;

/** A group of a size, settled; `policies` brought along. */
function settled(
  size: number,
  policies: readonly GroupPolicyInput[],
  config: GroupInput = {},
  more: RoomOptions = {},
): Room {
  const written = { DesiredCapacity: size, Monitoring: { Enabled: true }, DefaultInstanceWarmup: 0, ...config };
  const group = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined)) as GroupInput;
  const room = ec2Room(group, { timings: quick, policies, ...more });
  room.pass(2, 50);
  return room;
}

/** One minute with this CPU, then quiet ones: its alarm calls once. */
function pulse(room: Room, cpuPercent: number): number | undefined {
  room.pass(1, cpuPercent);
  room.pass(3, 50);
  return room.desired();
}

const lastRefusal = (room: Room) => room.happened('GroupNotScaled').at(-1)?.event.reason;

const alarm = (
  ComparisonOperator: 'GreaterThanOrEqualToThreshold' | 'LessThanOrEqualToThreshold',
  Threshold: number,
) => ({
  MetricName: 'CPUUtilization',
  Period: 60,
  EvaluationPeriods: 1,
  Threshold,
  ComparisonOperator,
});
const above = alarm('GreaterThanOrEqualToThreshold', 60);
const below = alarm('LessThanOrEqualToThreshold', 40);
/** The example of AWS: 10 % at 60 and 40, 30 % at 70 and 30. */
const steps = (warmup?: number): GroupPolicyInput[] => [
  {
    PolicyName: 'out',
    PolicyType: 'StepScaling',
    ...(warmup === undefined ? {} : { EstimatedInstanceWarmup: warmup }),
    alarm: above,
    AdjustmentType: 'PercentChangeInCapacity',
    StepAdjustments: [
      { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10, ScalingAdjustment: 10 },
      { MetricIntervalLowerBound: 10, ScalingAdjustment: 30 },
    ],
  },
  {
    PolicyName: 'in',
    PolicyType: 'StepScaling',
    ...(warmup === undefined ? {} : { EstimatedInstanceWarmup: warmup }),
    alarm: below,
    AdjustmentType: 'PercentChangeInCapacity',
    StepAdjustments: [
      { MetricIntervalLowerBound: -10, MetricIntervalUpperBound: 0, ScalingAdjustment: -10 },
      { MetricIntervalUpperBound: -10, ScalingAdjustment: -30 },
    ],
  },
];
const simple = (
  change: Partial<Extract<GroupPolicyInput, { PolicyType: 'SimpleScaling' }>>,
  when: ReturnType<typeof alarm> = above,
): GroupPolicyInput => ({
  PolicyName: 'simple',
  PolicyType: 'SimpleScaling',
  alarm: when,
  AdjustmentType: 'ChangeInCapacity',
  ScalingAdjustment: 1,
  ...change,
});
type Tracking = Extract<GroupPolicyInput, { PolicyType: 'TargetTrackingScaling' }>;
const tracking = (target: number, more: Partial<Tracking> = {}): Tracking => ({
  PolicyName: 'cpu',
  PolicyType: 'TargetTrackingScaling',
  TargetTrackingConfiguration: {
    TargetValue: target,
    PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
  },
  ...more,
});

const neverIn = (target: number): Tracking => {
  const { TargetTrackingConfiguration } = tracking(target);
  return tracking(target, { TargetTrackingConfiguration: { ...TargetTrackingConfiguration, DisableScaleIn: true } });
};

describe('C: step and simple scaling', () => {
  test('C4: ten instances, 60 % of CPU, then 70, 40 and 30: 11, 14, 13, 10', () => {
    const room = settled(10, steps());
    assert.deepEqual(
      [60, 70, 40, 30].map((cpu) => pulse(room, cpu)),
      [11, 14, 13, 10],
    );
  });

  for (const [change, size, percent, expected] of [
    ['12.7 becomes 12', 10, 127, 22],
    ['0.67 becomes 1', 1, 67, 2],
    ['-0.58 becomes -1', 1, -58, 0],
    ['-6.67 becomes -6', 29, -23, 23],
  ] as const)
    test(`C5: a change of ${change}`, () => {
      const policy = simple({ AdjustmentType: 'PercentChangeInCapacity', ScalingAdjustment: percent });
      assert.equal(pulse(settled(size, [policy], { MaxSize: 40 }), 65), expected);
    });

  test('C6: 25 % of 4 with a minimum magnitude of 2 adds 2', () => {
    const change = { AdjustmentType: 'PercentChangeInCapacity', ScalingAdjustment: 25 } as const;
    assert.equal(pulse(settled(4, [simple({ ...change, MinAdjustmentMagnitude: 2 })]), 65), 6);
    assert.equal(pulse(settled(4, [simple(change)]), 65), 5);
  });

  test('an exact capacity is what it says, within MinSize and MaxSize', () => {
    const exactly = (count: number) => simple({ AdjustmentType: 'ExactCapacity', ScalingAdjustment: count });
    assert.equal(pulse(settled(4, [exactly(7)]), 65), 7);
    assert.equal(pulse(settled(4, [exactly(1)], { MinSize: 2 }), 65), 2);
    assert.equal(pulse(settled(4, [exactly(9)], { MaxSize: 6 }), 65), 6);
  });

  test("launches and terminations name the alarm and the policy, in AWS's words", () => {
    const room = settled(10, steps());
    pulse(room, 60);
    pulse(room, 40);
    const because = (side: string, policy: string, from: number, to: number) =>
      new RegExp(
        `^At 1970-01-01T00:0\\d:00Z a monitor alarm StepScaling-group-Alarm${side}-${policy} in state ALARM triggered policy ${policy} changing the desired capacity from ${from} to ${to}\\. At 1970-01-01T00:0\\d:00Z an instance was `,
      );
    assert.match(room.happened('InstanceLaunched').at(-1)!.event.cause, because('High', 'out', 10, 11));
    assert.match(room.happened('InstanceTerminating').at(-1)!.event.cause, because('Low', 'in', 11, 10));
    assert.doesNotMatch(room.happened('InstanceLaunched')[0]!.event.cause, /policy/);
  });

  test('bounds: at MaxSize and at MinSize nothing changes, and the refusal says why', () => {
    const full = settled(5, steps(), { MaxSize: 5 });
    assert.equal(pulse(full, 90), 5);
    assert.equal(lastRefusal(full), 'AlreadyAtMaxSize');
    const least = settled(3, steps(), { MinSize: 3 });
    assert.equal(pulse(least, 10), 3);
    assert.equal(lastRefusal(least), 'AlreadyAtMinSize');
  });
});

describe('C: target tracking', () => {
  /** Minutes with this CPU, until the group scales. */
  function tracked(size: number, cpu: number, minutes: number, config: GroupInput = {}) {
    const room = settled(size, [tracking(50)], config);
    for (let minute = 0; minute < minutes && room.happened('GroupScaled').length === 0; minute++) room.pass(1, cpu);
    return room;
  }

  test('C7: 1.5 instances too few are 2 more, 1.5 too many are 1 less', () => {
    assert.equal(tracked(3, 75, 10).desired(), 5);
    const fewer = tracked(3, 25, 30);
    assert.equal(fewer.desired(), 2);
  });

  test('it scales out after three minutes above the target, in after fifteen below nine tenths of it', () => {
    const [out] = tracked(3, 75, 10).happened('GroupScaled');
    const [down] = tracked(3, 25, 30).happened('GroupScaled');
    assert.equal(out?.event.metricValues.length, 3);
    assert.equal(down?.event.alarmName, 'TargetTracking-group-AlarmLow-cpu');
    assert.equal(out !== undefined && out.atMs - 2 * MINUTE <= 5 * MINUTE, true);
    assert.equal(down !== undefined && down.atMs - 2 * MINUTE >= 15 * MINUTE, true);
    assert.equal(tracked(3, 46, 60).happened('GroupScaled').length, 0);
  });

  test('without data it does not scale', () => {
    const room = settled(3, [tracking(50)]);
    room.pass(40);
    assert.equal(room.desired(), 3);
    assert.deepEqual(room.happened('GroupScaled'), []);
  });

  test('DisableScaleIn leaves no alarm that could', () => {
    const room = settled(3, [neverIn(50)]);
    room.pass(40, 5);
    assert.equal(room.desired(), 3);
    assert.equal(room.simulation.world.cloudwatch.alarms.size, 1);
  });

  test('instances that are terminating still count: no alarm takes them away twice', () => {
    const hook = {
      LifecycleHookName: 'drain',
      LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      HeartbeatTimeout: 7200,
    } as const;
    const room = settled(10, [tracking(50)], { LifecycleHookSpecificationList: [hook] });
    room.pass(40, 40);
    // ceil(10 x 40 / 50) = 8, with the two that wait for their hook, and 8 again.
    assert.equal(room.desired(), 8);
    assert.equal(room.simulation.world.ec2.instances.size, 10);
  });

  test('of several policies that track a target, one scales out alone, and all of them must agree to scale in', () => {
    const other = (target: number): Tracking => ({
      PolicyName: 'other',
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingConfiguration: {
        TargetValue: target,
        CustomizedMetricSpecification: {
          MetricName: 'CPUUtilization',
          Namespace: 'AWS/EC2',
          Dimensions: [{ Name: 'AutoScalingGroupName', Value: 'group' }],
          Statistic: 'Maximum',
        },
      },
    });
    const apart = settled(6, [tracking(80), other(30)]);
    apart.pass(40, 29);
    assert.equal(apart.desired(), 6);
    assert.equal(lastRefusal(apart), 'OtherPolicyNotReady');
    const agreed = settled(6, [tracking(80), other(40)]);
    agreed.pass(20, 20);
    assert.equal(agreed.happened('GroupScaled')[0]?.event.to, 3); // of ceil(6 x 20 / 80) = 2 and ceil(6 x 20 / 40) = 3 the larger
    const out = settled(4, [tracking(90), other(40)]);
    out.pass(5, 50);
    assert.equal(out.happened('GroupScaled')[0]?.event.to, 5);
  });
});

describe('3.1: instances that warm up', () => {
  test("AWS's example: 60 %, then 62 and 70 while the new instance warms up: 11, 11, 13", () => {
    const room = settled(10, steps(600));
    room.pass(10, 50);
    assert.equal(pulse(room, 60), 11);
    assert.equal(pulse(room, 62), 11);
    assert.equal(lastRefusal(room), 'InstancesWarmingUp');
    assert.equal(pulse(room, 70), 13);
  });

  test('nothing is taken away while an instance warms up, and it is afterwards', () => {
    const room = settled(10, steps(600));
    room.pass(10, 50);
    assert.equal(pulse(room, 60), 11);
    assert.equal(pulse(room, 30), 11);
    assert.equal(lastRefusal(room), 'InstancesWarmingUp');
    room.pass(10, 50);
    assert.equal(pulse(room, 30), 8);
  });

  test('instances that find no capacity are not on their way: the group may still scale in', () => {
    const faults = [{ kind: 'InsufficientInstanceCapacity', at: '1970-01-01T00:02:00Z' } as const];
    const room = settled(2, steps(), {}, { faults });
    assert.equal(pulse(room, 90), 3);
    assert.equal(room.members().length, 2);
    assert.equal(pulse(room, 10), 1);
  });

  for (const [source, config, warmup, seconds] of [
    ['EstimatedInstanceWarmup', { DefaultInstanceWarmup: 60 }, 480, 480],
    ['DefaultInstanceWarmup', { DefaultInstanceWarmup: 480, DefaultCooldown: 60 }, undefined, 480],
    ['DefaultCooldown', { DefaultInstanceWarmup: undefined, DefaultCooldown: 480 }, undefined, 480],
    ['300 seconds', { DefaultInstanceWarmup: undefined }, undefined, 300],
  ] as const)
    test(`the warm-up is ${source}`, () => {
      const room = settled(10, steps(warmup), config);
      room.pass(10, 50);
      assert.equal(pulse(room, 60), 11);
      const inServiceMs = room.happened('InstanceInService').at(-1)!.atMs;
      for (let minute = 0; minute < 12 && room.desired() === 11; minute++) room.pass(1, 35);
      const scaled = room.happened('GroupScaled').at(-1)!;
      assert.equal(scaled.event.to, 10);
      const waitedMs = scaled.atMs - inServiceMs;
      assert.equal(waitedMs >= seconds * SECOND && waitedMs <= seconds * SECOND + 2 * MINUTE, true, `${waitedMs} ms`);
    });
});

describe('3.1: the cooldown of simple scaling', () => {
  test('300 seconds from the moment that the change has come about, or what the group or the policy says', () => {
    for (const [policy, config, seconds] of [
      [{}, {}, 300],
      [{}, { DefaultCooldown: 600 }, 600],
      [{ Cooldown: 120 }, { DefaultCooldown: 600 }, 120],
    ] as const) {
      const room = settled(2, [simple(policy)], config);
      room.pass(20, 90);
      const scaled = room.happened('GroupScaled');
      const inService = room.happened('InstanceInService');
      const [first, second] = scaled;
      const cameAbout = inService.find(({ atMs }) => atMs > first!.atMs)!;
      const waitedMs = second!.atMs - cameAbout.atMs;
      assert.equal(waitedMs >= seconds * SECOND && waitedMs <= seconds * SECOND + MINUTE, true, `${waitedMs} ms`);
    }
  });

  test('while the change has not come about, the next one waits however long that takes', () => {
    const slow = { launch: { medianSeconds: 900, p95Seconds: 900 }, boot: { medianSeconds: 900, p95Seconds: 900 } };
    const room = ec2Room(
      { DesiredCapacity: 0, Monitoring: { Enabled: true } },
      { timings: slow, policies: [simple({ Cooldown: 0 })] },
    );
    room.pass(14, 90);
    assert.equal(room.desired(), 1);
    assert.equal(lastRefusal(room), 'ScalingActivityInProgress');
    room.pass(8, 90);
    assert.equal(room.desired(), 2);
  });

  test('a launch that fails ends the change, too', () => {
    const room = settled(
      2,
      [simple({ Cooldown: 60 })],
      {},
      {
        faults: [{ kind: 'InsufficientInstanceCapacity', at: '1970-01-01T00:02:00Z' }],
      },
    );
    room.pass(6, 90);
    assert.equal(room.members().length, 2);
    assert.equal((room.desired() ?? 0) > 3, true, `${room.desired()}`);
  });

  test('step scaling knows no cooldown', () => {
    const room = settled(10, steps(), { DefaultCooldown: 3600, DefaultInstanceWarmup: 0 });
    room.pass(4, 65);
    assert.equal(room.happened('GroupScaled').length >= 2, true);
  });
});

describe('a group and its tasks, in whole runs', () => {
  const group = (more: object) => ({
    AutoScalingGroupName: 'group',
    AvailabilityZones: ['us-east-1a', 'us-east-1b'],
    MinSize: 1,
    MaxSize: 8,
    DesiredCapacity: 2,
    instanceType: 'm5.large',
    ecsConfig: { ECS_CLUSTER: 'demo' },
    ...more,
  });
  const onGroup = {
    cluster: { clusterName: 'demo' },
    taskDefinitions: [
      {
        family: 'web',
        containerDefinitions: [
          { name: 'app', image: 'web', cpu: 1024, memory: 1024, portMappings: [{ containerPort: 8080 }] },
        ],
      },
    ],
    targetGroups: [{ Name: 'web', HealthCheckIntervalSeconds: 10 }],
    services: [
      {
        serviceName: 'web',
        taskDefinition: 'web',
        desiredCount: 2,
        launchType: 'EC2' as const,
        placementStrategy: [{ type: 'spread' as const, field: 'instanceId' }],
        loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 8080 }],
      },
    ],
  };
  const load = (rate: number) => [
    { service: 'web', request: { cpuMs: 20 }, rate: [{ model: 'constant' as const, rate }] },
  ];

  function sail(changes: Partial<ScenarioInput>) {
    const scenario = scenarioSchema.parse(quietScenario({ ...onGroup, ...changes }));
    assert.deepEqual(scenarioProblems(scenario), []);
    const simulation = simulate(scenario, { check: createInvariants() });
    simulation.runUntil(endOf(scenario));
    return simulation;
  }
  function happened<T extends Event['type']>({ log }: EcsSimulation, type: T) {
    return [...log].filter(({ event }) => event.type === type) as Recorded<Extract<Event, { type: T }>>[];
  }
  const groupCpu = (simulation: EcsSimulation) =>
    happened(simulation, 'MetricDataPublished').flatMap(({ event }) => {
      const row = event.metrics.indexOf('AWS/EC2 CPUUtilization AutoScalingGroupName=group');
      if (row === -1) return [];
      const [sum, count] = [event.sums[row] as number, event.sampleCounts[row] as number];
      return [{ startMs: event.periodStartMs, periodMs: event.periodMs, percent: sum / count, instances: count }];
    });

  test("a group's CPU is what the tasks on its instances use: 1 vCPU of work on 2 instances of 2 vCPUs is 25 %", () => {
    const frames = groupCpu(
      sail({
        autoScalingGroups: [group({ Monitoring: { Enabled: true }, policies: [tracking(20)], MaxSize: 2 })],
        load: load(50),
      }),
    );
    assert.equal(frames.length, 60);
    for (const { percent, periodMs, instances } of frames.slice(1)) {
      assert.equal(periodMs, MINUTE);
      assert.equal(instances, 2);
      assert.equal(Math.abs(percent - 25) < 4, true, `${percent} %`);
    }
  });

  test('basic monitoring: a datapoint of every five minutes, the mean of them, and alarms in such periods', () => {
    const run = (more: object, basicMonitoringAlarms: 'sameWindow' | 'samePeriods' = 'sameWindow') =>
      sail({
        autoScalingGroups: [group({ policies: [tracking(20)], MaxSize: 2, ...more })],
        load: load(50),
        assumptions: { capacity: { basicMonitoringAlarms } },
      });
    const basic = run({});
    const frames = groupCpu(basic);
    assert.equal(frames.length, 12);
    for (const [index, { startMs, periodMs, percent }] of frames.entries()) {
      assert.equal(periodMs, 5 * MINUTE);
      assert.equal(startMs, Date.UTC(2030, 0, 7) + index * periodMs);
      const minutes = groupCpu(run({ Monitoring: { Enabled: true } })).slice(5 * index, 5 * index + 5);
      const mean = minutes.reduce((sum, minute) => sum + minute.percent, 0) / 5;
      assert.equal(Math.abs(percent - mean) < 1e-4, true, `${percent} % is not the mean, ${mean} %`);
      if (index === 1) break;
    }
    const windows = (simulation: EcsSimulation) =>
      Array.from(simulation.world.cloudwatch.alarms.values(), ({ config }) => [
        config.periodMs / MINUTE,
        config.evaluationPeriods,
        config.datapointsToAlarm,
      ]);
    assert.deepEqual(windows(basic), [
      [5, 1, 1],
      [5, 3, 3],
    ]);
    assert.deepEqual(windows(run({}, 'samePeriods')), [
      [5, 3, 3],
      [5, 15, 15],
    ]);
    assert.deepEqual(windows(run({ Monitoring: { Enabled: true } })), [
      [1, 3, 3],
      [1, 15, 15],
    ]);
  });

  test('an instance that warms up does not count in the CPU of its group', () => {
    const simulation = sail({
      autoScalingGroups: [
        group({
          Monitoring: { Enabled: true },
          DefaultInstanceWarmup: 600,
          policies: [neverIn(30)],
        }),
      ],
      load: load(50),
      changes: [
        { at: '2030-01-07T00:20:00Z', UpdateAutoScalingGroup: { AutoScalingGroupName: 'group', DesiredCapacity: 3 } },
      ],
    });
    const third = happened(simulation, 'InstanceInService').at(-1)!.atMs;
    for (const { startMs, periodMs, instances } of groupCpu(simulation).slice(1)) {
      const counts = startMs + periodMs >= third + 10 * MINUTE;
      assert.equal(instances, counts ? 3 : 2);
    }
  });

  test('tasks that find no place raise no CPU: the group stays as it is while its service starves', () => {
    const simulation = sail({
      autoScalingGroups: [group({ Monitoring: { Enabled: true }, MinSize: 2, policies: [tracking(80)] })],
      load: load(20),
      changes: [{ at: '2030-01-07T00:10:00Z', UpdateService: { service: 'web', desiredCount: 12 } }],
    });
    assert.equal(happened(simulation, 'ServiceTaskPlacementFailed').length > 0, true);
    assert.equal(simulation.world.ecs.services.get('web')?.runningCount, 4);
    assert.equal(simulation.world.ec2.groups.get('group')?.desiredCapacity, 2);
  });

  test('it takes instances from under tasks, by the chain from metric to alarm to policy', () => {
    const simulation = sail({
      autoScalingGroups: [group({ Monitoring: { Enabled: true }, policies: [tracking(80)] })],
      load: load(20),
    });
    const [scaled] = happened(simulation, 'GroupScaled');
    assert.equal(scaled?.event.to, 1);
    assert.equal(simulation.log.at(scaled?.causedBy ?? -1).event.type, 'AlarmStateChanged');
    const [stopped] = happened(simulation, 'TaskStopped');
    assert.match(stopped!.event.reason, /^Host EC2 \(instance i-[0-9a-f]+\) terminated\.$/);
  });

  test('an alarm of the scenario calls a policy by <group>/<policy>, or by its ARN', () => {
    for (const action of [
      'group/simple',
      'arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:4a5b:autoScalingGroupName/group:policyName/simple',
    ]) {
      const { alarm: _own, ...called } = simple({}) as Extract<GroupPolicyInput, { PolicyType: 'SimpleScaling' }>;
      const simulation = sail({
        autoScalingGroups: [group({ policies: [called] })],
        load: load(20),
        alarms: [
          {
            AlarmName: 'busy',
            Namespace: 'AWS/ApplicationELB',
            MetricName: 'RequestCount',
            Dimensions: [{ Name: 'TargetGroup', Value: 'web' }],
            Statistic: 'Sum',
            Period: 60,
            EvaluationPeriods: 1,
            Threshold: 100,
            ComparisonOperator: 'GreaterThanThreshold',
            AlarmActions: [action],
          },
        ],
      });
      assert.equal(simulation.world.ec2.groups.get('group')?.desiredCapacity, 8);
    }
  });

  test('ALBRequestCountPerTarget follows the target group that its label names', () => {
    const simulation = sail({
      autoScalingGroups: [
        group({
          policies: [
            tracking(50, {
              TargetTrackingConfiguration: {
                TargetValue: 300,
                PredefinedMetricSpecification: {
                  PredefinedMetricType: 'ALBRequestCountPerTarget',
                  ResourceLabel: 'app/web/0123456789abcdef/targetgroup/web/0123456789abcdef',
                },
              },
            }),
          ],
        }),
      ],
      load: load(20),
    });
    const [first] = happened(simulation, 'GroupScaled');
    assert.equal(first?.event.to, 4); // 600 requests a minute and target, 300 wanted
    assert.equal(first?.event.alarmName, 'TargetTracking-group-AlarmHigh-cpu');
  });

  describe('3.1: health checks by a load balancer', () => {
    const failing = (more: object) =>
      sail({
        autoScalingGroups: [group(more)],
        faults: [{ kind: 'HealthCheckFails', at: '2030-01-07T00:20:00Z', for: '3m', service: 'web' }],
      });
    const replaced = (simulation: EcsSimulation) =>
      happened(simulation, 'InstanceTerminating').filter(({ event }) => /ELB system health check/.test(event.cause));

    test('HealthCheckType ELB: a failing target costs its instance, and the group launches another one', () => {
      const simulation = failing({ HealthCheckType: 'ELB', TargetGroupARNs: ['web'] });
      assert.equal(replaced(simulation).length >= 2, true, `${replaced(simulation).length}`);
      assert.equal(simulation.world.ec2.instances.size, 2);
      const unhealthy = happened(simulation, 'TargetUnhealthy')[0]!;
      assert.equal(replaced(simulation)[0]?.atMs, unhealthy.atMs);
    });

    test('status checks alone, or another target group: ECS replaces the task, the instance stays', () => {
      assert.deepEqual(replaced(failing({ TargetGroupARNs: ['web'] })), []);
      assert.deepEqual(replaced(failing({ HealthCheckType: 'EC2', TargetGroupARNs: ['web'] })), []);
      assert.deepEqual(replaced(failing({ HealthCheckType: 'ELB' })), []);
    });

    test('within its grace period an instance is not judged', () => {
      const simulation = failing({ HealthCheckType: 'ELB', TargetGroupARNs: ['web'], HealthCheckGracePeriod: 3600 });
      assert.equal(happened(simulation, 'TargetUnhealthy').length > 0, true);
      assert.deepEqual(replaced(simulation), []);
    });
  });

  test('what AWS would refuse is told with its place', () => {
    const problems = (more: object) =>
      scenarioProblems(scenarioSchema.parse(quietScenario({ ...onGroup, autoScalingGroups: [group(more)] }))).map(
        ({ path, message }) => `${path.join('.')}: ${message}`,
      );
    const at = 'autoScalingGroups.0.policies.0';
    const spec = 'TargetTrackingConfiguration.PredefinedMetricSpecification';
    const label = 'app/web/0123456789abcdef/targetgroup/web/0123456789abcdef';
    const predefined = (PredefinedMetricSpecification: object) => ({
      policies: [{ ...tracking(50), TargetTrackingConfiguration: { TargetValue: 50, PredefinedMetricSpecification } }],
    });
    assert.deepEqual(problems(predefined({ PredefinedMetricType: 'ASGAverageCPUUtilization', ResourceLabel: label })), [
      `${at}.${spec}.ResourceLabel: found a resource label with ASGAverageCPUUtilization, expected it only with ALBRequestCountPerTarget`,
    ]);
    assert.deepEqual(problems(predefined({ PredefinedMetricType: 'ALBRequestCountPerTarget' })), [
      `${at}.${spec}.ResourceLabel: found none with ALBRequestCountPerTarget, expected app/<load balancer>/<id>/targetgroup/<target group>/<id>`,
    ]);
    assert.deepEqual(
      problems(
        predefined({ PredefinedMetricType: 'ALBRequestCountPerTarget', ResourceLabel: label.replaceAll('web', 'api') }),
      ),
      [`${at}.${spec}: found TargetGroup "api", expected one of web`],
    );
    assert.deepEqual(problems({ policies: [{ ...tracking(50), TargetTrackingConfiguration: { TargetValue: 50 } }] }), [
      `${at}.TargetTrackingConfiguration: expected either PredefinedMetricSpecification or CustomizedMetricSpecification, and not both`,
    ]);
    assert.deepEqual(problems({ policies: [tracking(50), { ...tracking(60), PolicyName: 'again' }] }), [
      'autoScalingGroups.0.policies.1.TargetTrackingConfiguration: Only one TargetTrackingScaling policy for a given metric specification is allowed.',
    ]);
    assert.deepEqual(problems({ policies: [simple({}), simple({})] }), [
      'autoScalingGroups.0.policies.1.PolicyName: found "simple" a second time, expected a name of its own',
    ]);
    assert.deepEqual(problems({ policies: [simple({ MinAdjustmentMagnitude: 2 })] }), [
      `${at}.MinAdjustmentMagnitude: found it with ChangeInCapacity, expected it only with PercentChangeInCapacity`,
    ]);
    assert.deepEqual(problems({ TargetGroupARNs: ['api'] }), [
      'autoScalingGroups.0.TargetGroupARNs.0: found "api", expected the name of a target group: one of web',
    ]);
    const gap = [
      { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10, ScalingAdjustment: 1 },
      { MetricIntervalLowerBound: 20, ScalingAdjustment: 2 },
    ];
    const [out] = steps();
    assert.deepEqual(
      problems({ policies: [{ ...out, StepAdjustments: gap }] }).map((text) => text.split(':')[0]),
      [`${at}.StepAdjustments.1`],
    );
  });

  test('a group that a capacity provider scales, too, is advised against', () => {
    const scenario = (policies: readonly GroupPolicyInput[]) =>
      scenarioSchema.parse(
        quietScenario({
          ...onGroup,
          autoScalingGroups: [group({ policies })],
          cluster: { clusterName: 'demo', capacityProviders: ['fleet'] },
          capacityProviders: [{ name: 'fleet', autoScalingGroupProvider: { autoScalingGroup: 'group' } }],
        }),
      );
    assert.deepEqual(scenarioNotes(scenario([])), []);
    assert.deepEqual(scenarioNotes(scenario([tracking(50)])), [
      '"group" has scaling policies of its own beside the managed scaling of "fleet": both set its desired capacity, and neither knows of the other.',
    ]);
  });
});
