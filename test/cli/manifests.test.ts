// check -f with the real binary: manifests alone, over a snapshot, from standard input, and what must not be read.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../bed/binary.ts';

const DEMO = path.join(import.meta.dirname, '../../src/cli/demo.tar.gz');
const folder = mkdtempSync(path.join(tmpdir(), 'ug-manifests-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function put(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
const ENDPOINT = `# of the old days
apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderEndpoint
metadata:
  name: web-0
status:
  ownerControllerType: None
`;
const TO = ['--to', 'spiderpool=0.9.13'];

describe('alone', () => {
  test('a finding names file and line; what needs a cluster is one line; the exit code speaks of the manifests', async () => {
    put('good/e.yaml', ENDPOINT.replace('None', 'Pod'));
    put('bad/e.yaml', ENDPOINT);
    const bad = await run(['check', '-f', 'bad', '--offline', '--fail-on', 'notice', ...TO], { cwd: folder });
    expect(bad.stderr).toBe('');
    expect(bad.stdout).toContain('SpiderEndpoint default/web-0 bad/e.yaml:2');
    expect(bad.stdout).toMatch(/^- .*\d+ skipped \(they need a cluster\)$/m);
    expect(bad.code).toBe(2);
    const good = await run(['check', '-f', 'good', '--offline', '--fail-on', 'notice', ...TO], { cwd: folder });
    expect(good.stdout).toContain('1 passed');
    expect(good.stdout).toContain('No problems found in these manifests.');
    expect(good.code).toBe(0);
    // Without a kubeconfig it is the same, said or not; in Chinese too.
    const unsaid = await run(['check', '-f', 'bad', '--fail-on', 'notice', '--lang', 'zh', ...TO], { cwd: folder });
    expect(unsaid.stdout).toContain('项已跳过（需要集群）');
    expect(unsaid.code).toBe(2);
  });

  test('an API version that the target does not serve is found, whatever the cluster is', async () => {
    put('old/c.yaml', 'apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: x}\n');
    put('new/c.yaml', 'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\n');
    const old = await run(['check', '-f', 'old', '--offline', '--to', 'kubernetes=1.30'], { cwd: folder });
    expect(old.stdout).toContain('CronJob default/x old/c.yaml:1');
    expect(old.stdout).not.toContain('not collected');
    expect(old.code).toBe(2);
    const fine = await run(['check', '-f', 'new', '--offline', '--to', 'kubernetes=1.30'], { cwd: folder });
    expect(fine.stdout).toContain('No problems found in these manifests.');
    expect(fine.code).toBe(0);
    const fixed = await run(['fix', 'kubernetes/removed-api', '-f', 'old', '--offline', '--to', 'kubernetes=1.30', '--yes'], {
      cwd: folder,
    });
    expect(fixed.stderr).toContain('+apiVersion: batch/v1\n');
    expect(fixed.code).toBe(0);
  });

  test('what helm create makes is fine for every target: nothing of a control plane is missing in a pipeline', async () => {
    const containers = '[{name: c, image: nginx, resources: {requests: {cpu: 100m}}}]';
    const labels = 'matchLabels: {app: x}';
    put(
      'chart/all.yaml',
      [
        `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: 2, selector: {${labels}}, template: {metadata: {labels: {app: x}}, spec: {containers: ${containers}}}}`,
        'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {selector: {app: x}, ports: [{port: 80}]}',
        'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x}',
        `apiVersion: v1\nkind: Pod\nmetadata: {name: x-test, annotations: {helm.sh/hook: test}}\nspec: {restartPolicy: Never, containers: ${containers}}`,
      ].join('\n---\n'),
    );
    for (const to of ['1.25', '1.34', '1.37']) {
      const { code, stdout } = await run(['check', '-f', 'chart', '--offline', '--to', `kubernetes=${to}`], { cwd: folder });
      expect([code, stdout]).toEqual([0, expect.stringContaining('No problems found in these manifests.')]);
    }
  });

  test('what only a cluster could add to the version of what is declared is not missing', async () => {
    const labels = 'app: osm-controller, app.kubernetes.io/name: openservicemesh.io, app.kubernetes.io/instance: osm';
    const container = '{name: osm-controller, image: "flomesh/osm-edge-controller:1.3.0"}';
    put(
      'mesh/c.yaml',
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: osm-controller, namespace: mesh, labels: {${labels}}}\nspec:\n  template: {spec: {containers: [${container}]}}\n`,
    );
    const { stdout } = await run(['check', '-f', 'mesh', '--offline'], { cwd: folder });
    expect(stdout).toMatch(/^osm-edge +1\.3\.0 → /m);
    expect(stdout).not.toMatch(/could be read|the snapshot/);
  });

  test('nothing that any check could look at is not fine', async () => {
    put('cm/c.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n');
    const ran = await run(['check', '-f', 'cm', '--offline', ...TO], { cwd: folder });
    expect(ran.stdout).toContain('None of the checks could run on these manifests alone.');
    expect(ran.code).toBe(3);
    // What is missing is the version that they are for.
    const bare = await run(['check', '-f', 'cm', '--offline'], { cwd: folder });
    expect(bare.stdout).toMatch(/^- .*\d+ skipped \(they need a cluster or a target version\)$/m);
    expect(bare.stdout).toContain('None of the checks could run without a cluster or a target version.');
    expect(bare.stdout).toMatch(/Next: upgrade-guard check --filename cm --offline --to kubernetes=1\.37\n$/);
    expect(bare.code).toBe(3);
  });

  test.each([
    ['a manifest of another kind', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n'],
    ['a patch without a name', 'apiVersion: v1\nkind: Node\nspec: {}\n'],
  ])('a check that was named and has nothing to look at in %s has not passed, whether there is a target or not', async (_, text) => {
    put('other/c.yaml', text);
    for (const to of [[], ['--to', 'kubernetes=1.37']]) {
      const ran = await run(['check', 'kubernetes/nodes-ready', '-f', 'other', '--offline', ...to], { cwd: folder });
      expect(ran.stdout).toContain(
        `None of the checks could run ${to.length ? 'on these manifests alone' : 'without a cluster or a target version'}.`,
      );
      expect(ran.code).toBe(3);
    }
  });

  test('a manifest that no check has read is in the sum, in both languages', async () => {
    put('charted/c.yaml', 'apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\n');
    put('charted/t.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n');
    for (const [lang, sum] of [
      ['en', '1 manifest not checked.'],
      ['zh', '1 份清单未检查。'],
    ]) {
      const ran = await run(['check', '-f', 'charted', '--offline', '--to', 'kubernetes=1.30', '--lang', lang!], { cwd: folder });
      expect(ran.stdout).toContain(sum);
      expect(ran.stdout).not.toMatch(/No problems|未发现问题/);
      expect(ran.code).toBe(3);
    }
  });

  test('what could not be checked is named in the words of the sum, as many as it counts; what holds nothing to check is ignored', async () => {
    put('some/e.yaml', ENDPOINT.replace('None', 'Pod'));
    put('some/values.yaml', 'a: 1\n');
    put('some/kustomization.yaml', 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n');
    put('some/broken.yaml', '{ a');
    for (const [lang, unread, ignored, sum] of [
      ['en', /^not checked: .*broken\.yaml/m, /^ignored: .*(kustomization|values)\.yaml/gm, '1 manifest not checked.'],
      ['zh', /^未检查：.*broken\.yaml/m, /^已忽略：.*(kustomization|values)\.yaml/gm, '1 份清单未检查。'],
    ] as const) {
      const ran = await run(['check', '-f', 'some', '--offline', '--lang', lang, ...TO], { cwd: folder });
      expect(ran.stderr).toMatch(unread);
      expect(ran.stderr.match(ignored)).toHaveLength(2);
      expect(ran.stdout).toContain(sum);
      expect(ran.code).toBe(3);
    }
  });

  test('a key that is written twice is named with file and line, in both languages; the last one counts', async () => {
    put('double/c.yaml', '# one\napiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: x}\napiVersion: batch/v1\n');
    for (const [lang, said] of [
      ['en', 'duplicate key: double/c.yaml:5: mapping key "apiVersion" already defined at line 2; the last one counts, as in kubectl\n'],
      ['zh', '重复的键：double/c.yaml:5：键“apiVersion”已在第 2 行定义；与 kubectl 一样，以最后一处为准\n'],
    ] as const) {
      const ran = await run(['check', '-f', 'double', '--offline', '--to', 'kubernetes=1.30', '--lang', lang], { cwd: folder });
      expect(ran.stderr).toBe(said);
      expect(ran.code).toBe(0);
    }
  });

  test('standard input, as JSON: clean data, objects with file and line, what was skipped', async () => {
    const ran = await run(['check', '-f', '-', '--offline', '-o', 'json', ...TO], { input: `${ENDPOINT}---\nname: x\n` });
    const result = JSON.parse(ran.stdout);
    expect(result.manifests).toMatchObject({ objects: 1, offline: true, skipped: [{ file: '-', line: 9, unseen: false }] });
    const found = result.checks.find(({ outcome }: { outcome: string }) => outcome === 'found');
    expect(found.findings[0].objects).toEqual([
      { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderEndpoint', namespace: 'default', name: 'web-0', file: '-', line: 2 },
    ]);
    expect(ran.stderr).toContain('ignored: stdin:9: not a Kubernetes object');
  });
});

describe('for pipelines', () => {
  const WORDS = ['--offline', '--to', 'kubernetes=1.30'];
  const OLD = 'apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: x}\n';
  put('repository/.git/HEAD', 'ref: refs/heads/main\n');
  put('repository/deploy/jobs/c d.yaml', `# why\n---\n${OLD}`);
  const cwd = path.join(folder, 'repository', 'deploy');

  test('SARIF names files from the root of the repository on, whichever way they were named; a file outside of it and standard input have none', async () => {
    put('outside/c.yaml', OLD.replace('x', 'z'));
    symlinkSync(cwd, path.join(folder, 'link'));
    for (const [named, uri, input] of [
      ['jobs', 'deploy/jobs/c%20d.yaml'],
      [path.join(cwd, 'jobs/c d.yaml'), 'deploy/jobs/c%20d.yaml'],
      [path.join(folder, 'link/jobs'), 'deploy/jobs/c%20d.yaml'],
      ['../../outside', undefined],
      ['-', undefined, OLD],
    ]) {
      const { code, stdout, stderr } = await run(['check', '-f', named!, ...WORDS, '-o', 'sarif'], { cwd, ...(input ? { input } : {}) });
      expect(stderr, named).toBe('');
      const [{ results, tool, invocations }] = JSON.parse(stdout).runs;
      const place = results[0].locations[0].physicalLocation;
      expect([code, results.length, place?.artifactLocation.uri], named).toEqual([2, 1, uri]);
      if (uri) expect(place.region.startLine).toBe(3);
      expect(tool.driver.rules[results[0].ruleIndex]).toMatchObject({
        id: 'kubernetes/removed-api',
        help: { markdown: expect.stringContaining('## Impact') },
      });
      expect(invocations[0].executionSuccessful).toBe(true);
    }
  });

  test('every format has the checks of the system that was asked for, and no others', async () => {
    const systemsOf = (ids: string[]) => [...new Set(ids.map((id) => id.split('/')[0]))];
    const asked = (words: string[]) => Promise.all(['json', 'sarif', 'junit'].map((output) => run([...words, '-o', output], { cwd })));
    for (const words of [['check', 'kubernetes'], ['check']]) {
      const [json, sarif, junit] = await asked([...words, '-f', 'jobs', ...WORDS]);
      const ids = JSON.parse(json!.stdout).checks.map(({ id }: { id: string }) => id);
      const rules = JSON.parse(sarif!.stdout).runs[0].tool.driver.rules.map(({ id }: { id: string }) => id);
      const cases = [...junit!.stdout.matchAll(/<testcase classname="[^"]*" name="([^"]*)"/g)].map(([, name]) => name!);
      expect([systemsOf(ids), systemsOf(rules), systemsOf(cases)]).toEqual([['kubernetes'], ['kubernetes'], ['kubernetes']]);
      expect(cases).toEqual(ids);
      expect(rules).toEqual(ids);
    }
    // Who names no target asks about what the files declare.
    put('repository/deploy/mine/e.yaml', ENDPOINT);
    const [json] = await asked(['check', '-f', 'mine', '--offline']);
    expect(systemsOf(JSON.parse(json!.stdout).checks.map(({ id }: { id: string }) => id))).toEqual(['spiderpool']);
  });

  test('JUnit fails the case of the check, and skips what needs a cluster; a saved result gives the same in Chinese', async () => {
    const { code, stdout } = await run(['check', '-f', 'jobs', ...WORDS, '-o', 'junit'], { cwd });
    expect(code).toBe(2);
    expect(stdout).toMatch(/<testsuite name="kubernetes@manifests" tests="\d+" failures="1" errors="0" skipped="\d+" time="0">/);
    expect(stdout).toContain(
      '<testcase classname="kubernetes@manifests" name="kubernetes/removed-api" file="deploy/jobs/c d.yaml" time="0">',
    );
    expect(stdout).toContain('CronJob default/x jobs/c d.yaml:3');
    const saved = await run(['check', '-f', 'jobs', ...WORDS, '-o', 'json'], { cwd });
    for (const output of ['junit', 'sarif']) {
      const words = ['-o', output, '--lang', 'zh'];
      const rendered = await run(['render', '-', ...words], { cwd, input: saved.stdout });
      expect(rendered.stdout).toBe((await run(['check', '-f', 'jobs', ...WORDS, ...words], { cwd })).stdout);
      expect(rendered.stdout).toContain('需要集群');
    }
  });
});

describe('over a cluster', () => {
  test('an object of a file stands beside those of the cluster', async () => {
    const file = put('over.yaml', ENDPOINT);
    const [without, over] = await Promise.all([
      run(['check', 'spiderpool/owner-controller-type', '--from', DEMO, '-o', 'json']),
      run(['check', 'spiderpool/owner-controller-type', '--from', DEMO, '-f', file, '-o', 'json']),
    ]);
    const objects = ({ stdout }: { stdout: string }) =>
      JSON.parse(stdout).checks.flatMap(({ findings }: { findings: { objects: object[] }[] }) =>
        findings.flatMap((finding) => finding.objects),
      );
    expect(objects(over)).toHaveLength(objects(without).length + 1);
    expect(objects(over)).toContainEqual(expect.objectContaining({ name: 'web-0', file, line: 2 }));
    expect(JSON.parse(over.stdout).manifests).toMatchObject({ offline: false });
  });
});

describe('refused', () => {
  test.each([
    [['--offline'], /--offline needs manifests/],
    [['-f', 'bad', '--quick'], /--quick and -f cannot be used together/],
    [['-f', 'bad', '--offline', '--from', DEMO], /--offline and --from cannot be used together/],
    [['-f', 'nowhere'], /reading -f nowhere: .*ENOENT/],
    [['-f', '-', '-f', '-'], /-f - can be used only once/],
    [['-f', 'bad', '--all-contexts'], /--all-contexts and --filename cannot be used together/],
  ])('%j', async (flags, why) => {
    put('bad/e.yaml', ENDPOINT);
    const ran = await run(['check', ...flags], { cwd: folder });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(why);
  });

  test.skipIf(process.platform === 'win32')('hostile files are named, quickly, and leave the verdict open', async () => {
    put('hostile/e.yaml', ENDPOINT.replace('None', 'Pod'));
    put(
      'hostile/bomb.yaml',
      ['a0: &a0 [1,1,1,1,1,1,1,1,1,1]', ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(10)}]`)].join(
        '\n',
      ),
    );
    put('hostile/nul.yaml', 'apiVersion: v1\nkind: \0\n');
    put('hostile/deep.yaml', '['.repeat(1_000_000));
    put('hostile/\u001b[31mred.yaml', 'a: [');
    put('hostile/large.yaml', '');
    truncateSync(path.join(folder, 'hostile/large.yaml'), 1024 ** 3);
    execFileSync('mkfifo', [path.join(folder, 'hostile/pipe.yaml')]);
    symlinkSync('.', path.join(folder, 'hostile/loop'));
    symlinkSync('/dev/zero', path.join(folder, 'hostile/zero.yaml'));
    const ran = await run(['check', '-f', 'hostile', '--offline', ...TO], { cwd: folder });
    expect(ran.code).toBe(3);
    for (const name of ['bomb', 'nul', 'deep', 'large', 'pipe', 'zero']) expect(ran.stderr).toContain(`not checked: hostile/${name}.yaml`);
    expect(ran.stderr).not.toContain('\u001b');
    expect(ran.ms).toBeLessThan(10_000);
  });
});
