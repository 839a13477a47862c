/** Whether load balancers get through to the tasks behind them. */

import { admits } from '../../core/vpc/index.ts';
import type { Facts, ServiceFacts, TargetGroupFacts } from './facts.ts';
import type { Finding, Lint } from './lint.ts';

/** Where hosts pick dynamic ports, unless ecs.config says otherwise. */
const EPHEMERAL_RANGE = '32768-60999';

interface Door {
  /** Who carries the groups: the task, or the instances of a group. */
  readonly of: string;
  readonly securityGroups: readonly string[];
  readonly path: readonly (string | number)[];
  /** First and last port that connections may come to. */
  readonly ports: readonly [number, number];
}

/** The doors between a target group and the tasks of a service, at the start of the run. */
function doorsOf(service: ServiceFacts, targetGroup: string): readonly Door[] {
  const { definition, config, index, groups, name } = service;
  const attached = config.loadBalancers.find((balancer) => balancer.targetGroup === targetGroup);
  if (attached === undefined) return [];
  const { containerName, containerPort } = attached;
  if (definition.networkMode === 'awsvpc')
    return [
      {
        of: `tasks of "${name}"`,
        securityGroups: config.networkConfiguration?.awsvpcConfiguration.securityGroups ?? [],
        path: ['services', index, 'networkConfiguration', 'awsvpcConfiguration', 'securityGroups'],
        ports: [containerPort, containerPort],
      },
    ];
  const container = definition.containerDefinitions.find((candidate) => candidate.name === containerName);
  const mapping = container?.portMappings.find((candidate) => candidate.containerPort === containerPort);
  const fixed = definition.networkMode === 'host' ? containerPort : mapping?.hostPort;
  return groups.map((group) => {
    const range = group.config.ecsConfig?.ECS_DYNAMIC_HOST_PORT_RANGE ?? EPHEMERAL_RANGE;
    const [first, last] = range.split('-').map(Number);
    return {
      of: `instances of "${group.name}"`,
      securityGroups: group.config.SecurityGroupIds,
      path: ['autoScalingGroups', group.index, 'SecurityGroupIds'],
      ports: (fixed ?? 0) > 0 ? [fixed as number, fixed as number] : [first as number, last as number],
    };
  });
}

export const doorClosed: Lint = {
  title: 'a security group that does not let the load balancer in',
  source: 'AWS, ECS guide, "Troubleshooting service load balancers": allow the whole range of dynamic host ports',
  find: (facts) =>
    facts.scenario.securityGroups.length === 0
      ? []
      : facts.services.flatMap((service) =>
          service.targetGroups.flatMap((group) => closedDoors(facts, service, group)),
        ),
};

function closedDoors({ scenario }: Facts, service: ServiceFacts, { config }: TargetGroupFacts): readonly Finding[] {
  const world = {
    vpc: { securityGroups: new Map(scenario.securityGroups.map((group) => [group.GroupId, group.IpPermissions])) },
  };
  const balancer = scenario.loadBalancers.find(({ Name }) => Name === config.loadBalancer);
  const from = balancer?.SecurityGroups ?? [];
  return doorsOf(service, config.Name).flatMap(({ of, securityGroups, path, ports }): readonly Finding[] => {
    const [first, last] = ports;
    if ([first, last].every((port) => admits(world, securityGroups, from, port))) return [];
    const range = first === last ? `port ${first}` : `ports ${first} to ${last}`;
    const opened = scenario.changes.some(({ AuthorizeSecurityGroupIngress: opens }) =>
      securityGroups.includes(opens?.GroupId ?? ''),
    );
    const until = opened ? ' until a change of the scenario opens the door' : '';
    return [
      {
        severity: opened ? 'warning' : 'serious',
        path,
        what: `targets of "${config.Name}" time out, and ECS replaces the tasks of "${service.name}" again and again${until}`,
        why: `${of} carry ${securityGroups.join(', ')}, which ${securityGroups.length === 1 ? 'does' : 'do'} not let ${range} in from ${from.length === 0 ? `load balancer "${balancer?.Name ?? config.Name}", which carries no security group` : from.join(', ')}`,
        help: `add a rule for ${first === last ? 'this port' : 'the whole range'} from the group of the load balancer`,
      },
    ];
  });
}
