// The check rollback-crds, for any system whose chart has its CRDs in crds/: what helm rollback would not restore; foretold before the upgrade, seen after it.
// Source: helm pkg/action/rollback.go (crds/ is not part of a release).

import type { Check, Finding, Page, PointReader, Text, WayBack } from '../engine/contracts.ts';
import { each } from '../engine/each.ts';
import { isGap } from '../engine/gaps.ts';
import type { Chart } from '../helm/contracts.ts';
import { type CrdFacts, noCrds, wantedCrds } from './crd-facts.ts';
import { CRDS, crdRef, DEFINITION, fieldsBetween } from './crds.ts';
import type { ChartFacts } from './facts.ts';
import { intendedOf } from './intended.ts';

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
  { from, ...words }: { page: Page; sources: (string | Text)[]; from(): string },
): Check<Record<string, never>, Args> {
  const ownCrds = () => Object.keys(facts.table.crds).filter(facts.isOwn);
  return {
    id: `${facts.system}/rollback-crds`,
    title: { en: 'helm rollback would restore everything', zh: 'helm rollback 可以完全恢复' },
    headline: { en: 'helm rollback would not restore everything', zh: 'helm rollback 无法完全恢复' },
    ...words,
    applies: {
      get from() {
        return from();
      },
      stage: 'back',
    },
    reads: {},
    get pointReads() {
      return [{ resource: CRDS, names: ownCrds(), columns: DEFINITION }];
    },
    judge: async (_rows, at) => {
      const { back, look } = at;
      const { chart } = intendedOf(at);
      const { from: target, to: from } = back!;
      const looked = await between(back!, facts, ownCrds(), chart, look);
      if (!looked) return { unknown: noCrds(back!.upgraded ? from : target) };
      const common = { from, target };
      const missed = looked.map(({ name, lost }) => ({
        name,
        fields: facts.needed(from, name).filter((field) => lost.includes(`spec.${field}`)),
      }));
      const adding = looked.map(({ name, added }) => ({ name, fields: added }));
      return [...finding('blocker', 'agents', missed, common), ...finding('notice', 'fields', adding, common)];
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

/** By CRD the fields that only the older version has, and those that only the newer one has. undefined: nothing is known of the version that the live CRDs are compared with. */
async function between(
  { from: newer, to: older, upgraded }: WayBack,
  facts: Facts,
  names: readonly string[],
  chart: Chart | undefined,
  look: PointReader,
): Promise<{ name: string; lost: string[]; added: string[] }[] | undefined> {
  // The live CRDs are those of the installed version.
  const wanted = upgraded ? wantedCrds(facts, older, undefined) : wantedCrds(facts, newer, chart);
  return (
    wanted &&
    each(
      wanted.filter(({ name }) => names.includes(name)),
      async (one) => {
        const live = await look.get(crdRef(one.name));
        const { adds, drops } = live && !isGap(live) ? fieldsBetween(live, one) : { adds: [], drops: [] };
        return { name: one.name, lost: upgraded ? adds : drops, added: upgraded ? drops : adds };
      },
    )
  );
}

function finding(
  severity: 'blocker' | 'notice',
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
