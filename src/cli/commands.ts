// Every command of the tool, as data. What a command does stands in commands/<verb>.ts, which is loaded at first use.
import type { Text } from '../engine/contracts.ts';
import { FLAGS, type FlagName, INTENT } from './flags.ts';

/** How an upgrade is carried out: the same words for a plan of it. */
const CARRIED_OUT: FlagName[] = [
  'nodes',
  'stop-controller-manager',
  'log-verbosity',
  'kubelet-log-verbosity',
  'cordon-again',
  'controller',
  'no-pull-images',
];

export interface Positional {
  /** As help shows it, in capitals. */
  name: string;
  required?: true;
  many?: true;
  /** What may stand here; shells complete it. */
  values?: readonly string[];
  /** Ids of checks may stand here too: the core knows them, and says what is wrong. */
  others?: true;
  file?: true;
}
export interface Example {
  text: Text;
  words: string;
}
export interface CommandSpec {
  name: string;
  group: Group;
  positionals: readonly Positional[];
  flags: readonly FlagName[];
  /** Flags that mean something else here than elsewhere. */
  here?: Partial<Record<FlagName, Text>>;
  /** What -o takes here. */
  output?: readonly string[];
  /** One line. */
  text: Text;
  /** What the user must know before using it. */
  more?: Text;
  examples: readonly Example[];
}
export type Group = 'look' | 'change' | 'carry' | 'learn' | 'tool';

export const GROUPS: Record<Group, Text> = {
  look: { en: 'Check', zh: '检查' },
  change: { en: 'Fix and upgrade', zh: '修复与升级' },
  carry: { en: 'Offline use and permissions', zh: '离线分析与权限' },
  learn: { en: 'Learn more', zh: '了解更多' },
  tool: { en: 'Other commands', zh: '其他命令' },
};

/** The systems of this build; a test compares them with the folders. */
export const SYSTEM_NAMES = ['kubernetes', 'spiderpool', 'k3s', 'osm-edge'] as const;
/** What -o takes where a result is printed, and where a list is. */
const REPORTS = ['table', 'wide', 'json', 'yaml', 'markdown', 'html', 'sarif', 'junit'] as const;
const DATA = ['table', 'json', 'yaml'] as const;
const RUN: Positional = { name: 'RUN' };
/** What runs, resume and undo are told of a run. */
const OF_A_RUN: Partial<Record<FlagName, Text>> = {
  filename: {
    en: 'Runs of fix -f on these files or directories, instead of runs on the cluster',
    zh: '对这些文件或目录执行 fix -f 的运行，而不是集群的运行',
  },
  yes: { en: 'Do not prompt', zh: '不再询问' },
};

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
    text: { en: 'Find what an upgrade would break', zh: '找出升级会破坏的内容' },
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
        text: { en: 'Manifests before they are applied, together with the cluster', zh: '检查即将应用的清单（叠加在集群之上）' },
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

