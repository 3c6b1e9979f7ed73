// What the tests of this folder share: a small cluster, and reading a source to the end.
import type { Gap, ListQuery, Raw, Source } from '../../src/engine/contracts.ts';
import { encodeRelease } from '../../src/helm/release.ts';
import { picker } from '../../src/kube/fields.ts';
import { type Dump, dumpOf } from '../../src/snapshot/dump.ts';
import { dumpSource } from '../../src/snapshot/source.ts';

export const UID = '200ed6aa-af09-4698-aa28-d3f2c25ccdbb';

export async function listed(source: Source, query: ListQuery): Promise<Raw[] | Gap> {
  let rows: Raw[] = [];
  const gap = await source.list(query, {
    object: (object) => void rows.push(object),
    restart: () => {
      rows = [];
    },
  });
  return gap ?? rows;
}

export const pod = (name: string, more: Raw = {}, labels: Raw = { app: name }): Raw => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: '10', labels },
  spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i:1' }] },
  status: { phase: 'Running' },
  ...more,
});

export const namespace: Raw = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: UID } };

/** A cluster with a canary in every place where secrets are known to lie. */
export function leakyObjects(): Raw[] {
  const applied = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    spec: { containers: [{ env: [{ name: 'P', value: 'CANARY-applied' }], image: 'i:1' }] },
  });
  const helm: Raw = {
    name: 'app',
    namespace: 'shop',
    version: 1,
    info: { status: 'deployed', notes: 'CANARY-notes' },
    chart: { metadata: { name: 'app', version: '1.0.0' }, values: { db: { password: 'CANARY-chart' } } },
    config: { ui: { apiToken: 'CANARY-config', replicas: 2 } },
    manifest: '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  a: CANARY-manifest\n---\nkind: Service\n',
    hooks: [{ manifest: 'kind: Secret\napiVersion: v1\nmetadata: {name: h}\nstringData: {a: CANARY-hook}\n' }],
  };
  return [
    namespace,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db', namespace: 'shop', uid: 's1' },
      type: 'Opaque',
      data: { password: Buffer.from('CANARY-secret').toString('base64') },
      stringData: { x: 'CANARY-string' },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'sh.helm.release.v1.app.v1',
        namespace: 'shop',
        uid: 's2',
        labels: { owner: 'helm', name: 'app', status: 'deployed', version: '1' },
      },
      type: 'helm.sh/release.v1',
      data: { release: encodeRelease(helm, 'Secret') },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'sh.helm.release.v1.cm.v1', namespace: 'shop', uid: 's3', labels: { owner: 'helm' } },
      data: { release: encodeRelease(helm, 'ConfigMap') },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'conf', namespace: 'shop', uid: 'c1' },
      data: { 'conf.yml': 'enableIPv4: true\ndbPassword: CANARY-cm\n', API_TOKEN: 'CANARY-token', plain: 'kept' },
    },
    pod('web', {
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'p1',
        resourceVersion: '5',
        labels: { app: 'web' },
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': applied,
          'vault.example/token': 'CANARY-annotation',
          note: 'kept',
        },
      },
      spec: {
        nodeName: 'n1',
        containers: [
          {
            name: 'c',
            image: 'i:1',
            env: [{ name: 'A', value: 'CANARY-env' }],
            args: ['--password=CANARY-arg', '--db', 'pg://u:CANARY-url@h/'],
          },
        ],
      },
    }),
    {
      apiVersion: 'upgrade.cattle.io/v1',
      kind: 'Plan',
      metadata: { name: 'server', namespace: 'system-upgrade', uid: 'pl' },
      spec: {
        version: 'v1.30.0',
        secrets: [{ name: 'my-secret', path: '/x' }],
        upgrade: { image: 'u', envs: [{ name: 'K', value: 'CANARY-plan' }] },
      },
      status: { latestHash: '0d1c7a1ff2b5d3c0e3a1f5e7c9b2d4f6a8c0e2d4f6a8b0c2d4e6f8a0' },
    },
    {
      apiVersion: 'helm.cattle.io/v1',
      kind: 'HelmChart',
      metadata: { name: 'h', namespace: 'kube-system' },
      spec: { valuesContent: 'a: 1\npassword: CANARY-chart-cr\n' },
    },
  ];
}

/** Stands for a live cluster: whole objects, and lists pruned as a real client delivers them. */
export function liveSource(objects: Raw[], more: Partial<Dump> = {}): Source {
  const dump = dumpOf({
    objects,
    whole: true,
    serverVersion: 'v1.28.9+k3s1',
    identity: { uid: UID, certain: true, server: 'https://s', context: 'c' },
    ...more,
  } as never);
  const source = dumpSource(dump);
  return {
    ...source,
    list: (query, sink) =>
      source.list(
        { ...query, fields: 'whole' },
        { restart: () => sink.restart(), object: (object) => sink.object(picker(query.fields)(object)) },
      ),
  };
}
