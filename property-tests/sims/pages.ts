/** Runs that pages are made of in tests. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { priceList, type Event, type Recorded, type Scenario } from '../../core/index.ts';
import { loadScenario, type LoadedScenario } from '../../sims/input/scenarioFile.ts';
import type { StoredRun } from '../../sims/report/page/recording.ts';
import { sail } from '../../sims/voyage.ts';

const flashCrowd = fileURLToPath(new URL('../../sims/scenarios/flash-crowd.yaml', import.meta.url));

/** The default voyage with some lines replaced. */
export function voyage({
  duration,
  replace = [],
}: {
  readonly duration: string;
  readonly replace?: readonly (readonly [string, string])[];
}): LoadedScenario {
  let text = readFileSync(flashCrowd, 'utf8').replace('duration: 3d', `duration: ${duration}`);
  for (const [from, to] of replace) text = text.replaceAll(from, to);
  const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
  const file = join(folder, 'voyage.yaml');
  writeFileSync(file, text);
  const loaded = loadScenario(file, {});
  rmSync(folder, { recursive: true });
  return loaded;
}

/** Two hours, in which a crowd comes after twenty minutes: alarms, decisions, new instances, failures. */
export const crowd = voyage({ duration: '2h', replace: [['2030-01-08T12:00:00Z', '2030-01-07T00:20:00Z']] });

/** Sails, and holds what a run directory would. */
export async function sailed(from: Scenario | LoadedScenario): Promise<StoredRun> {
  const loaded: LoadedScenario =
    'scenario' in from
      ? from
      : { scenario: from, traces: new Map(), jobs: new Map(), traceFiles: [], prices: priceList.parse({}), notes: [] };
  const events: Recorded<Event>[] = [];
  const { summary } = await sail(loaded, {
    engineVersion: '0.0.0',
    onSegment: (segment) => {
      for (const recorded of segment) events.push(recorded);
    },
  });
  return {
    loaded: () => loaded,
    summary: () => summary,
    *events() {
      yield* events;
    },
  };
}
