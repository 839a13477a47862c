/** Metrics by AWS's words and numbers. @source spec/autoscaling.md chapter 1, 8 (M1 to M5) */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  emptyCloudWatch,
  evolveCloudWatch,
  metricIdentity,
  metricKey,
  samplesOf,
  statisticOf,
} from '../../core/cloudwatch/index.ts';
import { reservationPercent, utilizationPercent } from '../../core/ecs/index.ts';
import { MINUTE, SECOND } from '../../core/kernel/index.ts';
import { scenarioProblems, scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { simulate } from '../../core/simulate.ts';
import type { Event } from '../../core/world.ts';
import { endOf, quietScenario } from '../arbitraries.ts';

describe('1.1: formulas', () => {
  test('M1: c4.4xlarge and c4.large with ten tasks of 1024 units and 2048 MiB: 55 % of CPU, 60 % of memory', () => {
    assert.equal(Math.floor(reservationPercent(10 * 1024, 16_384 + 2_048)), 55);
    assert.equal(Math.floor(reservationPercent(10 * 2048, 30_158 + 3_768)), 60);
  });

  test('M2: a task of 512 units and 1024 MiB that uses 2048 units and 512 MiB: 400 % of CPU, 50 % of memory', () => {
    assert.equal(utilizationPercent(2_048, 512, 1), 400);
    assert.equal(utilizationPercent(512, 1_024, 1), 50);
  });

  test('M5: working sets of 107 and 203 MiB in 512', () => {
    assert.equal(utilizationPercent(107, 512, 1), 20.8984375);
    assert.equal(utilizationPercent(203, 512, 1), 39.6484375);
  });
});

describe('1.4: the store', () => {
  test('M4: 2, 4 and 5 put within a minute are one datapoint', () => {
    const cloudwatch = emptyCloudWatch();
    const metric = metricKey('Shop', 'Orders', {});
    const kept = { keepForMs: MINUTE * 5, hourlyForMs: 0, withDistribution: false };
    evolveCloudWatch.MetricsKept({ cloudwatch }, { type: 'MetricsKept', metrics: [metric], ...kept }, 0);
    for (const [index, value] of [2, 4, 5].entries())
      evolveCloudWatch.MetricValuesPut(
        { cloudwatch },
        {
          type: 'MetricValuesPut',
          metric,
          stampMs: MINUTE + index * 7 * SECOND,
          values: [value],
          counts: [1],
          highResolution: false,
        },
        2 * MINUTE,
      );
    const { datapoints } = cloudwatch.metrics.get(metric)!;
    assert.equal(datapoints.length, 1);
    const values = ['SampleCount', 'Sum', 'Average', 'Minimum', 'Maximum'].map((name) => statisticOf(name, datapoints));
    assert.deepEqual(values, [3, 11, 11 / 3, 2, 5]);
    assert.equal(datapoints[0]!.startMs, MINUTE);
  });

  test('values that come late find their place', () => {
    const cloudwatch = emptyCloudWatch();
    const metric = metricKey('Shop', 'Orders', {});
    const kept = { keepForMs: MINUTE * 60, hourlyForMs: 0, withDistribution: false };
    evolveCloudWatch.MetricsKept({ cloudwatch }, { type: 'MetricsKept', metrics: [metric], ...kept }, 0);
    for (const minute of [5, 2, 9, 3])
      evolveCloudWatch.MetricValuesPut(
        { cloudwatch },
        { type: 'MetricValuesPut', metric, stampMs: minute * MINUTE, values: [1], counts: [1], highResolution: false },
        10 * MINUTE,
      );
    assert.deepEqual(
      cloudwatch.metrics.get(metric)!.datapoints.map(({ startMs }) => startMs / MINUTE),
      [2, 3, 5, 9],
    );
  });

  test('a metric is its namespace, its name and its exact dimensions, in any order', () => {
    const dimensions = { ServiceName: 'web', ClusterName: 'demo' };
    const key = metricKey('AWS/ECS', 'CPUUtilization', dimensions);
    assert.equal(key, metricKey('AWS/ECS', 'CPUUtilization', { ClusterName: 'demo', ServiceName: 'web' }));
    assert.deepEqual(metricIdentity(key), { namespace: 'AWS/ECS', name: 'CPUUtilization', dimensions });
    assert.notEqual(key, metricKey('AWS/ECS', 'CPUUtilization', { ClusterName: 'demo' }));
    assert.deepEqual(metricIdentity(metricKey('Shop', 'Orders', {})).dimensions, {});
  });

  for (const [statistic, expected] of [
    ['p50', 50],
    ['p99', 99],
    ['p100', 100],
    ['tm90', 45.5],
    ['TM(10%:90%)', 50.5],
    ['TM(:10)', 5.5],
    ['IQM', 50.5],
    ['wm95', (4560 + 5 * 95) / 100],
    ['WM(:20)', (210 + 80 * 20) / 100],
    ['TC(80:)', 20],
    ['TS(:10)', 55],
    ['PR(:80)', 80],
    ['PR(80:)', 20],
  ] as const)
    test(`of the numbers from 1 to 100, ${statistic} is ${expected}`, () => {
      const samples = samplesOf(Array.from({ length: 100 }, (_, index) => index + 1));
      assert.equal(statisticOf(statistic, [samples]), expected);
    });
});

/** Rows of the metrics that a run publishes, by the minute. */
function published(changes: Partial<ScenarioInput>, watch: readonly (readonly [string, string, object])[]) {
  const scenario = scenarioSchema.parse(
    quietScenario({
      duration: '10m',
      alarms: watch.map(([Namespace, MetricName, dimensions], index) => ({
        AlarmName: `watch-${index}`,
        Namespace,
        MetricName,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value: String(Value) })),
        Statistic: 'Average',
        EvaluationPeriods: 1,
        Threshold: 1e9,
        ComparisonOperator: 'GreaterThanThreshold',
      })),
      ...changes,
    }),
  );
  assert.deepEqual(scenarioProblems(scenario), []);
  const simulation = simulate(scenario);
  simulation.runUntil(endOf(scenario));
  const frames = [...simulation.log].flatMap(({ event }) => (event.type === 'MetricDataPublished' ? [event] : []));
  return frames.map((frame: Extract<Event, { type: 'MetricDataPublished' }>) => ({
    startS: (frame.periodStartMs - scenario.start) / SECOND,
    periodS: frame.periodMs / SECOND,
    rows: Object.fromEntries(
      frame.metrics.map((metric, row) => [
        metricIdentity(metric).name,
        { samples: frame.sampleCounts[row], sum: frame.sums[row], max: frame.maximums[row] },
      ]),
    ),
  }));
}

