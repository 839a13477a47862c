/** `growthPoint.ts DIMENSION SIZE`: one point of a curve, in a process of its own. */

import { measuredHere, type DimensionName } from './growth.ts';

const [dimension, size] = process.argv.slice(2) as [DimensionName, string];
console.log(JSON.stringify(measuredHere(dimension, Number(size))));
