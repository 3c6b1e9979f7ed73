// Every check of every system on a real API server: it finds in its bad fixture (found.yaml over installed.yaml) exactly what it finds when the same objects lie in a folder, and
// nothing in the good one. The objects are written where the server stores them (bed/store.ts), so that uids, times, managers and status are those of the fixture; everything
// that a check reads of them comes out of the server, which would also create each of them (or the oldest server of the bed would). Not the server's own are: its version, texts such as /metrics, and the logs of containers: these are the fixture's.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseArgv } from '../../src/cli/argv.ts';
import { examineOptions } from '../../src/cli/asked.ts';
import { type Call, callOf } from '../../src/cli/call.ts';
import { callerOf } from '../../src/cli/caller.ts';
import { type Connection, connect } from '../../src/cluster/kubeconfig.ts';
import { clusterSource } from '../../src/cluster/source.ts';
import type { CheckResult, Raw, Source } from '../../src/engine/contracts.ts';
import { examine } from '../../src/engine/examine.ts';
import { keyOf, refOf } from '../../src/kube/refs.ts';
import type { Dump } from '../../src/snapshot/dump.ts';
import { readDump } from '../../src/snapshot/read.ts';
import { dumpSource } from '../../src/snapshot/source.ts';
import { chosenChecks, SYSTEMS } from '../../src/systems/index.ts';
import { clientOf } from '../bed/client.ts';
import { kubeconfigOf, type Started, startControlPlane } from '../bed/control-plane.ts';
import { BED_VERSIONS, type BedVersion, foundBed, NEWEST } from '../bed/prepare.ts';
import { type Store, storeOf } from '../bed/store.ts';
import { describeUpstream } from '../bed/upstream.ts';
import { whole } from '../bed/whole.ts';
import { alsoOf, flagsOf, layOut, provenOf } from '../fixtures.ts';

const CHECKS = SYSTEMS.flatMap(({ checks }) => checks.map(({ id }) => id));
const [OLDEST] = BED_VERSIONS;
const TOOL = 'kubectl upgrade-guard';

/** A control plane without controllers: no one may answer to what is seeded. */
interface Cluster {
  plane: Started;
  store: Store;
  connection: Connection;
}
const clusters = new Map<string, Promise<Cluster>>();
function clusterOf(version: BedVersion): Promise<Cluster> {
  const known = clusters.get(version) ?? started(version);
  clusters.set(version, known);
  return known;
}
async function started(version: BedVersion): Promise<Cluster> {
  const plane = await startControlPlane(version, await foundBed(version), { controllers: false, admission: false });
  const connection = await connect({ kubeconfig: kubeconfigOf(plane, 'admin') }, {});
  return { plane, store: storeOf(plane, clientOf(plane)), connection };
}
beforeAll(() => clusterOf(NEWEST));
afterAll(async () => {
  for (const { plane, connection } of await Promise.all(clusters.values())) {
    connection.close();
    await plane.stop();
  }
});

/** The newest that serves every object in the version that the fixture has. */
async function servingAll(objects: readonly Raw[]): Promise<Cluster> {
  const newest = await clusterOf(NEWEST);
  return (await newest.store.unknown(objects)).length ? clusterOf(OLDEST) : newest;
}

async function looked(source: Source, call: Call): Promise<CheckResult & { version: string }> {
  const { results, absent, installations } = await examine(source, SYSTEMS, await examineOptions(call, chosenChecks(call.args, 'check')));
  expect(absent).toEqual([]);
  expect(results).toHaveLength(1);
  return { ...results[0]!, version: String(installations[0]?.version) };
}

function calling(check: string, flags: readonly string[]): Call {
  const parsed = parseArgv(['check', check, ...flags], TOOL);
  const caller = { ...callerOf('kubectl-upgrade_guard', {}), usage: TOOL };
  const call = callOf({ ...parsed, caller, env: {}, version: 'test', language: 'en', signal: new AbortController().signal });
  return { ...call, begins: () => false, progress: () => false };
}

/** As its page says to look; the good fixture in the same way as the bad one, unless it says otherwise. */
function waysOf(check: string, fixture: string): string[][] {
  const own = flagsOf(check, fixture);
  return [own.length ? own : flagsOf(check, 'found'), ...alsoOf(check, fixture)];
}

/** The cluster, with what is not an object of it as the fixture says. */
function live({ connection }: Cluster, dump: Dump): Source {
  const { serverVersion, text, log } = dumpSource(dump);
  return { ...clusterSource(connection, new AbortController().signal, { version: 'test' }), serverVersion, text, log };
}

/** As an API server lists. */
function inOrder(dump: Dump): Dump {
  for (const { objects } of dump.collected.values()) objects.sort((a, b) => (keyOf(refOf(a)) < keyOf(refOf(b)) ? -1 : 1));
  return dump;
}

const objectsIn = ({ collected }: Dump): Raw[] => [...collected.values()].flatMap(({ objects }) => objects);

/** All that a result says, without uids and the like. */
const said = (result: CheckResult): object => JSON.parse(JSON.stringify(result, (key, value) => (key === 'uid' ? undefined : value)));

/** By how the name of a fixture begins. */
const OUTCOMES: Record<string, string> = { found: 'found', healthy: 'passed', unknown: 'unknown' };

/** What no server says as the fixture does, and why. */
const OTHERWISE: Record<string, string> = {
  'kubernetes/apiservice-available healthy': 'an API server asks the backend of an APIService itself, and here is none',
};

describeUpstream('CustomResourceDefinitions as upstream has them', ['data'], () => {
  test('are there', () => {});
});

describe.each(CHECKS)('%s', (check) => {
  test.each(provenOf(check).filter((fixture) => !OTHERWISE[`${check} ${fixture}`]))('%s', async (fixture) => {
    const folder = layOut(check, { fixture });
    const dump = inOrder(await readDump(folder));
    try {
      for (const flags of waysOf(check, fixture)) {
        const call = calling(check, flags);
        const expected = await looked(dumpSource(dump), call);
        expect(expected.outcome, flags.join(' ')).toBe(OUTCOMES[fixture.split('-')[0]!]);
        const objects = whole(objectsIn(dump), expected.version);
        const cluster = await servingAll(objects);
        await cluster.store.hold(objects, async () => (await clusterOf(OLDEST)).store);
        expect(said(await looked(live(cluster, dump), call))).toEqual(said(expected));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
