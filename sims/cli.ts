/** The `seatrial` command: wiring only. What a subcommand does stands in its own file in commands/. */

import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { config } from 'rxjs';
import { branch, type BranchOptions } from './commands/branch.ts';
import { compare, type CompareOptions } from './commands/compare.ts';
import { doctor } from './commands/doctor.ts';
import { EXPORT_FORMATS, exportRun, type ExportOptions } from './commands/export.ts';
import { explain, type ExplainOptions } from './commands/explain.ts';
import { explainImages } from './commands/explainImage.ts';
import { explainPlacement } from './commands/explainPlacement.ts';
import { importOpenDc, type ImportOptions } from './commands/import.ts';
import { init, USUAL_FILE, type InitOptions } from './commands/init.ts';
import { packing, type PackingOptions } from './commands/packing.ts';
import { query, type QueryOptions } from './commands/query.ts';
import { report, type ReportOptions } from './commands/report.ts';
import { parseLength, resume, run, type RunOptions } from './commands/run.ts';
import { scenarios } from './commands/scenarios.ts';
import { assumptionsPage, scenarioJsonSchema, scoresPage } from './commands/schema.ts';
import { at, diff } from './commands/timeTravel.ts';
import { traffic, type TrafficOptions } from './commands/traffic.ts';
import { verify } from './commands/verify.ts';
import { completionScript, shells, type Shell } from './completion.ts';
import { ENGINE_VERSION } from './engine.ts';
import { addHelp, commandProblem } from './help.ts';
import { formatProblem, InputError } from './input/inputError.ts';
import { shippedVoyages } from './input/voyages.ts';
import { generatedFiles, writeGeneratedFiles } from './pages/write.ts';
import { printAside } from './report/print.ts';

/** The other exit codes are in help.ts. */
const OUR_MISTAKE = 1;
const USERS_MISTAKE = 2;

config.onUnhandledError = (error) => {
  printAside(`seatrial: an observer failed: ${String(error)}\n`);
  process.exit(OUR_MISTAKE);
};

const program = new Command('seatrial')
  .description('Sea trials for Amazon ECS: rehearse a cluster and its scaling policies against real traffic.')
  .version(ENGINE_VERSION)
  .exitOverride()
  .showSuggestionAfterError();

program
  .command('run', { isDefault: true })
  .description('sail a scenario and tell what happened, and why')
  .argument('[scenario]', 'scenario file, YAML or JSON, or a voyage that ships; without one, the default voyage')
  .option('--trace <file>', 'traffic to replay: a CSV of timestamp,value or minute,count')
  .option('--service <name>', 'which service gets the trace (default: the first with a load)')
  .option('--scale <n>', 'factor on every number of the trace', positive)
  .option('--unit <unit>', 'what its values are: requests-per-period or requests-per-second', unit)
  .option('--period <length>', 'how long each of its values lasts, such as 5m', length)
  .option('--seed <n>', 'whole number from which all chance follows', seed)
  .option('--days <n>', 'how many days to sail', positive)
  .option('--report <file>', 'write one HTML file with plots and a viewer in it')
  .option('--out <dir>', 'write the log, the summary and what repeats the run to a new directory')
  .option('--check', 'hold every invariant against every event, and stop at the first breach (several times slower)')
  .option('--json', 'print the summary as JSON only')
  .action(async (scenario: string | undefined, options: RunOptions) => {
    process.exitCode = await run(scenario, options, ENGINE_VERSION);
  });

