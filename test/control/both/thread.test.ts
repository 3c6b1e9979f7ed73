// The thread from end to end, as a user goes it: real kubectl and real helm call the built binary on a real API server; it finds, fixes, verifies and undoes.
import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { BINARY, newHome, run, start } from '../../bed/binary.ts';
import { startFaultProxy } from '../../bed/fault-proxy.ts';
import { bed } from '../../bed/index.ts';
import { BROKEN, CHECK, scene } from '../scene.ts';

const RELEASE = 'spiderpool/release-deployed';
const cluster = bed();
const stage = await scene(cluster);
const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../../docs/check-result.schema.json'), 'utf8'));
const valid = new Ajv({ strict: false }).compile(schema);
const kubeconfig = cluster.kubeconfig;

beforeEach(() => stage.reset());

const json = async (args: string[], options = {}) => {
  const ran = await run([...args, '-o', 'json'], { kubeconfig, ...options });
  return { ...ran, result: JSON.parse(ran.stdout) };
};
const checkOf = (result: { checks: { id: string }[] }, id: string): Record<string, never> | undefined =>
  result.checks.find((each) => each.id === id) as never;

/** The content of a release record as a helm that was interrupted leaves it: JSON in gzip in base64, which the API writes in base64 again. */
function withStatus(content: string, status: string): string {
  const packed = Buffer.from(Buffer.from(content, 'base64').toString(), 'base64');
  const release = JSON.parse(gunzipSync(packed).toString());
  release.info.status = status;
  return Buffer.from(gzipSync(JSON.stringify(release)).toString('base64')).toString('base64');
}

describe('called by kubectl', () => {
  test('finds, fixes, verifies and undoes; the objects are to the letter as before', async () => {
    const before = await stage.state();
    const home = newHome();
    const plugins = join(home, 'bin');
    mkdirSync(plugins);
    try {
      linkSync(BINARY, join(plugins, 'kubectl-upgrade_guard'));
    } catch {
      copyFileSync(BINARY, join(plugins, 'kubectl-upgrade_guard'));
    }
    const env = { PATH: `${plugins}:${process.env.PATH}`, XDG_STATE_HOME: join(home, 'state') };
    const kubectl = (...args: string[]) => cluster.kubectl(['upgrade-guard', ...args], { env });

    const found = await kubectl('check', CHECK, '--fail-on', 'notice');
    expect(found.code, found.stderr).toBe(2);
    expect(found.stdout).toContain(`i ${CHECK}`);
    expect(found.stdout).toContain('in 3 SpiderEndpoints');
    expect(found.stdout).toContain('0.9.4 → 0.9.13 (default; change with --to)');
    expect(found.stdout.trimEnd().split('\n').at(-1)).toBe(`1 notice.   Next: kubectl upgrade-guard fix ${CHECK}`);

    const fixed = await kubectl('fix', CHECK, '--yes');
    expect(fixed.code, fixed.stderr).toBe(0);
    expect(fixed.stdout).toContain(`gone: ${CHECK}`);
    expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
    expect((await kubectl('check', CHECK, '--fail-on', 'notice')).code).toBe(0);
    expect(await stage.lease()).toBeUndefined();

    const undone = await kubectl('undo', '--yes');
    expect(undone.code, undone.stderr).toBe(0);
    expect(await stage.state()).toEqual(before);
    expect(await stage.lease()).toBeUndefined();
    const again = await kubectl('undo', '--yes');
    expect(again.code).toBe(0);
    expect(again.stderr).toContain('Nothing to undo');
  });
});

