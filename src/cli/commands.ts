// Every command of the tool, as data. What a command does stands in commands/<verb>.ts, which is loaded at first use.
import type { Text } from '../engine/contracts.ts';
import { type CommandSpec, DATA, REPORTS, SYSTEM_NAMES } from './command-spec.ts';
import { CHANGE } from './commands-change.ts';
import { FLAGS, type FlagName, INTENT } from './flags.ts';

const LOOK = [
  {
    name: 'check',
    group: 'look',
    positionals: [{ name: 'SYSTEM|CHECK-ID', many: true, values: SYSTEM_NAMES, others: true }],
    flags: [
      'to',
      'back-to',
      'channels',
      ...INTENT,
      'nodes',
      'filename',
      'offline',
      'from',
      'quick',
      'contexts',
      'all-contexts',
      'output',
      'fail-on',
      'accept',
    ],
    here: {
      chart: {
        en: 'Chart directory or .tgz to upgrade to; sets the target version. A chart of other software: its objects are rendered by helm and checked',
        zh: '升级所用的 chart（目录或 .tgz），并以其版本为目标版本；也可以是其他软件的 chart，由 helm 渲染后检查其中的对象',
      },
    },
    output: REPORTS,
    text: { en: 'Find what an upgrade would break', zh: '找出升级会引发的问题' },
    more: {
      en: 'Changes nothing. Without a name, every system that is installed is checked. What cannot be read is reported as unknown, never as passed.',
      zh: '不做任何更改。不指定名称时，检查所有已安装的系统。读取不到的内容一律报告为“未知”，不会是“通过”。',
    },
    examples: [
      { text: { en: 'Everything in the current cluster', zh: '检查当前集群中的所有系统' }, words: 'check' },
      {
        text: { en: 'Before upgrading Spiderpool to 0.9.13', zh: '把 Spiderpool 升级到 0.9.13 之前' },
        words: 'check spiderpool --to spiderpool=0.9.13',
      },
      {
        text: { en: 'With the chart and the values of the upgrade', zh: '使用升级将采用的 chart 和 values' },
        words: 'check spiderpool --chart spiderpool-1.0.6.tgz --reuse-values --set ipam.enableIPv6=false',
      },
      {
        text: { en: 'Several clusters, as one page', zh: '检查多个集群，生成一个网页' },
        words: 'check --contexts prod-a,prod-b -o html',
      },
      {
        text: { en: 'IP conflicts in a very large cluster, within seconds', zh: '几秒内检查超大集群中的 IP 冲突' },
        words: 'check spiderpool/duplicate-pod-ip --quick',
      },
      {
        text: { en: 'Manifests before they are applied, together with the cluster', zh: '检查即将应用的清单（连同集群中的对象）' },
        words: 'check -f manifests/',
      },
      {
        text: { en: 'In CI, without a cluster', zh: '在 CI 中检查，不连接集群' },
        words: 'check -f manifests/ --offline --to spiderpool=1.0.6',
      },
      {
        text: { en: 'In CI, for code scanning', zh: '在 CI 中检查，供代码扫描使用' },
        words: 'check -f manifests/ --offline --to kubernetes=1.37 -o sarif',
      },
      {
        text: { en: 'After an upgrade: what prevents a return to 0.9.13', zh: '升级之后：回退到 0.9.13 有哪些阻碍' },
        words: 'check spiderpool --back-to 0.9.13',
      },
      { text: { en: 'Offline, from a snapshot, as JSON', zh: '离线检查快照，输出 JSON' }, words: 'check --from prod.tar.gz -o json' },
    ],
  },
  {
    name: 'compare',
    group: 'look',
    positionals: [
      { name: 'BEFORE', required: true, file: true },
      { name: 'AFTER', required: true, file: true },
    ],
    flags: ['output'],
    output: DATA,
    text: { en: 'Compare two saved check results', zh: '比较两份检查结果' },
    more: {
      en: 'Sorts the findings of two files made with check -o json or -o yaml into new, gone, still there, and not checked again. Results of several clusters (--contexts) are compared cluster by cluster. One of the two files can be - for standard input.',
      zh: '把两份由 check -o json 或 -o yaml 生成的文件中的问题分为：新出现、已消失、仍存在、未再检查。多集群（--contexts）的结果按集群逐一比较。其中一份可用 - 表示标准输入。',
    },
    examples: [{ text: { en: 'What changed since yesterday', zh: '与昨天相比有何变化' }, words: 'compare yesterday.json today.json' }],
  },
  {
    name: 'render',
    group: 'look',
    positionals: [{ name: 'RESULT', required: true, file: true }],
    flags: ['output'],
    output: REPORTS,
    text: { en: 'Show a saved check result in another format or language', zh: '用其他格式或语言显示检查结果' },
    more: {
      en: 'RESULT is a file made with check -o json or -o yaml, of one cluster or of several, or - for standard input. No cluster is contacted.',
      zh: 'RESULT 是由 check -o json 或 -o yaml 生成的文件（单个或多个集群均可），也可用 - 表示标准输入。不连接任何集群。',
    },
    examples: [
      {
        text: { en: 'A report in Chinese for the change request', zh: '为变更单生成中文报告' },
        words: 'render result.json -o markdown --lang zh',
      },
    ],
  },
] as const satisfies readonly CommandSpec[];

