// compare: two saved results of check, by fingerprint.
import { compare as compareSides } from '../../engine/compare.ts';
import { readInput, readStdin } from '../../files/input.ts';
import { readPublished } from '../../report/check-result.ts';
import { comparison } from '../../report/comparison.ts';
import { jsonOf, yamlOf } from '../../report/data.ts';
import { whyOf } from '../../text/system-error.ts';
import { EXIT, UserError } from '../../text/user-error.ts';
import type { Call } from '../call.ts';

/** Bytes; a hundred clusters with thousands of findings each have less. */
const LARGEST = 256 * 1024 * 1024;

export async function compare(call: Call): Promise<number> {
  const [before, after] = await Promise.all(call.args.slice(0, 2).map(async (file) => readPublished(await textOf(file), file)));
  const compared = compareSides(before!, after!);
  if (call.flags.output === 'json') call.out(jsonOf(compared));
  else if (call.flags.output === 'yaml') call.out(yamlOf(compared));
  else call.out(...comparison(compared, call.face));
  if (compared.new.some(({ accepted }) => !accepted)) return EXIT.findings;
  return compared.notLookedAt.length ? EXIT.unknown : EXIT.ok;
}

async function textOf(file: string): Promise<string> {
  try {
    const bytes = file === '-' ? await readStdin(process.stdin, LARGEST) : readInput(file, LARGEST);
    return bytes.toString('utf8');
  } catch (error) {
    const why = whyOf(error);
    throw new UserError(
      { en: `reading ${file}: ${why.en}`, zh: `读取 ${file}：${why.zh}` },
      { en: 'save a result with: {tool} check -o json > FILE', zh: '请用此命令保存结果：{tool} check -o json > FILE' },
    );
  }
}
