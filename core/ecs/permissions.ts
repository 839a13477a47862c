/**
 * What a task needs of what surrounds it, and how it fails without: images, logs, secrets, and the permissions for each.
 *
 * @source spec/placement.md 5.3, 5.6 to 5.8; the words are the agent's and Docker's
 */

import type { Immutable } from 'immer';
import { imageExists, imageReference, LOGIN_ACTION, PULL_ACTIONS, repositoryArn } from '../ecr/index.ts';
import { ACCOUNT_ID, denial, isTrusted, nameInArn } from '../iam/index.ts';
import { logGroupExists, logStreamName } from '../logs/index.ts';
import type { Task } from './task.ts';
import type { RegisteredTaskDefinition, TaskDefinition } from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

type World = Immutable<EcsWorld>;
type TaskView = Immutable<Task>;
type Container = Immutable<TaskDefinition['containerDefinitions'][number]>;

/** Who the agent of an instance is: the role of its instance profile. Undefined: nobody says, and it may do everything. */
function instanceRole({ ec2 }: World, ec2InstanceId: string): string | undefined {
  const groupName = ec2.instances.get(ec2InstanceId)?.autoScalingGroupName ?? '';
  return ec2.groups.get(groupName)?.config.IamInstanceProfile?.Name;
}

/** Calls of the container agent, each by the action that stands for what it needs. */
export type AgentAction =
  | 'ecs:RegisterContainerInstance'
  | 'ecs:Poll'
  | 'ecs:SubmitTaskStateChange'
  | 'ecs:StartTelemetrySession'
  | 'ecs:UpdateContainerInstancesState';

/** Why the agent of an instance may not make a call; undefined when it may. */
export function agentDenial(world: World, ec2InstanceId: string, action: AgentAction): string | undefined {
  if (world.iam.roles.size === 0) return undefined;
  return profileDenial(world, instanceRole(world, ec2InstanceId), action);
}

/** Whether the agents of every group may make a call: the instances of a group share its instance profile. */
export function allAgentsMay(world: World, action: AgentAction): boolean {
  if (world.iam.roles.size === 0) return true;
  for (const { config } of world.ec2.groups.values())
    if (profileDenial(world, config.IamInstanceProfile?.Name, action) !== undefined) return false;
  return true;
}

function profileDenial(world: World, role: string | undefined, action: AgentAction): string | undefined {
  if (role === undefined) return undefined;
  if (!isTrusted(world, role, 'ec2.amazonaws.com'))
    return `NoCredentialProviders: the role ${role} does not trust ec2.amazonaws.com`;
  return (
    (action === 'ecs:Poll' ? denial(world, role, 'ecs:DiscoverPollEndpoint') : undefined) ?? denial(world, role, action)
  );
}

/** A role of a task that ECS cannot assume; undefined when it can assume all of them. */
export function unassumableRole(
  world: World,
  { definition }: Pick<Immutable<RegisteredTaskDefinition>, 'definition'>,
): string | undefined {
  if (world.iam.roles.size === 0) return undefined;
  return [definition.executionRoleArn, definition.taskRoleArn]
    .filter((arn) => arn !== undefined)
    .map(nameInArn)
    .find((role) => !isTrusted(world, role, 'ecs-tasks.amazonaws.com'));
}

/** Whose credentials start a task: its execution role's; without one those of its instance, and on Fargate nobody's. */
function startingRole(world: World, task: TaskView): string | undefined {
  const { executionRoleArn } = definitionOf(world, task);
  if (executionRoleArn !== undefined) return nameInArn(executionRoleArn);
  return task.ec2InstanceId === undefined ? undefined : instanceRole(world, task.ec2InstanceId);
}

function definitionOf({ ecs }: World, { taskDefinition }: TaskView): Immutable<TaskDefinition> {
  return (ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>).definition;
}

function startingDenial(world: World, task: TaskView, action: string, resource?: string): string | undefined {
  const role = startingRole(world, task);
  return role === undefined ? undefined : denial(world, role, action, resource);
}

/** Whether a task may log in to Amazon ECR for its images. */
export function mayLogIn(world: World, task: TaskView): boolean {
  return startingDenial(world, task, LOGIN_ACTION) === undefined;
}

