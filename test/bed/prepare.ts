// The binaries of the control planes: found in KUBEBUILDER_ASSETS or the cache, else built from the Go modules beside this file.
import { execFile, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, inUnfinishedFolder, keep, type Say } from './cache.ts';

const execute = promisify(execFile);
const MODULES = join(import.meta.dirname, 'modules');

/** Where most control plane tests run. */
export const NEWEST = '1.37';
/** Those in test/control/both, which depend on what API servers do differently, also run on the oldest whose API server builds from modules alone. */
export const BED_VERSIONS = ['1.24', NEWEST] as const;
export type BedVersion = (typeof BED_VERSIONS)[number];

/** Paths of executables. */
export interface ControlPlaneBinaries {
  etcd: string;
  apiserver: string;
  controllerManager: string;
}

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

function binariesOf(minor: BedVersion): Binary[] {
  const etcd = required('etcd', 'go.etcd.io/etcd/server/v3');
  const version = required(`kubernetes-${minor}`, 'k8s.io/kubernetes');
  // Without these two /version says v0.0.0, and versions are what the tool is about.
  const stamp = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .map((path) => `-X ${path}.gitVersion=v${version}`)
    .join(' ');
  const kubernetes = (role: Binary['role'], name: string): Binary => ({
    role,
    name,
    version,
    module: `kubernetes-${minor}`,
    package: `k8s.io/kubernetes/cmd/${name}`,
    ldflags: `-s -w ${stamp}`,
    shelf: `kubernetes-${version}`,
  });
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
  ];
}

async function find(binary: Binary, minor: BedVersion): Promise<string | undefined> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const theirs = assets && join(assets, binary.name);
  if (theirs && isExecutable(theirs) && (binary.role === 'etcd' || (await saysMinor(theirs, minor)))) return theirs;
  const ours = join(cacheFolder(), binary.shelf, binary.name);
  return isExecutable(ours) ? ours : undefined;
}

/** KUBEBUILDER_ASSETS holds one version of Kubernetes; it serves that one only. */
async function saysMinor(path: string, minor: BedVersion): Promise<boolean> {
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

/** The binaries of a version if all are there. Builds nothing. */
export async function foundBed(minor: BedVersion): Promise<ControlPlaneBinaries | undefined> {
  const paths: Partial<ControlPlaneBinaries> = {};
  for (const binary of binariesOf(minor)) {
    const path = await find(binary, minor);
    if (!path) return undefined;
    paths[binary.role] = path;
  }
  return paths as ControlPlaneBinaries;
}

/** Builds what is missing for these versions, if it can. Answers why a version has no control plane; no entry: it has one. */
export async function prepareBeds(minors: readonly BedVersion[], say: Say): Promise<Map<BedVersion, string>> {
  const missing = new Map<string, { binary: Binary; minor: BedVersion }>();
  for (const minor of minors) {
    for (const binary of binariesOf(minor))
      if (!(await find(binary, minor))) missing.set(`${binary.shelf}/${binary.name}`, { binary, minor });
  }
  if (!missing.size) return new Map();
  const trouble = await buildAll(
    [...missing.values()].map((one) => one.binary),
    say,
  );
  const without = new Map<BedVersion, string>();
  for (const minor of minors) if (!(await foundBed(minor))) without.set(minor, trouble ?? 'its binaries could not be kept in the cache');
  return without;
}

/** The first thing that went wrong, as one or more lines; undefined: all were built. */
async function buildAll(binaries: Binary[], say: Say): Promise<string | undefined> {
  const go = await goCaches();
  if (!go) return 'no Go toolchain on PATH';
  say(
    `${binaries.length} binaries of the test control planes are missing; building them once into ${cacheFolder()} (about 10 minutes on 2 cores)`,
  );
  const begun = Date.now();
  return inUnfinishedFolder(async (folder) => {
    // Go's caches take 8 GB for this. Where Go had none before, they are made here and go away with the folder.
    const env = {
      ...process.env,
      CGO_ENABLED: '0',
      ...(existsSync(go.GOCACHE) ? {} : { GOCACHE: join(folder, 'go-build') }),
      ...(existsSync(go.GOMODCACHE)
        ? {}
        : { GOMODCACHE: join(folder, 'go-mod'), GOFLAGS: `${process.env.GOFLAGS ?? ''} -modcacherw`.trim() }),
    };
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

async function goCaches(): Promise<{ GOCACHE: string; GOMODCACHE: string } | undefined> {
  const said = await execute('go', ['env', '-json', 'GOCACHE', 'GOMODCACHE'], { cwd: join(MODULES, 'etcd') }).catch(() => undefined);
  return said && JSON.parse(said.stdout);
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
