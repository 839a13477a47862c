/** What the laws are tried on, continued: alarms of one's own, metrics of one's own, changes on the way, other assumptions. */

import fc from 'fast-check';
import { MINUTE, type Millis } from '../core/kernel/index.ts';
import type { ScenarioInput } from '../core/scenario.ts';

type Part<Key extends keyof ScenarioInput> =
  NonNullable<ScenarioInput[Key]> extends readonly (infer Item)[] ? Item : never;
type Alarm = Part<'alarms'>;
type ChangeInput = Part<'changes'>;

/** What a drawn scenario has that can be watched and changed. */
export interface Watched {
  readonly clusterName: string;
  readonly services: readonly {
    readonly serviceName: string;
    readonly targetGroup: string | undefined;
    readonly policies: readonly string[];
    /** Its step policies that no alarm of their own calls. */
    readonly called: readonly string[];
    readonly isDaemon: boolean;
    readonly isScaled: boolean;
  }[];
  readonly startMs: Millis;
  readonly lengthMs: Millis;
}

const alarmPlan = fc.record({
  service: fc.nat({ max: 2 }),
  metric: fc.constantFrom(
    'CPUUtilization',
    'MemoryUtilization',
    'RequestCount',
    'TargetResponseTime',
    'Custom',
    'Math',
  ),
  percentile: fc.constantFrom(undefined, undefined, 'p50', 'p99', 'tm90', 'TM(10%:90%)', 'PR(:0.3)'),
  window: fc.constantFrom([10, 3], [20, 3], [30, 2], [60, 1], [60, 3], [60, 5], [300, 1], [3600, 25]),
  missing: fc.constantFrom('missing', 'ignore', 'breaching', 'notBreaching'),
  fewSamples: fc.constantFrom('evaluate', 'ignore'),
  threshold: fc.constantFrom(0.05, 0.5, 5, 30, 70),
  operator: fc.constantFrom(
    'GreaterThanOrEqualToThreshold',
    'GreaterThanThreshold',
    'LessThanThreshold',
    'LessThanOrEqualToThreshold',
  ),
  state: fc.constantFrom('AlarmActions', 'AlarmActions', 'OKActions', 'InsufficientDataActions'),
  enabled: fc.constantFrom(true, true, true, false),
});
type AlarmPlan = typeof alarmPlan extends fc.Arbitrary<infer Plan> ? Plan : never;

const changePlan = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  service: fc.nat({ max: 2 }),
  kind: fc.constantFrom(
    'RegisterScalableTarget',
    'SuspendScaling',
    'DeregisterScalableTarget',
    'PutScalingPolicy',
    'DeleteScalingPolicy',
    'PutScheduledAction',
    'DeleteScheduledAction',
    'PutMetricAlarm',
    'DeleteAlarms',
    'EnableAlarmActions',
    'DisableAlarmActions',
    'SetAlarmState',
    'SetAlarmState',
    'PutMetricData',
  ),
  amount: fc.integer({ min: 1, max: 12 }),
  flag: fc.boolean(),
  alarm: alarmPlan,
});
type ChangePlan = typeof changePlan extends fc.Arbitrary<infer Plan> ? Plan : never;

export const watching = fc.record({
  insights: fc.boolean(),
  alarms: fc.array(alarmPlan, { maxLength: 3 }),
  composite: fc.option(
    fc.record({
      rule: fc.constantFrom(
        'ALARM(alarm-0)',
        'NOT OK(alarm-0)',
        'ALARM(alarm-0) OR INSUFFICIENT_DATA(alarm-0)',
        'TRUE',
      ),
      suppressor: fc.constantFrom(undefined, 'alarm-0', 'alarm-1'),
      waitS: fc.constantFrom(0, 150, 3_600),
      extensionS: fc.constantFrom(0, 60, 150),
    }),
    { nil: undefined },
  ),
  customEveryS: fc.constantFrom(60, 10, 20, 90),
  changes: fc.array(changePlan, { maxLength: 5 }),
  profile: fc.constantFrom('typical', 'typical', 'aws-benchmark'),
  alarmAssumptions: fc.record(
    {
      evaluationPhase: fc.constantFrom('hash', 'zero'),
      extraPeriods: fc.constantFrom(1, 2, 4),
      youngBreaches: fc.constantFrom('retain', 'OK'),
      highResolutionRepeat: fc.constantFrom('60s', '20s'),
    },
    { requiredKeys: [] },
  ),
  scalingAssumptions: fc.record(
    {
      metricValue: fc.constantFrom('mean', 'latest', 'max'),
      scaleOutCooldown: fc.constantFrom('credit', 'absolute'),
      scaleInDuringScaleOutCooldown: fc.constantFrom('allowed', 'blocked'),
      maxScaleInFraction: fc.constantFrom(1, 0.5, 0.1),
      policiesWithoutData: fc.constantFrom('veto', 'abstain'),
      belowMinimum: fc.constantFrom('oneStep', 'twoSteps'),
      activityTimeout: fc.constantFrom('10s', '10m'),
      scheduledConflict: fc.constantFrom('fail', 'clamp'),
      scheduledScaleInDuringDeployment: fc.constantFrom('applied', 'refused'),
      ambiguousLocalTime: fc.constantFrom('first', 'last', 'both'),
      nonexistentLocalTime: fc.constantFrom('skipped', 'shifted'),
      endTime: fc.constantFrom('inclusive', 'exclusive'),
    },
    { requiredKeys: [] },
  ),
  metricAssumptions: fc.record(
    {
      firstMinuteOfTask: fc.constantFrom('omitted', 'counted'),
      requestCountPerTarget: fc.constantFrom('healthy', 'registered'),
      requestsWithoutTargets: fc.constantFrom('missing', 'zero'),
    },
    { requiredKeys: [] },
  ),
});
type WatchPlan = typeof watching extends fc.Arbitrary<infer Plan> ? Plan : never;

