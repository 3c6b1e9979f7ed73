// Who declares an object elsewhere and would write it back: GitOps controllers and package managers, by the marks that they leave.
// Sources: argo-cd docs/user-guide/resource_tracking.md; flux kustomize-controller and helm-controller (labels of origin); helm docs (labels);
// rancher/wrangler pkg/apply (objectset.rio.cattle.io, of Fleet and of the Addons of K3s).
import type { Raw } from '../engine/contracts.ts';
import { isRaw } from './json.ts';

export interface Declarer {
  /** With the object of its that declares it, where the mark says so: `Argo CD Application shop`. */
  name: string;
  /** The mark that says so. */
  mark: string;
  /** Of Helm: `NAMESPACE/NAME`; '' where only Helm is named. */
  release?: string;
}

type Marks = (mark: string) => string;
interface Known {
  mark: string;
  name(value: string, marks: Marks): string;
}
/** `NAMESPACE/NAME` of what other marks of the same owner say. */
const placed = (marks: Marks, namespace: string, name: string): string => [marks(namespace), name].filter(Boolean).join('/');
const FLEET = 'objectset.rio.cattle.io';
const RELEASE = 'meta.helm.sh/release-name';
const RELEASE_NAMESPACE = 'meta.helm.sh/release-namespace';

const KNOWN: readonly Known[] = [
  // APP:GROUP/KIND:NAMESPACE/NAME
  { mark: 'argocd.argoproj.io/tracking-id', name: (value) => `Argo CD Application ${value.split(':', 1)[0]}` },
  { mark: 'argocd.argoproj.io/instance', name: (value) => `Argo CD Application ${value}` },
  {
    mark: 'kustomize.toolkit.fluxcd.io/name',
    name: (value, marks) => `Flux Kustomization ${placed(marks, 'kustomize.toolkit.fluxcd.io/namespace', value)}`,
  },
  {
    mark: 'helm.toolkit.fluxcd.io/name',
    name: (value, marks) => `Flux HelmRelease ${placed(marks, 'helm.toolkit.fluxcd.io/namespace', value)}`,
  },
  {
    mark: `${FLEET}/owner-gvk`,
    name: (value, marks) => {
      const owner = placed(marks, `${FLEET}/owner-namespace`, marks(`${FLEET}/owner-name`));
      return /\bKind=Addon\b/.test(value) ? `K3s Addon ${owner}` : `Rancher Fleet ${owner}`;
    },
  },
  { mark: `${FLEET}/id`, name: () => 'Rancher Fleet' },
  { mark: `${FLEET}/hash`, name: () => 'Rancher Fleet / K3s Addon' },
  { mark: RELEASE, name: (value, marks) => `Helm release ${placed(marks, RELEASE_NAMESPACE, value)}` },
];
const MANAGED_BY = 'app.kubernetes.io/managed-by';

/** What `declarerOf` looks for: names of labels and of annotations. The values are names. */
export const DECLARER_MARKS: readonly string[] = [
  ...KNOWN.map(({ mark }) => mark),
  'kustomize.toolkit.fluxcd.io/namespace',
  'helm.toolkit.fluxcd.io/namespace',
  `${FLEET}/owner-name`,
  `${FLEET}/owner-namespace`,
  RELEASE_NAMESPACE,
  MANAGED_BY,
];

/** The first of them; undefined: no one is known to. */
export function declarerOf(object: Raw): Declarer | undefined {
  const metadata = isRaw(object.metadata) ? object.metadata : {};
  const labels = isRaw(metadata.labels) ? metadata.labels : {};
  const annotations = isRaw(metadata.annotations) ? metadata.annotations : {};
  const at = (mark: string) => labels[mark] ?? annotations[mark];
  const marks: Marks = (mark) => String(at(mark) ?? '');
  const found = KNOWN.find(({ mark }) => at(mark) !== undefined);
  if (!found) return labels[MANAGED_BY] === 'Helm' ? { name: 'Helm', mark: `${MANAGED_BY}=Helm`, release: '' } : undefined;
  const name = found.name(marks(found.mark), marks).trim();
  return { name, mark: found.mark, ...(found.mark === RELEASE ? { release: placed(marks, RELEASE_NAMESPACE, marks(RELEASE)) } : {}) };
}

/** Made by controllers and kubelets: what users declare are the objects above them. */
const MADE = new Set([
  'pods',
  'nodes',
  'events',
  'events.events.k8s.io',
  'endpoints',
  'endpointslices.discovery.k8s.io',
  'replicasets.apps',
  'controllerrevisions.apps',
  'leases.coordination.k8s.io',
  'csinodes.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
]);
export const isDeclarable = (resource: string): boolean => !MADE.has(resource);

/** The manager of managedFields in words. Of a client without a User-Agent the API server writes `unknown`, or nothing at all. */
export const clientOf = (manager: string | undefined): { en: string; zh: string } =>
  manager && manager !== 'unknown' ? { en: manager, zh: manager } : { en: 'a client that gave no name', zh: '未提供名称的客户端' };
