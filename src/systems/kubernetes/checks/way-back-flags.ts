// Flags, feature gates and admission plugins that the older version does not know: its component exits at start. Source: knowledge/components.json, from the binaries of each minor.
import { finding } from '../../../engine/builders.ts';
import type { Check, Ref, Rows } from '../../../engine/contracts.ts';
import { each } from '../../../engine/each.ts';
import { isGap } from '../../../engine/gaps.ts';
import { rowOf, tree, yaml } from '../../../engine/read/index.ts';
import { flagsOf, gatesIn, gatesOf, listOf } from '../command-line.ts';
import { components } from '../knowledge/tables.ts';
import { unseen } from '../managed.ts';
import { controlPlaneOf, later, nodes, staticPods } from '../reads.ts';
import { isLeft, minorsLeft } from '../way-back.ts';

const reads = later(() => ({ ...staticPods(), nodes }));
/** Where components have feature gates besides their command line. */
const CONFIGS = [
  { component: 'kubelet', name: 'kubelet-config', columns: { config: yaml('data.kubelet', { gates: tree('featureGates') }) } },
  { component: 'kube-proxy', name: 'kube-proxy', columns: { config: yaml("data['config.conf']", { gates: tree('featureGates') }) } },
];
const refOf = (name: string): Ref => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name });
type Is = 'flag' | 'gate' | 'plugin';
interface Args {
  is: Is;
  component: string;
  name: string;
  since: string;
  older: string;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/way-back-flags',
  title: { en: 'components use only flags and gates the older version has', zh: '组件只使用旧版本具有的参数和特性门控' },
  headline: { en: 'components use flags or gates the older version lacks', zh: '组件使用了旧版本没有的参数或特性门控' },
  page: {
    impact: {
      en: 'A component exits at start if it is given a flag, feature gate or admission plugin that its version does not have: after the return it does not start.',
      zh: '如果设置了所用版本没有的参数、特性门控或准入插件，组件启动即退出：回退后无法启动。',
    },
    detection: {
      en: 'Reads the command lines of the static Pods, and the feature gates in ConfigMaps kubelet-config and kube-proxy.',
      zh: '读取静态 Pod 的命令行，以及 ConfigMap kubelet-config 和 kube-proxy 中的特性门控。',
    },
    fix: {
      en: 'manual: remove the flag, gate or plugin before the return; with kubeadm also from ConfigMap kubeadm-config.',
      zh: '手动：回退前删除该参数、特性门控或插件；使用 kubeadm 时还需从 ConfigMap kubeadm-config 中删除。',
    },
    limits: {
      en: 'Flags and configuration files of kubelets are on the nodes and not visible.',
      zh: 'kubelet 的参数和配置文件位于节点上，不可见。',
    },
  },
  sources: [
    {
      en: 'k8s.io/kubernetes 1.23.17 to 1.38.0-beta.0: the compiled binaries, pkg/features, pkg/kubeapiserver/options',
      zh: 'k8s.io/kubernetes 1.23.17 至 1.38.0-beta.0：pkg/features、pkg/kubeapiserver/options，以及编译后的二进制文件',
    },
  ],
  applies: { stage: 'back' },
  needs: ['upgraded'],
  get reads() {
    return reads();
  },
  pointReads: CONFIGS.map(({ name, columns }) => ({ resource: 'configmaps', names: [name], columns: Object.values(columns) })),
  judge: async (rows: Rows<ReturnType<typeof reads>>, { path, back, look }) => {
    const seen = controlPlaneOf(rows);
    const closed = unseen(seen, path.from, rows.nodes, undefined);
    if (closed) return closed;
    const left = minorsLeft(back!);
    const configured = await each(CONFIGS, async ({ component, name, columns }) => {
      const object = await look.get(refOf(name));
      const config = object && !isGap(object) ? rowOf(columns)(object).config : undefined;
      return { component, ref: refOf(name), gates: typeof config === 'object' ? [...gatesIn(config.gates).keys()] : [] };
    });
    const used = [
      ...seen.flatMap(({ component, ref, flags }) => {
        const given = flagsOf(flags);
        const plugins = [...listOf(given, 'enable-admission-plugins'), ...listOf(given, 'disable-admission-plugins')];
        return [
          ...components()
            .newFlags.filter((row) => row.component === component && given.has(row.name))
            .map((row) => ({ is: 'flag' as const, ...row, ref })),
          ...gatesSince([...gatesOf(given).keys()]).map((row) => ({ is: 'gate' as const, component, ...row, ref })),
          ...components()
            .admissionPlugins.filter(({ name }) => plugins.includes(name))
            .map(({ name, since }) => ({ is: 'plugin' as const, component, name, since, ref })),
        ];
      }),
      ...configured.flatMap(({ component, ref, gates }) =>
        gatesSince(gates).map((row) => ({ is: 'gate' as const, component, ...row, ref })),
      ),
    ].filter(({ since }) => isLeft(since, left));
    return [...Map.groupBy(used, ({ is, component, name }) => `${is} ${component} ${name}`).values()].map((same) => {
      const { is, component, name, since } = same[0]!;
      return finding({
        severity: 'blocker',
        key: [is, component, name],
        objects: same.map(({ ref }) => ref),
        args: { is, component, name, since, older: back!.to },
        evidence: [{ seen: is === 'gate' ? `featureGates: ${name}` : is === 'plugin' ? `admission-plugins: ${name}` : `--${name}` }],
      });
    });
  },
  say: ({ is, component, name, since, older }) => {
    const what = {
      flag: { en: `flag --${name}`, zh: `参数 --${name}` },
      gate: { en: `feature gate ${name}`, zh: `特性门控 ${name}` },
      plugin: { en: `admission plugin ${name}`, zh: `准入插件 ${name}` },
    }[is];
    return {
      en: `${component} has ${what.en}, new in ${since}: ${component} ${older} does not start with it`,
      zh: `${component} 使用了 ${since} 新增的${what.zh}：${component} ${older} 无法启动`,
    };
  },
};
export default check;

const gatesSince = (names: readonly string[]): { name: string; since: string }[] =>
  components()
    .gates.filter(({ name }) => names.includes(name))
    .map(({ name, since }) => ({ name, since }));
