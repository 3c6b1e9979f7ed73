// Where a runbook stops until something is so: conditions as commands of kubectl that are repeated until they hold, with a limit; what no command of kubectl can see is asked.

import type { Condition, Expectation, Json, Language, Ref } from '../engine/contracts.ts';
import { conditionLines } from '../engine/steps/conditions.ts';
import { kubectlName, kubectlSelection } from '../engine/steps/shell.ts';
import { groupOf } from '../kube/refs.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';

/** Characters that a word of a shell may have here: a pattern that is cut would be another one. */
const LONGEST = 900;

/** Lines that hold the script until all of it holds; `unseen`: of some of it kubectl alone shows nothing. */
export function waitLines(
  conditions: readonly Condition[],
  { id, within, language }: { id: string; within: number; language: Language },
): { lines: string[]; unseen: boolean } {
  let unseen = false;
  const lines = [...Map.groupBy(conditions, alike).values()].flatMap((same) => {
    const looks = looksFor(same);
    if (!looks) unseen = true;
    const said = same.flatMap(conditionLines).map((line) => line[language]);
    const what = oneLine(`${id}. ${said.slice(0, SAID).join(language === 'zh' ? '；' : '; ')}${said.length > SAID ? ' ...' : ''}`, 400);
    return (looks ?? []).map(({ count, pattern, command }) =>
      ['wait_until', String(within), quoted(what), count, quoted(pattern), command].join(' '),
    );
  });
  return { lines, unseen };
}
/** These lines where the conditions do not hold yet, else a word why they are left out; as they are where no command shows it. */
export function unlessLines(lines: readonly string[], conditions: readonly Condition[], id: string, language: Language): string[] {
  const looks = [...Map.groupBy(conditions, alike).values()].map(looksFor);
  const all = looks.flatMap((each) => each ?? []);
  if (!all.length || looks.includes(undefined) || all.some(({ count, command }) => count !== 'every' || !command.startsWith('kubectl ')))
    return [...lines];
  const said = conditions.flatMap(conditionLines).map((line) => line[language]);
  const what = oneLine(`${WORDS.skipped[language]} ${id}. ${said.slice(0, SAID).join(language === 'zh' ? '；' : '; ')}`, 400);
  const tests = all.map(({ pattern, command }) => `is_so ${quoted(pattern)} ${command}`).join(' && ');
  return [`if ${tests}; then echo ${quoted(what)}; else`, ...lines, 'fi'];
}

/** Conditions that one line names. */
const SAID = 3;

/** Conditions about objects of one kind and namespace that ask the same: one command looks at all of them. */
const alike = (condition: Condition): string =>
  'on' in condition
    ? JSON.stringify([condition.on.apiVersion, condition.on.kind, condition.on.namespace, condition.must])
    : JSON.stringify(condition);

/** Always in quotes: a pattern of plain characters is one, too. */
const quoted = (text: string): string => {
  const word = shellWord(text);
  return word.startsWith("'") ? word : `'${word}'`;
};

interface Look {
  /** How many lines of what the command says must fit. */
  count: string;
  pattern: string;
  command: string;
}

function looksFor(same: readonly Condition[]): Look[] | undefined {
  const [first] = same as [Condition];
  const looks =
    'reading' in first
      ? ofReading(first)
      : 'of' in first
        ? ofSelection(first)
        : ofObjects(
            same.flatMap((each) => ('on' in each ? each.on : [])),
            first.must,
          );
  return looks?.every(({ pattern }) => pattern.length <= LONGEST) ? looks : undefined;
}

// ---- readings -------------------------------------------------------------------------------------------------------

function ofReading(condition: Extract<Condition, { reading: object }>): Look[] | undefined {
  const pattern = 'contains' in condition ? escaped(condition.contains) : extended(condition.matches);
  if (pattern === undefined) return undefined;
  const { path, every } = condition.reading;
  return [{ count: 'every', pattern, command: `${every ? 'each_server' : 'answer'} ${shellWord(path)}` }];
}

