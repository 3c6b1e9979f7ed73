// Every flag of the tool, once, as data: argv.ts reads command lines with it, help.ts and completion.ts show it, the core gets its types from it.
import type { Text } from '../engine/contracts.ts';
import { OF_CONNECTION } from './flags-connection.ts';
import { OF_KUBERNETES } from './flags-kubernetes.ts';
import { OF_SPIDERPOOL } from './flags-spiderpool.ts';

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
      en: 'Target version; VERSION alone where one system is named. For one of several installations: SYSTEM@NAMESPACE/NAME=VERSION. Default: the next known good version',
      zh: '目标版本；只指定一个系统时可只写 VERSION，同一系统有多个安装实例时写 SYSTEM@NAMESPACE/NAME=VERSION。默认为下一个已知的可用版本',
    },
  },
  'back-to': {
    kind: 'list',
    value: 'SYSTEM=VERSION',
    text: {
      en: 'Check the way back: what prevents a return from the installed version to this older one. VERSION alone where one system is named',
      zh: '检查回退：从当前版本回退到该旧版本有哪些阻碍。只指定了一个系统时可只写版本号',
    },
  },
  chart: {
    kind: 'value',
    value: 'PATH',
    file: true,
    text: {
      en: 'Chart directory or .tgz to upgrade to; sets the target version',
      zh: '升级所用的 chart（目录或 .tgz），并以其版本为目标版本',
    },
  },
  repo: {
    kind: 'value',
    value: 'URL',
    text: {
      en: 'Chart repository to download the chart from. Without it nothing is downloaded',
      zh: '下载 chart 的仓库；不指定则不下载任何内容',
    },
  },
  timeout: {
    kind: 'value',
    value: 'DURATION',
    text: {
      en: 'Time limit for helm and, separately, for workloads to become ready (default 5m and 30m; a value sets both)',
      zh: 'helm 的超时时间，以及等待工作负载就绪的超时时间（默认分别为 5m 和 30m；指定后两者都用该值）',
    },
  },
  ...OF_KUBERNETES,
  channels: {
    kind: 'value',
    value: 'FILE',
    file: true,
    text: {
      en: 'K3s only: saved answer of the channel server, for Plans with a channel (nothing is downloaded)',
      zh: '仅 K3s：已保存的 channel 服务器响应，用于设置了 channel 的 Plan（不会下载任何内容）',
    },
  },
  'cordon-again': {
    kind: 'boolean',
    text: {
      en: 'K3s only: at the end, cordon the Nodes again that were cordoned before the upgrade',
      zh: '仅 K3s：结束时重新封锁升级前已封锁的节点',
    },
  },
  controller: {
    kind: 'list',
    value: 'FILE',
    file: true,
    text: {
      en: 'K3s only: manifest of the system-upgrade-controller to install, if the cluster has none (default: built in)',
      zh: '仅 K3s：集群中没有 system-upgrade-controller 时用于安装它的清单（默认使用内置清单）',
    },
  },
  ...OF_SPIDERPOOL,
  'rollback-on-failure': {
    kind: 'boolean',
    text: {
      en: 'Undo everything if a step fails. Default: stop and print how to resume or undo',
      zh: '某步失败时撤销全部更改；默认停止并说明如何继续或撤销',
    },
  },
  values: {
    kind: 'list',
    value: 'FILE',
    file: true,
    text: {
      en: 'Values file for the upgrade (same as helm upgrade --values)',
      zh: '升级使用的 values 文件（同 helm upgrade --values）',
    },
  },
  set: {
    kind: 'list',
    value: 'KEY=VALUE',
    text: {
      en: 'Values for the upgrade (same as helm upgrade --set)',
      zh: '升级使用的 values（同 helm upgrade --set）',
    },
  },
  'set-string': {
    kind: 'list',
    value: 'KEY=TEXT',
    text: {
      en: 'Values for the upgrade, always strings (same as helm upgrade --set-string)',
      zh: '升级使用的 values，一律视为字符串（同 helm upgrade --set-string）',
    },
  },
  'set-json': {
    kind: 'list',
    value: 'KEY=JSON',
    text: {
      en: 'Values for the upgrade as JSON, one key per flag (same as helm upgrade --set-json)',
      zh: '升级使用的 values，取值为 JSON，每个参数一个键（同 helm upgrade --set-json）',
    },
  },
  'set-file': {
    kind: 'list',
    value: 'KEY=FILE',
    text: {
      en: 'Values for the upgrade from files, one key per flag (same as helm upgrade --set-file)',
      zh: '升级使用的 values，取值为文件内容，每个参数一个键（同 helm upgrade --set-file）',
    },
  },
  'reuse-values': {
    kind: 'boolean',
    text: {
      en: "Keep the old chart's defaults and the release's values (same as helm upgrade --reuse-values)",
      zh: '保留旧 chart 的默认值和 release 的 values（同 helm upgrade --reuse-values）',
    },
  },
  'reset-then-reuse-values': {
    kind: 'boolean',
    text: {
      en: "Use the new chart's defaults, then apply the release's values (same as helm upgrade --reset-then-reuse-values)",
      zh: '使用新 chart 的默认值，再叠加 release 的 values（同 helm upgrade --reset-then-reuse-values）',
    },
  },
  'reset-values': {
    kind: 'boolean',
    text: {
      en: "Drop the release's values (same as helm upgrade --reset-values)",
      zh: '丢弃 release 的 values（同 helm upgrade --reset-values）',
    },
  },
  from: {
    kind: 'value',
    value: 'PATH',
    file: true,
    text: {
      en: 'Read a snapshot, or a directory or file of objects, instead of a cluster; - reads standard input',
      zh: '不连接集群，改为读取快照，或存有对象的目录、文件；- 表示标准输入',
    },
  },
  filename: {
    kind: 'list',
    short: 'f',
    value: 'FILE|DIR|-',
    file: true,
    text: {
      en: 'Manifests before they are applied: a file, a directory (recursive), or - for standard input. They are checked together with the cluster',
      zh: '即将应用的清单：文件、目录（含子目录），或用 - 表示标准输入。检查时以清单中的对象代替集群中的同名对象',
    },
  },
  offline: {
    kind: 'boolean',
    text: {
      en: 'With -f or --chart: check only the manifests, without a cluster (also the default if there is no kubeconfig)',
      zh: '与 -f 或 --chart 一起使用：只检查清单，不连接集群（没有 kubeconfig 时自动如此）',
    },
  },
  quick: {
    kind: 'boolean',
    text: {
      en: 'Fast check for very large clusters. Finds problems but cannot rule them out (exit code 2 or 3)',
      zh: '超大集群的快速检查；能发现问题，但不能证明没有问题（退出码 2 或 3）',
    },
  },
  output: { kind: 'value', short: 'o', value: 'FORMAT', text: { en: 'Output format', zh: '输出格式' } },
  'fail-on': {
    kind: 'value',
    value: 'SEVERITY',
    choices: ['blocker', 'warning', 'notice'],
    text: {
      en: 'Exit with code 2 if any finding has this severity or higher (default blocker)',
      zh: '出现该级别或更高级别的问题时以退出码 2 退出（默认 blocker）',
    },
  },
  accept: {
    kind: 'list',
    value: 'CHECK-ID[:KIND/NAMESPACE/NAME]',
    text: {
      en: "Accept this check's findings, or only those on one object. They no longer count for the exit code and do not stop an upgrade, but are still shown",
      zh: '接受该检查的问题，或仅接受某个对象上的问题：不再计入退出码，也不阻止升级，但仍会显示',
    },
  },
  'dry-run': {
    kind: 'value',
    value: 'HOW',
    choices: ['none', 'client', 'server'],
    text: {
      en: 'client: print the steps only. server: also submit each write as a server-side dry run (default none)',
      zh: 'client：只显示步骤；server：再由 API 服务器试运行每次写操作，不持久化（默认 none）',
    },
  },
  rehearse: {
    kind: 'boolean',
    text: {
      en: 'Run the steps in memory only, then check the result',
      zh: '只在内存中演练这些步骤，然后检查结果',
    },
  },
  yes: {
    kind: 'boolean',
    text: {
      en: 'Do not prompt. Findings of medium or low certainty still need --confirm',
      zh: '不再询问；可信度为中或低的问题仍需 --confirm',
    },
  },
  confirm: {
    kind: 'list',
    value: 'KIND/NAMESPACE/NAME',
    text: { en: 'Fix this object even though the finding is uncertain', zh: '即使问题不确定，也修复该对象' },
  },
  'confirm-step': {
    kind: 'list',
    value: 'STEP',
    text: {
      en: 'Confirm that this manual step is done (for steps whose result the cluster does not show)',
      zh: '确认该手动步骤已完成（用于无法从集群判断是否完成的步骤）',
    },
  },
  'take-over': {
    kind: 'value',
    value: 'RUN',
    text: {
      en: 'Take the lock from this unfinished run of another user',
      zh: '接管其他用户未完成的运行所持有的锁',
    },
  },
  force: { kind: 'boolean', text: { en: 'Overwrite FILE if it exists', zh: 'FILE 已存在时覆盖' } },
  for: {
    kind: 'value',
    value: 'WHAT',
    choices: ['check', 'fix', 'upgrade'],
    text: { en: 'Command that needs the permissions (default check)', zh: '为哪个命令输出权限（默认 check）' },
  },
  'bind-to': {
    kind: 'list',
    value: 'user/NAME|group/NAME|serviceaccount/NAMESPACE/NAME',
    text: { en: 'Also print the ClusterRoleBinding for this subject', zh: '同时输出绑定到该主体的 ClusterRoleBinding' },
  },
  ...OF_CONNECTION,
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
      en: 'Log verbosity, as in kubectl. 1: actions and retries; 2: plus list pages; 6: plus requests',
      zh: '日志级别，同 kubectl。1：操作与重试；2：另加列表的每一页；6：另加每个请求',
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
  'mirror',
];
/** How to talk to the person. */
export const TALK: readonly FlagName[] = ['lang', 'v', 'no-color', 'help'];
export const GLOBAL: readonly FlagName[] = [...CONNECTION, 'knowledge', ...TALK];

export function specOf(name: FlagName): FlagSpec {
  return FLAGS[name];
}
