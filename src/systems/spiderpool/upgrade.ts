// The upgrade of Spiderpool as steps: keep the values, let helm upgrade, wait until controller and agents run what the new chart says, put the values away.
import type { Condition, Expectation, Raw, Ref, Rule, StepDraft, Upgrading } from '../../engine/contracts.ts';
import { isRaw } from '../../kube/json.ts';
import { coordinatorRepairs, networkRepairs, REPAIR_RIGHTS, rollbackTrap } from './repairs.ts';

/** What Spiderpool keeps in the cluster (facts section 2). Other groups' definitions come along with crds/, but are not its own. */
const RESOURCES = [
  'customresourcedefinitions.apiextensions.k8s.io',
  ...['spidercoordinators', 'spiderendpoints', 'spiderippools', 'spidermultusconfigs', 'spiderreservedips', 'spidersubnets'].map(
    (name) => `${name}.spiderpool.spidernet.io`,
  ),
];
/** Seconds that helm may take: its own default; the charts have no hooks that run on upgrade. */
const HELM_WITHIN = 300;
/** Seconds for agents to be replaced two at a time (maxUnavailable 2): five minutes would do for some 20 nodes. */
const READY_WITHIN = 1800;
/** Seconds that they must stay ready: a controller that cannot start falls over within them. */
const LASTING = 10;

/** The Secret that keeps the values for a while, and what repairs.ts writes. */
const WRITES: Rule[] = [{ verbs: ['create', 'delete'], group: '', resource: 'secrets' }, ...REPAIR_RIGHTS];

export const upgrade = { steps, writes: WRITES };

async function steps(at: Upgrading): Promise<StepDraft[]> {
  const { release, chart, values, kept, reuse, within } = at;
  const { namespace, name, revision } = release;
  const backup: StepDraft = {
    ...{ phase: 'prepare', guard: [], do: 'backup', resources: RESOURCES, file: 'backup.yaml.gz', undo: 'none' },
    text: {
      en: 'save every object of Spiderpool, its CustomResourceDefinitions and a redacted snapshot in the folder of the run',
      zh: '把 Spiderpool 的全部对象、其 CustomResourceDefinition 以及一份脱敏快照保存到运行记录目录',
    },
    undoNote: { en: 'files; they stay', zh: '文件会保留' },
  };
  const keep: StepDraft = {
    ...{ guard: [], phase: 'prepare', do: 'keep', release: { namespace, name }, on: kept.on, digest: kept.digest, given: kept.given },
    text: {
      en: `keep the values for helm in Secret ${namespace}/${kept.on.name}, until the upgrade is over`,
      zh: `在升级完成之前，把传给 helm 的 values 保存在 Secret ${namespace}/${kept.on.name} 中`,
    },
    undo: 'exact',
  };
  const trap = rollbackTrap(at);
  const helm: StepDraft = {
    ...{ phase: 'upgrade', guard: [], do: 'helm', action: 'upgrade', within: within ?? HELM_WITHIN },
    ...{
      release: { namespace, name },
      from: revision,
      chart,
      values: kept.on,
      digest: kept.digest,
      reuse,
      config: kept.config,
      after: [keep],
    },
    text: {
      en: `helm upgrade of release ${namespace}/${name} to ${chart.name} ${chart.version}`,
      zh: `用 helm 把 release ${namespace}/${name} 升级到 ${chart.name} ${chart.version}`,
    },
    undo: 'compensates',
    undoNote: {
      en: `helm rollback to revision ${revision}; neither CustomResourceDefinitions nor fields that were pruned meanwhile come back by it, and after an upgrade that failed or was cut, helm 3 leaves entries that it had added to lists${trap.en}`,
      zh: `helm rollback 到修订版 ${revision}；CustomResourceDefinition 以及其间被丢弃的字段不会因此恢复；如果升级失败或中断，helm 3 会保留它已加入列表的条目${trap.zh}`,
    },
  };
  const network = await networkRepairs(at, helm);
  const fields = await coordinatorRepairs(at);
  const started: StepDraft = {
    ...{
      phase: 'after',
      guard: [],
      do: 'wait',
      within: within ?? READY_WITHIN,
      lasting: LASTING,
      assume: [],
      undo: 'none',
      after: [helm, ...network],
    },
    until: [controllers(namespace, nameIn(values, 'spiderpoolController'))],
    text: {
      en: 'wait until controllers of the new version are ready, whose webhook lets the next steps through',
      zh: '等待新版本的 controller 就绪（后续步骤要经过其 webhook）',
    },
  };
  const filled = fields.length ? [started, ...fields.map((field) => ({ ...field, after: [started] }))] : [];
  const ready: StepDraft = {
    ...{ phase: 'after', guard: [], do: 'wait', within: within ?? READY_WITHIN, lasting: LASTING, assume: [], undo: 'none' },
    after: [helm, ...network, ...filled],
    until: [agents(namespace, nameIn(values, 'spiderpoolAgent')), controllers(namespace, nameIn(values, 'spiderpoolController'))],
    text: { en: 'wait until agents and controllers of the new version are ready', zh: '等待新版本的 agent 和 controller 就绪' },
  };
  const away: StepDraft = {
    ...{ phase: 'after', guard: [], do: 'forget', on: kept.on, undo: 'none', after: [ready] },
    text: { en: `delete Secret ${namespace}/${kept.on.name}`, zh: `删除 Secret ${namespace}/${kept.on.name}` },
    undoNote: { en: 'it was only for the upgrade', zh: '它仅用于本次升级' },
  };
  // The values first: only this call knows them for certain.
  return [keep, backup, helm, ...network, ...filled, ready, away];
}

/** Both charts' workloads have a name in the values. */
function nameIn(values: Raw, component: string): string {
  const part = values[component];
  return isRaw(part) && typeof part.name === 'string' ? part.name : '';
}

const counted = (...pairs: [string, string][]): Expectation[] => [
  { path: '/status/observedGeneration', same: '/metadata/generation' },
  ...pairs.map(([path, same]) => ({ path, same })),
];
const workload = (kind: string, namespace: string, name: string): Ref => ({ apiVersion: 'apps/v1', kind, namespace, name });

const agents = (namespace: string, name: string): Condition => ({
  on: workload('DaemonSet', namespace, name),
  must: counted(
    ['/status/updatedNumberScheduled', '/status/desiredNumberScheduled'],
    ['/status/numberReady', '/status/desiredNumberScheduled'],
  ),
});
const controllers = (namespace: string, name: string): Condition => ({
  on: workload('Deployment', namespace, name),
  must: counted(
    ['/status/updatedReplicas', '/spec/replicas'],
    ['/status/replicas', '/spec/replicas'],
    ['/status/readyReplicas', '/spec/replicas'],
  ),
});
