// The tables of Kubernetes: what was introduced, deprecated, locked and removed in which minor. Made by scripts/knowledge/kubernetes.ts, but for volume-plugins, etcd-floors,
// config-values and patch-regressions, which were written from their sources. Each is decoded when first used.
import { knowledge } from '../../../engine/knowledge.ts';
import { either, flag, like, list, map, number, type Of, oneOf, row, text, tuple } from '../../../engine/shapes.ts';
import apisTable from './apis.json' with { type: 'json' };
import behavioursTable from './behaviours.json' with { type: 'json' };
import componentsTable from './components.json' with { type: 'json' };
import configValuesTable from './config-values.json' with { type: 'json' };
import hashTable from './container-hash.json' with { type: 'json' };
import corefileTable from './corefile.json' with { type: 'json' };
import etcdFloorsTable from './etcd-floors.json' with { type: 'json' };
import fieldsTable from './fields.json' with { type: 'json' };
import filesTable from './files.json' with { type: 'json' };
import kubeadmTable from './kubeadm.json' with { type: 'json' };
import metricsTable from './metrics.json' with { type: 'json' };
import notesTable from './notes.json' with { type: 'json' };
import patchesTable from './patch-regressions.json' with { type: 'json' };
import runtimesTable from './runtimes.json' with { type: 'json' };
import skewTable from './skew.json' with { type: 'json' };
import versionsTable from './versions.json' with { type: 'json' };
import volumePluginsTable from './volume-plugins.json' with { type: 'json' };

const minor = like(/^1\.\d{1,3}$/, { en: 'a minor such as 1.37', zh: '次要版本（例如 1.37）' });
/** `<=1.23`: in the first minor of the table, perhaps earlier. */
const since = like(/^(?:<=)?1\.\d{1,3}$/, { en: 'a minor such as 1.37 or <=1.23', zh: '次要版本（例如 1.37 或 <=1.23）' });
const range = like(/^[<>]=?1\.\d{1,3}$/, { en: 'a range such as >=1.25', zh: '版本范围（例如 >=1.25）' });
const release = like(/^1\.\d{1,3}\.\d{1,3}(?:-(?:alpha|beta|rc)\.\d{1,3})?$/, {
  en: 'a release such as 1.37.2',
  zh: '版本（例如 1.37.2）',
});
const component = oneOf('kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy');

const HORIZON = { source: text, knownFrom: minor, knownUpTo: minor };
/** Of a table that knows a pre-release too. */
const PROVISIONAL = { provisionalUpTo: minor, provisional: release };
/** Of a row that only the pre-release gives. */
const MARK = { provisional: release };

const api = row(
  { group: text, version: text, kind: text, introduced: minor },
  { deprecated: minor, removed: minor, replacement: text, generated: flag, ...MARK },
);
const gate = row(
  { name: text, since, stage: oneOf('alpha', 'beta', 'GA', 'deprecated'), default: flag, source: text },
  {
    removedIn: minor,
    defaultChanges: list(tuple(minor, flag)),
    removedEarlierIn: map(minor),
    lockedIn: since,
    lockedTo: flag,
    dependsOn: list(tuple(minor, either(list(text), oneOf(null)))),
    components: list(component),
    ...MARK,
  },
);
const removedFlag = row({ component, name: text, source: text }, { deprecatedIn: since, removedIn: minor, replacement: text, ...MARK });
/** `since`: the first minor whose binary takes it. */
const newFlag = row({ component, name: text, since: minor }, MARK);
const flagDefault = row({ component, name: text, changes: list(tuple(minor, text)) }, MARK);
const plugin = row({ name: text, since, onByDefault: flag }, { removedIn: minor, ...MARK });
const configVersion = row({ reader: text, apiVersion: text, since, source: text }, { removedIn: minor, experimentalUpTo: minor, ...MARK });
const kubeadmGate = row({ name: text, since, source: text }, { removedIn: minor, ...MARK });
const metric = row(
  { name: text, stability: oneOf('ALPHA', 'BETA', 'STABLE'), source: text },
  { deprecatedIn: minor, hiddenIn: since, removedIn: minor, replacement: text, labelsRemoved: list(tuple(minor, list(text))), ...MARK },
);
const images = row({ minor, kubeadm: release, etcd: text, minExternalEtcd: text, coreDNS: text, pause: text }, MARK);
const note = row(
  { minor, pr: number, in: oneOf('final', 'pre-release'), summary: text, check: either(text, oneOf(null)) },
  { why: text, ...MARK },
);
const behaviour = row({ id: text, see: text, verified: text }, { in: minor, what: text, phases: map(text), ...MARK });
const older = list(row({ component: range, minors: number }));

