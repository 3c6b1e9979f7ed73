// The K3s guide to automated upgrades, statement by statement (facts/k3s.md section 12), and what its rules of versions and of the way back ask for.
import type { Coverage, Hazard } from '../coverage.ts';

export const coverage: Coverage = {
  title: { en: 'the K3s guide to automated upgrades', zh: 'K3s 自动升级指南' },
  sources: ['docs.k3s.io/upgrades/automated', 'docs.k3s.io/upgrades/roll-back', 'docs.k3s.io/cli/etcd-snapshot'],
  rows: [
    {
      section: { en: 'Preparation', zh: '准备' },
      statement: {
        en: 'the Jobs need the namespaces IPC, NET and PID of the host, CAP_SYS_BOOT, and its root directory',
        zh: 'Job 需要主机的 IPC、NET、PID 命名空间、CAP_SYS_BOOT 以及主机根目录',
      },
      by: { check: 'k3s/plan-namespace' },
    },
    {
      statement: {
        en: 'install the controller from its release manifests: namespace, ServiceAccount, roles, ConfigMap, Deployment and CRD',
        zh: '用发布清单安装控制器：命名空间、ServiceAccount、角色、ConfigMap、Deployment 和 CRD',
      },
      by: [
        { check: 'k3s/controller-ready' },
        { check: 'k3s/plan-access' },
        {
          step: {
            en: 'a stage installs it where there is none: the manifest of --controller, or a built-in one',
            zh: '没有控制器时由一个阶段安装：--controller 指定的清单，或内置清单',
          },
        },
      ],
    },
    {
      statement: {
        en: 'settings of the controller are in its ConfigMap and are read at its start: redeploy after a change',
        zh: '控制器的设置在其 ConfigMap 中，启动时读取：修改后需重新部署',
      },
      by: [{ check: 'k3s/controller-ready' }, { check: 'k3s/plan-image' }],
    },
    {
      statement: {
        en: 'in a cluster that Rancher manages, upgrade in Rancher',
        zh: '由 Rancher 管理的集群应在 Rancher 中升级',
      },
      by: [{ check: 'k3s/rancher-managed' }, { note: { en: 'upgrade refuses such a cluster', zh: 'upgrade 会拒绝这样的集群' } }],
    },
    {
      statement: {
        en: 'save the datastore and the server token: the way back is the older binary with a restored snapshot',
        zh: '备份数据存储和 server 令牌：回退方式是旧版二进制文件加恢复的快照',
      },
      by: [
        { check: 'k3s/etcd-snapshot' },
        {
          step: {
            en: 'a snapshot before each hop, watched where the cluster records it',
            zh: '升级到每个次要版本之前的快照；集群有记录时会等待其出现',
          },
        },
      ],
    },
    {
      section: { en: 'Versions', zh: '版本' },
      statement: {
        en: 'Kubernetes version skew applies; no minor may be skipped, and the controller does not prevent it',
        zh: '遵循 Kubernetes 的版本偏差策略，不得跳过次要版本；控制器不会阻止跳过',
      },
      by: [
        { check: 'k3s/plan-skew' },
        { step: { en: 'one hop for each minor, each with its own Plans', zh: '每个次要版本升级一次，各有自己的 Plan' } },
      ],
    },
    {
      statement: {
        en: 'a Plan names a version, or a channel that the controller resolves',
        zh: 'Plan 指定一个版本，或由控制器解析的 channel',
      },
      by: [
        { check: 'k3s/plan-version' },
        {
          note: {
            en: '--channels FILE tells what a channel resolves to; nothing is fetched',
            zh: '--channels FILE 给出 channel 对应的版本；不会联网获取',
          },
        },
      ],
    },
    {
      statement: {
        en: 'release notes of a minor: etcd 3.6 with 1.34, etcd 3.7 and the Gateway API CRDs with 1.37',
        zh: '次要版本的发布说明：1.34 自带 etcd 3.6，1.37 自带 etcd 3.7 和 Gateway API 的 CRD',
      },
      by: [{ check: 'k3s/etcd-upgrade-path' }, { check: 'k3s/gateway-api-crds' }],
    },
    {
      statement: {
        en: 'upgrade images built since July 2023 refuse a downgrade; the Job fails and the Node stays cordoned',
        zh: '自 2023 年 7 月起构建的升级镜像会拒绝降级：Job 失败，节点仍处于封锁状态',
      },
      by: [{ check: 'k3s/plan-downgrade' }, { check: 'k3s/nodes-cordoned-by-plan' }],
    },
    {
      section: { en: 'Plans', zh: 'Plan' },
      statement: {
        en: 'at least two Plans, one for servers and one for agents, and the agents wait for the servers with prepare',
        zh: '至少两个 Plan：server 与 agent 各一个；agent 用 prepare 等待 server',
      },
      by: [
        { check: 'k3s/plan-pairing' },
        { check: 'k3s/plan-overlap' },
        {
          step: {
            en: 'a Plan for the servers, then one for the agents that waits for it',
            zh: '先为 server 创建 Plan，再为 agent 创建等待它的 Plan',
          },
        },
      ],
    },
    {
      statement: { en: 'concurrency says how many Nodes are upgraded at a time', zh: 'concurrency 表示同时升级的节点数' },
      by: [{ check: 'k3s/plan-selects-nodes' }, { check: 'k3s/plan-quorum' }],
    },
    {
      statement: { en: 'nodeSelector chooses the Nodes by their role label', zh: 'nodeSelector 按角色标签选择节点' },
      by: [{ check: 'k3s/plan-selects-nodes' }, { check: 'k3s/plan-overlap' }, { check: 'k3s/nodes-ready' }],
    },
    {
      statement: { en: 'tolerations let the Jobs run on tainted servers', zh: 'tolerations 使 Job 能在带污点的 server 上运行' },
      by: { check: 'k3s/plan-tolerations' },
    },
    {
      statement: {
        en: 'cordon or drain empties the Node first; the controller uncordons it when its Job has succeeded',
        zh: 'cordon 或 drain 会先封锁或腾空节点；Job 成功后控制器取消封锁',
      },
      by: [
        { check: 'k3s/plan-drain' },
        { check: 'k3s/plan-drain-timeout' },
        { check: 'k3s/cordoned-before' },
        {
          step: {
            en: 'Nodes that were cordoned before are named at the end; --cordon-again cordons them again',
            zh: '结束时列出之前处于封锁状态的节点；--cordon-again 会重新封锁',
          },
        },
      ],
    },
    {
      statement: { en: 'a window limits when a Plan may begin', zh: 'window 限定 Plan 何时可以开始' },
      by: { check: 'k3s/plan-window' },
    },
    {
      section: { en: 'Running', zh: '执行' },
      statement: {
        en: 'an upgrade begins as soon as a Plan exists, and an edit starts the Plan over',
        zh: 'Plan 一经创建，升级即开始；修改 Plan 会重新开始',
      },
      by: {
        note: {
          en: 'check -f FILE judges a Plan before it is applied, over the cluster or from the file alone',
          zh: 'check -f FILE 在应用之前检查 Plan：结合集群，或仅凭文件',
        },
      },
    },
    {
      statement: {
        en: 'follow the progress with kubectl get plans and kubectl get jobs',
        zh: '用 kubectl get plans 和 kubectl get jobs 查看进度',
      },
      by: [
        { check: 'k3s/node-version' },
        { check: 'k3s/plan-stuck' },
        { step: { en: 'waits for the Nodes, and ends at the first Job that failed', zh: '等待节点完成，遇到首个失败的 Job 即停止' } },
      ],
    },
    {
      section: { en: 'When it fails', zh: '失败之后' },
      statement: {
        en: 'point the Plan at the version that the Nodes run, and the controller uncordons them',
        zh: '将 Plan 的版本改为节点正在运行的版本，控制器会取消封锁',
      },
      by: [
        { remedy: 'k3s/nodes-cordoned-by-plan' },
        {
          note: {
            en: 'a Node that is labelled as done by that version gets no Job; its label is removed first',
            zh: '已标记为完成该版本的节点不会有 Job；需先移除其标签',
          },
        },
      ],
    },
    {
      statement: {
        en: 'or delete the Plan, and uncordon the Nodes with kubectl',
        zh: '或删除 Plan，再用 kubectl 取消封锁',
      },
      by: [
        { remedy: 'k3s/nodes-cordoned-by-plan' },
        {
          note: {
            en: 'where the Plan succeeded on other Nodes it stays: the Node that failed is excluded from it',
            zh: 'Plan 已在其他节点上成功时予以保留，只将失败的节点排除在外',
          },
        },
      ],
    },
  ],
  get hazards() {
    return HAZARDS;
  },
};

