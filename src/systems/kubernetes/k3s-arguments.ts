// Flags that K3s hands to the components in its own process, where static Pods would have command lines: it notes its arguments on each Node (k3s.io/node-args, secrets masked by K3s itself).
// Of them only flags of components that bear on versions are read. Source: k3s-io/k3s pkg/nodeconfig/nodeconfig.go, docs.k3s.io/cli/server (--kube-apiserver-arg and the like).
import type { Column, Json, Ref, Text } from '../../engine/contracts.ts';
import { type Flag, label, list } from '../../engine/read/index.ts';
import { valueAt } from '../../engine/read/values.ts';
import { isRaw, parseJson } from '../../kube/json.ts';
import { flagNames } from './reads.ts';

const ANNOTATION = 'k3s.io/node-args';
const COMPONENTS = {
  'kube-apiserver-arg': 'kube-apiserver',
  'kube-controller-manager-arg': 'kube-controller-manager',
  'kube-controller-arg': 'kube-controller-manager',
  'kube-scheduler-arg': 'kube-scheduler',
  'kube-proxy-arg': 'kube-proxy',
  'kubelet-arg': 'kubelet',
} as const;
export type K3sComponent = (typeof COMPONENTS)[keyof typeof COMPONENTS];
export interface Handed extends Flag {
  component: K3sComponent;
}

/** Of kube-proxy; K3s sets it to iptables where its arguments do not say otherwise (pkg/daemons/agent). */
const MODE = 'proxy-mode';

/** undefined: K3s has noted nothing there. */
function componentArgs(): Column<Handed[] | undefined> {
  const named = new Set([...flagNames(), MODE]);
  const found = (words: readonly Json[]): { handed: Handed; at: number[] }[] =>
    words.flatMap((each, at) => {
      const [, flag = '', inline] = (typeof each === 'string' && /^--?([\w-]+)(?:=([\s\S]*))?$/.exec(each)) || [];
      const component = Object.hasOwn(COMPONENTS, flag) ? COMPONENTS[flag as keyof typeof COMPONENTS] : undefined;
      const text = inline ?? words[at + 1];
      const [, name = '', value] = (typeof text === 'string' && /^(?:--)?([\w-]+)(?:=([\s\S]*))?$/.exec(text)) || [];
      if (!component || !named.has(name)) return [];
      return [{ handed: { component, name, ...(value === undefined ? {} : { value }) }, at: inline === undefined ? [at, at + 1] : [at] }];
    });
  return {
    paths: [`metadata.annotations['${ANNOTATION}']`],
    marks: [`metadata.annotations['${ANNOTATION}']:flags of components`],
    read: (base) => {
      const words = wordsIn(base);
      return words && found(words).map(({ handed }) => handed);
    },
    keep: (base) => {
      const words = wordsIn(base);
      if (!words) return undefined;
      const kept = new Set(found(words).flatMap(({ at }) => at));
      return { metadata: { annotations: { [ANNOTATION]: JSON.stringify(words.map((each, at) => (kept.has(at) ? each : ''))) } } };
    },
  };
}

function wordsIn(base: Json | undefined): Json[] | undefined {
  const text = isRaw(base) ? valueAt(base, ['metadata', 'annotations', ANNOTATION]) : undefined;
  if (typeof text !== 'string') return undefined;
  try {
    const words = parseJson(text);
    return Array.isArray(words) ? words : undefined;
  } catch {
    return undefined;
  }
}

/** `server`: K3s labels its servers so. */
export const k3sArguments = () =>
  list('nodes', { handed: componentArgs(), server: label('node-role.kubernetes.io/control-plane') }, { optional: true });

export const NOT_NOTED: Text = {
  en: 'no Node has annotation k3s.io/node-args: look for kube-apiserver-arg and the like in the configuration of K3s',
  zh: '没有节点带有注解 k3s.io/node-args：请在 K3s 的配置中查找“kube-apiserver-arg”等参数',
};

/** By mode, the Nodes whose kube-proxy has it; undefined: K3s has noted nothing on any. */
export function proxyModes(nodes: readonly { ref: Ref; handed?: Handed[] }[]): Map<string, Ref[]> | undefined {
  const noted = nodes.flatMap(({ ref, handed }) => (handed ? [{ ref, handed }] : []));
  const modeOf = (handed: Handed[]) =>
    handed.findLast(({ component, name }) => component === 'kube-proxy' && name === MODE)?.value ?? 'iptables';
  const by = Map.groupBy(noted, ({ handed }) => modeOf(handed));
  return noted.length ? new Map([...by].map(([mode, same]) => [mode, same.map(({ ref }) => ref)])) : undefined;
}