describe('check', () => {
  test('prints what the schema says, with every source of the version', async () => {
    const { code, result } = await json(['check', CHECK, RELEASE]);
    expect(code).toBe(0);
    expect(valid(result), JSON.stringify(valid.errors)).toBe(true);
    expect(result.complete).toBe(true);
    expect(result.installations[0]).toMatchObject({
      id: 'spiderpool@kube-system/spiderpool',
      version: '0.9.4',
      release: { revision: 1, status: 'deployed' },
    });
    expect(result.installations[0].sources.map(({ from }: { from: string }) => from)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('release kube-system/spiderpool'),
        expect.stringContaining('image of DaemonSet'),
        expect.stringContaining('label app.kubernetes.io/version'),
      ]),
    );
    expect(checkOf(result, CHECK)).toMatchObject({
      outcome: 'found',
      findings: [{ objects: BROKEN.map((name) => expect.objectContaining({ name })) }],
    });
  });
  test('a healthy cluster: exit 0, no finding', async () => {
    for (const name of BROKEN)
      await cluster.request('PATCH', `/apis/spiderpool.spidernet.io/v2beta1/namespaces/default/spiderendpoints/${name}`, {
        status: { ownerControllerType: 'Pod' },
      });
    const { code, result } = await json(['check', CHECK, RELEASE, '--fail-on', 'notice']);
    expect(code).toBe(0);
    expect(result.checks.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['passed', 'passed']);
  });
  test('sources that disagree are shown', async () => {
    const path = '/apis/apps/v1/namespaces/kube-system/deployments/spiderpool-controller';
    await cluster.request('PATCH', path, { metadata: { labels: { 'app.kubernetes.io/version': '0.9.3' } } });
    const { stdout } = await run(['check', CHECK, RELEASE], { kubeconfig });
    expect(stdout).toContain('spiderpool@kube-system/spiderpool reports different versions');
    expect(stdout).toContain('0.9.3: label app.kubernetes.io/version of Deployment kube-system/spiderpool-controller');
    await cluster.request('PATCH', path, { metadata: { labels: { 'app.kubernetes.io/version': '0.9.4' } } });
  });
  test('--accept shows and does not count; of single objects too', async () => {
    const all = await json(['check', CHECK, '--fail-on', 'notice', '--accept', CHECK]);
    expect(all.code).toBe(0);
    expect(all.result.summary).toMatchObject({ accepted: 1, findings: { notice: 0 } });
    const one = await json(['check', CHECK, '--fail-on', 'notice', '--accept', `${CHECK}:SpiderEndpoint/default/bare-a`]);
    expect(one.code).toBe(2);
    expect(one.result.summary).toMatchObject({ accepted: 1, findings: { notice: 1 } });
  });
  test('a pending release is a blocker, and its fix is told', async () => {
    const secret = '/api/v1/namespaces/kube-system/secrets/sh.helm.release.v1.spiderpool.v1';
    const { data } = (await cluster.request('GET', secret)).body;
    const interrupted = { release: withStatus(data.release, 'pending-install') };
    await cluster.request('PATCH', secret, { metadata: { labels: { status: 'pending-install' } }, data: interrupted });
    try {
      const ran = await run(['check', CHECK, RELEASE], { kubeconfig });
      expect(ran.code).toBe(2);
      expect(ran.stdout).toContain('✗ spiderpool/release-deployed');
      const fix = await run(['fix', 'spiderpool/release-deployed', '--dry-run=client'], { kubeconfig });
      expect(fix.code).toBe(0);
      expect(fix.stdout).toContain('helm uninstall spiderpool -n kube-system');
      const asked = await run(['fix', 'spiderpool/release-deployed', '--yes'], { kubeconfig });
      expect(asked.code, asked.stderr).toBe(2);
      const rehearsed = await run(['fix', 'spiderpool/release-deployed', '--rehearse'], { kubeconfig });
      expect([rehearsed.code, rehearsed.stdout]).toEqual([2, expect.stringContaining('still there: spiderpool/release-deployed')]);
    } finally {
      await cluster.request('PATCH', secret, { metadata: { labels: { status: 'pending-install' } }, data });
    }
    // helm goes by what the record says, not by its label.
    expect((await run(['check', RELEASE], { kubeconfig })).code).toBe(0);
    await cluster.request('PATCH', secret, { metadata: { labels: { status: 'deployed' } } });
  });
  test('few requests: one per list, one connection', async () => {
    const proxy = await startFaultProxy(cluster);
    const { code } = await run(['check', CHECK, RELEASE], { kubeconfig: await proxy.kubeconfigFrom(kubeconfig) });
    expect(code).toBe(0);
    const lists = proxy.seen.filter(({ path }) => path.includes('limit='));
    expect(new Set(lists.map(({ path }) => path)).size).toBe(lists.length);
    expect(proxy.seen.every(({ method }) => method === 'GET')).toBe(true);
    expect(proxy.seen.length).toBeLessThanOrEqual(cluster.version === '1.24' ? 20 : 14);
    await proxy.close();
  });
});

