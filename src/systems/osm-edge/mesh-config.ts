// What an upgrade writes into the MeshConfig, which osm-bootstrap keeps as it is: fields that came since, as a fresh install with these values has them, and the sidecar image; and whose sidecars are old then.
// Sources: charts/osm/templates/preset-mesh-config.yaml at every tag (knowledge/meshconfig.json); pkg/configurator/methods.go@v1.3.9 (what counts for a missing field).
import type { HelmUpgrade } from '../../chart/intent.ts';
import type { Change, Condition, Json, Raw, Ref, StepDraft, Upgrading } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { foundBy } from '../../engine/on-the-way.ts';
import { rowOf } from '../../engine/read/index.ts';
import { isRaw } from '../../kube/json.ts';
import { formatPointer, pointerGet } from '../../kube/pointer.ts';
import { refOf } from '../../kube/refs.ts';
import { compare } from '../../versions/chart.ts';
import { at } from './carried.ts';
import { mapping, pipyOf, preset, releases } from './knowledge/tables.ts';
import { MESH_CONFIG, missingFields } from './reads.ts';

export type OsmUpgrade = Upgrading<HelmUpgrade> & { intended: HelmUpgrade };

/** First release that reads interceptionMode and pluginChains, and whose controller has another selector. */
export const SINCE = '1.3.0';

/** An installed version that is not known may be any. */
export const crosses = ({ path: { from }, intended: { chart } }: OsmUpgrade, release: string): boolean =>
  (typeof from !== 'string' || compare(from, release) < 0) && compare(chart.version, release) >= 0;

const CRD: Ref = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: 'meshconfigs.config.openservicemesh.io',
};
/** `traffic.interceptionMode`; of a list below it the field is enough. */
const crdHas = (field: string): Condition => ({
  on: CRD,
  must: [
    {
      path: `/spec/versions[name=v1alpha2]/schema/openAPIV3Schema/properties/spec/${field
        .split('.')
        .map((name) => `properties/${name}`)
        .join('/')}/type`,
      in: ['array', 'boolean', 'integer', 'object', 'string'],
    },
  ],
});

export async function meshConfigOf({ intended: { release }, source }: OsmUpgrade): Promise<Raw | undefined> {
  const found = await source.get({
    ...{ apiVersion: 'config.openservicemesh.io/v1alpha2', kind: 'MeshConfig' },
    ...{ namespace: release.namespace, name: 'osm-mesh-config' },
  });
  return found && !isGap(found) ? found : undefined;
}

interface Filled {
  steps: StepDraft[];
  started: Condition[];
  /** Of new sidecars, once it is done. */
  image?: string;
}

/** What a fresh install with these values has and the kept MeshConfig lacks, and the image of the pipy sidecar, where the old one is the image of a release. */
export function meshConfigSteps(osm: OsmUpgrade, config: Raw | undefined): Filled {
  const {
    intended: { chart, release },
  } = osm;
  if (!config) return { steps: [], started: [] };
  const row = rowOf(MESH_CONFIG)(config);
  const added = newFields(osm, config);
  const image = imageChange(osm, config);
  const changes = [
    ...added.map(({ field, value }): Change => ({ path: formatPointer(['spec', ...field.split('.')]), after: value })),
    ...(image ? [image] : []),
  ];
  const now = row.sidecarImage || row.drivers.find(({ name }) => name === 'pipy')?.image;
  const selected = { image: typeof image?.after === 'string' ? image.after : now };
  if (!changes.length) return { steps: [], started: [], ...selected };
  const names = [...added.map(({ field }) => field), ...(image ? ['the pipy sidecar image'] : [])];
  const namen = [...added.map(({ field }) => field), ...(image ? ['pipy sidecar 的镜像'] : [])];
  const on = refOf(config);
  return {
    ...selected,
    started: added.length
      ? added
          .slice(0, 1)
          .concat(added.slice(-1))
          .map(({ field }) => crdHas(field))
      : [{ on: CRD, must: 'exist' }],
    steps: [
      {
        ...{ do: 'patch', on, guard: [], undo: 'exact', changes },
        fixes: fixedBy(
          osm,
          added.map(({ field }) => field),
          image?.path,
        ),
        text: {
          en: `set ${names.join(', ')} in MeshConfig ${release.namespace}/osm-mesh-config, as in a fresh install of ${chart.version} with these values`,
          zh: `按 ${chart.version} 以这些 values 全新安装时的值设置 MeshConfig ${release.namespace}/osm-mesh-config 的 ${namen.join('、')}`,
        },
      },
    ],
  };
}

