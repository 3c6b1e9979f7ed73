// Detection: found, absent, or cannot tell; every source is reported, and which of them decides.
import { describe, expect, test } from 'vitest';
import type { Gap, Raw } from '../../../src/engine/contracts.ts';
import { examine } from '../../../src/engine/examine.ts';
import { encodeRelease } from '../../../src/helm/release.ts';
import { dumpOf } from '../../../src/snapshot/dump.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { releaseOf } from './release.ts';

const labels = {
  'app.kubernetes.io/name': 'spiderpool',
  'app.kubernetes.io/instance': 'sp',
  'app.kubernetes.io/version': '0.9.3',
  'helm.sh/chart': 'spiderpool-0.9.2',
};
const workload = (kind: string, image: string, metadata: Raw = {}): Raw => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: `spiderpool-${kind.toLowerCase()}`, namespace: 'net', labels, ...metadata },
  spec: { template: { spec: { containers: [{ name: 'c', image }] } } },
});
const release = (name: string, chart: string, version: string, revision = 1): Raw => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'helm.sh/release.v1',
  metadata: {
    name: `sh.helm.release.v1.${name}.v${revision}`,
    namespace: 'net',
    labels: { owner: 'helm', name, status: 'deployed', version: `${revision}` },
  },
  data: {
    release: encodeRelease(
      {
        name,
        namespace: 'net',
        version: revision,
        info: { status: 'deployed' },
        chart: { metadata: { name: chart, version, appVersion: version } },
        config: {},
        manifest: '',
        hooks: [],
      },
      'Secret',
    ),
  },
});
const seen = async (objects: Raw[], absent: Gap[] = []) => {
  const {
    installations,
    absent: none,
    results,
  } = await examine(dumpSource(dumpOf({ objects, absent, whole: true })), SYSTEMS, { systems: ['spiderpool'] });
  return { installations, none, outcomes: new Set(results.map(({ outcome }) => outcome)) };
};
const IMAGE = 'registry.example/spidernet-io/spiderpool/spiderpool-controller';
const forbidden = (resource: string): Gap => ({ why: 'forbidden', verb: 'list', resource });

describe('spiderpool', () => {
  test('nothing there: absent, and nothing is claimed', async () => {
    expect(await seen([])).toEqual({ installations: [], none: ['spiderpool'], outcomes: new Set() });
  });
  test('what runs decides: image, version label, chart label; then the release; all are reported', async () => {
    const byRelease = await seen([workload('Deployment', `${IMAGE}:v0.9.4@sha256:00`), release('sp', 'spiderpool', '0.9.5')]);
    expect(byRelease.installations[0]).toMatchObject({ id: 'spiderpool@net/sp', version: '0.9.4', byHelm: true, release: { revision: 1 } });
    expect(byRelease.installations[0]!.sources.map(({ says }) => says)).toEqual(['v0.9.4', '0.9.3', '0.9.2', '0.9.5']);
    expect((await seen([workload('Deployment', `${IMAGE}:v0.9.4`)])).installations[0]).toMatchObject({ version: '0.9.4', byHelm: false });
    expect((await seen([workload('Deployment', `${IMAGE}@sha256:00`)])).installations[0]!.version).toBe('0.9.3');
  });
  // As manifests of a chart may be, before anyone says where they go.
  test('objects without a namespace or labels of Helm: nothing is called undefined', async () => {
    const { namespace: _, ...metadata } = workload('Deployment', '').metadata as Raw;
    const labelled = { ...metadata, labels: { 'app.kubernetes.io/name': 'spiderpool' } };
    const bare = { ...workload('Deployment', `${IMAGE}:v0.9.4`), metadata: labelled };
    const { installations } = await seen([bare]);
    expect(installations).toMatchObject([{ name: 'spiderpool', version: '0.9.4' }]);
    expect(JSON.stringify(installations)).not.toContain('undefined');
  });

  test('where the records are in ConfigMaps is said, since helm has to be told', async () => {
    for (const [kind, driver] of [
      ['ConfigMap', 'configmap'],
      ['Secret', undefined],
    ] as const)
      expect((await seen([releaseOf('0.9.4', {}, { kind })])).installations[0]!.release!.driver).toBe(driver);
  });
  test('a tag that is no version leaves the decision to the labels', async () => {
    expect((await seen([workload('DaemonSet', `${IMAGE}:latest`)])).installations[0]!.version).toBe('0.9.3');
  });
  test('nothing that names a version: found, version unknown', async () => {
    const { installations } = await seen([workload('Deployment', 'x:y', { labels: { 'app.kubernetes.io/name': 'spiderpool' } })]);
    expect(installations[0]!.version).toMatchObject({ why: 'failed' });
  });
  test('a release without workloads counts when its chart is spiderpool', async () => {
    expect((await seen([release('my-spiderpool', 'spiderpool', '0.9.4')])).installations[0]).toMatchObject({
      id: 'spiderpool@net/my-spiderpool',
      version: '0.9.4',
    });
    expect((await seen([release('spiderpool-docs', 'docs', '1.0.0')])).installations).toEqual([]);
  });
  test('workloads that may not be listed: cannot tell', async () => {
    const { outcomes, none } = await seen([], [forbidden('deployments.apps')]);
    expect([none, outcomes]).toEqual([[], new Set(['unknown'])]);
  });
  test('releases that may not be read are only one source less', async () => {
    const { installations } = await seen(
      [workload('Deployment', `${IMAGE}:v0.9.4`), workload('DaemonSet', `${IMAGE}:v0.9.4`)],
      [forbidden('secrets')],
    );
    expect(installations).toHaveLength(1);
    expect(installations[0]).toMatchObject({ version: '0.9.4', release: undefined });
  });
  test('pools without anything that serves them: cannot tell', async () => {
    const pool = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool', metadata: { name: 'default' } };
    const { outcomes, none } = await seen([pool]);
    expect([none, outcomes]).toEqual([[], new Set(['unknown'])]);
  });
  test('hostile records do not become a version, a path or a crash', async () => {
    const bad = { ...release('sp', 'spiderpool', '0.9.5'), data: { release: Buffer.from('H4sI garbage').toString('base64') } };
    expect((await seen([workload('Deployment', `${IMAGE}:v0.9.4`), bad])).installations[0]!.version).toBe('0.9.4');
    const odd = await seen([
      workload('Deployment', `${IMAGE}:v0.9.4`, {
        annotations: { 'meta.helm.sh/release-name': '../../x\u001b[31m', 'meta.helm.sh/release-namespace': 'net' },
      }),
    ]);
    expect(odd.installations).toHaveLength(1);
  });
});
