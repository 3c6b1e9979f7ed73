// Every flag of the tool, once, as data: argv.ts reads command lines with it, help.ts and completion.ts show it, the core gets its types from it.
import type { Text } from '../engine/contracts.ts';

export interface FlagSpec {
  /** `list` may be given several times. */
  kind: 'boolean' | 'value' | 'list';
  short?: string;
  /** What stands for the value in help. */
  value?: string;
  choices?: readonly string[];
  /** The value names a file: shells complete file names. */
  file?: true;
  text: Text;
}

export const FLAGS = {
  to: {
    kind: 'list',
    value: 'SYSTEM=VERSION',
    text: {
      en: 'The version that SYSTEM is to be upgraded to; SYSTEM@NAMESPACE/NAME=VERSION names one of several installations. Default: the next good one we know',
      zh: '要把 SYSTEM 升级到的版本；同一系统装了多份时，用 SYSTEM@NAMESPACE/NAME=VERSION 指明是哪一份。默认取已知的下一个可用版本',
    },
  },
  chart: {
    kind: 'value',
    value: 'PATH',
    file: true,
    text: {
      en: 'The chart that the upgrade will use, a folder or a .tgz; its version is then the target',
      zh: '升级将使用的 chart，目录或 .tgz 文件；其版本即为目标版本',
    },
  },
  repo: {
    kind: 'value',
    value: 'URL',
    text: {
      en: 'Have helm fetch the chart from this chart repository; else nothing is downloaded',
      zh: '让 helm 从该 chart 仓库获取 chart；否则不会下载任何内容',
    },
  },
  timeout: {
    kind: 'value',
    value: 'DURATION',
    text: {
      en: 'How long helm may take, and then the workloads to become ready, as in helm: 5m, 1h30m (default 5m and 30m)',
      zh: 'helm 可用的时间，以及其后等待工作负载就绪的时间，写法同 helm：5m、1h30m（默认 5m 和 30m）',
    },
  },
  nodes: {
    kind: 'value',
    value: 'HOW',
    choices: ['drain', 'in-place'],
    text: {
      en: 'Of Kubernetes: drain each Node before its kubelet is upgraded, or upgrade it in place (default drain)',
      zh: '用于 Kubernetes：升级 kubelet 之前先腾空节点（drain），或原地升级（in-place）；默认 drain',
    },
  },
  'rollback-on-failure': {
    kind: 'boolean',
    text: {
      en: 'Take everything back when a step fails; else it stops there and tells you how',
      zh: '某一步失败时撤销全部更改；默认停在该处并说明如何处理',
    },
  },
  values: {
    kind: 'list',
    value: 'FILE',
    file: true,
    text: {
      en: 'A file of values that the upgrade will be given, as with helm upgrade --values',
      zh: '升级时将提供的 values 文件，含义与 helm upgrade --values 相同',
    },
  },
  set: {
    kind: 'list',
    value: 'KEY=VALUE',
    text: {
      en: 'Values that the upgrade will be given, as with helm upgrade --set',
      zh: '升级时将设置的值，含义与 helm upgrade --set 相同',
    },
  },
  'set-string': {
    kind: 'list',
    value: 'KEY=TEXT',
    text: {
      en: 'The same, taken as text, as with helm upgrade --set-string',
      zh: '同上，但一律视为字符串，含义与 helm upgrade --set-string 相同',
    },
  },
  'set-json': {
    kind: 'list',
    value: 'KEY=JSON',
    text: {
      en: 'The same, as JSON, one key each, as with helm upgrade --set-json',
      zh: '同上，取值为 JSON，每次一个键，含义与 helm upgrade --set-json 相同',
    },
  },
  'set-file': {
    kind: 'list',
    value: 'KEY=FILE',
    text: {
      en: 'The same, the text of a file, one key each, as with helm upgrade --set-file',
      zh: '同上，取值为文件的内容，每次一个键，含义与 helm upgrade --set-file 相同',
    },
  },
  'reuse-values': {
    kind: 'boolean',
    text: {
      en: "The upgrade will keep the old chart's defaults and the old settings, as with helm upgrade --reuse-values",
      zh: '升级时保留旧 chart 的默认值和旧的设置，含义与 helm upgrade --reuse-values 相同',
    },
  },
  'reset-then-reuse-values': {
    kind: 'boolean',
    text: {
      en: "The upgrade will put the old settings over the new chart's defaults, as with helm upgrade --reset-then-reuse-values",
      zh: '升级时把旧的设置叠加在新 chart 的默认值上，含义与 helm upgrade --reset-then-reuse-values 相同',
    },
  },
  'reset-values': {
    kind: 'boolean',
    text: {
      en: 'The upgrade will drop the old settings, as with helm upgrade --reset-values',
      zh: '升级时丢弃旧的设置，含义与 helm upgrade --reset-values 相同',
    },
  },
  from: {
    kind: 'value',
    value: 'PATH',
    file: true,
    text: {
      en: 'Read a snapshot, or a folder or file of manifests, instead of a cluster; - reads standard input',
      zh: '不连接集群，改为读取快照、清单目录或清单文件；- 表示标准输入',
    },
  },
  filename: {
    kind: 'list',
    short: 'f',
    value: 'FILE|DIR|-',
    file: true,
    text: {
      en: 'Manifests that are about to be applied: a file, a directory with all below it, or - for standard input. They are laid over the cluster',
      zh: '即将应用的清单：文件、目录（含子目录），或用 - 表示标准输入。清单会叠加在集群之上进行检查',
    },
  },
  offline: {
    kind: 'boolean',
    text: {
      en: 'With -f: look at the manifests alone and connect to no cluster (also the case where there is no kubeconfig)',
      zh: '与 -f 一起使用：只检查清单，不连接集群（没有 kubeconfig 时也是如此）',
    },
  },
  quick: {
    kind: 'boolean',
    text: {
      en: 'Look only by what the API server answers at once, for very large clusters: may find, never clears (exit 2 or 3)',
      zh: '只看 API server 能立即回答的内容，适合超大集群：可以发现问题，但不会判定为没有问题（退出码 2 或 3）',
    },
  },
  output: { kind: 'value', short: 'o', value: 'FORMAT', text: { en: 'Output format', zh: '输出格式' } },
  'fail-on': {
    kind: 'value',
    value: 'SEVERITY',
    choices: ['blocker', 'warning', 'notice'],
    text: {
      en: 'Exit with 2 when there is a finding of this severity or above (default blocker)',
      zh: '出现该级别或更高级别的问题时，退出码为 2（默认 blocker）',
    },
  },
  accept: {
    kind: 'list',
    value: 'CHECK-ID[:KIND/NAMESPACE/NAME]',
    text: {
      en: 'Accept the findings of this check, or its finding on one object; they are still shown',
      zh: '接受该检查的全部问题，或只接受某个对象上的问题；结果中仍会列出',
    },
  },
  'dry-run': {
    kind: 'value',
    value: 'HOW',
    choices: ['none', 'client', 'server'],
    text: {
      en: 'client: only show the steps. server: also let the API server try each write without storing it (default none)',
      zh: 'client：只显示步骤；server：另外让 API server 试做每次写入，但不落库（默认 none）',
    },
  },
  rehearse: {
    kind: 'boolean',
    text: { en: 'Run the steps in memory only, then check the result', zh: '只在内存中演练这些步骤，然后检查结果' },
  },
  yes: {
    kind: 'boolean',
    text: {
      en: 'Do not ask; for fix and upgrade, findings of medium or low certainty still need --confirm',
      zh: '不再询问；使用 fix 和 upgrade 时，把握为中或低的问题仍需用 --confirm 指明',
    },
  },
  confirm: {
    kind: 'list',
    value: 'KIND/NAMESPACE/NAME',
    text: { en: 'Confirm the repair of this object, although the finding is not certain', zh: '问题虽不确定，仍确认修复该对象' },
  },
  'confirm-step': {
    kind: 'list',
    value: 'STEP',
    text: {
      en: 'Confirm that this manual step is done, where the cluster cannot show it',
      zh: '确认该手动步骤已完成（用于集群无法显示其结果的步骤）',
    },
  },
  'take-over': {
    kind: 'value',
    value: 'RUN',
    text: {
      en: 'Go on although this unfinished run of somebody else holds the cluster',
      zh: '即使他人未完成的执行 RUN 仍占用集群，也接手继续',
    },
  },
  force: { kind: 'boolean', text: { en: 'Overwrite FILE if it exists', zh: 'FILE 已存在时覆盖' } },
  for: {
    kind: 'value',
    value: 'WHAT',
    choices: ['check', 'fix', 'upgrade'],
    text: { en: 'The command that the rights are for (default check)', zh: '这些权限供哪个命令使用（默认 check）' },
  },

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
      en: 'The kuberc file that says which exec plugins may run, as in kubectl (default $KUBERC, then ~/.kube/kuberc; KUBERC=off: none)',
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
      en: 'Only installations in this namespace; their checks still see the whole cluster',
      zh: '只看该命名空间中的安装；检查范围仍是整个集群',
    },
  },
  'all-namespaces': {
    kind: 'boolean',
    short: 'A',
    text: { en: 'Installations in all namespaces (the default)', zh: '查看所有命名空间中的安装（默认）' },
  },
  as: { kind: 'value', value: 'USER', text: { en: 'Act as this user', zh: '以该用户的身份操作' } },
  'as-group': { kind: 'list', value: 'GROUP', text: { en: 'Act as a member of this group', zh: '以该组成员的身份操作' } },
  'as-uid': { kind: 'value', value: 'UID', text: { en: 'Act as the user with this UID', zh: '以该 UID 的用户身份操作' } },
  server: { kind: 'value', short: 's', value: 'URL', text: { en: 'Address of the API server', zh: 'API server 的地址' } },
  token: { kind: 'value', value: 'TOKEN', text: { en: 'Bearer token for the API server', zh: '访问 API server 的 Bearer 令牌' } },
  'certificate-authority': {
    kind: 'value',
    value: 'FILE',
    file: true,
    text: { en: 'Certificates that the API server is verified with', zh: '用于校验 API server 的 CA 证书文件' },
  },
  'tls-server-name': {
    kind: 'value',
    value: 'NAME',
    text: { en: 'Name to look for in the certificate of the API server', zh: '校验 API server 证书时使用的名称' },
  },
  'insecure-skip-tls-verify': {
    kind: 'boolean',
    text: { en: 'Do not verify the certificate of the API server (insecure)', zh: '不校验 API server 的证书（不安全）' },
  },
  'request-timeout': {
    kind: 'value',
    value: 'DURATION',
    text: {
      en: 'Give up on a single request after this time, such as 30s or 2m; 0 waits for ever',
      zh: '单个请求的时限，例如 30s 或 2m；0 表示不限',
    },
  },
  knowledge: {
    kind: 'value',
    value: 'FILE',
    file: true,
    text: {
      en: 'Newer version data in place of the built-in tables; see docs/knowledge.md',
      zh: '用该文件中较新的版本数据替换内置的数据表；见 docs/knowledge.zh-CN.md',
    },
  },
  lang: {
    kind: 'value',
    value: 'LANGUAGE',
    choices: ['en', 'zh'],
    text: { en: 'Language (default: from the locale)', zh: '界面语言（默认取自系统区域设置）' },
  },
  v: {
    kind: 'value',
    short: 'v',
    value: 'LEVEL',
    text: {
      en: 'How much to log, as in kubectl. 1: what is done and tried again; 2: also pages; 6: also each request',
      zh: '日志详细程度，与 kubectl 相同。1：正在做什么、重试了什么；2：另加分页；6：另加每个请求',
    },
  },
  'no-color': { kind: 'boolean', text: { en: 'No colours (as NO_COLOR does)', zh: '不使用颜色（与 NO_COLOR 相同）' } },
  help: { kind: 'boolean', short: 'h', text: { en: 'Help for this command', zh: '显示该命令的帮助' } },
} as const satisfies Record<string, FlagSpec>;

