// Finds the helm binary, in HELM_BIN or on PATH, and renders charts with it, which reaches no cluster and ends with us; what changes a cluster is driven by drive.ts.
// Started with a list of arguments and never through a shell, values on its stdin; what it prints is bounded and redacted.
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { Raw } from '../engine/contracts.ts';
import { redactText } from '../text/redact.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';
import { parse, satisfies } from '../versions/chart.ts';
import type { Rendering, Templates } from './contracts.ts';
import { valuesInput } from './values.ts';

type Env = Record<string, string | undefined>;

/** What our arguments need: --is-upgrade and `-f -` are older, but 3.9 is the oldest that is tried. */
const SUPPORTED = '>=3.9.0-0 <5.0.0-0';
/** Of each of stdout and stderr; rendered charts of our systems have some 200 KiB, errors some lines. */
const KEPT = 64 * 1024;
/** ms. A chart renders in less than a second; one that never ends must not hold us up. */
const PATIENCE = 60_000;

/** `env`: what it is started with. */
export interface Helm {
  binary: string;
  version: string;
  env: Env;
}

/** helm with one chart; undefined: there is no helm. Throws UserError for one that is too old or too new. */
export async function helmFor(chart: string, env: Env, signal: AbortSignal): Promise<Templates | undefined> {
  const helm = await findHelm(env, signal);
  return helm && { version: helm.version, render: (values, as) => render(helm, chart, values, as, signal) };
}

/** undefined: there is none. Throws UserError for one that is too old, too new or no helm. */
export async function findHelm(env: Env, signal: AbortSignal): Promise<Helm | undefined> {
  const binary = await binaryOf(env);
  if (binary === undefined) return undefined;
  // Under a helm that runs with --debug we are its plugin with HELM_DEBUG=true; what helm says is read, so it says no more than usual. And it must not start us again.
  const own = { ...env, HELM_DEBUG: 'false', HELM_NO_PLUGINS: '1' };
  return { binary, version: await versionOf(binary, own, signal), env: own };
}

/** HELM_BIN is what helm calls itself towards its plugins: a path, or a name to look for. */
async function binaryOf({ HELM_BIN, PATH = '', PATHEXT = '.EXE' }: Env): Promise<string | undefined> {
  const name = HELM_BIN || 'helm';
  if (name.includes('/') || name.includes(path.sep)) return (await isProgram(name)) ? path.resolve(name) : undefined;
  const endings = process.platform === 'win32' ? ['', ...PATHEXT.split(';')] : [''];
  for (const folder of PATH.split(path.delimiter).filter((each) => path.isAbsolute(each))) {
    for (const ending of endings) {
      const file = path.join(folder, name + ending);
      if (await isProgram(file)) return file;
    }
  }
  return undefined;
}

const isProgram = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

async function versionOf(binary: string, env: Env, signal: AbortSignal): Promise<string> {
  const { code, stdout, stderr } = await run(binary, ['version', '--template', '{{.Version}}'], '', env, signal);
  const version = parse(stdout);
  if (version && satisfies(version, SUPPORTED)) return version;
  const said = oneLine(redactText(stdout || stderr), 120);
  throw new UserError(
    version
      ? {
          en: `${binary} is helm ${version}; helm 3.9 to 4 is required`,
          zh: `${binary} 的版本为 ${version}，需要 helm 3.9 到 4`,
        }
      : {
          en: `${binary} version: exit code ${code}: ${said}`,
          zh: `${binary} version：退出码 ${code}，输出：${said}`,
        },
    { en: 'put another helm first on PATH, or name it in HELM_BIN', zh: '请把其他版本的 helm 放在 PATH 最前面，或用 HELM_BIN 指定' },
  );
}

async function render(
  { binary, env }: Helm,
  chart: string,
  values: Raw,
  { namespace, name, kubernetes }: Parameters<Templates['render']>[1],
  signal: AbortSignal,
): Promise<Rendering> {
  // helm refuses what is not semver.
  const cluster = kubernetes !== undefined && parse(kubernetes) ? [`--kube-version=${kubernetes}`] : [];
  // What a user can name comes after `=` or `--`: it may begin with a dash.
  const args = ['template', `--namespace=${namespace}`, '--is-upgrade', '--values=-', ...cluster, '--', name, path.resolve(chart)];
  const { code, stderr, late } = await run(binary, args, valuesInput(values), env, signal);
  if (late) return { is: 'unknown', why: LATE };
  return code === 0 ? { is: 'rendered' } : failure(stderr);
}

