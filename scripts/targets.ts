// The platforms that we ship for, and the Node.js that goes into each: data in targets.json, with the checksum of the npm package that it comes from.
import data from './targets.json' with { type: 'json' };

/** `os` and `arch` in Go's words, which krew and Helm use. */
export interface Target {
  os: 'linux' | 'darwin' | 'windows';
  arch: 'amd64' | 'arm64';
  /** The npm package with the plain Node.js tree. */
  package: string;
  /** Of the package's tarball, as npm writes it. */
  integrity: string;
}

export const NODE_VERSION: string = data.node;
export const TARGETS = data.targets as Target[];

export function nameOf({ os, arch }: Target): string {
  return `${os}-${arch}`;
}

/** The same platform in pkg's and Node's words: `linux-x64`, `macos-arm64`, `win-x64`. */
export function pkgNameOf({ os, arch }: Target): string {
  const system = { linux: 'linux', darwin: 'macos', windows: 'win' }[os];
  return `${system}-${arch === 'amd64' ? 'x64' : 'arm64'}`;
}

export function exeOf({ os }: Target): string {
  return os === 'windows' ? '.exe' : '';
}

/** The platform that this runs on. Throws when we do not ship for it. */
export function hostTarget(): Target {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  return targetNamed(`${os}-${arch}`);
}

export function targetNamed(name: string): Target {
  const found = TARGETS.find((target) => nameOf(target) === name);
  if (!found) throw new Error(`choosing a platform: there is no "${name}"; use one of ${TARGETS.map(nameOf).join(', ')}`);
  return found;
}
