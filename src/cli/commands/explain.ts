// explain: one check as a page: why, how it is found, its remedy, undo, sources.
import { paragraph } from '../../report/face.ts';
import { checkOf } from '../../systems/index.ts';
import type { Call } from '../call.ts';

export async function explain(call: Call): Promise<number> {
  const check = checkOf(call.args[0]!);
  const { language, style } = call.face;
  const words = {
    en: {
      reads: 'Reads',
      versions: 'Concerns',
      fix: 'Fix',
      sources: 'Sources',
      none: 'none known; see the evidence of the finding',
      all: 'every version',
      run: 'see its steps, changing nothing',
    },
    zh: {
      reads: '读取',
      versions: '适用',
      fix: '修复',
      sources: '来源',
      none: '没有已知的修复；请查看问题的证据',
      all: '所有版本',
      run: '查看修复步骤（不做更改）',
    },
  }[language];
  const { from, to } = check.when;
  const versions = [
    from && { en: `from ${from}`, zh: `当前版本 ${from}` }[language],
    to && { en: `target ${to}`, zh: `目标版本 ${to}` }[language],
  ]
    .filter(Boolean)
    .join(', ');
  const fix = check.remedy ? `${call.face.tool} fix ${check.id} --dry-run=client   (${words.run})` : words.none;
  call.out(
    style.bold(check.id),
    ...paragraph(check.title[language], call.face, 0),
    '',
    ...paragraph(check.why[language], call.face, 0),
    '',
    `${style.bold(words.versions)}: ${versions || words.all}`,
    `${style.bold(words.reads)}: ${[...new Set([...Object.values(check.reads as Record<string, { resource: string }>), ...(check.asks ?? [])].map(({ resource }) => resource))].join(', ')}`,
    `${style.bold(words.fix)}: ${fix}`,
    `${style.bold(words.sources)}:`,
    ...check.sources.map((source) => `  ${source}`),
  );
  return 0;
}
