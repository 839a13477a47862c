/**
 * A piece of the log as bytes: column by column, compressed. Columns of one kind of event stand together, so that what changes
 * little from one event to the next takes little room: 18 bytes an event where compressed JSON takes 52 (flash-crowd).
 *
 * Before compression: the length of the header, the header as JSON, the columns in its order, then the texts, each once.
 * Numbers are little-endian, as every machine that Node runs on writes them. The header names the columns of each type of
 * event, so that a chunk can be read by a version that knows other ones.
 */

import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { NumberList, SegmentColumns, StoredColumn } from '../../core/index.ts';

/** Whole numbers in 1, 2 or 4 bytes, or as the difference to the one before; thousandths and millionths; any number. */
type Form = 'i8' | 'i16' | 'i32' | 'step' | 'milli' | 'micro' | 'f64';

interface Header {
  readonly firstSeq: number;
  readonly count: number;
  /** Types that come up, with their columns. */
  readonly tables: readonly {
    readonly type: string;
    readonly rows: number;
    readonly columns: readonly Pick<StoredColumn, 'name' | 'kind' | 'optional'>[];
  }[];
  /** Of each list of numbers its form and its length, in the order of writing. */
  readonly lists: readonly (readonly [Form, number])[];
  readonly textBytes: number;
}

/** Quality 4: 18.1 bytes an event, where gzip level 1 takes 19.3 in about the same time. */
const COMPRESSION = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** Events as bytes. @param segment  at least one event */
export function encodeChunk(segment: SegmentColumns): Buffer {
  const { firstSeq, count, types, atMs, causedBy, tables, texts } = segment;
  const writer = new ListWriter();
  writer.write(types);
  writer.write(atMs);
  // How far back the cause is; 0: there is none.
  writer.write(causedBy.map((cause, index) => (cause === -1 ? 0 : firstSeq + index - cause)));
  for (const { columns, rows } of tables) for (const column of columns) writer.writeColumn(column, rows);
  const textBytes = Buffer.from(JSON.stringify(texts));
  const header: Header = {
    firstSeq,
    count,
    tables: tables.map(({ type, rows, columns }) => ({
      type,
      rows,
      columns: columns.map(({ name, kind, optional }) => ({ name, kind, optional })),
    })),
    lists: writer.lists,
    textBytes: textBytes.length,
  };
  const headerBytes = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(headerBytes.length);
  return brotliCompressSync(Buffer.concat([length, headerBytes, ...writer.parts, textBytes]), COMPRESSION);
}

class ListWriter {
  readonly parts: Uint8Array[] = [];
  readonly lists: [Form, number][] = [];

  write(values: NumberList): void {
    const [form, bytes] = formed(values);
    this.lists.push([form, values.length]);
    this.parts.push(bytes);
  }

  /** Lists that are all as long as each other become one list for each place, after their length; else it is -1. */
  writeColumn({ values, ends }: StoredColumn, rows: number): void {
    if (ends === undefined) return this.write(values);
    const width = ends[0] as number;
    if (!ends.every((end, row) => end === (row + 1) * width)) {
      this.write(Int8Array.of(-1));
      this.write(ends.map((end, row) => end - (row === 0 ? 0 : (ends[row - 1] as number))));
      this.write(values);
      return;
    }
    this.write(Int32Array.of(width));
    for (let place = 0; place < width; place++) {
      const placed = new Float64Array(rows);
      for (let row = 0; row < rows; row++) placed[row] = values[row * width + place] as number;
      this.write(placed);
    }
  }
}

const MOST = 2 ** 31;

/** Numbers in the smallest form that gives each of them back exactly. */
function formed(values: NumberList): readonly [Form, Uint8Array] {
  let least = 0;
  let most = 0;
  let whole = true;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      whole = false;
      break;
    }
    if (value < least) least = value;
    else if (value > most) most = value;
  }
  if (whole && least >= -128 && most < 128) return ['i8', bytesOf(Int8Array.from(values))];
  if (whole && least >= -32_768 && most < 32_768) return ['i16', bytesOf(Int16Array.from(values))];
  if (whole && least >= -MOST && most < MOST) return ['i32', bytesOf(Int32Array.from(values))];
  const steps = whole ? stepsOf(values) : undefined;
  if (steps !== undefined) return ['step', steps];
  const scaled = whole ? undefined : (scaledBy(values, 1e3) ?? scaledBy(values, 1e6));
  return scaled ?? ['f64', bytesOf(Float64Array.from(values))];
}

