// SpiderEndpoints written before 0.4.0 call the controller of a bare Pod "None"; since 0.4.0 the value is "Pod".
// Sources: pkg/constant/k8s.go@v0.3.7 (OwnerNone) and @v0.4.0 (KindPod); docs/usage/upgrade.md; status subresource: the CRDs of 0.3.x and 0.4.x.
import { finding, setFields } from '../../../engine/builders.ts';
import type { Check, Json, PointReader, Raw, Ref, Refusal, StepDraft, Text } from '../../../engine/contracts.ts';
import { describeGap, isGap } from '../../../engine/gaps.ts';
import { asIs, list, word } from '../../../engine/read/index.ts';

const OLD = 'None';
const NEW = 'Pod';
const PATH = '/status/ownerControllerType';
const CRD = 'spiderendpoints.spiderpool.spidernet.io';

const reads = {
  endpoints: list(CRD, { type: word('status.ownerControllerType') }, { only: ({ type }) => type === OLD, made: true }),
};

const check: Check<typeof reads, object> = {
  id: 'spiderpool/owner-controller-type',
  title: { en: 'no SpiderEndpoint has ownerControllerType None', zh: '没有 SpiderEndpoint 的 ownerControllerType 为 None' },
  headline: { en: 'SpiderEndpoints still have ownerControllerType None', zh: '仍有 SpiderEndpoint 的 ownerControllerType 为 None' },
  page: {
    impact: {
      en: 'Up to 0.3.7 Spiderpool set ownerControllerType to None for Pods without a controller; since 0.4.0 it sets Pod, and an upgrade does not rewrite old objects. Every release up to 1.2.2 treats None like Pod, so nothing breaks; the upgrade guide asks for the change all the same.',
      zh: '0.3.7 及更早版本把没有控制器的 Pod 的 ownerControllerType 记为 None，0.4.0 起记为 Pod，升级不会改写已有对象。到 1.2.2 为止的版本都把 None 当作 Pod 处理，没有影响；Spiderpool 的升级指南仍要求修改。',
    },
    detection: {
      en: 'Reads status.ownerControllerType of every SpiderEndpoint.',
      zh: '读取每个 SpiderEndpoint 的 status.ownerControllerType。',
    },
    fix: { en: 'Sets ownerControllerType to Pod. Undo sets it back.', zh: '将 ownerControllerType 改为 Pod；撤销时改回。' },
  },
  sources: [
    'spidernet-io/spiderpool: pkg/constant/k8s.go@v0.3.7, @v0.4.0',
    'spidernet-io/spiderpool: docs/usage/upgrade.md',
    'spidernet-io/spiderpool: charts/spiderpool/crds@v0.3.7, @v0.4.0 (status subresource)',
  ],
  applies: { to: '>=0.4.0', stage: 'both' },
  reads,
  judge: ({ endpoints }) =>
    endpoints.length
      ? [
          finding({
            // Every release up to 1.2.2 treats it like Pod.
            severity: 'notice',
            key: [OLD],
            objects: endpoints.map(({ ref }) => ref),
            args: {},
            evidence: [{ seen: `${PATH.slice(1).replace('/', '.')}: ${OLD}` }],
          }),
        ]
      : [],
  say: (_, { length }) => ({
    en: `status.ownerControllerType is ${OLD} in ${length} SpiderEndpoint${length === 1 ? '' : 's'}`,
    zh: `${length} 个 SpiderEndpoint 的 status.ownerControllerType 为 ${OLD}`,
  }),
  remedy: {
    pointReads: [
      {
        resource: 'customresourcedefinitions.apiextensions.k8s.io',
        names: [CRD],
        columns: [asIs('spec.versions.name', 'spec.versions.subresources')],
      },
    ],
    writes: [
      { verbs: ['get', 'patch'], group: 'spiderpool.spidernet.io', resource: 'spiderendpoints' },
      { verbs: ['patch'], group: 'spiderpool.spidernet.io', resource: 'spiderendpoints/status' },
    ],
    steps: async (found, { look }) => {
      const objects = found.flatMap((each) => each.objects);
      const subresource = await statusSubresource(look, objects[0]!);
      if (typeof subresource === 'object') return [{ refused: subresource, objects } satisfies Refusal];
      return objects.map((on) => step(on, subresource));
    },
  },
};
export default check;

/** Whether the CRD gives the served version a status subresource: then a patch of the main resource would silently change nothing. A Text: why it cannot be told. */
async function statusSubresource(look: PointReader, { apiVersion }: Ref): Promise<'status' | undefined | Text> {
  const crd = await look.get({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: CRD });
  if (isGap(crd)) return describeGap(crd);
  const versions = ((crd?.spec as Raw | undefined)?.versions ?? []) as { name: string; subresources?: { status?: Json } }[];
  const served = versions.find(({ name }) => `spiderpool.spidernet.io/${name}` === apiVersion);
  if (!served)
    return {
      en: `CRD ${CRD} does not have version ${apiVersion}`,
      zh: `CRD ${CRD} 没有版本 ${apiVersion}`,
    };
  return served.subresources?.status ? 'status' : undefined;
}

const step = (on: Ref, subresource: 'status' | undefined): StepDraft =>
  ({
    ...setFields(on, [{ path: PATH, before: OLD, after: NEW }], {
      en: `set status.ownerControllerType of SpiderEndpoint ${on.namespace}/${on.name} to ${NEW}`,
      zh: `将 SpiderEndpoint ${on.namespace}/${on.name} 的 status.ownerControllerType 改为 ${NEW}`,
    }),
    ...(subresource ? { subresource } : {}),
  }) as StepDraft;