const CARRY = [
  {
    name: 'snapshot',
    group: 'carry',
    positionals: [{ name: 'FILE', required: true, file: true }],
    flags: ['force'],
    text: { en: 'Save a redacted cluster snapshot', zh: '保存脱敏的集群快照' },
    more: {
      en: 'FILE is a .tar.gz that only the current user can read. Secrets, tokens and environment values are left out. check --from FILE gives the same result as the cluster itself.',
      zh: 'FILE 是仅当前用户可读的 .tar.gz，不含 Secret、令牌和环境变量的值。check --from FILE 的结果与直接检查集群相同。',
    },
    examples: [{ text: { en: 'For support, or to rehearse a fix', zh: '供技术支持使用，或用来演练修复' }, words: 'snapshot prod.tar.gz' }],
  },
  {
    name: 'rbac',
    group: 'carry',
    positionals: [],
    flags: ['for', 'bind-to'],
    text: { en: 'Print the minimal ClusterRole', zh: '输出最小 ClusterRole' },
    examples: [
      { text: { en: 'For checking only', zh: '仅供检查' }, words: 'rbac --for check' },
      {
        text: { en: 'Grant it to a user (as an administrator)', zh: '授予用户（由管理员执行）' },
        words: 'rbac --for check --bind-to user/alice',
      },
      { text: { en: 'To fix the installed systems', zh: '供修复已安装的系统' }, words: 'rbac --for fix' },
      {
        text: { en: 'For upgrades, including the permissions of helm', zh: '供升级使用，包含 helm 所需的权限' },
        words: 'rbac --for upgrade',
      },
    ],
  },
] as const satisfies readonly CommandSpec[];

const LEARN = [
  {
    name: 'demo',
    group: 'learn',
    positionals: [],
    flags: ['from', 'output'],
    output: REPORTS,
    here: {
      from: {
        en: 'Use this snapshot, or directory or file of objects, instead of the sample cluster; - reads standard input',
        zh: '不使用示例集群，改为读取快照，或存有对象的目录、文件；- 表示标准输入',
      },
    },
    text: { en: 'Try it on a sample cluster in memory', zh: '在内存中的示例集群上试用' },
    more: { en: 'Needs no cluster and changes nothing.', zh: '不需要集群，也不做任何更改。' },
    examples: [{ text: { en: 'Check and fix the sample cluster', zh: '检查并修复示例集群' }, words: 'demo' }],
  },
  {
    name: 'checks',
    group: 'learn',
    positionals: [],
    flags: ['output'],
    output: DATA,
    text: { en: 'List all checks', zh: '列出全部检查项' },
    examples: [{ text: { en: 'All checks', zh: '全部检查项' }, words: 'checks' }],
  },
  {
    name: 'explain',
    group: 'learn',
    positionals: [{ name: 'CHECK-ID', required: true }],
    flags: ['output'],
    output: [...DATA, 'markdown'],
    text: { en: 'Explain a check', zh: '说明某项检查' },
    examples: [{ text: { en: 'One check', zh: '说明一项检查' }, words: 'explain spiderpool/owner-controller-type' }],
  },
] as const satisfies readonly CommandSpec[];

const TOOL = [
  {
    name: 'version',
    group: 'tool',
    positionals: [],
    flags: ['output'],
    output: ['table', 'json'],
    text: { en: 'Print the version of upgrade-guard', zh: '显示 upgrade-guard 的版本' },
    examples: [{ text: { en: 'For scripts', zh: '供脚本使用' }, words: 'version -o json' }],
  },
  {
    name: 'completion',
    group: 'tool',
    positionals: [{ name: 'SHELL', required: true, values: ['bash', 'zsh', 'fish'] }],
    flags: [],
    text: { en: 'Print a completion script for a shell', zh: '输出命令行补全脚本' },
    more: {
      en: 'The script completes upgrade-guard and kubectl-upgrade_guard. For "kubectl upgrade-guard", link the program as kubectl_complete-upgrade_guard somewhere on your PATH.',
      zh: '脚本为 upgrade-guard 和 kubectl-upgrade_guard 提供补全。要让 kubectl upgrade-guard 也能补全，请在 PATH 的任一目录中创建指向本程序的链接，命名为 kubectl_complete-upgrade_guard。',
    },
    examples: [{ text: { en: 'In ~/.bashrc', zh: '写入 ~/.bashrc' }, words: 'completion bash' }],
  },
  {
    name: 'options',
    group: 'tool',
    positionals: [],
    flags: [],
    text: { en: 'List the flags that every command takes', zh: '列出所有命令通用的参数' },
    examples: [],
  },
  {
    name: 'help',
    group: 'tool',
    positionals: [{ name: 'COMMAND' }],
    flags: [],
    text: { en: 'Help for a command', zh: '显示命令的帮助' },
    examples: [{ text: { en: 'How to check', zh: 'check 命令的用法' }, words: 'help check' }],
  },
] as const satisfies readonly CommandSpec[];

const ALL = [...LOOK, ...CHANGE, ...CARRY, ...LEARN, ...TOOL] as const;
export type Verb = (typeof ALL)[number]['name'];
export const COMMANDS: readonly (CommandSpec & { name: Verb })[] = ALL;

export function commandOf(name: string): (CommandSpec & { name: Verb }) | undefined {
  return COMMANDS.find((command) => command.name === name);
}

/** What a flag does in this command. */
export const textOf = (command: CommandSpec | undefined, flag: FlagName): Text => command?.here?.[flag] ?? FLAGS[flag].text;

/** What a flag may be set to in this command; undefined: anything. */
export function choicesOf(command: CommandSpec | undefined, flag: FlagName): readonly string[] | undefined {
  if (flag === 'output') return command?.output;
  const spec = FLAGS[flag];
  return 'choices' in spec ? spec.choices : undefined;
}
