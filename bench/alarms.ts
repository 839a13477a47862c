/** Alarms: each minute a datapoint for each, and each judged at its own second. The reference judges plain arrays. */

import {
  cloudwatchController,
  cloudwatchEvents,
  cloudwatchPhases,
  decideCloudWatch,
  emptyCloudWatch,
  evolveCloudWatch,
  metricKey,
  requestFor,
  type AlarmState,
  type CloudWatchCommand,
  type CloudWatchEvent,
  type CloudWatchWorld,
} from '../core/cloudwatch/index.ts';
import { keyedRng, MINUTE, Simulation, type Due, type Model } from '../core/kernel/index.ts';
import { hashOf } from './hash.ts';
import { startWith } from './start.ts';
import type { Bench, Contender } from './suite.ts';

const model: Model<CloudWatchWorld, CloudWatchCommand, CloudWatchEvent> = {
  events: cloudwatchEvents,
  decide: decideCloudWatch,
  evolve: evolveCloudWatch,
  phases: cloudwatchPhases,
  controllers: [cloudwatchController],
};

const THRESHOLD = 70;
const PERIODS = 3;

export const alarms: Bench = (smoke) =>
  (smoke ? [10] : [100, 1_000, 10_000]).map((count) => {
    const minutes = smoke ? 8 : 15;
    return {
      name: `alarms, ${count.toLocaleString('en')} a minute`,
      amounts: { evaluations: count * minutes },
      contenders: [
        judging('CloudWatch, simulated', () => simulatedAlarms(count, minutes)),
        judging('plain arrays, without delays', () => judged(count, minutes)),
      ],
    };
  });

function judging(name: string, go: () => readonly AlarmState[]): Contender {
  return {
    name,
    start() {
      let states: readonly AlarmState[] = [];
      return {
        run() {
          states = go();
        },
        hash: () => hashOf(...states),
      };
    },
  };
}

/** Every fourth stays above the threshold, the others below: what it comes to does not depend on when they are judged. */
function valuesOf(count: number, minutes: number): readonly (readonly number[])[] {
  const rng = keyedRng(1);
  return Array.from({ length: minutes }, (_m, minute) =>
    Array.from({ length: count }, (_a, alarm) => {
      const base = alarm % 4 === 0 ? 80 : 40;
      return base + rng.at('bench.alarms', alarm * 1_000 + minute).int(20);
    }),
  );
}

export function simulatedAlarms(count: number, minutes: number): readonly AlarmState[] {
  const metrics = Array.from({ length: count }, (_, alarm) =>
    metricKey('AWS/ECS', 'CPUUtilization', { ServiceName: `service-${alarm}` }),
  );
  const ones = metrics.map(() => 1);
  const due: Due<CloudWatchCommand>[] = metrics.map((metric, alarm) => ({
    atMs: 0,
    command: {
      type: 'PutMetricAlarm',
      alarm: {
        alarmName: `cpu-${alarm}`,
        request: requestFor(metric, 'Average'),
        periodMs: MINUTE,
        evaluationPeriods: PERIODS,
        datapointsToAlarm: PERIODS,
        threshold: THRESHOLD,
        comparisonOperator: 'GreaterThanThreshold',
        treatMissingData: 'missing',
        scalingActions: {},
      },
    },
  }));
  for (const [minute, values] of valuesOf(count, minutes).entries())
    due.push({
      atMs: (minute + 1) * MINUTE,
      command: {
        type: 'PutMetricData',
        periodStartMs: minute * MINUTE,
        periodMs: MINUTE,
        metrics,
        sampleCounts: ones,
        sums: values,
        minimums: values,
        maximums: values,
        distributionEnds: [],
        distributionValues: [],
        distributionCounts: [],
      },
    });
  const simulation = new Simulation(model, 1, startWith({ cloudwatch: emptyCloudWatch() }, due));
  simulation.runUntil((minutes + 1) * MINUTE);
  return Array.from(simulation.world.cloudwatch.alarms.values(), ({ state }) => state);
}

function judged(count: number, minutes: number): readonly AlarmState[] {
  const states = Array.from({ length: count }, (): AlarmState => 'INSUFFICIENT_DATA');
  const recent: number[][] = states.map(() => []);
  for (const values of valuesOf(count, minutes))
    for (let alarm = 0; alarm < count; alarm++) {
      const own = recent[alarm] as number[];
      own.push(values[alarm] as number);
      if (own.length > PERIODS) own.shift();
      if (own.length === PERIODS) states[alarm] = own.every((value) => value > THRESHOLD) ? 'ALARM' : 'OK';
    }
  return states;
}
