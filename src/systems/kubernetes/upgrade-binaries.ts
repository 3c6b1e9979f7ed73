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

/** A Node that the reader sets, one after the other; behind the command that lists them. */
export const NODE = whatIsSet('NODE');
export const onEach = (command: string): string => onWord(NODE, command);
export const eachOfThese: Command = toSet('NODE', { en: 'each Node in this list, one after the other', zh: '依次设为列表中的每个节点' });

/** Where a step is for every machine of the control plane: one after the other; what the reader sets first where none is known. */
export function onEveryServer(servers: readonly Member[], commands: readonly Command[]): Command[] {
  const names = servers.map(({ ref }) => shellWord(ref.name));
  if (names.length > 1) return [`for NODE in ${names.join(' ')}; do`, ...commands, 'done'];
  const set = toSet('NODE', { en: 'each machine of the control plane, one after the other', zh: '依次设为控制平面的每台机器' });
  return [names.length ? `NODE=${names[0]}` : set, ...commands];
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

/**
 * The whole file is replaced: lists of before 2023-08 name apt.kubernetes.io, which is frozen since 2023-09-13 and gone since 2024-03-04, and has neither minors nor the key of pkgs.k8s.io.
 * Source: kubernetes.io/blog/2023/08/15/pkgs-k8s-io-introduction.
 */
const fromApt = (of: string): string => {
  const url = `https://pkgs.k8s.io/core:/stable:/v${of}/deb/`;
  const key = '/etc/apt/keyrings/kubernetes-apt-keyring.gpg';
  return [
    'sudo mkdir -p -m 755 /etc/apt/keyrings',
    `curl -fsSL ${url}Release.key | sudo gpg --batch --yes --dearmor -o ${key}`,
    `echo "deb [signed-by=${key}] ${url} /" | sudo tee /etc/apt/sources.list.d/kubernetes.list`,
  ].join(' && ');
};
/** As for apt: packages.cloud.google.com is gone with it. */
const fromYum = (of: string): string => {
  const url = `https://pkgs.k8s.io/core:/stable:/v${of}/rpm/`;
  const lines = [
    '[kubernetes]',
    'name=Kubernetes',
    `baseurl=${url}`,
    'enabled=1',
    'gpgcheck=1',
    `gpgkey=${url}repodata/repomd.xml.key`,
    'exclude=kubelet kubeadm kubectl cri-tools kubernetes-cni',
  ];
  return `printf "%s\\n" ${lines.map((line) => `"${line}"`).join(' ')} | sudo tee /etc/yum.repos.d/kubernetes.repo`;
};

/** Packages from the repository of that minor; apt, except on the family of Red Hat. `older`: than what is installed. */
export function installed(os: string, version: string, packages: readonly string[], { older = false } = {}): string {
  const plain = version.replace(/^v/, '');
  const of = minor(minorOf(version));
  if (DNF.test(os))
    return `${fromYum(of)} && sudo dnf ${older ? 'downgrade' : 'install'} -y --disableexcludes=kubernetes ${packages.map((name) => `${name}-${plain}`).join(' ')}`;
  const named = packages.map((name) => `${name}="${plain}-*"`).join(' ');
  return `${fromApt(of)} && sudo apt-get update && sudo apt-get install -y --allow-change-held-packages ${older ? '--allow-downgrades ' : ''}${named}`;
}