const CHANGE = [
  {
    name: 'fix',
    group: 'change',
    positionals: [{ name: 'CHECK-ID', many: true }],
    flags: ['dry-run', 'rehearse', 'yes', 'confirm', 'to', 'back-to', ...INTENT, 'filename', 'offline', 'from', 'take-over'],
    here: {
      filename: {
        en: 'Fix these manifests instead of the cluster: a file or a directory (recursive). They are checked together with the cluster',
        zh: '修复这些清单而不是集群：文件或目录（含子目录）。清单会叠加在集群之上进行检查',
      },
      'back-to': {
        en: 'Fix what prevents a return from the installed version to this older one',
        zh: '修复阻碍从当前版本退回到该旧版本的问题',
      },
    },
    text: { en: 'Fix what check found', zh: '修复检查发现的问题' },
    more: {
      en: 'Lists every step and whether it can be undone, asks, runs the steps, and checks again. The old state of each object is saved to disk before a request is sent. With --from, only --dry-run=client and --rehearse are possible.',
      zh: '先列出每个步骤以及能否撤销，经确认后执行，最后复查。发出请求之前，对象的旧状态已保存到磁盘。使用 --from 时只能配合 --dry-run=client 或 --rehearse。',
    },
    examples: [
      { text: { en: 'List the steps without running them', zh: '只列出步骤，不执行' }, words: 'fix --dry-run=client' },
      { text: { en: 'Only the findings of one check', zh: '只修复某一项检查的问题' }, words: 'fix spiderpool/owner-controller-type' },
      {
        text: { en: 'Fix the manifests instead of the cluster: show the change as a diff', zh: '在清单中修复：以 diff 显示对清单的更改' },
        words: 'fix -f manifests/ --dry-run=client',
      },
      { text: { en: 'Rehearse on a snapshot first', zh: '先在快照上演练' }, words: 'fix --from prod.tar.gz --rehearse' },
    ],
  },
  {
    name: 'plan',
    group: 'change',
    positionals: [{ name: 'SYSTEM', required: true, values: SYSTEM_NAMES }, { name: 'RELEASE' }],
    flags: ['to', ...INTENT, 'repo', 'from', 'accept', 'timeout', ...CARRIED_OUT, 'output'],
    output: ['table', 'json', 'yaml', 'markdown', 'html', 'shell', 'values'],
    text: { en: 'Show all steps of an upgrade', zh: '列出升级的全部步骤' },
    more: {
      en: 'Changes nothing. -o shell prints a runbook: the same steps as kubectl and helm commands, with what to verify in between. -o values prints the file given with --values, with renamed keys under their new names and its comments kept.',
      zh: '不做任何更改。-o shell 输出操作手册：同样的步骤，以 kubectl 和 helm 命令给出，并注明每一步要确认什么。-o values 输出 --values 指定的文件，改名的键换成新名称，注释保留。',
    },
    examples: [
      { text: { en: 'Every step of an upgrade', zh: '升级的全部步骤' }, words: 'plan spiderpool --chart spiderpool-0.9.13.tgz' },
      { text: { en: 'As a runbook', zh: '输出操作手册' }, words: 'plan spiderpool --chart spiderpool-0.9.13.tgz -o shell' },
      {
        text: { en: 'Kubernetes, minor by minor', zh: 'Kubernetes：逐个次要版本升级' },
        words: 'plan kubernetes --to 1.37 --nodes in-place',
      },
      {
        text: { en: 'A values file for the new chart', zh: '适用于新 chart 的 values 文件' },
        words: 'plan spiderpool --chart spiderpool-1.0.6.tgz --values my.yaml -o values',
      },
    ],
  },
  {
    name: 'upgrade',
    group: 'change',
    positionals: [{ name: 'SYSTEM', required: true, values: SYSTEM_NAMES }, { name: 'RELEASE' }],
    flags: [
      'to',
      ...INTENT,
      'repo',
      'dry-run',
      'rehearse',
      'yes',
      'confirm',
      'accept',
      'timeout',
      ...CARRIED_OUT,
      'rollback-on-failure',
      'take-over',
    ],
    text: { en: 'Check, fix, upgrade, check again', zh: '检查、修复、升级、复查' },
    more: {
      en: 'Lists every step first. Systems installed by a chart are upgraded by helm, with the same values as helm upgrade: without value flags, the values of the release. Other systems are upgraded one minor version at a time; manual steps are shown with their commands, and watched. If a step fails, nothing is rolled back automatically: use resume or undo.',
      zh: '先列出每个步骤。由 chart 安装的系统由 helm 升级，values 的取法与 helm upgrade 相同，未指定时沿用 release 现有的 values。其他系统逐个次要版本升级；手动步骤会给出命令，并等待其完成。步骤失败时不会自动回滚：用 resume 继续，用 undo 撤销。',
    },
    examples: [
      { text: { en: 'Show the steps', zh: '只显示步骤' }, words: 'upgrade spiderpool --chart spiderpool-0.9.13.tgz --dry-run=client' },
      { text: { en: 'Upgrade', zh: '执行升级' }, words: 'upgrade spiderpool --chart spiderpool-0.9.13.tgz' },
    ],
  },
  {
    name: 'runs',
    group: 'change',
    positionals: [RUN],
    flags: ['filename', 'output'],
    here: OF_A_RUN,
    output: DATA,
    text: { en: 'List runs, or show one', zh: '列出运行记录，或查看其中一次' },
    examples: [
      { text: { en: 'All runs of this cluster, newest first', zh: '本集群的全部运行，最新的在前' }, words: 'runs' },
      { text: { en: 'Every step of one run', zh: '一次运行的每个步骤' }, words: 'runs RUN' },
    ],
  },
  {
    name: 'resume',
    group: 'change',
    positionals: [RUN],
    flags: ['filename', 'dry-run', 'yes', 'confirm-step', 'take-over'],
    here: OF_A_RUN,
    text: { en: 'Resume an interrupted run', zh: '继续未完成的运行' },
    more: {
      en: 'Without RUN: the newest unfinished run of this cluster. Fixes of uncertain findings were confirmed when the run began; resume does not ask again.',
      zh: '不写 RUN 时，继续本集群最近一次未完成的运行。不确定的问题在运行开始时已经确认，不会再次询问。',
    },
    examples: [
      { text: { en: 'The newest unfinished run', zh: '继续最近一次未完成的运行' }, words: 'resume' },
      { text: { en: 'List the remaining steps', zh: '只列出剩余步骤' }, words: 'resume --dry-run=client' },
    ],
  },
  {
    name: 'undo',
    group: 'change',
    positionals: [RUN],
    flags: ['filename', 'dry-run', 'yes', 'take-over'],
    here: OF_A_RUN,
    text: { en: 'Undo the changes of a run', zh: '撤销一次运行的更改' },
    more: {
      en: 'Without RUN: the newest run of this cluster. Objects that another user changed since then are listed and left unchanged.',
      zh: '不写 RUN 时，撤销本集群最近一次运行。此后被其他用户改动的对象会列出，并保持不变。',
    },
    examples: [
      { text: { en: 'The newest run', zh: '撤销最近一次运行' }, words: 'undo' },
      {
        text: {
          en: 'What would be undone, and whether the API server accepts it',
          zh: '只显示将撤销的内容，以及 API 服务器是否接受',
        },
        words: 'undo --dry-run=server',
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
    flags: ['for'],
    text: { en: 'Print the minimal ClusterRole', zh: '输出最小 ClusterRole' },
    examples: [
      { text: { en: 'For checking only', zh: '仅供检查' }, words: 'rbac --for check' },
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
      zh: '脚本为 upgrade-guard 和 kubectl-upgrade_guard 提供补全。要让 kubectl upgrade-guard 也能补全，请在 PATH 中把本程序链接为 kubectl_complete-upgrade_guard。',
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
    examples: [{ text: { en: 'How to check', zh: '检查命令的用法' }, words: 'help check' }],
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
