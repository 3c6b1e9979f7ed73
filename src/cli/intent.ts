// What the flags say about the values of the upgrade that is meant; helm's flags with helm's meaning.
import { readFile, stat } from 'node:fs/promises';
import type { Intent, Raw, Text } from '../engine/contracts.ts';
import { setInto } from '../helm/set.ts';
import { mergeMaps, rulesOf } from '../helm/values.ts';
import { readValues } from '../helm/values-file.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import type { Flags } from './flags.ts';

/** Bytes. A release with its values has to fit into a Secret of 1 MiB. */
const MAX_FILE = 5 * 1024 * 1024;
/** Where no helm is at hand. */
const ANY_HELM = '4.2.0';

/** undefined: nothing was said. Throws UserError. */
export async function intentOf(flags: Flags, helm = ANY_HELM): Promise<Intent | undefined> {
  const { values = [], set = [], 'set-string': strings = [] } = flags;
  const reuse = reuseOf(flags);
  if (!values.length && !set.length && !strings.length && reuse === undefined) return undefined;
  // As helm orders them: files, --set, --set-string (pkg/cli/values/options.go).
  let given: Raw = {};
  for (const file of values) given = mergeMaps(given, await fileOf(file, rulesOf(helm).documents));
  for (const text of set) lay(given, text, 'typed');
  for (const text of strings) lay(given, text, 'text');
  return { given, reuse };
}

/** Of several, helm takes the first of these (pkg/action/upgrade.go, reuseValues). */
function reuseOf(flags: Flags): Intent['reuse'] {
  if (flags['reset-values']) return 'reset';
  if (flags['reuse-values']) return 'reuse';
  return flags['reset-then-reuse-values'] ? 'reset-then-reuse' : undefined;
}

async function fileOf(file: string, documents: 'first' | 'all'): Promise<Raw> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE) throw new Error('more than 5 MiB');
    return readValues((await readFile(file, 'utf8')).replace(/^\ufeff/, ''), documents);
  } catch (error) {
    throw refused(`--values ${file}`, error as Error, { en: 'give a YAML file with a mapping', zh: '请提供内容为映射的 YAML 文件' });
  }
}

function lay(given: Raw, text: string, as: 'typed' | 'text'): void {
  const flag = as === 'typed' ? '--set' : '--set-string';
  try {
    setInto(given, text, as);
  } catch (error) {
    // Only the key: the value may be a secret.
    throw refused(`${flag} ${text.split('=')[0]}`, error as Error, {
      en: `write it as for helm: ${flag} a.b=1,c[0]=x`,
      zh: `写法与 helm 相同：${flag} a.b=1,c[0]=x`,
    });
  }
}

function refused(what: string, { message }: Error, next: Text): UserError {
  const [shown, why] = [oneLine(what, 200), oneLine(message, 200)];
  return new UserError({ en: `reading ${shown}: ${why}`, zh: `读取 ${shown}：${why}` }, next);
}
