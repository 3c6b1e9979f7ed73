// Multus' clusterNetwork: with an empty one no Pod starts. Up to 0.9.7 spiderpool-init fills it once; from 0.8.9 / 0.9.8 on each agent looks for a CNI config itself, and can find another one.
// Sources: knowledge/notes.json (multusConfig); cmd/spiderpool-init/cmd/multus.go@v0.9.4.
import { upgradeCommand } from '../../../chart/upgrade-command.ts';
import { finding, setFields } from '../../../engine/builders.ts';
import type { Check, Finding, PointReader, Ref, Situation, StepDraft } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { json, rowOf, UNREADABLE, word } from '../../../engine/read/index.ts';
import { setFlag } from '../../../helm/flags.ts';
import { pathOf } from '../../../helm/keys.ts';
import { satisfies } from '../../../versions/chart.ts';
import { CHART } from '../chart.ts';
import { notes, versions } from '../knowledge/tables.ts';
import { NETWORK as CLUSTER_NETWORK, CONF, MARK, manualNetwork } from '../repairs.ts';

/** Names that the charts give by default, with the versions that read them: a leftover does not count. */
const CONFIGS = ['spiderpool-multus', 'multus-cni-config'];
/** A name of a network, or a path of a file. */
const NETWORK = /^[\w./:-]{1,253}$/;

const CONFIG = { conf: json("data['cni-conf.json']", { network: word('clusterNetwork') }) };

/** global.configName of the charts; from 0.8.9 / 0.9.8 on its key clusterNetwork has the name. */
const SETTINGS = 'spiderpool-conf';
/** Whose Pods copy the ConfigMap to their node. */
const COPIED_BY: Record<string, string> = { 'spiderpool-multus': 'spiderpool-agent', 'multus-cni-config': 'spiderpool-multus' };
const MARKED = word("spec.template.metadata.annotations['upgrade-guard/clusterNetwork']");

interface Args {
  is: 'empty' | 'unpinned';
  /** As it is now. */
  network?: string;
  target?: string;
}

const check: Check<Record<string, never>, Args> = {
  id: 'spiderpool/multus-default-network',
  title: { en: 'Multus has a default network, and an upgrade keeps it', zh: 'Multus 已设置默认网络，且升级后保持不变' },
  headline: { en: 'default network of Multus is empty or can change', zh: 'Multus 的默认网络为空或可能改变' },
  page: {
    impact: {
      en: 'clusterNetwork is the network that every Pod gets first. If it is empty, no Pod starts. From 0.8.9 and 0.9.8 on, agents detect it on each node (the first CNI config whose name lacks "multus"), which can be another one than before.',
      zh: 'clusterNetwork 是每个 Pod 首先获得的网络。如果为空，Pod 无法启动。0.8.9 和 0.9.8 起，agent 在每个节点上自行检测（名称不含“multus”的第一个 CNI 配置），可能与之前不同。',
    },
    detection: {
      en: 'Reads clusterNetwork of ConfigMaps spiderpool-multus and multus-cni-config in the namespace of Spiderpool. A notice if the target version detects it and the installed version does not.',
      zh: '读取 Spiderpool 命名空间中 ConfigMap spiderpool-multus 和 multus-cni-config 的 clusterNetwork。仅当目标版本自行检测而当前版本不检测时给出提示。',
    },
    fix: {
      en: 'Sets an empty clusterNetwork to the name that another ConfigMap of Spiderpool still has, and restarts the DaemonSet that copies it to the nodes. Undo empties it again. manual: if no ConfigMap has a name, set clusterNetwork; to pin it for the upgrade, set Helm value multus.multusCNI.defaultCniCRName.',
      zh: '将为空的 clusterNetwork 设为 Spiderpool 其他 ConfigMap 中仍保留的名称，并重启将其复制到节点的 DaemonSet。撤销时恢复为空。手动：如果所有 ConfigMap 都没有名称，请设置 clusterNetwork；如需在升级时固定，请设置 multus.multusCNI.defaultCniCRName。',
    },
    limits: {
      en: "Versions that empty it during the upgrade (0.8.8, 0.9.5–0.9.7) are rejected by target-version. Spiderpool's upgrade guide mentions neither the emptied value nor the detection.",
      zh: '升级时会清空 clusterNetwork 的版本（0.8.8、0.9.5–0.9.7）由 target-version 阻止。Spiderpool 的升级指南既未提及该值会被清空，也未提及自行检测。',
    },
  },
  get sources() {
    return [`spidernet-io/spiderpool: ${notes().multusConfig.source}`, 'spidernet-io/spiderpool: cmd/spiderpool-init/cmd/multus.go@v0.9.4'];
  },
  applies: { from: '>=0.6.0', stage: 'both' },
  needs: ['version'],
  reads: {},
  pointReads: [{ resource: 'configmaps', names: CONFIGS, columns: Object.values(CONFIG) }],
  judge: async (_rows, { look, path: { installation, from, to } }) => {
    const findings: Finding<Args>[] = [];
    for (const [name, range] of Object.entries(notes().multusConfig.read)) {
      if (typeof from !== 'string' || !satisfies(from, range)) continue;
      const object = await look.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: installation.namespace, name });
      const row = object === undefined || isGap(object) ? undefined : rowOf(CONFIG)(object);
      if (row?.conf === undefined || row.conf === UNREADABLE) continue;
      const { network = '' } = row.conf;
      const moves = to !== undefined && satisfies(to, notes().multusConfig.detects) && !satisfies(from, notes().multusConfig.detects);
      // A manifest, not yet an object of the cluster: spiderpool-init fills it in, where it is a Pod.
      const isFilled = row.ref.uid === undefined && satisfies(from, versions().initPod.in);
      if (network === '' && isFilled) continue;
      if (network === '') findings.push(found('blocker', row.ref, { is: 'empty' }));
      else if (moves)
        findings.push(found('notice', row.ref, { is: 'unpinned', target: to, ...(NETWORK.test(network) ? { network } : {}) }));
    }
    return findings;
  },
  remedy: {
    pointReads: [
      {
        resource: 'configmaps',
        names: [...CONFIGS, SETTINGS],
        columns: [...Object.values(CONFIG), word('data.clusterNetwork')],
      },
      { resource: 'daemonsets.apps', names: Object.values(COPIED_BY), columns: [MARKED] },
    ],
    writes: [
      { verbs: ['get', 'patch'], group: '', resource: 'configmaps' },
      { verbs: ['get', 'patch'], group: 'apps', resource: 'daemonsets' },
    ],
    steps: async (all, at) => {
      const drafts: StepDraft[] = [];
      for (const { objects, args } of all)
        for (const on of objects) drafts.push(...(args.is === 'empty' ? await filled(on, at.look) : [pinned(args, at)]));
      return drafts;
    },
  },
  say: ({ is, network, target }, [on]) =>
    is === 'empty'
      ? {
          en: `clusterNetwork in ConfigMap ${on?.namespace}/${on?.name} is empty: Multus starts no Pod`,
          zh: `ConfigMap ${on?.namespace}/${on?.name} 中的 clusterNetwork 为空：Multus 无法启动 Pod`,
        }
      : {
          en: `${target} detects the default network on each node, now ${network ?? 'set'}: pin it with multus.multusCNI.defaultCniCRName`,
          zh: `${target} 会在每个节点上检测默认网络（目前为 ${network ?? '已设置'}）：请用 multus.multusCNI.defaultCniCRName 固定`,
        },
};
export default check;

