// What a component of a newer minor refuses on its command line, and does not start with: gates that went, were locked to the other value or lack the gate that they
// depend on; flags and admission plugins that went; values that are no longer taken. One judge over the tables, summed over the hops of a path.
import { minor, minorOf, minorsBetween } from '../../versions/kubernetes.ts';
import { type Flags, gatesOf, listOf } from './command-line.ts';
import { components, configValues, type Gate, versions } from './knowledge/tables.ts';

export type Component = 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kubelet' | 'kube-proxy';
export type Why = 'gate-removed' | 'gate-locked' | 'gate-needs' | 'flag-removed' | 'plugin-removed' | 'api-unknown' | 'value-refused';
export interface Refused {
  why: Why;
  /** The gate, flag (without dashes), plugin or API version. */
  name: string;
  /** As it is set now. */
  value: string;
  /** The first minor that refuses it. */
  hop: string;
  /** The minor that locked it, where an emulated version before it holds the lock off. */
  heldBefore?: string;
  /** No minor of the path refuses it, as long as the emulated version stays. */
  held?: true;
  /** What a gate is locked to, the gates that it needs, what to use instead of a flag. */
  instead?: string;
  source: string;
  /** Only a pre-release says so. */
  provisional?: string;
}

/** For a configuration that is meant for the target, whatever is installed: what went in any minor up to it counts. */
export const minorsUpTo = (to: string): string[] => minorsBetween(versions().knownFrom, to);

/** Whether a component of that minor reads this version of its configuration. Every version that one of the table reads stands in the table. */
export function isReadBy(reader: string, apiVersion: string, at: string): boolean {
  const row = components().configVersions.find((each) => each.reader === reader && each.apiVersion === apiVersion);
  if (!row) return false;
  const introduced = row.since.startsWith('<=') ? 0 : minorOf(row.since);
  return introduced <= minorOf(at) && !(row.removedIn && minorOf(row.removedIn) <= minorOf(at));
}

/** Every reason in the order of the hops; an unchanged minor has none, unless it emulates another. `from`: where the path begins. */
export function refusedBy(component: Component, flags: Flags, hops: readonly string[], from?: string): Refused[] {
  const found = [
    ...gatesRefused(component, gatesOf(flags), hops, { from, emulated: emulatedBy(component, flags) }),
    ...flagsRefused(component, flags, hops),
    ...(component === 'kube-apiserver' ? [...pluginsRefused(flags, hops), ...apisRefused(flags, hops)] : []),
    ...valuesRefused(component, flags, hops),
    ...versionsRefused(component, flags, hops),
  ];
  return found.sort((a, b) => minorOf(a.hop) - minorOf(b.hop) || a.name.localeCompare(b.name));
}

// ---- gates ----------------------------------------------------------------------------------------------------------

interface Held {
  from?: string;
  /** The minor that the component emulates, as it was told. */
  emulated?: number;
}
/** The minor whose stages and defaults gates have in a binary of minor `at`; which gates it knows at all is the binary's alone (component-base featuregate, known and featureSpecAtEmulationAndMinCompatVersion). */
const actsIn = (at: number, { emulated = at }: Held): number => Math.min(at, Math.max(emulated, at - EMULATED));

/** Also for gates that stand in a configuration file, whose readers emulate nothing. */
export function gatesRefused(component: Component, set: ReadonlyMap<string, boolean>, hops: readonly string[], held: Held = {}): Refused[] {
  const { gates } = components();
  const byName = new Map(gates.map((gate) => [gate.name, gate]));
  return [...set].flatMap(([name, value]): Refused[] => {
    const gate = byName.get(name);
    if (name === 'AllAlpha') return allAlpha(set, hops);
    if (!gate || (gate.components && !gate.components.includes(component as never))) return [];
    const refused = { name, value: String(value), source: gate.source, ...(gate.provisional ? { provisional: gate.provisional } : {}) };
    const removed = gate.removedEarlierIn?.[component] ?? gate.removedIn;
    const reasons: Refused[] = [
      ...(removed !== undefined && hops.includes(removed) ? [{ ...refused, why: 'gate-removed' as const, hop: removed }] : []),
      ...(gate.lockedTo === value ? [] : locked(gate, hops, held)).map((each) => ({ ...refused, ...each })),
      ...(value ? needs(gate, refused, set, byName, hops, held) : []),
    ];
    // Only the first can be met: it has to be settled before the next hop.
    return reasons.sort((a, b) => Number(a.held ?? false) - Number(b.held ?? false) || minorOf(a.hop) - minorOf(b.hop)).slice(0, 1);
  });
}