const CUSTOM = { Namespace: 'Shop', MetricName: 'LoadPerTask' } as const;

/** The parts of a scenario that watch what is there. */
export function watchingOf(plan: WatchPlan, watched: Watched) {
  const alarms = plan.alarms.map((drawn, index) => alarmOf(drawn, `alarm-${index}`, watched));
  const { composite } = plan;
  const known = alarms.map(({ AlarmName }) => AlarmName);
  const hasComposite = composite !== undefined && known.length >= 2;
  const [first] = watched.services;
  const dimensions = serviceDimensions(watched, 0);
  return {
    settings: [
      { name: 'containerInsights' as const, value: plan.insights ? ('enabled' as const) : ('disabled' as const) },
    ],
    alarms,
    compositeAlarms: hasComposite
      ? [
          {
            AlarmName: 'together',
            AlarmRule: composite.rule,
            AlarmActions: ['sns:oncall'],
            OKActions: ['sns:oncall'],
            ...(composite.suppressor === undefined
              ? {}
              : {
                  ActionsSuppressor: composite.suppressor,
                  ActionsSuppressorWaitPeriod: composite.waitS,
                  ActionsSuppressorExtensionPeriod: composite.extensionS,
                }),
          },
        ]
      : [],
    customMetrics:
      first === undefined
        ? []
        : [
            {
              ...CUSTOM,
              everySeconds: plan.customEveryS,
              StorageResolution: plan.customEveryS < 60 ? (1 as const) : (60 as const),
              Metrics: [
                {
                  Id: 'cpu',
                  MetricStat: {
                    Metric: { Namespace: 'AWS/ECS', MetricName: 'CPUUtilization', Dimensions: dimensions },
                    Stat: 'Sum',
                  },
                  ReturnData: false,
                },
                { Id: 'perTask', Expression: 'cpu / 3' },
              ],
            },
          ],
    changes: plan.changes.flatMap((drawn, index) => changeOf(drawn, index, known, watched)),
    assumptions: {
      profile: plan.profile as 'typical',
      alarms: plan.alarmAssumptions as { evaluationPhase?: 'hash' },
      scaling: plan.scalingAssumptions as { metricValue?: 'mean' },
      metrics: plan.metricAssumptions as { firstMinuteOfTask?: 'omitted' },
    },
  };
}

function serviceDimensions({ clusterName, services }: Watched, index: number) {
  const { serviceName } = services[index % services.length]!;
  return [
    { Name: 'ClusterName', Value: clusterName },
    { Name: 'ServiceName', Value: serviceName },
  ];
}

function alarmOf(drawn: AlarmPlan, name: string, watched: Watched): Alarm {
  const service = watched.services[drawn.service % watched.services.length]!;
  const [Period, EvaluationPeriods] = drawn.window as [number, number];
  const policy = service.called[0];
  const action = policy === undefined ? 'sns:oncall' : `${service.serviceName}/${policy}`;
  return {
    AlarmName: name,
    ...watchedMetric(drawn, watched),
    Period,
    EvaluationPeriods,
    DatapointsToAlarm: Math.max(1, EvaluationPeriods - 1),
    Threshold: drawn.threshold,
    ComparisonOperator: drawn.operator,
    TreatMissingData: drawn.missing,
    EvaluateLowSampleCountPercentile: drawn.fewSamples,
    ActionsEnabled: drawn.enabled,
    [drawn.state]: [action],
  };
}

