// The values of a release on a real API server: what real helm would do with them, and what the checks say before it does.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newHome, run } from '../bed/binary.ts';
import type { Body } from '../bed/client.ts';
import { bed } from '../bed/index.ts';
import { tools } from '../bed/tools.ts';
import { describeUpstream } from '../bed/upstream.ts';

const cluster = bed();
const NAMESPACE = 'kube-system';
const scratch = mkdtempSync(join(tmpdir(), 'ug-values-'));

type Helm = 'helm3' | 'helm4';

describeUpstream('the values of Spiderpool', ['data', 'spiderpool', 'charts'], (charts) => {
  const chartOf = (version: string) => join(charts, version, 'spiderpool');
  const checked = async (args: string[], env: Record<string, string> = {}) => {
    const ran = await run(['check', 'spiderpool/values-keys', 'spiderpool/reuse-values', '-o', 'json', ...args], {
      kubeconfig: cluster.kubeconfig,
      home: newHome(),
      env,
    });
    expect(ran.stdout, ran.stderr).not.toBe('');
    const { checks } = JSON.parse(ran.stdout) as { checks: Body[] };
    return Object.fromEntries(
      checks.map(({ id, outcome, findings }) => [
        id.slice('spiderpool/'.length),
        outcome === 'found' ? findings.map(({ severity, args }: Body) => `${severity} ${args.state} ${args.keys[0]}`) : outcome,
      ]),
    );
  };
  /** Whether helm would upgrade: undefined, or the key at which the chart does not render. */
  const upgradedBy = async (helm: Helm, to: string, ...words: string[]) => {
    const ran = await cluster[helm](['upgrade', 'sp', chartOf(to), '-n', NAMESPACE, '--dry-run', '--no-hooks', ...words]);
    const named = [...ran.stderr.matchAll(/<\.Values\.([\w.]+)>/g)].at(-1)?.[1];
    return ran.code === 0 ? undefined : (named ?? ran.stderr);
  };

  test.each<Helm>(['helm3', 'helm4'])('%s: said before, and so it comes', async (helm) => {
    const upgraded = (to: string, ...words: string[]) => upgradedBy(helm, to, ...words);
    const set = ['--set', 'ipam.enableSpiderSubnet=false', '--set-string', 'global.commonLabels.team=net'];
    const installed = await cluster[helm](['install', 'sp', chartOf('0.9.4'), '-n', NAMESPACE, '--no-hooks', ...set]);
    expect(installed.code, installed.stderr).toBe(0);
    const withHelm = { HELM_BIN: tools()[helm] };
    const without = { HELM_BIN: join(scratch, 'no-helm') };

    // Within the line nothing is lost; to 1.0 a key has another name.
    expect(await checked(['--to', 'spiderpool=0.9.13'])).toEqual({ 'values-keys': 'passed', 'reuse-values': 'not-applicable' });
    const renamed = 'warning renamed ipam.enableSpiderSubnet';
    expect((await checked(['--to', 'spiderpool=1.0.6']))['values-keys']).toContain(renamed);
    for (const env of [withHelm, without]) expect((await checked(['--chart', chartOf('1.0.6')], env))['values-keys']).toContain(renamed);
    // Under its new key as well: silent. Lost again by --set alone, as helm does.
    const kept = ['--set', 'ipam.spiderSubnet.enable=false'];
    const again = (await checked(['--chart', chartOf('1.0.6'), '--reset-then-reuse-values', ...kept], withHelm))['values-keys'];
    expect(again).not.toContain(renamed);
    expect((await checked(['--chart', chartOf('1.0.6'), ...kept], withHelm))['values-keys']).toContain(
      'warning dropped global.commonLabels.team',
    );

    expect(await upgraded('1.0.6', '--reset-then-reuse-values', ...kept)).toBeUndefined();

    // --reuse-values, by helm and by the table, and what helm says to the same upgrade.
    for (const to of ['0.9.5', '0.9.13', '1.0.6', '1.2.2']) {
      const real = await upgraded(to, '--reuse-values');
      const expected = real === undefined ? expect.not.stringContaining('fails') : `blocker fails ${real}`;
      for (const args of [
        ['--chart', chartOf(to)],
        ['--to', `spiderpool=${to}`],
      ]) {
        const said = (await checked([...args, '--reuse-values'], args[0] === '--chart' ? withHelm : without))['reuse-values'];
        expect([said].flat()[0], `${to} ${args}`).toEqual(expected);
      }
    }

    // Values that break the target are refused with their key, whichever way they come.
    const file = join(scratch, 'values.yaml');
    writeFileSync(file, 'ipam:\n  gc: null\n');
    const real = await upgraded('0.9.13', '--values', file);
    expect(real).toMatch(/^ipam\.gc\./);
    for (const args of [
      ['--chart', chartOf('0.9.13')],
      ['--to', 'spiderpool=0.9.13'],
    ])
      expect((await checked([...args, '--values', file], withHelm))['values-keys'][0]).toBe(`blocker fails ${real}`);

    // Words that helm does not take, we do not take either.
    const refused = await run(['check', '--set', 'a[x]=1'], { kubeconfig: cluster.kubeconfig });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('--set a[x]');
    expect(await upgraded('0.9.13', '--set', 'a[x]=1')).toContain('failed parsing --set');
    await cluster[helm](['uninstall', 'sp', '-n', NAMESPACE, '--no-hooks', '--wait']);
  });
});
