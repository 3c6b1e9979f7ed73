// CRDs whose versions are converted by a webhook that does not answer, or whose CA bundle is not one: every request in another version than the stored one fails, also the
// lists of the garbage collector and of namespace deletion. Source: apiextensions-apiserver pkg/apiserver/conversion/webhook_converter.go, pkg/controller/establish.

import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Gap, Ref, Rows, Text } from '../../../engine/contracts.ts';
import { inOurWords, isGap } from '../../../engine/gaps.ts';
import { certificates, each, list, maybe, NO_CERTIFICATE, texts, word } from '../../../engine/read/index.ts';
import { satisfies } from '../../../versions/kubernetes.ts';
import { backendOf, isUnseen, type NoBackend, SERVED, serviceColumns, slices, type Unseen } from '../backends.ts';

const reads = {
  crds: list(
    'customresourcedefinitions.apiextensions.k8s.io',
    {
      strategy: word('spec.conversion.strategy', 'None'),
      versions: each('spec.versions', { name: word('name', '') }),
      reviews: texts('spec.conversion.webhook.conversionReviewVersions'),
      service: maybe('spec.conversion.webhook.clientConfig.service', SERVED),
      ca: certificates('spec.conversion.webhook.clientConfig.caBundle', 'every'),
    },
    { only: ({ strategy }) => strategy === 'Webhook' },
  ),
  slices,
};
type Is = NoBackend | 'no-certificate' | 'expired' | 'no-review';
interface Args {
  is: Is;
  service: string;
  /** The minor from which on it matters; '' where it does already. */
  from: string;
}

/** Of ConversionReview, up to 1.37 (acceptedConversionReviewVersions of apiextensions-apiserver). */
const KNOWN_REVIEWS = ['v1', 'v1beta1'];
/** Kubernetes 1.31 does not establish such a CRD (124061). */
const BUNDLE_SINCE = '1.31';

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/crd-conversion-webhook',
  title: { en: 'conversion webhooks of CRDs answer', zh: 'CRD 的转换 webhook 可用' },
  headline: { en: 'conversion webhooks of CRDs cannot answer', zh: 'CRD 的转换 webhook 无法响应' },
  page: {
    impact: {
      en: 'While a conversion webhook is unavailable, objects of its CRD can be read and written in their storage version only; in every other version each request fails. Deleting a namespace that contains such objects hangs.',
      zh: '转换 webhook 不可用时，CRD 的对象只能以存储版本读写，以其他版本发出的请求都会失败。删除含有此类对象的命名空间会一直无法完成。',
    },
    detection: {
      en: 'Compares the Service and port of each conversion webhook with its EndpointSlices, reads both once more before reporting, and checks the CA bundle and conversionReviewVersions. A CRD with one version never calls its webhook: only the last two are checked.',
      zh: '检查每个转换 webhook 的 Service、所调用的端口及其 EndpointSlice，报告前再次读取确认，并检查其 CA 证书和 conversionReviewVersions。只有一个版本的 CRD 不会调用其 webhook，因此只检查后两项。',
    },
    fix: {
      en: 'manual: restore the backend, or renew the CA bundle (cert-manager: annotation cert-manager.io/inject-ca-from). If the software is gone, delete the CRD only with a backup of its objects.',
      zh: '手动：恢复其后端，或更新 CA 证书（cert-manager：注解 cert-manager.io/inject-ca-from）。如果对应的软件已卸载，删除 CRD 前请先备份其对象。',
    },
    limits: {
      en: 'Webhooks that are called by URL are checked for their CA bundle only. Only the API servers can see whether a Service of type ExternalName or a headless Service answers: the check is then unknown.',
      zh: '通过 URL 调用的 webhook 只检查其 CA 证书。ExternalName 类型的 Service 或无头 Service 是否可用只有 API 服务器能看到：此时该检查为未知。',
    },
  },
  sources: [
    'kubernetes/apiextensions-apiserver: pkg/apiserver/conversion/webhook_converter.go, pkg/controller/establish/establishing_controller.go (0.31.14)',
    'kubernetes/kubernetes: PR 124061',
  ],
  applies: { stage: 'both' },
  reads,
  pointReads: [{ resource: 'services', columns: serviceColumns }, { resource: 'endpointslices.discovery.k8s.io' }],
  judge: async ({ crds, slices }: Rows<typeof reads>, { path, look, now }) => {
    const findings: Finding<Args>[] = [];
    const gaps: Gap[] = [];
    // Many CRDs share one.
    const known = new Map<string, Awaited<ReturnType<typeof backendOf>>>();
    const here = isGap(path.from) || satisfies(path.from, `>=${BUNDLE_SINCE}.0`);
    for (const { ref, versions, reviews, service, ca } of crds) {
      const name = service ? `${service.namespace}/${service.name}` : '';
      const add = (is: Is, from = '') => findings.push(foundOf(is, ref, name, from));
      // An object in the version that is asked for is not converted: with one version the webhook is never called.
      if (service && versions.length !== 1) {
        const called = `${name}:${service.port}`;
        const is = known.has(called) ? known.get(called) : await backendOf(service, slices, look);
        known.set(called, is);
        if (isUnseen(is)) gaps.push(unseen(ref, name, is));
        else if (is) findings.push(foundOf(is, ref, is === 'no-port' ? called : name, ''));
      }
      if (ca === NO_CERTIFICATE) {
        if (here || path.hops.includes(BUNDLE_SINCE)) add('no-certificate', here ? '' : BUNDLE_SINCE);
      } else if (ca?.length && ca.every(({ notAfter }) => notAfter < now)) add('expired');
      if (reviews.length && !reviews.some((version) => KNOWN_REVIEWS.includes(version))) add('no-review');
    }
    return { findings, gaps };
  },
  say: ({ is, service, from }, [crd]) => SAYS[is](crd?.name ?? '', service, from),
};
export default check;

