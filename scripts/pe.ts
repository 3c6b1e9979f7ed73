// PE, as far as taking a signature off needs it: node.exe is signed, and what packs our program in would leave that signature pointing at other bytes.
// Layout: Microsoft's "PE Format". PE32+ only.

const PE32_PLUS = 0x20b;
const AT_PE_HEADER = 0x3c;
/** After the signature "PE\0\0" and the COFF header. */
const OPTIONAL_HEADER = 24;
const CHECKSUM = 64;
/** The fifth data directory, of 8 bytes each, which begin 112 bytes into a PE32+ optional header. */
const CERTIFICATE_TABLE = 112 + 4 * 8;

/** The file without its Authenticode signature, which must be its end; as it was when it has none. */
export function withoutSignature(file: Buffer): Buffer {
  const { offset, size, optional } = certificateTable(file);
  if (offset === 0) return file;
  if (offset + size !== file.length) throw new Error('unsigning a PE file: its signature is not at the end');
  const plain = Buffer.from(file.subarray(0, offset));
  plain.writeUInt32LE(0, optional + CERTIFICATE_TABLE);
  plain.writeUInt32LE(0, optional + CERTIFICATE_TABLE + 4);
  plain.writeUInt32LE(0, optional + CHECKSUM);
  return plain;
}

/** Where the signature begins and how long it is; 0 and 0 without one. `optional`: where the optional header begins. */
export function certificateTable(file: Buffer): { offset: number; size: number; optional: number } {
  const optional = file.readUInt32LE(AT_PE_HEADER) + OPTIONAL_HEADER;
  if (
    file.toString('latin1', optional - OPTIONAL_HEADER, optional - OPTIONAL_HEADER + 4) !== 'PE\0\0' ||
    file.readUInt16LE(optional) !== PE32_PLUS
  ) {
    throw new Error('reading a PE file: it is not a PE32+ one');
  }
  return { offset: file.readUInt32LE(optional + CERTIFICATE_TABLE), size: file.readUInt32LE(optional + CERTIFICATE_TABLE + 4), optional };
}
