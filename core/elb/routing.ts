/** Where a load balancer sends the requests of a target group at one instant. */

import type { Immutable } from 'immer';
import type { Millis } from '../kernel/index.ts';
import type { TaskIds } from '../workload/index.ts';
import type { CheckResult, FailedCheck, TargetChecks } from './healthChecks.ts';
import { failsOpen, getsRequests, type TargetGroup, type TargetState } from './targetGroup.ts';

/** Targets that share requests evenly, or by their weights. Without cross-zone load balancing there is one pool a zone. */
export interface Pool {
  /** Empty when there is one for all zones. */
  readonly zone: string;
  /** Of all requests, the part that goes to `receiving`. */
  readonly share: number;
  readonly receiving: TaskIds;
  /** In the order of `receiving`, the highest is 1; undefined when all are alike. */
  readonly weights: readonly number[] | undefined;
  /** Targets that get no requests, and finish what they hold. */
  readonly holding: TaskIds;
}

export interface Routes {
  readonly pools: readonly Pool[];
  /** The part of the requests that is sent to targets whose application fails, by how it fails. */
  readonly failing: ReadonlyMap<FailedCheck, number>;
  /** Targets that get requests, failing ones included. */
  readonly targetCount: number;
  readonly healthyCount: number;
  readonly unhealthyCount: number;
}

/** A slow start begins at some request in a thousand. Choice: AWS does not say where the ramp begins. */
const LEAST_WEIGHT = 0.001;

interface DraftPool {
  readonly receiving: string[];
  readonly weights: number[];
  readonly holding: string[];
  readonly failing: { readonly how: FailedCheck; readonly weight: number }[];
}

/**
 * With cross-zone load balancing every target counts alike. Without it, every zone in which a target gets requests has an
 * equal part of them: clients resolve the load balancer's name to one of its zones, and zones without targets leave the DNS.
 */
export function routesOf(group: Immutable<TargetGroup>, nowMs: Millis): Routes {
  const { targets, checks, zones, settings, healthyCount, slowStarts } = group;
  if (settings.crossZone && slowStarts.size === 0 && group.failingCount === 0 && !failsOpen(group)) return plain(group);
  const byZone = new Map<string, DraftPool>();
  let targetCount = 0;
  let unhealthyCount = 0;
  for (const [targetId, state] of targets) {
    if (state === 'unused') continue;
    if (state === 'unhealthy') unhealthyCount++;
    const pool = poolOf(byZone, settings.crossZone ? '' : (zones.get(targetId) ?? ''));
    if (!getsRequests(group, state)) {
      // A process that has gone holds nothing any more.
      if (checks.get(targetId)?.application !== 'Target.FailedHealthChecks') pool.holding.push(targetId);
      continue;
    }
    targetCount++;
    const slow = slowStarts.get(targetId);
    const weight =
      slow === undefined || slow.untilMs <= nowMs
        ? 1
        : Math.max(LEAST_WEIGHT, (nowMs - slow.fromMs) / (slow.untilMs - slow.fromMs));
    const how = meets(checks.get(targetId) as Immutable<TargetChecks>, nowMs);
    if (how === 'Passes') {
      pool.receiving.push(targetId);
      pool.weights.push(weight);
      continue;
    }
    pool.failing.push({ how, weight });
    if (how !== 'Target.FailedHealthChecks') pool.holding.push(targetId);
  }
  const open = Array.from(byZone.values()).filter((pool) => pool.receiving.length + pool.failing.length > 0).length;
  const failing = new Map<FailedCheck, number>();
  const pools: Pool[] = [];
  for (const [zone, pool] of byZone) {
    const highest = Math.max(...pool.weights);
    let receivingWeight = 0;
    for (const weight of pool.weights) receivingWeight += weight;
    let all = receivingWeight;
    for (const { weight } of pool.failing) all += weight;
    for (const { how, weight } of pool.failing) failing.set(how, (failing.get(how) ?? 0) + weight / (all * open));
    const even = pool.weights.every((weight) => weight === highest);
    pools.push({
      zone,
      share: receivingWeight === 0 ? 0 : receivingWeight / (all * open),
      receiving: pool.receiving,
      weights: even ? undefined : pool.weights.map((weight) => weight / highest),
      holding: pool.holding,
    });
  }
  return { pools, failing, targetCount, healthyCount, unhealthyCount };
}

const NONE: ReadonlyMap<FailedCheck, number> = new Map();

/** What `plain` came to, and after how many changes of the group's targets. */
const known = new WeakMap<object, { readonly changes: number; readonly routes: Routes }>();

/** What is so in nearly every step: healthy targets that are all alike, and the same as in the step before. */
function plain(group: Immutable<TargetGroup>): Routes {
  const { targets, checks, drainedAtMs, healthyCount, unhealthyCount, changes } = group;
  const last = known.get(group);
  if (last?.changes === changes) return last.routes;
  const receiving = new TargetsOf(targets, isHealthy, healthyCount);
  const holding = new TargetsOf(targets, isHolding, checks.size - healthyCount + drainedAtMs.size);
  const pools = targets.size === 0 ? [] : [{ zone: '', share: 1, receiving, weights: undefined, holding }];
  const routes = { pools, failing: NONE, targetCount: healthyCount, healthyCount, unhealthyCount };
  known.set(group, { changes, routes });
  return routes;
}

/** Targets that have been counted. Most servings do not ask who they are. (Lists of 200 were a ninth of what a run allocates.) */
class TargetsOf implements TaskIds {
  readonly length: number;
  readonly #targets: Immutable<TargetGroup>['targets'];
  readonly #has: (state: TargetState) => boolean;

  constructor(targets: Immutable<TargetGroup>['targets'], has: (state: TargetState) => boolean, length: number) {
    this.length = length;
    this.#targets = targets;
    this.#has = has;
  }

  *[Symbol.iterator](): Iterator<string> {
    for (const [targetId, state] of this.#targets) if (this.#has(state)) yield targetId;
  }
}

function isHealthy(state: TargetState): boolean {
  return state === 'healthy';
}

function isHolding(state: TargetState): boolean {
  return state !== 'healthy' && state !== 'unused';
}

function poolOf(pools: Map<string, DraftPool>, zone: string): DraftPool {
  let pool = pools.get(zone);
  if (pool === undefined) pools.set(zone, (pool = { receiving: [], weights: [], holding: [], failing: [] }));
  return pool;
}

/** What requests to a target meet; overload is what they find out for themselves. */
function meets({ application, answersFromMs }: Immutable<TargetChecks>, nowMs: Millis): CheckResult {
  return answersFromMs > nowMs ? 'Target.FailedHealthChecks' : application;
}
