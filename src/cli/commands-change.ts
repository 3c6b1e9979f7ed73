// The commands that fix and upgrade, and those for the runs that come of it, as data (commands.ts).
import type { Text } from '../engine/contracts.ts';
import { type CommandSpec, DATA, type Positional, SYSTEM_NAMES } from './command-spec.ts';
import { type FlagName, INTENT } from './flags.ts';

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

const RUN: Positional = { name: 'RUN' };
/** What runs, resume and undo are told of a run. */
const OF_A_RUN: Partial<Record<FlagName, Text>> = {
  filename: {
    en: 'Runs of fix -f on these files or directories, instead of runs on the cluster',
    zh: '针对 fix -f 的运行（写当时的文件或目录），而不是集群上的运行',
  },
  yes: { en: 'Do not prompt', zh: '不再询问' },
};

export const CHANGE = [
  {
    name: 'fix',
    group: 'change',
    positionals: [{ name: 'CHECK-ID', many: true }],
    flags: ['dry-run', 'rehearse', 'yes', 'confirm', 'to', 'back-to', ...INTENT, 'filename', 'offline', 'from', 'take-over'],
    here: {
      filename: {
        en: 'Fix these manifests instead of the cluster: a file or a directory (recursive). They are checked together with the cluster',
        zh: '修复这些清单而不是集群：文件或目录（含子目录）。检查时以清单中的对象代替集群中的同名对象',
      },
      'back-to': {
        en: 'Fix what prevents a return from the installed version to this older one',
        zh: '修复阻碍从当前版本回退到该旧版本的问题',
      },
    },
    text: { en: 'Fix what check found', zh: '修复检查发现的问题' },
    more: {
      en: 'Lists every step and whether it can be undone, asks, runs the steps, and checks again. The old state of each object is saved to disk before a request is sent. With --from, it only rehearses; --dry-run=client only lists the steps.',
      zh: '先列出每个步骤以及能否撤销，经确认后执行，最后复查。发出请求之前，对象的旧状态已保存到磁盘。使用 --from 时只演练；--dry-run=client 只列出步骤。',
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
    here: {
      rehearse: {
        en: 'Run the steps before helm, in memory only (Helm releases only)',
        zh: '只在内存中演练 helm 之前的步骤（仅限 Helm release）',
      },
    },
    text: { en: 'Check, fix, upgrade, check again', zh: '检查、修复、升级、复查' },
    more: {
      en: 'Lists every step first. Systems installed by a chart are upgraded by helm, with the same values as helm upgrade: without value flags, the values of the release; values given without --reuse-values or --reset-then-reuse-values replace them all. Other systems are upgraded one minor version at a time; manual steps are shown with their commands. In a terminal, upgrade waits until they are done; without one, it stops at the first that is not done (exit code 4), and resume continues. If a step fails, nothing is rolled back automatically: use resume or undo.',
      zh: '先列出每个步骤。由 chart 安装的系统由 helm 升级，values 的处理与 helm upgrade 相同：没有任何 values 参数时沿用 release 现有的 values；指定了 values 而没有 --reuse-values 或 --reset-then-reuse-values 时，现有的 values 全部被取代。其他系统逐个次要版本升级；手动步骤会给出命令。在终端中，upgrade 会等待其完成；没有终端时停在第一个尚未完成的步骤（退出码 4），之后用 resume 继续。步骤失败时不会自动回滚：用 resume 继续，用 undo 撤销。',
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
      en: 'Without RUN: the newest run of this cluster with something to undo. If that is not the newest run, its ID is shown first. Only fields that the run changed are restored; if one of them has changed since, undo lists the object and leaves it as it is.',
      zh: '不写 RUN 时，撤销本集群最近一次有可撤销更改的运行；如果之后还有别的运行，会先显示所撤销运行的编号。只恢复该次运行改动过的字段；如果这些字段此后又被改动，则列出该对象，并保持不变。',
    },
    examples: [
      { text: { en: 'The newest run with something to undo', zh: '撤销最近一次有更改的运行' }, words: 'undo' },
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
