// How far kubelets, kube-proxy and the controllers may stand from the API servers, now and at each hop. Source: kubernetes/website version-skew-policy.md (knowledge/skew.json).
import type { Finding, Gap, PointRead, PointReader, Ref, Situation, Text } from '../../engine/contracts.ts';
import { inOurWords, isGap } from '../../engine/gaps.ts';
import { each, rowOf, word } from '../../engine/read/index.ts';
import { actsAs, type ControlPlane, minor, minorOf, satisfies, skewOf } from '../../versions/kubernetes.ts';
import { tagOf } from './reads.ts';

export interface Running {
  ref: Ref;
  /** As it says itself: of a kubelet, or of an image's tag. */
  version: string;
}
export interface SkewArgs {
  /** `behind`: supported, and older than every API server all the same: an upgrade went no further. */
  is: 'newer' | 'too-old' | 'behind';
  component: string;
  version: string;
  /** The minor of the API server that it does not fit. */
  server: string;
  /** The oldest minor that would. */
  oldest: string;
  count: number;
  now: boolean;
}

/** The minors that the API servers behave as (KEP-4330): with an emulated version skew is counted against that. */
export function controlPlaneOf({ path, cluster }: Situation): ControlPlane | undefined {
  const minors = (cluster.servers ?? answering(path.from, cluster)).map(actsAsOf).filter((each) => !Number.isNaN(each));
  return minors.length ? { oldest: Math.min(...minors), newest: Math.max(...minors) } : undefined;
}
const actsAsOf = ({ version, emulationMinor }: Server): number => actsAs({ gitVersion: version, emulationMinor });
type Server = NonNullable<Situation['cluster']['servers']>[number];

/** Where none answers by its own address: the one of the kubeconfig, and the oldest that detection found beside it. */
function answering(from: string | Gap, { serverVersion, emulationMinor }: Situation['cluster']): Server[] {
  const versions = [from, serverVersion].flatMap((version) => (isGap(version) ? [] : [version]));
  return versions.map((version) => ({ address: '', version, ...(version === versions.at(-1) ? { emulationMinor } : {}) }));
}

