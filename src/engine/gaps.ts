// Gaps in words: what could not be seen, why, and what would settle it.
import { type Aim, aimed, aimedIn } from '../text/same-cluster.ts';
import { shellWord } from '../text/shell.ts';
import { EXIT, UserError } from '../text/user-error.ts';
import type { Gap, Text } from './contracts.ts';

export const isGap = (value: unknown): value is Gap =>
  typeof value === 'object' && value !== null && 'why' in value && 'verb' in value && 'resource' in value;

/** Rows of an optional read: none where it could not be made. */
export const seen = <Row>(rows: readonly Row[] | Gap): readonly Row[] => (isGap(rows) ? [] : rows);

/** The detail of a gap in words of our own. */
export const inOurWords = ({ en, zh }: Text): Pick<Gap, 'detail' | 'detailZh'> => ({ detail: en, detailZh: zh });

const WHERE = {
  en: (gap: Gap) => (gap.name ? ` ${gap.namespace ? `${gap.namespace}/` : ''}${gap.name}` : gap.namespace ? ` in ${gap.namespace}` : ''),
  zh: (gap: Gap) =>
    gap.name ? ` ${gap.namespace ? `${gap.namespace}/` : ''}${gap.name}` : gap.namespace ? `（命名空间 ${gap.namespace}）` : '',
};
const DOING = {
  en: { list: 'list', get: 'get', 'get-path': 'get', log: 'get the logs of', discover: 'discover', decode: 'decode' },
  zh: { list: '列出', get: '读取', 'get-path': '读取', log: '读取', discover: '发现 API', decode: '解码' },
};

/** One line per language: `may not list secrets`. */
export function describeGap(gap: Gap): Text {
  const detail = gap.detail ? { en: `: ${gap.detail}`, zh: `：${gap.detailZh ?? gap.detail}` } : { en: '', zh: '' };
  const en = `${DOING.en[gap.verb]} ${gap.resource}${WHERE.en(gap)}`;
  const zh = `${DOING.zh[gap.verb]} ${gap.resource}${WHERE.zh(gap)}${gap.verb === 'log' ? ' 的日志' : ''}`;
  switch (gap.why) {
    case 'forbidden':
      return { en: `no permission to ${en}`, zh: `没有权限${zh}` };
    case 'failed':
      return { en: `could not ${en}${detail.en}`, zh: `无法${zh}${detail.zh}` };
    case 'quick':
      return {
        en: `--quick can find problems in ${gap.resource}, but cannot rule them out`,
        zh: `对 ${gap.resource} 只做了快速检查，不能证明没有问题`,
      };
    case 'not-collected':
      if (gap.detail) return { en: gap.detail, zh: gap.detailZh ?? gap.detail };
      if (gap.verb === 'log') return { en: `no log of ${gap.resource}${WHERE.en(gap)}`, zh: `没有 ${gap.resource}${WHERE.zh(gap)} 的日志` };
      return { en: `the snapshot has no ${gap.resource}${WHERE.en(gap)}`, zh: `快照中没有 ${gap.resource}${WHERE.zh(gap)}` };
  }
}

/** An upgrade is not planned past what could not be read. `so`: what is unknown for it. */
export function unread(system: string, gap: Gap, so?: Text): UserError {
  const { en, zh } = describeGap(gap);
  return new UserError(
    { en: `upgrading ${system}: ${en}${so ? `; ${so.en}` : ''}`, zh: `升级 ${system}：${zh}${so ? `；${so.zh}` : ''}` },
    readable(gap),
    EXIT.unknown,
  );
}

/** What makes it readable for an upgrade: no permission adds to a snapshot what it does not hold. */
export const readable = ({ why }: Gap): Text =>
  why === 'not-collected'
    ? { en: 'take a new snapshot: {tool} snapshot snapshot.tar.gz', zh: '重新生成快照：{tool} snapshot snapshot.tar.gz' }
    : { en: 'required permissions: {tool} rbac --for upgrade{reach}', zh: '所需权限：{tool} rbac --for upgrade{reach}' };

/** Who grants: the words that lead to the same cluster without the identity that lacks the rights, and whom they are granted to, as --bind-to has it, where that was said. */
export interface Admin {
  reach: string;
  kubectl: string;
  to?: string;
}

/** As in Face. */
interface Ways {
  tool: string;
  reach?: string;
  aim?: Aim;
  admin?: Admin;
  asked?: string;
  again?: string;
}

/** The command that would settle it. */
export function settleGap(gap: Gap, { tool, admin, asked = '', again = '', aim = { kubectl: '', helm: '' } }: Ways): Text {
  const filled = (text: string) => aimedIn(text.replaceAll('{tool}', tool).replaceAll('{asked}', asked).replaceAll('{again}', again), aim);
  if (gap.settle) return { en: filled(gap.settle.en), zh: filled(gap.settle.zh) };
  switch (gap.why) {
    case 'forbidden':
      return {
        en: `grant access (as an administrator${admin?.to ? '' : '; replace NAME'}): ${grant({ tool, admin })}`,
        zh: `授予权限（由管理员执行${admin?.to ? '' : '，请替换 NAME'}）：${grant({ tool, admin })}`,
      };
    case 'failed':
      return {
        en: `retry, or inspect: ${aimed(getCommand(gap), aim)}`,
        zh: `请重试，或查看原因：${aimed(getCommand(gap), aim)}`,
      };
    case 'quick':
      return { en: `run the full check: ${tool} check${asked}${again}`, zh: `完整检查：${tool} check${asked}${again}` };
    case 'not-collected':
      if (gap.detail) return { en: '', zh: '' };
      return { en: `take a new snapshot: ${tool} snapshot snapshot.tar.gz`, zh: `重新生成快照：${tool} snapshot snapshot.tar.gz` };
  }
}

const getCommand = ({ verb, resource, namespace, name }: Gap): string =>
  [
    verb === 'get-path' ? `kubectl get --raw ${shellWord(resource)}` : `kubectl get ${resource}`,
    ...(name === undefined ? [] : [shellWord(name)]),
    ...(namespace === undefined ? [] : ['-n', shellWord(namespace)]),
    ...(name === undefined ? [] : ['-o yaml']),
  ].join(' ');

/** Makes the role and binds it, in the cluster that was looked at. */
export const grant = ({ tool, admin: { reach, kubectl, to } = { reach: '', kubectl: '' } }: Pick<Ways, 'tool' | 'admin'>): string =>
  `${tool} rbac --for check --bind-to ${to ?? 'user/NAME'}${reach} | kubectl${kubectl} apply -f -`;
