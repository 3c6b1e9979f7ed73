// Every kind of request × every kind of fault, against the binary: it succeeds, or says what it could not see, or stops. Never exit 0 with something unseen, never a lost or doubled write.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hastened, newHome, type Ran, run } from '../bed/binary.ts';
import { type Fault, type FaultProxy, type Seen, startFaultProxy } from '../bed/fault-proxy.ts';
import { bed } from '../bed/index.ts';
import { SWEEPING } from './kills/told.ts';
import { BROKEN, CHECK, endpoint, scene } from './scene.ts';

const cluster = bed();
const stage = await scene(cluster);
/** Every cell; without it a diagonal, so that each request and each fault has its turn. */
/** Another seed, another diagonal. */
const TURN = createHash('sha256')
  .update(process.env.UPGRADE_GUARD_TEST_SEED ?? '')
  .digest()[0]!;
/** Patience is not waited out at its length. */
const env = hastened(5);
let proxy: FaultProxy;
let through: string;

/** Enough that the broken ones are on the second page (500 each, by name). */
const HEALTHY = 510;
const ENDPOINTS = '/apis/spiderpool.spidernet.io/v2beta1/namespaces/default/spiderendpoints';

beforeAll(async () => {
  proxy = await startFaultProxy(cluster);
  through = await proxy.kubeconfigFrom(cluster.kubeconfig);
  const names = Array.from({ length: HEALTHY }, (_, i) => `aaa-${i}`);
  const worker = async () => {
    for (let name = names.pop(); name; name = names.pop())
      await cluster.request('POST', ENDPOINTS, endpoint(name, 'v2beta1', 'Deployment', 'web'));
  };
  await Promise.all(Array.from({ length: 8 }, worker));
});
beforeEach(async () => {
  proxy.faults.length = 0;
  proxy.seen.length = 0;
  await stage.reset();
});
afterAll(() => proxy.close());

type Where = (request: Seen) => boolean;
const get =
  (path: RegExp): Where =>
  ({ method, path: at }) =>
    method === 'GET' && path.test(at);
