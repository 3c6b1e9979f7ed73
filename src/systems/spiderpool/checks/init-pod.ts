// The Pod spiderpool-init of the installed chart stands in the way of charts that render it as a Pod: a Pod cannot be changed, only made anew.
// Sources: charts/spiderpool/templates/pod.yaml@v0.1.2 … @v0.9.4 (Pod), @v0.8.8, @v0.9.5 (Job, hook post-install); issues 3323, 3405; docs/usage/upgrade.md.
import type { Check, Finding, Ref, StepDraft, Text } from '../../../engine/contracts.ts';
import { each, flag, label, list, time, word } from '../../../engine/read/index.ts';
import { shellWord } from '../../../text/shell.ts';
import { compare } from '../../../versions/chart.ts';
import versions from '../knowledge/versions.json' with { type: 'json' };

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
  title: { en: 'no spiderpool-init Pod stands in the way of the chart', zh: '没有 spiderpool-init Pod 妨碍 chart 升级' },
  headline: { en: 'a spiderpool-init Pod stands in the way of the chart', zh: '有 spiderpool-init Pod 妨碍 chart 升级' },
  page: {
    impact: {
      en: 'Up to 0.8.7, and from 0.9.0 to 0.9.4, the chart renders spiderpool-init as a bare Pod. A Pod of that name is left from the install, and helm upgrade to such a version fails over it, since almost nothing of a Pod may be changed; where only its image differs it goes through, but then spiderpool-init does not run again, and the clusterNetwork of multus stays empty. Later charts have a Job in its place, and helm removes the Pod by itself. Found by the labels of the release, whatever its name is: it is the one Pod that has no controller. The remedy deletes it when it has finished (Succeeded or Failed); helm makes the new one. One that still runs, or never started, means that the install did not come to its end: that is for you to look at.',
      zh: '0.8.7 及更早版本以及 0.9.0 到 0.9.4 的 chart 把 spiderpool-init 渲染为一个没有控制器的 Pod。安装时留下的同名 Pod 会让升级到这些版本的 helm upgrade 失败，因为 Pod 几乎不允许修改；如果只有镜像不同，升级可以通过，但 spiderpool-init 不会再次运行，multus 的 clusterNetwork 会一直为空。之后的 chart 改用 Job，helm 会自行删除该 Pod。本检查按 release 的标签查找，不依赖名称：它是其中唯一没有控制器的 Pod。如果它已经结束（Succeeded 或 Failed），修复会将其删除，由 helm 创建新的 Pod。如果它仍在运行或从未启动，说明安装没有完成，需要您查明原因。',
    },
  },
  sources: [`spidernet-io/spiderpool: ${versions.initPod.source}`, 'spidernet-io/spiderpool: issues 3323, 3405; docs/usage/upgrade.md'],
  applies: { to: versions.initPod.in, stage: 'before' },
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
      ? `${target} renders spiderpool-init as a Pod; the old one (${phase}) has to go first`
      : `${target} renders spiderpool-init as a Pod; the old one is ${phase}: the install never finished`,
    zh: isFinished
      ? `${target} 把 spiderpool-init 渲染为 Pod；旧的 Pod（${phase}）必须先删除`
      : `${target} 把 spiderpool-init 渲染为 Pod；旧的 Pod 处于 ${phase}：安装尚未完成`,
  }),
  remedy: {
    writes: [{ verbs: ['get', 'delete'], group: '', resource: 'pods' }],
    steps: async (found) => found.flatMap(({ objects, args }) => objects.map((on) => (args.isFinished ? deleted(on, args) : byHand(on)))),
  },
};
export default check;

const THERE: Text = { en: 'that is what is installed', zh: '目标就是已安装的版本' };

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
      en: `delete Pod ${on.namespace}/${on.name}, which has finished, so that helm can make that of ${target}`,
      zh: `删除已结束的 Pod ${on.namespace}/${on.name}，以便 helm 创建 ${target} 的 Pod`,
    },
    undo: 'none',
    undoNote: {
      en: 'helm makes a new one, at the upgrade and at a rollback',
      zh: 'helm 在升级和回滚时都会创建新的 Pod',
    },
  };
}

function byHand(on: Ref): StepDraft {
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
      en: `find out why Pod ${on.namespace}/${on.name} has not finished, since the install is not complete without it; then delete it`,
      zh: `查明 Pod ${on.namespace}/${on.name} 为何没有结束（没有它安装就不完整），然后将其删除`,
    },
    undo: 'none',
    undoNote: { en: 'done by hand', zh: '手动执行' },
  };
}
