// K3s with Rancher's system-upgrade-controller: how to find it, its versions, its checks.
import type { Installation, System } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { compare, minorOf, parse, satisfies } from '../../versions/k3s.ts';
import { ASKS, declaredSources, detect, READS } from './detect.ts';
import { releases } from './knowledge/tables.ts';
import checks from './registry.gen.ts';
import { hops, stages, WRITES } from './upgrade.ts';

/** The newest known release of the next minor (none may be skipped); on the last known minor, its newest. From Plans in manifests alone, what they ask for. */
function defaultTarget({ version, sources }: Installation): string | undefined {
  if (isGap(version))
    return sources
      .flatMap(({ says }) => parse(says) ?? [])
      .toSorted(compare)
      .at(-1);
  const newest = (minor: number) =>
    releases()
      .releases.filter((release) => minorOf(release) === minor)
      .toSorted(compare)
      .at(-1);
  const target = newest(minorOf(version) + 1) ?? newest(minorOf(version));
  return target && compare(target, version) > 0 ? target : undefined;
}

const k3s: System = {
  id: 'k3s',
  title: { en: 'K3s', zh: 'K3s' },
  reads: READS,
  pointReads: ASKS,
  checks,
  signs: { en: 'Nodes whose kubelet version contains +k3s', zh: 'kubelet 版本中含有 +k3s 的 Node' },
  get knownFrom() {
    return releases().releases.toSorted(compare)[0]!;
  },
  get knownUpTo() {
    return releases().knownUpTo;
  },
  parse,
  compare,
  satisfies,
  hops,
  detect,
  declaredSources,
  defaultTarget,
  uncordons: true,
  installsController: true,
  stages,
  writes: WRITES,
};

export default k3s;
