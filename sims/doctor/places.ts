/** Room for tasks: what an instance holds, how many instances there can be, and who makes more of them. */

import { instanceType, placeTask, splitByStrategy, type TaskDemand } from '../../core/index.ts';
import { formatCount, formatNoun } from '../report/format.ts';
import type { Facts, GroupFacts, Offer, ServiceFacts } from './facts.ts';
import type { Finding, Lint } from './lint.ts';

const PLACEMENT = 'AWS, ECS guide, "How Amazon ECS places tasks on container instances"';
const CLUSTER_SCALING = 'AWS, ECS guide, "Automatically manage Amazon ECS capacity with cluster auto scaling"';

type Resource = 'CPU' | 'memory' | 'GPUs' | 'network interfaces' | 'a static host port';

/** How many tasks of one kind an instance holds by each resource; what a task does not ask for is left out. */
function tasksBy({ cpuUnits, memoryMiB, gpuCount, enis, tcpPorts, udpPorts }: TaskDemand, offer: Offer) {
  const asked: readonly (readonly [Resource, number, number])[] = [
    ['a static host port', tcpPorts.length + udpPorts.length > 0 ? 1 : 0, 1],
    ['network interfaces', enis, offer.enis],
    ['GPUs', gpuCount, offer.gpuCount],
    ['memory', memoryMiB, offer.memoryMiB],
    ['CPU', cpuUnits, offer.cpuUnits],
  ];
  return asked
    .filter(([, wanted]) => wanted > 0)
    .map(([resource, wanted, there]) => ({ resource, tasks: Math.max(0, Math.floor(there / wanted)) }));
}

interface Places {
  readonly group: GroupFacts;
  readonly type: string;
  /** Tasks on an instance of its roomiest type, and what ends them. */
  readonly perInstance: number;
  readonly binding: Resource;
  /** Tasks on it if the binding resource were endless. */
  readonly without: number;
}

export function placesOf({ demand, groups, config }: ServiceFacts): readonly Places[] {
  const distinct = config.placementConstraints.some(({ type }) => type === 'distinctInstance');
  return groups.flatMap((group) => {
    const best = group.offers
      .map((offer) => {
        const [least, next] = tasksBy(demand, offer).toSorted((a, b) => a.tasks - b.tasks);
        const perInstance = Math.min(least?.tasks ?? 0, distinct ? 1 : Number.POSITIVE_INFINITY);
        return {
          group,
          type: offer.type,
          perInstance,
          binding: least?.resource ?? 'CPU',
          without: next?.tasks ?? perInstance,
        };
      })
      .toSorted((a, b) => b.perInstance - a.perInstance)[0];
    return best === undefined ? [] : [best];
  });
}

/** The most tasks of a service that its groups ever hold, if nobody else were there. */
export function mostPlaces(service: ServiceFacts): number {
  return placesOf(service).reduce((sum, { group, perInstance }) => sum + group.mostInstances * perInstance, 0);
}

/** Services on instances whose tasks can outgrow them. */
function outgrown({ services }: Facts): readonly { readonly service: ServiceFacts; readonly places: number }[] {
  return services.flatMap((service) => {
    if (service.onFargate || service.config.schedulingStrategy === 'DAEMON' || service.groups.length === 0) return [];
    const places = mostPlaces(service);
    return places < service.mostTasks ? [{ service, places }] : [];
  });
}

const countPath = ({ target, index }: ServiceFacts) =>
  target === undefined ? ['services', index, 'desiredCount'] : ['scalableTargets', target.index, 'MaxCapacity'];

const shortOf = (service: ServiceFacts, places: number) =>
  `"${service.name}" may want ${formatNoun(service.mostTasks, 'task')}, and there is never room for more than ${places}`;

const instancesOf = (places: readonly Places[]) =>
  places
    .map(({ group, type }) => `${formatNoun(group.mostInstances, 'instance')} of "${group.name}" (${type})`)
    .join(', ');

