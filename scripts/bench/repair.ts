// A repair of so many objects on a real API server, killed in the middle, resumed, and undone. What it costs: time, memory, journal.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from '../../test/bed/binary.ts';
import { type Client, clientOf } from '../../test/bed/client.ts';
import { kubeconfigOf, startControlPlane } from '../../test/bed/control-plane.ts';
import { installCrd } from '../../test/bed/crds.ts';
import { BED_VERSIONS, foundBed } from '../../test/bed/prepare.ts';

const CHECK = 'spiderpool/owner-controller-type';
const API = 'spiderpool.spidernet.io/v2beta1';
/** Connections that seed: more only wait for etcd. */
const SEEDERS = 24;
/** ms between two looks at a running command. */
const LOOK = 50;

/** Prints one line per command. Linux only: it reads /proc. */
export async function benchRepair(size: number): Promise<void> {
  const version = BED_VERSIONS.at(-1)!;
  const binaries = await foundBed(version);
  // The garbage collector would watch every endpoint.
  const plane = await startControlPlane(version, binaries, { controllers: false });
  const home = mkdtempSync(join(tmpdir(), 'upgrade-guard-bench-'));
  try {
    const client = clientOf(plane);
    await installCrd(client, 'spiderendpoints-v2beta1');
    await client.apply(controller());
    await seed(client, size);
    await measured(client, kubeconfigOf(plane, 'admin'), home, size);
  } finally {
    rmSync(home, { recursive: true, force: true });
    await plane.stop();
  }
}

async function measured(client: Client, kubeconfig: string, home: string, size: number): Promise<void> {
  const run = (args: string[], watch: Watch = {}) => command(args, kubeconfig, home, watch);
  console.log(`${size} SpiderEndpoints; wall s, first write after s, CPU s, peak MB, journal MB, exit`);
  const print = (name: string, { wall, firstWrite, cpu, peak, exit }: Measured) =>
    console.log(
      [
        name.padEnd(28),
        wall.toFixed(1).padStart(8),
        (firstWrite?.toFixed(1) ?? '').padStart(8),
        cpu.toFixed(1).padStart(8),
        (peak / 1e6).toFixed(0).padStart(8),
        (journalSize(home) / 1e6).toFixed(1).padStart(8),
        exit.padStart(8),
      ].join(''),
    );
  const args = [CHECK, '--yes'];
  print('check', await run(['check', 'spiderpool']));
  print('fix, killed in the middle', await run(['fix', ...args], { killAt: size }));
  print('runs', await run(['runs']));
  print('resume', await run(['resume', '--yes']));
  await expectTypes(client, size, 'Pod');
  print('resume, nothing left', await run(['resume', '--yes']));
  print('undo, killed in the middle', await run(['undo', '--yes'], { killAt: size }));
  print('undo, again', await run(['undo', '--yes']));
  await expectTypes(client, size, 'None');
  print('fix, in one go', await run(['fix', ...args]));
}

interface Watch {
  /** Kill once the journal has grown by so many lines. */
  killAt?: number;
}
interface Measured {
  /** Seconds. */
  wall: number;
  firstWrite?: number;
  cpu: number;
  /** Bytes. */
  peak: number;
  exit: string;
}

async function command(args: string[], kubeconfig: string, home: string, { killAt }: Watch): Promise<Measured> {
  const begun = performance.now();
  const before = new Map(journals(home).map((path) => [path, statSync(path).size]));
  const { child, ended, kill } = start(args, { kubeconfig, home, input: '' });
  let [peak, cpu, lines] = [0, 0, 0];
  let firstWrite: number | undefined;
  let running = true;
  const watching = (async () => {
    const read = new Map(before);
    while (running) {
      await sleep(LOOK);
      const usage = usageOf(child.pid);
      if (usage) [peak, cpu] = [Math.max(peak, usage.peak), usage.cpu];
      for (const path of journals(home)) {
        const from = read.get(path) ?? 0;
        const grown = statSync(path).size;
        if (grown <= from) continue;
        lines += readFileSync(path)
          .subarray(from)
          .reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0);
        read.set(path, grown);
        // The first line says that it began.
        if (lines > 1) firstWrite ??= (performance.now() - begun) / 1000;
      }
      if (killAt !== undefined && lines >= killAt) kill();
    }
  })();
  const { code, signal, stderr } = await ended;
  running = false;
  await watching;
  if (signal === null && code !== 0) console.error(stderr.slice(-2000));
  return { wall: (performance.now() - begun) / 1000, firstWrite, cpu, peak, exit: signal ?? String(code) };
}