/** The first number, and the difference of each to the one before. */
function stepsOf(values: NumberList): Uint8Array | undefined {
  const steps = new Int32Array(values.length - 1);
  for (let index = 1; index < values.length; index++) {
    const step = (values[index] as number) - (values[index - 1] as number);
    if (step < -MOST || step >= MOST) return undefined;
    steps[index - 1] = step;
  }
  return Buffer.concat([bytesOf(Float64Array.of(values[0] as number)), bytesOf(steps)]);
}

function scaledBy(values: NumberList, factor: 1e3 | 1e6): readonly [Form, Uint8Array] | undefined {
  const scaled = new Int32Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    const product = Math.round(value * factor);
    if (!(Math.abs(product) < MOST) || product / factor !== value || Object.is(value, -0)) return undefined;
    scaled[index] = product;
  }
  return [factor === 1e3 ? 'milli' : 'micro', bytesOf(scaled)];
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The events of a chunk. @throws Error when the bytes are none */
export function decodeChunk(bytes: Uint8Array): SegmentColumns {
  const raw = brotliDecompressSync(bytes);
  const headerEnd = 4 + raw.readUInt32LE(0);
  const header = JSON.parse(raw.toString('utf8', 4, headerEnd)) as Header;
  const reader = new ListReader(raw, headerEnd, header.lists);
  const { firstSeq, count } = header;
  const types = reader.read();
  const atMs = reader.read();
  const causedBy = Float64Array.from(reader.read(), (back, index) => (back === 0 ? -1 : firstSeq + index - back));
  const tables = header.tables.map(({ type, rows, columns }) => ({
    type,
    rows,
    columns: columns.map(({ name, kind, optional }) => {
      const isList = kind === 'numbers' || kind === 'texts';
      return { name, kind, optional, ...(isList ? reader.readLists(rows) : { values: reader.read() }) };
    }),
  }));
  const texts = JSON.parse(raw.toString('utf8', raw.length - header.textBytes)) as string[];
  return { firstSeq, count, types, atMs, causedBy, tables, texts };
}

class ListReader {
  readonly #bytes: Buffer;
  readonly #lists: Header['lists'];
  #next = 0;
  #offset: number;

  constructor(bytes: Buffer, offset: number, lists: Header['lists']) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#lists = lists;
  }

  read(): NumberList {
    const [form, length] = this.#lists[this.#next++] as readonly [Form, number];
    switch (form) {
      case 'i8':
        return new Int8Array(this.#take(length));
      case 'i16':
        return new Int16Array(this.#take(2 * length));
      case 'i32':
        return new Int32Array(this.#take(4 * length));
      case 'f64':
        return new Float64Array(this.#take(8 * length));
      case 'milli':
        return Float64Array.from(new Int32Array(this.#take(4 * length)), (value) => value / 1e3);
      case 'micro':
        return Float64Array.from(new Int32Array(this.#take(4 * length)), (value) => value / 1e6);
      case 'step': {
        const values = new Float64Array(length);
        let value = new Float64Array(this.#take(8))[0] as number;
        values[0] = value;
        for (const [index, step] of new Int32Array(this.#take(4 * (length - 1))).entries())
          values[index + 1] = value += step;
        return values;
      }
    }
  }

  readLists(rows: number): Pick<StoredColumn, 'values'> & { readonly ends: NumberList } {
    const width = this.read()[0] as number;
    const ends = new Float64Array(rows);
    if (width === -1) {
      let end = 0;
      for (const [row, length] of this.read().entries()) ends[row] = end += length;
      return { values: this.read(), ends };
    }
    const values = new Float64Array(rows * width);
    for (let place = 0; place < width; place++) {
      const placed = this.read();
      for (let row = 0; row < rows; row++) values[row * width + place] = placed[row] as number;
    }
    for (let row = 0; row < rows; row++) ends[row] = (row + 1) * width;
    return { values, ends };
  }

  /** The next bytes, copied so that they are aligned. */
  #take(length: number): ArrayBuffer {
    const start = this.#bytes.byteOffset + this.#offset;
    this.#offset += length;
    return this.#bytes.buffer.slice(start, start + length) as ArrayBuffer;
  }
}
