// Nodes that live, by kwok and the real kube-scheduler; and the one thing that kwok cannot: to run something in a container and end it as that ended.
// So the Pods of one label are kept from kwok and played here: their containers by a function of the test (real kubectl cordons, a guard refuses), their status as a kubelet reports it.
// Logs are served here too: kwok has them from files that an object of its own CRD names, and no cluster of ours has that CRD. And a test may give addresses, as a CNI plugin does.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Body } from '../client.ts';
import { certificateOf } from '../control-plane.ts';
import type { Bed } from '../index.ts';
import { KEPT, startKwok } from './kwok.ts';
import { nextAddress, type Play, runPod } from './pod.ts';
import { type Actor, keyed, keyOf, type Line, lineTo } from './watch.ts';

export interface NodeSpec {
  name: string;
  /** Beyond kubernetes.io/hostname and kubernetes.io/os. */
  labels?: Record<string, string>;
  taints?: { key: string; value?: string; effect: string }[];
  /** v1.33.4+k3s1 by default. */
  kubeletVersion?: string;
  /** InternalIP; 172.18.0.2, .3, … by default. */
  address?: string;
}
export interface KubeletOptions {
  /** Made Ready. One that is there already keeps its labels, taints, addresses and version, and gets a kubelet. */
  nodes: (string | NodeSpec)[];
  /** status.podIPs of a Pod that is about to run (not of hostNetwork ones). The Pod waits (ContainerCreating) as long as the promise is open. By default kwok gives one of 10.244.0.0/17 each. */
  ips?: (pod: Body) => Promise<string[]> | string[];
  /** Without it, containers of Pods with restartPolicy Always run on, all others exit with 0. */
  play?: Play;
}

export async function startKubelet(bed: Bed, { nodes: specs, ips, play }: KubeletOptions): Promise<Actor> {
  const line = lineTo(bed);
  const logs = new Map<string, string>();
  const server = await serveLogs(bed, logs);
  const { port } = server.address() as AddressInfo;
  const named = specs.map((spec) => (typeof spec === 'string' ? { name: spec } : spec));
  for (const [at, spec] of named.entries()) await makeNode(bed, spec, at, port);
  // A Lease of an earlier kwok would keep this one from its Nodes until it ran out.
  for (const { name } of named) await bed.request('DELETE', leaseOf(name));
  const kwok = startKwok(bed, { leaves: play?.label, waitsForAddress: !!ips });
  async function stop(): Promise<void> {
    await kwok.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await line.stop();
  }
  try {
    for (const { name } of named) await untilKept(bed, name, kwok.log);
    const addresses = new Map(await Promise.all(named.map(async ({ name }) => [name, await addressOf(bed, name)] as const)));
    const hand = { bed, line, addresses, ips: ips ?? nextAddress };
    const [played, give] = [play && player(hand, play, logs), ips && addressGiver(hand)];
    const isPlayed = ({ metadata }: Body) => play !== undefined && metadata.labels?.[play.label] !== undefined;
    if (played || give)
      await line.watch('/api/v1/pods', new Map(), (now, before) => {
        if (before && before.metadata.uid !== now?.metadata.uid && isPlayed(before)) played?.gone(before);
        if (now) (isPlayed(now) ? played?.seen : give)?.(now);
      });
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

interface Hand {
  bed: Bed;
  line: Line;
  /** InternalIP by Node. */
  addresses: Map<string, string>;
  ips: NonNullable<KubeletOptions['ips']>;
}

/** Runs Pods by `play`; their end, once they are deleted, is kwok's. Answers what to do with a Pod that was seen, and with one that is no more. */
function player({ bed, line, addresses, ips }: Hand, play: Play, logs: Map<string, string>) {
  /** By uid. */
  const running = new Map<string, AbortController>();
  async function live(pod: Body, ended: AbortSignal): Promise<void> {
    const hostIP = addresses.get(pod.spec.nodeName) ?? '';
    const path = `${await bed.path(pod)}/status`;
    const report = async (status: object) => !ended.aborted && (await reported(line, path, pod, status));
    const log = (container: string, text: string) => logs.set(`${keyOf(pod)}/${container}`, text);
    const own = pod.spec.hostNetwork ? () => [hostIP] : ips;
    await runPod(pod, { play: play.container, ended, ips: own, hostIP, log, report }).catch(
      (error) => ended.aborted || Promise.reject(error),
    );
  }
  return {
    seen(pod: Body): void {
      const { uid, deletionTimestamp } = pod.metadata;
      if (deletionTimestamp) running.get(uid)?.abort();
      if (deletionTimestamp || !addresses.has(pod.spec.nodeName) || pod.status.phase !== 'Pending' || running.has(uid)) return;
      const gone = new AbortController();
      running.set(uid, gone);
      line.run(() => live(pod, AbortSignal.any([gone.signal, line.stopped])));
    },
    gone(pod: Body): void {
      running.get(pod.metadata.uid)?.abort();
      for (const { name } of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) logs.delete(`${keyOf(pod)}/${name}`);
    },
  };
}

/** As a CNI plugin: kwok runs a Pod once it has its address. */
function addressGiver({ bed, line, addresses, ips }: Hand) {
  const pods = new Map<string, Body>();
  const look = keyed(line, async (key) => {
    const pod = pods.get(key);
    pods.delete(key);
    if (!pod?.spec.nodeName || !addresses.has(pod.spec.nodeName) || pod.spec.hostNetwork) return;
    if (pod.status.phase !== 'Pending' || pod.status.podIP || pod.metadata.deletionTimestamp) return;
    const podIPs = (await ips(pod)).map((ip) => ({ ip }));
    await reported(line, `${await bed.path(pod)}/status`, pod, { podIP: podIPs[0]?.ip, podIPs });
  });
  return (pod: Body) => {
    pods.set(keyOf(pod), pod);
    look(keyOf(pod));
  };
}

/** false: the Pod is gone. */
async function reported(line: Line, path: string, pod: Body, status: object): Promise<boolean> {
  const { uid } = pod.metadata;
  const answer = await line.write('PATCH', path, { metadata: { uid }, status }, STRATEGIC, [404, 409, 422]);
  // A successor of the same name has another uid; any other 422 is a fault of ours.
  if (answer.status === 422 && !answer.body.message.includes('metadata.uid')) throw new Error(`PATCH ${path}: ${answer.body.message}`);
  return answer.status === 200;
}

const STRATEGIC = 'application/strategic-merge-patch+json';
const leaseOf = (node: string) => `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node}`;

async function makeNode(bed: Bed, spec: NodeSpec, at: number, port: number): Promise<void> {
  const { name, labels = {}, taints = [], kubeletVersion = 'v1.33.4+k3s1', address = `172.18.0.${at + 2}` } = spec;
  const annotations = { [KEPT.key]: KEPT.value };
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, annotations, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels } },
    spec: { taints },
  };
  const path = `/api/v1/nodes/${name}`;
  const there = await bed.get(node);
  if (there) await bed.request('PATCH', path, { metadata: { annotations } });
  else await bed.apply(node);
  const known: Body[] = there?.status.addresses ?? [];
  const resources = { cpu: '4', memory: '8Gi', pods: '110' };
  const status = {
    addresses: [
      ...(known.some(({ type }) => type === 'InternalIP')
        ? known.filter(({ type }) => type !== 'InternalDNS')
        : [{ type: 'InternalIP', address }]),
      // Where the API server asks for logs; it prefers this type (control-plane.ts).
      { type: 'InternalDNS', address: '127.0.0.1' },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    capacity: resources,
    allocatable: resources,
    ...(there?.status.nodeInfo?.kubeletVersion ? {} : { nodeInfo: { kubeletVersion, operatingSystem: 'linux', architecture: 'amd64' } }),
  };
  const { status: code, body } = await bed.request('PATCH', `${path}/status`, { status });
  if (code !== 200) throw new Error(`could not write the status of the Node ${name}: ${code} ${body.message}`);
}

