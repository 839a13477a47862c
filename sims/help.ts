/** What `--help` says beyond arguments and options: examples of each command, exit codes, and what a slip was meant to be. */

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { distance } from 'fastest-levenshtein';

/** What a command ends with; scripts and pipelines may rely on it. */
export const exitCodes: readonly (readonly [number, string])[] = [
  [0, 'done'],
  [1, 'it failed: verify found a difference, or a mistake of ours, told with a trace'],
  [2, 'what it was given cannot be used: each mistake with its place, and nothing is written'],
  [3, 'a gate failed: doctor found something serious, or the condition of --fail-if holds'],
  [130, 'stopped by Ctrl-C; what was written is valid, and resume goes on with it'],
];

/** Arguments, and what they do; by the words of the command. */
const examples: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  run: [
    ['', 'the default voyage'],
    ['step-overshoot', 'a voyage that ships, by its name'],
    ['my-cluster.yaml --days 30 --out runs/a', 'thirty days of yours, kept in a directory'],
    ['--trace traffic.csv --scale 20 --seed 7', 'your traffic, twenty times as much, other luck'],
    ['my-cluster.yaml --json', 'the summary for a program'],
  ],
  resume: [['runs/a', 'after Ctrl-C, a crash or kill -9: to the same bytes']],
  verify: [['runs/a', 'is it as it was written, and does its scenario lead to it?']],
  at: [
    ['runs/a 2030-01-08T12:05:00Z', 'an overview of the world at an instant'],
    ['runs/a 2030-01-08T12:05:00Z service web', 'one service then'],
    ['runs/a 2030-01-08T12:05:00Z alarm', 'the names of all alarms'],
  ],
  diff: [['runs/a 2030-01-08T12:05:00Z 2030-01-08T12:06:00Z', 'what a minute changed']],
  export: [
    ['runs/a', 'every event, a line of JSON each'],
    ['runs/a --type TaskPlaced TaskStopped', 'those of two types; docs/EVENTS.md lists them'],
    ['runs/a --format parquet --out tables', 'a file for each type, for DuckDB, pandas and polars'],
  ],
  query: [
    ['runs/a "select time, reason from TaskStopped"', 'a type of event is a table'],
    ['runs/a "select type, count(*) from events group by type" --json', 'all events, as lines of JSON'],
    ['runs/a "describe TaskPlaced"', 'the columns of a table'],
  ],
  branch: [
    [
      'runs/a --at 2030-01-08T11:00:00Z --set services.web.scalingPolicies.cpu.TargetValue=45',
      'another target from then on',
    ],
    ['runs/a --at 2030-01-08T11:00:00Z --change tomorrow.yaml --out runs/b', 'a file of changes; a run of its own'],
    ['runs/a --without 31623', 'as if this scaling decision had not been made'],
    ['runs/a --earlier 31623 60s', 'as if it had been made a minute earlier'],
  ],
  compare: [
    ['target-50.yaml target-70.yaml', 'under 20 seeds, on all cores'],
    ['now.yaml next.yaml --references --markdown', 'for a pull request'],
    ['now.yaml next.yaml --fail-if "p99Ms > 400 or costUsd > +5%"', 'a gate of a pipeline'],
  ],
  report: [
    ['runs/a', 'one run as one HTML file: runs/a.html'],
    ['runs/a runs/b --out both.html', 'two of them in lockstep'],
    ['trial', 'what compare … --out trial wrote: trial.html'],
    ['trial --beside oracle', 'with the run of a reference beside the first one'],
    ['compare.json', 'what compare … --json printed: tables and verdicts, no plots'],
  ],
  explain: [
    ['runs/a web', 'a service: its scaling decisions in order, with their arithmetic'],
    ['runs/a 33124', 'an event, what it reckoned with, and the chain of its causes'],
    ['runs/a 01-08 12:11:19', 'the last event until an instant, likewise'],
    ['runs/a why-not 01-08 12:05 service web', 'why it did not scale, and when it could at the earliest'],
    ['runs/a why-not 01-08 12:05', 'all that stood still then'],
    ['runs/a waterfall service web', 'where the seconds of its slowest scale-out went'],
  ],
  'explain image': [['my-cluster.yaml', 'whose role pulls each image, and the docker login by hand']],
  'explain placement': [
    ['port-eighty', 'what was placed, what was refused, and what would help'],
    ['runs/a task-17', 'one task of a run'],
    ['runs/a run-2', 'one RunTask or StartTask'],
  ],
  packing: [
    ['capped-fleet', 'how full the instances are, and the fewest that could do'],
    ['my-cluster.yaml --services tasks.csv', 'the same with the tasks of a trace'],
  ],
  init: [
    ['', 'asks a few questions, and writes seatrial.yaml'],
    ['shop.yaml --service shop --launch-type EC2 --rps 400 --max 40', 'asks nothing'],
    ['shop.yaml --trace traffic.csv --scale 20', 'with recorded traffic, twenty times as much'],
    ['shop-40.yaml --trace traffic.csv --scale 20 --target-cpu 40', 'the same with another target, for compare'],
  ],
  import: [['traces/surf-week surf-week.yaml --topology traces/surf-week/topology.json', 'then: run surf-week.yaml']],
  scenarios: [
    ['', 'the voyages that ship'],
    ['flash-crowd > mine.yaml', 'a copy of one, to change'],
  ],
  traffic: [
    ['flash-crowd --out traffic.csv', 'three days of a made-up shop, as a trace'],
    ['my-cluster.yaml --service api', 'what a service of yours is asked for'],
  ],
  doctor: [
    ['my-cluster.yaml', 'before it sails, and before it is deployed'],
    ['queue-backlog --json', 'for a program'],
  ],
  completion: [
    ['bash >> ~/.bashrc', 'bash'],
    ['zsh > "${fpath[1]}/_seatrial"', 'zsh'],
    ['fish > ~/.config/fish/completions/seatrial.fish', 'fish'],
  ],
  schema: [
    ['> scenario.schema.json', 'for an editor'],
    ['--assumptions', 'what is assumed where AWS is silent'],
  ],
};

