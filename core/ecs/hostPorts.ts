/**
 * Host ports that the instance picks itself: for mappings without a host port, and for ranges of container ports.
 *
 * @source aws/amazon-ecs-agent, agent/utils/ephemeral_ports.go; spec/placement.md 1.5
 */

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** `32768-60999` */
export function portRangeOf(text: string): PortRange {
  const [from, to] = text.split('-').map(Number) as [number, number];
  return { from, to };
}

export interface PickedPorts {
  /** The first of the contiguous run. */
  readonly first: number;
  /** The port after which the next search begins. */
  readonly last: number;
}

/**
 * The first free run of `count` ports after the last one assigned; at the end of the range it starts over, once.
 * Choice: Docker picks the port of an ordinary dynamic mapping; we take the agent's search for it, too.
 *
 * @param last  the port assigned last; `from` - 1 at the beginning
 * @returns undefined when there is no such run: the agent says "a host port is unavailable"
 */
export function pickHostPorts(
  { from, to }: PortRange,
  last: number,
  count: number,
  isTaken: (port: number) => boolean,
): PickedPorts | undefined {
  const start = last + 1;
  const first = freeRun(start, to, count, isTaken) ?? (start > from ? freeRun(from, to, count, isTaken) : undefined);
  if (first === undefined) return undefined;
  const end = first + count - 1;
  return { first, last: end === to ? from - 1 : end };
}

function freeRun(from: number, to: number, count: number, isTaken: (port: number) => boolean): number | undefined {
  let run = 0;
  for (let port = from; port <= to; port++) {
    run = isTaken(port) ? 0 : run + 1;
    if (run === count) return port - count + 1;
  }
  return undefined;
}
