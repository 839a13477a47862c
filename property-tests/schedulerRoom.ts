/** Small clusters on which the service scheduler is watched: what a test changes, it says. */

import { createInvariants } from '../core/invariants.ts';
import type { Recorded } from '../core/kernel/index.ts';
import { scenarioSchema, type Scenario, type ScenarioInput } from '../core/scenario.ts';
import { simulate, type EcsSimulation } from '../core/simulate.ts';
import type { Event } from '../core/world.ts';
import { endOf, quietScenario } from './arbitraries.ts';

type Part<Key extends keyof ScenarioInput> =
  NonNullable<ScenarioInput[Key]> extends readonly (infer Item)[] ? Item : never;
export type ServiceInput = Part<'services'>;
export type ChangeInput = Part<'changes'>;
export type FaultInput = Part<'faults'>;
export type ContainerInput = Part<'taskDefinitions'>['containerDefinitions'][number];

/** An instant of the run. */
export const at = (minute: number): string =>
  new Date(Date.UTC(2030, 0, 7, 0, 0, Math.round(minute * 60))).toISOString();

/** A task definition for Fargate; each one of a list is the next revision of `web`. */
export function onFargate(container: Partial<ContainerInput> = {}, others: readonly ContainerInput[] = []) {
  return {
    family: 'web',
    networkMode: 'awsvpc' as const,
    cpu: 256,
    memory: 512,
    containerDefinitions: [{ name: 'app', image: 'web', ...container }, ...others],
  };
}

/** For instances: one vCPU a task. */
export function onInstances(container: Partial<ContainerInput> = {}, others: readonly ContainerInput[] = []) {
  return {
    family: 'web',
    containerDefinitions: [{ name: 'app', image: 'web', cpu: 1024, memory: 256, ...container }, ...others],
  };
}

/** Two zones with as many c5.large as are asked for; each has room for two tasks of one vCPU. */
export function instances(count: number, zones: readonly string[] = ['a', 'b']): Partial<ScenarioInput> {
  return {
    cluster: { clusterName: 'demo' },
    autoScalingGroups: [
      {
        AutoScalingGroupName: 'group',
        AvailabilityZones: [...zones],
        MinSize: 0,
        MaxSize: 20,
        DesiredCapacity: count,
        instanceType: 'c5.large',
      },
    ],
  };
}

export function scenarioWith(
  service: Omit<Partial<ServiceInput>, 'serviceName'>,
  changes: Partial<ScenarioInput> = {},
): Scenario {
  return scenarioSchema.parse(
    quietScenario({
      taskDefinitions: [onFargate(), onFargate()],
      services: [
        {
          serviceName: 'web',
          taskDefinition: 'web:1',
          desiredCount: 2,
          ...(changes.autoScalingGroups === undefined ? { launchType: 'FARGATE' } : { launchType: 'EC2' }),
          ...service,
        },
      ],
      ...changes,
    }),
  );
}

/** The whole run, with the invariants on. */
export function sail(scenario: Scenario): EcsSimulation {
  const simulation = simulate(scenario, { check: createInvariants() });
  simulation.runUntil(endOf(scenario));
  return simulation;
}

export type Of<T extends Event['type']> = Recorded<Extract<Event, { type: T }>>;

/** The events of some types, in their order. */
export function heard<T extends Event['type']>({ log }: EcsSimulation, ...types: readonly T[]): Of<T>[] {
  return [...log].filter(({ event }) => (types as readonly string[]).includes(event.type)) as Of<T>[];
}

/** Minutes since the start of the run. */
export function minuteOf({ start }: Scenario, { atMs }: { readonly atMs: number }): number {
  return (atMs - start) / 60_000;
}
