// The real charts, installed by real helm 3 and 4: found where it should be, silent on what a chart leaves behind by itself.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newHome, run } from '../../bed/binary.ts';
import { layCrds } from '../../bed/crds.ts';
import { bed } from '../../bed/index.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const cluster = bed();
const NAMESPACE = 'kube-system';
const endpointOf = (version: string, type: string) => ({
  apiVersion: `spiderpool.spidernet.io/${version}`,
  kind: 'SpiderEndpoint',
  metadata: { name: 'bare', namespace: 'default' },
  status: { current: { uid: 'u', node: 'n1', ips: [] }, ownerControllerType: type, ownerControllerName: 'bare' },
});

describeUpstream('upstream charts of Spiderpool', ['data', 'spiderpool', 'charts'], (charts) => {
  test.each([
    { chart: '0.9.4', helm: 'helm3', to: '0.9.13' },
    { chart: '1.1.2', helm: 'helm4', to: '1.2.2' },
  ] as const)('$chart by $helm: silent, then found, fixed and undone', async ({ chart, helm, to }) => {
    const values = ['--set', 'spiderpoolController.podResourceInject.enabled=false'];
    const folder = join(charts, chart, 'spiderpool');
    await layCrds(cluster, join(folder, 'crds'));
    const installed = await cluster[helm](['install', 'sp', folder, '-n', NAMESPACE, '--no-hooks', '--skip-crds', ...values]);
    expect(installed.code, installed.stderr).toBe(0);
    const options = { kubeconfig: cluster.kubeconfig, home: newHome() };
    const only = ['-o', 'json'];
    const silent = JSON.parse((await run(['check', 'spiderpool', ...only], options)).stdout);
    expect(silent.paths).toMatchObject([{ installation: `spiderpool@${NAMESPACE}/sp`, from: chart, to }]);
    const outcomes = (result: { checks: { id: string; outcome: string }[] }) =>
      Object.fromEntries(result.checks.map(({ id, outcome }) => [id, outcome]));
    expect(outcomes(silent)).toMatchObject({ 'spiderpool/owner-controller-type': 'passed', 'spiderpool/release-deployed': 'passed' });

    await cluster.apply(endpointOf('v2beta1', 'None'));
    const fixed = await run(['fix', 'spiderpool/owner-controller-type', '--yes'], options);
    expect(fixed.code, fixed.stderr).toBe(0);
    expect((await cluster.get(endpointOf('v2beta1', 'Pod'))).status.ownerControllerType).toBe('Pod');
    expect((await run(['undo', '--yes'], options)).code).toBe(0);
    expect((await cluster.get(endpointOf('v2beta1', 'Pod'))).status.ownerControllerType).toBe('None');
    await cluster.remove(endpointOf('v2beta1', 'None'));
    expect((await cluster[helm](['uninstall', 'sp', '-n', NAMESPACE, '--no-hooks'])).code).toBe(0);
    const gone = JSON.parse((await run(['check', 'spiderpool', ...only], options)).stdout);
    expect(gone.installations).toEqual([]);
  });
});
