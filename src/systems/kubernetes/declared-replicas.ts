// How many Pods of which labels the workloads among manifests (-f) will make, at most: for checks that count Pods where there are none yet.
import type { Json, Manifest, Raw, Ref } from '../../engine/contracts.ts';
import { valueAt } from '../../engine/read/values.ts';
import { selectorOf, selects } from '../../kube/budgets.ts';
import { isRaw } from '../../kube/json.ts';

/** A workload, or what scales one. */
export type DeclaredScale = { namespace: string; kind: string; name: string } & (
  | { is: 'workload'; labels: Raw; replicas: number | undefined }
  | { is: 'scaler'; most: number | undefined }
);

/** The API server writes 1 where they say nothing. */
const ONE_BY_DEFAULT = ['Deployment', 'StatefulSet', 'ReplicaSet', 'ReplicationController'];

/** undefined: it makes no Pods and scales nothing that does. */
export function scaleIn({ object }: Manifest): DeclaredScale | undefined {
  const [kind, metadata] = [String(object.kind), isRaw(object.metadata) ? object.metadata : {}];
  const namespace = String(metadata.namespace ?? '');
  const at = (path: string): Json | undefined => valueAt(object, path.split('.'));
  const target = at('spec.scaleTargetRef');
  if (isRaw(target)) {
    // Of a ScaledObject of KEDA the kind may be left out, and how far it scales is its own matter.
    const most = kind === 'HorizontalPodAutoscaler' ? at('spec.maxReplicas') : undefined;
    const of = { namespace, kind: String(target.kind ?? 'Deployment'), name: String(target.name) };
    return { is: 'scaler', ...of, most: typeof most === 'number' ? most : undefined };
  }
  // DaemonSets and Jobs make as many as there are Nodes and work.
  const labels = at('spec.template.metadata.labels');
  if (!isRaw(labels)) return undefined;
  const replicas = at('spec.replicas') ?? (ONE_BY_DEFAULT.includes(kind) ? 1 : undefined);
  const count = typeof replicas === 'number' ? replicas : undefined;
  return { is: 'workload', namespace, kind, name: String(metadata.name), labels, replicas: count };
}

/** The workloads whose Pods a budget selects. */
export const selectedBy = ({ ref, selector }: { ref: Ref; selector: Json | undefined }, all: readonly DeclaredScale[]): DeclaredScale[] =>
  all.filter(
    (each) => each.is === 'workload' && each.namespace === (ref.namespace ?? '') && selects(selectorOf(ref, selector), each.labels),
  );

/** The most that they make together; undefined: that of one of them is not known. */
export function podsOf(workloads: readonly DeclaredScale[], all: readonly DeclaredScale[]): number | undefined {
  const counts = workloads.map((each) => {
    const scaler = all.find(
      ({ is, kind, name, namespace }) => is === 'scaler' && kind === each.kind && name === each.name && namespace === each.namespace,
    );
    if (scaler?.is === 'scaler') return scaler.most;
    return each.is === 'workload' ? each.replicas : undefined;
  });
  return counts.reduce<number | undefined>((sum, count) => (sum === undefined || count === undefined ? undefined : sum + count), 0);
}
