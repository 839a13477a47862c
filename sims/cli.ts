/** The `seatrial` command: wiring only. What a subcommand does stands in its own file in commands/. */

import { Argument, CommanderError, InvalidArgumentError, Command, Option } from 'commander';
import { config } from 'rxjs';
import packageJson from '../package.json' with { type: 'json' };
import { doctor } from './commands/doctor.ts';
import { exportRun } from './commands/export.ts';
import { explainImages } from './commands/explainImage.ts';
import { explainPlacement } from './commands/explainPlacement.ts';
import { init, USUAL_FILE, type InitOptions } from './commands/init.ts';
import { packing, type PackingOptions } from './commands/packing.ts';
import { parseLength, resume, run, type RunOptions } from './commands/run.ts';
import { scenarios } from './commands/scenarios.ts';
import { assumptionsPage, scenarioJsonSchema } from './commands/schema.ts';
import { at, diff, explainEvent } from './commands/timeTravel.ts';
import { traffic, type TrafficOptions } from './commands/traffic.ts';
import { verify } from './commands/verify.ts';
import { completionScript, shells, type Shell } from './completion.ts';
import { addHelp, commandProblem } from './help.ts';
import { formatProblem, InputError } from './input/inputError.ts';
import { shippedVoyages } from './input/voyages.ts';
import { generatedFiles, writeGeneratedFiles } from './pages/write.ts';

/** The other exit codes are in help.ts. */
const OUR_MISTAKE = 1;
const USERS_MISTAKE = 2;

config.onUnhandledError = (error) => {
  process.stderr.write(`seatrial: an observer failed: ${String(error)}\n`);
  process.exit(OUR_MISTAKE);
};

const program = new Command('seatrial')
  .description('Sea trials for Amazon ECS: rehearse a cluster and its scaling policies against real traffic.')
  .version(packageJson.version)
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
  .option('--out <dir>', 'write the log, the summary and what repeats the run to a new directory')
  .option('--json', 'print the summary as JSON only')
  .action(async (scenario: string | undefined, options: RunOptions) => {
    process.exitCode = await run(scenario, options, packageJson.version);
  });

program
  .command('resume')
  .description('go on with a run that was interrupted or killed, to the same end')
  .argument('<dir>', 'directory of run --out')
  .option('--json', 'print the summary as JSON only')
  .action(async (dir: string, options: { readonly json?: boolean }) => {
    process.exitCode = await resume(dir, options, packageJson.version);
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
  .description('the events of a run as lines of JSON, on standard output')
  .argument('<dir>', 'directory of run --out')
  .option('--type <types...>', 'only events of these types')
  .action(async (dir: string, { type = [] }: { readonly type?: readonly string[] }) => {
    process.exitCode = await exportRun(dir, type);
  });

const explain = program.command('explain').description('why something happened');

explain
  .command('event')
  .description('an event of a run, and the chain of its causes')
  .argument('<dir>', 'directory of run --out')
  .argument('<event>', 'its number, or an instant: the last event until then')
  .action((dir: string, event: string) => {
    process.exitCode = explainEvent(dir, event);
  });

explain
  .command('image')
  .description('what the images of a scenario are, whose role pulls them, and the docker login to do it by hand')
  .argument('<scenario>', 'a scenario file')
  .action((scenario: string) => {
    process.exitCode = explainImages(scenario);
  });

explain
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
  .command('init')
  .description('write a commented scenario to start from: asks a few questions on a terminal, unless flags answer them')
  .argument('[file]', 'the file to write; nothing is overwritten', USUAL_FILE)
  .option('--service <name>', 'what it is called (web)')
  .addOption(new Option('--launch-type <type>', 'where it runs (FARGATE)').choices(['FARGATE', 'EC2']))
  .option('--instance-type <type>', 'of its instances, with EC2 (m5.large)')
  .option('--cpu <units>', 'CPU units of a task, 1024 are one vCPU (1024)', whole)
  .option('--memory <mib>', 'MiB of a task (2048)', whole)
  .option('--min <n>', 'tasks at least (2)', seed)
  .option('--max <n>', 'tasks at most (20)', whole)
  .option('--target-cpu <percent>', 'CPU that its scaling keeps (60)', percent)
  .option('--rps <n>', 'requests per second at the busiest hour (100)', positive)
  .option('--request-ms <n>', 'CPU milliseconds of a request (20)', positive)
  .option('--trace <file>', 'recorded traffic: a CSV of timestamp,value or minute,count')
  .option('--days <n>', 'how long it sails without a trace (3)', whole)
  .option('--yes', 'ask nothing: take what is in brackets above')
  .action(async (file: string, options: InitOptions) => {
    process.exitCode = await init(file, options);
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
  .addOption(new Option('--write-docs', 'write every page that is made from the code: npm run docs').hideHelp())
  .addOption(new Option('--show-docs', 'the same as JSON on standard output, for their test').hideHelp())
  .action(({ assumptions, writeDocs, showDocs }: Readonly<Record<string, true | undefined>>) => {
    if (writeDocs) writeGeneratedFiles(program);
    else if (showDocs) process.stdout.write(JSON.stringify(generatedFiles(program)));
    else process.stdout.write(assumptions === true ? assumptionsPage() : scenarioJsonSchema());
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
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USERS_MISTAKE; // commander has said it already
  if (error instanceof InputError) {
    for (const problem of error.problems) process.stderr.write(`${formatProblem(problem)}\n`);
    return USERS_MISTAKE;
  }
  process.stderr.write(`seatrial: this is our mistake, not yours.\n${(error as Error).stack ?? String(error)}\n`);
  return OUR_MISTAKE;
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError(`found "${text}", expected a number above 0.`);
  return value;
}

function seed(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new InvalidArgumentError(`found "${text}", expected a whole number of at least 0.`);
  return Number(text);
}

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0)
    throw new InvalidArgumentError(`found "${text}", expected a whole number of at least 1.`);
  return value;
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
