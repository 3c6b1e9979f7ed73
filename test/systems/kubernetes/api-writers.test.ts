import { grid } from '../../grid.ts';

grid('kubernetes/api-writers', [
  {
    fixture: 'found',
    expect: [
      'notice HorizontalPodAutoscaler/shop/web',
      'warning PodDisruptionBudget/shop/operator, PodDisruptionBudget/shop/operator-2',
      'warning PodDisruptionBudget/shop/edited',
      'warning PodDisruptionBudget/shop/kubectl',
    ],
  },
  // For 1.26 the other version goes too.
  {
    fixture: 'found',
    to: 'kubernetes=1.26',
    expect: [
      'warning HorizontalPodAutoscaler/shop/web',
      'warning PodDisruptionBudget/shop/operator, PodDisruptionBudget/shop/operator-2',
      'warning PodDisruptionBudget/shop/edited',
      'warning PodDisruptionBudget/shop/kubectl',
    ],
  },
  // Gone before the installed version: residue.
  { fixture: 'found', server: 'v1.27.16', to: 'kubernetes=1.28', expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['poddisruptionbudgets.policy'], expect: 'unknown' },
]);
