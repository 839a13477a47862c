/** The report in a real browser, opened from the disk: it shows, moves, explains and plays, without a network and without errors. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { DAY, HOUR, MINUTE, type Event } from '../../core/index.ts';
import { comparisonReport, type ComparedInput } from '../../sims/compare/comparisonReport.ts';
import type { Parting, RunResult } from '../../sims/compare/jobs.ts';
import { sheets } from '../../sims/compare/told.ts';
import type { PageComparison } from '../../sims/report/page/data.ts';
import { reportPage } from '../../sims/report/page/html.ts';
import { recordRun, type StoredRun } from '../../sims/report/page/recording.ts';
import { drawSheet } from '../../sims/report/sheet.ts';
import { toText } from '../../sims/report/terminal.ts';
import { launch, noBrowser } from './browser.ts';
import { crowd, sailed, voyage } from './pages.ts';

const skip = noBrowser ?? false;

/** Run in the page: what it shows. */
const INSTANT = "document.querySelector('.instant').textContent";
const SHOWN = "document.querySelector('.plots-controls').textContent";
const LABELS = "[...document.querySelectorAll('canvas.cluster')].map((canvas) => canvas.getAttribute('aria-label'))";

const OPEN_ALL = "for (const details of document.querySelectorAll('details')) details.open = true";

/** Headings that are more than one level below the one before. */
const SKIPPED_LEVELS = `[...document.querySelectorAll('h1, h2, h3, h4')].filter((heading, index, all) =>
  index > 0 && Number(heading.tagName[1]) > Number(all[index - 1].tagName[1]) + 1).map((heading) => heading.textContent)`;

/** Whether what has the focus comes after what had it before, and has an outline. */
const FOCUS = `(() => {
  const { activeElement: now } = document;
  const before = window.focusBefore;
  window.focusBefore = now;
  if (before !== undefined && !(before.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_FOLLOWING)) return 'out of order: ' + now.outerHTML.slice(0, 80);
  const { outlineStyle, outlineWidth } = getComputedStyle(now);
  return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 ? 'shown, in order' : 'without an outline: ' + now.outerHTML.slice(0, 80);
})()`;

/** Texts whose contrast is below what WCAG 2.2 asks for (1.4.3): 4.5, or 3 for what is large. */
const FAINT = `(() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      const [, , , alpha = 1] = channels(backgroundColor);
      if (alpha === 1) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.checkVisibility() && !element.matches('.hidden, .hidden *, option, script, style'))
    .filter(({ childNodes }) => [...childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== ''))
    .map((element) => {
      const { color, fontSize, fontWeight } = getComputedStyle(element);
      const [one, other] = [luminance(color), luminance(behind(element))];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      const isLarge = parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && Number(fontWeight) >= 600);
      return ratio < (isLarge ? 3 : 4.5) ? ratio.toFixed(2) + ' ' + element.className + ' ' + element.textContent.slice(0, 30) : undefined;
    })
    .filter((found) => found !== undefined);
})()`;

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/;

/** The crowd under a policy that is quicker to add tasks. */
const stricter = voyage({
  duration: '2h',
  replace: [
    ['2030-01-08T12:00:00Z', '2030-01-07T00:20:00Z'],
    ['TargetValue: 60', 'TargetValue: 45'],
  ],
});

let known: Promise<PageComparison> | undefined;

/** What a comparison of the two comes to, by one seed, with a reference that is the first one again. */
function compared(): Promise<PageComparison> {
  known ??= compare();
  return known;
}

