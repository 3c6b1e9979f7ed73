// A whole upgrade of the real charts by real helm: checked, repaired, upgraded, proven and undone. Kills of it are in kills/upgrade.test.ts.
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { afterEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { helmPluginFolder } from '../../scripts/archive.ts';
import { hostTarget } from '../../scripts/targets.ts';
import { BINARY, hastened, newHome, run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { bed } from '../bed/index.ts';
import { putStored } from '../bed/store.ts';
import { tools } from '../bed/tools.ts';
import { describeUpstream } from '../bed/upstream.ts';
import { DEFAULT_NETWORK, LEASE } from './scene.ts';
import { NAMESPACE, releaseOf, SECRETS } from './spiderpool-release.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const cluster = bed();
const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/upgrade-plan.schema.json'), 'utf8'));
const validPlan = new Ajv({ strict: false }).compile(schema);
/** CustomResourceDefinitions that differ between the charts, by the target. */
const APPLIED: Record<string, number> = { '0.9.13': 2 };

describeUpstream('upgrade of the real charts', ['data', 'spiderpool', 'charts'], (charts) => {
  const release = releaseOf(cluster, charts);
  const { call, chartOf, fine, install, installed, keptSecrets, newest, proxy, state, upgrade, upgraded } = release;
  const helm: typeof release.helm = (...words) => release.helm(...words);

  // Those by helm 3 first: each begins with the release that the undo of the one before left, if the same helm installed it.
  afterEach(() => {
    release.use('helm4');
  });
  test.each([['0.9.4', '0.9.13', 'helm3']] as const)('%s to %s by %s: upgraded, proven, and undone', async (from, to, by) => {
    release.use(by);
    const before = await installed(from);
    const home = newHome();
    const planned = await call(['plan', ...upgrade(to).slice(1, -1), '-o', 'json'], home);
    const plan = JSON.parse(planned.stdout);
    expect(validPlan(plan), JSON.stringify(validPlan.errors)).toBe(true);
    expect(plan.stages.flatMap(({ steps }: Body) => steps.map((step: Body) => step.do))).toEqual([
      'keep',
      'backup',
      ...new Array(APPLIED[to]).fill('apply'),
      'helm',
      'wait',
      'forget',
    ]);
    expect(planned.stdout).not.toContain('podResourceInject');
    const rehearsed = await call([...upgrade(to).slice(0, -1), '--rehearse'], home);
    fine(rehearsed);
    expect(rehearsed.stdout).toMatch(new RegExp(`: not rehearsed.*Rehearsed in memory: ${APPLIED[to]} steps?\\.`, 's'));
    expect(await state()).toEqual(before);
    // The runbook is a script that a shell can read.
    const runbook = await call(['plan', ...upgrade(to).slice(1, -1), '-o', 'shell'], home);
    expect(runbook.stdout).toContain('rm -f values-kube-system-sp.yaml');
    expect(spawnSync('sh', ['-n'], { input: runbook.stdout }).status, runbook.stdout).toBe(0);
    expect(runbook.stdout).toContain(
      `helm upgrade sp ${chartOf(to)} -n kube-system --timeout 300s --reset-values --values values-kube-system-sp.yaml`,
    );
    // Led there by flags: helm has to follow.
    const done = await run([...upgrade(to), '--kubeconfig', release.kubeconfig], {
      home,
      env: { ...release.env(), KUBECONFIG: '/nowhere' },
    });
    fine(done);
    await upgraded(to);
    const [folder] = readdirSync(join(home, 'state/upgrade-guard'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('run.json'),
    );
    const beside = (name: string) => join(home, 'state/upgrade-guard', folder!, '..', name);
    expect(done.stderr.split(`saved in ${join(beside('backup.yaml.gz'))}\n`), done.stderr).toHaveLength(2);
    expect(gunzipSync(readFileSync(beside('backup.yaml.gz'))).toString()).toContain('"name":"spiderippools.spiderpool.spidernet.io"');
    expect(readFileSync(beside('helm.log'), 'utf8')).toContain('has been upgraded');
    const offline = await run(['check', 'spiderpool', '--from', beside('before.tar.gz'), '-o', 'json'], { home });
    expect(JSON.parse(offline.stdout).installations, offline.stderr).toMatchObject([{ version: from }]);
    const again = await call(['check', 'spiderpool', '--chart', chartOf(to)], home);
    fine(again);
    fine(await call(['undo', '--yes'], home));
    expect(await newest()).toMatchObject({ status: 'deployed', chart: `spiderpool-${from}`, description: 'Rollback to 1' });
    expect(await state()).toEqual(before);
    expect(await keptSecrets()).toEqual([]);
  });

  test('of two Pods with one IP the one that the pool allocated it to stays; the other is evicted behind the upgrade, by which the IP is not released again', async () => {
    await installed('0.9.4');
    const namespace = await cluster.namespace('shop');
    const shared = '10.6.9.5';
    const apart = (name: string) => ({
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace } },
      spec: {
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'registry.example/c:1' }] } },
      },
    });
    const podOf = async (app: string): Promise<Body> =>
      vi.waitFor(
        async () => {
          const { items } = (await cluster.request('GET', `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`)).body;
          const [pod] = (items as Body[]).filter(({ metadata, status }) => !metadata.deletionTimestamp && status.podIP);
          if (!pod) throw new Error(`no Pod of ${app} runs`);
          return pod;
        },
        { timeout: 30_000, interval: 200 },
      );
    const recorded = async (kind: string, name: string, rest: object, of?: string) => {
      const metadata = { name, ...(of ? { namespace: of } : {}), uid: randomUUID(), creationTimestamp: '2026-01-01T00:00:00Z' };
      const key = `/registry/spiderpool.spidernet.io/${kind.toLowerCase()}s/${of ? `${of}/` : ''}${name}`;
      const { metadata: more = {}, ...fields } = rest as Body;
      const object = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind, metadata: { ...metadata, ...more }, ...fields };
      await putStored(cluster.etcd, key, object);
      return object as never;
    };
    await cluster.apply(apart('web'), apart('cart'));
    const pods = [await podOf('web'), await podOf('cart')];
    const laid: never[] = [];
    for (const { metadata } of pods) {
      const status = { podIP: shared, podIPs: [{ ip: shared }] };
      await cluster.request('PATCH', `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`, { status });
      const current = { uid: metadata.uid, node: 'n1', ips: [{ interface: 'eth0', ipv4: `${shared}/16`, ipv4Pool: 'shared' }] };
      const owner = { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid };
      const its = {
        metadata: { ownerReferences: [owner] },
        status: { current, ownerControllerType: 'Deployment', ownerControllerName: 'x' },
      };
      laid.push(await recorded('SpiderEndpoint', metadata.name, its, namespace));
    }
    const [web, cart] = pods as [Body, Body];
    const allocatedIPs = JSON.stringify({ [shared]: { pod: `${namespace}/${web.metadata.name}`, podUid: web.metadata.uid } });
    const spec = { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.9.1-10.6.9.9'] };
    laid.push(await recorded('SpiderIPPool', 'shared', { spec, status: { allocatedIPs, allocatedIPCount: 1, totalIPCount: 9 } }));

    const home = newHome();
    const { stages } = JSON.parse((await call(['plan', ...upgrade('0.9.13').slice(1, -1), '-o', 'json'], home)).stdout);
    expect(stages.at(-1).steps).toMatchObject([{ do: 'evict', text: { en: expect.stringContaining(cart.metadata.name) } }]);
    fine(await call(upgrade('0.9.13'), home));
    await upgraded('0.9.13');
    expect((await podOf('web')).metadata.uid).toBe(web.metadata.uid);
    const next = await podOf('cart');
    expect(next.metadata.uid).not.toBe(cart.metadata.uid);
    expect(next.status.podIP).not.toBe(shared);
    fine(await call(['undo', '--yes'], home));
    await cluster.remove(apart('web') as never, apart('cart') as never, ...laid);
  });

  test.each(['helm3', 'helm4'] as const)(
    '%s fails midway: nothing of the values is in any file, and the undo brings all back',
    async (by) => {
      release.use(by);
      const before = await installed('0.9.4');
      const home = newHome();
      // The API server refuses the DaemonSet; by then other objects are already those of 0.9.13.
      const words = [...upgrade('0.9.13'), '--reset-then-reuse-values', '--set-string', 'spiderpoolAgent.podLabels.k=CANARY not a label!'];
      const failed = await call([...words, '--accept', 'spiderpool/values-keys', '--timeout', '15s'], home);
      expect(failed.code, failed.stderr).toBe(4);
      expect((await newest()).status).toBe('failed');
      const files = readdirSync(home, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((entry) => entry.isFile());
      const texts = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
      expect([failed.stdout, failed.stderr, ...texts].filter((text) => text.includes('CANARY'))).toEqual([]);
      fine(await call(['undo', '--yes'], home));
      expect(await newest()).toMatchObject({ status: 'deployed', chart: 'spiderpool-0.9.4' });
      // What the failed upgrade added to lists (an environment variable) is gone too.
      expect(await state()).toEqual(before);
    },
  );

  test('a chart that does not render: refused before anything is changed; accepted by name, helm says why, and the undo is whole', async () => {
    const before = await installed('0.9.4');
    const home = newHome();
    const broken = join(home, 'spiderpool');
    cpSync(chartOf('0.9.13'), broken, { recursive: true });
    writeFileSync(join(broken, 'templates/broken.yaml'), '{{ fail "not like this" }}');
    const words = ['upgrade', 'spiderpool', '--chart', broken, '--yes'];
    const { revision } = await newest();
    const refused = await call(words, home);
    expect(refused.code, refused.stderr).toBe(2);
    expect(refused.stderr).toContain('not like this');
    expect(await state()).toEqual(before);
    const failed = await call([...words, '--accept', 'spiderpool/values-keys'], home);
    expect(failed.code, failed.stderr).toBe(4);
    expect(failed.stderr).toContain('not like this');
    expect(await newest()).toMatchObject({ revision, status: 'deployed' });
    fine(await call(['undo', '--yes'], home));
    expect(await state()).toEqual(before);
    // The same, undone by itself because that was asked for: as it was, and failed.
    const alone = await call([...words, '--accept', 'spiderpool/values-keys', '--rollback-on-failure'], newHome());
    expect(alone.code, alone.stderr).toBe(1);
    expect(await state()).toEqual(before);
    expect(await keptSecrets()).toEqual([]);
  });

  test('a chart that was exchanged since is not given to helm; the one that it was, is', async () => {
    await installed('0.9.4');
    const home = newHome();
    const chart = join(home, 'spiderpool');
    cpSync(chartOf('0.9.13'), chart, { recursive: true });
    // A helm that does nothing leaves a run that can be resumed.
    const idle = join(home, 'helm');
    writeFileSync(idle, `#!/bin/sh\ncase "$1" in version) echo v3.17.1;; *) exit 1;; esac\n`, { mode: 0o755 });
    const words = ['upgrade', 'spiderpool', '--chart', chart, '--yes', '--accept', 'spiderpool/values-keys'];
    const cut = await run(words, { kubeconfig: release.kubeconfig, home, env: { HELM_BIN: idle } });
    expect(cut.code, cut.stderr).toBe(4);
    const file = join(chart, 'templates/extra.yaml');
    writeFileSync(file, '# the same name and version\n');
    const before = await state();
    for (const [lang, says] of [
      ['en', 'has changed since the run started (spiderpool 0.9.13)'],
      ['zh', '在运行开始后被改动（spiderpool 0.9.13）'],
    ]) {
      const refused = await call(['resume', '--yes', '--lang', lang!], home);
      expect(refused.code, refused.stderr).toBe(1);
      expect(refused.stderr).toContain(`${chart} ${says}`);
    }
    expect(await state()).toEqual(before);
    rmSync(file);
    fine(await call(['resume', '--yes'], home));
    await upgraded('0.9.13');
    // What helm has done needs no chart any more.
    rmSync(chart, { recursive: true });
    fine(await call(['undo', '--yes'], home));
  });

  test('a run that was changed on disk: another release or a flag for a chart is not carried out', async () => {
    await installed('0.9.4');
    const home = newHome();
    // A helm that does nothing leaves a run that can be resumed.
    const idle = join(home, 'helm');
    writeFileSync(idle, `#!/bin/sh\ncase "$1" in version) echo v3.17.1;; *) exit 1;; esac\n`, { mode: 0o755 });
    const cut = await run([...upgrade('0.9.13'), '--accept', 'spiderpool/values-keys'], {
      kubeconfig: release.kubeconfig,
      home,
      env: { HELM_BIN: idle },
    });
    expect(cut.code, cut.stderr).toBe(4);
    const [name] = readdirSync(join(home, 'state/upgrade-guard'), { recursive: true, encoding: 'utf8' }).filter((each) =>
      each.endsWith('run.json'),
    );
    const file = join(home, 'state/upgrade-guard', name!);
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, whole.replace(`"path":"${chartOf('0.9.13')}"`, '"path":"--post-renderer=/bin/sh"'));
    const flag = await call(['resume', '--yes'], home);
    expect(flag.code, flag.stderr).toBe(1);
    expect(flag.stderr).toContain('chart.path');
    writeFileSync(
      file,
      whole.replace(
        '"release":{"namespace":"kube-system","name":"sp"},"from"',
        '"release":{"namespace":"kube-system","name":"other"},"from"',
      ),
    );
    const other = await call(['resume', '--yes'], home);
    expect(other.code, other.stderr).toBe(4);
    expect(other.stderr).toContain('there is no such release any more');
    writeFileSync(file, whole);
    fine(await call(['undo', '--yes'], home));
    expect(await keptSecrets()).toEqual([]);
  });

  test('who may not look is not told that nothing is installed', async () => {
    await installed('0.9.4');
    const nobody = await run(['plan', 'spiderpool', '--chart', chartOf('0.9.13')], { kubeconfig: await cluster.user('nobody') });
    expect(nobody.code, nobody.stdout).toBe(3);
    expect(nobody.stderr).toContain('cannot determine whether it is installed');
  });

  test('what rbac prints for an upgrade is enough for it and for its undo; less one rule it stops before the first write, and names the rule', async () => {
    await installed('0.9.4');
    const home = newHome();
    const printed = await call(['rbac', '--for', 'upgrade'], home);
    fine(printed);
    type Rule = { apiGroups?: string[]; resources?: string[]; verbs: string[] };
    const { rules } = parse(printed.stdout) as { rules: Rule[] };
    // What is said beside them: to grant roles takes more.
    expect(printed.stderr).toContain('roles that helm grants (verbs bind, escalate)');
    const roles = { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'clusterroles'], verbs: ['bind', 'escalate'] };
    const less = rules.map((rule) =>
      rule.resources?.includes('daemonsets') ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== 'patch') } : rule,
    );
    const as = async (name: string, allowed: Rule[]) => ({
      kubeconfig: await cluster.user(name, [...allowed, roles] as never),
      home,
      env: release.env(),
    });
    const [fewer, enough] = [await as('user-1', less), await as('user-2', rules)];
    const before = await state();
    const refused = await run(upgrade('0.9.13'), fewer);
    expect(refused.code, refused.stdout + refused.stderr).toBe(1);
    expect(refused.stderr).toContain('no permission to patch daemonsets.apps in kube-system; nothing was changed');
    expect(await state()).toEqual(before);
    expect((await cluster.request('GET', LEASE)).status).toBe(404);
    fine(await run(upgrade('0.9.13'), enough));
    await upgraded('0.9.13');
    fine(await run(['undo', '--yes'], enough));
    expect(await state()).toEqual(before);
  });

  test('the runbook of plan -o shell, with a chart that helm fetches from a repository, does the same', async () => {
    await installed('0.9.4');
    const home = newHome();
    const served = mkdtempSync(join(tmpdir(), 'ug-upgrade-repo-'));
    const helmAt = (...words: string[]) => helm(words, { env: { HELM_CACHE_HOME: join(served, 'cache') } });
    expect((await helmAt('package', chartOf('0.9.13'), '-d', served)).code).toBe(0);
    expect((await helmAt('repo', 'index', served)).code).toBe(0);
    const repository = createServer((request, response) => {
      const file = join(served, request.url!.slice(1));
      if (existsSync(file)) response.end(readFileSync(file));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => repository.listen(0, '127.0.0.1', resolve));
    try {
      const repo = ['--repo', `http://127.0.0.1:${(repository.address() as AddressInfo).port}`];
      const unknown = await call(['plan', 'spiderpool', ...repo, '--to', '0.9.99'], home);
      expect(unknown.code).toBe(1);
      expect(unknown.stderr).toContain('helm pull of chart spiderpool 0.9.99 failed');
      const runbook = await call(['plan', 'spiderpool', ...repo, '--to', '0.9.13', '-o', 'shell'], home);
      expect(runbook.code, runbook.stderr).toBe(0);
      // As a person has them on the PATH.
      const bin = join(served, 'bin');
      mkdirSync(bin);
      symlinkSync(tools().kubectl, join(bin, 'kubectl'));
      symlinkSync(release.HELM_BIN, join(bin, 'helm'));
      const env = { PATH: `${bin}:${process.env.PATH}`, HOME: home, KUBECONFIG: cluster.kubeconfig };
      const followed = spawn('sh', [], { cwd: home, env, stdio: ['pipe', 'ignore', 'pipe'] });
      followed.stdin.end(runbook.stdout);
      const said: Buffer[] = [];
      followed.stderr.on('data', (chunk) => said.push(chunk));
      const code = await new Promise((resolve) => followed.on('close', resolve));
      expect(code, Buffer.concat(said).toString()).toBe(0);
      await upgraded('0.9.13');
    } finally {
      repository.close();
      rmSync(served, { recursive: true, force: true });
    }
  });

  test('a release that a cut helm left pending is repaired, and can be upgraded', async () => {
    await install('0.9.4');
    const home = newHome();
    proxy.faults.push({
      do: 'hold',
      method: 'PATCH',
      path: /daemonsets/,
      andThen: () => {
        release.killHelms();
      },
    });
    await helm(['upgrade', 'sp', chartOf('0.9.13'), '-n', NAMESPACE], { kubeconfig: release.kubeconfig });
    proxy.faults.length = 0;
    // The test does not wait ten minutes: the record says that it is an hour old.
    const hourAgo = String(Math.floor(Date.now() / 1000) - 3600);
    const labels = { createdAt: hourAgo, modifiedAt: hourAgo };
    await cluster.request('PATCH', `${SECRETS}/sh.helm.release.v1.sp.v2`, { metadata: { labels } });
    const found = await call(['check', 'spiderpool/release-deployed'], home);
    expect(found.code, found.stdout).toBe(2);
    // With helm on PATH and without: a dry run does not wait for one that may still write, and what repairs it is a request of ours.
    const dry = ['fix', 'spiderpool/release-deployed', '--dry-run=server'];
    const without = { kubeconfig: release.kubeconfig, home, env: { PATH: '/nowhere' } };
    for (const ran of [await call(dry, home), await run(dry, without)]) {
      fine(ran);
      expect(ran.stdout).toContain('delete the record of pending-upgrade revision 2 of kube-system/sp');
    }
    expect((await cluster.request('GET', `${SECRETS}/sh.helm.release.v1.sp.v2`)).status).toBe(200);
    fine(await run(['fix', 'spiderpool/release-deployed', '--yes'], without));
    expect((await cluster.request('GET', `${SECRETS}/sh.helm.release.v1.sp.v2`)).status).toBe(404);
    expect(await newest()).toMatchObject({ revision: 1, status: 'deployed' });
    fine(await call(upgrade('0.9.13'), home));
    await upgraded('0.9.13');
  });

  test('helm spiderpool-upgrade RELEASE --version, with values, by the real plugin', async () => {
    await install('0.9.4');
    const data = mkdtempSync(join(tmpdir(), 'ug-upgrade-plugin-'));
    mkdirSync(join(data, 'plugins'), { recursive: true });
    symlinkSync(helmPluginFolder({ target: hostTarget(), path: BINARY }, data), join(data, 'plugins', 'spiderpool-upgrade'));
    const env = { HELM_DATA_HOME: data, HELM_CACHE_HOME: join(data, 'cache'), XDG_STATE_HOME: join(data, 'state'), ...hastened(5) };
    const plugin = (...words: string[]) => helm(['spiderpool-upgrade', ...words], { env });
    const values = join(data, 'values.yaml');
    writeFileSync(values, 'spiderpoolController: {replicas: 1}\n');
    const chart = ['--chart', chartOf('0.9.13'), '-f', values, '--set', 'ipam.enableIPv6=false', ...DEFAULT_NETWORK];
    const none = await plugin('nowhere', '--version', '0.9.13', ...chart, '--yes');
    expect(none.code).not.toBe(0);
    expect(none.stderr).toContain('existing: kube-system/sp');
    const dry = await plugin('sp', '--version', '0.9.13', ...chart, '--dry-run');
    expect(dry.stderr, dry.stdout).toContain('helm upgrade sp -n kube-system: spiderpool 0.9.13');
    expect((await newest()).revision).toBe(1);
    const done = await plugin('sp', '--version', '0.9.13', ...chart, '--yes', '--timeout', '3m', '--wait');
    expect(done.code, `${done.stdout}${done.stderr}`).toBe(0);
    expect(await newest()).toMatchObject({ status: 'deployed', chart: 'spiderpool-0.9.13' });
    // What helm does with values that are given: the release's own are dropped.
    expect(JSON.parse((await helm(['get', 'values', 'sp', '-n', NAMESPACE, '-o', 'json'])).stdout)).toEqual({
      spiderpoolController: { replicas: 1 },
      ipam: { enableIPv6: false },
      multus: { multusCNI: { defaultCniCRName: 'k8s-pod-network' } },
    });
    rmSync(data, { recursive: true, force: true });
  });
});
