// Files that flags of kube-apiserver and kube-scheduler name, and that a newer minor reads more strictly or in other versions: of a cluster the flag is seen and the file is
// not; among the files of -f it is.
// Sources: apiserver pkg/server/options/encryptionconfig/config.go:133@0.31.14, pkg/admission/config.go:66@0.32.13, pkg/admission/plugin/webhook/config/kubeconfig.go:35@0.36.4.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Json, Raw, Ref, Refusal, Rows, StepDraft, Text } from '../../../engine/contracts.ts';
import { isRaw } from '../../../kube/json.ts';
import { groupOf } from '../../../kube/refs.ts';
import { minorOf } from '../../../versions/kubernetes.ts';
import { flagsOf } from '../command-line.ts';
import { configRewritten, webhooksRewritten } from '../config-rewrites.ts';
import { components, files } from '../knowledge/tables.ts';
import { unseen } from '../managed.ts';
import { controlPlaneOf, later, nodes, staticPods } from '../reads.ts';
import { isReadBy } from '../refusals.ts';

const reads = later(() => ({ ...staticPods(), nodes }));
interface Args {
  component: string;
  hop: string;
  /** That names the file, and its path on the node; of a file of -f, its kind. */
  flag?: string;
  file: string;
  /** The version of the file that is gone; undefined: it is read strictly from there on. */
  gone?: string;
  /** A field of the file that names the files that are meant. */
  named?: string;
  /** The fields of a file of -f that are not known. */
  fields?: string[];
}

