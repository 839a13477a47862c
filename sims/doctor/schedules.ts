/** Scheduled actions: schedules that never come due, clocks that change, and bounds that cross. */

import { DAY, MINUTE, scheduledTimes, type Millis } from '../../core/index.ts';
import { formatDate, formatDuration, formatNoun } from '../report/format.ts';
import type { Facts, Listed, ScalableTarget, ServiceFacts } from './facts.ts';
import type { Finding, Lint } from './lint.ts';

const SCHEDULES = 'AWS, Application Auto Scaling, "Scheduled scaling"';

interface ActionFacts {
  readonly service: ServiceFacts;
  readonly target: Listed<ScalableTarget>;
  readonly action: ScalableTarget['scheduledActions'][number];
  readonly path: readonly (string | number)[];
  /** When it is due while the scenario sails. */
  readonly times: readonly Millis[];
}

function actionsOf({ scenario, services, endMs }: Facts): readonly ActionFacts[] {
  return services.flatMap((service) =>
    (service.target?.config.scheduledActions ?? []).map((action, index) => ({
      service,
      target: service.target as Listed<ScalableTarget>,
      action,
      path: ['scalableTargets', service.target?.index as number, 'scheduledActions', index],
      times: dueTimes(scenario, action, scenario.start, endMs),
    })),
  );
}

function dueTimes(
  { assumptions: { scaling } }: Facts['scenario'],
  { Schedule, Timezone, StartTime, EndTime }: ActionFacts['action'],
  fromMs: Millis,
  toMs: Millis,
  choices: { readonly nonexistentLocalTime?: 'skipped' | 'shifted' } = {},
): readonly Millis[] {
  const options = { timeZone: Timezone, fromMs, toMs, startMs: StartTime, endMs: EndTime, ...scaling, ...choices };
  return scheduledTimes(Schedule, options);
}

/** Further than any recurrence that people write: a year, and its leap day. */
const A_YEAR = 366 * DAY;

export const neverDue: Lint = {
  title: 'a schedule that never comes due',
  source: `${SCHEDULES}: at() is one instant; StartTime and EndTime limit a recurring schedule`,
  find: (facts) => {
    const { scenario, endMs } = facts;
    return actionsOf(facts).flatMap(({ action, path, times, service }): readonly Finding[] => {
      if (times.length > 0) return [];
      const name = `action "${action.ScheduledActionName}" of "${service.name}"`;
      const later = dueTimes(scenario, action, endMs, endMs + A_YEAR).at(0);
      const earlier = dueTimes(scenario, action, scenario.start - A_YEAR, scenario.start).at(-1);
      if (later !== undefined)
        return [
          {
            severity: 'note',
            path: [...path, 'Schedule'],
            what: `${name} does nothing in this run`,
            why: `it first comes due at ${formatDate(later)} UTC, after the end of the run, ${formatDate(endMs)}`,
            help: 'sail longer, or start nearer to it',
          },
        ];
      const past = earlier === undefined ? '' : `: it was due last at ${formatDate(earlier)} UTC`;
      return [
        {
          severity: 'serious',
          path: [...path, 'Schedule'],
          what: `${name} never comes due`,
          why: `${action.Schedule} in ${action.Timezone} has no time between the start of the run, ${formatDate(scenario.start)} UTC, and ${action.EndTime === undefined ? 'a year after its end' : `its EndTime, ${formatDate(action.EndTime)} UTC`}${past}`,
          help: 'mind the year, the zone and EndTime',
        },
      ];
    });
  },
};

export const skippedByClocks: Lint = {
  title: 'a local time that the clocks skip',
  source: `${SCHEDULES} is silent; EventBridge Scheduler skips it (AWS re:Post, "daylight saving time")`,
  find: (facts) =>
    actionsOf(facts).flatMap(({ action, path, times, service }): readonly Finding[] => {
      const shifted = dueTimes(facts.scenario, action, facts.scenario.start, facts.endMs, {
        nonexistentLocalTime: 'shifted',
      });
      const skipped = shifted.find((atMs) => !times.includes(atMs));
      if (skipped === undefined) return [];
      return [
        {
          severity: 'warning',
          path: [...path, 'Schedule'],
          what: `action "${action.ScheduledActionName}" of "${service.name}" is skipped on ${formatDate(skipped).slice(0, 10)}`,
          why: `the clocks of ${action.Timezone} go forward over its time`,
          help: 'choose an hour that every day has, such as 04:00',
        },
      ];
    }),
};

