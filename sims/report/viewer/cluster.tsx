/**
 * The cluster as a picture: a column for each zone, in it the instances, on each the tasks side by side, as wide as the part of its
 * CPU (above) and its memory (below) that they reserve. Tasks on Fargate are squares; those without a place stand above all.
 */

import { useEffect, useRef } from 'preact/hooks';
import { formatCount, formatNoun } from '../format.ts';
import { instanceStates, taskStates } from '../page/data.ts';
import { colour, kindColour, taskColour, taskSign } from './colours.ts';
import type { Run } from './run.ts';
import { colourBy, follow, nowMs, selection, theme, tip } from './state.ts';
import { countStates, describeInstances, presentAt, slotsOf, type Present } from './world.ts';

const GAP = 4;
const HEAD = 18;
/** The picture is at most so tall, and tiles as large as that allows. */
const TALLEST = 360;
const TILES = [148, 120, 96, 76, 60, 48, 38, 30, 24, 19, 15, 12, 9, 7, 5];
const SQUARES = [22, 18, 14, 11, 9, 7, 5, 4, 3];
/** Tiles that are this wide have a line of text. */
const LABELLED = 76;

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly zoneWidth: number;
  readonly tile: { readonly width: number; readonly height: number; readonly columns: number };
  readonly square: { readonly size: number; readonly columns: number };
  /** Where instances begin, below the tasks that wait, and where squares do. */
  readonly tilesY: number;
  readonly squaresY: number;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function Cluster({ run }: { run: Run }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const picture = new Picture(canvas.current as HTMLCanvasElement, run);
    return () => picture.end();
  }, [run]);
  return <canvas ref={canvas} class="cluster" role="img" />;
}

/** A task on Fargate takes its square from its placement on. */
function fargateLives({ tasks, column }: { tasks: Run['tasks']; column: (name: string) => Float64Array }) {
  const [instance, zone] = [column('task.instance'), column('task.zone')];
  const indices = Array.from({ length: tasks.count }, (_, index) => index).filter(
    (index) => instance[index] === -1 && zone[index] !== -1,
  );
  const placedMs = (index: number) => {
    const second = (tasks.starts[index] as number) + 1;
    return second < (tasks.starts[index + 1] as number)
      ? (tasks.at[second] as number)
      : (tasks.fromMs[index] as number);
  };
  const ordered = indices.toSorted((a, b) => placedMs(a) - placedMs(b) || a - b);
  return {
    count: ordered.length,
    indices: ordered,
    fromMs: Float64Array.from(ordered, placedMs),
    toMs: Float64Array.from(ordered, (index) => tasks.toMs[index] as number),
  };
}

class Picture {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #run: Run;
  readonly #zones: readonly string[];
  readonly #instanceSlots: Int32Array;
  readonly #most: { readonly tiles: number; readonly squares: number };
  /** By task: its square on the picture; -1 for the others. */
  readonly #squares: Int32Array;
  readonly #columns: Readonly<Record<'zone' | 'cpuUnits' | 'memoryMiB' | 'type' | 'isSpot', Float64Array>>;
  readonly #taskColumns: Readonly<Record<'service' | 'definition' | 'instance' | 'zone', Float64Array>>;
  readonly #stops: (() => void)[];
  #layout: Layout | undefined;

