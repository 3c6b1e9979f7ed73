// A snapshot says what the cluster says, of every fixture there is, for the target that it was made with and for another; and holds no canary of those sown into it.
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { intendedBy } from '../../src/chart/intended.ts';
import { collectDeclared } from '../../src/engine/collect.ts';
import type { Json, Raw, Source } from '../../src/engine/contracts.ts';
import { declarationsOf } from '../../src/engine/declarations.ts';
import { examine } from '../../src/engine/examine.ts';
import { hasten } from '../../src/engine/pace.ts';
import { parseTarget } from '../../src/engine/paths.ts';
import type { Intent } from '../../src/helm/contracts.ts';
import { decodeRelease, encodeRelease } from '../../src/helm/release.ts';
import { keyOf, refOf } from '../../src/kube/refs.ts';
import type { Dump } from '../../src/snapshot/dump.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { recordingSource } from '../../src/snapshot/record.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { writeSnapshot } from '../../src/snapshot/write.ts';
import { SYSTEMS } from '../../src/systems/index.ts';
import { laid } from '../grid.ts';
import { releaseOf } from '../systems/spiderpool/release.ts';

hasten(20);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const FIXTURES = path.join(import.meta.dirname, '..', 'fixtures');
const CASES = SYSTEMS.map(({ id }) => id).flatMap((system) =>
  readdirSync(path.join(FIXTURES, system), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) =>
      readdirSync(path.join(FIXTURES, system, name))
        .filter((file) => file.endsWith('.yaml'))
        .map((file) => [`${system}/${name}`, file.replace('.yaml', '')] as const),
    ),
);

// ---- canaries -------------------------------------------------------------------------------------------------------

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJDQU5BUlkifQ.Q0FOQVJZ';
const CONTAINER: Raw = {
  name: 'canary',
  image: 'i:1',
  command: ['/bin/app', '--flag', 'CANARY-command', '-pCANARY-short'],
  args: ['--password=CANARY-arg', '--token', 'CANARY-token', '--url=https://h/?token=CANARY-query', 'sh -c CANARY-script'],
  env: [{ name: 'A', value: 'CANARY-env' }],
  livenessProbe: {
    httpGet: { path: '/healthz?token=CANARY-path&x=CANARY-x', port: 80, httpHeaders: [{ name: 'Authorization', value: 'CANARY-header' }] },
  },
  readinessProbe: { exec: { command: ['curl', '-u', 'CANARY-user:CANARY-pass'] } },
  lifecycle: { preStop: { httpGet: { path: '/', port: 80, httpHeaders: [{ name: 'X', value: 'CANARY-hook' }] } } },
};
const VOLUME: Raw = { name: 'v', csi: { driver: 'd', volumeAttributes: { password: 'CANARY-volume' } } };
const CONDITION: Raw = { type: 'Canary', status: 'True', message: 'CANARY-message' };

/** Under keys that no chart has, and that do not look secret. */
const SETTINGS: Raw = {
  db: { url: 'postgres://u:CANARY-url@h/x' },
  cert: '-----BEGIN PRIVATE KEY-----CANARY-pem',
  dockerconfig: '{"auths":{"h":{"auth":"CANARY-docker"}}}',
  awsKey: 'CANARY-aws',
  tls: { ca: 'CANARY-ca' },
  list: ['CANARY-list', { any: 'CANARY-any' }],
  env: { FOO: 'CANARY-variable', PIN: 4711 },
  extraEnv: [{ name: 'DB_PASSWORD', value: 'CANARY-extra-env' }],
};

const rawAt = (value: Json | undefined): Raw => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});
const listAt = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

/** Free text, in every place that a verdict does not depend on. */
function sown(object: Raw): Raw {
  const metadata = rawAt(object.metadata);
  const annotations = {
    ...rawAt(metadata.annotations),
    'example.com/note': 'CANARY-annotation',
    'example.com/json': '{"a":"CANARY-json"}',
  };
  const networks = 'k8s.v1.cni.cncf.io/network-status';
  const written = (annotations as Raw)[networks];
  if (typeof written === 'string' && written.startsWith('[')) {
    const entries = (JSON.parse(written) as Raw[]).map((entry) => ({ ...entry, pw: 'CANARY-pw', dns: { x: 'CANARY-dns' } }));
    Object.assign(annotations, { [networks]: JSON.stringify(entries) });
  }
  const labels = { ...rawAt(metadata.labels), 'example.com/api-token': 'CANARY-label', 'example.com/jwt': JWT };
  const clean = { ...object, metadata: { ...metadata, annotations, labels } };
  const grown = (SOWN[String(object.kind)] ?? ((same) => same))(clean);
  return grown;
}

