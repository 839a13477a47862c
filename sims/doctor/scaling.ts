/** Policies that can never act, that keep others from acting, or that answer one need twice. */

import { HOUR, lowThreshold, MINUTE, SECOND, targetTrackingCapacity, type MetricAlarm } from '../../core/index.ts';
import { cloudWatchSettings } from '../../core/cloudwatch/index.ts';
import { formatDuration, formatNoun, formatValue } from '../report/format.ts';
import type { Facts, ServiceFacts } from './facts.ts';
import type { Finding, Lint } from './lint.ts';
import { metricKind, metricsRead, mostPercent, policiesOf, type PolicyFacts } from './policies.ts';

const TARGET_TRACKING = 'AWS, Application Auto Scaling, "How target tracking scaling works"';

const trackingPath = (policy: PolicyFacts, key: string) => [
  ...policy.path,
  'TargetTrackingScalingPolicyConfiguration',
  key,
];

/** Someone moves the bounds of a target, or suspends and resumes it, while it sails. */
function boundsMove({ scenario }: Facts, { name, target }: ServiceFacts): boolean {
  const moved = target?.config.scheduledActions.length ?? 0;
  const changed = scenario.changes.some(
    ({ RegisterScalableTarget: register, SuspendScaling: suspend, PutScheduledAction: action }) =>
      [register, suspend, action].some((call) => call?.service === name),
  );
  return moved > 0 || changed;
}

const policies = (facts: Facts, look: (policy: PolicyFacts, facts: Facts) => readonly Finding[]) =>
  policiesOf(facts).flatMap((policy) => look(policy, facts));

export const noRoomToScale: Lint = {
  title: 'MinCapacity is MaxCapacity',
  source: 'AWS, Application Auto Scaling, RegisterScalableTarget: policies never go outside the bounds',
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { target, name } = service;
      if (target === undefined || target.config.policies.length === 0 || boundsMove(facts, service)) return [];
      const { MinCapacity, MaxCapacity } = target.config;
      if (MinCapacity !== MaxCapacity) return [];
      return [
        {
          severity: 'serious',
          path: ['scalableTargets', target.index, 'MaxCapacity'],
          what: `the scaling policies of "${name}" can never change anything`,
          why: `MinCapacity and MaxCapacity are both ${MaxCapacity}, and no policy goes outside of them`,
          help: 'raise MaxCapacity, or drop the policies',
        },
      ];
    }),
};

export const suspendedForGood: Lint = {
  title: 'scaling is suspended, and nobody resumes it',
  source: 'AWS, Application Auto Scaling, "Suspending and resuming scaling"',
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { target, name } = service;
      const state = target?.config.SuspendedState;
      const resumed = facts.scenario.changes.some(
        ({ SuspendScaling: suspend, RegisterScalableTarget: register }) =>
          suspend?.service === name || (register?.service === name && register.SuspendedState !== undefined),
      );
      if (target === undefined || state?.DynamicScalingOutSuspended !== true || resumed) return [];
      if (target.config.policies.length === 0) return [];
      return [
        {
          severity: 'serious',
          path: ['scalableTargets', target.index, 'SuspendedState', 'DynamicScalingOutSuspended'],
          what: `"${name}" never scales out by its policies`,
          why: 'scaling out is suspended from the start, and no change of the scenario resumes it',
          help: 'set DynamicScalingOutSuspended to false, or add a SuspendScaling change that does',
        },
      ];
    }),
};

export const unreachableTarget: Lint = {
  title: 'a threshold that the metric cannot pass',
  source: `${TARGET_TRACKING}: AlarmHigh is above the target, strictly; ECS guide, "Service utilization"`,
  find: (facts) =>
    policies(facts, (policy) => {
      const { service, tracking } = policy;
      const { idleCpu } = facts.scenario.assumptions.tasks;
      return policy.alarms.flatMap((alarm): readonly Finding[] => {
        const kind = metricKind(alarm.request);
        const { comparisonOperator: operator, threshold } = alarm;
        if ((kind !== 'cpu' && kind !== 'memory') || !operator.startsWith('Greater')) return [];
        const most = mostPercent(kind, service, idleCpu);
        const reached = operator === 'GreaterThanThreshold' ? most > threshold : most >= threshold;
        if (reached) return [];
        const metric = kind === 'cpu' ? 'CPUUtilization' : 'MemoryUtilization';
        const places = service.load?.config.request.perTaskConcurrency;
        const why =
          most < 100
            ? `a task has ${formatNoun(places ?? 0, 'place')}, and each is held for ${formatValue(service.load?.config.request.otherMs ?? 0)} ms without work: with all of them taken its CPU is at ${formatValue(most)} %, and the alarm asks for more than ${formatValue(threshold)}`
            : `${metric} of "${service.name}" ends at 100 %, and the alarm asks for more than ${formatValue(threshold)}`;
        return [
          {
            severity: 'serious',
            path: tracking === undefined ? [...policy.path, 'alarm', 'Threshold'] : trackingPath(policy, 'TargetValue'),
            what: `policy "${policy.name}" of "${service.name}" never scales out`,
            why,
            help:
              most < 100
                ? 'follow what waits, such as the backlog per task, or give a task more places'
                : 'choose a target below 100, with room for the minutes until help is there',
          },
        ];
      });
    }),
};

