/** Completion scripts for shells, written from the tree of commands, so that a TAB starts no program. */

import type { Command, Option } from 'commander';
import { leavesOf, wordsOf } from './help.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Commands whose first argument is a scenario, which may be the name of a voyage. */
function takesScenario(command: Command): boolean {
  const [first] = command.registeredArguments;
  return wordsOf(command) === 'scenarios' || /scenario|from/.test(first?.name() ?? '');
}

interface Place {
  /** Words that have been written: `explain event`, or nothing. */
  readonly words: string;
  readonly choices: readonly { readonly name: string; readonly what: string }[];
  readonly options: readonly Option[];
}

/** At each point of the tree, what may come next. */
function placesOf(command: Command, voyages: readonly string[]): readonly Place[] {
  const place: Place = {
    words: wordsOf(command),
    choices: [
      ...command.commands.map((child) => ({ name: child.name(), what: child.description() })),
      ...(command.commands.length === 0 && takesScenario(command)
        ? voyages.map((name) => ({ name, what: 'a voyage that ships' }))
        : []),
      ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices.map((name) => ({ name, what: '' }))),
    ],
    options: command.options,
  };
  return [place, ...command.commands.flatMap((child) => placesOf(child, voyages))];
}

/** A script that the shell reads. @param voyages  names of those that ship */
export function completionScript(shell: Shell, program: Command, voyages: readonly string[]): string {
  const places = placesOf(program, voyages);
  const known = leavesOf(program).flatMap((command) => prefixesOf(wordsOf(command).split(' ')));
  const write = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell];
  return write(places, [...new Set(known)]);
}

/** `explain event` is known by `explain` first. */
function prefixesOf(words: readonly string[]): readonly string[] {
  return words.map((_, index) => words.slice(0, index + 1).join(' '));
}

const HEAD = '# Completion of seatrial, written by: seatrial completion';

/** The loop that finds how far into the tree the words lead; the same for bash and zsh. */
const walk = (known: readonly string[], words: string) => `  local at="" word
  for word in ${words}; do
    case "$at$word" in
      ${known.map((path) => `"${path}"`).join(' | ')}) at="$at$word " ;;
    esac
  done`;

function bashScript(places: readonly Place[], known: readonly string[]): string {
  const cases = places.map(({ words, choices, options }) => {
    const flags = options.map(({ long }) => long).join(' ');
    return `    "${words}") choices="${choices.map(({ name }) => name).join(' ')}" flags="${`${flags} --help`.trim()}" ;;`;
  });
  const values = valuesOf(places).map(([flag, list]) => `    ${flag}) choices="${list.join(' ')}" ;;`);
  return `${HEAD} bash
_seatrial() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" choices="" flags=""
${walk(known, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"')}
  case "\${at% }" in
${cases.join('\n')}
  esac
  case "$before" in
${values.join('\n')}
  esac
  if [[ "$current" == -* ]]; then choices="$flags"; fi
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _seatrial seatrial
`;
}

/** A text in single quotes; colons part names from descriptions in zsh. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const described = (name: string, what: string) => quoted(`${name.replaceAll(':', '\\:')}:${what.replaceAll(':', ',')}`);

function zshScript(places: readonly Place[], known: readonly string[]): string {
  const cases = places.map(({ words, choices, options }) => {
    const rows = choices.map(({ name, what }) => described(name, what));
    const flags = options.map(({ long, description }) => described(long ?? '', description));
    return `    "${words}") choices=(${rows.join(' ')}) flags=(${flags.join(' ')}) ;;`;
  });
  const values = valuesOf(places).map(([flag, list]) => `    ${flag}) choices=(${list.join(' ')}) ;;`);
  return `#compdef seatrial
${HEAD} zsh
_seatrial() {
  local -a choices flags
${walk(known, '${words[2,CURRENT-1]}')}
  case "\${at% }" in
${cases.join('\n')}
  esac
  case "\${words[CURRENT-1]}" in
${values.join('\n')}
  esac
  if [[ "$PREFIX" == -* ]]; then _describe option flags; else _describe argument choices; _files; fi
}
if [ "$funcstack[1]" = "_seatrial" ]; then _seatrial "$@"; else compdef _seatrial seatrial; fi
`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ words, choices, options }) => {
    const path = words.split(' ').filter((word) => word !== '');
    const subcommands = places
      .filter((place) => place.words.startsWith(`${words} `))
      .map((place) => place.words.split(' ').at(-1));
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const unseen =
      subcommands.length > 0 && path.length > 0 ? [`not __fish_seen_subcommand_from ${subcommands.join(' ')}`] : [];
    const when = path.length === 0 ? '__fish_use_subcommand' : [...seen, ...unseen].join('; and ');
    return [
      ...choices.map(({ name, what }) => `complete -c seatrial -n ${quoted(when)} -a ${name} -d ${quoted(what)}`),
      ...options.map(({ long, description, required, argChoices }) => {
        const value = argChoices === undefined ? (required ? ' -r' : '') : ` -x -a ${quoted(argChoices.join(' '))}`;
        return `complete -c seatrial -n ${quoted(when)} -l ${long?.slice(2) ?? ''}${value} -d ${quoted(description)}`;
      }),
    ];
  });
  return `${HEAD} fish\n${lines.join('\n')}\n`;
}

/** Options with a closed set of values. */
function valuesOf(places: readonly Place[]): readonly (readonly [string, readonly string[]])[] {
  const found = places.flatMap(({ options }) =>
    options.flatMap(({ long, argChoices }) => (argChoices === undefined || !long ? [] : [[long, argChoices] as const])),
  );
  return [...new Map(found)];
}
