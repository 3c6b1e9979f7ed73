// Kubelets and the scheduler: Nodes that are Ready, Pods that get bound, run, end and go away, and their logs. Also the node lifecycle controller's
// taint of a cordoned Node, as that controller is off in the bed.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Body } from '../client.ts';
import { certificateOf } from '../control-plane.ts';
import type { Bed } from '../index.ts';
import { defaultPlay, nextAddress, type Play, runPod } from './pod.ts';
import { placeFor, UNSCHEDULABLE } from './select.ts';
import { type Actor, keyed, keyOf, type Line, lineTo, timestamp } from './watch.ts';

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
  /** status.podIPs of a Pod that is about to run (not of hostNetwork ones). The Pod waits (ContainerCreating) as long as the promise is open. By default one of 10.244.0.0/16 each. */
  ips?: (pod: Body) => Promise<string[]> | string[];
  /** By default containers of Pods with restartPolicy Always run on, all others exit with 0. */
  play?: Play;
}

export async function startKubelet(bed: Bed, { nodes: specs, ips = nextAddress, play = defaultPlay }: KubeletOptions): Promise<Actor> {
  const line = lineTo(bed);
  const logs = new Map<string, string>();
  const server = await serveLogs(bed, logs);
  const port = (server.address() as AddressInfo).port;
  const ours = new Set(specs.map((spec) => (typeof spec === 'string' ? spec : spec.name)));
  for (const [at, spec] of specs.entries()) await readyNode(bed, typeof spec === 'string' ? { name: spec } : spec, at, port);

  const [pods, nodes] = [new Map<string, Body>(), new Map<string, Body>()];
  /** By uid. What was bound, run or finished here: the watch tells of it later. */
  const [bound, running, finished] = [new Map<string, string>(), new Map<string, AbortController>(), new Set<string>()];
  const nodeOf = (pod: Body): string | undefined => pod.spec.nodeName ?? bound.get(pod.metadata.uid);
  const isOver = ({ status }: Body) => status.phase === 'Succeeded' || status.phase === 'Failed';

  async function bind(pod: Body): Promise<void> {
    const live = [...pods.values()].flatMap((each) => (nodeOf(each) && !isOver(each) ? [{ pod: each, node: nodeOf(each) ?? '' }] : []));
    const place = placeFor(
      pod,
      [...nodes.values()].filter((node) => ours.has(node.metadata.name)),
      live,
    );
    if ('why' in place) {
      const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: place.why };
      if (pod.status.conditions?.some(({ type, message }: Body) => type === condition.type && message === condition.message)) return;
      await line.write('PATCH', `${await bed.path(pod)}/status`, { status: { conditions: [condition] } }, STRATEGIC);
      return;
    }
    bound.set(pod.metadata.uid, place.node);
    // The watch may be behind: a Node that a test has just cordoned must not get the Pod.
    const { body: fresh } = await line.write('GET', `/api/v1/nodes/${place.node}`);
    if (fresh.metadata.resourceVersion !== nodes.get(`/${place.node}`)?.metadata.resourceVersion) {
      bound.delete(pod.metadata.uid);
      await sleep(20);
      return bind(pod);
    }
    const target = { apiVersion: 'v1', kind: 'Node', name: place.node };
    const { namespace, name, uid } = pod.metadata;
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target };
    await line.write('POST', `${await bed.path(pod)}/binding`, binding);
  }

  async function finish(pod: Body): Promise<void> {
    finished.add(pod.metadata.uid);
    running.get(pod.metadata.uid)?.abort();
    // A Job counts its Pods by their phase, and holds them until it has.
    if (pod.spec.restartPolicy !== 'Always' && !isOver(pod))
      await line.write('PATCH', `${await bed.path(pod)}/status`, { status: { phase: 'Failed' } });
    const { uid } = pod.metadata;
    await line.write('DELETE', await bed.path(pod), {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      gracePeriodSeconds: 0,
      preconditions: { uid },
    });
  }

  async function start(pod: Body): Promise<void> {
    const { uid } = pod.metadata;
    const end = new AbortController();
    running.set(uid, end);
    const hostIP = nodes.get(`/${pod.spec.nodeName}`)?.status.addresses.find(({ type }: Body) => type === 'InternalIP')?.address;
    const path = `${await bed.path(pod)}/status`;
    const ended = AbortSignal.any([end.signal, line.stopped]);
    line.run(() =>
      runPod(pod, {
        ...{ play, ended },
        ips: pod.spec.hostNetwork ? () => [hostIP] : ips,
        hostIP,
        log: (container, text) => logs.set(`${keyOf(pod)}/${container}`, text),
        report: async (status) => {
          if (finished.has(uid)) return false;
          const answer = await line.write('PATCH', path, { metadata: { uid }, status }, STRATEGIC, [404, 409, 422]);
          // A successor of the same name has another uid; any other 422 is a fault of ours.
          if (answer.status === 422 && !answer.body.message.includes('metadata.uid'))
            throw new Error(`PATCH ${path}: ${answer.body.message}`);
          return answer.status === 200;
        },
      }).catch((error) => ended.aborted || Promise.reject(error)),
    );
  }

  const look = keyed(line, async (key) => {
    const pod = pods.get(key);
    if (!pod) return;
    const node = nodeOf(pod);
    if (node && !ours.has(node)) return;
    if (pod.metadata.deletionTimestamp) {
      if (node && !finished.has(pod.metadata.uid)) await finish(pod);
    } else if (!node) await bind(pod);
    else if (pod.spec.nodeName && pod.status.phase === 'Pending' && !running.has(pod.metadata.uid)) await start(pod);
  });
  const lookForRoom = () => {
    for (const [key, pod] of pods) if (!nodeOf(pod)) look(key);
  };

  await line.watch('/api/v1/nodes', nodes, (now) => {
    if (now && ours.has(now.metadata.name)) line.run(() => taint(line, now));
    lookForRoom();
  });
  await line.watch('/api/v1/pods', pods, (now, before) => {
    look(keyOf(now ?? before));
    if (!now || isOver(now)) lookForRoom();
    if (!now) for (const container of allContainers(before)) logs.delete(`${keyOf(before)}/${container.name}`);
  });

  return {
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await line.stop();
    },
  };
}

