// Files that flags of kube-apiserver and kube-scheduler name, and that a newer minor reads more strictly or in other versions: the flag is seen, the file is not.
// Sources: apiserver pkg/server/options/encryptionconfig/config.go:133@0.31.14, pkg/admission/config.go:66@0.32.13, pkg/admission/plugin/webhook/config/kubeconfig.go:35@0.36.4.
import { finding } from '../../../engine/builders.ts';
import type { Check, Rows, Text } from '../../../engine/contracts.ts';
import { flagsOf } from '../command-line.ts';
import { components, files } from '../knowledge/tables.ts';
import { unseen } from '../managed.ts';
import { controlPlaneOf, later, nodes, staticPods } from '../reads.ts';

const reads = later(() => ({ ...staticPods(), nodes }));
interface Args {
  flag: string;
  file: string;
  component: string;
  hop: string;
  /** The version of the file that is gone; undefined: it is read strictly from there on. */
  gone?: string;
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/admission-files',
  title: { en: 'configuration files of the control plane suit the target version', zh: '控制平面的配置文件适用于目标版本' },
  headline: { en: 'files named by flags must be checked on the node', zh: '参数所指的配置文件需在节点上检查' },
  page: {
    impact: {
      en: 'A component does not start over a configuration file that its version cannot read: an unknown or duplicate field where it decodes strictly, or an API version that it no longer has.',
      zh: '组件无法读取配置文件时不会启动：严格解码时含未知或重复字段，或使用了已移除的 API 版本。',
    },
    detection: {
      en: 'Reads --encryption-provider-config, --admission-control-config-file, --audit-policy-file and --config on the command lines of static Pods. The files themselves are on the node.',
      zh: '读取静态 Pod 命令行中的 --encryption-provider-config、--admission-control-config-file、--audit-policy-file 和 --config。文件本身位于节点上。',
    },
    fix: {
      en: 'manual: read the file on each control-plane node; remove unknown and duplicate fields, and use an apiVersion that the target version has.',
      zh: '手动：在每个控制平面节点上检查该文件，删除未知和重复字段，并使用目标版本支持的 apiVersion。',
    },
    limits: {
      en: 'The file of --image-credential-provider-config of a kubelet, strict from 1.32 on, is not visible.',
      zh: 'kubelet 的 --image-credential-provider-config 文件（自 1.32 起严格解码）不可见。',
    },
  },
  sources: [
    'kubernetes/apiserver: pkg/server/options/encryptionconfig, pkg/admission/config.go',
    'knowledge/components.json: configVersions',
  ],
  applies: { stage: 'before' },
  needs: ['target'],
  get reads() {
    return reads();
  },
  judge: (rows: Rows<ReturnType<typeof reads>>, { path: { from, hops } }) => {
    const seen = controlPlaneOf(rows);
    const closed = unseen(seen, from, rows.nodes);
    if (closed) return closed;
    const concerned: Omit<Args, 'file'>[] = [
      ...files()
        .strict.filter(({ since }) => hops.includes(since))
        .map(({ flag, since }) => ({ flag, component: 'kube-apiserver', hop: since })),
      ...components().configVersions.flatMap(({ reader, apiVersion, removedIn }) => {
        const named = files().readers.find((each) => each.reader === reader);
        if (!named || !removedIn || !hops.includes(removedIn)) return [];
        return [{ component: named.component, flag: named.flag, hop: removedIn, gone: apiVersion }];
      }),
    ];
    return concerned.flatMap((each) => {
      const users = seen.flatMap(({ component, ref, flags }) => {
        const file = component === each.component ? flagsOf(flags).get(each.flag)?.at(-1) : undefined;
        return file ? [{ ref, file }] : [];
      });
      const [first] = users;
      if (!first) return [];
      return [
        finding({
          severity: 'notice',
          key: [each.flag, each.hop, each.gone ?? 'strict'],
          objects: users.map(({ ref }) => ref),
          args: { ...each, file: first.file },
          evidence: users.map(({ ref, file }) => ({ seen: `--${each.flag}=${file}`, at: ref })),
          hop: each.hop,
        }),
      ];
    });
  },
  say: ({ component, file, hop, gone }) => {
    const what: Text = gone
      ? { en: `must not be ${gone}, which ${hop} does not have`, zh: `不得使用 ${gone}，${hop} 已移除该版本` }
      : { en: `must hold no unknown or duplicate field from ${hop} on`, zh: `自 ${hop} 起不得含有未知或重复字段` };
    return { en: `${component}: ${file} ${what.en}; check the file`, zh: `${component}：${file} ${what.zh}；请检查该文件` };
  },
};
export default check;
