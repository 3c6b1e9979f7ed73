// The images of the target, pulled on every node before anything is changed: a DaemonSet that runs where the agents run, one container for each image, waited for node by node and deleted again.
// Without it each agent is down while its node pulls, and a registry that cannot be reached is noticed in the middle of the rollout.
// Sources: charts/spiderpool/templates/{daemonset,deployment}.yaml; images/spiderpool-{base,plugins}/Dockerfile (ubuntu, alpine: both have a shell); multus-cni v4 images/Dockerfile (no shell, but install_multus).
import type { Condition, Json, Raw, Ref, Rule, Selection, StageDraft, StepDraft, Tells, Text } from '../../engine/contracts.ts';
import { TEMPORARY } from '../../engine/steps/keep.ts';
import { valueAt } from '../../helm/keys.ts';
import { isRaw } from '../../kube/json.ts';
import { textAt } from '../../kube/nodes.ts';
import { pointerGet } from '../../kube/pointer.ts';
import { satisfies } from '../../versions/chart.ts';
import { type Image, imagesOf, isListed } from './images.ts';
import { notes } from './knowledge/tables.ts';
import type { SpiderpoolUpgrade } from './repairs.ts';

/** Seconds for the slowest node, and for which a pull may fail before the run stops: a kubelet tries again after 10, 20, 40, 80 and 160. */
const WITHIN = 1800;
const FAILING = 300;
/** Nodes that are named; of more, how many. */
const NAMED = 10;
const WORK = '/upgrade-guard';

export const PULL_RIGHTS: Rule[] = [
  { verbs: ['create', 'delete', 'get'], group: 'apps', resource: 'daemonsets' },
  { verbs: ['list'], group: '', resource: 'pods' },
];

export async function pullStages(at: SpiderpoolUpgrade): Promise<StageDraft[]> {
  const { chart, values, kept } = at.intended;
  const images = imagesOf(values, chart.version);
  const nodes = at.pullImages === false || !images.length ? undefined : await lookAt(at, images);
  if (!nodes) return [];
  const { namespace } = kept.on;
  const name = `${kept.on.name}-images`;
  const on: Ref = { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace, name };
  const labels = { 'app.kubernetes.io/name': 'upgrade-guard', 'upgrade-guard/pulls': name };
  const of: Selection = { apiVersion: 'v1', kind: 'Pod', namespace, labels: `upgrade-guard/pulls=${name}` };
  const hop = chart.version;
  const made: StepDraft = {
    ...{ do: 'create', object: daemonSet(on, labels, at, images, nodes.away), guard: [], undo: 'exact' },
    text: {
      en: `create DaemonSet ${namespace}/${name}: each node pulls the ${images.length} images of ${hop}${leftOut(nodes.away).en}`,
      zh: `创建 DaemonSet ${namespace}/${name}：各节点拉取 ${hop} 的 ${images.length} 个镜像${leftOut(nodes.away).zh}`,
    },
    undoNote: { en: 'undo: deletes it; the images stay on the nodes', zh: '撤销时：删除它；镜像保留在节点上' },
  };
  const pulled: StepDraft = {
    ...{ do: 'wait', guard: [], undo: 'none', within: at.within ?? WITHIN, assume: [], after: [made] },
    until: [
      { on, must: [{ path: '/status/observedGeneration', same: '/metadata/generation' }] },
      { of, which: 'every', must: [{ path: '/status/conditions[type=Ready]/status', is: 'True' }], tells: TELLS },
      // Pods are made 250 at a time: all there are may be ready before all are made.
      { on, must: [{ path: '/status/numberReady', same: '/status/desiredNumberScheduled' }] },
    ],
    fails: failures(of),
    retry: [`kubectl delete pods -n ${namespace} -l ${of.labels}`],
    text: { en: `wait until every node has pulled the images of ${hop}`, zh: `等待所有节点拉取 ${hop} 的镜像` },
  };
  const away: StepDraft = {
    ...{ do: 'forget', on, guard: [], undo: 'none', after: [pulled] },
    text: { en: `delete DaemonSet ${namespace}/${name}`, zh: `删除 DaemonSet ${namespace}/${name}` },
    undoNote: { en: 'undo: not needed, it only pulled images', zh: '撤销时：无需恢复，它只用于拉取镜像' },
  };
  const title: Text = {
    en: `Pull the images of ${hop} ahead (--no-pull-images skips this)`,
    zh: `提前拉取 ${hop} 的镜像（可用 --no-pull-images 跳过）`,
  };
  return [{ hop, first: true, title, steps: [made, pulled, away] }];
}

// ---- which nodes ----------------------------------------------------------------------------------------------------

/** undefined: every node has all images, or none says which it has. `away`: nodes whose kubelet does not answer. */
async function lookAt({ source }: SpiderpoolUpgrade, images: readonly Image[]): Promise<{ away: string[] } | undefined> {
  const seen: Raw[] = [];
  const fields = ['metadata.labels', 'status.images', 'status.conditions'];
  const gap = await source.list(
    { resource: 'nodes', fields },
    {
      object: (node) => void seen.push(node),
      restart: () => {
        seen.length = 0;
      },
    },
  );
  // Who cannot look cannot tell that they are there.
  if (gap) return { away: [] };
  const nodes = seen.filter((node) => (textAt(node, '/metadata/labels/kubernetes.io~1os') ?? 'linux') === 'linux');
  const lists = nodes.map(namesOn).filter(({ length }) => length > 0);
  if (lists.every((names) => images.every(({ image }) => isListed(image, names)))) return undefined;
  return { away: nodes.filter((node) => !isReady(node)).map((node) => textAt(node, '/metadata/name') ?? '') };
}