const SERVICE = { ClusterName: 'demo', ServiceName: 'web' };
const load = (rate: number) => [
  { service: 'web', arrivals: 'even' as const, request: { cpuMs: 20 }, rate: [{ model: 'constant' as const, rate }] },
];

describe('what AWS services publish', () => {
  test('1.1 rule 6: at one minute the sample count of a service metric is its running tasks', () => {
    const frames = published({ load: load(50) }, [['AWS/ECS', 'CPUUtilization', SERVICE]]);
    assert.equal(frames.length, 10);
    for (const { rows } of frames) {
      assert.equal(rows['CPUUtilization']!.samples, 2);
      assert.equal(Math.abs(rows['CPUUtilization']!.sum! / 2 - 50) < 1, true); // a request a vCPU each 20 ms, on two tasks
    }
  });

  test('1.1 rule 7: at 20 seconds each bucket has it, and a minute has three', () => {
    const frames = published(
      {
        load: load(50),
        services: [
          {
            serviceName: 'web',
            taskDefinition: 'web',
            desiredCount: 2,
            launchType: 'FARGATE',
            monitoring: { metricConfigurations: [{ metricNames: ['CPUUtilization'], resolutionSeconds: 20 }] },
          },
        ],
      },
      [
        ['AWS/ECS', 'CPUUtilization', SERVICE],
        ['AWS/ECS', 'MemoryUtilization', SERVICE],
      ],
    );
    const fast = frames.filter(({ periodS }) => periodS === 20);
    const slow = frames.filter(({ periodS }) => periodS === 60);
    assert.deepEqual([fast.length, slow.length], [30, 10]);
    assert.equal(
      fast.every(({ rows }) => rows['CPUUtilization']?.samples === 2 && !('MemoryUtilization' in rows)),
      true,
    );
    assert.equal(
      slow.every(({ rows }) => rows['MemoryUtilization']?.samples === 2 && !('CPUUtilization' in rows)),
      true,
    );
  });

  test('1.1 rule 4: without a running task there is no datapoint, not a 0', () => {
    const services = [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 0, launchType: 'FARGATE' as const }];
    const frames = published({ services, load: load(5) }, [['AWS/ECS', 'CPUUtilization', SERVICE]]);
    assert.equal(
      frames.every(({ rows }) => Object.keys(rows).length === 0),
      true,
    );
  });

  test('1.1 rule 8: a task gives no CPU sample in the minute in which it starts', () => {
    const change = {
      load: load(50),
      changes: [{ at: '2030-01-07T00:01:00Z', UpdateService: { service: 'web', desiredCount: 4 } }],
    };
    const watch = [
      ['AWS/ECS', 'CPUUtilization', SERVICE],
      ['ECS/ContainerInsights', 'RunningTaskCount', SERVICE],
    ] as const;
    const insights = {
      cluster: {
        clusterName: 'demo',
        capacityProviders: ['FARGATE'],
        settings: [{ name: 'containerInsights' as const, value: 'enabled' as const }],
      },
    };
    for (const firstMinuteOfTask of ['omitted', 'counted'] as const) {
      const frames = published({ ...change, ...insights, assumptions: { metrics: { firstMinuteOfTask } } }, watch);
      const counts = frames.map(({ rows }) => [rows['CPUUtilization']?.samples, rows['RunningTaskCount']?.sum]);
      const risen = counts.findIndex(([, running]) => running === 4);
      assert.equal(counts[risen]![0], firstMinuteOfTask === 'omitted' ? 2 : 4);
      assert.equal(counts[risen + 1]![0], 4);
    }
  });

  test('1.3: Container Insights has no data unless the cluster has it enabled', () => {
    const watch = [['ECS/ContainerInsights', 'DesiredTaskCount', SERVICE]] as const;
    assert.equal(
      published({}, watch).every(({ rows }) => Object.keys(rows).length === 0),
      true,
    );
  });

  test('1.2: a load balancer’s latency is in seconds, Service Connect’s in milliseconds', () => {
    const services = [
      {
        serviceName: 'web',
        taskDefinition: 'web',
        desiredCount: 2,
        launchType: 'FARGATE' as const,
        loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 8080 }],
        serviceConnectConfiguration: { enabled: true, services: [{ portName: 'http' }] },
      },
    ];
    const frames = published({ services, load: load(50), targetGroups: [{ Name: 'web' }] }, [
      [
        'AWS/ApplicationELB',
        'TargetResponseTime',
        { TargetGroup: 'targetgroup/web/0123456789abcdef', LoadBalancer: 'app/web/0' },
      ],
      ['AWS/ApplicationELB', 'RequestCountPerTarget', { TargetGroup: 'web' }],
    ]);
    const connected = published({ services, load: load(50), targetGroups: [{ Name: 'web' }] }, [
      ['AWS/ECS', 'TargetResponseTime', { DiscoveryName: 'http' }],
    ]);
    const seconds = frames[5]!.rows['TargetResponseTime']!;
    const milliseconds = connected[5]!.rows['TargetResponseTime']!;
    assert.equal(Math.abs(seconds.sum! * 1_000 - milliseconds.sum!) < 1e-3 * milliseconds.sum!, true);
    assert.equal(frames[5]!.rows['RequestCountPerTarget']!.sum, (50 * 60) / 2);
  });

  test('1.4: a percentile of latency is published as soon as an alarm asks for one, near what the report says', () => {
    const scenario = scenarioSchema.parse(
      quietScenario({
        duration: '30m',
        services: [
          {
            serviceName: 'web',
            taskDefinition: 'web',
            desiredCount: 2,
            launchType: 'FARGATE',
            loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 8080 }],
          },
        ],
        targetGroups: [{ Name: 'web' }],
        alarms: [
          {
            AlarmName: 'slow',
            Namespace: 'AWS/ApplicationELB',
            MetricName: 'TargetResponseTime',
            Dimensions: [{ Name: 'TargetGroup', Value: 'web' }],
            ExtendedStatistic: 'p99',
            EvaluationPeriods: 3,
            Threshold: 0.05,
            ComparisonOperator: 'GreaterThanThreshold',
          },
        ],
        load: load(70),
      }),
    );
    assert.deepEqual(scenarioProblems(scenario), []);
    const simulation = simulate(scenario);
    simulation.runUntil(endOf(scenario));
    const log = [...simulation.log];
    const alarm = log.find(({ event }) => event.type === 'AlarmStateChanged' && event.to === 'ALARM');
    assert.equal(alarm?.event.type, 'AlarmStateChanged');
    const seen = alarm?.event.type === 'AlarmStateChanged' ? alarm.event.datapoints : [];
    const served = log.flatMap(({ event }) => (event.type === 'LoadServed' ? [event.quantilesMs[3]! / 1_000] : []));
    const usual = served.toSorted((a, b) => a - b)[Math.floor(served.length / 2)]!;
    for (const value of seen) assert.equal(Math.abs(value / usual - 1) < 0.25, true, `${value} against ${usual}`);
  });
});