/** All objects of a chart, its CRDs among them, as helm template prints them. Throws UserError where helm does not render it. */
export async function renderedText(
  { binary, env }: Helm,
  chart: string,
  values: Raw,
  { namespace, name, kubernetes }: Parameters<Templates['render']>[1],
  signal: AbortSignal,
): Promise<string> {
  const cluster = kubernetes !== undefined ? [`--kube-version=${kubernetes}`] : [];
  const args = ['template', `--namespace=${namespace}`, '--include-crds', '--values=-', ...cluster, '--', name, path.resolve(chart)];
  const { code, stdout, stderr, late } = await run(binary, args, valuesInput(values), env, signal, RENDERED);
  if (code === 0 && !late && stdout.length < RENDERED) return stdout;
  const failed = failure(stderr);
  const said =
    stdout.length >= RENDERED
      ? TOO_LONG
      : late
        ? LATE
        : { en: oneLine('said' in failed ? failed.said : '', 300), zh: oneLine('said' in failed ? failed.said : '', 300) };
  throw new UserError({ en: `rendering chart ${chart}: ${said.en}`, zh: `渲染 chart ${chart}：${said.zh}` }, HOW_TO_RENDER);
}

/** Characters. As much as -f reads of one file. */
const RENDERED = 32 * 1024 * 1024;
const TOO_LONG = { en: 'its objects are larger than 32 MiB', zh: '其对象超过 32 MiB' };
const HOW_TO_RENDER = {
  en: 'try: helm template CHART --values FILE (replace CHART and FILE)',
  zh: '请尝试：helm template CHART --values FILE（替换 CHART 和 FILE）',
};

const LATE = { en: 'helm template timed out after a minute', zh: 'helm template 超时（一分钟）' };

/** Characters. It is cut again where it is shown, once the values that helm quotes are out of it. */
const MOST_SAID = 20_000;

/** What helm said about a template that failed (helm 3 in one line, helm 4 in several); the innermost expression is the last that it names. */
export function failure(stderr: string): Rendering {
  const [text = ''] = stderr.slice(Math.max(0, stderr.search(/^Error:/m))).split('\nUse --debug flag', 1);
  const key = [...text.matchAll(/<\$?\w*\.Values\.([\w.]+)>/g)].at(-1)?.[1];
  const at = /(templates\/[^\s:]+:\d+:\d+)/.exec(text)?.[1];
  const said = oneLine(redactText(text.replace(/^Error:\s*/, '')), MOST_SAID);
  return { is: 'failed', key, at, said };
}

interface Ran {
  /** null: it was ended by a signal. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** It took too long and was stopped. */
  late: boolean;
}

/** `most`: characters of stdout that are kept. */
function run(binary: string, args: readonly string[], input: string, env: Env, signal: AbortSignal, most = KEPT): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const patience = AbortSignal.timeout(PATIENCE);
    const child = spawn(binary, args, {
      env,
      stdio: 'pipe',
      windowsHide: true,
      signal: AbortSignal.any([signal, patience]),
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr] = [kept(child.stdout, most), kept(child.stderr, KEPT)];
    child.on('error', (error) => {
      if (!patience.aborted) reject(signal.aborted ? error : notStarted(binary, error));
    });
    child.on('close', (code) => resolve({ code, stdout: stdout(), stderr: stderr(), late: patience.aborted }));
    // helm that refuses its arguments reads nothing.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** The beginning of what a stream says; the rest is read and dropped, so that the program is not held up. */
function kept(stream: NodeJS.ReadableStream, most: number): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < most) chunks.push(chunk.subarray(0, most - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

const notStarted = (binary: string, { message }: Error): UserError =>
  new UserError(
    { en: `starting ${binary}: ${message}`, zh: `启动 ${binary}：${message}` },
    { en: 'put another helm first on PATH, or name it in HELM_BIN', zh: '请把其他 helm 放在 PATH 最前面，或用 HELM_BIN 指定' },
  );
