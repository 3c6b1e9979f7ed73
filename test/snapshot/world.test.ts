// A rehearsal writes into a dump by the rules of an API server.
import { describe, expect, it } from 'vitest';
import { type PatchOp, type Raw, type Ref, WorldError, type Write } from '../../src/engine/contracts.ts';
import { pointerGet } from '../../src/kube/pointer.ts';
import { dumpOf } from '../../src/snapshot/dump.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { dumpWorld } from '../../src/snapshot/world.ts';
import { listed, pod } from './helpers.ts';

const WEB: Ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web' };
const write = (patch: PatchOp[], more: Partial<Write> = {}): Write => ({ verb: 'patch', on: WEB, patch, ...more });
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
