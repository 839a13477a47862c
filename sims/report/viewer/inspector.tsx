/** What a run is at the instant of the slider, in words: services, alarms, the events around it, and what was clicked. */

import { useComputed } from '@preact/signals';
import {
  formatAmount,
  formatCount,
  formatDuration,
  formatLatency,
  formatMinute,
  formatNoun,
  formatValue,
} from '../format.ts';
import { alarmStates, decisionTypes, instanceStates, taskStates } from '../page/data.ts';
import { lastAtOrBefore, type Lives, type Run } from './run.ts';
import { calmNowMs, eventsShown, goTo, nowMs, selectEvent, selection } from './state.ts';
import { glued, instantOf } from './time.ts';
import { countTasks, describeInstances, isAlarmThere, presentAt } from './world.ts';

export function Services({ run }: { run: Run }) {
  const now = calmNowMs.value;
  const counts = countTasks(run, presentAt(run.tasks, now));
  const point = run.pointAt(now);
  const value = (service: number, name: string) => run.column(`service.${service}.${name}`)[point] ?? Number.NaN;
  const shown = (number: number, format: (value: number) => string) => (Number.isNaN(number) ? '-' : format(number));
  const rps = (service: number, ...names: readonly string[]) =>
    names.reduce((sum, name) => sum + (value(service, name) * 1_000) / run.page.pointMs, 0);
  return (
    <table class="services">
      <caption class="hidden">Services at this instant</caption>
      <thead>
        <tr>
          <th scope="col">service</th>
          <th scope="col">desired</th>
          <th scope="col">running</th>
          <th scope="col">pending</th>
          <th scope="col">leaving</th>
          <th scope="col">load</th>
          <th scope="col">CPU</th>
          <th scope="col">p99</th>
          <th scope="col">failed</th>
        </tr>
      </thead>
      <tbody>
        {run.page.services.map(({ name, hasLoad }, service) => {
          const { running = 0, pending = 0, unhealthy = 0, leaving = 0 } = counts[service] ?? {};
          const failed = hasLoad ? rps(service, 'timedOut', 'rejected', 'unserved', 'lost') : 0;
          return (
            <tr>
              <th scope="row">{name}</th>
              <td>{shown(value(service, 'desired'), formatCount)}</td>
              <td>
                {formatCount(running)}
                {unhealthy > 0 ? <span class="bad">, {formatCount(unhealthy)} unhealthy</span> : null}
              </td>
              <td class={pending > 0 ? 'warn' : ''}>{formatCount(pending)}</td>
              <td>{formatCount(leaving)}</td>
              <td>{hasLoad ? `${shown(rps(service, 'offered'), formatAmount)}/s` : '-'}</td>
              <td>{hasLoad ? shown(value(service, 'cpu'), (cpu) => `${formatCount(cpu)} %`) : '-'}</td>
              <td>{hasLoad ? shown(value(service, 'p99Ms'), formatLatency) : '-'}</td>
              <td class={failed > 0 ? 'bad' : ''}>{hasLoad ? `${shown(failed, formatAmount)}/s` : '-'}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Datapoints of an alarm that are shown: as many as it looks at, and no more than these. */
const MOST_DATAPOINTS = 8;

export function Alarms({ run }: { run: Run }) {
  const now = calmNowMs.value;
  const { alarms } = run.page;
  const [changed, state, at, seq] = ['alarm', 'state', 'at', 'seq'].map((name) =>
    run.column(`alarmChange.${name}`),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const last = alarms.map(() => -1);
  for (let change = lastAtOrBefore(at, now), left = alarms.length; change >= 0 && left > 0; change--) {
    const index = changed[change] as number;
    if (last[index] !== -1) continue;
    last[index] = change;
    left--;
  }
  if (alarms.length === 0) return <p class="soft">No alarms.</p>;
  return (
    <ul class="alarms">
      {alarms.map(({ title, rule }, index) => {
        if (!isAlarmThere(run, index, now)) return null;
        const change = last[index] as number;
        const name = change === -1 ? 'INSUFFICIENT_DATA' : (alarmStates[state[change] as number] as string);
        const event = change === -1 ? undefined : run.eventOf(seq[change] as number);
        return (
          <li>
            <span class={`state ${name} ${rule.includes(' below ') ? 'low' : ''}`}>
              {name === 'INSUFFICIENT_DATA' ? 'NO DATA' : name}
            </span>{' '}
            {event === undefined ? (
              <b>{title}</b>
            ) : (
              <button type="button" class="link" onClick={() => selectEvent(run, event)}>
                {title}
              </button>
            )}{' '}
            <span class="soft">
              {change === -1 ? '' : `for ${formatDuration(now - (at[change] as number))}; `}
              {rule}
            </span>
            <Datapoints run={run} index={index} now={now} />
          </li>
        );
      })}
    </ul>
  );
}

/** The values that an alarm looks at, the newest last; those past its threshold stand out. */
function Datapoints({ run, index, now }: { run: Run; index: number; now: number }) {
  const { evaluationPeriods, periodMs, threshold = 0, rule } = run.page.alarms[index] as Run['page']['alarms'][number];
  const values = run.column(`alarm.${index}`);
  if (values.length === 0) return null;
  const { pointMs, startMs } = run.page;
  const stepPoints = Math.max(1, Math.round(periodMs / pointMs));
  const isAbove = rule.includes(' above ');
  const isPast = (value: number) =>
    (isAbove ? value > threshold : value < threshold) || (value === threshold && rule.includes(' at or '));
  const shown: { readonly atMs: number; readonly value: number }[] = [];
  // A value is stamped with the start of its period, and known when that is over.
  for (let point = Math.floor(now / pointMs) - stepPoints; point >= 0; point--) {
    const value = values[point] as number;
    if (!Number.isNaN(value)) shown.unshift({ atMs: point * pointMs, value });
    if (shown.length >= Math.min(MOST_DATAPOINTS, Math.max(1, evaluationPeriods))) break;
  }
  if (shown.length === 0) return null;
  return (
    <span class="datapoints">
      {shown.map(({ atMs, value }) => (
        <span class={isPast(value) ? 'past' : ''} title={formatMinute(startMs + atMs)}>
          {formatValue(value)}
        </span>
      ))}
    </span>
  );
}

const AROUND = { before: 9, after: 5 };

export function EventList({ run }: { run: Run }) {
  const listed = useComputed(() => {
    const now = calmNowMs.value;
    const picked = selection.value;
    // Of many events at one instant, around the one that was clicked.
    const isHere = picked?.kind === 'event' && picked.run === run && run.events.at[picked.index] === now;
    return aroundOf(run, isHere ? picked.index : run.eventAt(now), eventsShown.value);
  });
  const selected = selection.value;
  return (
    <ol class="events" aria-label="Events around this instant">
      {listed.value.map((index) => (
        <EventRow
          key={index}
          run={run}
          index={index}
          isPast={(run.events.at[index] as number) <= calmNowMs.value}
          isSelected={selected?.kind === 'event' && selected.run === run && selected.index === index}
        />
      ))}
    </ol>
  );
}

/** Events that are shown around the newest one at an instant. */
function aroundOf(run: Run, last: number, filter: 'decisions' | 'all'): readonly number[] {
  const wanted = run.page.eventTypes.map((type) => filter === 'all' || decisionTypes.has(type) || TELLING.has(type));
  const isWanted = (index: number) => wanted[run.events.type[index] as number] === true;
  const [before, after]: [number[], number[]] = [[], []];
  for (let index = last; index >= 0 && before.length < AROUND.before; index--)
    if (isWanted(index)) before.unshift(index);
  for (let index = last + 1; index < run.events.count && after.length < AROUND.after; index++)
    if (isWanted(index)) after.push(index);
  return [...before, ...after];
}

/** Besides decisions, what a reader in a hurry wants to see. */
const TELLING: ReadonlySet<string> = new Set([
  'AlarmStateChanged',
  'CompositeAlarmStateChanged',
  'ScalingActivityNotScaled',
  'GroupNotScaled',
  'DeploymentStarted',
  'DeploymentCompleted',
  'DeploymentFailed',
  'FaultBegan',
  'FaultEnded',
  'TaskFaultBegan',
  'TaskFaultEnded',
  'SpotInterruptionNoticed',
  'ServiceTaskPlacementFailed',
  'InstanceLaunchFailed',
]);

function EventRow({
  run,
  index,
  isPast,
  isSelected,
}: {
  run: Run;
  index: number;
  isPast: boolean;
  isSelected: boolean;
}) {
  const type = run.typeOf(index);
  const kind = decisionTypes.has(type) ? 'decision' : type.startsWith('Alarm') ? 'alarm' : '';
  return (
    <li class={`${isPast ? '' : 'future'} ${isSelected ? 'selected' : ''} ${kind}`}>
      <button type="button" onClick={() => selectEvent(run, index)} aria-current={isSelected}>
        <time>{instantOf(run, run.events.at[index] as number)}</time> {glued(run.textOf(index))}
      </button>
    </li>
  );
}

/** What was clicked: why an event happened, or how a task or an instance lived. */
export function Selected({ run }: { run: Run }) {
  const selected = selection.value;
  if (selected === undefined || selected.run !== run)
    return <p class="soft hint">Click an event for the chain of its causes, a task or an instance for its life.</p>;
  if (selected.kind === 'event') return <Chain run={run} index={selected.index} />;
  return selected.kind === 'task' ? (
    <TaskLife run={run} index={selected.index} />
  ) : (
    <InstanceLife run={run} index={selected.index} />
  );
}

function Chain({ run, index }: { run: Run; index: number }) {
  const chain = [index];
  for (let cause = run.causeOf(index); cause !== undefined; cause = run.causeOf(cause)) chain.push(cause);
  const { events, page } = run;
  const task = events.task[index] as number;
  const instance = events.instance[index] as number;
  const end = run.typeOf(chain.at(-1) as number);
  return (
    <div class="chain">
      <h3>why</h3>
      <ol>
        {chain.map((link, position) => (
          <li>
            <span class="soft">
              {position === 0 ? '' : 'because '}
              <time>{instantOf(run, events.at[link] as number)}</time> {run.typeOf(link)} {events.seq[link]}
            </span>
            <button type="button" class="link" disabled={position === 0} onClick={() => selectEvent(run, link)}>
              {glued(run.textOf(link))}
            </button>
          </li>
        ))}
      </ol>
      <p class="soft">
        {end === 'LoadServed' ? 'which is the traffic' : 'which the scenario asks for, or time itself'}
      </p>
      <p>
        {task >= 0 ? (
          <button type="button" onClick={() => (selection.value = { kind: 'task', run, index: task })}>
            the life of {page.taskNames[task]}
          </button>
        ) : null}{' '}
        {instance >= 0 ? (
          <button type="button" onClick={() => (selection.value = { kind: 'instance', run, index: instance })}>
            the life of {page.instanceNames[instance]}
          </button>
        ) : null}
      </p>
    </div>
  );
}

/** Events of one thing that are listed. */
const MOST_OF_ONE = 60;

function eventsOf(column: Float64Array, wanted: number): readonly number[] {
  const found: number[] = [];
  for (let index = 0; index < column.length && found.length < MOST_OF_ONE; index++)
    if (column[index] === wanted) found.push(index);
  return found;
}

function Life({ run, lives, index, states }: { run: Run; lives: Lives; index: number; states: readonly string[] }) {
  const { starts, at, states: numbers } = lives;
  const [from, to] = [starts[index] as number, starts[index + 1] as number];
  const rows = Array.from({ length: to - from }, (_, row) => {
    const atMs = at[from + row] as number;
    const nextMs = row === to - from - 1 ? undefined : (at[from + row + 1] as number);
    return {
      atMs,
      state: states[numbers[from + row] as number] as string,
      forMs: nextMs === undefined ? undefined : nextMs - atMs,
    };
  });
  const now = nowMs.value;
  return (
    <table class="life">
      <tbody>
        {rows.map(({ atMs, state, forMs }) => (
          <tr class={atMs <= now && (forMs === undefined || now < atMs + forMs) ? 'present' : ''}>
            <td>
              <button type="button" class="link" onClick={() => goTo(atMs)}>
                {instantOf(run, atMs)}
              </button>
            </td>
            <td>{state}</td>
            <td class="soft">{forMs === undefined ? '' : formatDuration(forMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function TaskLife({ run, index }: { run: Run; index: number }) {
  const { page } = run;
  const of = (name: string) => run.column(`task.${name}`)[index] as number;
  const definition = page.taskDefinitions[of('definition')];
  const instance = of('instance');
  return (
    <div class="chain">
      <h3>the life of {page.taskNames[index]}</h3>
      <p class="soft">
        {page.services[of('service')]?.name ?? 'on its own'}, {definition?.name}, {definition?.cpuUnits} CPU units,{' '}
        {definition?.memoryMiB} MiB,{' '}
        {instance >= 0 ? `on ${page.instanceNames[instance] as string}` : (page.providers[of('provider')] ?? '')}
      </p>
      <Life run={run} lives={run.tasks} index={index} states={taskStates} />
      <Listed run={run} events={eventsOf(run.events.task, index)} />
    </div>
  );
}

function InstanceLife({ run, index }: { run: Run; index: number }) {
  const { page } = run;
  const of = (name: string) => run.column(`instance.${name}`)[index] as number;
  return (
    <div class="chain">
      <h3>the life of {page.instanceNames[index]}</h3>
      <p class="soft">
        {page.instanceTypes[of('type')]} in {page.zones[of('zone')]}, {page.providers[of('provider')]}
        {of('isSpot') === 1 ? ', Spot' : ''}
        {of('cpuUnits') > 0 ? `, ${formatCount(of('cpuUnits'))} CPU units, ${formatCount(of('memoryMiB'))} MiB` : ''}
      </p>
      <Life run={run} lives={run.instances} index={index} states={instanceStates} />
      <Listed run={run} events={eventsOf(run.events.instance, index)} />
    </div>
  );
}

function Listed({ run, events }: { run: Run; events: readonly number[] }) {
  return (
    <ol class="events">
      {events.map((index) => (
        <EventRow
          key={index}
          run={run}
          index={index}
          isPast={(run.events.at[index] as number) <= nowMs.value}
          isSelected={false}
        />
      ))}
    </ol>
  );
}

/** `12 instances (11 ACTIVE, 1 booting), 38 tasks` */
export function Counts({ run }: { run: Run }) {
  const now = calmNowMs.value;
  const instances = presentAt(run.instances, now);
  const tasks = presentAt(run.tasks, now);
  const parts = [
    ...(run.instances.count > 0
      ? [
          `${formatNoun(instances.length, 'instance')}${instances.length > 0 ? ` (${describeInstances(instances)})` : ''}`,
        ]
      : []),
    formatNoun(tasks.length, 'task'),
  ];
  return <p class="counts">{parts.join(', ')}</p>;
}
