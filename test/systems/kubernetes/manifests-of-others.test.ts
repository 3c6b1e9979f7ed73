// Test manifests of thirteen other tools: what each tool must report of its files, compared with what `check -f` says of them. An expectation that is not ours stands
// below by name with the reason; one that is neither held nor excepted fails.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { examine } from '../../../src/engine/examine.ts';
import { parseTarget } from '../../../src/engine/paths.ts';
import { readDump } from '../../../src/snapshot/read.ts';
import { dumpSource } from '../../../src/snapshot/source.ts';
import { SYSTEMS } from '../../../src/systems/index.ts';
import { prepareTools, tools } from '../../bed/tools.ts';
import { describeUpstream } from '../../bed/upstream.ts';
import { type CheckedFiles, checkFiles, checkIn, saidIn } from '../../check-files.ts';

interface Expectations {
  tool: string;
  files: { file: string; note?: string; expect: unknown }[];
}

/** TOOL FILE or TOOL CHECK, and why nothing is held. */
const EXCEPTIONS: Record<string, string> = {
  'kubent volumesnapshotclass-v1beta1.yaml': 'a CRD of the CSI snapshotter, not an API of Kubernetes: its versions go with that CRD',
  'kubent volumesnapshotcontent-v1beta1.yaml': 'as volumesnapshotclass-v1beta1.yaml',
  'kubernetes-api admissionregistration.k8s.io.v1alpha1.MutatingAdmissionPolicy.yaml':
    'its date of removal (1.38, generated) is gone in 1.38.0-beta.0: held as deprecated without a date',
  'kubernetes-api admissionregistration.k8s.io.v1alpha1.MutatingAdmissionPolicyBinding.yaml': 'as MutatingAdmissionPolicy',
  'kubernetes-api resource.k8s.io.v1alpha3.DeviceTaintRule.yaml': 'its date of removal (1.39, generated) is gone in 1.38.0-beta.0',
  'kubernetes-api lifecycle.k8s.io.v1alpha1.EvictionRequest.yaml': 'deprecated in 1.40 by a generated date that is gone in 1.38.0-beta.0',
  'kube-linter minimum-three-replicas': 'a matter of style, the same before and after an upgrade',
  'kube-linter no-liveness-probe': 'a matter of style, the same before and after an upgrade',
  'kube-linter no-rolling-update-strategy': 'a matter of style, the same before and after an upgrade',
  'kube-linter pdb-unhealthy-pod-eviction-policy':
    'without the field a budget blocks only while its Pods are not ready: pdb-blocks-drain counts them in the cluster',
  'kube-score Deployment has host PodAntiAffinity': 'a matter of style, the same before and after an upgrade',
  'kube-score StatefulSet has host PodAntiAffinity': 'a matter of style, the same before and after an upgrade',
  'kube-score Deployment has PodDisruptionBudget':
    'whether there is one is a matter of style; the version of the budgets is held by kube-score versions',
  'kube-score StatefulSet has PodDisruptionBudget': 'as Deployment has PodDisruptionBudget',
  'kube-score PodDisruptionBudget has policy': 'the API server refuses or defaults such a budget; it blocks no drain',
  'kube-score Deployment targeted by HPA does not have replicas configured': 'a matter of style, the same before and after an upgrade',
  'kube-score HorizontalPodAutoscaler has target': 'a target that is not in the files may be in the cluster',
  'kube-score Ingress targets Service': 'a Service that is not in the files may be in the cluster',
  'kube-score NetworkPolicy targets Pod': 'the same before and after an upgrade',
  'kube-score Pod NetworkPolicy': 'the same before and after an upgrade',
  'kube-score Pod Topology Spread Constraints': 'the API server refuses such values in every version',
  'kube-score Container Resources': 'a matter of style, the same before and after an upgrade',
  'cmctl convert__resource1.yaml': 'API versions of cert-manager: its own upgrade, not that of Kubernetes',
  'cmctl convert__resource3.yaml': 'as convert__resource1.yaml',
  'cmctl convert__resources_as_list_v1alpha2.yaml': 'as convert__resource1.yaml',
  'istio deprecation.yaml': 'fields of Istio: its own upgrade, not that of Kubernetes',
  'istio gateway-api-crd-version-old.yaml': 'the version of the Gateway API that Istio wants, not that of Kubernetes',
  'pluto e2e__tests__assets__additional-versions__new.yaml': 'a rules file of pluto, no manifest',
  'pluto e2e__tests__assets__deprecated116__deployment-extensions-v1beta1.yaml 1.8':
    'pluto deprecates it in 1.9, the marker of kubernetes/api (extensions/v1beta1 Deployment) in 1.8',
};

