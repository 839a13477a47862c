/**
 * Before every test file: properties draw from a fixed seed, so that a change is judged by what it changes.
 * `PROPERTY_SEED=random npm test` hunts with new luck; a failure prints the seed and path that repeat it.
 */

import fc from 'fast-check';

const wanted = process.env['PROPERTY_SEED'] ?? '20261123';
fc.configureGlobal(wanted === 'random' ? {} : { seed: Number(wanted) });
