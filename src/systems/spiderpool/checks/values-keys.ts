// Values of the release that the target chart will not use, or will not render with. What is known of the keys: ../values.ts and knowledge/.
import { valuesKeys } from '../../../chart/values-keys.ts';
import { CHART } from '../chart.ts';

export default valuesKeys(CHART, {
  page: {
    impact: {
      en: 'helm does not warn about values that no template reads: if a key was renamed or removed, your value is silently lost and the default applies. --values or --set without a reuse flag makes helm drop all old values. New defaults can change what runs on the nodes.',
      zh: 'helm 不会提示没有模板读取的 values：键被改名或移除后，已设置的值会悄悄失效，恢复为默认值。使用 --values 或 --set 但没有复用参数时，helm 会丢弃全部旧值。新的默认值可能改变节点行为。',
    },
    detection: {
      en: 'Compares the values that the upgrade will carry over (release record, --values, --set, reuse flags, by the rules of helm) with the keys that the target chart reads: the chart passed with --chart, otherwise tables built from all released charts. Values equal to the default of their own chart are ignored; where another chart wraps Spiderpool, its values are judged below the name or alias of the dependency. With --chart and helm on PATH the chart is rendered with the final values.',
      zh: '将升级后将生效的 values（release 记录、--values、--set、复用参数，规则与 helm 相同）与目标 chart 读取的键比较；以 --chart 指定的 chart 为准，否则使用根据所有已发布 chart 生成的表。与自身 chart 默认值相同的值不计入；Spiderpool 被其他 chart 包装时，检查依赖名称或别名之下的值。提供 --chart 且 PATH 中有 helm 时，会用最终的值实际渲染。',
    },
    fix: {
      en: 'Manual: pass the new keys to helm upgrade; fix prints the command.',
      zh: '手动：将新的键传给 helm upgrade；fix 会给出命令。',
    },
  },
  sources: [
    {
      en: 'spidernet-io/spiderpool: charts/spiderpool/values.yaml and templates at every tag',
      zh: 'spidernet-io/spiderpool: charts/spiderpool/values.yaml、templates（所有 tag）',
    },
    'helm/helm: pkg/action/upgrade.go (reuseValues), pkg/chart/common/util/coalesce.go',
  ],
});
