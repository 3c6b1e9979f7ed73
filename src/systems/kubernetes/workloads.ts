// Whose a Pod is, as people name it, and whether a drain evicts it: as several checks ask.
import type { Ref } from '../../engine/contracts.ts';

interface Owner {
  kind: string;
  controller: boolean;
}

/** Not of a DaemonSet and not a static Pod: what kubectl drain evicts. */
export const isEvicted = ({ mirror, owners }: { mirror?: string; owners: readonly Owner[] }): boolean =>
  mirror === undefined && !owners.some(({ kind, controller }) => controller && (kind === 'DaemonSet' || kind === 'Node'));

/** The controller, without what a Deployment puts behind the name of its ReplicaSet; else the Pod itself. */
export function workloadOf({ ref, owners }: { ref: Ref; owners: readonly (Owner & { name: string })[] }): { kind: string; name: string } {
  const owner = owners.find(({ controller }) => controller);
  if (!owner) return { kind: 'Pod', name: ref.name };
  const deployment = owner.kind === 'ReplicaSet' ? /^(.+)-[0-9a-z]{8,10}$/.exec(owner.name)?.[1] : undefined;
  return deployment ? { kind: 'Deployment', name: deployment } : { kind: owner.kind, name: owner.name };
}
