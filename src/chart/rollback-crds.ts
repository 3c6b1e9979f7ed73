// The check rollback-crds, for any system whose chart has its CRDs in crds/: what helm rollback of this upgrade would not restore.
// Source: helm pkg/action/rollback.go (crds/ is not part of a release).
import type { Check, Finding, Page, Text } from '../engine/contracts.ts';
import { each } from '../engine/each.ts';
import { isGap } from '../engine/gaps.ts';
import { compare } from '../versions/chart.ts';
import { type CrdFacts, INSTALLED, NO_VERSION, noCrds, wantedCrds } from './crd-facts.ts';
import { CRDS, crdRef, DEFINITION, fieldsBetween } from './crds.ts';
import type { ChartFacts } from './facts.ts';

/** More names of fields tell a person nothing. */
const SHOWN = 3;

interface Args {
  /** `agents`: what runs the old version fails on objects without what the new CRDs drop. `fields`: what the new ones add. */
  what: 'agents' | 'fields';
  from: string;
  target: string;
  fields: string[];
  count: number;
}
type Facts = Pick<ChartFacts, 'system'> &
  CrdFacts & {
    /** Fields of a CRD without which what runs that version fails. */
    needed(version: string, crd: string): string[];
    /** As a person calls what fails: `agents`. */
    who: Text;
  };

export function rollbackCrds(
  facts: Facts,
  { from, ...words }: { page: Page; sources: string[]; from: string },
): Check<Record<string, never>, Args> {
  const names = Object.keys(facts.table.crds).filter(facts.isOwn);
  return {
    id: `${facts.system}/rollback-crds`,
    title: { en: 'helm rollback would restore everything', zh: 'helm rollback 可以完全恢复' },
    headline: { en: 'helm rollback would not restore everything', zh: 'helm rollback 无法完全恢复' },
    ...words,
    applies: { from, stage: 'before' },
    needs: ['target'],
    reads: {},
    pointReads: [{ resource: CRDS, names, columns: DEFINITION }],
    judge: async (_rows, { path: { from, to: target = '' }, chart, look }) => {
      if (typeof from !== 'string') return { unknown: NO_VERSION };
      if (compare(from, target) === 0) return { notApplicable: INSTALLED };
      const wanted = wantedCrds(facts, target, chart)?.filter(({ name }) => names.includes(name));
      if (!wanted) return { unknown: noCrds(target) };
      const looked = await each(wanted, async (one) => {
        const live = await look.get(crdRef(one.name));
        return { name: one.name, ...(live && !isGap(live) ? fieldsBetween(live, one) : { adds: [], drops: [] }) };
      });
      const common = { from, target };
      const missed = looked.map(({ name, drops }) => ({
        name,
        fields: facts.needed(from, name).filter((field) => drops.includes(`spec.${field}`)),
      }));
      const adding = looked.map(({ name, adds }) => ({ name, fields: adds }));
      return [...finding('warning', 'agents', missed, common), ...finding('notice', 'fields', adding, common)];
    },
    say: ({ what, from, target, fields, count }) =>
      what === 'agents'
        ? {
            en: `after helm rollback, ${facts.who.en} of ${from} crash: the CRDs of ${target} drop ${fields.join(', ')} and are not rolled back. Apply the CRDs of ${from} again, and set the fields`,
            zh: `helm rollback 之后 ${from} 的 ${facts.who.zh} 会崩溃：${target} 的 CRD 丢弃了 ${fields.join('、')} 且不会回滚。需重新应用 ${from} 的 CRD 并设置这些字段`,
          }
        : {
            en: `${target} adds ${fields.join(', ')}${count > fields.length ? ` and ${count - fields.length} more` : ''}; their contents are lost if you go back to the ${from} CRDs`,
            zh: `${target} 新增 ${fields.join('、')}${count > fields.length ? ` 等 ${count} 个字段` : ''}；回退到 ${from} 的 CRD 后，这些字段的内容会丢失`,
          },
  };
}

function finding(
  severity: 'warning' | 'notice',
  what: Args['what'],
  crds: { name: string; fields: string[] }[],
  common: Pick<Args, 'from' | 'target'>,
): Finding<Args>[] {
  const concerned = crds.filter(({ fields }) => fields.length);
  const all = concerned.flatMap(({ fields }) => fields);
  if (!all.length) return [];
  const fields = what === 'agents' ? all : all.slice(0, SHOWN);
  const objects = concerned.map(({ name }) => crdRef(name));
  const args: Args = { what, ...common, fields, count: all.length };
  const evidence = [{ seen: `${common.target}: ${fields.join(', ')}`, at: objects[0]! }];
  return [{ severity, key: [what], certainty: 'certain', objects, args, evidence }];
}
