// The compatibility policy of the project (semver: no breaking change below the next major) promises less than it seems: what breaks between releases all the same stands in rows here.
// Sources: docs of osm-edge (compatibility policy); charts/osm and pkg of github.com/flomesh-io/osm-edge at each tag, as named in each row.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Gap, Ref, RowOf, Severity, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, labels, list, word } from '../../../engine/read/index.ts';
import { shellWord } from '../../../text/shell.ts';
import { compare, satisfies } from '../../../versions/chart.ts';
import { releases } from '../knowledge/tables.ts';
import { byUpgrade, manual } from '../manual.ts';
import { reconciles, type Workload, workloads } from '../reads.ts';

interface Hazard {
  key: string;
  /** npm ranges of the installed and the target version. */
  from: string;
  to: string;
  severity: Severity;
  source: string;
  /** What breaks. */
  text: Text;
  next: Next;
  /** The target to take instead. */
  instead?: string;
  /** Objects that it concerns; none of them: nothing to say. Left out: it concerns every mesh. */
  concerns?: 'splits' | 'jaeger' | 'reconciler';
}
/** What settles it: `byUpgrade`: a stage of upgrade osm-edge; else a person, with a command for a namespace. */
interface Next {
  text: Text;
  byUpgrade?: true;
  command?(namespace: string): string;
}
const RESTARTS: Next = {
  byUpgrade: true,
  text: { en: 'upgrade osm-edge restarts the workloads of the mesh in waves', zh: 'upgrade osm-edge 会分批重启网格中的工作负载' },
};
const instead = (version: string): Pick<Hazard, 'instead' | 'next'> => ({
  instead: version,
  next: { byUpgrade: true, text: { en: `upgrade to ${version} instead`, zh: `改为升级到 ${version}` } },
});
const HAZARDS: readonly Hazard[] = [
  {
    key: 'bootstrap-crash',
    from: '<1.2.0',
    to: '>=1.3.0',
    severity: 'blocker',
    source: 'cmd/osm-bootstrap/osm-bootstrap.go@v1.3.0 (ensureMeshConfig), config_meshconfig.yaml@v1.3.0',
    text: {
      en: 'osm-bootstrap rewrites the MeshConfig of 1.1.x without interceptionMode, which the CRD rejects, and crash-loops. Upgrade to 1.2.3 first',
      zh: 'osm-bootstrap 重写 1.1.x 的 MeshConfig 时缺少 interceptionMode，被 CRD 拒绝，因而反复崩溃。请先升级到 1.2.3',
    },
    ...instead('1.2.3'),
  },
  {
    key: 'sidecar-path',
    from: '<1.2.0',
    to: '>=1.2.0',
    severity: 'warning',
    source: 'pkg/sidecar/providers/pipy/repo@v1.1.3, @v1.2.0',
    text: {
      en: 'sidecars injected by 1.1.x get no new configuration or certificate (valid for 24 h by default) until their Pods are restarted',
      zh: '由 1.1.x 注入的 sidecar 在 Pod 重启之前得不到新配置和新证书（有效期默认 24 小时）',
    },
    next: RESTARTS,
  },
  {
    key: 'open-defaults',
    from: '<1.2.0',
    to: '>=1.2.0',
    severity: 'notice',
    source: 'charts/osm/values.yaml@v1.1.3, @v1.2.0',
    text: {
      en: 'chart defaults of enablePermissiveTrafficPolicy and enableEgress change to true; the existing MeshConfig keeps its values',
      zh: 'chart 中 enablePermissiveTrafficPolicy 和 enableEgress 的默认值改为 true；现有 MeshConfig 保持原值',
    },
    next: {
      text: {
        en: 'compare enablePermissiveTrafficPolicyMode and enableEgress in the MeshConfig with what the mesh needs',
        zh: '确认 MeshConfig 的 enablePermissiveTrafficPolicyMode 和 enableEgress 符合网格的需要',
      },
      command: (at) => `kubectl get meshconfig osm-mesh-config -n ${at} -o jsonpath='{.spec.traffic}'`,
    },
  },
  {
    key: 'jaeger-renamed',
    from: '<1.2.0',
    to: '>=1.2.0',
    severity: 'notice',
    source: 'charts/osm/templates/jaeger-deployment.yaml@v1.1.3, @v1.2.0',
    text: {
      en: 'Deployment jaeger is replaced by osm-jaeger, and its traces (in memory) are lost; Service jaeger stays',
      zh: 'Deployment“jaeger”由 osm-jaeger 取代，其（内存中的）追踪数据会丢失；Service“jaeger”不变',
    },
    concerns: 'jaeger',
    next: {
      text: { en: 'save the traces that are still needed before the upgrade', zh: '升级前保存仍需要的追踪数据' },
      command: (at) => `kubectl port-forward deployment/jaeger 16686 -n ${at}`,
    },
  },
  {
    key: 'metric-labels',
    from: '<1.2.0',
    to: '>=1.2.0',
    severity: 'notice',
    source: 'pkg/metricsstore@v1.1.3, @v1.2.0',
    text: {
      en: 'metrics of certificates have the labels proxy_uuid and identity in place of common_name',
      zh: '证书相关指标的标签由 common_name 改为“proxy_uuid”和“identity”',
    },
    next: { text: { en: 'adapt dashboards and alerts that use common_name', zh: '调整使用 common_name 的仪表盘和告警' } },
  },
  {
    key: 'split-root',
    from: '<1.2.0',
    to: '>=1.2.0',
    severity: 'warning',
    source: 'pkg/catalog@v1.2.0',
    text: {
      en: 'the root Service of a TrafficSplit must select the Pods of its leaf Services, else its traffic is not split',
      zh: 'TrafficSplit 的根 Service 必须选中其叶子 Service 的 Pod，否则流量不会拆分',
    },
    concerns: 'splits',
    next: {
      text: {
        en: 'give each root Service a selector that matches the Pods of its leaf Services',
        zh: '为每个根 Service 设置能选中其叶子 Service 的 Pod 的标签选择算符',
      },
      command: () => 'kubectl get trafficsplits.split.smi-spec.io -A -o yaml',
    },
  },
  {
    key: 'scripts-move',
    from: '<1.3.0',
    to: '>=1.3.0',
    severity: 'warning',
    source: 'charts/osm/values.yaml@v1.2.3, @v1.3.0',
    text: {
      en: 'pipy sidecars of 0.5x and 0.7x run scripts made for 0.90 until their Pods are restarted',
      zh: '0.5x 和 0.7x 的 pipy sidecar 在 Pod 重启之前会运行为 0.90 编写的脚本',
    },
    next: RESTARTS,
  },
  {
    key: 'rotation-stalls',
    from: '<1.2.1',
    to: '>=1.2.1',
    severity: 'notice',
    source: 'pkg/certificate@v1.2.1 (openservicemesh/osm#5000)',
    text: {
      en: 'until the upgrade, certificate rotation may stall in controllers that run for long',
      zh: '升级之前，长期运行的控制器可能停止轮换证书',
    },
    next: {
      text: { en: 'restart osm-controller if certificates expire before the upgrade', zh: '如果证书在升级之前过期，请重启 osm-controller' },
      command: (at) => `kubectl rollout restart deployment/osm-controller -n ${at}`,
    },
  },
  {
    key: 'http2-balancing',
    from: '<1.3.9',
    to: '>=1.3.9',
    severity: 'notice',
    source: 'charts/osm/values.yaml@v1.3.9',
    text: {
      en: 'http2PerRequestLoadBalancing is on in a fresh install; the existing MeshConfig has no such field, so HTTP/2 stays balanced per connection',
      zh: '全新安装时 http2PerRequestLoadBalancing 默认开启；现有 MeshConfig 没有该字段，HTTP/2 仍按连接负载均衡',
    },
    next: {
      byUpgrade: true,
      text: {
        en: 'upgrade osm-edge sets http2PerRequestLoadBalancing in the MeshConfig',
        zh: 'upgrade osm-edge 会在 MeshConfig 中设置 http2PerRequestLoadBalancing',
      },
    },
  },
  {
    key: 'reconciler',
    from: '*',
    to: '*',
    severity: 'warning',
    source: 'cmd/osm-bootstrap/osm-bootstrap.go, pkg/reconciler@v1.1.3, @v1.3.9 (openservicemesh/osm#5259)',
    text: {
      en: 'with osm.enableReconciler the old osm-bootstrap puts its CRDs back until its Pod has ended, and the new fields of the MeshConfig are pruned',
      zh: '启用 osm.enableReconciler 时，旧的 osm-bootstrap 在其 Pod 结束之前会恢复旧 CRD，MeshConfig 的新增字段会被丢弃',
    },
    concerns: 'reconciler',
    next: {
      byUpgrade: true,
      text: {
        en: 'upgrade osm-edge scales the old osm-bootstrap to 0 until helm starts the new one',
        zh: 'upgrade osm-edge 会把旧的 osm-bootstrap 缩容到 0，直到 helm 启动新的',
      },
    },
  },
  {
    key: 'older-images',
    from: '1.1.2',
    to: '1.1.3',
    severity: 'warning',
    source: 'charts/osm@v1.1.3 (image.tag 1.1.1)',
    text: {
      en: 'chart 1.1.3 deploys images 1.1.1, older than the installed ones. Upgrade to 1.2.3 instead',
      zh: 'chart 1.1.3 部署的是 1.1.1 的镜像，比当前的旧。请改为升级到 1.2.3',
    },
    ...instead('1.2.3'),
  },
  {
    key: 'bad-duration',
    from: '<1.3.5',
    to: '1.3.5',
    severity: 'warning',
    source: 'charts/osm/values.yaml@v1.3.5, @v1.3.6',
    text: {
      en: 'a MeshConfig created by 1.3.5 gets the certificate lifetime 365d, which it cannot parse. Upgrade to 1.3.9 instead',
      zh: '1.3.5 创建的 MeshConfig 证书有效期为 365d，无法解析。请改为升级到 1.3.9',
    },
    ...instead('1.3.9'),
  },
];

