// Objects that are declared elsewhere: who would write them back is said beside each finding, and what would not last is not offered.
import { isRaw } from '../kube/json.ts';
import type { Declarer } from '../kube/owners.ts';
import { keyOf } from '../kube/refs.ts';
import { oneLine } from '../text/sanitise.ts';
import type { Finding, Ref, Refusal } from './contracts.ts';
import type { Gathered } from './gather.ts';

/** By the objects of rows that have the column. */
export function declarersIn(rows: Gathered): ReadonlyMap<string, Declarer> {
  const found = new Map<string, Declarer>();
  for (const all of Object.values(rows)) {
    if (!Array.isArray(all)) continue;
    for (const row of all)
      if (isRaw(row) && row.declaredBy) found.set(keyOf(row.ref as unknown as Ref), row.declaredBy as unknown as Declarer);
  }
  return found;
}

export function withDeclarer(finding: Finding, declarers: ReadonlyMap<string, Declarer>): Finding {
  const [declaredBy] = finding.objects.flatMap((ref) => declarers.get(keyOf(ref)) ?? []);
  return declaredBy ? { ...finding, declaredBy } : finding;
}

export const refusedThere = ({ objects, declaredBy }: Finding): Refusal => {
  const { name, mark } = declaredBy!;
  return {
    refused: {
      en: `declared by ${name} (${oneLine(mark, 100)}), which would revert the change: change it there`,
      zh: `由 ${name} 声明（${oneLine(mark, 100)}），会被其写回：请在声明处修改`,
    },
    objects,
  };
};