const found = (severity: Finding['severity'], on: Ref, args: Args): Finding<Args> =>
  finding({ severity, key: [args.is, on.name], objects: [on], args, evidence: [{ seen: `clusterNetwork: ${args.network ?? '""'}` }] });

/** Where the name may still stand: in the ConfigMap of another release of Spiderpool. */
async function nameElsewhere({ namespace, name }: Ref, look: PointReader): Promise<string | undefined> {
  for (const other of [...CONFIGS, SETTINGS]) {
    if (other === name) continue;
    const object = await look.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: other });
    if (!object || isGap(object)) continue;
    const { conf } = rowOf(CONFIG)(object);
    const network = other === SETTINGS ? word('data.clusterNetwork').read(object) : conf === UNREADABLE ? undefined : conf?.network;
    if (network && NETWORK.test(network)) return network;
  }
  return undefined;
}

/** No webhook stands before a ConfigMap. What is copied to the nodes is copied when the Pods start. */
async function filled(on: Ref, look: PointReader): Promise<StepDraft[]> {
  const network = await nameElsewhere(on, look);
  if (network === undefined) return [manualNetwork(on)];
  const at = { path: CONF, inString: CLUSTER_NETWORK };
  const set: StepDraft = {
    ...setFields(on, [{ ...at, before: '', after: network }], {
      en: `set clusterNetwork to ${network} in ConfigMap ${on.namespace}/${on.name}`,
      zh: `将 ConfigMap ${on.namespace}/${on.name} 中的 clusterNetwork 设为 ${network}`,
    }),
    undo: 'compensates',
    undoNote: { en: 'undo: empties it again; line breaks in the JSON are not restored', zh: '撤销时：恢复为空；不恢复 JSON 中的换行' },
  };
  const agents: Ref = { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace: on.namespace, name: COPIED_BY[on.name]! };
  const found = await look.get(agents);
  if (!found || isGap(found)) return [set];
  const before = MARKED.read(found);
  const restart: StepDraft = {
    ...{ do: 'patch', on: agents, undo: 'exact', after: [set] },
    changes: [{ path: MARK, ...(before === undefined ? {} : { before }), after: network }],
    guard: [{ on, must: [{ ...at, is: network }] }],
    text: {
      en: `restart DaemonSet ${on.namespace}/${agents.name} (annotates its Pod template), so that nodes get clusterNetwork`,
      zh: `重启 DaemonSet ${on.namespace}/${agents.name}（在其 Pod 模板上加注解），使节点获得 clusterNetwork`,
    },
  };
  return [set, restart];
}

/** What is detected again can be another one: said to helm. */
const pinned = ({ network = 'VALUE' }: Args, at: Situation): StepDraft =>
  upgradeCommand(CHART, at, [setFlag(pathOf('multus.multusCNI.defaultCniCRName'), network)]);
