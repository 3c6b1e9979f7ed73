// What the checks of chart/ need to know about Spiderpool's chart.
import type { CrdFacts } from '../../chart/crd-facts.ts';
import type { ChartFacts } from '../../chart/facts.ts';
import { CRD_TABLE } from './crds.ts';
import { FACTS, valuesByTable } from './values.ts';

const GROUP = '.spiderpool.spidernet.io';
const NETWORKS = 'network-attachment-definitions.k8s.cni.cncf.io';
/** The agent reads its fields without checking whether they are there (cmd/spiderpool-agent/cmd/coordinator.go). */
export const COORDINATORS = `spidercoordinators${GROUP}`;

export const CHART: ChartFacts & CrdFacts = {
  system: 'spiderpool',
  chart: 'spiderpool',
  repository: 'https://spidernet-io.github.io/spiderpool',
  facts: FACTS,
  values: valuesByTable,
  table: CRD_TABLE,
  isOwn: (crd) => crd.endsWith(GROUP),
  // What keeps the new version from starting, or makes it fail; what loses settings; what only a part that may not be in use needs.
  severity: (crd, state) => {
    if (crd.endsWith(GROUP)) return state === 'older' && crd !== COORDINATORS ? 'warning' : 'blocker';
    return crd === NETWORKS && state !== 'older' ? 'warning' : 'notice';
  },
};
