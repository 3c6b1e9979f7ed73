// Which requests go through a proxy, as Go's httpproxy decides; and kubectl's durations.
import { describe, expect, test } from 'vitest';
import { requestTimeout } from '../../src/cluster/duration.ts';
import { proxyFromEnv } from '../../src/cluster/proxy.ts';

const through = (server: string, NO_PROXY = '') =>
  proxyFromEnv(new URL(server), { HTTPS_PROXY: 'http://p:3128', HTTP_PROXY: 'q:8080', NO_PROXY })?.href;

describe('the environment', () => {
  test('names a proxy per scheme, in either case, with http as the default scheme', () => {
    expect(through('https://api.example.com')).toBe('http://p:3128/');
    expect(through('http://api.example.com')).toBe('http://q:8080/');
    expect(proxyFromEnv(new URL('https://a.b'), { https_proxy: 'https://low:1' })?.href).toBe('https://low:1/');
    expect(proxyFromEnv(new URL('https://a.b'), {})).toBeUndefined();
  });
  test('that names something else is an error without its password', () => {
    expect(() => proxyFromEnv(new URL('https://a.b'), { HTTPS_PROXY: 'ftp://me:secret@p' })).toThrow(
      /^HTTPS_PROXY: ftp:\/\/p is not an http/,
    );
  });
  test('is not asked for loopback', () => {
    for (const server of ['https://localhost:6443', 'https://127.0.0.1:6443', 'https://127.9.9.9', 'https://[::1]:6443'])
      expect(through(server)).toBeUndefined();
  });
  test.each([
    ['https://api.example.com', '*', true],
    ['https://api.example.com', 'example.com', true],
    ['https://example.com', 'example.com', true],
    ['https://notexample.com', 'example.com', false],
    ['https://example.com', '.example.com', false],
    ['https://api.example.com', '.example.com', true],
    ['https://api.example.com', '*.example.com', true],
    ['https://api.example.com:6443', 'x, api.example.com:6443', true],
    ['https://api.example.com', 'api.example.com:6443', false],
    ['https://api.example.com', 'EXAMPLE.COM', true],
    ['https://10.1.2.3:6443', '10.0.0.0/8', true],
    ['https://11.1.2.3:6443', '10.0.0.0/8', false],
    ['https://10.1.2.3:6443', '10.1.2.3', true],
    ['https://10.1.2.3:6443', '10.1.2.3:6443', true],
    ['https://10.1.2.3:6443', '10.1.2.3:443', false],
    ['https://[fd00::1]:6443', 'fd00::/8', true],
    ['https://[fd00::1]:6443', '10.0.0.0/8', false],
    ['https://10.1.2.3', '10.0.0.0/99', false],
    ['https://api.example.com', ',', false],
  ])('%s with NO_PROXY=%s: spared %s', (server, noProxy, spared) => {
    expect(through(server, noProxy) === undefined).toBe(spared);
  });
});

describe('--request-timeout', () => {
  test.each([
    [undefined, 0],
    ['0', 0],
    ['0s', 0],
    ['30', 30_000],
    ['30s', 30_000],
    ['1m', 60_000],
    ['1h2m3.5s', 3_723_500],
    ['250ms', 250],
    ['1ns', 1],
  ])('%s is %d ms', (text, ms) => expect(requestTimeout(text)).toBe(ms));
  test.each(['-1', '1d', '5 s', 's', '1s2', 'ten'])('%s is an error', (text) =>
    expect(() => requestTimeout(text)).toThrow('not a duration'),
  );
});
