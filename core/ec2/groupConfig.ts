/** An Auto Scaling group as people write it, and what AWS rejects about one. */

import type { Immutable } from 'immer';
import { z } from 'zod';
import { roleName } from '../iam/index.ts';
import { duration } from '../kernel/index.ts';
import { ecsConfig } from './ecsConfig.ts';
import { instanceType, instanceTypeNames } from './instanceTypes.ts';

const size = z.int().min(0).max(10_000);

const mixedInstancesPolicy = z.strictObject({
  LaunchTemplate: z.strictObject({
    LaunchTemplateSpecification: z
      .strictObject({
        LaunchTemplateId: z.string().optional(),
        LaunchTemplateName: z.string().optional(),
        Version: z.string().optional(),
      })
      .optional()
      .describe('accepted and not looked at: the types are in Overrides'),
    Overrides: z
      .array(z.strictObject({ InstanceType: z.string().min(1) }))
      .min(1)
      .max(40)
      .describe('in the order of priority'),
  }),
  InstancesDistribution: z
    .strictObject({
      OnDemandAllocationStrategy: z.enum(['prioritized', 'lowest-price']).default('prioritized'),
      OnDemandBaseCapacity: size.default(0),
      OnDemandPercentageAboveBaseCapacity: z.int().min(0).max(100).default(100),
      SpotAllocationStrategy: z
        .enum(['lowest-price', 'capacity-optimized', 'capacity-optimized-prioritized', 'price-capacity-optimized'])
        .default('lowest-price'),
      SpotInstancePools: z.int().min(1).max(20).default(2).describe('for lowest-price: cheapest pools of a zone'),
      SpotMaxPrice: z
        .string()
        .regex(/^\d+(\.\d+)?$/, 'expected dollars per hour, such as "0.05"')
        .optional()
        .describe('dollars per hour; the on-demand price when left out'),
    })
    .prefault({}),
});

const lifecycleHook = z.strictObject({
  LifecycleHookName: z.string().min(1).max(255),
  LifecycleTransition: z.enum(['autoscaling:EC2_INSTANCE_LAUNCHING', 'autoscaling:EC2_INSTANCE_TERMINATING']),
  HeartbeatTimeout: z.int().min(30).max(7200).default(3600).describe('seconds'),
  DefaultResult: z.enum(['CONTINUE', 'ABANDON']).default('ABANDON'),
  completesAfter: duration
    .optional()
    .describe('when something calls complete-lifecycle-action with CONTINUE; left out, the hook times out'),
});
export type LifecycleHook = z.output<typeof lifecycleHook>;

const warmPool = z.strictObject({
  MaxGroupPreparedCapacity: z.int().min(-1).max(10_000).default(-1).describe('-1: as MaxSize'),
  MinSize: size.default(0),
  PoolState: z.enum(['Stopped', 'Running', 'Hibernated']).default('Stopped'),
  InstanceReusePolicy: z
    .strictObject({ ReuseOnScaleIn: z.literal(false, 'expected false: Amazon ECS does not support it').default(false) })
    .prefault({}),
});

const terminationPolicies = [
  'Default',
  'AllocationStrategy',
  'OldestLaunchTemplate',
  'OldestLaunchConfiguration',
  'ClosestToNextInstanceHour',
  'NewestInstance',
  'OldestInstance',
] as const;
export type TerminationPolicy = (typeof terminationPolicies)[number];

/** A group as `aws autoscaling create-auto-scaling-group` takes it, with the instance type in place of a launch template. */
export const autoScalingGroup = z.strictObject({
  AutoScalingGroupName: z.string().min(1).max(255),
  AvailabilityZones: z.array(z.string().min(1)).min(1),
  MinSize: size,
  MaxSize: size,
  DesiredCapacity: size.optional().describe('MinSize when left out'),
  instanceType: z.string().min(1).optional().describe('in place of a launch template; or a MixedInstancesPolicy'),
  MixedInstancesPolicy: mixedInstancesPolicy.optional(),
  TerminationPolicies: z.array(z.enum(terminationPolicies)).min(1).default(['Default']),
  NewInstancesProtectedFromScaleIn: z.boolean().default(false),
  AvailabilityZoneDistribution: z
    .strictObject({
      CapacityDistributionStrategy: z
        .enum(['balanced-best-effort', 'balanced-only'])
        .default('balanced-best-effort')
        .describe('whether another zone may take what a zone has no capacity for'),
    })
    .prefault({}),
  CapacityRebalance: z
    .boolean()
    .default(false)
    .describe('replace Spot instances when they get a rebalance recommendation'),
  HealthCheckType: z
    .enum(['EC2', 'ELB'])
    .optional()
    .describe('ELB: an instance is replaced when a target on it is unhealthy, too; status checks alone when left out'),
  TargetGroupARNs: z
    .array(z.string().min(1))
    .optional()
    .describe('Names of target groups, whose health checks HealthCheckType ELB listens to'),
  HealthCheckGracePeriod: z
    .int()
    .min(0)
    .max(7200)
    .default(0)
    .describe('seconds in which health checks of a new instance do not count'),
  DefaultCooldown: z
    .int()
    .min(0)
    .optional()
    .describe('seconds, between the changes of simple scaling policies; 300 when left out'),
  DefaultInstanceWarmup: z
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe('seconds from in service until an instance counts for scaling policies; DefaultCooldown when left out'),
  Monitoring: z
    .strictObject({ Enabled: z.boolean() })
    .optional()
    .describe('detailed monitoring, metrics of every minute; left out: basic, of every five minutes'),
  LifecycleHookSpecificationList: z.array(lifecycleHook).max(50).default([]),
  warmPool: warmPool.optional().describe('as put-warm-pool takes it'),
  CreditSpecification: z
    .strictObject({ CpuCredits: z.enum(['standard', 'unlimited']) })
    .optional()
    .describe('burstable types; left out: standard for t2, unlimited for t3, t3a and t4g'),
  rootVolumeGiB: z.int().min(1).max(16_384).default(30).describe('gp3; 30 is the ECS-optimized AMI'),
  AssociatePublicIpAddress: z.boolean().default(false).describe('a public IPv4 address costs money'),
  IamInstanceProfile: z
    .strictObject({ Name: roleName })
    .optional()
    .describe('the role of the container agent. Left out: one that may do all it needs'),
  SecurityGroupIds: z
    .array(z.string().min(1))
    .max(5)
    .default([])
    .describe('GroupIds of the securityGroups block. Left out: open to everybody'),
  ecsConfig: ecsConfig
    .optional()
    .describe("the container agent's ecs.config; a wrong cluster name is an instance that never appears"),
});
export type AutoScalingGroupConfig = z.output<typeof autoScalingGroup>;

