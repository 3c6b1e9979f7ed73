// The binaries of the control planes: found in KUBEBUILDER_ASSETS or the cache, else built from the Go modules beside this file.
import { execFile, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder, inUnfinishedFolder, keep, oneAtATime, type Say } from './cache.ts';

const execute = promisify(execFile);
const MODULES = join(import.meta.dirname, 'modules');

/** Where most control plane tests run. */
export const NEWEST = '1.37';
/** Those in test/control/both, which depend on what API servers do differently, also run on the oldest whose API server builds from modules alone. */
export const BED_VERSIONS = ['1.24', NEWEST] as const;
export type BedVersion = (typeof BED_VERSIONS)[number];
/** API servers for tests that replace one by the next minor. They are built when asked for (npm run bed), never by npm test: each takes minutes. */
export const MORE_APISERVERS = ['1.36'] as const;
export type MoreVersion = (typeof MORE_APISERVERS)[number];

/** Paths of executables. */
export interface ControlPlaneBinaries {
  etcd: string;
  apiserver: string;
  controllerManager: string;
  scheduler: string;
  /** Keeps Nodes and Pods in place of kubelets. */
  kwok: string;
}

/** One kwok serves all. It stands in this module because it shares its client libraries: so most of it is compiled already. */
const KWOK_MODULE = 'kubernetes-1.37';

interface Binary {
  role: keyof ControlPlaneBinaries;
  name: string;
  version: string;
  /** Folder of its go.mod. */
  module: string;
  package: string;
  ldflags: string;
  /** Folder below the cache. */
  shelf: string;
}

/** The version that a go.mod requires of a module: written there once and nowhere else. */
function required(module: string, path: string): string {
  const file = join(MODULES, module, 'go.mod');
  const version = readFileSync(file, 'utf8').match(new RegExp(`^(?:require\\s+|\\t)${path.replaceAll('.', '\\.')} v(\\S+)`, 'm'))?.[1];
  if (!version) throw new Error(`${file} does not require ${path}`);
  return version;
}

function kubernetesOf(minor: BedVersion | MoreVersion): (role: Binary['role'], name: string) => Binary {
  const version = required(`kubernetes-${minor}`, 'k8s.io/kubernetes');
  // Without these two /version says v0.0.0, and versions are what the tool is about.
  const stamp = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .map((path) => `-X ${path}.gitVersion=v${version}`)
    .join(' ');
  return (role, name) => ({
    role,
    name,
    version,
    module: `kubernetes-${minor}`,
    package: `k8s.io/kubernetes/cmd/${name}`,
    ldflags: `-s -w ${stamp}`,
    shelf: `kubernetes-${version}`,
  });
}

function binariesOf(minor: BedVersion): Binary[] {
  const etcd = required('etcd', 'go.etcd.io/etcd/server/v3');
  const kwok = required(KWOK_MODULE, 'sigs.k8s.io/kwok');
  const kubernetes = kubernetesOf(minor);
  return [
    {
      role: 'etcd',
      name: 'etcd',
      version: etcd,
      module: 'etcd',
      package: 'go.etcd.io/etcd/server/v3',
      ldflags: '-s -w',
      shelf: `etcd-${etcd}`,
    },
    kubernetes('apiserver', 'kube-apiserver'),
    kubernetes('controllerManager', 'kube-controller-manager'),
    kubernetes('scheduler', 'kube-scheduler'),
    {
      role: 'kwok',
      name: 'kwok',
      version: kwok,
      module: KWOK_MODULE,
      package: 'sigs.k8s.io/kwok/cmd/kwok',
      ldflags: '-s -w',
      shelf: `kwok-${kwok}`,
    },
  ];
}

async function find(binary: Binary, minor: BedVersion | MoreVersion): Promise<string | undefined> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const theirs = assets && join(assets, binary.name);
  const ofAnyMinor = binary.role === 'etcd' || binary.role === 'kwok';
  if (theirs && isExecutable(theirs) && (ofAnyMinor || (await saysMinor(theirs, minor)))) return theirs;
  const ours = join(cacheFolder(), binary.shelf, binary.name);
  return isExecutable(ours) ? ours : undefined;
}

