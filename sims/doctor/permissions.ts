/** Whether those who start tasks may do what starting takes. */

import type { TaskDefinition } from '../../core/index.ts';
import { imageReference, LOGIN_ACTION, PULL_ACTIONS, repositoryArn } from '../../core/ecr/index.ts';
import { ACCOUNT_ID, denial, emptyIam, evolveIam, isTrusted, nameInArn, type IamWorld } from '../../core/iam/index.ts';
import type { Facts, ServiceFacts } from './facts.ts';
import type { Finding, Lint } from './lint.ts';

interface Need {
  readonly action: string;
  readonly resource?: string;
  readonly forWhat: string;
}

/** What starting a task of a definition takes, in the order in which it is asked for. */
function needsOf({ containerDefinitions }: TaskDefinition): readonly Need[] {
  const pulls = containerDefinitions.flatMap(({ image }): readonly Need[] => {
    const { ecr, repository } = imageReference(image);
    if (ecr === undefined) return [];
    const resource = repositoryArn(ecr, repository);
    const forWhat = `the image ${image}`;
    return [{ action: LOGIN_ACTION, forWhat }, ...PULL_ACTIONS.map((action) => ({ action, resource, forWhat }))];
  });
  const starts = containerDefinitions.flatMap(({ name, secrets, logConfiguration }): readonly Need[] => [
    ...secrets.map(({ valueFrom }) => ({
      action: valueFrom.includes(':secretsmanager:') ? 'secretsmanager:GetSecretValue' : 'ssm:GetParameters',
      resource: valueFrom.startsWith('arn:') ? valueFrom : `arn:aws:ssm:*:${ACCOUNT_ID}:parameter/${valueFrom}`,
      forWhat: `a secret of ${name}`,
    })),
    ...(logConfiguration?.logDriver === 'awslogs' ? logNeeds(name, logConfiguration.options) : []),
  ]);
  return [...pulls, ...starts];
}

function logNeeds(container: string, options: Readonly<Record<string, string>>): readonly Need[] {
  const group = `arn:aws:logs:${options['awslogs-region'] ?? '*'}:${ACCOUNT_ID}:log-group:${options['awslogs-group'] ?? '*'}`;
  // The last part of a stream's name is the id of the task: policies name groups.
  const stream = `${group}:log-stream:${options['awslogs-stream-prefix'] ?? ''}/${container}/id`;
  const forWhat = `the logs of ${container}`;
  return [
    ...(options['awslogs-create-group'] === 'true'
      ? [{ action: 'logs:CreateLogGroup', resource: group, forWhat }]
      : []),
    ...['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => ({ action, resource: stream, forWhat })),
  ];
}

export const startDenied: Lint = {
  title: 'a role that may not do what starting its tasks takes',
  source:
    'AWS, ECS guide, "Amazon ECS task execution IAM role": pulling from Amazon ECR, awslogs and secrets need its permissions; on instances without one, the instance role’s',
  find: (facts) => {
    const world: IamWorld = { iam: emptyIam() };
    for (const config of facts.scenario.roles) evolveIam.RoleCreated(world, { type: 'RoleCreated', config }, 0);
    return facts.services.flatMap((service) => findingsOf(facts, service, world));
  },
};

/** What the role of a service is denied first: what comes after it is never asked for. */
function findingsOf({ scenario }: Facts, service: ServiceFacts, world: IamWorld): readonly Finding[] {
  const { definition, definitionIndex, groups, name } = service;
  const execution = definition.executionRoleArn;
  const starters =
    execution === undefined
      ? groups.flatMap(({ config, index }) => {
          const profile = config.IamInstanceProfile?.Name;
          const path = ['autoScalingGroups', index, 'IamInstanceProfile'];
          return profile === undefined ? [] : [{ role: profile, path, principal: 'ec2.amazonaws.com' }];
        })
      : [
          {
            role: nameInArn(execution),
            path: ['taskDefinitions', definitionIndex, 'executionRoleArn'],
            principal: 'ecs-tasks.amazonaws.com',
          },
        ];
  return starters.flatMap(({ role, path, principal }): readonly Finding[] => {
    const denied = needsOf(definition).find(
      ({ action, resource }) => denial(world, role, action, resource) !== undefined,
    );
    const trusted = isTrusted(world, role, principal);
    if (trusted && denied === undefined) return [];
    const changed = scenario.changes.some(({ PutRolePolicy, AttachRolePolicy, UpdateAssumeRolePolicy }) =>
      [PutRolePolicy, AttachRolePolicy, UpdateAssumeRolePolicy].some((change) => change?.RoleName === role),
    );
    return [
      {
        severity: changed ? 'warning' : 'serious',
        path,
        what: `no task of "${name}" starts${changed ? ' until a change of the scenario lets it' : ''}`,
        why: trusted
          ? `no policy of role ${role} allows ${denied?.action ?? ''}${denied?.resource === undefined ? '' : ` on ${denied.resource}`}, which ${denied?.forWhat ?? ''} needs`
          : `role ${role} does not trust ${principal}: nobody can assume it`,
        help: trusted
          ? 'attach AmazonECSTaskExecutionRolePolicy, or an inline policy with this action'
          : `add ${principal} to its AssumeRolePolicyDocument`,
      },
    ];
  });
}
