// fix -f with the real binary: the diff, the change of just those characters, undo to the byte, what was changed since, what is refused, and a process that is killed anywhere.
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runStore } from '../../src/journal/run-store.ts';
import { newHome, run, start } from '../bed/binary.ts';

const DEMO = path.join(import.meta.dirname, '../../src/cli/demo.tar.gz');
let folder: string;
let home: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'ug-fix-files-'));
  home = newHome();
});
afterEach(() => {
  for (const each of [folder, home]) rmSync(each, { recursive: true, force: true });
});

const COORDINATOR = `# our coordinator
apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderCoordinator
metadata:
  name: default   # the only one
spec:
  mode: auto
  # since the outage
  detectGateway: true   # keep!
  tunePodRoutes: true
`.replaceAll('\n', '\r\n');
const MULTUS = (name: string, more = '') =>
  `apiVersion: spiderpool.spidernet.io/v2beta1\nkind: SpiderMultusConfig\nmetadata: {name: ${name}, namespace: kube-system}\nspec: {cniType: ib-sriov, ${more}ibsriov: {resourceName: "x/y", ibKubernetesEnabled: true}}\n`;

function put(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
const files = () =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((each) => !path.basename(each).startsWith('.'))
      .sort()
      .filter((each) => statSync(path.join(folder, each)).isFile())
      .map((each) => [each, readFileSync(path.join(folder, each), 'utf8')]),
  );
const FIX = ['fix', 'spiderpool/removed-fields', '-f', 'm', '--from', DEMO, '--to', 'spiderpool=1.0.6'];
const call = (args: string[]) => run(args, { cwd: folder, home });

