/** `seatrial explain`: why something happened in a stored run, why something did not, and how long a scale-out took. */

import type { Scenario } from '../../core/index.ts';
import { eventStory } from '../explain/eventStory.ts';
import { serviceStory } from '../explain/serviceStory.ts';
import { waterfallsOf, type Waterfall } from '../explain/waterfall.ts';
import { whyNot, type Subject } from '../explain/whyNot.ts';
import { InputError } from '../input/inputError.ts';
import { looksLikeInstant, runInstant } from '../input/runInstant.ts';
import { formatNoun } from '../report/format.ts';
import { waterfallLines } from '../report/waterfall.ts';
import { outputOf } from '../report/output.ts';
import { storyText, type StoryLine } from '../report/wrap.ts';
import { RunReader } from '../store/runDirectory.ts';
import { worldAt } from '../store/worldAt.ts';
import { print } from '../report/print.ts';

export interface ExplainOptions {
  readonly json?: boolean;
}

/**
 * @param words  what to explain: the number of an event, an instant, a service; or `why-not` or `waterfall` and of what
 * @returns the exit code. @throws InputError
 */
export function explain(path: string, words: readonly string[], options: ExplainOptions): number {
  print(explanation(path, words, { ...options, width: outputOf(process.stdout).width }));
  return 0;
}

/** The same as a text. @throws InputError */
export function explanation(
  path: string,
  words: readonly string[],
  { json = false, width }: ExplainOptions & { readonly width: number },
): string {
  const run = new Run(path);
  const [verb, ...rest] = words;
  if (verb === 'waterfall') {
    const { waterfall, rank } = run.waterfall(rest);
    return json
      ? `${JSON.stringify(waterfall, undefined, 2)}\n`
      : storyText(waterfallLines(waterfall, rank, width), width);
  }
  if (json) throw run.error('found --json, expected it with waterfall only');
  if (verb === 'why-not') return storyText(run.whyNot(rest), width);
  return storyText(run.what(words), width);
}

const KINDS = ['service', 'task', 'instance'] as const;

/** A stored run, and the words that point at something in it. */
class Run {
  readonly #path: string;
  readonly #reader: RunReader;
  readonly #scenario: Scenario;

  constructor(path: string) {
    this.#path = path;
    this.#reader = new RunReader(path);
    this.#scenario = this.#reader.loaded().scenario;
  }

