/** The assumptions of a scenario as the rooms keep them in the world; and how another future goes on under others. */

import { scalingSettings } from './autoscaling/index.ts';
import { cloudWatchSettings } from './cloudwatch/index.ts';
import { event, json, Phase, type Decide, type EventsOf, type Evolve, type Phases } from './kernel/index.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

type Assumptions = Scenario['assumptions'];
type Settings = ReturnType<typeof assumedSettings>;

export const assumptionEvents = {
  AssumptionsChanged: event('From here on the run goes on under other assumptions.', {
    settings: json<Settings>('what each room goes by now'),
  }),
} as const;
export type AssumptionEvent = EventsOf<typeof assumptionEvents>;

export type AssumptionCommand = { readonly type: 'ChangeAssumptions'; readonly assumptions: Assumptions };

/** What each room goes by. How a run starts and what is billed is no part of it; a branch keeps `placement` as it is. */
export function assumedSettings(assumptions: Assumptions) {
  const { profile, metricDelay, alarms, scaling, capacity, timings, loadBalancing } = assumptions;
  return {
    cloudwatch: cloudWatchSettings(profile, metricDelay, alarms),
    autoscaling: scalingSettings(scaling),
    ec2: { timings, assumptions: capacity },
    elb: loadBalancing,
    ecs: {
      metrics: assumptions.metrics,
      placement: assumptions.placement,
      assumptions: { services: assumptions.services, tasks: assumptions.tasks },
      timings,
      capacity,
    },
  };
}

export const decideAssumptions: Decide<World, AssumptionCommand, AssumptionEvent> = {
  ChangeAssumptions: ({ assumptions }) => [
    // An event's JSON has no place for `undefined`.
    { type: 'AssumptionsChanged', settings: JSON.parse(JSON.stringify(assumedSettings(assumptions))) as Settings },
  ],
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export const evolveAssumptions: Evolve<World, AssumptionEvent> = {
  AssumptionsChanged(world, { settings }) {
    (world.cloudwatch as Writable<World['cloudwatch']>).settings = settings.cloudwatch;
    (world.autoscaling as Writable<World['autoscaling']>).settings = settings.autoscaling;
    (world.elb as Writable<World['elb']>).assumptions = settings.elb;
    Object.assign(world.ec2, settings.ec2);
    Object.assign(world.ecs, settings.ecs);
  },
};

export const assumptionPhases: Phases<AssumptionCommand> = { ChangeAssumptions: Phase.Execute };
