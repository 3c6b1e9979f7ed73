// check --quick on a real API server: finds what the full check finds, in three short answers where there is nothing, and never says that all is well.
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { run } from '../../bed/binary.ts';
import type { Body } from '../../bed/client.ts';
import { installCrd } from '../../bed/crds.ts';
import { startFaultProxy } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';
import { CHART, endpoint } from '../scene.ts';

const cluster = bed();
const CHECK = 'spiderpool/duplicate-pod-ip';
const ADDRESS = '10.6.0.10';
const NODE = '192.0.2.1';

const nodeInfo = {
  architecture: '',
  bootID: '',
  containerRuntimeVersion: '',
  kernelVersion: '',
  kubeProxyVersion: '',
  kubeletVersion: 'v1.30.1',
  machineID: '',
  operatingSystem: 'linux',
  osImage: '',
  systemUUID: '',
};
const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1' },
  status: { nodeInfo, addresses: [{ type: 'InternalIP', address: NODE }] },
};
const pod = (name: string, ip: string, spec: object = {}, status: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], ...spec },
  status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], ...status },
});
const [first, second] = [pod('web-0', ADDRESS), pod('web-1', ADDRESS)] as const;
const hostNetwork = { hostNetwork: true };

/** Each address stands in two rows of the table; none of them is a conflict. */
const SILENT = [
  ...[pod('proxy-0', NODE, hostNetwork), pod('proxy-1', NODE, hostNetwork)],
  // Its node's table row does not show this address.
  ...[pod('agent-0', '192.0.2.9', hostNetwork), pod('agent-1', '192.0.2.9', hostNetwork)],
  ...[pod('job-0', '10.6.0.11', {}, { phase: 'Succeeded' }), pod('web-2', '10.6.0.11')],
  // The column Status says `Odd`.
  ...[pod('job-1', '10.6.0.12', {}, { phase: 'Failed', reason: 'Odd' }), pod('web-3', '10.6.0.12')],
  // Of no pool.
  ...[pod('other-0', '10.244.0.7'), pod('other-1', '10.244.0.7')],
];

beforeAll(async () => {
  await installCrd(cluster, 'spiderippools-v2beta1');
  await installCrd(cluster, 'spiderendpoints-v2beta1');
  const { code, stderr } = await cluster.helm3(['install', 'spiderpool', CHART, '-n', 'kube-system']);
  expect(code, stderr).toBe(0);
  await cluster.apply(node, ...SILENT, first, second);
  const { uid } = (await cluster.get(first)).metadata;
  await cluster.apply(
    {
      ...endpoint('web-0', 'v2beta1', 'Pod', 'web-0'),
      status: {
        current: { uid, node: 'n1', ips: [{ interface: 'eth0', ipv4: `${ADDRESS}/16`, ipv4Pool: 'default' }] },
        ownerControllerType: 'Pod',
        ownerControllerName: 'web-0',
      },
    },
    {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderIPPool',
      metadata: { name: 'default' },
      spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.0.10-10.6.0.99'] },
      // Of a Pod that is not there.
      status: { allocatedIPs: JSON.stringify({ [ADDRESS]: { pod: 'default/ghost', podUid: 'gone' } }), allocatedIPCount: 1 },
    },
  );
});

const looked = async (kubeconfig: string, ...words: string[]) => {
  const { code, stdout, stderr } = await run(['check', CHECK, '-o', 'json', ...words], { kubeconfig });
  const { checks, complete } = JSON.parse(stdout) as Body;
  return { code, stderr, complete, ...(checks[0] as { id: string; outcome: string; gaps: Body[]; findings: Body[] }) };
};

test('finds what the full check finds, and says that it saw less', async () => {
  const [quick, full] = [await looked(cluster.kubeconfig, '--quick'), await looked(cluster.kubeconfig)];
  expect(full.findings).toHaveLength(1);
  expect(quick.findings).toEqual(full.findings);
  expect(quick.findings[0]).toMatchObject({ severity: 'blocker', objects: [{ name: 'web-0' }, { name: 'web-1' }], args: { putBack: {} } });
  expect({ ...full, findings: [] }).toMatchObject({ code: 2, complete: true, gaps: [] });
  expect({ ...quick, findings: [] }).toMatchObject({ code: 2, complete: false, gaps: [{ why: 'quick', resource: 'pods' }] });
  // Not even where everything that was found is below the severity or accepted.
  expect((await looked(cluster.kubeconfig, '--quick', '--accept', CHECK)).code).toBe(3);
  expect((await looked(cluster.kubeconfig, '--accept', CHECK)).code).toBe(0);
});

