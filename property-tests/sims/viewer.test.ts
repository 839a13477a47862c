/** The report in a real browser, opened from the disk: it shows, moves, explains and plays, without a network and without errors. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium, type Browser, type Page } from 'playwright-core';
import { DAY, HOUR, MINUTE, type Event } from '../../core/index.ts';
import { reportPage } from '../../sims/report/page/html.ts';
import { recordRun, type StoredRun } from '../../sims/report/page/recording.ts';
import { crowd, sailed, voyage } from './pages.ts';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = BROWSERS.find((path) => existsSync(path));
const skip = executablePath === undefined ? `there is no browser (${BROWSERS.join(', ')})` : false;

/** Run in the page: what it shows. */
const INSTANT = "document.querySelector('.instant').textContent";
const SHOWN = "document.querySelector('.plots-controls').textContent";
const LABELS = "[...document.querySelectorAll('canvas.cluster')].map((canvas) => canvas.getAttribute('aria-label'))";

/** Run in the page: moves the slider to a share of the run. */
function slide(share: number | string): string {
  return `(() => {
    const slider = document.querySelector('#slider');
    slider.value = String(Number(slider.max) * (${share}));
    slider.dispatchEvent(new Event('input', { bubbles: true }));
  })()`;
}

const PATIENCE_MS = 15_000;

/** Waits until something is so in the page; Playwright's own way to wait is what the page's policy forbids. */
async function until(page: Page, condition: string): Promise<void> {
  for (const endMs = Date.now() + PATIENCE_MS; Date.now() < endMs; await page.waitForTimeout(30))
    if ((await page.evaluate(condition)) === true) return;
  assert.fail(`never came: ${condition}`);
}

