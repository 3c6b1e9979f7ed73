// Flags that say which clusters to reach and how, as data (flags.ts); kubectl's words where kubectl has them.
import type { FlagSpec } from './flags.ts';

export const OF_CONNECTION = {
  kubeconfig: {
    kind: 'value',
    value: 'FILE',
    file: true,
    text: {
      en: 'The kubeconfig file (default $KUBECONFIG, then ~/.kube/config)',
      zh: 'kubeconfig 文件（默认 $KUBECONFIG，其次 ~/.kube/config）',
    },
  },
  kuberc: {
    kind: 'value',
    value: 'FILE',
    file: true,
    text: {
      en: 'The kuberc file that lists the allowed exec plugins, as in kubectl (default $KUBERC, then ~/.kube/kuberc; KUBERC=off: none)',
      zh: '规定允许运行哪些 exec 插件的 kuberc 文件，与 kubectl 相同（默认 $KUBERC，其次 ~/.kube/kuberc；KUBERC=off 表示不使用）',
    },
  },
  context: { kind: 'value', value: 'NAME', text: { en: 'The kubeconfig context to use', zh: '使用 kubeconfig 中的哪个上下文（context）' } },
  contexts: {
    kind: 'value',
    value: 'NAME,NAME',
    text: { en: 'Check the clusters of these contexts, as one result', zh: '检查这些上下文对应的集群，合并为一份结果' },
  },
  'all-contexts': {
    kind: 'boolean',
    text: {
      en: 'Check the clusters of all contexts of the kubeconfig, as one result',
      zh: '检查 kubeconfig 中所有上下文对应的集群，合并为一份结果',
    },
  },
  cluster: { kind: 'value', value: 'NAME', text: { en: 'The kubeconfig cluster to use', zh: '使用 kubeconfig 中的哪个集群' } },
  user: { kind: 'value', value: 'NAME', text: { en: 'The kubeconfig user to use', zh: '使用 kubeconfig 中的哪个用户' } },
  namespace: {
    kind: 'value',
    short: 'n',
    value: 'NAMESPACE',
    text: {
      en: 'Only installations in this namespace; their checks still read the whole cluster',
      zh: '只检查该命名空间中的安装实例；检查时仍会读取整个集群',
    },
  },
  'all-namespaces': {
    kind: 'boolean',
    short: 'A',
    text: { en: 'Installations in all namespaces (the default)', zh: '所有命名空间中的安装实例（默认）' },
  },
  as: { kind: 'value', value: 'USER', text: { en: 'Act as this user', zh: '以该用户的身份操作' } },
  'as-group': { kind: 'list', value: 'GROUP', text: { en: 'Act as a member of this group', zh: '以该组成员的身份操作' } },
  'as-uid': { kind: 'value', value: 'UID', text: { en: 'Act as the user with this UID', zh: '以该 UID 的用户身份操作' } },
  server: { kind: 'value', short: 's', value: 'URL', text: { en: 'Address of the API server', zh: 'API 服务器的地址' } },
  token: { kind: 'value', value: 'TOKEN', text: { en: 'Bearer token for the API server', zh: '访问 API 服务器的 Bearer 令牌' } },
  'certificate-authority': {
    kind: 'value',
    value: 'FILE',
    file: true,
    text: { en: 'CA certificates to verify the API server', zh: '用于校验 API 服务器的 CA 证书文件' },
  },
  'tls-server-name': {
    kind: 'value',
    value: 'NAME',
    text: { en: 'Server name to verify in the certificate of the API server', zh: '校验 API 服务器证书时使用的名称' },
  },
  'insecure-skip-tls-verify': {
    kind: 'boolean',
    text: { en: 'Do not verify the certificate of the API server (insecure)', zh: '不校验 API 服务器的证书（不安全）' },
  },
  'request-timeout': {
    kind: 'value',
    value: 'DURATION',
    text: {
      en: 'Timeout of a single request, such as 30s or 2m. 0 means no timeout',
      zh: '单个请求的超时时间，例如 30s、2m；0 表示不限时',
    },
  },
} as const satisfies Record<string, FlagSpec>;
