// Plugins and options of the Corefile: those that CoreDNS dropped on the way, over which it does not start; and, with kubeadm, those that its migration does not know, over which
// kubeadm upgrade stops. Sources: coredns/corefile-migration migration/plugins.go, versions.go@1.14.2; kubernetes cmd/kubeadm/app/phases/upgrade/preflight.go@1.37.2.
import semver from 'semver';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Raw, Ref, Text } from '../../../engine/contracts.ts';
import { isGap } from '../../../engine/gaps.ts';
import { each, rowOf, word } from '../../../engine/read/index.ts';
import { coreDnsOf, LINES, pluginsIn } from '../coredns.ts';
import { corefile as facts } from '../knowledge/tables.ts';
import { managedBy } from '../managed.ts';
import { tagOf } from '../reads.ts';

const COREFILE: Ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'coredns' };
const KUBEADM: Ref = { ...COREFILE, name: 'kubeadm-config' };
const DEPLOYMENT: Ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'kube-system', name: 'coredns' };
const IMAGE = { containers: each('spec.template.spec.containers', { name: word('name', ''), image: word('image', '') }) };

interface Args {
  is: 'removed' | 'unknown';
  names: string[];
  installed: string;
  reached: string;
}

const check: Check<Record<string, never>, Args> = {
  id: 'kubernetes/coredns-corefile',
  title: { en: 'the Corefile suits CoreDNS of the target version', zh: 'Corefile 适用于目标版本的 CoreDNS' },
  headline: { en: 'the Corefile has plugins that the upgrade cannot keep', zh: 'Corefile 含有升级无法保留的插件' },
  page: {
    impact: {
      en: 'CoreDNS does not start with a plugin or option that it no longer has: DNS in the cluster fails. kubeadm upgrade stops in preflight, before any change, at a plugin that its migration does not know.',
      zh: 'CoreDNS 遇到已移除的插件或选项时不会启动，集群内域名解析中断。kubeadm upgrade 遇到其迁移工具不认识的插件时，会在预检时停止，此时尚未做任何更改。',
    },
    detection: {
      en: 'Compares the plugins in ConfigMap kube-system/coredns with the CoreDNS that kubeadm installs for each minor on the way. Of each line only the first word is read.',
      zh: '将 ConfigMap kube-system/coredns 中的插件与途经的每个次要版本中 kubeadm 所带的 CoreDNS 比较。每行只读取第一个词。',
    },
    fix: {
      en: 'manual: kubectl edit configmap coredns -n kube-system. For a plugin that CoreDNS has and kubeadm does not know: kubeadm upgrade apply --ignore-preflight-errors=CoreDNSUnsupportedPlugins, as plan kubernetes prints it.',
      zh: '手动：执行“kubectl edit configmap coredns -n kube-system”。如果 CoreDNS 支持该插件、只是 kubeadm 不认识：升级时执行“kubeadm upgrade apply --ignore-preflight-errors=CoreDNSUnsupportedPlugins”（升级计划中的命令已带该参数）。',
    },
    limits: {
      en: 'Options that kubeadm does not know are not listed; files that the Corefile imports are not read.',
      zh: '不列出 kubeadm 不认识的选项；不读取 Corefile 引入的文件。',
    },
  },
  sources: [
    'coredns/corefile-migration: migration/plugins.go, migration/versions.go',
    'kubernetes/kubernetes: cmd/kubeadm/app/phases/upgrade/preflight.go',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  reads: {},
  pointReads: [
    { resource: 'configmaps', names: [COREFILE.name, KUBEADM.name], columns: Object.values(LINES) },
    { resource: 'deployments.apps', names: [DEPLOYMENT.name], columns: Object.values(IMAGE) },
  ],
  judge: async (_, { path: { from, hops }, look }) => {
    if (managedBy(from, []) === 'K3s') return { notApplicable: OF_K3S };
    const [corefile, deployment, config] = [await look.get(COREFILE), await look.get(DEPLOYMENT), await look.get(KUBEADM)];
    if (isGap(corefile) || isGap(deployment) || isGap(config)) return [];
    const lines = corefile && rowOf(LINES)(corefile).lines;
    if (!lines) return { notApplicable: NONE };
    if (!hops.length) return [];
    const used = pluginsIn(lines);
    const installed = versionIn(deployment) ?? coreDnsOf(String(from)) ?? '';
    // Each at the first hop whose CoreDNS does not have it any more.
    const gone = facts()
      .removed.filter((row) => used.some(({ plugin, options }) => plugin === row.plugin && (!row.option || options.includes(row.option))))
      .flatMap(({ plugin, option, in: since }) => {
        const hop = isBelow(installed, since) ? hops.find((each) => reaches(each, since)) : undefined;
        return hop ? [{ name: [plugin, option].filter(Boolean).join('/'), hop }] : [];
      });
    // kubeadm migrates with the first CoreDNS that it changes.
    const migrates = config && hops.find((each) => isBelow(installed, coreDnsOf(each) ?? ''));
    const foreign = used
      .map(({ plugin }) => plugin)
      .filter((plugin) => !facts().migrated.includes(plugin) && !gone.some(({ name }) => name === plugin));
    const at = (is: Args['is'], names: string[], hop: string) => told(is, names, installed, coreDnsOf(hop) ?? '', hop);
    const removed = [...Map.groupBy(gone, ({ hop }) => hop)].flatMap(([hop, same]) =>
      at(
        'removed',
        same.map(({ name }) => name),
        hop,
      ),
    );
    return [...removed, ...(migrates ? at('unknown', foreign, migrates) : [])];
  },
  say: ({ is, names, reached }) =>
    is === 'removed'
      ? {
          en: `Corefile has ${namedEn(names)}: removed in CoreDNS ${reached}, which does not start with it`,
          zh: `Corefile 含有${namedZh(names)}：CoreDNS ${reached} 已将其移除，无法启动`,
        }
      : {
          en: `Corefile has plugin ${names.join(', ')}: kubeadm cannot migrate it to CoreDNS ${reached}, and kubeadm upgrade stops in preflight (CoreDNSUnsupportedPlugins)`,
          zh: `Corefile 含有${namedZh(names)}：kubeadm 无法将其迁移到 CoreDNS ${reached}，kubeadm upgrade 会在预检（CoreDNSUnsupportedPlugins）时停止`,
        },
};
export default check;

/** At each start it writes them again, and with them the CoreDNS of its release. */
const OF_K3S: Text = {
  en: 'K3s installs CoreDNS and its Corefile with each version; what ConfigMap kube-system/coredns-custom adds is not read',
  zh: 'K3s 的每个版本都会安装自带的 CoreDNS 和 Corefile；不读取 ConfigMap kube-system/coredns-custom 中追加的内容',
};
/** `PLUGIN`, or `PLUGIN/OPTION`. */
const namedEn = (names: readonly string[]): string =>
  names.map((name) => (name.includes('/') ? `option ${name.split('/')[1]} of plugin ${name.split('/')[0]}` : `plugin ${name}`)).join(', ');
const namedZh = (names: readonly string[]): string =>
  names.map((name) => (name.includes('/') ? `插件“${name.split('/')[0]}”的选项“${name.split('/')[1]}”` : `插件“${name}”`)).join('、');

const NONE: Text = { en: 'there is no Corefile in ConfigMap kube-system/coredns', zh: 'ConfigMap kube-system/coredns 中没有 Corefile' };
const isBelow = (a: string, b: string): boolean => Boolean(semver.valid(a) && semver.valid(b) && semver.lt(a, b));

/** Where the table does not know the CoreDNS of a minor nothing is known to be gone. */
function reaches(hop: string, since: string): boolean {
  const reached = coreDnsOf(hop);
  return reached !== undefined && !isBelow(reached, since);
}

function versionIn(deployment: Raw | undefined): string | undefined {
  const image = deployment && rowOf(IMAGE)(deployment).containers.find(({ name }) => name === 'coredns')?.image;
  return image ? (semver.clean(tagOf(image)) ?? undefined) : undefined;
}

const told = (is: Args['is'], names: string[], installed: string, reached: string, hop: string): Finding<Args>[] =>
  names.length
    ? [
        finding({
          // The plan's command for kubeadm names the check to ignore.
          severity: is === 'removed' ? 'blocker' : 'warning',
          key: [is, ...new Set(names)],
          objects: [COREFILE],
          args: { is, names: [...new Set(names)], installed, reached },
          evidence: [{ seen: `data.Corefile: ${names.join(', ')}` }],
          hop,
        }),
      ]
    : [];
