// The compatibility policy of the project (semver: no breaking change below the next major) promises less than it seems: what breaks between releases all the same stands in rows here.
// Sources: docs of osm-edge (compatibility policy); charts/osm and pkg of github.com/flomesh-io/osm-edge at each tag, as named in each row.
import type { Check, Finding, Severity, Text } from '../../../engine/contracts.ts';
import { compare, satisfies } from '../../../versions/chart.ts';

interface Hazard {
  key: string;
  /** npm ranges of the installed and the target version. */
  from: string;
  to: string;
  severity: Severity;
  source: string;
  /** What breaks, and what to do. */
  text: Text;
}
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
  },
  {
    key: 'sidecar-path',
    from: '<1.2.0',
    to: '>=1.2.0',
    severity: 'warning',
    source: 'pkg/sidecar/providers/pipy/repo@v1.1.3, @v1.2.0',
    text: {
      en: 'sidecars injected by 1.1.x get no new configuration and no certificates (24 h) until their Pods are restarted',
      zh: '由 1.1.x 注入的 sidecar 在 Pod 重启之前得不到新配置和证书（24 小时）',
    },
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
  },
];

interface Args {
  from: string;
  to: string;
  text: Text;
}

const check: Check<Record<string, never>, Args> = {
  id: 'osm-edge/compatibility-policy',
  title: { en: 'upgrade path has no known problems', zh: '升级路径没有已知问题' },
  headline: { en: 'upgrade path has known problems', zh: '升级路径存在已知问题' },
  page: {
    impact: {
      en: 'The compatibility policy promises no breaking change before 2.0.0, but leaves out chart values, the MeshConfig and labels: several upgrades between 1.1 and 1.3 break the mesh all the same.',
      zh: '兼容性策略承诺 2.0.0 之前没有不兼容变更，但不包括 chart 的 values、MeshConfig 和标签：1.1 到 1.3 之间的若干升级仍会破坏网格。',
    },
    detection: { en: 'Compares the upgrade path with a table of known problems.', zh: '将升级路径与已知问题表比较。' },
  },
  sources: HAZARDS.map(({ key, source }) => `flomesh-io/osm-edge: ${source} (${key})`),
  applies: { stage: 'before' },
  needs: ['target'],
  reads: {},
  judge: (_, { path: { from, to, installation } }) => {
    if (typeof from !== 'string' || !to || compare(from, to) >= 0) return [];
    const meets = HAZARDS.filter((row) => satisfies(from, row.from) && satisfies(to, row.to));
    return meets.map(
      (row): Finding<Args> => ({
        severity: row.severity,
        key: [row.key],
        certainty: 'certain',
        objects: [],
        args: { from, to, text: row.text },
        evidence: [{ seen: `${installation.id}: ${from} → ${to}` }],
      }),
    );
  },
  say: ({ from, to, text }) => ({ en: `${from} → ${to}: ${text.en}`, zh: `${from} → ${to}：${text.zh}` }),
};
export default check;
