import { grid } from '../../grid.ts';

grid('kubernetes/pdb-blocks-drain', [
  {
    fixture: 'found',
    expect: [
      'blocker PodDisruptionBudget/shop/one',
      'blocker PodDisruptionBudget/shop/all',
      'blocker PodDisruptionBudget/shop/none',
      'blocker PodDisruptionBudget/shop/half',
      'warning PodDisruptionBudget/shop/now',
    ],
  },
  { fixture: 'overlap', expect: 'blocker PodDisruptionBudget/shop/cart, PodDisruptionBudget/shop/everything' },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: ['blocker PodDisruptionBudget/shop/all', 'blocker PodDisruptionBudget/shop/none'] },
]);
