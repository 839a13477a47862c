/**
 * Images: what a reference means, which of them a registry has, and how one logs in to Amazon ECR.
 *
 * @source AWS, ECR User Guide, "Private registry authentication"; spec/placement.md 5.2, 5.3, 5.7
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { event, json, type Decide, type EventsOf, type Evolve } from '../kernel/index.ts';
import type { EcrWorld } from './world.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** An image of a registry, as the scenario lists it. */
export const image = z.strictObject({
  name: z.string().min(1).describe('as container definitions name it, with its tag'),
  compressedMiB: z.number().positive().max(100_000),
  digest: z
    .string()
    .regex(DIGEST, 'expected sha256: and 64 hexadecimal digits')
    .optional()
    .describe('what repository@sha256:… stands for'),
});
export type ImageConfig = z.output<typeof image>;

export interface ImageReference {
  /** Undefined: Docker Hub. */
  readonly registry: string | undefined;
  readonly repository: string;
  /** `latest` when neither tag nor digest is written. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** Of a private registry of Amazon ECR. */
  readonly ecr: { readonly accountId: string; readonly region: string } | undefined;
}

const ECR = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;

/** References that have been taken apart, by their texts: each task that is placed pulls one that others have pulled. */
const references = new Map<string, ImageReference>();

/** Takes an image reference apart: `registry/repository:tag@digest`. */
export function imageReference(text: string): ImageReference {
  let reference = references.get(text);
  if (reference === undefined) references.set(text, (reference = parsed(text)));
  return reference;
}

function parsed(text: string): ImageReference {
  const [named, digest] = text.split('@') as [string, string?];
  const slash = named.indexOf('/');
  const host = slash === -1 ? '' : named.slice(0, slash);
  const isHost = host.includes('.') || host.includes(':') || host === 'localhost';
  const path = isHost ? named.slice(slash + 1) : named;
  const colon = path.lastIndexOf(':');
  const tagged = colon > path.lastIndexOf('/');
  const found = ECR.exec(host);
  return {
    registry: isHost ? host : undefined,
    repository: tagged ? path.slice(0, colon) : path,
    tag: tagged ? path.slice(colon + 1) : digest === undefined ? 'latest' : undefined,
    digest,
    ecr: found === null ? undefined : { accountId: found[1] as string, region: found[2] as string },
  };
}

/** What an image of a private repository is pulled with: a login, and then the image. */
export const LOGIN_ACTION = 'ecr:GetAuthorizationToken';
export const PULL_ACTIONS = ['ecr:BatchGetImage', 'ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer'];

export function repositoryArn({ accountId, region }: NonNullable<ImageReference['ecr']>, repository: string): string {
  return `arn:aws:ecr:${region}:${accountId}:repository/${repository}`;
}

/** For how long a token that `GetAuthorizationToken` gives is good. */
export const TOKEN_LIFE_HOURS = 12;

/** The docker login that a person types, in both generations of the AWS CLI: `get-login`, and since 1.17.10 `get-login-password`. */
export function dockerLogins({ accountId, region }: NonNullable<ImageReference['ecr']>): {
  readonly getLogin: string;
  readonly getLoginPassword: string;
} {
  const registry = `${accountId}.dkr.ecr.${region}.amazonaws.com`;
  return {
    getLogin: `$(aws ecr get-login --no-include-email --region ${region} --registry-ids ${accountId})   # docker login -u AWS -p TOKEN https://${registry}`,
    getLoginPassword: `aws ecr get-login-password --region ${region} | docker login --username AWS --password-stdin ${registry}`,
  };
}

export const imageEvents = {
  ImagePushed: event('A registry has an image.', { image: json<ImageConfig>('its reference, size and digest') }),
} as const;
export type ImageEvent = EventsOf<typeof imageEvents>;

export type ImageCommand = { readonly type: 'PushImage'; readonly image: ImageConfig };

export const decideEcr: Decide<EcrWorld, ImageCommand, ImageEvent> = {
  PushImage: ({ image: pushed }) => [{ type: 'ImagePushed', image: pushed }],
};

export const evolveEcr: Evolve<EcrWorld, ImageEvent> = {
  ImagePushed({ ecr }, { image: pushed }) {
    const { registry, repository, tag } = imageReference(pushed.name);
    const key = repositoryKey(registry, repository);
    let images = ecr.repositories.get(key);
    if (images === undefined) ecr.repositories.set(key, (images = new Map()));
    if (tag !== undefined) images.set(tag, true);
    if (pushed.digest !== undefined) images.set(pushed.digest, true);
  },
};

function repositoryKey(registry: string | undefined, repository: string): string {
  return `${registry ?? 'docker.io'}/${repository}`;
}

/**
 * Whether Amazon ECR has an image: of a repository that the scenario lists images of, no others. Choice: a repository that it
 * lists nothing of, and other registries, have whatever is asked for.
 */
export function imageExists(
  { ecr }: Immutable<EcrWorld>,
  { registry, repository, ...wanted }: ImageReference,
): boolean {
  const images = ecr.repositories.get(repositoryKey(registry, repository));
  if (wanted.ecr === undefined || images === undefined) return true;
  return images.has(wanted.digest ?? (wanted.tag as string));
}
