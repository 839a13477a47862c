/** What became of a service: its scaling decisions in order, each with its arithmetic in one line. */

import { serviceNameOf, type Event, type Recorded, type Scenario } from '../../core/index.ts';
import { describe } from '../report/describe.ts';
import { formatMoment, formatNoun } from '../report/format.ts';
import type { StoryLine } from '../report/wrap.ts';
import { KnownPolicies } from './knownPolicies.ts';

/** Columns of the numbers of events. */
const SEQ_WIDTH = 7;

/**
 * @param events   the whole run
 * @param tracked  which datapoints target tracking reckons with, by the scenario's assumptions
 */
export function serviceStory(
  serviceName: string,
  events: Iterable<Recorded<Event>>,
  tracked: Scenario['assumptions']['scaling']['metricValue'],
): readonly StoryLine[] {
  const known = new KnownPolicies();
  const lines: StoryLine[] = [];
  const counts = { out: 0, in: 0, refused: 0 };
  for (const recorded of events) {
    const { event, seq, atMs } = recorded;
    known.hear(event);
    if (!isDecision(event, recorded.causedBy, serviceName)) continue;
    if (event.type === 'ScalingActivityStarted') counts[event.toCapacity > event.fromCapacity ? 'out' : 'in']++;
    if (event.type === 'ScalingActivityNotScaled') counts.refused++;
    lines.push({
      lead: `${formatMoment(atMs)}  ${String(seq).padStart(SEQ_WIDTH)}  `,
      text: describe(recorded, known.aimOf, known.alarmOf, tracked),
    });
  }
  const { out, in: down, refused } = counts;
  const count = `${formatNoun(out, 'scale-out')}, ${formatNoun(down, 'scale-in')}, ${formatNoun(refused, 'refusal')} (a reason that lasts is told once)`;
  return [
    { text: `${serviceName}: ${count}` },
    ...lines,
    { text: 'The number before a line is that of its event: explain it for datapoints, cooldowns and bounds.' },
  ];
}

/** What moves the desired count, or could have. */
function isDecision(event: Event, causedBy: number, serviceName: string): boolean {
  switch (event.type) {
    case 'ScalingActivityStarted':
    case 'ScalingActivityNotScaled':
    case 'ScalableTargetBoundsChanged':
    case 'ScalableTargetRegistered':
    case 'ScalableTargetDeregistered':
      return serviceNameOf(event.resourceId) === serviceName;
    case 'ScheduledActionTriggered':
      return serviceNameOf(event.resourceId) === serviceName && event.failure !== undefined;
    case 'ServiceUpdated':
      return event.serviceName === serviceName && causedBy === -1;
    case 'DeploymentStarted':
    case 'DeploymentCompleted':
    case 'DeploymentFailed':
      return event.serviceName === serviceName;
    default:
      return false;
  }
}
