// What helm rollback of this upgrade would not restore: CRDs, and with them the fields that old agents read unchecked.
import { rollbackCrds } from '../../../chart/rollback-crds.ts';
import { CHART, COORDINATORS } from '../chart.ts';
import { versions } from '../knowledge/tables.ts';
import { readBlindlyBy } from '../repairs.ts';

const facts = {
  ...CHART,
  needed: (version: string, crd: string) => (crd === COORDINATORS ? readBlindlyBy(version) : []),
  who: { en: 'agents', zh: 'agent' },
};

export default rollbackCrds(facts, {
  from: () => `>=${versions().storedVersion.since}`,
  page: {
    impact: {
      en: 'helm rollback restores what the chart rendered, but no CRDs. With the CRDs of 1.0.0 and later, SpiderCoordinators lose detectIPConflict, detectGateway and hostRPFilter, and agents up to 0.8.9 and of 0.9.0–0.9.8 panic without them.',
      zh: 'helm rollback 会恢复 chart 渲染的内容，但不恢复 CRD。在 1.0.0 及以后的 CRD 下，SpiderCoordinator 会丢失 detectIPConflict、detectGateway、hostRPFilter，而 0.8.9 及更早版本和 0.9.0–0.9.8 的 agent 缺少它们会崩溃。',
    },
    detection: {
      en: 'Compares the live CRDs with the CRDs of the target version, from its chart or from tables.',
      zh: '将现有 CRD 与目标版本的 CRD（来自其 chart 或表）比较。',
    },
    limits: {
      en: 'After a rollback to such a version, apply the old CRDs and set the fields again. upgrade-guard undo restores the CRDs as well; fields that exist only in the new CRDs and were written since are then dropped.',
      zh: '回滚到这些版本后需重新应用旧 CRD 并重新设置这些字段。upgrade-guard undo 会一并恢复 CRD，届时仅新 CRD 才有且其间写入的字段会被丢弃。',
    },
  },
  sources: [
    'helm/helm: pkg/action/rollback.go, pkg/action/install.go (installCRDs)',
    {
      en: 'spidernet-io/spiderpool: charts/spiderpool/crds at every tag',
      zh: 'spidernet-io/spiderpool: charts/spiderpool/crds（所有 tag）',
    },
    {
      en: 'spidernet-io/spiderpool: cmd/spiderpool-agent/cmd/coordinator.go at each tag',
      zh: 'spidernet-io/spiderpool: cmd/spiderpool-agent/cmd/coordinator.go（所有 tag）',
    },
  ],
});