const PROXY: Ref = { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' };
const PROXY_COLUMNS = { containers: each('spec.template.spec.containers', { name: word('name'), image: word('image', '') }) };
export const PROXY_READ: PointRead = { resource: 'daemonsets.apps', names: ['kube-proxy'], columns: Object.values(PROXY_COLUMNS) };

/** kube-proxy by the tag of its image; undefined: there is none. */
export async function runningProxy(look: PointReader): Promise<Running | undefined | Gap> {
  const proxy = await look.get(PROXY);
  if (!proxy || isGap(proxy)) return proxy;
  const image = rowOf(PROXY_COLUMNS)(proxy).containers.find(({ name }) => name === 'kube-proxy')?.image ?? '';
  return { ref: PROXY, version: tagOf(image) };
}

/** By the rows of the policy: how many minors a component of this minor may be behind. */
export const olderAllowed = (rows: readonly { component: string; minors: number }[], component: number): number =>
  rows.find(({ component: range }) => satisfies(minor(component), range))?.minors ?? 0;

/** The oldest minor that may run below an API server of this one: how far behind a component may be is a property of its own minor. */
function oldestFor(server: number, older: (minor: number) => number): number {
  let oldest = server;
  while (oldest > 1 && server - (oldest - 1) <= older(oldest - 1)) oldest--;
  return oldest;
}

/** One finding for each minor of a component that does not fit now, or no longer at some hop; `older`: how many minors behind one of this minor may be. */
export function skewFindings(
  component: string,
  running: readonly Running[],
  older: (minor: number) => number,
  at: Situation,
): { findings: Finding<SkewArgs>[]; gaps: Gap[] } {
  const plane = controlPlaneOf(at);
  if (!plane) return { findings: [], gaps: [isGap(at.path.from) ? at.path.from : NO_SERVER] };
  const stages = [
    { plane, hop: undefined as string | undefined },
    ...at.path.hops.map((hop) => ({ plane: { oldest: minorOf(hop), newest: minorOf(hop) }, hop })),
  ];
  const byMinor = Map.groupBy(running, ({ version }) => minorOf(version));
  const odd = byMinor.get(Number.NaN) ?? [];
  const findings = [...byMinor].flatMap(([number, all]): Finding<SkewArgs>[] => {
    if (Number.isNaN(number)) return [];
    for (const { plane, hop } of stages) {
      const is = skewOf(number, plane, older(number));
      if (is === 'supported' || (is === 'newer' && hop)) continue;
      const server = minor(is === 'newer' ? plane.oldest : plane.newest);
      const oldest = minor(oldestFor(plane.newest, older));
      return [
        {
          // A later hop comes after the nodes were upgraded behind an earlier one.
          severity: !hop || hop === at.path.hops[0] ? 'blocker' : 'warning',
          key: [component, is, minor(number)],
          certainty: 'certain',
          objects: all.map(({ ref }) => ref),
          args: { is, component, version: minor(number), server, oldest, count: all.length, now: !hop },
          evidence: [{ seen: `${component} ${all[0]!.version}`, at: all[0]!.ref }],
          hop,
        },
      ];
    }
    return [];
  });
  return { findings, gaps: odd.map(({ ref, version }) => unreadable(ref, version)) };
}

/** One for each older minor of a component that is upgraded together with the API servers, or right behind them: what is supported may stay so for months after an upgrade that was cut. */
export function behindFindings(
  component: string,
  running: readonly Running[],
  at: Situation,
  told: readonly Finding<SkewArgs>[],
): Finding<SkewArgs>[] {
  const oldest = controlPlaneOf(at)?.oldest ?? Number.NaN;
  const said = new Set(told.flatMap(({ objects }) => objects));
  const behind = running.filter(({ ref, version }) => minorOf(version) < oldest && !said.has(ref));
  return [...Map.groupBy(behind, ({ version }) => minor(minorOf(version)))].map(([version, all]) => ({
    severity: 'notice',
    key: [component, 'behind', version],
    certainty: 'certain',
    objects: all.map(({ ref }) => ref),
    args: { is: 'behind', component, version, server: minor(oldest), oldest: minor(oldest), count: all.length, now: true },
    evidence: [{ seen: `${component} ${all[0]!.version}`, at: all[0]!.ref }],
  }));
}

const NO_SERVER: Gap = { why: 'failed', verb: 'decode', resource: '/version' };

const NO_VERSION: Text = { en: 'it names no version', zh: '没有标明版本' };

/** Of something that runs and whose version cannot be read. */
export const unreadable = ({ kind, namespace, name }: Ref, version: string): Gap => ({
  why: 'failed',
  verb: 'decode',
  resource: kind === 'Node' ? 'nodes' : kind === 'Pod' ? 'pods' : 'daemonsets.apps',
  namespace,
  name,
  ...inOurWords(version ? { en: `${version} is not a version of Kubernetes`, zh: `${version} 不是 Kubernetes 版本` } : NO_VERSION),
});

export const saySkew = ({ is, component, version, server, oldest, now }: SkewArgs, { length }: readonly Ref[]): Text => {
  const [en, zh] = component === 'kubelet' ? ['Node', '节点'] : ['instance', '实例'];
  const on = {
    en: `${component} ${version} (${length} ${en}${length === 1 ? '' : 's'})`,
    zh: `${component} ${version}（${length} 个${zh}）`,
  };
  if (is === 'behind')
    return {
      en: `${on.en} is older than the API servers (${server}): supported, but its upgrade is not finished`,
      zh: `${on.zh}比 API 服务器（${server}）旧：受支持，但其升级尚未完成`,
    };
  if (is === 'newer')
    return { en: `${on.en} is newer than API server ${server}: not supported`, zh: `${on.zh}比 API 服务器 ${server} 新：不受支持` };
  return now
    ? {
        en: `${on.en} is older than API server ${server} supports (${oldest})`,
        zh: `${on.zh}低于 API 服务器 ${server} 支持的最低版本 ${oldest}`,
      }
    : {
        en: `${on.en} is older than Kubernetes ${server} supports: upgrade ${component} to ${oldest} or newer before the API servers to ${server}`,
        zh: `${on.zh}低于 Kubernetes ${server} 支持的版本：升级到 ${server} 之前，请先将 ${component} 升级到 ${oldest} 或更新版本`,
      };
};
