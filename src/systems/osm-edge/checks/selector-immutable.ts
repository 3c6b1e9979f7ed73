// Since 1.3.0 the chart selects the Pods of Deployment osm-controller by a second label, codebase; a selector cannot be changed, so helm upgrade fails with part of the release upgraded.
// Sources: charts/osm/templates/osm-deployment.yaml@v1.2.3, @v1.3.0-beta.4, @v1.3.9; apps/v1 Deployment spec.selector is immutable (kubernetes pkg/apis/apps/validation).
import { RELEASE_BODIES, RELEASE_READS } from '../../../chart/release.ts';
import type { Check, Finding, Ref, StepDraft } from '../../../engine/contracts.ts';
import { carriedValues, textAt } from '../carried.ts';
import { CONTROLLER, type Workload, workloads } from '../reads.ts';

/** First chart with the label. */
const SINCE = '1.3.0-beta.4';
/** The value that the label has, and what it is unless it was set. */
const DEFAULT_CODEBASE = '';
const CODEBASE = 'osm.repoServer.codebase';

const reads = { ...RELEASE_READS, workloads };

interface Args {
  namespace: string;
  target: string;
  /** The label that the target chart selects by, and what it is now; null: the selector has none. */
  codebase: string;
  now: string | null;
}

const check: Check<typeof reads, Args> = {
  id: 'osm-edge/selector-immutable',
  title: { en: 'Deployment selectors match the target chart', zh: 'Deployment 的标签选择算符与目标 chart 一致' },
  headline: { en: 'Deployment selector must change, so helm upgrade fails', zh: 'Deployment 标签选择算符改变，helm upgrade 会失败' },
  page: {
    impact: {
      en: 'Charts from 1.3.0 on select the Pods of Deployment osm-controller by the label codebase as well. The API server rejects the change ("spec.selector: … field is immutable"), and helm stops with osm-bootstrap and osm-injector upgraded and osm-controller not.',
      zh: '自 1.3.0 起，chart 还按标签“codebase”选择 Deployment osm-controller 的 Pod。API 服务器会拒绝该更改（“spec.selector: … field is immutable”），helm 停止时 osm-bootstrap 和 osm-injector 已升级，而 osm-controller 未升级。',
    },
    detection: {
      en: 'Compares spec.selector.matchLabels of Deployment osm-controller with the selector of the target chart, whose label codebase is the value osm.repoServer.codebase that the upgrade carries over.',
      zh: '比较 Deployment osm-controller 的 spec.selector.matchLabels 与目标 chart 的标签选择算符；其标签“codebase”取自升级后将生效的值 osm.repoServer.codebase。',
    },
    fix: {
      en: 'Deletes the Deployment and keeps its Pods running (like kubectl delete --cascade=orphan); helm upgrade then creates the new one. Undo creates the Deployment again, and it adopts its Pods.',
      zh: '删除该 Deployment 并保留其运行中的 Pod（相当于 kubectl delete --cascade=orphan），随后由 helm upgrade 创建新的 Deployment。撤销时重新创建该 Deployment，由它接管这些 Pod。',
    },
  },
  sources: [
    'flomesh-io/osm-edge: charts/osm/templates/osm-deployment.yaml@v1.2.3, @v1.3.0-beta.4, @v1.3.9',
    'kubernetes/kubernetes: pkg/apis/apps/validation/validation.go',
  ],
  applies: { to: `>=${SINCE}`, stage: 'before' },
  needs: ['target'],
  reads,
  pointReads: RELEASE_BODIES,
  judge: async ({ workloads, ...releases }, at) => {
    const { installation, to } = at.path;
    const carried = await carriedValues(releases, at);
    const planned = 'config' in carried ? (textAt(carried.config, CODEBASE) ?? DEFAULT_CODEBASE) : undefined;
    return workloads
      .filter(({ app, ref }) => app === CONTROLLER && ref.namespace === installation.namespace)
      .filter(({ selector }) => selector.codebase !== (planned ?? selector.codebase ?? DEFAULT_CODEBASE) || selector.codebase === undefined)
      .map((controller) => finding(controller, to!, planned ?? DEFAULT_CODEBASE));
  },
  say: ({ namespace, target, codebase, now }) => ({
    en: `helm upgrade to ${target} will fail ("field is immutable"): selector of Deployment ${namespace}/${CONTROLLER} must become codebase="${codebase}", now ${now === null ? 'without that label' : `"${now}"`}`,
    zh: `升级到 ${target} 时 helm upgrade 会失败（“field is immutable”）：Deployment ${namespace}/${CONTROLLER} 的标签选择算符须改为“codebase=${codebase}”，当前${now === null ? '没有该标签' : `为“${now}”`}`,
  }),
  remedy: {
    writes: [{ verbs: ['get', 'delete', 'create'], group: 'apps', resource: 'deployments' }],
    steps: async (found) => found.map(remove),
  },
};
export default check;

function finding({ ref, selector }: Workload, target: string, codebase: string): Finding<Args> {
  return {
    severity: 'blocker',
    key: [ref.namespace ?? '', CONTROLLER, 'codebase'],
    certainty: 'certain',
    objects: [ref],
    args: { namespace: ref.namespace ?? '', target, codebase, now: selector.codebase ?? null },
    evidence: [{ seen: `spec.selector.matchLabels: ${JSON.stringify(selector)}`, at: ref }],
  };
}

function remove({ objects, args }: Finding<Args>): StepDraft {
  const [on] = objects as [Ref];
  return {
    ...{ do: 'delete', on, propagation: 'Orphan', undo: 'compensates' },
    guard: [{ on, must: [{ path: '/spec/selector/matchLabels/codebase', ...(args.now === null ? {} : { is: args.now }) }] }],
    brief: () => ({ en: 'deletes, keeping its Pods running:', zh: '删除 {}（其 Pod 保持运行）' }),
    text: {
      en: `delete Deployment ${args.namespace}/${CONTROLLER}, keep its Pods running`,
      zh: `删除 Deployment ${args.namespace}/${CONTROLLER}，保留其运行中的 Pod`,
    },
    undoNote: {
      en: 'undo: creates the Deployment again (new UID) with its old selector; it adopts the Pods',
      zh: '撤销时：以原来的标签选择算符重新创建该 Deployment（UID 会变），由它接管这些 Pod',
    },
  };
}
