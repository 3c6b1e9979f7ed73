// The system-upgrade-controller actor keeps its word, in both generations: names and hashes as upstream's, one Node after the other, what a failure leaves behind.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type Actor, guardOf, hashOf, jobName, type NodeSpec, playUpgrade, startKubelet, startSystemUpgrade } from '../bed/actors/index.ts';
import { APPLIED, appliedTo } from '../bed/actors/upgrade-job.ts';
import type { Body, ObjectRef } from '../bed/client.ts';
import { installCrd } from '../bed/crds.ts';
import { bed } from '../bed/index.ts';
import { describeUpstream } from '../bed/upstream.ts';

const cluster = bed();
const started: Actor[] = [];
const soon = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 30_000, interval: 50 });
const LABEL = 'plan.upgrade.cattle.io/k3s-server';
const FROM = 'v1.33.4+k3s1';

beforeAll(() => installCrd(cluster, 'plans-v1'));
afterEach(async () => {
  for (const actor of started.splice(0).reverse()) await actor.stop();
  // A kubelet runs what it finds Pending: nothing of one test may be left for the next.
  for (const [path, apiVersion, kind] of [
    ['/apis/batch/v1/jobs', 'batch/v1', 'Job'],
    ['/api/v1/pods', 'v1', 'Pod'],
    ['/api/v1/nodes', 'v1', 'Node'],
  ] as const) {
    const { body } = await cluster.request('GET', path);
    await cluster.remove(...body.items.map((item: Body) => ({ ...item, apiVersion, kind })));
  }
});

