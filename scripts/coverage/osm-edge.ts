// The upgrade guide of osm-edge, statement by statement, and what answers each. Where a command of the guide is wrong for osm-edge, the row says what is right.
import type { Coverage, Hazard } from '../coverage.ts';

const check = (name: string) => ({ check: `osm-edge/${name}` });
const remedy = (name: string) => ({ remedy: `osm-edge/${name}` });
const step = (en: string, zh: string) => ({ step: { en, zh } });
const note = (en: string, zh: string) => ({ note: { en, zh } });

export const coverage: Coverage = {
  title: { en: 'the osm-edge upgrade guide', zh: 'osm-edge 升级指南' },
  sources: [
    'flomesh-io/osm-edge-docs: content/docs/guides/upgrade.md (release-v1.3)',
    'flomesh-io/osm-edge-docs: content/docs/guides/troubleshooting',
  ],
  rows: [
    {
      section: { en: 'What an upgrade does', zh: '升级的作用范围' },
      statement: { en: 'Helm manages the life of the control plane.', zh: '控制平面的生命周期由 Helm 管理。' },
      by: [check('release-deployed'), check('mesh-found')],
    },
    {
      statement: {
        en: 'While the controller is away, policies take effect later, injection fails and certificates are not rotated.',
        zh: '控制器不可用期间，策略延迟生效，注入失败，证书不轮换。',
      },
      by: [
        check('upgrade-timeout'),
        check('insufficient-cpu'),
        check('workload-rollout'),
        check('cron-jobs'),
        note(
          'the injection webhook has failurePolicy Fail: new Pods of the mesh are rejected, not merely left without a sidecar; certificates last 24 hours',
          '注入 webhook 的 failurePolicy 为 Fail：网格的新 Pod 会被拒绝，而不只是没有 sidecar；证书有效期为 24 小时',
        ),
      ],
    },
    {
      statement: { en: 'Existing policies and the data plane are not affected.', zh: '现有策略和数据平面不受影响。' },
      by: [
        check('compatibility-policy'),
        check('mesh-config-fields'),
        check('sidecar-restart-needed'),
        note('not so over 1.2.0 and over 1.3.0', '跨越 1.2.0 和 1.3.0 时并非如此'),
      ],
    },
    {
      statement: { en: 'A change of CRDs may pause the data plane.', zh: 'CRD 变更可能使数据平面暂停。' },
      by: [
        check('removed-objects'),
        note('the feature that this refers to (openservicemesh/osm#512) was never built', '所指的功能（openservicemesh/osm#512）从未实现'),
      ],
    },
    {
      section: { en: 'Which paths are supported', zh: '支持的升级路径' },
      statement: {
        en: 'Only some paths are supported, by the rules of semantic versions.',
        zh: '按语义化版本的规则，只支持部分升级路径。',
      },
      by: [
        check('compatibility-policy'),
        step('1.1 goes through 1.2.3: the default target of 1.1 is 1.2.3', '1.1 需经过 1.2.3：1.1 的默认目标为 1.2.3'),
      ],
    },
    {
      statement: {
        en: 'Breaking changes mean the CLI and SMI; values of the chart, the MeshConfig and labels are not counted.',
        zh: '不兼容变更仅指 CLI 和 SMI 的变更，不包括 chart 的 values、MeshConfig 和标签。',
      },
      by: [
        check('compatibility-policy'),
        check('selector-immutable'),
        check('values-keys'),
        check('values-schema'),
        check('mesh-config-fields'),
      ],
    },
    {
      statement: { en: 'The cluster must have the minimum Kubernetes version.', zh: '集群须满足最低 Kubernetes 版本。' },
      by: [
        check('policy-apis'),
        check('successor'),
        note('the charts ask for 1.19 and later; their tests ran on 1.19 and 1.25', 'chart 要求 1.19 及以上；其测试在 1.19 和 1.25 上运行'),
      ],
    },
    {
      section: { en: 'CRDs', zh: 'CRD' },
      statement: {
        en: 'An init container of osm-bootstrap updates the CRDs and keeps the custom resources.',
        zh: 'osm-bootstrap 的 init 容器更新 CRD 并保留自定义资源。',
      },
      by: [
        check('crds-current'),
        note('only in 1.1; from 1.2.0 on the program itself replaces them at its start', '仅 1.1 如此；自 1.2.0 起由程序在启动时替换'),
      ],
    },
    {
      statement: { en: 'The release notes list CRD updates.', zh: '发行说明列出 CRD 的更新。' },
      by: [
        check('removed-objects'),
        check('crds-current'),
        note('the tables here are made from the CRDs of every tag', '本工具的数据表由各标签的 CRD 生成'),
      ],
    },
    {
      statement: { en: 'A conversion webhook serves older API versions.', zh: '转换 webhook 支持旧的 API 版本。' },
      by: [check('conversion-webhook'), note('only of MeshConfig in 1.1; none from 1.2.0 on', '仅 1.1 的 MeshConfig 有；自 1.2.0 起没有')],
    },
    {
      section: { en: 'With the osm CLI', zh: '使用 osm CLI' },
      statement: { en: 'The CLI is preferred; helm is for advanced users.', zh: '推荐使用 CLI，helm 适合高级用户。' },
      by: [
        step('the plan drives helm, and names osm mesh upgrade beside it', '升级计划使用 helm，并列出对应的 osm mesh upgrade'),
        note('the CLI takes no values file and waits five minutes, without a flag for more', 'CLI 不接受 values 文件，且固定等待五分钟'),
      ],
    },
    {
      statement: { en: 'The CLI upgrades to the version that it contains.', zh: 'CLI 升级到其自带的版本。' },
      by: [
        check('cli-parameters'),
        check('compatibility-policy'),
        note(
          'CLI 1.2.1 contains a chart labelled 1.2.0, chart 1.1.3 deploys images 1.1.1',
          'CLI 1.2.1 自带标为 1.2.0 的 chart，chart 1.1.3 部署 1.1.1 的镜像',
        ),
      ],
    },
    {
      statement: { en: 'osm mesh upgrade reports the upgraded mesh.', zh: '“osm mesh upgrade”会报告已升级的网格。' },
      by: [
        step('the checks run again at the end', '结束时再次检查'),
        note(
          'it prints "OSM successfully upgraded mesh [NAME] in namespace [NAMESPACE]", not the line of the guide, and looks at neither the MeshConfig nor sidecars',
          '实际输出为“OSM successfully upgraded mesh [NAME] in namespace [NAMESPACE]”，与指南不同，且不检查 MeshConfig 和 sidecar',
        ),
      ],
    },
    {
      statement: { en: 'Values of the release are not kept: give them with --set.', zh: 'release 的 values 不会保留，需用 --set 指定。' },
      by: [
        check('values-keys'),
        check('mesh-identity'),
        check('addon-images'),
        step('the values of the release are kept and given to helm explicitly', '保留 release 的 values 并明确传给 helm'),
      ],
    },
    {
      section: { en: 'With helm', zh: '使用 helm' },
      statement: {
        en: 'Settings may revert: take values.yaml of the new chart with your changes.',
        zh: '设置可能被还原：请使用新 chart 的 values.yaml 加上自己的修改。',
      },
      by: [check('values-keys'), check('values-schema'), check('reuse-values')],
    },
    {
      statement: {
        en: 'Values for the MeshConfig are not applied: patch it afterwards (the example is the log level).',
        zh: 'MeshConfig 相关的 values 不会生效：需在升级后修改（示例为日志级别）。',
      },
      by: [
        check('mesh-config-override'),
        remedy('mesh-config-override'),
        check('mesh-config-fields'),
        step('MeshConfig gets what is new, by your values, once the CRD is new', '在 CRD 更新之后，按 values 设置 MeshConfig 的新增字段'),
      ],
    },
    {
      statement: { en: 'The mesh name and its namespace must not change.', zh: '网格名称和命名空间不可更改。' },
      by: [check('mesh-identity'), note('neither helm nor the API server reports an error', 'helm 和 API 服务器都不会报错')],
    },
    {
      statement: { en: 'The helm upgrade command.', zh: 'helm upgrade 命令。' },
      by: [
        step('helm upgrade with chart osm-edge', '用 chart osm-edge 执行 helm upgrade'),
        note(
          'the guide names the chart and repository of upstream OSM; the one of osm-edge is https://flomesh-io.github.io/osm-edge',
          '指南所写的是上游 OSM 的 chart 和仓库；osm-edge 的仓库为 https://flomesh-io.github.io/osm-edge',
        ),
      ],
    },
    {
      section: { en: 'After the upgrade', zh: '升级之后' },
      statement: { en: 'Patch the sidecar image, by digest and not latest.', zh: '修改 sidecar 镜像，使用摘要而不是“latest”。' },
      by: [
        check('sidecar-image'),
        remedy('sidecar-image'),
        note(
          'sidecarImage hides the images of the drivers in all later upgrades: the driver is set in its place',
          'sidecarImage 会在以后的升级中一直覆盖各 driver 的镜像，因此改为设置 driver',
        ),
      ],
    },
    {
      statement: { en: 'Restart the Pods of the mesh.', zh: '重启网格的 Pod。' },
      by: [
        check('sidecar-restart-needed'),
        step('workloads are restarted in waves, within their PodDisruptionBudgets', '分批重启工作负载，遵守其 PodDisruptionBudget'),
      ],
    },
    {
      statement: {
        en: 'Set the images of Prometheus, Grafana and Jaeger with kubectl set image.',
        zh: '用“kubectl set image”设置 Prometheus、Grafana、Jaeger 的镜像。',
      },
      by: [
        check('addon-images'),
        step(
          'the image that was set so goes to helm as a value of the release, which lasts',
          '这样设置的镜像会作为 release 的 value 传给 helm，从而长期有效',
        ),
        note(
          'helm writes the image of the chart back; a value of the release lasts',
          'helm 会写回 chart 的镜像；写入 release 的 values 才能保留',
        ),
      ],
    },
    {
      section: { en: 'Troubleshooting', zh: '故障排查' },
      statement: { en: 'A time-out: Pods are Pending for lack of CPU.', zh: '超时：Pod 因 CPU 不足而处于 Pending。' },
      by: [check('insufficient-cpu'), check('upgrade-timeout')],
    },
    {
      statement: {
        en: 'A time-out: Events say that the CLI parameters are invalid; see the log of the Pod.',
        zh: '超时：Event 提示 CLI 参数无效，请查看 Pod 的日志。',
      },
      by: [
        check('cli-parameters'),
        note(
          'what really happens between chart and programs of different releases is exit code 2 with "unknown flag", and no Event',
          'chart 与程序版本不一致时，实际表现为退出码 2 和“unknown flag”，且没有 Event',
        ),
      ],
    },
    {
      statement: {
        en: 'Work around with --container-registry, --osm-image-tag and --enable-egress.',
        zh: '用 --container-registry、--osm-image-tag、--enable-egress 规避。',
      },
      by: [
        check('cli-parameters'),
        note(
          'no osm-edge release has these flags: --set osm.image.registry and --set osm.image.tag',
          'osm-edge 的任何版本都没有这些参数：请用 --set osm.image.registry 和 --set osm.image.tag',
        ),
      ],
    },
    {
      statement: { en: 'Open an issue.', zh: '提交 issue。' },
      by: [check('successor'), note('the repository was archived on 2024-04-14', '该仓库已于 2024-04-14 归档')],
    },
  ],
  get hazards() {
    return HAZARDS;
  },
};

