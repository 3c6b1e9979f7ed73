// A quick look: the tables of a check that has a screen, and point reads for what they make suspicious. It may find; nothing that it does not find is cleared.
import type { Check, Finding, Gap, QuickReader, QuickSource, Reads, Situation, Text } from './contracts.ts';
import { inOurWords, isGap } from './gaps.ts';
import { gather, listsIn } from './gather.ts';

/**
 * Suspicions that are settled. A list by a field's value took an API server 0.04 s at 50,000 Pods and 0.5 s at 150,000, on a machine with much else to do
 * (docs/performance.md): this many are at worst half a minute of its work.
 */
const SETTLED = 50;

/** What a quick look says of a check without a screen. */
export const NOT_QUICK: Text = {
  en: 'cannot run in quick mode; run check without --quick',
  zh: '快速检查无法判断；请去掉 --quick 运行 check',
};

/** Every list that the check would have made. */
export const unread = ({ reads }: Check): Gap[] =>
  listsIn(reads as Reads).map(({ resource }) => ({ why: 'quick', verb: 'list', resource }));

/** The findings, and why their absence says nothing: one gap at least. `gaps`: also filled by what `look` could not see. */
export async function screened(
  { id, screen }: Check,
  at: Situation & { look: QuickReader },
  source: QuickSource,
  gaps: Gap[],
  began?: (what: string) => void,
): Promise<Finding[]> {
  const tables: Record<string, unknown[]> = {};
  for (const [name, table] of Object.entries(screen!.tables)) {
    began?.(table.resource);
    const rows: unknown[] = [];
    const gap = await source.table(table, (cells) => {
      const row = table.keep(cells);
      if (row !== undefined) rows.push(row);
    });
    if (gap) {
      gaps.push(gap);
      return [];
    }
    tables[name] = rows;
  }
  const about = Object.values(screen!.tables)[0]!.resource;
  gaps.push({ why: 'quick', verb: 'list', resource: about });
  const suspicions = screen!.suspect(tables);
  if (!suspicions.length) return [];
  if (suspicions.length > SETTLED) gaps.push(tooMany(about, suspicions.length));
  const reads = screen!.reads;
  const rows = (await gather(source, [{ owner: id, reads }], began)).get(id)!;
  const missing = Object.entries(reads).filter(([name, { harmless }]) => isGap(rows[name]) && !harmless);
  gaps.push(...missing.map(([name]) => rows[name] as Gap));
  if (missing.some(([, { optional }]) => !optional)) return [];
  return screen!.judge(suspicions.slice(0, SETTLED), rows as never, at);
}

const tooMany = (resource: string, count: number): Gap => ({
  why: 'failed',
  verb: 'list',
  resource,
  ...inOurWords({
    en: `quick mode verifies only the first ${SETTLED} of ${count} suspected conflicts`,
    zh: `共 ${count} 处疑似冲突，快速模式只核实前 ${SETTLED} 处`,
  }),
});
