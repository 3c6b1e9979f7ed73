// Spiderpool's agent and controller as seen from the API (0.8.2 and later): a record in the pool and a SpiderEndpoint for each Pod, released with it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Body } from '../client.ts';
import type { Bed } from '../index.ts';
import { nextAddress } from './pod.ts';
import { type Actor, keyOf, lineTo } from './watch.ts';

export interface Spiderpool extends Actor {
  /** For KubeletOptions.ips: a Pod's addresses, allocated if they are not yet; of a Pod that no pool is for, one as without Spiderpool. Open as long as there is none. */
  ips(pod: Body): Promise<string[]>;
}
/** status.allocatedIPs, once parsed. */
type Records = Record<string, { pod: string; podUid: string }>;

const GROUP = '/apis/spiderpool.spidernet.io/v2beta1';
const FINALIZER = 'spiderpool.spidernet.io';
const [AGENT, CONTROLLER] = ['?fieldManager=spiderpool-agent', '?fieldManager=spiderpool-controller'];
const WANTED = 'ipam.spidernet.io/ippool';
/** How soon a Pod without an address is tried again, in ms. */
const RETRY = 500;

/**
 * SpiderIPPool and SpiderEndpoint (v2beta1) must be installed. Pods on a Node and not hostNetwork get addresses from the pools that their annotation ipam.spidernet.io/ippool names,
 * else from those with spec.default. A range of a pool must stay within the last group of its addresses (10.6.168.41-10.6.168.60, fd00::10-fd00::1f).
 */
