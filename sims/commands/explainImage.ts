/** `seatrial explain image`: what each image reference means, who pulls it with which role, and the login a person would type. */

import {
  denial,
  dockerLogins,
  imageReference,
  LOGIN_ACTION,
  nameInArn,
  PULL_ACTIONS,
  repositoryArn,
  simulate,
  type EcsSimulation,
  type Scenario,
} from '../../core/index.ts';
import { loadScenario } from '../input/scenarioFile.ts';
import { formatCount } from '../report/format.ts';
import { print } from '../report/print.ts';

/** @returns the exit code. @throws InputError */
export function explainImages(file: string): number {
  print(`${imageStories(file).join('\n')}\n`);
  return 0;
}

/** In lines. @throws InputError */
export function imageStories(file: string): readonly string[] {
  const { scenario, traces, jobs } = loadScenario(file);
  const simulation = simulate(scenario, { traces, jobs });
  // The roles are there when the first instant has been.
  simulation.runUntil(scenario.start);
  const containers = scenario.taskDefinitions.flatMap(({ containerDefinitions }) => containerDefinitions);
  const images = new Set(containers.map(({ image }) => image));
  return Array.from(images).flatMap((image, index) => [
    ...(index === 0 ? [] : ['']),
    ...storyOf(scenario, simulation.world, image),
  ]);
}

function storyOf(scenario: Scenario, world: EcsSimulation['world'], image: string): string[] {
  const { registry = 'Docker Hub', repository, tag, digest, ecr } = imageReference(image);
  const size = scenario.images.find(({ name }) => name === image)?.compressedMiB;
  const version = digest === undefined ? `tag ${tag}` : `digest ${digest}`;
  const what = `  ${registry}, repository ${repository}, ${version}, ${size === undefined ? 'size not listed' : `${formatCount(size)} MiB compressed`}`;
  if (ecr === undefined) return [image, what];
  const { getLogin, getLoginPassword } = dockerLogins(ecr);
  return [
    image,
    what,
    ...pullers(scenario, image).map(({ who, role }) => {
      const denied =
        role === undefined
          ? undefined
          : (denial(world, role, LOGIN_ACTION) ??
            PULL_ACTIONS.map((action) => denial(world, role, action, repositoryArn(ecr, repository))).find(
              (message) => message !== undefined,
            ));
      return `  pulled by ${who} as ${role ?? 'a role that nobody describes'}: ${denied ?? 'may do so'}`;
    }),
    `  by hand: ${getLoginPassword}`,
    `  before AWS CLI 1.17.10: ${getLogin}`,
  ];
}

/** Task definitions that name an image, and the roles that pull it: the execution role, or those of the instances. */
function pullers({ taskDefinitions, autoScalingGroups }: Scenario, image: string) {
  const instanceRoles = new Set(autoScalingGroups.map(({ IamInstanceProfile }) => IamInstanceProfile?.Name));
  return taskDefinitions
    .filter(({ containerDefinitions }) => containerDefinitions.some((container) => container.image === image))
    .flatMap(({ family, executionRoleArn }) =>
      executionRoleArn === undefined
        ? Array.from(instanceRoles, (role) => ({ who: `${family} on instances`, role }))
        : [{ who: family, role: nameInArn(executionRoleArn) }],
    );
}
