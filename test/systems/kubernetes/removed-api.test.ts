import { grid } from '../../grid.ts';

grid('kubernetes/removed-api', [
  {
    fixture: 'found',
    expect: [
      'notice FlowSchema/levels',
      'blocker HorizontalPodAutoscaler/shop/argo, HorizontalPodAutoscaler/shop/argo-2',
      'blocker HorizontalPodAutoscaler/shop/kubectl',
      'blocker HorizontalPodAutoscaler/shop/operator',
      'warning HorizontalPodAutoscaler/shop/edited',
    ],
  },
  // Gone already, or of another group: nothing that this path breaks.
  { fixture: 'found', server: 'v1.32.13', expect: 'passed' },
  { fixture: 'found', to: 'kubernetes=v1.25.16', expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  // Where one kind may not be listed, the others still speak, and nothing is cleared.
  { fixture: 'healthy', forbidden: ['cronjobs.batch'], expect: 'unknown' },
]);
