// Sentences that end in a command: a terminal may fold the command, we do not, or a paste would be several commands.
import { expect, test } from 'vitest';
import { type Face, paragraphWithCommand } from '../../src/report/face.ts';
import { style } from '../../src/text/colour.ts';

const at = (columns: number, language: Face['language'] = 'en'): Face => ({
  ...{ language, columns, tool: 'kubectl upgrade-guard', wide: false, style: style({ isTTY: false }, {}) },
});
const SAVE = 'kubectl --context prod exec -n kube-system etcd-cp1 -- etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt snapshot save f';

test.each([
  [
    'en',
    `no backup of etcd is visible in the cluster; take one: ${SAVE}`,
    ['  no backup of etcd is visible in the', '  cluster; take one:', `  ${SAVE}`],
  ],
  ['zh', `集群中看不到 etcd 备份；请执行“${SAVE}”`, ['  集群中看不到 etcd 备份；请执行：', `  ${SAVE}`]],
  [
    'en',
    'as an administrator: kubectl upgrade-guard rbac --for check --context prod | kubectl apply -f -',
    ['  as an administrator:', '  kubectl upgrade-guard rbac --for check --context prod | kubectl apply -f -'],
  ],
] as const)('what does not fit on one line: %s %s', (language, text, lines) => {
  expect(paragraphWithCommand(text, at(40, language))).toEqual(lines);
});
test('what fits, and what ends in words, is folded as a text', () => {
  expect(paragraphWithCommand('take one: kubectl get x', at(80))).toEqual(['  take one: kubectl get x']);
  const words = 'kubectl drain refuses to evict it: the budget of its Deployment lets no Pod';
  expect(paragraphWithCommand(words, at(40))).toEqual([
    '  kubectl drain refuses to evict it: the',
    '  budget of its Deployment lets no Pod',
  ]);
});
