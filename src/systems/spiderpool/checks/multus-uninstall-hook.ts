// The DaemonSet spiderpool-multus of 0.7.x, installed with multus.multusCNI.uninstall=true, removes the Multus files of its node when it stops; helm deletes it after the new agents wrote theirs.
// Sources: knowledge/notes.json (multusPreStop).
import { finding } from '../../../engine/builders.ts';
import type { Check, Ref, Refusal, StepDraft, Text } from '../../../engine/contracts.ts';
import { each, label, list, maybe, texts, word } from '../../../engine/read/index.ts';
import { notes } from '../knowledge/tables.ts';

/** What the chart calls it by default; another name shows by its label. */
const CONFIG = '00-multus.conf';

const reads = {
  daemonSets: list(
    'daemonsets.apps',
    {
      instance: label('app.kubernetes.io/instance'),
      app: label('app'),
      containers: each('spec.template.spec.containers', {
        name: word('name', ''),
        stop: maybe('lifecycle.preStop.exec', { command: texts('command') }),
      }),
      strategy: word('spec.updateStrategy.type', 'RollingUpdate'),
    },
    { labels: 'app.kubernetes.io/name=spiderpool' },
  ),
};

interface Args {
  target: string;
  container: string;
  /** Its place in the Pod template, and the command of its preStop. */
  at: number;
  command: string[];
  /** Pods are replaced by their controller. */
  rolls: boolean;
}
/** Seconds for the Pods to be replaced, two at a time. */
const WITHIN = 1800;

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/multus-uninstall-hook',
  title: { en: 'old Multus Pods keep the Multus files of their node', zh: '旧的 Multus Pod 会保留节点上的 Multus 文件' },
  headline: { en: 'old Multus Pods will delete the Multus config of nodes', zh: '旧的 Multus Pod 会删除节点上的 Multus 配置' },
  page: {
    impact: {
      en: 'In 0.7.0–0.7.3 with multus.multusCNI.uninstall=true, Pods of DaemonSet spiderpool-multus delete 00-multus.conf, multus.d and the multus binary from their node when they stop. helm upgrade to 0.8.0 or later deletes the DaemonSet after the new agents wrote these files: Pods on that node then start without Multus, or not at all.',
      zh: '0.7.0–0.7.3 中 multus.multusCNI.uninstall=true 时，DaemonSet spiderpool-multus 的 Pod 停止时会删除节点上的 00-multus.conf、multus.d 和 multus 可执行文件。升级到 0.8.0 及以后时，helm 在新的 agent 写入这些文件之后才删除该 DaemonSet：此后该节点上的 Pod 启动时没有 Multus，或无法启动。',
    },
    detection: {
      en: 'Looks for a preStop command that removes 00-multus.conf in the DaemonSet in the cluster.',
      zh: '在集群的 DaemonSet 中查找删除 00-multus.conf 的 preStop 命令。',
    },
    fix: {
      en: 'Removes the preStop command from the DaemonSet and waits until its Pods are replaced: each old Pod still deletes the files of its node, and the new one writes them again. Undo adds the command again, and the Pods are replaced once more.',
      zh: '从 DaemonSet 中移除 preStop 命令，并等待其 Pod 全部替换：旧 Pod 停止时仍会删除节点上的文件，新 Pod 会重新写入。撤销时恢复该命令，Pod 会再次替换。',
    },
    limits: {
      en: "Spiderpool's upgrade guide sets uninstall=false in the command of the upgrade itself: that does not reach the Pods that run now. The value never guards the NetworkAttachmentDefinition CRD; see nad-crd-kept.",
      zh: 'Spiderpool 的升级指南在升级命令中设置 uninstall=false：这不影响正在运行的 Pod。该值也不保护 NetworkAttachmentDefinition 的 CRD，见 nad-crd-kept。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().multusPreStop.source}`];
  },
  get applies() {
    return { from: notes().multusPreStop.from, to: notes().multusPreStop.to, stage: 'before' as const };
  },
  needs: ['target'],
  reads,
  judge: ({ daemonSets }, { path: { installation, to: target = '' } }) =>
    daemonSets.flatMap(({ ref, instance, app, containers, strategy }) => {
      const at = containers.findIndex(({ stop }) => stop?.command.some((word) => word.includes(CONFIG)));
      const dangerous = containers[at];
      if (!dangerous || app !== 'multus' || instance !== installation.name || ref.namespace !== installation.namespace) return [];
      return [
        finding({
          severity: 'blocker',
          key: [ref.name],
          objects: [ref],
          args: { target, container: dangerous.name, at, command: dangerous.stop?.command ?? [], rolls: strategy === 'RollingUpdate' },
          evidence: [{ seen: `spec.template.spec.containers[name=${dangerous.name}].lifecycle.preStop: rm … ${CONFIG}` }],
        }),
      ];
    }),
  say: ({ target }, [on]) => ({
    en: `Pods of DaemonSet ${on?.name} delete ${CONFIG} when they stop, and helm upgrade to ${target} stops them after the new agents have started`,
    zh: `DaemonSet ${on?.name} 的 Pod 停止时会删除 ${CONFIG}，而升级到 ${target} 时 helm 在新的 agent 启动之后才停止它们`,
  }),
  remedy: {
    writes: [{ verbs: ['get', 'patch'], group: 'apps', resource: 'daemonsets' }],
    steps: async (found) => found.flatMap(({ objects, args }) => objects.flatMap((on) => steps(on, args))),
  },
};
export default check;

