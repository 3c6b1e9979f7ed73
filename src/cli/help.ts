// The pages of help: the list of commands, one command, the flags of every command. In one language each, wrapped to the terminal.
import type { Language, Text } from '../engine/contracts.ts';
import { wrap as fold, padEnd } from '../text/width.ts';
import { unknownCommand } from './argv.ts';
import { type CommandSpec, GROUPS, type Positional } from './command-spec.ts';
import { COMMANDS, choicesOf, commandOf, textOf, type Verb } from './commands.ts';
import { CONNECTION, type FlagName, specOf, TALK } from './flags.ts';

export interface Page {
  /** How the user writes our name. */
  usage: string;
  language: Language;
  /** Columns of the terminal. */
  width: number;
  bold(text: string): string;
}

/** @param topic a command, `options`, or nothing for the list of commands. Throws UserError for anything else. */
export function helpPage(topic: string | undefined, page: Page): string {
  if (topic === undefined) return overview(page);
  if (topic === 'options') return optionsPage(page);
  const command = commandOf(topic);
  if (!command) throw unknownCommand(topic, page.usage);
  return commandPage(command, page);
}

const WORDS = {
  intro: {
    en: 'Find what an upgrade will break in your cluster, fix it, and undo the fix if needed.',
    zh: '升级前检查集群，找出升级会引发的问题并修复，必要时可撤销修复。',
  },
  usage: { en: 'Usage:', zh: '用法：' },
  examples: { en: 'Examples:', zh: '示例：' },
  flags: { en: 'Flags:', zh: '参数：' },
  exits: { en: 'Exit codes:', zh: '退出码：' },
  connection: { en: 'Connection:', zh: '连接集群：' },
  talk: { en: 'Output and language:', zh: '输出与语言：' },
  next: { en: 'Next:', zh: '下一步：' },
  optional: { en: '[flags]', zh: '[参数]' },
  oneOf: { en: 'One of', zh: '可选值' },
  repeatable: { en: 'May be repeated', zh: '可多次使用' },
} satisfies Record<string, Text>;

