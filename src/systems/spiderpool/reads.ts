// Reads that detection and several checks share, so that the engine makes each list once.
import type { Raw, Read } from '../../engine/contracts.ts';
import { type ReleaseRecord, releaseRecord } from '../../helm/records.ts';
import { BUDGET_FIELDS, type BudgetRow, budgetRow } from '../../kube/budgets.ts';
import {
  ENDPOINT_FIELDS,
  type EndpointRow,
  endpointRow,
  POD_FIELDS,
  POOL_FIELDS,
  type PodRow,
  type PoolRow,
  podRow,
  poolRow,
} from './rows.ts';

/** Helm's records of every release: labels only, never their content. */
export const releaseSecrets = {
  resource: 'secrets',
  labels: 'owner=helm',
  fields: ['metadata.labels'],
  keep: releaseRecord,
} satisfies Read<ReleaseRecord>;

/** The same, where HELM_DRIVER is configmap. */
export const releaseConfigMaps = {
  resource: 'configmaps',
  labels: 'owner=helm',
  fields: ['metadata.labels'],
  optional: true,
  harmless: true,
  keep: releaseRecord,
} satisfies Read<ReleaseRecord>;

/** One controller or agent, with everything in it that names a version or a release. */
export interface Workload {
  kind: string;
  namespace: string;
  name: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  images: string[];
}

const WORKLOAD_FIELDS = [
  'metadata.labels',
  "metadata.annotations['meta.helm.sh/release-name']",
  "metadata.annotations['meta.helm.sh/release-namespace']",
  'spec.template.spec.containers.image',
] as const;

/** Charts of every version label their workloads so (templates/_helpers.tpl, spiderpool.*.selectorLabels). */
const workloads = (resource: string) =>
  ({ resource, labels: 'app.kubernetes.io/name=spiderpool', fields: WORKLOAD_FIELDS, keep: workload }) satisfies Read<Workload>;
export const deployments = workloads('deployments.apps');
export const daemonSets = workloads('daemonsets.apps');

function workload(object: Raw): Workload {
  const metadata = object.metadata as {
    name: string;
    namespace: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  const spec = object.spec as { template?: { spec?: { containers?: { image?: string }[] } } } | undefined;
  return {
    kind: String(object.kind),
    namespace: metadata.namespace,
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    images: (spec?.template?.spec?.containers ?? []).flatMap(({ image }) => (image ? [image] : [])),
  };
}

// ---- addresses ------------------------------------------------------------------------------------------------------

/** Several checks keep the same row of the same object: it is made once and shared between them. */
function once<Row>(keep: (object: Raw) => Row): (object: Raw) => Row {
  let last: { of: Raw; row: Row } | undefined;
  return (object) => {
    if (last?.of !== object) last = { of: object, row: keep(object) };
    return last.row;
  };
}

export const pods = { resource: 'pods', fields: POD_FIELDS, keep: once(podRow) } satisfies Read<PodRow>;
export const endpoints = {
  resource: 'spiderendpoints.spiderpool.spidernet.io',
  fields: ENDPOINT_FIELDS,
  keep: once(endpointRow),
} satisfies Read<EndpointRow>;
export const pools = {
  resource: 'spiderippools.spiderpool.spidernet.io',
  fields: POOL_FIELDS,
  keep: once(poolRow),
} satisfies Read<PoolRow>;
/** For remedies that restart Pods: without it the API server still refuses what a budget forbids. */
export const budgets = {
  resource: 'poddisruptionbudgets.policy',
  fields: BUDGET_FIELDS,
  optional: true,
  harmless: true,
  keep: budgetRow,
} as const satisfies Read<BudgetRow>;