/** As `grep -E` takes it; undefined: it has what that does not know. */
function extended(pattern: string): string | undefined {
  const plain = pattern.replaceAll('(?:', '(').replaceAll('\\d', '[0-9]');
  return /\(\?|\\[a-zA-Z0-9]/.test(plain) ? undefined : plain;
}

// ---- objects --------------------------------------------------------------------------------------------------------

const ROLLED_OUT = new Set(['DaemonSet', 'Deployment', 'StatefulSet']);

function ofObjects(refs: readonly Ref[], must: Extract<Condition, { on: Ref }>['must']): Look[] | undefined {
  const [{ apiVersion, kind, namespace }] = refs as [Ref];
  const group = groupOf(apiVersion);
  const names = refs.map(({ name }) => shellWord(name)).join(' ');
  const get = `kubectl get ${shellWord(group ? `${kind}.${group}` : kind)} ${names}${namespace ? ` -n ${shellWord(namespace)}` : ''}`;
  if (must === 'be-gone') return [{ count: 'none', pattern: '.', command: `${get} --ignore-not-found -o name` }];
  if (must === 'exist') return [{ count: String(refs.length), pattern: '.', command: `${get} -o name` }];
  const rollout = ROLLED_OUT.has(kind) && must.some((each) => 'same' in each);
  const asked = rollout ? must.filter((each) => !('same' in each)) : must;
  const wrong = asked.filter((each) => 'isNot' in each);
  const asIs = fitting(asked);
  const unwanted = wrong.map((each) => fitting([{ path: each.path, inString: each.inString, is: each.isNot }]));
  if (!asIs || unwanted.some((each) => !each)) return undefined;
  const of = (fits: Fit) => `${fits.command}${get} -o ${rows(fits, refs.length > 1)}`;
  return [
    ...(asked.length ? [{ count: 'every', pattern: asIs.pattern, command: of(asIs) }] : []),
    ...unwanted.map((each) => ({ count: 'none', pattern: each!.pattern, command: of(each!) })),
    ...(rollout
      ? refs.map((ref) => ({ count: 'every', pattern: 'success', command: `kubectl rollout status ${kubectlName(ref)} --timeout=60s` }))
      : []),
  ];
}

function ofSelection({ of, which, must }: Extract<Condition, { of: object }>): Look[] | undefined {
  const get = `kubectl get ${kubectlSelection(of)}`;
  const count = typeof which === 'string' ? (which === 'some' ? '1' : which) : String(which.atLeast);
  if (must === 'be-gone') return undefined;
  if (must === 'exist') return [{ count: count === 'every' ? '1' : count, pattern: '.', command: `${get} -o name` }];
  const fits = must.some((each) => 'isNot' in each) ? undefined : fitting(must);
  return fits && [{ count, pattern: fits.pattern, command: `${fits.command}${get} -o ${rows(fits, true)}` }];
}

/** Fields of an object, and what the line that shows them must be. `command`: in front of the one that shows it. */
interface Fit {
  fields: string[];
  pattern: string;
  command: string;
}

/** `NAME|VALUE|VALUE` for each object. */
function rows({ fields }: Fit, list: boolean): string {
  const row = ['metadata.name', ...fields].map((field) => `{.${field}}`).join('{"|"}');
  return `'jsonpath=${list ? `{range .items[*]}${row}{"\\n"}{end}` : row}'`;
}

function fitting(must: readonly Expectation[]): Fit | undefined {
  const fields = must.map(({ path, inString }) => (inString === undefined ? jsonPath(path) : undefined));
  const values = must.map(wanted);
  const ages = new Set(must.flatMap((each) => ('newerThan' in each ? [each.newerThan] : 'olderThan' in each ? [each.olderThan] : [])));
  if (ages.size > 1 || fields.includes(undefined) || values.includes(undefined)) return undefined;
  const [age] = ages;
  return {
    fields: fields as string[],
    pattern: `^[^|]+${values.map((value) => `\\|${value}`).join('')}$`,
    command: age === undefined ? '' : `aged ${age} `,
  };
}

/** A pattern for the whole of a field. */
function wanted(each: Expectation): string | undefined {
  if ('same' in each) return undefined;
  if ('isNot' in each) return '[^|]+';
  if ('in' in each) return oneOf(each.in);
  if ('atLeast' in each) return from(each.atLeast);
  if ('olderThan' in each) return 'old';
  if ('newerThan' in each) return 'new';
  if ('startsWith' in each) return `${escaped(each.startsWith)}[^|]*`;
  return each.is === undefined ? '' : scalar(each.is);
}

const escaped = (text: string): string => oneLine(text, 1000).replace(/[.[\\()*+?{|^$]/g, '\\$&');
const scalar = (value: Json): string | undefined => (value !== null && typeof value === 'object' ? undefined : escaped(String(value)));

/** What they begin with alike stands once. */
function oneOf(values: readonly Json[]): string | undefined {
  const texts = values.map(scalar);
  if (texts.includes(undefined)) return undefined;
  const [first = '', ...others] = values.map(String);
  let alike = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, alike))) alike--;
  return `${escaped(first.slice(0, alike))}(${values.map((value) => escaped(String(value).slice(alike))).join('|')})`;
}

