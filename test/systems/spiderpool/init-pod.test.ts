import { grid } from '../../grid.ts';

grid('spiderpool/init-pod', [
  { fixture: 'found', to: 'spiderpool=0.8.7', expect: 'blocker Pod/kube-system/my-init', steps: [] },
  { fixture: 'found', to: 'spiderpool=0.9.4', expect: 'blocker Pod/kube-system/my-init' },
  // A Job: helm removes the Pod by itself.
  { fixture: 'found', to: 'spiderpool=0.8.8', expect: 'not-applicable' },
  { fixture: 'found', to: 'spiderpool=0.9.13', expect: 'not-applicable' },
  { fixture: 'found', to: 'spiderpool=0.8.6', expect: 'not-applicable' },
  {
    fixture: 'running',
    to: 'spiderpool=0.8.7',
    expect: 'blocker Pod/kube-system/spiderpool-init',
    steps: [
      'kubectl describe pod spiderpool-init -n kube-system',
      'kubectl logs spiderpool-init -n kube-system',
      'kubectl delete pod spiderpool-init -n kube-system',
    ],
  },
  { fixture: 'healthy', to: 'spiderpool=0.8.7', expect: 'passed' },
  { fixture: 'healthy', to: 'spiderpool=0.8.7', forbidden: ['pods'], expect: 'unknown' },
]);
