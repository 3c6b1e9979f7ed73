import { grid } from '../../grid.ts';

const CONTROLLER = 'Deployment/kube-system/spiderpool-controller';

grid('spiderpool/controller-ports', [
  {
    fixture: 'found',
    to: 'spiderpool=0.9.13',
    expect: `blocker ${CONTROLLER}`,
    steps: [`${CONTROLLER} /spec/strategy/rollingUpdate: [object Object] → [object Object]`],
  },
  { fixture: 'found', to: 'spiderpool=0.9.4', expect: 'passed' },
  { fixture: 'five', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'recreate', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=0.9.13', expect: 'passed' },
  { fixture: 'found', to: 'spiderpool=0.9.13', forbidden: ['nodes'], expect: 'unknown' },
]);
