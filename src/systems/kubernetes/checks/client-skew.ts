// kubectl in the images of workloads: supported one minor older or newer than the API server. Source: kubernetes/website version-skew-policy.md.
import { finding } from '../../../engine/builders.ts';
import type { Check, Finding, Ref } from '../../../engine/contracts.ts';
import { each, word } from '../../../engine/read/index.ts';
import { minor, minorOf } from '../../../versions/kubernetes.ts';
import { skew } from '../knowledge/tables.ts';
import { tagOf } from '../reads.ts';
import { controlPlaneOf } from '../skew.ts';
import { templates, templatesIn } from '../templates.ts';

const container = { image: word('image', '') };
/** `registry.k8s.io/kubectl:v1.30.4`, `bitnami/kubectl:1.24`; not `kubectl-plugins`. */
const versionIn = (image: string): number => (/(?:^|\/)kubectl[:@]/.test(image) ? minorOf(tagOf(image)) : Number.NaN);
const reads = templates(
  (at) => ({ containers: each(`${at}.spec.containers`, container), inits: each(`${at}.spec.initContainers`, container) }),
  { only: ({ containers, inits }) => [...containers, ...inits].some(({ image }) => !Number.isNaN(versionIn(image))) },
);
interface Args {
  client: string;
  server: string;
  image: string;
}

const check: Check<typeof reads, Args> = {
  id: 'kubernetes/client-skew',
  title: {
    en: 'kubectl in workloads is within one minor of the API server',
    zh: '工作负载中的 kubectl 与 API 服务器相差不超过一个次要版本',
  },
  headline: { en: 'kubectl in workloads is outside the version skew', zh: '工作负载中的 kubectl 超出版本偏差范围' },
  page: {
    impact: {
      en: 'kubectl is supported one minor version older or newer than the API server. Further apart it can lack fields, or call API versions that are no longer served.',
      zh: 'kubectl 只支持与 API 服务器相差一个次要版本。相差更多时可能缺少字段，或调用不再提供的 API 版本。',
    },
    detection: {
      en: 'Reads the tag of images named kubectl in the Pod templates of workloads, and compares it with the API servers now and at each minor on the way.',
      zh: '读取工作负载 Pod 模板中名为 kubectl 的镜像的标签，并与当前 API 服务器及途经的每个次要版本比较。',
    },
    fix: {
      en: 'manual: use an image of the target version where the workload is declared.',
      zh: '手动：在声明工作负载的位置改用目标版本的镜像。',
    },
    limits: {
      en: 'kubectl on workstations and in CI, and inside other images, is not visible: run kubectl version there.',
      zh: '工作站和 CI 上以及其他镜像中的 kubectl 不可见：请分别在其中执行 kubectl version。',
    },
  },
  sources: ['kubernetes/website: content/en/releases/version-skew-policy.md'],
  applies: { stage: 'both' },
  needs: ['version'],
  reads,
  judge: (rows, at) => {
    const plane = controlPlaneOf(at);
    const used = templatesIn(rows).flatMap(({ ref, containers, inits }) =>
      [...containers, ...inits].map(({ image }) => ({ ref, image, client: versionIn(image) })),
    );
    const stages = [
      ...(plane ? [{ servers: [plane.oldest, plane.newest], hop: undefined as string | undefined }] : []),
      ...at.path.hops.map((hop) => ({ servers: [minorOf(hop)], hop })),
    ];
    return [...Map.groupBy(used, ({ client }) => client)].flatMap(([client, same]) => {
      const found = stages.find(({ servers }) => servers.some((server) => Math.abs(server - client) > skew().kubectl));
      const server = found?.servers.find((each) => Math.abs(each - client) > skew().kubectl);
      return found && server !== undefined ? [told(client, server, same, found.hop)] : [];
    });
  },
  say: ({ client, server }, { length }) => ({
    en: `kubectl ${client} in ${length} workload${length === 1 ? '' : 's'}: not supported with API server ${server}`,
    zh: `${length} 个工作负载使用 kubectl ${client}：与 API 服务器 ${server} 的组合不受支持`,
  }),
};
export default check;

const told = (client: number, server: number, same: { ref: Ref; image: string }[], hop: string | undefined): Finding<Args> =>
  finding({
    severity: 'notice',
    key: [minor(client)],
    certainty: 'high',
    objects: same.map(({ ref }) => ref),
    args: { client: minor(client), server: minor(server), image: same[0]!.image },
    evidence: same.slice(0, 3).map(({ ref, image }) => ({ seen: `spec.containers[].image=${image}`, at: ref })),
    hop,
  });
