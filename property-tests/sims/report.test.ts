import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  HOUR,
  MINUTE,
  priceList,
  scenarioSchema,
  simulate,
  type EcsSimulation,
  type Event,
  type Recorded,
  type Scenario,
  type ScenarioInput,
  type SeriesReport,
} from '../../core/index.ts';
import { describe as tell, describeServed, failedRequests } from '../../sims/report/describe.ts';
import {
  formatAvailability,
  formatCount,
  formatDuration,
  formatInstant,
  formatLatency,
  formatUsd,
} from '../../sims/report/format.ts';
import { collectMoments } from '../../sims/report/moments.ts';
import type { Moment, RunSeries, RunSummary, ServiceSummary } from '../../sims/report/summary.ts';
import { renderSummary } from '../../sims/report/terminal.ts';
import { sail } from '../../sims/voyage.ts';

const start = '2030-01-07T00:00:00Z';

const policy = {
  PolicyName: 'cpu',
  PolicyType: 'TargetTrackingScaling',
  TargetTrackingScalingPolicyConfiguration: {
    TargetValue: 60,
    PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
    ScaleOutCooldown: 60,
    ScaleInCooldown: 60,
  },
} as const;

const crowd = { model: 'burst', at: '2030-01-07T02:00:00Z', rise: '2m', hold: '20m', fall: '5m', peak: 300 } as const;

/** Six hours with a flash crowd on an Auto Scaling group that is too small, and scheduled bounds. */
const onInstances: ScenarioInput = {
  name: 'on instances',
  start,
  duration: '6h',
  cluster: { clusterName: 'demo', capacityProviders: ['on-demand'] },
  autoScalingGroups: [
    {
      AutoScalingGroupName: 'asg',
      AvailabilityZones: ['a', 'b'],
      MinSize: 2,
      MaxSize: 5,
      instanceType: 'm5.large',
    },
  ],
  capacityProviders: [
    {
      name: 'on-demand',
      autoScalingGroupProvider: { autoScalingGroup: 'asg', managedScaling: { targetCapacity: 100 } },
    },
  ],
  taskDefinitions: [{ family: 'web', containerDefinitions: [{ name: 'app', image: 'web', cpu: 512, memory: 1024 }] }],
  targetGroups: [{ Name: 'web', deregistrationDelaySeconds: 30 }],
  services: [
    {
      serviceName: 'web',
      taskDefinition: 'web',
      desiredCount: 4,
      capacityProviderStrategy: [{ capacityProvider: 'on-demand', weight: 1 }],
      loadBalancers: [{ targetGroup: 'web', containerName: 'app', containerPort: 80 }],
      placementStrategy: [{ type: 'spread', field: 'attribute:ecs.availability-zone' }],
    },
  ],
  scalableTargets: [
    {
      service: 'web',
      MinCapacity: 2,
      MaxCapacity: 16,
      policies: [policy],
      scheduledActions: [
        {
          ScheduledActionName: 'morning',
          Schedule: 'at(2030-01-07T05:00:00)',
          ScalableTargetAction: { MinCapacity: 5 },
        },
      ],
    },
  ],
  load: [{ service: 'web', request: { cpuMs: 20 }, rate: [{ model: 'constant', rate: 40 }, crowd] }],
  slo: [{ service: 'web', latencyP99Ms: 500 }],
};

/** The same crowd on Fargate without a load balancer, every request simulated, and a service without requests. */
const onFargate: ScenarioInput = {
  name: 'on Fargate',
  start,
  duration: '6h',
  cluster: { clusterName: 'demo', capacityProviders: ['FARGATE'] },
  taskDefinitions: [
    {
      family: 'api',
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: 512,
      memory: 1024,
      containerDefinitions: [{ name: 'app', image: 'api' }],
    },
  ],
  services: ['api', 'idle'].map((serviceName) => ({
    serviceName,
    taskDefinition: 'api',
    desiredCount: 3,
    launchType: 'FARGATE' as const,
  })),
  scalableTargets: [{ service: 'api', MinCapacity: 3, MaxCapacity: 10, policies: [policy] }],
  load: [
    {
      service: 'api',
      serving: 'requests',
      request: { cpuMs: 20 },
      rate: [
        { model: 'constant', rate: 10 },
        { ...crowd, peak: 90 },
      ],
    },
  ],
};

