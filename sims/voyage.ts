/** One run for a person: it sails in hops, so that it can show progress and be stopped, and ends in a summary. */

import {
  churnProjection,
  costProjection,
  createInvariants,
  elasticityProjection,
  failuresProjection,
  fragmentationProjection,
  HOUR,
  jobsProjection,
  queueProjection,
  sailTo,
  scalingActivitiesProjection,
  scalingHistoryProjection,
  seriesProjection,
  serviceLevelProjection,
  simulate,
  SECOND,
  utilizationProjection,
  type EcsSimulation,
  type Event,
  type Millis,
  type Projection,
  type ScalingActivityDescription,
  type Scenario,
  type Segment,
  type World,
} from '../core/index.ts';
import type { LoadedScenario } from './input/scenarioFile.ts';
import { collectMoments } from './report/moments.ts';
import { packingOf } from './report/packing.ts';
import { scoresOf, type UnscoredSummary } from './report/scores.ts';
import type { RunSeries, RunSummary } from './report/summary.ts';
import type { Resumption } from './store/runDirectory.ts';

export interface VoyageOptions {
  readonly engineVersion: string;
  /** Hears of every event, segment by segment, oldest first; the last segment comes when the voyage ends. */
  readonly onSegment?: ((segment: Segment<Event>) => void) | undefined;
  /** Hears how far the run is, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined;
  /** Hears of the run after each hop. */
  readonly onHop?: ((simulation: EcsSimulation) => void) | undefined;
  /** Where an earlier run was interrupted. */
  readonly from?: Resumption | undefined;
  /** Whether the invariants are held against every event; a breach stops the run. */
  readonly check?: boolean | undefined;
  /** Asked after each hop whether to stop early. */
  readonly stopped?: (() => boolean) | undefined;
}

export interface VoyageResult {
  readonly summary: RunSummary;
  readonly series: RunSeries;
  /** Newest first, six weeks at the most. */
  readonly activities: readonly ScalingActivityDescription[];
}

/** Closed log segments kept in memory: enough to follow an event back to its causes. */
const KEPT_SEGMENTS = 2;
/** AWS's own, in seconds. */
const DEFAULT_COOLDOWN_S = 300;
/** Points of a series: more than a terminal has columns. */
const POINTS = 480;

/** Sails a scenario to its end, or until it is stopped. Between hops other work of the process has its turn. */
export async function sail(loaded: LoadedScenario, options: VoyageOptions): Promise<VoyageResult> {
  const { scenario, traces, jobs, branches = [] } = loaded;
  const endMs = scenario.start + scenario.duration;
  const simulation = simulate(scenario, {
    traces,
    jobs,
    withheld: branches.flatMap(({ withheld }) => withheld),
    keepSegments: KEPT_SEGMENTS,
    ...(options.check === true ? { check: createInvariants() } : {}),
    ...(options.onSegment === undefined ? {} : { onSegment: options.onSegment }),
  });
  const steps = Math.ceil(scenario.duration / scenario.step);
  const reports = attachReports(simulation, loaded, Math.min(POINTS, steps));
  if (options.from !== undefined) simulation.takeOver(options.from.events, options.from.checkpoint);
  const hopMs = Math.max(scenario.step, Math.min(HOUR, scenario.duration));
  while (simulation.nowMs < endMs && options.stopped?.() !== true) {
    // Hops end where they end in every run of the scenario, wherever this one has begun.
    const hop = Math.floor((simulation.nowMs - scenario.start) / hopMs) + 1;
    sailTo(simulation, Math.min(scenario.start + hop * hopMs, endMs), branches);
    options.onHop?.(simulation);
    options.onProgress?.((simulation.nowMs - scenario.start) / scenario.duration);
    await new Promise((resume) => setImmediate(resume));
  }
  const { open } = simulation.log;
  if (open !== undefined) options.onSegment?.(open);
  return reports(options.engineVersion);
}

