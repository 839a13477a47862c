/**
 * What the container agent can do, as attributes that it registers and that a task definition may require.
 *
 * @source aws/amazon-ecs-agent, agent/app/agent_capability.go; spec/placement.md 1.8 (the derivation is inferred)
 */

const LEGACY = 'com.amazonaws.ecs.capability.';
const MODERN = 'ecs.capability.';

/** The drivers of the ECS-optimised image. */
const LOG_DRIVERS = ['awsfirelens', 'awslogs', 'fluentd', 'gelf', 'json-file', 'journald', 'none', 'splunk', 'syslog'];

/** Everything a current agent on the ECS-optimised Amazon Linux image registers, as far as a task can ask for it. */
export const CAPABILITIES: ReadonlyMap<string, true> = new Map(
  [
    ...LOG_DRIVERS.map((driver) => `${LEGACY}logging-driver.${driver}`),
    ...['privileged-container', 'ecr-auth', 'task-iam-role', 'task-iam-role-network-host'].map(
      (name) => `${LEGACY}${name}`,
    ),
    ...[
      'task-eni',
      'execution-role-ecr-pull',
      'execution-role-awslogs',
      'container-health-check',
      'container-ordering',
      'secrets.ssm.environment-variables',
      'secrets.asm.environment-variables',
      'private-registry-authentication.secretsmanager',
      'task-cpu-mem-limit',
      'efs',
      'efsAuth',
      'execute-command',
      'env-files.s3',
      'service-connect-v1',
      'network.container-port-range',
      'container-restart-policy',
    ].map((name) => `${MODERN}${name}`),
  ].map((name) => [name, true]),
);

/** The part of ecs.config that takes capabilities away. */
export interface AgentSettings {
  readonly ECS_AVAILABLE_LOGGING_DRIVERS?: readonly string[] | undefined;
  readonly ECS_DISABLE_PRIVILEGED?: boolean | undefined;
  readonly ECS_ENABLE_TASK_IAM_ROLE?: boolean | undefined;
  readonly ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST?: boolean | undefined;
  readonly ECS_ENABLE_TASK_ENI?: boolean | undefined;
}

/** What an agent with these settings cannot do. What the ECS-optimised image switches on is on unless it says otherwise. */
export function missingCapabilities(settings: AgentSettings): readonly string[] {
  const drivers = settings.ECS_AVAILABLE_LOGGING_DRIVERS;
  return [
    ...(drivers === undefined
      ? []
      : LOG_DRIVERS.filter((driver) => !drivers.includes(driver)).map((driver) => `${LEGACY}logging-driver.${driver}`)),
    ...(settings.ECS_DISABLE_PRIVILEGED === true ? [`${LEGACY}privileged-container`] : []),
    ...(settings.ECS_ENABLE_TASK_IAM_ROLE === false ? [`${LEGACY}task-iam-role`] : []),
    ...(settings.ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST === false ? [`${LEGACY}task-iam-role-network-host`] : []),
    ...(settings.ECS_ENABLE_TASK_ENI === false ? [`${MODERN}task-eni`] : []),
  ];
}

/** An attribute that an instance must carry; with a value, that value. */
export interface RequiredAttribute {
  readonly name: string;
  readonly value?: string;
}

/** The part of a task definition, as AWS writes it, that asks something of the agent or the host. */
export interface AskingTaskDefinition {
  readonly networkMode?: string | undefined;
  readonly taskRoleArn?: string | undefined;
  readonly executionRoleArn?: string | undefined;
  readonly runtimePlatform?:
    { readonly cpuArchitecture?: string | undefined; readonly operatingSystemFamily?: string | undefined } | undefined;
  readonly containerDefinitions: readonly {
    readonly image?: string | undefined;
    readonly privileged?: boolean | undefined;
    readonly logConfiguration?: { readonly logDriver: string } | undefined;
    readonly healthCheck?: object | undefined;
    readonly dependsOn?: readonly object[] | undefined;
    readonly startTimeout?: number | undefined;
    readonly stopTimeout?: number | undefined;
    readonly secrets?: readonly { readonly valueFrom: string }[] | undefined;
  }[];
}

/** The attributes that ECS derives from a task definition, each once. */
export function requiredAttributes(definition: AskingTaskDefinition): readonly RequiredAttribute[] {
  const names = new Set<string>();
  const { networkMode, taskRoleArn, executionRoleArn, runtimePlatform, containerDefinitions } = definition;
  if (networkMode === 'awsvpc') names.add(`${MODERN}task-eni`);
  if (taskRoleArn !== undefined)
    names.add(`${LEGACY}${networkMode === 'host' ? 'task-iam-role-network-host' : 'task-iam-role'}`);
  for (const container of containerDefinitions) {
    const driver = container.logConfiguration?.logDriver;
    if (driver !== undefined) names.add(`${LEGACY}logging-driver.${driver}`);
    if (driver === 'awslogs' && executionRoleArn !== undefined) names.add(`${MODERN}execution-role-awslogs`);
    if (executionRoleArn !== undefined && /\.dkr\.ecr\./.test(container.image ?? ''))
      names.add(`${MODERN}execution-role-ecr-pull`);
    if (container.privileged === true) names.add(`${LEGACY}privileged-container`);
    if (container.healthCheck !== undefined) names.add(`${MODERN}container-health-check`);
    const ordered = container.startTimeout ?? container.stopTimeout ?? container.dependsOn;
    if (ordered !== undefined) names.add(`${MODERN}container-ordering`);
    for (const { valueFrom } of container.secrets ?? [])
      names.add(`${MODERN}secrets.${valueFrom.includes(':secretsmanager:') ? 'asm' : 'ssm'}.environment-variables`);
  }
  return [...Array.from(names, (name) => ({ name })), ...platformAttributes(runtimePlatform)];
}

/** Values as an instance registers them, by what a task definition writes. */
const ARCHITECTURES: Readonly<Record<string, string>> = { X86_64: 'x86_64', ARM64: 'arm64' };

function platformAttributes(platform: AskingTaskDefinition['runtimePlatform']): readonly RequiredAttribute[] {
  const architecture = ARCHITECTURES[platform?.cpuArchitecture ?? ''];
  const system = platform?.operatingSystemFamily;
  return [
    ...(architecture === undefined ? [] : [{ name: 'ecs.cpu-architecture', value: architecture }]),
    ...(system === undefined ? [] : [{ name: 'ecs.os-type', value: system === 'LINUX' ? 'linux' : 'windows' }]),
  ];
}
