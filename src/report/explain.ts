// One check as a page: what should hold, impact, detection, permissions, fix, undo and sources.
import type { Check, Language, Rule, Text } from '../engine/contracts.ts';
import { listsIn, namedIn, textsIn } from '../engine/gather.ts';
import { rightsToText } from '../engine/rights.ts';
import { textOf } from '../text/language.ts';
import { type Face, paragraph } from './face.ts';

interface Section {
  title: string;
  /** Prose, or a list of names and commands that are never torn. */
  text?: string;
  items?: string[];
  /** The items may be wrapped. */
  prose?: true;
}

export function explained(check: Check, face: Face): string[] {
  const { style, language } = face;
  return [
    style.bold(check.id),
    ...paragraph(lead(check, language), face, 0),
    ...[...sections(check, face), pageSection(check, language)].flatMap(({ title, text, items = [], prose }) => [
      '',
      style.bold(title),
      ...(text ? paragraph(text, readable(face)) : []),
      ...items.flatMap((item) => (prose ? paragraph(item, readable(face), 2, 4) : [`  ${item}`])),
    ]),
  ];
}

/** Where the same stands with what check prints. */
const pageSection = ({ id }: Check, language: Language): Section => ({
  title: { en: 'Page with an example', zh: '带示例的页面' }[language],
  items: [`docs/checks/${id}${{ en: '', zh: '.zh-CN' }[language]}.md`],
});

/** Long lines are hard to read however wide the terminal is. */
const readable = (face: Face): Face => ({ ...face, columns: Math.min(face.columns, 100) });

export function explainedInMarkdown(check: Check, face: Face): string {
  const lines = sections(check, face).flatMap(({ title, text, items = [] }) => [
    '',
    `## ${title}`,
    ...(text ? ['', text] : []),
    ...(items.length ? ['', ...items.map((item) => `- \`${item}\``)] : []),
  ]);
  return [`# ${check.id}`, '', lead(check, face.language), ...lines].join('\n');
}

/** The title alone reads as a result. */
const lead = ({ title }: Check, language: Language): string => ({ en: `Checks that: ${title.en}`, zh: `检查内容：${title.zh}` })[language];

const TITLES = {
  impact: { en: 'Impact', zh: '影响' },
  detection: { en: 'Detection', zh: '检测' },
  concerns: { en: 'Applies to', zh: '适用范围' },
  reads: { en: 'Permissions (read)', zh: '所需读权限' },
  fix: { en: 'Fix', zh: '修复' },
  limits: { en: 'Limits', zh: '限制' },
  undo: { en: 'Undo', zh: '撤销' },
  try: { en: 'Preview', zh: '预览' },
  sources: { en: 'Sources', zh: '来源' },
} satisfies Record<string, Text>;

function sections(check: Check, { language, tool, again = '' }: Face): Section[] {
  const { remedy, page, sources } = check;
  const writes = (remedy?.writes ?? []).filter(({ verbs }) => verbs.some((verb) => WRITING.includes(verb)));
  const manual = remedy && !writes.length;
  const all: Section[] = [
    { title: TITLES.impact[language], text: page.impact[language] },
    ...(page.detection ? [{ title: TITLES.detection[language], text: page.detection[language] }] : []),
    { title: TITLES.concerns[language], text: concerns(check, language) },
    {
      title: TITLES.reads[language],
      ...(reads(check).length ? { text: READS[language], items: reads(check) } : { text: NOTHING_READ[language] }),
    },
    {
      title: TITLES.fix[language],
      text: [page.fix, tailOf(page.fix, !remedy ? NO_REMEDY : manual ? MANUAL : CHANGES)]
        .flatMap((text) => (text ? [text[language]] : []))
        .join({ en: ' ', zh: '' }[language]),
      items: writes.map(written),
    },
  ];
  if (page.limits) all.push({ title: TITLES.limits[language], text: page.limits[language] });
  if (writes.length)
    all.push({ title: TITLES.undo[language], text: remedy?.undo === 'none' ? NO_UNDO[language] : undoOf(writes, language) });
  if (remedy) all.push({ title: TITLES.try[language], text: TRY[language], items: [`${tool} fix ${check.id}${again} --dry-run=client`] });
  return [...all, { title: TITLES.sources[language], items: sources.map((source) => textOf(source)[language]), prose: true }];
}

const WRITING = ['create', 'update', 'patch', 'delete'];
const READS: Text = {
  en: 'Only the following. If a permission is missing, the result is unknown, never passed.',
  zh: '只读取以下内容。缺少权限时，结果为“未知”，不会是“通过”。',
};
const NOTHING_READ: Text = { en: 'Nothing beyond the installed version.', zh: '除当前版本外不读取其他内容。' };
const NO_REMEDY: Text = {
  en: 'manual: do what the finding says.',
  zh: '手动：按问题中的说明处理。',
};
const MANUAL: Text = { en: 'Manual; fix prints the commands for your cluster.', zh: '手动；fix 会给出适合当前集群的命令。' };
const PRINTS: Text = { en: 'fix prints the commands for your cluster.', zh: 'fix 会给出适合当前集群的命令。' };
const CHANGES: Text = {
  en: 'Writes only the following, and the objects that Fix names; every step is listed first:',
  zh: '只写入以下内容以及“修复”中所述的对象；执行前会列出每个步骤：',
};
/** A text of the check's own says already that it is manual. */
function tailOf(own: Text | undefined, tail: Text): Text | undefined {
  if (!own || tail === CHANGES) return tail;
  return tail === NO_REMEDY || own.en.includes('fix prints') ? undefined : PRINTS;
}
const TRY: Text = { en: 'Lists the steps for your cluster without changing anything:', zh: '列出在集群中会执行哪些步骤，不做任何更改：' };

