/**
 * Policies that every other one is measured by, as scenarios of their own, which sail through the same engine.
 *
 * Do nothing: no service is scaled; each keeps its desired count from the start.
 * The best fixed size: nothing is scaled either, but each service has the number of tasks that is the best for the load that will
 * come, as core/projections/fixedSize.ts reckons it.
 * The oracle: it knows the load that will come, and has the smallest number of tasks that meets the objective there in time.
 * It is bound by neither MinCapacity nor MaxCapacity, for they belong to the policy it is compared with. A task is started as
 * long before it is needed as a start takes, and stopped when it is not needed within that time. Its demand is that of the
 * busiest step of a minute, for the tasks of the start: it does not foresee what a deployment or a fault makes of them. On
 * instances it asks for tasks only: the scenario's capacity providers bring the instances, with their own delays, so that it
 * is not the cheapest that could be.
 * Its demand is also that of the best fixed size. In all, Auto Scaling groups and what people and pipelines change stay as they are, but for desired counts and scaling.
 */

import {
  Demand,
  DemandTimes,
  MINUTE,
  taskDemand,
  type Millis,
  type Scenario,
  type TraceSeries,
} from '../../core/index.ts';
import { SERVING_ROUTING } from '../../core/ecs/index.ts';
import type { LoadedScenario } from '../input/scenarioFile.ts';
import { loadAhead } from './loadAhead.ts';

export const REFERENCES = ['do nothing', 'best fixed size', 'oracle'] as const;
export type Reference = (typeof REFERENCES)[number];

/** How long before it is needed the oracle asks for a task: what starts usually take, and a little more. */
const LEAD_MS = { fargate: 3 * MINUTE, instances: 10 * MINUTE };

type Change = Scenario['changes'][number];
const SCALING = [
  'RegisterScalableTarget',
  'SuspendScaling',
  'DeregisterScalableTarget',
  'PutScalingPolicy',
  'DeleteScalingPolicy',
  'PutScheduledAction',
  'DeleteScheduledAction',
] as const satisfies readonly (keyof Change)[];

export function referenceOf(loaded: LoadedScenario, reference: Reference): LoadedScenario {
  const scenario = unscaled(loaded.scenario, reference);
  return {
    ...loaded,
    scenario: reference === 'do nothing' ? scenario : withForesight(scenario, loaded.traces, reference),
  };
}

/** Nothing that Application Auto Scaling knows of is left, nor what refers to it. */
function unscaled(scenario: Scenario, name: string): Scenario {
  const silent = { AlarmActions: [], OKActions: [], InsufficientDataActions: [] };
  const { teaches: _ofAnother, ...rest } = scenario;
  return {
    ...rest,
    name,
    scalableTargets: [],
    alarms: scenario.alarms.map((alarm) => ({ ...alarm, ...silent })),
    compositeAlarms: scenario.compositeAlarms.map((alarm) => ({ ...alarm, ...silent })),
    changes: scenario.changes.flatMap((change): Change[] => {
      if (SCALING.some((kind) => change[kind] !== undefined)) return [];
      const { PutMetricAlarm: put, DeleteService: deleted } = change;
      if (put !== undefined) return [{ ...change, PutMetricAlarm: { ...put, ...silent } }];
      // What was scaled may be deleted at any count.
      if (deleted !== undefined) return [{ ...change, DeleteService: { ...deleted, force: true } }];
      return [change];
    }),
  };
}

/** Desired counts by the load ahead, from the start of the run on. */
function withForesight(
  scenario: Scenario,
  traces: ReadonlyMap<string, TraceSeries>,
  reference: Exclude<Reference, 'do nothing'>,
): Scenario {
  const ahead = loadAhead(scenario, traces);
  const { start, duration } = scenario;
  const changes = scenario.changes.map((change): Change => {
    const update = change.UpdateService;
    if (update === undefined || !ahead.has(update.service)) return change;
    const { desiredCount: _theirs, ...others } = update;
    return { ...change, UpdateService: others };
  });
  const services = scenario.services.map((service) => {
    const { serviceName } = service;
    const load = ahead.get(serviceName);
    const task = taskOf(scenario, serviceName);
    if (load === undefined || task === undefined || service.schedulingStrategy === 'DAEMON') return service;
    const objective = scenario.slo.find((slo) => slo.service === serviceName);
    const demand = new Demand(load.config, task, objective);
    const needed = load.peakRps.map((rateRps) => Math.max(1, demand.tasksFor(rateRps)));
    const leadMinutes = Math.ceil((leadMs(scenario, serviceName) + load.config.startup) / MINUTE);
    const wanted = reference === 'oracle' ? highestAhead(needed, leadMinutes) : bestFixed(needed);
    const goneMs = scenario.changes.find(({ DeleteService }) => DeleteService?.service === serviceName)?.at ?? Infinity;
    for (const [minute, count] of wanted.entries()) {
      const at = start + minute * MINUTE;
      if (minute > 0 && count !== wanted[minute - 1] && at < Math.min(goneMs, start + duration))
        changes.push({ at, UpdateService: { service: serviceName, desiredCount: count } });
    }
    return { ...service, desiredCount: wanted[0] ?? service.desiredCount };
  });
  return { ...scenario, services, changes };
}

/** The same for each minute. */
function bestFixed(needed: readonly number[]): readonly number[] {
  const times = new DemandTimes();
  for (const tasks of needed) times.take(tasks, MINUTE);
  const tasks = times.best()?.tasks;
  return tasks === undefined ? [] : needed.map(() => tasks);
}

/** Of each minute, the highest of it and of the `minutes` after it. */
function highestAhead(values: readonly number[], minutes: number): readonly number[] {
  return values.map((value, index) =>
    values.slice(index + 1, index + 1 + minutes).reduce((a, b) => Math.max(a, b), value),
  );
}

function taskOf(scenario: Scenario, serviceName: string): ConstructorParameters<typeof Demand>[1] | undefined {
  const service = scenario.services.find((candidate) => candidate.serviceName === serviceName);
  const load = scenario.load.find((candidate) => candidate.service === serviceName);
  const [family, revision] = service?.taskDefinition.split(':') ?? [];
  const revisions = scenario.taskDefinitions.filter((candidate) => candidate.family === family);
  const definition = revision === undefined ? revisions.at(-1) : revisions[Number(revision) - 1];
  if (service === undefined || load === undefined || definition === undefined) return undefined;
  const group = scenario.targetGroups.find(({ Name }) => Name === service.loadBalancers[0]?.targetGroup);
  const algorithm = group?.Attributes.find(({ Key }) => Key === 'load_balancing.algorithm.type')?.Value;
  return {
    cpuUnits: taskDemand(definition).cpuUnits,
    workFactor: definition.application?.workFactor ?? 1,
    routing: SERVING_ROUTING[(algorithm as keyof typeof SERVING_ROUTING | undefined) ?? load.routing],
  };
}

function leadMs(scenario: Scenario, serviceName: string): Millis {
  const service = scenario.services.find((candidate) => candidate.serviceName === serviceName);
  const strategy = service?.capacityProviderStrategy ?? scenario.cluster.defaultCapacityProviderStrategy;
  const onFargate =
    service?.launchType === 'FARGATE' ||
    (service?.launchType === undefined &&
      strategy.some(({ capacityProvider }) => capacityProvider.startsWith('FARGATE')));
  return onFargate ? LEAD_MS.fargate : LEAD_MS.instances;
}
