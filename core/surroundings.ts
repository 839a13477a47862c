/**
 * What must be right about what surrounds tasks, as AWS says when a task definition is registered: roles, security groups,
 * logs, secrets and images.
 */

import { isFargate } from './ecs/index.ts';
import { imageReference } from './ecr/index.ts';
import { nameInArn, roleChanges } from './iam/index.ts';
import type { Scenario } from './scenario.ts';
import { securityGroupChanges } from './vpc/index.ts';

/** Where in a scenario. */
export type Path = readonly (string | number)[];
export type Report = (path: Path, message: string) => void;
type Definition = Scenario['taskDefinitions'][number];

export function checkSurroundings(scenario: Scenario, report: Report): void {
  checkRoles(scenario, report);
  checkSecurityGroups(scenario, report);
  for (const [index, definition] of scenario.taskDefinitions.entries()) {
    const path = ['taskDefinitions', index];
    checkLogs(definition, path, report);
    const withSecret = definition.containerDefinitions.findIndex(({ secrets }) => secrets.length > 0);
    if (withSecret !== -1 && definition.executionRoleArn === undefined)
      report(
        [...path, 'containerDefinitions', withSecret, 'secrets'],
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
      );
    if (isForFargate(scenario, definition)) checkOnFargate(definition, path, report);
  }
}

/** Roles that are named must be described, as soon as any is. */
function checkRoles({ roles, taskDefinitions, autoScalingGroups, changes }: Scenario, report: Report): void {
  const names = roles.map(({ RoleName }) => RoleName);
  unique(names, (index) => ['roles', index, 'RoleName'], report);
  const refer = (name: string | undefined, path: Path) => {
    if (name === undefined || names.includes(nameInArn(name))) return;
    report(path, `found "${name}", expected the name of a role: one of ${names.join(', ')}`);
  };
  for (const [index, made] of changes.entries())
    for (const kind of Object.keys(roleChanges) as (keyof typeof roleChanges)[]) {
      const call = made[kind];
      if (call === undefined) continue;
      if (names.length === 0)
        report(['changes', index, kind], 'found a change of a role, expected roles: there are none');
      else refer(call.RoleName, ['changes', index, kind, 'RoleName']);
    }
  if (names.length === 0) return;
  for (const [index, { executionRoleArn, taskRoleArn }] of taskDefinitions.entries()) {
    refer(executionRoleArn, ['taskDefinitions', index, 'executionRoleArn']);
    refer(taskRoleArn, ['taskDefinitions', index, 'taskRoleArn']);
  }
  for (const [index, { IamInstanceProfile }] of autoScalingGroups.entries())
    refer(IamInstanceProfile?.Name, ['autoScalingGroups', index, 'IamInstanceProfile', 'Name']);
}

/** Security groups that are named must be described, as soon as any is. */
function checkSecurityGroups(scenario: Scenario, report: Report): void {
  const ids = scenario.securityGroups.map(({ GroupId }) => GroupId);
  unique(ids, (index) => ['securityGroups', index, 'GroupId'], report);
  const refer = (id: string, path: Path) => {
    if (ids.includes(id)) return;
    const known = ids.length === 0 ? 'there is none' : `one of ${ids.join(', ')}`;
    report(path, `found "${id}", expected the GroupId of a security group: ${known}`);
  };
  const referAll = (named: readonly string[], path: Path) => {
    for (const [place, id] of named.entries()) refer(id, [...path, place]);
  };
  const referRules = (rules: Scenario['securityGroups'][number]['IpPermissions'], path: Path) => {
    for (const [rule, { UserIdGroupPairs }] of rules.entries())
      for (const [pair, { GroupId }] of UserIdGroupPairs.entries())
        refer(GroupId, [...path, rule, 'UserIdGroupPairs', pair, 'GroupId']);
  };
  for (const [index, made] of scenario.changes.entries())
    for (const kind of Object.keys(securityGroupChanges) as (keyof typeof securityGroupChanges)[]) {
      const call = made[kind];
      if (call === undefined) continue;
      refer(call.GroupId, ['changes', index, kind, 'GroupId']);
      referRules(call.IpPermissions, ['changes', index, kind, 'IpPermissions']);
    }
  for (const [index, { IpPermissions }] of scenario.securityGroups.entries())
    referRules(IpPermissions, ['securityGroups', index, 'IpPermissions']);
  for (const [index, { SecurityGroups }] of scenario.loadBalancers.entries())
    referAll(SecurityGroups, ['loadBalancers', index, 'SecurityGroups']);
  for (const [index, { SecurityGroupIds }] of scenario.autoScalingGroups.entries())
    referAll(SecurityGroupIds, ['autoScalingGroups', index, 'SecurityGroupIds']);
  for (const [index, { networkConfiguration }] of scenario.services.entries())
    referAll(networkConfiguration?.awsvpcConfiguration.securityGroups ?? [], [
      'services',
      index,
      'networkConfiguration',
      'awsvpcConfiguration',
      'securityGroups',
    ]);
}

/** @source AWS, ECS Developer Guide, "Send Amazon ECS logs to CloudWatch", options */
function checkLogs({ containerDefinitions }: Definition, path: Path, report: Report): void {
  for (const [index, { logConfiguration }] of containerDefinitions.entries()) {
    if (logConfiguration?.logDriver !== 'awslogs') continue;
    for (const option of ['awslogs-group', 'awslogs-region'])
      if (logConfiguration.options[option] === undefined)
        report(
          [...path, 'containerDefinitions', index, 'logConfiguration', 'options'],
          `found no ${option}, expected one: the awslogs driver requires it`,
        );
  }
}

/** @source AWS's answers to register-task-definition */
function checkOnFargate({ containerDefinitions, executionRoleArn }: Definition, path: Path, report: Report): void {
  for (const [index, { image, logConfiguration }] of containerDefinitions.entries()) {
    const at = [...path, 'containerDefinitions', index];
    if (imageReference(image).ecr !== undefined && executionRoleArn === undefined)
      report([...at, 'image'], 'Fargate requires task definition to have execution role ARN to support ECR images.');
    if (logConfiguration?.logDriver !== 'awslogs') continue;
    if (executionRoleArn === undefined)
      report(
        [...at, 'logConfiguration'],
        'Fargate requires task definition to have execution role ARN to support log driver awslogs.',
      );
    if (logConfiguration.options['awslogs-stream-prefix'] === undefined)
      report(
        [...at, 'logConfiguration', 'options'],
        'Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.',
      );
  }
}

/** Whether tasks of a definition are meant for Fargate, by its own word or by that of a service. */
function isForFargate({ cluster, services }: Scenario, { family, requiresCompatibilities }: Definition): boolean {
  if (requiresCompatibilities.includes('FARGATE')) return true;
  return services.some(({ taskDefinition, launchType, capacityProviderStrategy }) => {
    if (taskDefinition.split(':')[0] !== family) return false;
    if (launchType !== undefined) return launchType === 'FARGATE';
    const strategy = capacityProviderStrategy ?? cluster.defaultCapacityProviderStrategy;
    return strategy.some(({ capacityProvider }) => isFargate(capacityProvider));
  });
}

/** Reports names that come up again. */
export function unique(names: readonly string[], path: (index: number) => Path, report: Report): void {
  for (const [index, text] of names.entries())
    if (names.indexOf(text) < index) report(path(index), `found "${text}" a second time, expected a name of its own`);
}
