// Certificates for tests, encoded in DER without a library (RFC 5280): any name, any dates, in a millisecond, with nothing but node:crypto.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';

export interface Certificate {
  /** PEM. */
  cert: string;
  key: string;
}
export interface Wanted {
  /** Common name. */
  name: string;
  organisation?: string;
  /** DNS names and addresses. */
  hosts?: string[];
  from?: Date;
  until?: Date;
}
export interface Authority extends Certificate {
  issue(wanted: Wanted): Certificate;
  /** An authority below this one. */
  delegate(name: string): Authority;
}

const DAY = 86_400_000;

export function authority(name: string): Authority {
  return authorityOf(name);
}

interface Issuer {
  name: string;
  key: KeyObject;
}

function authorityOf(name: string, above?: Issuer): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const self = { name, key: privateKey };
  return {
    cert: certificate({ name }, publicKey, above ?? self, true),
    key: pemOf(privateKey),
    issue(wanted) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      return { cert: certificate(wanted, pair.publicKey, self, false), key: pemOf(pair.privateKey) };
    },
    delegate: (below) => authorityOf(below, self),
  };
}

const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;

// ---- X.509 ----------------------------------------------------------------------------------------------------------

let serial = 0;

function certificate(wanted: Wanted, subjectKey: KeyObject, issuer: Issuer, isAuthority: boolean): string {
  const { from = new Date(Date.now() - DAY), until = new Date(Date.now() + DAY) } = wanted;
  const signed = sequence(
    explicit(0, integer(2)),
    integer(++serial),
    ECDSA_SHA256,
    nameOf({ name: issuer.name }),
    sequence(time(from), time(until)),
    nameOf(wanted),
    subjectKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions(wanted, isAuthority))),
  );
  const whole = sequence(signed, ECDSA_SHA256, bits(sign('sha256', signed, issuer.key)));
  return `-----BEGIN CERTIFICATE-----\n${whole
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`;
}

function nameOf({ name, organisation }: Wanted): Buffer {
  const part = (oid: number[], value: string) => tlv(0x31, sequence(object(oid), tlv(0x0c, Buffer.from(value))));
  return sequence(...(organisation ? [part([2, 5, 4, 10], organisation)] : []), part([2, 5, 4, 3], name));
}

function extensions({ hosts = [] }: Wanted, isAuthority: boolean): Buffer[] {
  if (isAuthority) return [sequence(object([2, 5, 29, 19]), TRUE, tlv(0x04, sequence(TRUE)))];
  const names = hosts.map((host) => (isIP(host) ? tlv(0x87, addressBytes(host)) : tlv(0x82, Buffer.from(host))));
  const usage = sequence(object([2, 5, 29, 37]), tlv(0x04, sequence(object(SERVER_AUTH), object(CLIENT_AUTH))));
  return [usage, ...(names.length ? [sequence(object([2, 5, 29, 17]), tlv(0x04, sequence(...names)))] : [])];
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const words = (text: string) => text.split(':').filter(Boolean);
  const last = words(tail ?? '');
  const all = [...words(head), ...Array<string>(8 - words(head).length - last.length).fill('0'), ...last];
  return Buffer.from(all.flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 255]));
}

// ---- DER ------------------------------------------------------------------------------------------------------------

const SERVER_AUTH = [1, 3, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH = [1, 3, 6, 1, 5, 5, 7, 3, 2];
const TRUE = Buffer.from([0x01, 0x01, 0xff]);
const ECDSA_SHA256 = sequence(object([1, 2, 840, 10045, 4, 3, 2]));

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tlv(0x30, ...parts);
}

function explicit(tag: number, part: Buffer): Buffer {
  return tlv(0xa0 + tag, part);
}

/** Below 2^15. */
function integer(value: number): Buffer {
  return tlv(0x02, Buffer.from(value < 128 ? [value] : [value >> 8, value & 255]));
}

function bits(value: Buffer): Buffer {
  return tlv(0x03, Buffer.from([0]), value);
}

function object([first = 0, second = 0, ...rest]: number[]): Buffer {
  const seven = (value: number): number[] => (value < 128 ? [value] : [...seven(value >> 7).map((byte) => byte | 128), value & 127]);
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(seven)]));
}

/** UTCTime: the years 1950 to 2049. */
function time(date: Date): Buffer {
  return tlv(0x17, Buffer.from(date.toISOString().replace(/^\d\d|[-:T]|\.\d+/g, '')));
}