export const hostPortCaps: Lint = {
  title: 'a static host port that caps a service',
  source: `${PLACEMENT}: a host port is there once on an instance`,
  find: (facts) =>
    outgrown(facts).flatMap(({ service, places }): readonly Finding[] => {
      const found = placesOf(service);
      if (!found.some(({ binding }) => binding === 'a static host port')) return [];
      const { tcpPorts, udpPorts } = service.demand;
      return [
        {
          severity: 'serious',
          path: ['taskDefinitions', service.definitionIndex, 'containerDefinitions'],
          what: shortOf(service, places),
          why: `its tasks take host port ${[...tcpPorts, ...udpPorts].join(' and ')}, which each of ${instancesOf(found)} has once, however much CPU and memory is left`,
          help: 'use hostPort: 0 with a load balancer, or networkMode awsvpc',
        },
      ];
    }),
};

export const interfacesCap: Lint = {
  title: 'network interfaces that cap a service',
  source: 'AWS, ECS guide, "Elastic network interface trunking": interfaces of an instance type, one of them its own',
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const found = placesOf(service).filter(
        ({ binding, perInstance, without }) => binding === 'network interfaces' && without >= 2 * perInstance,
      );
      const [first] = found;
      if (first === undefined) return [];
      const places = mostPlaces(service);
      const caps = places < service.mostTasks;
      const { type, perInstance, without } = first;
      return [
        {
          severity: caps ? 'serious' : 'warning',
          path: ['taskDefinitions', service.definitionIndex, 'networkMode'],
          what: caps
            ? shortOf(service, places)
            : `an instance is full with ${formatNoun(perInstance, 'task')} of "${service.name}"`,
          why: `with awsvpc each task needs a network interface: ${type} has ${perInstance} for tasks, and CPU and memory for ${without}`,
          help: 'set accountSettings: { awsvpcTrunking: enabled }, or use bridge with dynamic host ports',
        },
      ];
    }),
};

export const groupTooSmall: Lint = {
  title: 'more tasks than instances can hold',
  source: `${CLUSTER_SCALING}: the group's maximum size limits managed scaling; service auto scaling does not look at it`,
  find: (facts) =>
    outgrown(facts).flatMap(({ service, places }): readonly Finding[] => {
      const found = placesOf(service);
      const [first] = found;
      if (first === undefined) return [];
      if (found.some(({ binding }) => binding === 'a static host port' || binding === 'network interfaces')) return [];
      const stuck = found.filter(({ group }) => !group.isScaled && group.config.MaxSize > group.mostInstances);
      const nobody = stuck.map(
        ({ group }) => `"${group.name}" could have ${group.config.MaxSize}, but nothing scales it`,
      );
      const distinct =
        first.perInstance === 1 && first.without > 1 ? ', and placementConstraints allow one on each' : '';
      return [
        {
          severity: 'warning',
          path: countPath(service),
          what: shortOf(service, places),
          why: `there are at most ${instancesOf(found)}, each for ${formatNoun(first.perInstance, 'task')} by its ${first.binding}${distinct}${nobody.length > 0 ? `; ${nobody.join(', ')}` : ''}`,
          help:
            nobody.length > 0
              ? 'give the group a capacity provider with managed scaling'
              : 'raise MaxSize of the group, or lower what the service may want',
        },
      ];
    }),
};

export const fitsSomeTypes: Lint = {
  title: 'instance types that the tasks do not fit',
  source: `${PLACEMENT}: CPU, memory, GPUs and ports must fit what an instance registers`,
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] =>
      service.groups.flatMap((group): readonly Finding[] => {
        const small = group.offers.filter((offer) => tasksBy(service.demand, offer).some(({ tasks }) => tasks === 0));
        if (small.length === 0 || service.config.schedulingStrategy === 'DAEMON') return [];
        if (small.length === group.offers.length && service.groups.length > 1 && service.strategy.length === 0)
          return [];
        const { cpuUnits, memoryMiB } = service.demand;
        return [
          {
            severity: small.length === group.offers.length ? 'serious' : 'warning',
            path: ['autoScalingGroups', group.index],
            what: `instances of "${group.name}" may be launched for "${service.name}" on which none of its tasks fits`,
            why: `a task asks for ${cpuUnits} CPU units and ${memoryMiB} MiB; what is left beside daemons is ${small.map((offer) => `${offer.cpuUnits} and ${offer.memoryMiB} on ${offer.type}`).join(', ')}`,
            help: 'take these types out of the group, or make the task smaller',
          },
        ];
      }),
    ),
};

