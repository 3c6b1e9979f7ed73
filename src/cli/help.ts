// The pages of help: the list of commands, one command, the flags of every command. In one language each, wrapped to the terminal.
import type { Language, Text } from '../engine/contracts.ts';
import { wrap as fold, padEnd } from '../text/width.ts';
import { unknownCommand } from './argv.ts';
import { COMMANDS, type CommandSpec, choicesOf, commandOf, GROUPS, type Group, type Positional } from './commands.ts';
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
    en: 'Says what an upgrade will break in your cluster, repairs it, and can take the repair back.',
    zh: '指出升级会破坏集群中的什么，代为修复，并且可以撤销修复。',
  },
  usage: { en: 'Usage:', zh: '用法：' },
  examples: { en: 'Examples:', zh: '示例：' },
  flags: { en: 'Flags:', zh: '参数：' },
  exits: { en: 'Exit codes:', zh: '退出码：' },
  connection: { en: 'How to reach the cluster:', zh: '如何连接集群：' },
  talk: { en: 'How the tool talks to you:', zh: '如何与您交互：' },
  next: { en: 'Next:', zh: '接下来：' },
  optional: { en: '[flags]', zh: '[参数]' },
  oneOf: { en: 'One of', zh: '可取' },
  repeatable: { en: 'May be repeated', zh: '可多次使用' },
} satisfies Record<string, Text>;

/** DESIGN.md section 5. */
const EXITS: readonly [string, Text][] = [
  [
    '0',
    { en: 'nothing at or above --fail-on was found, and everything was seen', zh: '没有达到 --fail-on 级别的问题，且全部内容均已看到' },
  ],
  [
    '1',
    {
      en: 'the tool failed or was used wrongly, what was named is not installed, or another run holds the cluster',
      zh: '工具出错或用法有误，指名的系统未安装，或集群正被另一次执行占用',
    },
  ],
  [
    '2',
    {
      en: 'there are findings at or above --fail-on (compare: new ones; fix: some remain)',
      zh: '存在达到 --fail-on 级别的问题（compare：有新问题；fix：仍有遗留）',
    },
  ],
  ['3', { en: 'no such finding, but something could not be seen, or was left out', zh: '没有此类问题，但有内容未能看到，或被排除' }],
  ['4', { en: 'a run stopped half-way, or an undo left something', zh: '执行中途停下，或撤销后仍有遗留' }],
  ['130', { en: 'interrupted before any change', zh: '在做出任何更改之前被中断' }],
];
const GROUPS_WITH_EXITS: readonly Group[] = ['look', 'change'];

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

function commandPage(command: CommandSpec, page: Page): string {
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
  if (GROUPS_WITH_EXITS.includes(command.group)) {
    lines.push(
      '',
      page.bold(WORDS.exits[language]),
      ...table(
        EXITS.map(([code, text]) => [code, text[language]]),
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
    ...flagTable(TALK, page, undefined),
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
  const { kind, text } = specOf(name);
  const choices = choicesOf(command, name);
  const [stop, list, colon] = language === 'zh' ? ['。', '、', '：'] : ['. ', ', ', ': '];
  const notes = [text[language]];
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
/** A column narrower than this helps nobody. */
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
