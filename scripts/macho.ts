// Mach-O, as far as signing ad hoc needs it: macOS on ARM runs nothing unsigned, and codesign exists only there. Thin 64-bit files, little endian.
// Layout: Apple's mach-o/loader.h and xnu osfmk/kern/cs_blobs.h.
import { createHash } from 'node:crypto';

const MAGIC_64 = 0xfeedfacf;
const CPU_ARM64 = 0x0100000c;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const HEADER_SIZE = 32;
const SIGNATURE_COMMAND_SIZE = 16;

const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const CODE_DIRECTORY_VERSION = 0x20400;
const CODE_DIRECTORY_SIZE = 88;
const ADHOC = 0x2;
const EXEC_SEG_MAIN_BINARY = 1n;
const SHA256 = 2;
const HASH_SIZE = 32;
const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
/** Slots before the pages: -1 Info.plist (none), -2 requirements. */
const SPECIAL_SLOTS = 2;
/** A requirement set and a CMS blob, both empty. */
const EMPTY_REQUIREMENTS = Buffer.from('fade0c010000000c00000000', 'hex');
const EMPTY_CMS = Buffer.from('fade0b0100000008', 'hex');
const BLOB_TYPES = { codeDirectory: 0, requirements: 2, cms: 0x10000 } as const;

interface Segment {
  name: string;
  /** Where its load command begins. */
  at: number;
  fileOffset: number;
  fileSize: number;
  /** File offset of its first section; 0 without sections. */
  firstSection: number;
}
interface Parsed {
  arm64: boolean;
  commands: number;
  commandBytes: number;
  segments: Segment[];
  signature: { offset: number; size: number } | undefined;
}

/** The file with an ad-hoc signature. It must not have one yet: what packs our program in drops the old. */
export function signAdHoc(file: Buffer, identifier: string): Buffer {
  const parsed = parse(file);
  if (parsed.signature) throw new Error('signing a Mach-O file: it is signed already');
  const text = segment(parsed, '__TEXT');
  const linkedit = segment(parsed, '__LINKEDIT');
  const room = text.firstSection - HEADER_SIZE - parsed.commandBytes;
  if (room < SIGNATURE_COMMAND_SIZE)
    throw new Error(`signing a Mach-O file: its header has ${room} bytes left, the signature needs ${SIGNATURE_COMMAND_SIZE}`);
  const limit = align(Math.max(file.length, linkedit.fileOffset + linkedit.fileSize), 16);
  const size = align(superBlobSize(limit, identifier), 16);
  const code = Buffer.alloc(limit);
  file.copy(code);
  addSignatureCommand(code, parsed, limit, size);
  growLinkedit(code, parsed, linkedit, limit + size);
  return Buffer.concat([code, superBlob(code, text, identifier, size)]);
}

/** How many of the signed pages do not have the hash that the signature says. Throws on a file without a signature. */
export function badPages(file: Buffer): number {
  const { signature } = parse(file);
  if (!signature || file.readUInt32BE(signature.offset) !== SUPER_BLOB) throw new Error('verifying a Mach-O file: it has no signature');
  const directory = signature.offset + file.readUInt32BE(signature.offset + 16);
  const hashes = directory + file.readUInt32BE(directory + 16);
  const pages = file.readUInt32BE(directory + 28);
  const limit = file.readUInt32BE(directory + 32);
  let bad = 0;
  for (let page = 0; page < pages; page++) {
    const expected = file.subarray(hashes + page * HASH_SIZE, hashes + (page + 1) * HASH_SIZE);
    if (!pageHash(file, page, limit).equals(expected)) bad++;
  }
  return bad;
}

function parse(file: Buffer): Parsed {
  if (file.length < HEADER_SIZE || file.readUInt32LE(0) !== MAGIC_64) throw new Error('reading a Mach-O file: it is not a thin 64-bit one');
  const parsed: Parsed = {
    arm64: file.readUInt32LE(4) === CPU_ARM64,
    commands: file.readUInt32LE(16),
    commandBytes: file.readUInt32LE(20),
    segments: [],
    signature: undefined,
  };
  let at = HEADER_SIZE;
  for (let index = 0; index < parsed.commands; index++) {
    const command = file.readUInt32LE(at);
    if (command === LC_SEGMENT_64) parsed.segments.push(readSegment(file, at));
    if (command === LC_CODE_SIGNATURE) parsed.signature = { offset: file.readUInt32LE(at + 8), size: file.readUInt32LE(at + 12) };
    at += file.readUInt32LE(at + 4);
  }
  return parsed;
}

