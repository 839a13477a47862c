/** `npm run picture`: the picture in README, of the report of the default voyage as the chromium of the machine shows it. */

import { statSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportPage } from '../../sims/report/page/html.ts';
import { recordRun } from '../../sims/report/page/recording.ts';
import { launch } from './browser.ts';
import { sailed, voyage } from './pages.ts';

const WIDTH = 1_280;
const MARGIN = 8;
const picture = fileURLToPath(new URL('../../sims/docs/report.png', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
const file = join(folder, 'report.html');
writeFileSync(file, reportPage([recordRun('flash-crowd', await sailed(voyage({ duration: '3d' })))]));
const browser = await launch();
const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 }, colorScheme: 'light' });
await page.goto(`file://${file}`);
await page.waitForSelector('.plot');
// All of it is in view, so that every plot is drawn; shown is the viewer and the first row of plots.
const height = Number(await page.evaluate('document.documentElement.scrollHeight'));
await page.setViewportSize({ width: WIDTH, height });
await page.waitForTimeout(1_000);
const edge = async (selector: string) => await page.locator(selector).boundingBox();
const [from, to] = [await edge('#viewer'), await edge('[data-panel=traffic]')];
if (from === null || to === null) throw new Error('the report has no viewer or no plot of its traffic');
await page.screenshot({
  path: picture,
  clip: { x: 0, y: from.y - MARGIN, width: WIDTH, height: to.y + to.height - from.y + 2 * MARGIN },
});
await browser.close();
rmSync(folder, { recursive: true });
process.stdout.write(`${picture}: ${Math.ceil(statSync(picture).size / 1_024)} KiB\n`);