/** The words of a command after the program's name: `explain event`. */
export function wordsOf(command: Command): string {
  return command.parent === null ? '' : `${wordsOf(command.parent)} ${command.name()}`.trim();
}

/** Every command that does something by itself; one with arguments does, also when it has commands below it. */
export function leavesOf(command: Command): readonly Command[] {
  const isLeaf = command.commands.length === 0 || command.registeredArguments.length > 0;
  return [...(isLeaf ? [command] : []), ...command.commands.flatMap((child) => leavesOf(child))];
}

/** How a command is called; its examples in lines. */
export function examplesOf(command: Command): readonly string[] {
  const words = wordsOf(command);
  const lines = (examples[words] ?? []).map(([rest, what]) => [`seatrial ${words} ${rest}`.trim(), what] as const);
  const width = Math.max(...lines.map(([call]) => call.length));
  return lines.map(([call, what]) => `${call.padEnd(width)}  # ${what}`);
}

/** Adds examples to each command, and exit codes to the program. */
export function addHelp(program: Command): void {
  for (const command of leavesOf(program)) {
    const lines = examplesOf(command);
    if (lines.length > 0) command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
  }
  program.addHelpText(
    'after',
    `\nExit codes:\n${exitCodes.map(([code, what]) => `  ${String(code).padStart(3)}  ${what}`).join('\n')}\n
seatrial help COMMAND tells more of each, with examples.`,
  );
}

/** What others call it, and the commands that do it. */
const alsoCalled: Readonly<Record<string, string>> = {
  'why-not': 'explain DIR why-not INSTANT',
  waterfall: 'explain DIR waterfall',
  why: 'explain',
  placement: 'explain placement',
  simulate: 'run',
  start: 'run',
  lint: 'doctor',
  check: 'doctor',
  validate: 'doctor',
  plan: 'doctor',
  new: 'init',
  create: 'init',
  list: 'scenarios',
  voyages: 'scenarios',
  ls: 'scenarios',
  replay: 'verify',
  sql: 'query',
  html: 'report',
  'what-if': 'branch',
};

/** Edits between what was written and a command that is still taken for a slip of the finger. */
const MOST_EDITS = 2;

/**
 * What is wrong with the first word, when it is neither command nor file: without this it would be the scenario of `run`.
 *
 * @returns a sentence; undefined when it may be what it looks like
 */
export function commandProblem(program: Command, [first = '']: readonly string[]): string | undefined {
  const names = ['help', ...program.commands.map((command) => command.name())];
  if (!/^[a-z-]+$/.test(first) || first.startsWith('-') || names.includes(first) || existsSync(first)) return undefined;
  const meant = alsoCalled[first];
  if (meant !== undefined) return `found "${first}", expected a command (did you mean ${meant}?)`;
  const [nearest] = names.toSorted((a, b) => distance(first, a) - distance(first, b));
  return nearest !== undefined && distance(first, nearest) <= MOST_EDITS
    ? `found "${first}", expected a command (did you mean ${nearest}?)`
    : undefined;
}
