/**
 * CloudWatch Logs: log groups, and the stream that the awslogs driver opens for each container.
 *
 * @source spec/placement.md 5.8 (AWS, ECS Developer Guide, "Send Amazon ECS logs to CloudWatch")
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { event, text, type Decide, type EventsOf, type Evolve } from '../kernel/index.ts';
import type { LogsWorld } from './world.ts';

const logGroupName = z.string().regex(/^[.\-_/#A-Za-z0-9]{1,512}$/, 'expected letters, digits, . - _ / and #');

export const logGroup = z.strictObject({ logGroupName });

/** Calls that change what there is on the way. */
export const logChanges = {
  CreateLogGroup: logGroup,
  DeleteLogGroup: logGroup,
} as const;

export const logEvents = {
  LogGroupCreated: event('A log group was created.', { logGroupName: text('the group') }),
  LogGroupDeleted: event('A log group was deleted, and its streams with it.', { logGroupName: text('the group') }),
  LogStreamCreated: event('A container has a log stream.', {
    logGroupName: text('its group'),
    logStreamName: text('the stream'),
  }),
} as const;
export type LogEvent = EventsOf<typeof logEvents>;

export type LogCommand =
  | { readonly type: 'CreateLogGroup' | 'DeleteLogGroup'; readonly logGroupName: string }
  | { readonly type: 'CreateLogStream'; readonly logGroupName: string; readonly logStreamName: string };

export const decideLogs: Decide<LogsWorld, LogCommand, LogEvent> = {
  CreateLogGroup({ logGroupName: name }, { world }) {
    return world.logs.groups.has(name) ? [] : [{ type: 'LogGroupCreated', logGroupName: name }];
  },
  DeleteLogGroup({ logGroupName: name }, { world: { logs } }) {
    return logs.groups.has(name) ? [{ type: 'LogGroupDeleted', logGroupName: name }] : [];
  },
  CreateLogStream: ({ logGroupName: name, logStreamName }) => [
    { type: 'LogStreamCreated', logGroupName: name, logStreamName },
  ],
};

export const evolveLogs: Evolve<LogsWorld, LogEvent> = {
  LogGroupCreated({ logs }, { logGroupName: name }) {
    logs.groups.set(name, { streamCount: 0 });
  },
  LogGroupDeleted({ logs }, { logGroupName: name }) {
    logs.groups.delete(name);
  },
  LogStreamCreated({ logs }, { logGroupName: name }) {
    const group = logs.groups.get(name);
    if (group !== undefined) group.streamCount++;
  },
};

/** Whether a group is there. Where no scenario names any, all are. */
export function logGroupExists({ logs }: Immutable<LogsWorld>, name: string): boolean {
  return logs.areListed ? logs.groups.has(name) : true;
}

/** What a container's stream is called. Choice: without a prefix it is the Docker container id, which we make of the two names. */
export function logStreamName(prefix: string | undefined, container: string, taskId: string): string {
  return prefix === undefined ? `${taskId}-${container}` : `${prefix}/${container}/${taskId}`;
}
