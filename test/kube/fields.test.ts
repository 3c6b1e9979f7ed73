// Field paths: what is picked, and that what is picked, recorded and declared agree.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Raw } from '../../src/engine/contracts.ts';
import { covers, formatField, parseField, pick, recording, undeclared } from '../../src/kube/fields.ts';

const pod: Raw = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'u1',
    labels: { app: 'web' },
    annotations: { 'k8s.v1.cni.cncf.io/network-status': '[]', other: 'x' },
  },
  spec: { nodeName: 'n1', containers: [{ name: 'a', image: 'i:1' }, { name: 'b' }] },
  status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }] },
};

describe('parseField', () => {
  it.each([
    ['spec.containers.image', ['spec', 'containers', 'image']],
    ["metadata.annotations['k8s.v1.cni.cncf.io/network-status']", ['metadata', 'annotations', 'k8s.v1.cni.cncf.io/network-status']],
    ["data['a.b'].c", ['data', 'a.b', 'c']],
    ["['x.y']", ['x.y']],
  ])('%s', (field, keys) => {
    expect(parseField(field)).toEqual(keys);
    expect(formatField(keys)).toBe(field);
  });

  it.each(['', '.', 'a.', '.a', 'a..b', "a['b", 'a[0]', "a['']", "a]b'"])('%j is none', (field) => {
    expect(() => parseField(field)).toThrow('not a field path');
  });

  it('is the inverse of formatField', () => {
    const key = fc.string({ minLength: 1 }).filter((text) => !text.includes("'"));
    fc.assert(fc.property(fc.array(key, { minLength: 1 }), (keys) => void expect(parseField(formatField(keys))).toEqual(keys)));
  });
});

describe('pick', () => {
  it('keeps what is declared and who it is', () => {
    expect(
      pick(pod, ['spec.containers.image', "metadata.annotations['k8s.v1.cni.cncf.io/network-status']", 'status.missing.deep']),
    ).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'shop', uid: 'u1', annotations: { 'k8s.v1.cni.cncf.io/network-status': '[]' } },
      spec: { containers: [{ image: 'i:1' }, {}] },
      status: {},
    });
    expect(pick(pod, 'whole')).toBe(pod);
  });

  it('never reads or makes a prototype', () => {
    const hostile = JSON.parse(
      '{"apiVersion":"v1","kind":"X","metadata":{"name":"a","__proto__":{"namespace":"p"}},"__proto__":{"spec":{"x":1}}}',
    ) as Raw;
    expect(pick(hostile, ['spec.x', 'constructor.name'])).toEqual({ apiVersion: 'v1', kind: 'X', metadata: { name: 'a' } });
  });
});

const FIELDS = ['metadata.labels', 'spec', 'spec.a', 'spec.a.b', 'spec.items.a', 'status.a', "status['x.y']", 'status.a.b'];
const leaf = fc.oneof(fc.integer(), fc.string({ maxLength: 3 }), fc.boolean(), fc.constant(null));
const { tree } = fc.letrec((tie) => ({
  tree: fc.dictionary(
    fc.constantFrom('a', 'b', 'items', 'x.y', 'labels'),
    fc.oneof({ depthSize: 'small' }, leaf, tie('tree'), fc.array(tie('tree'), { maxLength: 3 })),
    {
      maxKeys: 4,
      noNullPrototype: true,
    },
  ),
}));
const objects = fc
  .record({ spec: tree, status: tree, metadata: tree })
  .map((parts) => ({ apiVersion: 'v1', kind: 'T', ...parts }) as unknown as Raw);

describe('pick, recording and declared fields agree', () => {
  it('a projection of a wider projection is the projection', () => {
    fc.assert(
      fc.property(objects, fc.subarray(FIELDS), fc.subarray(FIELDS), (object, narrow, more) => {
        expect(pick(pick(object, [...narrow, ...more]), narrow)).toEqual(pick(object, narrow));
        expect(pick(pick(object, narrow), narrow)).toEqual(pick(object, narrow));
      }),
    );
  });

  it('a check that reads only what it declares sees the same in the projection as in the object', () => {
    const walk = (value: unknown, path: readonly string[]): unknown => {
      if (Array.isArray(value)) return value.map((item) => walk(item, path));
      if (path.length === 0 || typeof value !== 'object' || value === null) return path.length === 0 ? JSON.stringify(value) : undefined;
      return walk((value as Raw)[path[0] as string], path.slice(1));
    };
    fc.assert(
      fc.property(objects, fc.subarray(FIELDS, { minLength: 1 }), fc.constantFrom(...FIELDS), (object, declared, field) => {
        const recorded = recording(object);
        const seen = walk(recorded.object, parseField(field));
        const missed = undeclared(recorded.reads(), declared);
        if (missed.length === 0) expect(walk(pick(object, declared), parseField(field))).toEqual(seen);
        if (covers(declared, field)) expect(missed).toEqual([]);
      }),
    );
  });
});

describe('recording', () => {
  const readBy = (reader: (object: never) => unknown): string[] => {
    const recorded = recording(pod);
    reader(recorded.object as never);
    return recorded.reads().map(({ field }) => field);
  };

  it('notes leaves, also through arrays and optional chains', () => {
    expect(readBy((p: { spec: { containers: { image?: string }[] } }) => p.spec.containers.map(({ image }) => image))).toEqual([
      'spec.containers.image',
    ]);
    expect(
      readBy((p: { metadata: { annotations: Record<string, string> } }) => p.metadata.annotations['k8s.v1.cni.cncf.io/network-status']),
    ).toEqual(["metadata.annotations['k8s.v1.cni.cncf.io/network-status']"]);
    expect(readBy((p: { status: { conditions?: { type: string }[] } }) => p.status.conditions?.[0]?.type)).toEqual(['status.conditions']);
  });

  it('tells enumerating from looking', () => {
    const { object, reads } = recording(pod);
    Object.keys((object.metadata as Raw).labels as Raw);
    expect(undeclared(reads(), ['metadata.labels'])).toEqual([]);
    expect(undeclared(reads(), ['metadata.labels.app'])).toEqual(['metadata.labels']);
    const looking = recording(pod);
    expect((looking.object.status as { podIPs: unknown[] }).podIPs.length).toBe(1);
    expect(undeclared(looking.reads(), ['status.podIPs.ip'])).toEqual([]);
    expect(undeclared(looking.reads(), ['status.phase'])).toEqual(['status.podIPs']);
  });

  it('leaves the object as it was', () => {
    const { object } = recording(pod);
    expect(JSON.stringify(object)).toBe(JSON.stringify(pod));
    expect(Array.isArray((object.spec as Raw).containers)).toBe(true);
    expect(object.spec).toBe(object.spec);
  });
});
