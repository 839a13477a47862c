/** Objectives and loads that no number of tasks can bring together. */

import { formatAmount, formatCount, formatDate, formatLatency, formatNoun } from '../report/format.ts';
import type { Finding, Lint } from './lint.ts';
import { metricKind, policiesOf } from './policies.ts';

const BARE = 'arithmetic: work of a request divided by the speed of its task, and the time it waits for others';

export const objectiveOutOfReach: Lint = {
  title: 'an objective below the bare time of a request',
  source: BARE,
  find: ({ scenario, services }) =>
    scenario.slo.flatMap(({ service: name, latencyP99Ms }, index): readonly Finding[] => {
      const load = services.find((service) => service.name === name)?.load;
      if (load === undefined || latencyP99Ms === undefined || latencyP99Ms >= load.aloneMs) return [];
      return [
        {
          severity: 'serious',
          path: ['slo', index, 'latencyP99Ms'],
          what: `"${name}" misses its objective in every minute, with any number of tasks`,
          why: `a mean request takes ${formatLatency(load.aloneMs)} at a task that has nothing else to do (${formatLatency(load.workMs)} of work, ${formatLatency(load.config.request.otherMs)} of waiting for others), and 99 % should take at most ${formatLatency(latencyP99Ms)}`,
          help: 'give tasks more CPU, up to one vCPU for a request, or set an objective that can be met',
        },
      ];
    }),
};

export const objectiveWithoutBite: Lint = {
  title: 'an objective for latency that cannot be missed',
  source: 'the client gives a request up at its timeout, and it counts as failed from then on',
  find: ({ scenario, services }) =>
    scenario.slo.flatMap(({ service: name, latencyP99Ms }, index): readonly Finding[] => {
      const load = services.find((service) => service.name === name)?.load;
      if (load === undefined || latencyP99Ms === undefined || load.config.serving === 'queue') return [];
      const { timeoutMs } = load.config.request;
      if (latencyP99Ms < timeoutMs) return [];
      return [
        {
          severity: 'note',
          path: ['slo', index, 'latencyP99Ms'],
          what: `"${name}" never misses its objective for latency`,
          why: `no answer takes longer than the timeout of ${formatLatency(timeoutMs)}, and the objective is ${formatLatency(latencyP99Ms)}`,
          help: 'set it below timeoutMs; availabilityPercent sees the requests that are given up',
        },
      ];
    }),
};

export const timeoutTooShort: Lint = {
  title: 'a timeout below the bare time of a request',
  source: BARE,
  find: ({ services }) =>
    services.flatMap(({ name, load }): readonly Finding[] => {
      if (load === undefined || load.config.serving === 'queue') return [];
      const { timeoutMs } = load.config.request;
      if (timeoutMs >= load.aloneMs) return [];
      return [
        {
          severity: 'serious',
          path: ['load', load.index, 'request', 'timeoutMs'],
          what: `most requests of "${name}" time out at idle tasks`,
          why: `a mean request takes ${formatLatency(load.aloneMs)} at a task that has nothing else to do, and its client waits for ${formatLatency(timeoutMs)}`,
          help: 'raise timeoutMs, or give tasks more CPU',
        },
      ];
    }),
};

export const peakAboveMaximum: Lint = {
  title: 'a peak that the most tasks cannot carry',
  source: `${BARE}; AWS, Application Auto Scaling: policies never go above MaxCapacity`,
  find: ({ services }) =>
    services.flatMap((service): readonly Finding[] => {
      const { name, load, mostTasks, target, index } = service;
      if (load === undefined || load.config.serving === 'queue' || mostTasks === 0) return [];
      const mostRps = mostTasks * load.taskRps;
      if (load.peakRps <= mostRps) return [];
      const needed = Math.ceil(load.peakRps / load.taskRps);
      return [
        {
          severity: 'warning',
          path:
            target === undefined
              ? ['services', index, 'desiredCount']
              : ['scalableTargets', target.index, 'MaxCapacity'],
          what: `"${name}" turns requests away at ${formatDate(load.peakAtMs)} UTC, whatever its policies do`,
          why: `${formatAmount(load.peakRps)} requests a second come, and ${formatNoun(mostTasks, 'task')}, the most it may have, answer ${formatAmount(mostRps)} at 100 % CPU`,
          help: `${formatCount(needed)} tasks would just carry it; more where its policies leave room`,
        },
      ];
    }),
};

/** A peak that is as many times below what the minimum carries is not a matter of head room. */
const FAR_BELOW = 2;

export const minimumCarriesAll: Lint = {
  title: 'a minimum that carries every peak',
  source: `${BARE}; AWS, Application Auto Scaling: policies never go below MinCapacity`,
  find: (facts) =>
    policiesOf(facts).flatMap(({ service, target, tracking, alarms, name }): readonly Finding[] => {
      const { load, leastTasks, mostTasks } = service;
      const [alarm] = alarms;
      if (tracking === undefined || alarm === undefined || metricKind(alarm.request) !== 'cpu') return [];
      if (load === undefined || load.config.serving === 'queue' || leastTasks === 0 || mostTasks === leastTasks)
        return [];
      const cpuPercent = (load.mostCpuPercent * load.peakRps) / (leastTasks * load.taskRps);
      if (load.peakRps === 0 || cpuPercent > tracking.TargetValue / FAR_BELOW) return [];
      return [
        {
          severity: 'note',
          path: ['scalableTargets', target.index, 'MinCapacity'],
          what: `policy "${name}" of "${service.name}" never scales out, not at twice this load`,
          why: `at the peak of ${formatAmount(load.peakRps)} requests a second ${formatNoun(leastTasks, 'task')} are at ${formatAmount(cpuPercent)} % CPU, and the target is ${tracking.TargetValue}`,
          help: 'lower MinCapacity, or make the traffic what it is: scale of a trace, unit, cpuMs of a request',
        },
      ];
    }),
};
