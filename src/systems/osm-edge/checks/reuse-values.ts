// --reuse-values keeps the old chart's defaults, and the closed schema of the target requires keys that those lack (../chart.ts).
import { reuseValues } from '../../../chart/reuse-values.ts';
import { CHART } from '../chart.ts';

export default reuseValues(CHART, {
  page: {
    impact: {
      en: '--reuse-values keeps the defaults of the old chart. The values.schema.json of the target requires its new keys, so helm upgrade fails ("osm: … is required"): 1.1.x → 1.2, 1.2 → 1.3, and between several patches of 1.3.',
      zh: '--reuse-values 会沿用旧 chart 的默认值，而目标版本的 values.schema.json 要求新增的键，因此 helm upgrade 失败（“osm: … is required”）：1.1.x → 1.2、1.2 → 1.3，以及 1.3 的若干补丁版本之间。',
    },
    detection: {
      en: 'Runs only with --reuse-values. Lays the values of the release over the defaults in its record, as helm does, and compares them with the keys that the schema of the target version requires.',
      zh: '仅在使用 --reuse-values 时运行。按 helm 的规则将 release 的 values 叠加在其记录中的默认值上，再与目标版本的 schema 所要求的键比较。',
    },
    fix: {
      en: 'Manual: use --reset-then-reuse-values (Helm 3.14 or later).',
      zh: '手动：改用 --reset-then-reuse-values（Helm 3.14 及以上）。',
    },
  },
  sources: [
    'helm/helm: pkg/action/upgrade.go (reuseValues)',
    {
      en: 'flomesh-io/osm-edge: charts/osm/values.schema.json at every tag',
      zh: 'flomesh-io/osm-edge: charts/osm/values.schema.json（所有 tag）',
    },
  ],
});