/** Attaches the projections to a simulation; the function it returns tells what they saw. */
function attachReports(
  simulation: EcsSimulation,
  { scenario, prices, notes }: LoadedScenario,
  points: number,
): (engineVersion: string) => VoyageResult {
  const attach = <Report>(projection: Projection<Report>): Projection<Report> => {
    simulation.events.on(...projection.types).subscribe(projection.on);
    return projection;
  };
  const cost = attach(costProjection({ prices, bill: scenario.assumptions.bill }));
  const failures = attach(failuresProjection());
  const jobs = attach(jobsProjection());
  const activities = attach(scalingActivitiesProjection({ includeNotScaled: true }));
  const placement = attach(fragmentationProjection());
  const { clusterName } = scenario.cluster;
  const objectives = new Map(scenario.slo.map((objective) => [objective.service, objective]));
  const services = scenario.services.map(({ serviceName, loadBalancers }) => ({
    serviceName,
    serviceLevel: attach(serviceLevelProjection(serviceName, objectives.get(serviceName))),
    elasticity: attach(elasticityProjection(serviceName, objectives.get(serviceName))),
    churn: attach(
      churnProjection(serviceName, {
        clusterName,
        hasLoadBalancer: loadBalancers.length > 0,
        cooldownMs: longestCooldownMs(scenario, serviceName),
        startMs: scenario.start,
      }),
    ),
    utilization: attach(utilizationProjection(serviceName)),
    scaling: attach(scalingHistoryProjection(clusterName, serviceName, loadBalancers.length > 0)),
    queue: attach(queueProjection(serviceName)),
    series: attach(seriesProjection(serviceName, scenario.start, scenario.duration, points)),
  }));
  const { moments } = collectMoments(simulation, { from: scenario.start });

  return (version) => {
    const { nowMs } = simulation;
    const summary: UnscoredSummary = {
      engine: { name: 'seatrial', version },
      scenario: scenario.name,
      ...(scenario.teaches === undefined ? {} : { teaches: scenario.teaches }),
      seed: scenario.seed,
      digest: simulation.log.digest(),
      events: simulation.log.length,
      from: new Date(scenario.start).toISOString(),
      to: new Date(nowMs).toISOString(),
      complete: nowMs === scenario.start + scenario.duration,
      notes,
      services: services.map(({ serviceName, serviceLevel, utilization, scaling, churn, elasticity, queue }) => {
        const messages = queue.report(nowMs);
        const followed = elasticity.report(nowMs);
        return {
          serviceName,
          serviceLevel: serviceLevel.report(nowMs),
          utilization: utilization.report(nowMs),
          scaling: scaling.report(nowMs),
          churn: churn.report(nowMs),
          ...(followed === undefined ? {} : { elasticity: followed }),
          ...(messages === undefined ? {} : { queue: messages }),
        };
      }),
      jobs: jobs.report(nowMs),
      cost: cost.report(nowMs),
      placement: placement.report(nowMs),
      packing: packingOf(simulation.world as World),
      failures: failures.report(nowMs),
      moments: moments(),
    };
    return {
      summary: { ...summary, scores: scoresOf(summary) },
      series: new Map(services.map(({ serviceName, series }) => [serviceName, series.report(nowMs)])),
      activities: activities.report(nowMs),
    };
  };
}

/** The longest cooldown of a service's policies, by which a change of direction is a reversal; five minutes without any. */
function longestCooldownMs({ scalableTargets }: Scenario, serviceName: string): Millis {
  const policies = scalableTargets.find(({ service }) => service === serviceName)?.policies ?? [];
  const seconds = policies.flatMap((policy) => {
    if (policy.PolicyType === 'TargetTrackingScaling') {
      const { ScaleInCooldown, ScaleOutCooldown } = policy.TargetTrackingScalingPolicyConfiguration;
      return [ScaleInCooldown, ScaleOutCooldown];
    }
    return policy.PolicyType === 'StepScaling' ? [policy.StepScalingPolicyConfiguration.Cooldown] : [];
  });
  return (seconds.length === 0 ? DEFAULT_COOLDOWN_S : Math.max(...seconds)) * SECOND;
}
