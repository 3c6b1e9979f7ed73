// The system-upgrade-controller in two generations: it resolves Plans, chooses Nodes, makes Jobs, and labels and uncordons the Nodes whose Job is complete.
// The Pods of its Jobs are played by `playUpgrade`. Not played: channels, windows, postCompleteDelay, secrets and the digest annotation.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Body } from '../client.ts';
import type { Bed } from '../index.ts';
import { type Selector, selects } from './select.ts';
import { appliedTo, type Generation, hashOf, hostnameOf, type JobSettings, jobOf, munged, planLabel } from './upgrade-job.ts';
import { type Actor, keyed, keyOf, lineTo, timestamp } from './watch.ts';

export interface SystemUpgradeOptions extends Partial<JobSettings> {
  /**
   * `v0.13` (up to v0.13.2): a Job that went while its Node still needs it is made again at once; there is no condition Complete.
   * `v0.20`: Jobs are made once per resourceVersion of the Plan (forgotten when the controller ends); Complete says JobFailed.
   */
  generation: Generation;
  /** It sees Plans and Jobs of its own namespace only. */
  namespace: string;
}
const FIELD_MANAGER = '?fieldManager=system-upgrade-controller';

/** The Plan CRD must be installed. Without settings, Jobs have those of upstream's manifest: 99 tries, 900 s, gone after 900 s. */
export async function startSystemUpgrade(bed: Bed, { generation, namespace, ...given }: SystemUpgradeOptions): Promise<Actor> {
  const line = lineTo(bed);
  const settings = { backoffLimit: 99, activeDeadlineSeconds: 900, ttlSecondsAfterFinished: 900, ...given };
  const [plans, jobs, nodes] = [new Map<string, Body>(), new Map<string, Body>(), new Map<string, Body>()];
  const plansPath = `/apis/upgrade.cattle.io/v1/namespaces/${namespace}/plans`;
  const jobsPath = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const isNew = generation === 'v0.20';
  /** v0.20 only: the resourceVersion of each Plan (by uid) that Jobs were last made for. */
  const served = new Map<string, string>();

  const read = async (path: string): Promise<Body | undefined> => {
    const { status, body } = await line.write('GET', path);
    return status === 200 ? body : undefined;
  };

  const planned = keyed(line, async (key) => {
    const plan = plans.get(key);
    if (!plan || plan.metadata.deletionTimestamp) return;
    const status = resolved(plan, isNew);
    // What is resolved is stored first; its event brings the next look.
    if (JSON.stringify(plan.status ?? {}) !== JSON.stringify(status)) return writeStatus(plan, status);
    if (!isTrue(status, 'Validated') || !isTrue(status, 'LatestResolved')) return;
    const chosen = chooseNodes(plan, [...nodes.values()]);
    apply(status, chosen.map(hostnameOf).sort());
    // Who is next is stored before any Job is made: it was recorded with parallelism 1 and generation 1.
    if (JSON.stringify(plan.status) !== JSON.stringify(status)) return writeStatus(plan, status);
    if (isNew && served.get(plan.metadata.uid) === plan.metadata.resourceVersion) return;
    for (const node of chosen) await ensureJob(jobOf(generation, plan, node, settings));
    served.set(plan.metadata.uid, plan.metadata.resourceVersion);
  });

  /** The Nodes being upgraded; none means Complete, whether or not anything was done. */
  function apply(status: Body, hostnames: string[]): void {
    const hasChanged = JSON.stringify(status.applying ?? []) !== JSON.stringify(hostnames);
    if (hostnames.length) status.applying = hostnames;
    else delete status.applying;
    if (!isNew) return;
    if (!hostnames.length) setCondition(status, 'Complete', 'True', 'Complete');
    else if (hasChanged) setCondition(status, 'Complete', 'False', 'SyncJob');
  }

  /** false: the Plan changed meanwhile, or is gone; its event is on its way. */
  async function writeStatus(plan: Body, status: Body): Promise<boolean> {
    if (JSON.stringify(plan.status ?? {}) === JSON.stringify(status)) return true;
    const answer = await line.write('PUT', `${plansPath}/${plan.metadata.name}/status${FIELD_MANAGER}`, { ...plan, status });
    return answer.status === 200;
  }

  async function ensureJob(wanted: Body): Promise<void> {
    const path = `${jobsPath}/${wanted.metadata.name}`;
    const { status, body: now } = await line.write('GET', path);
    if (status === 200 && isDeepStrictEqual(appliedTo(now), appliedTo(wanted))) return;
    if (status === 200) await removeJob(now);
    await line.write('POST', jobsPath + FIELD_MANAGER, wanted);
  }
  const removeJob = ({ metadata: { name, uid } }: Body) =>
    line.write('DELETE', `${jobsPath}/${name}?propagationPolicy=Background`, { preconditions: { uid } });

  const worked = keyed(line, async (key) => {
    const job = jobs.get(key);
    if (!job || job.metadata.deletionTimestamp) return;
    const labels = job.metadata.labels ?? {};
    // Read again: the watches of Plans and Nodes may be behind that of Jobs.
    const plan = await read(`${plansPath}/${labels['upgrade.cattle.io/plan']}`);
    const node = await read(`/api/v1/nodes/${labels['upgrade.cattle.io/node']}`);
    // The garbage collector mostly is first: the Plan owns the Job. It is not where the Plan went with --cascade=orphan, or before the collector knows the CRD.
    if (!plan) return removeJob(job);
    if (!node || labels['upgrade.cattle.io/version'] !== plan.status?.latestVersion) await removeJob(job);
    else if (isTrue(job.status, 'Failed')) await tellFailure(plan, job, node);
    else if (isTrue(job.status, 'Complete')) await markUpgraded(plan, job, node);
    // "Out of turn". It compares the Node's name with hostnames.
    else if (job.spec.parallelism && !plan.status.applying?.includes(node.metadata.name)) await removeJob(job);
    planned(keyOf(plan));
  });

  async function tellFailure(plan: Body, job: Body, node: Body): Promise<void> {
    if (!isNew) return;
    const { reason, message } = conditionOf(job.status, 'Failed');
    const said = `Job ${namespace}/${job.metadata.name} failed on Node ${node.metadata.name}: ${reason}: ${message}`;
    if (conditionOf(plan.status, 'Complete')?.message === said) return;
    const status = structuredClone(plan.status);
    setCondition(status, 'Complete', 'False', 'JobFailed', said);
    if (!(await writeStatus(plan, status))) worked(keyOf(job));
  }

  /** Uncordons as well, no matter who cordoned. */
  async function markUpgraded({ metadata, spec }: Body, job: Body, node: Body): Promise<void> {
    const label = planLabel(metadata.name);
    const hash = job.metadata.labels[label];
    if (node.metadata.labels?.[label] === hash) return;
    const { name, resourceVersion } = node.metadata;
    const uncordon = node.spec.unschedulable && (spec.cordon || spec.drain) ? { spec: { unschedulable: null } } : {};
    const patch = { metadata: { resourceVersion, labels: { [label]: hash } }, ...uncordon };
    const answer = await line.write('PATCH', `/api/v1/nodes/${name}${FIELD_MANAGER}`, patch);
    if (answer.status !== 200) worked(keyOf(job));
  }

  const lookAtPlans = () => {
    for (const key of plans.keys()) planned(key);
  };
  await line.watch('/api/v1/nodes', nodes, (now, before) => {
    const labels = (node: Body | undefined) => JSON.stringify(node?.metadata.labels);
    if (labels(now) !== labels(before)) lookAtPlans();
  });
  await line.watch(plansPath, plans, (now) => now && planned(keyOf(now)));
  await line.watch(jobsPath, jobs, (now, before) => {
    if (now) return worked(keyOf(now));
    const plan = `${namespace}/${before.metadata.labels?.['upgrade.cattle.io/plan']}`;
    if (plans.has(plan)) planned(plan);
  });
  return { stop: line.stop };
}

