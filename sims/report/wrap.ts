/** Text in lines that are no longer than the output is wide. */

const LEAST_WIDTH = 40;

/** Spaces at which a line may end: not between a number and its unit. */
const UNGLUED = /\s+(?!(?:%|ms|s)(?:[\s,;)]|$))/;

/** A text in lines of words; a word that is longer than a line is broken. */
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

/** One line of a story. What is too long for the output goes on below, a little further in. */
export interface StoryLine {
  readonly text: string;
  /** Columns before the text; 0 when left out. */
  readonly indent?: number;
  /** What stands before the text; the lines that follow begin below the text. */
  readonly lead?: string;
  /** It is laid out already, such as a row of a table. */
  readonly asItIs?: boolean;
}

const HANGING = 2;

export function storyText(lines: readonly StoryLine[], width: number): string {
  const rows = lines.flatMap(({ text, indent = 0, lead = '', asItIs = false }) => {
    const margin = ' '.repeat(indent);
    const below = ' '.repeat(indent + (lead === '' ? HANGING : lead.length));
    const [first = '', ...rest] = asItIs ? [text] : wrapText(text, Math.max(width, LEAST_WIDTH) - below.length);
    return [`${margin}${lead}${first}`, ...rest.map((row) => `${below}${row}`)];
  });
  return `${rows.map((row) => row.trimEnd()).join('\n')}\n`;
}

/** The same with a title before the first line, under which the others are indented. */
export function wrapUnder(title: string, text: string, width: number): readonly string[] {
  const indent = ' '.repeat(title.length);
  return wrapText(text, Math.max(1, width - title.length)).map(
    (line, index) => `${index === 0 ? title : indent}${line}`,
  );
}