const foundOf = (is: Is, crd: Ref, service: string, from: string): Finding<Args> =>
  finding({
    severity: 'blocker',
    key: [is, crd.name],
    certainty: 'high',
    objects: [crd],
    args: { is, service, from },
    evidence: [{ seen: EVIDENCE[is](service) }],
    ...(from ? { hop: from } : {}),
  });

const unseen = (crd: Ref, service: string, is: Unseen): Gap => ({
  ...{ why: 'not-collected', verb: 'get', resource: 'customresourcedefinitions.apiextensions.k8s.io', name: crd.name },
  ...inOurWords(
    is === 'external'
      ? {
          en: `CRD ${crd.name} is converted by Service ${service} of type ExternalName: only the API servers can see whether it answers`,
          zh: `CRD ${crd.name} 由 ExternalName 类型的 Service ${service} 转换：它是否可用只有 API 服务器能看到`,
        }
      : {
          en: `CRD ${crd.name} is converted by headless Service ${service}: API servers without --enable-aggregator-routing cannot call it`,
          zh: `CRD ${crd.name} 由无头 Service ${service} 转换：未启用 --enable-aggregator-routing 的 API 服务器无法调用`,
        },
  ),
});

const EVIDENCE: Record<Is, (service: string) => string> = {
  'no-service': (service) => `spec.conversion.webhook.clientConfig.service=${service}`,
  'no-port': (service) => `spec.conversion.webhook.clientConfig.service=${service}`,
  'no-endpoints': (service) => `spec.conversion.webhook.clientConfig.service=${service}`,
  'no-certificate': () => 'spec.conversion.webhook.clientConfig.caBundle',
  expired: () => 'spec.conversion.webhook.clientConfig.caBundle',
  'no-review': () => 'spec.conversion.webhook.conversionReviewVersions',
};
/** Of NAMESPACE/NAME:PORT. */
function portOf(service: string): Text {
  const [name = '', port = ''] = service.split(':');
  return { en: `port ${port} of Service ${name}`, zh: `Service ${name} 的端口 ${port}` };
}
const SAYS: Record<Is, (crd: string, service: string, from: string) => Text> = {
  'no-service': (crd, service) => ({
    en: `CRD ${crd} is converted by Service ${service}, which does not exist: requests in other versions fail`,
    zh: `CRD ${crd} 由 Service ${service} 转换，但该 Service 不存在：以其他版本发出的请求会失败`,
  }),
  'no-port': (crd, service) => ({
    en: `CRD ${crd} is converted by ${portOf(service).en}, a port that this Service does not have: requests in other versions fail`,
    zh: `CRD ${crd} 由 ${portOf(service).zh} 转换，但该 Service 没有这个端口：以其他版本发出的请求会失败`,
  }),
  'no-endpoints': (crd, service) => ({
    en: `CRD ${crd} is converted by Service ${service}, which has no ready endpoint: requests in other versions fail`,
    zh: `CRD ${crd} 由 Service ${service} 转换，但它没有就绪的端点：以其他版本发出的请求会失败`,
  }),
  'no-certificate': (crd, _, from) => ({
    en: `CRD ${crd} has a caBundle that is not a certificate: ${from ? `from ${from} on ` : ''}the API server does not serve it (InvalidCABundle)`,
    zh: `CRD ${crd} 的 caBundle 不是证书：${from ? `自 ${from} 起，` : ''}API 服务器不提供该 CRD（InvalidCABundle）`,
  }),
  expired: (crd) => ({
    en: `CRD ${crd} has a caBundle whose certificates have expired: calls of the conversion webhook fail`,
    zh: `CRD ${crd} 的 caBundle 中的证书已过期：调用转换 webhook 会失败`,
  }),
  'no-review': (crd) => ({
    en: `CRD ${crd} lists none of conversionReviewVersions v1 and v1beta1: the API server cannot call its webhook`,
    zh: `CRD ${crd} 的 conversionReviewVersions 不含 v1 和 v1beta1：API 服务器无法调用其 webhook`,
  }),
};
