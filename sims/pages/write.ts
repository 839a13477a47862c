/** Writes every page and file of this project that is made from its code: `npm run docs`. */

import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { assumptionsPage, scenarioJsonSchema, scenarioShape, scoresPage } from '../commands/schema.ts';
import { commandsPage } from './commands.ts';
import { eventsPage } from './events.ts';
import { nightlyJobs } from './nightlyJobs.ts';
import { scenarioPage } from './scenario.ts';

/** By their place below sims. */
export function generatedFiles(program: Command): Readonly<Record<string, string>> {
  return {
    'docs/COMMANDS.md': commandsPage(program),
    'docs/EVENTS.md': eventsPage(),
    'docs/SCENARIO.md': scenarioPage(scenarioShape()),
    'input/ASSUMPTIONS.md': assumptionsPage(),
    'input/scenario.schema.json': scenarioJsonSchema(),
    'scenarios/nightly-jobs.csv': nightlyJobs(),
    'report/SCORES.md': scoresPage(),
  };
}

export function writeGeneratedFiles(program: Command): void {
  for (const [place, text] of Object.entries(generatedFiles(program)))
    writeFileSync(new URL(`../${place}`, import.meta.url), text);
}
