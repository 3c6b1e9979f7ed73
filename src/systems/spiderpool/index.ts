// Spiderpool, the IPAM for underlay networks: how to find it, its versions, its checks.
import type { Installation, System } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { compare, parse, satisfies } from '../../versions/chart.ts';
import { ASKS, detect, READS } from './detect.ts';
import { mirrored } from './images.ts';
import { versions } from './knowledge/tables.ts';
import checks from './registry.gen.ts';
import { stages, WRITES } from './upgrade.ts';

/** The newest good patch of the installed line; from there, that of the next line. */
function defaultTarget({ version }: Installation): string | undefined {
  return isGap(version) ? undefined : versions().restingPoints.find((point) => compare(point, version) > 0);
}

const spiderpool: System = {
  id: 'spiderpool',
  title: { en: 'Spiderpool', zh: 'Spiderpool' },
  reads: READS,
  pointReads: ASKS,
  checks,
  signs: {
    en: 'Deployments and DaemonSets with the label app.kubernetes.io/name=spiderpool, and a Helm release of its chart',
    zh: '带有标签 app.kubernetes.io/name=spiderpool 的 Deployment 和 DaemonSet，以及其 chart 的 Helm release',
  },
  get knownFrom() {
    return versions().knownFrom;
  },
  get knownUpTo() {
    return versions().knownUpTo;
  },
  parse,
  compare,
  satisfies,
  detect,
  defaultTarget,
  chart: 'spiderpool',
  pullsImages: true,
  mirrored,
  stages,
  writes: WRITES,
};

export default spiderpool;