export const targetBeyondSaturation: Lint = {
  title: 'a target of more requests than a task can answer',
  source: 'AWS, ECS guide, "Target tracking": ALBRequestCountPerTarget is requests of a minute, per target',
  find: (facts) =>
    policies(facts, (policy) => {
      const { service, tracking } = policy;
      const { load } = service;
      const asked = tracking?.TargetValue ?? 0;
      const isRequests = policy.alarms.some(({ request }) => metricKind(request) === 'requestsPerTarget');
      const most = (load?.taskRps ?? Number.POSITIVE_INFINITY) * (MINUTE / SECOND);
      if (load === undefined || !isRequests || asked < most) return [];
      return [
        {
          severity: 'serious',
          path: trackingPath(policy, 'TargetValue'),
          what: `policy "${policy.name}" lets every task of "${service.name}" fill up before it scales out`,
          why: `a task answers ${formatValue(most)} requests in a minute at the most (${formatValue(load.workMs)} ms of work each), and the target is ${formatValue(asked)}`,
          help: `choose about ${formatValue(Math.floor(most * 0.6))}, six tenths of what a task can do`,
        },
      ];
    }),
};

/** Tasks at which target tracking rests when nobody asks for anything; its own arithmetic, from the most on. */
export function restingTasks(metricValue: number, targetValue: number, least: number, most: number): number {
  let tasks = most;
  while (metricValue < lowThreshold(targetValue)) {
    const wanted = Math.max(least, targetTrackingCapacity({ runningCount: tasks, metricValue, targetValue }));
    if (wanted >= tasks) break;
    tasks = wanted;
  }
  return tasks;
}

export const scaleInFloor: Lint = {
  title: 'a policy that keeps the service from scaling in',
  source: `${TARGET_TRACKING}: scale-in needs all target tracking policies; AlarmLow at 0.9 x target as observed; ceil(running x metric / target)`,
  find: (facts) =>
    policies(facts, (policy) => {
      const { service, tracking, target } = policy;
      const { load } = service;
      const onMemory = policy.alarms.some(({ request }) => metricKind(request) === 'memory');
      if (load === undefined || tracking === undefined || tracking.DisableScaleIn || !onMemory) return [];
      const { TargetValue } = tracking;
      const { idleMemoryPercent: idle } = load;
      const { MinCapacity, MaxCapacity } = target.config;
      const rest = restingTasks(idle, TargetValue, MinCapacity, MaxCapacity);
      if (rest <= MinCapacity || MinCapacity === MaxCapacity) return [];
      const others = target.config.policies.length > 1 ? ', and no other policy can scale in without it' : '';
      if (idle > TargetValue)
        return [
          {
            severity: 'serious',
            path: trackingPath(policy, 'TargetValue'),
            what: `"${service.name}" scales out to ${MaxCapacity} tasks without a single request, and stays there`,
            why: `idle tasks use ${formatValue(idle)} % of their memory, which is above the target, ${formatValue(TargetValue)}: more tasks do not lower it`,
            help: 'follow a metric that falls when tasks are added, or reserve more memory',
          },
        ];
      if (rest === MaxCapacity)
        return [
          {
            severity: 'serious',
            path: trackingPath(policy, 'TargetValue'),
            what: `"${service.name}" never scales in`,
            why: `idle tasks use ${formatValue(idle)} % of their memory; policy "${policy.name}" agrees to scale in below ${formatValue(lowThreshold(TargetValue))}${others}`,
            help: 'raise the target, set DisableScaleIn on this policy, or reserve more memory',
          },
        ];
      return [
        {
          severity: 'warning',
          path: trackingPath(policy, 'TargetValue'),
          what: `"${service.name}" does not go below ${formatNoun(rest, 'task')}, whatever its MinCapacity of ${MinCapacity} says`,
          why: `idle tasks use ${formatValue(idle)} % of their memory, and ceil(${rest} x ${formatValue(idle)} / ${formatValue(TargetValue)}) = ${rest}${others}`,
          help: 'raise the target, or set DisableScaleIn on this policy',
        },
      ];
    }),
};

