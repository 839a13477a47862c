/** CloudWatch Logs' slice of the world. */

export interface LogsWorld {
  readonly logs: LogsState;
}

export interface LogsState {
  /** The scenario says which groups there are; else every group is there. */
  readonly areListed: boolean;
  /** By name. */
  readonly groups: Map<string, { streamCount: number }>;
}

export const emptyLogs = (areListed: boolean): LogsState => ({ areListed, groups: new Map() });
