// The skipping reader on bytes that we write ourselves: what it takes, what it leaves, and that broken bytes never do worse than throw.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metadataOnly, partsOf } from '../../src/cluster/fields.ts';
import { readerFor, readList, readStatus, Unfamiliar } from '../../src/cluster/protobuf.ts';
import schema from '../../src/cluster/protobuf-schema.json' with { type: 'json' };
import { type Message, schemaOf } from '../../src/cluster/protobuf-schema.ts';
import type { Raw } from '../../src/engine/contracts.ts';

function varint(value: bigint): number[] {
  let rest = BigInt.asUintN(64, value);
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return bytes;
}
const bytes = (number: number, content: Buffer | string): Buffer => {
  const body = Buffer.from(content as string);
  return Buffer.concat([Buffer.from([...varint(BigInt(number * 8 + 2)), ...varint(BigInt(body.length))]), body]);
};
const int = (number: number, value: number | bigint): Buffer => Buffer.from([...varint(BigInt(number * 8)), ...varint(BigInt(value))]);
const message = (number: number, ...parts: Buffer[]): Buffer => bytes(number, Buffer.concat(parts));
const envelope = (kind: string, raw: Buffer): Buffer =>
  Buffer.concat([Buffer.from('k8s\0'), message(1, bytes(1, 'v1'), bytes(2, kind)), bytes(2, raw)]);
const listOf = (token: string, ...items: Buffer[]): Buffer =>
  envelope('PodList', Buffer.concat([message(1, bytes(2, '7'), bytes(3, token)), ...items.map((item) => bytes(2, item))]));

const entryOfQuantity = (number: number, key: string, value: string) => message(number, bytes(1, key), message(2, bytes(1, value)));
const entry = (number: number, key: string, value: string) => message(number, bytes(1, key), bytes(2, value));
const POD = Buffer.concat([
  message(
    1,
    bytes(1, 'p'),
    bytes(3, 'ns'),
    bytes(5, 'u'),
    int(7, 3),
    message(8, int(1, 1_700_000_000)),
    entry(11, 'a', 'b'),
    entry(12, 'x/y', '值'),
    entry(12, '__proto__', 'z'),
    message(17, bytes(1, 'manager')),
  ),
  message(2, message(2, bytes(1, 'c'), bytes(2, 'i')), int(4, -1n), bytes(10, 'node'), int(11, 1)),
  message(3, bytes(1, 'Running'), message(8, bytes(1, 'c'), int(4, 0), int(5, 4_000_000_000n))),
]);

const PODS = { group: '', version: 'v1', resource: 'pods' };
const SECRETS = { ...PODS, resource: 'secrets' };
const THINGS = { group: 'example.com', version: 'v1', resource: 'things' };

function read(fields: string[], page = listOf('next', POD)): { objects: Raw[]; token: string } {
  const objects: Raw[] = [];
  const token = readList(page, readerFor(PODS, fields)!, (object) => objects.push(object));
  return { objects, token };
}

describe('a reader', () => {
  test('gives what was asked for, and name, namespace and uid', () => {
    expect(read(['spec.hostNetwork', 'status.containerStatuses.ready', "metadata.annotations['x/y']"])).toEqual({
      token: 'next',
      objects: [
        {
          metadata: { name: 'p', namespace: 'ns', uid: 'u', annotations: { 'x/y': '值' } },
          spec: { hostNetwork: true },
          status: { containerStatuses: [{ ready: false }] },
        },
      ],
    });
  });
  test('gives times, numbers and whole maps as JSON does, and no prototype to a hostile key', () => {
    const [pod] = read([
      'metadata.creationTimestamp',
      'metadata.generation',
      'metadata.annotations',
      'status.containerStatuses.restartCount',
    ]).objects;
    expect(pod?.metadata).toMatchObject({ creationTimestamp: '2023-11-14T22:13:20Z', generation: 3 });
    expect(Object.entries((pod!.metadata as Raw).annotations as Raw)).toEqual([
      ['x/y', '值'],
      ['__proto__', 'z'],
    ]);
    expect(pod?.status).toEqual({ containerStatuses: [{ restartCount: 4_000_000_000 }] });
  });
  test('is not there for what the schema does not know', () => {
    for (const field of ['spec.nonsense', 'data', 'spec.nodeName.x', 'spec.volumes.volumeSource', "metadata.labels['a'].b"]) {
      expect(readerFor(PODS, [field]), field).toBeUndefined();
    }
    expect(readerFor(PODS, 'whole')).toBeUndefined();
    expect(readerFor(THINGS, ['spec.a'])).toBeUndefined();
    expect(readerFor(THINGS, ['metadata.labels'])).toBeDefined();
    expect(readerFor(SECRETS, ['data'])).toBeDefined();
    expect(
      readerFor(PODS, ['apiVersion', 'kind', 'status.podIPs', 'metadata.ownerReferences', 'spec.volumes.hostPath.path']),
    ).toBeDefined();
  });
  test('of a whole message does not pass over what it does not know', () => {
    const later = listOf(
      '',
      Buffer.concat([message(1, bytes(1, 'p')), message(2, bytes(10, 'node'), bytes(999, 'of a later Kubernetes'))]),
    );
    expect(() => read(['spec'], later)).toThrow(Unfamiliar);
    expect(read(['spec.nodeName'], later).objects).toEqual([{ metadata: { name: 'p' }, spec: { nodeName: 'node' } }]);
  });
  test('gives what has a form of its own in JSON', () => {
    const entryOf = { manager: 'kubectl', fieldsV1: { 'f:spec': {} } };
    const page = listOf(
      '',
      Buffer.concat([
        message(1, bytes(1, 'p'), message(8), message(17, bytes(1, 'kubectl'), message(7, bytes(1, '{"f:spec":{}}')))),
        message(
          2,
          message(1, bytes(1, 'v'), message(2, message(1, bytes(1, '/etc')))),
          message(1, bytes(1, 'e'), message(2, message(2))),
          message(
            2,
            bytes(1, 'c'),
            message(8, entryOfQuantity(1, 'cpu', '100m')),
            message(10, message(1, message(2, bytes(1, '/'), message(2, int(1, 1), int(2, 0), bytes(3, 'http')))), int(2, 5)),
            message(11, message(1, message(2, message(2, int(1, 0), int(2, 8080), bytes(3, ''))))),
          ),
        ),
      ]),
    );
    expect(read(['metadata.managedFields', 'metadata.deletionTimestamp', 'spec'], page).objects).toEqual([
      {
        metadata: { name: 'p', managedFields: [entryOf] },
        spec: {
          volumes: [
            { name: 'v', hostPath: { path: '/etc' } },
            { name: 'e', emptyDir: {} },
          ],
          containers: [
            {
              name: 'c',
              resources: { limits: { cpu: '100m' } },
              livenessProbe: { httpGet: { path: '/', port: 'http' }, initialDelaySeconds: 5 },
              readinessProbe: { httpGet: { port: 8080 } },
            },
          ],
        },
      },
    ]);
    const secret = listOf('', Buffer.concat([message(1, bytes(1, 's')), message(2, bytes(1, 'k'), bytes(2, Buffer.from([0, 255])))]));
    const objects: Raw[] = [];
    readList(secret, readerFor(SECRETS, ['data'])!, (object) => objects.push(object));
    expect(objects[0]?.data).toEqual({ k: 'AP8=' });
    const empty = readerFor({ group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'roles' }, ['rules'])!;
    readList(listOf('', message(1, bytes(1, 'r'))), empty, (object) => objects.push(object));
    expect(objects[1]).toEqual({ metadata: { name: 'r' }, rules: null });
  });
  test('an int64 of any size and sign', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n }), (value) => {
        const [pod] = read(['metadata.generation'], listOf('', message(1, int(7, value)))).objects;
        expect((pod!.metadata as Raw).generation ?? 0).toBe(Number(value));
      }),
    );
  });
});

