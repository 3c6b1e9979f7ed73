// checks: the catalogue.
import { columns } from '../../report/face.ts';
import { CHECKS } from '../../systems/index.ts';
import type { Call } from '../call.ts';

export async function checks(call: Call): Promise<number> {
  const { language, style } = call.face;
  if (call.flags.output === 'json') {
    call.out(
      JSON.stringify(
        CHECKS.map(({ id, title, when, sources, remedy }) => ({ id, title, when, sources, fixes: Boolean(remedy) })),
        null,
        2,
      ),
    );
    return 0;
  }
  const head = { en: ['CHECK', 'FIX', 'WHAT SHOULD HOLD'], zh: ['检查项', '修复', '应满足的条件'] }[language];
  const yes = { en: 'yes', zh: '有' }[language];
  call.out(...columns([head, ...CHECKS.map(({ id, title, remedy }) => [style.bold(id), remedy ? yes : '', title[language]])]));
  return 0;
}