describe('fix', () => {
  test('without a terminal and --yes: exit 1, the steps shown, nothing changed', async () => {
    const before = await stage.state();
    const ran = await run(['fix', CHECK], { kubeconfig });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('/status/ownerControllerType: None → Pod');
    expect(ran.stderr).toContain('undo: exact');
    expect(await stage.state()).toEqual(before);
    expect(await stage.lease()).toBeUndefined();
  });
  test.each(['client', 'server'])('--dry-run=%s and --rehearse change nothing and keep no run', async (how) => {
    const before = await stage.state();
    const home = newHome();
    for (const args of [
      ['fix', CHECK, `--dry-run=${how}`],
      ['fix', CHECK, '--rehearse'],
    ]) {
      const ran = await run(args, { kubeconfig, home });
      expect(ran.code, ran.stderr).toBe(0);
      expect(ran.stdout).toContain('None → Pod');
    }
    expect(await stage.state()).toEqual(before);
    expect((await run(['runs'], { kubeconfig, home })).stdout).toContain('No runs');
  });
  test.each(['client', 'server'])('--dry-run=%s of a user without the right to read it: unknown, as the fix itself says', async (how) => {
    const ran = await run(['fix', CHECK, `--dry-run=${how}`], { kubeconfig: await cluster.user('nobody') });
    expect([ran.code, ran.stdout]).toEqual([3, 'Nothing to fix, but some checks could not run; see above.\n']);
  });
  test('an object that changed between looking and writing is not overwritten; other values are left alone', async () => {
    const proxy = await startFaultProxy(cluster);
    const path = '/apis/spiderpool.spidernet.io/v2beta1/namespaces/default/spiderendpoints/bare-b';
    proxy.faults.push({ method: 'PATCH', path: /bare-b/, do: 'delay', ms: 1500 });
    const ran = run(['fix', CHECK, '--yes'], { kubeconfig: await proxy.kubeconfigFrom(kubeconfig) });
    while (!proxy.seen.some(({ method, path: at }) => method === 'PATCH' && at.includes('bare-b')))
      await new Promise((resolve) => setTimeout(resolve, 20));
    await cluster.request('PATCH', path, { status: { ownerControllerType: 'Deployment' } });
    const { code, stderr } = await ran;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('no longer needed');
    expect(await stage.types()).toEqual(['Pod', 'Deployment', 'Pod']);
    await proxy.close();
  });
  test('undo leaves what another user changed since, names it, exit 4; the rest goes back', async () => {
    const home = newHome();
    expect((await run(['fix', CHECK, '--yes'], { kubeconfig, home })).code).toBe(0);
    await cluster.request('PATCH', '/apis/spiderpool.spidernet.io/v2beta1/namespaces/default/spiderendpoints/bare-b', {
      status: { ownerControllerType: 'Job' },
    });
    const undone = await run(['undo', '--yes'], { kubeconfig, home });
    expect(undone.code).toBe(4);
    expect(undone.stderr).toMatch(/bare-b.*left unchanged/);
    expect(await stage.types()).toEqual(['None', 'Job', 'None']);
  });
  // A limit on the size of files is a disk that is full for one process.
  test('a disk that is full: nothing is sent', async () => {
    const script = `ulimit -f 1; exec "$0" fix ${CHECK} --yes`;
    const ran = await run(['-c', script, BINARY], { binary: '/bin/bash', kubeconfig });
    expect(ran.code, ran.stderr).toBe(1);
    expect(ran.stderr).toContain('nothing was sent');
    expect(await stage.types()).toEqual(['None', 'None', 'None']);
    expect(await stage.lease()).toBeUndefined();
  });
  test('a disk that fills up in the middle: the run is interrupted, says how to resume, and can be resumed', async () => {
    const proxy = await startFaultProxy(cluster);
    const home = newHome();
    proxy.faults.push({ method: 'PATCH', do: 'delay', ms: 1500, times: 3 });
    const { child, ended } = start(['fix', CHECK, '--yes'], { kubeconfig: await proxy.kubeconfigFrom(kubeconfig), home, input: '' });
    while (!proxy.seen.some(({ method }) => method === 'PATCH')) await new Promise((resolve) => setTimeout(resolve, 20));
    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=1']);
    const { code, stderr } = await ended;
    expect(code, stderr).toBe(4);
    expect(stderr).toMatch(/resume: .*resume/);
    await proxy.close();
    const resumed = await run(['resume', '--yes'], { kubeconfig, home });
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
    expect(await stage.lease()).toBeUndefined();
    expect((await run(['undo', '--yes'], { kubeconfig, home })).code).toBe(0);
    expect(await stage.types()).toEqual(['None', 'None', 'None']);
  });
  test('in Chinese as well', async () => {
    const ran = await run(['check', CHECK, RELEASE], { kubeconfig, env: { LANG: 'zh_CN.UTF-8' } });
    expect(ran.stdout).toContain('3 个 SpiderEndpoint 的 status.ownerControllerType 为 None');
    expect(ran.stdout).toContain('下一步');
  });
});

