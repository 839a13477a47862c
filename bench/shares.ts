/** Where the time of a run goes, by V8's own profiler: the parts of files, by what their path holds. */

import { Session, type Profiler } from 'node:inspector';

/** How often the profiler looks. */
const SAMPLE_US = 500;

/**
 * Runs something once under the profiler. @returns of each name the share of samples, 0 to 1, in functions of files whose path
 * holds one of its parts; a function that the engine has built into its caller counts as its caller.
 */
export function sharesOf<Name extends string>(
  run: () => void,
  parts: Readonly<Record<Name, readonly string[]>>,
): Readonly<Record<Name, number>> {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  session.post('Profiler.start');
  run();
  let profile: Profiler.Profile | undefined;
  session.post('Profiler.stop', (_error, stopped) => {
    ({ profile } = stopped);
  });
  session.disconnect();
  const shares = Object.fromEntries(Object.keys(parts).map((name) => [name, 0])) as Record<Name, number>;
  const nodes = profile?.nodes ?? [];
  const all = nodes.reduce((sum, { hitCount = 0 }) => sum + hitCount, 0);
  for (const { callFrame, hitCount = 0 } of nodes)
    for (const [name, paths] of Object.entries<readonly string[]>(parts))
      if (paths.some((path) => callFrame.url.includes(path))) shares[name as Name] += hitCount / Math.max(1, all);
  return shares;
}
