// helm beside us: the one on PATH (or that called us), led to the same cluster as the same user by helm's own environment variables.
import { delimiter } from 'node:path';
import type { HelmProgram, Raw, World } from '../engine/contracts.ts';
import { isPipe } from '../files/input.ts';
import { driven, isHelmAlive } from '../helm/drive.ts';
import { findHelm } from '../helm/run.ts';
import { helmWorld } from '../helm/world.ts';
import { UserError } from '../text/user-error.ts';
import type { Call } from './call.ts';
import type { Live } from './session.ts';

/** The live world with helm in it, for this run. `known`: to the command that begins it alone. helm itself is looked for at its first use. */
export function withHelm(
  call: Call,
  { world, steady, store }: Live,
  run: string,
  known: { values?: Raw; snapshot?(file: string): Promise<void> } = {},
): World {
  return helmWorld(world, {
    source: steady,
    helm: (records) => helmOf(call, records),
    isAlive: isHelmAlive,
    beside: store.beside(run),
    ...known,
  });
}

/** `records`: the kind of the objects in which its release lies, where it is about one. Throws UserError where there is no helm, or none that could be led to the same place. */
export async function helmOf(call: Call, records?: string): Promise<HelmProgram> {
  const env = { ...helmEnvironment(call), ...(records ? { HELM_DRIVER: records.toLowerCase() } : {}) };
  // Not ended by Ctrl-C: it may be looked for by a step in flight.
  const helm = await findHelm(env, new AbortController().signal);
  if (!helm) throw noHelm(call.env.HELM_BIN);
  return driven(helm.binary, helm.version, helm.env);
}

const noHelm = (named: string | undefined): UserError =>
  new UserError(
    named
      ? { en: `looking for helm (HELM_BIN=${named}): no such file or directory`, zh: `查找 helm（HELM_BIN=${named}）：没有这个文件或目录` }
      : { en: 'looking for helm: it is not on PATH', zh: '查找 helm：不在 PATH 中' },
    { en: 'install Helm 3 or 4, or name it: HELM_BIN=/path/to/helm', zh: '请安装 Helm 3 或 4，或指定：HELM_BIN=/path/to/helm' },
  );

const readOnce = (file: string): UserError =>
  new UserError(
    {
      en: `cannot point helm to the same cluster: kubeconfig ${file} is a pipe, and what was read from it is gone`,
      zh: `无法让 helm 连接同一集群：kubeconfig ${file} 是管道，只能读取一次`,
    },
    { en: 'write the kubeconfig to a file, and pass that', zh: '请将 kubeconfig 写入文件，再指定该文件' },
  );

/** Variables and not flags: a token among the arguments could be read by everybody on the machine. */
function helmEnvironment({ flags, env }: Call): NodeJS.ProcessEnv {
  for (const flag of ['cluster', 'user', 'as-uid'] as const) {
    if (flags[flag] === undefined) continue;
    throw new UserError(
      { en: `cannot point helm to the same cluster: helm has no flag --${flag}`, zh: `无法让 helm 连接同一集群：helm 没有 --${flag} 参数` },
      {
        en: 'make a context for it in the kubeconfig, and choose that with --context',
        zh: '请在 kubeconfig 中建立相应的上下文，并用 --context 选择',
      },
    );
  }
  const config = flags.kubeconfig ?? env.KUBECONFIG?.split(delimiter).find(isPipe);
  if (config !== undefined && isPipe(config)) throw readOnce(config);
  const given = {
    KUBECONFIG: flags.kubeconfig,
    HELM_KUBECONTEXT: flags.context,
    HELM_KUBEAPISERVER: flags.server,
    HELM_KUBETOKEN: flags.token,
    HELM_KUBEASUSER: flags.as,
    HELM_KUBEASGROUPS: flags['as-group']?.join(','),
    HELM_KUBECAFILE: flags['certificate-authority'],
    HELM_KUBETLS_SERVER_NAME: flags['tls-server-name'],
    HELM_KUBEINSECURE_SKIP_TLS_VERIFY: flags['insecure-skip-tls-verify'] ? 'true' : undefined,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...env, ...Object.fromEntries(set) };
}