/** A rule about Plans, with what is seen to break it, each beside the fixture over which its check is silent. */
const row = (check: string, en: string, zh: string, ...found: string[]): Hazard => ({
  hazard: { en, zh },
  ...{ from: '*', to: '*', by: [{ check: `k3s/${check}` }] },
  found: found.map((name) => `k3s/${check}/${name}`),
  healthy: found.map(() => `k3s/${check}/healthy`),
});

/** Of facts/k3s.md section 9: what must hold before a Plan is applied, while it runs and afterwards. */
const HAZARDS: Hazard[] = [
  row(
    'controller-ready',
    'There is no system-upgrade-controller where Plans are, it is not ready, it does not hold its Lease, all servers are cordoned, or its ConfigMap is newer than its Pod.',
    'Plan 所在的命名空间没有 system-upgrade-controller、它未就绪、不持有其 Lease、server 节点全部处于封锁状态，或其 ConfigMap 比其 Pod 更新。',
    'found',
    'lease',
  ),
  row(
    'plan-namespace',
    'Plans lie in another namespace than the controller, or their namespace refuses privileged Pods.',
    'Plan 与控制器不在同一命名空间，或其命名空间拒绝特权 Pod。',
    'found',
  ),
  row(
    'plan-selects-nodes',
    'A Plan has no concurrency, no nodeSelector, one that no Node matches, or only Nodes that a label excludes: it is complete at once.',
    'Plan 没有 concurrency 或 nodeSelector、没有节点与之匹配，或其节点均被标签排除：随即显示为完成。',
    'found',
    'no-selector',
    'no-match',
    'disabled',
  ),
  row(
    'plan-selects-nodes',
    'A selector names label node-role.kubernetes.io/master, which Nodes of 1.34 and newer lack.',
    '选择算符使用标签 node-role.kubernetes.io/master，1.34 及更新的节点没有该标签。',
    'master',
  ),
  row(
    'plan-version',
    'A Plan has neither version nor channel, a version without v, or one for which no image is known; or it follows a channel, or names one beside its version.',
    'Plan 既没有 version 也没有 channel、版本缺少 v、没有已知的镜像、跟随 channel，或在版本之外还指定了 channel。',
    'none',
    'found',
    'unreleased',
    'channel',
    'both',
  ),
  row(
    'plan-image',
    'The image has a tag or digest of its own; the prepare image is too old for servers without label master; the kubectl image does not exist.',
    '镜像带有自己的标签或摘要；prepare 镜像过旧，无法识别没有 master 标签的 server；kubectl 镜像不存在。',
    'found',
    'pinned',
  ),
  row(
    'plan-drain',
    'drain has both deleteLocalData and deleteEmptydirData, a budget that allows no eviction, Pods without a controller, or a timeout beyond the deadline of the Job.',
    'drain 同时设置 deleteLocalData 和 deleteEmptydirData、PodDisruptionBudget 不允许驱逐、存在没有控制器的 Pod，或超时长于 Job 的时限。',
    'deletes',
    'found',
    'fields',
    'long',
  ),
  row(
    'plan-drain-timeout',
    'drain.timeout is a bare number: nanoseconds, or beyond int32 and then no Plan is read.',
    'drain.timeout 为不带单位的数字：单位是纳秒；超出 int32 时所有 Plan 均无法读取。',
    'found',
    'short',
  ),
  row(
    'plan-window',
    'The window cannot be read, the controller does not know it, or the rollout runs past its end.',
    '时间窗口无法解析、控制器不支持，或升级会超出其结束时间。',
    'found',
    'open',
  ),
  row(
    'plan-access',
    'The ServiceAccount, its permissions, a Secret or the priority class of a Plan is missing.',
    '缺少 Plan 的 ServiceAccount、其权限、Secret 或 PriorityClass。',
    'found',
    'no-drain',
  ),
  row(
    'plan-overlap',
    'Two K3s Plans select one Node, or a Node is selected by none, or excluded by a label, while others are upgraded.',
    '两个 K3s Plan 选中同一节点，或其他节点升级时有节点未被选中或被标签排除。',
    'found',
    'left',
    'excluded',
  ),
  row(
    'plan-pairing',
    'The prepare step names no Plan of its namespace, waits for another version than the servers get, or is missing; a server with etcd alone is among agents; a server that agents wait for is excluded by a label.',
    'prepare 指定的 Plan 不在该命名空间、等待的版本与 server 的目标不同，或没有 prepare；仅运行 etcd 的 server 被当作 agent；agent 等待的 server 被标签排除。',
    'missing',
    'found',
    'unordered',
    'excluded',
  ),
  row(
    'nodes-ready',
    'A Node is not Ready, its name is not its hostname label, two share a hostname, it runs Windows, or a server is off that prepare waits for.',
    '节点未就绪、名称与 hostname 标签不同、两个节点同名、运行 Windows，或 prepare 等待的 server 已关机。',
    'found',
    'shared',
  ),
  row('plan-tolerations', 'A Plan does not tolerate a taint of a Node that it selects.', 'Plan 不容忍所选节点的污点。', 'found'),
  row(
    'plan-skew',
    'A Plan takes servers over a minor version, or agents past a server.',
    'Plan 使 server 跳过次要版本，或使 agent 高于 server。',
    'found',
    'ahead',
  ),
  row(
    'plan-downgrade',
    'A Plan is older than its Nodes, or built in an earlier month; or its image has no guard and really downgrades.',
    'Plan 的版本低于其节点，或构建月份更早；或其镜像不作检查，会真的降级。',
    'found',
    'built-earlier',
    'unguarded',
    'same-release',
  ),
  row(
    'plan-quorum',
    'More etcd members at a time than the cluster can lose, also with members that are down; no postCompleteDelay between them.',
    '同时升级的 etcd 成员（含已停止的成员）多于集群可容许停止的数量；成员之间没有 postCompleteDelay。',
    'found',
    'one-down',
  ),
  row('cordoned-before', 'Cordoned Nodes will be uncordoned by a Plan.', 'Plan 会取消节点原有的封锁。', 'found'),
  row('node-version', 'A Node is labelled as upgraded and runs an older version.', '节点标记为已升级，却运行旧版本。', 'found'),
  row(
    'plan-stuck',
    'A Plan makes no progress: image, drain, prepare, a Node that is off, a Pod that is not scheduled, a failed Job.',
    'Plan 停滞：镜像、腾空、prepare、节点关机、Pod 未调度、Job 失败。',
    'image',
    'found',
    'prepare',
    'off',
    'unscheduled',
    'failed',
  ),
  row('etcd-snapshot', 'There is no recent snapshot of embedded etcd.', '内嵌 etcd 没有近期的快照。', 'found', 'none'),
  row('rancher-managed', 'Rancher manages the version of K3s.', 'Rancher 管理 K3s 的版本。', 'found'),
  {
    ...row(
      'etcd-upgrade-path',
      'The running etcd cannot be upgraded to the etcd of the next minor version.',
      '运行中的 etcd 无法升级到下一个次要版本的 etcd。',
      'found',
    ),
    ...{ from: '1.33, 1.36', to: '1.34, 1.37' },
  },
  {
    ...row('gateway-api-crds', 'K3s takes over Gateway API CRDs that others installed.', 'K3s 会接管其他来源的 Gateway API CRD。', 'found'),
    ...{ from: '<1.37', to: '>=1.37' },
  },
];
