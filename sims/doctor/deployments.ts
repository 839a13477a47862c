/** Rollouts that cannot move, and health checks that stop tasks for being slow. */

import { deploymentBounds, MINUTE, SECOND, type Millis } from '../../core/index.ts';
import { nextRequestMs } from '../../core/workload/index.ts';
import {
  formatAmount,
  formatCount,
  formatDate,
  formatDuration,
  formatLatency,
  formatNoun,
  formatValue,
} from '../report/format.ts';
import type { Facts, LoadFacts, ServiceFacts } from './facts.ts';
import type { Finding, Lint } from './lint.ts';
import { mostPlaces } from './places.ts';

const ROLLING = 'AWS, ECS API, DeploymentConfiguration: the minimum is rounded up, the maximum down';
const TARGET_HEALTH = 'AWS, ELB guide, "Health checks for your target groups"';

/** Whether the scenario deploys a service. */
function isDeployed({ scenario }: Facts, { name }: ServiceFacts): boolean {
  return scenario.changes.some(
    ({ UpdateService: update }) =>
      update?.service === name && (update.taskDefinition !== undefined || update.forceNewDeployment === true),
  );
}

export const rolloutStuck: Lint = {
  title: 'a rollout that can never move',
  source: ROLLING,
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { config, index, name, leastTasks, mostTasks, minimumHealthyPercent, maximumPercent } = service;
      if (config.schedulingStrategy === 'DAEMON') return [];
      const stuck: number[] = [];
      for (let tasks = Math.max(1, leastTasks); tasks <= mostTasks; tasks++) {
        const { minimumHealthy, maximumTasks } = deploymentBounds(tasks, minimumHealthyPercent, maximumPercent);
        if (maximumTasks <= tasks && minimumHealthy >= tasks) stuck.push(tasks);
      }
      const [first, last] = [stuck[0], stuck.at(-1)];
      if (first === undefined || last === undefined) return [];
      const always = stuck.length === mostTasks - Math.max(1, leastTasks) + 1;
      const range = first === last ? formatNoun(first, 'task') : `${first} to ${last} tasks`;
      return [
        {
          severity: always || isDeployed(facts, service) ? 'serious' : 'warning',
          path: ['services', index, 'deploymentConfiguration'],
          what: `a rollout of "${name}" never begins${always ? '' : ` while it has ${range}`}`,
          why: `minimumHealthyPercent ${minimumHealthyPercent} of ${formatNoun(first, 'task')} lets none stop, and maximumPercent ${maximumPercent} of it is ${formatValue((first * maximumPercent) / 100)}, rounded down: none may start`,
          help: 'raise maximumPercent to 200, or lower minimumHealthyPercent',
        },
      ];
    }),
};

export const rolloutWithoutPlace: Lint = {
  title: 'a rollout that finds no place to start in',
  source: `${ROLLING}; tasks of the old revision keep their places until those of the new one are healthy`,
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { config, index, name, target, minimumHealthyPercent, maximumPercent, groups } = service;
      if (service.onFargate || groups.length === 0 || config.schedulingStrategy === 'DAEMON') return [];
      const desired = target?.config.MinCapacity ?? config.desiredCount ?? 0;
      const places = mostPlaces(service);
      const { minimumHealthy, maximumTasks } = deploymentBounds(desired, minimumHealthyPercent, maximumPercent);
      if (desired === 0 || places !== desired || minimumHealthy < desired || maximumTasks <= desired) return [];
      return [
        {
          severity: isDeployed(facts, service) ? 'serious' : 'note',
          path: ['services', index, 'deploymentConfiguration'],
          what: `a rollout of "${name}" waits for a place that never comes`,
          why: `its ${formatNoun(desired, 'task')} fill every place that its instances can have, and minimumHealthyPercent ${minimumHealthyPercent} lets none of them stop first`,
          help: 'allow one more instance, or lower minimumHealthyPercent',
        },
      ];
    }),
};

