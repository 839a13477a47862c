/** Explanations: they reckon as the run did, they say "no" where nothing happened, and the steps of a scale-out add up. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import {
  actionDelayMs,
  askManagedScaling,
  askServicePolicy,
  createModel,
  scenarioSchema,
  serviceNameOf,
  simulate,
  startOf,
  thaw,
  type Event,
  type Recorded,
  type Scenario,
  type World,
} from '../../core/index.ts';
import { explanation } from '../../sims/commands/explain.ts';
import { earliestAlarmMs } from '../../sims/explain/alarmView.ts';
import { waterfallsOf } from '../../sims/explain/waterfall.ts';
import { standstill } from '../../sims/explain/whyNot.ts';
import { whyInstanceNot } from '../../sims/explain/whyNotInstance.ts';
import { serviceOutlook, whyServiceNot } from '../../sims/explain/whyNotService.ts';
import { whyTaskNot } from '../../sims/explain/whyNotTask.ts';
import { InputError } from '../../sims/input/inputError.ts';
import { runInstant } from '../../sims/input/runInstant.ts';
import { loadScenario } from '../../sims/input/scenarioFile.ts';
import { RunDirectory } from '../../sims/store/runDirectory.ts';
import { sail } from '../../sims/voyage.ts';
import { endOf, quietScenario, scenarios } from '../arbitraries.ts';

const top = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
after(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly scenario: Scenario;
  readonly events: readonly Recorded<Event>[];
}

/** Sailed once for all laws: what is drawn, and a voyage whose scale-outs need instances that boot. */
const coldGroup = loadScenario(join(top, 'sims/scenarios/cold-group.yaml'));
const runs: readonly Run[] = [...fc.sample(scenarios, { seed: 20_300_107, numRuns: 16 }), coldGroup.scenario].map(
  (scenario) => {
    const simulation = simulate(scenario);
    simulation.runUntil(endOf(scenario));
    return { scenario, events: [...simulation.log] };
  },
);

/** Goes through a run; looks at the world before each event, and after the last one of each instant. */
function replayed(
  { scenario, events }: Run,
  look: {
    readonly before?: (world: World, recorded: Recorded<Event>) => void;
    readonly after?: (world: World, instant: readonly Recorded<Event>[]) => void;
  },
): void {
  const world = thaw(startOf(scenario).world) as World;
  const { evolve } = createModel();
  let instant: Recorded<Event>[] = [];
  for (const [index, recorded] of events.entries()) {
    look.before?.(world, recorded);
    (evolve[recorded.event.type] as (world: World, event: Event, atMs: number) => void)(
      world,
      recorded.event,
      recorded.atMs,
    );
    instant.push(recorded);
    if (events[index + 1]?.atMs === recorded.atMs) continue;
    look.after?.(world, instant);
    instant = [];
  }
}

describe('an explanation reckons as the run did', () => {
  test('each decision of a policy is answered as it was, from the world before it', () => {
    const seen = { acted: 0, held: 0 };
    for (const run of runs)
      replayed(run, {
        before(world, { event, atMs }) {
          if (event.type !== 'ScalingActivityStarted' && event.type !== 'ScalingActivityNotScaled') return;
          if (event.policyKey === undefined || event.alarmName === undefined) return;
          const asked = askServicePolicy(world, event.policyKey, event.alarmName, atMs);
          assert.ok(asked);
          assert.deepEqual(asked.reading.datapoints, event.metricValues);
          const acted = event.type === 'ScalingActivityStarted';
          assert.deepEqual(
            asked.answer,
            acted ? { fromCapacity: event.fromCapacity, toCapacity: event.toCapacity } : { reason: event.reason },
          );
          // Nothing holds a policy back that acts, and something one that does not.
          const outlook = serviceOutlook(world, serviceNameOf(event.resourceId), atMs).policies.find(
            ({ policyKey, alarmName }) => policyKey === event.policyKey && alarmName === event.alarmName,
          );
          assert.ok(outlook);
          assert.equal(outlook.held, acted ? undefined : event.reason);
          seen[acted ? 'acted' : 'held']++;
        },
      });
    assert.ok(seen.acted > 50 && seen.held > 50, JSON.stringify(seen));
  });

  test('each change by managed scaling, too', () => {
    let seen = 0;
    for (const run of runs)
      replayed(run, {
        before(world, { event, atMs }) {
          if (event.type !== 'CapacityProviderScaled') return;
          const provider = world.ecs.capacityProviders.get(event.capacityProvider);
          const alarmName = event.to > event.from ? provider?.highAlarm : provider?.lowAlarm;
          const { type: _type, ...change } = event;
          assert.deepEqual(askManagedScaling(world, event.capacityProvider, alarmName ?? '', atMs), change);
          seen++;
        },
      });
    assert.ok(seen > 10, `${seen}`);
  });
});

