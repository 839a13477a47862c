/** Colours of what is drawn on a canvas: the style sheet has them, for light and for dark. */

import { drawAll, theme } from './state.ts';

let known = new Map<string, string>();
let knownTheme = '';

/** The value of `--name` in the style sheet, for the theme that is shown. */
export function colour(name: string): string {
  if (knownTheme !== theme.peek()) {
    known = new Map();
    knownTheme = theme.peek();
  }
  let value = known.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    known.set(name, value);
  }
  return value;
}

const STATES = [
  'waiting',
  'starting',
  'starting',
  'warming',
  'running',
  'unhealthy',
  'draining',
  'stopping',
  'stopping',
];

/** Of a task, by the number of its state. */
export function taskColour(state: number): string {
  return colour(`task-${STATES[state] ?? 'stopping'}`);
}

/** What is drawn over the colour of a task. */
export function taskSign(state: number): 'struck' | 'lined' | undefined {
  const name = STATES[state] ?? 'stopping';
  if (name === 'unhealthy') return 'struck';
  return name === 'draining' || name === 'stopping' ? 'lined' : undefined;
}

/** Of a service, or of whatever else is told apart by number. */
export function kindColour(index: number): string {
  return colour(`kind-${index % 8}`);
}

/** Takes the theme that the reader's system asks for, until they choose one. */
export function followTheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const use = () => setTheme(dark.matches ? 'dark' : 'light');
  use();
  dark.addEventListener('change', use);
  // Ink is for paper: what was drawn for a dark screen is drawn anew.
  let before = theme.value;
  addEventListener('beforeprint', () => {
    before = theme.value;
    setTheme('light');
    drawAll();
  });
  addEventListener('afterprint', () => setTheme(before));
}

export function setTheme(wanted: 'light' | 'dark'): void {
  document.documentElement.dataset['theme'] = wanted;
  theme.value = wanted;
}
