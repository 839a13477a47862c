/** Text in lines of words. */

/** Spaces at which a line may end: not between a number and its unit. */
const UNGLUED = /\s+(?!(?:%|ms|s)(?:[\s,;)]|$))/;

/** @returns the lines; a word that is longer than a line is broken */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(UNGLUED)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    while (word.length > width) {
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** The same with a title before the first line, under which the others are indented. */
export function wrapUnder(title: string, text: string, width: number): readonly string[] {
  const indent = ' '.repeat(title.length);
  return wrapText(text, Math.max(1, width - title.length)).map(
    (line, index) => `${index === 0 ? title : indent}${line}`,
  );
}
