// What helm will be told: from the chart, what the release has and what was given, the values that a release is upgraded with. They are never printed, and stored nowhere here.
import type { ChartAt, HelmRelease, Raw, Ref, Rule, Text, ValueSetting } from '../engine/contracts.ts';
import type { Chart, Intent } from '../helm/contracts.ts';
import { settingText } from '../helm/flags.ts';
import { objectsIn } from '../helm/manifest.ts';
import type { Release } from '../helm/release.ts';
import { coalesce, rulesOf, upgraded, withSettings } from '../helm/values.ts';
import { digestOf } from '../helm/world.ts';
import { resourceOfKind } from '../kube/resources.ts';

/** Which helm is not known yet: they differ only over nulls, which values hardly ever hold. */
const ANY_HELM = '4.2.0';

/** An upgrade of one release, as the stages of a system need it. */
export interface HelmUpgrade {
  release: HelmRelease;
  chart: ChartAt;
  /** Of the chart. Not for plan or journal, but in a step that applies one. */
  crds?: readonly Raw[];
  /** What the release will be given, laid over the chart's own. Not for plan or journal. */
  values: Raw;
  /** --reuse-values: helm itself mixes the release's own into those that it is given. */
  reuse: boolean;
  /** The Secret for what helm is given, the digest of that, whether it is not just what the release has, and the digest of what the release will hold by it. */
  kept: { on: Ref; digest: string; given: boolean; config: string };
  /** What helm is known to need: the records of the release, and the objects that it has now. */
  rights: Rule[];
  /** Values that were found to be needed and not given, in words; and the fingerprints of the findings that they fix. */
  explicit?: { texts: Text[]; fixes: string[] };
}
/** Values that remedies ask for, and the fingerprints of the findings that they fix. */
export interface Explicit {
  values: readonly ValueSetting[];
  fixes: string[];
}

/** `path`: where the chart lies; `stands`: what helm goes on from; `helm`: its version, where it is known; `run`: its id. `given`: what helm gets on its standard input. */
export function helmUpgrade({
  release,
  chart,
  path,
  stands,
  intent,
  helm,
  run,
  explicit = { values: [], fixes: [] },
}: {
  release: HelmRelease;
  chart: Chart;
  path: string;
  stands: Release;
  intent?: Intent;
  helm?: string;
  run: string;
  explicit?: Explicit;
}): { upgrade: HelmUpgrade; given: Raw } {
  const asked = intent ?? { given: {} };
  const rules = rulesOf(helm ?? ANY_HELM);
  const { config: carried, defaults } = upgraded(chart.values, asked, { defaults: stands.chart.values, config: stands.config }, rules);
  const config = withSettings(carried, explicit.values);
  const made = { config, all: coalesce(defaults, config, rules) };
  // With --reuse-values helm mixes in the old ones itself; in every other case it is given the whole.
  const reuse = asked.reuse === 'reuse';
  const given = reuse ? withSettings(asked.given, explicit.values) : made.config;
  const upgrade: HelmUpgrade = {
    release: { ...release, revision: stands.version },
    chart: { path, name: chart.name, version: chart.version, digest: chart.digest },
    crds: chart.crds,
    values: made.all,
    reuse,
    kept: {
      on: { apiVersion: 'v1', kind: 'Secret', namespace: release.namespace, name: `upgrade-guard-${run}` },
      digest: digestOf(given),
      given: digestOf(given) !== digestOf(stands.config),
      config: digestOf(made.config),
    },
    rights: rightsOfHelm(release, stands),
    ...(explicit.values.length ? { explicit: { texts: explicit.values.map(settingText), fixes: explicit.fixes } } : {}),
  };
  return { upgrade, given };
}

/**
 * helm reads and patches what the release has, deletes what the new chart drops, and creates that again in a rollback: what is dropped cannot be told before it is rendered,
 * nor what the new chart brings beside it. Without the right to delete, an upgrade continues and leaves the object; without that to create, a rollback fails (seen with helm 4.1).
 */
export function rightsOfHelm({ namespace, driver }: HelmRelease, { manifest }: Pick<Release, 'manifest'>): Rule[] {
  const records: Rule = {
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update'],
    group: '',
    resource: driver ? 'configmaps' : 'secrets',
    namespace,
  };
  const rules = objectsIn(manifest, { namespace }).map(
    ({ apiVersion, kind, namespace: at }): Rule => ({
      verbs: ['create', 'delete', 'get', 'patch'],
      ...resourceOfKind({ apiVersion, kind }),
      ...(isClusterScoped(kind) || at === undefined ? {} : { namespace: at }),
    }),
  );
  return [records, ...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}

/** A manifest gives the release's namespace to every object that names none. */
const CLUSTER_SCOPED = new Set([
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'Namespace',
  'PriorityClass',
  'ValidatingWebhookConfiguration',
]);
const isClusterScoped = (kind: string): boolean => CLUSTER_SCOPED.has(kind);
