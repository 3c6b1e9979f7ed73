// The text of a saved result: a file, a pipe such as a shell's `<(command)`, or - for standard input.
import { readAnyInput, readStdin, type Waits } from '../files/input.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';

/** Bytes; a hundred clusters with thousands of findings each have less. */
const LARGEST = 256 * 1024 * 1024;

export const STDIN = '-';

/** Throws the signal's reason. */
export async function readSaved(file: string, waits: Waits): Promise<string> {
  try {
    const bytes = file === STDIN ? await readStdin(process.stdin, LARGEST) : await readAnyInput(file, LARGEST, waits);
    return bytes.toString('utf8');
  } catch (error) {
    if (waits.signal?.aborted) throw error;
    const why = whyOf(error);
    throw new UserError(
      { en: `reading ${file}: ${why.en}`, zh: `读取 ${file}：${why.zh}` },
      { en: 'save a result with: {tool} check -o json > FILE', zh: '请用此命令保存结果：{tool} check -o json > FILE' },
    );
  }
}
