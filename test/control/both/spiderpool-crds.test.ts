// crds-current on a real API server, with the charts of the releases: what the server makes of a definition is still recognised, applied, and undone.
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { newHome, run } from '../../bed/binary.ts';
import type { Body } from '../../bed/client.ts';
import { bed } from '../../bed/index.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const cluster = bed();
const { kubeconfig } = cluster;
const CHECK = 'spiderpool/crds-current';
const definition = (plural: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.spiderpool.spidernet.io` },
});
const fieldsOf = async (plural: string) => {
  const crd = await cluster.get(definition(plural));
  return crd && Object.keys(crd.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties);
};

describeUpstream('the CRDs of Spiderpool', ['data', 'spiderpool', 'charts'], (charts) => {
  const chartOf = (version: string) => join(charts, version, 'spiderpool');
  const install = async (version: string) => {
    const crds = await cluster.kubectl(['apply', '--server-side', '--field-manager=helm', '-f', join(chartOf(version), 'crds')]);
    expect(crds.code, crds.stderr).toBe(0);
    await cluster.apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'spiderpool-controller',
        namespace: 'kube-system',
        labels: { 'app.kubernetes.io/name': 'spiderpool', 'app.kubernetes.io/version': version },
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } },
      },
    });
    // All are accepted, so that lists work.
    await vi.waitFor(
      async () => expect((await cluster.kubectl(['wait', '--for=condition=Established', 'crd', '--all'])).code).toBe(0),
      20_000,
    );
  };
  const checked = async (...words: string[]) => {
    const ran = await run(['check', 'spiderpool', '-o', 'json', ...words], { kubeconfig });
    const result = JSON.parse(ran.stdout);
    return { ...result.checks.find(({ id }: Body) => id === CHECK), paths: result.paths };
  };
  const found = ({ findings }: { findings: Body[] }) => findings.map(({ args }) => `${args.state} ${args.crd.split('.')[0]}`);
  // Without their finalizer: there are no objects to clean up, and an API server of 1.37 now and then takes two to three minutes to see that.
  afterEach(async () => {
    const { body } = await cluster.request('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions');
    await cluster.remove(...body.items.map(({ metadata }: Body) => ({ ...definition(''), metadata: { name: metadata.name } })));
  });

  test('a CRD that Argo CD owns is named with its Application, and not written', async () => {
    await install('0.7.3');
    const owned = definition('spidercoordinators');
    const mark = `argocd.argoproj.io/tracking-id=net:apiextensions.k8s.io/CustomResourceDefinition:/${owned.metadata.name}`;
    expect((await cluster.kubectl(['annotate', 'crd', owned.metadata.name, mark])).code).toBe(0);
    const before = await fieldsOf('spidercoordinators');
    const result = await checked('--to', 'spiderpool=0.9.13');
    const owners = result.findings
      .filter(({ declaredBy }: Body) => declaredBy)
      .map(({ args, declaredBy }: Body) => [args.crd, declaredBy.name]);
    expect(owners).toEqual([[owned.metadata.name, 'Argo CD Application net']]);
    const shown = await run(['check', CHECK, '--to', 'spiderpool=0.9.13'], { kubeconfig });
    expect(shown.stdout).toContain('owned by Argo CD Application net: change it there');
    const fixed = await run(['fix', CHECK, '--chart', chartOf('0.9.13'), '--yes'], { kubeconfig, home: newHome() });
    expect(fixed.code, fixed.stderr).toBe(2);
    expect(fixed.stderr).toContain('owned by Argo CD Application net (argocd.argoproj.io/tracking-id), which would revert the change');
    expect(await fieldsOf('spidercoordinators')).toEqual(before);
    expect(found(await checked('--to', 'spiderpool=0.9.13'))).toEqual(['older spidercoordinators']);
  });

  test('0.7.3 → 0.9.13: missing and older ones are found, applied by the chart, and undone', async () => {
    await install('0.7.3');
    const expected = [
      'missing network-attachment-definitions',
      'older spidercoordinators',
      'older spidermultusconfigs',
      ...[
        'sriovibnetworks',
        'sriovnetworknodepolicies',
        'sriovnetworknodestates',
        'sriovnetworkpoolconfigs',
        'sriovnetworks',
        'sriovoperatorconfigs',
      ].map((name) => `missing ${name}`),
    ];
    const byTable = await checked('--to', 'spiderpool=0.9.13');
    expect(found(byTable).sort()).toEqual(expected.sort());
    const told = await run(['fix', CHECK, '--to', 'spiderpool=0.9.13', '--yes'], { kubeconfig });
    expect(told.code).toBe(2);
    expect(told.stderr).toContain('--chart spiderpool-0.9.13.tgz');

    const chart = ['--chart', chartOf('0.9.13')];
    const byChart = await checked(...chart);
    expect(byChart.paths).toMatchObject([{ to: '0.9.13', chosen: 'asked' }]);
    // The chart knows more than fields, defaults and choices.
    expect(found(byChart)).toEqual(expect.arrayContaining(expected));
    const before = await fieldsOf('spidercoordinators');
    expect(before).not.toContain('txQueueLen');

    const home = newHome();
    // What rbac prints is enough, also to delete again what was made: that needs a look for objects.
    const { rules } = parse((await run(['rbac', '--for', 'fix'])).stdout);
    const limited = await cluster.user('user-1', rules);
    const dry = await run(['fix', CHECK, ...chart, '--dry-run=server'], { kubeconfig: limited, home });
    expect(dry.code, dry.stdout).toBe(0);
    expect(await fieldsOf('spidercoordinators')).toEqual(before);
    const fixed = await run(['fix', CHECK, ...chart, '--yes'], { kubeconfig: limited, home });
    expect(fixed.code, fixed.stderr).toBe(0);
    // As many as the line promised.
    const [, promised] = /^applies (\d+) CRDs: /.exec(byChart.findings[0].remedy.text.en)!;
    expect(fixed.stderr).toContain(`: ${promised} of ${promised} steps done`);
    expect(await fieldsOf('spidercoordinators')).toContain('txQueueLen');
    expect((await checked(...chart)).outcome).toBe('passed');
    expect((await checked('--to', 'spiderpool=0.9.13')).outcome).toBe('passed');

    const undone = await run(['undo', '--yes'], { kubeconfig: limited, home });
    expect(undone.code, undone.stderr).toBe(0);
    expect(await fieldsOf('spidercoordinators')).toEqual(before);
    await vi.waitFor(async () => expect(found(await checked('--to', 'spiderpool=0.9.13')).sort()).toEqual(expected), 20_000);
  });

  test('0.3.6 → 0.4.0: refused, because objects are stored as v1', async () => {
    await install('0.3.6');
    const chart = ['--chart', chartOf('0.4.0')];
    const result = await checked(...chart);
    expect(found(result)).toEqual(
      ['spiderendpoints', 'spiderippools', 'spiderreservedips', 'spidersubnets'].map((name) => `stored ${name}`),
    );
    // What the plan refuses is not promised.
    expect(result.findings[0].remedy.text.en).toMatch(/^skips 4 objects \(spiderendpoints/);
    const refused = await run(['fix', CHECK, ...chart, '--yes'], { kubeconfig });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('status.storedVersions');
    expect((await cluster.get(definition('spiderippools'))).spec.versions.map(({ name }: Body) => name)).toEqual(['v1']);
  });

  test('every release passes on its own definitions, as a server keeps them', async () => {
    for (const version of ['0.6.1', '1.2.2']) {
      await install(version);
      expect(found(await checked('--chart', chartOf(version))), version).toEqual([]);
    }
  });

  test('a chart that contradicts --to, one of something else, and none at all', async () => {
    await install('0.9.13');
    const contradicts = await run(['check', '--chart', chartOf('0.9.13'), '--to', 'spiderpool=1.0.6'], { kubeconfig });
    expect([contradicts.code, contradicts.stderr]).toEqual([1, expect.stringContaining('--to says 1.0.6')]);
    const none = await run(['check', '--chart', join(charts, 'nothing')], { kubeconfig });
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('ENOENT')]);
  });
});
