// Roles of drivers and schedulers of Dynamic Resource Allocation that grant the status of ResourceClaims, and not what the API server asks for besides from 1.36 on.
// Sources: kubernetes pkg/registry/resource/resourceclaim/strategy.go:215@1.37.2, pkg/registry/resource/utils.go (AuthorizedForBinding, AuthorizedForDeviceStatus)@1.37.2,
// pkg/features/kube_features.go:1403@1.36.4; kubernetes 134947.
import { finding } from '../../../engine/builders.ts';
import type { Check, Rows } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { gatesAhead, hopOf } from '../behind.ts';
import { allows, covers, nameOf, names, ofRole, type Role, type Rule, rolesWith } from '../roles.ts';

const HOP = '1.36';
const reads = rolesWith((role) => writesStatus(role), [HOP]);
interface Args {
  role: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/dra-status-rights',
  title: { en: 'roles for ResourceClaims grant what 1.36 requires', zh: 'ResourceClaim 相关角色授予了 1.36 所需的权限' },
  headline: { en: 'roles lack permissions on the status of ResourceClaims', zh: '角色缺少写入 ResourceClaim 状态所需的权限' },
  page: {
    impact: {
      en: 'From 1.36 on the API server refuses changes of status.allocation and status.reservedFor without permission on resourceclaims/binding, and changes of status.devices without permission on resourceclaims/driver. A scheduler or DRA driver without these permissions cannot allocate devices or report their status.',
      zh: '自 1.36 起，没有 resourceclaims/binding 权限时 API 服务器拒绝修改 status.allocation 和 status.reservedFor，没有 resourceclaims/driver 权限时拒绝修改 status.devices。缺少这些权限的调度器或 DRA 驱动无法分配设备或上报设备状态。',
    },
    detection: {
      en: 'Reads the rules of ClusterRoles and Roles that allow writes to resourceclaims/status. A role that also grants resourceclaims/binding or resourceclaims/driver is not reported, nor are the roles of Kubernetes itself.',
      zh: '读取 ClusterRole 和 Role 中允许写入 resourceclaims/status 的规则。已授予上述任一权限的角色以及 Kubernetes 自带的角色不会报告。',
    },
    fix: {
      en: 'manual: upgrade the driver or scheduler to a release whose roles have the rule. Or add it: update and patch on resourceclaims/binding for a scheduler; associated-node:update and associated-node:patch on resourceclaims/driver for a driver on each Node.',
      zh: '手动：将驱动或调度器升级到角色已包含该规则的版本。或自行添加：调度器需要对 resourceclaims/binding 的“update”和“patch”权限；各节点上的驱动需要对 resourceclaims/driver 的“associated-node:update”和“associated-node:patch”权限。',
    },
    limits: {
      en: 'Another role that is bound to the same account is not taken into account.',
      zh: '不考虑绑定到同一账号的其他角色。',
    },
  },
  sources: ['kubernetes/kubernetes: pkg/registry/resource/utils.go, pkg/registry/resource/resourceclaim/strategy.go, PR 134947'],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ clusterRoles, roles }: Rows<typeof reads>, { path, cluster }) =>
    gatesAhead({ path, cluster }).includes(HOP)
      ? [...seen(clusterRoles), ...seen(roles)].filter(lacksBoth).map(({ ref }) =>
          finding({
            ...ofRole(ref),
            args: { role: nameOf(ref) },
            evidence: [{ seen: 'rules[].resources: resourceclaims/status' }],
            hop: hopOf(path, HOP),
          }),
        )
      : [],
  say: ({ role }) => ({
    en: `${role} grants resourceclaims/status, but neither resourceclaims/binding nor resourceclaims/driver: such writes are refused from ${HOP} on`,
    zh: `${role} 授予了 resourceclaims/status，但没有 resourceclaims/binding 或 resourceclaims/driver：自 ${HOP} 起此类写入会被拒绝`,
  }),
};
export default check;

const GROUP = 'resource.k8s.io';
const writes = (rule: Rule): boolean => allows(rule, 'update', 'patch');
/** What a driver asks for has its Node in the verb. */
const drives = ({ verbs }: Rule): boolean => verbs.some((verb) => verb === '*' || /^(?:associated|arbitrary)-node:/.test(verb));

const writesStatus = ({ rules }: Role): boolean => rules.some((rule) => names(rule, GROUP, 'resourceclaims/status') && writes(rule));
const lacksBoth = ({ rules }: Role): boolean =>
  !rules.some(
    (rule) =>
      (covers(rule, GROUP, 'resourceclaims/binding') && writes(rule)) || (covers(rule, GROUP, 'resourceclaims/driver') && drives(rule)),
  );
