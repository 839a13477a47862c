/**
 * Composite alarms: a rule over the states of other alarms, and actions that another alarm may suppress.
 *
 * @source spec/autoscaling.md 2.7 (AWS, "Combining alarms", "Composite alarm action suppression")
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import {
  event,
  json,
  optional,
  SECOND,
  text,
  texts,
  number,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
  type ScenarioProblem,
} from '../kernel/index.ts';
import type { AlarmActions, AlarmState } from './alarm.ts';
import { alarmName, scalingActionOf } from './putMetricAlarm.ts';
import type { CloudWatchState, CloudWatchWorld } from './world.ts';

const actions = z
  .array(z.string().min(1).max(1024))
  .max(5)
  .default([])
  .describe('sns:<topic> or an ARN: it is notified');

/** As `aws cloudwatch put-composite-alarm` takes it. */
export const compositeAlarm = z.strictObject({
  AlarmName: alarmName,
  AlarmDescription: z.string().max(1024).optional(),
  AlarmRule: z
    .string()
    .min(1)
    .max(10_240)
    .describe('ALARM(a) AND (OK(b) OR NOT INSUFFICIENT_DATA(c)), TRUE, FALSE, AT_LEAST(2, ALARM, (a, b, c))'),
  ActionsEnabled: z.boolean().default(true),
  AlarmActions: actions,
  OKActions: actions,
  InsufficientDataActions: actions,
  ActionsSuppressor: alarmName.optional().describe('an alarm; while it is in ALARM the actions do not run'),
  ActionsSuppressorWaitPeriod: z.int().min(0).optional().describe('seconds to wait for the suppressor to go to ALARM'),
  ActionsSuppressorExtensionPeriod: z.int().min(0).optional().describe('seconds to wait after it has left ALARM'),
});
export type PutCompositeAlarm = z.output<typeof compositeAlarm>;

/** An alarm as PutCompositeAlarm describes it, in plain data. */
export interface CompositeAlarmConfig {
  readonly alarmName: string;
  readonly rule: string;
  readonly topics: AlarmActions;
  readonly actionsEnabled: boolean;
  readonly suppressor?: { readonly alarmName: string; readonly waitMs: Millis; readonly extensionMs: Millis };
}

export interface CompositeAlarm {
  readonly config: CompositeAlarmConfig;
  state: AlarmState;
  /** Actions for the state that have not run yet: until when they wait; undefined while they are suppressed. */
  pending: { readonly untilMs: Millis | undefined } | undefined;
}

// The rule -------------------------------------------------------------------------------------------------------------

type StateOf = (alarmName: string) => AlarmState | undefined;

/** What is wrong with a rule. */
class AlarmRuleError extends Error {
  /** Where, counted from 0. */
  readonly offset: number;

  constructor(offset: number, found: string, expected: string) {
    super(`found ${found} at character ${offset + 1}, expected ${expected}`);
    this.offset = offset;
  }
}

const TOKEN = /\s*(?:([(),])|("(?:[^"]*)")|([^\s(),"]+)|$)/gy;
const STATES: readonly string[] = ['ALARM', 'OK', 'INSUFFICIENT_DATA'] satisfies readonly AlarmState[];

interface RuleToken {
  readonly text: string;
  readonly at: number;
  readonly quoted?: true;
}

/** Reads a rule from left to right: OR of AND of NOT of functions and parentheses. */
class AlarmRule {
  readonly #tokens: RuleToken[] = [];
  readonly #stateOf: StateOf;
  readonly named: string[] = [];
  #next = 0;

  constructor(rule: string, stateOf: StateOf) {
    this.#stateOf = stateOf;
    for (const match of rule.matchAll(TOKEN)) {
      const [all, symbol, quoted, word] = match;
      const written = symbol ?? quoted ?? word ?? '';
      const at = match.index + all.length - written.length;
      if (written === '') break;
      this.#tokens.push(quoted === undefined ? { text: written, at } : { text: quoted.slice(1, -1), at, quoted: true });
    }
    this.#tokens.push({ text: '', at: rule.length });
  }

  holds(): boolean {
    const value = this.#or();
    if (this.#token.text !== '') throw this.#unexpected('AND, OR or the end');
    return value;
  }

  get #token(): RuleToken {
    return this.#tokens[this.#next] as RuleToken;
  }

