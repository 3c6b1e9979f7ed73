// A small raw client for tests: JSON over one keep-alive agent, every answer handed back as it came, whatever its status.
import { readFileSync } from 'node:fs';
import { Agent, request as send } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, certificateOf, tokenOf } from './control-plane.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
export type Body = any;
export interface Answer {
  status: number;
  /** Parsed when the server says it is JSON, else the text. */
  body: Body;
}
export interface ObjectRef {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}
export interface Client {
  /** `contentType` defaults to JSON, for PATCH to a merge patch. */
  request(method: string, path: string, body?: unknown, contentType?: string, accept?: string): Promise<Answer>;
  /** The path of an object; it is asked from discovery. Without a namespace: default. */
  path(object: ObjectRef): Promise<string>;
  /** undefined: no such object. */
  get(object: ObjectRef): Promise<Body | undefined>;
  /** Creates or replaces, then writes the status where that is a subresource. What cannot be replaced (a Pod's node, a terminating object) is removed and created again. */
  apply(...objects: Body[]): Promise<void>;
  /** Deletes at once: finalizers dropped, no grace; answers when gone. */
  remove(...objects: ObjectRef[]): Promise<void>;
}

export function clientOf(plane: ControlPlane, user = 'admin'): Client {
  // Every certificate of an API server is for this name, whichever of several it is.
  const agent = new Agent({ keepAlive: true, ca: readFileSync(certificateOf(plane)), servername: 'kubernetes.default.svc' });
  const kinds = new Map<string, { plural: string; namespaced: boolean; status: boolean }>();

  function request(method: string, path: string, body?: unknown, contentType?: string, accept = 'application/json'): Promise<Answer> {
    const bytes = body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const headers: Record<string, string> = { authorization: `Bearer ${tokenOf(user)}`, accept };
    if (bytes) {
      headers['content-type'] = contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
      headers['content-length'] = `${bytes.length}`;
    }
    return new Promise((resolve, reject) => {
      const asked = send(`${plane.server}${path}`, { method, agent, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = /json/.test(answer.headers['content-type'] ?? '');
          resolve({ status: answer.statusCode ?? 0, body: json ? JSON.parse(text) : text });
        });
      });
      asked.on('error', reject);
      asked.end(bytes);
    });
  }

  async function kindOf(object: ObjectRef) {
    const key = `${object.apiVersion}/${object.kind}`;
    if (!kinds.has(key)) {
      const found = await request('GET', groupPath(object.apiVersion));
      for (const { name, kind, namespaced } of found.body.resources ?? []) {
        if (name.includes('/')) continue;
        const status = found.body.resources.some((other: { name: string }) => other.name === `${name}/status`);
        kinds.set(`${object.apiVersion}/${kind}`, { plural: name, namespaced, status });
      }
    }
    const known = kinds.get(key);
    if (!known) throw new Error(`the API server has no ${object.kind} in ${object.apiVersion}`);
    return known;
  }

  async function collection(object: ObjectRef): Promise<string> {
    const { plural, namespaced } = await kindOf(object);
    return `${groupPath(object.apiVersion)}${namespaced ? `/namespaces/${object.metadata.namespace ?? 'default'}` : ''}/${plural}`;
  }
  const path = async (object: ObjectRef) => `${await collection(object)}/${object.metadata.name}`;

  async function get(object: ObjectRef): Promise<Body | undefined> {
    const { status, body } = await request('GET', await path(object));
    if (status === 200) return body;
    if (status === 404) return undefined;
    throw refused('GET', object, { status, body });
  }

  async function applyOne(object: Body): Promise<void> {
    let answer = await request('POST', await collection(object), object);
    for (let tries = 0; answer.status === 409 && tries < 5; tries++) {
      const now = await get(object);
      if (now && !now.metadata.deletionTimestamp) {
        const metadata = { ...object.metadata, resourceVersion: now.metadata.resourceVersion };
        answer = await request('PUT', await path(object), { ...object, metadata });
      }
      if (now && (now.metadata.deletionTimestamp || answer.status === 422)) {
        await remove(object);
        answer = await request('POST', await collection(object), object);
      } else if (!now) answer = await request('POST', await collection(object), object);
    }
    if (answer.status >= 300) throw refused('apply', object, answer);
    if (object.status === undefined || !(await kindOf(object)).status) return;
    await applyStatus(object, answer.body);
  }

  async function applyStatus(object: Body, stored: Body): Promise<void> {
    const put = async (now: Body) => request('PUT', `${await path(object)}/status`, { ...now, status: object.status });
    let answer = await put(stored);
    // A controller may have been quicker.
    for (let tries = 0; answer.status === 409 && tries < 5; tries++) answer = await put(await get(object));
    if (answer.status >= 300) throw refused('apply the status of', object, answer);
  }

  async function remove(...objects: ObjectRef[]): Promise<void> {
    await Promise.all(objects.map(removeOne));
  }
  async function removeOne(object: ObjectRef): Promise<void> {
    const at = await path(object);
    const limit = Date.now() + 30_000;
    for (;;) {
      const deleted = await request('DELETE', `${at}?gracePeriodSeconds=0&propagationPolicy=Background`);
      if (deleted.status === 404) return;
      const now = await get(object);
      if (!now) return;
      if (now.metadata.finalizers?.length) {
        const freed = await request('PATCH', at, { metadata: { finalizers: null } });
        // It was created again while its Namespace was being deleted (a PersistentVolumeClaim of a StatefulSet), and without a Namespace it cannot be changed.
        if (freed.status === 404) await request('POST', '/api/v1/namespaces', { metadata: { name: now.metadata.namespace } });
      }
      if (object.kind === 'Namespace') await request('PUT', `${at}/finalize`, { ...now, spec: { finalizers: [] } });
      if (Date.now() > limit) throw refused('remove', object, deleted);
      if (await get(object)) await sleep(30);
    }
  }

  return {
    request,
    path,
    get,
    async apply(...objects) {
      for (const object of objects) await applyOne(object);
    },
    remove,
  };
}

const groupPath = (apiVersion: string) => (apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`);

function refused(doing: string, object: ObjectRef, { status, body }: Answer): Error {
  const { namespace, name } = object.metadata;
  return new Error(
    `could not ${doing} ${object.kind} ${namespace ? `${namespace}/` : ''}${name}: ${status} ${body?.message ?? JSON.stringify(body)}`,
  );
}
