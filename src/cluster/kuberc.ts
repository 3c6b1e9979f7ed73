// kubectl's preferences (kuberc): which exec plugins may run. kubectl refuses the others since 1.35; so do we, by its rules and in its words.
// By the source of kubectl (pkg/kuberc, pkg/config) and client-go (plugin/pkg/client/auth/exec) at 1.35.1, 1.36.2, 1.37.2 and 1.38.0-beta.0. Aliases and defaults are for kubectl's own commands.
import path from 'node:path';
import { type Document, parseDocument } from 'yaml';
import type { Text } from '../engine/contracts.ts';
import { readInput } from '../files/input.ts';
import { oneLine } from '../text/sanitise.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';
import { type Env, type Fields, isFields, kubeFolder, text } from './kubeconfig-files.ts';
import { isPath, lookPath } from './look-path.ts';

export interface PluginPolicy {
  /** Where it stands. */
  file: string;
  type: 'AllowAll' | 'DenyAll' | 'Allowlist';
  /** Names and paths; what `Allowlist` lets run. */
  allowed: readonly string[];
}

/** Bytes; of aliases and defaults typed by a person. */
const LARGEST = 4 * 1024 * 1024;
/** Longest piece of the file in a message. */
const SHOWN = 200;

/**
 * undefined: everything may run. A file that was named (`flag`, $KUBERC) must be usable; of ~/.kube/kuberc kubectl only says that it is not, and so do we.
 * Throws UserError.
 */
