/** "Did you mean": the known word nearest to one that is not known. */

import { distance } from 'fastest-levenshtein';

/**
 * The word that was probably meant: as a whole, or by its beginning (`depoyment` for `deploymentConfiguration`).
 * A third of the letters may be wrong; capitals do not count.
 */
export function nearest(found: string, words: readonly string[]): string | undefined {
  const typed = found.slice(0, 100).toLowerCase();
  const allowance = Math.floor(typed.length / 3);
  const scored = words.map((word) => {
    const whole = distance(typed, word.toLowerCase());
    const starts = [-1, 0, 1].map((more) => distance(typed, word.slice(0, typed.length + more).toLowerCase()));
    return { word, whole, score: typed.length < 4 ? whole : Math.min(whole, ...starts) };
  });
  return scored.filter(({ score }) => score <= allowance).toSorted((a, b) => a.score - b.score || a.whole - b.whole)[0]
    ?.word;
}
