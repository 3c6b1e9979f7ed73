// Reads that detection and several checks share, so that the engine makes each list once.
import type { PointRead, RowOf } from '../../engine/contracts.ts';
import { annotation, asIs, each, hot, label, labels, list, number, tree, word } from '../../engine/read/index.ts';
import { budgetRow } from '../../kube/budgets.ts';
import { ENDPOINT_COLUMNS, endpointRow, POD_COLUMNS, POOL_COLUMNS, podRow, poolRow } from './rows.ts';

/** One controller or agent, with everything in it that names a version or a release. */
const WORKLOAD = {
  instance: label('app.kubernetes.io/instance'),
  version: label('app.kubernetes.io/version'),
  chart: label('helm.sh/chart'),
  release: annotation('meta.helm.sh/release-name'),
  releaseNamespace: annotation('meta.helm.sh/release-namespace'),
  containers: each('spec.template.spec.containers', { image: word('image', '') }),
};
export type Workload = RowOf<typeof WORKLOAD>;

/** Charts of every version label their workloads so (templates/_helpers.tpl, spiderpool.*.selectorLabels). Either kind is enough to find an installation. */
const workloads = (resource: string) => list(resource, WORKLOAD, { labels: 'app.kubernetes.io/name=spiderpool', optional: true });
export const deployments = workloads('deployments.apps');
export const daemonSets = workloads('daemonsets.apps');

// ---- addresses ------------------------------------------------------------------------------------------------------

export const pods = hot('pods', POD_COLUMNS, podRow);
export const endpoints = hot('spiderendpoints.spiderpool.spidernet.io', ENDPOINT_COLUMNS, endpointRow);
export const pools = hot('spiderippools.spiderpool.spidernet.io', POOL_COLUMNS, poolRow);
/** For remedies that restart Pods: without it the API server still refuses what a budget forbids. */
export const budgets = hot('poddisruptionbudgets.policy', [tree('spec.selector'), number('status.disruptionsAllowed')], budgetRow, {
  optional: true,
  harmless: true,
});

/** Of each container that runs. */
export const RUNNING = 'status.containerStatuses.state.running.startedAt';

/** The second look at what the lists made suspicious, and what a restart needs to know. */
export const ADDRESS_READS: PointRead[] = [
  { resource: pods.resource, columns: [...POD_COLUMNS, labels(), asIs('metadata.creationTimestamp', 'spec.nodeName', RUNNING)] },
  { resource: endpoints.resource, columns: [...ENDPOINT_COLUMNS, asIs('metadata.finalizers')] },
  { resource: pools.resource },
];
