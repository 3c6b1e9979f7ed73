// The skipping reader on bytes that we write ourselves: what it takes, what it leaves, and that broken bytes never do worse than throw.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metadataOnly, partsOf } from '../../src/cluster/fields.ts';
import { readerFor, readList, readStatus } from '../../src/cluster/protobuf.ts';
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

function read(fields: string[], page = listOf('next', POD)): { objects: Raw[]; token: string } {
  const objects: Raw[] = [];
  const token = readList(page, readerFor('pods', fields)!, (object) => objects.push(object));
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
    for (const field of [
      'spec.volumes',
      'spec',
      'metadata',
      'metadata.managedFields',
      'status.conditions',
      'spec.containers.env',
      'spec.nodeName.x',
      'data',
      "metadata.labels['a'].b",
    ]) {
      expect(readerFor('pods', [field]), field).toBeUndefined();
    }
    expect(readerFor('secrets', ['data'])).toBeUndefined();
    expect(readerFor('pods', 'whole')).toBeUndefined();
    expect(readerFor('secrets', ['metadata.labels'])).toBeDefined();
    expect(readerFor('pods', ['apiVersion', 'kind', 'status.podIPs', 'metadata.ownerReferences'])).toBeDefined();
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
