/** Amazon ECR's slice of the world. */

export interface EcrWorld {
  readonly ecr: EcrState;
}

export interface EcrState {
  /** Tags and digests of the images that are there, by registry and repository. */
  readonly repositories: Map<string, Map<string, true>>;
}

export const emptyEcr = (): EcrState => ({ repositories: new Map() });