export async function startSpiderpool(bed: Bed): Promise<Spiderpool> {
  const line = lineTo(bed);
  const pods = new Map<string, Body>();
  /** By the Pod's uid. */
  const [given, released] = [new Map<string, PromiseWithResolvers<string[]>>(), new Set<string>()];
  const endpointPath = ({ metadata }: Body) => `${GROUP}/namespaces/${metadata.namespace}/spiderendpoints/${metadata.name}`;
  const read = async (path: string): Promise<Body | undefined> => {
    const { status, body } = await line.write('GET', path);
    return status === 200 ? body : undefined;
  };

  // One thing at a time: what the real one guards with resourceVersions needs no guard against itself here.
  let last: Promise<unknown> = Promise.resolve();
  const enqueue = (work: () => Promise<unknown>) => {
    last = last.catch(() => {}).then(work);
    const mine = last;
    line.run(() => mine);
  };

  function addressesOf(pod: Body): Promise<string[]> {
    const { uid } = pod.metadata;
    const known = given.get(uid);
    if (known) return known.promise;
    const slot = Promise.withResolvers<string[]>();
    given.set(uid, slot);
    const attempt = async () => {
      if (released.has(uid)) return;
      const addresses = await allocate(pod);
      if (addresses) return slot.resolve(addresses);
      line.run(() => sleep(RETRY, undefined, { signal: line.stopped }).then(() => enqueue(attempt)));
    };
    enqueue(attempt);
    return slot.promise;
  }

  /** undefined: not possible for now; the Pod stays in ContainerCreating. */
  async function allocate(pod: Body): Promise<string[] | undefined> {
    const endpoint = await read(endpointPath(pod));
    if (endpoint && endpoint.status.current.uid === pod.metadata.uid) return heldBy(endpoint).map(({ address }) => address);
    if (endpoint && statefulSetOf(pod) && !endpoint.metadata.deletionTimestamp) return reuse(pod, endpoint);
    // Left over from an earlier Pod of this name.
    if (endpoint) await drop(endpoint);
    const pools = await poolsFor(pod);
    if (!pools.length) return nextAddress();
    const taken = pools.map(
      (candidates) =>
        candidates.flatMap((pool) =>
          freeIn(pool)
            .slice(0, 1)
            .map((address) => ({ address, pool })),
        )[0],
    );
    if (!taken.every((each) => each !== undefined)) return undefined;
    for (const { address, pool } of taken)
      await changeRecords(pool.metadata.name, (records) => {
        records[address] = { pod: keyOf(pod), podUid: pod.metadata.uid };
      });
    const ips = Object.assign({ interface: 'eth0', vlan: 0 }, ...taken.map(({ address, pool }) => detail(address, pool)));
    await line.write('POST', endpointPath(pod).replace(/\/[^/]+$/, AGENT), await newEndpoint(pod, ips));
    return taken.map(({ address }) => address);
  }

  /** A StatefulSet's Pod keeps its addresses. A record that is missing stays missing; one of another Pod is an error for as long as it is there ("data broken"). */
  async function reuse(pod: Body, endpoint: Body): Promise<string[] | undefined> {
    const held = heldBy(endpoint);
    for (const { address, pool } of held) {
      const record = recordsOf(await read(`${GROUP}/spiderippools/${pool}`))[address];
      if (record && record.pod !== keyOf(pod)) return undefined;
    }
    for (const { address, pool } of held)
      await changeRecords(pool, (records) => {
        if (records[address]) records[address] = { pod: keyOf(pod), podUid: pod.metadata.uid };
      });
    await line.write('PATCH', endpointPath(pod) + AGENT, {
      status: { current: { uid: pod.metadata.uid, node: pod.spec.nodeName } },
    });
    return held.map(({ address }) => address);
  }

  async function release(pod: Body): Promise<void> {
    const { uid } = pod.metadata;
    released.add(uid);
    const endpoint = await read(endpointPath(pod));
    if (endpoint && (await isStillWanted(pod))) return;
    for (const pool of (await read(`${GROUP}/spiderippools`))?.items ?? [])
      await changeRecords(pool.metadata.name, (records) => {
        for (const [address, record] of Object.entries(records)) if (record.podUid === uid) delete records[address];
      });
    if (endpoint?.status.current.uid === uid) await drop(endpoint);
  }

  /** A StatefulSet will make this very Pod again. */
  async function isStillWanted(pod: Body): Promise<boolean> {
    const owner = statefulSetOf(pod);
    const set = owner && (await read(`/apis/apps/v1/namespaces/${pod.metadata.namespace}/statefulsets/${owner.name}`));
    return !!set && !set.metadata.deletionTimestamp && Number(/\d+$/.exec(pod.metadata.name)) < set.spec.replicas;
  }

  /** The garbage collector does the second half as well, but learns of a new CRD only every 30 s. */
  async function drop(endpoint: Body): Promise<void> {
    await line.write('PATCH', endpointPath(endpoint), { metadata: { finalizers: null } });
    await line.write('DELETE', endpointPath(endpoint));
  }

  async function changeRecords(pool: string, change: (records: Records) => void): Promise<void> {
    for (;;) {
      const now = await read(`${GROUP}/spiderippools/${pool}`);
      if (!now) return;
      const records = recordsOf(now);
      change(records);
      const allocatedIPs = JSON.stringify(records);
      if (allocatedIPs === JSON.stringify(recordsOf(now))) return;
      const { resourceVersion } = now.metadata;
      const status = { allocatedIPs, allocatedIPCount: Object.keys(records).length };
      const { status: code } = await line.write('PATCH', `${GROUP}/spiderippools/${pool}/status${AGENT}`, {
        metadata: { resourceVersion },
        status,
      });
      if (code !== 409) return;
    }
  }

  /** The pools to try, in order, for each address family that the Pod gets. */
  async function poolsFor(pod: Body): Promise<Body[][]> {
    const all: Body[] = (await read(`${GROUP}/spiderippools`))?.items ?? [];
    const wanted = pod.metadata.annotations?.[WANTED];
    const named: { ipv4?: string[]; ipv6?: string[] } = wanted ? JSON.parse(wanted) : {};
    const defaults = (family: number) =>
      all.filter(({ spec }) => spec.default && spec.ipVersion === family).map(({ metadata }) => metadata.name);
    const names = wanted ? [named.ipv4 ?? [], named.ipv6 ?? []] : [defaults(4), defaults(6)];
    return names.filter((each) => each.length).map((each) => all.filter(({ metadata }) => each.includes(metadata.name)));
  }

  /** Deployments own their Pods through a ReplicaSet, CronJobs through a Job; a Pod without a controller is its own owner. */
  async function ownerOf(pod: Body): Promise<{ kind: string; name: string }> {
    const first = controllerOf(pod);
    if (!first) return { kind: 'Pod', name: pod.metadata.name };
    const above = { ReplicaSet: 'apps/v1/replicasets', Job: 'batch/v1/jobs' }[first.kind as string]?.split('/');
    if (!above) return first;
    const [group, version, plural] = above;
    const middle = await read(`/apis/${group}/${version}/namespaces/${pod.metadata.namespace}/${plural}/${first.name}`);
    return (middle && controllerOf(middle)) ?? first;
  }

  async function newEndpoint(pod: Body, ips: object): Promise<Body> {
    const { namespace, name, uid } = pod.metadata;
    const owner = await ownerOf(pod);
    const reference = { apiVersion: 'v1', kind: 'Pod', name, uid };
    return {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderEndpoint',
      metadata: { name, namespace, finalizers: [FINALIZER], ...(statefulSetOf(pod) ? {} : { ownerReferences: [reference] }) },
      status: {
        current: { uid, node: pod.spec.nodeName, ips: [ips] },
        ownerControllerType: owner.kind,
        ownerControllerName: owner.name,
      },
    };
  }

  /** The controller's part. */
  async function count(pool: Body): Promise<void> {
    const totalIPCount = addressesIn(pool).length;
    if (pool.status?.totalIPCount === totalIPCount) return;
    const status = { totalIPCount, ...(pool.status?.allocatedIPCount === undefined ? { allocatedIPCount: 0 } : {}) };
    await line.write('PATCH', `${GROUP}/spiderippools/${pool.metadata.name}/status${CONTROLLER}`, { status });
  }

  await line.watch(`${GROUP}/spiderippools`, new Map(), (now) => now && enqueue(() => count(now)));
  await line.watch('/api/v1/pods', pods, (now, before) => {
    if (before && before.metadata.uid !== now?.metadata.uid) enqueue(() => release(before));
    if (now?.spec.nodeName && !now.spec.hostNetwork && !now.metadata.deletionTimestamp && now.status.phase === 'Pending') addressesOf(now);
  });
  return { ips: addressesOf, stop: line.stop };
}

