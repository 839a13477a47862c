/** What surrounds a task: spec/placement.md 5.3, 5.5, 5.7 and 5.8. Each permission is taken away, and the documented failure comes. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dockerLogins, imageReference, scenarioProblems } from '../../core/index.ts';
import { scenarioSchema, type ScenarioInput } from '../../core/scenario.ts';
import { serviceEventsProjection } from '../../core/projections/index.ts';
import { project } from '../../core/projections/projection.ts';
import type { EcsSimulation } from '../../core/simulate.ts';
import { quietScenario } from '../arbitraries.ts';
import { at, heard, sail, type ChangeInput, type ContainerInput } from '../schedulerRoom.ts';

const IMAGE = '123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:1';
const ALL = [
  'ecr:GetAuthorizationToken',
  'ecr:BatchCheckLayerAvailability',
  'ecr:GetDownloadUrlForLayer',
  'ecr:BatchGetImage',
  'logs:CreateLogGroup',
  'logs:CreateLogStream',
  'logs:PutLogEvents',
  'ssm:GetParameters',
  'secretsmanager:GetSecretValue',
  's3:GetObject',
  'ecs:RegisterContainerInstance',
  'ecs:DiscoverPollEndpoint',
  'ecs:Poll',
  'ecs:Submit*',
  'ecs:StartTelemetrySession',
  'ecs:UpdateContainerInstancesState',
];

function role(RoleName: string, Service: string, without: string | undefined) {
  return {
    RoleName,
    AssumeRolePolicyDocument: {
      Statement: [{ Effect: 'Allow' as const, Principal: { Service }, Action: 'sts:AssumeRole' as const }],
    },
    Policies: [
      {
        PolicyName: 'all-but-one',
        PolicyDocument: {
          Statement: [{ Effect: 'Allow' as const, Action: ALL.filter((action) => action !== without) }],
        },
      },
    ],
  };
}

const logsTo = (options: Record<string, string> = {}) => ({
  logConfiguration: {
    logDriver: 'awslogs',
    options: {
      'awslogs-group': '/ecs/shop',
      'awslogs-region': 'us-east-1',
      'awslogs-stream-prefix': 'p',
      ...options,
    },
  },
});

interface Around {
  /** The permission that is missing, of the execution role or of the instance role. */
  readonly without?: string;
  readonly container?: Partial<ContainerInput>;
  readonly place?: 'FARGATE' | 'EC2';
  /** On EC2: the task has an execution role of its own, which lacks nothing. */
  readonly executionRole?: boolean;
  readonly changes?: readonly ChangeInput[];
  readonly rest?: Partial<ScenarioInput>;
}

/** One task, and all that it needs but one thing. */
function around(given: Around): EcsSimulation {
  const { without, container = {}, place = 'FARGATE', executionRole = place === 'FARGATE', changes = [], rest } = given;
  const scenario = scenarioSchema.parse(
    quietScenario({
      duration: '60m',
      roles: [
        role('execution', 'ecs-tasks.amazonaws.com', place === 'FARGATE' ? without : undefined),
        role('instance', 'ec2.amazonaws.com', place === 'EC2' ? without : undefined),
      ],
      logGroups: [{ logGroupName: '/ecs/shop' }],
      images: [{ name: IMAGE, compressedMiB: 100, digest: `sha256:${'a'.repeat(64)}` }],
      ...(place === 'FARGATE'
        ? {}
        : {
            cluster: { clusterName: 'demo' },
            autoScalingGroups: [
              {
                AutoScalingGroupName: 'group',
                AvailabilityZones: ['us-east-1a'],
                MinSize: 1,
                MaxSize: 1,
                instanceType: 'm5.large',
                IamInstanceProfile: { Name: 'instance' },
              },
            ],
          }),
      taskDefinitions: [
        {
          family: 'web',
          networkMode: place === 'FARGATE' ? 'awsvpc' : 'bridge',
          cpu: 256,
          memory: 512,
          ...(executionRole ? { executionRoleArn: 'arn:aws:iam::123456789012:role/execution' } : {}),
          containerDefinitions: [{ name: 'app', image: IMAGE, ...container }],
        },
      ],
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 1, launchType: place }],
      changes: [...changes],
      assumptions: { start: 'cold' },
      ...rest,
    }),
  );
  assert.deepEqual(scenarioProblems(scenario), []);
  return sail(scenario);
}

