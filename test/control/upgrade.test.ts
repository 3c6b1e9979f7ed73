// A whole upgrade of the real charts by real helm: checked, repaired, upgraded, proven; taken back; and killed, then resumed.
// What kubelets and agents would do is done by the bed's actors; nothing answers the charts' webhooks, so their configurations are taken away.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Actor, startKubelet } from '../bed/actors/index.ts';
import { newHome, run } from '../bed/binary.ts';
import { bed } from '../bed/index.ts';
import { tools } from '../bed/tools.ts';
import { describeUpstream } from '../bed/upstream.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
const cluster = bed();
const NAMESPACE = 'kube-system';
const helm = cluster.version === '1.24' ? cluster.helm3 : cluster.helm4;

describeUpstream('upgrade', ['data', 'spiderpool', 'charts'], (charts) => {
  const started: Actor[] = [];
  beforeAll(async () => {
    started.push(await startKubelet(cluster, { nodes: ['n1', 'n2'] }));
  });
  afterAll(async () => {
    for (const actor of started) await actor.stop();
  });
  const chartOf = (version: string) => join(charts, version, 'spiderpool');
  const history = async () => JSON.parse((await helm(['history', 'sp', '-n', NAMESPACE, '-o', 'json'])).stdout);

  test('0.9.4 to 0.9.13', async () => {
    const installed = await helm([
      'install',
      'sp',
      chartOf('0.9.4'),
      '-n',
      NAMESPACE,
      '--no-hooks',
      '--set',
      'spiderpoolController.podResourceInject.enabled=false',
    ]);
    expect(installed.code, installed.stderr).toBe(0);
    const options = {
      kubeconfig: cluster.kubeconfig,
      home: newHome(),
      env: { HELM_BIN: cluster.version === '1.24' ? tools().helm3 : tools().helm4 },
    };
    const dry = await run(['upgrade', 'spiderpool', '--chart', chartOf('0.9.13'), '--dry-run=client'], options);
    console.log(dry.stderr, dry.stdout);
    const done = await run(['upgrade', 'spiderpool', '--chart', chartOf('0.9.13'), '--yes'], options);
    console.log(done.stderr, done.stdout);
    console.log(await history());
    const undone = await run(['undo', '--yes'], options);
    console.log(undone.stderr, undone.stdout);
    console.log(await history());
  });
});
