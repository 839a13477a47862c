/** Every trap that the doctor knows, by the id that its findings carry. To add one: a lint in its file, and a line here. */

import {
  checksKillBusy,
  checksKillStart,
  containerCheckKillsStart,
  drainsTooLong,
  drainsTooShort,
  killedAtStop,
  rolloutStuck,
  rolloutWithoutPlace,
} from './deployments.ts';
import { doorClosed } from './doors.ts';
import type { Lint } from './lint.ts';
import {
  allOnSpot,
  constraintNowhere,
  fitsSomeTypes,
  groupScalesApart,
  groupTooSmall,
  hostPortCaps,
  interfacesCap,
  joinsElsewhere,
  nobodyScalesGroup,
  noHeadroom,
  providerUnused,
  strandsRoom,
} from './places.ts';
import {
  answersTwice,
  missingMetric,
  noRoomToScale,
  onlyOneWay,
  scaleInFloor,
  stuckAtZero,
  suspendedForGood,
  targetBeyondSaturation,
  unheardPolicy,
  unreachableTarget,
} from './scaling.ts';
import { boundsCross, clocksApart, minimumStaysUp, neverDue, skippedByClocks, zoneTurnedAround } from './schedules.ts';
import { gapInSteps, stepsFlap } from './steps.ts';
import { startDenied } from './permissions.ts';
import { resonance } from './resonance.ts';
import {
  minimumCarriesAll,
  objectiveOutOfReach,
  objectiveWithoutBite,
  peakAboveMaximum,
  timeoutTooShort,
} from './traffic.ts';

export const lints = {
  'no-room-to-scale': noRoomToScale,
  'suspended-for-good': suspendedForGood,
  'unreachable-target': unreachableTarget,
  'target-beyond-saturation': targetBeyondSaturation,
  'scale-in-floor': scaleInFloor,
  'missing-metric': missingMetric,
  'unheard-policy': unheardPolicy,
  'stuck-at-zero': stuckAtZero,
  'only-one-way': onlyOneWay,
  'answers-twice': answersTwice,
  'gap-in-steps': gapInSteps,
  'steps-flap': stepsFlap,
  'never-due': neverDue,
  'skipped-by-clocks': skippedByClocks,
  'clocks-apart': clocksApart,
  'zone-turned-around': zoneTurnedAround,
  'bounds-cross': boundsCross,
  'minimum-stays-up': minimumStaysUp,
  'host-port-caps': hostPortCaps,
  'interfaces-cap': interfacesCap,
  'group-too-small': groupTooSmall,
  'fits-some-types': fitsSomeTypes,
  'constraint-nowhere': constraintNowhere,
  'joins-elsewhere': joinsElsewhere,
  'nobody-scales-group': nobodyScalesGroup,
  'group-scales-apart': groupScalesApart,
  'no-headroom': noHeadroom,
  'all-on-spot': allOnSpot,
  'provider-unused': providerUnused,
  'door-closed': doorClosed,
  'rollout-stuck': rolloutStuck,
  'rollout-without-place': rolloutWithoutPlace,
  'checks-kill-start': checksKillStart,
  'container-check-kills-start': containerCheckKillsStart,
  'checks-kill-busy': checksKillBusy,
  'drains-too-short': drainsTooShort,
  'drains-too-long': drainsTooLong,
  'killed-at-stop': killedAtStop,
  'objective-out-of-reach': objectiveOutOfReach,
  'objective-without-bite': objectiveWithoutBite,
  'timeout-too-short': timeoutTooShort,
  'peak-above-maximum': peakAboveMaximum,
  'minimum-carries-all': minimumCarriesAll,
  resonance,
  'start-denied': startDenied,
  'strands-room': strandsRoom,
} as const satisfies Readonly<Record<string, Lint>>;
export type LintId = keyof typeof lints;
