// Helm's release records: decoding what Helm writes within bounds, and writing them again without secrets.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Raw } from '../../src/engine/contracts.ts';
import { redactManifest, redactRelease } from '../../src/helm/redact-release.ts';
import { decodeRelease, encodeRelease, type Release } from '../../src/helm/release.ts';

const MANIFEST = `---
# Source: app/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata:
  name: db
type: Opaque
data:
  password: Q0FOQVJZ
stringData:
  user: CANARY-user
---
# Source: app/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: conf
data:
  app.yaml: |
    logLevel: info
    password: CANARY-config
---
# Source: app/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
spec:
  template:
    spec:
      containers:
        - name: app
          image: registry/app:v1
          args: ["--token", "CANARY-arg", "--port=80"]
          env:
            - name: PLAIN
              value: |
                CANARY-env
            - name: REF
              valueFrom: {secretKeyRef: {name: db, key: password}}
---
# Source: app/templates/service.yaml
apiVersion: v1
kind: Service   # kept to the letter
metadata: {name:   app}
`;

const record = (): Raw => ({
  name: 'app',
  namespace: 'shop',
  version: 7,
  info: { status: 'deployed', notes: 'The password is CANARY-notes', first_deployed: '', description: 'Upgrade complete' },
  chart: {
    metadata: { name: 'app-chart', version: '1.2.3', appVersion: 'v9' },
    values: { auth: { password: 'CANARY-default', enabled: true }, replicas: 2, url: 'amqp://u:CANARY-url@q/' },
    templates: [{ name: 'templates/secret.yaml', data: Buffer.from('password: {{ .Values.auth.password }}').toString('base64') }],
    files: [{ name: 'files/app.properties', data: Buffer.from('db.password=CANARY-file').toString('base64') }],
  },
  config: { auth: { password: 'CANARY-set' }, ipam: { enableIPv4: true, token: 'CANARY-token' } },
  manifest: MANIFEST,
  hooks: [
    {
      name: 'hook',
      kind: 'Secret',
      events: ['pre-install'],
      manifest: 'apiVersion: v1\nkind: Secret\nmetadata: {name: h}\nstringData: {a: CANARY-hook}\n',
    },
  ],
});
const secret = (release: string): Raw => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'sh.helm.release.v1.app.v7' },
  data: { release },
});
const decoded = (object: Raw): Release => {
  const release = decodeRelease(object);
  if ('why' in release) throw new Error(release.why);
  return release;
};
const twice = (bytes: Buffer) => Buffer.from(bytes.toString('base64')).toString('base64');

describe('decodeRelease', () => {
  it('reads what Helm writes: Secret and ConfigMap, with gzip and without', () => {
    const plain = Buffer.from(JSON.stringify(record()));
    const ways = [
      secret(twice(gzipSync(plain))),
      secret(twice(plain)),
      { ...secret(gzipSync(plain).toString('base64')), kind: 'ConfigMap' },
      { ...secret(plain.toString('base64')), kind: 'ConfigMap' },
      secret(encodeRelease(record(), 'Secret')),
      { ...secret(encodeRelease(record(), 'ConfigMap')), kind: 'ConfigMap' },
    ];
    for (const object of ways) {
      const release = decoded(object);
      expect(release).toMatchObject({
        name: 'app',
        namespace: 'shop',
        version: 7,
        status: 'deployed',
        config: record().config,
        manifest: MANIFEST,
      });
      const values = (record().chart as Raw).values;
      expect(release.chart).toEqual({
        name: 'app-chart',
        version: '1.2.3',
        appVersion: 'v9',
        values,
        read: ['auth.password'],
        dependencies: [],
      });
      expect(release.hooks.length).toBe(1);
      expect(release.raw).toEqual(record());
    }
  });

  it.each([
    ['no data', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }, 'no data.release'],
    ['not base64', secret('%%%'), 'not base64'],
    ['not JSON', secret(twice(Buffer.from('hello'))), 'JSON'],
    ['no object', secret(twice(Buffer.from('[1]'))), 'not an object'],
    ['no name', secret(twice(Buffer.from('{"version":1}'))), 'no name'],
    ['broken gzip', secret(twice(gzipSync('{}').subarray(0, 12))), 'unexpected end of file'],
    ['too deep', secret(twice(gzipSync(`${'['.repeat(100_000)}`))), 'nested deeper'],
    ['a bomb', secret(twice(gzipSync(Buffer.alloc(65 * 1024 * 1024)))), 'larger than 64 MiB when unpacked'],
    ['too large', secret(Buffer.alloc(5 * 1024 * 1024, 'A').toString('latin1')), 'larger than 2097152 bytes'],
  ])('says why not: %s', (_, object, why) => {
    expect(decodeRelease(object as Raw)).toEqual({ why: expect.stringContaining(why) });
  });

  it('does not trip over __proto__', () => {
    const text = '{"name":"a","version":1,"__proto__":{"namespace":"evil"},"chart":{"__proto__":{"metadata":{"name":"evil"}}}}';
    expect(decoded(secret(twice(Buffer.from(text))))).toMatchObject({ namespace: '', chart: { name: '' } });
  });
});

