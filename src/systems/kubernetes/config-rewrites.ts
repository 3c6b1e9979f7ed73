// Versions of configuration files of which a document becomes the next one by its apiVersion alone (fix -f), and for the others what a person does. Configuration of kubelets
// and of kube-proxy needs neither: no version of theirs is gone.
// Sources: types of both versions compared field by field: kubernetes cmd/kubeadm/app/apis/kubeadm/v1beta2 and v1beta3@1.26.15, v1beta4@1.37.2; kube-scheduler config/v1beta2,
// v1beta3 and v1@0.27.16, @0.28.15; kubernetes pkg/scheduler/apis/config/validation/validation.go:147@1.26.15; apiserver pkg/apis/audit@0.23.17 (Policy);
// apiserver pkg/admission/plugin/webhook/config/apis/webhookadmission@0.35.10 (register.go: the kind has another name).
import type { Json, Raw, Ref, Refusal, StepDraft, Text } from '../../engine/contracts.ts';
import { valueAt } from '../../engine/read/values.ts';
import { isRaw } from '../../kube/json.ts';
import { shellWord } from '../../text/shell.ts';
import { minorOf } from '../../versions/kubernetes.ts';
import { components } from './knowledge/tables.ts';
import { isReadBy } from './refusals.ts';

/** Of documents of which `unless` does not hold. */
interface Same {
  from: string;
  to: string;
  unless?(document: Raw): boolean;
}
const any =
  (...fields: string[]) =>
  (document: Raw): boolean =>
    fields.some((field) => valueAt(document, field.split('.')) !== undefined);

const SAME: readonly Same[] = [
  { from: 'kubeadm.k8s.io/v1beta2', to: 'kubeadm.k8s.io/v1beta3', unless: any('useHyperKubeImage', 'dns.type') },
  {
    from: 'kubeadm.k8s.io/v1beta3',
    to: 'kubeadm.k8s.io/v1beta4',
    // Flags are a list from there on, and timeouts stand together.
    unless: any(
      'apiServer.extraArgs',
      'controllerManager.extraArgs',
      'scheduler.extraArgs',
      'etcd.local.extraArgs',
      'nodeRegistration.kubeletExtraArgs',
      'apiServer.timeoutForControlPlane',
      'discovery.timeout',
    ),
  },
  {
    from: 'kubescheduler.config.k8s.io/v1beta3',
    to: 'kubescheduler.config.k8s.io/v1',
    unless: ({ profiles }) => JSON.stringify(profiles ?? []).includes('"SelectorSpread"'),
  },
  { from: 'audit.k8s.io/v1alpha1', to: 'audit.k8s.io/v1' },
  { from: 'audit.k8s.io/v1beta1', to: 'audit.k8s.io/v1' },
];

/** The first version on the way that the reader of that minor can read; undefined: more than apiVersion changes, or none is known. */
function becomes(reader: string, apiVersion: string, document: Raw, minor: string): string | undefined {
  const next = SAME.find(({ from }) => from === apiVersion);
  if (!next || next.unless?.(document)) return undefined;
  return isReadBy(reader, next.to, minor) ? next.to : becomes(reader, next.to, document, minor);
}

/** The file's own repair, or what a person does. `on.file`: where it is declared. */
export function configRewritten(reader: string, on: Ref, document: Raw | undefined, gone: string, minor: string): (StepDraft | Refusal)[] {
  if (!document || on.file === undefined) return [];
  const to = becomes(reader, gone, document, minor);
  if (to === undefined) return [{ refused: byPerson(reader, on, gone, minor), objects: [on] }];
  return [patched(on, on.kind, [['', 'apiVersion', gone, to]])];
}

