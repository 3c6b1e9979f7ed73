// Which flags a minor of etcd no longer has: it does not start with them, whatever their value. Those that stand in ClusterConfiguration go into the static Pod that kubeadm writes;
// of a static Pod that kubeadm does not write, only its own manifest says.
import { minorOf } from '../../versions/kubernetes.ts';
import { etcdFloors, kubeadm } from './knowledge/tables.ts';

export const removedEtcdFlags = (): string[] => etcdFloors().flags.map(({ name }) => name);

/** The etcd that the kubeadm of this minor installs. */
export const etcdOf = (version: string): string | undefined =>
  kubeadm().images.find(({ minor }) => minorOf(minor) === minorOf(version))?.etcd;

/** `3.6.5` → 6. */
export const etcdMinor = (version: string): number => Number.parseInt(version.split('.')[1] ?? '', 10) || 0;

/** `3.6.5` of `3.6.5-0`, `v3.6.5`. */
export const etcdVersion = (tag: string): string | undefined => /^v?(\d+\.\d+\.\d+)/.exec(tag)?.[1];

export interface EtcdRefused {
  /** Without dashes. */
  name: string;
  removedIn: number;
  instead?: string;
  /** An older kubeadm writes it itself, and a newer one no longer. */
  byKubeadm?: boolean;
}

/** Of these flags, those that are gone in a minor above `above` and up to `upTo`. */
export const etcdRefuses = (names: readonly string[], upTo: number, above = 0): EtcdRefused[] =>
  etcdFloors().flags.filter(({ name, removedIn }) => removedIn > above && removedIn <= upTo && names.includes(name));