program
  .command('compare')
  .description('sail scenarios under the same luck, many times over, and tell what their difference is')
  .argument('<scenarios...>', 'scenario files; all are compared with the first')
  .option('--seeds <n>', 'how many seeds, from the first on', count, 20)
  .option('--seed <n>', "the first seed (default: the first scenario's)", seed)
  .option('--trace <file>', 'traffic to replay in all of them: a CSV of timestamp,value or minute,count')
  .option('--service <name>', 'which service gets the trace (default: the first with a load)')
  .option('--scale <n>', 'factor on every number of the trace', positive)
  .option('--unit <unit>', 'what its values are: requests-per-period or requests-per-second', unit)
  .option('--period <length>', 'how long each of its values lasts, such as 5m', length)
  .option('--days <n>', 'how many days to sail', positive)
  .option('--references', 'beside them: doing nothing, the best fixed size, and an oracle that knows the load ahead')
  .option('--slo-minute-usd <n>', 'what a minute that misses its objective costs, between the references', positive)
  .option('--fail-if <condition>', 'exit with 3 when it holds, such as "p99Ms > 400 or costUsd > +5%"')
  .option('--jobs <n>', 'how many runs at once (default: one for each core)', count)
  .option('--out <dir>', 'write compare.json, and the runs of the first seed, to a new directory')
  .option('--json', 'print all of it as JSON')
  .option('--markdown', 'print it as Markdown, for a pull request')
  .action(async (scenarios: readonly string[], options: CompareOptions) => {
    process.exitCode = await compare(scenarios, options, ENGINE_VERSION);
  });

program
  .command('resume')
  .description('go on with a run that was interrupted or killed, to the same end')
  .argument('<dir>', 'directory of run --out')
  .option('--json', 'print the summary as JSON only')
  .action(async (dir: string, options: { readonly json?: boolean }) => {
    process.exitCode = await resume(dir, options, ENGINE_VERSION);
  });

program
  .command('verify')
  .description('whether every file of a run is as it was written, and its scenario leads to the same events once more')
  .argument('<dir>', 'directory of run --out')
  .action((dir: string) => {
    process.exitCode = verify(dir);
  });

program
  .command('at')
  .description('the world at an instant of a run')
  .argument('<dir>', 'directory of run --out')
  .argument('<instant>', 'such as 2030-01-05T14:05:20Z')
  .argument('[kind]', 'service, task, instance, alarm and others; without it, an overview')
  .argument('[name]', 'which one; without it, their names')
  .action((dir: string, when: string, kind: string | undefined, name: string | undefined) => {
    process.exitCode = at(dir, when, kind, name);
  });

program
  .command('diff')
  .description('what changed in the world from one instant of a run to another')
  .argument('<dir>', 'directory of run --out')
  .argument('<from>', 'an instant')
  .argument('<to>', 'a later one')
  .action((dir: string, from: string, to: string) => {
    process.exitCode = diff(dir, from, to);
  });

program
  .command('export')
  .description('the events of a run for other tools: lines of JSON, or a table for each type of event')
  .argument('<dir>', 'directory of run --out')
  .addOption(new Option('--format <format>', 'what to write').choices(EXPORT_FORMATS).default('ndjson'))
  .option('--type <types...>', 'only events of these types', [])
  .option('--out <dir>', 'a new directory to write to; without one, standard output')
  .action(async (dir: string, options: ExportOptions) => {
    process.exitCode = await exportRun(dir, options);
  });

program
  .command('query')
  .description('what SQL finds in the events of a run: a table for each type of event, and `events` for all')
  .argument('<dir>', 'directory of run --out')
  .argument('<sql>', 'in the dialect of DuckDB, such as "select time, reason from TaskStopped"')
  .option('--json', 'print rows as lines of JSON')
  .action(async (dir: string, sql: string, options: QueryOptions) => {
    process.exitCode = await query(dir, sql, options);
  });

