// What public bug reports broke in k3s/nodes-cordoned-by-plan, each as its report has it. They lie beside the checkout; a clone without them skips this file by name.
import path from 'node:path';
import { expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { makePlan, stepsOf } from '../../../src/engine/plan.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const CHECK = 'k3s/nodes-cordoned-by-plan';
const REPORTS = path.join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data', 'reports');

async function looked(folder: string) {
  const { results, remedies } = await examine(dumpSource(await readDump(path.join(REPORTS, folder))), SYSTEMS, {
    checks: [CHECK],
  });
  const drafts = await Promise.all(remedies.map(async ({ findings, propose }) => ({ ...(await propose(findings)), reasons: [] })));
  return { result: results[0]!, steps: stepsOf(makePlan(drafts)) };
}

describeUpstream('cases from the public', ['data', 'reports'], () => {
  test.each<[string, string[]]>([
    ['20-suc-recreated-job-already-cordoned', ['a1 medium']],
    ['20c-suc-first-job-gone-control', ['a1 medium']],
    ['24-k3s-admin-cordon-after-finished-plan', []],
    ['28a-version-dirty', ['a1 certain']],
  ])('%s: %s', async (folder, found) => {
    const { result } = await looked(folder);
    expect(result.outcome, JSON.stringify(result)).toBe(found.length ? 'found' : 'passed');
    expect(result.findings.map(({ objects, certainty }) => `${objects[0]!.name} ${certainty}`)).toEqual(found);
  });

  test('equal versions are equal, released or not: the reason is that no image is known', async () => {
    const { steps } = await looked('28a-version-dirty');
    const deletion = steps.find(({ do: what }) => what === 'delete')!;
    expect(deletion.text.en).toContain('no image is known for v1.30.4+k3s1-dirty');
  });
});