/** Peak memory in bytes, CPU seconds so far; undefined once it is over. */
function usageOf(pid: number | undefined): { peak: number; cpu: number } | undefined {
  try {
    const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name in brackets: utime and stime are the 12th and 13th, in hundredths of a second.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { peak: Number(kilobytes ?? 0) * 1024, cpu: (Number(fields[11]) + Number(fields[12])) / 100 };
  } catch {
    return undefined;
  }
}

function journals(home: string): string[] {
  try {
    const found = readdirSync(join(home, 'state'), { recursive: true, encoding: 'utf8' });
    return found.filter((path) => path.endsWith('journal.jsonl')).map((path) => join(home, 'state', path));
  } catch {
    return [];
  }
}

function journalSize(home: string): number {
  return Math.max(0, ...journals(home).map((path) => statSync(path).size + statSync(join(path, '..', 'run.json')).size));
}

async function expectTypes(client: Client, size: number, type: string): Promise<void> {
  let [seen, token] = [0, ''];
  do {
    const { body } = await client.request('GET', `/apis/${API}/spiderendpoints?limit=5000&continue=${encodeURIComponent(token)}`);
    seen += body.items.filter((item: { status: { ownerControllerType: string } }) => item.status.ownerControllerType === type).length;
    token = body.metadata.continue ?? '';
  } while (token);
  if (seen !== size) throw new Error(`${seen} of ${size} SpiderEndpoints are of type ${type}`);
}

/** Enough to be detected as Spiderpool 0.9.4. */
function controller() {
  const labels = { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/component': 'spiderpool-controller' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'spiderpool-controller', namespace: 'kube-system', labels: { ...labels, 'app.kubernetes.io/version': '0.9.4' } },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'spiderpool-controller', image: 'ghcr.io/spidernet-io/spiderpool/spiderpool-controller:v0.9.4' }] },
      },
    },
  };
}

async function seed(client: Client, size: number): Promise<void> {
  const begun = performance.now();
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < size; i = next++) {
      const { status, body } = await client.request(
        'POST',
        `/apis/${API}/namespaces/default/spiderendpoints`,
        endpoint(`bare-${String(i).padStart(6, '0')}`),
      );
      if (status !== 201) throw new Error(`seeding: ${status} ${body?.message ?? ''}`);
    }
  };
  await Promise.all(Array.from({ length: SEEDERS }, worker));
  console.error(`seeded ${size} in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
}

/** As large as one of a Pod with two interfaces. */
function endpoint(name: string) {
  const ip = (nic: string, third: number) => ({
    ...{
      interface: nic,
      ipv4: `10.6.${third}.41/16`,
      ipv4Pool: 'default-v4-ippool',
      ipv4Gateway: '10.6.0.1',
      vlan: 0,
      cleanGateway: false,
    },
    routes: [{ dst: '10.244.0.0/16', gw: '10.6.0.1' }],
  });
  return {
    apiVersion: API,
    kind: 'SpiderEndpoint',
    metadata: { name, namespace: 'default', finalizers: ['spiderpool.spidernet.io'] },
    status: {
      current: { uid: `5f0cf3a0-0000-4000-8000-${name.slice(-6)}000000`, node: 'worker-1', ips: [ip('eth0', 1), ip('net1', 2)] },
      ownerControllerType: 'None',
      ownerControllerName: '',
    },
  };
}
