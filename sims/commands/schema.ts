/** `seatrial schema`: the JSON Schema of a scenario, which gives editors completion and documentation. */

import { z } from 'zod';
import { scenarioSchema } from '../../core/index.ts';

export function scenarioJsonSchema(): string {
  const schema = z.toJSONSchema(scenarioSchema, { target: 'draft-7', io: 'input' });
  return `${JSON.stringify({ title: 'Seatrial scenario', ...schema }, undefined, 2)}\n`;
}