export const missingMetric: Lint = {
  title: 'a metric that nobody publishes',
  source: 'AWS, CloudWatch, "Container Insights": metrics are there when the cluster setting is on',
  find: (facts) => {
    const { settings } = facts.scenario.cluster;
    if (settings.some(({ value }) => value !== 'disabled')) return [];
    return policies(facts, (policy) => {
      const read = policy.alarms.flatMap(({ request }) => metricsRead(request));
      const missing = read.find(({ namespace }) => namespace === 'ECS/ContainerInsights');
      if (missing === undefined) return [];
      return [
        {
          severity: 'serious',
          path: policy.path,
          what: `policy "${policy.name}" of "${policy.service.name}" never hears of its metric, and so never acts`,
          why: `${missing.name} is of ECS/ContainerInsights, which the cluster has not enabled; alarms without data scale nothing, and keep other target tracking policies from scaling in`,
          help: 'add settings: [{ name: containerInsights, value: enabled }] to the cluster',
        },
      ];
    });
  },
};

export const unheardPolicy: Lint = {
  title: 'a step scaling policy without an alarm',
  source: 'AWS, Application Auto Scaling, "How step scaling works": a CloudWatch alarm invokes the policy',
  find: (facts) =>
    policies(facts, (policy) =>
      policy.step === undefined || policy.alarms.length > 0
        ? []
        : [
            {
              severity: 'serious',
              path: policy.path,
              what: `policy "${policy.name}" of "${policy.service.name}" is never called`,
              why: 'it brings no alarm along, and no alarm of the scenario names it in its actions',
              help: `add alarm to the policy, or AlarmActions: [${policy.service.name}/${policy.name}] to an alarm`,
            },
          ],
    ),
};

export const stuckAtZero: Lint = {
  title: 'a service that cannot leave zero tasks',
  source:
    'AWS, ECS guide, "Service auto scaling": without tasks there is no CPU or memory metric, and missing data scales nothing',
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { target, name, load } = service;
      if (target?.config.MinCapacity !== 0 || load === undefined || load.peakRps === 0) return [];
      const own = policiesOf(facts).filter((policy) => policy.service.name === name);
      const raised = facts.scenario.changes.some(
        ({ UpdateService: update, RegisterScalableTarget: register }) =>
          update?.service === name || register?.service === name,
      );
      const scheduled = target.config.scheduledActions.some(
        ({ ScalableTargetAction: { MinCapacity = 0 } }) => MinCapacity > 0,
      );
      const requestsMissing = facts.scenario.assumptions.metrics.requestsWithoutTargets === 'missing';
      const isMissing = (alarm: MetricAlarm) =>
        metricsRead(alarm.request).some(
          (metric) =>
            (metric.namespace === 'AWS/ECS' && metric.dimensions['ServiceName'] !== undefined) ||
            (metric.namespace === 'ECS/ContainerInsights' && metric.name === 'RunningTaskCount') ||
            (requestsMissing && metric.namespace === 'AWS/ApplicationELB' && metric.name.startsWith('RequestCount')),
        );
      const outward = own.flatMap(({ alarms }) =>
        alarms.filter((alarm) => alarm.comparisonOperator.startsWith('Greater')),
      );
      if (own.length === 0 || scheduled || raised || outward.some((alarm) => !isMissing(alarm))) return [];
      return [
        {
          severity: 'serious',
          path: ['scalableTargets', target.index, 'MinCapacity'],
          what: `once "${name}" is at zero tasks it stays there, whoever calls`,
          why: 'every metric that its policies follow is one of running tasks, and without a task there is no datapoint',
          help: 'keep MinCapacity at 1, or scale out by a metric that is there without tasks, such as the depth of a queue',
        },
      ];
    }),
};

