// checks: the catalogue.
import { jsonOf, yamlOf } from '../../report/data.ts';
import { columns, paragraph } from '../../report/face.ts';
import { NEXT } from '../../report/words.ts';
import { CHECKS } from '../../systems/index.ts';
import { EXIT } from '../../text/user-error.ts';
import { width } from '../../text/width.ts';
import type { Call } from '../call.ts';

export async function checks(call: Call): Promise<number> {
  const { language, style } = call.face;
  const data = { json: jsonOf, yaml: yamlOf }[call.flags.output ?? ''];
  if (data) {
    call.out(
      data(
        CHECKS.map(({ id, title, headline, applies, sources, remedy }) => ({
          id,
          title,
          headline,
          applies,
          sources,
          fixes: Boolean(remedy),
        })),
      ),
    );
    return EXIT.ok;
  }
  const head = { en: ['CHECK', 'FIX', 'WHAT SHOULD HOLD'], zh: ['检查项', '修复', '应满足的条件'] }[language];
  const by = {
    tool: { en: 'yes', zh: '自动' }[language],
    hand: { en: 'manual', zh: '手动' }[language],
  };
  const fix = ({ remedy }: (typeof CHECKS)[number]) => (remedy ? (remedy.writes.length ? by.tool : by.hand) : '');
  const rows = columns([head, ...CHECKS.map((check) => [style.bold(check.id), fix(check), check.title[language]])]);
  const short = columns([head.slice(0, 2), ...CHECKS.map((check) => [style.bold(check.id), fix(check)])]);
  const fits = rows.every((row) => width(row) <= call.face.columns);
  const folded = CHECKS.flatMap(({ title }, i) => [short[i + 1]!, ...paragraph(title[language], call.face).map(style.dim)]);
  call.out(...(fits ? rows : [short[0]!, ...folded]));
  call.out('', `${NEXT[language]}${call.face.tool} explain ${CHECKS[0]!.id}`);
  return EXIT.ok;
}
