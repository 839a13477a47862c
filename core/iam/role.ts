/**
 * Roles: who may assume one, and what it may do. Changes count at once. Choice: AWS makes them known "within seconds".
 *
 * @source spec/placement.md 5.7 (AWS, IAM User Guide, "IAM roles")
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { event, json, text, type Decide, type EventsOf, type Evolve } from '../kernel/index.ts';
import {
  managedPolicy,
  managedPolicyNames,
  policiesAllow,
  policyDocument,
  trustPolicy,
  type PolicyDocument,
  type TrustPolicy,
} from './policy.ts';
import type { IamWorld } from './world.ts';

/** A role or policy by its name; of an ARN the name counts. */
export function nameInArn(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);
}

export const roleName = z.string().min(1).max(2048).transform(nameInArn).describe('its name, or its ARN');

const attachedPolicy = roleName
  .refine(
    (name) => managedPolicy(name) !== undefined,
    `expected ${managedPolicyNames.join(', ')}; another one as an inline policy`,
  )
  .describe('an AWS managed policy: its name, or its ARN');

const inlinePolicy = z.strictObject({ PolicyName: z.string().min(1).max(128), PolicyDocument: policyDocument });

/** A role as `aws iam get-role` shows it, with its policies beside it. */
export const role = z.strictObject({
  RoleName: z.string().min(1).max(64),
  AssumeRolePolicyDocument: trustPolicy.describe('who may assume it: ecs-tasks.amazonaws.com, ec2.amazonaws.com'),
  AttachedPolicies: z.array(attachedPolicy).max(20).default([]),
  Policies: z.array(inlinePolicy).max(50).default([]).describe('inline policies'),
});
export type RoleConfig = z.output<typeof role>;

const ofRole = { RoleName: roleName };

/** Calls that change a role on the way. */
export const roleChanges = {
  PutRolePolicy: z.strictObject({ ...ofRole, ...inlinePolicy.shape }),
  DeleteRolePolicy: z.strictObject({ ...ofRole, PolicyName: z.string().min(1) }),
  AttachRolePolicy: z.strictObject({ ...ofRole, PolicyArn: attachedPolicy }),
  UpdateAssumeRolePolicy: z.strictObject({ ...ofRole, PolicyDocument: trustPolicy }),
  DetachRolePolicy: z.strictObject({ ...ofRole, PolicyArn: attachedPolicy }),
} as const;

export interface Role {
  /** Who may assume it. */
  trust: TrustPolicy;
  /** By name, inline and attached ones. */
  readonly policies: Map<string, PolicyDocument>;
}

export const roleEvents = {
  RoleCreated: event('A role was created.', { config: json<RoleConfig>('with its policies') }),
  RolePolicyPut: event('A role has a policy, or another version of it.', {
    roleName: text('the role'),
    policyName: text('the policy'),
    document: json<PolicyDocument>('what it allows and denies'),
  }),
  RoleTrustUpdated: event('Others may assume a role.', {
    roleName: text('the role'),
    document: json<TrustPolicy>('who may assume it'),
  }),
  RolePolicyRemoved: event('A role has a policy no longer.', {
    roleName: text('the role'),
    policyName: text('the policy'),
  }),
} as const;
export type RoleEvent = EventsOf<typeof roleEvents>;

export type RoleCommand =
  | { readonly type: 'CreateRole'; readonly config: RoleConfig }
  | {
      readonly type: 'PutRolePolicy';
      readonly roleName: string;
      readonly policyName: string;
      readonly document: PolicyDocument;
    }
  | { readonly type: 'UpdateAssumeRolePolicy'; readonly roleName: string; readonly document: TrustPolicy }
  | { readonly type: 'RemoveRolePolicy'; readonly roleName: string; readonly policyName: string };

export const decideRole: Decide<IamWorld, RoleCommand, RoleEvent> = {
  CreateRole: ({ config }) => [{ type: 'RoleCreated', config }],
  PutRolePolicy({ roleName: name, policyName, document }, { world: { iam } }) {
    if (!iam.roles.has(name)) return [];
    return [{ type: 'RolePolicyPut', roleName: name, policyName, document }];
  },
  UpdateAssumeRolePolicy({ roleName: name, document }, { world: { iam } }) {
    return iam.roles.has(name) ? [{ type: 'RoleTrustUpdated', roleName: name, document }] : [];
  },
  RemoveRolePolicy({ roleName: name, policyName }, { world: { iam } }) {
    if (iam.roles.get(name)?.policies.has(policyName) !== true) return [];
    return [{ type: 'RolePolicyRemoved', roleName: name, policyName }];
  },
};

export const evolveRole: Evolve<IamWorld, RoleEvent> = {
  RoleCreated({ iam }, { config }) {
    const policies = new Map<string, PolicyDocument>();
    for (const name of config.AttachedPolicies) policies.set(name, managedPolicy(name) as PolicyDocument);
    for (const { PolicyName, PolicyDocument: document } of config.Policies) policies.set(PolicyName, document);
    iam.roles.set(config.RoleName, { trust: config.AssumeRolePolicyDocument, policies });
  },
  RolePolicyPut({ iam }, { roleName: name, policyName, document }) {
    (iam.roles.get(name) as Role).policies.set(policyName, document);
  },
  RoleTrustUpdated({ iam }, { roleName: name, document }) {
    (iam.roles.get(name) as Role).trust = document;
  },
  RolePolicyRemoved({ iam }, { roleName: name, policyName }) {
    (iam.roles.get(name) as Role).policies.delete(policyName);
  },
};

/** Whether a service may assume a role. A role that nobody describes is trusted, and may do everything. */
export function isTrusted({ iam }: Immutable<IamWorld>, name: string, service: string): boolean {
  const found = iam.roles.get(name);
  if (found === undefined) return true;
  return found.trust.Statement.some(({ Principal }) => Principal.Service.includes(service));
}

/** Why a role may not do something, in AWS's words; undefined when it may. */
export function denial({ iam }: Immutable<IamWorld>, name: string, action: string, resource = '*'): string | undefined {
  const found = iam.roles.get(name);
  if (found === undefined || policiesAllow(found.policies.values(), action, resource)) return undefined;
  return `AccessDeniedException: User: arn:aws:sts::${ACCOUNT_ID}:assumed-role/${name} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
}

/** The account of all that has no account of its own in its name. */
export const ACCOUNT_ID = '123456789012';
