// What API servers and kubelets log while the upgrade lasts, where --log-verbosity or --kubelet-log-verbosity asks for it: raised when it begins, once more behind each restart (which sets
// it back), and put back at the end. Source: the in-place upgrade guide; k8s.io/apiserver pkg/server/routes/flags.go. What it is now, where it is set, no API server says: its command line
// does, in its Pod or at /flagz (k8s.io/component-base zpages, from 1.36 on by default). Where neither can be seen, it is set to 0 in the end, the default, and that is said.
import type { Gap, Ref, StageDraft, StepDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { each as several } from '../../engine/each.ts';
import { args, each, list, word } from '../../engine/read/index.ts';
import { apiServer, kubeletOf } from '../../engine/steps/verbosity.ts';
import { UserError } from '../../text/user-error.ts';
import type { ClusterParts } from './upgrade-parts.ts';

interface Logger {
  on: Ref;
  /** To be put back. */
  before: number;
  level: number;
  /** What it was could not be seen. */
  guessed?: boolean;
}
export interface Logs {
  servers: Logger[];
  /** By Node. */
  kubelets: ReadonlyMap<string, Logger>;
}

type Asked = Pick<Upgrading, 'source' | 'logVerbosity' | 'kubeletLogVerbosity'>;

/** Throws UserError where what was asked for cannot be had, or could not be put back. */
export async function logsOf({ source, logVerbosity, kubeletLogVerbosity }: Asked, parts: ClusterParts): Promise<Logs> {
  const servers = logVerbosity === undefined ? [] : await serversOf(source, logVerbosity);
  const level = kubeletLogVerbosity;
  if (level === undefined) return { servers, kubelets: new Map() };
  const kubelets = await several(
    parts.members,
    async ({ ref: { name } }): Promise<[string, Logger]> => [name, { on: kubeletOf(name), before: await configured(source, name), level }],
  );
  return { servers, kubelets: new Map(kubelets) };
}

const FLAG = ['v'];
const POD = {
  ip: word('status.podIP', ''),
  containers: each('spec.containers', { name: word('name', ''), command: args('command', FLAG), args: args('args', FLAG) }),
};
const pods = list('pods', POD, { labels: 'component=kube-apiserver' });

async function serversOf(source: Upgrading['source'], level: number): Promise<Logger[]> {
  const names: string[] = [];
  const query = { path: '/debug/flags', every: true };
  const gaps = (await source.text?.(query, {
    line: (line, server) => void (line.includes('<tr>v<br>') && server && names.push(server)),
    restart: () => void names.splice(0),
  })) ?? [{ detail: 'no API server' }];
  const [gap] = gaps;
  if (gap || !names.length) throw unable('log-verbosity', worded(gap, '/debug/flags'));
  const levels = await commandLines(source);
  const shown = await flags(source);
  return names.map((name) => {
    const own = levels.get(name.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) ?? shown.get(name);
    return { on: apiServer(name), before: own ?? 0, level, ...(own === undefined ? { guessed: true } : {}) };
  });
}

/** By server (host:port); none where /flagz is not served, or not to us. What stands between a flag and its value changes from answer to answer. */
async function flags(source: Upgrading['source']): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  await source.text?.(
    { path: '/flagz', every: true },
    {
      line: (line, server) => {
        const level = /^v(?:: ?|[= ])(\d+)$/.exec(line)?.[1];
        if (level !== undefined) found.set(server, levelOf(level));
      },
      restart: () => found.clear(),
    },
  );
  return found;
}

/** By address: what `--v` says; without it, 0. */
async function commandLines(source: Upgrading['source']): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const { resource, labels, fields } = pods;
  const gap = await source.list(
    { resource, labels, fields },
    {
      object: (object) => {
        const row = pods.keep(object);
        const own = row?.containers.find(({ name }) => name === 'kube-apiserver');
        if (row && own) found.set(row.ip, levelOf([...own.command, ...own.args].at(-1)?.value));
      },
      restart: () => found.clear(),
    },
  );
  if (gap) throw unable('log-verbosity', worded(gap, gap.why));
  return found;
}

