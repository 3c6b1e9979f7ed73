// API versions of which a manifest becomes the next one by its apiVersion alone (fix -f): the same group, the same fields, the same defaults.
// Source: kubernetes/website content/en/docs/reference/using-api/deprecation-guide.md ("no notable changes").
import type { Raw, Ref, StepDraft } from '../../engine/contracts.ts';
import { refOf } from '../../kube/refs.ts';

const SAME: Record<string, { to: string; kinds: string }> = {
  'batch/v1beta1': { to: 'batch/v1', kinds: 'CronJob' },
  'rbac.authorization.k8s.io/v1beta1': { to: 'rbac.authorization.k8s.io/v1', kinds: 'ClusterRole ClusterRoleBinding Role RoleBinding' },
  'scheduling.k8s.io/v1beta1': { to: 'scheduling.k8s.io/v1', kinds: 'PriorityClass' },
  'coordination.k8s.io/v1beta1': { to: 'coordination.k8s.io/v1', kinds: 'Lease' },
  'storage.k8s.io/v1beta1': { to: 'storage.k8s.io/v1', kinds: 'CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment' },
  'networking.k8s.io/v1beta1': { to: 'networking.k8s.io/v1', kinds: 'IngressClass' },
  'node.k8s.io/v1beta1': { to: 'node.k8s.io/v1', kinds: 'RuntimeClass' },
};

/** undefined: more than apiVersion would have to change, or it is declared otherwise. */
export function rewritten(on: Ref, declared: Raw | undefined): StepDraft | undefined {
  if (!declared) return undefined;
  const { apiVersion, kind } = refOf(declared);
  const same = SAME[apiVersion];
  if (!same?.kinds.split(' ').includes(kind)) return undefined;
  const name = `${kind} ${[on.namespace, on.name].filter(Boolean).join('/')}`;
  return {
    do: 'patch',
    on,
    changes: [{ path: '/apiVersion', before: apiVersion, after: same.to }],
    guard: [],
    optional: true,
    undo: 'exact',
    text: { en: `set apiVersion of ${name} to ${same.to}`, zh: `将 ${name} 的 apiVersion 改为 ${same.to}` },
  };
}