program
  .command('branch')
  .description('what if, from an instant of a run on, with the same luck: both futures side by side')
  .argument('<dir>', 'directory of run --out')
  .option('--at <instant>', 'where the branch leaves the run, such as 2030-01-05T14:05:20Z')
  .option(
    '--set <path=value>',
    'what is other from there on, such as services.web.scalingPolicies.cpu.TargetValue=45 or load.web.scale=2; again and again',
    (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
  )
  .option('--change <file>', 'the same as a file: parts of a scenario, names in place of lists, and changes')
  .option('--without <event>', 'in place of --at: a scaling decision that is not made')
  .option('--earlier <event...>', 'in place of --at: a scaling decision, and how much earlier it is made, such as 60s')
  .option('--out <dir>', 'write the branch as a run of its own to a new directory')
  .option('--json', 'print the comparison as JSON')
  .action(async (dir: string, options: BranchOptions) => {
    process.exitCode = await branch(dir, options, ENGINE_VERSION);
  });

const explainCommand = program
  .command('explain')
  .description('why something happened in a run, why something did not, and where the seconds of a scale-out went')
  .argument('<dir>', 'directory of run --out')
  .argument(
    '[what...]',
    'the number of an event, an instant, or a service; or why-not INSTANT [service NAME | task ID | instance ID]; or waterfall [EVENT | service NAME | INSTANT]',
  )
  .option('--json', 'print a waterfall as JSON')
  .action((dir: string, what: readonly string[], options: ExplainOptions) => {
    process.exitCode = explain(dir, what, options);
  });

explainCommand
  .command('image')
  .description('what the images of a scenario are, whose role pulls them, and the docker login to do it by hand')
  .argument('<scenario>', 'a scenario file')
  .action((scenario: string) => {
    process.exitCode = explainImages(scenario);
  });

explainCommand
  .command('placement')
  .description('where tasks went and why, or why they went nowhere and what would help')
  .argument('<from>', 'directory of run --out, or a scenario file')
  .argument('[one]', 'one task, such as task-17, or one RunTask or StartTask, such as run-2; without it, an overview')
  .action(async (from: string, one: string | undefined) => {
    process.exitCode = await explainPlacement(from, one);
  });

program
  .command('packing')
  .description('how well tasks fill their instances when the scenario ends, against the fewest that could do')
  .argument('<scenario>', 'scenario file, YAML or JSON')
  .option('--services <file>', 'a CSV of tasks, one a row, in place of the services of the scenario')
  .option('--seed <n>', 'whole number from which all chance follows', seed)
  .option('--json', 'print it as JSON')
  .action((scenario: string, options: PackingOptions) => {
    process.exitCode = packing(scenario, options);
  });

program
  .command('report')
  .description(
    'a run, two side by side, or a comparison, as one HTML file with plots and a viewer; it needs no network',
  )
  .argument('<from>', 'directory of run --out; directory of compare --out, or the file that compare --json printed')
  .argument('[other]', 'directory of another run, to compare with')
  .option('--out <file>', 'where to write it (default: beside the first path, with its name)')
  .option('--beside <name>', 'of a comparison: whose run is shown beside the first one’s (default: the second)')
  .action((from: string, other: string | undefined, options: ReportOptions) => {
    process.exitCode = report(other === undefined ? [from] : [from, other], options);
  });

program
  .command('init')
  .description('write a commented scenario to start from: asks a few questions on a terminal, unless flags answer them')
  .argument('[file]', 'the file to write; nothing is overwritten', USUAL_FILE)
  .option('--service <name>', 'what it is called (web)')
  .addOption(new Option('--launch-type <type>', 'where it runs (FARGATE)').choices(['FARGATE', 'EC2']))
  .option('--instance-type <type>', 'of its instances, with EC2 (m5.large)')
  .option('--cpu <units>', 'CPU units of a task, 1024 are one vCPU (1024)', count)
  .option('--memory <mib>', 'MiB of a task (2048)', count)
  .option('--min <n>', 'tasks at least (2)', seed)
  .option('--max <n>', 'tasks at most (20)', count)
  .option('--target-cpu <percent>', 'CPU that its scaling keeps (60)', percent)
  .option('--rps <n>', 'requests per second at the busiest hour (100)', positive)
  .option('--request-ms <n>', 'CPU milliseconds of a request (20)', positive)
  .option('--trace <file>', 'recorded traffic: a CSV of timestamp,value or minute,count')
  .option('--scale <n>', 'factor on every number of the trace (1)', positive)
  .option('--days <n>', 'how long it sails without a trace (3)', count)
  .option('--yes', 'ask nothing: take what is in brackets above')
  .action(async (file: string, options: InitOptions) => {
    process.exitCode = await init(file, options);
  });

program
  .command('import')
  .description('a workload of OpenDC as a scenario: its tasks as jobs with the CPU they used, its hosts as instances')
  .argument('<folder>', 'where its tasks.parquet and fragments.parquet are')
  .argument('<file>', 'the scenario to write, and beside it a CSV of the jobs; nothing is overwritten')
  .requiredOption('--topology <file>', 'its hosts, as OpenDC takes them')
  .action(async (folder: string, file: string, options: ImportOptions) => {
    process.exitCode = await importOpenDc(folder, file, options);
  });

program
  .command('scenarios')
  .description('the voyages that ship, and what each teaches')
  .argument('[name]', 'print the scenario of this one instead')
  .option('--json', 'print it as JSON')
  .action((name: string | undefined, options: { readonly json?: boolean }) => {
    process.exitCode = scenarios(name, options);
  });

program
  .command('traffic')
  .description('the load of a scenario as a trace: a CSV of the requests of each minute')
  .argument('<scenario>', 'scenario file, YAML or JSON, or a voyage that ships')
  .option('--service <name>', 'whose load (default: the first)')
  .option('--days <n>', 'how many days of it', positive)
  .option('--out <file>', 'a new file to write it to; without one, standard output')
  .action((scenario: string, options: TrafficOptions) => {
    process.exitCode = traffic(scenario, options);
  });

program
  .command('doctor')
  .description('traps of a scenario that AWS accepts: policies that never act, services that are capped, and more')
  .argument('<scenario>', 'scenario file, YAML or JSON, or a voyage that ships')
  .option('--json', 'print it as JSON')
  .action((scenario: string, options: { readonly json?: boolean }) => {
    process.exitCode = doctor(scenario, options);
  });

program
  .command('schema')
  .description('print the JSON Schema of a scenario')
  .option('--assumptions', 'print the keys under `assumptions` and what they change, as a page, instead')
  .option('--scores', 'print what runs are judged by, with meaning, formula and source, as a page, instead')
  .addOption(new Option('--write-docs', 'write every page that is made from the code: npm run docs').hideHelp())
  .addOption(new Option('--show-docs', 'the same as JSON on standard output, for their test').hideHelp())
  .action(({ assumptions, scores, writeDocs, showDocs }: Readonly<Record<string, true | undefined>>) => {
    const page = scores === true ? scoresPage : assumptions === true ? assumptionsPage : scenarioJsonSchema;
    if (writeDocs) writeGeneratedFiles(program);
    else process.stdout.write(showDocs ? JSON.stringify(generatedFiles(program)) : page());
  });

program
  .command('completion')
  .description('a script for the shell that completes commands, options and names of voyages')
  .addArgument(new Argument('<shell>', 'which one').choices(shells))
  .action((shell: Shell) => {
    const names = shippedVoyages().map(({ name }) => name);
    process.stdout.write(completionScript(shell, program, names));
  });

addHelp(program);
// Whoever reads has read enough, as with head.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  const problem = commandProblem(program, process.argv.slice(2));
  if (problem !== undefined) program.error(`error: ${problem}`);
  await program.parseAsync();
} catch (error) {
  process.exitCode = tellError(error);
}

