// Examinations for the views, as the engine makes them over the fixtures of real checks: one of everything, one in which hardly anything can be read, one in which all is well, one of nothing.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Gap, Raw } from '../../src/engine/contracts.ts';
import { type Examination, type ExamineOptions, examine } from '../../src/engine/examine.ts';
import { parseTarget } from '../../src/engine/paths.ts';
import { makePlan, type Plan } from '../../src/engine/plan.ts';
import type { Catalogue } from '../../src/report/view.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { HEADLINES, SYSTEMS } from '../../src/systems/index.ts';

export const CATALOGUE: Catalogue = { systems: SYSTEMS, checks: HEADLINES };
export const IDENTITY = { uid: '0d5d52a8-0000-4000-8000-000000000001', certain: true, server: 'https://10.0.0.1:6443', context: 'prod-1' };
const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
/** Ages are counted to this moment, today and later. */
const NOW = Date.parse('2026-11-30T00:00:00Z');

interface Cluster {
  /** Below test/fixtures, without .yaml; later ones lie over earlier ones. */
  fixtures: string[];
  objects?: Raw[];
  forbidden?: string[];
  gaps?: Gap[];
}

async function examined({ fixtures, objects = [], forbidden = [], gaps = [] }: Cluster, options: ExamineOptions): Promise<Examination> {
  const folder = mkdtempSync(join(tmpdir(), 'ug-examined-'));
  const { now } = Date;
  Date.now = () => NOW;
  try {
    for (const [at, name] of fixtures.entries()) cpSync(join(FIXTURES, `${name}.yaml`), join(folder, `${at}.yaml`));
    writeFileSync(join(folder, 'over.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    writeFileSync(join(folder, 'version.json'), JSON.stringify({ gitVersion: 'v1.30.4' }));
    writeFileSync(join(folder, 'absent.json'), JSON.stringify({ forbidden, gaps }));
    return { ...(await examine(dumpSource(await readDump(folder)), SYSTEMS, options)), identity: IDENTITY };
  } finally {
    Date.now = now;
    rmSync(folder, { recursive: true });
  }
}

const INSTALLED = ['spiderpool/installed', 'kubernetes/installed'];
const unowned = (count: number): Raw[] =>
  Array.from({ length: count }, (_, i) => ({
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderEndpoint',
    metadata: { name: `bare-${i}`, namespace: 'default', uid: `endpoint-${i}`, resourceVersion: '1' },
    status: { ownerControllerType: 'None', ownerControllerName: '' },
  }));

/** Two systems; blockers, warnings, notices, one that is accepted; what could not be read; a list that is folded; a path of several hops; a system that is not installed. */
export const mixed = await examined(
  {
    fixtures: [
      ...INSTALLED,
      ...['spiderpool/duplicate-pod-ip', 'spiderpool/owner-controller-type', 'kubernetes/nodes-ready', 'kubernetes/single-replica'].map(
        (check) => `${check}/found`,
      ),
    ],
    objects: unowned(12),
    forbidden: ['secrets'],
  },
  {
    checks: [
      ...['duplicate-pod-ip', 'owner-controller-type', 'release-deployed', 'values-keys', 'auto-pool-labels'].map(
        (name) => `spiderpool/${name}`,
      ),
      ...['nodes-ready', 'single-replica', 'master-label', 'kubelet-skew'].map((name) => `kubernetes/${name}`),
      'k3s/plan-version',
    ],
    targets: [parseTarget('kubernetes=1.32', SYSTEMS)],
    accept: [{ check: 'kubernetes/nodes-ready', object: 'Node/w2' }],
  },
);

/** No right, and a conversion webhook that does not answer; a version that this build does not know. */
export const unknown = await examined(
  {
    fixtures: ['spiderpool/installed'],
    forbidden: ['secrets', 'pods'],
    gaps: [
      {
        why: 'failed',
        verb: 'list',
        resource: 'spiderippools.spiderpool.spidernet.io',
        detail:
          'conversion webhook for spiderpool.spidernet.io/v2beta1 failed: Post "https://spiderpool-controller.kube-system.svc:443/convert?timeout=30s": no endpoints available',
      },
    ],
  },
  {
    checks: ['duplicate-pod-ip', 'leaked-ip', 'pool-state', 'release-deployed', 'values-keys', 'owner-controller-type'].map(
      (name) => `spiderpool/${name}`,
    ),
    targets: [parseTarget('spiderpool=1.4.0', SYSTEMS)],
  },
);

export const clean = await examined(
  { fixtures: INSTALLED },
  {
    checks: [
      'spiderpool/release-deployed',
      'spiderpool/pool-state',
      'spiderpool/owner-controller-type',
      'kubernetes/nodes-ready',
      'k3s/plan-version',
    ],
  },
);

/** A finding, and a check that could not look. */
export const small = await examined(
  { fixtures: ['spiderpool/installed', 'spiderpool/owner-controller-type/found'], forbidden: ['secrets'] },
  { checks: ['spiderpool/owner-controller-type', 'spiderpool/release-deployed'] },
);

export const notInstalled = await examined({ fixtures: [] }, { systems: ['spiderpool', 'k3s'] });

const planOf = async ({ remedies }: Examination): Promise<Plan> =>
  makePlan(
    await Promise.all(
      remedies.map(async ({ findings, propose }) => ({ ...(await propose(findings)), reasons: findings.map((f) => f.fingerprint) })),
    ),
  );

const FIXED = ['duplicate-pod-ip', 'owner-controller-type', 'release-deployed'].map((name) => `spiderpool/${name}`);
/** What fix would do about what takes steps of several kinds: a release is unlocked, fields change, a PodDisruptionBudget is waited for, Pods are evicted. */
export const planned = await planOf(
  await examined({ fixtures: ['spiderpool/installed', ...FIXED.map((check) => `${check}/found`)] }, { checks: FIXED }),
);
/** Two hundred alike. */
export const plannedMany = await planOf(
  await examined({ fixtures: INSTALLED, objects: unowned(200) }, { checks: ['spiderpool/owner-controller-type'] }),
);
