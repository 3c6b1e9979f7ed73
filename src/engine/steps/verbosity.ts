// A verbosity step: how much an API server or a kubelet logs while it runs. What it is now no server says, so that it is set also where it may be so already. A server that is gone, or
// that does not let it be set, needs nothing. Restarted, a server logs again as its command line says, which is what an undo sets.

import { pointerGet } from '../../kube/pointer.ts';
import { commented, shellWord } from '../../text/shell.ts';
import type { Raw, Ref, StepKind, StepOf, Text } from '../contracts.ts';

/** Of what stands for a server as a World shows it: kind APIServer (its name: host:port) or Kubelet (the Node's name). No object of a cluster. */
export const LOGGER = 'upgrade-guard/v1';
export const apiServer = (name: string): Ref => ({ apiVersion: LOGGER, kind: 'APIServer', name });
export const kubeletOf = (name: string): Ref => ({ apiVersion: LOGGER, kind: 'Kubelet', name });
export const loggerOf = ({ apiVersion, kind, name }: Ref, level?: number): Raw => ({
  ...{ apiVersion, kind, metadata: { name } },
  ...(level === undefined ? {} : { level }),
});

type VerbosityStep = StepOf<'verbosity'>;

export const verbosity: StepKind<VerbosityStep> = {
  preview: ({ on, before, level }) => [
    { en: `--v of ${named(on).en}: ${before} → ${level}`, zh: `${named(on).zh} 的 --v：${before} → ${level}` },
  ],
  commands: ({ on, level }) => [
    on.kind === 'Kubelet'
      ? commented(`curl -X PUT --data ${level} ${shellWord(`http://127.0.0.1:8001/api/v1/nodes/${on.name}/proxy/debug/flags/v`)}`, {
          en: 'while kubectl proxy runs',
          zh: '需先运行 kubectl proxy',
        })
      : commented(`curl -X PUT --data ${level} ${shellWord(`https://${on.name}/debug/flags/v`)}`, {
          en: 'add --cacert and the credentials of an administrator',
          zh: '请加上 --cacert 和管理员凭据',
        }),
  ],
  look: async ({ on, level }, world) => {
    const now = await world.get(on);
    if (!now) return { is: 'obsolete', because: { en: `${named(on).en} does not let it be set`, zh: `${named(on).zh} 不支持设置` } };
    return pointerGet(now, '/level') === level ? { is: 'done', now } : { is: 'to-do', now };
  },
  write: ({ on, level }) => ({ verb: 'verbosity', on, level }),
  remember: (object) => object,
  inverse: ({ level, before, ...step }) => ({ ...step, level: before, before: level, undoNote: undefined }),
};

const named = ({ kind, name }: Ref): Text =>
  kind === 'Kubelet' ? { en: `kubelet ${name}`, zh: `kubelet ${name}` } : { en: `API server ${name}`, zh: `API 服务器 ${name}` };