const scenarios = Object.entries({ onInstances, onFargate }).map(
  ([name, input]) => [name, scenarioSchema.parse(input)] as const,
);

function run(scenario: Scenario): { simulation: EcsSimulation; moments: readonly Moment[] } {
  const simulation = simulate(scenario);
  const { moments } = collectMoments(simulation, { from: scenario.start });
  simulation.runUntil(scenario.start + scenario.duration);
  return { simulation, moments: moments() };
}

function voyage(scenario: Scenario, stopAfterMs = Number.POSITIVE_INFINITY) {
  let share = 0;
  return sail(
    {
      scenario,
      traces: new Map(),
      jobs: new Map(),
      traceFiles: [],
      prices: priceList.parse({}),
      notes: ['a note about the input that is long enough to be wrapped'],
    },
    {
      engineVersion: '0.1.0',
      onProgress: (now) => (share = now),
      stopped: () => share * scenario.duration >= stopAfterMs,
    },
  );
}

const targetValueOf = () => 60;

describe('format', () => {
  test('numbers read as people write them', () => {
    assert.deepEqual([0, 1234567].map(formatCount), ['0', '1,234,567']);
    assert.deepEqual([0, 450, 45_000, 199_000, 2 * HOUR, 28 * HOUR, 59_999].map(formatDuration), [
      '0s',
      '450ms',
      '45s',
      '3m 19s',
      '2h',
      '1d 4h',
      '1m',
    ]);
    assert.deepEqual([4.24, 87.4, 999.6, 2_310, 65_000].map(formatLatency), [
      '4.2 ms',
      '87 ms',
      '1 s',
      '2.3 s',
      '1m 5s',
    ]);
    assert.deepEqual([0, 12_300, 12_340_000, 1_234_000_000].map(formatUsd), ['$0.00', '$0.0123', '$12.34', '$1,234']);
    assert.equal(formatInstant(Date.parse('2030-01-07T14:03:07.900Z')), '14:03:07');
  });

  test('availability is never rounded up to all', () => {
    assert.equal(formatAvailability(99.999_99), '99.999 %');
    assert.equal(formatAvailability(100), '100 %');
  });
});

function tellAt60(event: Event): string {
  return tell({ seq: 1, atMs: Date.parse(start), causedBy: 0, event }, targetValueOf);
}

