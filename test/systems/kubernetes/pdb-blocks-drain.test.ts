import { expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { makePlan, planUpgrade } from '../../../src/engine/plan.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { grid, laid } from '../../grid.ts';

const budget = (unhealthyPodEvictionPolicy: string) => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'sick', namespace: 'shop' },
  spec: { selector: { matchLabels: { app: 'sick' } }, minAvailable: 1, unhealthyPodEvictionPolicy },
});
const sick = (phase: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'sick-0', namespace: 'shop', labels: { app: 'sick' } },
  spec: { nodeName: 'w1', containers: [{ name: 'c', image: 'x' }] },
  status: { phase, conditions: [{ type: 'Ready', status: 'False' }] },
});

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
  // Pods that are not ready.
  { objects: [budget('IfHealthyBudget'), sick('Running')], expect: 'blocker PodDisruptionBudget/shop/sick' },
  { objects: [budget('AlwaysAllow'), sick('Running')], expect: 'passed' },
  { objects: [budget('IfHealthyBudget'), sick('Pending')], expect: 'passed' },
  { fixture: 'found', nodes: 'in-place', expect: 'not-applicable' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: ['blocker PodDisruptionBudget/shop/all', 'blocker PodDisruptionBudget/shop/none'] },
]);

test('what never allows an eviction is shown with the change; an upgrade lowers it, where it is named, and restores it at its end', async () => {
  const dump = await readDump(laid('kubernetes/pdb-blocks-drain', { fixture: 'found' }));
  const { remedies } = await examine(dumpSource(dump), SYSTEMS, { checks: ['kubernetes/pdb-blocks-drain'] });
  const repairs = remedies.map(({ offered }) => ({ ...offered, reasons: ['f'] }));
  expect(remedies.flatMap(({ findings }) => findings.map(({ certainty, severity }) => `${severity} ${certainty}`))).toEqual([
    ...Array(4).fill('blocker medium'),
    'warning high',
  ]);
  // No run waits for what a person does in the place of an upgrade.
  const { stages, refusals: shown } = makePlan(repairs);
  expect(stages).toEqual([]);
  expect(shown.map(({ as, refused }) => `${as} ${refused.en.replace(/ during the upgrade.*/, '')}`)).toEqual([
    'manual set minAvailable of PodDisruptionBudget shop/one from 1 to 0',
    'manual set minAvailable of PodDisruptionBudget shop/all from 100% to 2',
    'manual set maxUnavailable of PodDisruptionBudget shop/none from 0 to 1',
    'manual set minAvailable of PodDisruptionBudget shop/half from 60% to 1',
  ]);
  expect(shown[0]!.commands![0]).toContain('kubectl patch PodDisruptionBudget.policy one -n shop --type=json');
  const upgrade = planUpgrade([{ hop: '1.37', repairs, stages: [] }], ['kubernetes']);
  expect(upgrade.stages.map(({ title, steps }) => [title.en, steps.map((step) => step.do === 'patch' && step.changes[0]!.after)])).toEqual([
    ['For as long as the upgrade lasts', [0, 2, 1, 1]],
    ['Restore what was changed for the upgrade', [1, '100%', 0, '60%']],
  ]);
});
