// Redaction: no planted secret survives, and what verdicts hang on does.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  looksSecret,
  REDACTED,
  redact,
  redactArguments,
  redactCommand,
  redactLabel,
  redactMarked,
  redactText,
} from '../../src/text/redact.ts';

describe('looksSecret', () => {
  it.each(
    'password PASSWORD db_passwd rootPwd apiToken token bearerToken secret clientSecret apikey apiKey api_key privateKey private-key tls.key tlsKey tlsCert credentials auth registryAuth accessKey secret_access_key client-key-data MYSQL_ROOT_PASSWORD signingKey secret_id dockerconfigjson.auth passphrase'.split(
      ' ',
    ),
  )('%s does', (key) => {
    expect(looksSecret(key)).toBe(true);
  });

  it.each(
    'secretName existingSecretName passwordFile tokenTTL author authority monkey key keyboard tolerationKey topologyKey image tokenExpirationSeconds secretRef labels compass bypass caBundle authorization-mode service-account-issuer nodeSelector enableIPv4'.split(
      ' ',
    ),
  )('%s does not', (key) => {
    expect(looksSecret(key)).toBe(false);
  });
});

describe('redactText', () => {
  const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl';
  it.each([
    ['password: hunter2', `password: ${REDACTED}`],
    ['  db_password = "hunter 2"', `  db_password = "${REDACTED}"`],
    ['{"token": "abc", "user": "me"}', `{"token": "${REDACTED}", "user": "me"}`],
    ["- apiKey: 'it''s'", `- apiKey: '${REDACTED}'`],
    ['--token=abc --node-ip 10.0.0.1', `--token=${REDACTED} --node-ip 10.0.0.1`],
    ['run --token abc now', `run --token ${REDACTED} now`],
    ['postgres://me:p@ss@db:5432/x', `postgres://${REDACTED}@db:5432/x`],
    ['root:hunter2@tcp(db:3306)/x', `${REDACTED}@tcp(db:3306)/x`],
    ['Authorization: Bearer abcdef123456', `Authorization: ${REDACTED} ${REDACTED}`],
    [`t=${JWT}!`, `t=${REDACTED}!`],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest', `${REDACTED}\nrest`],
    ['key: |\n  secret text\npassword: |\n  line1\n  line2\nnext: 1', `key: |\n  secret text\npassword: ${REDACTED}\nnext: 1`],
    ['x AKIAIOSFODNN7EXAMPLE y', `x ${REDACTED} y`],
    ['join abcdef.0123456789abcdef', `join ${REDACTED}`],
    ['k: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', `k: ${REDACTED}`],
    ['k: Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdIaUprTG1Ob1A=', `k: ${REDACTED}`],
  ])('%j becomes %j', (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  it.each([
    'enableIPv4: true\nipamMode: "auto"\nmetricsPort: 5711',
    'automountServiceAccountToken: false',
    'secretName: my-tls',
    'image: registry.example.com/a/b@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'serverAddress: https://10.0.0.1:6443/path@x',
    'time="2023-08-17T15:40:00Z" level=info msg="node/ip-172-31-0-16 cordoned"',
    'path: /var/lib/kubelet/device-plugins/kubelet_internal_checkpoint',
    'uid: 200ed6aa-af09-4698-aa28-d3f2c25ccdbb',
    'cidr: fd00:10:96::/112, 10.244.0.0/16',
    'the basic authentication of that server failed',
  ])('%j stays', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('is quick on hostile text', () => {
    const began = performance.now();
    for (const part of ['a:', '"', '--a ', '-----BEGIN A-----', 'password: ', 'x://', 'eyJ', ' '.repeat(50), 'a'.repeat(50), "'"])
      redactText(part.repeat(20_000));
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

it('redactMarked leaves alone what only looks random', () => {
  const text = 'latestHash: 0d1c7a1ff2b5d3c0e3a1f5e7c9b2d4f6a8c0e2d4f6a8b0c2d4e6f8a0';
  expect(redactMarked(text)).toBe(text);
  expect(redactMarked('http://u:p@h/')).toBe(`http://${REDACTED}@h/`);
});

describe('redact', () => {
  it('keeps keys, shapes, booleans and nulls', () => {
    expect(
      redact({
        auth: { enabled: true, username: 'me', list: ['a', 1], none: null },
        image: { tag: 'v1' },
        password: 12345,
        extra: ['--password', 'x', 'y'],
      }),
    ).toEqual({
      auth: { enabled: true, username: REDACTED, list: [REDACTED, REDACTED], none: null },
      image: { tag: 'v1' },
      password: REDACTED,
      extra: ['--password', REDACTED, 'y'],
    });
  });

  it('takes out whatever stands under a secret key, and doing it twice changes nothing', () => {
    const canary = fc.string({ minLength: 3, maxLength: 10 }).map((text) => `CANARY${text}`);
    fc.assert(
      fc.property(canary, fc.constantFrom('password', 'apiToken', 'client_secret', 'tls.key'), fc.jsonValue(), (secret, key, other) => {
        const value = { other, deep: [{ [key]: secret, nested: { [key]: { any: [secret] } } }] } as never;
        const once = redact(value);
        expect(JSON.stringify(once)).not.toContain('CANARY');
        expect(redact(once)).toEqual(once);
      }),
    );
  });

  it('does not trip over __proto__', () => {
    const value = JSON.parse('{"__proto__": {"password": "x"}, "a": 1}');
    expect(JSON.stringify(redact(value))).toBe(`{"__proto__":{"password":"${REDACTED}"},"a":1}`);
    expect(({} as { password?: string }).password).toBeUndefined();
  });
});

it('redactArguments pairs a flag with its value', () => {
  expect(redactArguments(['server', '--token', 'x', '--token=y', '--password', '--debug', '-v', '5'])).toEqual([
    'server',
    '--token',
    REDACTED,
    `--token=${REDACTED}`,
    '--password',
    '--debug',
    '-v',
    '5',
  ]);
});

it('redactCommand keeps the program, flags, and values that say nothing', () => {
  expect(redactCommand(['/bin/app', '--debug', '--port=80', '--within', '30s', '-v', '5', '--dsn=x', '-pword', 'word'], true)).toEqual([
    '/bin/app',
    '--debug',
    '--port=80',
    '--within',
    '30s',
    '-v',
    '5',
    `--dsn=${REDACTED}`,
    REDACTED,
    REDACTED,
  ]);
  expect(redactCommand(['hunter2', '--token', 'x'], false)).toEqual([REDACTED, '--token', REDACTED]);
});

it('redactLabel keeps what verdicts hang on', () => {
  const hash = '0d1c7a1ff2b5d3c0e3a1f5e7c9b2d4f6a8c0e2d4f6a8b0c2d4e6f8a0';
  expect(redactLabel('plan.upgrade.cattle.io/token-plan', hash)).toBe(hash);
  expect(redactLabel('pod-template-hash', hash)).toBe(hash);
  expect(redactLabel('app.kubernetes.io/name', 'spiderpool')).toBe('spiderpool');
  expect(redactLabel('example.com/password', 'hunter2')).toBe(REDACTED);
  expect(redactLabel('team', 'Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdIaUprTG1Ob1A')).toBe(REDACTED);
});

it('PEM blocks go, certificates too; a beginning alone does not take the rest with it', () => {
  expect(redactMarked('a\n-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\nb')).toBe(`a\n${REDACTED}\nb`);
  expect(redactMarked('begins with -----BEGIN CERTIFICATE-----, then more')).toBe('begins with -----BEGIN CERTIFICATE-----, then more');
  expect(redactMarked('https://h/x?a=1&token=abc&b=2')).toBe(`https://h/x?a=1&token=${REDACTED}&b=2`);
});
