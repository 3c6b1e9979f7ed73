// Several clusters in one call: which contexts --contexts and --all-contexts mean.
import { contexts } from '../cluster/kubeconfig.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';

/** undefined: one cluster, as usual. Throws for a context that the kubeconfig does not have, and beside flags that name a single place. */
export function contextsAsked({ flags, env }: Call): string[] | undefined {
  const { contexts: asked, 'all-contexts': all } = flags;
  if (asked === undefined && !all) return undefined;
  const other = (['from', 'filename', 'offline', 'context', 'cluster', 'server'] as const).find((name) => flags[name] !== undefined);
  if (other || (asked !== undefined && all))
    throw contradiction(asked === undefined ? '--all-contexts' : '--contexts', `--${other ?? 'all-contexts'}`);
  const { names } = contexts(flags, env);
  if (all) return names;
  const wanted = [...new Set(asked!.split(',').map((name) => name.trim()))].filter(Boolean);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw noContext(unknown, names);
  return wanted;
}

const contradiction = (one: string, other: string): UserError =>
  new UserError(
    { en: `${one} and ${other} cannot be used together`, zh: `${one} 与 ${other} 不能同时使用` },
    {
      en: `leave out one of them; --contexts takes several names: --contexts a,b`,
      zh: '请去掉其中一个；--contexts 可列出多个名称：--contexts a,b',
    },
  );

function noContext(name: string, names: readonly string[]): UserError {
  const there = names.slice(0, 12).join(', ') + (names.length > 12 ? ', …' : '');
  return new UserError(
    {
      en: `reading --contexts: the kubeconfig has no context ${name.slice(0, 80)}`,
      zh: `读取 --contexts：kubeconfig 中没有上下文 ${name.slice(0, 80)}`,
    },
    there
      ? { en: `it has: ${there}`, zh: `现有的上下文：${there}` }
      : { en: 'check --kubeconfig and $KUBECONFIG', zh: '请检查 --kubeconfig 与 $KUBECONFIG' },
  );
}
