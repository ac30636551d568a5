import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeBlocks, readDocument } from '../docs/markdown.ts';
import {
  EXAMPLES,
  type Manifest,
  problemsOf,
  readExample,
  readManifest,
  readSchema,
  validatorOf,
} from './manifests.ts';

const KUBERNETES = '#/$defs/io.k8s.api';
const job = () => validatorOf('kubernetes', `${KUBERNETES}.batch.v1.Job`);
const podOf = (manifest: Manifest) => manifest.spec.template.spec;
/** A misspelt name, which a platform may ignore. */
const misspellCommand = (container: Manifest) => Object.assign(container, { comand: container.command });
const misspellInJob = (manifest: Manifest) => misspellCommand(podOf(manifest).containers[0]);

/** With what makes it invalid: a schema that lets everything pass would prove nothing. */
const MANIFESTS = [
  [
    'docker-compose/compose.yaml',
    () => validatorOf('compose'),
    ({ services }: Manifest) => Object.assign(services.app.depends_on.migrate, { condition: 'completed' }),
  ],
  [
    'digitalocean/app.yaml',
    () => validatorOf('digitalocean-app-spec'),
    ({ jobs }: Manifest) => Object.assign(jobs[0], { kind: 'BEFORE_DEPLOY' }),
  ],
  [
    'ecs/task-definition.json',
    () => validatorOf('ecs'),
    ({ containerDefinitions }: Manifest) => misspellCommand(containerDefinitions[0]),
  ],
  [
    'github-actions/deploy.yml',
    () => validatorOf('github-workflow'),
    ({ jobs }: Manifest) => Object.assign(jobs.deploy, { need: 'migrate' }),
  ],
  [
    'codebuild/buildspec.yml',
    () => validatorOf('codebuild-buildspec'),
    ({ phases }: Manifest) => Object.assign(phases.build, { command: phases.build.commands }),
  ],
  ['kubernetes/job.yaml', job, misspellInJob],
  ['kubernetes/helm-hook.yaml', job, misspellInJob],
  ['kubernetes/argo-cd-hook.yaml', job, misspellInJob],
  [
    'kubernetes/deployment.yaml',
    () => validatorOf('kubernetes', `${KUBERNETES}.apps.v1.Deployment`),
    (manifest: Manifest) => misspellCommand(podOf(manifest).initContainers[0]),
  ],
] as const;

describe('the manifest', () => {
  it.each(MANIFESTS)('%s fits the schema of its platform', (path, validator, spoil) => {
    const validate = validator();
    const manifest = readManifest(path);
    expect(problemsOf(validate, manifest)).toEqual([]);
    spoil(manifest);
    expect(problemsOf(validate, manifest)).not.toEqual([]);
  });

  it('kubernetes/statefulset-patch.yaml makes a valid StatefulSet of one, with no other fields', () => {
    const patch = podOf(readManifest('kubernetes/statefulset-patch.yaml'));
    const statefulSet = (pod: Manifest) => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      spec: {
        serviceName: 'orders',
        selector: { matchLabels: { app: 'orders' } },
        template: { spec: { containers: [{ name: 'orders' }], ...pod } },
      },
    });
    const validate = validatorOf('kubernetes', `${KUBERNETES}.apps.v1.StatefulSet`);
    expect(problemsOf(validate, statefulSet(patch))).toEqual([]);
    misspellCommand(patch.initContainers[0]);
    expect(problemsOf(validate, statefulSet(patch))).not.toEqual([]);
  });

  it('ecs/migrate.sh asks for what the API of its platform has', () => {
    const script = readExample('ecs/migrate.sh');
    const { $defs } = readSchema('ecs');
    const names = (pattern: RegExp, text = script) => [...text.matchAll(pattern)].map(([, name]) => name!);
    const camel = (name: string) => name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    const calls = names(/(aws ecs [^)]+)--query/g).map((call) => names(/--([\w-]+)/g, call).map(camel));
    expect(calls).toHaveLength(2);
    expect(Object.keys($defs.RunTaskRequest.properties)).toEqual(expect.arrayContaining(calls[0]!));
    expect(Object.keys($defs.DescribeTasksRequest.properties)).toEqual(expect.arrayContaining(calls[1]!));
    const network = names(/([a-zA-Z]+)=\[/g, script.slice(script.indexOf('awsvpc')));
    expect(Object.keys($defs.AwsVpcConfiguration.properties)).toEqual(expect.arrayContaining(network));
    const asked = names(/(?:tasks\[0\]\.|state )'?(?:containers\[0\]\.)?([a-zA-Z]+)/g);
    expect(asked.toSorted()).toEqual(['exitCode', 'lastStatus', 'stoppedReason', 'taskArn']);
    const known = { ...$defs.Task.properties, ...$defs.Container.properties };
    expect(asked.filter((name) => !(name in known))).toEqual([]);
  });

  it('of a hook has annotations that Helm and Argo CD document', () => {
    const { annotations: helm } = readManifest('kubernetes/helm-hook.yaml').metadata;
    // helm.sh/docs/topics/charts_hooks: the default policy deletes the hook of the release before, named here to be seen.
    expect(helm).toEqual({
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'helm.sh/hook-delete-policy': 'before-hook-creation',
    });
    const { annotations: argo } = readManifest('kubernetes/argo-cd-hook.yaml').metadata;
    // argo-cd.readthedocs.io, user guide, resource hooks.
    expect(argo).toEqual({
      'argocd.argoproj.io/hook': 'PreSync',
      'argocd.argoproj.io/hook-delete-policy': 'BeforeHookCreation',
    });
  });

  it('of each kind of Job, and of each Pod that waits, asks for the same', () => {
    const pods = ['job', 'helm-hook', 'argo-cd-hook'].map((name) =>
      podOf(readManifest(`kubernetes/${name}.yaml`)),
    );
    const [first, ...others] = pods.map(({ containers: [{ image: _, ...container }], ...pod }) => ({
      ...pod,
      container,
    }));
    expect(others).toEqual([first, first]);
    const [waits, alsoWaits] = ['deployment', 'statefulset-patch'].map(
      (name) => podOf(readManifest(`kubernetes/${name}.yaml`)).initContainers,
    );
    expect(alsoWaits).toEqual(waits);
  });
});

