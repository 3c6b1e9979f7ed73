// The end of the line: osm-edge is archived and 1.3.9 is its last release; FSM of the same maker goes on, with other names, and is a migration. Where both run they share CRDs.
// Sources: github.com/flomesh-io/osm-edge (archived 2024-04-14); github.com/flomesh-io/fsm (charts 1.0.0 of 2023-05-29 to 1.5.1); cmd/fsm-bootstrap/crds of fsm 1.1.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref } from '../../../engine/contracts.ts';
import { label, list } from '../../../engine/read/index.ts';
import { shellWord } from '../../../text/shell.ts';
import { compare } from '../../../versions/chart.ts';
import { releases } from '../knowledge/tables.ts';
import { manual } from '../manual.ts';

const reads = { fsm: list('deployments.apps', { app: label('app') }, { labels: 'app=fsm-controller' }) };
interface Args {
  is: 'archived' | 'beside';
  version: string;
  names: string[];
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/successor',
  title: { en: 'osm-edge has a newer release, and no FSM runs in the cluster', zh: '仍有更新的 osm-edge 版本，且未与 FSM 并存' },
  headline: { en: 'osm-edge is archived or runs beside its successor FSM', zh: 'osm-edge 已停止维护或与其后继 FSM 并存' },
  page: {
    impact: {
      en: 'The repository was archived on 2024-04-14; 1.3.9 of 2023-09-26 is the last release, and its tests ran on Kubernetes 1.19 and 1.25. There will be no fixes. FSM and osm-edge each replace the CRDs that both have (SMI, plugin.flomesh.io, flomesh.io).',
      zh: '该仓库已于 2024-04-14 归档；2023-09-26 的 1.3.9 是最后一个版本，其测试在 Kubernetes 1.19 和 1.25 上运行，此后不再有修复。FSM 与 osm-edge 并存时会替换两者共有的 CRD（SMI、plugin.flomesh.io、flomesh.io）。',
    },
    detection: {
      en: 'Reports the last release where it is installed, and any Deployment with the label app=fsm-controller.',
      zh: '当前版本为最后一个版本时报告，并报告带有标签 app=fsm-controller 的 Deployment。',
    },
    fix: {
      en: 'manual: plan a migration to FSM: it uses other namespaces, labels, annotations, CRD groups and another CLI (fsm), there is no migration guide, and every Pod of the mesh has to be injected again. It is not an upgrade of this release.',
      zh: '手动：规划迁移到 FSM：命名空间、标签、注解、CRD 组和命令行（fsm）都不同，没有迁移指南；网格的全部 Pod 需要重新注入。这不是对该 release 的升级。',
    },
    limits: {
      en: 'The chart fsm that osm-edge contains is fsm-classic, another project.',
      zh: 'osm-edge 所含的 chart“fsm”是 fsm-classic，属于另一个项目。',
    },
  },
  sources: [
    { en: 'flomesh-io/osm-edge: repository, archived 2024-04-14', zh: 'flomesh-io/osm-edge：仓库，2024-04-14 归档' },
    'flomesh-io/osm-edge: .github/workflows/main.yml@v1.3.9',
    'flomesh-io/fsm: charts/fsm/Chart.yaml, cmd/fsm-bootstrap/crds@v1.1.0',
  ],
  applies: { stage: 'both' },
  reads,
  judge: ({ fsm }, { path: { from, to } }) => {
    const version = to ?? from;
    const isLast = typeof version === 'string' && compare(version, releases().knownUpTo) >= 0 && from === version;
    const refs = fsm.map(({ ref }) => ref);
    return [...(isLast ? [found('archived', [], version)] : []), ...(refs.length ? [found('beside', refs, String(version))] : [])];
  },
  say: ({ is, version, names }) =>
    is === 'archived'
      ? {
          en: `${version} is the last osm-edge release (archived 2024-04-14): no fixes; the successor is FSM, by migration`,
          zh: `${version} 是 osm-edge 的最后一个版本（2024-04-14 归档），不再有修复；后继为 FSM，需迁移`,
        }
      : {
          en: `FSM (${names.join(', ')}) runs beside osm-edge: each replaces the CRDs that both have`,
          zh: `FSM（${names.join('、')}）与 osm-edge 并存：两者会互相替换共有的 CRD`,
        },
  remedy: {
    writes: [],
    steps: async (all, { path: { installation } }) =>
      all.map(({ args: { is, names } }) =>
        is === 'archived'
          ? manual(
              {
                en: 'plan a migration to FSM (another control plane, other labels) for the namespaces of the mesh',
                zh: '规划将网格的命名空间迁移到 FSM（控制平面和标签都不同）',
              },
              `kubectl get namespaces -l openservicemesh.io/monitored-by=${shellWord(installation.name)}`,
            )
          : manual(
              {
                en: `finish the migration to FSM (${names.join(', ')}), or remove it: both replace the same CRDs`,
                zh: `完成向 FSM（${names.join('、')}）的迁移，或将其移除：两者会替换相同的 CRD`,
              },
              'kubectl get namespaces -L openservicemesh.io/monitored-by,flomesh.io/monitored-by',
            ),
      ),
  },
};
export default check;

const found = (is: Args['is'], objects: Ref[], version: string): Finding<Args> => {
  const names = objects.map(({ namespace, name }) => `${namespace}/${name}`);
  return finding<Args>({
    severity: is === 'archived' ? 'notice' : 'warning',
    key: [is],
    objects,
    args: { is, version, names },
    evidence: [{ seen: is === 'archived' ? `osm-edge ${version}` : 'metadata.labels.app: fsm-controller' }],
  });
};
