// Who declares an object elsewhere and would write it back: GitOps controllers and package managers, by the marks that they leave.
// Sources: argo-cd docs/user-guide/resource_tracking.md; flux kustomize-controller and helm-controller (labels of origin); helm docs (labels);
// rancher/wrangler pkg/apply (objectset.rio.cattle.io, of Fleet and of the Addons of K3s).
import type { Raw } from '../engine/contracts.ts';
import { isRaw } from './json.ts';

export interface Declarer {
  name: string;
  /** The mark that says so. */
  mark: string;
}

const MARKS: readonly [mark: string, name: string][] = [
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['argocd.argoproj.io/instance', 'Argo CD'],
  ['kustomize.toolkit.fluxcd.io/name', 'Flux'],
  ['helm.toolkit.fluxcd.io/name', 'Flux'],
  ['objectset.rio.cattle.io/owner-gvk', 'Rancher Fleet / K3s Addon'],
  ['objectset.rio.cattle.io/id', 'Rancher Fleet / K3s Addon'],
  ['objectset.rio.cattle.io/hash', 'Rancher Fleet / K3s Addon'],
  ['meta.helm.sh/release-name', 'Helm'],
];
const MANAGED_BY = 'app.kubernetes.io/managed-by';

/** What `declarerOf` looks for: names of labels, and of annotations. */
export const DECLARER_MARKS: readonly string[] = [...MARKS.map(([mark]) => mark), MANAGED_BY];

/** The first of them; undefined: nobody is known to. Reads the labels, and of the annotations their names. */
export function declarerOf(object: Raw): Declarer | undefined {
  const metadata = isRaw(object.metadata) ? object.metadata : {};
  const labels = isRaw(metadata.labels) ? metadata.labels : {};
  const annotations = isRaw(metadata.annotations) ? metadata.annotations : {};
  const found = MARKS.find(([mark]) => labels[mark] !== undefined || annotations[mark] !== undefined);
  if (found) return { name: found[1], mark: found[0] };
  return labels[MANAGED_BY] === 'Helm' ? { name: 'Helm', mark: `${MANAGED_BY}=Helm` } : undefined;
}