/** A configuration of webhooks inside an AdmissionConfiguration; a file of its own has another kind then, which makes it another document. */
export function webhooksRewritten(on: Ref, document: Raw | undefined, gone: string): (StepDraft | Refusal)[] {
  if (!document || on.file === undefined) return [];
  if (on.kind !== 'AdmissionConfiguration') return [{ refused: RENAMED, objects: [on] }];
  return (Array.isArray(document.plugins) ? document.plugins : []).flatMap((plugin, at): StepDraft[] => {
    const { apiVersion, kind } = isRaw(plugin) && isRaw(plugin.configuration) ? plugin.configuration : {};
    if (apiVersion !== gone || typeof kind !== 'string') return [];
    const inside = `/plugins/${at}/configuration`;
    const version: Changed = [inside, 'apiVersion', gone, WEBHOOKS.apiVersion];
    return [patched(on, kind, kind === WEBHOOKS.kind ? [version] : [version, [inside, 'kind', kind, WEBHOOKS.kind]])];
  });
}

const WEBHOOKS = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'WebhookAdmissionConfiguration' };
const RENAMED: Text = {
  en: `set apiVersion to ${WEBHOOKS.apiVersion} and kind to ${WEBHOOKS.kind}; the fields stay the same`,
  zh: `将 apiVersion 改为 ${WEBHOOKS.apiVersion}，kind 改为 ${WEBHOOKS.kind}；字段不变`,
};

type Changed = [at: string, field: string, before: Json, after: string];

function patched({ file, line, ...on }: Ref, what: string, changed: readonly Changed[]): StepDraft {
  const to = changed.map(([, field, , after]): Text => ({ en: `${field} to ${after}`, zh: `${field} 改为 ${after}` }));
  return {
    do: 'patch',
    on,
    changes: changed.map(([at, field, before, after]) => ({ path: `${at}/${field}`, before, after })),
    guard: [],
    optional: true,
    undo: 'exact',
    text: {
      en: `in ${what} (${file}:${line}) set ${to.map(({ en }) => en).join(' and ')}`,
      zh: `在 ${what}（${file}:${line}）中将 ${to.map(({ zh }) => zh).join('，')}`,
    },
  };
}

function byPerson(reader: string, on: Ref, gone: string, minor: string): Text {
  if (reader === 'kubeadm') return migrated(on, gone, minor);
  if (gone === 'kubescheduler.config.k8s.io/v1beta2') return WEIGHTS;
  if (gone === 'kubescheduler.config.k8s.io/v1beta3') return SPREAD;
  return READ_BY(reader, minor);
}

const READ_BY = (reader: string, minor: string): Text => ({
  en: `use a version that ${reader} ${minor} reads`,
  zh: `请改用 ${reader} ${minor} 可读取的版本`,
});

const WEIGHTS: Text = {
  en: 'set apiVersion to kubescheduler.config.k8s.io/v1, remove healthzBindAddress and metricsBindAddress, and check the weights of plugins: their defaults have changed',
  zh: '将 apiVersion 改为 kubescheduler.config.k8s.io/v1，删除 healthzBindAddress 和 metricsBindAddress，并核对插件权重：其默认值已改变',
};
const SPREAD: Text = {
  en: 'replace plugin SelectorSpread with PodTopologySpread, which is on by default, then set apiVersion to kubescheduler.config.k8s.io/v1',
  zh: '将插件 SelectorSpread 改为默认启用的 PodTopologySpread，再将 apiVersion 改为 kubescheduler.config.k8s.io/v1',
};

/** kubeadm writes the newest version that it does not call experimental. */
function migrated({ file = '' }: Ref, gone: string, minor: string): Text {
  const row = components().configVersions.find((each) => each.reader === 'kubeadm' && each.apiVersion === gone);
  // It comes later than that minor, or went before what is known.
  if (!row?.removedIn || minorOf(row.removedIn) > minorOf(minor)) return READ_BY('kubeadm', minor);
  const by = `1.${minorOf(row.removedIn) - 1}`;
  const command = `kubeadm config migrate --old-config ${shellWord(file)} --new-config ${shellWord(`${file}.new`)}`;
  return {
    en: `fields change too; with kubeadm ${by}: ${command}`,
    zh: `字段也会变化；请用 kubeadm ${by} 执行：${command}`,
  };
}
