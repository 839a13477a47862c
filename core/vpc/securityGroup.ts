/**
 * Security groups: who may open connections to what carries them. What carries none is open to everybody.
 *
 * @source AWS, VPC User Guide, "Security group rules"; spec/placement.md 5.5
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { event, json, text, type Decide, type EventsOf, type Evolve } from '../kernel/index.ts';
import type { VpcWorld } from './world.ts';

const port = z.int().min(0).max(65_535);
const EVERYWHERE = '0.0.0.0/0';

/** A rule for incoming connections, as `aws ec2 describe-security-groups` shows it. */
const ipPermission = z
  .strictObject({
    IpProtocol: z.enum(['tcp', 'udp', '-1']).describe('-1: all protocols, and all ports'),
    FromPort: port.optional(),
    ToPort: port.optional(),
    UserIdGroupPairs: z
      .array(z.strictObject({ GroupId: z.string().min(1) }))
      .default([])
      .describe('from what carries one of these groups'),
    IpRanges: z
      .array(z.strictObject({ CidrIp: z.literal(EVERYWHERE, `expected ${EVERYWHERE}: nothing here has an address`) }))
      .default([]),
  })
  .refine(
    ({ IpProtocol, FromPort, ToPort }) =>
      IpProtocol === '-1' || (FromPort !== undefined && ToPort !== undefined && FromPort <= ToPort),
    'expected FromPort and ToPort, the first not above the last',
  );
export type IpPermission = z.output<typeof ipPermission>;

const ofGroup = { GroupId: z.string().min(1).max(255) };

export const securityGroup = z.strictObject({
  ...ofGroup,
  Description: z.string().optional(),
  IpPermissions: z.array(ipPermission).max(60).default([]).describe('incoming; outgoing connections are all allowed'),
});
export type SecurityGroupConfig = z.output<typeof securityGroup>;

const ruleChange = z.strictObject({ ...ofGroup, IpPermissions: z.array(ipPermission).min(1) });

/** Calls that change a group on the way. */
export const securityGroupChanges = {
  AuthorizeSecurityGroupIngress: ruleChange,
  RevokeSecurityGroupIngress: ruleChange,
} as const;

export const securityGroupEvents = {
  SecurityGroupCreated: event('A security group was created.', {
    groupId: text('the group'),
    rules: json<readonly IpPermission[]>('its rules for incoming connections'),
  }),
  SecurityGroupIngressAuthorized: event('A security group lets more in.', {
    groupId: text('the group'),
    rules: json<readonly IpPermission[]>('the new rules'),
  }),
  SecurityGroupIngressRevoked: event('A security group lets less in.', {
    groupId: text('the group'),
    rules: json<readonly IpPermission[]>('rules that are gone'),
  }),
} as const;
export type SecurityGroupEvent = EventsOf<typeof securityGroupEvents>;

export type SecurityGroupCommand = {
  readonly type: 'CreateSecurityGroup' | 'AuthorizeSecurityGroupIngress' | 'RevokeSecurityGroupIngress';
  readonly groupId: string;
  readonly rules: readonly IpPermission[];
};

export const decideSecurityGroup: Decide<VpcWorld, SecurityGroupCommand, SecurityGroupEvent> = {
  CreateSecurityGroup: ({ groupId, rules }) => [{ type: 'SecurityGroupCreated', groupId, rules }],
  AuthorizeSecurityGroupIngress({ groupId, rules }, { world: { vpc } }) {
    return vpc.securityGroups.has(groupId) ? [{ type: 'SecurityGroupIngressAuthorized', groupId, rules }] : [];
  },
  RevokeSecurityGroupIngress({ groupId, rules }, { world: { vpc } }) {
    return vpc.securityGroups.has(groupId) ? [{ type: 'SecurityGroupIngressRevoked', groupId, rules }] : [];
  },
};

export const evolveSecurityGroup: Evolve<VpcWorld, SecurityGroupEvent> = {
  SecurityGroupCreated({ vpc }, { groupId, rules }) {
    vpc.securityGroups.set(groupId, rules);
  },
  SecurityGroupIngressAuthorized({ vpc }, { groupId, rules }) {
    vpc.securityGroups.set(groupId, [...(vpc.securityGroups.get(groupId) ?? []), ...rules]);
  },
  SecurityGroupIngressRevoked({ vpc }, { groupId, rules }) {
    const gone = new Set(rules.map((rule) => JSON.stringify(rule)));
    const left = (vpc.securityGroups.get(groupId) ?? []).filter((rule) => !gone.has(JSON.stringify(rule)));
    vpc.securityGroups.set(groupId, left);
  },
};

/** Whether what carries `groupIds` lets in a TCP connection from what carries `fromGroupIds`. */
export function admits(
  { vpc }: Immutable<VpcWorld>,
  groupIds: readonly string[],
  fromGroupIds: readonly string[],
  tcpPort: number,
): boolean {
  if (groupIds.length === 0) return true;
  return groupIds.some((groupId) =>
    (vpc.securityGroups.get(groupId) ?? []).some(
      ({ IpProtocol, FromPort = 0, ToPort = 65_535, UserIdGroupPairs, IpRanges }) =>
        (IpProtocol === '-1' || (IpProtocol === 'tcp' && FromPort <= tcpPort && tcpPort <= ToPort)) &&
        (IpRanges.length > 0 || UserIdGroupPairs.some((from) => fromGroupIds.includes(from.GroupId))),
    ),
  );
}