describe('broken bytes', () => {
  test('a page that ends early throws', () => {
    const page = listOf('next', POD, POD);
    for (let length = 0; length < page.length; length++) expect(() => read([], page.subarray(0, length)), String(length)).toThrow();
  });
  test('any bytes at all end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (garbage, wrapped) => {
        const page = wrapped ? envelope('PodList', Buffer.from(garbage)) : Buffer.concat([Buffer.from('k8s\0'), garbage]);
        try {
          for (const object of read(['metadata.labels', 'status.podIPs', 'metadata.creationTimestamp'], page).objects)
            JSON.stringify(object);
        } catch (error) {
          expect((error as Error).message).toMatch(/protobuf/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('a Status', () => {
  const raw = Buffer.concat([
    bytes(2, 'Failure'),
    bytes(3, 'no'),
    bytes(4, 'Forbidden'),
    message(5, bytes(3, 'pods'), message(4, bytes(1, 'R'), bytes(3, 'spec.x'))),
    int(6, 403),
  ]);
  expect(readStatus(envelope('Status', raw))).toEqual({
    kind: 'Status',
    status: 'Failure',
    message: 'no',
    reason: 'Forbidden',
    code: 403,
    details: { kind: 'pods', causes: [{ reason: 'R', field: 'spec.x' }] },
  });
});

test('the parts of a field', () => {
  expect(partsOf("metadata.annotations['k8s.v1.cni.cncf.io/network-status']")).toEqual([
    'metadata',
    'annotations',
    'k8s.v1.cni.cncf.io/network-status',
  ]);
  expect(partsOf('spec.containers[].name')).toEqual(['spec', 'containers', 'name']);
  expect(partsOf('a[*]["b.c"].d')).toEqual(['a', 'b.c', 'd']);
  expect(metadataOnly(['metadata.labels', "metadata.annotations['spec.x']", 'kind'])).toBe(true);
  expect(metadataOnly(['metadata.labels', 'spec.x'])).toBe(false);
  expect(metadataOnly('whole')).toBe(false);
});

describe('the schema', () => {
  const CORE = ['pods', 'nodes', 'events'].map((resource) => ({ group: '', version: 'v1', resource }));
  const OTHERS = [
    { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' },
    { group: 'apps', version: 'v1', resource: 'replicasets' },
  ];
  test.each([...CORE, ...OTHERS])('can read $resource by any of its fields', (api) => {
    const paths = [...pathsOf(schemaOf(api)!)];
    expect(paths.length).toBeGreaterThan(30);
    for (const path of paths) expect(readerFor(api, [path]), path).toBeDefined();
  });
  test('unfolds every message that it names', () => {
    const seen = new Set<Message>();
    const visit = (message: Message) => {
      if (seen.has(message)) return;
      seen.add(message);
      for (const { type } of message.fields) if (typeof type === 'object') visit(type);
    };
    for (const resource of Object.keys(schema.resources)) {
      const [group = '', version = '', name = ''] = resource.split('/');
      visit(schemaOf({ group, version, resource: name })!);
    }
    expect(seen.size).toBeGreaterThan(300);
  });

  function* pathsOf({ fields }: Message, prefix = ''): Generator<string> {
    for (const { name, type, shape } of fields) {
      const path = name ? `${prefix}${name}` : prefix;
      if (name) yield path;
      if (typeof type === 'object' && shape !== 'map') yield* pathsOf(type, name ? `${path}.` : prefix);
    }
  }
});