export function pluginPolicy(flag: string | undefined, env: Env, warn: (text: Text) => void): PluginPolicy | undefined {
  const place = fileOf(flag, env);
  if (!place) return undefined;
  const { file, named } = place;
  let found: Preference | undefined;
  try {
    found = preferenceIn(readInput(file, LARGEST, { substituted: true }).toString('utf8'));
  } catch (error) {
    if (!named && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const why = whyOf(error);
    if (named) throw unusable(file, why);
    warn({ en: `kuberc: no preferences loaded from ${file}: ${why.en}`, zh: `kuberc：未加载 ${file} 中的偏好设置：${why.zh}` });
    return undefined;
  }
  if (!found) return undefined;
  if (found.ignored.length) {
    const fields = oneLine(found.ignored.join(', '), SHOWN);
    warn({
      en: `kuberc: ignoring strict decoding error in ${file}: ${fields}`,
      zh: `kuberc：已忽略 ${file} 中的严格解码错误：${fields}`,
    });
  }
  const wrong = misconfigured(found);
  if (wrong) throw unusable(file, { en: wrong, zh: wrong });
  const type = found.policy === '' ? 'AllowAll' : (found.policy as PluginPolicy['type']);
  return { file, type, allowed: found.allowlist ?? [] };
}

/** KUBECTL_KUBERC is the gate of the beta; 1.38 has none any more. */
function fileOf(flag: string | undefined, env: Env): { file: string; named: boolean } | undefined {
  const off = env.KUBERC === 'off' ? 'KUBERC=off' : env.KUBECTL_KUBERC?.toLowerCase() === 'false' ? 'KUBECTL_KUBERC=false' : undefined;
  if (off && flag) {
    throw new UserError(
      {
        en: `reading kuberc: disabling kuberc via ${off} and passing kuberc flag are mutually exclusive`,
        zh: `读取 kuberc：${off} 已禁用 kuberc，不能同时使用 --kuberc（mutually exclusive）`,
      },
      { en: `drop --kuberc, or unset ${off.replace(/=.*/, '')}`, zh: `请去掉 --kuberc，或取消设置 ${off.replace(/=.*/, '')}` },
    );
  }
  if (off) return undefined;
  const named = flag || env.KUBERC;
  return named ? { file: path.resolve(named), named: true } : { file: path.join(kubeFolder(env), 'kuberc'), named: false };
}

// ---- what stands in the file ----------------------------------------------------------------------------------------

interface Preference {
  policy: string;
  /** undefined: not given, which is something else than an empty one. */
  allowlist?: string[];
  /** What kubectl warns about and passes over. */
  ignored: string[];
}

/** A text, a list of the same, or a mapping with these fields. */
type Shape = 'text' | readonly [Shape] | { readonly [field: string]: Shape };

const OPTIONS = [{ name: 'text', default: 'text' }] as const;
const OBJECT = { apiVersion: 'text', kind: 'text' } as const;
const alias = (options: string) =>
  ({ name: 'text', command: 'text', prependArgs: ['text'], appendArgs: ['text'], [options]: OPTIONS }) as const;
const GROUP = 'kubectl.config.k8s.io';
const CURRENT = {
  ...OBJECT,
  defaults: [{ command: 'text', options: OPTIONS }],
  aliases: [alias('options')],
  credentialPluginPolicy: 'text',
} as const;
/** What kubectl can read, by apiVersion. One wrong type, and it passes over the whole document. */
const SHAPES: Record<string, Shape> = {
  [`${GROUP}/v1alpha1`]: { ...OBJECT, overrides: [{ command: 'text', flags: OPTIONS }], aliases: [alias('flags')] },
  [`${GROUP}/v1beta1`]: { ...CURRENT, credentialPluginAllowlist: [{ name: 'text', command: 'text' }] },
  [`${GROUP}/v1`]: { ...CURRENT, credentialPluginAllowlist: [{ command: 'text' }] },
};

/** The first document that kubectl can use; undefined: the file is empty. Throws where there is something and none can be used. */
function preferenceIn(source: string): Preference | undefined {
  const odd = /^---[ \t]*([^-#\s].*)/m.exec(source)?.[1];
  if (odd) throw said(`invalid Yaml document separator: ${oneLine(odd, SHOWN)}`);
  const documents = source.split(/^---.*$/m).filter((one) => one.trim());
  for (const one of documents) {
    const usable = decoded(parseDocument(one, { version: '1.1', logLevel: 'silent' }));
    if (usable) return usable;
  }
  if (documents.length) throw said('no valid preferences found');
  return undefined;
}

const said = (why: string): Error => Object.assign(new Error(why), { text: { en: why, zh: why } });

function decoded(document: Document.Parsed): Preference | undefined {
  const [twice, errors] = [document.errors.filter(isTwice), document.errors.filter((one) => !isTwice(one))];
  if (errors.length) return undefined;
  let root: unknown;
  try {
    root = document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined;
  }
  const shape = isFields(root) && root.kind === 'Preference' ? SHAPES[String(root.apiVersion)] : undefined;
  const unknown = shape && unknownIn(root, shape, '');
  if (!unknown || !isFields(root)) return undefined;
  // An older version has no such fields: kubectl warns, and lets everything run.
  const known = shape as Record<string, Shape>;
  const given = known.credentialPluginAllowlist ? (root.credentialPluginAllowlist as (Fields | null)[] | null | undefined) : undefined;
  const hasName = root.apiVersion === `${GROUP}/v1beta1`;
  const entries = given?.map((entry) => [hasName ? text(entry?.name) : '', text(entry?.command)] as const);
  if (entries?.some(([name, command]) => name && command && name !== command)) return undefined;
  return {
    policy: known.credentialPluginPolicy ? text(root.credentialPluginPolicy) : '',
    allowlist: entries?.map(([name, command]) => command || name),
    ignored: [...unknown.map((field) => `unknown field "${field}"`), ...twice.map(({ message }) => message.split('\n')[0]!)],
  };
}

const isTwice = ({ code }: { code: string }) => code === 'DUPLICATE_KEY';

/** Paths of the fields that the shape does not have; undefined: a value has another type. */
function unknownIn(value: unknown, shape: Shape, at: string): string[] | undefined {
  if (value === null || value === undefined) return [];
  if (shape === 'text') return typeof value === 'string' ? [] : undefined;
  if (isList(shape)) return Array.isArray(value) ? together(value.map((one, n) => unknownIn(one, shape[0], `${at}[${n}]`))) : undefined;
  if (!isFields(value)) return undefined;
  return together(
    Object.entries(value).map(([key, one]) => {
      const path = at ? `${at}.${key}` : key;
      return Object.hasOwn(shape, key) ? unknownIn(one, shape[key]!, path) : [path];
    }),
  );
}

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape);
const together = (all: (string[] | undefined)[]): string[] | undefined => (all.every((one) => one !== undefined) ? all.flat() : undefined);

/** What client-go says of a policy that contradicts itself. */
function misconfigured({ policy, allowlist }: Preference): string | undefined {
  const shown = JSON.stringify(oneLine(policy, SHOWN));
  if (policy === '' || policy === 'AllowAll' || policy === 'DenyAll')
    return allowlist && `misconfigured credential plugin allowlist: plugin policy is ${shown} but allowlist is non-nil`;
  if (policy !== 'Allowlist') return `unknown plugin policy: ${shown}`;
  if (!allowlist) return 'credential plugin policy set to "Allowlist", but allowlist is unspecified';
  if (!allowlist.length) return 'credential plugin policy set to "Allowlist", but allowlist is empty; use "DenyAll" policy instead';
  for (const [n, command] of allowlist.entries()) {
    if (!command) return `misconfigured credential plugin allowlist: empty allowlist entry #${n + 1}`;
    if (clean(command) !== command)
      return `non-normalized file path: ${JSON.stringify(oneLine(command, SHOWN))} vs ${JSON.stringify(oneLine(clean(command), SHOWN))}`;
  }
  return undefined;
}

/** Go's filepath.Clean: unlike Node.js it leaves no separator at the end. */
function clean(file: string): string {
  return path.normalize(file).replace(/(?<=[^:\\/])[\\/]+$/, '');
}

function unusable(file: string, why: Text): UserError {
  return new UserError(
    { en: `reading kuberc ${file}: ${why.en}`, zh: `读取 kuberc ${file} 失败：${why.zh}` },
    {
      en: 'correct the file; kubectl refuses it too. Without it: KUBERC=off',
      zh: '请更正该文件；kubectl 同样会拒绝。不使用它：KUBERC=off',
    },
  );
}

// ---- may it run? ----------------------------------------------------------------------------------------------------

/** Why this command may not run, as client-go says it; undefined: it may. */
export function refusal({ type, allowed }: PluginPolicy, command: string, env: Env): string | undefined {
  if (type === 'AllowAll') return undefined;
  const asked = clean(command);
  if (type === 'DenyAll') return `plugin ${JSON.stringify(asked)} not allowed: policy set to "DenyAll"`;
  if (allowed.includes(asked)) return undefined;
  const { path: found = asked, error } = lookPath(asked, env);
  // Literally in the list, even where it cannot be run: that is then another message.
  if (!isPath(asked) && allowed.includes(found)) return undefined;
  if (error) return `plugin path ${JSON.stringify(found)} cannot be resolved for credential plugin allowlist check: ${error}`;
  const named = allowed.filter((entry) => path.basename(entry) === path.basename(found)).map((entry) => lookPath(entry, env));
  if (allowed.includes(found) || named.some((entry) => !entry.error && entry.path === found)) return undefined;
  return `plugin path ${JSON.stringify(found)} is not permitted by the credential plugin allowlist`;
}
