// The yardstick: asks the API server for the same pages as `check spiderpool` does, or for the same tables as `--quick`, and throws every byte away. In a process of its own, so that its costs are its own.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { certificateOf, tokenOf } from '../../test/bed/control-plane.ts';

export interface Received {
  wall: number;
  cpu: number;
  rss: number;
  bytes: number;
}

const NODES = '/api/v1/nodes';
const PODS = '/api/v1/pods';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const ENDPOINTS = '/apis/spiderpool.spidernet.io/v2beta1/spiderendpoints';

/** Milliseconds, MB, bytes. */
export async function receiveAll(plane: { server: string; folder: string }, what: 'lists' | 'tables' = 'lists'): Promise<Received> {
  return JSON.parse(
    execFileSync(process.execPath, [import.meta.filename, plane.server, plane.folder, what], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
}

if (process.argv[1] === import.meta.filename) {
  const [server = '', folder = '', what] = process.argv.slice(2);
  const agent = new Agent({ keepAlive: true, ca: readFileSync(certificateOf({ folder })) });
  const began = performance.now();
  let bytes = 0;
  if (what === 'tables') for (const path of [NODES, PODS]) await page(`${path}?resourceVersion=0&includeObject=None`, TABLE);
  const lists = [
    [PODS, 'application/vnd.kubernetes.protobuf'],
    [ENDPOINTS, 'application/json'],
  ] as const;
  for (const [path, accept] of what === 'lists' ? lists : []) {
    for (let token: string | undefined = ''; token !== undefined; )
      token = await page(`${path}?limit=500${token ? `&continue=${encodeURIComponent(token)}` : ''}`, accept);
  }
  const { user, system } = process.cpuUsage();
  const rss = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
  console.log(JSON.stringify({ wall: performance.now() - began, cpu: (user + system) / 1000, rss, bytes }));
  agent.destroy();

  /** The continue token stands in the first few hundred bytes of a protobuf list and in the last of a list of custom resources: only those are kept. */
  function page(path: string, accept: string): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const asked = get(`${server}${path}`, { agent, headers: { accept, authorization: `Bearer ${tokenOf('admin')}` } }, (answer) => {
        let [first, last]: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (first.length < 2048) first = Buffer.concat([first, chunk.subarray(0, 2048)]);
          last = chunk.length >= 2048 ? chunk.subarray(-2048) : Buffer.concat([last, chunk]).subarray(-2048);
        });
        answer.on('error', reject);
        answer.on('end', () => {
          if (answer.statusCode !== 200) return reject(new Error(`${path}: ${answer.statusCode}`));
          const text = accept.includes('json')
            ? `${first.toString('latin1', 0, 2048)}\n${last.toString('latin1')}`
            : first.toString('latin1', 0, 512);
          resolve(/"continue":"([^"]+)"/.exec(text)?.[1] ?? /(eyJ[\w-]+=*)/.exec(accept.includes('json') ? '' : text)?.[1]);
        });
      });
      asked.on('error', reject);
    });
  }
}
