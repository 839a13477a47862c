/** `seatrial schema`: what a scenario may say, for editors as a JSON Schema; its assumptions, and what runs are judged by, for people. */

import { z } from 'zod';
import { scenarioSchema } from '../../core/index.ts';
import { defaultOf, table, valuesOf, type JsonSchema } from '../pages/jsonSchema.ts';
import { scoreDefinitions, scoreNames } from '../report/scores.ts';

export function scenarioJsonSchema(): string {
  return `${JSON.stringify({ title: 'Seatrial scenario', ...scenarioShape() }, undefined, 2)}\n`;
}

export function scenarioShape(): JsonSchema {
  return z.toJSONSchema(scenarioSchema, { target: 'draft-7', io: 'input' }) as JsonSchema;
}

const INTRODUCTION = `# Assumptions

Where AWS documents nothing, or promises nothing, a scenario may say what is assumed, under \`assumptions:\`. Each key has the
default that fits best what is documented or has been observed; the number behind it is the chapter of the rule it is about.
This page is written by \`npm run docs\`.
`;

/** Every key under `assumptions`, with what it may be, its default, and what it changes. */
export function assumptionsPage(): string {
  const { assumptions } = scenarioShape().properties ?? {};
  const rows = leaves(assumptions ?? {}, []).map(([path, { description = '', ...leaf }]) => {
    return [`\`${path.join('.')}\``, valuesOf(leaf), defaultOf(leaf), description];
  });
  return `${INTRODUCTION}\n${table(['key', 'values', 'default', 'what it changes'], rows)}\n`;
}

const SCORES_INTRODUCTION = `# Scores

What a run is judged by: in the summary of \`run\`, in the tables of \`compare\`, and by name in \`--fail-if\` and \`--json\`. A name
alone is of the whole run: the sum over its services, the worst of them, or as the formula says. \`web.p99Ms\` is of one service.
This page is written by \`npm run docs\`.

**d** is the demand of a minute: the smallest number of tasks that meets the service's \`slo\` at its load, by the model's own
theory of serving, for a load that stays and tasks that have the CPU they reserve. Without an \`slo\` it is 99.9 % answered in
time; where a single request takes longer than \`latencyP99Ms\`, only the availability counts; workers of a queue are enough when
they get done what is sent. **s** is the supply: tasks that get requests. **T** is the time measured, **R** the highest demand.
**(x)+** is x where it is above 0. In step responses, **s0** is the supply when demand rose, and **S** and **D** are supply and
demand in the last quarter of the response. Formulas of others are cited; "ours" are plain counts and sums.

Reference policies stand beside every other one (\`compare --references\`). *Do nothing* keeps the desired counts of the start. *The
best fixed size* keeps the number of tasks that is the best for the load that will come, with time that has too few tasks taken to
cost ten times the mean demand; the score \`fixedRegretTaskHours\` is reckoned the same way, without sailing it. *The oracle* knows the load ahead, not faults or deployments, and has the smallest number of tasks in time for the busiest step of
each minute; on instances its capacity providers still have their delays. A policy's place between them is 100 x (nothing - policy)
/ (nothing - oracle) %, in cost and what the minutes that missed the objective are taken to cost: \`--slo-minute-usd\`, or ten times
what the oracle pays for a minute. Its *regret* is the same sum less that of the best fixed size. Its competitive ratio is its bill divided by the oracle's. *Elastic speedup* of a policy over
another is the geometric mean of the ratios of theta_U, theta_O, t_U and t_O, each at least 0.01 % (Bauer et al., Chameleon, 2018).
*Points* are those of the pairwise competition of Ilyushkin et al. (2017): one for each score that is better than another
policy's, a half for a tie.

**How sure the formulas are.** Read in code of the authors or their groups, and the same here: a_U and a_O, t_U and t_O, k and k'
(N. Herbst's BUNGEE; joygraph and opendc-autoscaling-prototype of AtLarge), j with every task of a change counted (BUNGEE), the
points of the competition (joygraph). Where these differ: R is the whole cluster in AtLarge's code, the highest demand here, which
is the same for every policy; the normalised a_O is divided by demand in joygraph, by supply in the prototype, and both are scores
here; the prototype takes the signs of levels for k, the others those of changes, as here; m_U counts idle machines in the prototype,
the idle part of each task here. Recalled, for the text of the papers could not be had: theta_U and theta_O under these names,
upsilon, sigma and elastic speedup (Chameleon), the slack and the relative OOMs of Autopilot, the penalty of Islam et al.
`;

/** Every score, with its meaning, formula and source. */
export function scoresPage(): string {
  const rows = scoreNames.map((name) => {
    const { title, unit, better, meaning, formula, source, ofRun } = scoreDefinitions[name];
    const run = typeof ofRun === 'string' ? `, ${ofRun} of services` : '';
    return [`\`${name}\``, title, `${unit}${run}`, better === 'neither' ? '' : better, meaning, formula, source];
  });
  const head = ['name', 'in tables', 'unit', 'better', 'meaning', 'formula', 'source'];
  return `${SCORES_INTRODUCTION}\n${table(head, rows)}\n`;
}

/** What has no description of its own is described by what it is in. */
function leaves(schema: JsonSchema, path: readonly string[]): (readonly [readonly string[], JsonSchema])[] {
  const { properties, description = '' } = schema;
  if (properties === undefined) return [[path, schema]];
  return Object.entries(properties).flatMap(([key, value]) => leaves({ description, ...value }, [...path, key]));
}
