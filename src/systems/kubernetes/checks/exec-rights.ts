// Roles that grant get, but not create, on pods/exec, pods/attach or pods/portforward: over WebSocket, as kubectl and other clients open them,
// get was enough; from 1.35 on the API server asks for create too. Sources: kubernetes pkg/registry/core/pod/rest/subresources.go:182@1.35.8 (ensureAuthorizedForVerb), pkg/features/kube_features.go:1152@1.35.8; kubernetes 134577.
import { finding } from '../../../engine/builders.ts';
import type { Check, Rows } from '../../../engine/contracts.ts';
import { seen } from '../../../engine/gaps.ts';
import { hopOf } from '../behind.ts';
import { comesIn, gateLooks, gateReads, minorsOf } from '../gates.ts';
import { later } from '../reads.ts';
import { allows, covers, nameOf, names, ofRole, type Role, rolesWith } from '../roles.ts';

const GATE = 'AuthorizePodWebsocketUpgradeCreatePermission';
const reads = later(() => ({ ...rolesWith((role) => lacking(role).length > 0, minorsOf(GATE)), ...gateReads() }));
interface Args {
  role: string;
  lacks: string[];
  hop: string;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/exec-rights',
  title: { en: 'roles that allow kubectl exec grant create on pods/exec', zh: '允许 kubectl exec 的角色授予了“create”权限' },
  headline: { en: 'roles lack create for exec, attach or port-forward', zh: '角色缺少 kubectl exec 等操作所需的“create”权限' },
  page: {
    impact: {
      en: 'From 1.35 on the API server requires permission to create pods/exec, pods/attach and pods/portforward over WebSocket too, where get was enough before. Without it, kubectl exec, attach and port-forward and other clients that use WebSocket get 403 Forbidden.',
      zh: '自 1.35 起，通过 WebSocket 使用 pods/exec、pods/attach 和 pods/portforward 也需要“create”权限，此前有“get”权限即可。缺少该权限时，“kubectl exec”“attach”“port-forward”以及其他使用 WebSocket 的客户端会收到“403 Forbidden”。',
    },
    detection: {
      en: 'Reads the rules of ClusterRoles and Roles that name one of these subresources with get. A role is not reported if its rules also grant create, if get is granted on all resources (*), or if it belongs to Kubernetes itself. No role is reported where feature gate AuthorizePodWebsocketUpgradeCreatePermission is set to false in ConfigMap kubeadm-config or on kube-apiserver.',
      zh: '读取 ClusterRole 和 Role 中对上述子资源授予“get”权限的规则。规则中同时授予了“create”的角色、对所有资源（*）授予“get”的角色，以及 Kubernetes 自带的角色不会报告。如果 ConfigMap kubeadm-config 或 kube-apiserver 将特性门控 AuthorizePodWebsocketUpgradeCreatePermission 设为 false，则不报告任何角色。',
    },
    fix: {
      en: 'manual: add verb create to the rule where the role is declared; Kubernetes before 1.35 accepts it too. If the accounts of the role must not open such sessions, remove get instead.',
      zh: '手动：在声明该角色的位置为规则添加“create”；1.35 之前的 Kubernetes 同样支持。如果该角色的账号不应打开此类会话，则改为删除“get”。',
    },
    limits: {
      en: 'Another role that is bound to the same account is not taken into account. The feature gate is locked to true from 1.38 on.',
      zh: '不考虑绑定到同一账号的其他角色。该特性门控自 1.38 起锁定为 true。',
    },
  },
  sources: ['kubernetes/kubernetes: pkg/registry/core/pod/rest/subresources.go, pkg/features/kube_features.go, PR 134577', 'KEP-4006'],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  pointReads: gateLooks,
  judge: async ({ clusterRoles, roles, ...gates }: Rows<ReturnType<typeof reads>>, at) => {
    const found = [...seen(clusterRoles), ...seen(roles)];
    const hop = found.length ? await comesIn(GATE, gates, at) : undefined;
    if (!hop) return [];
    return found.map((role) => {
      const [lacks, evidence] = [lacking(role), { seen: `rules[].verbs: get (${lacking(role).join(', ')})` }];
      return finding({ ...ofRole(role.ref), args: { role: nameOf(role.ref), lacks, hop }, evidence: [evidence], hop: hopOf(at.path, hop) });
    });
  },
  say: ({ role, lacks, hop }) => ({
    en: `${role} grants get, but not create, on ${lacks.join(', ')}: refused over WebSocket from ${hop} on`,
    zh: `${role} 对 ${lacks.join('、')} 只授予“get”，未授予“create”：自 ${hop} 起通过 WebSocket 的请求被拒绝`,
  }),
};
export default check;

/** Of these three alone; proxies are not asked for it. */
const SUBRESOURCES = ['pods/exec', 'pods/attach', 'pods/portforward'];

/** With `resourceNames` create counts only for the Pods that get is granted for. */
const lacking = ({ rules }: Role): string[] =>
  SUBRESOURCES.filter((subresource) =>
    rules
      .filter((rule) => names(rule, '', subresource) && allows(rule, 'get'))
      .some(
        (rule) =>
          !rules.some(
            (other) =>
              covers(other, '', subresource) &&
              allows(other, 'create') &&
              (!other.names.length || (rule.names.length > 0 && rule.names.every((name) => other.names.includes(name)))),
          ),
      ),
  );
