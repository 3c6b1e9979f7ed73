// demo: a broken cluster in memory, from a snapshot that our own `snapshot` made of the test bed; check, fix (rehearsed), check again. Needs no cluster.
import { Readable } from 'node:stream';
import { examine } from '../../engine/examine.ts';
import { publish } from '../../report/check-result.ts';
import { table } from '../../report/table.ts';
import { readDump } from '../../snapshot/read.ts';
import { dumpSource } from '../../snapshot/source.ts';
import { SYSTEMS, TITLES } from '../../systems/index.ts';
import { EXIT } from '../../text/user-error.ts';
import { examineOptions } from '../asked.ts';
import type { Call } from '../call.ts';
import broken from '../demo.tar.gz';
import { rehearse } from '../rehearse.ts';

export async function demo(call: Call): Promise<number> {
  const dump = call.flags.from === undefined ? await readDump('-', Readable.from([broken])) : await readDump(call.flags.from);
  const options = examineOptions(call, {});
  const before = await examine(dumpSource(dump), SYSTEMS, options);
  const json = call.flags.output === 'json';
  if (json) {
    call.out(JSON.stringify(publish(before), null, 2));
    return EXIT.ok;
  }
  const heading = (en: string, zh: string) => call.face.style.bold(call.t({ en: `# ${en}`, zh: `# ${zh}` }));
  call.out(heading('check', '检查'), ...table(before, SYSTEMS, TITLES, call.face), '', heading('fix', '修复'));
  const { after } = await rehearse(call, dump, before, options);
  call.out('', heading('check again', '再次检查'), ...table(after, SYSTEMS, TITLES, call.face));
  return EXIT.ok;
}