type Verdict = Pick<Hazard, 'key' | 'severity' | 'text' | 'next' | 'instead' | 'concerns'>;

/** What the policy itself says of a path, or does not cover. */
function beyondPolicy(from: string, to: string): Verdict[] {
  const [ubi, pre] = [[from, to].filter((each) => each.includes('-ubi8')), [from, to].filter((each) => /-(?!ubi8)/.test(each))];
  const named = (key: string, text: Text, next: Text): Verdict => ({ key, severity: 'warning', text, next: { text: next } });
  return [
    ...(ubi.length === 1
      ? [
          named(
            'ubi8',
            {
              en: 'the charts for ubi8 have another values.schema.json and other images; the policy does not cover the change',
              zh: 'ubi8 的 chart 使用另一份 values.schema.json 和其他镜像，兼容性策略不涵盖这一变更',
            },
            {
              en: 'stay with charts of the same kind, or check the values against that chart with --chart',
              zh: '继续使用同一类 chart，或用 --chart 按该 chart 检查 values',
            },
          ),
        ]
      : []),
    ...(pre.length
      ? [
          named(
            'pre-release',
            {
              en: `${pre.join(' and ')} is a pre-release, which the policy does not cover`,
              zh: `${pre.join('、')} 属于预发布版本，兼容性策略不涵盖`,
            },
            { en: `upgrade to the release ${releases().knownUpTo}`, zh: `升级到正式版本 ${releases().knownUpTo}` },
          ),
        ]
      : []),
  ];
}