/** KUBEBUILDER_ASSETS holds one version of Kubernetes; it serves that one only. */
async function saysMinor(path: string, minor: BedVersion | MoreVersion): Promise<boolean> {
  const said = await execute(path, ['--version'], { timeout: 10_000 }).catch(() => undefined);
  return said?.stdout.startsWith(`Kubernetes v${minor}.`) ?? false;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The binaries of a version. Builds nothing: throws with the names of those that are missing. */
export async function foundBed(minor: BedVersion): Promise<ControlPlaneBinaries> {
  const found = await lookFor(minor);
  if (typeof found === 'string') throw new Error(`the control plane ${minor} is not whole: ${found}; npm run bed builds it`);
  return found;
}

/** A string: what is missing. */
async function lookFor(minor: BedVersion): Promise<ControlPlaneBinaries | string> {
  const paths: Partial<ControlPlaneBinaries> = {};
  const missing: string[] = [];
  for (const binary of binariesOf(minor)) {
    const path = await find(binary, minor);
    if (path) paths[binary.role] = path;
    else missing.push(`${binary.name} ${binary.version}`);
  }
  return missing.length ? `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} not there` : (paths as ControlPlaneBinaries);
}

/** The API server of one of the others, if it was built. */
export const foundApiserver = (minor: MoreVersion) => find(kubernetesOf(minor)('apiserver', 'kube-apiserver'), minor);

/** Builds that API server if it is missing. Answers why it cannot. */
export function prepareApiserver(minor: MoreVersion, say: Say): Promise<string | undefined> {
  const apiserver = kubernetesOf(minor)('apiserver', 'kube-apiserver');
  return buildMissing(async () => ((await find(apiserver, minor)) ? [] : [apiserver]), say);
}

/** Builds what is missing for these versions, if it can. Answers why a version has no control plane; no entry: it has one. */
export async function prepareBeds(minors: readonly BedVersion[], say: Say): Promise<Map<BedVersion, string>> {
  const missing = async () => {
    const found = new Map<string, Binary>();
    for (const minor of minors) {
      for (const binary of binariesOf(minor)) if (!(await find(binary, minor))) found.set(`${binary.shelf}/${binary.name}`, binary);
    }
    return [...found.values()];
  };
  const trouble = await buildMissing(missing, say);
  const without = new Map<BedVersion, string>();
  for (const minor of minors) {
    const found = await lookFor(minor);
    if (typeof found === 'string') without.set(minor, trouble ? `${found}: ${trouble}` : found);
  }
  return without;
}

async function buildMissing(missing: () => Promise<Binary[]>, say: Say): Promise<string | undefined> {
  if (!(await missing()).length) return undefined;
  return oneAtATime('build', say, async () => {
    const left = await missing();
    return left.length ? buildAll(left, say) : undefined;
  });
}

/** The first thing that went wrong, as one or more lines; undefined: all were built. */
async function buildAll(binaries: Binary[], say: Say): Promise<string | undefined> {
  const go = await goCaches();
  if (!go) return 'no Go toolchain on PATH';
  say(
    `${binaries.length} binaries of the test control planes are missing; building them once into ${cacheFolder()} (about 15 minutes on 2 cores for all of them)`,
  );
  const begun = Date.now();
  return inUnfinishedFolder(async (folder) => {
    const env = goEnvironment(go, folder);
    for (const [done, binary] of binaries.entries()) {
      const progress = () =>
        say(
          `building ${binary.name} ${binary.version} (${done + 1} of ${binaries.length}), ${Math.round((Date.now() - begun) / 1000)} s so far`,
        );
      progress();
      const ticking = setInterval(progress, 20_000);
      const trouble = await build(binary, folder, env).finally(() => clearInterval(ticking));
      if (trouble) return `${binary.name} ${binary.version} could not be built: ${trouble}`;
      keep(join(folder, binary.name), binary.shelf, binary.name);
    }
    say(`built ${binaries.map((binary) => `${binary.name} ${binary.version}`).join(', ')} in ${Math.round((Date.now() - begun) / 1000)} s`);
    return undefined;
  });
}

interface Go {
  GOCACHE: string;
  GOMODCACHE: string;
  GOPROXY: string;
}

async function goCaches(): Promise<Go | undefined> {
  const asked = ['env', '-json', 'GOCACHE', 'GOMODCACHE', 'GOPROXY'];
  const said = await execute('go', asked, { cwd: join(MODULES, 'etcd') }).catch(() => undefined);
  return said && JSON.parse(said.stdout);
}

/** Modules are fetched into the folder and go away with it: 2.5 GB that Go would keep for ever. Those it has already are taken from there. What it compiled (6 GB) goes too where it had no cache before. */
function goEnvironment({ GOCACHE, GOMODCACHE, GOPROXY }: Go, folder: string): NodeJS.ProcessEnv {
  const fetched = join(GOMODCACHE, 'cache', 'download');
  return {
    ...process.env,
    CGO_ENABLED: '0',
    GOMODCACHE: join(folder, 'go-mod'),
    GOFLAGS: `${process.env.GOFLAGS ?? ''} -modcacherw`.trim(),
    ...(existsSync(fetched) ? { GOPROXY: `${pathToFileURL(fetched)},${GOPROXY}` } : {}),
    ...(existsSync(GOCACHE) ? {} : { GOCACHE: join(folder, 'go-build') }),
  };
}

/** The end of what Go said, if it failed. */
function build(binary: Binary, folder: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const args = ['build', '-mod=readonly', '-trimpath', '-ldflags', binary.ldflags, '-o', join(folder, binary.name), binary.package];
    const go = spawn('go', args, { cwd: join(MODULES, binary.module), env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    go.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-2000);
    });
    go.on('error', (error) => resolve(error.message));
    go.on('close', (code) => resolve(code === 0 ? undefined : said.trim() || `go ended with ${code}`));
  });
}