/** Why the registry does not hand out an image; undefined when it does. @param loggedIn  the agent's token is still good */
export function pullRefusal(world: World, task: TaskView, image: string, loggedIn: boolean): string | undefined {
  const reference = imageReference(image);
  if (reference.ecr === undefined) return undefined;
  const onFargate = task.ec2InstanceId === undefined;
  const noLogin = loggedIn ? undefined : startingDenial(world, task, LOGIN_ACTION);
  if (noLogin !== undefined)
    return onFargate
      ? `ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth: service call has been retried 1 time(s): ${noLogin}`
      : `CannotPullECRContainerError: ${noLogin}`;
  const arn = repositoryArn(reference.ecr, reference.repository);
  for (const action of PULL_ACTIONS) {
    const denied = startingDenial(world, task, action, arn);
    if (denied !== undefined)
      return `CannotPullContainerError: pull access denied for ${image}, repository does not exist or may require 'docker login': denied: ${denied}`;
  }
  if (imageExists(world, reference)) return undefined;
  const wanted = reference.digest ?? reference.tag;
  return `CannotPullContainerError: manifest for ${image} not found: manifest unknown: Requested image not found: ${wanted}`;
}

/** Why the containers of a task cannot be started once their images are there; undefined when they can. */
export function startRefusal(world: World, task: TaskView): string | undefined {
  for (const container of definitionOf(world, task).containerDefinitions) {
    const refusal = secretRefusal(world, task, container) ?? logRefusal(world, task, container);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function secretRefusal(world: World, task: TaskView, { secrets }: Container): string | undefined {
  for (const { valueFrom } of secrets) {
    const action = valueFrom.includes(':secretsmanager:') ? 'secretsmanager:GetSecretValue' : 'ssm:GetParameters';
    const arn = valueFrom.startsWith('arn:') ? valueFrom : `arn:aws:ssm:*:${ACCOUNT_ID}:parameter/${valueFrom}`;
    const denied = startingDenial(world, task, action, arn);
    if (denied !== undefined)
      return `ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from ${action.startsWith('ssm') ? 'ssm' : 'asm'}: service call has been retried 1 time(s): ${denied}`;
  }
  return undefined;
}

/** The log stream of a container; undefined when it does not log to CloudWatch. */
export function logStreamOf(
  { logConfiguration, name }: Container,
  taskId: string,
): { readonly logGroupName: string; readonly logStreamName: string; readonly createsGroup: boolean } | undefined {
  if (logConfiguration?.logDriver !== 'awslogs') return undefined;
  const { options } = logConfiguration;
  return {
    logGroupName: options['awslogs-group'] as string,
    logStreamName: logStreamName(options['awslogs-stream-prefix'], name, taskId),
    createsGroup: options['awslogs-create-group'] === 'true',
  };
}

function logRefusal(world: World, task: TaskView, container: Container): string | undefined {
  const stream = logStreamOf(container, task.taskId);
  if (stream === undefined) return undefined;
  const { logGroupName, logStreamName: streamName, createsGroup } = stream;
  const region = container.logConfiguration?.options['awslogs-region'] as string;
  const arn = `arn:aws:logs:${region}:${ACCOUNT_ID}:log-group:${logGroupName}`;
  const problem =
    (createsGroup ? startingDenial(world, task, 'logs:CreateLogGroup', arn) : undefined) ??
    (createsGroup || logGroupExists(world, logGroupName)
      ? undefined
      : 'ResourceNotFoundException: The specified log group does not exist.') ??
    startingDenial(world, task, 'logs:CreateLogStream', `${arn}:log-stream:${streamName}`) ??
    startingDenial(world, task, 'logs:PutLogEvents', `${arn}:log-stream:${streamName}`);
  if (problem === undefined) return undefined;
  return task.ec2InstanceId === undefined
    ? `ResourceInitializationError: failed to validate logger args: failed to create Cloudwatch log stream: ${problem}`
    : `CannotStartContainerError: failed to initialize logging driver: failed to create Cloudwatch log stream: ${problem}`;
}

/** Which call the application of a container is denied when it starts; undefined when its task role allows all it needs. */
export function applicationDenial(world: World, task: TaskView, { behavior }: Container): string | undefined {
  const { taskRoleArn } = definitionOf(world, task);
  for (const action of behavior?.calls ?? []) {
    if (taskRoleArn === undefined) return `NoCredentialProviders: no task role, and the application calls ${action}`;
    const denied = denial(world, nameInArn(taskRoleArn), action);
    if (denied !== undefined) return denied;
  }
  return undefined;
}