export const onlyOneWay: Lint = {
  title: 'scaling that goes one way only',
  source: `${TARGET_TRACKING}: DisableScaleIn; "How step scaling works"`,
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { target, name } = service;
      const own = policiesOf(facts).filter((policy) => policy.service.name === name);
      if (target === undefined || own.length === 0 || boundsMove(facts, service)) return [];
      if (own.some(({ tracking, step }) => tracking === undefined && step === undefined)) return []; // predictive
      const scalesIn = own.some(
        ({ tracking, step }) =>
          tracking?.DisableScaleIn === false ||
          step?.StepScalingPolicyConfiguration.AdjustmentType === 'ExactCapacity' ||
          step?.StepScalingPolicyConfiguration.StepAdjustments.some(({ ScalingAdjustment: by }) => by < 0),
      );
      if (scalesIn) return [];
      return [
        {
          severity: 'warning',
          path: ['scalableTargets', target.index, 'policies'],
          what: `"${name}" never scales in: after its first peak it keeps what the peak asked for`,
          why: 'none of its policies takes tasks away, and nothing else lowers its bounds',
          help: 'leave DisableScaleIn out of one policy, or add a step scaling policy that scales in',
        },
      ];
    }),
};

const pointsToLeave = ({ evaluationPeriods, datapointsToAlarm }: MetricAlarm) =>
  evaluationPeriods - datapointsToAlarm + 1;

/**
 * From the end of a scale-out until its alarm can be over: new tasks become targets, then as many datapoints as it takes to
 * leave the state ALARM are measured and published.
 */
function seenAfterMs(policy: PolicyFacts, alarm: MetricAlarm, facts: Facts): number {
  const { service } = policy;
  const { profile, metricDelay, alarms } = facts.scenario.assumptions;
  const { delaysMs } = cloudWatchSettings(profile, metricDelay, alarms);
  const [group] = service.targetGroups;
  const healthyMs =
    group === undefined ? service.startupMs : service.startupMs + group.config.HealthCheckIntervalSeconds * SECOND;
  const [{ namespace } = { namespace: '' }] = metricsRead(alarm.request);
  const ofService = alarm.periodMs < MINUTE ? delaysMs.serviceHighResolution : delaysMs.service;
  const delayMs = namespace === 'AWS/ApplicationELB' ? delaysMs.loadBalancer : ofService;
  return healthyMs + pointsToLeave(alarm) * alarm.periodMs + delayMs;
}

export const answersTwice: Lint = {
  title: 'a cooldown that ends before the alarm sees what was done',
  source: `${TARGET_TRACKING}, "How step scaling works": a cooldown starts when the tasks run; the alarm calls again each minute while it lasts`,
  find: (facts) =>
    policies(facts, (policy, { scenario }) => {
      const { service, tracking, step } = policy;
      const high = policy.alarms.find(({ comparisonOperator }) => comparisonOperator.startsWith('Greater'));
      const kind = high === undefined ? 'other' : metricKind(high.request);
      const configuration = step?.StepScalingPolicyConfiguration;
      const isOut =
        tracking !== undefined ||
        (configuration?.AdjustmentType !== 'ExactCapacity' &&
          configuration?.StepAdjustments.some(({ ScalingAdjustment: by }) => by > 0) === true);
      if (high === undefined || kind === 'other' || !isOut) return [];
      const seconds = tracking?.ScaleOutCooldown ?? configuration?.Cooldown ?? 0;
      const neededMs = seenAfterMs(policy, high, facts);
      if (scenario.duration < HOUR || seconds * SECOND >= neededMs) return [];
      return [
        {
          severity: step === undefined && seconds > 0 ? 'note' : 'warning',
          path:
            tracking === undefined
              ? [...policy.path, 'StepScalingPolicyConfiguration', 'Cooldown']
              : trackingPath(policy, 'ScaleOutCooldown'),
          what: `policy "${policy.name}" of "${service.name}" may answer one rise twice, and overshoot`,
          why: `its cooldown is ${seconds === 0 ? 'none' : formatDuration(seconds * SECOND)}; from when new tasks run it takes ${formatDuration(neededMs)} until they are targets and ${formatNoun(pointsToLeave(high), 'datapoint')} measured with them can be read; until then the alarm goes on calling with what was before`,
          help: `a cooldown of ${Math.ceil(neededMs / SECOND)} s waits for news; a shorter one is faster when a rise goes on`,
        },
      ];
    }),
};