function namesOn(node: Raw): string[][] {
  const images = pointerGet(node, '/status/images');
  return (Array.isArray(images) ? images : []).map((image) => {
    const names = pointerGet(image, '/names');
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  });
}

function isReady(node: Raw): boolean {
  const conditions = pointerGet(node, '/status/conditions');
  return Array.isArray(conditions) && conditions.some((each) => isRaw(each) && each.type === 'Ready' && each.status === 'True');
}

function leftOut(away: readonly string[]): Text {
  if (!away.length) return { en: '', zh: '' };
  const names = away.slice(0, NAMED);
  const more = away.length - names.length;
  return {
    en: `; not ready, and left out: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    zh: `；未就绪而跳过：${names.join('、')}${more > 0 ? ` 等 ${away.length} 个节点` : ''}`,
  };
}

// ---- the DaemonSet --------------------------------------------------------------------------------------------------

/** Where the agents of the target will run: with their nodeSelector, affinity and tolerations; in the network of the node, so that no CNI plugin is needed. */
function daemonSet(on: Ref, labels: Raw, at: SpiderpoolUpgrade, images: readonly Image[], away: readonly string[]): Raw {
  const { values, chart } = at.intended;
  const of = (...path: string[]) => valueAt(values, ['spiderpoolAgent', ...path]);
  const [agent, ...others] = images;
  const tolerations = of('tolerations');
  const [selector, affinity] = [of('nodeSelector'), of('affinity')];
  const spec: Raw = {
    ...{ hostNetwork: true, automountServiceAccountToken: false, enableServiceLinks: false, terminationGracePeriodSeconds: 1 },
    tolerations: Array.isArray(tolerations) && tolerations.length ? tolerations : [{ operator: 'Exists' }],
    ...(isRaw(selector) && Object.keys(selector).length ? { nodeSelector: selector } : {}),
    ...affinityOf(isRaw(affinity) ? affinity : {}, away),
    ...secretsOf(images),
    initContainers: others.map((image, index) => container(`pull-${index + 1}`, image, once(image, chart.version))),
    containers: [container('pulled', agent!, ['sleep', 'infinity'])],
    volumes: [{ name: 'work', emptyDir: {} }],
  };
  return {
    ...{ apiVersion: 'apps/v1', kind: 'DaemonSet' },
    metadata: { namespace: on.namespace!, name: on.name, labels, annotations: { [TEMPORARY]: chart.version } },
    spec: {
      selector: { matchLabels: { 'upgrade-guard/pulls': on.name } },
      template: { metadata: { labels }, spec },
    },
  };
}

/** A command that the image has and that does nothing: Multus from the charts on that run its install_multus has no shell. */
function once({ part }: Image, version: string): string[] {
  if (part === 'multus' && satisfies(version, notes().multusImage.to)) return ['/install_multus', '--type', 'thin', '--dest-dir', WORK];
  return ['/bin/sh', '-c', ':'];
}

const container = (name: string, { image }: Image, command: string[]): Raw => ({
  ...{ name, image, imagePullPolicy: 'IfNotPresent', command },
  resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  volumeMounts: [{ name: 'work', mountPath: WORK }],
});

function secretsOf(images: readonly Image[]): Raw {
  const names = new Set(images.flatMap(({ secrets }) => secrets));
  return names.size ? { imagePullSecrets: [...names].map((name) => ({ name })) } : {};
}

/** The chart hands the affinity on as it is; nodes that are away are taken out of each of its alternatives. */
function affinityOf(affinity: Raw, away: readonly string[]): Raw {
  if (!away.length) return Object.keys(affinity).length ? { affinity } : {};
  const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
  const node = isRaw(affinity.nodeAffinity) ? affinity.nodeAffinity : {};
  const required = isRaw(node[REQUIRED]) ? node[REQUIRED] : {};
  const terms = Array.isArray(required.nodeSelectorTerms) ? required.nodeSelectorTerms.filter(isRaw) : [];
  const matchFields: Json[] = away.map((name) => ({ key: 'metadata.name', operator: 'NotIn', values: [name] }));
  const nodeSelectorTerms = (terms.length ? terms : [{}]).map((term) => ({
    ...term,
    matchFields: [...(Array.isArray(term.matchFields) ? term.matchFields : []), ...matchFields],
  }));
  return { affinity: { ...affinity, nodeAffinity: { ...node, [REQUIRED]: { ...required, nodeSelectorTerms } } } };
}

// ---- how it goes ----------------------------------------------------------------------------------------------------

const STATUSES = ['/status/initContainerStatuses', '/status/containerStatuses'];
/** The first that is not ready is the one that is pulled. */
const WAITING = STATUSES.map((path) => `${path}[ready=false]/state/waiting`);
const TELLS: Tells = {
  by: '/spec/nodeName',
  why: [
    ...WAITING.map((path) => `${path}/message`),
    '/status/conditions[type=PodScheduled]/message',
    ...WAITING.map((path) => `${path}/reason`),
  ],
};

function failures(of: Selection): Condition[] {
  const some = { of, which: 'some' as const, tells: TELLS };
  return WAITING.flatMap((path): Condition[] => [
    { ...some, must: [{ path: `${path}/reason`, in: ['ErrImageNeverPull', 'InvalidImageName'] }] },
    {
      ...some,
      must: [
        { path: `${path}/reason`, in: ['ErrImagePull', 'ImagePullBackOff'] },
        { path: '/metadata/creationTimestamp', olderThan: FAILING },
      ],
    },
  ]);
}
