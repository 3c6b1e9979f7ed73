// etcd of a newer minor than the older version comes with: an older etcd does not start on its data. Sources: etcd downgrade_3_6, downgrade_3_7 (etcdctl downgrade, from 3.6 on);
// knowledge/kubeadm.json (the etcd that kubeadm installs for each minor).
import { finding } from '../../../engine/builders.ts';
import type { Check, Ref, Text } from '../../../engine/contracts.ts';
import { each, list, word } from '../../../engine/read/index.ts';
import { providersMatter } from '../managed.ts';
import { nodes, tagOf } from '../reads.ts';
import { crossesEtcd, etcdMinorOf, etcdOf } from '../way-back.ts';

const reads = {
  pods: list(
    'pods',
    { containers: each('spec.containers', { name: word('name', ''), image: word('image', '') }) },
    { labels: 'component=etcd' },
  ),
  nodes,
};
interface Args {
  newer: string;
  older: string;
  to: string;
  upgraded: boolean;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/way-back-etcd',
  title: {
    en: 'etcd has the minor version that comes with the older version',
    zh: 'etcd 的次要版本与要回退到的 Kubernetes 版本自带的一致',
  },
  headline: { en: 'etcd cannot return to its older minor in place', zh: 'etcd 无法直接回到旧的次要版本' },
  page: {
    impact: {
      en: 'An etcd of an older minor does not start on data that a newer one wrote. To return etcd itself, downgrade it or restore a backup; a backup loses every later write.',
      zh: '旧次要版本的 etcd 无法在新版本写入的数据上启动。要让 etcd 本身回退，需执行降级或恢复备份；恢复备份会丢失之后的所有写入。',
    },
    detection: {
      en: 'Compares the etcd of the older version with the image of the oldest etcd member (static Pod); before an upgrade, with the etcd that kubeadm installs for the target version.',
      zh: '将 etcd 静态 Pod 的镜像（以最旧的成员为准；升级前则为 kubeadm 为目标版本安装的 etcd）与要回退到的 Kubernetes 版本自带的 etcd 比较。',
    },
    fix: {
      en: 'manual: back up etcd before the upgrade. To return from etcd 3.6: etcdctl downgrade enable 3.5, then replace the members one by one (likewise for newer minors); or restore the backup. Or leave the newer etcd in place under the older API server.',
      zh: '手动：升级前备份 etcd。从 etcd 3.6 回退时，先执行“etcdctl downgrade enable 3.5”，再逐个替换成员（3.7 等更高的次要版本同理）；或恢复备份。也可以保留新版本的 etcd，供旧版本的 API 服务器使用。',
    },
    limits: { en: 'External etcd is not visible.', zh: '外部 etcd 不可见。' },
  },
  sources: [
    'etcd-io/website: content/en/docs/v3.6/downgrades/downgrade_3_6.md, v3.7/downgrades/downgrade_3_7.md',
    'kubernetes/kubernetes: cmd/kubeadm/app/constants/constants.go',
  ],
  applies: { stage: 'back' },
  reads,
  judge: ({ pods, nodes }, { path, back }) => {
    const { from, to, upgraded } = back!;
    const theirs = providersMatter(path.from, nodes);
    if (theirs) return theirs;
    const crosses = crossesEtcd(to, from);
    if (crosses === undefined) return { unknown: NO_DATA(etcdOf(to) ? from : to) };
    if (!crosses) return [];
    const members = pods.flatMap(({ ref, containers }) => {
      const image = containers.find(({ name }) => name === 'etcd')?.image;
      return image ? [{ ref, version: tagOf(image).replace(/-\d+$/, '') }] : [];
    });
    if (members.some(({ version }) => Number.isNaN(etcdMinorOf(version)))) return { unknown: NO_TAG };
    // Data stay of the older minor until the last member is of the newer one.
    const oldest = members.map(({ version }) => version).toSorted((a, b) => etcdMinorOf(a) - etcdMinorOf(b))[0];
    if (upgraded && !oldest) return { unknown: NOT_SEEN };
    // Of several minors on the way the first that comes with a newer etcd closes the way back.
    const hop = upgraded ? undefined : path.hops.find((each) => crossesEtcd(to, each));
    const [newer, older] = upgraded ? [oldest!, etcdOf(to)!] : [etcdOf(hop ?? from)!, oldest ?? etcdOf(to)!];
    const objects = members.map(({ ref }) => ref);
    return etcdMinorOf(newer) > etcdMinorOf(older) ? [told(objects, { newer, older, to, upgraded }, hop)] : [];
  },
  say: ({ newer, older, to, upgraded }) => {
    const first = /^v?3\.[0-5]\./.test(newer)
      ? { en: '', zh: '' }
      : { en: ', or to downgrade etcd first (etcdctl downgrade)', zh: '，或先用“etcdctl downgrade”降级 etcd，' };
    return upgraded
      ? {
          en: `etcd ${older}, which comes with ${to}, does not start on the data of etcd ${newer}: the way back is to restore the backup${first.en}`,
          zh: `${to} 自带的 etcd ${older} 无法在 etcd ${newer} 的数据上启动：要让 etcd 回退，需恢复备份${first.zh}`,
        }
      : {
          en: `the upgrade installs etcd ${newer}: afterwards etcd ${older} does not start on its data`,
          zh: `升级会安装 etcd ${newer}：此后 etcd ${older} 无法在其数据上启动`,
        };
  },
};
export default check;

const NOT_SEEN: Text = {
  en: 'no etcd static Pod is visible: run etcdctl endpoint status --cluster',
  zh: '看不到 etcd 静态 Pod：请执行 etcdctl endpoint status --cluster',
};
const NO_TAG: Text = {
  en: 'the image of etcd names no version: run etcdctl endpoint status --cluster',
  zh: 'etcd 的镜像没有标明版本：请执行 etcdctl endpoint status --cluster',
};
const NO_DATA = (version: string): Text => ({
  en: `the etcd that comes with ${version} is not known to this version of upgrade-guard`,
  zh: `当前版本的 upgrade-guard 没有 ${version} 自带 etcd 的数据`,
});

const told = (objects: Ref[], args: Args, hop: string | undefined) =>
  finding({ severity: 'blocker', key: ['minor'], certainty: 'high', objects, args, evidence: [{ seen: `etcd ${args.newer}` }], hop });
