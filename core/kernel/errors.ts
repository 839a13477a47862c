/** What can end a run: the user's input, the observers around it, or our own mistake. */

export class SimulationError extends Error {
  override readonly name: string = 'SimulationError';
}

/** One mistake in a scenario: where it is, and a sentence that says what was found and what was expected. */
export interface ScenarioProblem {
  /** Path from the top of the scenario: `['services', 2, 'desiredCount']`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** `services[2].desiredCount`, as people write a path. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** Bad input. All mistakes at once, each with its path. */
export class InvalidScenarioError extends SimulationError {
  override readonly name = 'InvalidScenarioError';
  readonly problems: readonly ScenarioProblem[];

  constructor(problems: readonly ScenarioProblem[]) {
    super(problems.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('\n'));
    this.problems = problems;
  }
}

/** Our own mistake: something that must hold after every event does not. It stops the run. */
export class BrokenInvariantError extends SimulationError {
  override readonly name = 'BrokenInvariantError';
}

/** A controller failed while it heard an event. The loop reports it with the event's sequence number. */
export class ControllerError extends SimulationError {
  override readonly name = 'ControllerError';
}
