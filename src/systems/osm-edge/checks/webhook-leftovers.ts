// Webhook configurations are made by osm-edge itself, not by Helm: they outlive a mesh that was renamed, moved or uninstalled, and with failurePolicy Fail they reject what they match.
// Sources: pkg/injector/webhook.go, pkg/validator/patch.go (update copies the existing ObjectMeta), charts/osm/templates/cleanup-hook.yaml of github.com/flomesh-io/osm-edge, every tag.
import { setFields } from '../../../engine/builders.ts';
import type { Check, Finding, Ref, Rows, StepDraft } from '../../../engine/contracts.ts';
import { each, label, list, maybe, word } from '../../../engine/read/index.ts';
import { byUpgrade } from '../manual.ts';
import { PARTS, type Workload, workloads } from '../reads.ts';

const VERSION = '/metadata/labels/app.kubernetes.io~1version';
const CONFIG = {
  version: label('app.kubernetes.io/version'),
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
  /** Served, but labelled with another version than the control plane has: as it is, and as it should be. */
  label?: [from: string, to: string];
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/webhook-leftovers',
  title: { en: 'osm webhook configurations belong to an installed mesh', zh: 'osm 的 webhook 配置均属于已安装的网格' },
  headline: { en: 'webhook configurations of a removed mesh are left behind', zh: '已移除的网格残留了 webhook 配置' },
  page: {
    impact: {
      en: 'osm-edge creates its webhook configurations itself, so helm does not delete them when a mesh is renamed, moved or uninstalled. With failurePolicy Fail a leftover rejects every Pod or policy that it matches. They keep the version label of the first install, and the hook at uninstall deletes by the label of the chart: after an upgrade it would leave them.',
      zh: 'osm-edge 自行创建 webhook 配置，因此网格改名、迁移或卸载时 helm 不会删除它们。failurePolicy 为 Fail 的残留配置会拒绝所有匹配的 Pod 或策略对象。它们保留首次安装时的版本标签，而卸载时按 chart 的版本标签删除，因此升级之后卸载会留下它们。',
    },
    detection: {
      en: 'Lists webhook configurations with osm-inject.k8s.io or osm-validator.k8s.io whose Service is in a namespace without the Deployment that serves it, or that have the version label of another release than the Deployment.',
      zh: '列出含有 osm-inject.k8s.io 或 osm-validator.k8s.io 的 webhook 配置，其 Service 所在的命名空间中没有对应的 Deployment，或其版本标签与该 Deployment 的不同。',
    },
    fix: {
      en: 'Deletes a webhook configuration without a server, and relabels one of another version. Undo creates it again, or restores the label.',
      zh: '删除没有后端的 webhook 配置，并更正版本标签。撤销时重新创建，或恢复原来的标签。',
    },
  },
  sources: ['flomesh-io/osm-edge: pkg/injector/webhook.go, pkg/validator/patch.go, charts/osm/templates/cleanup-hook.yaml@v1.3.9'],
  applies: { stage: 'both' },
  reads,
  judge: (rows: Rows<typeof reads>, { path: { installation } }) =>
    [...rows.mutating, ...rows.validating].flatMap(({ ref, hooks, version }) => {
      const dead = hooks.find(({ name, service }) => SERVED_BY[name] && service && !isServed(service.namespace, rows.workloads));
      if (dead) return [finding(ref, dead.name, dead.service!.namespace, dead.policy !== 'Ignore')];
      const own = hooks.find(({ name, service }) => SERVED_BY[name] && service?.namespace === installation.namespace);
      const running =
        own &&
        rows.workloads.find(({ ref: { namespace, name } }) => namespace === installation.namespace && name === SERVED_BY[own.name])
          ?.version;
      return own && version && running && version !== running
        ? [mislabelled(ref, own.name, installation.namespace ?? '', [version, running])]
        : [];
    }),
  say: ({ name, hook, namespace, fails, label }) =>
    label
      ? {
          en: `${name} is labelled with version ${label[0]}, the control plane with ${label[1]}: uninstall would leave it behind`,
          zh: `${name} 的版本标签为 ${label[0]}，控制平面为 ${label[1]}：卸载时会残留`,
        }
      : {
          en: `webhook ${hook} of ${name} calls namespace ${namespace}, where no ${SERVED_BY[hook]} is installed: ${fails ? 'rejects what it matches' : 'is skipped'}`,
          zh: `${name} 的 webhook ${hook} 调用命名空间 ${namespace}，其中未安装 ${SERVED_BY[hook]}：${fails ? '会拒绝匹配的请求' : '会被跳过'}`,
        },
  remedy: {
    writes: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((resource) => ({
      ...{ verbs: ['get', 'delete', 'create', 'patch'], group: 'admissionregistration.k8s.io', resource },
    })),
    // An upgrade labels them with the version that it brings.
    steps: async (found, at) =>
      found.map((each) => {
        const { from, to } = at.path;
        if (!each.args.label) return remove(each);
        return to === undefined || to === from ? relabel(each, each.args.label) : byUpgrade(at, LATER, each.objects);
      }),
  },
};
export default check;

/** A part that is away for a while, as osm-controller is between selector-immutable and the upgrade, does not make it a leftover. */
const isServed = (namespace: string, all: readonly Workload[]): boolean =>
  all.some(({ ref }) => ref.namespace === namespace && PARTS.some((part) => part === ref.name));

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

const LATER = { en: 'upgrade osm-edge sets the label', zh: 'upgrade osm-edge 会设置该标签' };

const mislabelled = (ref: Ref, hook: string, namespace: string, label: [string, string]): Finding<Args> => ({
  severity: 'notice',
  key: [ref.kind, ref.name, 'label'],
  certainty: 'certain',
  objects: [ref],
  args: { name: ref.name, hook, namespace, fails: false, label },
  evidence: [{ seen: `metadata.labels[app.kubernetes.io/version]: ${label[0]}`, at: ref }],
});

const relabel = ({ objects }: Finding<Args>, [before, after]: [string, string]): StepDraft => {
  const on = objects[0]!;
  return setFields(on, [{ path: VERSION, before, after }], {
    en: `label ${on.kind} ${on.name} with version ${after}`,
    zh: `将 ${on.kind} ${on.name} 的版本标签改为 ${after}`,
  });
};
