// The CRDs of Spiderpool's charts: the table of knowledge/crds.json, made from every release.
import { type CrdKnowledge, crdsByTable, type WantedCrd } from '../../chart/crds.ts';
import { crds } from './knowledge/tables.ts';

export const CRD_TABLE: CrdKnowledge = {
  get versions() {
    return crds().versions;
  },
  get crds() {
    return crds().crds;
  },
};
export const isRelease = (version: string): boolean => crds().versions.includes(version);

/** undefined: the table does not know that version. */
export const wantedByTable = (version: string): WantedCrd[] | undefined => crdsByTable(CRD_TABLE, version);
