// demo: a broken cluster in memory, from a snapshot that our own `snapshot` made of the test bed; check, fix (rehearsed), check again. Needs no cluster.
import { Readable } from 'node:stream';
import { examine } from '../../engine/examine.ts';
import { table } from '../../report/table.ts';
import { readDump } from '../../snapshot/read.ts';
import { dumpSource } from '../../snapshot/source.ts';
import { HEADLINES, SYSTEMS } from '../../systems/index.ts';
import { EXIT } from '../../text/user-error.ts';
import { examineOptions } from '../asked.ts';
import type { Call } from '../call.ts';
import broken from '../demo.tar.gz';
import { rehearse } from '../rehearse.ts';
import { shown } from './check.ts';

/** What scripts/demo-snapshot.ts broke: of the others its bed shows nothing. */
const SEEDED = ['spiderpool'];
const READ: readonly (string | undefined)[] = [undefined, 'table', 'wide'];

export async function demo(call: Call): Promise<number> {
  const dump = call.flags.from === undefined ? await readDump('-', Readable.from([broken])) : await readDump(call.flags.from);
  const options = { ...(await examineOptions(call, {})), systems: SEEDED };
  const before = await examine(dumpSource(dump), SYSTEMS, options);
  if (!READ.includes(call.flags.output)) {
    call.out(...shown(call, [before]));
    return EXIT.ok;
  }
  const { style } = call.face;
  const heading = (en: string, zh: string) => style.bold(style.cyan(call.t({ en: `# ${en}`, zh: `# ${zh}` })));
  call.out(heading('check', '检查'), ...table(before, SYSTEMS, HEADLINES, call.face), '', heading('fix', '修复'));
  const { after } = await rehearse(call, dump, before, options);
  call.out(
    '',
    heading('check again', '再次检查'),
    ...table(after, SYSTEMS, HEADLINES, call.face),
    call.t({ en: 'Next, your own cluster: {tool} check', zh: '下一步，检查自己的集群：{tool} check' }),
  );
  return EXIT.ok;
}
