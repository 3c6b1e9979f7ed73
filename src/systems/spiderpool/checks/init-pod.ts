// The Pod spiderpool-init that the installed chart left behind makes helm upgrade fail where the target chart has it as a Pod too: almost no field of a Pod can be changed.
// Sources: charts/spiderpool/templates/pod.yaml@v0.1.2 … @v0.9.4 (Pod), @v0.8.8, @v0.9.5 (Job, hook post-install); issues 3323, 3405; docs/usage/upgrade.md.
import type { Check, Finding, Ref, StepDraft, Text } from '../../../engine/contracts.ts';
import { each, flag, label, list, time, word } from '../../../engine/read/index.ts';
import { shellWord } from '../../../text/shell.ts';
import { compare } from '../../../versions/chart.ts';
import { versions } from '../knowledge/tables.ts';

const reads = {
  // Its name and its component label are whatever spiderpoolInit.name says (0.1.2 – 0.1.4 misspell the default): it is the one Pod of the release without a controller.
  pods: list(
    'pods',
    {
      deleted: time('metadata.deletionTimestamp'),
      release: label('app.kubernetes.io/instance'),
      owners: each('metadata.ownerReferences', { controller: flag('controller') }),
      phase: word('status.phase', 'Unknown'),
    },
    {
      labels: 'app.kubernetes.io/name=spiderpool',
      only: ({ deleted, owners }) => deleted === undefined && !owners.some(({ controller }) => controller),
    },
  ),
};

interface Args {
  target: string;
  phase: string;
  isFinished: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/init-pod',
  title: { en: 'no leftover spiderpool-init Pod blocks the upgrade', zh: '没有残留的 spiderpool-init Pod 阻碍升级' },
  headline: { en: 'leftover spiderpool-init Pod will make helm upgrade fail', zh: '残留的 spiderpool-init Pod 会导致 helm upgrade 失败' },
  page: {
    impact: {
      en: 'In 0.8.7 and older, in 0.9.0–0.9.4 and in 1.0.0-rc0, the chart ships spiderpool-init as a bare Pod. The Pod left over from the install makes helm upgrade to such a version fail, because almost no Pod field can be changed. If only the image differs, the upgrade succeeds, but spiderpool-init does not run again and clusterNetwork in the Multus config stays empty.',
      zh: '0.8.7 及更早版本和 0.9.0–0.9.4 的 chart 直接以 Pod 部署 spiderpool-init。由于 Pod 几乎不允许修改，安装时残留的 Pod 会让升级到这些版本的 helm upgrade 失败。如果只有镜像不同，升级会成功，但 spiderpool-init 不会再次运行，Multus 配置中的 clusterNetwork 会一直为空。',
    },
    detection: {
      en: 'Finds the Pod by the labels of the release, not by name: it is the one Pod of the release without a controller. Later charts use a Job, and helm deletes the Pod.',
      zh: '按 release 的标签查找，不依赖名称：它是该 release 中唯一没有控制器的 Pod。之后的 chart 改用 Job，helm 会删除该 Pod。',
    },
    fix: {
      en: 'Deletes the Pod if it has completed (Succeeded or Failed); helm creates the new one.',
      zh: 'Pod 已结束（Succeeded 或 Failed）时将其删除，由 helm 重新创建。',
    },
    limits: {
      en: 'If the Pod is still running or never started, the install did not complete; find out why first.',
      zh: 'Pod 仍在运行或从未启动，说明安装未完成，请先查明原因。',
    },
  },
  sources: [
    {
      en: 'spidernet-io/spiderpool: charts/spiderpool/templates/pod.yaml at each tag (a Job from 0.8.8, 0.9.5 and 1.0.0-rc1 on)',
      zh: 'spidernet-io/spiderpool: charts/spiderpool/templates/pod.yaml（所有 tag；自 0.8.8、0.9.5、1.0.0-rc1 起为 Job）',
    },
    'spidernet-io/spiderpool: issues 3323, 3405; docs/usage/upgrade.md',
  ],
  applies: {
    get to() {
      return versions().initPod.in;
    },
    stage: 'before',
  },
  needs: ['target'],
  reads,
  judge: ({ pods }, { path: { installation, from, to: target = '' } }) => {
    if (typeof from === 'string' && compare(from, target) === 0) return { notApplicable: THERE };
    return pods
      .filter(({ ref, release }) => ref.namespace === installation.namespace && release === installation.name)
      .map(({ ref, phase }) => finding(ref, phase, target));
  },
  say: ({ target, phase, isFinished }) => ({
    en: isFinished
      ? `${target} ships spiderpool-init as a Pod; the old Pod (${phase}) must be deleted first`
      : `${target} ships spiderpool-init as a Pod; the old Pod is ${phase}: the install never completed`,
    zh: isFinished
      ? `${target} 以 Pod 部署 spiderpool-init；必须先删除旧的 Pod（${phase}）`
      : `${target} 以 Pod 部署 spiderpool-init；旧的 Pod 处于 ${phase}：安装未完成`,
  }),
  remedy: {
    writes: [{ verbs: ['get', 'delete'], group: '', resource: 'pods' }],
    steps: async (found) => found.flatMap(({ objects, args }) => objects.map((on) => (args.isFinished ? deleted(on, args) : manual(on)))),
  },
};
export default check;

const THERE: Text = { en: 'target version is already installed', zh: '目标版本已安装' };

function finding(on: Ref, phase: string, target: string): Finding<Args> {
  return {
    severity: 'blocker',
    key: [on.name],
    certainty: 'certain',
    objects: [on],
    args: { target, phase, isFinished: phase === 'Succeeded' || phase === 'Failed' },
    evidence: [{ seen: `status.phase: ${phase}`, at: on }],
  };
}

function deleted(on: Ref, { phase, target }: Args): StepDraft {
  return {
    do: 'delete',
    on,
    guard: [{ on, must: [{ path: '/status/phase', is: phase }] }],
    text: {
      en: `delete completed Pod ${on.namespace}/${on.name} so that helm can create the one of ${target}`,
      zh: `删除已结束的 Pod ${on.namespace}/${on.name}，以便 helm 重新创建`,
    },
    undo: 'none',
    undoNote: {
      en: 'undo: none, helm creates a new Pod at the upgrade and at a rollback',
      zh: '撤销时：无需恢复，helm 在升级和回滚时都会创建新的 Pod',
    },
  };
}

function manual(on: Ref): StepDraft {
  const [name, namespace] = [shellWord(on.name), shellWord(on.namespace ?? '')];
  return {
    do: 'manual',
    commands: [
      `kubectl describe pod ${name} -n ${namespace}`,
      `kubectl logs ${name} -n ${namespace}`,
      `kubectl delete pod ${name} -n ${namespace}`,
    ],
    seen: [{ on, must: 'be-gone' }],
    guard: [],
    text: {
      en: `find out why Pod ${on.namespace}/${on.name} has not completed, since the install is incomplete without it; then delete it`,
      zh: `查明 Pod ${on.namespace}/${on.name} 未结束的原因（安装因此不完整），然后将其删除`,
    },
    undo: 'none',
  };
}