const REQUESTS = {
  discovery: get(/^\/apis?(\/[^/?]+(\/v\w+)?)?(\?|$)/),
  'server version': get(/^\/version/),
  'get of kube-system': get(/namespaces\/kube-system(\?|$)/),
  'list, first page': get(/spiderendpoints\?(?!.*continue=)/),
  'list, next page': get(/spiderendpoints\?.*continue=/),
  'list of releases': get(/secrets\?/),
  'get of a definition': get(/customresourcedefinitions\//),
  'get before a write': get(/spiderendpoints\/bare-/),
  'get of the Lease': get(/leases\/upgrade-guard/),
  'create of the Lease': ({ method, path }: Seen) => method === 'POST' && path.includes('leases'),
  'delete of the Lease': ({ method, path }: Seen) => method === 'DELETE' && path.includes('leases'),
  patch: ({ method }: Seen) => method === 'PATCH',
} satisfies Record<string, Where>;
type Request = keyof typeof REQUESTS;

const FAULTS: Record<string, Fault> = {
  '409': { do: 'answer', status: 409 },
  '410': { do: 'answer', status: 410 },
  '422': { do: 'answer', status: 422 },
  '429': { do: 'answer', status: 429, headers: { 'retry-after': '1' } },
  '500': { do: 'answer', status: 500 },
  '503': { do: 'answer', status: 503 },
  cut: { do: 'cut' },
  delay: { do: 'delay', ms: 400 },
  truncate: { do: 'truncate' },
};
const always = (fault: Fault): Fault => ({ ...fault, times: 1_000 });

const matrices = new Map<string, Map<string, Map<string, string>>>();
function tell(matrix: string, row: string, column: string, cell: string): void {
  const rows = matrices.get(matrix) ?? new Map();
  matrices.set(matrix, rows);
  rows.set(row, (rows.get(row) ?? new Map()).set(column, cell));
}
afterAll(() => {
  const columns = Object.keys(FAULTS);
  const lines = [...matrices].flatMap(([matrix, rows]) => [
    '',
    `${matrix}: exit code by request × fault (?: and says that it did not see all)`,
    `${''.padEnd(22)}${columns.map((each) => each.padStart(9)).join('')}`,
    ...[...rows].map(([row, cells]) => `${row.padEnd(22)}${columns.map((each) => (cells.get(each) ?? '').padStart(9)).join('')}`),
  ]);
  console.log(lines.join('\n'));
});

interface Cell {
  request: Request;
  fault: string;
}
function cells(requests: Request[], faults: string[]): Cell[] {
  if (SWEEPING) return requests.flatMap((request) => faults.map((fault) => ({ request, fault })));
  return Array.from({ length: Math.max(requests.length, faults.length) }, (_, nth) => ({
    request: requests[nth % requests.length]!,
    fault: faults[(nth + TURN) % faults.length]!,
  }));
}
const said = ({ code, stdout, stderr }: Ran) => `exit ${code}\n${stdout.slice(0, 3000)}\n${stderr.slice(-3000)}`;

/** The truth is one warning about three objects: whatever is less has to say so. */
function honest(ran: Ran): void {
  expect([1, 2, 3], said(ran)).toContain(ran.code);
  if (ran.code === 1) {
    expect(ran.stderr, said(ran)).toMatch(/\S/);
    return;
  }
  const result = JSON.parse(ran.stdout);
  const check = result.checks.find(({ id }: { id: string }) => id === CHECK);
  const names = (check?.findings ?? []).flatMap(({ objects }: { objects: { name: string }[] }) => objects.map(({ name }) => name)).sort();
  if (check?.outcome === 'found') expect(names).toEqual(BROKEN);
  else {
    expect(check?.outcome, said(ran)).toBe('unknown');
    expect(result.complete, said(ran)).toBe(false);
  }
  // Other checks may find something in this bare scene, and make it 2; but what is not complete is never 0.
  if (ran.code === 3) expect(result.complete, said(ran)).toBe(false);
}

/** `2`, or `2?` with something unseen. */
const cellOf = ({ code, stdout }: Ran): string => `${code}${code !== 1 && !JSON.parse(stdout).complete ? '?' : ''}`;

const READS: Request[] = ['discovery', 'server version', 'get of kube-system', 'list, first page', 'list, next page', 'list of releases'];
const check = (kubeconfig: string) => run(['check', 'spiderpool', 'k3s', '--fail-on', 'warning', '-o', 'json'], { kubeconfig, env });

describe('check', () => {
  test('undisturbed, makes each of these requests', async () => {
    honest(await check(through));
    for (const request of READS) expect(proxy.seen.filter(REQUESTS[request]), request).not.toEqual([]);
  });
  test.each(cells(READS, Object.keys(FAULTS)))('$request: $fault once', async ({ request, fault }) => {
    proxy.faults.push({ ...FAULTS[fault]!, where: REQUESTS[request] });
    const ran = await check(through);
    honest(ran);
    tell('check, once', request, fault, cellOf(ran));
  });
  // Each of these takes as long as patience lasts, so they wait beside each other.
  test('every request always so', { timeout: 240_000 }, async () => {
    const open = cells(READS, ['cut', 'truncate', '410', '429', '500', '503']);
    const worker = async () => {
      const own = await startFaultProxy(cluster);
      const kubeconfig = await own.kubeconfigFrom(cluster.kubeconfig);
      for (let cell = open.pop(); cell; cell = open.pop()) {
        const { request, fault } = cell;
        own.faults.splice(0, own.faults.length, { ...always(FAULTS[fault]!), where: REQUESTS[request] });
        const ran = await check(kubeconfig);
        honest(ran);
        tell('check, always', request, fault, cellOf(ran));
      }
      await own.close();
    };
    await Promise.all(Array.from({ length: 6 }, worker));
  });
});

const WRITES: Request[] = [
  ...READS,
  'get of a definition',
  'get of the Lease',
  'create of the Lease',
  'get before a write',
  'patch',
  'delete of the Lease',
];

interface Endpoint {
  metadata: { name: string; generation: number };
  status: { ownerControllerType: string };
}
const endpoints = async (): Promise<Endpoint[]> => {
  const { body } = await cluster.request('GET', ENDPOINTS);
  return body.items.filter(({ metadata }: Endpoint) => !metadata.name.startsWith('aaa-'));
};

/** Each broken object was written once if at all, nothing else was; and the exit code says which. */
async function accountedFor(ran: Ran, before: Endpoint[]): Promise<void> {
  const after = await endpoints();
  for (const { metadata, status } of after) {
    const old = before.find((each) => each.metadata.name === metadata.name)!;
    const isDone = status.ownerControllerType !== old.status.ownerControllerType;
    expect(metadata.generation - old.metadata.generation, `writes to ${metadata.name}\n${said(ran)}`).toBe(isDone ? 1 : 0);
  }
  const types = await stage.types();
  expect([0, 1, 3, 4], said(ran)).toContain(ran.code);
  if (ran.code === 0) expect(types, said(ran)).toEqual(['Pod', 'Pod', 'Pod']);
  // All is done and the journal says so; only the Lease could not be taken away.
  const isOver = ran.stderr.includes('releasing the Lease');
  if (ran.code === 1) expect(types, said(ran)).toEqual(isOver ? ['Pod', 'Pod', 'Pod'] : ['None', 'None', 'None']);
}

describe('fix --yes', () => {
  const fix = (home: string, ...verb: string[]) =>
    run([...(verb.length ? verb : ['fix', CHECK]), '--yes'], { kubeconfig: through, home, env });

  /** The run, then whatever it says comes next, then undo: in the end all is as it was. */
  async function survived(request: Request, fault: string, times: Fault): Promise<string> {
    const home = newHome();
    const state = await stage.state();
    const before = await endpoints();
    proxy.faults.push({ ...times, where: REQUESTS[request] });
    const ran = await fix(home);
    proxy.faults.length = 0;
    await accountedFor(ran, before);
    const codes = [ran.code];
    if (ran.code === 4) {
      const resumed = await fix(home, 'resume');
      codes.push(resumed.code);
      expect(resumed.code, `${said(ran)}\n${said(resumed)}`).toBe(0);
      expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
      for (const { metadata } of await endpoints()) {
        const old = before.find((each) => each.metadata.name === metadata.name)!;
        expect(metadata.generation - old.metadata.generation, metadata.name).toBe(BROKEN.includes(metadata.name) ? 1 : 0);
      }
    }
    const undone = await fix(home, 'undo');
    expect(undone.code, `${said(ran)}\n${said(undone)}`).toBe(0);
    expect(await stage.state(), said(ran)).toEqual(state);
    expect(await stage.lease()).toBeUndefined();
    tell('fix --yes, once', request, fault, codes.join('→'));
    return codes.join('→');
  }

  test.each(cells(WRITES, Object.keys(FAULTS)))('$request: $fault once', async ({ request, fault }) => {
    await survived(request, fault, FAULTS[fault]!);
  });
  test.each(cells(['get before a write', 'patch'], ['cut', 'truncate', '409', '429', '503']))(
    '$request: $fault always: it stops and can go on, or looks and sees that it was done',
    { timeout: 180_000 },
    async ({ request, fault }) => {
      const home = newHome();
      const before = await endpoints();
      proxy.faults.push({ ...always(FAULTS[fault]!), where: REQUESTS[request] });
      const ran = await fix(home);
      proxy.faults.length = 0;
      await accountedFor(ran, before);
      tell('fix --yes, always', request, fault, `${ran.code}`);
      if (ran.code === 4) {
        const resumed = await fix(home, 'resume');
        expect(resumed.code, said(resumed)).toBe(0);
        expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
      }
    },
  );
});
