/** The peers as programs, as far as they are installed: how each is found, built and started. */

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { engines } from './engines.ts';
import type { Outcome } from './work.ts';

/** A command that takes the arguments of `main.ts` after the engine's name, or why there is none. */
type Found = { readonly command: readonly string[] } | { readonly missing: string };

export function cpp(
  source: string,
  needs?: { readonly header: string; readonly library: string; readonly from: string },
): Found {
  if (spawnSync('g++', ['--version']).error !== undefined) return { missing: 'there is no g++' };
  if (needs !== undefined) {
    const { status } = spawnSync('g++', ['-E', '-x', 'c++', '-'], {
      input: `#if !__has_include(<${needs.header}>)\n#error missing\n#endif\n`,
    });
    if (status !== 0) return { missing: `${needs.from} is not installed` };
  }
  return { command: [built(source, needs === undefined ? [] : [`-l${needs.library}`])] };
}

/** Compiles a program, unless it has been before. @throws Error with what the compiler says */
function built(source: string, libraries: readonly string[]): string {
  const file = fileURLToPath(new URL(source, import.meta.url));
  const flags = ['-std=c++17', '-O2'];
  const hash = createHash('sha256').update(JSON.stringify([flags, libraries]));
  for (const part of [file, fileURLToPath(new URL('work.hpp', import.meta.url))]) hash.update(readFileSync(part));
  const folder = fileURLToPath(new URL('../../node_modules/.cache/seatrial-bench/', import.meta.url));
  const program = join(folder, `${source.replace('.cpp', '')}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  // Tests that run side by side may be building it too.
  const unfinished = `${program}.${process.pid}`;
  execFileSync('g++', [...flags, '-o', unfinished, file, ...libraries], { stdio: 'pipe' });
  renameSync(unfinished, program);
  return program;
}

/** The first Python of the PATH that has SimPy: Debian's package is seen by Debian's Python only. */
export function simpy(): Found {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const python = join(folder, 'python3');
    if (existsSync(python) && spawnSync(python, ['-c', 'import simpy']).status === 0)
      return { command: [python, fileURLToPath(new URL('simpyPrograms.py', import.meta.url))] };
  }
  return { missing: 'no python3 has simpy (Debian: python3-simpy3)' };
}

/** @param needs  a package that it needs and that need not be there */
export function node(engine: keyof typeof engines, needs?: string): Found {
  if (needs !== undefined)
    try {
      createRequire(import.meta.url).resolve(needs);
    } catch {
      return { missing: `${needs} is not installed` };
    }
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  return { command: [process.execPath, '--import', 'tsx', main, engine] };
}

/** Runs a program once. @throws Error when it fails, or prints something else than an outcome */
export function outcomeOf(command: readonly string[], ...work: readonly (string | number)[]): Outcome {
  const [program, ...start] = command as [string, ...string[]];
  const { stdout, stderr, status, error } = spawnSync(program, [...start, ...work.map(String)], { encoding: 'utf8' });
  const numbers = stdout?.trim().split(' ').map(Number) ?? [];
  if (status !== 0 || numbers.length !== 4 || numbers.some((number) => !Number.isFinite(number)))
    throw new Error(`${command.join(' ')} ${work.join(' ')} failed: ${error?.message ?? (stderr || stdout || status)}`);
  const [events, clockMs, sum, seconds] = numbers as [number, number, number, number];
  return { events, clockMs, sum, seconds };
}