function tellError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USERS_MISTAKE; // commander has said it already
  if (error instanceof InputError) {
    for (const problem of error.problems) printAside(`${formatProblem(problem)}\n`);
    return USERS_MISTAKE;
  }
  printAside(`seatrial: this is our mistake, not yours.\n${(error as Error).stack ?? String(error)}\n`);
  return OUR_MISTAKE;
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError(`found "${text}", expected a number above 0.`);
  return value;
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0)
    throw new InvalidArgumentError(`found "${text}", expected a whole number of at least 1.`);
  return value;
}

function seed(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new InvalidArgumentError(`found "${text}", expected a whole number of at least 0.`);
  return Number(text);
}

function percent(text: string): number {
  const value = positive(text);
  if (value > 100) throw new InvalidArgumentError(`found "${text}", expected a percentage of at most 100.`);
  return value;
}

function unit(text: string): 'requests-per-period' | 'requests-per-second' {
  if (text !== 'requests-per-period' && text !== 'requests-per-second')
    throw new InvalidArgumentError(`found "${text}", expected requests-per-period or requests-per-second.`);
  return text;
}

function length(text: string): number {
  const ms = parseLength(text);
  if (ms === undefined) throw new InvalidArgumentError(`found "${text}", expected a length of time such as 90s or 5m.`);
  return ms;
}
