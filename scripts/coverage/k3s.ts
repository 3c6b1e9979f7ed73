// The K3s guide to automated upgrades, statement by statement (facts/k3s.md section 12), and what its rules of versions and of the way back ask for.
import type { Coverage } from '../coverage.ts';

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
            zh: '每一跳之前的快照；集群有记录时会等待其出现',
          },
        },
      ],
    },
    {
      section: { en: 'Versions', zh: '版本' },
      statement: {
        en: 'Kubernetes version skew applies; no minor may be skipped, and the controller does not prevent it',
        zh: '遵循 Kubernetes 的版本偏差策略，不得跳过次版本；控制器不会阻止跳过',
      },
      by: [
        { check: 'k3s/plan-skew' },
        { step: { en: 'one hop for each minor, each with its own Plans', zh: '每个次版本一跳，各有自己的 Plan' } },
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
        zh: '次版本的发布说明：1.34 带来 etcd 3.6，1.37 带来 etcd 3.7 和 Gateway API 的 CRD',
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
};