const check: Check<ReturnType<typeof reads>, Args> = {
  id: 'kubernetes/admission-files',
  title: { en: 'configuration files of the control plane suit the target version', zh: '控制平面的配置文件适用于目标版本' },
  headline: { en: 'control plane configuration files must be checked or changed', zh: '控制平面的配置文件需要检查或修改' },
  page: {
    impact: {
      en: 'A component does not start if it cannot decode one of its configuration files: the file has an unknown or duplicate field (where decoding is strict), or an API version that was removed.',
      zh: '组件无法读取配置文件时不会启动。原因可能是文件含有未知或重复的字段（严格解码时），或使用了已移除的 API 版本。',
    },
    detection: {
      en: 'Reads --encryption-provider-config, --admission-control-config-file, --audit-policy-file and --config on the command lines of static Pods; the files themselves are on the node. In files (-f) of these kinds, reads the API version, and the names of fields where the target version decodes strictly.',
      zh: '读取静态 Pod 命令行中的 --encryption-provider-config、--admission-control-config-file、--audit-policy-file 和 --config；文件本身位于节点上。对于通过 -f 提供的这些类型的文件，读取 API 版本；目标版本严格解码时还读取字段名。',
    },
    fix: {
      en: 'manual: read the file on each control-plane node; remove unknown and duplicate fields, and use an apiVersion that the target version has. In files (-f), fix -f sets apiVersion where nothing else has to change.',
      zh: '手动：在每个控制平面节点上检查该文件，删除未知和重复字段，并使用目标版本支持的 apiVersion。对于文件（-f），如果不需要其他改动，fix -f 会直接修改 apiVersion。',
    },
    limits: {
      en: 'The file of --image-credential-provider-config of a kubelet, strict from 1.32 on, is not visible. Values in files are not judged.',
      zh: 'kubelet 的 --image-credential-provider-config 文件（自 1.32 起严格解码）不可见。不检查文件中的取值。',
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
  judge: (rows: Rows<ReturnType<typeof reads>>, { path: { from, to, hops } }) => {
    const seen = controlPlaneOf(rows);
    const closed = unseen(seen, from, rows.nodes, to);
    if (closed) return closed;
    const concerned: (Omit<Args, 'file'> & { flag: string })[] = [
      ...files()
        .strict.filter(({ since }) => hops.includes(since))
        .map(({ flag, since, named }) => ({ flag, component: 'kube-apiserver', hop: since, ...(named ? { named } : {}) })),
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
  get files() {
    return { kinds: files().documents.map(({ kind }) => kind), judge: refusedInFile };
  },
  inFiles: (found, declared) => found.flatMap(({ args, objects }) => objects.flatMap((on) => inFile(args, on, declared(on)))),
  say: ({ component, flag, file, hop, gone, named, fields = [] }) => {
    if (!flag) {
      const what: Text = gone
        ? { en: `is ${gone}: ${component} ${hop} cannot read it`, zh: `的版本为 ${gone}：${component} ${hop} 无法读取` }
        : {
            en: `has unknown fields (${fields.join(', ')}): ${component} ${hop} does not start with it`,
            zh: `含有未知字段（${fields.join('、')}）：${component} ${hop} 无法启动`,
          };
      return { en: `${file} ${what.en}`, zh: `${file} ${what.zh}` };
    }
    const what: Text = gone
      ? { en: `must not be ${gone}, which ${hop} does not have`, zh: `不得使用 ${gone}，${hop} 已移除该版本` }
      : { en: `must not contain unknown or duplicate fields from ${hop} on`, zh: `自 ${hop} 起不得含有未知或重复字段` };
    const which: Text = named ? { en: `files of ${named} in ${file}`, zh: `${file} 中 ${named} 所指的文件` } : { en: file, zh: file };
    return { en: `${component}: ${which.en} ${what.en}; check the file`, zh: `${component}：${which.zh} ${what.zh}；请检查该文件` };
  },
};
export default check;

// ---- files of -f ----------------------------------------------------------------------------------------------------

function refusedInFile(document: Raw, on: Ref, to: string): Finding<Args>[] {
  const row = files().documents.find(({ kind }) => kind === `${groupOf(on.apiVersion)}/${on.kind}`)!;
  return [
    ...versionRefused(on.apiVersion, on.kind, row, on, to),
    ...embeddedRefused(document, on, to),
    ...fieldsRefused(document, row, on, to),
  ];
}

type Row = ReturnType<typeof files>['documents'][number];

function inFile({ file, gone, hop, fields = [] }: Args, on: Ref, document: Raw | undefined): (StepDraft | Refusal)[] {
  if (on.file === undefined) return [];
  if (gone === undefined) return [{ refused: { en: `remove ${fields.join(', ')}`, zh: `删除 ${fields.join('、')}` }, objects: [on] }];
  if (file.startsWith('WebhookAdmission')) return webhooksRewritten(on, document, gone);
  const { reader = '' } = files().documents.find(({ kind }) => kind === `${groupOf(on.apiVersion)}/${on.kind}`)!;
  return configRewritten(reader, on, document, gone, hop);
}

const versionRefused = (apiVersion: string, kind: string, { reader, component }: Row, on: Ref, to: string): Finding<Args>[] =>
  !reader || isReadBy(reader, apiVersion, to)
    ? []
    : [
        finding({
          severity: 'blocker',
          key: ['version', kind, apiVersion],
          objects: [on],
          args: { component, hop: to, file: kind, gone: apiVersion },
          evidence: [{ seen: `apiVersion: ${apiVersion}` }],
        }),
      ];

/** An AdmissionConfiguration may hold the configuration of its plugins. */
function embeddedRefused({ plugins }: Raw, on: Ref, to: string): Finding<Args>[] {
  return (Array.isArray(plugins) ? plugins : []).flatMap((plugin) => {
    const { apiVersion, kind } = isRaw(plugin) && isRaw(plugin.configuration) ? plugin.configuration : {};
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') return [];
    const row = files().documents.find((each) => each.kind === `${groupOf(apiVersion)}/${kind}`);
    return row ? versionRefused(apiVersion, kind, row, on, to) : [];
  });
}

function fieldsRefused(document: Raw, { component, strict, fields = [] }: Row, on: Ref, to: string): Finding<Args>[] {
  if (!strict || minorOf(to) < minorOf(strict)) return [];
  const { apiVersion: _version, kind, metadata: _given, ...rest } = document;
  const unknown = [...new Set(unknownFields(rest, '', fields))];
  if (!unknown.length) return [];
  return [
    finding({
      severity: 'blocker',
      key: ['fields', String(kind), ...unknown],
      objects: [on],
      args: { component, hop: strict, file: String(kind), fields: unknown },
      evidence: unknown.map((seen) => ({ seen })),
    }),
  ];
}

/** `resources[].providers[].kms`: fields that stand in the way to none of these, and below none of them. */
function unknownFields(value: Json, at: string, known: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => unknownFields(each, `${at}[]`, known));
  if (!isRaw(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    const field = at ? `${at}.${key}` : key;
    if (known.includes(field)) return [];
    return known.some((one) => one.startsWith(`${field}.`) || one.startsWith(`${field}[]`)) ? unknownFields(each, field, known) : [field];
  });
}