type Generation = 'v0.13' | 'v0.20';
const getNode = (name: string) => cluster.get({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
const server = (name: string, kubeletVersion = FROM): NodeSpec => ({
  name,
  kubeletVersion,
  labels: { 'node-role.kubernetes.io/control-plane': 'true' },
});
const condition = (object: Body, type: string) => object.status?.conditions?.find((each: Body) => each.type === type);

const scene = async (generation: Generation, nodes: NodeSpec[] = [server('s1'), server('s2')], ttlSecondsAfterFinished = 900) => {
  const namespace = await cluster.namespace('system-upgrade');
  started.push(await startKubelet(cluster, { nodes, play: playUpgrade(cluster) }));
  const controller = await startSystemUpgrade(cluster, { generation, namespace, backoffLimit: 0, ttlSecondsAfterFinished });
  started.push(controller);
  const plan = (version: string | undefined, spec: object = {}, name = 'k3s-server') => ({
    apiVersion: 'upgrade.cattle.io/v1',
    kind: 'Plan',
    metadata: { name, namespace },
    spec: {
      ...{ concurrency: 1, cordon: true, serviceAccountName: 'system-upgrade', upgrade: { image: 'rancher/k3s-upgrade' }, version },
      nodeSelector: { matchLabels: { 'node-role.kubernetes.io/control-plane': 'true' } },
      ...spec,
    },
  });
  const listed = async (path: string): Promise<Body[]> =>
    (await cluster.request('GET', `${path.replace('NAMESPACE', namespace)}`)).body.items;
  return {
    namespace,
    controller,
    plan,
    jobs: () => listed('/apis/batch/v1/namespaces/NAMESPACE/jobs'),
    pods: () => listed('/api/v1/namespaces/NAMESPACE/pods'),
  };
};
/** Waits until the Job of a Node failed; its name. */
const failed = (jobs: () => Promise<Body[]>, not?: string) =>
  soon(async () => {
    const job = (await jobs()).find((each) => each.metadata.uid !== not && condition(each, 'Failed'));
    expect(job).toBeDefined();
    return job as Body;
  });
/** The garbage collector learns of a new CRD within 30 s, and before that of no owner in it. */
const gone = (...lists: (() => Promise<Body[]>)[]) =>
  vi.waitFor(async () => expect(await Promise.all(lists.map((list) => list()))).toEqual(lists.map(() => [])), {
    timeout: 60_000,
    interval: 200,
  });
const upgraded = (name: string, version: string) =>
  soon(async () => {
    const { metadata, spec, status } = await getNode(name);
    expect([metadata.labels[LABEL], !!spec.unschedulable, status.nodeInfo.kubeletVersion]).toEqual([
      hashOf(version.replace('+', '-'), 'system-upgrade'),
      false,
      version,
    ]);
  });

describeUpstream('names and hashes', ['data', 'k3s', 'vectors'], (folder) => {
  const vectors = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const { hash, jobName: names } = vectors('suc-hash-and-jobname.json');
  test.each(hash as Body[])('of $latestVersion for "$serviceAccountName"', ({ latestVersion, serviceAccountName, latestHash }) => {
    expect(hashOf(latestVersion, serviceAccountName)).toBe(latestHash);
  });
  test.each(names as Body[])('of the Job of $plan on $node', ({ plan, node, specVersion, serviceAccountName, jobName: name }) => {
    expect(jobName(plan, node, hashOf(specVersion.replace('+', '-'), serviceAccountName))).toBe(name);
  });
  test('and the words in which an image refuses a downgrade', () => {
    for (const { lastUnguarded, firstGuarded, messageFormA, messageFormB } of Object.values<Body>(
      vectors('k3s-upgrade-guards.json').byMinor,
    )) {
      if (lastUnguarded) expect(guardOf(lastUnguarded), lastUnguarded).toBeUndefined();
      if (firstGuarded) expect(guardOf(firstGuarded), firstGuarded).toBeDefined();
      for (const version of messageFormA ?? []) expect(guardOf(version), version).toBe('version k3s version');
      for (const version of messageFormB ?? []) expect(guardOf(version), version).toBe('k3s version');
    }
  });
});

describe.each(['v0.13', 'v0.20'] as const)('%s', (generation) => {
  test('upgrades one Node after the other, cordons, labels and uncordons', async () => {
    const { plan, jobs, pods } = await scene(generation);
    const object = plan('v1.33.5+k3s1');
    await cluster.apply(object);
    const cordoned = await soon(async () => {
      const now = [await getNode('s1'), await getNode('s2')].filter(({ spec }) => spec.unschedulable);
      expect(now.length).toBeGreaterThan(0);
      return now;
    });
    expect(cordoned).toHaveLength(1);
    const entry = cordoned[0].metadata.managedFields.find(({ fieldsV1 }: Body) => fieldsV1['f:spec']?.['f:unschedulable']);
    expect(entry).toMatchObject({ manager: 'kubectl', operation: 'Update' });
    for (const name of ['s1', 's2']) await upgraded(name, 'v1.33.5+k3s1');
    await soon(async () => {
      const { status } = await cluster.get(object);
      expect(status.latestVersion).toBe('v1.33.5-k3s1');
      expect(status.applying).toBeUndefined();
      expect(condition({ status }, 'LatestResolved')).toMatchObject({ status: 'True', reason: 'Version' });
      expect(condition({ status }, 'Complete')?.reason).toBe(generation === 'v0.13' ? undefined : 'Complete');
    });
    expect((await jobs()).map(({ metadata }) => metadata.name).sort()).toEqual(
      ['s1', 's2'].map((node) => jobName('k3s-server', node, hashOf('v1.33.5-k3s1', 'system-upgrade'))).sort(),
    );
    const [pod] = await pods();
    const node = pod!.spec.nodeName;
    expect((await cluster.kubectl(['logs', '-n', pod!.metadata.namespace, pod!.metadata.name, '-c', 'cordon'])).stdout).toBe(
      `node/${node} cordoned\n`,
    );
  });

  test('a refused downgrade leaves the Node cordoned, its host in applying, and blocks the others', async () => {
    const { plan, jobs, pods } = await scene(generation);
    const object = plan('v1.33.3+k3s1');
    await cluster.apply(object);
    const job = await failed(jobs);
    const node = job.metadata.labels['upgrade.cattle.io/node'];
    await sleep(500);
    expect((await cluster.get(object)).status.applying).toEqual([node]);
    expect((await getNode(node)).spec.unschedulable).toBe(true);
    expect((await getNode(node === 's1' ? 's2' : 's1')).spec.unschedulable).toBeUndefined();
    const complete = condition(await cluster.get(object), 'Complete');
    if (generation === 'v0.13') expect(complete).toBeUndefined();
    else
      expect(complete).toMatchObject({
        status: 'False',
        reason: 'JobFailed',
        message: expect.stringContaining(`${job.metadata.name} failed on Node ${node}: BackoffLimitExceeded: `),
      });
    const [pod] = await pods();
    const log = await cluster.kubectl(['logs', '-n', pod!.metadata.namespace, pod!.metadata.name, '-c', 'upgrade']);
    expect(log.stdout).toMatch(/^Error: Current k3s version v1\.33\.4\+k3s1 \(\w+\) is higher than k3s version v1\.33\.3\+k3s1 \(\w+\)$/m);
  });

  test('a failed Job that is gone: made again for ever, or not before the Plan changes', async () => {
    const { plan, jobs } = await scene(generation, [server('s1')], 1);
    const object = plan('v1.33.3+k3s1');
    await cluster.apply(object);
    const first = await failed(jobs);
    if (generation === 'v0.20') {
      await soon(async () => expect(await jobs()).toEqual([]));
      await sleep(1000);
      expect(await jobs()).toEqual([]);
      await cluster.request('PATCH', await cluster.path(object), { metadata: { annotations: { touched: 'yes' } } });
    }
    const second = await failed(jobs, first.metadata.uid);
    expect(second.metadata.name).toBe(first.metadata.name);
    if (generation === 'v0.13') await failed(jobs, second.metadata.uid);
  });

  test('pointed at the version that runs, the Node is uncordoned; unless it carries the label already', async () => {
    const { plan, jobs } = await scene(generation, [server('s1')]);
    const object = plan('v1.33.3+k3s1');
    await cluster.apply(object);
    await failed(jobs);
    const retarget = async (version: string) => cluster.request('PATCH', await cluster.path(object), { spec: { version } });
    await retarget(FROM);
    await upgraded('s1', FROM);
    // The trap: down again, where it fails, and back to the version that the label still names.
    await retarget('v1.33.2+k3s1');
    await soon(async () => expect((await getNode('s1')).spec.unschedulable).toBe(true));
    await retarget(FROM);
    await soon(async () => expect((await cluster.get(object)).status.applying).toBeUndefined());
    await sleep(500);
    expect((await getNode('s1')).spec.unschedulable).toBe(true);
  });

  test('selects no Node without concurrency or selector, nor Nodes that are disabled', async () => {
    const { plan, jobs } = await scene(generation, [
      server('s1'),
      { ...server('s2'), labels: { 'node-role.kubernetes.io/control-plane': 'true', [LABEL]: 'disabled' } },
    ]);
    const none = plan('v1.33.5+k3s1', { concurrency: undefined }, 'none');
    const unselected = plan('v1.33.5+k3s1', { nodeSelector: undefined }, 'unselected');
    const unresolved = plan(undefined, {}, 'unresolved');
    const torn = plan('v1.33.5+k3s1', { drain: { deleteLocalData: true, deleteEmptydirData: true } }, 'torn');
    await cluster.apply(none, unselected, unresolved, torn);
    await soon(async () => {
      expect(condition(await cluster.get(unresolved), 'LatestResolved')).toMatchObject({ status: 'False', reason: 'Error' });
      expect(condition(await cluster.get(torn), 'Validated')).toMatchObject({ status: 'False', reason: 'Error' });
      for (const object of [none, unselected]) expect((await cluster.get(object)).status?.latestHash).toBeTruthy();
    });
    if (generation === 'v0.20')
      await soon(async () => expect(condition(await cluster.get(none), 'Complete')).toMatchObject({ status: 'True' }));
    expect(await jobs()).toEqual([]);
    await cluster.apply(plan('v1.33.5+k3s1', { concurrency: 2 }));
    await upgraded('s1', 'v1.33.5+k3s1');
    expect((await jobs()).map(({ metadata }) => metadata.labels['upgrade.cattle.io/node'])).toEqual(['s1']);
  });

  test('agents wait in prepare for the servers, and are drained', async () => {
    const { plan, jobs, pods } = await scene(generation, [server('s1'), { name: 'a1', kubeletVersion: FROM }]);
    const app = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'app', namespace: await cluster.namespace() },
      spec: { nodeSelector: { 'kubernetes.io/hostname': 'a1' }, containers: [{ name: 'c', image: 'registry.example/c:1' }] },
    };
    await cluster.apply(app);
    await soon(async () => expect((await cluster.get(app)).status.phase).toBe('Running'));
    const nodeSelector = { matchExpressions: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'DoesNotExist' }] };
    const prepare = { image: 'rancher/k3s-upgrade', args: ['prepare', 'k3s-server'] };
    await cluster.apply(plan('v1.33.5+k3s1', { nodeSelector, prepare, drain: { force: true } }, 'k3s-agent'));
    await soon(async () => expect((await pods())[0]?.status.initContainerStatuses?.[0].state.running).toBeTruthy());
    await sleep(500);
    expect((await getNode('a1')).spec.unschedulable).toBeUndefined();
    await cluster.apply(plan('v1.33.5+k3s1'));
    await soon(async () => expect((await getNode('a1')).status.nodeInfo.kubeletVersion).toBe('v1.33.5+k3s1'));
    expect(await cluster.get(app)).toBeUndefined();
    await soon(async () => expect((await getNode('a1')).spec.unschedulable).toBeUndefined());
    expect((await jobs()).map(({ metadata }) => metadata.labels['upgrade.cattle.io/plan']).sort()).toEqual(['k3s-agent', 'k3s-server']);
  });

  test('a deleted Plan takes its Jobs, their Pods and logs along, and leaves its cordon; a version without v has no image', async () => {
    const { plan, jobs, pods } = await scene(generation, [server('s1')]);
    const object = plan('1.33.5+k3s1');
    await cluster.apply(object);
    await soon(async () => expect((await pods())[0]?.status.containerStatuses?.[0].state.waiting?.reason).toBe('ImagePullBackOff'));
    expect((await getNode('s1')).spec.unschedulable).toBe(true);
    const [pod] = await pods();
    await cluster.remove(object);
    await gone(jobs, pods);
    const log = await cluster.kubectl(['logs', '-n', pod!.metadata.namespace, pod!.metadata.name, '-c', 'cordon']);
    expect(log.stderr).toContain('NotFound');
    expect((await getNode('s1')).spec.unschedulable).toBe(true);
  });

  test('stopped, it does nothing; the next one goes on', async () => {
    const { namespace, controller, plan, jobs } = await scene(generation, [server('s1')]);
    await controller.stop();
    const object = plan('v1.33.5+k3s1');
    await cluster.apply(object);
    await sleep(500);
    expect([(await cluster.get(object)).status, await jobs()]).toEqual([undefined, []]);
    started.push(await startSystemUpgrade(cluster, { generation, namespace }));
    await upgraded('s1', 'v1.33.5+k3s1');
  });
});

