// client-node turns one cluster and one user with a name and password into what an HTTPS request carries: authorities, client certificate, server name, Authorization.
// A part of the program by itself (cli/parts.ts): tokens and certificates go without it.
// What it is given was settled by kubectl's rules before (usable.ts, credentials.ts); the agent is ours, since its own opens a connection per request.
import { KubeConfig } from '@kubernetes/client-node';
import type { Trust } from './tunnel.ts';

/** All PEM. */
export interface SettledUser extends Trust {
  server: string;
  name: string;
  password: string;
}

/** Throws what client-node throws: then the kubeconfig asks for something that it does not know. */
export async function requestOptions(settled: SettledUser): Promise<{ trust: Trust; authorization?: string }> {
  const config = new KubeConfig();
  const { server, ca, cert, key, servername, insecure, name, password } = settled;
  config.loadFromOptions({
    clusters: [{ name: 'cluster', server, caData: base64(ca), tlsServerName: servername, skipTLSVerify: insecure }],
    users: [{ name: 'user', certData: base64(cert), keyData: base64(key), username: name, password }],
    contexts: [{ name: 'context', cluster: 'cluster', user: 'user' }],
    currentContext: 'context',
  });
  const options: Options = {};
  await config.applyToHTTPSOptions(options);
  return {
    trust: {
      ca: options.ca?.toString(),
      cert: options.cert?.toString(),
      key: options.key?.toString(),
      servername: options.servername,
      insecure: options.rejectUnauthorized === false,
    },
    authorization: options.auth ? `Basic ${Buffer.from(options.auth).toString('base64')}` : undefined,
  };
}

/** What client-node fills in, of what it fills in. */
interface Options {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
  auth?: string;
}

const base64 = (pem: string | undefined): string | undefined => (pem === undefined ? undefined : Buffer.from(pem).toString('base64'));
