/** Amazon ECR: images, and how one gets at them. */

import { Phase, type Phases } from '../kernel/index.ts';
import type { ImageCommand } from './image.ts';

export {
  decideEcr,
  dockerLogins,
  evolveEcr,
  image,
  imageEvents as ecrEvents,
  imageExists,
  imageReference,
  LOGIN_ACTION,
  PULL_ACTIONS,
  repositoryArn,
  TOKEN_LIFE_HOURS,
  type ImageCommand as EcrCommand,
  type ImageEvent as EcrEvent,
  type ImageReference,
} from './image.ts';
export { emptyEcr, type EcrState, type EcrWorld } from './world.ts';

export const ecrPhases: Phases<ImageCommand> = { PushImage: Phase.Execute };