function steps(on: Ref, { at, container, command, rolls }: Args): (StepDraft | Refusal)[] {
  const name = `${on.namespace}/${on.name}`;
  if (!rolls) return [{ refused: ON_DELETE, objects: [on] }];
  const of = `/spec/template/spec/containers/${at}`;
  const preStop = { exec: { command } };
  const remove: StepDraft = {
    ...{ do: 'patch', on, changes: [{ path: `${of}/lifecycle/preStop`, before: preStop }], undo: 'exact' },
    guard: [
      {
        on,
        must: [
          { path: `${of}/name`, is: container },
          { path: `${of}/lifecycle/preStop`, is: preStop },
        ],
      },
    ],
    text: {
      en: `remove the preStop command that deletes ${CONFIG} from DaemonSet ${name}`,
      zh: `从 DaemonSet ${name} 中移除删除 ${CONFIG} 的 preStop 命令`,
    },
    undoNote: {
      en: 'undo: adds the command again, which replaces the Pods once more',
      zh: '撤销时：恢复该命令，其 Pod 会再次替换',
    },
  };
  return [remove, rolledOut(on, remove)];
}

/** Pods that still have the command must be gone before helm deletes the DaemonSet. */
const rolledOut = (on: Ref, after: StepDraft): StepDraft => ({
  ...{ do: 'wait', within: WITHIN, guard: [], undo: 'none', after: [after] },
  until: [
    {
      on,
      must: [
        { path: '/status/observedGeneration', same: '/metadata/generation' },
        { path: '/status/updatedNumberScheduled', same: '/status/desiredNumberScheduled' },
        { path: '/status/numberReady', same: '/status/desiredNumberScheduled' },
      ],
    },
  ],
  assume: [
    {
      on,
      changes: [
        { path: '/status/desiredNumberScheduled', after: 0 },
        { path: '/status/updatedNumberScheduled', after: 0 },
        { path: '/status/numberReady', after: 0 },
      ],
    },
  ],
  text: {
    en: `wait until all Pods of DaemonSet ${on.namespace}/${on.name} are replaced`,
    zh: `等待 DaemonSet ${on.namespace}/${on.name} 的 Pod 全部替换`,
  },
});

const ON_DELETE: Text = {
  en: 'updateStrategy OnDelete: remove the preStop command, then delete its Pods one by one',
  zh: 'updateStrategy 为 OnDelete：请移除 preStop 命令，再逐个删除其 Pod',
};