/** Where the lock comes into force: with the minor itself, with one that no longer emulates a version before it, or only once the emulated version is raised. */
function locked(
  { lockedIn = '', lockedTo }: Gate,
  hops: readonly string[],
  held: Held,
): Pick<Refused, 'why' | 'hop' | 'instead' | 'heldBefore' | 'held'>[] {
  const since = minorOf(lockedIn);
  const [now = Number.NaN, ...later] = [hops[0] ? minorOf(hops[0]) - 1 : minorOf(held.from ?? ''), ...hops.map(minorOf)];
  if (!(since > actsIn(now, held) && since <= Math.max(now, ...later))) return [];
  const hop = later.find((at) => since <= actsIn(at, held));
  const reason = { why: 'gate-locked' as const, instead: String(lockedTo) };
  if (hop === since) return [{ ...reason, hop: lockedIn }];
  return [{ ...reason, heldBefore: lockedIn, ...(hop === undefined ? { hop: lockedIn, held: true } : { hop: minor(hop) }) }];
}

/** From 1.35 a gate that is on stops the component while one it depends on is off (component-base featuregate). */
const DEPENDENCIES_SINCE = 35;

function needs(
  gate: Gate,
  refused: Omit<Refused, 'why' | 'hop'>,
  set: ReadonlyMap<string, boolean>,
  byName: ReadonlyMap<string, Gate>,
  hops: readonly string[],
  held: Held,
): Refused[] {
  for (const hop of hops) {
    const at = minorOf(hop);
    const wanted = gate.dependsOn?.findLast(([since]) => minorOf(since) <= at)?.[1] ?? [];
    const off = wanted.filter((name) => {
      const other = byName.get(name);
      return at >= DEPENDENCIES_SINCE && other && !(set.get(name) ?? defaultAt(other, actsIn(at, held)));
    });
    if (off.length) return [{ ...refused, why: 'gate-needs', hop, instead: off.join(', ') }];
  }
  return [];
}

/** Alpha gates depend on beta ones that are off by default: 1.37.2 with AllAlpha=true alone does not start. */
function allAlpha(set: ReadonlyMap<string, boolean>, hops: readonly string[]): Refused[] {
  const hop = hops.find((each) => minorOf(each) >= DEPENDENCIES_SINCE);
  if (!hop || !set.get('AllAlpha') || set.get('AllBeta')) return [];
  return [{ why: 'gate-needs', name: 'AllAlpha', value: 'true', hop, instead: 'AllBeta', source: 'CHANGELOG-1.35 of k8s.io/kubernetes' }];
}

/** `default` in the table is that of the last minor. */
function defaultAt(gate: Gate, at: number): boolean {
  const changes = gate.defaultChanges ?? [];
  const last = changes.findLast(([since]) => minorOf(since) <= at);
  if (last) return last[1];
  return changes.length ? !changes[0]![1] : gate.default;
}

// ---- flags, plugins, values -----------------------------------------------------------------------------------------

function flagsRefused(component: Component, flags: Flags, hops: readonly string[]): Refused[] {
  return components().flags.flatMap((row): Refused[] => {
    const { name, removedIn, replacement, source, provisional } = row;
    const values = flags.get(name);
    if (row.component !== component || !values || !removedIn || !hops.includes(removedIn)) return [];
    // The table also has words about what to do; they are in one language.
    const instead = replacement && /^--[\w-]+$/.test(replacement) ? { instead: replacement } : {};
    return [
      { why: 'flag-removed', name, value: values.join(','), hop: removedIn, ...instead, source, ...(provisional ? { provisional } : {}) },
    ];
  });
}

const PLUGIN_FLAGS = ['enable-admission-plugins', 'disable-admission-plugins', 'admission-control'];

function pluginsRefused(flags: Flags, hops: readonly string[]): Refused[] {
  return components().admissionPlugins.flatMap(({ name, removedIn, provisional }): Refused[] => {
    const flag = PLUGIN_FLAGS.find((each) => listOf(flags, each).includes(name));
    if (!flag || !removedIn || !hops.includes(removedIn)) return [];
    const source = 'pkg/kubeapiserver/options/plugins.go of k8s.io/kubernetes';
    return [{ why: 'plugin-removed', name, value: flag, hop: removedIn, source, ...(provisional ? { provisional } : {}) }];
  });
}

