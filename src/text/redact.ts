// What looks like a secret, by the name of its key or by its own shape, and taking it out of configuration before it reaches a file.
// It errs towards taking out too much: it is used on values of charts, ConfigMaps, environments and logs, not on typed fields of objects.
import type { Json } from '../engine/contracts.ts';

export const REDACTED = 'REDACTED';

// Single words of a key (camelCase, snake_case, dots and dashes separate words) that name something secret.
const SECRET_WORDS = new Set(
  'password passwords passwd passwds pwd pw pass passphrase passcode psk token tokens secret secrets apikey credential credentials creds auth authorization bearer cookie jwt privatekey salt otp pin dsn'.split(
    ' ',
  ),
);
// What makes a `key` a secret one; and `key`, `crt`, `cert` or `pem` as the end of a file's or a field's name beside tls.
const KEY_QUALIFIERS = new Set(
  'api private secret access signing encryption ssh tls ssl ca client server account master shared session hmac rsa ec ed25519'.split(' '),
);
const PEM_WORDS = new Set(['cert', 'certificate', 'crt', 'pem']);
// Last words that turn it into something about a secret, which is not a secret: where it is, what it is called, how long it lives.
const ABOUT = new Set(
  'name names namespace ref refs reference selector type kind enabled enable disabled create mount path file dir directory ttl timeout seconds minutes hours duration expiry expiration period interval length size policy provider mode method url uri endpoint host port audience audiences issuer algorithm count limit version'.split(
    ' ',
  ),
);

/** Does a key of this name hold a secret? `secretName` does not, `secret` does. */
export function looksSecret(key: string): boolean {
  const words = wordsOf(key);
  if (ABOUT.has(words.at(-1) ?? '')) return false;
  if (words.some((word) => SECRET_WORDS.has(word))) return true;
  return words.some((word, at) => {
    const before = words[at - 1] ?? '';
    if (word === 'key' || word === 'keys') return KEY_QUALIFIERS.has(before);
    return PEM_WORDS.has(word) && (before === 'tls' || before === 'client' || before === 'server');
  });
}

/** Environments hold whatever the program takes: of a map or list of this name no value is kept. */
export const isEnvironment = (key: string): boolean => /^(?:extra)?env(?:s|vars?|ironments?)?$/i.test(key.replace(/[_-]/g, ''));

/** Does what lies below a key of this name stay hidden as a whole? */
export const looksPrivate = (key: string): boolean => looksSecret(key) || isEnvironment(key);

