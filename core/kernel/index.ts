/** The kernel's door. It knows no AWS. */

export { Calendar, type Due, type Pending } from './calendar.ts';
export type { StoredColumn } from './column.ts';
export type { Context, Decide, Evolve, Message, Phases } from './decider.ts';
export { Digest, hashedText } from './digest.ts';
export {
  BrokenInvariantError,
  ControllerError,
  formatPath,
  InvalidScenarioError,
  SimulationError,
  type ScenarioProblem,
} from './errors.ts';
export { event, flag, json, number, numbers, optional, text, texts, type EventsOf } from './events.ts';
export { duration, instant, parseInstant } from './input.ts';
export { EventLog } from './log.ts';
export { hashText, keyedRng, type Draws, type Rng } from './rng.ts';
export { rounded } from './rounding.ts';
export type { NumberList } from './numberList.ts';
export { Segment, SEGMENT_EVENTS, SEGMENT_VALUES, type Recorded, type SegmentColumns } from './segment.ts';
export { Simulation, thaw, type Checkpoint, type Model, type SimulationOptions } from './simulation.ts';
export { mergeList, Streams, together, type Controller, type EventStreams } from './streams.ts';
export { Clock, DAY, HOUR, MINUTE, periodStart, Phase, SECOND, type Millis } from './time.ts';
export { replay, Timeline } from './timeline.ts';