export const versions = knowledge('kubernetes/versions', row({ ...HORIZON, derivedFrom: list(release) }, PROVISIONAL), () => versionsTable);
export const apis = knowledge('kubernetes/apis', row({ ...HORIZON, apis: list(api) }, PROVISIONAL), () => apisTable);
export const components = knowledge(
  'kubernetes/components',
  row(
    {
      ...HORIZON,
      gates: list(gate),
      flags: list(removedFlag),
      newFlags: list(newFlag),
      flagDefaults: list(flagDefault),
      admissionPlugins: list(plugin),
      configVersions: list(configVersion),
      kubeadmGates: list(kubeadmGate),
    },
    PROVISIONAL,
  ),
  () => componentsTable,
);
export const fields = knowledge(
  'kubernetes/fields',
  row({ ...HORIZON, fields: list(row({ kind: text, field: text, since: minor })) }),
  () => fieldsTable,
);
export const metrics = knowledge('kubernetes/metrics', row({ ...HORIZON, metrics: list(metric) }, PROVISIONAL), () => metricsTable);
export const kubeadm = knowledge('kubernetes/kubeadm', row({ ...HORIZON, images: list(images) }, PROVISIONAL), () => kubeadmTable);
export const notes = knowledge('kubernetes/notes', row({ ...HORIZON, notes: list(note) }, PROVISIONAL), () => notesTable);
export const behaviours = knowledge(
  'kubernetes/behaviours',
  row({ ...HORIZON, changes: list(behaviour) }, PROVISIONAL),
  () => behavioursTable,
);
export const skew = knowledge(
  'kubernetes/skew',
  row({
    source: text,
    apiServers: number,
    kubelet: older,
    kubeProxy: older,
    kubeProxyBesideKubelet: older,
    controllers: number,
    kubectl: number,
  }),
  () => skewTable,
);
export const containerHash = knowledge(
  'kubernetes/container-hash',
  row({
    source: text,
    algorithms: list(row({ kubelet: text, hash: text })),
    boundaries: list(row({ from: minor, to: minor, restartsAll: flag, why: text, basis: text })),
    byField: list(row({ from: minor, to: minor, scope: text, field: text })),
  }),
  () => hashTable,
);

/** `driver`: the CSI driver that serves such volumes, where there is one; `provisioner`: of StorageClasses. */
const plugged = row({ field: text, gone: minor }, { provisioner: text, driver: text, only: oneOf('kubeadm') });
export const volumePlugins = knowledge(
  'kubernetes/volume-plugins',
  row({ source: text, plugins: list(plugged) }),
  () => volumePluginsTable,
);
/** A flag that the minor of etcd 3 no longer has, and does not start with. `byKubeadm`: an older kubeadm writes it itself, and a newer one no longer. */
const etcdFlag = row({ name: text, removedIn: number }, { instead: text, byKubeadm: flag });
/** By the minor of etcd 3 that is reached, the lowest patch of the minor before: below `least` it is refused, below `advised` it is advised against. */
export const etcdFloors = knowledge(
  'kubernetes/etcd-floors',
  row({
    source: text,
    floors: list(row({ into: number, least: text, advised: text })),
    flagsFrom: text,
    flags: list(etcdFlag),
  }),
  () => etcdFloorsTable,
);
/** What kubelets do with a value of their configuration from a minor on, from which minor a mode of kube-proxy is warned of, and from which a kube-apiserver does not start with an API version in --runtime-config. */
export const configValues = knowledge(
  'kubernetes/config-values',
  row({
    source: text,
    kubelet: list(row({ field: text, value: text, since: minor, effect: oneOf('exits', 'unlimited') })),
    kubeProxyModes: list(row({ mode: text, since: minor, effect: oneOf('exits', 'deprecated', 'logs') })),
    unregistered: list(row({ apiVersion: text, since: minor })),
  }),
  () => configValuesTable,
);

/** Plugins and options that CoreDNS dropped, and plugins that kubeadm carries over (the same for CoreDNS 1.8.3 to 1.15.0); `releases`: those that its migration begins at. */
export const corefile = knowledge(
  'kubernetes/corefile',
  row({ source: text, removed: list(row({ plugin: text, in: text }, { option: text })), migrated: list(text), releases: list(text) }),
  () => corefileTable,
);
/**
 * Files that a component decodes strictly from a minor on (`named`: not the file of the flag, but those that a field in it names), and which flag names the file of a reader in `components.configVersions`. `documents`: what such a file holds, by
 * group and kind; `fields`: all that it may have, where an unknown one stops the component.
 */
export const files = knowledge(
  'kubernetes/files',
  row({
    source: text,
    strict: list(row({ flag: text, since: minor }, { named: text })),
    readers: list(row({ reader: text, component: text, flag: text })),
    documents: list(row({ kind: text, component: text }, { reader: text, strict: minor, fields: list(text) })),
  }),
  () => filesTable,
);
/** Runtimes that a kubelet does not start with (or warns of), and systems that boot with cgroup v1 unless told otherwise, as osImage begins. */
export const runtimes = knowledge(
  'kubernetes/runtimes',
  row({
    source: text,
    runtimes: list(row({ is: oneOf('docker', 'cri', 'containerd'), name: text, since: minor, starts: flag }, { below: text })),
    cgroupV1: row({ refusedSince: minor, systems: list(text) }),
  }),
  () => runtimesTable,
);

/** What a patch release breaks that an earlier one does not, and a later one mends: `patches` from the first that has it to the first without; `from`: only an upgrade from there meets it. */
const regression = row(
  {
    id: oneOf('rollout', 'parallel', 'parallel-labelled', 'ipvs', 'kubelet-config', 'no-flags', 'suspended'),
    patches: list(tuple(release, release)),
    severity: oneOf('warning', 'notice'),
    source: text,
  },
  { from: range },
);
export const patchRegressions = knowledge(
  'kubernetes/patch-regressions',
  row({ source: text, regressions: list(regression) }),
  () => patchesTable,
);
export type Regression = Of<typeof regression>;

export type VolumePlugin = Of<typeof plugged>;
export type Api = Of<typeof api>;
export type Gate = Of<typeof gate>;
