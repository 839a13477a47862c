/** What the laws are tried on, continued: roles that lack something, images of Amazon ECR, logs, and doors that are closed. */

import fc from 'fast-check';
import type { Millis } from '../core/kernel/index.ts';
import type { ScenarioInput } from '../core/scenario.ts';

type Part<Key extends keyof ScenarioInput> =
  NonNullable<ScenarioInput[Key]> extends readonly (infer Item)[] ? Item : never;

/** What may be missing, by the action that stands for it. */
const LACKED = [
  'ecr:GetAuthorizationToken',
  'ecr:BatchGetImage',
  'logs:CreateLogStream',
  'logs:CreateLogGroup',
  's3:GetObject',
  'sts:AssumeRole',
  'ecs:RegisterContainerInstance',
  'ecs:Poll',
  'ecs:SubmitTaskStateChange',
  'ecs:StartTelemetrySession',
  'ecs:UpdateContainerInstancesState',
] as const;

/** Undefined in most scenarios: nothing is in the way. */
export const surrounding = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({
      lacks: fc.constantFrom(undefined, ...LACKED, 'sts:AssumeRole', 'sts:AssumeRole', 'ecs:Poll'),
      /** When it is given or taken, as a part of the run; undefined: never. */
      changesAt: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      isTaken: fc.boolean(),
      logs: fc.constantFrom('none', 'listed', 'created', 'deleted'),
      door: fc.constantFrom('none', 'open', 'closed'),
      limited: fc.boolean(),
    }),
  },
);
type SurroundingPlan = NonNullable<typeof surrounding extends fc.Arbitrary<infer Plan> ? Plan : never>;

const REGISTRY = '123456789012.dkr.ecr.us-east-1.amazonaws.com';
const GROUP = '/ecs/drawn';
const trusting = (Service: string) => ({
  Statement: [{ Effect: 'Allow' as const, Principal: { Service }, Action: 'sts:AssumeRole' as const }],
});

/** The scenario with all that surrounds its tasks. */
export function withSurroundings(
  plain: ScenarioInput,
  plan: SurroundingPlan | undefined,
  { startMs, lengthMs }: { readonly startMs: Millis; readonly lengthMs: Millis },
): ScenarioInput {
  if (plan === undefined) return plain;
  const { lacks, changesAt, isTaken, logs, door } = plan;
  const named = JSON.stringify(plain).replaceAll(/"image-(\d)"/g, `"${REGISTRY}/image-$1:1"`);
  const input = JSON.parse(named) as ScenarioInput;
  const at = new Date(startMs + Math.floor((changesAt ?? 0) * lengthMs)).toISOString();
  const denied = { Statement: [{ Effect: 'Deny' as const, Action: lacks ?? 'none:None' }] };
  const roleOf = (RoleName: string, service: string): Part<'roles'> => ({
    RoleName,
    AssumeRolePolicyDocument: trusting(lacks === 'sts:AssumeRole' && !isTaken ? 'lambda.amazonaws.com' : service),
    AttachedPolicies: ['AdministratorAccess'],
    ...(isTaken || lacks === undefined ? {} : { Policies: [{ PolicyName: 'lack', PolicyDocument: denied }] }),
  });
  const change = (RoleName: string, service: string): Part<'changes'>[] => {
    if (changesAt === undefined || lacks === undefined) return [];
    if (lacks === 'sts:AssumeRole')
      return [
        {
          at,
          UpdateAssumeRolePolicy: {
            RoleName,
            PolicyDocument: trusting(isTaken ? 'lambda.amazonaws.com' : service),
          },
        },
      ];
    return [
      isTaken
        ? { at, PutRolePolicy: { RoleName, PolicyName: 'lack', PolicyDocument: denied } }
        : { at, DeleteRolePolicy: { RoleName, PolicyName: 'lack' } },
    ];
  };
  const tasks = 'ecs-tasks.amazonaws.com';
  const instances = 'ec2.amazonaws.com';
  const ofAgent = lacks?.startsWith('ecs:') === true;
  const rule = {
    IpProtocol: 'tcp' as const,
    FromPort: 8_000,
    ToPort: 60_999,
    UserIdGroupPairs: [{ GroupId: 'sg-balancers' }],
  };
  return {
    ...input,
    roles: [roleOf('tasks', tasks), roleOf('instances', instances)],
    securityGroups:
      door === 'none'
        ? []
        : [{ GroupId: 'sg-balancers' }, { GroupId: 'sg-hosts', IpPermissions: door === 'open' ? [rule] : [] }],
    logGroups: logs === 'listed' || logs === 'deleted' ? [{ logGroupName: GROUP }] : [],
    autoScalingGroups: (input.autoScalingGroups ?? []).map((group) => ({
      ...group,
      IamInstanceProfile: { Name: 'instances' },
      ...(door === 'none' ? {} : { SecurityGroupIds: ['sg-hosts'] }),
    })),
    loadBalancers: (input.loadBalancers ?? []).map((balancer) => ({
      ...balancer,
      ...(door === 'none' ? {} : { SecurityGroups: ['sg-balancers'] }),
    })),
    taskDefinitions: input.taskDefinitions.map((definition) => ({
      ...definition,
      executionRoleArn: 'tasks',
      ...(lacks === 's3:GetObject' ? { taskRoleArn: 'tasks' } : {}),
      containerDefinitions: definition.containerDefinitions.map((container, index) => ({
        ...container,
        ...(index > 0 || logs === 'none'
          ? {}
          : {
              logConfiguration: {
                logDriver: 'awslogs',
                options: {
                  'awslogs-group': GROUP,
                  'awslogs-region': 'us-east-1',
                  'awslogs-stream-prefix': 'p',
                  ...(logs === 'created' ? { 'awslogs-create-group': 'true' } : {}),
                },
              },
            }),
        ...(lacks === 's3:GetObject' && index === 0
          ? { behavior: { ...container.behavior, calls: ['s3:GetObject'] } }
          : {}),
      })),
    })),
    changes: [
      ...(input.changes ?? []),
      ...(ofAgent ? [] : change('tasks', tasks)),
      ...(ofAgent || lacks === 'sts:AssumeRole' ? change('instances', instances) : []),
      ...(logs === 'deleted' && changesAt !== undefined ? [{ at, DeleteLogGroup: { logGroupName: GROUP } }] : []),
      ...(door === 'none' || changesAt === undefined
        ? []
        : [
            {
              at,
              [door === 'open' ? 'RevokeSecurityGroupIngress' : 'AuthorizeSecurityGroupIngress']: {
                GroupId: 'sg-hosts',
                IpPermissions: [rule],
              },
            },
          ]),
    ],
    faults: [...(input.faults ?? []), ...(plan.limited ? [{ kind: 'PullRateExceeded' as const, at, for: '2m' }] : [])],
  };
}