/** The group's instance types, in the order of priority. */
export function typesOf(config: {
  readonly instanceType?: string | undefined;
  readonly MixedInstancesPolicy?:
    { readonly LaunchTemplate: { readonly Overrides: readonly { readonly InstanceType: string }[] } } | undefined;
}): readonly string[] {
  const overrides = config.MixedInstancesPolicy?.LaunchTemplate.Overrides;
  if (overrides !== undefined) return overrides.map(({ InstanceType }) => InstanceType);
  return config.instanceType === undefined ? [] : [config.instanceType];
}

/** What an update may change; what is left out stays. */
export const groupUpdate = z.strictObject({
  MinSize: size.optional(),
  MaxSize: size.optional(),
  DesiredCapacity: size.optional(),
  instanceType: z.string().min(1).optional(),
  MixedInstancesPolicy: mixedInstancesPolicy.optional(),
});
export type GroupUpdate = z.output<typeof groupUpdate>;

/** Whether an update changes what is launched: a new version of the launch template. */
export function changesLaunch({ instanceType: type, MixedInstancesPolicy }: Immutable<GroupUpdate>): boolean {
  return type !== undefined || MixedInstancesPolicy !== undefined;
}

/** A group's configuration after an update. */
export function updatedConfig(
  config: Immutable<AutoScalingGroupConfig>,
  update: Immutable<GroupUpdate>,
): AutoScalingGroupConfig {
  const { instanceType: type, MixedInstancesPolicy: policy, DesiredCapacity: _first, ...kept } = config;
  const launch = changesLaunch(update)
    ? { instanceType: update.instanceType, MixedInstancesPolicy: update.MixedInstancesPolicy }
    : { instanceType: type, MixedInstancesPolicy: policy };
  const { MinSize = config.MinSize, MaxSize = config.MaxSize, DesiredCapacity } = update;
  const all = { ...kept, MinSize, MaxSize, DesiredCapacity, ...launch };
  // An event's JSON has no place for `undefined`.
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as AutoScalingGroupConfig;
}

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What no schema can see: sizes out of order, unknown types, what AWS does not allow together. */
export function autoScalingGroupProblems(config: AutoScalingGroupConfig): readonly Problem[] {
  const { MinSize, MaxSize, MixedInstancesPolicy: mixed, TerminationPolicies: policies } = config;
  const problems: Problem[] = [];
  const report = (path: Problem['path'], message: string) => problems.push({ path, message });
  if ((config.instanceType === undefined) === (mixed === undefined))
    report([], `found ${mixed === undefined ? 'neither' : 'both'} instanceType and MixedInstancesPolicy, expected one`);
  for (const [index, name] of typesOf(config).entries())
    if (instanceType(name) === undefined)
      report(
        mixed === undefined
          ? ['instanceType']
          : ['MixedInstancesPolicy', 'LaunchTemplate', 'Overrides', index, 'InstanceType'],
        `found "${name}", expected one of the ${instanceTypeNames.length} types of the catalogue, such as m5.large`,
      );
  if (MinSize > MaxSize) report(['MinSize'], `found ${MinSize}, expected at most MaxSize, ${MaxSize}`);
  const desired = config.DesiredCapacity ?? MinSize;
  if (desired < MinSize || desired > MaxSize)
    report(['DesiredCapacity'], `found ${desired}, expected ${MinSize} to ${MaxSize}`);
  const place = policies.indexOf('Default');
  if (place !== -1 && place !== policies.length - 1)
    report(['TerminationPolicies', place], 'found Default before other policies, expected it to be the last one');
  if (config.warmPool !== undefined) {
    if (mixed !== undefined)
      report(['warmPool'], 'found a warm pool beside a MixedInstancesPolicy, expected none: AWS does not allow both');
    if (config.ecsConfig?.ECS_WARM_POOLS_CHECK !== true)
      report(
        ['warmPool'],
        'found no ECS_WARM_POOLS_CHECK: true in ecsConfig, expected it: without it an agent joins the cluster from within the pool',
      );
  }
  return problems;
}
