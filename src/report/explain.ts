// One check as a page: what should hold, why, how it is found, what is done about it, how that is taken back, and where we know it from.
import type { Check, Language, Reads, Rule, Text } from '../engine/contracts.ts';
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
    ...paragraph(check.title[language], face, 0),
    ...sections(check, face).flatMap(({ title, text, items = [], prose }) => [
      '',
      style.bold(title),
      ...(text ? paragraph(text, readable(face)) : []),
      ...items.flatMap((item) => (prose ? paragraph(item, readable(face), 2, 4) : [`  ${item}`])),
    ]),
  ];
}

/** Long lines are hard to read however wide the terminal is. */
const readable = (face: Face): Face => ({ ...face, columns: Math.min(face.columns, 100) });

export function explainedInMarkdown(check: Check, face: Face): string {
  const lines = sections(check, face).flatMap(({ title, text, items = [] }) => [
    '',
    `## ${title}`,
    ...(text ? ['', text] : []),
    ...(items.length ? ['', ...items.map((item) => `- \`${item}\``)] : []),
  ]);
  return [`# ${check.id}`, '', check.title[face.language], ...lines].join('\n');
}

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
    { title: TITLES.reads[language], text: READS[language], items: reads(check) },
    {
      title: TITLES.fix[language],
      text: [page.fix, !remedy ? NO_REMEDY : manual ? BY_HAND : CHANGES]
        .flatMap((text) => (text ? [text[language]] : []))
        .join({ en: ' ', zh: '' }[language]),
      items: writes.map(written),
    },
  ];
  if (page.limits) all.push({ title: TITLES.limits[language], text: page.limits[language] });
  if (writes.length) all.push({ title: TITLES.undo[language], text: undoOf(writes, language) });
  if (remedy) all.push({ title: TITLES.try[language], text: TRY[language], items: [`${tool} fix ${check.id}${again} --dry-run=client`] });
  return [...all, { title: TITLES.sources[language], items: [...sources], prose: true }];
}

const WRITING = ['create', 'update', 'patch', 'delete'];
const READS: Text = {
  en: 'Only this. Where a right is missing, the check is unknown, never passed.',
  zh: '只读取以下内容。缺少其中的权限时，结果为“未知”，而不是“通过”。',
};
const NO_REMEDY: Text = {
  en: 'None that could be carried out for you; the evidence of each finding says where to look.',
  zh: '没有可以代为执行的修复；请根据每个问题的证据处理。',
};
const BY_HAND: Text = { en: 'Yours to do; you are given the commands for your case.', zh: '需要手动执行；会给出适合当前情况的命令。' };
const CHANGES: Text = { en: 'Changes only this, after showing every step:', zh: '只修改以下内容，执行前会列出每个步骤：' };
const TRY: Text = { en: 'Shows what it would do in your cluster, and changes nothing:', zh: '显示在您的集群中会做什么，不做任何更改：' };

function concerns({ applies, needs = [], knownUpTo }: Check, language: Language): string {
  const { from, to, stage } = applies;
  const stages: Record<typeof stage, Text> = {
    before: { en: 'Before the upgrade.', zh: '升级之前。' },
    after: { en: 'After the upgrade.', zh: '升级之后。' },
    both: { en: 'Before and after the upgrade.', zh: '升级前后均可。' },
  };
  const parts: (Text | false | undefined)[] = [
    stages[stage],
    from !== undefined && { en: `Installed version ${from}.`, zh: `当前版本 ${from}。` },
    to !== undefined && { en: `Target version ${to}.`, zh: `目标版本 ${to}。` },
    from === undefined && to === undefined && { en: 'Every version.', zh: '所有版本。' },
    needs.includes('target') && { en: 'Needs a target version.', zh: '需要目标版本。' },
    needs.includes('chart') && { en: 'Needs the chart of the target version.', zh: '需要目标版本的 chart。' },
    knownUpTo !== undefined && {
      en: `Known up to ${knownUpTo}; beyond that: unknown.`,
      zh: `所知范围到 ${knownUpTo} 为止，超出时结果为“未知”。`,
    },
  ];
  return parts.flatMap((part) => (part ? part[language] : [])).join({ en: ' ', zh: '' }[language]);
}

function reads({ reads, pointReads = [], remedy, screen }: Check): string[] {
  const listed: { resource: string }[] = [reads, screen?.tables ?? {}, screen?.reads ?? {}].flatMap((each) => Object.values(each as Reads));
  const lists = listed.map(({ resource }) => `list ${resource}`);
  const points = [...pointReads, ...(remedy?.pointReads ?? [])].map(({ resource, verb, names }) =>
    [verb ?? 'get', resource, ...(names ?? [])].join(' '),
  );
  return [...new Set([...lists, ...points])];
}

const written = ({ verbs, group, resource }: Rule): string => {
  const [name, subresource] = resource.split('/');
  const full = `${name}${group ? `.${group}` : ''}${subresource ? `/${subresource}` : ''}`;
  return `${verbs.filter((verb) => WRITING.includes(verb)).join(', ')} ${full}`;
};

/** By what is written; each step says it of itself before the run. */
function undoOf(writes: readonly Rule[], language: Language): string {
  const does = (verb: string, resource?: RegExp) =>
    writes.some((rule) => rule.verbs.includes(verb) && (resource?.test(rule.resource) ?? true));
  const evicts = does('create', /\/eviction$/);
  const parts: (Text | false)[] = [
    (does('patch') || does('update')) && {
      en: 'Every field that was written goes back to its old value.',
      zh: '写入过的每个字段都会恢复原值。',
    },
    does('create', /^[^/]*$/) && { en: 'What was created is deleted again.', zh: '新建的对象会被删除。' },
    evicts && {
      en: 'An evicted Pod does not come back; its controller made another.',
      zh: '被驱逐的 Pod 不会恢复，其控制器已另建新的 Pod。',
    },
    does('delete') && { en: 'A deleted object comes back only where the step says so.', zh: '被删除的对象只有在步骤注明时才能恢复。' },
    {
      en: 'Each step says beside it, before the run, whether and how it can be taken back; an object that somebody changed since is named and left.',
      zh: '执行前，每个步骤旁都注明能否撤销以及如何撤销；此后被他人改动过的对象会被指出并保持原样。',
    },
  ];
  return parts.flatMap((part) => (part ? part[language] : [])).join({ en: ' ', zh: '' }[language]);
}
