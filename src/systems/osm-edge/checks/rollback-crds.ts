// What a way back does not restore: osm-bootstrap of the old version applies its own CRDs again (from 1.2.0 on; in 1.1 its init container), so that fields that came since are pruned, and objects of new kinds stay unread.
// Sources: cmd/osm-bootstrap/crds at every tag (knowledge/crds.json, meshconfig.json); cmd/osm-bootstrap/osm-bootstrap.go@v1.2.0 (an existing CRD is replaced as a whole).
import { crdRef } from '../../../chart/crds.ts';
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Text } from '../../../engine/contracts.ts';
import { shellWord } from '../../../text/shell.ts';
import { compare } from '../../../versions/chart.ts';
import { crds, mapping } from '../knowledge/tables.ts';
import { manual } from '../manual.ts';

/** More names of fields tell a person nothing. */
const SHOWN = 4;

interface Args {
  is: 'fields' | 'kinds' | 'selector';
  from: string;
  target: string;
  names: string[];
}

const check: Check<Record<string, never>, Args> = {
  id: 'osm-edge/rollback-crds',
  title: { en: 'a rollback would restore everything', zh: '回滚可以完全恢复' },
  headline: { en: 'rollback would not restore everything', zh: '回滚无法完全恢复' },
  page: {
    impact: {
      en: 'helm rollback starts the old osm-bootstrap again, which replaces the CRDs with its own: fields of MeshConfig that came with the target version are pruned, and objects of new kinds stay without effect. A helm rollback across 1.3.0 also fails, because the label selector of Deployment osm-controller cannot be changed.',
      zh: 'helm rollback 会恢复旧的 osm-bootstrap，由它用自身的 CRD 替换现有 CRD：目标版本新增的 MeshConfig 字段会被清除，新类型的对象不再起作用。跨越 1.3.0 时，helm rollback 还会失败，因为 Deployment osm-controller 的标签选择算符不可更改。',
    },
    detection: {
      en: 'Compares the older and the newer version by tables made from the CRDs of every release, before an upgrade and, with --back-to, after it.',
      zh: '按由各版本 CRD 生成的数据表比较新旧两个版本，升级之前和之后（--back-to）均可。',
    },
    limits: {
      en: 'upgrade-guard undo deletes the new Deployment osm-controller before helm rollback, keeps its Pods running, and restarts the workloads that it restarted.',
      zh: 'upgrade-guard undo 会在 helm rollback 之前删除新的 Deployment osm-controller（保留其 Pod），并重启此前重启过的工作负载。',
    },
  },
  sources: [
    {
      en: 'flomesh-io/osm-edge: cmd/osm-bootstrap/crds, cmd/osm-bootstrap/osm-bootstrap.go at every tag',
      zh: 'flomesh-io/osm-edge: cmd/osm-bootstrap/crds, cmd/osm-bootstrap/osm-bootstrap.go（所有 tag）',
    },
  ],
  applies: { stage: 'back' },
  reads: {},
  judge: (_, { back }) => {
    const { from: target, to: from } = back!;
    const isNew = (since: string) => compare(since, from) > 0 && compare(since, target) <= 0;
    const fields = mapping()
      .filter(({ since }) => isNew(since))
      .map(({ path }) => path);
    const kinds = Object.entries(crds().crds).flatMap(([name, since]) => {
      const first = Object.keys(since).filter((version) => since[version] !== null);
      return first.length && first.every((version) => version !== '1.1.0') && isNew(first.toSorted(compare)[0]!) ? [name] : [];
    });
    const args = { from, target };
    return [
      ...(isNew('1.3.0') ? [found({ ...args, is: 'selector', names: ['osm-controller'] })] : []),
      ...(kinds.length ? [found({ ...args, is: 'kinds', names: kinds })] : []),
      ...(fields.length ? [found({ ...args, is: 'fields', names: fields })] : []),
    ];
  },
  say: ({ is, from, target, names }) => {
    const listed = shown(names);
    return {
      selector: {
        en: `helm rollback from ${target} to ${from} fails, because the label selector of Deployment osm-controller cannot be changed: use upgrade-guard undo`,
        zh: `从 ${target} 用 helm rollback 回退到 ${from} 会失败，因为 Deployment osm-controller 的标签选择算符不可更改：请使用 upgrade-guard undo`,
      },
      kinds: {
        en: `${target} adds ${listed.en}; their objects have no effect after a return to ${from}`,
        zh: `${target} 新增 ${listed.zh}；回退到 ${from} 后这些对象不起作用`,
      },
      fields: {
        en: `${target} adds ${listed.en} to MeshConfig; their values are lost after a return to ${from}`,
        zh: `${target} 在 MeshConfig 中新增 ${listed.zh}；回退到 ${from} 后其值会丢失`,
      },
    }[is];
  },
  remedy: {
    writes: [],
    steps: async (all) =>
      all.map(({ args: { is, names }, objects }) =>
        is === 'selector'
          ? manual({
              en: 'use upgrade-guard undo instead of helm rollback: it handles the label selector',
              zh: '用 upgrade-guard undo 代替 helm rollback 回退：它会处理标签选择算符的问题',
            })
          : manual(
              {
                en: `save ${is === 'kinds' ? 'the objects of these kinds' : `the MeshConfig (${shown(names).en})`} before going back`,
                zh: `回退之前备份${is === 'kinds' ? '这些类型的对象' : ` MeshConfig（${shown(names).zh}）`}`,
              },
              `kubectl get ${is === 'kinds' ? objects.map(({ name }) => shellWord(name)).join(',') : 'meshconfigs.config.openservicemesh.io'} -A -o yaml`,
              objects,
            ),
      ),
  },
};
export default check;

function shown(names: readonly string[]): Text {
  const [first, more] = [names.slice(0, SHOWN), names.length - SHOWN];
  return {
    en: `${first.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    zh: `${first.join('、')}${more > 0 ? ` 等 ${names.length} 项` : ''}`,
  };
}

const found = (args: Args): Finding<Args> =>
  finding<Args>({
    severity: args.is === 'selector' ? 'warning' : 'notice',
    key: [args.is],
    objects: args.is === 'kinds' ? args.names.map(crdRef) : [],
    args,
    evidence: [{ seen: `${args.from} → ${args.target}` }],
  });