/** The Plan's status with its version resolved, everything else as it was. */
function resolved({ spec, status = {} }: Body, isNew: boolean): Body {
  const next = structuredClone(status);
  const notReady = (type: string, message: string) => {
    if (isNew) setCondition(next, 'Complete', 'False', 'NotReady', 'plan is not valid and resolved');
    setCondition(next, type, 'False', 'Error', message);
    return next;
  };
  if (spec.drain?.deleteLocalData !== undefined && spec.drain?.deleteEmptydirData !== undefined)
    return notReady('Validated', 'spec.drain cannot specify both deleteEmptydirData and deleteLocalData');
  setCondition(next, 'Validated', 'True', 'PlanIsValid');
  if (spec.version) {
    setCondition(next, 'LatestResolved', 'True', 'Version');
    next.latestVersion = munged(spec.version);
    next.latestHash = hashOf(next.latestVersion, spec.serviceAccountName);
    return next;
  }
  return spec.channel ? next : notReady('LatestResolved', 'cannot resolve plan: missing channel and version');
}

/** First those that are being upgraded, however many, then others up to `concurrency`, in an order of hashes. */
function chooseNodes({ metadata, spec, status }: Body, nodes: Body[]): Body[] {
  const label = planLabel(metadata.name);
  const selector: Selector | undefined = spec.nodeSelector;
  const open = nodes.filter(({ metadata: { labels = {} } }) => {
    if (labels['kubernetes.io/hostname'] === undefined || !selects(selector, labels)) return false;
    return labels[label] !== 'disabled' && labels[label] !== status.latestHash;
  });
  const applying = open.filter((node) => status.applying?.includes(hostnameOf(node)));
  const order = (node: Body) => createHash('sha256').update(`${node.metadata.uid}${metadata.uid}${status.latestHash}`).digest('hex');
  const others = open.filter((node) => !applying.includes(node)).sort((a, b) => order(a).localeCompare(order(b)));
  return [...applying, ...others.slice(0, Math.max(0, (spec.concurrency ?? 0) - applying.length))];
}

const conditionOf = (status: Body | undefined, type: string): Body | undefined =>
  status?.conditions?.find((each: Body) => each.type === type);
const isTrue = (status: Body | undefined, type: string): boolean => conditionOf(status, type)?.status === 'True';

/** Its time changes only with what it says, its place never; Complete comes first. */
function setCondition(status: Body, type: string, is: string, reason: string, message?: string): void {
  const conditions: Body[] = status.conditions ?? [];
  const at = conditions.findIndex((each) => each.type === type);
  const now = conditions[at];
  if (now && now.status === is && now.reason === reason && now.message === message) return;
  const next = { type, status: is, reason, ...(message ? { message } : {}), lastUpdateTime: timestamp() };
  if (now) status.conditions = conditions.with(at, next);
  else status.conditions = type === 'Complete' ? [next, ...conditions] : [...conditions, next];
}
