// The commands with which components are replaced on a machine: the binary of a release where systemd runs it, checked before it is installed and laid where its unit has it; or packages. Sources:
// kubernetes/website tasks/tools/install-kubectl-linux.md (dl.k8s.io has the .sha256 of each binary beside it) and administer-cluster/kubeadm/change-package-repository.md (pkgs.k8s.io has a
// repository for each minor, in which alone its packages are).
import type { Command } from '../../engine/contracts.ts';
import { shellWord, toSet, whatIsSet } from '../../text/shell.ts';
import { minor, minorOf } from '../../versions/kubernetes.ts';
import type { Member } from './upgrade-parts.ts';

/** Where the command runs is in it: a runbook is read on another machine. `command` is ours and has no single quote. */
export const onNode = (node: string, command: string): string => onWord(shellWord(node), command);
export const onWord = (word: string, command: string): string => `ssh ${word} '${command}'`;

/** A Node that the reader sets, one after the other. */
export const NODE = whatIsSet('NODE');
export const onEach = (command: string): string => onWord(NODE, command);
export const eachOfThese: Command = toSet('NODE', { en: 'each of these Nodes, one after the other', zh: '依次设为上述每个节点' });

/** Names that a comment holds. */
const NAMED = 10;
/** What the reader sets first where a step is for every machine of the control plane. */
export function eachServer(servers: readonly Member[]): Command {
  const [first, ...others] = servers.map(({ ref }) => shellWord(ref.name));
  if (!first) return toSet('NODE', { en: 'each machine of the control plane, one after the other', zh: '依次设为控制平面的每台机器' });
  const more = others.length > NAMED ? ' ...' : '';
  const then = others.slice(0, NAMED).join(' ') + more;
  return others.length
    ? { en: `NODE=${first}   # then again with: ${then}`, zh: `NODE=${first}   # 然后依次换成：${then}` }
    : `NODE=${first}`;
}

/** The machine's own word for it, as releases name it. */
const ARCH = 'ARCH=$(uname -m | sed "s/x86_64/amd64/; s/aarch64/arm64/")';

/** Of a component that runs as a service of systemd. `machine`: its architecture, empty where it is not known. `at` makes a command run there. */
export function replacedBinary(name: string, version: string, machine: string, at: (command: string) => string): string[] {
  const url = `https://dl.k8s.io/release/${version}/bin/linux/${machine || '$ARCH'}/${name}`;
  const got = `curl -fL --remote-name-all ${url} ${url}.sha256`;
  // In the unit, also where a shell starts it; nothing is installed where no such path stands there.
  const path = `BIN=$(systemctl show -p ExecStart --value ${name} | grep -o "/[^ ;]*/${name}" | head -n 1)`;
  return [
    at(machine ? got : `${ARCH} && ${got}`),
    at(`echo "$(cat ${name}.sha256) *${name}" | sha256sum --check`),
    at(`${path} && sudo install -m 755 ${name} "\${BIN:?}" && sudo systemctl restart ${name}`),
  ];
}

const DNF = /red hat|rocky|alma|centos|oracle|fedora|amazon linux/i;
/** Nodes for which the same commands hold: of one architecture, with one package manager. */
export const alike = ({ os, machine }: Pick<Member, 'os' | 'machine'>): string => `${DNF.test(os)} ${machine}`;

/** Packages from the repository of that minor; on what is not of the family of Red Hat, those of apt. */
export function installed(os: string, version: string, packages: readonly string[]): string {
  const plain = version.replace(/^v/, '');
  const repository = (file: string) => `sudo sed -i "s#:/v1[.][0-9]*/#:/v${minor(minorOf(version))}/#" ${file}`;
  if (DNF.test(os))
    return `${repository('/etc/yum.repos.d/kubernetes.repo')} && sudo dnf install -y --disableexcludes=kubernetes ${packages.map((name) => `${name}-${plain}`).join(' ')}`;
  const named = packages.map((name) => `${name}="${plain}-*"`).join(' ');
  return `${repository('/etc/apt/sources.list.d/kubernetes.list')} && sudo apt-get update && sudo apt-get install -y --allow-change-held-packages ${named}`;
}
