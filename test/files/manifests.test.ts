// What -f reads: which files, which of them are manifests, what is named as skipped; and what stands where once they are laid over a cluster.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controllerManifest } from '../../src/cli/controller-manifest.ts';
import type { Raw } from '../../src/engine/contracts.ts';
import { isGap } from '../../src/engine/gaps.ts';
import { readManifests } from '../../src/files/manifests.ts';
import { alone, overCluster } from '../../src/files/overlay.ts';
import { refOf } from '../../src/kube/refs.ts';
import { dumpOf } from '../../src/snapshot/dump.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { listed } from '../snapshot/helpers.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'manifests-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(files: Record<string, string | Buffer>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}
async function* nothing() {}
async function* stream(...parts: string[]) {
  for (const part of parts) yield Buffer.from(part);
}
const read = (at = folder) => readManifests([at], nothing());
const short = async (at = folder) => {
  const { manifests, skipped } = await read(at);
  return {
    objects: manifests.map(({ object, file, line, document, item }) =>
      [
        `${object.kind}/${refOf(object).name}`,
        `${path.relative(folder, file)}:${line}`,
        document,
        ...(item === undefined ? [] : [item]),
      ].join(' '),
    ),
    skipped: skipped.map(({ file, why, unseen }) => `${path.relative(folder, file)}: ${why.en}${unseen ? ' (unseen)' : ''}`),
  };
};
const CM = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n';