describe('fix -f', () => {
  test('shows a diff, changes just that, and undo brings back every byte', async () => {
    const coordinator = put('m/a.yaml', COORDINATOR);
    put('m/sub/b.yml', `${MULTUS('one')}---\n${MULTUS('two')}`);
    chmodSync(coordinator, 0o640);
    const before = files();
    const shown = await call([...FIX, '--dry-run=client']);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain(
      '--- a/m/a.yaml\n+++ b/m/a.yaml\n@@ -6,5 +6,4 @@\n spec:\n   mode: auto\n   # since the outage\n-  detectGateway: true   # keep!\n   tunePodRoutes: true\n',
    );
    expect(files()).toEqual(before);

    const fixed = await call([...FIX, '--yes']);
    expect(fixed.stderr).toContain('3 of 3 steps done');
    expect(fixed.code).toBe(0);
    expect(files()).toEqual({
      'm/a.yaml': COORDINATOR.replace('  detectGateway: true   # keep!\r\n', ''),
      'm/sub/b.yml': before['m/sub/b.yml']!.replaceAll('ibKubernetesEnabled: true', 'enableIbKubernetes: true'),
    });
    expect(statSync(coordinator).mode & 0o777).toBe(0o640);

    expect((await call(['runs', '-f', 'm', '-o', 'json'])).stdout).toContain('"finished"');
    const undone = await call(['undo', '-f', 'm', '--yes']);
    expect(undone.code).toBe(0);
    expect(files()).toEqual(before);
    expect(statSync(coordinator).mode & 0o777).toBe(0o640);
    expect((await call(['undo', '-f', 'm', '--yes'])).code).toBe(0);
  });

  test('what is stored beside a run is believed only where it makes of the file what it was', async () => {
    put('m/a.yaml', COORDINATOR);
    expect((await call([...FIX, '--yes'])).code).toBe(0);
    const state = path.join(home, 'state');
    const [stored] = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((each) => /edit-\w+\.json$/.test(each));
    const record = path.join(state, stored!);
    const text = readFileSync(record, 'utf8');
    expect(text).toContain('keep!');
    writeFileSync(record, text.replace('keep!', 'evil!'));
    expect((await call(['undo', '-f', 'm', '--yes'])).code).toBe(0);
    expect(files()['m/a.yaml']).toContain('detectGateway: true');
    expect(files()['m/a.yaml']).not.toContain('evil!');
  });

  test('undo without a run takes an older one where the newest changed nothing, and says so', async () => {
    put('m/a.yaml', COORDINATOR);
    expect((await call([...FIX, '--yes'])).code).toBe(0);
    const state = path.join(home, 'state', 'upgrade-guard');
    const [file] = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((each) => path.basename(each) === 'run.json');
    const id = path.basename(path.dirname(file!));
    const { cluster } = JSON.parse(readFileSync(path.join(state, file!), 'utf8'));
    const store = runStore(state, cluster.uid);
    const { run: older } = (await store.read(id))!;
    // Such as one that another process kept from beginning.
    const journal = await store.create({ ...older, id: '29990101-000000-0000', at: '2999-01-01T00:00:00Z' });
    await journal.append({ at: '2999-01-01T00:00:00Z', is: 'end', direction: 'apply', state: 'unchanged' });
    await journal.close();
    const undone = await call(['undo', '-f', 'm', '--yes']);
    expect(undone.stderr).toContain(
      `The newest run 29990101-000000-0000 changed nothing; the newest run with changes to undo is ${id} (fix spiderpool/removed-fields, `,
    );
    expect(undone.code).toBe(0);
    expect(files()['m/a.yaml']).toBe(COORDINATOR);
  });

  test('what was changed since is kept: elsewhere in the file the field comes back, at the field itself it is left', async () => {
    put('m/a.yaml', COORDINATOR);
    expect((await call([...FIX, '--yes'])).code).toBe(0);
    put('m/a.yaml', files()['m/a.yaml']!.replace('mode: auto', 'mode: underlay'));
    expect((await call(['undo', '-f', 'm', '--yes'])).code).toBe(0);
    expect(files()['m/a.yaml']).toContain('  mode: underlay\r\n');
    expect(files()['m/a.yaml']).toContain('  detectGateway: true\r\n');

    rmSync(path.join(home, 'state'), { recursive: true, force: true });
    put('m/a.yaml', COORDINATOR);
    expect((await call([...FIX, '--yes'])).code).toBe(0);
    const mine = files()['m/a.yaml']!.replace('mode: auto', 'mode: auto\r\n  detectGateway: "mine"');
    put('m/a.yaml', mine);
    const left = await call(['undo', '-f', 'm', '--yes']);
    expect(left.code).toBe(4);
    expect(left.stderr).toContain('/spec/detectGateway');
    expect(files()['m/a.yaml']).toBe(mine);
  });

  test.each<[string, string, RegExp]>([
    [
      'a merge key',
      `${MULTUS('one')
        .replace('spec: {', 'base: &b {ibsriov: {ibKubernetesEnabled: true}}\nspec: {<<: *b, ')
        .replace(/, ibsriov.*/, '}')}`,
      /m\/a\.yaml:1: \/spec\/ibsriov comes from a merge key|merge key/,
    ],
    [
      'an alias',
      `${MULTUS('one')
        .replace('spec: {', 'base: &b {resourceName: x, ibKubernetesEnabled: true}\nspec: {')
        .replace(/ibsriov.*/, 'ibsriov: *b}')}`,
      /alias \*b.*; change needed: .*enableIbKubernetes/,
    ],
    [
      'two declarations',
      `${MULTUS('one')}---\n${MULTUS('one')}`,
      /manual: SpiderMultusConfig kube-system\/one is declared 2 times \(m\/a\.yaml:1, m\/a\.yaml:6\): remove all but one; change needed: .*enableIbKubernetes/,
    ],
  ])('%s is left with why, and the rest is changed', async (_, text, why) => {
    put('m/a.yaml', text);
    const alone = await call([...FIX, '--yes']);
    expect(alone.code).toBe(2);
    expect(alone.stderr).toMatch(why);
    expect(files()['m/a.yaml']).toBe(text);
    put('m/b.yaml', MULTUS('two'));
    const ran = await call([...FIX, '--yes']);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(why);
    expect(files()).toEqual({ 'm/a.yaml': text, 'm/b.yaml': MULTUS('two').replace('ibKubernetesEnabled', 'enableIbKubernetes') });
  });

  test('an object that two files declare is named with both places, in both languages; the rest is changed and undone', async () => {
    const hpa = (version: string, name: string) =>
      `apiVersion: autoscaling/${version}\nkind: HorizontalPodAutoscaler\nmetadata: {name: ${name}}\nspec: {scaleTargetRef: {kind: Deployment, name: a}, maxReplicas: 2}\n`;
    put('m/a.yaml', hpa('v2beta2', 'same'));
    put('m/b.yaml', `---\n${hpa('v2beta2', 'same')}---\n${hpa('v2beta2', 'once')}`);
    const before = files();
    const args = ['fix', '-f', 'm', '--offline', '--to', 'kubernetes=1.37', '--yes'];
    const zh = await call([...args.slice(0, -1), '--dry-run=client', '--lang', 'zh']);
    expect(zh.stderr).toContain(
      '手动：HorizontalPodAutoscaler default/same 重复声明 2 次（m/a.yaml:1、m/b.yaml:2）：请只保留一处，或逐个修复文件（-f m/a.yaml）；所需更改：将 HorizontalPodAutoscaler default/same 的 apiVersion 改为 autoscaling/v2',
    );
    const ran = await call(args);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(
      'manual: HorizontalPodAutoscaler default/same is declared 2 times (m/a.yaml:1, m/b.yaml:2): remove all but one, or fix each file alone (-f m/a.yaml); change needed: set apiVersion of HorizontalPodAutoscaler default/same to autoscaling/v2\n',
    );
    expect(ran.stderr).not.toMatch(/v2 becomes|autoscaling\/v2beta2 becomes/);
    expect(files()).toEqual({ ...before, 'm/b.yaml': `---\n${hpa('v2beta2', 'same')}---\n${hpa('v2', 'once')}` });
    expect((await call(['undo', '-f', 'm', '--yes'])).code).toBe(0);
    expect(files()).toEqual(before);
  });

  const NAMELESS = {
    'review.yaml': 'apiVersion: authentication.k8s.io/v1beta1 # asked\nkind: TokenReview\nspec: {token: x}\n',
    'null.yaml': 'apiVersion: authorization.k8s.io/v1beta1\nkind: SelfSubjectAccessReview\nmetadata:\nspec: {}\n',
    'generated.yaml': ['a', 'b']
      .map(
        (image) =>
          `apiVersion: batch/v1beta1\nkind: CronJob\nmetadata:\n  generateName: once-\n  labels: {of: ${image}}\nspec: {schedule: "* * * * *"}\n`,
      )
      .join('---\n'),
    'placeholder.yaml':
      'apiVersion: batch/v1beta1\nkind: CronJob\nmetadata:\n  name: $(NAME)\n  namespace: $NAMESPACE # of the environment\nspec: {schedule: "* * * * *"}\n',
    'list.yaml':
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: policy/v1beta1\n  kind: PodDisruptionBudget\n  metadata: {generateName: p-}\n  spec: {selector: {matchLabels: {a: b}}}\n- apiVersion: policy/v1beta1\n  kind: PodDisruptionBudget\n  metadata: {generateName: p-}\n  spec: {selector: {matchLabels: {a: c}}}\n',
  };

  test('what has no name of its own is changed where it stands; its run can be read and undone to the byte', async () => {
    for (const [name, text] of Object.entries(NAMELESS)) put(`m/${name}`, text);
    const before = files();
    const ran = await call(['fix', '-f', 'm', '--offline', '--to', 'kubernetes=1.37', '--yes']);
    expect(ran.stderr).toContain('7 of 7 steps done');
    expect(ran.stderr).toContain('set apiVersion of TokenReview (m/review.yaml:1) to authentication.k8s.io/v1');
    expect(ran.code).toBe(0);
    const after = Object.entries(before).map(([name, text]) => [
      name,
      text.replace(/(apiVersion: (?:authentication|authorization|batch|policy)[a-z.0-9]*\/v1)beta1/g, '$1'),
    ]);
    expect(files()).toEqual(Object.fromEntries(after));
    expect(await call(['runs', '-f', 'm', '-o', 'json'])).toMatchObject({ code: 0, stdout: expect.stringContaining('"finished"') });
    expect((await call(['undo', '-f', 'm', '--yes'])).code).toBe(0);
    expect(files()).toEqual(before);
  });

  // Manifests of other tools' tests, as they are published there.
  const PUBLISHED = path.join(import.meta.dirname, '../../../shared/data/kubernetes/manifests');
  test.each(readdirSync(PUBLISHED))(
    'every run that fix -f makes of %s can be read, and undone to the byte',
    { timeout: 240_000 },
    async (name) => {
      cpSync(path.join(PUBLISHED, name), path.join(folder, 'm'), { recursive: true });
      const before = files();
      const ran = await call(['fix', '-f', 'm', '--offline', '--to', 'kubernetes=1.37', '--yes']);
      expect([0, 2, 3], ran.stderr).toContain(ran.code);
      const undone = await call(['undo', '-f', 'm', '--yes']);
      if (/^Run /m.test(ran.stderr)) expect(undone, undone.stderr).toMatchObject({ code: 0 });
      expect(undone.stderr).not.toContain('damaged');
      expect(files()).toEqual(before);
    },
  );

  test('standard input, a rehearsal and a dry run at a server are refused', async () => {
    put('m/a.yaml', COORDINATOR);
    for (const [args, why] of [
      [['-f', '-'], /standard input cannot be changed/],
      [['-f', 'm', '--rehearse'], /shown as a diff/],
      [['-f', 'm', '--dry-run=server'], /shown as a diff/],
    ] as const) {
      const ran = await run(['fix', ...args, '--from', DEMO], { cwd: folder, home, input: '' });
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toMatch(why);
    }
  });

  test.skipIf(process.platform === 'win32')('a linked file is changed where it lies; a file without the right to write stays', async () => {
    const real = put('m/..data/a.yaml', COORDINATOR);
    symlinkSync(path.join('..data', 'a.yaml'), path.join(folder, 'm', 'a.yaml'));
    expect((await call([...FIX, '--yes'])).code).toBe(0);
    expect(readFileSync(real, 'utf8')).not.toContain('detectGateway');
    expect(readFileSync(path.join(folder, 'm', 'a.yaml'), 'utf8')).not.toContain('detectGateway');
  });

  test.skipIf(process.platform === 'win32')(
    'a file with other names (hard links) is named before anything is written, and the rest is changed',
    async () => {
      linkSync(put('m/a.yaml', COORDINATOR), path.join(folder, 'other-name.yaml'));
      put('m/b.yaml', MULTUS('one'));
      const dry = await call([...FIX, '--dry-run=client']);
      const manual =
        /^manual: m\/a\.yaml:\d+: the file has several names \(hard links\), and would lose the others; change the manifest instead; change needed: .*detectGateway/m;
      expect(dry.stderr).toMatch(manual);
      expect(dry.stdout).toContain('+++ b/m/b.yaml');
      expect(dry.stdout).not.toContain('b/m/a.yaml');
      const fixed = await call([...FIX, '--yes']);
      expect(fixed.stderr).toMatch(manual);
      expect(fixed.stderr).not.toContain('failed');
      expect(files()['m/a.yaml']).toBe(COORDINATOR);
      expect(files()['m/b.yaml']).not.toContain('ibKubernetesEnabled');
    },
  );

  // Killed with SIGKILL at ever later moments: each file is whole, and resume or undo ends right.
  test('killed anywhere: every file is as it was or as it shall be, and undo brings all back', { timeout: 240_000 }, async () => {
    const count = 12;
    for (let n = 0; n < count; n++) put(`m/${n}.yaml`, MULTUS(`c${n}`));
    const before = files();
    const whole = await call([...FIX, '--yes']);
    expect(whole.code).toBe(0);
    const after = files();
    expect((await call(['undo', '-f', 'm', '--yes'])).code).toBe(0);
    let cut = 0;
    for (let round = 0; round < 6; round++) {
      const ran = start([...FIX, '--yes'], { cwd: folder, home });
      // By what is seen on disk, not by the clock: a loaded machine is slow.
      const until = Date.now() + 30_000;
      const changed = () => Object.entries(files()).filter(([name, text]) => text !== before[name]).length;
      while (changed() < round * 2 && Date.now() < until) await sleep(1);
      ran.kill();
      await ran.ended;
      for (const [name, text] of Object.entries(files()))
        if (name.endsWith('.yaml') && !path.basename(name).startsWith('.')) expect([before[name], after[name]]).toContain(text);
      if (changed() > 0 && changed() < count) cut++;
      if (round % 2) {
        await call(['resume', '-f', 'm', '--yes']);
        expect(changed()).toBe(count);
      }
      await call(['undo', '-f', 'm', '--yes']);
      expect(files()).toEqual(before);
    }
    expect(cut).toBeGreaterThan(0);
  });
});
