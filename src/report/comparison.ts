// What changed between two looks: new, gone, still there, not looked at again.
import type { Compared, ComparedCluster, ComparedFinding } from '../engine/compare.ts';
import type { Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { width } from '../text/width.ts';
import { counted, type Face, paragraph } from './face.ts';
import { listed, markOf } from './words.ts';

const HEADS: { part: keyof Compared; sign: string; text: Text }[] = [
  { part: 'new', sign: '+', text: { en: 'new', zh: '新出现' } },
  { part: 'still', sign: '=', text: { en: 'still there', zh: '仍存在' } },
  { part: 'notLookedAt', sign: '?', text: { en: 'not checked again', zh: '未再检查' } },
  { part: 'gone', sign: '-', text: { en: 'gone', zh: '已消失' } },
];
const NONE: Text = { en: 'No findings before, none after.', zh: '前后均未发现问题。' };

/** How many there are of each, over all of these; the last line. */
function sumOf(all: readonly Compared[], { language }: Face): string {
  const counts = HEADS.map(({ part, text }) => ({ count: all.reduce((sum, compared) => sum + compared[part].length, 0), text }));
  const parts = counts
    .filter(({ count }) => count)
    .map(({ count, text }) => ({ en: `${count} ${text.en}`, zh: `${text.zh} ${count} 个` })[language]);
  return parts.length ? listed(parts, language) + { en: '.', zh: '。' }[language] : NONE[language];
}

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
  return [...lines, style.bold(sumOf([compared], face))];
}

const said = ({ message, severity, accepted }: ComparedFinding, language: 'en' | 'zh'): string => {
  const is = markOf(accepted ? 'accepted' : severity, language);
  return `${oneLine(message[language], 600)}${{ en: ` (${is})`, zh: `（${is}）` }[language]}`;
};

const WHERE: Record<ComparedCluster['in'], Text> = {
  both: { en: '', zh: '' },
  before: { en: '   only in the first result: not checked again', zh: '   仅见于前一个结果：未再检查' },
  after: { en: '   only in the second result: new', zh: '   仅见于后一个结果：新出现' },
};

/** Several clusters, each under its name, then the sum of all. */
export function comparisons(clusters: readonly ComparedCluster[], face: Face): string[] {
  const blocks = clusters.map((cluster) => [
    `${face.style.bold(oneLine(cluster.context || cluster.uid))}${WHERE[cluster.in][face.language]}`,
    ...comparison(cluster, face),
  ]);
  const { language, style } = face;
  const head = { en: `${counted(clusters.length, 'cluster', '').en}: `, zh: `${clusters.length} 个集群：` }[language];
  return [...blocks.flatMap((lines) => [...lines, '']), style.bold(head + sumOf(clusters, face))];
}
