/** A scenario as a run needs it: the file, the traces it names, and what the command line changed about it. */

import { basename, dirname, resolve } from 'node:path';
import {
  DAY,
  jobProblems,
  MINUTE,
  priceList,
  scenarioNotes,
  scenarioProblems,
  scenarioSchema,
  SECOND,
  taskDemand,
  type Branching,
  type JobTrace,
  type PriceList,
  type Scenario,
  type TraceSeries,
} from '../../core/index.ts';
import { documentProblems, readDocument } from './document.ts';
import { foreignFile } from './foreignFile.ts';
import { counted, InputError } from './inputError.ts';
import { readJobs, type ReadJobs } from './jobsFile.ts';
import { withServices } from './servicesFile.ts';
import { readTrace, type Trace, type TraceOptions } from './trace.ts';
import { scenarioFile } from './voyages.ts';

/** What the command line may change. */
export interface ScenarioOverrides {
  readonly trace?: string | undefined;
  readonly service?: string | undefined;
  readonly scale?: number | undefined;
  readonly unit?: TraceOptions['unit'] | undefined;
  readonly periodMs?: number | undefined;
  readonly seed?: number | undefined;
  readonly days?: number | undefined;
  /** A file of services in place of the scenario's. */
  readonly services?: string | undefined;
}

/** Where a run parts from another one, and by what. */
export interface Branch extends Branching {
  /** Digest of the run that it parts from. */
  readonly of: string;
  /** What is other from there on, in words. */
  readonly changed: readonly string[];
}

export interface LoadedScenario {
  readonly scenario: Scenario;
  /** Of a branch: each place where it parts from the run of the scenario, in their order. */
  readonly branches?: readonly Branch[];
  /** By the name that the scenario gives the file. */
  readonly traces: ReadonlyMap<string, TraceSeries>;
  /** Recorded jobs by the name that the scenario gives the file. */
  readonly jobs: ReadonlyMap<string, JobTrace>;
  /** The files behind it: where they are, and a fingerprint of what was read. */
  readonly traceFiles: readonly { readonly name: string; readonly file: string; readonly sha256: string }[];
  /** What things cost. */
  readonly prices: PriceList;
  /** What was inferred, in sentences. */
  readonly notes: readonly string[];
}

/**
 * @param given  a path, or the bare name of a voyage that ships
 * @throws InputError with every mistake and its place
 */
export function loadScenario(given: string, overrides: ScenarioOverrides = {}): LoadedScenario {
  const file = scenarioFile(given);
  const { value, locate } = readDocument(file, scenarioSchema, foreignFile);
  const read = new Map<string, { readonly file: string; readonly trace: Trace }>();
  const notes: string[] = [];
  const readOnce = (name: string, path: string, options: TraceOptions) => {
    const known = read.get(name);
    if (known !== undefined) return known.trace;
    const trace = readTrace(path, options);
    read.set(name, { file: path, trace });
    notes.push(...trace.notes.map((note) => `${name}: ${note}`));
    return trace;
  };

  let scenario: Scenario = {
    ...value,
    ...(overrides.seed === undefined ? {} : { seed: overrides.seed }),
  };
  if (overrides.services !== undefined) {
    const read = withServices(scenario, overrides.services);
    scenario = read.scenario;
    notes.push(`${basename(overrides.services)}: ${read.note}`);
  }
  if (overrides.trace !== undefined) {
    const trace = readOnce(basename(overrides.trace), overrides.trace, {
      ...(overrides.unit === undefined ? {} : { unit: overrides.unit }),
      ...(overrides.periodMs === undefined ? {} : { periodMs: overrides.periodMs }),
    });
    scenario = withTrace(scenario, file, trace, basename(overrides.trace), overrides);
    notes.push(...faintTrace(scenario, trace, overrides));
  }
  if (overrides.days !== undefined)
    scenario = { ...scenario, duration: Math.max(MINUTE, Math.round((overrides.days * DAY) / MINUTE) * MINUTE) };
  for (const { rate } of scenario.load)
    for (const part of rate)
      if (part.model === 'trace' && !read.has(part.file))
        readOnce(part.file, resolve(dirname(file), part.file), {
          ...(part.unit === undefined ? {} : { unit: part.unit }),
          ...(part.period === undefined ? {} : { periodMs: part.period }),
        });

  const jobs = new Map<string, ReadJobs & { readonly path: string }>();
  const families = [...new Set(scenario.taskDefinitions.map(({ family }) => family))];
  for (const { file: named, usagePeriod } of scenario.jobs) {
    const path = resolve(dirname(file), named);
    jobs.set(named, { path, ...readJobs(path, families, usagePeriod) });
  }

  const jobTraces = new Map(Array.from(jobs, ([name, { trace }]) => [name, trace]));
  const problems = [...scenarioProblems(scenario), ...jobProblems(scenario, jobTraces)];
  if (problems.length > 0) throw new InputError(documentProblems(file, locate, problems));
  notes.push(...scenarioNotes(scenario), ...jobNotes(scenario, jobTraces));
  return {
    scenario,
    traces: new Map(Array.from(read, ([name, { trace }]) => [name, trace.series])),
    jobs: jobTraces,
    traceFiles: [
      ...Array.from(read, ([name, { file: path, trace }]) => ({ name, file: path, sha256: trace.sha256 })),
      ...Array.from(jobs, ([name, { path, sha256 }]) => ({ name, file: path, sha256 })),
    ],
    prices:
      scenario.prices === undefined
        ? priceList.parse({})
        : readDocument(resolve(dirname(file), scenario.prices), priceList).value,
    notes,
  };
}

