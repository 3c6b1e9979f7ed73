// A rehearsal writes into a dump by the rules of an API server.
import { describe, expect, it } from 'vitest';
import { type PatchOp, type Raw, type Ref, WorldError, type Write } from '../../src/engine/contracts.ts';
import { pointerGet } from '../../src/kube/pointer.ts';
import { dumpOf } from '../../src/snapshot/dump.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { dumpWorld } from '../../src/snapshot/world.ts';
import { listed, pod } from './helpers.ts';

const WEB: Ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web' };
const write = (patch: PatchOp[], more: Partial<Extract<Write, { verb: 'patch' }>> = {}): Write => ({
  verb: 'patch',
  on: WEB,
  patch,
  ...more,
});
const replace = (path: string, value: string): PatchOp => ({ op: 'replace', path, value });

function rehearsal(object: Raw = pod('web')) {
  const dump = dumpOf({ objects: [object, pod('other')] });
  return { dump, world: dumpWorld(dump), source: dumpSource(dump) };
}
const refused = async (promise: Promise<unknown>): Promise<WorldError> => {
  const error = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorldError);
  return error as WorldError;
};

describe('dumpWorld', () => {
  it('writes what the source then shows', async () => {
    const { world, source } = rehearsal();
    const written = await world.write(write([replace('/metadata/labels/app', 'new')]));
    expect(pointerGet(written, '/metadata/resourceVersion')).toBe('11');
    expect(await listed(source, { resource: 'pods', labels: 'app=new', fields: ['status.phase'] })).toMatchObject([
      { metadata: { name: 'web' } },
    ]);
    expect(await source.get(WEB)).toEqual(written);
    expect(await world.get(WEB)).toEqual(written);
  });

  it('shows a write also where the object had been asked', async () => {
    const { dump, world, source } = rehearsal();
    dump.gets.set('/Pod/shop/web', pod('web', { extra: 1 }));
    await world.write(write([replace('/metadata/labels/app', 'new')]));
    expect(((await source.get(WEB)) as Raw).extra).toBe(1);
    expect(await listed(source, { resource: 'pods', labels: 'app=new', fields: [] })).toHaveLength(1);
  });

  it('writes the status only through its subresource', async () => {
    const { world } = rehearsal(
      pod('web', { metadata: { name: 'web', namespace: 'shop', uid: 'u', generation: 3, resourceVersion: '10' } }),
    );
    const both = [replace('/status/phase', 'Failed'), replace('/spec/nodeName', 'n2')];
    const main = await world.write(write(both));
    expect(main).toMatchObject({
      status: { phase: 'Running' },
      spec: { nodeName: 'n2' },
      metadata: { generation: 4, resourceVersion: '11' },
    });
    const status = await world.write(
      write([replace('/status/phase', 'Failed'), replace('/spec/nodeName', 'n3')], { subresource: 'status' }),
    );
    expect(status).toMatchObject({
      status: { phase: 'Failed' },
      spec: { nodeName: 'n2' },
      metadata: { generation: 4, resourceVersion: '12' },
    });
  });

  it('changes nothing when nothing changes, or in a dry run', async () => {
    const { world } = rehearsal();
    expect(pointerGet(await world.write(write([replace('/spec/nodeName', 'n1')])), '/metadata/resourceVersion')).toBe('10');
    expect(pointerGet(await world.write(write([replace('/spec/nodeName', 'n2')]), { dryRun: true }), '/spec/nodeName')).toBe('n2');
    expect(pointerGet(await world.get(WEB), '/spec/nodeName')).toBe('n1');
  });

  it('answers as a server does when the object moved, is gone, or is another', async () => {
    const { world } = rehearsal();
    expect(await refused(world.write(write([{ op: 'test', path: '/metadata/resourceVersion', value: '9' }])))).toMatchObject({
      kind: 'conflict',
      status: 422,
    });
    expect(await refused(world.write(write([replace('/metadata/resourceVersion', '9')])))).toMatchObject({ kind: 'conflict', status: 409 });
    expect(await refused(world.write(write([], { on: { ...WEB, uid: 'other' } })))).toMatchObject({ kind: 'conflict', status: 409 });
    expect(await refused(world.write(write([replace('/metadata/uid', 'x')])))).toMatchObject({ kind: 'conflict' });
    expect(await refused(world.write(write([replace('/metadata/name', 'x')])))).toMatchObject({ kind: 'refused', status: 422 });
    expect(await refused(world.write(write([], { on: { ...WEB, name: 'gone' } })))).toMatchObject({ kind: 'missing', status: 404 });
    expect(await world.get({ ...WEB, name: 'gone' })).toBeUndefined();
    expect(await world.get({ apiVersion: 'x.io/v1', kind: 'Unknown', name: 'a' })).toBeUndefined();
  });

  it('gives a resourceVersion to what was collected without one, since every write tests it', async () => {
    const { world } = rehearsal({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec: {} });
    const now = (await world.get(WEB)) as Raw;
    const version = pointerGet(now, '/metadata/resourceVersion') as string;
    const written = await world.write(
      write([{ op: 'test', path: '/metadata/resourceVersion', value: version }, replace('/spec/nodeName', 'n2')]),
    );
    expect(pointerGet(written, '/metadata/resourceVersion')).not.toBe(version);
  });
});