/** Events of a minute in which nothing happens but that it passes. */
const IDLE: readonly Event['type'][] = ['LoadSampled', 'LoadServed', 'MetricDataPublished', 'AlarmActionsRepeated'];

/** Events after which another instant than the one that was told may be the earliest. */
const CHANGES: readonly Event['type'][] = [
  'MetricAlarmPut',
  'MetricValuesPut',
  'AlarmDeleted',
  'AlarmActionsSet',
  'ScalingPolicyPut',
  'ScalingPolicyDeleted',
  'ScalableTargetRegistered',
  'ScalableTargetBoundsChanged',
  'ScalingActivityStarted',
  'ServiceUpdated',
];

describe('why not', () => {
  test('a policy that was called and changed nothing is told to be held back', () => {
    let seen = 0;
    for (const run of runs)
      replayed(run, {
        after(world, instant) {
          if (instant.some(({ event }) => !IDLE.includes(event.type))) return;
          const nowMs = instant[0]?.atMs ?? 0;
          const called = new Set(
            instant.flatMap(({ event }) => (event.type === 'AlarmActionsRepeated' ? event.alarmNames : [])),
          );
          if (called.size === 0 || ++seen % 5 !== 0) return;
          for (const serviceName of world.ecs.services.keys())
            for (const { alarmName, held } of serviceOutlook(world, serviceName, nowMs).policies)
              if (called.has(alarmName) && actionDelayMs(world, alarmName) === 0) assert.notEqual(held, undefined);
        },
      });
    assert.ok(seen > 100, `${seen}`);
  });

  test('nothing happens earlier than the earliest instant that was told', () => {
    const seen = { alarms: 0, out: 0, in: 0 };
    for (const run of runs) {
      /** What was told before, by alarm and by service and direction, until something else changes it. */
      const alarms = new Map<string, number>();
      const services = new Map<string, number>();
      replayed(run, {
        before(world, { event, atMs }) {
          if (event.type === 'AlarmStateChanged' && event.to === 'ALARM' && event.setBy === undefined) {
            const toldMs = alarms.get(event.alarmName);
            if (toldMs !== undefined) {
              assert.ok(toldMs <= atMs + actionDelayMs(world, event.alarmName), event.alarmName);
              seen.alarms++;
            }
            alarms.delete(event.alarmName);
          }
          if (event.type === 'ScalingActivityStarted' && event.alarmName !== undefined) {
            const direction = event.toCapacity > event.fromCapacity ? 'out' : 'in';
            const toldMs = services.get(`${serviceNameOf(event.resourceId)} ${direction}`);
            if (toldMs !== undefined) {
              assert.ok(toldMs <= atMs, `${event.resourceId} ${direction} at ${atMs}, told ${toldMs}`);
              seen[direction]++;
            }
          }
          if (CHANGES.includes(event.type)) services.clear();
          if (event.type === 'MetricAlarmPut' || event.type === 'MetricValuesPut') alarms.clear();
        },
        after(world, instant) {
          const nowMs = instant[0]?.atMs ?? 0;
          // One instant in many: each look costs a walk through the minutes to come.
          if (nowMs % 420_000 !== 0) return;
          for (const [name, alarm] of world.cloudwatch.alarms) {
            const earliestMs = alarm.state === 'ALARM' ? undefined : earliestAlarmMs(world, alarm, nowMs);
            if (earliestMs !== undefined && !alarms.has(name)) alarms.set(name, earliestMs);
          }
          for (const serviceName of world.ecs.services.keys()) {
            const { earliestOutMs, earliestInMs } = serviceOutlook(world, serviceName, nowMs);
            if (earliestOutMs !== undefined) services.set(`${serviceName} out`, earliestOutMs);
            if (earliestInMs !== undefined) services.set(`${serviceName} in`, earliestInMs);
          }
        },
      });
    }
    assert.ok(seen.alarms > 20 && seen.out > 5 && seen.in > 5, JSON.stringify(seen));
  });

  test('it has an answer at any instant for any service, task and instance', () => {
    for (const [number, run] of runs.entries()) {
      let instants = 0;
      replayed(run, {
        after(world, instant) {
          if (++instants % (97 + number) !== 0) return;
          const nowMs = instant[0]?.atMs ?? 0;
          const told = [
            standstill(world, nowMs),
            ...Array.from(world.ecs.services.keys(), (name) => whyServiceNot(world, name, nowMs, '')),
            ...Array.from(world.ecs.tasks.keys(), (taskId) => whyTaskNot(world, taskId, nowMs)),
            ...Array.from(world.ec2.instances.keys(), (instanceId) => whyInstanceNot(world, instanceId, nowMs)),
          ];
          for (const lines of told) {
            assert.ok(lines !== undefined && lines.length > 0);
            for (const { text } of lines) assert.doesNotMatch(text, /undefined|NaN|Infinity|\[object/);
          }
        },
      });
    }
  });
});

/** One service for each way in which AWS says that nothing happens, with a load that makes its CPU what it says. */
const STANDING_STILL = {
  // AWS: "the number of tasks would be rounded up": 2 tasks at 40 % of a target of 70 stay 2.
  flapping: {
    desiredCount: 2,
    min: 1,
    max: 9,
    rate: 40,
    low: 'AutoScalingAnticipatedFlapping',
    high: 'AlarmNotInAlarm',
  },
  atMaximum: { desiredCount: 2, min: 1, max: 2, rate: 90, low: 'AlarmNotInAlarm', high: 'AlreadyAtMaxCapacity' },
  atMinimum: { desiredCount: 2, min: 2, max: 9, rate: 10, low: 'AlreadyAtMinCapacity', high: 'AlarmNotInAlarm' },
  // Between 90 % of the target and the target nothing is called.
  inBetween: { desiredCount: 2, min: 1, max: 9, rate: 66, low: 'AlarmNotInAlarm', high: 'AlarmNotInAlarm' },
  // Without a running task there is no CPU metric: missing data is neither high nor low.
  atZero: {
    desiredCount: 0,
    min: 0,
    max: 9,
    rate: 50,
    low: 'AlarmHasInsufficientData',
    high: 'AlarmHasInsufficientData',
  },
} as const;

const stillScenario = scenarioSchema.parse(
  quietScenario({
    duration: '40m',
    services: Object.entries(STANDING_STILL).map(([serviceName, { desiredCount }]) => ({
      serviceName,
      taskDefinition: 'web',
      desiredCount,
      launchType: 'FARGATE',
    })),
    scalableTargets: Object.entries(STANDING_STILL).map(([service, { min, max }]) => ({
      service,
      MinCapacity: min,
      MaxCapacity: max,
      policies: [
        {
          PolicyName: 'cpu',
          PolicyType: 'TargetTrackingScaling',
          TargetTrackingScalingPolicyConfiguration: {
            TargetValue: 70,
            PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
          },
        },
      ],
    })),
    load: Object.entries(STANDING_STILL).map(([service, { rate }]) => ({
      service,
      request: { cpuMs: 20, otherMs: 5 },
      // A task of one vCPU does fifty such requests a second: two of them are at as much percent.
      rate: [{ model: 'constant', rate }],
    })),
  }),
);

test('AWS’s reasons for standing still, one service each', () => {
  const { world, nowMs } = (() => {
    const simulation = simulate(stillScenario);
    simulation.runUntil(endOf(stillScenario));
    return simulation;
  })();
  for (const [name, { low, high }] of Object.entries(STANDING_STILL)) {
    const { policies } = serviceOutlook(world, name, nowMs);
    assert.deepEqual(
      Object.fromEntries(policies.map(({ direction, held }) => [direction, held])),
      { in: low, out: high },
      name,
    );
  }
});

describe('a waterfall', () => {
  test('its steps follow on each other, take no negative time, and add up to the total', () => {
    const seen = { all: 0, launches: 0 };
    for (const { scenario, events } of runs)
      for (const { startMs, decidedMs, event, first, last } of waterfallsOf(scenario, events)) {
        assert.equal(events[event]?.event.type, 'ScalingActivityStarted');
        assert.equal(events[event]?.atMs, decidedMs);
        seen.all++;
        for (const { steps, totalMs } of [first, last]) {
          let atMs = startMs;
          for (const step of steps) {
            assert.equal(step.fromMs, atMs);
            assert.ok(step.toMs >= step.fromMs);
            // What ends a step has happened by then; it may have begun to count only later.
            if (step.event !== undefined) assert.ok((events[step.event]?.atMs ?? Infinity) <= step.toMs);
            if (step.what.startsWith('group: launches')) seen.launches++;
            atMs = step.toMs;
          }
          assert.equal(atMs - startMs, totalMs);
          assert.ok(startMs === decidedMs || steps.some(({ toMs }) => toMs === decidedMs));
        }
      }
    assert.ok(seen.all > 40 && seen.launches > 2, JSON.stringify(seen));
  });
});

const FIRST_TASK = `web 12 -> 18 tasks, decided 01-07 02:04:19 (event 1885); the slowest of the 5 scale-outs of web
task-19, the first new task that serves, does so 8m 50s after 01-07 02:00:00: 4m 19s to decide, 4m
  31s to get ready.
step                                     from      seconds  event
load rises within the metric’s period    02:00:00   60.000   1840  ████
its datapoint is published               02:01:00   60.000             ███
3 datapoints: the last one is published  02:02:00  120.000   1868         ████████
alarm: evaluated, goes to ALARM          02:04:00   19.000   1884                 █
policy: decides                          02:04:19    0.000   1885
scheduler: creates the task              02:04:19    0.000   1892
no room: the task waits                  02:04:19    0.000   1893
CapacityProviderReservation’s period     02:04:19   41.000   1910                  ███
its datapoint is published               02:05:00   10.000                            █
managed scaling’s alarm goes to ALARM    02:05:10   24.000   1925                     ██
managed scaling: asks for instances      02:05:34    0.000   1926
group: launches the instance             02:05:34    0.000   1929
instance: starts                         02:05:34    9.134   1934                       █
instance: boots, its agent registers     02:05:43  169.891   1991                       ███████████
placement                                02:08:33    0.000   1994
image pull                               02:08:33    5.714                                         █
containers start                         02:08:38    0.343   2001                                  █
load balancer: registers the target      02:08:39    0.000   2003
health check passes                      02:08:39    9.447   2017                                  █
first requests served                    02:08:48    1.471   2019                                  █
total                                              530.000
`;

const DECISION = `01-07 02:04:19  1885 ScalingActivityStarted: web 12 -> 18 tasks by policy cpu: mean 89.7 over target
                60, ceil(12 running x 89.7 / 60) = 18
    datapoints: alarm web cpu high is ALARM since 02:04:19: 3 of 3 datapoints of 1m above 60 of
      CPUUtilization of web, it takes 3
      02:00    71.0112  above 60, readable since 02:02:00
      02:01    98.1604  above 60, readable since 02:03:00
      02:02        100  above 60, readable since 02:04:00
    formula: mean of 3 datapoints 89.7238, target 60; 12 running x 89.7238 / 60 = 17.9448, rounded
      up 18
    cooldown: no scale-out cooldown runs (it is 1m)
    bounds: minimum 12, maximum 60; 12 desired now
    so web goes from 12 to 18 tasks
`;

describe('as a user asks', async () => {
  const run = join(folder, 'run');
  const directory = RunDirectory.create(run, coldGroup, 'test');
  const { summary, activities } = await sail(coldGroup, {
    engineVersion: 'test',
    onSegment: (segment) => directory.append(segment),
  });
  directory.finish(summary, activities);
  const ask = (...words: readonly string[]) => explanation(run, words, { width: 100 });

  test('a waterfall is a table with a bar for each step', () => {
    const story = ask('waterfall', 'service', 'web');
    assert.equal(story.slice(0, FIRST_TASK.length), FIRST_TASK);
    for (const row of story.split('\n')) assert.ok(row.length <= 100, row);
    const told = JSON.parse(explanation(run, ['waterfall'], { json: true, width: 100 })) as {
      first: { totalMs: number };
    };
    assert.equal(told.first.totalMs, 530_000);
  });

  test('an event is told with what was reckoned', () => {
    const story = ask('1885');
    assert.equal(story.slice(0, DECISION.length), DECISION);
    assert.match(story, /\nwhich is the traffic\n$/);
  });

  test('what cannot be explained is refused in a sentence', () => {
    for (const [words, expected] of [
      [['99999999'], /found event 99999999, expected a number from 0 to/],
      [
        ['ship'],
        /found "ship", expected the number of an event, an instant, a service \(web\), why-not INSTANT, or waterfall/,
      ],
      [['why-not'], /found no instant after why-not/],
      [
        ['why-not', '02:05', 'service', 'ship'],
        /found service "ship", expected one that is there at that instant: web/,
      ],
      [['why-not', '02:05', 'task'], /found "task", expected one name after task/],
      [['why-not', '2031-01-01T00:00:00Z'], /expected an instant from 2030-01-07T00:00:00.000Z/],
      [['waterfall', '3'], /found event 3, expected a ScalingActivityStarted that added tasks/],
    ] as const)
      assert.throws(
        () => ask(...words),
        (error: unknown) => error instanceof InputError && expected.test(error.message),
      );
  });
});

test('an instant may be written as the output prints it, and without a day where only one is meant', () => {
  const start = Date.parse('2030-01-07T00:00:00Z');
  const read = (days: number, text: string) => runInstant('run', { start, duration: days * 86_400_000 }, text);
  const noon = Date.parse('2030-01-07T12:05:00Z');
  for (const text of ['2030-01-07T12:05:00Z', '2030-01-07 12:05', '01-07 12:05:00', '01-07 12:05'])
    assert.equal(read(3, text), noon, text);
  assert.equal(read(1, '12:05'), noon);
  assert.throws(
    () => read(3, '12:05'),
    /which this run has 3 times, expected the day with it, such as "01-07 12:05:00"/,
  );
  assert.throws(() => read(3, '02-07 12:05'), /expected an instant from/);
  assert.throws(() => read(3, '12:65'), /expected an instant from/);
});
