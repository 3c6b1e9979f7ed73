// compare: two saved results of check, by fingerprint.

import { type ClusterSide, type ComparedCluster, compareClusters, compare as compareSides } from '../../engine/compare.ts';
import type { Text } from '../../engine/contracts.ts';
import { type PublishedResult, readPublished } from '../../report/check-result.ts';
import { comparison, comparisons } from '../../report/comparison.ts';
import { jsonOf, yamlOf } from '../../report/data.ts';
import { oneLine } from '../../text/sanitise.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import type { Call } from '../call.ts';
import { readSaved, STDIN } from '../saved-file.ts';

export async function compare(call: Call): Promise<number> {
  const [first, second] = call.args.slice(0, 2) as [string, string];
  if (first === STDIN && second === STDIN) throw STDIN_TWICE;
  const before = readPublished(await readSaved(first, call), first);
  const after = readPublished(await readSaved(second, call), second);
  const several = before.several || after.several;
  // That two single results belong together is for the caller to know.
  const clusters = several
    ? compareClusters(before.clusters, after.clusters)
    : [compareSides(before.clusters[0]!.side, after.clusters[0]!.side)];
  const data = several ? { clusters } : clusters[0];
  const [one, other] = [before.clusters[0]!, after.clusters[0]!];
  if (!several && one.uid && other.uid && one.uid !== other.uid) call.say(call.t(otherCluster(one, other)));
  if (!several) for (const line of otherPaths(before.results[0], after.results[0])) call.say(call.t(line));
  if (call.flags.output === 'json') call.out(jsonOf(data));
  else if (call.flags.output === 'yaml') call.out(yamlOf(data));
  else call.out(...(several ? comparisons(clusters as ComparedCluster[], call.face) : comparison(clusters[0]!, call.face)));
  if (clusters.some((compared) => compared.new.some(({ accepted }) => !accepted))) return EXIT.findings;
  return clusters.some((compared) => compared.notLookedAt.length || ('in' in compared && compared.in === 'before'))
    ? EXIT.unknown
    : EXIT.ok;
}

/** Two files are easily mixed up: then everything is new, or gone. */
function otherCluster(one: ClusterSide, other: ClusterSide): Text {
  const [was, now] = [one, other].map(({ context, uid }) => oneLine([context, uid].filter(Boolean).join(' '), 200)) as [string, string];
  return {
    en: `warning: the results are of different clusters: ${was} and ${now}`,
    zh: `警告：两个结果来自不同的集群：${was} 和 ${now}`,
  };
}

/** Findings depend on the versions: where these differ, what is new or gone may come from that. `results`: out of files, so anything may stand in them. */
function otherPaths(before: PublishedResult | undefined, after: PublishedResult | undefined): Text[] {
  const pathsOf = (result: PublishedResult | undefined) =>
    new Map(
      (Array.isArray(result?.paths) ? result.paths : []).map(({ installation, from, to }) => [
        installation,
        `${from ?? '?'} → ${to ?? '?'}`,
      ]),
    );
  const [old, now] = [pathsOf(before), pathsOf(after)];
  return [...now].flatMap(([id, path]) => {
    const was = old.get(id);
    const [name, then, since] = [id, was ?? '', path].map((word) => oneLine(String(word), 200)) as [string, string, string];
    return was === undefined || was === path
      ? []
      : [
          {
            en: `${name}: the first result is of ${then}, the second of ${since}; findings can be new or gone because of that.`,
            zh: `${name}：前一个结果针对 ${then}，后一个针对 ${since}；问题的新出现或消失可能由此引起。`,
          },
        ];
  });
}

const STDIN_TWICE = new UserError(
  { en: 'reading standard input: it holds one result, not two', zh: '读取标准输入：其中只有一个结果，而不是两个' },
  { en: 'name a file for the other one', zh: '请为另一个结果指定文件' },
);