describe('dumpWorld, beside patches', () => {
  const owner: Raw = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' }, data: { k: 'v' } };
  const ref: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'a' };
  const finalizers = (...names: string[]): Raw =>
    pod('web', { metadata: { name: 'web', namespace: 'shop', uid: 'uid-web', resourceVersion: '10', finalizers: names } });

  it('creates once, with a uid and a resourceVersion of its own; the source shows it', async () => {
    const { dump, world } = rehearsal();
    const made = await world.write({ verb: 'create', object: owner });
    expect(made?.metadata).toMatchObject({ uid: expect.stringMatching(/^[0-9a-f-]{36}$/), resourceVersion: '1' });
    expect(await refused(world.write({ verb: 'create', object: owner }))).toMatchObject({ kind: 'conflict', status: 409 });
    const other = await world.write({ verb: 'create', object: { ...owner, metadata: { name: 'b', namespace: 'n' } } });
    expect(pointerGet(other, '/metadata/uid')).not.toBe(pointerGet(made, '/metadata/uid'));
    expect(await listed(dumpSource(dump), { resource: 'configmaps', fields: ['data'] })).toHaveLength(2);
    expect(await world.any({ apiVersion: 'v1', kind: 'ConfigMap' })).toBe(true);
    expect(await world.any({ apiVersion: 'v1', kind: 'Secret' })).toBe(false);
  });

  it('deletes what it was told to, by uid and resourceVersion', async () => {
    const { dump, world, source } = rehearsal();
    dump.gets.set('/Pod/shop/web', pod('web'));
    expect(await refused(world.write({ verb: 'delete', on: { ...WEB, uid: 'other' } }))).toMatchObject({ kind: 'conflict' });
    expect(await refused(world.write({ verb: 'delete', on: WEB, resourceVersion: '9' }))).toMatchObject({ kind: 'conflict' });
    expect(await world.write({ verb: 'delete', on: WEB, resourceVersion: '10' }, { dryRun: true })).toBeUndefined();
    expect(await world.get(WEB)).toBeDefined();
    expect(await world.write({ verb: 'delete', on: WEB, resourceVersion: '10' })).toBeUndefined();
    expect(await world.get(WEB)).toBeUndefined();
    expect(await source.get(WEB)).toBeUndefined();
    expect(await listed(source, { resource: 'pods', fields: [] })).toMatchObject([{ metadata: { name: 'other' } }]);
    expect(await refused(world.write({ verb: 'delete', on: WEB }))).toMatchObject({ kind: 'missing', status: 404 });
  });

  it('an object with finalizers only gets a deletionTimestamp, and goes when the last one is patched away', async () => {
    const { world } = rehearsal(finalizers('x', 'y'));
    const leaving = await world.write({ verb: 'delete', on: WEB });
    expect(pointerGet(leaving, '/metadata/deletionTimestamp')).toBeTypeOf('string');
    expect(pointerGet(leaving, '/metadata/resourceVersion')).toBe('11');
    expect(await world.write({ verb: 'delete', on: WEB })).toEqual(leaving);
    await world.write(write([{ op: 'remove', path: '/metadata/finalizers/0' }]));
    expect(await world.get(WEB)).toBeDefined();
    expect(await world.write(write([{ op: 'remove', path: '/metadata/finalizers/0' }]))).toMatchObject({ kind: 'Pod' });
    expect(await world.get(WEB)).toBeUndefined();
  });

  it('without finalizers it stays when they are patched away', async () => {
    const { world } = rehearsal(finalizers('x'));
    await world.write(write([{ op: 'remove', path: '/metadata/finalizers' }]));
    expect(await world.get(WEB)).toBeDefined();
  });

  it('applies: maps merge, lists are replaced; at the resourceVersion that was looked at, or only if there is none', async () => {
    const { world } = rehearsal();
    const wanted: Raw = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'shop', labels: { new: 'l' } },
      spec: { containers: [{ name: 'd' }] },
    };
    expect(await refused(world.write({ verb: 'apply', object: wanted }))).toMatchObject({ kind: 'conflict' });
    expect(await refused(world.write({ verb: 'apply', object: wanted, resourceVersion: '9' }))).toMatchObject({ kind: 'conflict' });
    expect(await world.write({ verb: 'apply', object: wanted, resourceVersion: '10' })).toMatchObject({
      metadata: { uid: 'uid-web', resourceVersion: '11', labels: { app: 'web', new: 'l' } },
      spec: { nodeName: 'n1', containers: [{ name: 'd' }] },
      status: { phase: 'Running' },
    });
    expect(pointerGet(await world.write({ verb: 'apply', object: wanted, resourceVersion: '11' }), '/metadata/resourceVersion')).toBe('11');
    expect(await world.write({ verb: 'apply', object: owner })).toMatchObject({ data: { k: 'v' }, metadata: { resourceVersion: '1' } });
  });

  it('a CustomResourceDefinition brings its kind; the status of its objects is a subresource where it says so', async () => {
    const { dump, world } = rehearsal();
    const kind = { apiVersion: 'x.io/v1', kind: 'Mouse' };
    dump.apis.set('mice.x.io', 'not-installed');
    const mouse: Raw = { ...kind, metadata: { name: 'm', namespace: 'n' }, spec: {}, status: { fed: true } };
    const version = { name: 'v1', served: true, storage: true, subresources: { status: {} } };
    const definition: Raw = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'mice.x.io' },
      spec: { group: 'x.io', scope: 'Namespaced', names: { plural: 'mice', kind: 'Mouse' }, versions: [version] },
    };
    await world.write({ verb: 'apply', object: definition });
    expect(await listed(dumpSource(dump), { resource: 'mice.x.io', fields: [] })).toEqual([]);
    expect(await world.write({ verb: 'create', object: mouse })).not.toHaveProperty('status');
    expect(await world.any(kind)).toBe(true);
    expect(await listed(dumpSource(dump), { resource: 'mice.x.io', fields: [] })).toHaveLength(1);
  });

  it('a kind that is not installed cannot be created', async () => {
    const { dump, world } = rehearsal();
    dump.apis.set('mice.x.io', 'not-installed');
    dump.apis.set('configmaps', 'not-installed');
    expect(await refused(world.write({ verb: 'create', object: owner }))).toMatchObject({ kind: 'missing', status: 404 });
  });

  it('evicts, and assumes what controllers would do', async () => {
    const { dump, world } = rehearsal();
    await world.write({ verb: 'evict', on: { ...WEB, uid: 'uid-web' } });
    expect(await world.get(WEB)).toBeUndefined();
    world.assume?.([
      {
        on: WEB,
        changes: [
          { path: '/status/phase', after: 'Running' },
          { path: '/spec/gone', before: 1 },
        ],
      },
      { on: ref, changes: [{ path: '/data/json', inString: '/a', after: 1 }] },
      { on: ref, changes: [{ path: '/data/json', inString: '/b', after: 2 }] },
      { gone: { ...WEB, name: 'other' } },
      { gone: { ...WEB, uid: 'uid-web' } },
    ]);
    expect(await world.get(WEB)).toMatchObject({ status: { phase: 'Running' }, metadata: { name: 'web' } });
    expect(await world.get(ref)).toMatchObject({ data: { json: '{"a":1,"b":2}' } });
    expect(await listed(dumpSource(dump), { resource: 'pods', fields: [] })).toMatchObject([{ metadata: { name: 'web' } }]);
  });
});
