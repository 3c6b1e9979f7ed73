// Mach-O signing and PE unsigning, on small files made here.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { badPages, signAdHoc } from '../../scripts/macho.ts';
import { certificateTable, withoutSignature } from '../../scripts/pe.ts';

/** __TEXT with one section, and __LINKEDIT at the end; `room`: bytes between the load commands and the section. */
function machO({ arm64 = true, room = 512, linkedit = Buffer.from('symbols') } = {}): Buffer {
  const commands = 72 + 80 + 72;
  const section = 32 + commands + room;
  const text = Math.ceil((section + 64) / 0x4000) * 0x4000;
  const file = Buffer.alloc(text + linkedit.length);
  const header = [0xfeedfacf, arm64 ? 0x0100000c : 0x01000007, 0, 2, 2, commands];
  for (const [index, value] of header.entries()) file.writeUInt32LE(value, 4 * index);
  segment(file, 32, '__TEXT', 0, text, 1);
  file.write('__text', 32 + 72, 'latin1');
  file.writeUInt32LE(section, 32 + 72 + 48);
  segment(file, 32 + 72 + 80, '__LINKEDIT', text, linkedit.length, 0);
  linkedit.copy(file, text);
  return file;
}

function segment(file: Buffer, at: number, name: string, offset: number, size: number, sections: number): void {
  file.writeUInt32LE(0x19, at);
  file.writeUInt32LE(72 + 80 * sections, at + 4);
  file.write(name, at + 8, 'latin1');
  file.writeBigUInt64LE(BigInt(offset), at + 40);
  file.writeBigUInt64LE(BigInt(size), at + 48);
  file.writeUInt32LE(sections, at + 64);
}

describe('Mach-O', () => {
  it('is signed so that every page has its hash, whatever its length', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 20_000 }), (arm64, linkedit) => {
        const plain = machO({ arm64, linkedit: Buffer.from(linkedit) });
        const signed = signAdHoc(plain, 'upgrade-guard');
        expect(badPages(signed)).toBe(0);
        expect(signed.subarray(0x2000, plain.length - linkedit.length)).toEqual(plain.subarray(0x2000, plain.length - linkedit.length));
      }),
      { numRuns: 30 },
    );
  });

  it('ends with __LINKEDIT, which ends with the signature', () => {
    const signed = signAdHoc(machO(), 'upgrade-guard');
    const linkedit = 32 + 72 + 80;
    const end = Number(signed.readBigUInt64LE(linkedit + 40) + signed.readBigUInt64LE(linkedit + 48));
    expect(end).toBe(signed.length);
    expect(Number(signed.readBigUInt64LE(linkedit + 32)) % 0x4000).toBe(0);
    const command = 32 + 72 + 80 + 72;
    expect([signed.readUInt32LE(command), signed.readUInt32LE(command + 8) + signed.readUInt32LE(command + 12)]).toEqual([
      0x1d,
      signed.length,
    ]);
  });

  it('one changed byte is one bad page', () => {
    const signed = signAdHoc(machO(), 'upgrade-guard');
    signed[0x2001]! ^= 1;
    expect(badPages(signed)).toBe(1);
  });

  it('is refused when there is no room, when it is signed, when it is something else', () => {
    expect(() => signAdHoc(machO({ room: 8 }), 'x')).toThrow('its header has 8 bytes left');
    expect(() => signAdHoc(signAdHoc(machO(), 'x'), 'x')).toThrow('signed already');
    expect(() => signAdHoc(Buffer.from('\x7fELF'.padEnd(64)), 'x')).toThrow('not a thin 64-bit one');
    expect(() => badPages(machO())).toThrow('no signature');
  });
});

/** Headers, 100 bytes of code, and a signature of `certificate` bytes. */
function pe(certificate: number): Buffer {
  const file = Buffer.alloc(512 + 100 + certificate, 7);
  file.fill(0, 0, 512);
  file.writeUInt32LE(128, 0x3c);
  file.write('PE\0\0', 128, 'latin1');
  file.writeUInt16LE(0x20b, 128 + 24);
  file.writeUInt32LE(0xdead, 128 + 24 + 64);
  if (certificate > 0) file.writeUInt32LE(612, 128 + 24 + 144);
  file.writeUInt32LE(certificate, 128 + 24 + 148);
  return file;
}

describe('PE', () => {
  it('loses its signature, its checksum and nothing else', () => {
    const plain = withoutSignature(pe(40));
    expect(certificateTable(plain)).toMatchObject({ offset: 0, size: 0 });
    const expected = pe(0);
    expected.writeUInt32LE(0, 128 + 24 + 64);
    expect(createHash('sha256').update(plain).digest('hex')).toBe(createHash('sha256').update(expected).digest('hex'));
  });
  it('without one stays as it is', () => expect(withoutSignature(pe(0))).toEqual(pe(0)));
  it('is refused when the signature is not at its end', () => {
    expect(() => withoutSignature(Buffer.concat([pe(40), Buffer.alloc(8)]))).toThrow('not at the end');
    expect(() => withoutSignature(Buffer.alloc(512))).toThrow('not a PE32+ one');
  });
});
