import { grid } from '../../grid.ts';

const AGENTS = 'Plan/system-upgrade/agents';
const OLD = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'system-upgrade-controller', namespace: 'system-upgrade' } },
  spec: {
    template: { spec: { containers: [{ name: 'system-upgrade-controller', image: 'rancher/system-upgrade-controller:v0.13.1' }] } },
  },
};

grid('k3s/plan-window', [
  { fixture: 'found', expect: `blocker ${AGENTS}` },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'open', expect: `notice ${AGENTS}` },
  { fixture: 'open', objects: [OLD], expect: `warning ${AGENTS}` },
  { fixture: 'healthy', forbidden: ['nodes'], expect: 'unknown' },
  { expect: 'passed' },
]);
