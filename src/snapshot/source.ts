// A dump as a source: answers what was collected as the cluster answered it, and says what was not.
import type { ApiResource, Gap, ListQuery, Raw, Ref, ResourceName, Source } from '../engine/contracts.ts';
import { isOfDeclarer } from '../engine/read/declarer.ts';
import { coversMark } from '../engine/read/kept.ts';
import { covers, picker } from '../kube/fields.ts';
import { labelSelector } from '../kube/labels.ts';
import { keyOf } from '../kube/refs.ts';
import { BUILT_IN_RESOURCES, guessPlural, resourceName, splitApiVersion } from '../kube/resources.ts';
import { type Dump, kindOf, type Listed, logKey, positionsOf, textKey } from './dump.ts';

/** It reads the dump again each time: what a `dumpWorld` over the same dump writes is seen. */
export function dumpSource(dump: Dump): Source {
  const resourceOf = resourcesByKind(dump);
  const gap = (verb: Gap['verb'], resource: ResourceName, ref?: Ref): Gap | undefined =>
    dump.absent.find(
      (absent) => absent.verb === verb && absent.resource === resource && absent.name === ref?.name && absent.namespace === ref?.namespace,
    );

  /** Why a list cannot be answered. */
  function listGap(query: ListQuery): Gap | undefined {
    const { resource } = query;
    const absent = gap('list', resource) ?? gap('discover', resource);
    if (absent !== undefined) return absent;
    if (dump.apis.get(resource) === 'not-installed') return undefined;
    const collected = dump.collected.get(resource);
    if (collected === undefined) return dump.whole ? undefined : notCollected('list', resource);
    return answers(collected.lists, query) ? undefined : notCollected('list', resource);
  }

  function get(ref: Ref): Raw | undefined | Gap {
    const resource = resourceOf(ref);
    const asked = dump.gets.get(keyOf(ref));
    if (asked !== undefined) return asked === 'none' ? undefined : asked;
    // Where even discovery failed, a live source has only the kind to name.
    const absent = gap('get', resource, ref) ?? gap('get', ref.kind, ref);
    if (absent !== undefined) return absent;
    const query: ListQuery = { resource, fields: 'whole' };
    const missing = listGap(query);
    if (missing !== undefined) return { ...missing, verb: 'get', namespace: ref.namespace, name: ref.name };
    const collected = dump.collected.get(resource);
    const at = collected && positionsOf(collected).get(keyOf(ref));
    return at === undefined ? undefined : collected?.objects[at];
  }

  return {
    ...(dump.recordedAt === undefined ? {} : { recordedAt: dump.recordedAt }),
    identity: async () => dump.identity,
    serverVersion: async () => dump.serverVersion ?? gap('get', 'version') ?? notCollected('get', 'version'),
    async resource(name) {
      const api = dump.apis.get(name);
      if (api !== undefined) return api === 'not-installed' ? undefined : api;
      const absent = gap('discover', name) ?? gap('list', name);
      if (absent !== undefined) return { ...absent, verb: 'discover' };
      return dump.whole ? undefined : notCollected('discover', name);
    },
    async list(query, sink) {
      const missing = listGap(query);
      if (missing !== undefined) return missing;
      const selected = labelSelector(query.labels);
      const pruned = picker(query.fields);
      for (const object of dump.collected.get(query.resource)?.objects ?? []) if (selected(object)) sink.object(pruned(object));
      return undefined;
    },
    get: async (ref) => get(ref),
    async text(query, sink) {
      const resource = query.path.split('?', 1)[0]!;
      const gaps = dump.absent.filter((absent) => absent.verb === 'get-path' && absent.resource === resource);
      // In a folder that a person made one answer stands for all servers.
      const answers = dump.texts.get(textKey(query)) ?? (dump.whole ? dump.texts.get(textKey({ path: query.path })) : undefined);
      for (const [server, lines] of answers ?? []) for (const line of lines) sink.line(line, server);
      return answers || gaps.length ? gaps : [notCollected('get-path', resource)];
    },
    async serves(apiVersion, kind) {
      if (!dump.served) return notCollected('discover', apiVersion);
      const [group, version] = splitApiVersion(apiVersion);
      return dump.served.resources.some((each) => each.group === group && each.version === version && each.kind === kind);
    },
    apis: async () => dump.served ?? notCollected('discover', 'apis'),
    async log(pod, container, lastBytes) {
      const absent = gap('log', 'pods', pod);
      const text = dump.logs.get(logKey(pod.namespace, pod.name, container));
      if (text !== undefined) return text === 'none' ? undefined : lastPart(text, lastBytes);
      if (absent !== undefined) return absent;
      return get(pod) === undefined ? undefined : { ...notCollected('log', 'pods'), namespace: pod.namespace, name: pod.name };
    },
  };
}

/** The resource that a reference names; the plural is guessed where the dump has never heard of the kind. */
export function resourcesByKind(dump: Dump): (ref: Ref) => ResourceName {
  const apis = [...dump.apis.values()].filter((api): api is ApiResource => api !== 'not-installed');
  const known = new Map([...BUILT_IN_RESOURCES, ...apis].map((api) => [`${api.group}/${api.kind}`, resourceName(api)]));
  return (ref) => known.get(kindOf(ref)) ?? resourceName({ group: kindOf(ref).split('/', 1)[0] ?? '', resource: guessPlural(ref.kind) });
}

/** Would the answers to these lists together hold the whole answer to `query`? What several of them have of an object is merged. */
export function answers(lists: readonly Listed[], query: ListQuery): boolean {
  const wide = lists.filter(({ labels }) => !labels || labels === query.labels);
  const asTheyAre = wide.filter(({ marks }) => !marks);
  if (asTheyAre.some(({ fields }) => hasFields(fields, query))) return true;
  const marks = new Set(wide.flatMap((each) => each.marks ?? []));
  const kept = wide.filter((each) => each.marks).map(({ fields }) => fields);
  const fields = kept.some((each) => each === 'whole') ? 'whole' : kept.flat();
  const hasMarks = !query.marks || query.marks.every((mark) => isOfDeclarer(mark) || coversMark(marks, mark));
  return kept.length > 0 && hasFields(fields as Listed['fields'], query) && hasMarks;
}

const hasFields = (fields: Listed['fields'], query: ListQuery): boolean =>
  fields === 'whole' || (query.fields !== 'whole' && query.fields.every((field) => isOfDeclarer(field) || covers(fields, field)));

function notCollected(verb: Gap['verb'], resource: ResourceName): Gap {
  return { why: 'not-collected', verb, resource };
}

/** The last bytes, from the beginning of a character. */
function lastPart(text: string, bytes: number): string {
  const all = Buffer.from(text);
  if (all.length <= bytes) return text;
  let from = all.length - bytes;
  while (from < all.length && ((all[from] as number) & 0xc0) === 0x80) from++;
  return all.subarray(from).toString('utf8');
}
