// One or several examinations as one report: what every format lays out, and the published list of several results.
import type { Text } from '../engine/contracts.ts';
import type { Examination } from '../engine/examine.ts';
import type { Admin } from '../engine/gaps.ts';
import { type Summary, summarise } from '../engine/verdict.ts';
import { type Aim, aimOf } from '../text/same-cluster.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { API_VERSION, type PublishedResult, publish } from './check-result.ts';
import type { Face } from './face.ts';
import { sumOf } from './sum.ts';
import { type Catalogue, type CutRun, type Shown, shownOf, type View, viewOf } from './view.ts';

/** A context whose cluster could not be looked at. */
export interface Failed {
  context: string;
  why: Text;
}
export interface Report {
  views: View[];
  summaries: Summary[];
  failed: { context: string; why: string }[];
  /** Over all of them. */
  sum: string;
}

/** `cut`: runs that have to be ended first, by the uid of their cluster. */
export function reportOf(
  looks: readonly (Examination | Shown)[],
  failed: readonly Failed[],
  catalogue: Catalogue,
  face: Face,
  cut: ReadonlyMap<string, CutRun> = new Map(),
): Report {
  const examinations = looks.map((look) => ('fixes' in look ? look : shownOf(look)));
  const several = examinations.length + failed.length > 1;
  const there = ({ identity }: Shown, words: string | undefined) =>
    several ? ` --context ${shellWord(identity.context)}${words ?? ''}` : words;
  const aimAt = ({ identity }: Shown, { aim }: Face): Aim | undefined => {
    const own = aimOf([['context', shellWord(identity.context)]]);
    return several ? { kubectl: `${aim?.kubectl ?? ''}${own.kubectl}`, helm: `${aim?.helm ?? ''}${own.helm}` } : aim;
  };
  const adminAt = (each: Shown, { admin }: Face): Admin | undefined =>
    several
      ? {
          ...admin,
          reach: there(each, admin?.reach)!,
          kubectl: `${admin?.kubectl ?? ''}${aimOf([['context', shellWord(each.identity.context)]]).kubectl}`,
        }
      : admin;
  const summaries = examinations.map(({ results }) => summarise(results));
  const looked = examinations.some(({ results }) => results.length > 0);
  const left = examinations.reduce((sum, { elsewhere }) => sum + elsewhere.length, 0);
  const back = examinations.some(({ paths }) => paths.some(({ chosen }) => chosen === 'back'));
  return {
    views: examinations.map((each) =>
      viewOf(
        each,
        catalogue,
        { ...face, again: there(each, face.again), reach: there(each, face.reach), aim: aimAt(each, face), admin: adminAt(each, face) },
        cut.get(each.identity.uid),
      ),
    ),
    summaries,
    failed: failuresOf(failed, face),
    sum: sumOf(summaries, looked, face, { left, failed: failed.length, back }),
  };
}

export const failuresOf = (failed: readonly Failed[], { language }: Face): Report['failed'] =>
  failed.map(({ context, why }) => ({ context: oneLine(context), why: oneLine(why[language], 600) }));

export interface PublishedList {
  apiVersion: typeof API_VERSION;
  kind: 'CheckResultList';
  items: PublishedResult[];
  /** Contexts that could not be looked at. */
  failed: readonly Failed[];
  complete: boolean;
}

export function publishList(examinations: readonly Examination[], failed: readonly Failed[]): PublishedList {
  const items = examinations.map(publish);
  return {
    apiVersion: API_VERSION,
    kind: 'CheckResultList',
    items,
    failed,
    complete: !failed.length && items.every(({ complete }) => complete),
  };
}
