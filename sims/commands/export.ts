/** `seatrial export`: the log of a run for other tools, one event a line. */

import { eventDefinitions } from '../../core/index.ts';
import { InputError } from '../input/inputError.ts';
import { RunReader } from '../store/runDirectory.ts';

const LINES_AT_ONCE = 4_096;

/** Writes `{"seq":…,"atMs":…,"causedBy":…,"event":{"type":…}}` lines to standard output. @returns the exit code. @throws InputError */
export async function exportRun(path: string, types: readonly string[]): Promise<number> {
  const unknown = types.find((type) => !(type in eventDefinitions));
  if (unknown !== undefined)
    throw new InputError([
      { file: path, message: `--type: found "${unknown}", expected a type of event, such as TaskPlaced` },
    ]);
  let lines: string[] = [];
  const flush = async () => {
    const text = lines.map((line) => `${line}\n`).join('');
    lines = [];
    if (!process.stdout.write(text)) await new Promise((resume) => process.stdout.once('drain', resume));
  };
  for (const recorded of new RunReader(path).events()) {
    if (types.length > 0 && !types.includes(recorded.event.type)) continue;
    lines.push(JSON.stringify(recorded));
    if (lines.length === LINES_AT_ONCE) await flush();
  }
  await flush();
  return 0;
}
