// The way to every API server of a control plane: they say that they are at addresses of RFC 5737 (control-plane.ts), which lead nowhere. A proxy (HTTP CONNECT), named as
// proxy-url in a kubeconfig, leads from each to the loopback address where that server listens, and tells who was asked for.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { advertised, kubeconfigOf } from './control-plane.ts';

export interface Routes {
  /** The admin's, by way of the proxy. */
  kubeconfig: string;
  /** The same of another user. */
  kubeconfigOf(user: string): string;
  /** `host:port` of every connection that was asked for, oldest first. */
  asked: string[];
  /** Asked about whatever is sent to an API server; true: it never arrives. */
  holds?: () => boolean;
  close(): Promise<void>;
}

export async function startRoutes({ folder, servers }: { folder: string; servers: string[] }): Promise<Routes> {
  const ways = new Map(servers.map((server, at) => [advertised(at), new URL(server).hostname]));
  const [asked, sockets]: [string[], Set<Socket>] = [[], new Set()];
  const proxy = createServer();
  proxy.on('connect', ({ url = '' }, socket: Socket, head: Buffer) => {
    asked.push(url);
    const { hostname, port } = new URL(`http://${url}`);
    const behind = connect(Number(port), ways.get(hostname) ?? hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      const onward = (bytes: Buffer) => void (bytes.length && !routes.holds?.() && behind.write(bytes));
      onward(head);
      socket.on('data', onward);
      socket.on('end', () => behind.end());
      behind.pipe(socket);
    });
    for (const [one, other] of [
      [socket, behind],
      [behind, socket],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  const through = (user: string) => {
    const kubeconfig = join(folder, `by-way-of-proxy-${user}.kubeconfig`);
    const direct = readFileSync(kubeconfigOf({ folder }, user), 'utf8');
    writeFileSync(kubeconfig, direct.replace('cluster: {server:', `cluster: {proxy-url: "http://127.0.0.1:${port}", server:`), {
      mode: 0o600,
    });
    return kubeconfig;
  };
  const routes: Routes = {
    kubeconfig: through('admin'),
    kubeconfigOf: through,
    asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
  return routes;
}