export const clocksApart: Lint = {
  title: 'schedules that keep to different clocks',
  source: `${SCHEDULES}: a Timezone keeps to its daylight saving time, UTC has none`,
  find: (facts) => {
    const all = actionsOf(facts);
    return all.flatMap((fixed): readonly Finding[] => {
      if (fixed.action.Timezone !== 'UTC' || fixed.times.length < 2) return [];
      for (const zoned of all) {
        if (zoned.action.Timezone === 'UTC') continue;
        const apart = fixed.times.find((atMs) => !zoned.times.includes(atMs));
        const together = zoned.times.some((atMs) => fixed.times.includes(atMs));
        const nearest = zoned.times.map((atMs) => atMs - (apart ?? 0)).toSorted((a, b) => Math.abs(a) - Math.abs(b))[0];
        if (!together || apart === undefined || nearest === undefined || Math.abs(nearest) > DAY / 2) continue;
        return [
          {
            severity: 'warning',
            path: [...fixed.path, 'Schedule'],
            what: `action "${fixed.action.ScheduledActionName}" of "${fixed.service.name}" comes ${formatDuration(Math.abs(nearest))} ${nearest < 0 ? 'late' : 'early'} from ${formatDate(apart).slice(0, 10)} on`,
            why: `it is written in UTC, and came together with "${zoned.action.ScheduledActionName}" of "${zoned.service.name}" until the clocks of ${zoned.action.Timezone} changed`,
            help: `write it in ${zoned.action.Timezone}, the zone of the people who make the load`,
          },
        ];
      }
      return [];
    });
  },
};

const ETC_ZONE = /^Etc\/GMT([+-])(\d+)$/;

export const zoneTurnedAround: Lint = {
  title: 'a zone whose sign is turned around',
  source: 'IANA time zone database, etcetera: Etc/GMT+9 is nine hours behind UTC, as POSIX has it',
  find: (facts) =>
    actionsOf(facts).flatMap(({ action, path }): readonly Finding[] => {
      const [, sign, hours] = ETC_ZONE.exec(action.Timezone) ?? [];
      if (sign === undefined || Number(hours) === 0) return [];
      return [
        {
          severity: 'note',
          path: [...path, 'Timezone'],
          what: `${action.Timezone} is ${hours} hours ${sign === '+' ? 'behind' : 'ahead of'} UTC`,
          why: 'zones of Etc/ count the other way round',
          help: 'name a place instead, such as Asia/Tokyo: it also knows about daylight saving time',
        },
      ];
    }),
};

/** The bounds of each target as its actions change them, in the order in which they come due. */
export const boundsCross: Lint = {
  title: 'a scheduled action that fails',
  source: `${SCHEDULES}: minimum must not pass maximum; an action that sets one of them keeps the other`,
  find: (facts) => {
    if (facts.scenario.assumptions.scaling.scheduledConflict === 'clamp') return [];
    return facts.services.flatMap((service): readonly Finding[] => {
      const due = actionsOf(facts)
        .filter((action) => action.service === service)
        .flatMap((action) => action.times.map((atMs) => ({ atMs, action })))
        .toSorted((a, b) => a.atMs - b.atMs);
      let { MinCapacity: least = 0, MaxCapacity: most = 0 } = service.target?.config ?? {};
      const told = new Set<string>();
      const findings: Finding[] = [];
      for (const { atMs, action } of due) {
        const { ScheduledActionName: name, ScalableTargetAction: bounds } = action.action;
        const { MinCapacity = least, MaxCapacity = most } = bounds;
        if (MinCapacity <= MaxCapacity) {
          [least, most] = [MinCapacity, MaxCapacity];
          continue;
        }
        if (told.has(name)) continue;
        told.add(name);
        findings.push({
          severity: 'serious',
          path: [...action.path, 'ScalableTargetAction'],
          what: `action "${name}" of "${service.name}" fails at ${formatDate(atMs)} UTC, and changes nothing`,
          why: `it would leave a minimum of ${MinCapacity} above a maximum of ${MaxCapacity}`,
          help: 'set MinCapacity and MaxCapacity together',
        });
      }
      return findings;
    });
  },
};

export const minimumStaysUp: Lint = {
  title: 'a minimum that is raised and never lowered',
  source: `${SCHEDULES}: an action sets the bounds for good; nothing restores them`,
  find: (facts) =>
    actionsOf(facts).flatMap((raise): readonly Finding[] => {
      const { service, target, action, path, times } = raise;
      const { MinCapacity } = action.ScalableTargetAction;
      const firstMs = times[0];
      if (MinCapacity === undefined || firstMs === undefined || MinCapacity <= target.config.MinCapacity) return [];
      const lowered = actionsOf(facts).some(
        (other) =>
          other.service === service && (other.action.ScalableTargetAction.MinCapacity ?? MinCapacity) < MinCapacity,
      );
      const changed = facts.scenario.changes.some(
        ({ RegisterScalableTarget: register, PutScheduledAction: put, DeleteScheduledAction: gone }) =>
          [register, put, gone].some((call) => call?.service === service.name),
      );
      if (lowered || changed || facts.endMs - firstMs < MINUTE) return [];
      return [
        {
          severity: 'warning',
          path: [...path, 'ScalableTargetAction', 'MinCapacity'],
          what: `"${service.name}" keeps at least ${formatNoun(MinCapacity, 'task')} from ${formatDate(firstMs)} UTC on, for good`,
          why: `the action raises the minimum from ${target.config.MinCapacity}, and no other action lowers it again`,
          help: 'add an action that sets the old minimum after the rush',
        },
      ];
    }),
};
