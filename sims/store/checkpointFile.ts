/** Checkpoints as bytes: JSON, with forms of their own for Maps and for what is undefined, compressed. */

import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { EcsCheckpoint } from '../../core/index.ts';

const COMPRESSION = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

export function encodeCheckpoint(checkpoint: EcsCheckpoint): Buffer {
  const text = JSON.stringify(checkpoint, (_key, item: unknown) => {
    if (item instanceof Map) return { $map: [...item] };
    return item === undefined ? { $undefined: true } : item;
  });
  return brotliCompressSync(text, COMPRESSION);
}

export function decodeCheckpoint(bytes: Uint8Array): EcsCheckpoint {
  return revived(JSON.parse(brotliDecompressSync(bytes).toString('utf8'))) as EcsCheckpoint;
}

/** Not a reviver for JSON.parse: that one deletes what it answers `undefined` for. */
function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(revived);
  if ('$undefined' in value) return undefined;
  if ('$map' in value) return new Map((value.$map as [string, unknown][]).map(([key, item]) => [key, revived(item)]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revived(item)]));
}
