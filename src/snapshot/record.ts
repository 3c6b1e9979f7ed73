// Recording a live source: what checks list and ask while they run is what a snapshot holds, so it gives the same answers.
import type {
  ApiResource,
  Gap,
  Json,
  ListQuery,
  Raw,
  ResourceName,
  ServedResource,
  Source,
  TextQuery,
  TextSink,
} from '../engine/contracts.ts';
import type { Declarations } from '../engine/declarations.ts';
import { formatField, picker } from '../kube/fields.ts';
import { isRaw } from '../kube/json.ts';
import { selectedLabels } from '../kube/labels.ts';
import { keyOf, refOf } from '../kube/refs.ts';
import { type Dump, dumpOf, type Listed, logKey, textKey } from './dump.ts';
import { answers } from './source.ts';

export interface Recording {
  source: Source;
  /** Was this list made, or a wider one, whatever came of it? */
  has(query: ListQuery): boolean;
  dump(): Promise<Dump>;
}

/** `declared`: what a file may keep of it; see Dump. */
export function recordingSource(source: Source, declared: Declarations): Recording {
  const recordedAt = source.recordedAt ?? Date.now();
  const resources = new Map<ResourceName, ApiResource | 'not-installed' | Gap>();
  const lists = new Map<ResourceName, Listed[]>();
  const objects = new Map<string, Raw>();
  const gets = new Map<string, Raw | 'none'>();
  const logs = new Map<string, string | 'none'>();
  const texts: Dump['texts'] = new Map();
  let served: Dump['served'];
  /** What could not be seen, by what was asked: an answer to the same question later takes it away. */
  const absent = new Map<string, Gap>();

  async function resource(name: ResourceName): Promise<ApiResource | undefined | Gap> {
    const answer = await source.resource(name);
    resources.set(name, answer ?? 'not-installed');
    return answer;
  }

  async function list(query: ListQuery, sink: Parameters<Source['list']>[1]): Promise<undefined | Gap> {
    const asked = withLabels(query);
    const kept = picker(asked.fields);
    // The caller sees what it declared and no more, as from a snapshot.
    const narrowed = picker(query.fields);
    let delivered: Raw[] = [];
    const answer = await source.list(asked, {
      object(object) {
        delivered.push(kept(object));
        sink.object(narrowed(object));
      },
      restart() {
        delivered = [];
        sink.restart();
      },
    });
    if (answer !== undefined) {
      absent.set(question(query), { ...answer, resource: query.resource });
      return answer;
    }
    absent.delete(question(query));
    lists.set(query.resource, [
      ...(lists.get(query.resource) ?? []),
      { ...(asked.labels ? { labels: asked.labels } : {}), fields: asked.fields, ...(asked.marks ? { marks: asked.marks } : {}) },
    ]);
    for (const object of delivered) {
      const key = keyOf(refOf(object));
      const known = objects.get(key);
      objects.set(key, known === undefined ? object : (merged(known, object) as Raw));
    }
    return undefined;
  }

  /** Lines that a check used; and that a server was asked, whatever it said. */
  async function text(query: TextQuery, sink: TextSink): Promise<Gap[]> {
    const before = texts.get(textKey(query));
    let kept = new Map<string, string[]>();
    const gaps = await source.text!(query, {
      line(line, server) {
        const lines = kept.get(server) ?? [];
        kept.set(server, lines);
        const matters = sink.line(line, server);
        if (matters) lines.push(line);
        return matters;
      },
      restart() {
        kept = new Map();
        sink.restart();
      },
    });
    for (const [server, lines] of kept) kept.set(server, latest([...(before?.get(server) ?? []), ...lines]));
    if (kept.size || !gaps.length) texts.set(textKey(query), kept.size ? kept : new Map([['', []]]));
    for (const gap of gaps) absent.set(`text ${textKey(query)} ${gap.detail ?? ''}`, gap);
    return gaps;
  }

  async function apis(): Promise<{ resources: ServedResource[]; gaps: Gap[] } | Gap> {
    const answer = await source.apis!();
    if (isGap(answer)) absent.set('apis', answer);
    else served = answer;
    return answer;
  }

  return {
    has: (query) => absent.has(question(query)) || answers(lists.get(query.resource) ?? [], withLabels(query)),
    source: {
      ...(source.recordedAt === undefined ? {} : { recordedAt: source.recordedAt }),
      identity: () => source.identity(),
      serverVersion: () => source.serverVersion(),
      resource,
      list,
      async get(ref) {
        const answer = await source.get(ref);
        const { namespace, name } = ref;
        if (isGap(answer)) absent.set(`get ${keyOf(ref)}`, { ...answer, verb: 'get', namespace, name });
        else gets.set(keyOf(ref), answer ?? 'none');
        return answer;
      },
      ...(source.text ? { text } : {}),
      ...(source.serves ? { serves: source.serves } : {}),
      ...(source.apis ? { apis } : {}),
      ...(source.manifests ? { manifests: () => source.manifests!() } : {}),
      async log(pod, container, lastBytes) {
        const answer = await source.log(pod, container, lastBytes);
        const { namespace, name } = pod;
        const key = logKey(namespace, name, container);
        if (isGap(answer)) absent.set(`log ${key}`, { ...answer, verb: 'log', resource: 'pods', namespace, name });
        else logs.set(key, answer ?? 'none');
        return answer;
      },
    },
    async dump() {
      const identity = await source.identity();
      const version = await source.serverVersion();
      for (const name of lists.keys()) if (!resources.has(name)) await resource(name);
      const found = [...resources.entries()];
      const undiscovered = found.flatMap(([resource, answer]): Gap[] => (isGap(answer) ? [{ ...answer, verb: 'discover', resource }] : []));
      const unversioned: Gap[] = isGap(version) ? [{ ...version, verb: 'get', resource: 'version' }] : [];
      return dumpOf({
        identity,
        recordedAt,
        serverVersion: isGap(version) ? undefined : version,
        objects: objects.values(),
        apis: found.map(([, api]) => api).filter((api): api is ApiResource => api !== 'not-installed' && !isGap(api)),
        notInstalled: found.filter(([, api]) => api === 'not-installed').map(([name]) => name),
        lists,
        gets,
        logs,
        texts,
        served,
        declared,
        absent: [...absent.values(), ...undiscovered, ...unversioned],
      });
    },
  };
}