function readSegment(file: Buffer, at: number): Segment {
  const sections = file.readUInt32LE(at + 64);
  return {
    name: file.toString('latin1', at + 8, at + 24).replace(/\0.*$/, ''),
    at,
    fileOffset: Number(file.readBigUInt64LE(at + 40)),
    fileSize: Number(file.readBigUInt64LE(at + 48)),
    firstSection: sections > 0 ? file.readUInt32LE(at + 72 + 48) : 0,
  };
}

function segment(parsed: Parsed, name: string): Segment {
  const found = parsed.segments.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`reading a Mach-O file: it has no segment ${name}`);
  return found;
}

function addSignatureCommand(code: Buffer, parsed: Parsed, offset: number, size: number): void {
  const end = HEADER_SIZE + parsed.commandBytes;
  code.writeUInt32LE(LC_CODE_SIGNATURE, end);
  code.writeUInt32LE(SIGNATURE_COMMAND_SIZE, end + 4);
  code.writeUInt32LE(offset, end + 8);
  code.writeUInt32LE(size, end + 12);
  code.writeUInt32LE(parsed.commands + 1, 16);
  code.writeUInt32LE(parsed.commandBytes + SIGNATURE_COMMAND_SIZE, 20);
}

/** The signature is the end of __LINKEDIT; in memory a segment ends with a page, of 16 KiB on ARM. */
function growLinkedit(code: Buffer, parsed: Parsed, linkedit: Segment, end: number): void {
  const fileSize = end - linkedit.fileOffset;
  code.writeBigUInt64LE(BigInt(align(fileSize, parsed.arm64 ? 0x4000 : 0x1000)), linkedit.at + 32);
  code.writeBigUInt64LE(BigInt(fileSize), linkedit.at + 48);
}

function codeDirectorySize(limit: number, identifier: string): number {
  return CODE_DIRECTORY_SIZE + identifier.length + 1 + (SPECIAL_SLOTS + Math.ceil(limit / PAGE)) * HASH_SIZE;
}

function superBlobSize(limit: number, identifier: string): number {
  return 12 + 3 * 8 + codeDirectorySize(limit, identifier) + EMPTY_REQUIREMENTS.length + EMPTY_CMS.length;
}

function superBlob(code: Buffer, text: Segment, identifier: string, size: number): Buffer {
  const parts: [number, Buffer][] = [
    [BLOB_TYPES.codeDirectory, codeDirectory(code, text, identifier)],
    [BLOB_TYPES.requirements, EMPTY_REQUIREMENTS],
    [BLOB_TYPES.cms, EMPTY_CMS],
  ];
  const blob = Buffer.alloc(size);
  blob.writeUInt32BE(SUPER_BLOB, 0);
  blob.writeUInt32BE(superBlobSize(code.length, identifier), 4);
  blob.writeUInt32BE(parts.length, 8);
  let at = 12 + parts.length * 8;
  for (const [index, [type, part]] of parts.entries()) {
    blob.writeUInt32BE(type, 12 + 8 * index);
    blob.writeUInt32BE(at, 16 + 8 * index);
    part.copy(blob, at);
    at += part.length;
  }
  return blob;
}

function codeDirectory(code: Buffer, text: Segment, identifier: string): Buffer {
  const pages = Math.ceil(code.length / PAGE);
  const directory = Buffer.alloc(codeDirectorySize(code.length, identifier));
  const hashes = CODE_DIRECTORY_SIZE + identifier.length + 1 + SPECIAL_SLOTS * HASH_SIZE;
  const fields = [
    CODE_DIRECTORY,
    directory.length,
    CODE_DIRECTORY_VERSION,
    ADHOC,
    hashes,
    CODE_DIRECTORY_SIZE,
    SPECIAL_SLOTS,
    pages,
    code.length,
  ];
  for (const [index, value] of fields.entries()) directory.writeUInt32BE(value, 4 * index);
  directory.set([HASH_SIZE, SHA256, 0, PAGE_BITS], 36);
  directory.writeBigUInt64BE(BigInt(text.fileOffset), 64);
  directory.writeBigUInt64BE(BigInt(text.fileSize), 72);
  directory.writeBigUInt64BE(EXEC_SEG_MAIN_BINARY, 80);
  directory.write(identifier, CODE_DIRECTORY_SIZE, 'latin1');
  sha256(EMPTY_REQUIREMENTS).copy(directory, hashes - 2 * HASH_SIZE);
  for (let page = 0; page < pages; page++) pageHash(code, page, code.length).copy(directory, hashes + page * HASH_SIZE);
  return directory;
}

function pageHash(file: Buffer, page: number, limit: number): Buffer {
  return sha256(file.subarray(page * PAGE, Math.min((page + 1) * PAGE, limit)));
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
