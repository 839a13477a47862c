/** How far a run is, on standard error. */

import { SingleBar } from 'cli-progress';

const QUIET_LINE_EVERY_MS = 5_000;

export interface Progress {
  readonly update: (share: number) => void;
  readonly end: () => void;
}

/** A bar on a terminal; else a line now and then, so that a log file stays readable. */
export function makeProgress(name: string): Progress {
  if (process.stderr.isTTY) {
    const bar = new SingleBar({ format: `${name} [{bar}] {percentage} %`, hideCursor: true, clearOnComplete: true });
    bar.start(1, 0);
    return { update: (share) => bar.update(share), end: () => bar.stop() };
  }
  let nextMs = Date.now() + QUIET_LINE_EVERY_MS;
  return {
    update(share) {
      if (Date.now() < nextMs) return;
      nextMs = Date.now() + QUIET_LINE_EVERY_MS;
      process.stderr.write(`${name}: ${Math.floor(share * 100)} %\n`);
    },
    end() {},
  };
}