export type FlagName = keyof typeof FLAGS;
type Value<F extends FlagSpec> = F['kind'] extends 'boolean'
  ? boolean
  : F['kind'] extends 'list'
    ? string[]
    : F extends { choices: readonly (infer Choice)[] }
      ? Choice
      : string;
/** What was given. A flag that was not given is absent, except the ones that the caller's environment fills in. */
export type Flags = { -readonly [Name in FlagName]?: Value<(typeof FLAGS)[Name]> };

/** How to reach the cluster; kubectl's words. */
export const CONNECTION: readonly FlagName[] = [
  'kubeconfig',
  'kuberc',
  'context',
  'cluster',
  'user',
  'namespace',
  'all-namespaces',
  'as',
  'as-group',
  'as-uid',
  'server',
  'token',
  'certificate-authority',
  'tls-server-name',
  'insecure-skip-tls-verify',
  'request-timeout',
];
/** The intended upgrade, in helm's words. */
export const INTENT: readonly FlagName[] = [
  'chart',
  'values',
  'set',
  'set-string',
  'set-json',
  'set-file',
  'reuse-values',
  'reset-then-reuse-values',
  'reset-values',
];
/** How to talk to the person. */
export const TALK: readonly FlagName[] = ['lang', 'v', 'no-color', 'help'];
export const GLOBAL: readonly FlagName[] = [...CONNECTION, 'knowledge', ...TALK];

export function specOf(name: FlagName): FlagSpec {
  return FLAGS[name];
}
