// A healthy cluster with Spiderpool and K3s (Kubernetes itself: kubernetes.test.ts): exit 0, every check passed, nothing unknown. And the rights for it: what `rbac` prints is enough, and each right
// to list, taken away alone, makes exactly those checks unknown that declare it.
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { byVersion } from '../../../src/engine/closed.ts';
import type { Check, Read } from '../../../src/engine/contracts.ts';
import { listsIn } from '../../../src/engine/gather.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { run } from '../../bed/binary.ts';
import { installCrd } from '../../bed/crds.ts';
import { crdsOf } from '../../bed/crds-of.ts';
import { bed } from '../../bed/index.ts';
import { CHART, COORDINATOR, endpoint } from '../scene.ts';

const cluster = bed();
await cluster.apply(...crdsOf('0.9.13'));
await installCrd(cluster, 'plans-v1');
expect((await cluster.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])).code).toBe(0);
// What is new in the target and on by default has been decided upon.
const decided = ['--set', 'spiderpoolAgent.tuneSysctlConfig=true'];
expect((await cluster.helm3(['install', 'spiderpool', CHART, '-n', 'kube-system', ...decided])).code).toBe(0);
const nodeInfo = {
  architecture: 'amd64',
  bootID: '',
  containerRuntimeVersion: '',
  kernelVersion: '',
  kubeProxyVersion: '',
  machineID: '',
  operatingSystem: 'linux',
  osImage: '',
  systemUUID: '',
};
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-0', namespace: 'default' },
  spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] },
  status: { phase: 'Running', podIP: '10.6.0.10', podIPs: [{ ip: '10.6.0.10' }] },
};
await cluster.apply(
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status: { nodeInfo: { ...nodeInfo, kubeletVersion: 'v1.35.1+k3s1' } } },
  pod,
);
const { uid } = (await cluster.get(pod)).metadata;
const record = {
  ...endpoint('web-0', 'v2beta1', 'Pod', 'web-0'),
  status: {
    current: { uid, node: 'n1', ips: [{ interface: 'eth0', ipv4: '10.6.0.10/16', ipv4Pool: 'default' }] },
    ownerControllerType: 'Pod',
    ownerControllerName: 'web-0',
  },
};
const pool = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'default' },
  spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.0.10-10.6.0.99'] },
  status: { allocatedIPs: JSON.stringify({ '10.6.0.10': { pod: 'default/web-0', podUid: uid } }), allocatedIPCount: 1, totalIPCount: 90 },
};
await cluster.apply(record, pool, COORDINATOR);

interface Result {
  checks: { id: string; outcome: string }[];
}
/** What is true of this bed all the same: 0.9.4 has the fault of its garbage collection, and no kubelet runs the Pods of its workloads. */
const TRUE_HERE = ['spiderpool/ip-gc', 'spiderpool/rollout'];
const check = async (kubeconfig: string) => {
  const accepted = TRUE_HERE.flatMap((id) => ['--accept', id]);
  const { code, stdout, stderr } = await run(['check', 'spiderpool', 'k3s', '-o', 'json', '--fail-on', 'notice', ...accepted], {
    kubeconfig,
  });
  return { code, result: JSON.parse(stdout) as Result, stderr };
};
const outcomes = ({ checks }: Result) => Object.fromEntries(checks.map(({ id, outcome }) => [id, outcome]));
const HERE = SYSTEMS.filter(({ id }) => id === 'spiderpool' || id === 'k3s');
const all = HERE.flatMap(({ checks }) => checks);

/** The target is 0.9.13, whose chart renders no Pod that could be in the way: told before anything is read. This release installs no Multus, and 0.9.4 is past 0.5.1. */
const ELSEWHERE = new Set([
  'spiderpool/init-pod',
  'spiderpool/multus-uninstall-hook',
  'spiderpool/nad-crd-kept',
  'spiderpool/other-multus',
]);
/** No one said --reuse-values; no Node here carries the label of etcd. */
const NOT_HERE = ['spiderpool/reuse-values', 'k3s/etcd-snapshot', 'k3s/etcd-upgrade-path'];
/** Not served here, so no right is needed to see that there are none. */
const NOT_SERVED = 'etcdsnapshotfiles.k3s.cattle.io';

test('nothing is found, nothing is unknown, exit 0', async () => {
  const { code, result, stderr } = await check(cluster.kubeconfig);
  const expected = all.map(({ id }) => [
    id,
    ELSEWHERE.has(id) || NOT_HERE.includes(id) ? 'not-applicable' : TRUE_HERE.includes(id) ? 'found' : 'passed',
  ]);
  expect(outcomes(result), stderr).toEqual(Object.fromEntries(expected));
  expect(code).toBe(0);
});

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}
const { rules } = parse((await run(['rbac', '--for', 'check'])).stdout) as { rules: Rule[] };
test('what rbac prints is enough', async () => {
  const limited = await check(await cluster.user('user-1', rules));
  expect(limited.code, limited.stderr).toBe(0);
  expect(outcomes(limited.result)).toEqual(outcomes((await check(cluster.kubeconfig)).result));
});

test('no rights: every check unknown, exit 3', async () => {
  const { code, result } = await check(await cluster.user('nobody'));
  expect(code).toBe(3);
  expect(new Set(result.checks.map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));
});

const declares = (reads: Record<string, Read>, resource: string) =>
  listsIn(reads).some((read) => read.resource === resource && !read.harmless);
const needs = (reads: Record<string, Read>, resource: string) =>
  listsIn(reads).some((read) => read.resource === resource && !read.optional);
const nameOf = ({ resources, apiGroups }: Rule): string => [resources?.[0], apiGroups?.[0]].filter(Boolean).join('.');
const lists = rules.filter(
  (rule) =>
    rule.verbs.includes('list') &&
    [...HERE, ...all].some(({ reads }) => listsIn(reads as Record<string, Read>).some(({ resource }) => resource === nameOf(rule))),
);
test.each(lists.map((rule) => [nameOf(rule), rule] as const))('without list %s', async (resource, rule) => {
  const without = rules
    .map((each) => (each === rule ? { ...each, verbs: each.verbs.filter((verb) => verb !== 'list') } : each))
    .filter(({ verbs }) => verbs.length);
  const { result, code } = await check(await cluster.user('user-2', without));
  const unknown = result.checks.filter(({ outcome }) => outcome === 'unknown').map(({ id }) => id);
  const blind = HERE.filter(({ reads }) => needs(reads, resource)).flatMap(({ checks }) => checks.map(({ id }) => id));
  const concerned = all.filter(({ id }) => !ELSEWHERE.has(id));
  // What is found stays so whatever else there may be, and so does what does not apply; but neither is told without a list that it stands on.
  const isSettled = ({ id }: Check) => TRUE_HERE.includes(id) || NOT_HERE.includes(id);
  const declared = concerned.filter((each: Check) => (isSettled(each) ? needs : declares)(each.reads, resource)).map(({ id }) => id);
  // It may name another version.
  const versionless = HERE.filter(({ reads }) => declares(reads, resource)).flatMap(({ checks }) => checks.filter(byVersion));
  const judging = concerned.filter((each) => versionless.includes(each) && !isSettled(each)).map(({ id }) => id);
  const expected = resource === NOT_SERVED ? [] : [...new Set([...blind, ...declared, ...judging])];
  expect(unknown.toSorted()).toEqual(expected.toSorted());
  expect(code).toBe(unknown.length ? 3 : 0);
});
