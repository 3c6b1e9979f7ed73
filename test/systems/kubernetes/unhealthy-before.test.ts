import { expect, test } from 'vitest';
import check from '../../../src/systems/kubernetes/checks/unhealthy-before.ts';
import { grid } from '../../grid.ts';

const terminating = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'db-0', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z', deletionTimestamp: '2026-01-02T00:00:00Z' },
  spec: { containers: [{ name: 'c', image: 'i' }] },
  status: { phase: 'Pending' },
};
const alone = { ...terminating, metadata: { name: 'alone', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' } };

const now = new Date().toISOString();
const young = { ...terminating, metadata: { name: 'young', namespace: 'default', creationTimestamp: now } };
const notYet = {
  ...{ ...young, metadata: { name: 'not-yet', namespace: 'default', creationTimestamp: now } },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: now }] },
};
const system = (name: string, labels: object, created = '2026-01-01T00:00:00Z') => ({
  ...terminating,
  metadata: { name, namespace: 'kube-system', creationTimestamp: created, labels },
});
const SERVER = { component: 'kube-apiserver', tier: 'control-plane' };

grid('kubernetes/unhealthy-before', [
  // Not ready is not passed, however short.
  { objects: [young], expect: 'notice Pod/default/young', says: ['for less than 5 minutes: check again later'] },
  { objects: [notYet], expect: 'notice Pod/default/not-yet' },
  { objects: [system('kube-apiserver-cp9', SERVER)], expect: 'warning Pod/kube-system/kube-apiserver-cp9' },
  { objects: [system('kube-apiserver-cp9', SERVER, now)], expect: 'notice Pod/kube-system/kube-apiserver-cp9' },
  { objects: [system('etcd-cp9', { component: 'etcd', tier: 'control-plane' })], expect: 'warning Pod/kube-system/etcd-cp9' },
  { objects: [system('coredns-0', { 'k8s-app': 'kube-dns' })], expect: 'warning Pod/kube-system/coredns-0' },
  { objects: [system('other', {})], expect: 'notice Pod/kube-system/other' },
  {
    fixture: 'found',
    expect: [
      'notice Pod/default/shop-6d4cf56db6-abcde, Pod/default/shop-6d4cf56db6-fghij',
      'notice Pod/default/db-0',
      'notice Pod/ops/agent-x2v7k',
    ],
  },
  { objects: [alone], expect: 'notice Pod/default/alone' },
  { objects: [terminating], expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['pods'], expect: 'unknown' },
]);

test('a Pod that is not ready for a moment is told as such', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'young' };
  expect(check.say({ state: 'Pending', young: true, kind: 'Deployment', name: 'default/shop' }, [pod, pod])).toEqual({
    en: 'Deployment default/shop: 2 Pods Pending for less than 5 minutes: check again later',
    zh: 'Deployment default/shop：2 个 Pod Pending，未满 5 分钟：请稍后重新检查',
  });
});
