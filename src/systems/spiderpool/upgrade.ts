// The upgrade of Spiderpool: the stages of a Helm release, with the repairs of targets that are known to break something, until controller and agents run what the new chart says.
import { helmStages } from '../../chart/stage.ts';
import type { Condition, Expectation, Raw, Ref, Rule, StageDraft, Text, Upgrading } from '../../engine/contracts.ts';
import { isRaw } from '../../kube/json.ts';
import { compare } from '../../versions/chart.ts';
import { CONVERSION_RIGHTS, conversionStages } from './conversion.ts';
import { versions } from './knowledge/tables.ts';
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
export const WRITES: Rule[] = [
  { verbs: ['create', 'delete'], group: '', resource: 'secrets' },
  ...REPAIR_RIGHTS,
  ...PULL_RIGHTS,
  ...CONVERSION_RIGHTS,
];

export async function stages(upgrading: Upgrading): Promise<StageDraft[]> {
  const at = upgrading as SpiderpoolUpgrade;
  const { release, chart, values } = at.intended;
  const { namespace } = release;
  const network = await networkRepairs(at);
  const ready = [agents(namespace, nameIn(values, 'spiderpoolAgent')), controllers(namespace, nameIn(values, 'spiderpoolController'))];
  return helmStages({
    ...{ upgrade: at.intended, name: 'Spiderpool', hop: chart.version, resources: RESOURCES, onUndo: await droppedFields(at) },
    beside: directly(at),
    ...{
      ahead: [...(await pullStages(at)), ...(await conversionStages(at))],
      within: at.within,
      readyWithin: READY_WITHIN,
      notBack: rollbackTrap(at),
      behind: network,
      ready,
    },
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

/** Where releases lie between: nothing in the source asks for one of them (facts per line in knowledge/versions.json). */
function directly({ path: { from }, intended: { chart } }: SpiderpoolUpgrade): Text | undefined {
  if (typeof from !== 'string') return undefined;
  const lines = new Set(
    versions()
      .restingPoints.filter((point) => compare(point, from) > 0 && compare(point, chart.version) < 0)
      .map(lineOf),
  );
  for (const version of [from, chart.version]) lines.delete(lineOf(version));
  if (!lines.size) return undefined;
  return { en: `directly from ${from}: no version in between is required`, zh: `从 ${from} 直接升级：无需经过中间版本` };
}
const lineOf = (version: string): string => version.split('.', 2).join('.');

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
