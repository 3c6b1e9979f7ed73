// What checks would read for any other target than the one that was examined: a snapshot has to answer `check --from FILE --to OTHER` as the cluster would.
import type { ListQuery, PointRead, Read, Reads, Source, System } from './contracts.ts';
import { isGap } from './gaps.ts';
import { gather, queryOf } from './gather.ts';

/** Reads whatever a check of these systems declares and `has` does not know yet, and asks for every object that a check asks for by name alone, and for all APIs. */
export async function collectDeclared(source: Source, systems: readonly System[], has: (query: ListQuery) => boolean): Promise<void> {
  const checks = systems.flatMap((system) => system.checks);
  await gather(
    source,
    checks.map(({ id, reads }) => ({ owner: id, reads: unread(reads, has) })),
  );
  const reads = checks.flatMap(({ pointReads = [], remedy }) => [...pointReads, ...(remedy?.pointReads ?? [])]);
  for (const read of reads) await named(source, read);
  await source.apis?.();
}

/** Of lists nothing is held: that they were read is all there is to do. */
function unread(reads: Reads, has: (query: ListQuery) => boolean): Reads {
  return Object.fromEntries(
    Object.entries(reads).flatMap(([name, read]): [string, Read][] => {
      if (read.read === 'named') return [[name, { ...read, wants: (rows) => read.wants(rows).filter((list) => !has(queryOf(list))) }]];
      if (read.read !== 'list') return [[name, read]];
      return has(queryOf(read)) ? [] : [[name, { ...read, keep: () => undefined }]];
    }),
  );
}

/** Of objects in namespaces a name alone is not enough; which ones are asked for hangs on what was found, not on the target. */
async function named(source: Source, { resource, names = [], verb = 'get' }: PointRead): Promise<void> {
  const api = verb === 'get' && names.length ? await source.resource(resource) : undefined;
  if (!api || isGap(api) || api.namespaced) return;
  const apiVersion = api.group ? `${api.group}/${api.version}` : api.version;
  for (const name of new Set(names)) await source.get({ apiVersion, kind: api.kind, name });
}
