// osm-edge, flomesh's fork of Open Service Mesh: how to find it, its versions, its checks.
import type { Installation, System } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { compare, parse, satisfies } from '../../versions/chart.ts';
import { detect, READS } from './detect.ts';
import { releases } from './knowledge/tables.ts';
import checks from './registry.gen.ts';
import { stages, WRITES } from './upgrade.ts';

/** The newest release: it is the last one, and the way there is one hop (1.1.x goes through 1.2.3). */
function defaultTarget({ version }: Installation): string | undefined {
  if (isGap(version)) return undefined;
  const { knownUpTo } = releases();
  if (compare(version, '1.2.0') < 0) return '1.2.3';
  return compare(version, knownUpTo) < 0 ? knownUpTo : undefined;
}

const osmEdge: System = {
  id: 'osm-edge',
  title: { en: 'osm-edge', zh: 'osm-edge' },
  reads: READS,
  pointReads: [],
  checks,
  signs: {
    en: 'Deployments with the label app.kubernetes.io/name=openservicemesh.io and an image osm-edge-controller',
    zh: '带有标签 app.kubernetes.io/name=openservicemesh.io 且镜像为 osm-edge-controller 的 Deployment',
  },
  get knownFrom() {
    return releases().knownFrom;
  },
  get knownUpTo() {
    return releases().knownUpTo;
  },
  parse,
  compare,
  satisfies,
  detect,
  defaultTarget,
  chart: 'osm-edge',
  stages,
  writes: WRITES,
};

export default osmEdge;
