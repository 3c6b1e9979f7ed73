// --reuse-values puts the old chart's defaults in the place of the new one's. What must not be old or missing: ../values.ts and knowledge/.
import { reuseValues } from '../../../chart/reuse-values.ts';
import { CHART } from '../chart.ts';

export default reuseValues(CHART, {
  page: {
    impact: {
      en: '--reuse-values keeps the defaults of the old chart. Keys that are new in the target are then missing: a template that reads below a missing map fails (helm reports only the first), other new keys are silently empty, and image tags stay old. Two cases keep a component from starting: empty ipam.gc.statelessPod.enableGcRunningPodOnEmptyPodStatusIPs (the controller exits), and a Multus v3 image with v4 templates (the agent does not start).',
      zh: '--reuse-values 会沿用旧 chart 的默认值，目标版本新增的键因此缺失：模板读取缺失映射下的键时渲染失败（helm 只报告第一个），其他新增的键悄悄为空，镜像标签保持旧值。已知两种情况会导致组件无法启动：ipam.gc.statelessPod.enableGcRunningPodOnEmptyPodStatusIPs 为空（控制器退出）；Multus 镜像为 v3 而模板为 v4（agent 无法启动）。',
    },
    detection: {
      en: 'Runs only with --reuse-values. With --chart and helm on PATH, renders the chart with exactly these values; otherwise uses a table of required maps, made by rendering every release without each of its maps.',
      zh: '仅在使用 --reuse-values 时运行。提供 --chart 且 PATH 中有 helm 时，用这些值实际渲染；否则使用预先生成的表：各版本的 chart 缺少哪些映射就无法渲染。',
    },
    fix: {
      en: 'Manual: use --reset-then-reuse-values (Helm 3.14 or later).',
      zh: '手动：改用 --reset-then-reuse-values（Helm 3.14 及以上）。',
    },
  },
  sources: [
    'helm/helm: pkg/action/upgrade.go (reuseValues)',
    {
      en: 'spidernet-io/spiderpool: charts/spiderpool at every tag; cmd/spiderpool-controller/cmd/config.go@v0.9.12; templates/daemonset.yaml@v0.8.9',
      zh: 'spidernet-io/spiderpool: charts/spiderpool（所有 tag）; cmd/spiderpool-controller/cmd/config.go@v0.9.12; templates/daemonset.yaml@v0.8.9',
    },
  ],
});