/** Whole numbers from that one on. */
function from(least: number): string {
  const digits = String(least);
  const larger = [...digits].flatMap((digit, at) =>
    digit === '9' ? [] : [`${digits.slice(0, at)}[${Number(digit) + 1}-9]${'[0-9]'.repeat(digits.length - at - 1)}`],
  );
  return `(${[digits, ...larger, `[1-9]${'[0-9]'.repeat(digits.length)}[0-9]*`].join('|')})`;
}

/** A JSON Pointer, which may name an element by a field of it, as kubectl has it; undefined: it has what may not stand there. */
function jsonPath(pointer: string): string | undefined {
  const parts = [...pointer.matchAll(/\/((?:[^/[]|\[[^\]]*\])*)/g)].map(([, part = '']) => {
    const [, name = part, key, value] = /^([^[]*)\[([\w.-]+)=([\w.-]+)\]$/.exec(part) ?? [];
    const plain = name.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!/^[\w./-]+$/.test(plain)) return undefined;
    if (/^\d+$/.test(plain)) return `[${plain}]`;
    return `.${plain.replaceAll('.', '\\.')}${key === undefined ? '' : `[?(@.${key}=="${value}")]`}`;
  });
  return parts.includes(undefined) ? undefined : parts.join('').slice(1);
}

// ---- what the script begins with ------------------------------------------------------------------------------------

/** Of a step that kubectl does not show. */
export const confirmLine = (id: string, text: string): string => `confirm ${quoted(oneLine(`${id}. ${text}`, 400))}`;

const WORDS = {
  waiting: { en: 'waiting until', zh: '等待' },
  late: { en: 'error: timed out, so the script stops; not met', zh: '错误：等待超时，脚本停止；未满足' },
  ask: { en: 'done? ', zh: '（此步骤是否已完成？）' },
  colon: { en: ': ', zh: '：' },
  noTerminal: { en: 'error: no terminal to confirm', zh: '错误：没有终端，无法确认' },
  skipped: { en: 'skipped:', zh: '已跳过：' },
  stopped: { en: 'stopped: not confirmed', zh: '已停止：未确认' },
} as const;