export const constraintNowhere: Lint = {
  title: 'a placement constraint that no instance satisfies',
  source: `${PLACEMENT}; "Cluster query language": nobody checks that an attribute or a value exists`,
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { config, definition, groups } = service;
      const constraints = [...config.placementConstraints, ...definition.placementConstraints];
      const expressions = constraints.flatMap((constraint) =>
        'expression' in constraint && constraint.expression !== undefined ? [constraint.expression] : [],
      );
      if (expressions.length === 0 || groups.length === 0) return [];
      const instances = groups.flatMap((group) => sampleInstances(group));
      const answer = placeTask(
        {
          taskDefinition: definition,
          group: `service:${service.name}`,
          placementStrategy: config.placementStrategy,
          placementConstraints: config.placementConstraints,
        },
        instances,
      );
      // Constraints may be about tasks that are not there yet; only attributes are known from the start.
      if (
        !('reason' in answer) ||
        !answer.reason.startsWith('MemberOf') ||
        expressions.some((text) => text.includes('task:'))
      )
        return [];
      return [
        {
          severity: 'serious',
          path: ['services', service.index, 'placementConstraints'],
          what: `no task of "${service.name}" ever finds a place`,
          why: `no instance that its groups launch satisfies ${expressions.join(' and ')}; ECS says "${answer.reason}" and waits`,
          help: 'compare the expression with ECS_INSTANCE_ATTRIBUTES of the group, letter by letter',
        },
      ];
    }),
};

/** An empty instance of each type in each zone of a group, as the agent would register it. */
function sampleInstances({ name, config, offers, provider }: GroupFacts) {
  const custom = Object.entries(config.ecsConfig?.ECS_INSTANCE_ATTRIBUTES ?? {});
  return offers.flatMap(({ type, ...remaining }) =>
    config.AvailabilityZones.map((availabilityZone) => ({
      ec2InstanceId: `${name}/${type}/${availabilityZone}`,
      availabilityZone,
      instanceType: type,
      remaining,
      ...(provider === undefined ? {} : { capacityProvider: provider.config.name }),
      attributes: {
        'ecs.os-type': 'linux',
        'ecs.os-family': 'LINUX',
        'ecs.cpu-architecture': instanceType(type)?.arch ?? 'x86_64',
        ...Object.fromEntries(custom.map(([key, value]) => [key, value === '' ? null : value])),
      },
    })),
  );
}

export const joinsElsewhere: Lint = {
  title: 'instances that join another cluster',
  source: 'aws/amazon-ecs-agent, README.md: ECS_CLUSTER',
  find: ({ scenario, groups }) =>
    groups.flatMap(({ config, index, name }): readonly Finding[] => {
      const wanted = config.ecsConfig?.ECS_CLUSTER;
      const { clusterName } = scenario.cluster;
      if (wanted === undefined || wanted === clusterName) return [];
      return [
        {
          severity: 'serious',
          path: ['autoScalingGroups', index, 'ecsConfig', 'ECS_CLUSTER'],
          what: `instances of "${name}" run, cost money, and never appear in the cluster`,
          why: `their agent is told to join "${wanted}", and the cluster is "${clusterName}"`,
          help: `write ECS_CLUSTER: ${clusterName}`,
        },
      ];
    }),
};

/** Whether the tasks of a service come and go by themselves. */
const isScaled = ({ target }: ServiceFacts) => target !== undefined && target.config.policies.length > 0;