const trouble = await prepareTools(() => {});

/** POP codes of popeye by what they are about. */
const POPEYE = 'load, style or references inside the cluster, the same before and after an upgrade';
/** What of popeye's is ours: the states of Nodes. */
const POPEYE_OURS = new Set(['POP-701', 'POP-702', 'POP-711']);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const removed = ({ found }: CheckedFiles) => found.filter(({ check }) => check === 'kubernetes/removed-api');
const kindsOf = (checked: CheckedFiles, severity: string) =>
  removed(checked)
    .filter((each) => each.severity === severity)
    .flatMap(({ objects }) => objects.map((object) => object.split(/[/ ]/)[0]!));
/** 1.38 is known from its first beta. */
const isBeyond = (minor: string) => Number(minor.split('.')[1]) > 38;
const minorBefore = (minor: string) => `1.${Number(minor.split('.')[1]) - 1}`;

describeUpstream('manifests of other tools', ['data', 'kubernetes', 'manifests'], (root) => {
  const expected = (tool: string): Expectations => JSON.parse(readFileSync(join(root, tool, 'EXPECTED.json'), 'utf8'));
  const checked = (tool: string, file: string, to: string, ...words: string[]) =>
    checkFiles([join(root, tool, file)], '--to', `kubernetes=${to}`, ...words);
  const used = new Set<string>();
  const excepted = (name: string) => {
    if (!(name in EXCEPTIONS)) return false;
    used.add(name);
    return true;
  };
  const files = <E>(tool: string) =>
    expected(tool).files.flatMap(({ file, expect: all }) => [all].flat().map((each) => ({ file, each: each as E }))) as {
      file: string;
      each: E;
    }[];

  test('every tool of the folder is held below', () => {
    const HELD =
      'cluster-api-crdmigrator cmctl go-kubernetes istio kube-linter kube-score kubent kubepug kubernetes-api mapkubeapis pluto popeye troubleshoot';
    expect(readdirSync(root).sort()).toEqual(HELD.split(' '));
  });

  describe('kubernetes-api: one sample of every deprecated kind', () => {
    interface Life {
      introducedIn: string;
      deprecatedIn?: string;
      effectiveRemovedIn?: string;
      replacement?: { group: string; version: string; kind: string };
    }
    test.each(files<Life>('kubernetes-api'))('$file', async ({ file, each: { deprecatedIn, effectiveRemovedIn, replacement } }) => {
      if (excepted(`kubernetes-api ${file}`)) return;
      const kind = file
        .replace(/\.yaml$/, '')
        .split('.')
        .at(-1)!;
      if (effectiveRemovedIn && isBeyond(effectiveRemovedIn)) {
        const gone = await checked('kubernetes-api', file, effectiveRemovedIn);
        expect([gone.exit, gone.found], 'beyond what is known: never passed').toEqual([3, []]);
      } else if (effectiveRemovedIn) {
        const gone = await checked('kubernetes-api', file, effectiveRemovedIn);
        expect([gone.exit, kindsOf(gone, 'blocker')]).toEqual([2, [kind]]);
        const [finding] = removed(gone);
        expect(finding?.message).toContain(`removed in ${effectiveRemovedIn}`);
        if (replacement?.version === 'v1')
          expect(finding?.message).toContain(`; use ${replacement.group ? `${replacement.group}/` : ''}${replacement.version}`);
        expect(kindsOf(await checked('kubernetes-api', file, minorBefore(effectiveRemovedIn)), 'blocker')).toEqual([]);
      }
      if (deprecatedIn && !isBeyond(deprecatedIn)) {
        expect(kindsOf(await checked('kubernetes-api', file, deprecatedIn), 'notice')).toEqual([kind]);
        expect(removed(await checked('kubernetes-api', file, minorBefore(deprecatedIn)))).toEqual([]);
      }
    });
  });

  describe('kubent: the rule set of a minor names these kinds', () => {
    test.each(files<{ ruleset?: string; expectedKinds?: string[]; note?: string }>('kubent'))('$file', async ({ file, each }) => {
      if (excepted(`kubent ${file}`)) return;
      const minor = each.ruleset ? `1.${each.ruleset.slice(1)}` : '1.37';
      const found = await checked('kubent', file, minor);
      expect(found.error).toBeUndefined();
      if (each.expectedKinds) expect(kindsOf(found, 'blocker')).toEqual(each.expectedKinds);
      // No rule of kubent's tests names these: what their apiVersion says.
      else expect(removed(found).length > 0).toBe(/v1beta1$/m.test(apiVersionsIn(join(root, 'kubent', file))));
    });
  });

  describe('kubepug', () => {
    test.each(files<{ target: string; deleted?: string; deprecated?: string }>('kubepug'))(
      '$file for $each.target',
      async ({ file, each: { target, deleted, deprecated } }) => {
        const found = await checked('kubepug', file, target);
        const [kind, apiVersion] = (deleted ?? deprecated)!.split(/[ ,]+/);
        expect(new Set(kindsOf(found, deleted ? 'blocker' : 'notice'))).toEqual(new Set([kind]));
        expect(removed(found)[0]?.message).toContain(apiVersion);
        expect(found.exit).toBe(deleted ? 2 : 0);
      },
    );
  });

  describe('pluto', () => {
    interface Row {
      mode?: string;
      target?: string;
      exit?: number;
      rows?: number | string;
      row?: string;
    }
    const rows = files<Row>('pluto').filter(({ each }) => each.mode !== 'helm template | detect -');
    test.each(rows)('$file for $each.target', async ({ file, each: { target, exit, row } }) => {
      if (excepted(`pluto ${file}`) || excepted(`pluto ${file} ${target}`)) return;
      const found = await checked('pluto', file, target!, '--fail-on', 'notice');
      // pluto: 3 removed, 2 deprecated, 0 neither.
      if (exit !== undefined)
        expect(removed(found).map(({ severity }) => severity)).toEqual({ 3: ['blocker'], 2: ['notice'], 0: [] }[exit]);
      expect(found.exit).toBe(exit === 0 ? 0 : 2);
      if (row) expect(removed(found)[0]!.message).toMatch(/Deployment.* as extensions\/v1beta1.*; use apps\/v1/);
      // Of a List only the item that is old, in its line.
      if (file.includes('list'))
        expect(removed(found)[0]!.objects).toEqual([expect.stringMatching(/^Deployment\/default\/utilities .*:3$/)]);
    });
  });

  test.skipIf(trouble !== undefined)(
    'pluto: a chart, rendered by helm; what it makes of the old version alone, in its template and line',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ug-chart-'));
      folders.push(folder);
      const chart = join(folder, 'helm3chart');
      mkdirSync(join(chart, 'templates'), { recursive: true });
      for (const { file } of expected('pluto').files.filter(({ file }) => file.startsWith('chart__')))
        cpSync(join(root, 'pluto', file), join(chart, ...file.split('__').slice(1)));
      const bin = join(folder, 'bin');
      mkdirSync(bin);
      symlinkSync(tools().helm3, join(bin, 'helm'));
      const found = await checkIn({ PATH: bin, HOME: folder }, [], '--chart', chart, '--to', '1.37');
      expect([found.error, found.exit, found.skipped]).toEqual([undefined, 2, []]);
      expect(removed(found).map(({ severity, objects }) => [severity, objects])).toEqual([
        ['blocker', [`Deployment/default/helm3chart-v1beta1 ${join(chart, 'templates/deployment-deprecated.yaml')}:2`]],
      ]);
      // What helm rendered no fix can change; the same object in a file it can.
      const [jobs, plain] = [join(folder, 'jobs'), join(folder, 'plain.yaml')];
      const cronJob = 'apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: c}\nspec: {schedule: 0 3 * * *}\n';
      mkdirSync(join(jobs, 'templates'), { recursive: true });
      writeFileSync(join(jobs, 'Chart.yaml'), 'apiVersion: v2\nname: jobs\nversion: 1.0.0\n');
      for (const file of [plain, join(jobs, 'templates', 'c.yaml')]) writeFileSync(file, cronJob);
      const { said } = await saidIn({ PATH: bin, HOME: folder }, [], '--chart', jobs, '--to', '1.37');
      expect(said).toContain('upgrade-guard explain kubernetes/removed-api');
      expect(said).not.toContain('upgrade-guard fix');
      expect((await saidIn({}, [plain], '--to', 'kubernetes=1.37')).said).toContain('upgrade-guard fix');
      // Values, and a chart that helm does not render.
      const named = await checkIn(
        { PATH: bin, HOME: folder },
        [],
        '--chart',
        chart,
        '--set',
        'fullnameOverride=web',
        '--to',
        'kubernetes=1.37',
      );
      expect(removed(named)[0]!.objects).toEqual([expect.stringMatching(/^Deployment\/default\/web-v1beta1 /)]);
      const broken = await checkIn({ PATH: bin, HOME: folder }, [], '--chart', chart, '--set', 'image=7', '--to', 'kubernetes=1.37');
      expect([broken.exit, broken.error]).toEqual([1, expect.stringContaining('rendering chart')]);
      const none = await checkIn({ PATH: '', HOME: folder }, [], '--chart', chart, '--to', 'kubernetes=1.37');
      expect([none.exit, none.error]).toEqual([1, expect.stringContaining('helm not found')]);
    },
  );

  test('go-kubernetes: a static Pod', async () => {
    const [{ file, each }] = files<{ from: string; to: string; removed: Record<string, string[]> }>('go-kubernetes') as [never];
    const { to, removed: gone } = each as { to: string; removed: Record<string, string[]> };
    const found = await checked('go-kubernetes', file, to.split('.').slice(0, 2).join('.'));
    const flags = found.found.filter(({ check, hop }) => check === 'kubernetes/component-flags' && hop === '1.25');
    for (const name of Object.values(gone).flat()) expect(flags.map(({ message }) => message).join('\n')).toContain(name);
    expect(flags).toHaveLength(Object.values(gone).flat().length);
    expect(flags[0]!.objects).toEqual([expect.stringMatching(/^Pod\/kube-system\/kube-apiserver-10\.5\.0\.2 .*kube-apiserver\.yaml:1$/)]);
  });

  describe('kube-linter', () => {
    test.each(files<{ check: string; reports: string[] }>('kube-linter'))('$file: $each.check', async ({ file, each }) => {
      const found = await checked('kube-linter', file, '1.37');
      expect(found.error).toBeUndefined();
      if (excepted(`kube-linter ${each.check}`)) return expect(removed(found)).toEqual([]);
      if (each.check === 'no-extensions-v1beta') return expect(kindsOf(found, 'blocker')).toEqual(['NetworkPolicy']);
      expect(each.check).toBe('pdb-max-unavailable');
      expect(found.found.map(({ check, objects }) => [check, objects])).toEqual([
        ['kubernetes/pdb-blocks-drain', [expect.stringMatching(/^PodDisruptionBudget\/bar\/foo .*:10$/)]],
      ]);
    });
  });

  describe('kube-score', () => {
    test.each(files<{ check: string; grade: string }>('kube-score'))('$file: $each.check', async ({ file, each }) => {
      const found = await checked('kube-score', file, '1.37');
      expect(found.error).toBeUndefined();
      const old = /beta[12]/.test(apiVersionsIn(join(root, 'kube-score', file)));
      expect(removed(found).length > 0, 'what the apiVersion of the file says').toBe(old);
      if (each.check === 'Stable version') expect(old).toBe(true);
      else expect(excepted(`kube-score ${each.check}`), `${each.check}: neither held nor excepted`).toBe(true);
    });
  });

  describe('mapkubeapis', () => {
    test.each(files<{ note: string }>('mapkubeapis'))('$file', async ({ file, each: { note } }) => {
      const found = await checked('mapkubeapis', file, '1.25');
      expect(found.error).toBeUndefined();
      expect(removed(found).length > 0).toBe(note.startsWith('input'));
    });
  });

  describe('popeye', () => {
    test.each(expected('popeye').files)('$file', async ({ file, expect: said }) => {
      const found = await checked('popeye', file, '1.37');
      expect(found.error).toBeUndefined();
      expect(removed(found)).toEqual([]);
      const messages = (said as { messages?: { object: string; message: string | null }[] }).messages ?? [];
      const ours = messages.filter(({ message }) => POPEYE_OURS.has(/POP-\d+/.exec(message ?? '')?.[0] ?? ''));
      const nodes = found.found.filter(({ check }) => check === 'kubernetes/nodes-ready').flatMap(({ objects }) => objects);
      for (const { object } of ours)
        expect(
          nodes.some((each) => each.startsWith(`Node/${object} `)),
          `${object}: ${POPEYE}`,
        ).toBe(true);
    });
  });

  describe('CRDs and custom resources of others', () => {
    test.each([
      ...expected('cmctl').files.map(({ file }) => ['cmctl', file]),
      ...expected('istio').files.map(({ file }) => ['istio', file]),
      ...expected('cluster-api-crdmigrator').files.map(({ file }) => ['cluster-api-crdmigrator', file]),
    ] as [string, string][])('%s %s is read, and nothing false is said', async (tool, file) => {
      const found = await checked(tool, file, '1.37');
      expect([found.error, found.found, found.exit]).toEqual([undefined, [], 0]);
      if (!file.includes('crd')) excepted(`${tool} ${file}`);
      if (tool === 'istio') excepted(`${tool} ${file}`);
    });
  });

  describe('troubleshoot: dumps of real clusters', () => {
    test.each(files<{ items: number; kubeletVersions?: string[] }>('troubleshoot'))(
      '$file',
      async ({ file, each: { items, kubeletVersions } }) => {
        const dump = await readDump(join(root, 'troubleshoot', file));
        const objects = [...dump.collected.values()].flatMap((each) => each.objects);
        expect(objects).toHaveLength(items);
        expect((await checked('troubleshoot', file, '1.37')).error).toBeUndefined();
        if (!kubeletVersions) return;
        const folder = mkdtempSync(join(tmpdir(), 'ug-nodes-'));
        folders.push(folder);
        mkdirSync(folder, { recursive: true });
        const target = [parseTarget('kubernetes=1.37', SYSTEMS)];
        const source = { ...dumpSource(dump), serverVersion: async () => 'v1.30.4' };
        const { results } = await examine(source, SYSTEMS, { checks: ['kubernetes/kubelet-skew'], targets: target });
        const seen = new Set(
          results.flatMap(({ findings }) => findings.flatMap(({ evidence }) => evidence.map(({ seen }) => String(seen)))),
        );
        expect([...seen].some((each) => each.includes('v1.16.2'))).toBe(true);
      },
    );
  });

  afterAll(() =>
    expect(
      Object.keys(EXCEPTIONS).filter((name) => !used.has(name)),
      'exceptions that nothing needs',
    ).toEqual([]),
  );
});

const apiVersionsIn = (file: string): string =>
  readFileSync(file, 'utf8')
    .match(/^\s*-? ?apiVersion: .*$/gm)
    ?.join('\n') ?? '';
