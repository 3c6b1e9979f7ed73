// Fields of Spiderpool's objects that the CRDs of the target drop. What took their place: knowledge/replaced.json.
import { removedFields } from '../../../chart/removed-fields.ts';
import { CHART } from '../chart.ts';
import { replaced, versions } from '../knowledge/tables.ts';

const HOLDING = ['spidercoordinators', 'spidermultusconfigs', 'spiderippools', 'spidersubnets'];
const facts = {
  ...CHART,
  holds: { crds: HOLDING.map((plural) => `${plural}.spiderpool.spidernet.io`), version: 'v2beta1' },
  get replaced() {
    return replaced().fields;
  },
};

export default removedFields(facts, {
  from: () => `>=${versions().storedVersion.since}`,
  page: {
    impact: {
      en: 'Some releases remove fields from their CRDs: 1.0.0 removed detectIPConflict, detectGateway and hostRPFilter (SpiderCoordinator, SpiderMultusConfig) and vlan (SpiderIPPool, SpiderSubnet); 1.0.4 removed mtu (SpiderMultusConfig), which 1.0.2 had added, until 1.2.0. With the new CRD the API server no longer returns the field and silently drops it on the next write.',
      zh: '有些版本会从 CRD 中移除字段：1.0.0 移除了 SpiderCoordinator、SpiderMultusConfig 的 detectIPConflict、detectGateway、hostRPFilter，以及 SpiderIPPool、SpiderSubnet 的 vlan；1.0.4 移除了 1.0.2 为 SpiderMultusConfig 新增的 mtu（1.2.0 恢复）。换用新 CRD 后，API 服务器不再返回这些字段，并在下次写入时直接丢弃，没有任何提示。',
    },
    detection: {
      en: 'Reports only fields with a value; empty, 0 and false are the same as unset. Uses the CRDs of the chart passed with --chart, otherwise tables built from every release.',
      zh: '只报告有值的字段（空、0、false 等同于未设置）。以 --chart 指定的 chart 为准，否则使用根据所有版本生成的表。',
    },
    fix: {
      en: 'upgrade passes the Helm values that replace a field. Everything else is manual: the finding names the field that replaces it, or the release that supports it again.',
      zh: 'upgrade 会传入替代字段的 Helm values。其余需手动处理：结果会指出替代它的字段，或重新支持该字段的版本。',
    },
  },
  sources: [
    {
      en: 'spidernet-io/spiderpool: charts/spiderpool/crds at every tag',
      zh: 'spidernet-io/spiderpool: charts/spiderpool/crds（所有 tag）',
    },
    {
      en: 'spidernet-io/spiderpool: values.yaml at each tag; cmd/spiderpool-agent/cmd/config.go@v1.0.0; PR 3772, 4074',
      zh: 'spidernet-io/spiderpool: values.yaml（所有 tag）; cmd/spiderpool-agent/cmd/config.go@v1.0.0; PR 3772, 4074',
    },
  ],
});
