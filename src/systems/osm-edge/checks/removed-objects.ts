// What the CRDs of the target version no longer have: UpstreamTrafficSetting.spec.httpHeaders (1.2.x) is pruned as soon as the CRD of 1.3.0 is applied; MultiClusterServices (1.1.x) are no longer read.
// Sources: cmd/osm-bootstrap/crds/policy_upstream_traffic_setting.yaml@v1.2.3, @v1.3.0; cmd/osm-bootstrap/crds@v1.1.3, @v1.2.0.
import type { Check, Finding, Ref, Refusal } from '../../../engine/contracts.ts';
import { list, tree } from '../../../engine/read/index.ts';
import { compare } from '../../../versions/chart.ts';
import { manual } from '../manual.ts';

const reads = {
  settings: list('upstreamtrafficsettings.policy.openservicemesh.io', { headers: tree('spec.httpHeaders') }),
  services: list('multiclusterservices.config.openservicemesh.io', {}),
};
type Is = 'httpHeaders' | 'MultiClusterService';
interface Args {
  is: Is;
  since: string;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/removed-objects',
  title: { en: 'objects use only what the target version has', zh: '对象只使用目标版本仍支持的内容' },
  headline: { en: 'target version drops fields or kinds in use', zh: '目标版本会移除正在使用的字段或类型' },
  page: {
    impact: {
      en: 'UpstreamTrafficSetting.spec.httpHeaders is removed in 1.3.0: the API server prunes it once the new CRD is applied, and rate limits by header end. MultiClusterServices are ignored from 1.2.0 on; the objects stay.',
      zh: 'UpstreamTrafficSetting.spec.httpHeaders 在 1.3.0 中移除：应用新的 CRD 后 API 服务器会丢弃该字段，按请求头的限流随之失效。自 1.2.0 起不再读取 MultiClusterService，对象会保留。',
    },
    detection: {
      en: 'Lists UpstreamTrafficSettings and MultiClusterServices. By the CRDs of 1.1.3, 1.2.3, 1.3.0 and 1.3.9 no other field is dropped.',
      zh: '列出 UpstreamTrafficSetting 和 MultiClusterService。对比 1.1.3、1.2.3、1.3.0、1.3.9 的 CRD，没有其他字段被移除。',
    },
    fix: {
      en: 'manual: save the objects (upgrade does), and configure other rate limits instead of those by header before the upgrade.',
      zh: '手动：备份这些对象（upgrade 会备份），并在升级前替换按请求头的限流。',
    },
  },
  sources: ['flomesh-io/osm-edge: cmd/osm-bootstrap/crds@v1.1.3, @v1.2.0, @v1.2.3, @v1.3.0'],
  applies: { stage: 'before' },
  needs: ['target'],
  reads,
  judge: ({ settings, services }, { path: { from, to } }) => {
    const crosses = (since: string) => typeof from === 'string' && compare(from, since) < 0 && compare(to!, since) >= 0;
    const limited = settings.filter(({ headers }) => Array.isArray(headers) && headers.length).map(({ ref }) => ref);
    const multi = services.map(({ ref }) => ref);
    return [
      ...(crosses('1.3.0') && limited.length ? [finding('httpHeaders', '1.3.0', limited)] : []),
      ...(crosses('1.2.0') && multi.length ? [finding('MultiClusterService', '1.2.0', multi)] : []),
    ];
  },
  say: ({ is, since }, { length }) =>
    is === 'httpHeaders'
      ? {
          en: `${since} removes spec.httpHeaders, set on ${length} UpstreamTrafficSetting${length === 1 ? '' : 's'}: rate limits by header end, no replacement`,
          zh: `${since} 移除 spec.httpHeaders，${length} 个 UpstreamTrafficSetting 设置了该字段：按请求头的限流会失效，没有替代项`,
        }
      : {
          en: `${since} no longer reads MultiClusterServices: ${length} object${length === 1 ? '' : 's'} will have no effect`,
          zh: `${since} 不再读取 MultiClusterService：${length} 个对象将不起作用`,
        },
  remedy: {
    writes: [],
    steps: async (all) => all.map(({ args: { is, since }, objects }) => replaced(is, since, objects)),
  },
};
export default check;

const replaced = (is: Is, since: string, objects: Ref[]): Refusal =>
  is === 'httpHeaders'
    ? manual(
        {
          en: `save the objects, and configure another rate limit instead of spec.httpHeaders before the upgrade to ${since}`,
          zh: `备份这些对象，并在升级到 ${since} 之前用其他方式代替 spec.httpHeaders 的限流`,
        },
        'kubectl get upstreamtrafficsettings.policy.openservicemesh.io -A -o yaml',
        objects,
      )
    : manual(
        { en: 'save them, and delete them after the upgrade', zh: '备份这些对象，并在升级后删除' },
        'kubectl get multiclusterservices.config.openservicemesh.io -A -o yaml',
        objects,
      );

const finding = (is: Is, since: string, objects: Ref[]): Finding<Args> => ({
  severity: 'warning',
  key: [is],
  certainty: 'certain',
  objects,
  args: { is, since },
  evidence: [{ seen: is === 'httpHeaders' ? 'spec.httpHeaders' : 'kind: MultiClusterService', at: objects[0] }],
});