const template = (object: Raw): Raw => {
  const spec = rawAt(object.spec);
  const inner = rawAt(spec.template);
  const pod = rawAt(inner.spec);
  const grown = { ...pod, containers: [...listAt(pod.containers), CONTAINER], volumes: [VOLUME] };
  const annotations = { secret: 'CANARY-template' };
  return { ...object, spec: { ...spec, template: { ...inner, metadata: { ...rawAt(inner.metadata), annotations }, spec: grown } } };
};
const SOWN: Record<string, (object: Raw) => Raw> = {
  Pod: (object) => {
    const [spec, status] = [rawAt(object.spec), rawAt(object.status)];
    return {
      ...object,
      spec: { ...spec, containers: [...listAt(spec.containers), CONTAINER], volumes: [VOLUME] },
      status: { ...status, message: 'CANARY-status', conditions: [...listAt(status.conditions), CONDITION] },
    };
  },
  Deployment: template,
  DaemonSet: template,
  SpiderIPPool: (object) => {
    const status = rawAt(object.status);
    const records = status.allocatedIPs;
    let grown = records;
    try {
      grown = JSON.stringify({ ...JSON.parse(String(records)), '10.6.168.250': { pod: 'default/x', podUid: 'u', pw: 'CANARY-record' } });
    } catch {}
    const spec = { ...rawAt(object.spec), unknown: 'CANARY-spec', nested: { any: ['CANARY-nested'] } };
    return { ...object, spec, status: { ...status, ...(grown === undefined ? {} : { allocatedIPs: grown }), said: 'CANARY-said' } };
  },
  SpiderEndpoint: (object) => ({ ...object, spec: { unknown: 'CANARY-endpoint' } }),
  Plan: (object) => {
    const spec = rawAt(object.spec);
    const prepare = rawAt(spec.prepare);
    const args = [...listAt(prepare.args), 'CANARY-prepare', '--dsn=CANARY-dsn'];
    const upgrade = { ...rawAt(spec.upgrade), command: ['/bin/sh', '-c', 'CANARY-script'], args: ['CANARY-upgrade'] };
    const status = rawAt(object.status);
    const conditions = [...listAt(status.conditions), { ...CONDITION, reason: 'Resolved' }];
    return {
      ...object,
      spec: { ...spec, unknown: 'CANARY-plan', prepare: { ...prepare, args }, upgrade },
      status: { ...status, conditions },
    };
  },
  Secret: (object) => {
    const release = decodeRelease(object);
    const data = { ...rawAt(object.data), more: Buffer.from('CANARY-data').toString('base64') };
    if (!('raw' in release)) return { ...object, data };
    const chart = rawAt(release.raw.chart);
    const grown = {
      ...release.raw,
      extra: 'CANARY-extra',
      info: { ...rawAt(release.raw.info), description: 'CANARY-description', notes: 'CANARY-notes' },
      config: { ...release.config, ...SETTINGS },
      chart: { ...chart, metadata: { ...rawAt(chart.metadata), annotations: { a: 'CANARY-chart' } } },
      manifest: 'kind: Service\napiVersion: v1\nmetadata:\n  name: s\n  annotations:\n    a: CANARY-manifest\n',
    };
    const labels = { ...rawAt(rawAt(object.metadata).labels), team: 'CANARY-owner' };
    return { ...object, metadata: { ...rawAt(object.metadata), labels }, data: { ...data, release: encodeRelease(grown, 'Secret') } };
  },
};

function everything(dump: Dump): string {
  const objects = [...dump.collected.values()].flatMap(({ objects }) => objects);
  const asked = [...dump.gets.values()].filter((answer) => answer !== 'none');
  return [...objects, ...asked]
    .map((object) => {
      const release = decodeRelease(object);
      const opened = Object.values(rawAt(object.data)).map((value) => Buffer.from(String(value), 'base64').toString('latin1'));
      return JSON.stringify([object, 'raw' in release ? release.raw : null, opened]);
    })
    .join('\n');
}