const UPGRADED: Text = { en: 'The way back: checked after the upgrade, with --back-to.', zh: '回退：升级后用 --back-to 检查。' };

/** A range of versions in words: `<=0.8.7 || 0.9.0 - 0.9.4 || >=1.0.0`. */
export function span(range: string): Text {
  const parts = range.split('||').map((part): Text => {
    const [, sign, version, end] = /^(>=|<=)?(\S+?)(?: - (\S+))?$/.exec(part.trim()) ?? [];
    if (sign === '>=') return { en: `${version} and newer`, zh: `${version} 及更高版本` };
    if (sign === '<=') return { en: `${version} and older`, zh: `${version} 及更早版本` };
    return end === undefined ? { en: part.trim(), zh: part.trim() } : { en: `${version} to ${end}`, zh: `${version} 至 ${end}` };
  });
  return { en: parts.map(({ en }) => en).join(', '), zh: parts.map(({ zh }) => zh).join('、') };
}

function concerns({ applies, needs = [], knownUpTo }: Check, language: Language): string {
  const { from, to, stage } = applies;
  const stages: Record<typeof stage, Text> = {
    before: { en: 'Before the upgrade.', zh: '升级之前。' },
    after: { en: 'After the upgrade.', zh: '升级之后。' },
    both: { en: 'Before and after the upgrade.', zh: '升级前后均可。' },
    back: {
      en: 'The way back: predicted before the upgrade, checked after it with --back-to.',
      zh: '回退：升级前预测，升级后用 --back-to 检查。',
    },
  };
  const isBack = stage === 'back';
  const parts: (Text | false | undefined)[] = [
    needs.includes('upgraded') ? UPGRADED : stages[stage],
    from !== undefined &&
      (isBack
        ? { en: `Older version ${span(from).en}.`, zh: `旧版本 ${span(from).zh}。` }
        : { en: `Installed version ${span(from).en}.`, zh: `当前版本 ${span(from).zh}。` }),
    to !== undefined &&
      (isBack
        ? { en: `Newer version ${span(to).en}.`, zh: `新版本 ${span(to).zh}。` }
        : { en: `Target version ${span(to).en}.`, zh: `目标版本 ${span(to).zh}。` }),
    applies.back === true && { en: 'Also for the way back, with --back-to.', zh: '回退时也会检查（--back-to）。' },
    from === undefined && to === undefined && { en: 'Every version.', zh: '所有版本。' },
    needs.includes('target') && {
      en: 'Compared with the target version (--to, or the default).',
      zh: '与目标版本比较（--to，未指定时为默认值）。',
    },
    knownUpTo !== undefined && {
      en: `Supports versions up to ${knownUpTo}; newer versions are unknown.`,
      zh: `支持到 ${knownUpTo}，更高版本的结果为“未知”。`,
    },
  ];
  return parts.flatMap((part) => (part ? part[language] : [])).join({ en: ' ', zh: '' }[language]);
}

function reads({ reads, pointReads = [], remedy, screen }: Check): string[] {
  const listed: { resource: string }[] = [...listsIn(reads), ...Object.values(screen?.tables ?? {}), ...listsIn(screen?.reads ?? {})];
  const known = namedIn(reads).flatMap((read) => read.known);
  const lists = [...listed.map(({ resource }) => resource), ...known].map((resource) => `list ${resource}`);
  const points = [...pointReads, ...(remedy?.pointReads ?? [])].map(({ resource, verb, names }) =>
    [verb ?? 'get', resource, ...(names ?? [])].join(' '),
  );
  const paths = textsIn(reads).flatMap((read) =>
    rightsToText(read).map(
      ({ verbs, group, resource, namespace, nonResourceURLs = [] }) =>
        `${verbs.join(', ')} ${nonResourceURLs[0] ?? `${resource}.${group} -n ${namespace}`}`,
    ),
  );
  return [...new Set([...lists, ...points, ...paths])];
}

const written = ({ verbs, group, resource }: Rule): string => {
  const [name, subresource] = resource.split('/');
  const full = `${name}${group ? `.${group}` : ''}${subresource ? `/${subresource}` : ''}`;
  return `${verbs.filter((verb) => WRITING.includes(verb)).join(', ')} ${full}`;
};

const NO_UNDO: Text = { en: 'Not possible; see Fix.', zh: '无法撤销；见“修复”。' };

/** By what is written; each step says it of itself before the run. */
function undoOf(writes: readonly Rule[], language: Language): string {
  const does = (verb: string, resource?: RegExp) =>
    writes.some((rule) => rule.verbs.includes(verb) && (resource?.test(rule.resource) ?? true));
  const deletes = does('delete');
  const creates = does('create', /^[^/]*$/);
  const parts: (Text | false)[] = [
    (does('patch') || does('update')) && {
      en: 'Fields that the run changed get their old values back; if one of them has changed since, undo lists the object and leaves it as it is.',
      zh: '该次运行改动过的字段会恢复原值；如果这些字段此后又被改动，则列出该对象，并保持不变。',
    },
    creates && {
      en: 'Objects that the run created are deleted; objects that it deleted are created again.',
      zh: '该次运行新建的对象会被删除，删除的对象会重新创建。',
    },
    deletes && !creates && { en: 'Objects that the run deleted are not created again.', zh: '该次运行删除的对象不会重新创建。' },
    does('create', /\/eviction$/) && {
      en: 'Evicted Pods are not restored: their controllers have created new ones.',
      zh: '被驱逐的 Pod 不会恢复，其控制器已创建新的 Pod。',
    },
    { en: 'The list of steps shows for each step whether it can be undone.', zh: '步骤列表注明每个步骤能否撤销。' },
  ];
  return parts.flatMap((part) => (part ? part[language] : [])).join({ en: ' ', zh: '' }[language]);
}