const SPLIT = { root: word('spec.service', ''), leaves: each('spec.backends', { service: word('service', '') }) };
const SERVICE = { selector: labels('spec.selector') };
const reads = {
  workloads: { ...workloads, optional: true } as const,
  splits: list('trafficsplits.split.smi-spec.io', SPLIT, { optional: true }),
  services: list('services', SERVICE, { optional: true }),
};
interface HazardRows {
  workloads: Workload[] | Gap;
  splits: RowOf<typeof SPLIT>[] | Gap;
  services: RowOf<typeof SERVICE>[] | Gap;
}

interface Args {
  from: string;
  to: string;
  text: Text;
  /** What settles it, with the command that begins it. */
  next: { text: Text; byUpgrade?: true; command?: string };
  instead?: string;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/compatibility-policy',
  title: { en: 'upgrade path has no known problems', zh: '升级路径没有已知问题' },
  headline: { en: 'upgrade path has known problems', zh: '升级路径存在已知问题' },
  page: {
    impact: {
      en: 'The compatibility policy promises no breaking change before 2.0.0, but leaves out chart values, the MeshConfig and labels: several upgrades between 1.1 and 1.3 break the mesh all the same.',
      zh: '兼容性策略承诺 2.0.0 之前没有不兼容变更，但不包括 chart 的 values、MeshConfig 和标签：1.1 到 1.3 之间的若干升级仍会破坏网格。',
    },
    detection: {
      en: 'Compares the upgrade path with a table of known problems. Three of them are reported only where they apply: Deployment jaeger, osm-bootstrap with --enable-reconciler=true, and TrafficSplits whose root Service does not select the Pods of its leaf Services.',
      zh: '将升级路径与已知问题表比较。其中三项仅在涉及时报告：名为“jaeger”的 Deployment、带有 --enable-reconciler=true 的 osm-bootstrap，以及 TrafficSplit（根 Service 未选中叶子 Service 的 Pod）。',
    },
    fix: {
      en: 'manual: upgrade to the version that the finding names, or do what its fix line says. upgrade osm-edge restarts the workloads of the mesh, sets new MeshConfig fields and scales a reconciling osm-bootstrap to 0 itself.',
      zh: '手动：改用所指出的目标版本，或按问题下方“修复：”所列处理。upgrade osm-edge 会自行重启网格的工作负载、设置 MeshConfig 的新增字段并把会恢复旧 CRD 的 osm-bootstrap 缩容到 0。',
    },
  },
  sources: HAZARDS.map(({ key, source }) => `flomesh-io/osm-edge: ${source} (${key})`),
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: (rows, { path: { from, to, installation } }) => {
    if (typeof from !== 'string' || !to || compare(from, to) >= 0) return [];
    const meets: Verdict[] = [...HAZARDS.filter((row) => satisfies(from, row.from) && satisfies(to, row.to)), ...beyondPolicy(from, to)];
    const namespace = shellWord(installation.namespace ?? '');
    return meets.flatMap((row): Finding<Args>[] => {
      const objects = row.concerns ? CONCERNED[row.concerns](rows, installation.namespace) : [];
      if (row.concerns && !objects.length) return [];
      return [
        finding<Args>({
          severity: row.severity,
          key: [row.key],
          objects,
          args: {
            from,
            to,
            text: row.text,
            next: { ...row.next, command: row.next.command?.(namespace) },
            ...(row.instead ? { instead: row.instead } : {}),
          },
          evidence: [{ seen: `${installation.id}: ${from} → ${to}` }],
          ...(row.instead && row.severity === 'blocker' ? { target: row.instead } : {}),
        }),
      ];
    });
  },
  say: ({ from, to, text }) => ({ en: `${from} → ${to}: ${text.en}`, zh: `${from} → ${to}：${text.zh}` }),
  remedy: {
    writes: [],
    steps: async (all, at) => {
      // No command leads to a target that a blocker speaks against.
      const other = all.find(({ target }) => target)?.target;
      const steps = all.map(({ args: { next, instead: to = other }, objects }) =>
        next.byUpgrade ? byUpgrade(at, next.text, objects, to) : manual(next.text, next.command, objects),
      );
      return [...new Map(steps.map((step) => [step.refused.en, step])).values()];
    },
  },
};
export default check;

const CONCERNED: Record<NonNullable<Hazard['concerns']>, (rows: HazardRows, namespace: string | undefined) => Ref[]> = {
  jaeger: ({ workloads: all }, namespace) =>
    isGap(all) ? [] : all.filter(({ ref }) => ref.name === 'jaeger' && ref.namespace === namespace).map(({ ref }) => ref),
  reconciler: ({ workloads: all }, namespace) =>
    isGap(all) ? [] : all.filter((each) => each.ref.namespace === namespace && reconciles(each)).map(({ ref }) => ref),
  // Pods of a leaf that the root does not select are not part of the split.
  splits: ({ splits, services }) => {
    if (isGap(splits) || isGap(services)) return [];
    const selectorOf = (namespace: string | undefined, name: string) =>
      services.find(({ ref }) => ref.namespace === namespace && ref.name === name.split('.')[0])?.selector;
    return splits
      .filter(({ ref, root, leaves }) => {
        const wanted = Object.entries(selectorOf(ref.namespace, root) ?? {});
        const within = leaves.map(({ service }) => selectorOf(ref.namespace, service) ?? {});
        return !wanted.length || within.some((leaf) => wanted.some(([key, value]) => leaf[key] !== value));
      })
      .map(({ ref }) => ref);
  },
};
