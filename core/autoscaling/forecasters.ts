/** Registry of the forecasters of predictive scaling, whose own method AWS does not publish. */

import { seasonalMedian } from './forecasters/seasonalMedian.ts';
import { seasonalSmoothing } from './forecasters/seasonalSmoothing.ts';

export const forecasters = { seasonalMedian, seasonalSmoothing } as const;
