/** Registry of the servings: how finely a service's requests are simulated. */

import { fluid } from './serving/fluid.ts';
import { requests } from './serving/requests.ts';

export const servings = { fluid, requests } as const;
export type ServingName = keyof typeof servings;