  constructor(canvas: HTMLCanvasElement, run: Run) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d') as CanvasRenderingContext2D;
    this.#run = run;
    this.#zones = run.page.zones;
    const of = (name: string) => run.column(`instance.${name}`);
    this.#columns = {
      zone: of('zone'),
      cpuUnits: of('cpuUnits'),
      memoryMiB: of('memoryMiB'),
      type: of('type'),
      isSpot: of('isSpot'),
    };
    const ofTask = (name: string) => run.column(`task.${name}`);
    this.#taskColumns = {
      service: ofTask('service'),
      definition: ofTask('definition'),
      instance: ofTask('instance'),
      zone: ofTask('zone'),
    };
    const instances = slotsOf(run.instances, (index) => of('zone')[index] as number, this.#zones.length);
    this.#instanceSlots = instances.slots;
    const lives = fargateLives({ tasks: run.tasks, column: (name) => run.column(name) });
    const squares = slotsOf(
      lives,
      (index) => this.#taskColumns.zone[lives.indices[index] as number] as number,
      this.#zones.length,
    );
    this.#squares = new Int32Array(run.tasks.count).fill(-1);
    for (const [index, task] of lives.indices.entries()) this.#squares[task] = squares.slots[index] as number;
    this.#most = { tiles: Math.max(0, ...instances.byZone), squares: Math.max(0, ...squares.byZone) };
    canvas.addEventListener('mousemove', this.#onMove);
    canvas.addEventListener('mouseleave', this.#onLeave);
    canvas.addEventListener('click', this.#onClick);
    const resized = new ResizeObserver(() => {
      this.#layout = undefined;
      this.#draw();
    });
    resized.observe(canvas);
    this.#stops = [() => resized.disconnect(), follow([nowMs, theme, colourBy, selection], () => this.#draw())];
  }

  end(): void {
    this.#canvas.removeEventListener('mousemove', this.#onMove);
    this.#canvas.removeEventListener('mouseleave', this.#onLeave);
    this.#canvas.removeEventListener('click', this.#onClick);
    for (const stop of this.#stops) stop();
  }

  #lay(width: number): Layout {
    const zoneWidth = Math.max(1, (width - (this.#zones.length - 1) * 2 * GAP) / Math.max(1, this.#zones.length));
    const grid = (count: number, cell: (size: number) => number, sizes: readonly number[]) => {
      for (const size of sizes) {
        if (size > zoneWidth) continue;
        const columns = Math.max(1, Math.floor((zoneWidth + GAP / 2) / (size + gapOf(size))));
        const height = Math.ceil(count / columns) * (cell(size) + gapOf(size));
        if (height <= TALLEST || size === sizes.at(-1)) return { size, columns, height };
      }
      return { size: sizes.at(-1) as number, columns: 1, height: 0 };
    };
    const tiles = grid(this.#most.tiles, tileHeight, TILES);
    // Small tiles fill their zone.
    const wide =
      tiles.size < LABELLED
        ? Math.floor((zoneWidth + gapOf(tiles.size)) / tiles.columns) - gapOf(tiles.size)
        : tiles.size;
    const squares = grid(this.#most.squares, (size) => size, SQUARES);
    const tilesY = 2 * HEAD;
    const squaresY = tilesY + (this.#most.tiles > 0 ? tiles.height + GAP : 0) + (this.#most.squares > 0 ? HEAD : 0);
    return {
      width,
      height: Math.max(80, squaresY + (this.#most.squares > 0 ? squares.height : 0) + GAP),
      zoneWidth,
      tile: {
        width: tiles.size < LABELLED ? Math.min(wide, LABELLED - 1) : tiles.size,
        height: tileHeight(tiles.size),
        columns: tiles.columns,
      },
      square: { size: squares.size, columns: squares.columns },
      tilesY,
      squaresY,
    };
  }

  #zoneX({ zoneWidth }: Layout, zone: number): number {
    return zone * (zoneWidth + 2 * GAP);
  }

  #tileBox(layout: Layout, index: number): Box {
    const { width, height, columns } = layout.tile;
    const slot = this.#instanceSlots[index] as number;
    const zone = this.#columns.zone[index] as number;
    return {
      x: this.#zoneX(layout, zone) + (slot % columns) * (width + gapOf(width)),
      y: layout.tilesY + Math.floor(slot / columns) * (height + gapOf(width)),
      width,
      height,
    };
  }

  #squareBox(layout: Layout, task: number): Box {
    const { size, columns } = layout.square;
    const slot = this.#squares[task] as number;
    const zone = this.#taskColumns.zone[task] as number;
    return {
      x: this.#zoneX(layout, zone) + (slot % columns) * (size + gapOf(size)),
      y: layout.squaresY + Math.floor(slot / columns) * (size + gapOf(size)),
      width: size,
      height: size,
    };
  }

  #colourOf(task: number, state: number): string {
    const isServing = taskStates[state] === 'RUNNING';
    return colourBy.value === 'service' && isServing
      ? kindColour(this.#taskColumns.service[task] as number)
      : taskColour(state);
  }

  #draw(): void {
    const width = this.#canvas.clientWidth;
    if (width === 0) return;
    if (this.#layout?.width !== width) {
      this.#layout = this.#lay(width);
      this.#canvas.style.height = `${this.#layout.height}px`;
      this.#canvas.width = Math.round(width * devicePixelRatio);
      this.#canvas.height = Math.round(this.#layout.height * devicePixelRatio);
    }
    const layout = this.#layout;
    const context = this.#context;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, width, layout.height);
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    const now = nowMs.peek();
    const instances = presentAt(this.#run.instances, now);
    const tasks = presentAt(this.#run.tasks, now);
    this.#drawZones(layout, instances);
    for (const instance of instances) this.#drawTile(layout, instance);
    this.#drawTasks(layout, tasks);
    this.#drawWaiting(tasks);
    this.#drawSelected(layout, tasks);
    this.#canvas.setAttribute(
      'aria-label',
      `The cluster: instances ${describeInstances(instances) || 'none'}; tasks ${countStates(tasks, taskStates) || 'none'}`,
    );
  }

  #drawZones(layout: Layout, instances: readonly Present[]): void {
    const context = this.#context;
    for (const [zone, name] of this.#zones.entries()) {
      const count = instances.filter(({ index }) => this.#columns.zone[index] === zone).length;
      context.fillStyle = colour('ink-soft');
      const title = this.#most.tiles > 0 ? `${name}, ${formatNoun(count, 'instance')}` : name;
      context.fillText(title, this.#zoneX(layout, zone), HEAD * 1.5, layout.zoneWidth);
      if (this.#most.squares > 0)
        context.fillText('Fargate', this.#zoneX(layout, zone), layout.squaresY - HEAD / 2, layout.zoneWidth);
    }
  }

  #drawTile(layout: Layout, { index, state }: Present): void {
    const context = this.#context;
    const { x, y, width, height } = this.#tileBox(layout, index);
    const name = instanceStates[state];
    context.fillStyle = colour(name === 'ACTIVE' ? 'tile' : name === 'booting' ? 'tile-booting' : 'tile-leaving');
    context.fillRect(x, y, width, height);
    context.strokeStyle = colour(
      name === 'ACTIVE'
        ? 'tile-edge'
        : name === 'booting' || name === 'joining the cluster'
          ? 'task-starting'
          : 'task-draining',
    );
    context.lineWidth = 1;
    context.setLineDash(name === 'booting' || name === 'in the warm pool' ? [3, 2] : []);
    context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    context.setLineDash([]);
    if (width < LABELLED) return;
    const type = this.#run.page.instanceTypes[this.#columns.type[index] as number] as string;
    const spot = this.#columns.isSpot[index] === 1 ? ' Spot' : '';
    context.fillStyle = colour('ink-soft');
    context.fillText(name === 'ACTIVE' ? `${type}${spot}` : String(name), x + 4, y + 8, width - 8);
  }

  #drawTasks(layout: Layout, tasks: readonly Present[]): void {
    const context = this.#context;
    const usedCpu = new Float64Array(this.#run.instances.count);
    const usedMemory = new Float64Array(this.#run.instances.count);
    for (const { index, state } of tasks) {
      const instance = this.#taskColumns.instance[index] as number;
      context.fillStyle = this.#colourOf(index, state);
      if (instance === -1) {
        if ((this.#squares[index] as number) === -1 || state === 0) continue;
        const square = this.#squareBox(layout, index);
        context.fillRect(square.x, square.y, square.width, square.height);
        this.#drawSign(square, state);
        continue;
      }
      // A task without a place yet may get one later.
      if (state === 0) continue;
      for (const [box, used, part] of this.#parts(layout, index, instance, usedCpu, usedMemory)) {
        const width = Math.max(0.6, box.width - (box.width > 3 ? 0.8 : 0));
        context.fillRect(box.x, box.y, width, box.height);
        this.#drawSign({ ...box, width }, state);
        used[instance] = (used[instance] as number) + part;
      }
    }
  }

  /** What a colour alone would say to some only: struck through, unhealthy; a line along, leaving. */
  #drawSign({ x, y, width, height }: Box, state: number): void {
    const sign = taskSign(state);
    if (sign === undefined || width < 4 || height < 4) return;
    const context = this.#context;
    context.strokeStyle = colour('paper');
    context.lineWidth = 1.5;
    context.beginPath();
    if (sign === 'struck') {
      context.moveTo(x, y + height);
      context.lineTo(x + width, y);
    } else {
      context.moveTo(x, y + height / 2);
      context.lineTo(x + width, y + height / 2);
    }
    context.stroke();
  }

  /** The two pieces that a task takes of its instance's tile. */
  #parts(
    layout: Layout,
    task: number,
    instance: number,
    usedCpu: Float64Array,
    usedMemory: Float64Array,
  ): readonly (readonly [Box, Float64Array, number])[] {
    const { x, y, width, height } = this.#tileBox(layout, instance);
    const { cpuUnits = 0, memoryMiB = 0 } =
      this.#run.page.taskDefinitions[this.#taskColumns.definition[task] as number] ?? {};
    const edge = width > 12 ? 2 : 1;
    const head = width >= LABELLED ? 15 : edge;
    const inner = width - 2 * edge;
    const bar = (height - head - edge - 1) / 2;
    return (
      [
        [cpuUnits, this.#columns.cpuUnits, usedCpu, y + head],
        [memoryMiB, this.#columns.memoryMiB, usedMemory, y + head + bar + 1],
      ] as const
    ).map(([wanted, capacity, used, top]) => {
      const whole = capacity[instance] as number;
      const part = whole === 0 ? 0 : wanted / whole;
      const from = Math.min(1, used[instance] as number);
      return [
        { x: x + edge + from * inner, y: top, width: Math.min(part, 1 - from) * inner, height: bar },
        used,
        part,
      ] as const;
    });
  }

  #drawWaiting(tasks: readonly Present[]): void {
    const waiting = tasks.filter(({ state }) => taskStates[state] === 'PROVISIONING');
    const context = this.#context;
    context.fillStyle = colour('ink-soft');
    const text =
      waiting.length === 0 ? 'no task waits for a place' : `${formatNoun(waiting.length, 'task')} without a place:`;
    context.fillText(text, 0, HEAD / 2);
    context.fillStyle = taskColour(0);
    const from = context.measureText(text).width + 8;
    const fits = Math.max(0, Math.floor((this.#canvas.clientWidth - from) / 11));
    for (let index = 0; index < Math.min(waiting.length, fits); index++) context.fillRect(from + index * 11, 4, 9, 9);
  }

  #drawSelected(layout: Layout, tasks: readonly Present[]): void {
    const selected = selection.peek();
    if (selected === undefined || selected.run !== this.#run || selected.kind === 'event') return;
    const context = this.#context;
    context.strokeStyle = colour('now');
    context.lineWidth = 2;
    const outline = ({ x, y, width, height }: Box) => context.strokeRect(x - 1, y - 1, width + 2, height + 2);
    if (selected.kind === 'instance') {
      if ((this.#run.instances.toMs[selected.index] as number) > nowMs.peek())
        outline(this.#tileBox(layout, selected.index));
      return;
    }
    if (!tasks.some(({ index, state }) => index === selected.index && state > 0)) return;
    if ((this.#squares[selected.index] as number) !== -1) outline(this.#squareBox(layout, selected.index));
    else
      for (const { box, task } of this.#boxesOn(layout, this.#taskColumns.instance[selected.index] as number, tasks))
        if (task === selected.index) outline(box);
  }

  /** The pieces of all tasks on an instance. */
  #boxesOn(
    layout: Layout,
    instance: number,
    tasks: readonly Present[],
  ): { readonly box: Box; readonly task: number }[] {
    const usedCpu = new Float64Array(this.#run.instances.count);
    const usedMemory = new Float64Array(this.#run.instances.count);
    return tasks
      .filter(({ index, state }) => this.#taskColumns.instance[index] === instance && state > 0)
      .flatMap(({ index }) =>
        this.#parts(layout, index, instance, usedCpu, usedMemory).map(([box, used, part]) => {
          used[instance] = (used[instance] as number) + part;
          return { box, task: index };
        }),
      );
  }

  /** What is under the pointer. */
  #at(
    event: MouseEvent,
  ): { readonly kind: 'task' | 'instance'; readonly index: number; readonly state: number } | undefined {
    const layout = this.#layout;
    if (layout === undefined) return undefined;
    const now = nowMs.peek();
    const tasks = presentAt(this.#run.tasks, now);
    const isIn = ({ x, y, width, height }: Box) =>
      event.offsetX >= x && event.offsetX < x + width && event.offsetY >= y && event.offsetY < y + height;
    const square = tasks.find(
      ({ index, state }) =>
        state > 0 && (this.#squares[index] as number) !== -1 && isIn(this.#squareBox(layout, index)),
    );
    if (square !== undefined) return { kind: 'task', ...square };
    const instance = presentAt(this.#run.instances, now).find(({ index }) => isIn(this.#tileBox(layout, index)));
    if (instance === undefined) return undefined;
    const piece = this.#boxesOn(layout, instance.index, tasks).find(({ box }) => isIn(box));
    const task = tasks.find(({ index }) => index === piece?.task);
    return task === undefined ? { kind: 'instance', ...instance } : { kind: 'task', ...task };
  }

  readonly #onMove = (event: MouseEvent): void => {
    const found = this.#at(event);
    this.#canvas.style.cursor = found === undefined ? 'default' : 'pointer';
    tip.value = found === undefined ? undefined : { x: event.clientX, y: event.clientY, lines: this.#tell(found) };
  };

  #tell({
    kind,
    index,
    state,
  }: {
    readonly kind: string;
    readonly index: number;
    readonly state: number;
  }): readonly string[] {
    const { page } = this.#run;
    if (kind === 'instance') {
      const [cpu, memory] = [this.#columns.cpuUnits[index] as number, this.#columns.memoryMiB[index] as number];
      return [
        `${page.instanceNames[index] as string}: ${instanceStates[state] as string}`,
        `${page.instanceTypes[this.#columns.type[index] as number] as string}${this.#columns.isSpot[index] === 1 ? ' on Spot' : ''}`,
        ...(cpu > 0 ? [`${formatCount(cpu)} CPU units, ${formatCount(memory)} MiB`] : []),
      ];
    }
    const definition = page.taskDefinitions[this.#taskColumns.definition[index] as number];
    const service = page.services[this.#taskColumns.service[index] as number];
    return [
      `${page.taskNames[index] as string}: ${taskStates[state] as string}`,
      `${service?.name ?? 'on its own'}, ${definition?.name ?? ''}, ${definition?.cpuUnits ?? 0} CPU units, ${definition?.memoryMiB ?? 0} MiB`,
    ];
  }

  readonly #onLeave = (): void => {
    tip.value = undefined;
  };

  readonly #onClick = (event: MouseEvent): void => {
    const found = this.#at(event);
    if (found !== undefined) selection.value = { kind: found.kind, run: this.#run, index: found.index };
  };
}

function gapOf(size: number): number {
  return size >= 60 ? GAP : size >= 12 ? 2 : 1;
}

function tileHeight(width: number): number {
  return width >= LABELLED ? 46 : Math.max(5, Math.round(width * 0.55));
}
