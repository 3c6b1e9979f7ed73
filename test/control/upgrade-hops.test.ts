// What a cluster does not show, and what breaks between two hops: K3s with a datastore of its own, whose backup nothing observes. Without a terminal the run stops there and resume asks
// again; on one the step is confirmed by its name; and before the second hop the checks stop the run, until what broke is mended.
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Actor, playUpgrade, startKubelet, startSystemUpgrade } from '../bed/actors/index.ts';
import { BINARY, hastened, newHome, type Ran, run, start } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { installCrd } from '../bed/crds.ts';
import { bed } from '../bed/index.ts';
import { LEASE, upgradeAccess, upgradeController } from './scene.ts';

const cluster = bed();
const [FROM, BETWEEN, TO] = ['v1.33.9+k3s1', 'v1.34.8+k3s1', 'v1.35.5+k3s1'] as const;
const NAMESPACE = 'system-upgrade';
const CONTROLLER: Body = upgradeController(NAMESPACE, 'v0.20.1', { tolerations: [{ operator: 'Exists' }] });
/** No controller looks there, and its account is not there either: three checks speak, and no Node changes. */
const plan = (name: string): Body => ({
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name, namespace: 'elsewhere' },
  spec: {
    ...{ concurrency: 1, serviceAccountName: 'system-upgrade', version: TO, nodeSelector: {} },
    upgrade: { image: 'rancher/k3s-upgrade' },
  },
});
const BROKEN = [plan('a'), plan('b')];

const actors: Actor[] = [];
beforeAll(async () => {
  await installCrd(cluster, 'plans-v1');
  for (const name of [NAMESPACE, 'elsewhere']) await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  actors.push(
    await startKubelet(cluster, {
      nodes: [{ name: 's1', kubeletVersion: FROM, labels: { 'node-role.kubernetes.io/control-plane': 'true' } }],
      play: playUpgrade(cluster),
    }),
    await startSystemUpgrade(cluster, { generation: 'v0.20', namespace: NAMESPACE, backoffLimit: 0 }),
  );
  await cluster.apply(CONTROLLER, ...upgradeAccess(NAMESPACE));
  await vi.waitFor(async () => expect((await cluster.get(CONTROLLER)).status?.readyReplicas).toBe(1), { timeout: 60_000, interval: 100 });
});
afterAll(async () => {
  for (const actor of actors.reverse()) await actor.stop();
});

const home = newHome();
const options = { kubeconfig: cluster.kubeconfig, home, env: { ...hastened(20), TERM: 'xterm' } };
const call = (...words: string[]) => run(words, options);
const shown = ({ stdout, stderr }: Ran) => `${stdout}${stderr}`;
const version = async (): Promise<string> =>
  (await cluster.get({ apiVersion: 'v1', kind: 'Node', metadata: { name: 's1' } })).status.nodeInfo.kubeletVersion;
/** Which steps a run waits for a person at, as it says at its end. */
const asked = (ran: Ran): string => /--confirm-step (\d+)/.exec(shown(ran))?.[1] ?? '';

/** `resume` on a terminal, where `word` is typed once a name is asked for. */
async function typing(word: string): Promise<Ran> {
  const it = start(['-qec', `stty cols 200; ${BINARY} resume --yes`, '/dev/null'], { ...options, binary: 'script' });
  let said = '';
  let typed = false;
  it.child.stdout.on('data', (chunk) => {
    said += chunk;
    if (typed || !/type step-\d+/.test(said)) return;
    typed = true;
    it.child.stdin.write(`${word}\n`);
  });
  return it.ended;
}

test('a step that nothing shows is confirmed by its name; what broke between the hops stops the run before the second', {
  timeout: 240_000,
}, async () => {
  expect(spawnSync('script', ['--version']).status, 'script of util-linux').toBe(0);
  const begun = await call('upgrade', 'k3s', '--to', `k3s=${TO}`, '--yes');
  expect([begun.code, asked(begun)], shown(begun)).toEqual([4, '1']);
  const unconfirmed = await call('resume', '--yes');
  expect([unconfirmed.code, asked(unconfirmed)], shown(unconfirmed)).toEqual([4, '1']);
  const mistyped = await typing('step-2');
  expect([mistyped.code, await version()], shown(mistyped)).toEqual([4, FROM]);

  // Meanwhile two Plans appear that cannot work. The first hop goes on; the second does not begin.
  await cluster.apply(...BROKEN);
  const first = await typing('step-1');
  expect([first.code, await version()], shown(first)).toEqual([4, BETWEEN]);
  const because = shown(first).replaceAll(/\s+/g, ' ');
  expect(because).toContain(`blockers before ${TO}: system-upgrade-controller does not run for Plans`);
  expect(because).toContain('Plan elsewhere/a names ServiceAccount system-upgrade, which does not exist');
  const stopped = await call('resume', '--yes');
  expect([stopped.code, asked(stopped)], shown(stopped)).toEqual([4, '']);

  await cluster.remove(...BROKEN);
  const second = await call('resume', '--yes');
  expect([second.code, asked(second)], shown(second)).toEqual([4, expect.stringMatching(/^\d+$/)]);
  expect(await version()).toBe(BETWEEN);
  const last = await call('resume', '--yes', '--confirm-step', asked(second));
  expect([last.code, await version()], shown(last)).toEqual([0, TO]);
  expect((await cluster.request('GET', LEASE)).status).toBe(404);
});
