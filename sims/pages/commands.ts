/** The page of every command, from the command line itself. */

import type { Command } from 'commander';
import { leavesOf, exitCodes, wordsOf } from '../help.ts';
import { table } from './jsonSchema.ts';

const INTRODUCTION = `# Commands

\`npm run sim -- COMMAND\` in this repository, \`seatrial COMMAND\` where it is installed. A scenario is a YAML or JSON file, or the bare
name of a voyage that ships. Output on a terminal is as wide as the terminal, from 40 columns on, and in colour unless
\`NO_COLOR\` is set; into a file or another program it is 100 columns of plain text. Progress goes to standard error. This page
is written by \`npm run docs\`.
`;

export function commandsPage(program: Command): string {
  const codes = table(
    ['exit code', 'meaning'],
    exitCodes.map(([code, what]) => [String(code), what]),
  );
  const sections = leavesOf(program).map(section);
  return `${INTRODUCTION}\n${codes}\n\n${sections.join('\n\n')}\n`;
}

/** As \`--help\` tells it, examples included, whoever has added them. */
function section(command: Command): string {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => 100 });
  command.outputHelp();
  return `## ${wordsOf(command)}\n\n\`\`\`text\n${help.trim()}\n\`\`\``;
}
