// Values of the release that the target chart refuses: its values.schema.json is closed since 1.1.0, and versions differ in their keys (../chart.ts).
import { valuesKeys } from '../../../chart/values-keys.ts';
import { CHART } from '../chart.ts';

export default valuesKeys(CHART, {
  page: {
    impact: {
      en: 'The chart has a closed values.schema.json: a key that the target version does not have makes helm upgrade fail ("Additional property … is not allowed"). osm.pipyRepoImage, for example, is not allowed in 1.3.0 and later.',
      zh: 'chart 的 values.schema.json 是封闭的：目标版本没有的键会使 helm upgrade 失败（“Additional property … is not allowed”）。例如 1.3.0 及以后不允许 osm.pipyRepoImage。',
    },
    detection: {
      en: 'Compares the values that the upgrade will carry over (release record, --values, --set, reuse flags, by the rules of helm) with the schema of the target version. With --chart and helm on PATH the chart is rendered with the final values as well. Charts for ubi8 have another schema and need --chart.',
      zh: '将升级后将生效的 values（release 记录、--values、--set、复用参数，规则与 helm 相同）与目标版本的 schema 比较。提供 --chart 且 PATH 中有 helm 时，还会用最终的值实际渲染。ubi8 的 chart 使用另一份 schema，需要 --chart。',
    },
    limits: {
      en: 'osm mesh upgrade drops all values (it resets them), so only helm upgrade carries them over. Values copied into MeshConfig at the first install are not judged.',
      zh: '“osm mesh upgrade”会丢弃全部 values（重置），只有 helm upgrade 会带入。首次安装时复制到 MeshConfig 的值不在检查范围内。',
    },
  },
  sources: [
    {
      en: 'flomesh-io/osm-edge: charts/osm/values.schema.json at every tag',
      zh: 'flomesh-io/osm-edge: charts/osm/values.schema.json（所有 tag）',
    },
    'helm/helm: pkg/chartutil/jsonschema.go, pkg/action/upgrade.go (reuseValues)',
  ],
});
