/** One or two runs, or a comparison, as one HTML file that asks no network for anything: data, viewer and style are in it. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import {
  formatAvailability,
  formatCount,
  formatDate,
  formatLatency,
  formatNoun,
  formatRange,
  formatUsd,
  printable,
} from '../format.ts';
import type { RunSummary } from '../summary.ts';
import { viewerScript, viewerStyle } from '../viewerFiles.ts';
import type { Packed } from './columns.ts';
import { sentences, sheets } from '../../compare/told.ts';
import { titleOf, type PageComparison, type PageData, type PageRun } from './data.ts';

export interface Recording {
  readonly run: PageRun;
  readonly packed: Packed;
}

/** @param comparison  what the runs are two of; they may be none */
export function reportPage(recordings: readonly Recording[], comparison?: PageComparison): string {
  const [code, css] = [readFileSync(viewerScript, 'utf8'), readFileSync(viewerStyle, 'utf8')];
  const title = titleOf(
    recordings.map(({ run }) => run),
    comparison,
  );
  // The script and the style below, and nothing else: whatever a name in a scenario may hold, it cannot run or be fetched.
  const policy = [
    "default-src 'none'",
    `script-src '${hash(code)}'`,
    `style-src '${hash(css)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} - Seatrial</title>
<link rel="icon" href="data:,">
<style>${css}</style>
</head>
<body>
<div id="app"></div>
<noscript>
${comparison === undefined ? '' : comparisonWithoutScript(comparison)}
${recordings.map(({ run }) => withoutScript(run)).join('\n')}
</noscript>
<script type="application/octet-stream" id="data">${packData(recordings, comparison)}</script>
<script>${code}</script>
</body>
</html>
`;
}

/** Length of the JSON, the JSON, then the columns; gzip, then base64, which has no character that HTML would read. */
function packData(recordings: readonly Recording[], comparison: PageComparison | undefined): string {
  const data: PageData = {
    ...(comparison === undefined ? {} : { comparison }),
    runs: recordings.map(({ run }) => run),
    headers: recordings.map(({ packed }) => packed.headers),
    lengths: recordings.map(({ packed }) => packed.bytes.length),
  };
  const json = Buffer.from(JSON.stringify(data, (_, value: unknown) => printableIn(value)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return gzipSync(Buffer.concat([length, json, ...recordings.map(({ packed }) => packed.bytes)]), {
    level: 9,
  }).toString('base64');
}

/** Texts, and keys that are names. */
function printableIn(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [printable(key), item as unknown]));
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function escaped(text: string): string {
  const named: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return printable(text).replaceAll(/[&<>"']/g, (found) => named[found] as string);
}

function comparisonWithoutScript(comparison: PageComparison): string {
  const { verdicts, notes, failIf } = sentences(comparison);
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const tables = sheets(comparison).map(
    ({ head, rows }) =>
      `<table><thead>${row(head, 'th')}</thead><tbody>${rows.map((cells) => row(cells, 'td')).join('\n')}</tbody></table>`,
  );
  return `<h1>${escaped(titleOf([], comparison))}</h1>
${[...failIf, ...verdicts].map((line) => `<p>${escaped(line)}</p>`).join('\n')}
${tables.join('\n')}
<ul>${notes.map((note) => `<li>${escaped(note)}</li>`).join('\n')}</ul>`;
}

/** What a reader without scripts gets. */
function withoutScript({ summary }: PageRun): string {
  const rows = summary.services.map((service) =>
    cellsOf(service)
      .map((cell) => `<td>${escaped(cell)}</td>`)
      .join(''),
  );
  const moments = summary.moments.map(
    ({ atMs, what, because }) =>
      `<li>${formatDate(atMs)} ${escaped(what)}${because.length === 0 ? '' : `, because ${escaped(because.join(' <- '))}`}</li>`,
  );
  return `<h1>${escaped(summary.scenario)}</h1>
<p>${formatDate(Date.parse(summary.from))} to ${formatDate(Date.parse(summary.to))} UTC, seed ${summary.seed}, cost ${formatUsd(summary.cost.totalMicroUsd)}. Plots and the viewer need JavaScript.</p>
<table><thead><tr><th>service</th><th>requests</th><th>in time</th><th>p99</th><th>objective missed</th><th>tasks</th></tr></thead>
<tbody>${rows.map((row) => `<tr>${row}</tr>`).join('\n')}</tbody></table>
<ul>${moments.join('\n')}</ul>`;
}

function cellsOf({ serviceName, serviceLevel, utilization }: RunSummary['services'][number]): readonly string[] {
  const { requests, served, availabilityPercent, p99Ms, sloMinutesLost } = serviceLevel;
  return [
    serviceName,
    formatCount(requests),
    requests === 0 ? '-' : formatAvailability(availabilityPercent),
    served === 0 ? '-' : formatLatency(p99Ms),
    sloMinutesLost === undefined ? '-' : formatNoun(sloMinutesLost, 'minute'),
    formatRange(utilization.fewestTasks, utilization.mostTasks),
  ];
}
