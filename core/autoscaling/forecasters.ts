/** Registry of the forecasters of predictive scaling, whose own method AWS does not publish. */

import { seasonalMedian } from './forecasters/seasonalMedian.ts';
import { seasonalCombination } from './forecasters/seasonalCombination.ts';

export const forecasters = { seasonalMedian, seasonalCombination } as const;