/** Exit codes as each command can return them; those that every command shares (0 and 1 of a plain listing) are not worth a section. */
const CLEAN: Text = {
  en: 'no findings at or above --fail-on, all checks ran completely (with --offline: all that need only manifests)',
  zh: '没有达到 --fail-on 级别的问题，全部检查均已完成（使用 --offline 时：仅凭清单即可完成的检查）',
};
const NOTHING_OPEN: Text = {
  en: 'all selected findings are fixed, no blocker is left that fix has no steps for, all checks ran completely',
  zh: '所选问题均已修复，没有无法修复的阻断项，全部检查均已完成',
};
const WRONG: Text = { en: 'error: wrong usage, or system not installed', zh: '错误：用法有误，或指定的系统未安装' };
const LOCKED: Text = {
  en: 'error: wrong usage, system not installed, or another run holds the lock',
  zh: '错误：用法有误，指定的系统未安装，或另一次运行持有锁',
};
const INCOMPLETE: Text = {
  en: 'no such findings, but some checks could not run, or a file or installation was not checked',
  zh: '没有此类问题，但有检查无法完成，或有文件、安装实例未检查',
};
const CUT: Text = { en: 'run interrupted', zh: '运行中断' };
const BEFORE_CHANGES: Text = { en: 'interrupted before any change', zh: '在做出任何更改之前中断' };
const EXITS: Partial<Record<Verb, readonly [string, Text][]>> = {
  check: [
    ['0', CLEAN],
    ['1', WRONG],
    ['2', { en: 'findings at or above --fail-on', zh: '存在达到 --fail-on 级别的问题' }],
    ['3', INCOMPLETE],
  ],
  compare: [
    ['0', { en: 'no new findings', zh: '没有新问题' }],
    ['1', { en: 'error: wrong usage, or a file cannot be read', zh: '错误：用法有误，或文件无法读取' }],
    ['2', { en: 'new findings', zh: '存在新问题' }],
    ['3', { en: 'no new findings, but some checks did not run again', zh: '没有新问题，但有检查未再次运行' }],
  ],
  render: [
    ['0', { en: 'shown', zh: '已显示' }],
    ['1', { en: 'error: wrong usage, or the file cannot be read', zh: '错误：用法有误，或文件无法读取' }],
  ],
  fix: [
    ['0', { en: `${NOTHING_OPEN.en}; with --dry-run: the steps are shown`, zh: `${NOTHING_OPEN.zh}；使用 --dry-run 时：已显示步骤` }],
    [
      '1',
      {
        en: `${LOCKED.en}; with --dry-run=server also: a write was rejected`,
        zh: `${LOCKED.zh}；使用 --dry-run=server 时，也表示有写操作被拒绝`,
      },
    ],
    [
      '2',
      {
        en: 'selected findings remain, or a blocker that fix has no steps for',
        zh: '所选问题仍有未修复的，或存在没有修复步骤的阻断项',
      },
    ],
    ['3', INCOMPLETE],
    ['4', CUT],
    ['130', BEFORE_CHANGES],
  ],
  plan: [
    ['0', { en: 'all steps are listed', zh: '已列出全部步骤' }],
    ['1', WRONG],
    ['2', { en: 'a blocker stops the upgrade', zh: '升级被阻断项阻止' }],
    [
      '3',
      {
        en: 'all steps are listed, but some checks could not run; or the installed version could not be read, and no steps are shown',
        zh: '已列出全部步骤，但有检查无法完成；或无法读取当前版本，未列出步骤',
      },
    ],
  ],
  upgrade: [
    ['0', { en: 'upgraded, no blockers left', zh: '升级完成，没有遗留阻断项' }],
    [
      '1',
      {
        en: `${LOCKED.en}; with --rollback-on-failure also: upgrade failed and was undone`,
        zh: `${LOCKED.zh}；使用 --rollback-on-failure 时，也表示升级失败并已撤销`,
      },
    ],
    ['2', { en: 'a blocker stopped the upgrade, or is left after it', zh: '升级因阻断项未执行，或升级后仍有阻断项' }],
    [
      '3',
      {
        en: 'upgraded, no blockers left, but some checks could not run; or the installed version could not be read, and nothing was changed',
        zh: '升级完成，没有遗留阻断项，但有检查无法完成；或无法读取当前版本，未做任何更改',
      },
    ],
    ['4', { en: 'run interrupted or waiting for a manual step, or undo incomplete', zh: '运行中断或等待手动步骤，或撤销不完整' }],
    ['130', BEFORE_CHANGES],
  ],
  resume: [
    ['0', { en: 'run finished, its findings are fixed', zh: '运行已完成，所选问题均已修复' }],
    ['1', LOCKED],
    ['2', { en: 'findings of the run remain', zh: '该运行的问题仍存在' }],
    ['3', { en: 'run finished, but some checks could not run again', zh: '运行已完成，但复查时有检查无法完成' }],
    ['4', { en: 'run interrupted, or waiting for a manual step', zh: '运行中断，或等待手动步骤' }],
    ['130', BEFORE_CHANGES],
  ],
  undo: [
    ['0', { en: 'undone, or nothing to undo', zh: '已撤销，或没有可撤销的内容' }],
    ['1', { en: 'error: wrong usage, or another run holds the lock', zh: '错误：用法有误，或另一次运行持有锁' }],
    ['4', { en: 'undo interrupted or incomplete', zh: '撤销中断或不完整' }],
    ['130', BEFORE_CHANGES],
  ],
};

function overview(page: Page): string {
  const { language, usage } = page;
  const lines = [...wrap(WORDS.intro[language], page.width, ''), '', page.bold(WORDS.usage[language]), `  ${usage} COMMAND`];
  for (const [group, title] of Object.entries(GROUPS)) {
    const commands = COMMANDS.filter((command) => command.group === group);
    lines.push('', page.bold(language === 'zh' ? `${title.zh}：` : `${title.en}:`));
    lines.push(
      ...table(
        commands.map((command) => [command.name, command.text[language]]),
        page.width,
        COMMAND_COLUMN,
      ),
    );
  }
  const next: [string, Text][] = [
    [`${usage} COMMAND --help`, { en: 'Help for a command', zh: '命令的帮助' }],
    [`${usage} options`, { en: 'Flags of every command', zh: '所有命令通用的参数' }],
    [`${usage} demo`, { en: 'Try it without a cluster', zh: '没有集群时先试一试' }],
  ];
  lines.push(
    '',
    page.bold(WORDS.next[language]),
    ...table(
      next.map(([words, text]) => [words, text[language]]),
      page.width,
      Math.max(...next.map(([words]) => words.length)) + 4,
    ),
  );
  return finish(lines);
}