describe('rights', () => {
  test('none: unknown and exit 3, never 0', async () => {
    const { code, result } = await json(['check', CHECK, RELEASE], { kubeconfig: await cluster.user('nobody') });
    expect(code).toBe(3);
    expect(result.complete).toBe(false);
    expect(result.checks.map(({ outcome }: { outcome: string }) => outcome)).toEqual(['unknown', 'unknown']);
  });
  const roleOf = async (what: string) => parse((await run(['rbac', '--for', what])).stdout);
  test('what rbac prints is enough to check', async () => {
    const { rules } = await roleOf('check');
    const full = await json(['check', CHECK, RELEASE], { kubeconfig: await cluster.user('user-1', rules) });
    expect(full.code, full.stderr).toBe(0);
    expect(full.result.complete).toBe(true);
    expect(full.result.cluster.certain).toBe(true);
    const { result: admin } = await json(['check', CHECK, RELEASE]);
    expect(full.result.checks).toEqual(admin.checks);
  });
  test('a source of the version that the user cannot list is a gap, whatever the others say', async () => {
    // An interrupted upgrade: the controller is what was wanted, the agents run what was there.
    const agent = '/apis/apps/v1/namespaces/kube-system/daemonsets/spiderpool-agent';
    const { metadata, spec } = (await cluster.request('GET', agent)).body;
    const [{ name, image }] = spec.template.spec.containers;
    const at = (version: string, tag: string) => ({
      metadata: { labels: { ...metadata.labels, 'app.kubernetes.io/version': version } },
      spec: { template: { spec: { containers: [{ name, image: tag }] } } },
    });
    const before = at(metadata.labels['app.kubernetes.io/version'], image);
    expect((await cluster.request('PATCH', agent, at('0.8.0', image.replace(/:.*/, ':v0.8.0')))).status).toBe(200);
    const { rules } = (await roleOf('check')) as { rules: { resources?: string[]; verbs: string[] }[] };
    const fewer = rules.filter(({ resources = [] }) => !resources.includes('deployments'));
    const half = await json(['check', CHECK], { kubeconfig: await cluster.user('user-7', fewer as never) });
    await cluster.request('PATCH', agent, before);
    expect([half.code, half.result.complete], half.stderr).toEqual([3, false]);
    expect(half.result.installations).toMatchObject([
      { version: '0.8.0', gaps: [expect.objectContaining({ why: 'forbidden', verb: 'list', resource: 'deployments.apps' })] },
    ]);
  });
  test('what rbac prints is enough to fix and undo', async () => {
    const home = newHome();
    const { rules } = await roleOf('fix');
    const limited = await cluster.user('user-3', rules);
    const fixed = await run(['fix', CHECK, '--yes'], { kubeconfig: limited, home });
    expect(fixed.code, fixed.stderr).toBe(0);
    expect(await stage.types()).toEqual(['Pod', 'Pod', 'Pod']);
    expect((await run(['undo', '--yes'], { kubeconfig: limited, home })).code).toBe(0);
    expect(await stage.types()).toEqual(['None', 'None', 'None']);
  });
  test('of what is installed it is less, still enough, and for an upgrade holds what helm needs', async () => {
    const here = async (what: string) => run(['rbac', '--for', what], { kubeconfig });
    const { stdout, stderr } = await here('fix');
    const { rules } = parse(stdout) as { rules: { resources?: string[]; verbs: string[] }[] };
    expect(stderr).toContain('spiderpool@kube-system/spiderpool');
    // K3s is looked for, and not installed: what its remedy writes is not needed.
    const plans = rules.filter(({ resources = [] }) => resources.includes('plans')).flatMap(({ verbs }) => verbs);
    expect(plans).not.toEqual(expect.arrayContaining(['delete']));
    const limited = await cluster.user('user-6', rules as never);
    const home = newHome();
    expect((await run(['fix', CHECK, '--yes'], { kubeconfig: limited, home })).code).toBe(0);
    expect((await run(['undo', '--yes'], { kubeconfig: limited, home })).code).toBe(0);
    const upgrade = await here('upgrade');
    const deployments = (parse(upgrade.stdout) as { rules: typeof rules }).rules.find(({ resources = [] }) =>
      resources.includes('deployments'),
    );
    expect(deployments?.verbs).toEqual(expect.arrayContaining(['get', 'patch']));
    expect(upgrade.stderr).toContain('helm: derived from the installed releases');
  });
  test('without the right to the Lease, or to the write: refused with the rule, nothing changed', async () => {
    const { rules } = await roleOf('fix');
    const noLease = rules.filter(({ resources = [] }: { resources?: string[] }) => !resources.includes('leases'));
    const refused = await run(['fix', CHECK, '--yes'], { kubeconfig: await cluster.user('user-4', noLease) });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('leases');
    const noPatch = rules.map((rule: { verbs: string[] }) => ({ ...rule, verbs: rule.verbs.filter((verb) => verb !== 'patch') }));
    const readOnly = await cluster.user(
      'user-5',
      noPatch.filter(({ verbs }: { verbs: string[] }) => verbs.length),
    );
    const failed = await run(['fix', CHECK, '--yes'], { kubeconfig: readOnly });
    expect(failed.code, failed.stderr).toBe(1);
    expect(failed.stderr).toContain('no permission to patch spiderendpoints.spiderpool.spidernet.io bare-a in default; patch');
    expect(await stage.types()).toEqual(['None', 'None', 'None']);
    expect(await stage.lease()).toBeUndefined();
  });
});

