// --knowledge FILE: newer tables in place of the built-in ones. The file is read like any other that a user names: a regular one, within a bound.
import { KNOWLEDGE_MAX_BYTES, replaceKnowledge } from '../engine/knowledge.ts';
import { readInput } from '../files/input.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';

/** Throws UserError where the file cannot be read or holds anything that is not of the tables' shapes. */
export function loadKnowledge(file: string): void {
  replaceKnowledge(contentOf(file), file);
}

function contentOf(file: string): string {
  try {
    return readInput(file, KNOWLEDGE_MAX_BYTES, { substituted: true })
      .toString('utf8')
      .replace(/^\ufeff/, '');
  } catch (error) {
    const why = whyOf(error as Error);
    throw new UserError(
      { en: `--knowledge ${file}: ${why.en}`, zh: `--knowledge ${file}：${why.zh}` },
      { en: 'with the built-in data: {retry:knowledge}', zh: '使用内置数据：{retry:knowledge}' },
    );
  }
}
