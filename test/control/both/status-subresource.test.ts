// The same remedy where the CRD has a status subresource (Spiderpool up to 0.3.7): the write goes through it, else it would silently change nothing.
import { expect, test } from 'vitest';
import { newHome, run } from '../../bed/binary.ts';
import { startFaultProxy } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';
import { CHECK, scene } from '../scene.ts';

const cluster = bed();
const stage = await scene(cluster, 'v1');

test('fix writes through status, undo too', async () => {
  const before = await stage.state();
  const proxy = await startFaultProxy(cluster);
  const options = { kubeconfig: await proxy.kubeconfigFrom(cluster.kubeconfig), home: newHome() };
  const fixed = await run(['fix', CHECK, '--yes'], options);
  expect(fixed.code, fixed.stderr).toBe(0);
  expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
  expect((await run(['undo', '--yes'], options)).code).toBe(0);
  expect(await stage.state()).toEqual(before);
  const patches = proxy.seen.filter(({ method }) => method === 'PATCH');
  expect(patches).toHaveLength(6);
  expect(patches.every(({ path }) => path.includes('/status?'))).toBe(true);
  await proxy.close();
});
