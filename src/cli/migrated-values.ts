// plan -o values: the file of values that was given, with the keys under the names that the target knows; comments go along (files/comments.ts), order and quotes stay (files/edit.ts).
import type { Json, Raw } from '../engine/contracts.ts';
import type { Examination } from '../engine/examine.ts';
import { editedWithComments } from '../files/comments.ts';
import { readInput } from '../files/input.ts';
import { pathOf, valueAt } from '../helm/keys.ts';
import { withSettings } from '../helm/values.ts';
import { readValues } from '../helm/values-file.ts';
import { isRaw } from '../kube/json.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';

/** Bytes. A release with its values has to fit into a Secret of 1 MiB. */
const MAX_FILE = 5 * 1024 * 1024;

/** What is said of the keys goes to stderr. Throws UserError where it is not one file, or its text cannot be changed in place. */
export function migratedValues(call: Call, { results }: Examination): string {
  const [file, ...more] = call.flags.values ?? [];
  if (file === undefined || file === '-' || more.length) throw oneFile();
  const text = readInput(file, MAX_FILE, { substituted: true }).toString('utf8');
  const now = readValues(text, 'first');
  const keys = results.filter(({ id }) => id.endsWith('/values-keys')).flatMap(({ findings }) => findings.map(({ args }) => keyOf(args)));
  const here = keys.filter(({ key }) => valueAt(now, pathOf(key)) !== undefined);
  const renamed = here.filter(({ to }) => to.length);
  const settings = renamed.map(({ key, to }) => {
    const [path = [], ...also] = to.map(pathOf);
    return { path, also, movedFrom: pathOf(key) };
  });
  const moves = settings.map(({ path, movedFrom }) => ({ from: movedFrom, to: path }));
  const made = editedWithComments(text, now, withoutNulls(withSettings(now, settings), now), moves);
  if ('refused' in made) throw new UserError({ en: `${file}: ${made.refused.en}`, zh: `${file}：${made.refused.zh}` });
  for (const { key, to } of renamed) call.say(call.t({ en: `# ${key} is ${to.join(', ')} now`, zh: `# ${key} 现为 ${to.join('、')}` }));
  for (const { key, to } of here)
    if (!to.length)
      call.say(call.t({ en: `# ${key} is unchanged: the target version ignores it`, zh: `# ${key} 保持不变：目标版本会忽略它` }));
  return made.text;
}

/** Of a finding of values-keys (chart/values-keys.ts): the key, and its new names if it has any. */
function keyOf(args: Json): { key: string; to: string[] } {
  const { state, keys, to } = isRaw(args) ? args : ({} as Raw);
  const all = (value: Json | undefined) => (Array.isArray(value) ? value.map(String) : []);
  return { key: all(keys)[0] ?? '', to: state === 'renamed' || state === 'refused' ? all(to) : [] };
}

/** What was moved away leaves no null behind, nor a map that is empty by it. */
function withoutNulls(values: Raw, before: Raw): Raw {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]): [string, Json][] => {
      const was = before[key];
      if (value === null && was !== null) return [];
      if (!isRaw(value)) return [[key, value]];
      const inner = withoutNulls(value, isRaw(was) ? was : {});
      const wasEmpty = isRaw(was) && !Object.keys(was).length;
      return Object.keys(inner).length || wasEmpty ? [[key, inner]] : [];
    }),
  );
}

const oneFile = (): UserError =>
  new UserError(
    { en: '-o values: it takes exactly one --values FILE', zh: '-o values：需要且只需要一个 --values FILE' },
    { en: 'for example: {retry:values,output} --values my.yaml -o values', zh: '例如：{retry:values,output} --values my.yaml -o values' },
  );
