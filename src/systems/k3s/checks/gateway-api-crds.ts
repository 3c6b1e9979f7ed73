// K3s 1.37 installs the Gateway API CRDs from a chart of its own (gateway-api-crd) and takes over what it finds: CRDs of another owner, newer ones, and ones that it cannot update.
// Sources: k3s-io/k3s issues 14557, 14564, 14566, pull requests 13912, 14565, 14567, 14581 (takeOwnership, bundle v1.6.1, annotation keep, versions of each CRD); kubernetes
// apiextensions-apiserver pkg/apis/apiextensions/validation (storedVersions must be among spec.versions).
import semver from 'semver';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, RowOf, Text } from '../../../engine/contracts.ts';
import { annotation, list, texts } from '../../../engine/read/index.ts';
import { minorOf } from '../../../versions/k3s.ts';
import { gatewayApi } from '../knowledge/tables.ts';

const CRD = {
  release: annotation('meta.helm.sh/release-name'),
  bundle: annotation('gateway.networking.k8s.io/bundle-version'),
  keep: annotation('helm.sh/resource-policy'),
  stored: texts('status.storedVersions'),
};
const reads = {
  crds: list('customresourcedefinitions.apiextensions.k8s.io', CRD, { only: ({ ref }) => ref.name.endsWith('.gateway.networking.k8s.io') }),
};
type Row = RowOf<typeof CRD>;
type Is = 'stored' | 'newer' | 'owner' | 'not-kept';
interface Args {
  is: Is;
  /** Of the version that stays stored, of the bundle, of the release. */
  what: string;
  into: string;
  bundle: string;
}

const check: Check<typeof reads, Args> = {
  id: 'k3s/gateway-api-crds',
  title: { en: 'K3s can take over the Gateway API CRDs', zh: 'K3s 可以接管 Gateway API 的 CRD' },
  headline: { en: 'K3s takes over Gateway API CRDs of others', zh: 'K3s 会接管其他来源的 Gateway API CRD' },
  page: {
    impact: {
      en: 'K3s 1.37 installs the Gateway API CRDs with chart gateway-api-crd with takeOwnership: newer CRDs are replaced by older ones, and the next upgrade of the software that installed them fails or changes them back. A CRD whose stored versions the bundle lacks cannot be updated: the install Job fails and is retried.',
      zh: 'K3s 1.37 通过 chart gateway-api-crd 以 takeOwnership 安装 Gateway API 的 CRD：版本较新的 CRD 会被旧版本替换，原安装方的下一次升级会失败或将其改回。如果 CRD 的 storedVersions 中有该 bundle 不含的版本，则无法更新：安装 Job 会失败并重试。',
    },
    detection: {
      en: 'Reads the CRDs of gateway.networking.k8s.io: their Helm release, annotation bundle-version, annotation helm.sh/resource-policy, and status.storedVersions. CRDs that K3s installed with Traefik (release traefik-crd) belong to K3s.',
      zh: '读取 gateway.networking.k8s.io 的 CRD：其 Helm release、注解 bundle-version、注解 helm.sh/resource-policy 和 status.storedVersions。由 K3s 随 Traefik 安装的（release traefik-crd）属于 K3s 自身。',
    },
    fix: {
      en: 'manual: migrate stored objects and remove the old version from status.storedVersions; or exclude manifest gateway-api-crd with K3s flag --disable and keep your own CRDs.',
      zh: '手动：迁移已存储的对象，并从 status.storedVersions 中移除旧版本；或用 K3s 参数 --disable 排除清单 gateway-api-crd，继续使用自己的 CRD。',
    },
  },
  sources: [
    'k3s-io/k3s: issues 14557, 14564, 14566, pull requests 13912, 14565, 14567, 14581',
    'kubernetes/kubernetes: apiextensions-apiserver pkg/apis/apiextensions/validation',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ crds }, { path: { from, hops } }) => {
    const { into, bundle, kept } = gatewayApi();
    const hop = hops.find((each) => minorOf(each) >= minorOf(into));
    if (hop === undefined || (typeof from === 'string' && minorOf(from) >= minorOf(into))) return [];
    const groups = Map.groupBy(
      crds.flatMap((row) => {
        const odd = oddOf(row, { bundle, kept });
        return odd ? [{ row, ...odd }] : [];
      }),
      ({ is, what }) => `${is} ${what}`,
    );
    return [...groups.values()].map((same) => told(same, { into: hop, bundle }));
  },
  say: (args, { length }) => SAID[args.is](args, length),
};
export default check;

