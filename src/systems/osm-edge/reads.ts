// What detection and several checks list: the control plane's Deployments, which carry the mesh name, the Helm release and the image versions.
// Source: charts/osm/templates/_helpers.tpl, osm-deployment.yaml of github.com/flomesh-io/osm-edge, the same at every tag.
import type { Installation, RowOf } from '../../engine/contracts.ts';
import { annotation, args, each, flag, label, labels, list, texts, tree, where, word } from '../../engine/read/index.ts';

const WORKLOAD = {
  app: label('app'),
  meshName: label('meshName'),
  version: label('app.kubernetes.io/version'),
  release: annotation('meta.helm.sh/release-name'),
  releaseNamespace: annotation('meta.helm.sh/release-namespace'),
  selector: labels('spec.selector.matchLabels'),
  containers: each('spec.template.spec.containers', {
    name: word('name', ''),
    image: word('image', ''),
    args: args('args', ['mesh-name', 'enable-reconciler']),
  }),
};

/** Every Deployment of every mesh; upstream's Open Service Mesh labels its own alike. */
export const workloads = list('deployments.apps', WORKLOAD, { labels: 'app.kubernetes.io/name=openservicemesh.io' });
export type Workload = RowOf<typeof WORKLOAD>;

export const CONTROLLER = 'osm-controller';
/** The Deployments of a control plane. */
export const PARTS = ['osm-bootstrap', CONTROLLER, 'osm-injector'] as const;

/** Image tags of osm-edge's own programs; upstream's images are called openservicemesh/osm-controller. */
const IMAGE = /(?:^|\/)osm-edge-(?:controller|injector|bootstrap)(?:-ubi8)?:(?<tag>[\w.-]+)/;

export const tagsOf = ({ containers }: Workload): string[] => containers.flatMap(({ image }) => IMAGE.exec(image)?.groups?.tag ?? []);

/** osm-bootstrap that writes its CRDs again whenever they differ. */
export const reconciles = ({ app, ref, containers }: Workload): boolean =>
  (app ?? ref.name) === 'osm-bootstrap' &&
  containers.some(({ args: its }) => its.some(({ name, value }) => name === 'enable-reconciler' && value === 'true'));

/** The Helm release that a workload belongs to, where its annotations name one. */
export function releaseOf({ release, releaseNamespace, ref }: Workload): { namespace: string; name: string } | undefined {
  return release ? { namespace: releaseNamespace ?? ref.namespace ?? '', name: release } : undefined;
}

export const MESH_CONFIG = {
  interceptionMode: word('spec.traffic.interceptionMode'),
  inboundTcp: tree('spec.pluginChains.inbound-tcp'),
  inboundHttp: tree('spec.pluginChains.inbound-http'),
  outboundTcp: tree('spec.pluginChains.outbound-tcp'),
  outboundHttp: tree('spec.pluginChains.outbound-http'),
  certDuration: word('spec.certificate.serviceCertValidityDuration'),
  sidecarClass: word('spec.sidecar.sidecarClass'),
  sidecarImage: word('spec.sidecar.sidecarImage'),
  drivers: each('spec.sidecar.sidecarDrivers', { name: word('sidecarName', ''), image: word('sidecarImage', '') }),
};

/** One per mesh, in its namespace; made by osm-bootstrap once, and kept at every upgrade. */
export const meshConfigs = list('meshconfigs.config.openservicemesh.io', MESH_CONFIG);
export type MeshConfig = RowOf<typeof MESH_CONFIG>;

/** The one that osm-edge reads. */
export const meshConfigOf = (rows: readonly MeshConfig[], namespace: string | undefined): MeshConfig | undefined =>
  rows.find(({ ref }) => ref.namespace === namespace && ref.name === 'osm-mesh-config');

const CHAINS = {
  'inbound-tcp': 'inboundTcp',
  'inbound-http': 'inboundHttp',
  'outbound-tcp': 'outboundTcp',
  'outbound-http': 'outboundHttp',
} as const;

/** Fields of spec that 1.3.0 and later need and that are not set, as dotted paths. */
export function missingFields(config: MeshConfig): string[] {
  const chains = Object.entries(CHAINS).filter(([, column]) => {
    const chain = config[column];
    return !Array.isArray(chain) || !chain.length;
  });
  return [...(config.interceptionMode ? [] : ['traffic.interceptionMode']), ...chains.map(([name]) => `pluginChains.${name}`)];
}

/** The Pods with a sidecar, as far as an upgrade is concerned. `osm-init` is there where traffic is intercepted by iptables. */
const MESHED = {
  phase: word('status.phase'),
  deleted: word('metadata.deletionTimestamp'),
  containers: each('spec.containers', {
    name: word('name', ''),
    image: word('image', ''),
    // The address of its configuration; of other containers nothing is read.
    asks: where('name', 'sidecar', texts('args')),
  }),
  inits: each('spec.initContainers', { name: word('name', '') }),
  owners: each('metadata.ownerReferences', { kind: word('kind', ''), name: word('name', ''), controls: flag('controller', false) }),
};
/** Namespaces of a mesh, by its name. */
const MESH = { mesh: label('openservicemesh.io/monitored-by') };
export const meshNamespaces = list('namespaces', MESH, { labels: 'openservicemesh.io/monitored-by' });
type MeshNamespace = RowOf<typeof MESH>;
/** Of the mesh of this installation: where its webhooks look at what is created. */
export function namespacesOf(
  rows: readonly MeshNamespace[],
  workloads: readonly Workload[],
  { namespace, name }: Installation,
): Set<string> {
  const controller = workloads.find(({ app, ref }) => app === CONTROLLER && ref.namespace === namespace);
  const mesh = controller?.meshName ?? name;
  return new Set(rows.filter((each) => each.mesh === mesh).map(({ ref }) => ref.name));
}
export const meshedPods = list('pods', MESHED, { labels: 'osm-proxy-uuid' });
export type MeshedPod = RowOf<typeof MESHED>;
