// The releases of K3s and facts about them; decoded when first used.
import { knowledge } from '../../../engine/knowledge.ts';
import { like, list, map, row, text } from '../../../engine/shapes.ts';
import buildsTable from './builds.json' with { type: 'json' };
import etcdTable from './etcd-steps.json' with { type: 'json' };
import gatewayTable from './gateway-api.json' with { type: 'json' };
import guardsTable from './guards.json' with { type: 'json' };
import releasesTable from './releases.json' with { type: 'json' };

const release = like(/^v1\.\d{1,3}\.\d{1,3}\+k3s\d{1,2}$/, { en: 'a release such as v1.36.3+k3s1', zh: '版本（例如 v1.36.3+k3s1）' });

export const releases = knowledge('k3s/releases', row({ source: text, knownUpTo: release, releases: list(release) }), () => releasesTable);

/** What channels resolve to: nothing is fetched; `--channels FILE` gives a saved answer of the channel server. */
export const channels = knowledge('k3s/channels', row({ source: text, channels: list(row({ name: text, latest: text })) }), () => ({
  source: 'none is built in: channels move',
  channels: [],
}));

/** First image of each minor with a guard against downgrades, in order; and first image whose `prepare` goes by the control-plane label. */
export const guards = knowledge('k3s/guards', row({ source: text, first: list(release), prepare: list(release) }), () => guardsTable);

/** Minors that bring a new etcd: `least`, the first release of each minor before it that may be upgraded to it, in order; `etcd`, what that carries at least. */
export const etcdSteps = knowledge(
  'k3s/etcd-steps',
  row({ source: text, steps: list(row({ into: release, etcd: text, least: list(release) })) }),
  () => etcdTable,
);

const date = like(/^\d{4}-\d{2}(?:-\d{2})?$/, { en: 'a date such as 2026-05-20, or a month', zh: '日期（例如 2026-05-20）或月份' });

/** When releases were published, or the month of their build; of a release that is not there nothing is said. */
export const builds = knowledge('k3s/builds', row({ source: text, releases: list(row({ version: release, date })) }), () => buildsTable);

/** The release that brings the Gateway API CRDs by itself, their bundle, and by CRD the versions in it. */
export const gatewayApi = knowledge(
  'k3s/gateway-api',
  row({ source: text, into: release, bundle: text, kept: map(list(text)) }),
  () => gatewayTable,
);