/** Findings on these fields, and on the sidecar image at that path. */
function fixedBy(osm: OsmUpgrade, fields: readonly string[], image: string | undefined): string[] {
  const isSet = (field: string) => fields.some((each) => field === each || field.startsWith(`${each}.`));
  return [
    ...foundBy<{ missing: string[] }>(osm, ['osm-edge/mesh-config-fields'], ({ args }) => args.missing.every(isSet)),
    ...foundBy<{ path: string[] }>(osm, ['osm-edge/mesh-config-override'], ({ args }) => isSet(args.path.join('.'))),
    ...foundBy<{ path: string }>(osm, ['osm-edge/sidecar-image'], ({ args }) => args.path === image),
  ];
}

/** Fields that came after the installed version, where they are not set and the value differs from what the programs take for a missing one. */
function newFields(osm: OsmUpgrade, config: Raw): { field: string; value: Json }[] {
  const {
    path: { from },
    intended: { chart, values },
  } = osm;
  const lacking = crosses(osm, SINCE) ? missingFields(rowOf(MESH_CONFIG)(config)) : [];
  // Where there are no chains at all they are set as one, so that an undo leaves no empty map.
  const hasChains = pointerGet(config, '/spec/pluginChains') !== undefined;
  const needed = hasChains ? lacking : [...new Set(lacking.map((field) => (field.startsWith(`${CHAINS}.`) ? CHAINS : field)))];
  const since = typeof from === 'string' ? from : releases().knownFrom;
  const added = mapping()
    .filter(
      (each) =>
        compare(each.since, since) > 0 && compare(each.since, chart.version) <= 0 && !needed.some((field) => field.startsWith(each.path)),
    )
    .flatMap(({ key, path, missing }) => {
      const value = at(values, key);
      const isThere = pointerGet(config, formatPointer(['spec', ...path.split('.')])) !== undefined;
      return value === undefined || isThere || isAssumed(value, missing) ? [] : [{ field: path, value }];
    });
  return [...needed.map((field) => ({ field, value: planned(field, osm) })), ...added].filter(
    (each): each is { field: string; value: Json } => each.value !== undefined,
  );
}

const CHAINS = 'pluginChains';

/** By the values, which have the chart's own below them; else what the table says of a fresh install. */
function planned(field: string, { intended: { chart, values } }: OsmUpgrade): Json | undefined {
  const row = mapping().find(({ path }) => path === field || field.startsWith(`${path}.`));
  return (
    (row && at(values, `${row.key}${field.slice(row.path.length)}`)) ??
    (field === CHAINS ? chainsOf(chart.version) : preset(field, chart.version))
  );
}

const chainsOf = (version: string): Json =>
  Object.fromEntries(
    ['inbound-tcp', 'inbound-http', 'outbound-tcp', 'outbound-http'].map((name) => [name, preset(`${CHAINS}.${name}`, version) ?? []]),
  );

const isAssumed = (value: Json, missing: Json | undefined): boolean =>
  value === '' ||
  value === false ||
  value === 0 ||
  (typeof value === 'object' && !Object.values(value ?? {}).some(Boolean)) ||
  Number(value) === Number(missing ?? Number.NaN) ||
  String(missing) === String(value) ||
  /default Localhost/.test(String(missing));

/** undefined: it is as the target ships it, or no one's default. */
function imageChange({ intended: { chart } }: OsmUpgrade, config: Raw): Change | undefined {
  const wanted = pipyOf(chart.version);
  const pinned = pointerGet(config, '/spec/sidecar/sidecarImage');
  const drivers = pointerGet(config, '/spec/sidecar/sidecarDrivers');
  const nth = Array.isArray(drivers) ? drivers.findIndex((each) => isRaw(each) && each.sidecarName === 'pipy') : -1;
  const path = pinned ? '/spec/sidecar/sidecarImage' : `/spec/sidecar/sidecarDrivers/${nth}/sidecarImage`;
  const before = pinned || (nth < 0 ? undefined : pointerGet(config, path));
  if (!wanted || !before || before === wanted || !releases().releases.some(({ pipy }) => pipy === before)) return undefined;
  return { path, before, after: wanted };
}

/** Sidecars injected by 1.1 ask at an address that 1.2.0 does not serve; else those of another image than MeshConfig will select. */
export function outdated(osm: OsmUpgrade, config: Raw | undefined, image: string | undefined): (pod: Raw) => boolean {
  if (crosses(osm, '1.2.0')) return () => true;
  return (pod) => {
    const containers = pointerGet(pod, '/spec/containers');
    const sidecar = Array.isArray(containers) ? containers.find((each) => isRaw(each) && each.name === 'sidecar') : undefined;
    return config !== undefined && image !== undefined && isRaw(sidecar) && sidecar.image !== image;
  };
}