const question = ({ resource, labels = '' }: ListQuery): string => `list ${resource} ${labels}`;

/** What was asked twice: of lines that say the same thing (a metric by its labels, a field by its name) the later one counts, or a number that grew in between counted double. */
function latest(lines: readonly string[]): string[] {
  return [...new Map(lines.map((line) => [line.replace(/^\[[+-]\]/, '').replace(/[\s=:]+\S+\s*$/, ''), line])).values()];
}

function isGap(value: unknown): value is Gap {
  return isRaw(value) && 'why' in value && 'verb' in value;
}

/** A snapshot selects by labels itself, so it needs them. */
function withLabels(query: ListQuery): ListQuery {
  if (!query.labels || query.fields === 'whole') return query;
  return { ...query, fields: [...query.fields, ...selectedLabels(query.labels).map((name) => formatField(['metadata', 'labels', name]))] };
}

/** Two projections of one object in one. Where an array changed in between, the later one counts. */
function merged(earlier: Json, later: Json): Json {
  if (Array.isArray(earlier) && Array.isArray(later)) {
    return earlier.length === later.length ? later.map((item, at) => merged(earlier[at] as Json, item)) : later;
  }
  if (!isRaw(earlier) || !isRaw(later)) return later;
  const both = Object.entries(later).map(([key, value]) => [
    key,
    Object.hasOwn(earlier, key) ? merged(earlier[key] as Json, value) : value,
  ]);
  return { ...earlier, ...Object.fromEntries(both) };
}