const PAGES = [
  'codepipeline',
  'digitalocean',
  'docker-compose',
  'ecs',
  'entrypoint',
  'github-actions',
  'kubernetes',
];
/** Of the command's or a start-up hook's, and of the construct's. */
const ALL_PAGES = [...PAGES, 'any-migrator', 'long-running', 'start-up-hook'];
const GUIDES = join(EXAMPLES, '..', 'docs', 'guides');
const pathOf = (page: string) => `docs/guides/${page}.md`;
const linkedBy = (page: string) =>
  [...readDocument(pathOf(page)).matchAll(/\]\(\.\.\/\.\.\/examples\/([^)]+)\)/g)].map(([, path]) => path!);

describe('the page', () => {
  it('of each way in fits on one screen', () => {
    const pages = globSync('*.md', { cwd: GUIDES }).map((file) => file.replace('.md', ''));
    expect(pages.toSorted()).toEqual(ALL_PAGES.toSorted());
    const tooLong = pages.filter((page) => readDocument(pathOf(page)).split('\n').length > 61);
    expect(tooLong).toEqual([]);
  });

  it.each(PAGES)('%s shows what is in the files that it links to', (page) => {
    const shown = ['dockerfile', 'json', 'yaml', 'sh'].flatMap((language) =>
      codeBlocks(pathOf(page), language),
    );
    // What is typed is no file.
    const files = shown.filter((block) => !/^(aws|doctl|export|kubectl|npm|POSTGRES_PASSWORD)\b/.test(block));
    expect(files).not.toEqual([]);
    const linked = linkedBy(page).map(readExample);
    expect(files.filter((block) => !linked.some((file) => file.includes(block)))).toEqual([]);
  });

  it.each([
    ['start-up-hook', 'js', 'node/server.js'],
    ['any-migrator', 'dockerfile', 'entrypoint/Dockerfile.python'],
  ])('%s shows its example, too', (page, language, path) => {
    expect(codeBlocks(pathOf(page), language)).toContain(readExample(path));
  });

  it('codepipeline shows the construct and its stage as in the app that synthesizes', () => {
    const squeezed = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
    const app = ['database-stack.ts', 'pipeline-stack.ts'].map((file) => readExample(`pipeline/${file}`));
    const shown = codeBlocks(pathOf('codepipeline'), 'ts');
    expect(shown).toHaveLength(2);
    expect(shown.filter((block) => !squeezed(app.join(' ')).includes(squeezed(block)))).toEqual([]);
  });

  it('of its platform links to each example', () => {
    const examples = globSync('*/*', { cwd: EXAMPLES }).filter((path) => !path.startsWith('pipeline/'));
    const linked = ALL_PAGES.flatMap(linkedBy).filter((path) => !path.startsWith('pipeline/'));
    expect(new Set(linked)).toEqual(new Set(examples));
  });
});
