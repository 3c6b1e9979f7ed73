// --channels FILE: a saved answer of the channel server of K3s, as a table in place of the empty one that is built in. The file is untrusted like any other that a user names.
import { KNOWLEDGE_MAX_BYTES, replaceKnowledge } from '../engine/knowledge.ts';
import { readInput } from '../files/input.ts';
import { isRaw, parseJson } from '../kube/json.ts';
import { whyOf } from '../text/system-error.ts';
import { UserError } from '../text/user-error.ts';

/** Throws UserError where the file cannot be read or is no such answer. */
export function loadChannels(file: string): void {
  const listed = channelsIn(file);
  const channels = listed.flatMap((each) =>
    isRaw(each) && typeof each.name === 'string' && typeof each.latest === 'string' ? [{ name: each.name, latest: each.latest }] : [],
  );
  if (!channels.length) throw unusable(file, { en: 'no channels in data[]', zh: 'data[] 中没有 channel' });
  const tables = { 'k3s/channels': { source: file, channels } };
  replaceKnowledge(JSON.stringify({ apiVersion: 'upgrade-guard/v1', kind: 'Knowledge', tables }), file);
}

function channelsIn(file: string): unknown[] {
  try {
    const answer = parseJson(readInput(file, KNOWLEDGE_MAX_BYTES, { substituted: true }).toString('utf8'));
    return isRaw(answer) && Array.isArray(answer.data) ? answer.data : [];
  } catch (error) {
    throw unusable(file, error instanceof SyntaxError ? { en: 'not JSON', zh: '不是 JSON' } : whyOf(error as Error));
  }
}

const unusable = (file: string, why: { en: string; zh: string }): UserError =>
  new UserError(
    { en: `--channels ${file}: ${why.en}`, zh: `--channels ${file}：${why.zh}` },
    {
      en: 'save one: curl -o channels.json https://update.k3s.io/v1-release/channels',
      zh: '保存一份：curl -o channels.json https://update.k3s.io/v1-release/channels',
    },
  );