// ---- verdicts -------------------------------------------------------------------------------------------------------

async function verdict(source: Source, to: string[], intent?: Intent): Promise<Json> {
  const { installations, results, absent } = await examine(source, SYSTEMS, {
    targets: to.map((each) => parseTarget(each, SYSTEMS)),
    intended: intendedBy({ intent }),
  });
  return JSON.parse(JSON.stringify({ installations, results, absent }));
}

async function snapshotOf(source: Source, folder: string): Promise<Dump> {
  const recording = recordingSource(source, declarationsOf(SYSTEMS));
  const { installations } = await examine(recording.source, SYSTEMS, {});
  const there = SYSTEMS.filter(({ id }) => installations.some(({ system }) => system === id));
  await collectDeclared(recording.source, there, recording.has);
  const file = path.join(folder, 'snapshot.tar.gz');
  await writeSnapshot(await recording.dump(), file);
  return readDump(file);
}

/** As an API server lists. */
const inOrder = (objects: Raw[]): Raw[] => objects.sort((a, b) => (keyOf(refOf(a)) < keyOf(refOf(b)) ? -1 : 1));

/** A cluster as it lies there, with a canary wherever one can be sown. */
async function sownSource(folder: string) {
  const dump = await readDump(folder);
  for (const collected of dump.collected.values()) collected.objects = inOrder(collected.objects.map(sown));
  return dumpSource(dump);
}

// Side by side: a check that compares lists waits before it looks again.
describe.each(CASES)('%s %s', { timeout: 60_000 }, (check, fixture) => {
  test.concurrent('the same, and no canary', async () => {
    const folder = laid(check, { fixture, expect: '' });
    folders.push(folder);
    const live = await sownSource(folder);
    const written = await snapshotOf(live, folder);
    expect(everything(written).match(/CANARY[\w-]*/g) ?? []).toEqual([]);
    expect(everything(written)).not.toContain(JWT);
    const [system] = check.split('/');
    const others = system === 'spiderpool' ? [[], ['spiderpool=1.0.6']] : [[]];
    for (const to of others) {
      const said = await verdict(live, to);
      expect(await verdict(dumpSource(written), to)).toEqual(said);
      expect(JSON.stringify(said)).not.toContain('CANARY');
    }
  });
});

describe('settings of a release', { timeout: 60_000 }, () => {
  const config: Raw = {
    ipam: { enableSpiderSubnet: 'CANARY-moved', enableIPV6: false, gc: { enabled: true } },
    coordinator: { mode: 'underlay', podCIDRType: 'auto', hijackCIDR: ['169.254.0.0/16'], detectGateway: 'CANARY-ignored' },
    global: { imageRegistryOverride: 'registry.example', commonLabels: { team: 'CANARY-team' } },
    spiderpoolAgent: { tuneSysctlConfig: true, extraEnv: [{ name: 'A', value: 'CANARY-extra' }], env: { FOO: 'CANARY-env', N: 1 } },
    spiderpoolController: { tls: { method: 'provided', provided: { tlsCert: 'CANARY-cert', tlsKey: 'CANARY-key' } } },
    spiderpoolInit: 'CANARY-shape',
    password: 4711,
  };
  const INTENTS: [string, Intent | undefined][] = [
    ['as they are', undefined],
    ['reused', { given: {}, reuse: 'reuse' }],
    ['dropped', { given: { a: 'x' } }],
  ];
  test.concurrent.each(INTENTS)('%s', async (_, intent) => {
    const folder = laid('spiderpool/values-keys', { objects: [releaseOf('0.9.13', config)], expect: '' });
    folders.push(folder);
    const live = await sownSource(folder);
    const written = await snapshotOf(live, folder);
    expect(everything(written).match(/CANARY[\w-]*/g) ?? []).toEqual([]);
    for (const to of ['0.9.13', '1.0.6', '1.2.2']) {
      const said = await verdict(live, [`spiderpool=${to}`], intent);
      expect(await verdict(dumpSource(written), [`spiderpool=${to}`], intent)).toEqual(said);
      expect(JSON.stringify(said)).not.toContain('CANARY');
    }
  });
});
