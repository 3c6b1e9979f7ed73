// The fix line of a check, made of what its remedy proposes and of nothing else: it promises what the plan contains, and names what the plan leaves out.
import { parsePointer } from '../kube/pointer.ts';
import { groupOf, refOf } from '../kube/refs.ts';
import { severalOf } from '../kube/resources.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Ref, Refusal, StepDraft, Text } from './contracts.ts';
import type { Proposal } from './examine.ts';
import { show } from './steps/fields.ts';

/** Objects that are named for each thing that is done; the rest is counted. */
const NAMED = 3;
/** Characters of a value or of a person's step. */
const SHORT = 40;
const LONG = 300;

/** One part of the line: what is done, to which objects. */
interface Part {
  /** `{}` in Chinese: where the objects stand; otherwise they follow. */
  verb: Text;
  /** In the words of the remedy, by the number of steps. */
  brief?: StepDraft['brief'];
  kind: string;
  on: Ref[];
  /** Behind the names. */
  to?: string;
}

export function fixLine({ drafts, refusals: all }: Proposal): Text {
  const refusals = all.filter((each) => each.as === undefined);
  const parts = new Map<string, Part>();
  // What only puts back says nothing new.
  for (const draft of drafts.filter(({ when }) => when !== 'last')) {
    const made = partOf(draft);
    if (!made) continue;
    const part = draft.brief ? { ...made, brief: draft.brief, verb: draft.brief(1), to: undefined } : made;
    const key = JSON.stringify([part.verb.en, part.kind, part.to]);
    const known = parts.get(key);
    if (known) known.on.push(...part.on);
    else parts.set(key, part);
  }
  const texts = [...parts.values()].map(partText);
  texts.push(...drafts.flatMap(({ do: doing, brief }) => (doing === 'manual' && brief ? [brief(1)] : [])));
  const byPerson = drafts.filter(({ do: doing, brief }) => doing === 'manual' && !brief);
  // What an upgrade changes while it lasts, fix leaves to a person.
  const alone = drafts.some(({ when }) => when === 'first') ? byPerson.filter(({ when }) => when === 'instead') : [];
  const manual = byPerson.filter((draft) => !alone.includes(draft));
  const refused = refusals.flatMap(({ objects }) => objects).length;
  texts.push(...adviceTexts(all));
  if (manual.length) texts.push(manualText(manual, texts.length > 0));
  if (alone.length) texts.push(aloneText(alone.length));
  if (refusals.length) texts.push(refusedText(refused, refusals[0]!.refused, refusals.length === 1 && !texts.length));
  return { en: texts.map(({ en }) => en).join('; '), zh: texts.map(({ zh }) => zh).join('；') };
}

function partOf(draft: StepDraft): Part | undefined {
  switch (draft.do) {
    case 'patch':
      return patchPart(draft);
    case 'create':
      return ofObject({ en: 'creates', zh: '创建' }, refOf(draft.object));
    case 'apply':
      return ofObject({ en: 'applies', zh: '应用' }, refOf(draft.object));
    case 'delete':
      return ofObject({ en: 'deletes', zh: '删除' }, draft.on);
    case 'drain':
      return ofObject({ en: 'drains', zh: '腾空' }, draft.on);
    case 'verbosity':
      return ofObject({ en: 'sets the log verbosity of', zh: '设置 {} 的日志级别' }, draft.on);
    case 'evict':
      return ofObject({ en: 'evicts', zh: '驱逐' }, draft.on);
    case 'migrate':
      return ofObject({ en: 'rewrites the custom resources of', zh: '重写 {} 的自定义资源' }, draft.on);
    case 'revise': {
      const on = { apiVersion: 'v1', kind: 'release', ...draft.release };
      return ofObject({ en: 'rewrites API versions in the stored manifest of', zh: '改写 {} 所存清单中的 API 版本' }, on);
    }
    case 'backup':
      return {
        verb: { en: 'backs up all', zh: '备份全部' },
        kind: '',
        on: draft.resources.map((name) => ({ apiVersion: '', kind: '', name: name.split('.', 1)[0]! })),
      };
    case 'unpend': {
      const { release, revision } = draft;
      const on = { apiVersion: 'v1', kind: 'release', ...release };
      return ofObject({ en: `deletes the record of revision ${revision} of`, zh: `删除 {} 修订版本 ${revision} 的记录` }, on);
    }
    default:
      return undefined;
  }
}

const ofObject = (verb: Text, on: Ref): Part => ({ verb, kind: kindWord(on), on: [on] });

/** As people call it: a CustomResourceDefinition is a CRD. */
const kindWord = ({ apiVersion, kind }: Ref): string =>
  kind === 'CustomResourceDefinition' && groupOf(apiVersion) === 'apiextensions.k8s.io' ? 'CRD' : kind;

