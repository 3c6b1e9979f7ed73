// Up to 0.3.7 objects are stored as v1; 0.4.0 has v2beta1 alone, without a conversion. The API server refuses a CRD that drops a version in status.storedVersions.
// Sources: knowledge/notes.json (storage); apiextensions-apiserver pkg/apis/apiextensions/validation.
import { finding } from '../../../engine/builders.ts';
import type { Check, Text } from '../../../engine/contracts.ts';
import { list, texts } from '../../../engine/read/index.ts';
import { shellWord } from '../../../text/shell.ts';
import { CHART } from '../chart.ts';
import { notes } from '../knowledge/tables.ts';

const GROUP = '.spiderpool.spidernet.io';

const reads = {
  crds: list(
    'customresourcedefinitions.apiextensions.k8s.io',
    { stored: texts('status.storedVersions') },
    { only: ({ ref, stored }) => ref.name.endsWith(GROUP) && stored.includes(notes().storage.old) },
  ),
};

interface Args {
  version: string;
  /** Of the release. */
  name: string;
  namespace: string;
}

const check: Check<typeof reads, Args> = {
  id: 'spiderpool/crd-storage-version',
  title: { en: 'Spiderpool objects are not stored as v1', zh: 'Spiderpool 对象未以 v1 存储' },
  headline: { en: 'Spiderpool objects are stored as v1, which 0.4.0 dropped', zh: 'Spiderpool 对象以 v1 存储，而 v1 自 0.4.0 起移除' },
  page: {
    impact: {
      en: 'Charts up to 0.3.7 have API version v1, charts from 0.4.0 on only v2beta1, and nothing converts between them. The API server refuses the new CRDs while status.storedVersions has v1; helm leaves CRDs alone, so controller and agent start and find no API.',
      zh: '0.3.7 及更早的 chart 使用 API 版本 v1，0.4.0 起只有 v2beta1，两者之间没有转换。status.storedVersions 含有 v1 时，API 服务器会拒绝新的 CRD；helm 不更新 CRD，因此 controller 和 agent 启动后找不到 API。',
    },
    detection: {
      en: 'Reads status.storedVersions of the CRDs of Spiderpool.',
      zh: '读取 Spiderpool 各 CRD 的 status.storedVersions。',
    },
    fix: {
      en: 'The command upgrade spiderpool stops controller and agent, converts every object in place, and then drops v1. Nothing is deleted, running Pods keep their IPs, new ones wait; undo converts back.',
      zh: 'upgrade spiderpool 会停止 controller 和 agent，就地转换每个对象，然后移除 v1。不删除任何对象，运行中的 Pod 保留其 IP，新 Pod 等待；撤销时转换回来。',
    },
    limits: {
      en: "Spiderpool's upgrade guide does not mention this: it only asks to change ownerControllerType from None to Pod. The conversion does not start while IP findings are open, or if an object cannot be converted.",
      zh: 'Spiderpool 的升级指南未提及此问题，只要求把 ownerControllerType 从 None 改为 Pod。有未修复的 IP 问题，或有对象无法转换时，转换不会开始。',
    },
  },
  get sources() {
    return [
      `spidernet-io/spiderpool: ${notes().storage.source}`,
      'kubernetes/apiextensions-apiserver: pkg/apis/apiextensions/validation/validation.go',
    ];
  },
  get applies() {
    return { to: notes().storage.to, stage: 'both' as const };
  },
  reads,
  judge: ({ crds }, { path: { installation, from, to: target } }) =>
    crds.length
      ? [
          finding({
            severity: 'blocker',
            key: [notes().storage.old],
            objects: crds.map(({ ref }) => ref),
            args: { version: target ?? String(from), name: installation.name, namespace: installation.namespace ?? '' },
            evidence: [{ seen: `status.storedVersions: ${notes().storage.old}` }],
          }),
        ]
      : [],
  say: ({ version }, { length }) => ({
    en: `${length} CRD${length === 1 ? '' : 's'} of Spiderpool store${length === 1 ? 's' : ''} objects as ${notes().storage.old}; ${version} has only v2beta1, and helm upgrade converts nothing`,
    zh: `Spiderpool 的 ${length} 个 CRD 以 ${notes().storage.old} 存储对象；${version} 只有 v2beta1，helm upgrade 不会转换`,
  }),
  remedy: {
    command: ([found]) => found && byUpgrade(found.args),
    writes: [],
    // No fix: controller and agent are stopped meanwhile, and the new chart follows at once.
    steps: async (found) =>
      found.map(({ objects, args }) => ({ refused: CONVERTS, objects, as: 'upgrade' as const, command: byUpgrade(args) })),
  },
};
export default check;

const CONVERTS: Text = { en: 'upgrade spiderpool converts every object in place', zh: 'upgrade spiderpool 会就地转换每个对象' };

const byUpgrade = ({ version, name, namespace }: Args): string =>
  `{tool} upgrade spiderpool ${shellWord(name)} -n ${shellWord(namespace)} --to ${shellWord(version)} --repo ${CHART.repository}`;
