/** Managed draining: a lifecycle hook by which ECS holds an instance until its tasks have moved. @source spec/capacity.md 2.7 */

import { HOUR, type Millis } from '../../kernel/index.ts';

export const MANAGED_DRAINING_HOOK = 'ecs-managed-draining-termination-hook';

/** ECS sends heartbeats while tasks are left; AWS ends a hook after 48 hours at the latest. */
export const LONGEST_DRAINING_MS: Millis = 48 * HOUR;

/** The agent asks the instance's metadata for a Spot notice once a second. @source agent/app/agent.go */
export const SPOT_POLL_MS: Millis = 1_000;