const STRATEGIC = 'application/strategic-merge-patch+json';
const allContainers = ({ spec }: Body): Body[] => [...(spec.initContainers ?? []), ...spec.containers];

async function readyNode(bed: Bed, spec: NodeSpec, at: number, port: number): Promise<void> {
  const { name, labels = {}, taints = [], kubeletVersion = 'v1.33.4+k3s1', address = `172.18.0.${at + 2}` } = spec;
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...labels } },
  };
  const path = `/api/v1/nodes/${name}`;
  const there = await bed.get(node);
  if (!there) {
    await bed.apply(node);
    // Admission gives every new Node the taint not-ready.
    await bed.request('PATCH', path, { spec: { taints } });
  }
  const known: Body[] = there?.status.addresses ?? [];
  const status = {
    conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }],
    addresses: [
      ...(known.some(({ type }) => type === 'InternalIP')
        ? known.filter(({ type }) => type !== 'InternalDNS')
        : [{ type: 'InternalIP', address }]),
      // Where the API server asks for logs; it prefers this type (control-plane.ts).
      { type: 'InternalDNS', address: '127.0.0.1' },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    capacity: { cpu: '4', memory: '8Gi', pods: '110' },
    ...(there?.status.nodeInfo?.kubeletVersion ? {} : { nodeInfo: { kubeletVersion, operatingSystem: 'linux', architecture: 'amd64' } }),
  };
  const { status: code, body } = await bed.request('PATCH', `${path}/status`, { status });
  if (code !== 200) throw new Error(`could not make the Node ${name} Ready: ${code} ${body.message}`);
}

/** A cordoned Node has this taint, any other has not. On K3s its field manager is k3s. */
async function taint(line: Line, node: Body): Promise<void> {
  const taints: Body[] = node.spec.taints ?? [];
  const has = taints.some(({ key }) => key === UNSCHEDULABLE.key);
  if (has === !!node.spec.unschedulable) return;
  const others = taints.filter(({ key }) => key !== UNSCHEDULABLE.key);
  const wanted = has ? others : [...others, { ...UNSCHEDULABLE, timeAdded: timestamp() }];
  const { name, resourceVersion } = node.metadata;
  await line.write('PATCH', `/api/v1/nodes/${name}?fieldManager=k3s`, { metadata: { resourceVersion }, spec: { taints: wanted } });
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
