// The DaemonSet spiderpool-multus of 0.7.x, installed with multus.multusCNI.uninstall=true, removes the Multus files of its node when it stops; helm deletes it after the new agents wrote theirs.
// Sources: knowledge/notes.ts (multusPreStop).
import { finding } from '../../../engine/builders.ts';
import type { Check } from '../../../engine/contracts.ts';
import { each, label, list, maybe, texts, word } from '../../../engine/read/index.ts';
import { NOTES } from '../knowledge/notes.ts';

const { from, source, to } = NOTES.multusPreStop;
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
    },
    { labels: 'app.kubernetes.io/name=spiderpool' },
  ),
};

const check: Check<typeof reads, { target: string; container: string }> = {
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
      en: 'manual: first run helm upgrade of the installed version with multus.multusCNI.uninstall=false, wait until the DaemonSet has rolled out, then upgrade.',
      zh: '手动：先以当前版本执行 helm upgrade 并设置 multus.multusCNI.uninstall=false，等待 DaemonSet 更新完成，再升级版本。',
    },
    limits: {
      en: 'The upgrade guide sets uninstall=false in the command of the upgrade itself: that does not reach the Pods that run now. The value never guards the NetworkAttachmentDefinition CRD; see nad-crd-kept.',
      zh: '升级指南在升级命令中设置 uninstall=false：这不影响正在运行的 Pod。该值也不保护 NetworkAttachmentDefinition 的 CRD，见 nad-crd-kept。',
    },
  },
  sources: [`spidernet-io/spiderpool: ${source}`],
  applies: { from, to, stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ daemonSets }, { path: { installation, to: target = '' } }) =>
    daemonSets.flatMap(({ ref, instance, app, containers }) => {
      const dangerous = containers.find(({ stop }) => stop?.command.some((word) => word.includes(CONFIG)));
      if (!dangerous || app !== 'multus' || instance !== installation.name || ref.namespace !== installation.namespace) return [];
      return [
        finding({
          severity: 'blocker',
          key: [ref.name],
          objects: [ref],
          args: { target, container: dangerous.name },
          evidence: [{ seen: `spec.template.spec.containers[name=${dangerous.name}].lifecycle.preStop: rm … ${CONFIG}` }],
        }),
      ];
    }),
  say: ({ target }, [on]) => ({
    en: `Pods of DaemonSet ${on?.name} delete ${CONFIG} when they stop, and helm upgrade to ${target} stops them after the new agents have started`,
    zh: `DaemonSet ${on?.name} 的 Pod 停止时会删除 ${CONFIG}，而升级到 ${target} 时 helm 在新的 agent 启动之后才停止它们`,
  }),
};
export default check;