describe('redactRelease', () => {
  const clean = redactRelease(decoded(secret(encodeRelease(record(), 'Secret'))));
  it('leaves no secret', () => {
    expect(JSON.stringify(clean)).not.toContain('CANARY');
    expect(JSON.stringify(clean)).not.toContain(Buffer.from('CANARY').toString('base64').slice(0, 8));
    const file = ((clean.chart as Raw).files as Raw[])[0]?.data as string;
    expect(Buffer.from(file, 'base64').toString()).toBe('db.password=REDACTED');
  });

  it('keeps what verdicts hang on', () => {
    expect(clean).toMatchObject({ name: 'app', version: 7, info: { status: 'deployed', description: 'Upgrade complete' } });
    expect(clean.config).toEqual({
      // The default is redacted as well, and a check must see that this is another.
      auth: { password: 'REDACTED (not the default)' },
      ipam: { enableIPv4: true, token: 'REDACTED' },
    });
    expect((clean.chart as Raw).templates).toEqual((record().chart as Raw).templates);
    const documents = parseAllDocuments(clean.manifest as string).map((document) => document.toJS());
    expect(documents.map(({ kind }) => kind)).toEqual(['Secret', 'ConfigMap', 'Deployment', 'Service']);
    expect(documents[0].data).toEqual({ password: '' });
    expect(documents[1].data['app.yaml']).toContain('logLevel: info');
    expect(documents[2].spec.template.spec.containers[0]).toMatchObject({
      image: 'registry/app:v1',
      args: ['--token', 'REDACTED', '--port=80'],
    });
    expect(documents[2].spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef.name).toBe('db');
    expect(clean.manifest).toContain('# Source: app/templates/deployment.yaml');
    expect(clean.manifest).toContain('kind: Service   # kept to the letter\nmetadata: {name:   app}\n');
  });

  it.each<[string, Raw, Raw]>([
    ['a text where the chart has one stays', { mode: 'overlay', ipv4: '' }, { mode: 'overlay', ipv4: '' }],
    [
      'under any other key it goes',
      { x: 'CANARY', deep: { y: 'CANARY' }, cert: 'CANARY' },
      { x: 'REDACTED', deep: { y: 'REDACTED' }, cert: 'REDACTED' },
    ],
    ['and where the chart has a map or a list', { labels: 'CANARY', hosts: 'CANARY' }, { labels: 'REDACTED', hosts: 'REDACTED' }],
    ['and below a map that takes any key', { labels: { team: 'CANARY', on: true } }, { labels: { team: 'REDACTED', on: true } }],
    ['a list is the default or is not read', { hosts: ['a', 'CANARY', 1] }, { hosts: ['REDACTED', 'REDACTED', 1] }],
    ['the same list as the default stays', { hosts: ['a'] }, { hosts: ['a'] }],
    [
      'environments go, also where the chart has them',
      { env: { FOO: 'CANARY', PIN: 4711 } },
      { env: { FOO: 'REDACTED (not the default)', PIN: 'REDACTED' } },
    ],
    ['the same of lists of variables', { vars: [{ name: 'A', value: 'CANARY' }] }, { vars: [{ name: 'REDACTED', value: 'REDACTED' }] }],
    ['a credential in the place of a text goes', { mode: 'postgres://u:CANARY@h/x' }, { mode: 'postgres://REDACTED@h/x' }],
  ])('settings: %s', (_, config, expected) => {
    const values = {
      mode: 'auto',
      ipv4: '10.0.0.0',
      labels: {},
      hosts: ['a'],
      env: { FOO: 'CANARY-default' },
      vars: [{ name: 'A', value: 'CANARY-own' }],
    };
    const raw = { ...record(), chart: { ...(record().chart as Raw), values }, config };
    const redacted = redactRelease(decoded(secret(encodeRelease(raw, 'Secret'))));
    expect(redacted.config).toEqual(expected);
    expect((redacted.chart as Raw).values).toEqual({ ...values, env: { FOO: 'REDACTED' }, vars: [{ name: 'A', value: 'REDACTED' }] });
    expect(redactRelease(decoded(secret(encodeRelease(redacted, 'Secret'))))).toEqual(redacted);
  });

  it.each([
    ['Install complete', 'Install complete'],
    ['Rollback to 3', 'Rollback to 3'],
    ['Upgrade "app" failed: cannot patch: token CANARY', 'Upgrade "app" failed'],
    ['deployed by hand, CANARY', 'REDACTED'],
    ['Upgrade complete CANARY', 'REDACTED'],
    ['', ''],
  ])('description: %j', (description, kept) => {
    const raw = { ...record(), info: { ...(record().info as Raw), description } };
    expect(redactRelease(decoded(secret(encodeRelease(raw, 'Secret')))).info).toMatchObject({ description: kept });
  });

  it('is the same again, to the byte', () => {
    const again = redactRelease(decoded(secret(encodeRelease(clean, 'Secret'))));
    expect(again).toEqual(clean);
    expect(encodeRelease(again, 'Secret')).toBe(encodeRelease(clean, 'Secret'));
  });
});

describe('redactManifest', () => {
  it('finds Secrets in every notation', () => {
    for (const text of [
      '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"stringData":{"x":"CANARY"}}',
      'apiVersion: v1\nkind: "Secret"\nmetadata: {name: a}\nstringData: {x: CANARY}',
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n  data: {x: CANARY}',
      "kind:   'Secret'\napiVersion: v1\nstringData:\n  x: >-\n    CANARY\n",
    ])
      expect(redactManifest(`---\n${text}\n`)).not.toContain('CANARY');
  });

  it('leaves out what it cannot read', () => {
    const left = redactManifest('---\nkind: Secret\nstringData:\n  x: "CANARY\n---\nkind: Service\n');
    expect(left).not.toContain('CANARY');
    expect(left).toContain('# left out');
    expect(left).toContain('kind: Service');
    const aliases = `kind: Secret\na: &a [x]\n${Array.from({ length: 9 }, (_, n) => `b${n}: &b${n} [${`*${n === 0 ? 'a' : `b${n - 1}`},`.repeat(9)}]`).join('\n')}\nx: CANARY`;
    expect(redactManifest(aliases)).not.toContain('CANARY');
  });
});