async function compare(): Promise<PageComparison> {
  const runs = await Promise.all([crowd, stricter, crowd].map(sailed));
  const results = runs.map((run): RunResult => {
    const { digest, events, complete, scores } = run.summary() as NonNullable<ReturnType<StoredRun['summary']>>;
    return { kind: 'run', digest, events, complete, scores };
  });
  const parting: Parting = {
    kind: 'part',
    atMs: crowd.scenario.start + 25 * MINUTE,
    what: [undefined, 'web 6 -> 9 tasks by policy cpu'],
  };
  const [first, second, reference] = results.map((result) => ({ results: [result] }));
  const { scenarios, ...report } = comparisonReport(
    [
      { name: '60', ...first } as ComparedInput,
      { name: '45', ...second, parting } as ComparedInput,
      { name: 'oracle', reference: 'oracle', ...reference } as ComparedInput,
    ],
    { seeds: [1], durationMs: crowd.scenario.duration, engineVersion: '0.0.0' },
  );
  return { ...report, scenarios: scenarios.map(({ runs: _ofEach, ...scenario }) => scenario) };
}

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
    browser = await launch();
  });
  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  /** Opens a report of these runs; whatever the page complains of or asks for fails the test. */
  async function open(
    runs: readonly StoredRun[],
    look: (page: Page) => Promise<void>,
    options: {
      readonly width?: number;
      readonly colorScheme?: 'light' | 'dark';
      readonly comparison?: PageComparison;
    } = {},
  ): Promise<void> {
    const file = join(folder, 'report.html');
    const recordings = runs.map((run, index) => recordRun(`runs/${index}`, run));
    writeFileSync(file, reportPage(recordings, options.comparison));
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
    await page.waitForSelector(runs.length === 0 ? 'main' : '.plot');
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
      // The picture follows with the next frame.
      await until(page, `${LABELS}[0].includes('instances 3 ACTIVE; tasks 6 RUNNING')`);
      const early = await label(page);
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
    await open([await sailed(crowd), await sailed(stricter)], async (page) => {
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

  test('who hears the page and who uses keys only gets all of it: landmarks, headings, names, words for plots, focus', async () => {
    await open([await sailed(crowd)], async (page) => {
      const heard = await page.locator('body').ariaSnapshot();
      for (const line of [
        /^- banner:$/m,
        /^- main:$/m,
        /^- contentinfo:/m,
        /^ {2}- heading "Seatrial flash-crowd" \[level=1\]$/m,
        /region "the most telling moments":\n +- heading "the most telling moments" \[level=2\]/,
        /- status: 2030-01-07 \d\d:\d\d:\d\d/,
        /- slider "Instant"/,
        /figure "tasks.*running: mean [\d.]+, highest \d+/,
        /img "The cluster: instances .* tasks .*"/,
        /img "Times in ALARM, deployments and faults: alarm /,
      ])
        assert.match(heard, line);
      assert.doesNotMatch(heard, /- (button|combobox|slider|img|figure|table|region)( ".?")?$/m);
      assert.deepEqual(await page.evaluate(SKIPPED_LEVELS), []);
      const valueText = () => page.getAttribute('#slider', 'aria-valuetext');
      await page.focus('#slider');
      await page.keyboard.press('Home');
      assert.equal(await valueText(), '2030-01-07 00:00:00');
      await page.keyboard.press('ArrowRight');
      assert.equal(await valueText(), '2030-01-07 00:00:01');
      // From the top, each press of Tab goes further down the page, to something that shows that it has the focus.
      await page.focus('.skip');
      assert.equal(await page.evaluate(FOCUS), 'shown, in order');
      for (let tab = 0; tab < 24; tab++) {
        await page.keyboard.press('Tab');
        assert.equal(await page.evaluate(FOCUS), 'shown, in order');
      }
    });
  });

  for (const colorScheme of ['light', 'dark'] as const)
    test(`texts stand out from what is behind them: ${colorScheme}`, async () => {
      const stored = await sailed(crowd);
      const comparison = await compared();
      await open(
        [stored, stored],
        async (page) => {
          await page.keyboard.press('n');
          await page.evaluate(OPEN_ALL);
          assert.deepEqual(await page.evaluate(FAINT), []);
          assert.deepEqual(await page.evaluate(SKIPPED_LEVELS), []);
        },
        { colorScheme, comparison },
      );
    });

  test('a comparison shows verdicts, scorecards of all, intervals, and where they part; with runs, the pair in lockstep', async () => {
    const comparison = await compared();
    const look = async (page: Page) => {
      assert.match((await page.textContent('h1')) ?? '', /60 and 45 compared/);
      assert.match((await page.locator('.verdict').first().textContent()) ?? '', /^45 costs \$[\d.]+ .* than 60/);
      assert.match((await page.textContent('.parting')) ?? '', /part at 2030-01-07 .*in 60.*tasks by policy cpu/s);
      const heads = await page
        .locator('section[aria-labelledby=side-by-side] table')
        .first()
        .locator('thead th')
        .allTextContents();
      assert.deepEqual(heads, ['60', '45', 'oracle reference']);
      const rows = page.locator('.intervals tbody tr');
      assert.ok((await rows.count()) > 10);
      assert.match((await rows.first().textContent()) ?? '', /^cost\$.*(better|worse|changed|unclear|same)$/);
      await page.setViewportSize({ width: 400, height: 800 });
      await page.waitForTimeout(100);
      assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
    };
    const withoutRuns = 'There are no plots here.';
    await open(
      [],
      async (page) => {
        await look(page);
        assert.equal(await page.locator('.plot, #viewer').count(), 0);
        assert.match((await page.textContent('main')) ?? '', /There are no plots here\./);
      },
      { comparison: { ...comparison, withoutRuns } },
    );
    await open(
      [await sailed(crowd), await sailed(stricter)],
      async (page) => {
        await look(page);
        assert.equal(await page.locator('canvas.cluster').count(), 2);
      },
      { comparison },
    );
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
      assert.match((await label(page)) ?? '', /instances 1,000 ACTIVE; tasks 2,000 RUNNING/);
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

  const hostile = '<img src=x onerror=alert(1)>"\'</script><script>alert(2)</script>\u001B[31m\u202Edlrow';
  const isHarmless = async (page: Page) => {
    await page.evaluate(OPEN_ALL);
    const text: string = await page.evaluate('document.body.innerText');
    assert.ok(text.includes('<img src=x onerror=alert(1)>'));
    assert.ok(text.includes('\\u001b[31m\\u202edlrow'));
    assert.ok(!text.includes('\u001B') && !text.includes('\u202E'));
    assert.equal(await page.locator('#app img, #app script').count(), 0);
  };

  test('a comparison with names and sentences that carry HTML, scripts and escapes is text', async () => {
    const comparison = JSON.parse(
      JSON.stringify(await compared()).replaceAll(/"(60|45|web)"|tasks by policy cpu/g, (found) =>
        found.startsWith('"')
          ? JSON.stringify(`${found.slice(1, -1)}${hostile}`)
          : JSON.stringify(hostile).slice(1, -1),
      ),
    ) as PageComparison;
    await open([], isHarmless, { comparison: { ...comparison, withoutRuns: hostile } });
    for (const sheet of sheets(comparison))
      for (const line of drawSheet(sheet)) assert.doesNotMatch(toText(line, false), CONTROL);
  });

  test('names that carry HTML, scripts and escapes are text', async () => {
    const stored = await sailed(crowd);
    const renamed = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value).replaceAll(
          /"(web|us-east-1a|i-0+1|task-7|on-demand|m5\.large|web:1|shop\/web:1|web cpu high)"/g,
          (_, name: string) => JSON.stringify(`${name}${hostile}`),
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
        await isHarmless(page);
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
