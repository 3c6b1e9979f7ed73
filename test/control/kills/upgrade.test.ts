// An upgrade of the real charts by real helm, killed at every step boundary and inside helm, then resumed or undone.
// `npm test` runs one case for each kind of step and for each way that helm is cut; `npm run test:sweep` all of them.
import { expect, test, vi } from 'vitest';
import { newHome, start } from '../../bed/binary.ts';
import type { Fault, Seen } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';
import { describeUpstream } from '../../bed/upstream.ts';
import { LEASE } from '../scene.ts';
import { NAMESPACE, releaseOf, SECRETS } from '../spiderpool-release.ts';
import { SWEEPING } from './told.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const cluster = bed();
type Case = readonly [write: string, place: 'hold' | 'forward-unanswered' | 'answer-then', ending: 'resume' | 'undo'];
type HelmCase = readonly [...Case, helmToo: boolean];

describeUpstream('an upgrade of the real charts that is killed', ['data', 'spiderpool', 'charts'], (charts) => {
  const release = releaseOf(cluster, charts);
  const { call, fine, newest, proxy, state } = release;

  const FIRST = { from: '0.9.4', to: '0.9.13' };
  const isHelms = ({ headers }: Seen) => /^Helm/.test(String(headers['user-agent']));
  const fits = (write: string) => (seen: Seen) => `${seen.method} ${seen.path.split('?')[0]}`.startsWith(write);

  async function killedAt(fault: Omit<Fault, 'do' | 'andThen'>, place: Case[1], helmToo: boolean, to = FIRST.to) {
    const home = newHome();
    const it = start(release.upgrade(to), { kubeconfig: release.kubeconfig, home, env: release.env(), input: '' });
    const andThen = () => {
      it.kill();
      if (helmToo) release.killHelms();
    };
    proxy.faults.push({ do: place, ...fault, andThen } as Fault);
    const { signal, stdout, stderr } = await it.ended;
    expect(signal, stdout + stderr).toBe('SIGKILL');
    proxy.faults.length = 0;
    return home;
  }
  async function ends(home: string, ending: 'resume' | 'undo', before: object, { from, to } = FIRST): Promise<void> {
    if (ending === 'resume') {
      fine(await call(['resume', '--yes'], home));
      await release.upgraded(to);
      fine(await call(['undo', '--yes'], home));
    } else fine(await call(['undo', '--yes'], home));
    expect(await state()).toEqual(before);
    expect(await newest()).toMatchObject({ status: 'deployed', chart: `spiderpool-${from}` });
    expect(await release.keptSecrets()).toEqual([]);
    expect((await cluster.request('GET', LEASE)).status).toBe(404);
    const { stderr } = await call([ending, '--yes'], home);
    expect(stderr).toMatch(/Nothing (?:is left to do|to undo)/);
  }

  // Every write of ours, each held, unanswered or answered in turn.
  const CRDS = 'PATCH /apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const CASES: Case[] = [
    [`${CRDS} #2`, 'forward-unanswered', 'undo'],
    [`POST ${SECRETS} #1`, 'forward-unanswered', 'resume'],
    [`DELETE ${SECRETS} #1`, 'hold', 'resume'],
    // While the workloads are waited for.
    [`GET /apis/apps/v1/namespaces/${NAMESPACE}/deployments/spiderpool-controller #2`, 'answer-then', 'resume'],
  ];
  const SWEPT: Case[] = [
    [`${CRDS} #1`, 'hold', 'resume'],
    [`POST ${SECRETS} #1`, 'hold', 'undo'],
    [`POST ${SECRETS} #1`, 'answer-then', 'undo'],
    [`DELETE ${SECRETS} #1`, 'forward-unanswered', 'undo'],
    // Before the first step, and behind the last one.
    [`GET ${SECRETS}/upgrade-guard- #1`, 'hold', 'resume'],
    ['DELETE /apis/coordination.k8s.io/v1/namespaces/kube-system/leases #1', 'hold', 'resume'],
  ];
  test.each(SWEEPING ? [...CASES, ...SWEPT] : CASES)('at %s, %s, then %s', async (write, place, ending) => {
    const before = await release.installed(FIRST.from);
    const [name = '', nth] = write.split(' #');
    const home = await killedAt({ where: (seen) => !isHelms(seen) && fits(name)(seen), nth: Number(nth) }, place, false);
    await ends(home, ending, before);
  });

  // Inside helm: its record of the new revision, something in the middle, and the record that says it is over. A helm that is not killed with us continues alone.
  const APPS = `PATCH /apis/apps/v1/namespaces/${NAMESPACE}`;
  const INSIDE: HelmCase[] = [
    [`POST ${SECRETS}`, 'forward-unanswered', 'undo', true],
    [`${APPS}/deployments`, 'forward-unanswered', 'resume', true],
    [`${APPS}/deployments`, 'answer-then', 'undo', false],
  ];
  const SWEPT_INSIDE: HelmCase[] = [
    [`${APPS}/daemonsets`, 'hold', 'undo', true],
    [`POST ${SECRETS}`, 'forward-unanswered', 'resume', true],
    [`${APPS}/deployments`, 'answer-then', 'resume', false],
  ];
  test.each(SWEEPING ? [...INSIDE, ...SWEPT_INSIDE] : INSIDE)(
    'inside helm at %s, %s, then %s, helm too: %s',
    async (write, place, ending, helmToo) => {
      const before = await release.installed(FIRST.from);
      const home = await killedAt({ where: (seen) => isHelms(seen) && fits(write)(seen) }, place, helmToo);
      await ends(home, ending, before);
    },
  );
});
