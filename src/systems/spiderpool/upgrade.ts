// The upgrade of Spiderpool: the stages of a Helm release, with the repairs of targets that are known to break something, until controller and agents run what the new chart says.
import { helmStages } from '../../chart/stage.ts';
import type { Condition, Expectation, Raw, Ref, Rule, StageDraft, Upgrading } from '../../engine/contracts.ts';
import { isRaw } from '../../kube/json.ts';
import { PULL_RIGHTS, pullStages } from './pull.ts';
import { coordinatorRepairs, droppedFields, networkRepairs, REPAIR_RIGHTS, rollbackTrap, type SpiderpoolUpgrade } from './repairs.ts';

/** What Spiderpool keeps in the cluster (facts section 2). CRDs of other groups come along with crds/, but are not its own. */
const RESOURCES = [
  'customresourcedefinitions.apiextensions.k8s.io',
  ...['spidercoordinators', 'spiderendpoints', 'spiderippools', 'spidermultusconfigs', 'spiderreservedips', 'spidersubnets'].map(
    (name) => `${name}.spiderpool.spidernet.io`,
  ),
];
/** Seconds for agents to be replaced two at a time (maxUnavailable 2): five minutes would do for some 20 nodes. */
const READY_WITHIN = 1800;

/** The Secret that keeps the values for a while, and what repairs.ts writes. */
export const WRITES: Rule[] = [{ verbs: ['create', 'delete'], group: '', resource: 'secrets' }, ...REPAIR_RIGHTS, ...PULL_RIGHTS];

export async function stages(upgrading: Upgrading): Promise<StageDraft[]> {
  const at = upgrading as SpiderpoolUpgrade;
  const { release, chart, values } = at.intended;
  const { namespace } = release;
  const network = await networkRepairs(at);
  const ready = [agents(namespace, nameIn(values, 'spiderpoolAgent')), controllers(namespace, nameIn(values, 'spiderpoolController'))];
  return helmStages({
    ...{ upgrade: at.intended, name: 'Spiderpool', hop: chart.version, resources: RESOURCES, onUndo: await droppedFields(at) },
    ...{ ahead: await pullStages(at), within: at.within, readyWithin: READY_WITHIN, notBack: rollbackTrap(at), behind: network, ready },
    filled: {
      started: [controllers(namespace, nameIn(values, 'spiderpoolController'))],
      text: {
        en: `wait until controllers of ${chart.version} are ready: the next steps pass through their webhook`,
        zh: `等待 ${chart.version} 的 controller 就绪：后续步骤要经过其 webhook`,
      },
      steps: await coordinatorRepairs(at),
    },
    readyText: {
      en: `wait until agents and controllers of ${chart.version} are ready`,
      zh: `等待 ${chart.version} 的 agent 和 controller 就绪`,
    },
  });
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
