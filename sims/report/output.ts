/** Where a report goes, and what it may look like there. */

/** Columns of a report that goes to a file or another program. */
const PIPED_WIDTH = 100;
/** Columns of a terminal that does not say how many it has. */
const USUAL_WIDTH = 80;

export interface Output {
  readonly width: number;
  readonly color: boolean;
}

/** @source no-color.org: colours are off when NO_COLOR is set and not empty */
export function outputOf(stream: { readonly isTTY?: boolean; readonly columns?: number }): Output {
  if (stream.isTTY !== true) return { width: PIPED_WIDTH, color: false };
  return { width: stream.columns ?? USUAL_WIDTH, color: (process.env['NO_COLOR'] ?? '') === '' };
}

/**
 * How this command was called, for the commands that a text suggests.
 *
 * @param where  into a file npm writes two lines of its own first, unless it is told to be silent
 */
export function commandName(where: 'terminal' | 'file' = 'terminal'): string {
  const by = process.env['npm_lifecycle_event'];
  if (by === 'sim') return where === 'file' ? 'npm run -s sim --' : 'npm run sim --';
  return by === 'npx' ? 'npx seatrial' : 'seatrial';
}
