import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { layOut } from '../../fixtures.ts';
import { grid } from '../../grid.ts';

test('a CRD that is deleted meanwhile has nothing stale', async () => {
  const folder = layOut('kubernetes/stale-managed-fields', { fixture: 'found' });
  try {
    const source = dumpSource(await readDump(folder));
    const found = async (isThere: boolean) => {
      const get: typeof source.get = async (ref) => (ref.kind === 'CustomResourceDefinition' && !isThere ? undefined : source.get(ref));
      const { results } = await examine({ ...source, get }, SYSTEMS, { checks: ['kubernetes/stale-managed-fields'] });
      return results.map(({ outcome }) => outcome);
    };
    expect([await found(true), await found(false)]).toEqual([['found'], ['passed']]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

grid('kubernetes/stale-managed-fields', [
  {
    fixture: 'found',
    expect: 'warning Issuer/shop/old',
    steps: ['Issuer/shop/old /metadata/managedFields/0/apiVersion: cert-manager.io/v1alpha2 → cert-manager.io/v1'],
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['issuers.cert-manager.io'], expect: 'unknown' },
  { forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
