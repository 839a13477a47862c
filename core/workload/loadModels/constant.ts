/** The same rate, always. */

import { z } from 'zod';
import { SECOND } from '../../kernel/index.ts';
import type { LoadModel } from '../loadModel.ts';

const schema = z.strictObject({
  model: z.literal('constant'),
  rate: z.number().min(0).max(1e9).describe('requests per second'),
});

export const constant: LoadModel<typeof schema> = {
  schema,
  requests: ({ rate }, fromMs, toMs) => (rate * (toMs - fromMs)) / SECOND,
};
