/**
 * Serving: a step of fluid against the requests it stands for, and requests one by one against two plain simulations of them:
 * Lindley's recursion where one is served at a time, and where all share the CPU, a walk over everyone at every event.
 */

import { keyedRng, type Draws } from '../core/kernel/index.ts';
import { requestProfile, servings, type Carried, type Served, type ServingStep } from '../core/workload/index.ts';
import { hashOf } from './hash.ts';
import type { Bench, Contender } from './suite.ts';

type Outcome = Pick<Served, 'served' | 'queued' | 'meanMs'> & { readonly carried?: Carried };
type Serve = (step: ServingStep) => Outcome;

const STEP_MS = 10_000;
const targets = Array.from({ length: 10 }, (_, index) => `task-${index}`);

/** Ten tasks of one vCPU, and 18 requests of 50 ms a second for each: they are busy 90 % of the time. Nobody gives up. */
export const serving: Bench = (smoke) => {
  const offered = smoke ? 200 : 1_800;
  const steps = Array.from({ length: smoke ? 2 : 16 }, (_, index) => index);
  const oneByOne = { cpuMs: 50, cpuVariation: 0, perTaskConcurrency: 1, timeoutMs: 600_000, maxQueuedPerTask: 10_000 };
  const sharing = { ...oneByOne, cpuVariation: 1, perTaskConcurrency: 64 };
  const requests = { requests: steps.length * offered };
  return [
    {
      name: 'serving, fluid',
      amounts: { steps: steps.length, ...requests },
      contenders: [
        stepping('fluid', servings.fluid.serve, steps, offered, sharing, 'carry on'),
        {
          ...stepping('requests, one by one', servings.requests.serve, steps, offered, sharing, 'carry on'),
          otherWork: true,
        },
      ],
    },
    {
      name: 'serving, requests one at a time',
      amounts: requests,
      contenders: [
        stepping('requests', servings.requests.serve, steps, offered, oneByOne),
        stepping("Lindley's recursion", lindley, steps, offered, oneByOne),
      ],
    },
    {
      name: 'serving, requests sharing',
      amounts: requests,
      contenders: [
        stepping('requests', servings.requests.serve, steps, offered, sharing),
        stepping('a walk over everyone', walk, steps, offered, sharing),
      ],
    },
  ];
};

function stepping(
  name: string,
  serve: Serve,
  steps: readonly number[],
  offered: number,
  profile: Parameters<typeof requestProfile.parse>[0],
  between: 'carry on' | 'start anew' = 'start anew',
): Contender {
  return {
    name,
    start() {
      const rng = keyedRng(1);
      const parsed = requestProfile.parse(profile);
      let results: readonly Outcome[] = [];
      return {
        run() {
          let carried: Carried = { queued: 0 };
          results = steps.map((index) => {
            const fromMs = index * STEP_MS;
            const toMs = fromMs + STEP_MS;
            const draws = rng.at('bench.serving', index);
            // Written out: an object that begins with a spread costs more here (5 us) than the step itself.
            const step: ServingStep = {
              fromMs,
              toMs,
              offered: offered + index,
              targets,
              drainingTargets: [],
              cpuUnits: 1024,
              profile: parsed,
              routing: 'round_robin',
              carried,
              draws,
            };
            const outcome = serve(step);
            if (between === 'carry on') carried = outcome.carried ?? carried;
            return outcome;
          });
        },
        hash: () => hashOf(...results.flatMap(({ served, queued, meanMs }) => [served, queued, meanMs])),
      };
    },
  };
}

/** The arrivals that `requests` draws: a step's gaps, scaled so that they fill it. */
function arrivalsUs({ offered }: ServingStep, draws: Draws): readonly number[] {
  let sum = 0;
  const sums = Array.from({ length: offered }, () => (sum += draws.exponential(1)));
  const scale = (STEP_MS * 1000) / (sum + draws.exponential(1));
  return sums.map((at) => Math.floor(at * scale));
}

function served(offered: number, latenciesUs: readonly number[]): Outcome {
  const count = latenciesUs.length;
  const meanUs = latenciesUs.reduce((sum, latencyUs) => sum + latencyUs, 0) / count;
  return { served: count, queued: offered - count, meanMs: Math.round(meanUs) / 1000 };
}

/** One at a time, first come first served: a request starts when it is there and the one before it is done. */
function lindley(step: ServingStep): Outcome {
  const freeUs = targets.map(() => 0);
  const latenciesUs: number[] = [];
  const workUs = step.profile.cpuMs * 1000;
  for (const [index, arrivedUs] of arrivalsUs(step, step.draws).entries()) {
    const task = index % targets.length;
    const doneUs = Math.max(arrivedUs, freeUs[task]!) + workUs;
    freeUs[task] = doneUs;
    if (doneUs <= STEP_MS * 1000) latenciesUs.push(doneUs - arrivedUs);
  }
  return served(step.offered, latenciesUs);
}

/** Up to 64 share a vCPU. At every arrival and departure the work left of each of them is written down anew. */
function walk(step: ServingStep): Outcome {
  const { draws, profile } = step;
  const latenciesUs: number[] = [];
  const tasks = targets.map(() => ({ nowUs: 0, held: [] as { readonly arrivedUs: number; leftUs: number }[] }));
  const advance = (task: (typeof tasks)[number], untilUs: number) => {
    while (task.held.length > 0) {
      const sharing = task.held.slice(0, profile.perTaskConcurrency);
      const least = sharing.reduce((a, b) => (b.leftUs < a.leftUs ? b : a));
      const doneUs = task.nowUs + least.leftUs * sharing.length;
      const workedUs = (Math.min(doneUs, untilUs) - task.nowUs) / sharing.length;
      for (const request of sharing) request.leftUs -= workedUs;
      task.nowUs += workedUs * sharing.length;
      if (doneUs > untilUs) return;
      latenciesUs.push(Math.round(doneUs - least.arrivedUs));
      task.held.splice(task.held.indexOf(least), 1);
    }
    task.nowUs = untilUs;
  };
  for (const [index, arrivedUs] of arrivalsUs(step, draws).entries()) {
    const task = tasks[index % tasks.length]!;
    advance(task, arrivedUs);
    task.nowUs = arrivedUs;
    const leftUs = Math.max(1, Math.round(profile.cpuMs * 1000 * draws.exponential(1)));
    task.held.push({ arrivedUs, leftUs });
  }
  for (const task of tasks) advance(task, STEP_MS * 1000);
  return served(step.offered, latenciesUs);
}