const controllerOf = ({ metadata }: Body): { kind: string; name: string } | undefined =>
  metadata.ownerReferences?.find(({ controller }: Body) => controller);
const statefulSetOf = (pod: Body) => {
  const owner = controllerOf(pod);
  return owner?.kind === 'StatefulSet' ? owner : undefined;
};
const recordsOf = (pool: Body | undefined): Records => JSON.parse(pool?.status?.allocatedIPs || '{}');

/** The addresses of a SpiderEndpoint, bare, with the pool of each. */
const heldBy = ({ status }: Body): { address: string; pool: string }[] =>
  status.current.ips.flatMap((ip: Body) =>
    ['ipv4', 'ipv6'].flatMap((family) => (ip[family] ? [{ address: ip[family].split('/')[0], pool: ip[`${family}Pool`] }] : [])),
  );

function detail(address: string, { metadata, spec }: Body): object {
  const family = spec.ipVersion === 6 ? 'ipv6' : 'ipv4';
  const gateway = spec.gateway ? { [`${family}Gateway`]: spec.gateway } : {};
  return { [family]: `${address}/${spec.subnet.split('/')[1]}`, [`${family}Pool`]: metadata.name, ...gateway };
}

const addressesIn = ({ spec }: Body): string[] => {
  const out = new Set<string>((spec.excludeIPs ?? []).flatMap(expanded));
  return (spec.ips ?? []).flatMap(expanded).filter((address: string) => !out.has(address));
};
const freeIn = (pool: Body): string[] => {
  const records = recordsOf(pool);
  return addressesIn(pool).filter((address) => !(address in records));
};

function expanded(range: string): string[] {
  const [first = '', last = first] = range.split('-');
  const [mark, base] = first.includes(':') ? [':', 16] : ['.', 10];
  const at = first.lastIndexOf(mark) + 1;
  if (!last.startsWith(first.slice(0, at))) throw new Error(`the range ${range} goes beyond what the Spiderpool of the test bed reads`);
  const [low, high] = [first, last].map((address) => Number.parseInt(address.slice(at), base)) as [number, number];
  return Array.from({ length: high - low + 1 }, (_, i) => first.slice(0, at) + (low + i).toString(base));
}
