import { grid } from '../../grid.ts';

const PLAN = {
  apiVersion: 'upgrade.cattle.io/v1',
  kind: 'Plan',
  metadata: { name: 'server', namespace: 'cluster-upgrades', uid: 'plan-1' },
  spec: { concurrency: 1, nodeSelector: {}, version: 'v1.34.6+k3s1', upgrade: { image: 'rancher/k3s-upgrade' } },
};

const SETTINGS = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'default-controller-env', namespace: 'system-upgrade', uid: 'config-controller' },
};

grid('k3s/controller-ready', [
  {
    fixture: 'found',
    expect: [
      'blocker Deployment/system-upgrade/system-upgrade-controller',
      'warning Deployment/system-upgrade/system-upgrade-controller',
      'notice Deployment/system-upgrade/system-upgrade-controller',
    ],
  },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'lease', expect: 'blocker Deployment/system-upgrade/system-upgrade-controller' },
  { fixture: 'leading', expect: 'passed' },
  // Without leader election the Lease is what an earlier controller has left.
  { fixture: 'lease', objects: [{ ...SETTINGS, data: {} }], expect: 'passed' },
  { fixture: 'leading', forbidden: ['leases.coordination.k8s.io'], expect: 'unknown' },
  { expect: 'passed' },
  { base: 'without-plans', objects: [PLAN], expect: 'blocker Plan/cluster-upgrades/server' },
  // One that runs in another namespace is found by plan-namespace.
  { objects: [PLAN], expect: 'passed' },
  {
    fixture: 'found',
    forbidden: ['configmaps'],
    expect: ['blocker Deployment/system-upgrade/system-upgrade-controller', 'warning Deployment/system-upgrade/system-upgrade-controller'],
  },
  { fixture: 'healthy', forbidden: ['pods'], expect: 'unknown' },
]);