describeUpstream("with upstream's own CRD", ['data', 'k3s', 'crd', 'upgrade.cattle.io_plans.v0.20.1.yaml'], (file) => {
  test('what the controller writes is what that CRD keeps', async () => {
    await cluster.apply(parse(readFileSync(file, 'utf8')));
    const { plan } = await scene('v0.20', [server('s1')]);
    await soon(() => expect(cluster.apply(plan('v1.33.5+k3s1', { concurrency: 'one' }))).rejects.toThrow(/concurrency/));
    const object = plan('v1.33.5+k3s1');
    await cluster.apply(object);
    await upgraded('s1', 'v1.33.5+k3s1');
    await soon(async () => {
      const { status } = await cluster.get(object);
      expect(condition({ status }, 'Complete')).toMatchObject({ status: 'True', reason: 'Complete', lastUpdateTime: expect.any(String) });
      expect(status.latestHash).toBe(hashOf('v1.33.5-k3s1', 'system-upgrade'));
    });
  });
});

describeUpstream('as the real one was recorded (0.20.1 on 1.37)', ['data', 'k3s'], (folder) => {
  const recorded = (name: string): Body[] => JSON.parse(readFileSync(join(folder, 'recorded', 'suc-0.20.1', name), 'utf8')).items;
  const NAMES = ['server-1', 'server-2', 'server-3'];
  // The Plans alone: in a namespace that is gone nothing can be released from its finalizers.
  afterEach(() => cluster.remove(recorded('plan-drain.json')[0]! as ObjectRef, recorded('plans-failed.json')[0]! as ObjectRef));

  /** Applies the recorded Plan in the same way; answers it and its Job once `holds`. */
  async function replayed(plan: Body, job: Body, play: ReturnType<typeof playUpgrade>, holds: (plan: Body, job: Body) => void) {
    await cluster.apply(parse(readFileSync(join(folder, 'crd', 'upgrade.cattle.io_plans.v0.20.1.yaml'), 'utf8')));
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'system-upgrade' } });
    started.push(await startKubelet(cluster, { nodes: NAMES.map((name) => server(name, 'v1.27.4+k3s1')), play }));
    const { activeDeadlineSeconds, ttlSecondsAfterFinished } = job.spec;
    const settings = { activeDeadlineSeconds, ttlSecondsAfterFinished, backoffLimit: 0 };
    started.push(await startSystemUpgrade(cluster, { generation: 'v0.20', namespace: 'system-upgrade', ...settings }));
    const input = plan.metadata.annotations['kubectl.kubernetes.io/last-applied-configuration'];
    await soon(async () => expect((await cluster.kubectl(['apply', '-f', '-'], { input })).code).toBe(0));
    return soon(async () => {
      const jobs = (await cluster.request('GET', '/apis/batch/v1/namespaces/system-upgrade/jobs')).body.items;
      const now = await cluster.get(plan as ObjectRef);
      holds(now, jobs[0]);
      return { plan: now, job: { apiVersion: 'batch/v1', kind: 'Job', ...jobs[0] } };
    });
  }
  /** Without what no two runs share: uids, times, versions, which Node came first, why the Job failed, and the file name of the program. */
  function steady(object: Body, job: Body): Body {
    const { name, labels } = job.metadata;
    const { reason, message } = condition(job, 'Failed') ?? {};
    const text = JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: undefined } })
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UID')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
      .replaceAll(name, 'JOB')
      .replaceAll(labels['upgrade.cattle.io/node'], 'NODE')
      .replaceAll(`${reason}: ${message}`, 'WHY')
      .replaceAll('"manager":"suc"', '"manager":"system-upgrade-controller"');
    return JSON.parse(text);
  }
  /** The status is the Job controller's; what was applied is in an annotation, packed. */
  function steadyJob(job: Body): Body {
    const { [APPLIED]: _, ...annotations } = job.metadata.annotations;
    const metadata = { ...job.metadata, annotations, managedFields: undefined };
    return steady({ ...job, metadata, spec: { ...job.spec, backoffLimit: 0 }, status: undefined }, job);
  }

  test('a Plan whose Job runs, and the Job', async () => {
    const [plan, job] = [recorded('plan-drain.json')[0]!, recorded('job-drain.json')[0]!];
    const play = { label: 'upgrade.cattle.io/plan', container: () => new Promise<never>(() => {}) };
    const ours = await replayed(plan, job, play, (_, made) => expect(made).toBeDefined());
    expect(steady(ours.plan, ours.job)).toEqual(steady(plan, job));
    expect(steadyJob(ours.job)).toEqual(steadyJob(job));
    expect(steady(appliedTo(ours.job), ours.job)).toEqual(steady(appliedTo(job), job));
  });

  test('a Plan whose Job failed, and the Node', async () => {
    const [plan, job] = [recorded('plans-failed.json')[0]!, recorded('jobs-failed.json')[0]!];
    const nameOf = ({ metadata }: Body): string => metadata.labels['upgrade.cattle.io/node'];
    const failedWith = (now: Body) => expect(condition(now, 'Complete')?.reason).toBe('JobFailed');
    const ours = await replayed(plan, job, playUpgrade(cluster), failedWith);
    expect(steady(ours.plan, ours.job)).toEqual(steady(plan, job));
    const left = recorded('nodes-failed.json').find(({ metadata }) => metadata.name === nameOf(job))!;
    const now = await getNode(nameOf(ours.job));
    const cordonOf = ({ spec, metadata }: Body) => ({
      spec: { ...spec, taints: spec.taints.map(({ key, effect }: Body) => ({ key, effect })) },
      writers: metadata.managedFields
        .filter(({ fieldsV1 }: Body) => fieldsV1['f:spec'])
        .map(({ manager, operation, fieldsV1 }: Body) => [manager, operation, Object.keys(fieldsV1['f:spec'])])
        .sort(),
    });
    expect(cordonOf(now)).toEqual(cordonOf(left));
  });
});
