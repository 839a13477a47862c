/** To a millionth: the last bits of a double decide nothing. Never -0, whose bits are not those of 0. */
export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6 + 0;
}