/** The functions that these lines call, each where it is called. */
export function helpers(lines: readonly string[], language: Language): string[] {
  const word = (of: keyof typeof WORDS) => WORDS[of][language];
  const calls = (name: string) => lines.some((line) => line.startsWith(`${name} `) || line.includes(` ${name} `));
  return [
    ...(calls('wait_until')
      ? [
          {
            en: '# wait_until SECONDS WHAT COUNT PATTERN COMMAND: waits until COUNT lines of COMMAND match PATTERN (every, none, or at least a number); stops the script after SECONDS',
            zh: '# wait_until 秒数 内容 数量 模式 命令：直到命令输出中有指定数量的行匹配模式（every：每行，none：没有，或至少若干行）；超过秒数则停止脚本',
          }[language],
          'wait_until() {',
          '  limit=$(($(date +%s) + $1)); what=$2; count=$3; pattern=$4; shift 4',
          `  printf '%s\\n' "${word('waiting')} $what"`,
          '  while :; do',
          '    if lines=$("$@" 2>/dev/null); then',
          '      all=0; fit=0',
          `      if [ -n "$lines" ]; then all=$(printf '%s\\n' "$lines" | grep -c '' || :); fit=$(printf '%s\\n' "$lines" | grep -Ec -e "$pattern" || :); fi`,
          '      case $count in',
          '        every) if [ "$all" -gt 0 ] && [ "$fit" -eq "$all" ]; then return 0; fi ;;',
          '        none) if [ "$fit" -eq 0 ]; then return 0; fi ;;',
          '        *) if [ "$fit" -ge "$count" ]; then return 0; fi ;;',
          '      esac',
          '    fi',
          `    if [ "$(date +%s)" -ge "$limit" ]; then printf '%s\\n' "${word('late')}${word('colon')}$what" >&2; exit 1; fi`,
          '    sleep 2',
          '  done',
          '}',
        ]
      : []),
    ...(calls('is_so')
      ? [
          {
            en: '# is_so PATTERN COMMAND: true if COMMAND prints something and every line matches PATTERN',
            zh: '# is_so 模式 命令：命令当前有输出，且每行都匹配模式',
          }[language],
          'is_so() { pattern=$1; shift; lines=$("$@" 2>/dev/null) && [ -n "$lines" ] && ! printf \'%s\\n\' "$lines" | grep -Evq -e "$pattern"; }',
        ]
      : []),
    ...(calls('answer') ? ['answer() { text=$(kubectl get --raw "$1") || return 1; printf \'%s\' "$text" | tr -d \'\\n\'; }'] : []),
    ...(calls('each_server')
      ? [
          {
            en: '# each_server PATH: prints one line for each API server, asked at its own address',
            zh: '# each_server 路径：按各自的地址逐个访问 API 服务器，每个输出一行',
          }[language],
          'each_server() {',
          "  slices='kubectl get endpointslices -n default -l kubernetes.io/service-name=kubernetes'",
          "  addresses=$($slices -o 'jsonpath={.items[*].endpoints[*].addresses[*]}') || return 1",
          "  port=$($slices -o 'jsonpath={.items[0].ports[0].port}') || return 1",
          '  for address in $addresses; do',
          '    case $address in *:*) address="[$address]" ;; esac',
          '    text=$(kubectl --server "https://$address:$port" get --raw "$1") || return 1',
          "    printf '%s' \"$text\" | tr -d '\\n'; echo",
          '  done',
          '}',
        ]
      : []),
    ...(calls('aged')
      ? [
          {
            en: '# aged SECONDS COMMAND: prints each time in the output as new (at most SECONDS ago) or old',
            zh: '# aged 秒数 命令：把输出中的时间显示为 new（不早于该秒数前）或 old',
          }[language],
          'aged() {',
          '  at=$(($(date +%s) - $1)); shift',
          '  edge=$(date -u -d "@$at" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r "$at" +%Y-%m-%dT%H:%M:%SZ) || return 1',
          '  text=$("$@") || return 1',
          '  printf \'%s\\n\' "$text" | awk -F \'|\' -v OFS=\'|\' -v edge="$edge" \'{ for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+-[0-9]+-[0-9]+T/) $i = $i > edge ? "new" : "old"; print }\'',
          '}',
        ]
      : []),
    ...(calls('confirm')
      ? [
          {
            en: '# confirm WHAT: asks whether a step is done that kubectl does not show',
            zh: '# confirm 内容：询问 kubectl 无法查看的步骤是否已完成',
          }[language],
          'confirm() {',
          `  if [ ! -t 0 ]; then printf '%s\\n' "${word('noTerminal')}${word('colon')}$1" >&2; exit 1; fi`,
          `  printf '%s' "$1 ${word('ask')}[y/N] "; read -r answer`,
          `  case $answer in y | Y | yes) ;; *) printf '%s\\n' "${word('stopped')}${word('colon')}$1" >&2; exit 1 ;; esac`,
          '}',
        ]
      : []),
  ];
}
