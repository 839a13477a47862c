/**
 * Policies, and whether one allows an action: what no statement allows is denied, and a statement that denies wins.
 *
 * @source AWS, IAM User Guide, "Policy evaluation logic"
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import managed from './managedPolicies.json' with { type: 'json' };

/** AWS takes one text or a list of them. */
const oneOrMore = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).transform((value) => [value].flat());

const statement = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(['Allow', 'Deny']),
    Action: oneOrMore.describe('such as ecr:GetAuthorizationToken; * and ? stand for what they do in IAM'),
    Resource: oneOrMore.prefault('*').describe('ARNs, with * and ?'),
  })
  .describe('conditions, NotAction and NotResource are refused: what they would do is not modelled');

const VERSION = z.enum(['2012-10-17', '2008-10-17']).optional();

export const policyDocument = z.strictObject({ Version: VERSION, Statement: z.array(statement).min(1) });
export type PolicyDocument = z.output<typeof policyDocument>;

/** Who may assume a role. */
export const trustPolicy = z.strictObject({
  Version: VERSION,
  Statement: z
    .array(
      z.strictObject({
        Sid: z.string().optional(),
        Effect: z.literal('Allow'),
        Principal: z.strictObject({ Service: oneOrMore }),
        Action: z.literal('sts:AssumeRole'),
      }),
    )
    .min(1),
});

export type TrustPolicy = z.output<typeof trustPolicy>;

const managedDocuments: ReadonlyMap<string, PolicyDocument> = new Map(
  Object.entries(managed.policies).map(([name, actions]) => [
    name,
    { Statement: [{ Effect: 'Allow', Action: actions, Resource: ['*'] }] },
  ]),
);

export const managedPolicyNames: readonly string[] = [...managedDocuments.keys()];

/** AWS's own policy of a name; undefined when it is not among those we know. */
export function managedPolicy(name: string): PolicyDocument | undefined {
  return managedDocuments.get(name);
}

/** Whether policies, all together, allow an action on a resource. */
export function policiesAllow(
  documents: Iterable<Immutable<PolicyDocument>>,
  action: string,
  resource: string,
): boolean {
  let allowed = false;
  for (const document of documents)
    for (const { allows, resources } of statementsFor(document, action)) {
      if (!matchesAny(resources, resource)) continue;
      if (!allows) return false;
      allowed = true;
    }
  return allowed;
}

/** A statement, ready to be asked. Patterns without a wildcard are texts, and so is the one that matches everything. */
interface StatementPatterns {
  readonly allows: boolean;
  readonly actions: readonly (string | RegExp)[];
  readonly resources: readonly (string | RegExp)[];
}

interface Known {
  readonly statements: readonly StatementPatterns[];
  /** Those that mean an action. There are few actions, and each task that starts asks for ten. */
  readonly byAction: Map<string, readonly StatementPatterns[]>;
}

/** By document: these are replaced, and never changed. */
const documentsKnown = new WeakMap<object, Known>();

function statementsFor(document: Immutable<PolicyDocument>, action: string): readonly StatementPatterns[] {
  let known = documentsKnown.get(document);
  if (known === undefined) documentsKnown.set(document, (known = knownOf(document)));
  let meant = known.byAction.get(action);
  if (meant === undefined) {
    const lowerCaseAction = action.toLowerCase();
    meant = known.statements.filter(({ actions }) => matchesAny(actions, lowerCaseAction));
    known.byAction.set(action, meant);
  }
  return meant;
}

function knownOf({ Statement }: Immutable<PolicyDocument>): Known {
  const statements = Statement.map(({ Effect, Action, Resource }) => ({
    allows: Effect === 'Allow',
    // Actions are not case-sensitive, resources are.
    actions: Action.map((pattern) => patternOf(pattern.toLowerCase())),
    resources: Resource.map(patternOf),
  }));
  return { statements, byAction: new Map() };
}

const EVERYTHING = '*';

/** `*` stands for any characters, `?` for one. */
function patternOf(pattern: string): string | RegExp {
  if (pattern === EVERYTHING || !/[*?]/.test(pattern)) return pattern;
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}

function matchesAny(known: StatementPatterns['actions'], text: string): boolean {
  for (const pattern of known)
    if (typeof pattern === 'string' ? pattern === EVERYTHING || pattern === text : pattern.test(text)) return true;
  return false;
}
