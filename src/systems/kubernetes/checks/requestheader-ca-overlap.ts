// From 1.35 kube-apiserver does not start when --client-ca-file and --requestheader-client-ca-file share a certificate and --requestheader-allowed-names is empty: any client
// could then impersonate any user. Source: kubernetes pkg/kubeapiserver/options/authentication.go@1.35.4 (absent in 1.34.4), PR 131411.
import type { Check, Ref } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { certificates, json, NO_CERTIFICATE, rowOf, texts, UNREADABLE } from '../../../engine/read/index.ts';
import { providersMatter } from '../managed.ts';
import { nodes } from '../reads.ts';

/** The API server publishes there what it was started with. */
const PUBLISHED: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'extension-apiserver-authentication' };
const COLUMNS = {
  client: certificates("data['client-ca-file']"),
  header: certificates("data['requestheader-client-ca-file']"),
  // `null` where the flag is not set.
  names: json("data['requestheader-allowed-names']", { list: texts('') }),
};
const HOP = '1.35';
const reads = { nodes };
interface Args {
  subjects: string[];
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/requestheader-ca-overlap',
  title: { en: 'the client CA and the requestheader CA differ', zh: '客户端 CA 与 requestheader CA 不同' },
  headline: { en: 'one CA is both client CA and requestheader CA', zh: '客户端 CA 与 requestheader CA 相同' },
  page: {
    impact: {
      en: 'From 1.35 on kube-apiserver does not start if both CA bundles share a certificate and --requestheader-allowed-names is empty.',
      zh: '自 1.35 起，如果两个 CA 文件含有同一证书且 --requestheader-allowed-names 为空，kube-apiserver 无法启动。',
    },
    detection: {
      en: 'Compares the certificates in ConfigMap kube-system/extension-apiserver-authentication, where the API server publishes both.',
      zh: '比较 ConfigMap kube-system/extension-apiserver-authentication 中的证书，API 服务器会在其中发布两者。',
    },
    fix: {
      en: 'manual: set --requestheader-allowed-names to the common names of the front proxy, or give --requestheader-client-ca-file a CA of its own.',
      zh: '手动：将 --requestheader-allowed-names 设为前端代理证书的通用名称（CN），或为 --requestheader-client-ca-file 使用单独的 CA。',
    },
  },
  sources: ['kubernetes/kubernetes: pkg/kubeapiserver/options/authentication.go, PR 131411'],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  pointReads: [{ resource: 'configmaps', names: [PUBLISHED.name], columns: Object.values(COLUMNS) }],
  judge: async (rows, { path, look }) => {
    const theirs = providersMatter(path.from, rows.nodes);
    if (theirs) return theirs;
    const published = await look.get(PUBLISHED);
    if (!published || isGap(published) || !path.hops.includes(HOP)) return [];
    const { client, header, names } = rowOf(COLUMNS)(published);
    if (client === NO_CERTIFICATE || header === NO_CERTIFICATE || names === UNREADABLE) return { unknown: ODD };
    const shared = (client ?? []).filter(({ fingerprint }) => header?.some((other) => other.fingerprint === fingerprint));
    if (!shared.length || names?.list.length) return [];
    return [
      {
        severity: 'blocker',
        key: ['shared'],
        certainty: 'certain',
        objects: [PUBLISHED],
        args: { subjects: shared.map(({ subject }) => subject) },
        evidence: shared.map(({ fingerprint }) => ({ seen: `SHA-256 ${fingerprint}`, at: PUBLISHED })),
        hop: HOP,
      },
    ];
  },
  say: ({ subjects }) => ({
    en: `CA ${subjects.join(', ')} is in both client CA and requestheader CA, and requestheader-allowed-names is empty: kube-apiserver ${HOP} does not start`,
    zh: `CA ${subjects.join('、')} 同时是客户端 CA 和 requestheader CA，且 requestheader-allowed-names 为空：kube-apiserver ${HOP} 无法启动`,
  }),
};
export default check;

const ODD = {
  en: 'ConfigMap kube-system/extension-apiserver-authentication does not hold what an API server writes',
  zh: 'ConfigMap kube-system/extension-apiserver-authentication 的内容不是 API 服务器写入的格式',
};