const levelOf = (value: string | undefined): number => (/^(?:\d|10)$/.test(value ?? '') ? Number(value) : 0);

/** As the kubelet itself says: its flags and its file together. */
async function configured(source: Upgrading['source'], node: string): Promise<number> {
  let level: string | undefined;
  const gaps = await source.text?.(
    { path: `/api/v1/nodes/${encodeURIComponent(node)}/proxy/configz` },
    {
      line: (line) => {
        level ??= /"logging":\{[^{}]*"verbosity":(\d+)/.exec(line)?.[1];
      },
      restart: () => {
        level = undefined;
      },
    },
  );
  if (!gaps || gaps.length || level === undefined) throw unable('kubelet-log-verbosity', of(node, worded(gaps?.[0], 'configz')));
  return levelOf(level);
}

const worded = (gap: Pick<Gap, 'detail' | 'detailZh'> | undefined, instead: string): Text => ({
  en: gap?.detail ?? instead,
  zh: gap?.detailZh ?? gap?.detail ?? instead,
});
const of = (node: string, { en, zh }: Text): Text => ({ en: `Node ${node}: ${en}`, zh: `Node ${node}，${zh}` });
const unable = (flag: 'log-verbosity' | 'kubelet-log-verbosity', why: Text): UserError =>
  new UserError(
    { en: `--${flag}: the log verbosity cannot be set: ${why.en}`, zh: `--${flag}：无法设置日志级别：${why.zh}` },
    { en: `without: {retry:${flag}}`, zh: `去掉后执行：{retry:${flag}}` },
  );

const name = ({ kind, name: of }: Ref): Text =>
  kind === 'Kubelet'
    ? { en: `the kubelet of Node ${of}`, zh: `Node ${of} 的 kubelet` }
    : { en: `API server ${of}`, zh: `API 服务器 ${of}` };

const UNSEEN: Text = {
  en: 'undo: sets it to 0, the default: its --v could not be seen, and a restart restores it',
  zh: '撤销时：设为默认值 0，因为无法看到其 --v；重启后恢复原值',
};

export function raised({ on, before, level, guessed }: Logger): StepDraft {
  const { en, zh } = name(on);
  return {
    ...{ do: 'verbosity', on, before, level, guard: [], undo: guessed ? 'compensates' : 'exact', optional: true },
    ...(guessed ? { undoNote: UNSEEN } : {}),
    text: {
      en: `set the log verbosity (--v) of ${en} to ${level} until it restarts`,
      zh: `将 ${zh} 的日志级别（--v）设为 ${level}，重启后失效`,
    },
  };
}

function lowered({ on, before, level, guessed }: Logger): StepDraft {
  const { en, zh } = name(on);
  return {
    ...{ do: 'verbosity', on, before: level, level: before, guard: [], undo: 'exact', optional: true },
    text: guessed
      ? { en: `set the log verbosity (--v) of ${en} to 0, the default`, zh: `将 ${zh} 的日志级别（--v）设为默认值 0` }
      : { en: `set the log verbosity (--v) of ${en} back to ${before}`, zh: `将 ${zh} 的日志级别（--v）恢复为 ${before}` },
  };
}

/** `first`: before anything else of the upgrade. */
export function raisedStage(hop: string, { servers }: Logs, first: boolean): StageDraft[] {
  const title: Text = first
    ? { en: 'Log verbosity up', zh: '提高日志级别' }
    : { en: 'Log verbosity up again, after the restarts', zh: '重启后再次提高日志级别' };
  return servers.length ? [{ hop, title, steps: servers.map(raised), ...(first ? { first } : {}) }] : [];
}

export function loweredStage(hop: string, { servers, kubelets }: Logs): StageDraft[] {
  const steps = [...servers, ...kubelets.values()].map(lowered);
  return steps.length ? [{ hop, title: { en: 'Log verbosity down', zh: '恢复日志级别' }, steps }] : [];
}
