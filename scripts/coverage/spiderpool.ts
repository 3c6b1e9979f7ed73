// The upgrade guide of Spiderpool and what its source says besides (facts/spiderpool.md, sections 0 to 12), line by line.
import type { Answer, Coverage, CoverageRow } from '../coverage.ts';

const check = (name: string): Answer => ({ check: `spiderpool/${name}` });
const remedy = (name: string): Answer => ({ remedy: `spiderpool/${name}` });
const step = (en: string, zh: string): Answer => ({ step: { en, zh } });
const note = (en: string, zh: string): Answer => ({ note: { en, zh } });
const row = (en: string, zh: string, ...by: Answer[]): CoverageRow => ({ statement: { en, zh }, by });
const section = (en: string, zh: string, [first, ...rest]: [CoverageRow, ...CoverageRow[]]): CoverageRow[] => [
  { section: { en, zh }, ...first },
  ...rest,
];

export const coverage: Coverage = {
  title: { en: 'upgrades of Spiderpool, from 0.3 to 1.2', zh: 'Spiderpool 的升级（0.3 到 1.2）' },
  sources: [
    {
      en: 'github.com/spidernet-io/spiderpool: docs/usage/upgrade.md, charts/spiderpool and source at every tag',
      zh: 'github.com/spidernet-io/spiderpool：docs/usage/upgrade.md，以及所有 tag 的 charts/spiderpool 和源代码',
    },
  ],
  rows: [
    ...section('Where the upgrade guide is wrong, incomplete or dangerous', '升级指南错误、不完整或有风险之处', [
      row(
        'labels of automatic pools: the layout shown came with 0.5.0, not 0.3.6',
        '自动池的标签：文中的格式始于 0.5.0，而非 0.3.6',
        check('auto-pool-labels'),
        remedy('auto-pool-labels'),
      ),
      row(
        'labels are patched one by one, which the webhook of 0.5.0 and later rejects while podAffinity is the old one',
        '逐个修改标签；podAffinity 仍为旧值时，0.5.0 及以后的 webhook 会拒绝',
        remedy('auto-pool-labels'),
      ),
      row(
        'a labelled pool beside one that was just created: two matches, an error for the whole application',
        '已打标签的池与新建的池并存：匹配到两个，整个应用出错',
        check('auto-pool-labels'),
      ),
      row(
        'wrong owner labels let the controller delete a pool',
        '属主标签错误会使 controller 删除池',
        remedy('auto-pool-labels'),
        note('the owner is looked up, and its UID must be the recorded one', '会查找属主，且 UID 必须与记录一致'),
      ),
      row(
        'before 0.4.0 only ownerControllerType is mentioned, but CRD version v1 was replaced without a conversion',
        '0.4.0 之前只提到 ownerControllerType，但 CRD 版本 v1 已被替换且没有转换',
        check('crd-storage-version'),
        step('stops Spiderpool, converts every object where it is, then drops v1', '停止 Spiderpool，就地转换每个对象，然后移除 v1'),
      ),
      row(
        'default pools moved from the ConfigMap to spec.default with 0.4.0',
        '0.4.0 起默认池由 ConfigMap 改为 spec.default',
        check('default-pool-flag'),
        remedy('default-pool-flag'),
      ),
      row(
        'new CRDs come with 0.6.0, and CRDs must be applied at every upgrade',
        '新 CRD 始于 0.6.0，且每次升级都必须应用 CRD',
        check('crds-current'),
        remedy('crds-current'),
      ),
      row(
        'multus.multusCNI.uninstall=false in the upgrade command does not reach the running DaemonSet',
        '在升级命令中设置 multus.multusCNI.uninstall=false 不影响正在运行的 DaemonSet',
        check('multus-uninstall-hook'),
        remedy('multus-uninstall-hook'),
      ),
      row(
        '0.6.0–0.7.3 to 0.8.0 and later: helm deletes the NetworkAttachmentDefinition CRD with every object',
        '0.6.0–0.7.3 升级到 0.8.0 及以后：helm 会删除 NetworkAttachmentDefinition 的 CRD 及全部对象',
        check('nad-crd-kept'),
        remedy('nad-crd-kept'),
      ),
      row(
        'txQueueLen is not the only field that agents read without a check',
        'agent 不作判断即读取的字段不止 txQueueLen',
        check('coordinator-fields'),
        remedy('coordinator-fields'),
      ),
      row(
        'the IP garbage collection bug is fixed in 0.8.8, 0.9.5 and 1.0.0-rc2; a restart does not heal every Pod',
        'IP 回收的缺陷在 0.8.8、0.9.5 和 1.0.0-rc2 中修复；重启不能修复所有 Pod',
        check('ip-gc'),
        remedy('duplicate-pod-ip'),
        remedy('unrecorded-pod-ip'),
      ),
      row(
        'ipam.enableSpiderSubnet became ipam.spiderSubnet.enable with 1.0.0, not 0.9.5',
        'ipam.enableSpiderSubnet 在 1.0.0（而非 0.9.5）改为 ipam.spiderSubnet.enable',
        check('values-keys'),
        remedy('values-keys'),
      ),
      row(
        '--reuse-values: eight boundaries at which rendering fails, three that render and then break',
        '--reuse-values：八个边界处渲染失败，三个渲染成功但无法运行',
        check('reuse-values'),
        check('multus-image-tag'),
      ),
      row(
        'the spiderpool-init Pod has to go only where the target chart has a Pod',
        '仅当目标 chart 使用 Pod 时才需要删除 spiderpool-init Pod',
        check('init-pod'),
        remedy('init-pod'),
      ),
      row(
        '0.8.8 and 0.9.5–0.9.7 empty clusterNetwork in the Multus config',
        '0.8.8 和 0.9.5–0.9.7 会清空 Multus 配置中的 clusterNetwork',
        check('target-version'),
        step('sets clusterNetwork again behind helm, if the target is accepted', '接受该目标版本时，在 helm 之后恢复 clusterNetwork'),
      ),
      row(
        'controller ports: the rollout hangs with up to 3 replicas on as many nodes, one node included',
        'controller 端口：副本数不超过 3 且不少于节点数时滚动更新会卡住，单节点也是',
        check('controller-ports'),
        remedy('controller-ports'),
      ),
      row(
        'coordinator.detectIPConflict and detectGateway are ignored from 1.0.0 on',
        '1.0.0 起忽略 coordinator.detectIPConflict 和 detectGateway',
        check('values-keys'),
        check('removed-fields'),
      ),
      row(
        'from 1.0.0 on, helm uninstall deletes all objects and CRDs of Spiderpool',
        '1.0.0 起 helm uninstall 会删除 Spiderpool 的全部对象和 CRD',
        check('values-defaults'),
      ),
    ]),
    ...section('Releases, chart and objects', '版本、chart 与对象', [
      row(
        'a higher version does not imply a fix: lines overlap in time',
        '版本号更高不代表已包含修复：各版本线在时间上重叠',
        check('target-version'),
        check('ip-gc'),
      ),
      row(
        '0.2.3, 0.7.2 and 0.8.0-rc0 were never published; release candidates',
        '0.2.3、0.7.2、0.8.0-rc0 从未发布；候选版本',
        check('target-version'),
      ),
      row(
        'the installed version: what runs, then the release record',
        '当前版本：以运行中的为准，其次是 release 记录',
        note('shown with every check, and said where sources disagree', '每次检查都会显示，来源不一致时会说明'),
      ),
      row(
        'images: registry, repository, tag or digest; global.imageRegistryOverride',
        '镜像：仓库地址、名称、标签或摘要；global.imageRegistryOverride',
        check('images-present'),
        step(
          'pulls them on every node before anything is changed; --mirror sets the registry',
          '在做任何更改之前，先在所有节点上拉取；--mirror 指定镜像仓库',
        ),
      ),
      row(
        'names that the values change (controller, agent, ConfigMap, Secret)',
        '可由 values 修改的名称（controller、agent、ConfigMap、Secret）',
        note(
          'workloads are found by label; checks that read an object by its default name say so',
          '按标签查找工作负载；按默认名称读取对象的检查会注明',
        ),
      ),
      row(
        'the lines 1.2 and 1.1 are maintained; older ones get no more fixes',
        '仅维护 1.2 和 1.1；更早的版本线不再修复',
        note('the default target is the next resting point; --to takes any', '默认目标为下一个推荐版本；可用 --to 指定'),
      ),
      row(
        'every chart allows Kubernetes 1.16 and newer; 1.2.2 is tested upstream with 1.23 to 1.34',
        '所有 chart 都允许 Kubernetes 1.16 及以上；上游用 1.23–1.34 测试 1.2.2',
        note('not checked: no source says what fails outside of it', '不检查：没有资料说明其他版本会出现什么问题'),
      ),
      row(
        'selector labels of Deployment and DaemonSet never changed',
        'Deployment 和 DaemonSet 的标签选择算符从未改变',
        note('neither has to be created again', '均无需重新创建'),
      ),
      row(
        'keys of conf.yml come and go; tuneSysctlConfig works from 0.8.8, 0.9.6 and 1.0.0 on',
        'conf.yml 的键有增减；tuneSysctlConfig 自 0.8.8、0.9.6 和 1.0.0 起生效',
        check('values-defaults'),
        note('helm renders the ConfigMap at each upgrade', '每次升级都由 helm 重新渲染该 ConfigMap'),
      ),
    ]),
    ...section('CRDs and fields', 'CRD 与字段', [
      row(
        'API version v1 up to 0.3.7, v2beta1 from 0.4.0 on, no conversion',
        '0.3.7 及更早为 v1，0.4.0 起为 v2beta1，没有转换',
        check('crd-storage-version'),
        step('stops Spiderpool, converts every object where it is, then drops v1', '停止 Spiderpool，就地转换每个对象，然后移除 v1'),
      ),
      row(
        'the status of SpiderEndpoints is a subresource in v1 alone',
        '仅 v1 的 SpiderEndpoint 有 status 子资源',
        remedy('owner-controller-type'),
      ),
      row(
        'what v2beta1 has and v1 lacks: the uid of the Pod, spec.default, the labels of automatic pools',
        'v2beta1 有而 v1 没有的内容：Pod 的 uid、spec.default、自动池的标签',
        step('filled in by the conversion; it does not begin while an object cannot be converted', '由转换填写；有对象无法转换时不会开始'),
      ),
      row(
        'allocatedIPs is a map in v1, JSON in a string from 0.4.0 on',
        'allocatedIPs 在 v1 为映射，0.4.0 起为字符串中的 JSON',
        remedy('leaked-ip'),
        remedy('unrecorded-pod-ip'),
      ),
      row(
        'fields that CRDs of 1.0.0 and 1.0.4 drop: vlan, detect*, hostRPFilter, mtu',
        '1.0.0 和 1.0.4 的 CRD 会丢弃的字段：vlan、detect*、hostRPFilter、mtu',
        check('removed-fields'),
      ),
      row(
        'CRDs that other software owns (sriovnetwork.openshift.io) must not be downgraded',
        '属于其他软件的 CRD（sriovnetwork.openshift.io）不得降级',
        remedy('crds-current'),
      ),
      row(
        'CRD spiderclaimparameters of 1.0.0 candidates is left behind',
        '1.0.0 候选版本的 CRD spiderclaimparameters 会残留',
        check('leftovers'),
        remedy('leftovers'),
      ),
      row(
        'CRDs store v2beta1 alone, and have the defaults of their version',
        'CRD 仅以 v2beta1 存储，并带有其版本的默认值',
        check('crd-storage-version'),
        check('crds-current'),
      ),
      row(
        'vlan 4095 of a pool or subnet is invalid from 0.6.0 on',
        '0.6.0 起，池或子网的 vlan 4095 无效',
        note('not checked: 4095 is reserved, and no interface can have it', '不检查：4095 为保留值，网卡无法使用'),
      ),
    ]),
    ...section('Automatic pools', '自动池', [
      row(
        'five layouts of labels, from 0.2 to 0.5; names that can be cut in several ways',
        '从 0.2 到 0.5 的五种标签格式；可有多种切分方式的名称',
        check('auto-pool-labels'),
      ),
      row(
        'order: labels before the upgrade, podAffinity right behind it',
        '顺序：升级前设置标签，升级后立即替换 podAffinity',
        remedy('auto-pool-labels'),
      ),
      row('a pool whose owner is gone is not labelled', '属主已不存在的池不打标签', check('auto-pool-labels')),
      row(
        'a pool that contains its own gateway, or is being deleted, is rejected by its webhook',
        '含有自身网关或正在删除的池会被 webhook 拒绝',
        note('left out, with what to do first', '会跳过，并说明需先做什么'),
      ),
      row(
        'the webhook compares ranges only of pools that have the label ippool-cidr',
        'webhook 只比较带有 ippool-cidr 标签的池的 IP 范围',
        check('duplicate-pod-ip'),
        note('it sets the label at the next write of the pool', '下次写入该池时由 webhook 设置该标签'),
      ),
      row(
        'names of more than 63 characters are not valid labels',
        '超过 63 个字符的名称不能作为标签值',
        note('the pool is left out, with the reason', '跳过该池并说明原因'),
      ),
      row(
        '0.5.1–0.8.0: a Pod whose annotation names no IPv6 subnet fails with enableIPv6, the default from 0.6.0 on',
        '0.5.1–0.8.0：启用 enableIPv6（0.6.0 起为默认）时，注解未指定 IPv6 子网的 Pod 会出错',
        check('values-defaults'),
      ),
    ]),
    ...section('Owner type, init and Multus', '属主类型、init 与 Multus', [
      row(
        'ownerControllerType None is inert in every release up to 1.2.2',
        'ownerControllerType 为 None 在 1.2.2 及以前的版本中没有影响',
        check('owner-controller-type'),
        remedy('owner-controller-type'),
      ),
      row(
        'ownerControllerType Unknown of 0.3.x is as inert',
        '0.3.x 的 ownerControllerType Unknown 同样没有影响',
        note('not reported', '不报告'),
      ),
      row(
        'spiderpool-init as a Job runs at an install only: from before 0.6.0 no SpiderCoordinator is created',
        'spiderpool-init 为 Job 时仅在安装时运行：从 0.6.0 之前升级不会创建 SpiderCoordinator',
        check('coordinator-object'),
        remedy('coordinator-object'),
      ),
      row(
        'preStop of 0.8.0–0.8.3 and 0.9.0-rc0 deletes Multus files at every stop',
        '0.8.0–0.8.3、0.9.0-rc0 的 preStop 每次停止都会删除 Multus 文件',
        check('target-version'),
      ),
      row('a Multus image before v4 lacks /install_multus', 'v4 之前的 Multus 镜像没有 /install_multus', check('multus-image-tag')),
      row(
        'from 0.8.9 and 0.9.8 on each agent detects the default network, and can find another one',
        '0.8.9、0.9.8 起每个 agent 自行检测默认网络，可能与之前不同',
        check('multus-default-network'),
        remedy('multus-default-network'),
      ),
      row(
        'expired Multus tokens (0.8.8, 0.9.7 and older), 00-multus.conf lost at a container restart',
        'Multus 令牌过期（0.8.8、0.9.7 及更早），容器重启后丢失 00-multus.conf',
        note('files on the nodes are not read; fixed by the upgrade itself', '不读取节点上的文件；升级本身会修复'),
      ),
      row(
        'the chart includes Multus from 0.6.0 on: helm refuses 0.6.0–0.7.3 beside another one, later charts install a second one',
        '0.6.0 起 chart 自带 Multus：集群中已有 Multus 时，helm 会拒绝 0.6.0–0.7.3，之后的 chart 会再安装一个',
        check('other-multus'),
        remedy('other-multus'),
      ),
      row(
        'agents of 0.8.9, 0.9.8 and later read ConfigMap spiderpool-conf, whatever global.configName says',
        '0.8.9、0.9.8 及以后的 agent 固定读取 ConfigMap spiderpool-conf，不受 global.configName 影响',
        check('multus-image-tag'),
        remedy('multus-image-tag'),
      ),
      row(
        'uninstall=true from 0.8.4 and 0.9.0 on, and any value in 0.8.0–0.8.3: the stopping agent deletes the Multus files, the next one writes them',
        '0.8.4、0.9.0 起 uninstall=true 时（0.8.0–0.8.3 则始终如此）：agent 停止时删除 Multus 文件，由下一个 agent 重新写入',
        note('not checked: a rolling update stops the old agent first', '不检查：滚动更新会先停止旧的 agent'),
      ),
      row(
        'the token of ServiceAccount spiderpool-multus (0.6.0–0.7.3) ends with the upgrade, until the new agent of the node has written its own',
        'ServiceAccount spiderpool-multus（0.6.0–0.7.3）的令牌随升级失效，直到该节点的新 agent 写入自己的令牌',
        note('not checked: it lasts as long as the rollout of the agents', '不检查：仅持续到 agent 滚动更新完成'),
      ),
      row(
        'a spiderpool-init that failed or still runs: the install never completed',
        'spiderpool-init 失败或仍在运行：安装未完成',
        check('init-pod'),
        check('coordinator-object'),
        check('multus-default-network'),
        note('a Job is not read: what it should have made is checked', '不读取 Job：检查它本应创建的对象'),
      ),
      row(
        'helm rollback to 0.6.0–0.7.3 while the NetworkAttachmentDefinition CRD exists fails with old releases of Helm',
        'NetworkAttachmentDefinition 的 CRD 存在时，旧版 Helm 回滚到 0.6.0–0.7.3 会失败',
        note('not checked: fixed in Helm (PR 9068)', '不检查：Helm 已修复（PR 9068）'),
      ),
    ]),
    ...section('Coordinator', 'Coordinator', [
      row('which fields each agent version reads unchecked', '各版本 agent 不作判断即读取的字段', check('coordinator-fields')),
      row(
        'rollback trap: CRDs of 1.0.0 and later prune fields that older agents need',
        '回滚陷阱：1.0.0 及以后的 CRD 会清除旧 agent 需要的字段',
        check('rollback-crds'),
        step('says what helm rollback does not restore', '说明 helm rollback 不会恢复的内容'),
      ),
      row(
        'K3s and managed clusters: NotReady without kubeadm-config or a kube-controller-manager Pod',
        'K3s 与托管集群：没有 kubeadm-config 或 kube-controller-manager Pod 时为 NotReady',
        check('coordinator-ready'),
      ),
      row(
        'agents take the first SpiderCoordinator of the list, the controller maintains one name',
        'agent 取列表中的第一个 SpiderCoordinator，controller 只维护一个名称',
        check('coordinator-object'),
      ),
      row(
        '0.8.5 and 0.9.1 panic in clusters without kube-controller-manager Pods',
        '0.8.5 和 0.9.1 在没有 kube-controller-manager Pod 的集群中崩溃',
        check('target-version'),
      ),
    ]),
    ...section('IPs', 'IP', [
      row(
        'two Pods with one IP; which of them keeps it, and how the other gets another',
        '两个 Pod 使用同一 IP；由谁保留，另一个如何更换',
        check('duplicate-pod-ip'),
        remedy('duplicate-pod-ip'),
      ),
      row(
        'a terminating Pod whose containers still run, while its IP is assigned to another Pod',
        '正在终止的 Pod 的容器仍在运行，而其 IP 已分配给其他 Pod',
        check('duplicate-pod-ip'),
        remedy('duplicate-pod-ip'),
      ),
      row(
        'from 0.8.8 and 0.9.5 on, a StatefulSet Pod whose pool annotation changed gets a new IP',
        '0.8.8、0.9.5 起，池注解改变后 StatefulSet 的 Pod 会分配新的 IP',
        note('not checked: the annotation asks for it', '不检查：这正是注解的要求'),
      ),
      row(
        'a SpiderEndpoint claims an IP that its pool does not have allocated',
        'SpiderEndpoint 声明的 IP 未在池中分配',
        check('unrecorded-pod-ip'),
        remedy('unrecorded-pod-ip'),
      ),
      row('an IP is allocated to an owner that no longer exists', 'IP 分配给已不存在的属主', check('leaked-ip'), remedy('leaked-ip')),
      row(
        'a SpiderEndpoint of an earlier Pod of the same name blocks the new Pod',
        '旧的同名 Pod 的 SpiderEndpoint 阻塞新 Pod',
        check('stale-endpoint'),
        remedy('stale-endpoint'),
      ),
      row(
        'one Pod that never started has taken IP after IP from a pool (0.8.8, 0.9.7 and older)',
        '从未启动的 Pod 不断占用池中的 IP（0.8.8、0.9.7 及更早）',
        check('leaked-ip'),
      ),
      row(
        'SpiderEndpoints in deletion, or without a Pod whose IP is not static',
        '正在删除的 SpiderEndpoint，以及没有 Pod 且 IP 非固定的 SpiderEndpoint',
        note('not reported: IP garbage collection removes them at its next scan', '不报告：IP 回收会在下次扫描时移除'),
      ),
      row(
        'allocatedIPCount is not the number of allocated IPs',
        'allocatedIPCount 与已分配 IP 的数量不符',
        check('pool-state'),
        remedy('pool-state'),
      ),
      row('a pool in deletion gives no IPs, and rejects changes', '正在删除的池不再分配 IP，并拒绝修改', check('pool-state')),
      row(
        'IPs of further interfaces stand only in SpiderEndpoints and network-status',
        '其他网卡的 IP 只在 SpiderEndpoint 和 network-status 中',
        note('both are read', '两者都会读取'),
      ),
      row('records of KubeVirt VMs bear the name of the VM instance', 'KubeVirt 虚拟机的记录使用虚拟机实例的名称', check('leaked-ip')),
      row(
        'sums of SpiderSubnets: controlledIPPools against allocatedIPCount',
        'SpiderSubnet 的统计：controlledIPPools 与 allocatedIPCount',
        note('not checked: the controller counts them again', '不检查：controller 会重新统计'),
      ),
    ]),
    ...section('Values', 'values', [
      row(
        'renamed and removed keys (0.5.0, 0.6.0, 0.8.0, 0.8.8, 0.9.2, 1.0.0)',
        '改名和移除的键（0.5.0、0.6.0、0.8.0、0.8.8、0.9.2、1.0.0）',
        check('values-keys'),
        remedy('values-keys'),
        step('passes values of the release under their new names', '以新的键名传入 release 的 values'),
      ),
      row(
        '--set or --values alone makes helm drop the values set before',
        '仅使用 --set 或 --values 时 helm 会丢弃之前的值',
        check('values-keys'),
      ),
      row('defaults that change what runs on the nodes', '影响节点行为的默认值变化', check('values-defaults')),
      row(
        'environment variables that are empty with old values, so that the controller exits',
        '使用旧的值时环境变量为空，controller 退出',
        check('reuse-values'),
      ),
      row(
        'values of a chart that wraps Spiderpool lie below the name or alias of the dependency',
        '包装 Spiderpool 的 chart，其 values 位于依赖的名称或别名之下',
        check('values-keys'),
      ),
      row(
        'grafanaDashboard.install: another API group with 1.2.0',
        'grafanaDashboard.install：1.2.0 使用另一个 API 组',
        note('not checked: off by default; helm refuses where the CRD is missing', '不检查：默认关闭；缺少 CRD 时 helm 会拒绝'),
      ),
      row(
        'third-party owners of automatic pools need more permissions from 1.0.0 on',
        '1.0.0 起，自动池的第三方属主需要额外的权限',
        note('not checked: permissions of other controllers are not read', '不检查：不读取其他控制器的权限'),
      ),
      row(
        'keys that no template reads are ignored without an error: no chart has a values schema',
        '模板不读取的键会被忽略且不报错：所有 chart 都没有 values schema',
        check('values-keys'),
      ),
      row(
        'sriov values that are set in part make rendering fail',
        '仅设置部分 sriov values 会导致渲染失败',
        check('values-keys'),
        note('rendered with --chart, where helm is on PATH', '提供 --chart 且 PATH 中有 helm 时会实际渲染'),
      ),
      row(
        'binName without a path (0.5.0 and older) is kept by --reuse-values',
        '--reuse-values 会沿用不含路径的 binName（0.5.0 及更早）',
        check('reuse-values'),
      ),
      row(
        '1.0.0 and later: webhooks of the sriov operator have certificates of their own; pools and subnets have a webhook for DELETE (1.0.1); agents mount other host paths (1.2.0)',
        '1.0.0 及以后：sriov operator 的 webhook 使用单独的证书；池和子网增加 DELETE webhook（1.0.1）；agent 挂载的主机路径改变（1.2.0）',
        note('not checked: nothing has to be done, and fixes delete no pool', '不检查：无需处理，且修复不会删除池'),
      ),
    ]),
    ...section('Releases of Helm', 'Helm release', [
      row(
        'pending, failed and uninstalled revisions; labels that were edited',
        'pending、failed、uninstalled 的修订版本；被改过的标签',
        check('release-deployed'),
        remedy('release-deployed'),
      ),
      row(
        'records in Secrets and ConfigMaps are two histories, chosen by HELM_DRIVER',
        'Secret 与 ConfigMap 中的记录是两份历史，由 HELM_DRIVER 选择',
        check('release-deployed'),
        step('helm is led to the history that counts', '引导 helm 使用有效的那份历史'),
      ),
      row(
        'helm rollback fails where the cut revision dropped an object',
        '中断的修订版本删除了对象时 helm rollback 会失败',
        remedy('release-deployed'),
      ),
    ]),
    ...section('Versions to avoid', '应避免的版本', [
      row(
        '0.7.0 loops with a 0.6 CRD; 0.9.0 panics without txQueueLen; 1.0.2 and 1.0.3 have mtu that is pruned later',
        '0.7.0 在 0.6 的 CRD 下循环；0.9.0 缺少 txQueueLen 时崩溃；1.0.2、1.0.3 的 mtu 之后会被清除',
        check('target-version'),
      ),
      row(
        'from 0.4.0 on no version in between is required (0.6.1 to 1.2.2 directly); before it, what is stored has to be converted',
        '0.4.0 起无需经过中间版本（例如 0.6.1 可直接升级到 1.2.2）；更早的版本需先转换存储的对象',
        step('says that the jump is direct', '注明为直接升级'),
        check('crd-storage-version'),
      ),
      row('resting points of each line', '各版本线的推荐版本', check('target-version'), step('the default target', '默认的目标版本')),
      row('certificates of the Pod webhook up to 0.9.13', '0.9.13 及更早的 Pod webhook 证书问题', check('webhook-certificate')),
    ]),
    ...section('Before and after the upgrade', '升级前后', [
      row(
        'agents and controllers run what their DaemonSet and Deployment say',
        'agent 和 controller 与其 DaemonSet、Deployment 一致',
        check('rollout'),
        step('waits until both are ready', '等待两者就绪'),
      ),
      row('webhook CA, certificate, name and dates', 'webhook 的 CA、证书、名称与有效期', check('webhook-certificate')),
      row(
        'with tls.method auto every helm upgrade issues a new CA; errors of some 90 s are normal',
        'tls.method 为“auto”时每次 helm upgrade 都会签发新的 CA；约 90 秒内的错误属于正常现象',
        check('webhook-certificate'),
        note('steps behind helm are tried again', 'helm 之后的步骤会重试'),
      ),
      row(
        'webhooks reach a ready controller on the port of the Service',
        'webhook 通过 Service 的端口访问就绪的 controller',
        check('webhook-backend'),
      ),
      row(
        'with the controller down, writes of pools fail; status and SpiderEndpoints pass',
        'controller 停止时对池的写入会失败；status 和 SpiderEndpoint 不受影响',
        note('fixes that need the webhook are left out until a controller is ready', '需要 webhook 的修复会跳过，直到 controller 就绪'),
      ),
      row(
        'health endpoints of agent and controller',
        'agent 与 controller 的健康检查端点',
        note('covered by readiness of their Pods', '由其 Pod 的就绪状态反映'),
        check('rollout'),
      ),
      row(
        'every SpiderMultusConfig has its NetworkAttachmentDefinition',
        '每个 SpiderMultusConfig 都有对应的 NetworkAttachmentDefinition',
        note('not checked: the controller creates them again', '不检查：controller 会重新创建'),
      ),
      row(
        'leftovers: DaemonSet, ServiceAccount, ClusterRole, ConfigMaps',
        '残留对象：DaemonSet、ServiceAccount、ClusterRole、ConfigMap',
        check('leftovers'),
        remedy('leftovers'),
      ),
      row(
        'events that name Spiderpool or Multus',
        '涉及 Spiderpool 或 Multus 的事件',
        note('not read: events expire, and the states behind them are checked', '不读取：事件会过期，其背后的状态另有检查'),
      ),
    ]),
    ...section('Seen with the real Spiderpool', '真实 Spiderpool 的表现', [
      row(
        'the garbage collection bug of 0.9.4 takes the SpiderEndpoint too; then a restart alone heals',
        '0.9.4 的回收缺陷会同时删除 SpiderEndpoint；此时仅重启即可修复',
        remedy('unrecorded-pod-ip'),
      ),
      row(
        'garbage collection frees a leaked IP at its next scan (600 s)',
        'IP 回收在下次扫描（600 秒）时释放泄漏的 IP',
        check('leaked-ip'),
      ),
      row(
        'webhooks reject used IPs that are removed, overlaps, a gateway in the range, a changed subnet, a foreign podAffinity, a bad hijackCIDR',
        'webhook 会拒绝：移除使用中的 IP、范围重叠、网关在范围内、修改子网、其他 podAffinity、无效的 hijackCIDR',
        remedy('auto-pool-labels'),
        remedy('coordinator-fields'),
        remedy('default-pool-flag'),
        note('what they would reject is left out, with what to do first', '会被拒绝的修改会跳过，并说明需先做什么'),
      ),
      row(
        'SpiderEndpoints as written have no controller flag in their owner, and no cleanGateway',
        '实际写入的 SpiderEndpoint 的属主没有 controller 标志，也没有 cleanGateway',
        note('no check reads either', '检查不读取这些字段'),
      ),
      row(
        'an agent without MULTUS_CLUSTER_NETWORK matches no pool',
        '没有 MULTUS_CLUSTER_NETWORK 的 agent 无法匹配任何池',
        note('not checked: the charts always set it', '不检查：chart 始终设置该变量'),
      ),
    ]),
  ],
};