test('the other checks were not looked at, and the next command is the full one', async () => {
  const { code, stdout } = await run(['check', 'spiderpool', '--quick', '--accept', CHECK], { kubeconfig: cluster.kubeconfig });
  expect(code).toBe(3);
  expect(stdout).toContain('cannot run in quick mode; run check without --quick');
  expect(stdout).toContain('could not be read: --quick can find problems in pods, but cannot rule them out');
  expect(stdout).toMatch(/Next: \S*upgrade-guard check spiderpool$/m);
  // Nothing there that could be looked at is not a green light either.
  const absent = await run(['check', 'k3s', '--quick'], { kubeconfig: cluster.kubeconfig });
  expect([absent.code, absent.stdout]).toEqual([1, expect.stringContaining('not installed: k3s')]);
});

const ROWS = /^\/api\/v1\/(?:pods|nodes)\?/;
test('tables and single addresses, never a list of whole Pods', async () => {
  const proxy = await startFaultProxy(cluster);
  await looked(await proxy.kubeconfigFrom(cluster.kubeconfig), '--quick');
  const lists = proxy.seen.filter(({ path }) => ROWS.test(path)).map(({ path }) => decodeURIComponent(path.replace(ROWS, '')));
  // Neither the one of the node, nor the one of the Pod that has ended.
  const settled = ['10.244.0.7', ADDRESS, '10.6.0.12', '192.0.2.9'].map((ip) => `resourceVersion=0&fieldSelector=status.podIP=${ip}`);
  expect(lists.toSorted()).toEqual([...settled, TABLE, TABLE].toSorted());
  expect(proxy.seen.filter(({ path }) => path.includes('spiderendpoints?'))).toEqual([]);
  await proxy.close();
});
const TABLE = 'resourceVersion=0&includeObject=None';

test('a Pod that goes while it is looked at: no finding', async () => {
  const proxy = await startFaultProxy(cluster);
  const kubeconfig = await proxy.kubeconfigFrom(cluster.kubeconfig);
  // Between the table and the list by address, and between the two point reads of the Pod.
  for (const [path, nth] of [
    [/status\.podIP/, 4],
    [/\/pods\/web-1$/, 2],
  ] as const) {
    proxy.faults.push({ do: 'delay', ms: 500, path, nth });
    const looking = looked(kubeconfig, '--quick');
    await expect.poll(() => proxy.seen.filter((each) => path.test(each.path)).length, { timeout: 20_000, interval: 10 }).toBe(nth);
    await cluster.remove(second);
    expect(await looking).toMatchObject({ code: 3, outcome: 'unknown', findings: [] });
    await cluster.apply(second);
  }
  await proxy.close();
});

describe('rights', () => {
  interface Rule {
    resources: string[];
    verbs: string[];
    apiGroups: string[];
  }
  test('what rbac prints is enough; without one of the lists: unknown, and the right is named', async () => {
    const { rules } = parse((await run(['rbac', '--for', 'check'])).stdout) as { rules: Rule[] };
    expect((await looked(await cluster.user('user-1', rules), '--quick')).findings).toHaveLength(1);
    for (const resource of ['pods', 'nodes', 'spiderippools']) {
      const fewer = rules.map((rule) => ({
        ...rule,
        verbs: rule.verbs.filter((verb) => verb !== 'list' || !rule.resources.includes(resource)),
      }));
      const seen = await looked(await cluster.user('user-2', fewer), '--quick');
      expect(seen, resource).toMatchObject({ code: 3, outcome: 'unknown', findings: [] });
      expect(seen.gaps, resource).toContainEqual(
        expect.objectContaining({ why: 'forbidden', resource: expect.stringContaining(resource) }),
      );
    }
  });
  test('none at all: unknown', async () => {
    expect(await looked(await cluster.user('nobody'), '--quick')).toMatchObject({ code: 3, outcome: 'unknown', findings: [] });
  });
});

test.each([406, 400, 500])('a server that answers %i to the table: unknown, with what it said', async (status) => {
  const proxy = await startFaultProxy(cluster);
  proxy.faults.push({ do: 'answer', status, path: /\/pods\?.*includeObject/, times: Number.POSITIVE_INFINITY });
  const seen = await looked(await proxy.kubeconfigFrom(cluster.kubeconfig), '--quick');
  expect(seen).toMatchObject({
    code: 3,
    outcome: 'unknown',
    gaps: [{ why: 'failed', verb: 'list', resource: 'pods', detail: expect.any(String) }],
  });
  await proxy.close();
});

test('the healthy twin: still unknown, exit 3, where the full check passes', async () => {
  await cluster.remove(second);
  expect(await looked(cluster.kubeconfig, '--quick')).toMatchObject({ code: 3, outcome: 'unknown', complete: false, findings: [] });
  expect(await looked(cluster.kubeconfig)).toMatchObject({ code: 0, outcome: 'passed', complete: true });
  const { code, stdout } = await run(['check', CHECK, '--quick', '--lang', 'zh'], { kubeconfig: cluster.kubeconfig });
  expect(code).toBe(3);
  expect(stdout).toContain('对 pods 只做了快速检查，不能证明没有问题');
});
