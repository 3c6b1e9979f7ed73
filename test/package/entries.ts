// What a .tar.gz holds.
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';

export interface Entry {
  header: Header;
  bytes: Buffer;
}

export async function entriesOf(file: string): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of Readable.from([gunzipSync(readFileSync(file))]).pipe(extract()))
    found.push({ header: entry.header, bytes: await buffer(entry) });
  return found;
}