const fixture = (name: string, of = 'found') => `osm-edge/${name}/${of}`;
/** The check with its two fixtures. */
const seen = (...names: string[]) => ({
  found: names.map((name) => fixture(name)),
  healthy: names.map((name) => fixture(name, 'healthy')),
});
const POLICY = 'test/systems/osm-edge/compatibility-policy.test.ts';
const STAGES = 'test/systems/osm-edge/upgrade.test.ts';
const LIVE = 'test/control/osm-edge.test.ts';
const row = (from: string, to: string, en: string, zh: string, rest: Omit<Hazard, 'hazard' | 'from' | 'to'>): Hazard => ({
  hazard: { en, zh },
  from,
  to,
  ...rest,
});

const HAZARDS: Hazard[] = [
  row(
    '<1.2.0',
    '>=1.2.0',
    'Sidecars of 1.1 ask at an address that 1.2.0 does not serve.',
    '1.1 的 sidecar 请求的地址在 1.2.0 中不再提供。',
    {
      by: [
        check('compatibility-policy'),
        check('sidecar-restart-needed'),
        remedy('sidecar-restart-needed'),
        step('workloads of the mesh are restarted in waves', '分批重启网格中的工作负载'),
      ],
      ...seen('compatibility-policy', 'sidecar-restart-needed'),
      tests: [
        [POLICY, 'sidecar-path'],
        [STAGES, 'from 1.1 every Pod, whatever its image'],
        [LIVE, '1.1.3 to 1.2.3 to 1.3.9, and back'],
      ],
    },
  ),
  row('<1.2.0', '>=1.2.0', 'Deployment jaeger is replaced by osm-jaeger.', 'Deployment“jaeger”由 osm-jaeger 取代。', {
    by: [check('compatibility-policy'), check('addon-images'), remedy('addon-images')],
    ...seen('compatibility-policy', 'addon-images'),
    tests: [[POLICY, 'jaeger-renamed']],
  }),
  row(
    '<1.2.0',
    '>=1.2.0',
    'Chart defaults of egress and permissive policy change to true.',
    'chart 中 egress 和宽松策略的默认值改为 true。',
    {
      by: [check('compatibility-policy'), check('mesh-config-override')],
      ...seen('compatibility-policy'),
      tests: [[POLICY, 'open-defaults']],
    },
  ),
  row(
    '<1.2.0',
    '>=1.2.0',
    'The root Service of a TrafficSplit must select the Pods of its leaves.',
    'TrafficSplit 的根 Service 必须选中其叶子 Service 的 Pod。',
    {
      by: [check('compatibility-policy')],
      ...seen('compatibility-policy'),
      tests: [[POLICY, 'split-root']],
    },
  ),
  row('<1.2.0', '>=1.2.0', 'Labels of certificate metrics change.', '证书相关指标的标签改变。', {
    by: [check('compatibility-policy')],
    ...seen('compatibility-policy'),
    tests: [[POLICY, 'metric-labels']],
  }),
  row('<1.2.0', '>=1.2.0', 'MultiClusterServices are no longer read.', '不再读取 MultiClusterService。', {
    by: [check('removed-objects')],
    found: [fixture('removed-objects', 'found-multicluster')],
    healthy: [fixture('removed-objects', 'healthy-multicluster')],
  }),
  row('<1.2.0', '>=1.2.0', 'CRDs with a conversion webhook that nothing serves.', '没有服务提供 CRD 所用的转换 webhook。', {
    by: [check('conversion-webhook'), remedy('conversion-webhook')],
    ...seen('conversion-webhook'),
  }),
  row('<1.2.1', '>=1.2.1', 'Until then certificate rotation may stall.', '在此之前证书轮换可能停止。', {
    by: [check('compatibility-policy')],
    ...seen('compatibility-policy'),
    tests: [[POLICY, 'rotation-stalls']],
  }),
  row(
    '<1.3.0',
    '>=1.3.0',
    'osm-controller gets another selector, which is immutable.',
    'osm-controller 的标签选择算符改变，而该字段不可变。',
    {
      by: [check('selector-immutable'), remedy('selector-immutable'), check('rollback-crds')],
      ...seen('selector-immutable', 'rollback-crds'),
      tests: [
        [LIVE, '1.2.3 to 1.3.9: both hazards are found, the upgrade gets past them, killed and resumed, and is undone, killed on the way'],
      ],
    },
  ),
  row(
    '<1.3.0',
    '>=1.3.0',
    'The MeshConfig has no interceptionMode: Pods are not intercepted.',
    'MeshConfig 没有 interceptionMode：Pod 的流量不被拦截。',
    {
      by: [
        check('mesh-config-fields'),
        remedy('mesh-config-fields'),
        step('the MeshConfig gets it once the CRD is new', '在 CRD 更新后写入 MeshConfig'),
      ],
      ...seen('mesh-config-fields'),
      tests: [
        [
          STAGES,
          'over 1.3.0: the MeshConfig is patched once the CRD is new, the old ReplicaSet goes once the new controller is ready; the way back is in the plan',
        ],
      ],
    },
  ),
  row(
    '<1.3.0',
    '>=1.3.0',
    'The MeshConfig has no pluginChains: sidecars get no modules.',
    'MeshConfig 没有 pluginChains：sidecar 没有模块。',
    {
      by: [
        check('mesh-config-fields'),
        remedy('mesh-config-fields'),
        step('the MeshConfig gets it once the CRD is new', '在 CRD 更新后写入 MeshConfig'),
      ],
      ...seen('mesh-config-fields'),
      tests: [[STAGES, 'a value of the release goes into the MeshConfig in the place of the default']],
    },
  ),
  row('<1.3.0', '>=1.3.0', 'UpstreamTrafficSetting.spec.httpHeaders is pruned.', 'UpstreamTrafficSetting.spec.httpHeaders 会被丢弃。', {
    by: [check('removed-objects')],
    ...seen('removed-objects'),
  }),
  row('<1.3.0', '>=1.3.0', 'TrafficSplits are stored as v1alpha4.', 'TrafficSplit 改以 v1alpha4 存储。', {
    by: [check('crds-current'), remedy('crds-current'), check('rollback-crds')],
    ...seen('crds-current', 'rollback-crds'),
  }),
  row('<1.3.0', '>=1.3.0', 'Old pipy sidecars run scripts made for 0.90.', '旧的 pipy sidecar 运行为 0.90 编写的脚本。', {
    by: [check('compatibility-policy'), step('workloads of the mesh are restarted in waves', '分批重启网格中的工作负载')],
    ...seen('compatibility-policy'),
    tests: [[POLICY, 'scripts-move']],
  }),
  row(
    '<1.2.0',
    '>=1.3.0',
    'osm-bootstrap rewrites the MeshConfig of 1.1, which the new CRD rejects, and crash-loops.',
    'osm-bootstrap 重写 1.1 的 MeshConfig 时被新 CRD 拒绝，反复崩溃。',
    {
      by: [check('compatibility-policy')],
      ...seen('compatibility-policy'),
      tests: [
        [POLICY, 'bootstrap-crash'],
        [LIVE, '1.1.3 to 1.2.3 to 1.3.9, and back'],
      ],
    },
  ),
  row('1.3.5', 'any', 'The certificate lifetime 365d cannot be parsed.', '证书有效期 365d 无法解析。', {
    by: [check('certificate-duration'), remedy('certificate-duration'), check('compatibility-policy')],
    ...seen('certificate-duration'),
    tests: [[POLICY, 'bad-duration']],
  }),
  row('<1.3.9', '1.3.9', 'HTTP/2 stays balanced per connection in a kept MeshConfig.', '保留的 MeshConfig 中 HTTP/2 仍按连接负载均衡。', {
    by: [check('compatibility-policy'), step('the MeshConfig gets it once the CRD is new', '在 CRD 更新后写入 MeshConfig')],
    ...seen('compatibility-policy'),
    tests: [[POLICY, 'http2-balancing']],
  }),
  row(
    'any',
    'any',
    'The sidecar image of the MeshConfig stays while the scripts move on.',
    '脚本更新后 MeshConfig 中的 sidecar 镜像仍为旧版本。',
    {
      by: [
        check('sidecar-image'),
        remedy('sidecar-image'),
        step('the MeshConfig gets it once the CRD is new', '在 CRD 更新后写入 MeshConfig'),
      ],
      ...seen('sidecar-image'),
    },
  ),
  row(
    'any',
    'any',
    'With enableReconciler two osm-bootstraps write the CRDs in turns.',
    '启用 enableReconciler 时两个 osm-bootstrap 会轮流写入 CRD。',
    {
      by: [
        check('compatibility-policy'),
        step('osm-bootstrap is off until helm starts the new one', '在 helm 启动新版本之前停止 osm-bootstrap'),
      ],
      ...seen('compatibility-policy'),
      tests: [
        [POLICY, 'reconciler'],
        [STAGES, 'an osm-bootstrap that reconciles is off until helm starts the new one'],
      ],
    },
  ),
  row('any', 'any', 'Another mesh name or namespace is accepted without an error.', '更改网格名称或命名空间不会报错。', {
    by: [check('mesh-identity'), step('the values of the mesh go to helm explicitly', '把网格现有的值明确传给 helm')],
    ...seen('mesh-identity'),
  }),
  row(
    'any',
    'any',
    'The schema of the values is closed: old keys and --reuse-values fail.',
    'values 的 schema 是封闭的：旧的键和 --reuse-values 会失败。',
    {
      by: [
        check('values-keys'),
        check('values-schema'),
        check('reuse-values'),
        step('keys get their new name or are left out', '键改为新名称或去掉'),
      ],
      ...seen('values-keys', 'values-schema', 'reuse-values'),
    },
  ),
  row('1.1.2', '1.1.3', 'The chart deploys older images.', 'chart 部署更旧的镜像。', {
    by: [check('compatibility-policy')],
    ...seen('compatibility-policy'),
    tests: [[POLICY, 'older-images']],
  }),
  row(
    'any',
    'any',
    'PodDisruptionBudgets and HorizontalPodAutoscalers of the chart have API versions that newer clusters do not serve.',
    'chart 的 PodDisruptionBudget 和 HorizontalPodAutoscaler 使用新集群不再提供的 API 版本。',
    {
      by: [check('policy-apis')],
      ...seen('policy-apis'),
    },
  ),
  row(
    'any',
    'any',
    'Webhook configurations keep the version of the first install, and stay after an uninstall.',
    'webhook 配置保留首次安装的版本标签，卸载后残留。',
    {
      by: [check('webhook-leftovers'), remedy('webhook-leftovers'), step('they are labelled with the new version', '更新其版本标签')],
      ...seen('webhook-leftovers'),
      tests: [[STAGES, 'webhook configurations of the mesh are labelled with the new version']],
    },
  ),
  row('any', 'ubi8, pre-release', 'The policy does not cover it.', '兼容性策略不涵盖这样的升级。', {
    by: [check('compatibility-policy')],
    ...seen('compatibility-policy'),
    tests: [[POLICY, 'pre-release']],
  }),
  row('any', 'older', 'There is no way down by an upgrade.', '不能通过升级降级。', {
    by: [note('refused: the target is older than the installed version', '拒绝：目标版本低于当前版本')],
    ...seen(),
    tests: [['test/systems/osm-edge/next.test.ts', 'a target older than the installed version is refused']],
  }),
];