describe('snapshot', () => {
  test('gives the verdict of the live cluster, holds no secret, and can be rehearsed and recompared', async () => {
    const home = newHome();
    const file = join(home, 'snap.tar.gz');
    const live = await json(['check', CHECK, RELEASE]);
    const taken = await run(['snapshot', file], { kubeconfig, home });
    expect(taken.code, taken.stderr).toBe(0);
    const offline = await json(['check', CHECK, RELEASE, '--from', file], { kubeconfig: undefined });
    expect(offline.code).toBe(live.code);
    expect(offline.result.checks).toEqual(live.result.checks);
    expect(offline.result.installations).toEqual(live.result.installations);
    const piped = await run(['check', CHECK, RELEASE, '--from', '-', '-o', 'json'], { input: readFileSync(file) as never });
    expect(JSON.parse(piped.stdout).checks).toEqual(live.result.checks);
    const rehearsed = await run(['fix', CHECK, '--from', file], { home });
    expect(rehearsed.code, rehearsed.stderr).toBe(0);
    expect(rehearsed.stdout).toContain('gone: spiderpool/owner-controller-type');

    writeFileSync(join(home, 'before.json'), live.stdout);
    expect((await run(['fix', CHECK, '--yes'], { kubeconfig, home })).code).toBe(0);
    writeFileSync(join(home, 'after.json'), (await json(['check', CHECK, RELEASE])).stdout);
    const compared = await run(['compare', 'before.json', 'after.json'], { home, cwd: home });
    expect(compared.code).toBe(0);
    expect(compared.stdout).toContain('- gone: spiderpool/owner-controller-type');
    expect((await run(['compare', 'after.json', 'before.json'], { home, cwd: home })).code).toBe(2);
  });
});