export const checksKillStart: Lint = {
  title: 'a grace period shorter than the start',
  source: `${TARGET_HEALTH}; ECS API, healthCheckGracePeriodSeconds: after it ECS stops tasks whose targets are unhealthy`,
  find: (facts) => {
    if (facts.scenario.assumptions.loadBalancing.failingNewTargets === 'initial') return [];
    return facts.services.flatMap((service): readonly Finding[] => {
      const { startupMs, config, index, name, load } = service;
      const graceMs = (config.healthCheckGracePeriodSeconds ?? 0) * SECOND;
      return service.targetGroups.flatMap((group): readonly Finding[] => {
        const {
          HealthCheckIntervalSeconds: everyS,
          UnhealthyThresholdCount: failures,
          HealthyThresholdCount: passes,
        } = group.config;
        const soonestMs = (failures - 1) * everyS * SECOND;
        const latestMs = failures * everyS * SECOND + group.timeoutMs;
        // Once unhealthy, a target has to pass as many checks in a row as any other that was.
        const { to: registersMs } = facts.scenario.assumptions.loadBalancing.registration;
        const neededMs = startupMs + registersMs + passes * everyS * SECOND;
        if (startupMs <= soonestMs || graceMs >= neededMs || load === undefined) return [];
        const always = startupMs > latestMs + registersMs && graceMs < startupMs;
        return [
          {
            severity: always ? 'serious' : 'warning',
            path: ['services', index, 'healthCheckGracePeriodSeconds'],
            what: `${always ? '' : 'some '}tasks of "${name}" are stopped as unhealthy before they have started${always ? ', again and again' : ''}`,
            why: `the application answers ${formatDuration(startupMs)} after its start; ${failures} failed checks, ${everyS} s apart, make its target unhealthy after ${formatDuration(soonestMs)} to ${formatDuration(latestMs)}, then it takes ${passes} that pass to be healthy; ${graceMs === 0 ? 'there is no grace period' : `the grace period is ${formatDuration(graceMs)}`}`,
            help: `set healthCheckGracePeriodSeconds to ${Math.ceil(neededMs / SECOND)}`,
          },
        ];
      });
    });
  },
};

export const containerCheckKillsStart: Lint = {
  title: 'a container health check that does not wait for the start',
  source: 'AWS, ECS API, HealthCheck: failures within startPeriod do not count; retries failures make it UNHEALTHY',
  find: (facts) =>
    facts.services.flatMap(({ definition, definitionIndex, load, name }) =>
      definition.containerDefinitions.flatMap((container, place): readonly Finding[] => {
        const { healthCheck: check, essential } = container;
        const startMs = container.behavior?.answersAfter ?? load?.config.startup ?? 0;
        if (check === undefined || !essential) return [];
        const patienceMs =
          Math.max(check.startPeriod, check.interval) * SECOND + (check.retries - 1) * check.interval * SECOND;
        if (startMs <= patienceMs + check.timeout * SECOND) return [];
        return [
          {
            severity: 'serious',
            path: ['taskDefinitions', definitionIndex, 'containerDefinitions', place, 'healthCheck'],
            what: `tasks of "${name}" are stopped as unhealthy before they have started, again and again`,
            why: `container "${container.name}" answers ${formatDuration(startMs)} after its start, and its check gives up after about ${formatDuration(patienceMs)}`,
            help: `set startPeriod to at least ${Math.ceil(startMs / SECOND)}`,
          },
        ];
      }),
    ),
};

/** From a rise in load until what it calls for serves: three datapoints, their publication, and a start. */
const RESPONSE_MS = 5 * MINUTE;

interface Outrun {
  /** From the start of the run. */
  readonly atMs: Millis;
  readonly fromRps: number;
  readonly toRps: number;
  /** Tasks that the load before calls for, and how many requests each of them has to keep waiting. */
  readonly tasks: number;
  readonly waiting: number;
}

/** The rise of the load that gets furthest ahead of the tasks, if nothing is there before it is called for. */
function outrunBy(service: ServiceFacts, load: LoadFacts): Outrun | undefined {
  const { leastTasks, mostTasks, target } = service;
  const shares = target?.config.policies.flatMap((policy) => {
    if (policy.PolicyType !== 'TargetTrackingScaling') return [];
    const { PredefinedMetricSpecification: followed, TargetValue } = policy.TargetTrackingScalingPolicyConfiguration;
    if (followed?.PredefinedMetricType === 'ALBRequestCountPerTarget')
      return [TargetValue / (load.taskRps * (MINUTE / SECOND))];
    return followed?.PredefinedMetricType.includes('CPU') === true ? [TargetValue / 100] : [];
  });
  const share = Math.min(1, ...(shares ?? []));
  const scheduled = target?.config.scheduledActions.map(({ ScalableTargetAction: bounds }) => bounds.MinCapacity ?? 0);
  const least = target === undefined ? mostTasks : Math.max(leastTasks, ...(scheduled ?? []));
  const ahead = Math.max(1, Math.round(RESPONSE_MS / load.lookMs));
  let worst: Outrun | undefined;
  for (const [look, fromRps] of load.rates.entries()) {
    const tasks = Math.min(mostTasks, Math.max(least, Math.ceil(fromRps / (load.taskRps * share))));
    if (tasks === 0) continue;
    let waiting = 0;
    for (const rps of load.rates.slice(look, look + ahead))
      waiting = Math.max(0, waiting + ((rps / tasks - load.taskRps) * load.lookMs) / SECOND);
    if (waiting <= (worst?.waiting ?? 0)) continue;
    const toRps = Math.max(...load.rates.slice(look, look + ahead));
    worst = { atMs: look * load.lookMs, fromRps, toRps, tasks, waiting };
  }
  return worst;
}