/** A Lease of this kwok, Ready, and without the taint that admission gives every new Node and the node lifecycle controller takes. */
async function untilKept(bed: Bed, name: string, said: () => string): Promise<void> {
  for (const limit = Date.now() + 60_000; Date.now() < limit; await sleep(50)) {
    if ((await bed.request('GET', leaseOf(name))).status !== 200) continue;
    const { spec, status } = (await bed.request('GET', `/api/v1/nodes/${name}`)).body;
    const ready = status.conditions?.some(({ type, status: is }: Body) => type === 'Ready' && is === 'True');
    if (ready && !spec.taints?.some(({ key }: Body) => key === 'node.kubernetes.io/not-ready')) return;
  }
  throw new Error(`the Node ${name} did not become Ready within 60 s; kwok said:\n${said()}`);
}

async function addressOf(bed: Bed, name: string): Promise<string> {
  const { body } = await bed.request('GET', `/api/v1/nodes/${name}`);
  return body.status.addresses.find(({ type }: Body) => type === 'InternalIP').address;
}

/** What kube-apiserver asks a kubelet for `pods/log`; it trusts any certificate. */
async function serveLogs(bed: Bed, logs: Map<string, string>): Promise<Server> {
  const certificate = certificateOf(bed);
  const server = createServer(
    { cert: readFileSync(certificate), key: readFileSync(certificate.replace(/crt$/, 'key')) },
    (request, response) => {
      const url = new URL(request.url ?? '', 'https://kubelet');
      const text = logs.get(url.pathname.replace(/^\/containerLogs\//, ''));
      if (text === undefined) response.writeHead(404).end(`no log of ${url.pathname}`);
      else response.writeHead(200, { 'content-type': 'text/plain' }).end(cut(text, url.searchParams));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function cut(text: string, asked: URLSearchParams): string {
  const tail = asked.get('tailLines');
  const lines = text.split(/(?<=\n)/);
  const kept = tail === null ? text : lines.slice(Math.max(0, lines.length - Number(tail))).join('');
  return Buffer.from(kept)
    .subarray(0, Number(asked.get('limitBytes') ?? Number.POSITIVE_INFINITY))
    .toString();
}
