import { grid } from '../../grid.ts';
import { writtenBeside } from './written-beside.ts';

grid('kubernetes/api-writers', [
  {
    fixture: 'found',
    expect: [
      'notice HorizontalPodAutoscaler/shop/web',
      'warning PodDisruptionBudget/shop/operator, PodDisruptionBudget/shop/operator-2',
      'warning PodDisruptionBudget/shop/edited',
      'warning PodDisruptionBudget/shop/kubectl',
    ],
    says: ['metadata.managedFields=unknown/update/autoscaling/v2beta2 2026-01-01'],
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
  // Of kinds that controllers make, what others wrote.
  {
    server: 'v1.24.17',
    to: 'kubernetes=1.27',
    objects: writtenBeside('Update', 'cdn-controller'),
    expect: ['warning CSIStorageCapacity/kube-system/beside', 'warning EndpointSlice/shop/beside'],
  },
  // Gone before the installed version: residue.
  { fixture: 'found', server: 'v1.27.16', to: 'kubernetes=1.28', expect: 'passed' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['poddisruptionbudgets.policy'], expect: 'unknown' },
]);
