/** Registry of the servings: how finely a service's requests are simulated, or that it works off a queue. */

import { fluid } from './serving/fluid.ts';
import { queue } from './serving/queue.ts';
import { requests } from './serving/requests.ts';

export const servings = { fluid, requests, queue } as const;
export type ServingName = keyof typeof servings;