function patchPart({ on, changes, counters = [] }: Extract<StepDraft, { do: 'patch' }>): Part {
  const fields = [...new Set([...changes.map(({ path }) => path), ...(changes.length ? [] : counters.map(({ path }) => path))])].map(
    fieldWord,
  );
  const { en: field, zh } = inRow(fields);
  const [only] = changes;
  const plain = changes.length === 1 && only!.inString === undefined ? only : undefined;
  if (plain && plain.after === undefined) return { ...ofObject({ en: `removes ${field} of`, zh: `移除 {} 的 ${zh}` }, on) };
  const value = plain && typeof plain.after !== 'object' ? show(plain.after!, SHORT, plain.path) : undefined;
  return {
    ...ofObject({ en: `sets ${field} of`, zh: value === undefined ? `设置 {} 的 ${zh}` : `将 {} 的 ${zh} 设为 ${value}` }, on),
    to: value,
  };
}

function inRow(fields: readonly string[]): Text {
  const first = fields.slice(0, 2);
  const more = fields.length > 2;
  return {
    en: `${first.join(', ')}${more ? ', …' : ''}`,
    zh: `${first.join('、')}${more ? ` 等 ${fields.length} 个字段` : ''}`,
  };
}

/** `/metadata/labels/a~1b` as `metadata.labels[a/b]`. */
const fieldWord = (path: string): string =>
  parsePointer(path).reduce(
    (before, key) => (/^\w+$/.test(key) ? `${before}${before && '.'}${key}` : `${before}[${oneLine(key, 100)}]`),
    '',
  );

function partText({ brief, verb: one, kind, on, to }: Part): Text {
  const verb = brief?.(on.length) ?? one;
  const names = [...new Set(on.map(({ namespace, name }) => oneLine(namespace === undefined ? name : `${namespace}/${name}`, 300)))];
  const more = names.length - NAMED;
  const shown = more > 1 ? names.slice(0, NAMED) : names.slice(0, NAMED + 1);
  const rest = names.length - shown.length;
  const inChinese = `${names.length > 1 ? `${names.length} 个 ` : ''}${kind && `${kind} `}${shown.join('、')}${rest ? ` 等` : ''}`;
  const [value, count] = [to === undefined ? '' : to, names.length > 1 ? `${names.length} ${severalOf(kind)}: ` : kind && `${kind} `];
  return {
    en: `${verb.en} ${count}${shown.join(', ')}${rest ? ` and ${rest} more` : ''}${value && ` → ${value}`}`,
    zh: verb.zh.includes('{}') ? verb.zh.replace('{}', () => inChinese) : `${verb.zh} ${inChinese}`,
  };
}

function manualText(manual: StepDraft[], behind: boolean): Text {
  const [first, ...more] = manual.map(({ text }) => ({
    en: oneLine(text.en.replace(/^manual: /, ''), LONG),
    zh: oneLine(text.zh.replace(/^手动：/, ''), LONG),
  }));
  if (behind) return { en: `manual: ${manual.length} more`, zh: `手动：另有 ${manual.length} 步` };
  const rest = more.length ? { en: ` (and ${more.length} more)`, zh: `（另有 ${more.length} 步）` } : { en: '', zh: '' };
  return { en: `manual: ${first!.en}${rest.en}`, zh: `手动：${first!.zh}${rest.zh}` };
}

const aloneText = (count: number): Text => ({
  en: `fix without an upgrade: ${count} manual ${count === 1 ? 'step' : 'steps'}`,
  zh: `只执行 fix 时需手动处理（${count} 步）`,
});

function refusedText(objects: number, why: Text, alone: boolean): Text {
  const because = { en: oneLine(why.en, LONG), zh: oneLine(why.zh, LONG) };
  if (alone) return { en: `skipped: ${because.en}`, zh: `已跳过：${because.zh}` };
  return { en: `skips ${objects} ${objects === 1 ? 'object' : 'objects'} (${because.en})`, zh: `跳过 ${objects} 个对象（${because.zh}）` };
}

/** What an upgrade does, then what is left to a person, with the command that begins it. */
function adviceTexts(refusals: readonly Refusal[]): Text[] {
  const said = (as: Refusal['as']) => new Map(refusals.filter((each) => each.as === as).map((each) => [each.refused.en, each])).values();
  const [first, ...more] = [...said('manual')];
  return [
    ...[...said('upgrade')].map(({ refused }) => refused),
    ...(first
      ? [
          {
            en: `manual: ${oneLine(first.refused.en, LONG)}${first.command ? ` (${first.command})` : ''}${more.length ? `, and ${more.length} more` : ''}`,
            zh: `手动：${oneLine(first.refused.zh, LONG)}${first.command ? `（${first.command}）` : ''}${more.length ? `，另有 ${more.length} 项` : ''}`,
          },
        ]
      : []),
  ];
}
