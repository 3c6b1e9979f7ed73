// Webhook configurations are made by osm-edge itself, not by Helm: they outlive a mesh that was renamed, moved or uninstalled, and with failurePolicy Fail they reject what they match.
// Sources: pkg/injector/webhook.go, pkg/validator/patch.go (update copies the existing ObjectMeta), charts/osm/templates/cleanup-hook.yaml of github.com/flomesh-io/osm-edge, every tag.
import type { Check, Finding, Ref, Rows, StepDraft } from '../../../engine/contracts.ts';
import { each, list, maybe, word } from '../../../engine/read/index.ts';
import { type Workload, workloads } from '../reads.ts';

const CONFIG = {
  hooks: each('webhooks', {
    name: word('name', ''),
    policy: word('failurePolicy'),
    service: maybe('clientConfig.service', { name: word('name', ''), namespace: word('namespace', '') }),
  }),
};
const reads = {
  workloads,
  mutating: list('mutatingwebhookconfigurations.admissionregistration.k8s.io', CONFIG),
  validating: list('validatingwebhookconfigurations.admissionregistration.k8s.io', CONFIG),
};
/** The webhooks of every version, with the Deployment that serves each. */
const SERVED_BY: Record<string, string> = { 'osm-inject.k8s.io': 'osm-injector', 'osm-validator.k8s.io': 'osm-controller' };

interface Args {
  name: string;
  hook: string;
  namespace: string;
  fails: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/webhook-leftovers',
  title: { en: 'osm webhook configurations belong to an installed mesh', zh: 'osm 的 webhook 配置均属于已安装的网格' },
  headline: { en: 'webhook configurations of a removed mesh are left', zh: '残留已移除网格的 webhook 配置' },
  page: {
    impact: {
      en: 'osm-edge creates its webhook configurations itself, so helm does not delete them when a mesh is renamed, moved or uninstalled. With failurePolicy Fail a leftover rejects every Pod or policy that it matches.',
      zh: 'osm-edge 自行创建 webhook 配置，因此网格改名、迁移或卸载时 helm 不会删除它们。failurePolicy 为 Fail 的残留配置会拒绝所有匹配的 Pod 或策略对象。',
    },
    detection: {
      en: 'Lists webhook configurations with osm-inject.k8s.io or osm-validator.k8s.io whose Service is in a namespace without the Deployment that serves it.',
      zh: '列出含有 osm-inject.k8s.io 或 osm-validator.k8s.io 的 webhook 配置，其 Service 所在的命名空间中没有对应的 Deployment。',
    },
    fix: { en: 'Deletes the webhook configuration. Undo creates it again.', zh: '删除该 webhook 配置。撤销时重新创建。' },
  },
  sources: ['flomesh-io/osm-edge: pkg/injector/webhook.go, pkg/validator/patch.go, charts/osm/templates/cleanup-hook.yaml@v1.3.9'],
  applies: { stage: 'both' },
  reads,
  judge: (rows: Rows<typeof reads>) =>
    [...rows.mutating, ...rows.validating].flatMap(({ ref, hooks }) => {
      const dead = hooks.find(
        ({ name, service }) => SERVED_BY[name] && service && !isServed(SERVED_BY[name], service.namespace, rows.workloads),
      );
      return dead ? [finding(ref, dead.name, dead.service!.namespace, dead.policy !== 'Ignore')] : [];
    }),
  say: ({ name, hook, namespace, fails }) => ({
    en: `webhook ${hook} of ${name} calls namespace ${namespace}, where no ${SERVED_BY[hook]} is installed: ${fails ? 'rejects what it matches' : 'is skipped'}`,
    zh: `${name} 的 webhook ${hook} 调用命名空间 ${namespace}，其中未安装 ${SERVED_BY[hook]}：${fails ? '会拒绝匹配的请求' : '会被跳过'}`,
  }),
  remedy: {
    writes: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((resource) => ({
      ...{ verbs: ['get', 'delete', 'create'], group: 'admissionregistration.k8s.io', resource },
    })),
    steps: async (found) => found.map(remove),
  },
};
export default check;

const isServed = (deployment: string, namespace: string, all: readonly Workload[]): boolean =>
  all.some(({ ref }) => ref.namespace === namespace && ref.name === deployment);

const finding = (ref: Ref, hook: string, namespace: string, fails: boolean): Finding<Args> => ({
  severity: fails ? 'blocker' : 'warning',
  key: [ref.kind, ref.name],
  certainty: 'high',
  objects: [ref],
  args: { name: ref.name, hook, namespace, fails },
  evidence: [{ seen: `webhooks[name=${hook}].clientConfig.service.namespace: ${namespace}`, at: ref }],
});

function remove({ objects, args: { hook, namespace } }: Finding<Args>): StepDraft {
  const [on] = objects as [Ref];
  const server: Ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: SERVED_BY[hook]! };
  return {
    ...{ do: 'delete', on, undo: 'compensates' },
    guard: [{ on: server, must: 'be-gone' }],
    text: { en: `delete ${on.kind} ${on.name}`, zh: `删除 ${on.kind} ${on.name}` },
    undoNote: { en: 'undo: creates it again, with a new UID', zh: '撤销时：重新创建（UID 会变）' },
  };
}