function wordsOf(key: string): string[] {
  return key
    .slice(0, 256)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?(?:-----END \1-----|$)/g;
const PRIVATE_PEM = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g;
/** base64 of `-----BEGIN `. */
const PEM_IN_BASE64 = /\bLS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g;
// Three base64url parts of which the first two begin as `{"` does.
const JWT = /\beyJ[A-Za-z0-9_-]{6,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*/g;
// A digit or padding tells a credential from the words "basic authentication".
const BEARER = /\b(bearer|basic)[ \t]+(?=[A-Za-z._~+/-]{0,512}[0-9=])[A-Za-z0-9._~+/-]{8,}=*/gi;
// The userinfo of a URL, also with an @ in the password.
const USERINFO = /\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#"'<>]{1,512}@/gi;
// Also of Go's database drivers: user:password@tcp(host:3306)/db.
const GO_DSN = /[^\s:/@"']{1,128}:[^\s/"']{1,256}@(tcp|udp|unix)\(/g;
// Prefixes that their makers chose so that they can be found: GitHub, GitLab, AWS, Slack, Google, K3s join tokens.
const MARKED =
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,}|K10[0-9a-f]{64}::[^\s"']+)/g;
/** `?token=x`, `&key=x`. */
const QUERY = /([?&]([A-Za-z][\w.-]{0,80})=)([^\s&#"'<>]+)/g;
/** Bootstrap tokens of kubeadm. A host name can look the same, so only where configuration is redacted. */
const BOOTSTRAP = /(?<![\w.-])[a-z0-9]{6}\.(?=[a-z]{0,15}\d)[a-z0-9]{16}(?![\w.-])/g;

/** Takes out what is a secret by its own shape. Safe on any field: nothing that an object's own fields say (digests, uids, hashes) has such a shape. */
export function redactMarked(text: string): string {
  if (text.length < 8) return text;
  let out = text;
  if (out.includes('-----BEGIN')) out = withoutPem(out).replace(PRIVATE_PEM, REDACTED);
  if (out.includes('eyJ')) out = out.replace(JWT, REDACTED);
  if (out.includes('@')) out = out.replace(USERINFO, `$1${REDACTED}@`).replace(GO_DSN, `${REDACTED}@$1(`);
  if (/bearer|basic/i.test(out)) out = out.replace(BEARER, (_, scheme: string) => `${scheme} ${REDACTED}`);
  if (/[?&]/.test(out)) out = out.replace(QUERY, (all, head: string, key: string) => (looksSecret(key) ? head + REDACTED : all));
  return out.replace(MARKED, REDACTED);
}

const PEM_LINE = /-----(BEGIN|END) ([A-Z0-9 ]+)-----/g;

/** Blocks that end; one pass, since thousands of beginnings without an end would each be searched to the end. */
function withoutPem(text: string): string {
  let out = '';
  let copied = 0;
  let open: { at: number; label: string } | undefined;
  for (const { 0: line, 1: word, 2: label, index } of text.matchAll(PEM_LINE)) {
    if (word === 'BEGIN') open = { at: index, label: label! };
    else if (open?.label === label) {
      out += text.slice(copied, open!.at) + REDACTED;
      copied = index + line.length;
      open = undefined;
    }
  }
  return out + text.slice(copied);
}

// `key: value`, `key=value`, `"key": "value"`, `--key=value`, `--key value`; the value in quotes or up to the next blank or comma.
const PAIR =
  /((?<![A-Za-z0-9_.-])["']?(?:--?)?([A-Za-z][A-Za-z0-9_.-]{1,80})["']?[ \t]*(?:[:=]|(?<=--?[A-Za-z0-9_.-]{2,80})[ \t])[ \t]*)("(?:[^"\\\n]|\\.)*"?|'(?:[^'\n]|'')*'?|[^\s,;&"'{}[\]|>]\S*)/g;
/** The head of a YAML block scalar: `key: |`, with what stands before the key. */
const BLOCK = /^([ \t]*(?:- )*)(["']?)([A-Za-z][A-Za-z0-9_./-]{0,80})\2:[ \t]*[|>][+-]?\d?[ \t]*$/;
const CANDIDATE = /[A-Za-z0-9+/_-]{32,}={0,2}/g;

/** Takes secrets out of free text: configuration files kept in a string, logs, command lines. */
export function redactText(text: string): string {
  return redactOpaque(
    redactPairs(redactBlocks(redactMarked(text).replace(PEM, REDACTED).replace(PEM_IN_BASE64, REDACTED).replace(BOOTSTRAP, REDACTED))),
  );
}

/** A secret YAML block scalar becomes one word; the deeper and empty lines that were its value go. */
function redactBlocks(text: string): string {
  if (!/[|>][+-]?\d?[ \t]*\n/.test(text)) return text;
  const kept: string[] = [];
  let inside: number | undefined;
  for (const line of text.split('\n')) {
    const indent = line.search(/[^ \t]/);
    if (inside !== undefined && (indent === -1 || indent > inside)) continue;
    const head = BLOCK.exec(line);
    inside = head !== null && looksSecret(head[3] ?? '') ? (head[1] ?? '').length : undefined;
    kept.push(inside === undefined ? line : line.replace(/[|>][+-]?\d?[ \t]*$/, REDACTED));
  }
  return kept.join('\n');
}

function redactPairs(text: string): string {
  return text.replace(PAIR, (pair: string, before: string, key: string, value: string) => {
    if (!looksSecret(key) || harmless(unquoted(value))) return pair;
    const quote = value[0] === '"' || value[0] === "'" ? value[0] : '';
    return `${before}${quote}${REDACTED}${quote}`;
  });
}

function unquoted(value: string): string {
  return value.replace(/^(["'])(.*)\1$/s, '$2');
}

/** Says nothing secret: yes and no, nothing at all, and what was already taken out. */
function harmless(value: string): boolean {
  return /^(?:true|false|yes|no|on|off|null|none|nil|~|)$/i.test(value) || value === REDACTED;
}

function redactOpaque(text: string): string {
  return text.length < 32
    ? text
    : text.replace(CANDIDATE, (word, at: number) => (opaque(word, text.slice(Math.max(0, at - 8), at)) ? REDACTED : word));
}

/** Long and without pattern: random bytes in hexadecimal or base64. Digests that say so (`sha256:`) are names of content, not secrets. */
function opaque(word: string, before: string): boolean {
  if (/sha\d{3}[:-]$/.test(before)) return false;
  const hex = /^[0-9a-f]+$/i.test(word);
  if (!hex && !(/[0-9]/.test(word) && /[a-z]/.test(word) && /[A-Z]/.test(word))) return false;
  if (!hex && /^\/|\/[a-z]{2,}\/|[a-z]{3,}-[a-z]{3,}-/.test(word)) return false;
  // 32 random hexadecimal digits hold about 3.6 bits each, 32 of base64 about 4.5; words and paths hold less.
  return entropy(word) > (hex ? 3 : 4);
}

/** Bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Configuration (chart values, settings): everything under a secret-looking key, and what looks secret by itself. Keys, shapes, booleans and nulls stay. */
export function redact(value: Json, underSecret = false): Json {
  if (typeof value === 'string') return redactString(value, underSecret);
  if (typeof value === 'number') return underSecret ? REDACTED : value;
  if (Array.isArray(value)) return underSecret ? value.map((item) => redact(item, true)) : redactItems(value);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redact(inner, underSecret || looksSecret(key))]));
}

function redactString(value: string, underSecret: boolean): string {
  if (!underSecret) return redactText(value);
  return harmless(value) ? value : REDACTED;
}

function redactItems(items: Json[]): Json[] {
  return items.every((item) => typeof item === 'string') ? redactArguments(items) : items.map((item) => redact(item));
}

/** A command line in pieces: `--token=x`, and `--token` followed by `x`. */
export function redactArguments(items: readonly string[]): string[] {
  return items.map((item, at) => {
    const flag = items[at - 1];
    const valueOfFlag = flag !== undefined && /^--?[A-Za-z][\w.-]*$/.test(flag) && looksSecret(flag) && !item.startsWith('-');
    return valueOfFlag && !harmless(item) ? REDACTED : redactText(item);
  });
}

/** Numbers, durations and sizes say nothing secret either. */
const PLAIN = /^-?\d{1,6}(?:\.\d{1,3})?(?:ns|us|ms|s|m|h|%|[KMGT]i?B?)?$/;

/**
 * A command line that is not declared to be read: programs and flags keep their names, yes and no, small numbers and durations stay, and every other word goes.
 * Which flag holds a secret is known only to the program (`-p x`, `--dsn x`, a script behind `sh -c`).
 */
export function redactCommand(items: readonly string[], program: boolean): string[] {
  return items.map((item, at) => {
    if (program && at === 0 && /^[\w./-]{1,100}$/.test(item)) return redactText(item);
    const [, flag = '', value] = /^(--?[A-Za-z][\w.-]{0,80})(?:=([\s\S]*))?$/.exec(item) ?? [];
    // `-pSECRET` is one word; only a long flag, or a single letter, is a name.
    if (flag.startsWith('--') || flag.length === 2) return value === undefined ? item : `${flag}=${redactWord(value)}`;
    return redactWord(item);
  });
}

const redactWord = (word: string): string => (harmless(word) || PLAIN.test(word) ? word : REDACTED);

/** The value of a label, also where a selector names it; selectors and what they select are treated alike. */
export function redactLabel(key: string, value: string): string {
  // Kubernetes' and Rancher's own: names, versions, hashes of Plans that verdicts hang on.
  if (/(?:^|[./])(?:kubernetes|k8s|cattle|helm|k3s)\.(?:io|sh|com)(?:\/|$)/.test(key)) return redactMarked(value);
  if (looksSecret(key) && !harmless(value)) return REDACTED;
  // Digests in hexadecimal are what labels are full of.
  return /^[0-9a-f]*$/i.test(value) ? redactMarked(value) : redactOpaque(redactMarked(value));
}
