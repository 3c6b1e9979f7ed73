// Who called us: kubectl, kubectl's completion, Helm, or a user directly. And what Helm says about the cluster, as our own flags.
import type { Flags } from './flags.ts';

export interface Caller {
  kind: 'kubectl' | 'kubectl-completion' | 'helm' | 'hand';
  /** How the user writes our name; usage lines and next commands begin with it. */
  usage: string;
}
type Environment = Record<string, string | undefined>;

/** The name in plugin.yaml. */
const HELM_PLUGIN = 'spiderpool-upgrade';

/** @param calledAs the path we were started with: process.argv[1], which in a single executable is the path as typed or the link that krew made. */
export function callerOf(calledAs: string, env: Environment): Caller {
  const name = (calledAs.split(/[\\/]/).at(-1) ?? '').replace(/\.(exe|cjs)$/i, '').toLowerCase();
  if (name === 'kubectl_complete-upgrade_guard') return { kind: 'kubectl-completion', usage: 'kubectl upgrade-guard' };
  if (name === 'kubectl-upgrade_guard') return { kind: 'kubectl', usage: 'kubectl upgrade-guard' };
  // Helm gives its environment to hooks and to what they start as well: only our own plugin's name counts.
  if (env.HELM_PLUGIN_NAME === HELM_PLUGIN) return { kind: 'helm', usage: `helm ${HELM_PLUGIN}` };
  return { kind: 'hand', usage: 'upgrade-guard' };
}

/**
 * Helm takes its own connection flags out of the command line and hands their values over as environment; an empty value means unset. What the user wrote
 * for us directly (`--context`) wins over this.
 * @param usualNamespace what Helm says when none was chosen: that of the kubeconfig's context. Asked only when it matters; undefined: cannot be told.
 */
export function connectionFromHelm(env: Environment, usualNamespace: () => string | undefined): Flags {
  const flags: Flags = {};
  // As a flag it also stands in the next command that we print. A list of files stays what it is, environment.
  if (env.KUBECONFIG && !env.KUBECONFIG.includes(PATH_SEPARATOR)) flags.kubeconfig = env.KUBECONFIG;
  if (env.HELM_KUBECONTEXT) flags.context = env.HELM_KUBECONTEXT;
  if (env.HELM_KUBEAPISERVER) flags.server = env.HELM_KUBEAPISERVER;
  if (env.HELM_KUBETOKEN) flags.token = env.HELM_KUBETOKEN;
  if (env.HELM_KUBEASUSER) flags.as = env.HELM_KUBEASUSER;
  // Helm reads its flags twice, and then names every group twice.
  if (env.HELM_KUBEASGROUPS) flags['as-group'] = [...new Set(env.HELM_KUBEASGROUPS.split(',').filter(Boolean))];
  if (env.HELM_KUBECAFILE) flags['certificate-authority'] = env.HELM_KUBECAFILE;
  if (env.HELM_KUBETLS_SERVER_NAME) flags['tls-server-name'] = env.HELM_KUBETLS_SERVER_NAME;
  if (env.HELM_KUBEINSECURE_SKIP_TLS_VERIFY === 'true') flags['insecure-skip-tls-verify'] = true;
  if (env.HELM_DEBUG === 'true') flags.v = DEBUG_LEVEL;
  const namespace = env.HELM_NAMESPACE;
  // Always set. Taking what it is anyway for a choice would hide every installation elsewhere.
  if (namespace && namespace !== 'default' && namespace !== usualNamespace()) flags.namespace = namespace;
  return flags;
}

const PATH_SEPARATOR = process.platform === 'win32' ? ';' : ':';
/** kubectl documents level 4 as "debug level verbosity". */
const DEBUG_LEVEL = '4';
