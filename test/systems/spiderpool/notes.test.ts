// Rows of knowledge/notes.ts that the charts themselves can prove.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { NOTES } from '../../../src/systems/spiderpool/knowledge/notes.ts';
import { satisfies } from '../../../src/versions/chart.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const FIELDS = Object.entries(NOTES.coordinatorDefaults.in);

describeUpstream('notes of Spiderpool', ['data', 'spiderpool', 'charts'], (charts) => {
  const versions = readdirSync(charts);
  const at = (version: string, file: string) => path.join(charts, version, 'spiderpool', file);

  test('CRDs fill the fields of a SpiderCoordinator that they are said to fill', () => {
    const crds = versions
      .map((version) => ({ version, file: at(version, 'crds/spiderpool.spidernet.io_spidercoordinators.yaml') }))
      .filter(({ file }) => existsSync(file));
    expect(crds.length).toBeGreaterThan(5);
    for (const { version, file } of crds) {
      const { properties } = parse(readFileSync(file, 'utf8')).spec.versions[0].schema.openAPIV3Schema.properties.spec;
      for (const [field, range] of FIELDS)
        if (satisfies(version, range)) expect(properties[field], `${field} of ${version}`).toHaveProperty('default');
    }
  });

  test('the NetworkAttachmentDefinition CRD is a template where it is said to be one', () => {
    for (const version of versions) {
      const file = at(version, 'templates/multus-daemonset.yaml');
      const isTemplate = existsSync(file) && readFileSync(file, 'utf8').includes('name: network-attachment-definitions.k8s.cni.cncf.io');
      expect(isTemplate, version).toBe(satisfies(version, NOTES.nadTemplate.from));
      const inCrds = readdirSync(at(version, 'crds')).some((name) => name.includes('networkattachmentdefinitions'));
      expect(inCrds, version).toBe(satisfies(version, NOTES.nadTemplate.to));
    }
  });

  test('objects are stored as v1 up to where they are said to be', () => {
    for (const version of versions) {
      const crd = parse(readFileSync(at(version, 'crds/spiderpool.spidernet.io_spiderippools.yaml'), 'utf8'));
      expect(crd.spec.versions[0].name === NOTES.storage.old, version).toBe(!satisfies(version, NOTES.storage.to));
    }
  });
});
