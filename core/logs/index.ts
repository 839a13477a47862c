/** CloudWatch Logs: groups, and a stream for each container. */

import { Phase, type Phases } from '../kernel/index.ts';
import type { LogCommand } from './logGroup.ts';

export {
  decideLogs,
  evolveLogs,
  logChanges,
  logEvents,
  logGroup,
  logGroupExists,
  logStreamName,
  type LogCommand,
  type LogEvent,
} from './logGroup.ts';
export { emptyLogs, type LogsState, type LogsWorld } from './world.ts';

export const logPhases: Phases<LogCommand> = {
  CreateLogGroup: Phase.Execute,
  DeleteLogGroup: Phase.Execute,
  CreateLogStream: Phase.Environment,
};
