/** Registry of the engines that run on Node. */

import type { Engine } from './work.ts';

/** Loaded when asked for: one of them may not be installed. */
export const engines = {
  seatrial: async () => (await import('./seatrial.ts')).seatrial,
  simjs: async () => (await import('./simjs.ts')).simjs,
  simscript: async () => (await import('./simscript.ts')).simscript,
  rxjs: async () => (await import('./rxjs.ts')).rxjs,
} as const satisfies Readonly<Record<string, () => Promise<Engine>>>;