function commandPage(command: (typeof COMMANDS)[number], page: Page): string {
  const { language, usage, width } = page;
  const lines = [...wrap(command.text[language] + (language === 'zh' ? '。' : '.'), width, '')];
  if (command.more) lines.push('', ...wrap(command.more[language], width, ''));
  lines.push(
    '',
    page.bold(WORDS.usage[language]),
    `  ${[usage, command.name, ...command.positionals.map(shape), ...(command.flags.length ? [WORDS.optional[language]] : [])].join(' ')}`,
  );
  if (command.examples.length > 0) {
    lines.push('', page.bold(WORDS.examples[language]));
    for (const { text, words } of command.examples) lines.push(`  # ${text[language]}`, `  ${usage} ${words}`);
  }
  if (command.flags.length > 0) lines.push('', page.bold(WORDS.flags[language]), ...flagTable(command.flags, page, command));
  const exits = EXITS[command.name];
  if (exits) {
    lines.push(
      '',
      page.bold(WORDS.exits[language]),
      ...table(
        exits.map(([code, text]) => [code, text[language]]),
        width,
        EXIT_COLUMN,
      ),
    );
  }
  const more: Text = { en: `Flags of every command: ${usage} options`, zh: `所有命令通用的参数：${usage} options` };
  lines.push('', more[language]);
  return finish(lines);
}

function optionsPage(page: Page): string {
  const { language } = page;
  return finish([
    page.bold(WORDS.connection[language]),
    ...flagTable(CONNECTION, page, undefined),
    '',
    page.bold(WORDS.talk[language]),
    ...flagTable(['knowledge', ...TALK], page, undefined),
  ]);
}

function shape({ name, required, many }: Positional): string {
  const inner = many ? `${name}...` : name;
  return required ? inner : `[${inner}]`;
}

function flagTable(flags: readonly FlagName[], page: Page, command: CommandSpec | undefined): string[] {
  const rows = flags.map((name): [string, string] => [written(name), described(name, page.language, command)]);
  return table(rows, page.width, FLAG_COLUMN);
}

function written(name: FlagName): string {
  const { short, value } = specOf(name);
  if (short === name) return `-${short} ${value}`;
  return `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`;
}

function described(name: FlagName, language: Language, command: CommandSpec | undefined): string {
  const { kind } = specOf(name);
  const choices = choicesOf(command, name);
  const [stop, list, colon] = language === 'zh' ? ['。', '、', '：'] : ['. ', ', ', ': '];
  const notes = [textOf(command, name)[language]];
  if (choices) notes.push(`${WORDS.oneOf[language]}${colon}${choices.join(list)}`);
  if (kind === 'list') notes.push(WORDS.repeatable[language]);
  return notes.join(stop);
}

// ---- layout ---------------------------------------------------------------------------------------------------------

/** Where the second column begins; a longer first cell pushes its text to the next line. */
const COMMAND_COLUMN = 14;
const FLAG_COLUMN = 32;
const EXIT_COLUMN = 7;
/** With less room than this the second column moves under the first. */
const ROOMY = 32;
const UNDER = ' '.repeat(10);
const MAX_WIDTH = 100;
/** A column narrower than this is not readable. */
const LEAST = 20;

function finish(lines: string[]): string {
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function table(rows: readonly (readonly [string, string])[], width: number, column: number): string[] {
  const roomy = width - column >= ROOMY;
  const indent = roomy ? ' '.repeat(column) : UNDER;
  return rows.flatMap(([first, second]) => {
    const cell = `  ${first}`;
    const [head = '', ...tail] = wrap(second, width, indent);
    const fits = roomy && cell.length + 2 <= column;
    return fits ? [padEnd(cell, column) + head.slice(column), ...tail] : [cell, head, ...tail];
  });
}

/** Every line begins with `indent`; long lines are hard to read however wide the terminal is. */
function wrap(text: string, width: number, indent: string): string[] {
  const room = Math.max(LEAST, Math.min(width, MAX_WIDTH) - indent.length);
  return fold(text, room).map((line) => indent + line);
}
