/** Which engine this is. */

import packageJson from '../package.json' with { type: 'json' };

/** Version of the program. Checkpoints are states of one version; events and scenarios are those of a model version. */
export const ENGINE_VERSION = packageJson.version;