export const nobodyScalesGroup: Lint = {
  title: 'tasks that scale on instances that do not',
  source: `${CLUSTER_SCALING}: service auto scaling starts tasks, and does not launch instances`,
  find: (facts) =>
    facts.groups.flatMap((group): readonly Finding[] => {
      const scaled = facts.services.filter((service) => isScaled(service) && service.groups.includes(group));
      const [first] = scaled;
      if (first === undefined || group.isScaled || group.config.MaxSize <= group.mostInstances) return [];
      return [
        {
          severity: 'warning',
          path: ['autoScalingGroups', group.index, 'MaxSize'],
          what: `"${group.name}" stays at ${formatNoun(group.mostInstances, 'instance')}, though it may have ${formatCount(group.config.MaxSize)}`,
          why: `"${first.name}" scales its tasks, and nothing scales the group: it has no policy, and no capacity provider with managed scaling`,
          help: 'add a capacity provider with managedScaling for the group, and let the service use it',
        },
      ];
    }),
};

export const groupScalesApart: Lint = {
  title: 'instances that scale by their own CPU under tasks that scale by theirs',
  source: `${CLUSTER_SCALING}: tasks that wait for a place use no CPU, so instance metrics do not ask for more`,
  find: (facts) =>
    facts.groups.flatMap((group): readonly Finding[] => {
      const managed = group.provider?.config.autoScalingGroupProvider.managedScaling.status === 'ENABLED';
      const scaled = facts.services.find((service) => isScaled(service) && service.groups.includes(group));
      if (group.config.policies.length === 0 || managed || scaled === undefined) return [];
      return [
        {
          severity: 'warning',
          path: ['autoScalingGroups', group.index, 'policies'],
          what: `"${group.name}" does not follow the tasks of "${scaled.name}"`,
          why: 'its policies see the CPU of its instances: tasks without a place raise none of it, and an instance that is idle is taken from under the tasks on it',
          help: 'use a capacity provider with managed scaling in place of the policies of the group',
        },
      ];
    }),
};

export const noHeadroom: Lint = {
  title: 'no spare instance for a scale-out',
  source: `${CLUSTER_SCALING}: target capacity 100 keeps no instance that is not needed`,
  find: (facts) =>
    facts.groups.flatMap((group): readonly Finding[] => {
      const { provider } = group;
      const { status, targetCapacity = 0 } = provider?.config.autoScalingGroupProvider.managedScaling ?? {};
      const scaled = facts.services.find((service) => isScaled(service) && service.groups.includes(group));
      const warm = group.config.warmPool !== undefined;
      if (provider === undefined || status !== 'ENABLED' || targetCapacity < 100 || scaled === undefined || warm)
        return [];
      if (group.config.MinSize === group.config.MaxSize) return [];
      return [
        {
          severity: 'warning',
          path: ['capacityProviders', provider.index, 'autoScalingGroupProvider', 'managedScaling', 'targetCapacity'],
          what: `when the instances of "${group.name}" are full, a scale-out of "${scaled.name}" waits for a new one to boot`,
          why: 'with targetCapacity 100 CapacityProviderReservation rests at 100, and moves once tasks already wait',
          help: 'choose 80 or 90, which keeps a fifth or a tenth spare, or a warm pool',
        },
      ];
    }),
};

export const allOnSpot: Lint = {
  title: 'everything on Spot',
  source:
    'AWS, ECS guide, "Fargate capacity providers": when Spot is not available, ECS does not fall back to on-demand',
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { strategy, strategyPath, groups, name, load } = service;
      const used = strategy.length === 1 ? strategy : strategy.filter(({ base, weight }) => base > 0 || weight > 0);
      const isSpot = (provider: string) =>
        provider === 'FARGATE_SPOT' ||
        groups.some((group) => group.provider?.config.name === provider && group.allSpot);
      const spot =
        used.length > 0
          ? used.every(({ capacityProvider }) => isSpot(capacityProvider))
          : groups.length > 0 && groups.every(({ allSpot }) => allSpot);
      if (!spot || load === undefined || load.config.serving === 'queue') return [];
      return [
        {
          severity: 'warning',
          path: strategyPath,
          what: `"${name}" has no task left when Spot takes its capacity back`,
          why: 'all that its strategy names is Spot, and what is meant for Spot waits for Spot',
          help: 'put a base on FARGATE or on a group on demand',
        },
      ];
    }),
};