export const checksKillBusy: Lint = {
  title: 'health checks that take busy tasks for sick ones',
  source: `${TARGET_HEALTH}: a check that is not answered within its timeout has failed`,
  find: (facts) => {
    if (facts.scenario.assumptions.loadBalancing.healthChecksUnderOverload === 'unaffected') return [];
    return facts.services.flatMap((service): readonly Finding[] => {
      const { load, name, demand } = service;
      const outrun = load === undefined ? undefined : outrunBy(service, load);
      if (load === undefined || outrun === undefined) return [];
      const { atMs, fromRps, toRps, tasks, waiting } = outrun;
      const { perTaskConcurrency, maxQueuedPerTask } = load.request;
      const held = Math.min(waiting, perTaskConcurrency + maxQueuedPerTask);
      const waitMs = nextRequestMs(held, demand.cpuUnits, load.request);
      return service.targetGroups.flatMap((group): readonly Finding[] => {
        if (waitMs <= group.timeoutMs) return [];
        return [
          {
            severity: 'warning',
            path: ['targetGroups', group.index, 'HealthCheckTimeoutSeconds'],
            what: `at ${formatDate(facts.scenario.start + atMs)} UTC tasks of "${name}" that are only busy are stopped as unhealthy, and the others get their load`,
            why: `the load goes from ${formatAmount(fromRps)} to ${formatAmount(toRps)} requests a second faster than tasks can follow, and ${formatNoun(tasks, 'task')} answer ${formatAmount(tasks * load.taskRps)}: a check waits in line behind ${formatCount(held)} requests for ${formatLatency(waitMs)}, and its timeout is ${formatLatency(group.timeoutMs)}`,
            help: 'let a check wait longer than the queue can get, shorten the queue (maxQueuedPerTask), or answer checks apart from requests',
          },
        ];
      });
    });
  },
};

export const drainsTooShort: Lint = {
  title: 'a deregistration delay shorter than a request',
  source: 'AWS, ELB guide, "Deregistration delay": connections still open after it are closed',
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { load, name } = service;
      if (load === undefined) return [];
      return service.targetGroups.flatMap((group): readonly Finding[] => {
        if (group.drainsMs >= load.aloneMs) return [];
        return [
          {
            severity: 'warning',
            path: ['targetGroups', group.index],
            what: `each task of "${name}" that stops takes requests with it`,
            why: `a request takes ${formatLatency(load.aloneMs)} at an idle task, and the target drains for ${group.drainsMs === 0 ? 'no time at all' : formatLatency(group.drainsMs)}`,
            help: `let it drain for the longest request, ${formatLatency(load.config.request.timeoutMs)} by its timeout`,
          },
        ];
      });
    }),
};

export const drainsTooLong: Lint = {
  title: 'a deregistration delay far longer than any request',
  source: 'AWS, ELB guide, "Deregistration delay": 300 s by default; ECS stops a task when its targets have drained',
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { load, name } = service;
      if (load === undefined || !(isDeployed(facts, service) || service.target !== undefined)) return [];
      const { timeoutMs } = load.config.request;
      return service.targetGroups.flatMap((group): readonly Finding[] => {
        if (group.drainsMs < 300 * SECOND || group.drainsMs < 5 * timeoutMs) return [];
        return [
          {
            severity: 'note',
            path: ['targetGroups', group.index],
            what: `each task of "${name}" takes ${formatDuration(group.drainsMs)} to stop, in a rollout and when it scales in`,
            why: `no request outlives its timeout of ${formatLatency(timeoutMs)}, and its target drains for ${formatDuration(group.drainsMs)}`,
            help: `a deregistration delay of ${Math.ceil(timeoutMs / SECOND)} s loses nothing`,
          },
        ];
      });
    }),
};

/** ECS waits so long from SIGTERM to SIGKILL. */
const DEFAULT_STOP_TIMEOUT_S = 30;

export const killedAtStop: Lint = {
  title: 'a stop that is cut short',
  source: 'AWS, ECS API, ContainerDefinition.stopTimeout: SIGKILL after 30 s when it is left out',
  find: (facts) =>
    facts.services.flatMap(({ definition, definitionIndex, name }) =>
      definition.containerDefinitions.flatMap((container, place): readonly Finding[] => {
        const { stopTimeout = DEFAULT_STOP_TIMEOUT_S, behavior } = container;
        const stopsMs = behavior?.stopsIn ?? 0;
        if (stopsMs <= stopTimeout * SECOND) return [];
        return [
          {
            severity: 'warning',
            path: ['taskDefinitions', definitionIndex, 'containerDefinitions', place, 'stopTimeout'],
            what: `container "${container.name}" of "${name}" is killed in the middle of its work whenever its task stops`,
            why: `it needs ${formatDuration(stopsMs)} after SIGTERM, and SIGKILL comes after ${stopTimeout} s`,
            help: `set stopTimeout to ${Math.ceil(stopsMs / SECOND)} or more (Fargate takes 120 at most)`,
          },
        ];
      }),
    ),
};