function watchedMetric({ metric, percentile, service: index }: AlarmPlan, watched: Watched) {
  const service = watched.services[index % watched.services.length]!;
  const dimensions = serviceDimensions(watched, index);
  const ofService = (name: string) => ({ Namespace: 'AWS/ECS', MetricName: name, Dimensions: dimensions });
  if (metric === 'Custom') return { ...CUSTOM, Statistic: 'Average' };
  if (metric === 'Math')
    return {
      Metrics: [
        { Id: 'm1', MetricStat: { Metric: ofService('CPUUtilization'), Stat: 'Average' }, ReturnData: false },
        { Id: 'm2', MetricStat: { Metric: ofService('MemoryUtilization'), Stat: 'Maximum' }, ReturnData: false },
        { Id: 'e1', Expression: 'IF(m1 > m2, m1, FILL(m2, 0)) / 2' },
      ],
    };
  if (metric.endsWith('Utilization') || service.targetGroup === undefined)
    return { ...ofService(metric.endsWith('Utilization') ? metric : 'CPUUtilization'), Statistic: 'Average' };
  const ofGroup = {
    Namespace: 'AWS/ApplicationELB',
    MetricName: metric,
    Dimensions: [{ Name: 'TargetGroup', Value: service.targetGroup }],
  };
  if (metric === 'RequestCount') return { ...ofGroup, Statistic: 'Sum' };
  return percentile === undefined
    ? { ...ofGroup, Statistic: 'Average' }
    : { ...ofGroup, ExtendedStatistic: percentile };
}

function changeOf(
  { at: share, service: index, kind, amount, flag, alarm }: ChangePlan,
  number: number,
  alarms: readonly string[],
  watched: Watched,
): ChangeInput[] {
  const { serviceName: service, isDaemon, isScaled, policies } = watched.services[index % watched.services.length]!;
  const atMs = watched.startMs + Math.floor((share * watched.lengthMs) / 1_000) * 1_000;
  const at = new Date(atMs).toISOString();
  const AlarmNames = alarms.length === 0 ? ['none'] : alarms.slice(0, 1);
  switch (kind) {
    case 'RegisterScalableTarget':
      return isDaemon ? [] : [{ at, RegisterScalableTarget: { service, MinCapacity: 0, MaxCapacity: amount } }];
    case 'SuspendScaling':
      return isScaled
        ? [{ at, SuspendScaling: { service, DynamicScalingInSuspended: flag, ScheduledScalingSuspended: !flag } }]
        : [];
    case 'DeregisterScalableTarget':
      return isScaled ? [{ at, DeregisterScalableTarget: { service } }] : [];
    case 'PutScalingPolicy':
      return isScaled
        ? [
            {
              at,
              PutScalingPolicy: {
                service,
                policy: {
                  PolicyName: flag ? 'MemoryUtilization' : `later-${number}`,
                  PolicyType: 'StepScaling',
                  alarm: {
                    MetricName: 'MemoryUtilization',
                    EvaluationPeriods: 3,
                    Threshold: 20,
                    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
                  },
                  StepScalingPolicyConfiguration: {
                    AdjustmentType: 'ChangeInCapacity',
                    StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
                  },
                },
              },
            },
          ]
        : [];
    case 'DeleteScalingPolicy':
      return [{ at, DeleteScalingPolicy: { service, PolicyName: policies[amount % policies.length] ?? 'none' } }];
    case 'PutScheduledAction':
      return isScaled
        ? [
            {
              at,
              PutScheduledAction: {
                service,
                ScheduledActionName: flag ? 'action-0' : 'later',
                Schedule: `rate(${amount + 1} minutes)`,
                ScalableTargetAction: { MinCapacity: amount, MaxCapacity: amount + 2 },
              },
            },
          ]
        : [];
    case 'DeleteScheduledAction':
      return [{ at, DeleteScheduledAction: { service, ScheduledActionName: 'action-0' } }];
    case 'PutMetricAlarm':
      return [{ at, PutMetricAlarm: alarmOf(alarm, flag ? AlarmNames[0]! : `later-${number}`, watched) }];
    case 'DeleteAlarms':
    case 'EnableAlarmActions':
    case 'DisableAlarmActions':
      return [{ at, [kind]: { AlarmNames } }];
    case 'SetAlarmState':
      return [
        {
          at,
          SetAlarmState: {
            AlarmName: alarms[amount % alarms.length] ?? 'none',
            StateValue: flag ? 'ALARM' : 'OK',
            StateReason: 'a drill',
          },
        },
      ];
    case 'PutMetricData':
      return [
        {
          at,
          PutMetricData: {
            Namespace: CUSTOM.Namespace,
            MetricData: [
              flag
                ? { MetricName: CUSTOM.MetricName, Value: amount }
                : {
                    MetricName: CUSTOM.MetricName,
                    Values: [amount, 2],
                    Counts: [1, 3],
                    Timestamp: new Date(atMs - amount * MINUTE).toISOString(),
                  },
            ],
          },
        },
      ];
  }
}
