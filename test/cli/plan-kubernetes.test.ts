// plan kubernetes by the built binary, from manifests: every format in both languages, and what it does not take.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import checkSchema from '../../docs/check-result.schema.json' with { type: 'json' };
import schema from '../../docs/upgrade-plan.schema.json' with { type: 'json' };
import { run } from '../bed/binary.ts';
import { layOut } from '../fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'ug-plan-kubernetes-'));
/** Of other clusters: what lies in the folder is read as this one's. */
const apart = mkdtempSync(join(tmpdir(), 'ug-plan-apart-'));
afterAll(() => {
  for (const each of [folder, apart]) rmSync(each, { recursive: true, force: true });
});
cpSync(join(import.meta.dirname, '../fixtures/kubernetes/installed.yaml'), join(folder, 'installed.yaml'));
writeFileSync(join(folder, 'version.json'), '{"major":"1","minor":"30","gitVersion":"v1.30.4"}');
const plan = (...words: string[]) => run(['plan', 'kubernetes', '--from', folder, ...words]);
/** What no manifest holds is unknown: /metrics. */
const CODE = 3;

describe.each(['en', 'zh'])('%s', (lang) => {
  test.each(['table', 'json', 'yaml', 'markdown', 'html', 'shell'])('-o %s', async (output) => {
    const { code, stdout, stderr } = await plan('--to', '1.32', '-o', output, '--lang', lang);
    expect(code, stderr).toBe(CODE);
    expect(stdout).toContain('v1.31.14');
    expect(stdout).toContain('v1.32.13');
    expect(stdout).not.toMatch(/undefined|\[object|\{(tool|retry)/);
    if (output !== 'json' && output !== 'yaml') expect(/\p{Script=Han}/u.test(stdout)).toBe(lang === 'zh');
    else {
      const data = output === 'json' ? JSON.parse(stdout) : parse(stdout);
      const valid = new Ajv({ strict: false }).compile(schema);
      expect(valid(data), JSON.stringify(valid.errors)).toBe(true);
      const hops = data.stages.map(({ hop }: { hop: string }) => hop);
      expect([...new Set(hops)]).toEqual(['1.31', '1.32']);
      // A blocker that only says that there are several hops does not stop a plan that goes hop by hop.
      expect(data.blockers).toEqual([]);
    }
  });
});

test.each([
  ['en', 'fix: the steps below; this does not stop the upgrade'],
  ['zh', '修复：由下列步骤完成，不会阻止本次升级'],
])('a blocker that the steps themselves resolve is said not to stop the upgrade: %s', async (lang, said) => {
  const { code, stdout } = await plan('--to', '1.32', '--lang', lang);
  const block = stdout.split('kubernetes/version-skip')[1]?.split('\n\n')[0];
  expect([code === 2, block]).toEqual([false, expect.stringContaining(said)]);
});

test('Pods without a controller stop a plan whose drains would end at them, also where --nodes is left to the default', async () => {
  const place = layOut('kubernetes/unmanaged-pods', { fixture: 'found' });
  const stoppedBy = async (...words: string[]) => {
    const { code, stdout } = await run(['plan', 'kubernetes', '--from', place, '--to', '1.31', '-o', 'json', ...words]);
    return [code, ...new Set(JSON.parse(stdout).blockers.map(({ check }: { check: string }) => check))];
  };
  for (const words of [[], ['--nodes', 'drain'], ['--nodes', 'replace']])
    expect(await stoppedBy(...words), words.join(' ')).toEqual([2, 'kubernetes/unmanaged-pods']);
  expect(await stoppedBy('--nodes', 'in-place')).toEqual([CODE]);
  rmSync(place, { recursive: true, force: true });
});

describe('a control plane that is apart', () => {
  const planOf = async (component: string | RegExp, version: string, ...words: string[]) => {
    const place = mkdtempSync(join(folder, 'apart-'));
    const objects = readFileSync(join(folder, 'installed.yaml'), 'utf8');
    const now = typeof component === 'string' ? new RegExp(`${component}:v1.30.4`) : component;
    writeFileSync(
      join(place, 'installed.yaml'),
      objects.replace(now, (found) => found.replace('v1.30.4', version)),
    );
    cpSync(join(folder, 'version.json'), join(place, 'version.json'));
    const done = await run(['plan', 'kubernetes', '--from', place, ...words]);
    rmSync(place, { recursive: true, force: true });
    return done;
  };
  test.each([
    ['en', 'kubernetes/control-plane-skew: API servers run 1.28 and 1.30: at most one minor version apart is supported'],
    ['zh', 'kubernetes/control-plane-skew：API 服务器同时运行 1.28 和 1.30：最多只支持相差一个次要版本'],
  ])('API servers that are two minors apart stop it, by the ID of their check: %s', async (lang, said) => {
    // The address of the kubeconfig leads to another API server than the one of this Node; the kubelets are newer than that one.
    const here = /kube-(?:apiserver|controller-manager|scheduler):v1\.30\.4/g;
    const { code, stdout } = await planOf(here, 'v1.28.9', '--to', '1.31', '--lang', lang);
    expect(code).toBe(2);
    expect(stdout).toContain(said);
    const { stdout: data } = await planOf(here, 'v1.28.9', '--to', '1.31', '-o', 'json');
    const stopping = JSON.parse(data).blockers.map(({ check }: { check: string }) => check);
    expect([...new Set(stopping)]).toEqual(['kubernetes/control-plane-skew', 'kubernetes/kube-proxy-skew', 'kubernetes/kubelet-skew']);
  });
  test('a kube-scheduler that is behind is upgraded with the API servers', async () => {
    const { code, stdout } = await planOf('kube-scheduler', 'v1.28.9', '--to', '1.31', '-o', 'json');
    expect(code).toBe(CODE);
    expect(JSON.parse(stdout).blockers).toEqual([]);
  });
  test.each(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])(
    'no older %s is planned than the one that runs',
    async (component) => {
      const { code, stdout, stderr } = await planOf(component, 'v1.33.0', '--to', '1.32', '--accept', 'kubernetes/control-plane-skew');
      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toContain(
        `error: upgrading kubernetes: ${component} on Node cp1 runs v1.33.0, newer than v1.31.14: a control plane cannot be downgraded`,
      );
      const zh = await planOf(component, 'v1.31.99', '--to', '1.31', '--lang', 'zh');
      expect(zh.stderr).toContain(`错误：升级 kubernetes：Node cp1 上的 ${component} 的版本是 v1.31.99，比 v1.31.14 新：控制平面不能降级`);
    },
  );
});

describe('a runbook', () => {
  test.each(['en', 'zh'])('is taken by sh and bash: %s', async (lang) => {
    const { stdout } = await plan('--to', '1.32', '-o', 'shell', '--lang', lang);
    for (const shell of ['sh', 'bash'])
      expect(spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  test('carries out nothing that a cluster says: names, images and labels are words of its commands', { timeout: 120_000 }, async () => {
    const hostile = mkdtempSync(join(tmpdir(), 'ug-hostile-'));
    const bad = "x$(touch pwned)`touch pwned`';touch pwned;'\ntouch pwned\n#\u001b[2J";
    const pod = (component: string, image: string) => ({
      ...{
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `${component}-${bad}`, namespace: 'kube-system', labels: { component, tier: 'control-plane' } },
      },
      spec: { nodeName: bad, containers: [{ name: component, image }] },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const node = (labels: Record<string, string>) => ({
      ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: bad, labels } },
      status: { nodeInfo: { kubeletVersion: 'v1.30.4', osImage: bad, architecture: bad }, conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'].map((name) => pod(name, `r/${bad}:v1.30.4`));
    const proxy = {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'kube-proxy', namespace: 'kube-system' },
      spec: { template: { spec: { containers: [{ name: 'kube-proxy', image: `r/${bad}:v1.30.4` }] } } },
    };
    const kubeadm = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kubeadm-config', namespace: 'kube-system' } };
    const CASES: [version: string, objects: object[]][] = [
      ['v1.30.4', [node({}), ...components, proxy]],
      ['v1.30.4', [node({}), ...components, proxy, kubeadm]],
      ['v1.30.4', [node({})]],
      ['v1.30.4-gke.1', [node({ 'cloud.google.com/gke-nodepool': bad })]],
      [
        'v1.30.4-eks-1',
        [node({ 'eks.amazonaws.com/nodegroup': bad, 'alpha.eksctl.io/cluster-name': bad, 'topology.kubernetes.io/region': bad }), proxy],
      ],
      ['v1.30.4', [node({ 'kubernetes.azure.com/cluster': `MC_${bad}_${bad}_eu`, agentpool: bad })]],
      ['v1.30.4+rke2r1', [node({ 'node-role.kubernetes.io/control-plane': bad }), node({})]],
    ];
    // Whatever it calls does nothing here.
    const tools = join(hostile, 'bin');
    mkdirSync(tools);
    const CALLED =
      'kubectl gcloud aws az ssh etcdctl etcdutl curl sudo sleep rke2 velero helm rm cat sed tail head grep upgrade-guard'.split(' ');
    for (const name of CALLED) symlinkSync('/bin/true', join(tools, name));
    symlinkSync('/usr/bin/touch', join(tools, 'touch'));
    // The rehearsal of a restore ends its etcd itself.
    writeFileSync(join(tools, 'etcd'), '#!/bin/sh\nexec /bin/sleep 5\n', { mode: 0o755 });
    for (const [version, objects] of CASES) {
      const from = mkdtempSync(join(hostile, 'from-'));
      writeFileSync(join(from, 'version.json'), JSON.stringify({ major: '1', minor: '30', gitVersion: version }));
      writeFileSync(join(from, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
      for (const nodes of version === 'v1.30.4' ? ['drain', 'replace', 'in-place'] : ['drain']) {
        const { stdout, stderr } = await run(['plan', 'kubernetes', '--from', from, '--to', '1.31', '--nodes', nodes, '-o', 'shell']);
        expect(stdout, stderr).toContain('Nodes to ');
        // As a reader sets what is left to set.
        const set = stdout.replace(/; exit 1$/m, '').replace(/^([A-Z]+)= {3}#/gm, '$1=x #');
        // Its stops go on at once; their words are taken by the shell all the same.
        const script = set.replace(/^# ====/m, 'wait_until() { :; }; confirm() { :; }\n# ====');
        const ran = spawnSync('/bin/sh', [], { input: script, cwd: from, env: { PATH: tools }, encoding: 'utf8' });
        expect([version, nodes, ran.stderr.replace(/^blockers are left.*\n/m, ''), existsSync(join(from, 'pwned'))]).toEqual([
          version,
          nodes,
          '',
          false,
        ]);
      }
    }
    rmSync(hostile, { recursive: true, force: true });
  });
});

describe('what a runbook downloads', () => {
  const place = mkdtempSync(join(tmpdir(), 'ug-plan-binaries-'));
  afterAll(() => rmSync(place, { recursive: true, force: true }));
  /** The commands of the kubelet of Node w1, with `ssh` into this machine: what dl.k8s.io, systemd and sudo would do there is played. */
  async function upgraded(unit: string, sum: string) {
    const at = mkdtempSync(join(place, 'at-'));
    const bin = join(at, 'bin');
    mkdirSync(bin);
    mkdirSync(join(at, 'opt'));
    writeFileSync(join(at, 'opt/kubelet'), 'old');
    const tool = (name: string, script: string) => writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    tool('ssh', 'shift; exec sh -c "$*"');
    tool('sudo', 'exec "$@"');
    tool('systemctl', `[ "$1" = show ] && echo '${unit.replaceAll('OPT', join(at, 'opt'))}' || echo "$@" >> ${at}/called`);
    tool(
      'curl',
      `for url; do case $url in *.sha256) printf %s '${sum}' > kubelet.sha256;; */linux/arm64/kubelet) printf new > kubelet;; esac; done`,
    );
    tool('uname', 'echo aarch64');
    const { stdout } = await plan('--to', '1.31', '--nodes', 'in-place', '-o', 'shell');
    const commands = stdout.split('\n').filter((line) => line.startsWith('ssh w1 '));
    const ran = spawnSync('sh', ['-eu'], { input: commands.join('\n'), cwd: at, env: { PATH: `${bin}:/usr/bin:/bin` }, encoding: 'utf8' });
    const called = existsSync(join(at, 'called')) ? readFileSync(join(at, 'called'), 'utf8') : '';
    return { status: ran.status, installed: readFileSync(join(at, 'opt/kubelet'), 'utf8'), called };
  }
  // sha256 of "new".
  const SUM = '11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437';
  test('is checked, and laid where the unit has it, for the architecture of the machine', async () => {
    const unit = '{ path=OPT/kubelet ; argv[]=OPT/kubelet --config=/var/lib/kubelet/config.yaml ; ignore_errors=no }';
    expect(await upgraded(unit, SUM)).toEqual({ status: 0, installed: 'new', called: 'restart kubelet\n' });
    const byShell = '{ path=/bin/sh ; argv[]=/bin/sh -c exec OPT/kubelet ; ignore_errors=no }';
    expect(await upgraded(byShell, SUM)).toEqual({ status: 0, installed: 'new', called: 'restart kubelet\n' });
  });
  test('is not installed where its checksum is another, or its unit names no such file', async () => {
    const unit = '{ path=OPT/kubelet ; argv[]=OPT/kubelet ; ignore_errors=no }';
    const hyperkube = '{ path=OPT/hyperkube ; argv[]=OPT/hyperkube kubelet ; ignore_errors=no }';
    for (const [of, sum] of [
      [unit, SUM.replace('1', '2')],
      [hyperkube, SUM],
    ] as const) {
      const { status, ...rest } = await upgraded(of, sum);
      expect(status).not.toBe(0);
      expect(rest).toEqual({ installed: 'old', called: '' });
    }
  });
});

test('in Chinese the comments of its commands are Chinese too', async () => {
  for (const nodes of ['drain', 'in-place', 'replace']) {
    const { stdout } = await plan('--to', '1.31', '--nodes', nodes, '-o', 'shell', '--lang', 'zh');
    const comments = stdout.split('\n').flatMap((line) => /^[^#'].* # (.*)$/.exec(line)?.[1] ?? []);
    expect(comments.filter((comment) => !/\p{Script=Han}/u.test(comment))).toEqual([]);
    expect(comments.length).toBeGreaterThan(1);
  }
});

describe('--nodes replace', () => {
  const node = (name: string, labels: Record<string, string>) => ({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } },
    status: { nodeInfo: { kubeletVersion: 'v1.30.4' }, conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const at = mkdtempSync(join(apart, 'replace-'));
  writeFileSync(join(at, 'version.json'), '{"major":"1","minor":"30","gitVersion":"v1.30.4"}');
  const items = [node('cp1', { 'node-role.kubernetes.io/control-plane': '' }), node('w1', {})];
  writeFileSync(join(at, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const replaced = (...words: string[]) => run(['plan', 'kubernetes', '--from', at, '--to', '1.31', '--nodes', 'replace', ...words]);

  test.each([
    ['en', 'on the same machine: a control-plane Node is not replaced like a worker'],
    ['zh', '（保留原机器）：控制平面节点不像工作节点那样替换'],
  ])('keeps a control-plane Node of which no Pod is seen, and says why: %s', async (lang, why) => {
    const { stdout } = await replaced('-o', 'shell', '--lang', lang);
    expect(stdout).toContain(why);
    expect(stdout).toContain('kubectl delete node w1');
    expect(stdout).not.toContain('kubectl delete node cp1');
  });

  test('the runbook drains and deletes nothing before the new Node is seen', async () => {
    const { stdout } = await replaced('-o', 'shell');
    const bin = mkdtempSync(join(apart, 'bin-'));
    writeFileSync(join(bin, 'kubectl'), `#!/bin/sh\necho "$@" >> ${bin}/called\necho 'cp1|v1.31.14|True'\n`, { mode: 0o755 });
    const nodes = stdout.slice(stdout.indexOf('# ==== Nodes to'));
    const add = nodes.slice(nodes.indexOf('. add a new Node'));
    // Waits of an hour end at once here.
    const head = stdout.slice(0, stdout.indexOf('# ====')).replace(/; exit 1$/m, '');
    const script = join(bin, 'runbook.sh');
    writeFileSync(script, `${head}\n#${add}`.replace(/^wait_until \d+/gm, 'wait_until 0'));
    const ran = spawnSync('sh', [script], { env: { PATH: `${bin}:/usr/bin:/bin` }, encoding: 'utf8' });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/timed out, so the script stops; not met: \d+\. at least 2 Node/);
    expect(readFileSync(join(bin, 'called'), 'utf8')).not.toMatch(/drain|delete/);
  });

  test('and asks whether the machine of a worker is shut down, and sees it, before its Node is deleted', async () => {
    const { stdout } = await replaced('-o', 'shell');
    const [asked, seen, deleted] = [
      /^confirm '\d+\. shut down the machine of Node w1'$/m,
      /^wait_until .*metadata\.name=w1/m,
      /^kubectl delete node w1/m,
    ].map((line) => stdout.search(line));
    expect(asked).toBeGreaterThan(0);
    expect(seen).toBeGreaterThan(asked!);
    expect(deleted).toBeGreaterThan(seen!);
    // As its author runs it: without a terminal nothing is deleted.
    const bin = mkdtempSync(join(apart, 'bin-'));
    writeFileSync(join(bin, 'kubectl'), `#!/bin/sh\necho "$@" >> ${bin}/called\n`, { mode: 0o755 });
    const head = stdout.slice(0, stdout.indexOf('# ====')).replace(/; exit 1$/m, '');
    const ran = spawnSync('sh', [], { input: head + stdout.slice(asked), env: { PATH: `${bin}:/usr/bin:/bin` }, encoding: 'utf8' });
    expect([ran.status, existsSync(join(bin, 'called'))]).toEqual([1, false]);
    expect(ran.stderr).toMatch(/no terminal to confirm: \d+\. shut down the machine of Node w1/);
  });
});

test('a runbook that is started again drains no Node of which the kubelet is upgraded', async () => {
  const { stdout } = await plan('--to', 'kubernetes=1.31', '-o', 'shell');
  const drains = [...stdout.matchAll(/^(.*)\nkubectl drain (\S+) .*\n(.*)$/gm)];
  expect(drains.length).toBeGreaterThan(1);
  for (const [, before, node, behind] of drains) {
    expect(before).toMatch(new RegExp(`^if is_so '.*v1\\\\.31.*' kubectl get Node ${node} .*; then echo 'skipped: .*; else$`));
    expect(behind).toBe('fi');
  }
});

test('--nodes in-place drains nothing', async () => {
  const { stdout } = await plan('--to', 'kubernetes=1.31', '--nodes', 'in-place', '-o', 'shell');
  expect(stdout).toContain('systemctl restart kubelet');
  expect(stdout).not.toContain('kubectl drain');
});

test('flags that speak to helm are refused', async () => {
  const { code, stderr } = await plan('--to', '1.31', '--chart', 'x.tgz', '--set', 'a=b');
  expect(code).toBe(1);
  expect(stderr).toMatch(/error: upgrading kubernetes: it does not take --chart, --set\nnext: without: upgrade-guard plan kubernetes /);
});

test.each([
  ['en', 'known from a pre-release only: not for production'],
  ['zh', '仅有预发布版本的数据：请勿用于生产环境'],
])('a version that is known from a pre-release says so at the head of plan and check: %s', async (lang, words) => {
  for (const output of ['table', 'shell', 'markdown', 'html']) {
    const { stdout } = await plan('--to', '1.38', '-o', output, '--lang', lang);
    expect(stdout).toContain(words);
  }
  const { stdout } = await run(['check', 'kubernetes', '--from', folder, '--to', 'kubernetes=1.38', '--lang', lang]);
  expect(stdout.split('\n').slice(0, 3).join('\n')).toContain(words);
});

test.each(['json', 'yaml'])('and in its data, which keep to their schemas: -o %s', async (output) => {
  const ajv = new Ajv({ strict: false });
  const read = (text: string) => (output === 'json' ? JSON.parse(text) : parse(text));
  for (const [kind, words] of [
    [schema, ['plan', 'kubernetes']],
    [checkSchema, ['check', 'kubernetes']],
  ] as const)
    for (const [to, provisional] of [
      ['1.38', true],
      ['1.31', undefined],
    ] as const) {
      const { stdout } = await run([...words, '--from', folder, '--to', `kubernetes=${to}`, '-o', output]);
      const data = read(stdout);
      const valid = ajv.validate(kind, data);
      expect([valid, ajv.errors, data.paths.map((path: { provisional?: true }) => path.provisional)]).toEqual([true, null, [provisional]]);
    }
});

test.each([
  ['en', 'Nothing to upgrade: kubernetes is at v1.37.2, and no newer version is known; to set one: --to kubernetes=VERSION'],
  ['zh', '无需升级：kubernetes 已是 v1.37.2，没有已知的更新版本；可用 --to kubernetes=VERSION 指定'],
])('where nothing is newer there are no steps, and no error: %s', async (lang, words) => {
  const at = mkdtempSync(join(apart, 'newest-'));
  writeFileSync(join(at, 'version.json'), '{"major":"1","minor":"37","gitVersion":"v1.37.2"}');
  writeFileSync(join(at, 'all.json'), '{"apiVersion":"v1","kind":"List","items":[]}');
  const { code, stdout } = await run(['plan', 'kubernetes', '--from', at, '--lang', lang]);
  expect(code).toBe(0);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(words);
});