describe('files', () => {
  it('every form, each object with file, document and line', async () => {
    put({
      'a.yaml': `# why\r\n---\r\n${CM.replaceAll('\n', '\r\n')}---\r\n# nothing here\r\n---\r\n${CM.replace('name: a', 'name: b').replaceAll('\n', '\r\n')}`,
      'bom.yml': `\ufeff${CM}`,
      'list.yaml': `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n-\n  ${CM.replaceAll('\n', '\n  ')}`,
      'sub/typed.json': '{"apiVersion":"apps/v1","kind":"DeploymentList",\n"items":[\n{"metadata":{"name":"d"}}]}',
      'generated.yaml': 'apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: once-}\n',
      'README.md': 'not: [read',
    });
    expect(await short()).toEqual({
      objects: [
        'ConfigMap/a a.yaml:3 0',
        'ConfigMap/b a.yaml:10 2',
        'ConfigMap/a bom.yml:1 0',
        'Job/once- generated.yaml:1 0',
        'Secret/s list.yaml:4 0 0',
        'ConfigMap/a list.yaml:8 0 1',
        'Deployment/d sub/typed.json:3 0 0',
      ],
      skipped: [],
    });
  });

  it('objects of JSON one after the other, as kubectl reads them, small and large, by whatever name', async () => {
    const map = (name: string, more = '') =>
      `{"apiVersion":"v1","kind":"ConfigMap",\n"metadata":{"name":"${name}"},"data":{"k":"} {\\"${more}"}}`;
    const large = 'x'.repeat(1024 * 1024);
    put({
      'a.json': `${map('a')}\n\n${map('b')}${map('c')}`,
      'b.yaml': `${map('d')} ${map('e')}\n`,
      'c.json': `${map('f', large)}\n${map('g')}`,
      'd.json': `${map('h')}\n{"kind":`,
    });
    const { objects, skipped } = await short();
    expect(objects).toEqual([
      'ConfigMap/a a.json:1 0',
      'ConfigMap/b a.json:4 1',
      'ConfigMap/c a.json:5 2',
      'ConfigMap/d b.yaml:1 0',
      'ConfigMap/e b.yaml:2 1',
      'ConfigMap/f c.json:1 0',
      'ConfigMap/g c.json:3 1',
    ]);
    expect(skipped).toEqual([expect.stringMatching(/^d\.json: not JSON: .* \(unseen\)$/)]);
  });

  it('what is no manifest is told apart and named', async () => {
    put({
      'a.yaml': CM,
      'kustomization.yaml': 'resources: [a.yaml]\n',
      'overlay/k.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n',
      'chart/Chart.yaml': 'apiVersion: v2\nname: c\n',
      'chart/values.yaml': 'apiVersion: v1\nkind: Trap\nmetadata: {name: not-an-object}\n',
      'chart/values-prod.yaml': 'a: 1\n',
      'chart/templates/cm.yaml': CM,
      'chart/crds/crd.yaml': CM.replace('ConfigMap', 'CustomResourceDefinition'),
      'loose/template.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n',
      'loose/quoted.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "{{ .Release.Name }}-x"\n',
      'loose/alerts.yaml': `${CM}data:\n  alert: "{{ $labels.pod }} of {{ .Values.x }}"\n`,
      '.github/workflows/ci.yml': 'on: push\njobs: {}\n',
      'half.yaml': 'kind: ConfigMap\nmetadata: {name: x}\n',
      'deploy/values-prod.yaml': 'kind: DaemonSet\nimage: {}\n',
      'grafana.yaml': 'apiVersion: 1\ndatasources: []\n',
      'named.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: off}\n',
      'broken.yaml': 'a: [1\nb: 2\n',
      'latin1.yaml': Buffer.from([0x61, 0x3a, 0x20, 0xe9, 0x0a]),
      'nul.yaml': 'a: \0\n',
      'bomb.yaml': [
        'a0: &a0 [1,1,1,1,1,1,1,1,1,1]',
        ...Array.from({ length: 20 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(10)}]`),
      ].join('\n'),
    });
    const { objects, skipped } = await short();
    expect(objects).toEqual([
      'ConfigMap/a a.yaml:1 0',
      'CustomResourceDefinition/a chart/crds/crd.yaml:1 0',
      'ConfigMap/a loose/alerts.yaml:1 0',
    ]);
    expect(skipped.map((line) => line.replace(/; check what.*?(?= \(unseen\)|$)/, ''))).toEqual([
      '.github/workflows/ci.yml: not a Kubernetes object (no apiVersion, no kind)',
      'bomb.yaml: not YAML: its aliases unfold to more than 200000 values (unseen)',
      expect.stringMatching(/^broken.yaml: not YAML: .*\(unseen\)$/),
      'chart/Chart.yaml: the Chart.yaml of a Helm chart',
      'chart/templates/cm.yaml: a Helm template (unseen)',
      'chart/values-prod.yaml: values of a Helm chart',
      'chart/values.yaml: values of a Helm chart',
      'deploy/values-prod.yaml: not a Kubernetes object (no apiVersion, no metadata)',
      'grafana.yaml: not a Kubernetes object (no kind, no metadata)',
      'half.yaml: apiVersion or kind is missing, or is not a string (unseen)',
      expect.stringMatching(/^kustomization.yaml: a kustomization/),
      'latin1.yaml: not UTF-8 (unseen)',
      'loose/quoted.yaml: a Helm template (unseen)',
      'loose/template.yaml: a Helm template (unseen)',
      'named.yaml: metadata.name is read as false: quote it (unseen)',
      'nul.yaml: not YAML: control characters are not allowed (unseen)',
      expect.stringMatching(/^overlay.k.yaml: a kustomization/),
    ]);
  });

  it.skipIf(process.platform === 'win32')('links, loops, pipes and files without end', async () => {
    const outside = mkdtempSync(path.join(tmpdir(), 'outside-'));
    writeFileSync(path.join(outside, 'b.yaml'), CM);
    put({ '..data/a.yaml': CM, 'sub/deep/x.yaml': CM.replace('name: a', 'name: x'), 'large.yaml': '' });
    symlinkSync(path.join('..data', 'a.yaml'), path.join(folder, 'a.yaml')); // as kubelet mounts a ConfigMap
    symlinkSync('..', path.join(folder, 'sub', 'loop'));
    symlinkSync(outside, path.join(folder, 'elsewhere'));
    symlinkSync(path.join(outside, 'b.yaml'), path.join(folder, 'b.yaml'));
    symlinkSync('nowhere', path.join(folder, 'dangling.yaml'));
    symlinkSync('self.yaml', path.join(folder, 'self.yaml'));
    execFileSync('mkfifo', [path.join(folder, 'pipe.yaml')]);
    truncateSync(path.join(folder, 'large.yaml'), 1024 ** 3);
    expect(await short()).toEqual({
      objects: ['ConfigMap/a ..data/a.yaml:1 0', 'ConfigMap/x sub/deep/x.yaml:1 0'],
      skipped: [
        'b.yaml: a link that leads out of the directory (unseen)',
        expect.stringMatching(/^dangling.yaml: .*ENOENT.*unseen/),
        'elsewhere: a link to a directory; such links are not followed (unseen)',
        'large.yaml: larger than 32 MiB (unseen)',
        'pipe.yaml: not a regular file (a pipe, a device or a socket) (unseen)',
        expect.stringMatching(/^self.yaml: .*ELOOP.*unseen/),
      ],
    });
    rmSync(outside, { recursive: true });
  });

  it('a file that is named itself, and standard input, are read or refused with the line', async () => {
    put({ 'a.yaml': `${CM}---\nkind: x\nmetadata: {}\n`, 'b.yaml': 'a: [1\n' });
    await expect(read(path.join(folder, 'a.yaml'))).rejects.toThrow(/a\.yaml, line 6: apiVersion or kind is missing/);
    await expect(read(path.join(folder, 'b.yaml'))).rejects.toThrow(/b\.yaml, line \d: not YAML/);
    const { text } = await read(path.join(folder, 'b.yaml')).then(
      () => expect.unreachable(),
      (error) => error,
    );
    expect(text.zh).toMatch(/b\.yaml 第 \d 行：不是有效的 YAML（缩进或语法有误；Flow .*）$/);
    await expect(read(path.join(folder, 'none.yaml'))).rejects.toThrow(/none\.yaml: .*ENOENT/);
    const { manifests } = await readManifests(['-'], stream(CM.slice(0, 7), CM.slice(7)));
    expect(manifests).toMatchObject([{ file: '-', line: 1, document: 0, object: { kind: 'ConfigMap' } }]);
    await expect(readManifests(['-'], stream('a: \0'))).rejects.toThrow(/standard input, line 1: .*control characters/);
  });

  it('a directory without objects is an error, and an object in two places is named', async () => {
    put({ 'x.txt': '', 'values.json': '{}' });
    await expect(read()).rejects.toThrow(/no Kubernetes objects; not checked: .*values\.json \(not a Kubernetes object/);
    put({ 'a.yaml': CM, 'b.yaml': CM });
    const { doubles } = await read();
    expect(doubles.map((same) => same.map(({ file }) => path.basename(file)))).toEqual([['a.yaml', 'b.yaml']]);
  });
});

it('a controller is installed from whole objects: none without a name, none of those inside others', async () => {
  const work = `---\napiVersion: work.karmada.io/v1alpha1\nkind: Work\nmetadata: {name: w}\nspec: {workload: {manifests: [{apiVersion: v1, kind: Secret, metadata: {name: s}}]}}\n`;
  put({ 'a.yaml': `${CM}${work}`, 'patch.yaml': 'apiVersion: v1\nkind: ConfigMap\n' });
  const objects = await controllerManifest([path.join(folder, 'a.yaml')]);
  expect(objects.map(({ kind }) => kind)).toEqual(['ConfigMap', 'Work']);
  await expect(controllerManifest([folder])).rejects.toThrow(/patch\.yaml: metadata\.name is missing/);
});

describe('laid over a cluster', () => {
  const at = (object: Raw, line = 1) => ({ object, file: 'f.yaml', document: 0, line });
  const pod = (name: string, namespace: string, more: Raw = {}): Raw => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    ...more,
  });
  const cluster = () =>
    dumpSource(
      dumpOf({
        objects: [
          {
            ...pod('a', 'n'),
            metadata: { name: 'a', namespace: 'n', uid: 'u1', labels: { x: '1' } },
            spec: { nodeName: 'old' },
            status: { phase: 'Running' },
          },
          pod('b', 'n'),
          { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
        ],
        whole: true,
        serverVersion: 'v1.30.0',
      }),
    );

  it('replaces and adds, keeps what the cluster gave, and fills in the namespace', async () => {
    const source = await overCluster(
      cluster(),
      [
        at({ ...pod('a', 'n'), spec: { nodeName: 'new' } }),
        at({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'c', labels: { x: '1' } } }),
        at({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n2', namespace: 'mistaken' } }),
      ],
      'team',
    );
    expect(await listed(source, { resource: 'pods', fields: ['spec.nodeName', 'status'] })).toEqual([
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'b', namespace: 'n' } },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'a', namespace: 'n', uid: 'u1' },
        spec: { nodeName: 'new' },
        status: { phase: 'Running' },
      },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'c', namespace: 'team' } },
    ]);
    expect(await listed(source, { resource: 'pods', labels: 'x=1', fields: [] })).toMatchObject([{ metadata: { name: 'c' } }]);
    expect(await listed(source, { resource: 'nodes', fields: [] })).toMatchObject([
      { metadata: { name: 'n1' } },
      { metadata: { name: 'n2' } },
    ]);
    expect(await source.get({ apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'a' })).toMatchObject({
      spec: { nodeName: 'new' },
      metadata: { uid: 'u1' },
    });
    expect(await source.get({ apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'b' })).toMatchObject({ metadata: { name: 'b' } });
  });

  it('what the cluster no longer serves is still seen', async () => {
    const ingress = { apiVersion: 'extensions/v1beta1', kind: 'Ingress', metadata: { name: 'web' } };
    const policy = { apiVersion: 'policy/v1beta1', kind: 'PodSecurityPolicy', metadata: { name: 'p' } };
    const source = await overCluster(cluster(), [at(ingress), at(policy, 7)], 'team');
    expect(await source.resource('ingresses.extensions')).toMatchObject({ group: 'extensions', version: 'v1beta1', namespaced: true });
    expect(await listed(source, { resource: 'ingresses.extensions', fields: [] })).toMatchObject([{ metadata: { namespace: 'team' } }]);
    expect(await listed(source, { resource: 'podsecuritypolicies.policy', fields: [] })).toEqual([{ ...policy }]);
    expect(source.manifests?.()).toMatchObject([{ line: 1 }, { line: 7, object: policy }]);
  });

  it('alone they answer for what they declare, and for nothing else', async () => {
    const source = await alone(
      [at({ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderEndpoint', metadata: { name: 'e' } })],
      'default',
      '(f.yaml)',
    );
    expect(await listed(source, { resource: 'spiderendpoints.spiderpool.spidernet.io', fields: [] })).toHaveLength(1);
    expect(await listed(source, { resource: 'spiderippools.spiderpool.spidernet.io', fields: [] })).toEqual([]);
    expect(await listed(source, { resource: 'pods', fields: [] })).toMatchObject({ why: 'not-collected' });
    expect(await source.get({ apiVersion: 'v1', kind: 'Node', name: 'n1' })).toSatisfy(isGap);
    expect(await source.serverVersion()).toMatchObject({ why: 'not-collected' });
  });
});

const OBJECT = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: piped}\n';
describe.skipIf(process.platform === 'win32')('a pipe', () => {
  it.each(['-', '/dev/stdin', '/dev/fd/0'])('that is standard input is read by the name %s', async (at) => {
    const { manifests } = await readManifests([at], stream(OBJECT));
    expect(manifests.map(({ object }) => refOf(object).name)).toEqual(['piped']);
  });
  it('that a shell put in place of a command is read, up to the limit', async () => {
    const fifo = path.join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const written = async (command: string) => {
      const writer = spawn('sh', ['-c', `${command} > "$0"`, fifo], { stdio: 'ignore' });
      const fd = openSync(fifo, 'r');
      try {
        return await readManifests([`/dev/fd/${fd}`], nothing());
      } finally {
        closeSync(fd);
        writer.kill();
      }
    };
    const { manifests } = await written(`(printf '${OBJECT.replaceAll('\n', '\\n')}'; sleep 2)`);
    expect(manifests.map(({ object }) => refOf(object).name)).toEqual(['piped']);
    // What has no end is refused by its size; kubectl would continue reading.
    const error = await written('cat /dev/zero').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringMatching(/larger than 32 MiB/), next: undefined });
  });
});

const fifoAt = (name: string) => {
  const fifo = path.join(folder, name);
  execFileSync('mkfifo', [fifo]);
  return fifo;
};
describe.skipIf(process.platform === 'win32')('a FIFO that is named', () => {
  it('is read to its end, also where its writer is still to come', async () => {
    const fifo = fifoAt('late.yaml');
    const writer = spawn('sh', ['-c', `sleep 0.3; printf '${OBJECT.replaceAll('\n', '\\n')}' > "$0"`, fifo], { stdio: 'ignore' });
    const { manifests } = await readManifests([fifo], nothing());
    expect(manifests.map(({ object }) => refOf(object).name)).toEqual(['piped']);
    writer.kill();
  });
  it('to which nothing is written ends with the signal, and without end by its size', async () => {
    const signal = AbortSignal.timeout(200);
    await expect(readManifests([fifoAt('never.yaml')], nothing(), { signal })).rejects.toBe(await reasonOf(signal));
    const fifo = fifoAt('endless.yaml');
    const writer = spawn('sh', ['-c', 'cat /dev/zero > "$0"', fifo], { stdio: 'ignore' });
    await expect(readManifests([fifo], nothing())).rejects.toThrow(/larger than 32 MiB/);
    writer.kill();
  });
  it('in a directory is named and not read', async () => {
    put({ 'in/a.yaml': OBJECT });
    fifoAt('in/b.yaml');
    const { manifests, skipped } = await read(path.join(folder, 'in'));
    expect([manifests.length, skipped.map(({ file }) => path.basename(file))]).toEqual([1, ['b.yaml']]);
  });
});
const reasonOf = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));

it('says of kubectl only what holds for it', async () => {
  const next = (at: string) =>
    read(at).then(
      () => undefined,
      (reason: { next?: { en: string } }) => reason.next?.en,
    );
  expect(await next(path.join(folder, 'nowhere'))).toContain('check the path');
  put({ 'bad.yaml': 'a: [\n' });
  expect(await next(path.join(folder, 'bad.yaml'))).toContain('fix the file; verify with: kubectl apply --dry-run=client -f ');
  if (process.platform !== 'win32') expect(await next('/dev/zero')).toBeUndefined();
});