/** Why the first task stopped; undefined: none has. */
function stopOf(simulation: EcsSimulation): string | undefined {
  return heard(simulation, 'TaskStopped')[0]?.event.reason;
}

const runs = (simulation: EcsSimulation) => simulation.world.ecs.services.get('web')!.runningCount === 1;

describe('5.7: the execution role, or on EC2 the instance role in its place', () => {
  test('with all of it the task runs', () => {
    for (const place of ['FARGATE', 'EC2'] as const) {
      const simulation = around({ place, container: { ...logsTo(), secrets: [] } });
      assert.equal(runs(simulation), true, place);
      assert.equal(stopOf(simulation), undefined, place);
    }
  });

  const secret = {
    secrets: [{ name: 'PASSWORD', valueFrom: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:a' }],
  };
  const parameter = { secrets: [{ name: 'PASSWORD', valueFrom: 'password' }] };
  for (const [without, place, container, expected] of [
    [
      'ecr:GetAuthorizationToken',
      'FARGATE',
      {},
      /^ResourceInitializationError: unable to pull secrets or registry auth/,
    ],
    ['ecr:GetAuthorizationToken', 'EC2', {}, /^CannotPullECRContainerError: AccessDeniedException/],
    ['ecr:BatchGetImage', 'FARGATE', {}, /^CannotPullContainerError: pull access denied for .*shop:1/],
    ['ecr:BatchGetImage', 'EC2', {}, /^CannotPullContainerError: pull access denied .*repository\/shop/],
    ['ecr:BatchCheckLayerAvailability', 'EC2', {}, /^CannotPullContainerError/],
    ['ecr:GetDownloadUrlForLayer', 'FARGATE', {}, /^CannotPullContainerError/],
    ['logs:CreateLogStream', 'EC2', logsTo(), /^CannotStartContainerError: failed to initialize logging driver/],
    ['logs:CreateLogStream', 'FARGATE', logsTo(), /^ResourceInitializationError: failed to validate logger args/],
    ['logs:PutLogEvents', 'EC2', logsTo(), /^CannotStartContainerError.*logs:PutLogEvents/],
    [
      'logs:CreateLogGroup',
      'EC2',
      logsTo({ 'awslogs-create-group': 'true' }),
      /logs:CreateLogGroup on resource: arn:aws:logs/,
    ],
    [
      'ssm:GetParameters',
      'FARGATE',
      parameter,
      /^ResourceInitializationError.*retrieve secret from ssm.*ssm:GetParameters/,
    ],
    [
      'secretsmanager:GetSecretValue',
      'FARGATE',
      secret,
      /^ResourceInitializationError.*from asm.*secretsmanager:GetSecretValue/,
    ],
  ] as const)
    test(`without ${without} on ${place}`, () => {
      const simulation = around({ without, place, container });
      assert.match(stopOf(simulation) ?? 'nothing', expected);
      assert.equal(runs(simulation), false);
      assert.equal(heard(simulation, 'TaskRunning').length, 0, 'it never gets that far');
      assert.equal(heard(simulation, 'TaskStopped')[0]!.event.stopCode, 'TaskFailedToStart');
    });

  test('logs:CreateLogGroup matters only with awslogs-create-group', () =>
    assert.equal(runs(around({ without: 'logs:CreateLogGroup', place: 'EC2', container: logsTo() })), true));

  test('on EC2 the execution role, where there is one, is asked instead of the instance role', () => {
    const lacking = { without: 'ecr:GetAuthorizationToken', place: 'EC2' as const };
    assert.equal(runs(around({ ...lacking, executionRole: true })), true);
    assert.equal(runs(around({ ...lacking, executionRole: false })), false);
  });

  test('a role that does not trust ecs-tasks: no task is created, and the service says so', () => {
    const statement = {
      Effect: 'Allow' as const,
      Principal: { Service: 'ec2.amazonaws.com' },
      Action: 'sts:AssumeRole' as const,
    };
    const trusts = (Service: string) => ({ Statement: [{ ...statement, Principal: { Service } }] });
    const untrusting = { ...role('execution', 'ec2.amazonaws.com', undefined) };
    const simulation = around({
      rest: { roles: [untrusting] },
      changes: [
        {
          at: at(30),
          UpdateAssumeRolePolicy: { RoleName: 'execution', PolicyDocument: trusts('ecs-tasks.amazonaws.com') },
        },
      ],
    });
    const created = heard(simulation, 'TaskCreated');
    assert.equal(created[0]!.atMs, Date.parse(at(30)), 'not before the trust is there');
    assert.equal(runs(simulation), true);
    const events = serviceEventsProjection('web');
    project(simulation.log, [events]);
    assert.match(
      events.report(simulation.nowMs).events[0]!.message,
      /^\(service web\) failed to launch a task with \(error ECS was unable to assume the role 'execution' that was provided for this task\./,
    );
  });

  test('once the permission is there, the next try succeeds', () => {
    const simulation = around({
      without: 'ecr:BatchGetImage',
      changes: [
        { at: at(30), AttachRolePolicy: { RoleName: 'execution', PolicyArn: 'AmazonEC2ContainerRegistryReadOnly' } },
      ],
    });
    assert.equal(
      heard(simulation, 'TaskRunning').every(({ atMs }) => atMs > Date.parse(at(30))),
      true,
    );
    assert.equal(runs(simulation), true);
  });

  test('an explicit Deny wins, and a Resource that does not match allows nothing', () => {
    const policy = (statements: object[]) => [
      {
        ...role('execution', 'ecs-tasks.amazonaws.com', undefined),
        Policies: [{ PolicyName: 'p', PolicyDocument: { Statement: statements } }],
      },
    ];
    for (const [statements, expected] of [
      [[{ Effect: 'Allow', Action: '*' }], true],
      [
        [
          { Effect: 'Allow', Action: '*' },
          { Effect: 'Deny', Action: 'ecr:Batch*' },
        ],
        false,
      ],
      [[{ Effect: 'Allow', Action: 'ECR:*', Resource: '*' }], true],
      [
        [
          { Effect: 'Allow', Action: 'ecr:Get*' },
          { Effect: 'Allow', Action: 'ecr:*', Resource: 'arn:aws:ecr:*:*:repository/shop' },
        ],
        true,
      ],
      [
        [
          { Effect: 'Allow', Action: 'ecr:Get*' },
          { Effect: 'Allow', Action: 'ecr:*', Resource: 'arn:aws:ecr:*:*:repository/shoe' },
        ],
        false,
      ],
      [
        [
          {
            Effect: 'Allow',
            Action: ['ecr:GetAuthorizationToke?', 'ecr:BatchGetImage', 'ecr:BatchCheck*', 'ecr:GetDownloadUrlForLayer'],
          },
        ],
        true,
      ],
    ] as const)
      assert.equal(
        runs(around({ rest: { roles: policy([...statements]) as never } })),
        expected,
        JSON.stringify(statements),
      );
  });
});

describe('5.7: the task role', () => {
  const calling = (taskRoleArn: string | undefined): Partial<ScenarioInput> => ({
    taskDefinitions: [
      {
        family: 'web',
        networkMode: 'awsvpc',
        cpu: 256,
        memory: 512,
        executionRoleArn: 'execution',
        ...(taskRoleArn === undefined ? {} : { taskRoleArn }),
        containerDefinitions: [{ name: 'app', image: IMAGE, behavior: { calls: ['s3:GetObject'] } }],
      },
    ],
  });

  test('the task starts normally; the call inside is denied, and the application ends', () => {
    for (const [taskRoleArn, expected] of [
      ['bucketless', /AccessDeniedException.*bucketless is not authorized to perform: s3:GetObject/],
      [undefined, /^NoCredentialProviders/],
    ] as const) {
      const roles = [
        role('execution', 'ecs-tasks.amazonaws.com', undefined),
        role('bucketless', 'ecs-tasks.amazonaws.com', 's3:GetObject'),
      ];
      const simulation = around({ rest: { ...calling(taskRoleArn), roles } });
      assert.equal(heard(simulation, 'TaskRunning').length > 1, true, 'it runs, again and again');
      const [ended] = heard(simulation, 'ContainerStopped');
      assert.equal(ended!.event.exitCode, 1);
      assert.match(ended!.event.reason ?? '', expected);
      assert.equal(stopOf(simulation), 'Essential container in task exited');
    }
  });

  test('with the permission it goes on running', () =>
    assert.equal(heard(around({ rest: calling('execution') }), 'TaskStopped').length, 0));
});

describe('5.7: the instance role', () => {
  const denied = (simulation: EcsSimulation) =>
    new Set(heard(simulation, 'AgentCallDenied').map(({ event }) => event.action));
  const given = {
    at: at(30),
    AttachRolePolicy: { RoleName: 'instance', PolicyArn: 'AmazonEC2ContainerServiceforEC2Role' },
  };

  test('without ecs:RegisterContainerInstance the instance never joins', () => {
    const before = around({ place: 'EC2', without: 'ecs:RegisterContainerInstance' });
    assert.equal(before.world.ecs.containerInstances.size, 0);
    assert.deepEqual(denied(before), new Set(['ecs:RegisterContainerInstance']));
    const after = around({ place: 'EC2', without: 'ecs:RegisterContainerInstance', changes: [given] });
    assert.equal(heard(after, 'ContainerInstanceRegistered')[0]!.atMs, Date.parse(at(30)));
    assert.equal(runs(after), true);
  });

  for (const without of ['ecs:DiscoverPollEndpoint', 'ecs:Poll'])
    test(`without ${without} its agent is not connected: AGENT`, () => {
      const before = around({ place: 'EC2', without });
      assert.equal([...before.world.ecs.containerInstances.values()][0]!.agentConnected, false);
      assert.equal(heard(before, 'ServiceTaskPlacementFailed').at(-1)!.event.reason, 'AGENT');
      assert.equal(runs(around({ place: 'EC2', without, changes: [given] })), true);
    });

  test('without ecs:Submit* tasks stay PENDING from where ECS looks', () => {
    const before = around({ place: 'EC2', without: 'ecs:Submit*' });
    assert.deepEqual(
      Array.from(before.world.ecs.tasks.values(), ({ status }) => status),
      ['PENDING'],
    );
    const after = around({ place: 'EC2', without: 'ecs:Submit*', changes: [given] });
    assert.equal(heard(after, 'TaskRunning')[0]!.atMs, Date.parse(at(30)), 'what was not told comes to light');
  });

  test('without ecs:StartTelemetrySession nobody hears of health or use', () => {
    const container = {
      healthCheck: { command: ['CMD', 'true'], interval: 10, retries: 1 },
      behavior: { healthChecks: 'fail' as const },
    };
    const watched: Partial<ScenarioInput> = {
      load: [{ service: 'web', request: { cpuMs: 10 }, rate: [{ model: 'constant', rate: 10 }] }],
      alarms: [
        {
          AlarmName: 'cpu',
          Namespace: 'AWS/ECS',
          MetricName: 'CPUUtilization',
          Dimensions: [
            { Name: 'ClusterName', Value: 'demo' },
            { Name: 'ServiceName', Value: 'web' },
          ],
          Statistic: 'Average',
          Period: 60,
          EvaluationPeriods: 1,
          Threshold: 1,
          ComparisonOperator: 'GreaterThanThreshold',
        },
      ],
    };
    const silent = around({ place: 'EC2', without: 'ecs:StartTelemetrySession', container, rest: watched });
    assert.equal(runs(silent), true, 'it fails its checks, and nobody knows');
    assert.equal(silent.world.ecs.tasks.get('task-1')!.containers.get('app')!.healthStatus, 'UNKNOWN');
    assert.equal(silent.world.cloudwatch.alarms.get('cpu')!.state, 'INSUFFICIENT_DATA');
    const heardOf = around({ place: 'EC2', container, rest: watched });
    assert.match(stopOf(heardOf) ?? 'nothing', /^Task failed container health checks/);
    assert.equal(
      heard(heardOf, 'AlarmStateChanged').some(({ event }) => event.to === 'ALARM'),
      true,
    );
  });

  test('without ecs:UpdateContainerInstancesState a Spot notice drains nothing', () => {
    const group = {
      AutoScalingGroupName: 'group',
      AvailabilityZones: ['us-east-1a'],
      MinSize: 2,
      MaxSize: 2,
      MixedInstancesPolicy: {
        LaunchTemplate: { Overrides: [{ InstanceType: 'm5.large' }] },
        InstancesDistribution: { OnDemandPercentageAboveBaseCapacity: 0 },
      },
      IamInstanceProfile: { Name: 'instance' },
      ecsConfig: { ECS_CLUSTER: 'demo', ECS_ENABLE_SPOT_INSTANCE_DRAINING: true },
    };
    const storm = (without: string | undefined) =>
      around({
        place: 'EC2',
        ...(without === undefined ? {} : { without }),
        rest: { autoScalingGroups: [group], faults: [{ kind: 'SpotStorm', at: at(20), for: '1m' }] },
      });
    assert.equal(heard(storm(undefined), 'ContainerInstanceDraining').length > 0, true);
    const undrained = storm('ecs:UpdateContainerInstancesState');
    assert.equal(heard(undrained, 'ContainerInstanceDraining').length, 0);
    assert.equal(denied(undrained).has('ecs:UpdateContainerInstancesState'), true);
  });

  test('a profile that EC2 may not assume has no credentials at all', () => {
    const untrusting = [
      role('execution', 'ecs-tasks.amazonaws.com', undefined),
      role('instance', 'ecs-tasks.amazonaws.com', undefined),
    ];
    const simulation = around({ place: 'EC2', rest: { roles: untrusting } });
    assert.match(heard(simulation, 'AgentCallDenied')[0]!.event.message, /^NoCredentialProviders/);
    assert.equal(simulation.world.ecs.containerInstances.size, 0);
  });
});

describe('5.8: awslogs', () => {
  test('W65: prefix p, container app, task task-1: stream p/app/task-1', () => {
    const simulation = around({ container: logsTo() });
    const [stream] = heard(simulation, 'LogStreamCreated');
    assert.equal(stream!.event.logStreamName, 'p/app/task-1');
    assert.equal(stream!.atMs, heard(simulation, 'TaskRunning')[0]!.atMs);
    assert.equal(simulation.world.logs.groups.get('/ecs/shop')!.streamCount, 1);
  });

  test('a group that is absent, and not to be created: the container cannot start', () => {
    const absent = logsTo({ 'awslogs-group': '/ecs/none' });
    assert.match(
      stopOf(around({ place: 'EC2', container: absent })) ?? '',
      /^CannotStartContainerError.*ResourceNotFoundException: The specified log group does not exist\./,
    );
    const created = around({
      place: 'EC2',
      container: logsTo({ 'awslogs-group': '/ecs/none', 'awslogs-create-group': 'true' }),
    });
    assert.equal(runs(created), true);
    assert.equal(created.world.logs.groups.has('/ecs/none'), true);
  });

  test('what AWS refuses', () => {
    const problems = (changes: Partial<ScenarioInput>) =>
      scenarioProblems(scenarioSchema.parse(quietScenario(changes))).map(
        ({ path, message }) => `${path.join('.')}: ${message}`,
      );
    const definition = (
      place: 'FARGATE' | 'EC2',
      container: Partial<ContainerInput>,
      more: object = {},
    ): Partial<ScenarioInput> => ({
      taskDefinitions: [
        {
          family: 'web',
          networkMode: 'awsvpc',
          requiresCompatibilities: [place],
          cpu: 256,
          memory: 512,
          containerDefinitions: [{ name: 'app', image: 'web', ...container }],
          ...more,
        },
      ],
      services: [{ serviceName: 'web', taskDefinition: 'web', desiredCount: 1, launchType: 'FARGATE' }],
    });
    const at0 = 'taskDefinitions.0.containerDefinitions.0';
    assert.deepEqual(problems(definition('FARGATE', { image: IMAGE })), [
      `${at0}.image: Fargate requires task definition to have execution role ARN to support ECR images.`,
    ]);
    assert.deepEqual(problems(definition('FARGATE', logsTo())), [
      `${at0}.logConfiguration: Fargate requires task definition to have execution role ARN to support log driver awslogs.`,
    ]);
    const { 'awslogs-stream-prefix': _prefix, ...unprefixed } = logsTo().logConfiguration.options;
    const bare = { logConfiguration: { logDriver: 'awslogs', options: unprefixed as Record<string, string> } };
    assert.deepEqual(problems(definition('FARGATE', bare, { executionRoleArn: 'x' })), [
      `${at0}.logConfiguration.options: Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.`,
    ]);
    assert.deepEqual(problems(definition('FARGATE', { secrets: [{ name: 'A', valueFrom: 'a' }] })), [
      `${at0}.secrets: When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.`,
    ]);
    assert.deepEqual(
      problems({
        roles: [role('execution', 'ecs-tasks.amazonaws.com', undefined)],
        ...definition('FARGATE', {}, { executionRoleArn: 'exekution' }),
      }),
      ['taskDefinitions.0.executionRoleArn: found "exekution", expected the name of a role: one of execution'],
    );
  });
});

describe('5.3: images', () => {
  test('a tag or a digest that the repository does not have', () => {
    const other = around({ container: { image: IMAGE.replace(':1', ':2') } });
    assert.match(stopOf(other) ?? '', /^CannotPullContainerError: manifest for .*shop:2 not found/);
    assert.equal(runs(around({ container: { image: `${IMAGE.replace(':1', '')}@sha256:${'a'.repeat(64)}` } })), true);
    assert.match(stopOf(around({ container: { image: `${IMAGE}@sha256:${'b'.repeat(64)}` } })) ?? '', /not found/);
  });

  test('a token is good for twelve hours: until then the agent needs no permission to log in', () => {
    const restarts = (minutes: readonly number[]) =>
      minutes.map((minute) => ({ at: at(minute), UpdateService: { service: 'web', forceNewDeployment: true } }));
    const lose = {
      at: at(5),
      PutRolePolicy: {
        RoleName: 'instance',
        PolicyName: 'no-login',
        PolicyDocument: { Statement: [{ Effect: 'Deny' as const, Action: 'ecr:GetAuthorizationToken' }] },
      },
    };
    const always = {
      autoScalingGroups: [
        {
          AutoScalingGroupName: 'group',
          AvailabilityZones: ['us-east-1a'],
          MinSize: 1,
          MaxSize: 1,
          instanceType: 'm5.large',
          IamInstanceProfile: { Name: 'instance' },
          ecsConfig: { ECS_CLUSTER: 'demo', ECS_IMAGE_PULL_BEHAVIOR: 'always' as const },
        },
      ],
      duration: '13h',
      step: '60s',
    };
    const simulation = around({ place: 'EC2', changes: [lose, ...restarts([60, 700, 730])], rest: always });
    assert.equal(heard(simulation, 'RegistryTokenIssued').length, 1);
    const failed = heard(simulation, 'TaskStopped').filter(({ event }) => event.stopCode === 'TaskFailedToStart');
    assert.equal(
      failed.every(({ atMs }) => atMs > Date.parse(at(730))),
      true,
      'only after twelve hours',
    );
    assert.equal(failed.length > 0, true);
  });

  test('W64: a registry that says toomanyrequests; an image that the instance has is started all the same', () => {
    const limited: Partial<ScenarioInput> = { faults: [{ kind: 'PullRateExceeded', at: at(20) }] };
    const restart = { at: at(30), UpdateService: { service: 'web', forceNewDeployment: true } };
    assert.equal(runs(around({ place: 'EC2', changes: [restart], rest: limited })), true);
    const simulation = around({ changes: [restart], rest: limited });
    assert.match(
      heard(simulation, 'TaskStopped').find(({ event }) => event.stopCode === 'TaskFailedToStart')!.event.reason,
      /^CannotPullContainerError: toomanyrequests/,
    );
  });

  test('references, taken apart', () => {
    const ecr = { accountId: '123456789012', region: 'us-east-1' };
    const registry = '123456789012.dkr.ecr.us-east-1.amazonaws.com';
    for (const [text, expected] of [
      ['nginx', { registry: undefined, repository: 'nginx', tag: 'latest', digest: undefined, ecr: undefined }],
      [
        'library/nginx:1.27',
        { registry: undefined, repository: 'library/nginx', tag: '1.27', digest: undefined, ecr: undefined },
      ],
      [
        'localhost:5000/a',
        { registry: 'localhost:5000', repository: 'a', tag: 'latest', digest: undefined, ecr: undefined },
      ],
      [
        'public.ecr.aws/x/y:2',
        { registry: 'public.ecr.aws', repository: 'x/y', tag: '2', digest: undefined, ecr: undefined },
      ],
      [`${registry}/team/web:7`, { registry, repository: 'team/web', tag: '7', digest: undefined, ecr }],
      [`${registry}/web@sha256:ab`, { registry, repository: 'web', tag: undefined, digest: 'sha256:ab', ecr }],
    ] as const)
      assert.deepEqual(imageReference(text), expected, text);
    assert.deepEqual(dockerLogins(ecr), {
      getLogin: `$(aws ecr get-login --no-include-email --region us-east-1 --registry-ids 123456789012)   # docker login -u AWS -p TOKEN https://${registry}`,
      getLoginPassword: `aws ecr get-login-password --region us-east-1 | docker login --username AWS --password-stdin ${registry}`,
    });
  });
});

describe('5.5: security groups', () => {
  const rule = (FromPort: number, ToPort: number) => ({
    IpProtocol: 'tcp' as const,
    FromPort,
    ToPort,
    UserIdGroupPairs: [{ GroupId: 'sg-alb' }],
  });
  interface Door {
    readonly mode: 'bridge' | 'host' | 'awsvpc';
    readonly hostPort?: number;
    readonly from: number;
    readonly to: number;
    readonly changes?: readonly ChangeInput[];
    readonly instanceDoor?: readonly [number, number];
  }
  /** A service behind a load balancer; the door is that of the task with awsvpc, of the instance else. */
  function behind({ mode, hostPort, from, to, changes = [], instanceDoor }: Door): EcsSimulation {
    return sail(
      scenarioSchema.parse(
        quietScenario({
          duration: '40m',
          cluster: { clusterName: 'demo' },
          securityGroups: [
            { GroupId: 'sg-alb' },
            { GroupId: 'sg-task', IpPermissions: [rule(from, to)] },
            {
              GroupId: 'sg-host',
              IpPermissions: [instanceDoor === undefined ? rule(from, to) : rule(...instanceDoor)],
            },
          ],
          autoScalingGroups: [
            {
              AutoScalingGroupName: 'group',
              AvailabilityZones: ['us-east-1a'],
              MinSize: 2,
              MaxSize: 2,
              instanceType: 'm5.large',
              SecurityGroupIds: ['sg-host'],
            },
          ],
          taskDefinitions: [
            {
              family: 'web',
              networkMode: mode,
              containerDefinitions: [
                {
                  name: 'side',
                  image: 'side',
                  memory: 64,
                  portMappings: mode === 'bridge' ? [{ containerPort: 9_000 }] : [],
                },
                {
                  name: 'app',
                  image: 'web',
                  memory: 64,
                  portMappings: [{ containerPort: 8_080, ...(hostPort === undefined ? {} : { hostPort }) }],
                },
              ],
            },
          ],
          loadBalancers: [{ Name: 'web', SecurityGroups: ['sg-alb'] }],
          targetGroups: [
            { Name: 'targets', loadBalancer: 'web', HealthCheckIntervalSeconds: 10, deregistrationDelaySeconds: 10 },
          ],
          services: [
            {
              serviceName: 'web',
              taskDefinition: 'web',
              desiredCount: 1,
              launchType: 'EC2',
              loadBalancers: [{ targetGroup: 'targets', containerName: 'app', containerPort: 8_080 }],
              ...(mode === 'awsvpc'
                ? {
                    networkConfiguration: {
                      awsvpcConfiguration: { subnets: ['us-east-1a'], securityGroups: ['sg-task'] },
                    },
                  }
                : {}),
            },
          ],
          changes: [...changes],
          assumptions: { start: 'cold' },
        }),
      ),
    );
  }
  const isHealthy = (simulation: EcsSimulation) => simulation.world.elb.targetGroups.get('targets')!.healthyCount === 1;

  for (const [what, door, healthy] of [
    ['dynamic ports, and the ephemeral range is open', { mode: 'bridge', from: 32_768, to: 60_999 }, true],
    ['dynamic ports, and only port 80 is open', { mode: 'bridge', from: 80, to: 80 }, false],
    ['dynamic ports, and only the container port is open', { mode: 'bridge', from: 8_080, to: 8_080 }, false],
    ['dynamic ports, and the one of the other container is open', { mode: 'bridge', from: 32_768, to: 32_768 }, false],
    ['a static host port, which is open', { mode: 'bridge', hostPort: 80, from: 80, to: 80 }, true],
    ['host network: the container port', { mode: 'host', from: 8_080, to: 8_080 }, true],
    [
      'awsvpc: the container port, in the group of the task',
      { mode: 'awsvpc', from: 8_080, to: 8_080, instanceDoor: [1, 1] },
      true,
    ],
    [
      'awsvpc: what the instance lets in does not help',
      { mode: 'awsvpc', from: 1, to: 1, instanceDoor: [0, 65_535] },
      false,
    ],
  ] as const)
    test(what, () => {
      const simulation = behind(door);
      assert.equal(isHealthy(simulation), healthy);
      const killed = heard(simulation, 'TaskStopped').filter(
        ({ event }) => event.reason === 'Task failed ELB health checks in (target-group targets)',
      );
      assert.equal(killed.length > 2, !healthy, 'it is killed and restarted in a loop, or never');
      for (const { event } of heard(simulation, 'TargetUnhealthy')) assert.equal(event.reason, 'Target.Timeout');
    });

  test('a rule that comes opens the door, one that goes closes it', () => {
    const change = (
      kind: 'AuthorizeSecurityGroupIngress' | 'RevokeSecurityGroupIngress',
      minute: number,
      from: number,
      to: number,
    ) => ({ at: at(minute), [kind]: { GroupId: 'sg-host', IpPermissions: [rule(from, to)] } }) as ChangeInput;
    assert.equal(
      isHealthy(
        behind({
          mode: 'bridge',
          from: 1,
          to: 1,
          changes: [change('AuthorizeSecurityGroupIngress', 30, 32_768, 60_999)],
        }),
      ),
      true,
    );
    assert.equal(
      isHealthy(
        behind({
          mode: 'bridge',
          from: 32_768,
          to: 60_999,
          changes: [change('RevokeSecurityGroupIngress', 30, 32_768, 60_999)],
        }),
      ),
      false,
    );
  });
});