/** Jobs that keep their own instants, and are not within the run. */
function jobNotes({ jobs, start, duration }: Scenario, traces: ReadonlyMap<string, JobTrace>): readonly string[] {
  return jobs.flatMap(({ file, align }) => {
    const trace = traces.get(file);
    if (trace === undefined) return [];
    const { startMs, offsetsMs } = trace;
    const firstMs = align === 'start' ? start : startMs;
    const before = offsetsMs.filter((offsetMs) => firstMs + offsetMs < start).length;
    const after = offsetsMs.filter((offsetMs) => firstMs + offsetMs > start + duration).length;
    return [
      ...(before === 0 ? [] : [`${file}: ${counted(before, 'job')} submitted before the run starts, and left out.`]),
      ...(after === 0 ? [] : [`${file}: ${counted(after, 'job')} submitted after the run ends, and left out.`]),
    ];
  });
}

/** The scenario with a trace in place of one service's load. A trace with dates also sets when the run sails. */
function withTrace(
  scenario: Scenario,
  file: string,
  { series, clock }: Trace,
  name: string,
  { service, scale = 1 }: ScenarioOverrides,
): Scenario {
  const wanted = service ?? scenario.load[0]?.service;
  const index = scenario.load.findIndex((load) => load.service === wanted);
  if (index === -1) {
    const names = scenario.load.map((load) => load.service).join(', ');
    const expected = names === '' ? 'a scenario with a load block for it' : `one of ${names}`;
    throw new InputError([{ file, message: `--service: found "${wanted ?? ''}", expected ${expected}` }]);
  }
  const startMs = clock === 'absolute' ? Math.floor(series.startMs / MINUTE) * MINUTE : scenario.start;
  const endMs = clock === 'absolute' ? series.endMs : scenario.start + (series.endMs - series.startMs);
  const align = clock === 'absolute' ? 'time' : 'start';
  const { teaches: _otherLoad, ...rest } = scenario;
  return {
    ...rest,
    name: `${scenario.name} under ${name}`,
    start: startMs,
    duration: Math.ceil((endMs - startMs) / MINUTE) * MINUTE,
    load: scenario.load.map((load, place) =>
      place === index
        ? { ...load, arrivals: 'even', rate: [{ model: 'trace', file: name, scale, repeat: false, align }] }
        : load,
    ),
  };
}

/** A trace that the smallest service hardly feels teaches little: the factor that would fill it. */
function faintTrace(
  { load, services, scalableTargets, taskDefinitions }: Scenario,
  { series }: Trace,
  { service, scale = 1 }: ScenarioOverrides,
): readonly string[] {
  const traced = load.find((entry) => entry.service === (service ?? load[0]?.service));
  const owner = services.find(({ serviceName }) => serviceName === traced?.service);
  const definition = taskDefinitions.find(({ family }) => family === owner?.taskDefinition.split(':')[0]);
  if (traced === undefined || owner === undefined || definition === undefined) return [];
  const target = scalableTargets.find((entry) => entry.service === owner.serviceName);
  const tasks = Math.max(1, target?.MinCapacity ?? owner.desiredCount ?? 1);
  const tasksRps = (tasks * (taskDemand(definition).cpuUnits / 1024) * SECOND) / traced.request.cpuMs;
  let peakRps = 0;
  for (const [index, requests] of series.requests.entries())
    peakRps = Math.max(peakRps, (scale * requests * SECOND) / (series.periodsMs[index] as number));
  if (peakRps === 0 || peakRps > tasksRps / 4) return [];
  const factor = Number(((scale * tasksRps) / peakRps).toPrecision(2));
  const [peak, full] = [peakRps, tasksRps].map((rps) => Number(rps.toPrecision(3)));
  return [
    `The trace peaks at ${peak} requests per second; ${tasks} tasks of "${owner.serviceName}" serve ${full}. --scale ${factor} would fill them.`,
  ];
}