describe('describe', () => {
  for (const [name, scenario] of scenarios)
    test(`${name}: every event is told in one line`, () => {
      for (const recorded of run(scenario).simulation.log)
        for (const line of [tell(recorded), tell(recorded, targetValueOf)]) {
          assert.match(line, /^\S.*\S$/);
          assert.doesNotMatch(line, /undefined|NaN|Infinity|\[object|null/, recorded.event.type);
        }
    });

  const activity = {
    type: 'ScalingActivityStarted',
    activityId: 'activity-1',
    resourceId: 'service/demo/web',
    policyKey: 'service/demo/web/cpu',
    fromCapacity: 4,
    toCapacity: 7,
    runningCount: 4,
    metricValues: [90, 91],
    wantedCapacity: 7,
    minCapacity: 2,
    maxCapacity: 40,
  } as const;

  test('a scale-out shows its arithmetic, and what cut it', () => {
    const arithmetic = 'by policy cpu: mean 90.5 over target 60, ceil(4 running x 90.5 / 60) = 7';
    assert.equal(tellAt60(activity), `web 4 -> 7 tasks ${arithmetic}`);
    assert.equal(tellAt60({ ...activity, toCapacity: 6, maxCapacity: 6 }), `web 4 -> 6 tasks ${arithmetic}, maximum 6`);
    assert.equal(
      tellAt60({ ...activity, toCapacity: 6 }),
      `web 4 -> 6 tasks ${arithmetic}, less the 1 that this cooldown has seen added`,
    );
  });

  test('which datapoints the arithmetic takes is told as it is assumed', () => {
    const told = (tracked: 'mean' | 'latest' | 'max') =>
      tell(
        { seq: 1, atMs: 0, causedBy: 0, event: { ...activity, metricValues: [95, 90] } },
        () => 60,
        undefined,
        tracked,
      );
    assert.match(told('latest'), /: latest 90 over target 60, ceil\(4 running x 90 /);
    assert.match(told('max'), /: highest 95 over target 60, /);
    assert.match(told('mean'), /: mean 92\.5 over target 60, /);
  });

  test('a rounded metric is shown with as many decimals as the result needs', () => {
    const line = tellAt60({ ...activity, metricValues: [60.004], toCapacity: 5, wantedCapacity: 5 });
    assert.match(line, /ceil\(4 running x 60\.004 \/ 60\) = 5$/);
  });

  test('a group that scales itself shows its arithmetic, who does not count yet, and what held it', () => {
    const scaled = {
      type: 'GroupScaled',
      policyKey: 'web-asg/cpu',
      autoScalingGroupName: 'web-asg',
      alarmName: 'TargetTracking-web-asg-AlarmHigh-cpu',
      from: 5,
      to: 7,
      instances: 4,
      warmingUp: 1,
      metricValues: [90, 91],
      wantedCapacity: 7,
    } as const;
    const arithmetic = 'by its own policy cpu: mean 90.5 over target 60, ceil(4 running x 90.5 / 60) = 7';
    assert.equal(tellAt60(scaled), `web-asg 5 -> 7 instances ${arithmetic}, 1 more warming up`);
    assert.equal(tellAt60({ ...scaled, to: 6, warmingUp: 0 }), `web-asg 5 -> 6 instances ${arithmetic}, MaxSize 6`);
    const { from: desiredCapacity, to: _, type: __, ...seen } = scaled;
    assert.equal(
      tellAt60({ type: 'GroupNotScaled', ...seen, desiredCapacity, reason: 'InstancesWarmingUp' }),
      'web-asg stays at 5 instances by its own policy cpu, InstancesWarmingUp (new instances are on their way or warm up): mean 90.5 over target 60, ceil(4 running x 90.5 / 60) = 7',
    );
  });

  test('an alarm counts its datapoints', () => {
    const [first, second, third] = [0, MINUTE, 2 * MINUTE].map((ms) => Date.parse(start) + ms) as [
      number,
      number,
      number,
    ];
    const alarm = {
      type: 'AlarmStateChanged',
      alarmName: 'TargetTracking-service/demo/web-AlarmHigh-cpu',
      from: 'OK',
      to: 'ALARM',
      threshold: 60,
      datapointStartsMs: [first, second, third],
      datapoints: [85.1, 92, 94.3],
    } as const;
    assert.equal(tellAt60(alarm), 'alarm web cpu high: 3 of 3 datapoints above 60 (00:00 85.1, 00:01 92, 00:02 94.3)');
  });
});

describe('moments', () => {
  for (const [name, scenario] of scenarios) {
    const { simulation, moments } = run(scenario);
    const all = [...simulation.log];

    test(`${name}: some, five at the most, in order of time, each an event after the start`, () => {
      assert.ok(moments.length >= 3 && moments.length <= 5, `${moments.length}`);
      for (const [index, { seq, atMs }] of moments.entries()) {
        assert.ok(seq > (moments[index - 1]?.seq ?? 0));
        assert.equal(all[seq]?.atMs, atMs);
        assert.ok(atMs > scenario.start);
      }
    });

    test(`${name}: users that got no answer are told of, in the worst minute`, () => {
      const failed = new Map<string, number>();
      for (const { event } of all)
        if (event.type === 'LoadServed')
          for (const [row, serviceName] of event.services.entries()) {
            const minute = `${serviceName}, from ${formatInstant(event.fromMs).slice(0, 5)}`;
            failed.set(minute, (failed.get(minute) ?? 0) + failedRequests(event, row));
          }
      const [minute, count] = [...failed].reduce((worst, one) => (one[1] > worst[1] ? one : worst));
      const expected = `the worst minute of ${minute}: ${formatCount(count)} of `;
      assert.ok(
        moments.some(({ what }) => what.startsWith(expected)),
        expected,
      );
    });

    test(`${name}: links are true causes`, () => {
      for (const moment of moments) {
        assert.ok(moment.because.length > 0, moment.what);
        const known = knownLinks(all, moment);
        let shown = formatInstant(moment.atMs);
        for (const link of moment.because) {
          const [, instant = shown, text] = /^(?:(\d\d:\d\d:\d\d) )?(.*)$/.exec(link) as unknown as [
            string,
            string | undefined,
            string,
          ];
          shown = instant;
          assert.ok(known(instant, text), `${moment.what} <- ${link}`);
        }
      }
    });

    test(`${name}: two runs tell the same`, () => {
      assert.deepEqual(run(scenario).moments, moments);
    });
  }

  test('a task that finds no place is told of', () => {
    const { capacityProviders: _, ...others } = onInstances;
    const { capacityProviderStrategy: __, ...web } = onInstances.services[0] as ScenarioInput['services'][number];
    const scenario = scenarioSchema.parse({
      ...others,
      cluster: { clusterName: 'demo' },
      services: [{ ...web, launchType: 'EC2' }],
    });
    assert.ok(run(scenario).moments.some(({ what }) => what.includes('web was unable to place a task: RESOURCE:CPU')));
  });

  test('what a group does by a policy of its own is told of, with the alarm that called it', () => {
    const { capacityProviders: _, ...others } = onInstances;
    const { capacityProviderStrategy: __, ...web } = onInstances.services[0] as ScenarioInput['services'][number];
    const [group] = onInstances.autoScalingGroups ?? [];
    const scenario = scenarioSchema.parse({
      ...others,
      cluster: { clusterName: 'demo' },
      autoScalingGroups: [
        {
          ...group,
          DesiredCapacity: 5,
          Monitoring: { Enabled: true },
          policies: [
            {
              PolicyName: 'own',
              PolicyType: 'TargetTrackingScaling',
              TargetTrackingConfiguration: {
                TargetValue: 90,
                PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
              },
            },
          ],
        },
      ],
      services: [{ ...web, launchType: 'EC2' }],
    });
    const told = run(scenario).moments.find(({ what }) => what.includes('asg 5 -> '));
    assert.match(
      told?.what ?? '',
      /^asg 5 -> \d instances by its own policy own: mean [\d.]+ under target 90, ceil\(5 running/,
    );
    assert.match(told?.because[0] ?? '', /^alarm asg own low: 1[45] of 1[45] datapoints below 81/);
  });

  test('a run in which nothing happens tells nothing', () => {
    const scenario = scenarioSchema.parse({ ...onFargate, load: [], scalableTargets: [] });
    assert.deepEqual(run(scenario).moments, []);
  });
});

/** Whether a link tells of an event that led to the moment, or of the state in which requests failed. */
function knownLinks(all: readonly Recorded<Event>[], moment: Moment) {
  const event = all[moment.seq] as Recorded<Event>;
  const causes = causesOf(all, event);
  if (event.event.type === 'LoadServed') causes.push(event, ...all.filter((one) => isScaleOutBefore(one, event)));
  if (event.event.type === 'TaskPlaced') {
    const { taskId } = event.event;
    const wait = all.find((one) => one.event.type === 'TaskWaiting' && one.event.taskId === taskId);
    if (wait !== undefined) causes.push(...causesOf(all, wait));
  }
  const texts = new Set(
    causes.flatMap((cause) => toldAs(cause, all).map((text) => `${formatInstant(cause.atMs)} ${text}`)),
  );
  return (instant: string, text: string) =>
    texts.has(`${instant} ${text}`) ||
    (event.event.type === 'LoadServed' &&
      /^(of \d+ desired|nothing scales|its maximum|alarm .* not fired|policy )/.test(text));
}

function causesOf(all: readonly Recorded<Event>[], { causedBy }: Recorded<Event>): Recorded<Event>[] {
  const causes: Recorded<Event>[] = [];
  for (let cause = all[causedBy]; cause !== undefined; cause = all[cause.causedBy]) causes.push(cause);
  return causes;
}

function isScaleOutBefore({ seq, event }: Recorded<Event>, moment: Recorded<Event>): boolean {
  return event.type === 'ScalingActivityStarted' && event.toCapacity > event.fromCapacity && seq < moment.seq;
}

function toldAs(cause: Recorded<Event>, all: readonly Recorded<Event>[]): string[] {
  const { event, seq } = cause;
  if (event.type === 'LoadServed') return event.services.map((_, row) => describeServed(event, row));
  if (event.type !== 'AlarmActionsRepeated') return [tell(cause, targetValueOf)];
  return event.alarmNames.flatMap((alarmName) => {
    const fired = all.findLast(
      (one) => one.seq < seq && one.event.type === 'AlarmStateChanged' && one.event.alarmName === alarmName,
    ) as Recorded<Event>;
    const [title] = tell(fired, targetValueOf).split(':') as [string];
    return [`${title} in ALARM since ${formatInstant(fired.atMs)}`, `${title} still in ALARM`];
  });
}

const ESCAPE = '\u001B';

/** Every line within the width, no escape codes, nothing that is no number. */
function checkText(summary: RunSummary, series: RunSeries): void {
  for (const width of [60, 61, 79, 80, 95, 96, 97, 100, 121, 159, 160]) {
    const text = renderSummary(summary, series, { width, color: false });
    assert.ok(!text.includes(ESCAPE));
    assert.doesNotMatch(text, /undefined|NaN|Infinity|\[object/);
    for (const line of text.split('\n')) assert.ok(line.length <= width, `${width}: ${line.length} ${line}`);
    const colored = renderSummary(summary, series, { width, color: true });
    assert.ok(colored.includes(ESCAPE));
    // oxlint-disable-next-line no-control-regex -- it is what colors are made of
    assert.equal(colored.replaceAll(/\u001B\[\d+m/g, '').replaceAll(/ +$/gm, ''), text);
  }
}

const noSeries: SeriesReport = {
  startMs: Date.parse(start),
  pointMs: MINUTE,
  offeredRps: [],
  peakRps: [],
  failedRps: [],
  desiredTasks: [],
  runningTasks: [],
  cpuPercent: [],
  p99Ms: [],
};

describe('terminal', () => {
  for (const [name, scenario] of scenarios)
    test(`${name}: no line is longer than the terminal, and colors change nothing else`, async () => {
      const { summary, series } = await voyage(scenario);
      checkText(summary, series);
    });

  test('a run of one minute', async () => {
    const { summary, series } = await voyage(scenarioSchema.parse({ ...onInstances, duration: '1m' }));
    checkText(summary, series);
  });

  test('a run that was stopped says so', async () => {
    const { summary, series } = await voyage(scenarios[0]?.[1] as Scenario, 2 * HOUR);
    checkText(summary, series);
    assert.match(renderSummary(summary, series, { width: 100, color: false }), /\(2h\), seed 1, stopped early/);
  });

  test('zero tasks: every request fails, and nothing divides by none', async () => {
    const [idle] = onFargate.services;
    const scenario = scenarioSchema.parse({
      ...onFargate,
      services: [{ ...idle, desiredCount: 0 }],
      scalableTargets: [],
    });
    const { summary, series } = await voyage(scenario);
    checkText(summary, series);
    assert.match(
      renderSummary(summary, series, { width: 100, color: false }),
      /^api: 0 % of \d+,\d+ requests answered in time, 0 tasks\.$/m,
    );
  });

  test('many services with long names: plots of three, a table of all', async () => {
    const { summary, series } = await voyage(scenarioSchema.parse({ ...onInstances, duration: '3h' }));
    const [web] = summary.services as [ServiceSummary];
    const names = Array.from({ length: 9 }, (_, index) => `${index}-${'long'.repeat(index * 6)}`);
    const services = names.map((serviceName, index) => ({
      ...web,
      serviceName,
      serviceLevel: { ...web.serviceLevel, requests: web.serviceLevel.requests * (index + 1) },
    }));
    const course = series.get('web') ?? noSeries;
    const many = { ...summary, services };
    const all = new Map(names.map((serviceName) => [serviceName, course]));
    checkText(many, all);
    const text = renderSummary(many, all, { width: 100, color: false });
    assert.equal(text.match(/load, req\/s/g)?.length, 3);
    for (const { serviceLevel } of services)
      assert.ok(
        text.includes(` ${formatCount(serviceLevel.requests)}\n`) ||
          text.includes(` ${formatCount(serviceLevel.requests)} `),
      );
  });

  test('no service, no series, no moments', async () => {
    const { summary } = await voyage(scenarioSchema.parse({ ...onFargate, load: [], duration: '1h' }));
    checkText(summary, new Map());
    checkText({ ...summary, services: [] }, new Map());
    checkText(summary, new Map([['api', noSeries]]));
  });
});

describe('a worker on a queue', () => {
  const scenario = scenarioSchema.parse({
    ...onFargate,
    services: onFargate.services.slice(0, 1),
    load: [
      {
        service: 'api',
        serving: 'queue',
        queue: { QueueName: 'orders' },
        request: { cpuMs: 100, perTaskConcurrency: 1 },
        rate: [
          { model: 'constant', rate: 10 },
          { ...crowd, peak: 90 },
        ],
      },
    ],
  });

  test('the summary counts messages, backlog and age as the log has them, and the report tells of them', async () => {
    const { summary, series } = await voyage(scenario);
    const { simulation } = run(scenario);
    const steps = [...simulation.log].flatMap(({ event }) => (event.type === 'MessagesServed' ? [event] : []));
    const sum = (tell: (step: (typeof steps)[number]) => number) => steps.reduce((all, step) => all + tell(step), 0);
    const most = (tell: (step: (typeof steps)[number]) => number) => Math.max(...steps.map(tell));
    const { queue } = summary.services[0] as ServiceSummary;
    assert.ok(queue !== undefined);
    assert.equal(queue.queueName, 'orders');
    assert.equal(
      queue.sent,
      sum(({ sent }) => sent),
    );
    assert.equal(
      queue.deleted,
      sum(({ deleted }) => deleted),
    );
    assert.equal(
      queue.largestBacklog,
      most(({ visible }) => visible),
    );
    assert.equal(
      queue.oldestMessageMs,
      most(({ oldestMs }) => oldestMs),
    );
    assert.ok(queue.largestBacklog > 10_000);
    const drawn = series.get('api') as SeriesReport;
    assert.equal(Math.max(...(drawn.backlog ?? [])), queue.largestBacklog);
    assert.equal(Math.max(...(drawn.oldestMs ?? [])), queue.oldestMessageMs);

    const text = renderSummary(summary, series, { width: 120, color: false });
    assert.match(text, new RegExp(`largest backlog +${formatCount(queue.largestBacklog)}`));
    assert.match(text, new RegExp(`oldest message +${formatLatency(queue.oldestMessageMs)}`));
    assert.match(text, new RegExp(`messages +${formatCount(queue.sent)}`));
    assert.match(text, /messages that wait: most/);
    assert.match(text, /queue orders has [\d,]+ messages waiting, the oldest for/);
    assert.doesNotMatch(text, /req\/s|requests/);
  });

  test('a service that gets requests is told of as before, without a row about queues', async () => {
    const { summary, series } = await voyage(scenarioSchema.parse(onFargate));
    assert.equal(summary.services[0]?.queue, undefined);
    assert.doesNotMatch(renderSummary(summary, series, { width: 120, color: false }), /message|backlog/);
  });
});
