// The releases of K3s and facts about them; decoded when first used.
import { knowledge } from '../../../engine/knowledge.ts';
import { like, list, row, text } from '../../../engine/shapes.ts';
import etcdTable from './etcd-steps.json' with { type: 'json' };
import guardsTable from './guards.json' with { type: 'json' };
import releasesTable from './releases.json' with { type: 'json' };

const release = like(/^v1\.\d{1,3}\.\d{1,3}\+k3s\d{1,2}$/, { en: 'a release such as v1.36.3+k3s1', zh: '版本（例如 v1.36.3+k3s1）' });

export const releases = knowledge('k3s/releases', row({ source: text, knownUpTo: release, releases: list(release) }), () => releasesTable);

/** First image of each minor with a guard against downgrades, in order. */
export const guards = knowledge('k3s/guards', row({ source: text, first: list(release) }), () => guardsTable);

/** Minors that bring a new etcd: `least`, the first release of each minor before it that may be upgraded to it, in order; `etcd`, what that carries at least. */
export const etcdSteps = knowledge(
  'k3s/etcd-steps',
  row({ source: text, steps: list(row({ into: release, etcd: text, least: list(release) })) }),
  () => etcdTable,
);
