// An admission webhook that a test controls, reached by URL: the API server cannot reach a Service here, as nothing plays kube-proxy.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Body } from '../client.ts';
import { certificateOf } from '../control-plane.ts';
import type { Bed } from '../index.ts';
import type { Actor } from './watch.ts';

export interface Admission extends Actor {
  /** What it was asked, oldest first: `UPDATE SpiderIPPool pool-a`, `CREATE Pod shop/cart-0`. */
  seen: string[];
  /** A Validating- or MutatingWebhookConfiguration with every webhook led here instead of to its Service. */
  led(configuration: Body): Body;
}

/** What a webhook says of a request that it does not admit; `code`: of the answer that the client gets. */
export type Refused = string | { message: string; code: number };

/** Admits all but what `refuse` has a message for. Stopped, every webhook with failurePolicy Fail refuses. */
export async function startAdmission(bed: Bed, refuse: (request: Body) => Refused | undefined = () => undefined): Promise<Admission> {
  const certificate = readFileSync(certificateOf(bed));
  const key = readFileSync(certificateOf(bed).replace(/crt$/, 'key'));
  const seen: string[] = [];
  const server = createServer({ cert: certificate, key }, async (asked, answer) => {
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk);
    const { apiVersion, kind, request } = JSON.parse(Buffer.concat(chunks).toString());
    const { uid, operation, namespace, name } = request;
    seen.push(`${operation} ${request.kind.kind} ${namespace ? `${namespace}/` : ''}${name}`);
    const refused = refuse(request);
    const status = typeof refused === 'string' ? { message: refused } : refused;
    const response = { uid, allowed: status === undefined, ...(status ? { status } : {}) };
    answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ apiVersion, kind, response }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clientConfig = { url, caBundle: certificate.toString('base64') };
  return {
    seen,
    led: (configuration) => ({ ...configuration, webhooks: configuration.webhooks.map((webhook: Body) => ({ ...webhook, clientConfig })) }),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
