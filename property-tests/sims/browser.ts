/** The browser of the machine, which is what reports are tried in: playwright-core downloads none. */

import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = PLACES.find((path) => existsSync(path));

/** Why reports cannot be tried here; undefined when they can. */
export const noBrowser = executablePath === undefined ? `there is no browser (${PLACES.join(', ')})` : undefined;

export async function launch(): Promise<Browser> {
  if (executablePath === undefined) throw new Error(noBrowser);
  return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