  #take(wanted: string): boolean {
    if (this.#token.text !== wanted || this.#token.quoted === true) return false;
    this.#next++;
    return true;
  }

  #expect(wanted: string): void {
    if (!this.#take(wanted)) throw this.#unexpected(wanted);
  }

  #or(): boolean {
    let value = this.#and();
    while (this.#take('OR')) value = this.#and() || value;
    return value;
  }

  #and(): boolean {
    let value = this.#not();
    while (this.#take('AND')) value = this.#not() && value;
    return value;
  }

  #not(): boolean {
    if (this.#take('NOT')) return !this.#not();
    if (this.#take('(')) {
      const value = this.#or();
      this.#expect(')');
      return value;
    }
    if (this.#take('TRUE')) return true;
    if (this.#take('FALSE')) return false;
    if (this.#take('AT_LEAST')) return this.#atLeast();
    const state = this.#state('ALARM(…), OK(…), INSUFFICIENT_DATA(…), AT_LEAST(…), TRUE, FALSE, NOT or (');
    this.#expect('(');
    const isIn = this.#stateOf(this.#name()) === state;
    this.#expect(')');
    return isIn;
  }

  /** `AT_LEAST(2, ALARM, (a, b, c))`, or a share of them: `AT_LEAST(50%, NOT OK, (a, b))`. */
  #atLeast(): boolean {
    this.#expect('(');
    const amount = /^(\d+)(%?)$/.exec(this.#token.text);
    if (amount === null) throw this.#unexpected('a number or a percentage');
    this.#next++;
    this.#expect(',');
    const negated = this.#take('NOT');
    const state = this.#state('ALARM, OK or INSUFFICIENT_DATA');
    this.#expect(',');
    this.#expect('(');
    const found = [this.#name()];
    while (this.#take(',')) found.push(this.#name());
    this.#expect(')');
    this.#expect(')');
    const matching = found.filter((name) => (this.#stateOf(name) === state) !== negated).length;
    return matching >= (amount[2] === '%' ? (Number(amount[1]) * found.length) / 100 : Number(amount[1]));
  }

  #state(expected: string): string {
    const { text: written, quoted } = this.#token;
    if (quoted === true || !STATES.includes(written)) throw this.#unexpected(expected);
    this.#next++;
    return written;
  }

  #name(): string {
    const { text: written, quoted } = this.#token;
    if (written === '' || (quoted !== true && /^[(),]$/.test(written))) throw this.#unexpected('the name of an alarm');
    this.#next++;
    this.named.push(written);
    return written;
  }

  #unexpected(expected: string): AlarmRuleError {
    const { text: written, at } = this.#token;
    return new AlarmRuleError(at, written === '' ? 'the end' : `"${written}"`, expected);
  }
}

/** Whether a rule holds. @throws AlarmRuleError */
export function alarmRuleHolds(rule: string, stateOf: StateOf): boolean {
  return new AlarmRule(rule, stateOf).holds();
}

/** The alarms that a rule names, each once. @throws AlarmRuleError */
function namedAlarms(rule: string): readonly string[] {
  const read = new AlarmRule(rule, () => undefined);
  read.holds();
  return [...new Set(read.named)];
}

const MOST_CHILDREN = 100;

/** What put-composite-alarm would refuse. @param known  the names of all alarms; @param rules  of all composite ones */
export function compositeAlarmProblems(
  written: PutCompositeAlarm,
  known: ReadonlySet<string>,
  rules: ReadonlyMap<string, string>,
): readonly ScenarioProblem[] {
  const problems: ScenarioProblem[] = [];
  const report = (key: keyof PutCompositeAlarm, message: string) => problems.push({ path: [key], message });
  try {
    const children = namedAlarms(written.AlarmRule);
    const stranger = children.find((name) => !known.has(name));
    if (stranger !== undefined)
      report('AlarmRule', `found "${stranger}", expected the name of an alarm: one of ${[...known].join(', ')}`);
    if (children.length > MOST_CHILDREN)
      report('AlarmRule', `found ${children.length} alarms, expected at most ${MOST_CHILDREN}`);
    if (leadsBack(written.AlarmName, children, rules))
      report('AlarmRule', `found a rule that depends on "${written.AlarmName}" itself, expected no circle`);
  } catch (error) {
    if (!(error instanceof AlarmRuleError)) throw error;
    report('AlarmRule', error.message);
  }
  for (const key of ['AlarmActions', 'OKActions', 'InsufficientDataActions'] as const)
    for (const action of written[key])
      if (scalingActionOf(action) !== undefined)
        report(key, `found "${action}", expected a topic: a composite alarm cannot call a scaling policy`);
  const { ActionsSuppressor, ActionsSuppressorWaitPeriod, ActionsSuppressorExtensionPeriod } = written;
  const periods = [ActionsSuppressorWaitPeriod, ActionsSuppressorExtensionPeriod];
  if (ActionsSuppressor !== undefined && periods.includes(undefined))
    report(
      'ActionsSuppressor',
      'found it without ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod, expected both',
    );
  if (ActionsSuppressor !== undefined && !known.has(ActionsSuppressor))
    report('ActionsSuppressor', `found "${ActionsSuppressor}", expected the name of an alarm`);
  return problems;
}

function leadsBack(own: string, children: readonly string[], rules: ReadonlyMap<string, string>): boolean {
  const seen = new Set<string>();
  const open = [...children];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === own) return true;
    const rule = rules.get(name);
    if (seen.has(name) || rule === undefined) continue;
    seen.add(name);
    try {
      open.push(...namedAlarms(rule));
    } catch {
      // Its own mistake is told where it is written.
    }
  }
  return false;
}

export function compositeAlarmOf(written: PutCompositeAlarm): CompositeAlarmConfig {
  const { ActionsSuppressor, ActionsSuppressorWaitPeriod = 0, ActionsSuppressorExtensionPeriod = 0 } = written;
  return {
    alarmName: written.AlarmName,
    rule: written.AlarmRule,
    topics: { ALARM: written.AlarmActions, OK: written.OKActions, INSUFFICIENT_DATA: written.InsufficientDataActions },
    actionsEnabled: written.ActionsEnabled,
    ...(ActionsSuppressor === undefined
      ? {}
      : {
          suppressor: {
            alarmName: ActionsSuppressor,
            waitMs: ActionsSuppressorWaitPeriod * SECOND,
            extensionMs: ActionsSuppressorExtensionPeriod * SECOND,
          },
        }),
  };
}

// The alarm ------------------------------------------------------------------------------------------------------------

export const compositeAlarmEvents = {
  CompositeAlarmPut: event('A composite alarm was created or replaced.', {
    alarm: json<CompositeAlarmConfig>('its configuration'),
  }),
  CompositeAlarmStateChanged: event('The rule of a composite alarm holds, or holds no more.', {
    alarmName: text('the alarm'),
    from: text<AlarmState>('the state before'),
    to: text<AlarmState>('the state now'),
    actions: text<'run' | 'wait' | 'suppressed'>('what becomes of its actions'),
    actionsAtMs: optional(number('until when they wait for the suppressor')),
    topics: texts('the topics that hear of it now'),
  }),
  AlarmActionsSuppressed: event('The suppressor of a composite alarm is in ALARM: actions that waited do not run.', {
    alarmName: text('the composite alarm'),
  }),
  AlarmActionsExtended: event('The suppressor has left ALARM: suppressed actions wait a last time.', {
    alarmName: text('the composite alarm'),
    actionsAtMs: number('until when'),
  }),
  SuppressedAlarmActionsRun: event('The wait for the suppressor is over: the actions of a composite alarm run.', {
    alarmName: text('the alarm'),
    state: text<AlarmState>('its state'),
    topics: texts('the topics that hear of it'),
  }),
} as const;
export type CompositeAlarmEvent = EventsOf<typeof compositeAlarmEvents>;

export type CompositeAlarmCommand =
  | { readonly type: 'PutCompositeAlarm'; readonly alarm: CompositeAlarmConfig }
  /** An alarm that some rule names, or that suppresses, has changed its state. */
  | { readonly type: 'EvaluateCompositeAlarms'; readonly changed: string }
  | { readonly type: 'RunSuppressedActions'; readonly alarmName: string };

/** State of an alarm of either kind. */
function stateOf({ alarms, compositeAlarms }: Immutable<CloudWatchState>): StateOf {
  return (name) => alarms.get(name)?.state ?? compositeAlarms.get(name)?.state;
}

export const decideCompositeAlarm: Decide<CloudWatchWorld, CompositeAlarmCommand, CompositeAlarmEvent> = {
  PutCompositeAlarm: ({ alarm }) => [{ type: 'CompositeAlarmPut', alarm }],

  EvaluateCompositeAlarms({ changed }, { world: { cloudwatch }, nowMs }) {
    const events: CompositeAlarmEvent[] = [];
    const states = stateOf(cloudwatch);
    for (const alarm of cloudwatch.compositeAlarms.values()) {
      const { config, pending, state } = alarm;
      const { alarmName: name, suppressor } = config;
      const isSuppressed = suppressor !== undefined && states(suppressor.alarmName) === 'ALARM';
      const concerned = name === changed || namedAlarms(config.rule).includes(changed);
      const to = concerned ? (alarmRuleHolds(config.rule, states) ? 'ALARM' : 'OK') : state;
      if (to !== state) events.push(change(alarm, to, isSuppressed, nowMs));
      else if (suppressor?.alarmName !== changed || pending === undefined) continue;
      else if (isSuppressed && pending.untilMs !== undefined)
        events.push({ type: 'AlarmActionsSuppressed', alarmName: name });
      else if (!isSuppressed && pending.untilMs === undefined)
        events.push({ type: 'AlarmActionsExtended', alarmName: name, actionsAtMs: nowMs + suppressor.extensionMs });
    }
    return events;
  },

  RunSuppressedActions({ alarmName: name }, { world: { cloudwatch }, nowMs }) {
    const alarm = cloudwatch.compositeAlarms.get(name);
    if (alarm?.pending?.untilMs !== nowMs) return [];
    const { config, state } = alarm;
    return [{ type: 'SuppressedAlarmActionsRun', alarmName: name, state, topics: topicsOf(config, state) }];
  },
};

function topicsOf({ topics, actionsEnabled }: Immutable<CompositeAlarmConfig>, state: AlarmState): readonly string[] {
  return actionsEnabled ? (topics[state] ?? []) : [];
}

/** With a suppressor, the actions of a new state wait for it first; an earlier wait is over. */
function change(
  { config, state }: Immutable<CompositeAlarm>,
  to: AlarmState,
  isSuppressed: boolean,
  nowMs: Millis,
): CompositeAlarmEvent {
  const { alarmName: name, suppressor } = config;
  const common = { type: 'CompositeAlarmStateChanged', alarmName: name, from: state, to } as const;
  if (suppressor === undefined) return { ...common, actions: 'run', topics: topicsOf(config, to) };
  if (isSuppressed) return { ...common, actions: 'suppressed', topics: [] };
  return { ...common, actions: 'wait', actionsAtMs: nowMs + suppressor.waitMs, topics: [] };
}

export const evolveCompositeAlarm: Evolve<CloudWatchWorld, CompositeAlarmEvent> = {
  CompositeAlarmPut({ cloudwatch }, { alarm }) {
    const state = cloudwatch.compositeAlarms.get(alarm.alarmName)?.state ?? 'INSUFFICIENT_DATA';
    cloudwatch.compositeAlarms.set(alarm.alarmName, { config: alarm, state, pending: undefined });
  },
  CompositeAlarmStateChanged({ cloudwatch }, { alarmName: name, to, actions: fate, actionsAtMs }) {
    const alarm = cloudwatch.compositeAlarms.get(name);
    if (alarm === undefined) return;
    alarm.state = to;
    alarm.pending = fate === 'run' ? undefined : { untilMs: actionsAtMs };
  },
  AlarmActionsSuppressed({ cloudwatch }, { alarmName: name }) {
    const alarm = cloudwatch.compositeAlarms.get(name);
    if (alarm !== undefined) alarm.pending = { untilMs: undefined };
  },
  AlarmActionsExtended({ cloudwatch }, { alarmName: name, actionsAtMs }) {
    const alarm = cloudwatch.compositeAlarms.get(name);
    if (alarm !== undefined) alarm.pending = { untilMs: actionsAtMs };
  },
  SuppressedAlarmActionsRun({ cloudwatch }, { alarmName: name }) {
    const alarm = cloudwatch.compositeAlarms.get(name);
    if (alarm !== undefined) alarm.pending = undefined;
  },
};