describe('the report in a browser', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
  let browser: Browser;
  before(async () => {
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] });
  });
  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  /** Opens a report of these runs; whatever the page complains of or asks for fails the test. */
  async function open(
    runs: readonly StoredRun[],
    look: (page: Page) => Promise<void>,
    options: { readonly width?: number; readonly colorScheme?: 'light' | 'dark' } = {},
  ): Promise<void> {
    const file = join(folder, 'report.html');
    writeFileSync(file, reportPage(runs.map((run, index) => recordRun(`runs/${index}`, run))));
    const viewport = { width: options.width ?? 1280, height: 800 };
    const page = await browser.newPage({ viewport, colorScheme: options.colorScheme ?? 'light' });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
    page.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(`request: ${request.url()}`);
    });
    await page.goto(`file://${file}`);
    await page.waitForSelector('.plot');
    await look(page);
    await page.close();
    assert.deepEqual(complaints, []);
  }

  const instant = (page: Page) => page.textContent('.instant');
  const slideTo = (page: Page, share: number) => page.evaluate(slide(share));
  const label = (page: Page, index = 0) => page.locator('canvas.cluster').nth(index).getAttribute('aria-label');

  /** Milliseconds from each of some inputs to the picture after it: the median and the slowest. */
  async function latencies(page: Page, input: string): Promise<readonly [median: number, slowest: number]> {
    const times: number[] = await page.evaluate(`(async () => {
      const measured = [];
      for (let step = 0; step < 30; step++) {
        const from = performance.now();
        ${input};
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
        measured.push(performance.now() - from);
      }
      return measured.sort((a, b) => a - b);
    })()`);
    return [times[15] as number, times[29] as number];
  }
  const SLIDE = slide('(step + 1) / 31');
  const WHEEL = (init: string) =>
    `document.querySelector('.u-over').dispatchEvent(new WheelEvent('wheel', { bubbles: true, cancelable: true, ${init} }))`;

  test('the slider moves the world, a click explains, keys step and play', async (context) => {
    await open([await sailed(crowd)], async (page) => {
      await slideTo(page, 0.01);
      await until(page, `${INSTANT}.includes('00:01:12')`);
      const early = await label(page);
      assert.match(early ?? '', /instances 3 ACTIVE; tasks 6 RUNNING/);
      await slideTo(page, 0.25);
      await until(page, `${LABELS}[0] !== ${JSON.stringify(early)}`);

      await page.keyboard.press('n');
      assert.match((await page.textContent('.chain')) ?? '', /because .*(alarm|ALARM|scheduled)/);
      const decided = await instant(page);
      await page.keyboard.press('n');
      assert.notEqual(await instant(page), decided);
      await page.keyboard.press('p');
      assert.equal(await instant(page), decided);
      await page.locator('.chain button.link').last().click();
      assert.ok(((await instant(page)) ?? '') <= (decided ?? ''), 'a cause comes before its effect');
      await page
        .locator('.events button')
        .filter({ hasText: /task-\d+/ })
        .first()
        .click();
      await page.locator('.chain button').filter({ hasText: 'the life of task-' }).click();
      assert.match((await page.textContent('.life')) ?? '', /PROVISIONING/);

      await page.locator('h1').click();
      const paused = await instant(page);
      await page.keyboard.press(' ');
      await until(page, `${INSTANT} !== ${JSON.stringify(paused)}`);
      await page.keyboard.press(' ');
      assert.equal(await page.getAttribute('#play', 'aria-pressed'), 'false');
      const stopped = await instant(page);
      await page.keyboard.press('ArrowRight');
      assert.equal(Date.parse(`${await instant(page)}Z`) - Date.parse(`${stopped}Z`), MINUTE);

      const [median, slowest] = await latencies(page, SLIDE);
      context.diagnostic(`two hours, slider: ${median.toFixed(0)} ms, slowest ${slowest.toFixed(0)} ms`);
    });
  });

  test('marks tell their cause, dragging zooms, and the theme follows the reader', async () => {
    await open(
      [await sailed(crowd)],
      async (page) => {
        assert.equal(await page.evaluate('document.documentElement.dataset.theme'), 'dark');
        const tasks = page.locator('[data-panel=tasks] .u-over');
        await tasks.scrollIntoViewIfNeeded();
        const box = (await tasks.boundingBox()) as { x: number; y: number; width: number; height: number };
        for (let x = 0; x < box.width && (await page.locator('.tip').count()) === 0; x += 4)
          await page.mouse.move(box.x + x, box.y + 20);
        assert.match((await page.textContent('.tip')) ?? '', /web \d+ -> \d+ tasks by policy cpu.*because/);
        await page.mouse.move(box.x + 100, box.y + 40);
        await page.mouse.down();
        await page.mouse.move(box.x + 200, box.y + 40, { steps: 5 });
        await page.mouse.up();
        await until(page, `!${SHOWN}.includes('2h shown')`);
        await page.locator('.plots-controls button').filter({ hasText: 'whole run' }).click();
        await until(page, `${SHOWN}.includes('2h shown')`);
        await page.click('#theme');
        assert.equal(await page.evaluate('document.documentElement.dataset.theme'), 'light');
        // A phone shows the same, and nothing sticks out.
        await page.setViewportSize({ width: 400, height: 800 });
        await page.waitForTimeout(200);
        assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
      },
      { colorScheme: 'dark' },
    );
  });

  test('two runs sail in lockstep, and the first event in which they differ is told', async () => {
    const other = voyage({
      duration: '2h',
      replace: [
        ['2030-01-08T12:00:00Z', '2030-01-07T00:20:00Z'],
        ['TargetValue: 60', 'TargetValue: 45'],
      ],
    });
    await open([await sailed(crowd), await sailed(other)], async (page) => {
      assert.equal(await page.locator('canvas.cluster').count(), 2);
      assert.match((await page.textContent('.difference')) ?? '', /differ.*A.*B/s);
      await slideTo(page, 0.3);
      await until(page, `${INSTANT}.includes('00:36:00')`);
      const early = [await label(page, 0), await label(page, 1)];
      assert.notEqual(early[0], early[1]);
      await slideTo(page, 0.9);
      await until(page, `${JSON.stringify(early)}.every((was, index) => ${LABELS}[index] !== was)`);
      assert.equal(await page.locator('[data-panel=tasks]').count(), 2);
    });
  });

  test('a thousand instances are shown, and the slider keeps moving', async (context) => {
    const many = voyage({
      duration: '5m',
      replace: [
        ['MinSize: 2', 'MinSize: 1000'],
        ['MaxSize: 20', 'MaxSize: 1200'],
        ['DesiredCapacity: 3', 'DesiredCapacity: 1000'],
        ['desiredCount: 6', 'desiredCount: 2000'],
        ['MinCapacity: 4', 'MinCapacity: 2000'],
        ['MinCapacity: 8', 'MinCapacity: 2000'],
        ['MaxCapacity: 40', 'MaxCapacity: 4000'],
      ],
    });
    await open([await sailed(many)], async (page) => {
      assert.match((await label(page)) ?? '', /instances 1000 ACTIVE; tasks 2000 RUNNING/);
      const [median, slowest] = await latencies(page, SLIDE);
      context.diagnostic(`1,000 instances, slider: ${median.toFixed(0)} ms, slowest ${slowest.toFixed(0)} ms`);
      assert.ok(median < 1_000);
    });
  });

  test('a year is zoomed and moved along', async (context) => {
    await open([yearOf(await sailed(crowd))], async (page) => {
      for (const [name, init] of [
        ['zoom', 'ctrlKey: true, deltaY: step < 15 ? -60 : 60, clientX: 300'],
        ['pan', 'deltaX: step < 15 ? 40 : -40'],
      ] as const) {
        const [median, slowest] = await latencies(page, WHEEL(init));
        context.diagnostic(`a year, ${name}: ${median.toFixed(0)} ms, slowest ${slowest.toFixed(0)} ms`);
        assert.ok(median < 1_000);
      }
    });
  });

  test('names that carry HTML, scripts and escapes are text', async () => {
    const hostile = '<img src=x onerror=alert(1)>"\'</script><script>alert(2)</script>\u001B[31m\u202Edlrow';
    const stored = await sailed(crowd);
    const renamed = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value).replaceAll(/"(web|us-east-1a|i-0+1|task-7)"/g, (_, name: string) =>
          JSON.stringify(`${name}${hostile}`),
        ),
      );
    const summary = stored.summary();
    await open(
      [
        {
          ...stored,
          summary: () => ({
            ...(renamed(summary) as NonNullable<typeof summary>),
            scenario: hostile,
            teaches: hostile,
          }),
          *events() {
            for (const recorded of stored.events()) yield { ...recorded, event: renamed(recorded.event) as Event };
          },
        },
      ],
      async (page) => {
        const text: string = await page.evaluate('document.body.innerText');
        assert.ok(text.includes('<img src=x onerror=alert(1)>'));
        assert.ok(text.includes('\\u001b[31m\\u202edlrow'));
        assert.ok(!text.includes('\u001B') && !text.includes('\u202E'));
        assert.equal(await page.locator('#app img, #app script').count(), 0);
        await page.keyboard.press('n');
        await page.keyboard.press(' ');
        await page.waitForTimeout(300);
      },
    );
  });
});

/** A run's frames over and over, by the ten minutes, for a year: as many points as a report of a year has. */
function yearOf(stored: StoredRun): StoredRun {
  const { scenario, ...rest } = stored.loaded();
  const step = 10 * MINUTE;
  const year = { ...scenario, step, duration: 365 * DAY };
  const summary = stored.summary() as NonNullable<ReturnType<StoredRun['summary']>>;
  const events = [...stored.events()];
  const frames = events.flatMap(({ event }) => (event.type === 'LoadServed' ? [event] : []));
  return {
    loaded: () => ({ ...rest, scenario: year }),
    summary: () => ({ ...summary, to: new Date(scenario.start + year.duration).toISOString() }),
    *events() {
      yield* events;
      let seq = events.length;
      for (let fromMs = scenario.start + 2 * HOUR; fromMs < scenario.start + year.duration; fromMs += step) {
        const frame = frames[seq % frames.length] as (typeof frames)[number];
        yield { seq: seq++, atMs: fromMs + step, causedBy: -1, event: { ...frame, fromMs, toMs: fromMs + step } };
      }
    },
  };
}