/** A version that a minor no longer knows at all, switched on or off (apiserver resourceconfig: "has not been registered"). One that it has only ceased to serve does no harm. */
function apisRefused(flags: Flags, hops: readonly string[]): Refused[] {
  const source = 'pkg/apis/*/install/install.go of k8s.io/kubernetes';
  return listOf(flags, RUNTIME_CONFIG).flatMap((value): Refused[] => {
    const [group = '', version = ''] = value.split('=')[0]!.split('/');
    const row = configValues().unregistered.find(({ apiVersion }) => apiVersion === `${group}/${version}`);
    return row && hops.includes(row.since) ? [{ why: 'api-unknown', name: row.apiVersion, value, hop: row.since, source }] : [];
  });
}
const RUNTIME_CONFIG = 'runtime-config';

const VERSION_FLAGS = ['emulated-version', 'min-compatibility-version'];
const askedIn = (value: string): string | undefined => /^(?:kube=)?(1\.\d{1,3})$/.exec(value)?.[1];
/** How many minors behind its own a component can emulate, or be compatible with. */
const EMULATED = 3;

/** undefined: its own. */
function emulatedBy(component: Component, flags: Flags): number | undefined {
  if (component === 'kubelet' || component === 'kube-proxy') return undefined;
  const asked = listOf(flags, VERSION_FLAGS[0]!).map(askedIn).find(Boolean);
  return asked === undefined ? undefined : minorOf(asked);
}

/** `1.34` or `kube=1.34`: too old from some minor on (component-base compatibility, from 1.31). */
function versionsRefused(component: Component, flags: Flags, hops: readonly string[]): Refused[] {
  if (component === 'kubelet' || component === 'kube-proxy') return [];
  const source = 'staging/src/k8s.io/component-base/compatibility of k8s.io/kubernetes';
  return VERSION_FLAGS.flatMap((name) =>
    listOf(flags, name).flatMap((value): Refused[] => {
      const asked = askedIn(value);
      const hop = asked && hops.find((each) => minorOf(each) - minorOf(asked) > EMULATED);
      return hop ? [{ why: 'value-refused', name, value, hop, instead: minor(minorOf(hop) - EMULATED), source }] : [];
    }),
  );
}

/** Values that a flag, which stays, no longer takes. */
const VALUES: {
  components: readonly Component[];
  flag: string;
  refused(value: string): boolean;
  since: string;
  unlessGateOff?: string;
  instead: string;
  source: string;
}[] = [
  {
    components: ['kube-apiserver', 'kube-controller-manager'],
    flag: 'cloud-provider',
    refused: (value) => value !== '' && value !== 'external',
    since: '1.29',
    unlessGateOff: 'DisableCloudProviders',
    instead: 'external',
    source: 'kubernetes:pkg/features/kube_features.go:1042@1.29.15; pkg/kubeapiserver/options/cloudprovider.go:36@1.31.14',
  },
  {
    components: ['kube-controller-manager'],
    flag: 'cidr-allocator-type',
    refused: (value) => value === 'CloudAllocator' || value === 'IPAMFromCluster',
    since: '1.33',
    instead: 'RangeAllocator',
    source: 'kubernetes:cmd/kube-controller-manager/app/options/options.go:451@1.33.13',
  },
];

/** Flags whose values decide, besides their names. */
export const JUDGED_BY_VALUE = [
  'feature-gates',
  RUNTIME_CONFIG,
  ...VERSION_FLAGS,
  ...PLUGIN_FLAGS,
  ...new Set(VALUES.map(({ flag }) => flag)),
];

function valuesRefused(component: Component, flags: Flags, hops: readonly string[]): Refused[] {
  return VALUES.flatMap(({ components: takers, flag, refused, since, unlessGateOff, instead, source }): Refused[] => {
    const value = flags.get(flag)?.at(-1);
    if (!takers.includes(component) || value === undefined || !hops.includes(since) || !refused(value)) return [];
    if (unlessGateOff && gatesOf(flags).get(unlessGateOff) === false) return [];
    return [{ why: 'value-refused', name: flag, value, hop: since, instead, source }];
  });
}
