// The remedy of stale-managed-fields: each entry of a version that is gone is given the version that its object is read in. Its manager keeps its fields, so that the next apply can
// still remove one; no value of the object changes. cluster-api (controllers/crdmigrator) drops such entries instead, and what they owned then belongs to no manager.
import { setFields } from '../../engine/builders.ts';
import type { Finding, Remedy, StepDraft } from '../../engine/contracts.ts';
import { describe, keyOf } from '../../kube/refs.ts';
import { parseResourceName } from '../../kube/resources.ts';

export interface Stale {
  apiVersion: string;
  /** By object (keyOf): which of its entries, as they stand in metadata.managedFields. */
  entries: Record<string, number[]>;
}

/** `resources`: as lists name them. */
export const renamed = (resources: readonly string[]): Remedy<Stale> => ({
  // They are not declared, and what applies the object writes them again.
  lasts: true,
  undo: 'none',
  writes: resources.map((name) => ({ verbs: ['patch'], ...parseResourceName(name) })),
  steps: async (found: Finding<Stale>[]) =>
    found.flatMap(({ args: { apiVersion, entries }, objects }) =>
      objects.map((on): StepDraft => {
        const changes = (entries[keyOf(on)] ?? []).map((at) => ({
          path: `/metadata/managedFields/${at}/apiVersion`,
          before: apiVersion,
          after: on.apiVersion,
        }));
        return {
          ...setFields(on, changes, {
            en: `set the version of ${changes.length === 1 ? 'the managedFields entry' : `${changes.length} managedFields entries`} of ${describe(on)} to ${on.apiVersion}`,
            zh: `将 ${describe(on)} 的 ${changes.length} 个 managedFields 条目的版本改为 ${on.apiVersion}`,
          }),
          undo: 'none',
          undoNote: {
            en: `undo: none: an API server does not accept an entry of ${apiVersion}, which the CRD does not have; the old one is in the plan of the run`,
            zh: `无法撤销：CRD 没有 ${apiVersion}，API 服务器会拒绝该版本的条目；原条目保存在该次运行的计划中`,
          },
        };
      }),
    ),
});
