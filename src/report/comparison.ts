// What changed between two looks: new, gone, still there, not looked at again.
import type { Compared, ComparedFinding } from '../engine/compare.ts';
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
