// The objects of a fixture as a server would have stored them: what every stored object has and no fixture needs to say, and the CustomResourceDefinitions of their kinds.

import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Raw } from '../../src/engine/contracts.ts';
import { isRaw } from '../../src/kube/json.ts';
import { keyOf, refOf } from '../../src/kube/refs.ts';
import { BUILT_IN_RESOURCES, guessPlural, splitApiVersion } from '../../src/kube/resources.ts';
import { upstream } from './upstream.ts';

const CRD = 'CustomResourceDefinition';
const LONG_AGO = '2026-01-01T00:00:00Z';
const ANYTHING = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** With uids and times, and with the CustomResourceDefinitions that their kinds need: as upstream has them at this version, or before; where they are not known, one that lets all through. */
export function whole(objects: readonly Raw[], version: string): Raw[] {
  const stored = objects.map((object) => (object.kind === CRD ? established(withIdentity(object)) : withIdentity(object)));
  const known = new Set([...BUILT_IN, ...stored.filter(({ kind }) => kind === CRD).map(kindDefined)]);
  const lacking = Map.groupBy(
    // A CRD's group has a dot: what has none comes with some server, as PodSecurityPolicies did.
    stored.filter((object) => !known.has(kindOf(object)) && /\..*\//.test(kindOf(object))),
    kindOf,
  );
  return [
    ...stored,
    ...[...lacking.values()].map((same) => established(withIdentity(upstreamCrd(kindOf(same[0]!), version) ?? crdFor(same)))),
  ];
}

const BUILT_IN = BUILT_IN_RESOURCES.filter(({ group }) => group !== 'k8s.cni.cncf.io').map(({ group, kind }) => `${group}/${kind}`);
const kindOf = ({ apiVersion, kind }: Raw) => `${splitApiVersion(String(apiVersion))[0]}/${kind}`;

function withIdentity(object: Raw): Raw {
  const metadata = isRaw(object.metadata) ? object.metadata : {};
  return { ...object, metadata: { uid: uidOf(keyOf(refOf(object))), creationTimestamp: LONG_AGO, ...metadata } };
}

function uidOf(key: string): string {
  const digest = createHash('sha256').update(key).digest('hex');
  return [digest.slice(0, 8), digest.slice(8, 12), `4${digest.slice(13, 16)}`, `8${digest.slice(17, 20)}`, digest.slice(20, 32)].join('-');
}

const kindDefined = ({ spec }: Raw): string => (isRaw(spec) && isRaw(spec.names) ? `${spec.group}/${spec.names.kind}` : '');

const ESTABLISHED = ['NamesAccepted', 'Established'];
/** As the API server's own controllers leave it. */
function established(crd: Raw): Raw {
  const [spec, status] = [isRaw(crd.spec) ? crd.spec : {}, isRaw(crd.status) ? crd.status : {}];
  const given = isRaw(spec.names) ? spec.names : {};
  const names = { singular: String(given.kind).toLowerCase(), listKind: `${given.kind}List`, ...given };
  const versions = Array.isArray(spec.versions) ? spec.versions.filter(isRaw) : [];
  const stored = versions
    .filter((version) => 'storage' in version && version.storage === true)
    .map((version) => ('name' in version ? version.name : ''));
  // Others are of other controllers, or of the fixture.
  const others = (Array.isArray(status.conditions) ? status.conditions : []).filter(
    (each) => isRaw(each) && !ESTABLISHED.includes(String(each.type)),
  );
  const conditions = ESTABLISHED.map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: LONG_AGO,
    reason: '',
    message: '',
  }));
  return {
    ...crd,
    spec: { conversion: { strategy: 'None' }, ...spec, names, versions },
    status: { storedVersions: stored, ...status, acceptedNames: names, conditions: [...conditions, ...others] },
  } as Raw;
}

/** Wherever a chart or a repository keeps them; the version stands in the path. */
const UPSTREAM = ['*/charts/*/crds/*.yaml', '*/charts/*/*/crds/*.yaml', '*/crd/*.yaml'];

interface Known {
  crd: Raw;
  version: string;
}
let read: Map<string, Known[]> | undefined;

function upstreamCrd(kind: string, version: string): Raw | undefined {
  read ??= readUpstream();
  const known = read.get(kind) ?? [];
  const byAge = known.toSorted((a, b) => order(a.version, b.version));
  return (byAge.findLast((each) => order(each.version, version) <= 0) ?? byAge[0])?.crd;
}

function readUpstream(): Map<string, Known[]> {
  const folder = upstream('data');
  const files = folder === undefined ? [] : UPSTREAM.flatMap((pattern) => globSync(join(folder, pattern)));
  const crds = files.flatMap((file) => {
    const version = /\/v?(\d+\.\d+\.\d+)\/|\.v(\d+\.\d+\.\d+)\.yaml$/.exec(file);
    const text = readFileSync(file, 'utf8');
    // A template is none yet.
    const objects = text.includes('{{') ? [] : parseAllDocuments(text).map((document) => document.toJS());
    return objects.filter((object) => object?.kind === CRD).map((crd: Raw) => ({ crd, version: version?.[1] ?? version?.[2] ?? '0.0.0' }));
  });
  return Map.groupBy(crds, ({ crd }) => kindDefined(crd));
}

function order(a: string, b: string): number {
  const numbers = (version: string) => version.match(/\d+/g)?.slice(0, 3).map(Number) ?? [];
  const [left, right] = [numbers(a), numbers(b)];
  return left.map((number, at) => number - (right[at] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

/** One that lets everything through. */
function crdFor(objects: readonly Raw[]): Raw {
  const { apiVersion, kind, namespace } = refOf(objects[0]!);
  const [group, version] = splitApiVersion(apiVersion);
  const plural = PLURALS[kind] ?? guessPlural(kind);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: CRD,
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: namespace === undefined ? 'Cluster' : 'Namespaced',
      names: { kind, plural },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: ANYTHING } }],
    },
  };
}

const PLURALS: Record<string, string> = { NetworkAttachmentDefinition: 'network-attachment-definitions' };
