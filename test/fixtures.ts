// The fixtures of checks, laid out as folders that `--from` takes. test/fixtures/<system>/installed.yaml is the healthy installation of a system; a case of a check lies over it.
// Every check has two: `found.yaml`, in which it finds exactly what its page shows, and `healthy.yaml`, which looks alike and is in order.
// Others whose names begin so (`found-pruned.yaml`) hold what one cluster cannot hold at once; `unknown-…` what cannot be judged.
// A first line `# check: FLAGS` says how to check it (`# check: --to spiderpool=0.9.13`), lines `# also: FLAGS` how besides, with the same outcome. Logs lie in `<case>.logs/<namespace>/<pod>/<container>.log`, answers of text paths in `<case>.text/`.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Raw } from '../src/engine/contracts.ts';

export interface Laid {
  /** File below test/fixtures/<check id>, without .yaml; none: the bare installation. */
  fixture?: string;
  /** Another installation than installed.yaml: a file beside it, without .yaml. */
  base?: string;
  /** What GET /version says, where the fixture does not. */
  server?: string;
  /** More fixtures in the same cluster, with the installation of their system: CHECK-ID (its found.yaml) or CHECK-ID/FIXTURE. */
  beside?: readonly string[];
  /** Laid over all of it. */
  objects?: readonly Raw[];
  /** Resources that could not be read. */
  forbidden?: string[];
  /** Logs of containers, by NAMESPACE/POD/CONTAINER. */
  logs?: Record<string, string>;
  /** No version.json: the folder does not claim to be whole. */
  bare?: true;
}

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
/** Of the cluster, where neither the fixture nor installed.yaml of the system says otherwise in a first line `# version: vX.Y.Z`. */
const SERVER = 'v1.30.4';

/** Writes the folder; the caller removes it. */
export function layOut(
  check: string,
  { fixture, base = 'installed', server, beside = [], objects, forbidden, bare, logs = {} }: Laid,
): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'ug-fixture-'));
  const [system] = check.split('/') as [string];
  const installed = path.join(FIXTURES, system, `${base}.yaml`);
  cpSync(installed, path.join(folder, 'installed.yaml'));
  if (fixture) {
    cpSync(fixtureFile(check, fixture), path.join(folder, 'over-installed.yaml')); // read later, so that what it repeats counts
    copyTexts(check, fixture, folder);
  }
  for (const each of beside) {
    const [other, name, which = 'found'] = each.split('/') as [string, string, string?];
    if (other !== system) cpSync(path.join(FIXTURES, other, 'installed.yaml'), path.join(folder, `installed-${other}.yaml`));
    cpSync(fixtureFile(`${other}/${name}`, which), path.join(folder, `over-${other}-${name}.yaml`));
    copyTexts(`${other}/${name}`, which, folder);
  }
  if (objects) writeFileSync(path.join(folder, 'over-objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const gitVersion = server ?? (fixture && headOf(fixtureFile(check, fixture), 'version')) ?? headOf(installed, 'version') ?? SERVER;
  const own = (fixture && headOf(fixtureFile(check, fixture), 'version')) ?? SERVER;
  for (const each of ['installed.yaml', 'over-installed.yaml']) ofVersion(path.join(folder, each), [own, SERVER], gitVersion);
  if (!bare) writeFileSync(path.join(folder, 'version.json'), JSON.stringify({ gitVersion }));
  if (forbidden) writeFileSync(path.join(folder, 'absent.json'), JSON.stringify({ forbidden }));
  for (const [container, text] of Object.entries(logs)) {
    const file = path.join(folder, 'logs', `${container}.log`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder;
}

/** A cluster of another version has API servers of that version: the static Pods of a fixture are written once, for its own or for the usual one. */
function ofVersion(file: string, own: readonly string[], gitVersion: string): void {
  if (!existsSync(file) || own.every((version) => version === gitVersion)) return;
  const written = own.map((version) => `/kube-apiserver:${version}`);
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    written.reduce((now, each) => now.replaceAll(each, `/kube-apiserver:${gitVersion.replace('+', '-')}`), text),
  );
}

/** Logs and answers of text paths that lie beside a fixture. */
function copyTexts(check: string, fixture: string, folder: string): void {
  for (const kind of ['logs', 'text']) {
    const texts = path.join(FIXTURES, check, `${fixture}.${kind}`);
    if (existsSync(texts)) cpSync(texts, path.join(folder, kind), { recursive: true });
  }
}

const fixtureFile = (check: string, fixture: string): string => path.join(FIXTURES, check, `${fixture}.yaml`);

export const hasFixture = (check: string, fixture: string): boolean => existsSync(fixtureFile(check, fixture));

/** The flags with which a fixture is checked, as words. */
export const flagsOf = (check: string, fixture: string): string[] => wordsOf(headOf(fixtureFile(check, fixture), 'check') ?? '');
/** How it is checked besides. */
export const alsoOf = (check: string, fixture: string): string[][] => headsOf(fixtureFile(check, fixture), 'also').map(wordsOf);
const wordsOf = (line: string): string[] => line.split(/\s+/).filter(Boolean);

/** `found`, `healthy`, and those whose names begin so, or with `unknown`. */
export const provenOf = (check: string): string[] =>
  readdirSync(path.join(FIXTURES, check)).flatMap((file) => /^((?:found|healthy|unknown)(?:-[\w-]+)?)\.yaml$/.exec(file)?.[1] ?? []);

/** What lines `# NAME: …` among the comments at the head of a file say. */
function headsOf(file: string, name: string): string[] {
  const head = readFileSync(file, 'utf8').split('\n').slice(0, 8);
  return head.filter((each) => each.startsWith(`# ${name}: `)).map((line) => line.slice(name.length + 4).trim());
}
const headOf = (file: string, name: string): string | undefined => headsOf(file, name)[0];
