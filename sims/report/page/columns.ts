/**
 * Columns of numbers as bytes, for a page to carry: each value as the difference to the one before, in as few bytes as that
 * takes. Written here, read by the viewer; it needs nothing but the language.
 */

/** What is written of a column: a name, how many decimals of its values are kept, and how many values it has. */
export type ColumnHeader = readonly [name: string, decimals: number, length: number];

export interface Packed {
  readonly headers: readonly ColumnHeader[];
  readonly bytes: Uint8Array;
}

/** Columns by name; NaN is a value that is missing. */
export type Columns = ReadonlyMap<string, Float64Array>;

/** Takes columns one by one. */
export class ColumnPacker {
  readonly #headers: ColumnHeader[] = [];
  #bytes = new Uint8Array(65_536);
  #length = 0;

  /** @param decimals  of the values that are kept; the rest is rounded away */
  add(name: string, values: ArrayLike<number>, decimals = 0): void {
    const scale = 10 ** decimals;
    let last = 0;
    for (let index = 0; index < values.length; index++) {
      const value = values[index] as number;
      if (Number.isNaN(value)) {
        this.#write(0);
        continue;
      }
      const whole = Math.round(value * scale);
      const step = whole - last;
      last = whole;
      this.#write(step >= 0 ? 2 * step + 1 : -2 * step);
    }
    this.#headers.push([name, decimals, values.length]);
  }

  finish(): Packed {
    return { headers: this.#headers, bytes: this.#bytes.subarray(0, this.#length) };
  }

  /** Seven bits a byte, the lowest first; the highest bit says that more follow. */
  #write(value: number): void {
    if (this.#length + 10 > this.#bytes.length) {
      const more = new Uint8Array(2 * this.#bytes.length);
      more.set(this.#bytes);
      this.#bytes = more;
    }
    let left = value;
    while (left >= 128) {
      this.#bytes[this.#length++] = (left % 128) + 128;
      left = Math.floor(left / 128);
    }
    this.#bytes[this.#length++] = left;
  }
}

/** @throws RangeError when the bytes end before the columns do */
export function unpackColumns({ headers, bytes }: Packed): Columns {
  let at = 0;
  const read = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError(`the columns end after ${bytes.length} bytes`);
      if (byte < 128) return value + byte * factor;
      value += (byte - 128) * factor;
    }
  };
  const columns = new Map<string, Float64Array>();
  for (const [name, decimals, length] of headers) {
    const scale = 10 ** decimals;
    const values = new Float64Array(length);
    let last = 0;
    for (let index = 0; index < length; index++) {
      const code = read();
      if (code === 0) {
        values[index] = Number.NaN;
        continue;
      }
      last += code % 2 === 1 ? (code - 1) / 2 : -code / 2;
      values[index] = last / scale;
    }
    columns.set(name, values);
  }
  return columns;
}
