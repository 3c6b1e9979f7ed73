// What changed between two looks: new, gone, still there, not looked at again.
import type { Compared, ComparedFinding } from '../engine/compare.ts';
import type { Text } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Face } from './face.ts';

const HEADS: { part: keyof Compared; sign: string; text: Text }[] = [
  { part: 'new', sign: '+', text: { en: 'new', zh: '新出现' } },
  { part: 'still', sign: '=', text: { en: 'still there', zh: '仍存在' } },
  { part: 'notLookedAt', sign: '?', text: { en: 'not looked at again', zh: '未再检查' } },
  { part: 'gone', sign: '-', text: { en: 'gone', zh: '已消失' } },
];

export function comparison(compared: Compared, { language, style }: Face): string[] {
  const paint = { new: style.red, still: style.yellow, notLookedAt: style.cyan, gone: style.green };
  const lines = HEADS.flatMap(({ part, sign, text }) =>
    compared[part].map(
      (finding) => `${paint[part](`${sign} ${text[language]}`)}${{ en: ': ', zh: '：' }[language]}${line(finding, language)}`,
    ),
  );
  return lines.length ? lines : [{ en: 'No findings before, none after.', zh: '前后均无问题。' }[language]];
}

const line = ({ check, message, accepted }: ComparedFinding, language: 'en' | 'zh'): string =>
  `${check}   ${oneLine(message[language], 600)}${accepted ? { en: ' (accepted)', zh: '（已接受）' }[language] : ''}`;