const OWN = ['traefik-crd', 'gateway-api-crd'];

function oddOf(row: Row, { bundle, kept }: { bundle: string; kept: Record<string, string[]> }): { is: Is; what: string } | undefined {
  const versions = kept[row.ref.name];
  const lost = versions && row.stored.find((each) => !versions.includes(each));
  if (lost) return { is: 'stored', what: lost };
  if (row.bundle && semver.valid(row.bundle) && semver.gt(row.bundle, bundle)) return { is: 'newer', what: row.bundle };
  if (!OWN.includes(row.release ?? '')) return { is: 'owner', what: row.release ?? '' };
  return row.release === 'traefik-crd' && row.keep !== 'keep' ? { is: 'not-kept', what: 'traefik-crd' } : undefined;
}

const SEEN: Record<Is, (what: string) => string> = {
  stored: (what) => `status.storedVersions: ${what}`,
  newer: (what) => `gateway.networking.k8s.io/bundle-version: ${what}`,
  owner: (what) => `meta.helm.sh/release-name: ${what}`,
  'not-kept': () => 'helm.sh/resource-policy',
};

function told(same: { row: Row; is: Is; what: string }[], { into, bundle }: { into: string; bundle: string }): Finding<Args> {
  const { is, what } = same[0]!;
  return finding<Args>({
    ...{ severity: is === 'owner' ? 'notice' : 'warning', key: [is, what], certainty: is === 'not-kept' ? 'medium' : 'high', hop: into },
    ...{ objects: same.map(({ row }) => row.ref), args: { is, what, into, bundle } },
    evidence: [{ seen: SEEN[is](what) }],
  });
}

const some = (count: number): string => `${count} Gateway API CRD${count === 1 ? '' : 's'}`;
const SAID: Record<Is, (args: Args, count: number) => Text> = {
  stored: ({ what, into, bundle }, count) => ({
    en: `${some(count)} ${count === 1 ? 'has' : 'have'} ${what} in status.storedVersions, which bundle ${bundle} of K3s ${into} lacks: the CRD cannot be updated`,
    zh: `${count} 个 Gateway API CRD 的 status.storedVersions 中有 ${what}，而 K3s ${into} 的 bundle ${bundle} 不含该版本：CRD 无法更新`,
  }),
  newer: ({ what, into, bundle }, count) => ({
    en: `${some(count)} of bundle ${what} ${count === 1 ? 'is' : 'are'} replaced by ${bundle} in K3s ${into}`,
    zh: `${count} 个 Gateway API CRD（bundle ${what}）在 K3s ${into} 中会被 ${bundle} 替换`,
  }),
  owner: ({ what, into }, count) => ({
    en: `${some(count)} ${what ? `of Helm release ${what}` : 'without a Helm release'}: K3s ${into} takes ${count === 1 ? 'it' : 'them'} over`,
    zh: `${count} 个 Gateway API CRD ${what ? `属于 Helm release ${what}` : '不属于任何 Helm release'}：K3s ${into} 会接管`,
  }),
  'not-kept': ({ into }, count) => ({
    en: `${some(count)} of release traefik-crd ${count === 1 ? 'lacks' : 'lack'} annotation helm.sh/resource-policy: K3s ${into} removes that release, which can delete them with their objects`,
    zh: `release traefik-crd 的 ${count} 个 Gateway API CRD 没有注解 helm.sh/resource-policy：K3s ${into} 会移除该 release，可能连同其对象一起删除`,
  }),
};
