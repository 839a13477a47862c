/** How far something is that takes a while, on standard error. */

import { SingleBar } from 'cli-progress';
import { SECOND } from '../../core/index.ts';
import { formatDuration, printable } from './format.ts';
import { printAside } from './print.ts';

export interface Progress {
  /** @param share  0 to 1 */
  readonly update: (share: number) => void;
  readonly end: () => void;
}

const QUIET_LINE_EVERY_MS = 5_000;
/** Before this much is done, the time left is a guess that is not told. */
const KNOWN_FROM = 0.02;

/** A bar on a terminal; else a line now and then, so that a log file stays readable. */
export function makeProgress(name: string): Progress {
  const beganMs = Date.now();
  const left = (share: number) => {
    if (share < KNOWN_FROM || share >= 1) return '';
    const leftMs = ((Date.now() - beganMs) * (1 - share)) / share;
    return `about ${formatDuration(Math.max(SECOND, leftMs))} left`;
  };
  if (process.stderr.isTTY) {
    const format = `${printable(name)} [{bar}] {percentage} %  {left}`;
    const bar = new SingleBar({ format, hideCursor: true, clearOnComplete: true });
    bar.start(1, 0, { left: '' });
    return { update: (share) => bar.update(share, { left: left(share) }), end: () => bar.stop() };
  }
  let nextMs = beganMs + QUIET_LINE_EVERY_MS;
  return {
    update(share) {
      if (Date.now() < nextMs) return;
      nextMs = Date.now() + QUIET_LINE_EVERY_MS;
      const rest = left(share);
      printAside(`${name}: ${Math.floor(share * 100)} %${rest === '' ? '' : `, ${rest}`}\n`);
    },
    end() {},
  };
}
