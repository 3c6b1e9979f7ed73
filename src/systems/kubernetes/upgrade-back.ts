// Of what was upgraded too early: the commands that install its older version again. A kubelet is downgraded like it is upgraded, on a drained Node; of a static Pod its
// manifest has the image. Source: kubernetes/website version-skew-policy.md.
import type { Command } from '../../engine/contracts.ts';
import { oneLine } from '../../text/sanitise.ts';
import { commented, shellWord, toSet } from '../../text/shell.ts';
import { alike, installed, NODE, onEach, replacedBinary } from './upgrade-binaries.ts';
import type { ClusterParts, Instance } from './upgrade-parts.ts';
import { type Hop, tagged } from './upgrade-steps.ts';

const RESTARTED = 'sudo systemctl daemon-reload && sudo systemctl restart kubelet';

/** Which Node it is, is seen only then. Nodes of different systems have a part each. */
export function olderKubelet({ before }: Hop, { kubeadm, members }: Pick<ClusterParts, 'kubeadm' | 'members'>): Command[] {
  const groups = [...Map.groupBy(members, alike).values()].map(([first]) => first!);
  return (groups.length ? groups : [{ os: '', machine: '' }]).flatMap(({ os, machine }) => {
    const system = oneLine([os, machine].filter(Boolean).join(', '), 100);
    const of = groups.length > 1 ? { en: `, if it is like these: ${system}`, zh: `（系统为 ${system} 的节点）` } : { en: '', zh: '' };
    return [
      toSet('NODE', { en: `the Node that is named above${of.en}`, zh: `上面列出的节点${of.zh}` }),
      `kubectl drain ${NODE} --ignore-daemonsets --delete-emptydir-data`,
      ...(kubeadm
        ? [onEach(`${installed(os, before, ['kubelet', 'kubectl'], { older: true })} && ${RESTARTED}`)]
        : replacedBinary('kubelet', before, machine, onEach)),
      `kubectl uncordon ${NODE}`,
    ];
  });
}

/** Its image as it was, which the first hop has seen. */
export function olderImage({ before, first }: Hop, { namespace, pod, image, component, node }: Instance, kubeadm: boolean): Command[] {
  const old = oneLine(first ? image : tagged(image, before));
  const file = `/etc/kubernetes/manifests/${component}.yaml`;
  const at = kubeadm ? { en: ` (${file} on Node ${node})`, zh: `（Node ${node} 的 ${file}）` } : { en: '', zh: '' };
  return [
    commented(`kubectl get pod -n ${shellWord(namespace)} ${shellWord(pod)} -o yaml`, {
      en: `image to set in its manifest${at.en}: ${old}`,
      zh: `其清单${at.zh}中要设置的镜像：${old}`,
    }),
  ];
}
