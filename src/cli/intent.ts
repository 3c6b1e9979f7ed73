// What the flags say about the values of the upgrade that is meant; helm's flags with helm's meaning.
import type { Json, Raw, Text } from '../engine/contracts.ts';
import { readAnyInput, readInput, readStdin } from '../files/input.ts';
import type { Intent } from '../helm/contracts.ts';
import { setInto } from '../helm/set.ts';
import { mergeMaps, rulesOf } from '../helm/values.ts';
import { readValues } from '../helm/values-file.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { oneLine } from '../text/sanitise.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';
import type { Flags } from './flags.ts';

/** Bytes. A release with its values has to fit into a Secret of 1 MiB. */
const MAX_FILE = 5 * 1024 * 1024;
/** Where no helm is at hand. */
const ANY_HELM = '4.2.0';

/** undefined: nothing was said. Throws UserError. */
export async function intentOf(flags: Flags, helm = ANY_HELM): Promise<Intent | undefined> {
  const { values = [], set = [], 'set-string': strings = [], 'set-json': jsons = [], 'set-file': files = [] } = flags;
  const reuse = reuseOf(flags);
  if (![values, set, strings, jsons, files].some((each) => each.length) && reuse === undefined) return undefined;
  // As helm orders them (pkg/cli/values/options.go).
  let given: Raw = {};
  for (const file of values) given = mergeMaps(given, await fileOf(file, rulesOf(helm).documents));
  for (const text of jsons) laid(given, '--set-json', text, (value) => parseJson(value), 'a.b={"x":1}');
  for (const text of set) lay(given, text, 'typed');
  for (const text of strings) lay(given, text, 'text');
  for (const text of files) laid(given, '--set-file', text, (file) => readInput(file, MAX_FILE).toString('utf8'), 'a.b=FILE');
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
    const text = file === '-' ? await readStdin(process.stdin, MAX_FILE) : await readAnyInput(file, MAX_FILE);
    return readValues(text.toString('utf8').replace(/^\ufeff/, ''), documents);
  } catch (error) {
    // What the system refuses is not in the file.
    const next =
      (error as NodeJS.ErrnoException).code === undefined
        ? { en: 'correct the file: a values file is a YAML map', zh: '请修正该文件：values 文件的内容是 YAML 映射（map）' }
        : { en: 'check the path and its permissions', zh: '请检查路径及其权限' };
    throw refused(`--values ${file}`, error as Error, next);
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

/** Stands for the value while its place is made: no command line holds it. */
const PLACE = '\u0000';

/** One key, and a value that is not written as --set writes it. `like`: how it should look. */
function laid(given: Raw, flag: string, text: string, read: (written: string) => Json, like: string): void {
  const [key = ''] = text.split('=', 1);
  try {
    if (key === text) throw new Error('there is no =');
    const value = read(text.slice(key.length + 1));
    setInto(given, `${key}=${PLACE}`, 'text');
    put(given, value);
  } catch (error) {
    throw refused(`${flag} ${key}`, error as Error, {
      en: `write one key each: ${flag} '${like}'`,
      zh: `每次写一个键：${flag} '${like}'`,
    });
  }
}

function put(into: Json, value: Json): void {
  if (Array.isArray(into) || isRaw(into)) {
    const slots = into as Raw;
    for (const [key, each] of Object.entries(slots)) {
      if (each === PLACE) slots[key] = value;
      else put(each, value);
    }
  }
}

function refused(what: string, error: Error, next: Text): UserError {
  const [shown, why] = [oneLine(what, 200), whyOf(error)];
  return new UserError({ en: `reading ${shown}: ${oneLine(why.en, 200)}`, zh: `读取 ${shown}：${oneLine(why.zh, 200)}` }, next);
}

/** HOST[:PORT][/PATH], as a reference to an image begins with it. */
const REGISTRY = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:\/[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)*$/;

/** Throws UserError for what no image can be taken from. */
export function mirrorOf({ mirror }: Flags): string | undefined {
  if (mirror === undefined || REGISTRY.test(mirror)) return mirror;
  throw new UserError(
    { en: `--mirror ${oneLine(mirror, 200)}: not a registry`, zh: `--mirror ${oneLine(mirror, 200)}：不是镜像仓库地址` },
    {
      en: 'write HOST[:PORT][/PATH] without a scheme: --mirror ghcr.m.daocloud.io',
      zh: '格式为 HOST[:PORT][/PATH]，不带协议：--mirror ghcr.m.daocloud.io',
    },
  );
}
