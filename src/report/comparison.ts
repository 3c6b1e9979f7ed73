// What changed between two looks: new, gone, still there, not looked at again.
import type { Compared, ComparedCluster, ComparedFinding } from '../engine/compare.ts';
import type { Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { width } from '../text/width.ts';
import { type Face, paragraph } from './face.ts';

const HEADS: { part: keyof Compared; sign: string; text: Text }[] = [
  { part: 'new', sign: '+', text: { en: 'new', zh: '新出现' } },
  { part: 'still', sign: '=', text: { en: 'still there', zh: '仍存在' } },
  { part: 'notLookedAt', sign: '?', text: { en: 'not looked at again', zh: '未再检查' } },
  { part: 'gone', sign: '-', text: { en: 'gone', zh: '已消失' } },
];

export function comparison(compared: Compared, face: Face): string[] {
  const { language, style } = face;
  const paint = { new: style.red, still: style.yellow, notLookedAt: style.cyan, gone: style.green };
  const colon = { en: ': ', zh: '：' }[language];
  const lines = HEADS.flatMap(({ part, sign, text }) =>
    compared[part].flatMap((finding) => {
      const head = `${paint[part](`${sign} ${text[language]}`)}${colon}${oneLine(finding.check)}`;
      const row = `${head}   ${said(finding, language)}`;
      return width(row) <= face.columns ? [row] : [head, ...paragraph(said(finding, language), face, 4)];
    }),
  );
  return lines.length ? lines : [{ en: 'No findings before, none after.', zh: '前后均无问题。' }[language]];
}

const said = ({ message, accepted }: ComparedFinding, language: 'en' | 'zh'): string =>
  `${oneLine(message[language], 600)}${accepted ? { en: ' (accepted)', zh: '（已接受）' }[language] : ''}`;

const WHERE: Record<ComparedCluster['in'], Text> = {
  both: { en: '', zh: '' },
  before: { en: '   only in the first result: not looked at again', zh: '   仅见于前一个结果：未再检查' },
  after: { en: '   only in the second result: new', zh: '   仅见于后一个结果：新出现' },
};

/** Several clusters, each under its name. */
export function comparisons(clusters: readonly ComparedCluster[], face: Face): string[] {
  const blocks = clusters.map((cluster) => [
    `${face.style.bold(oneLine(cluster.context || cluster.uid))}${WHERE[cluster.in][face.language]}`,
    ...comparison(cluster, face),
  ]);
  return blocks.flatMap((lines, at) => (at ? ['', ...lines] : lines));
}