export const providerUnused: Lint = {
  title: 'a capacity provider that gets no task',
  source: 'AWS, ECS API, CapacityProviderStrategyItem: the base first, then weights; weight 0 places nothing',
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { strategy, strategyPath, mostTasks, name } = service;
      if (strategy.length < 2 || mostTasks === 0) return [];
      const rule = facts.scenario.assumptions.capacity.splitRule;
      const counts = splitByStrategy(mostTasks, strategy, rule);
      return strategy.flatMap(({ capacityProvider, weight }, index): readonly Finding[] => {
        if (counts[index] !== 0) return [];
        const base = strategy.find((item) => item.base > 0);
        return [
          {
            severity: 'warning',
            path: [...strategyPath, index],
            what: `${capacityProvider} never gets a task of "${name}"`,
            why:
              weight === 0
                ? 'its weight and its base are 0'
                : `"${name}" has at most ${formatNoun(mostTasks, 'task')}, and the base of ${base?.capacityProvider ?? ''} takes the first ${base?.base ?? 0}`,
            help: weight === 0 ? 'give it a weight, or leave it out' : 'lower the base',
          },
        ];
      });
    }),
};

/** Parts of an instance's CPU and memory, in which a cluster that is full has to be worth its money. */
const WELL_FILLED = 0.7;

export const strandsRoom: Lint = {
  title: 'a task size that leaves much of its instances empty',
  source: 'arithmetic: whole tasks of one size on an instance; AWS, ECS guide, "Amazon ECS task sizes"',
  find: (facts) =>
    facts.services.flatMap((service): readonly Finding[] => {
      const { demand, groups, name, definitionIndex, config } = service;
      if (config.schedulingStrategy === 'DAEMON' || service.mostTasks < 2) return [];
      const [first] = groups.flatMap((group) =>
        group.offers.flatMap((offer) => {
          const fits = Math.min(
            ...SIZES.map((size) => (demand[size] === 0 ? Infinity : Math.floor(offer[size] / demand[size]))),
          );
          const [cpuLeft = 0, memoryLeft = 0] = SIZES.map((size) => offer[size] - fits * demand[size]);
          const filled = Math.max(...SIZES.map((size) => (fits * demand[size]) / offer[size]));
          const others = facts.services.some(
            (other) =>
              other !== service &&
              other.groups.includes(group) &&
              other.demand.cpuUnits <= cpuLeft &&
              other.demand.memoryMiB <= memoryLeft,
          );
          return fits < 1 || filled >= WELL_FILLED || others ? [] : [{ offer, fits, cpuLeft, memoryLeft }];
        }),
      );
      if (first === undefined) return [];
      const { offer, fits, cpuLeft, memoryLeft } = first;
      const [cpu, memory] = SIZES.map((size) => Math.floor(offer[size] / (fits + 1)));
      return [
        {
          severity: 'warning',
          path: ['taskDefinitions', definitionIndex],
          what: `on each full ${offer.type} ${formatNoun(cpuLeft, 'CPU unit')} and ${formatCount(memoryLeft)} MiB stay empty`,
          why: `it offers ${formatCount(offer.cpuUnits)} CPU units and ${formatCount(offer.memoryMiB)} MiB, a task of "${name}" takes ${formatCount(demand.cpuUnits)} and ${formatCount(demand.memoryMiB)}: ${formatNoun(fits, 'task')} fit${fits === 1 ? 's' : ''}, and no other service has a task that fits the rest`,
          help: `a task of at most ${formatCount(cpu ?? 0)} CPU units and ${formatCount(memory ?? 0)} MiB fits ${fits + 1} times; or choose another instance type`,
        },
      ];
    }),
};

const SIZES = ['cpuUnits', 'memoryMiB'] as const;
