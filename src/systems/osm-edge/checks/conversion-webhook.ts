// osm-bootstrap of 1.1.x makes itself the conversion webhook of meshconfigs; from 1.2.0 on nothing listens on that port any more, so that every read of a MeshConfig in another version fails.
// Sources: pkg/crdconversion@v1.1.3 (service osm-bootstrap:9443); cmd/osm-bootstrap@v1.2.0 (strategy None on every CRD that it applies).
import type { Check, Finding, Ref, StepDraft } from '../../../engine/contracts.ts';
import { list, maybe, tree, word } from '../../../engine/read/index.ts';
import { compare } from '../../../versions/chart.ts';

const reads = {
  crds: list('customresourcedefinitions.apiextensions.k8s.io', {
    group: word('spec.group', ''),
    strategy: word('spec.conversion.strategy'),
    service: maybe('spec.conversion.webhook.clientConfig.service', { name: word('name', ''), namespace: word('namespace', '') }),
    conversion: tree('spec.conversion.webhook.conversionReviewVersions'),
  }),
};
interface Args {
  namespace: string;
  version: string;
}
/** Groups of osm-edge and of SMI, whose CRDs it ships. */
const GROUPS = /(?:\.openservicemesh\.io|\.smi-spec\.io|(?:^|\.)flomesh\.io)$/;

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/conversion-webhook',
  title: { en: 'no CRD uses osm-bootstrap for conversion', zh: '没有 CRD 使用 osm-bootstrap 进行版本转换' },
  headline: { en: 'CRDs use a conversion webhook that no longer exists', zh: 'CRD 使用的转换 webhook 已不存在' },
  page: {
    impact: {
      en: 'From 1.2.0 on osm-bootstrap serves no conversion webhook. A CRD that still names it cannot be read in another version, and MeshConfig v1alpha1 clients fail.',
      zh: '自 1.2.0 起，osm-bootstrap 不再提供转换 webhook。仍指向它的 CRD 无法以其他版本读取，使用 MeshConfig v1alpha1 的客户端会失败。',
    },
    detection: {
      en: 'Reads spec.conversion of the CRDs of osm-edge and SMI, where the installed version is 1.2.0 or later.',
      zh: '当前版本为 1.2.0 或更高时，读取 osm-edge 与 SMI 的 CRD 的 spec.conversion。',
    },
    fix: {
      en: 'Sets the conversion strategy to None, as osm-bootstrap from 1.2.0 on does.',
      zh: '将转换策略改为 None，与 1.2.0 及之后的 osm-bootstrap 的做法相同。',
    },
  },
  sources: ['flomesh-io/osm-edge: pkg/crdconversion@v1.1.3', 'flomesh-io/osm-edge: cmd/osm-bootstrap/osm-bootstrap.go@v1.2.0'],
  applies: { from: '>=1.2.0', stage: 'both' },
  reads,
  judge: ({ crds }, { path: { from, installation } }) => {
    if (typeof from !== 'string' || compare(from, '1.2.0') < 0) return [];
    const broken = crds.filter(
      ({ group, strategy, service }) =>
        GROUPS.test(group) && strategy === 'Webhook' && service?.name === 'osm-bootstrap' && service.namespace === installation.namespace,
    );
    return broken.length
      ? [
          finding(
            broken.map(({ ref }) => ref),
            { namespace: installation.namespace ?? '', version: from },
          ),
        ]
      : [];
  },
  say: ({ namespace, version }, objects) => ({
    en: `${objects.map(({ name }) => name).join(', ')}: converted by Service ${namespace}/osm-bootstrap, where ${version} serves no conversion webhook`,
    zh: `${objects.map(({ name }) => name).join('、')} 由 Service ${namespace}/osm-bootstrap 转换，而 ${version} 不提供转换 webhook`,
  }),
  remedy: {
    pointReads: [{ resource: 'customresourcedefinitions.apiextensions.k8s.io', columns: [tree('spec.conversion')] }],
    writes: [{ verbs: ['get', 'patch'], group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' }],
    steps: async (found, { look }) => {
      const steps: StepDraft[] = [];
      for (const on of found.flatMap(({ objects }) => objects)) {
        const live = await look.get(on);
        const before = live && !('why' in live) ? (live.spec as { conversion?: never } | undefined)?.conversion : undefined;
        if (before) steps.push(patch(on, before));
      }
      return steps;
    },
  },
};
export default check;

const finding = (objects: Ref[], args: Args): Finding<Args> => ({
  severity: 'blocker',
  key: [args.namespace],
  certainty: 'certain',
  objects,
  args,
  evidence: [{ seen: 'spec.conversion.strategy: Webhook', at: objects[0] }],
});

const patch = (on: Ref, before: never): StepDraft => ({
  ...{ do: 'patch', on, changes: [{ path: '/spec/conversion', before, after: { strategy: 'None' } }], undo: 'exact' },
  guard: [{ on, must: [{ path: '/spec/conversion/strategy', is: 'Webhook' }] }],
  text: {
    en: `set spec.conversion.strategy of CRD ${on.name} to None`,
    zh: `将 CRD ${on.name} 的 spec.conversion.strategy 改为 None`,
  },
});
