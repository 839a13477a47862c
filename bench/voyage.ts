/** The voyage that several benchmarks sail: services on Fargate, each with its day's tide of load and a CPU target. */

import {
  scenarioSchema,
  simulate,
  type EcsSimulation,
  type Event,
  type Recorded,
  type Scenario,
  type ScenarioInput,
} from '../core/index.ts';

export function fargateScenario(services: number, hours: number): Scenario {
  return scenarioSchema.parse(fargateInput(services, hours));
}

/** The same as it is written in a file. */
export function fargateInput(services: number, hours: number): ScenarioInput {
  const names = Array.from({ length: services }, (_, index) => `api-${index}`);
  return {
    name: `bench-${services}`,
    start: '2030-01-07T06:00:00Z',
    duration: `${hours}h`,
    cluster: { clusterName: 'bench', capacityProviders: ['FARGATE'] },
    taskDefinitions: [
      {
        family: 'api',
        networkMode: 'awsvpc',
        requiresCompatibilities: ['FARGATE'],
        cpu: 1024,
        memory: 2048,
        containerDefinitions: [{ name: 'app', image: 'api:1', portMappings: [{ containerPort: 80 }] }],
      },
    ],
    targetGroups: names.map((Name) => ({ Name, TargetType: 'ip' })),
    services: names.map((serviceName) => ({
      serviceName,
      taskDefinition: 'api',
      desiredCount: 2,
      launchType: 'FARGATE',
      loadBalancers: [{ targetGroup: serviceName, containerName: 'app', containerPort: 80 }],
    })),
    scalableTargets: names.map((service) => ({
      service,
      MinCapacity: 2,
      MaxCapacity: 20,
      policies: [
        {
          PolicyName: 'cpu',
          PolicyType: 'TargetTrackingScaling',
          TargetTrackingScalingPolicyConfiguration: {
            TargetValue: 50,
            PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
          },
        },
      ],
    })),
    load: names.map((service) => ({
      service,
      request: { cpuMs: 25, timeoutMs: 5000 },
      rate: [{ model: 'diurnal', base: 30, peak: 160, peakHour: 14 }],
    })),
  };
}

/** The whole voyage of a scenario. */
export function sail(scenario: Scenario, simulation: EcsSimulation = simulate(scenario)): EcsSimulation {
  simulation.runUntil(scenario.start + scenario.duration);
  return simulation;
}

/** Its events as they were decided: those that a log gives back were put together anew, and may be slower to copy. */
export function eventsOf(scenario: Scenario): readonly Recorded<Event>[] {
  const events: Recorded<Event>[] = [];
  const simulation = simulate(scenario);
  simulation.events.all.subscribe((recorded) => events.push(recorded));
  sail(scenario, simulation);
  return events;
}