  error(message: string): InputError {
    return new InputError([{ file: this.#path, message }]);
  }

  /** An event, an instant, or a service. */
  what(words: readonly string[]): readonly StoryLine[] {
    const text = words.join(' ');
    if (text === '') return this.#overview();
    if (/^\d+$/.test(text)) return eventStory(this.#reader, this.#event(text));
    if (looksLikeInstant(text)) return eventStory(this.#reader, this.#lastUntil(this.#instant(text)));
    const name = this.#service(words.length === 2 && words[0] === 'service' ? words.slice(1) : words);
    return serviceStory(name, this.#reader.events(), this.#scenario.assumptions.scaling.metricValue);
  }

  whyNot(words: readonly string[]): readonly StoryLine[] {
    const at = words.findIndex((word) => KINDS.some((kind) => kind === word));
    const when = (at === -1 ? words : words.slice(0, at)).join(' ');
    if (when === '')
      throw this.error(
        'found no instant after why-not, expected one, such as "why-not 2030-01-08T12:05:00Z service web"',
      );
    const nowMs = this.#instant(when);
    const [kind, name, ...more] = at === -1 ? [] : words.slice(at);
    if (kind !== undefined && (name === undefined || more.length > 0))
      throw this.error(`found "${words.slice(at).join(' ')}", expected one name after ${kind}`);
    const subject = kind === undefined ? undefined : ({ kind, name } as Subject);
    const lines = whyNot(this.#reader, nowMs, subject);
    if (lines !== undefined) return lines;
    throw this.error(
      `found ${kind} "${name}", expected one that is there at that instant: ${this.#names(nowMs, kind as Subject['kind'])}`,
    );
  }

  #names(nowMs: number, kind: Subject['kind']): string {
    const { ecs, ec2 } = worldAt(this.#reader, nowMs).world;
    const all = { service: ecs.services, task: ecs.tasks, instance: ec2.instances }[kind];
    const names = [...all.keys()];
    if (names.length === 0) return 'there is none';
    return names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ');
  }

  /** The scale-out that is meant, with its place among those of its service. */
  waterfall(words: readonly string[]): { readonly waterfall: Waterfall; readonly rank: string } {
    const all = waterfallsOf(this.#scenario, this.#reader.events());
    const text = words.join(' ');
    if (/^\d+$/.test(text)) {
      const seq = this.#event(text);
      const found = all.find(({ event }) => event === seq);
      if (found === undefined)
        throw this.error(
          `found event ${text}, expected a ScalingActivityStarted that added tasks of which one came to serve${listed(all)}`,
        );
      return { waterfall: found, rank: rankOf(found, all) };
    }
    if (text !== '' && looksLikeInstant(text)) {
      const atMs = this.#instant(text);
      const found = all.findLast((item) => item.startMs <= atMs);
      if (found === undefined) throw this.error(`found no scale-out until ${text}${listed(all)}`);
      return { waterfall: found, rank: rankOf(found, all) };
    }
    const wanted = text === '' ? undefined : this.#service(words[0] === 'service' ? words.slice(1) : words);
    const own = all.filter(({ service }) => wanted === undefined || service === wanted);
    const [first] = own.toSorted((a, b) => b.last.totalMs - a.last.totalMs || a.event - b.event);
    if (first === undefined)
      throw this.error(
        `found no scale-out${wanted === undefined ? '' : ` of ${wanted}`} after which a new task served`,
      );
    return { waterfall: first, rank: rankOf(first, all) };
  }

  #overview(): readonly StoryLine[] {
    const { start, duration, services } = this.#scenario;
    const [from, to] = [start, start + duration].map((ms) => new Date(ms).toISOString());
    return [
      {
        text: `The run has ${formatNoun(this.#reader.length, 'event')} from ${from} to ${to}, and the services ${services.map(({ serviceName }) => serviceName).join(', ')}.`,
      },
      {
        text: 'Explain a service (its decisions in order), the number of an event, an instant (the last event until then),',
      },
      {
        text: '"why-not INSTANT [service NAME | task ID | instance ID]", or "waterfall [EVENT | service NAME | INSTANT]".',
      },
    ];
  }

  #instant(text: string): number {
    return runInstant(this.#path, this.#scenario, text);
  }

  #event(text: string): number {
    const last = this.#reader.length - 1;
    if (Number(text) > last) throw this.error(`found event ${text}, expected a number from 0 to ${last}`);
    return Number(text);
  }

  #lastUntil(nowMs: number): number {
    const last = worldAt(this.#reader, nowMs).seq - 1;
    if (last < 0) throw this.error('found no event until then, expected a later instant');
    return last;
  }

  #service(words: readonly string[]): string {
    const text = words.join(' ');
    const names = this.#scenario.services.map(({ serviceName }) => serviceName);
    if (words.length === 1 && names.includes(text)) return text;
    throw this.error(
      `found "${text}", expected the number of an event, an instant, a service (${names.join(', ') || 'there is none'}), why-not INSTANT, or waterfall`,
    );
  }
}

/** `, such as event 4711 or 4800` */
function listed(all: readonly Waterfall[]): string {
  const few = all.slice(0, 5).map(({ event }) => event);
  return few.length === 0 ? ': the run has none' : `, such as event ${few.join(' or ')}`;
}

/** `the slowest of 21 scale-outs of web` */
function rankOf(waterfall: Waterfall, all: readonly Waterfall[]): string {
  const own = all.filter(({ service }) => service === waterfall.service);
  const slower = own.filter(({ last }) => last.totalMs > waterfall.last.totalMs).length;
  const place = slower === 0 ? 'the slowest' : `number ${slower + 1} by length`;
  return own.length === 1
    ? `the only scale-out of ${waterfall.service}`
    : `${place} of the ${formatNoun(own.length, 'scale-out')} of ${waterfall.service}`;
}
