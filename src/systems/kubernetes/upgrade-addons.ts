// kube-proxy and CoreDNS in an upgrade, behind the control plane and before the Nodes. kubeadm upgrades both with its last API server; elsewhere a person does, to what kubeadm has for that
// minor. Sources: kubernetes/website version-skew-policy.md (kube-proxy is never newer than an API server); cmd/kubeadm/app/constants/constants.go.
import semver from 'semver';
import type { Condition, StageDraft, StepDraft, Text } from '../../engine/contracts.ts';
import { shellWord } from '../../text/shell.ts';
import { minor, minorOf } from '../../versions/kubernetes.ts';
import { kubeadm } from './knowledge/tables.ts';
import { tagOf } from './reads.ts';
import type { ClusterParts } from './upgrade-parts.ts';
import { type Hop, inOrder, manual, reached, tagged } from './upgrade-steps.ts';

const PROXY = { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' };
const DNS = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'kube-system', name: 'coredns' };
/** Patches newer than the one that is known when this is written. */
const NEWER = 24;

export const proxyAt = (hop: Hop, image: string): Condition => ({
  on: PROXY,
  must: [
    reached(hop, '/spec/template/spec/containers[name=kube-proxy]/image', (version) => tagged(image, version)),
    { path: '/status/observedGeneration', same: '/metadata/generation' },
    { path: '/status/updatedNumberScheduled', same: '/status/desiredNumberScheduled' },
  ],
});

/** The CoreDNS of kubeadm for the minor of this hop, where an older one runs. */
export function olderDns({ version }: Hop, image: string | undefined): { image: string; to: string } | undefined {
  const to = kubeadm().images.find((row) => row.minor === minor(minorOf(version)))?.coreDNS;
  const now = semver.valid(tagOf(image ?? ''));
  return image && to && now && semver.lt(now, to) ? { image, to } : undefined;
}

/** That one, a patch behind it, or one that kubeadm has for a later minor. */
export function dnsAt({ image, to }: { image: string; to: string }): Condition {
  const { major, minor: of, patch } = semver.parse(to)!;
  const patches = Array.from({ length: NEWER + 1 }, (_, i) => `${major}.${of}.${patch + i}`);
  const later = kubeadm().images.flatMap(({ coreDNS }) => (semver.gt(coreDNS, to) ? [coreDNS] : []));
  return {
    on: DNS,
    must: [
      {
        path: '/spec/template/spec/containers[name=coredns]/image',
        in: [...new Set([...patches, ...later])].map((each) => tagged(image, `v${each}`)),
        words: { en: `${tagged(image, `v${to}`)} or later`, zh: `${tagged(image, `v${to}`)} 或更新的版本` },
      },
      { path: '/status/observedGeneration', same: '/metadata/generation' },
      { path: '/status/updatedReplicas', same: '/spec/replicas' },
    ],
  };
}

/** Not of kubeadm, nor of a provider. */
export function addonStage(hop: Hop, { by, kubeadm: own, kubeProxy, coreDns }: ClusterParts): StageDraft[] {
  if (by || own) return [];
  const { version } = hop;
  const proxy = kubeProxy === undefined ? [] : [step('kube-proxy', 'daemonset', tagged(kubeProxy, version), proxyAt(hop, kubeProxy))];
  const older = olderDns(hop, coreDns);
  const dns = older ? [step('coredns', 'deployment', tagged(older.image, `v${older.to}`), dnsAt(older))] : [];
  const steps = inOrder([...proxy, ...dns]);
  const title: Text = { en: `Add-ons for ${version}`, zh: `${version} 的附加组件` };
  return steps.length ? [{ hop: hop.hop, title, steps }] : [];
}

const step = (name: 'kube-proxy' | 'coredns', kind: 'daemonset' | 'deployment', image: string, seen: Condition): StepDraft =>
  manual(
    { en: `upgrade ${name} to ${tagOf(image)}`, zh: `把 ${name} 升级到 ${tagOf(image)}` },
    [
      `kubectl set image -n kube-system ${kind}/${name} ${shellWord(`${name}=${image}`)}`,
      `kubectl rollout status -n kube-system ${kind}/${name}`,
    ],
    [seen],
  );
