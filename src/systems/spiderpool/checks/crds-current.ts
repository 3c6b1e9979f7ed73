// Helm never updates what lies in crds/: the CRDs of the target have to be applied at every upgrade. No controller of Spiderpool does it either, up to 1.2.2 (issues 3917, 3994).
import { crdsCurrent } from '../../../chart/crds-current.ts';
import { CHART } from '../chart.ts';

export default crdsCurrent(CHART, {
  page: {
    impact: {
      en: 'helm upgrade neither installs nor updates CRDs, and up to 1.2.2 no Spiderpool controller does. If a CRD is missing, the new controller does not become ready. If a CRD is outdated, the API server drops fields that the new version writes, and some agents crash on fields without a default (0.9.0).',
      zh: 'helm upgrade 既不安装也不更新 CRD，到 1.2.2 为止 Spiderpool 的控制器也不会。缺少 CRD 时新控制器无法就绪；CRD 过旧时，API 服务器会丢弃新版本写入的字段，个别版本的 agent 还会因字段没有默认值而崩溃（0.9.0）。',
    },
    detection: {
      en: 'Compares the live CRDs with the chart passed with --chart and the charts that it contains, or with tables built from all released charts. Descriptions, and extra fields in the live CRD, are ignored. A CRD that the chart lacks is compared with the tables.',
      zh: '将现有 CRD 与 --chart 指定的 chart 及其包含的子 chart 比较；未指定时与根据所有已发布 chart 生成的表比较。忽略描述文字，以及现有 CRD 多出的字段。chart 中没有的 CRD 与表比较。',
    },
    fix: {
      en: 'Applies the CRDs of the chart with forced server-side apply (after an install, spec.versions belongs to another field manager). Undo restores the old CRD as long as it still serves every stored version; fields that exist only in the new CRD are then pruned.',
      zh: '以服务器端应用（强制覆盖）写入 chart 中的 CRD（安装后 spec.versions 属于另一个字段管理器）。只要旧 CRD 仍提供所有已存储的版本就可以撤销，届时仅新 CRD 才有的字段会被清除。',
    },
    limits: {
      en: 'If objects are still stored in a version that the target does not have (0.3.7 and older), the API server rejects the new CRD; the command upgrade spiderpool converts those objects first. CRDs of other software (sriovnetwork.openshift.io) that are newer than the ones of the chart are not touched.',
      zh: '如果仍有对象以目标版本没有的版本存储（0.3.7 及更早），API 服务器会拒绝新 CRD；upgrade spiderpool 会先转换这些对象。属于其他软件（sriovnetwork.openshift.io）且比 chart 新的 CRD 不会改动。',
    },
  },
  sources: [
    {
      en: 'spidernet-io/spiderpool: charts/spiderpool/crds at every tag',
      zh: 'spidernet-io/spiderpool: charts/spiderpool/crds（所有 tag）',
    },
    'spidernet-io/spiderpool: issues 2355, 3119, 3917, 3994; cmd/spiderpool-agent/cmd/coordinator.go@v0.9.0',
    'helm/helm: pkg/action/install.go (installCRDs), pkg/action/upgrade.go, pkg/chart/chart.go (CRDObjects)',
  ],
});
