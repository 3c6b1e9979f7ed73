// The CRDs of Spiderpool's charts: the table of knowledge/crds.json, made from every release.
import { type CrdKnowledge, crdsByTable, type WantedCrd } from '../../chart/crds.ts';
import table from './knowledge/crds.json' with { type: 'json' };

export const CRD_TABLE: CrdKnowledge = table;
export const RELEASES: readonly string[] = table.versions;

/** undefined: the table does not know that version. */
export const wantedByTable = (version: string): WantedCrd[] | undefined => crdsByTable(CRD_TABLE, version);
