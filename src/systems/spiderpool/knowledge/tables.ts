// The tables of Spiderpool: its releases and their flaws, notes about upgrades that fit no other table, the values and CRDs of every chart, renamed values, and what took the place of removed fields. values.json and crds.json are
// made by scripts/knowledge; each is decoded when first used.
import { knowledge } from '../../../engine/knowledge.ts';
import { either, flag, like, list, map, number, oneOf, row, text } from '../../../engine/shapes.ts';
import crdsTable from './crds.json' with { type: 'json' };
import notesTable from './notes.json' with { type: 'json' };
import renamesTable from './renames.json' with { type: 'json' };
import replacedTable from './replaced.json' with { type: 'json' };
import valuesTable from './values.json' with { type: 'json' };
import versionsTable from './versions.json' with { type: 'json' };

const version = like(/^\d{1,3}\.\d{1,3}\.\d{1,3}(?:-[\w.]{1,20})?$/, { en: 'a version such as 0.9.13', zh: '版本（例如 0.9.13）' });
/** As chart/spans.ts reads them. */
const spans = like(/^[\w.-]+( [\w.-]+)*$/, { en: 'spans of versions', zh: '版本区间' });
const inVersions = row({ source: text, in: text });

export const versions = knowledge(
  'spiderpool/versions',
  row({
    source: text,
    knownFrom: version,
    knownUpTo: version,
    restingPoints: list(version),
    unpublished: row({ source: text, versions: list(version) }),
    storedVersion: row({ source: text, since: version }),
    initPod: inVersions,
    readBlindly: row({ source: text, fields: map(row({ in: text, default: either(flag, number) })) }),
    flaws: row({
      clusterNetwork: inVersions,
      podRPFilter: inVersions,
      txQueueLen: inVersions,
      kubeadmConfig: inVersions,
      addresses: inVersions,
      preStop: inVersions,
      initLoop: inVersions,
      mtu: inVersions,
    }),
  }),
  () => versionsTable,
);
export type Flaw = keyof ReturnType<typeof versions>['flaws'];

/** By CRD and API version, from which release to which it is there, and which fields its schema has. */
export const crds = knowledge(
  'spiderpool/crds',
  row({ source: text, versions: list(version), crds: map(map(row({ in: spans, markers: map(spans) }))) }),
  () => crdsTable,
);

/** By path: defaults as JSON, what the templates read without a default, what has a default and is never read; and without which maps rendering fails. */
export const values = knowledge(
  'spiderpool/values',
  row({
    source: text,
    versions: list(version),
    defaults: map(map(spans)),
    read: map(spans),
    unread: map(spans),
    needs: list(row({ in: spans, missing: list(text) })),
  }),
  () => valuesTable,
);

const keys = row({ source: text, keys: list(text) });
export const renames = knowledge(
  'spiderpool/renames',
  row({
    source: text,
    renames: list(row({ from: text, to: list(text), at: version })),
    otherForm: map(text),
    ignored: row({ source: text, from: version, keys: map(text) }),
    watched: row({ source: text, keys: list(text), subnets: list(text) }),
    vital: keys,
  }),
  () => renamesTable,
);

export const replaced = knowledge(
  'spiderpool/replaced',
  row({ source: text, fields: map(row({}, { value: text, field: text, severity: oneOf('blocker', 'warning', 'notice') })) }),
  () => replacedTable,
);

/** npm's notation, per release line. */
const range = like(/^[\w.<>=| -]{1,200}$/, { en: 'a range of versions', zh: '版本范围' });
const since = row({ source: text, since: range, to: range });
/** Each row is read by one check. */
export const notes = knowledge(
  'spiderpool/notes',
  row({
    storage: row({ source: text, old: text, to: range, recordsInterface: range }),
    nadTemplate: row({ source: text, from: range, to: range }),
    multusPreStop: row({ source: text, from: range, to: range }),
    gc: row({ source: text, from: range }),
    coordinatorDefaults: row({ source: text, in: map(range) }),
    coordinator: row({ source: text, since: range }),
    coordinatorObject: row({ source: text }),
    kubeadm: row({ source: text, config: range }),
    multusConfig: row({ source: text, read: row({ 'spiderpool-multus': range, 'multus-cni-config': range }), detects: range }),
    multusImage: row({ source: text, to: range, sinceMajor: number }),
    ownMultus: row({ source: text, from: range, to: range }),
    leftovers: row({ source: text, objects: map(range) }),
    autoPools: since,
    staleEndpoint: row({ source: text, in: range }),
    poolState: row({ source: text, heals: range }),
    defaultPools: since,
  }),
  () => notesTable,
);
