// Rows of knowledge/notes.json that the charts themselves can prove.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { notes, renames, replaced, versions } from '../../../src/systems/spiderpool/knowledge/tables.ts';
import { compare, satisfies } from '../../../src/versions/chart.ts';
import { describeUpstream } from '../../bed/upstream.ts';

const FIELDS = Object.entries(notes().coordinatorDefaults.in);

describeUpstream('notes of Spiderpool', ['data', 'spiderpool', 'charts'], (charts) => {
  // The tag v0.2.3 brings a chart that calls itself 0.2.2.
  const all = readdirSync(charts);
  const at = (version: string, file: string) => path.join(charts, version, 'spiderpool', file);

  test('CRDs fill the fields of a SpiderCoordinator that they are said to fill', () => {
    const crds = all
      .map((version) => ({ version, file: at(version, 'crds/spiderpool.spidernet.io_spidercoordinators.yaml') }))
      .filter(({ file }) => existsSync(file));
    expect(crds.length).toBeGreaterThan(5);
    for (const { version, file } of crds) {
      const { properties } = parse(readFileSync(file, 'utf8')).spec.versions[0].schema.openAPIV3Schema.properties.spec;
      for (const [field, range] of FIELDS)
        if (satisfies(version, range)) expect(properties[field], `${field} of ${version}`).toHaveProperty('default');
    }
  });

  test('the NetworkAttachmentDefinition CRD is a template where it is said to be one', () => {
    for (const version of all) {
      const file = at(version, 'templates/multus-daemonset.yaml');
      const isTemplate = existsSync(file) && readFileSync(file, 'utf8').includes('name: network-attachment-definitions.k8s.cni.cncf.io');
      expect(isTemplate, version).toBe(satisfies(version, notes().nadTemplate.from));
      const inCrds = readdirSync(at(version, 'crds')).some((name) => name.includes('networkattachmentdefinitions'));
      expect(inCrds, version).toBe(satisfies(version, notes().nadTemplate.to));
    }
  });

  test('objects are stored as v1 up to where they are said to be', () => {
    for (const version of all) {
      const crd = parse(readFileSync(at(version, 'crds/spiderpool.spidernet.io_spiderippools.yaml'), 'utf8'));
      expect(crd.spec.versions[0].name === notes().storage.old, version).toBe(!satisfies(version, notes().storage.to));
    }
  });

  /** Each template of a version, by its file. */
  const templates = (version: string): Map<string, string> =>
    new Map(
      readdirSync(at(version, 'templates'))
        .filter((name) => /\.(?:yaml|tpl)$/.test(name))
        .map((name) => [name, readFileSync(at(version, path.join('templates', name)), 'utf8')]),
    );
  const defaults = (version: string, key: string): unknown =>
    key
      .split('.')
      .reduce(
        (value: unknown, name) => (value as Record<string, unknown> | undefined)?.[name],
        parse(readFileSync(at(version, 'values.yaml'), 'utf8')),
      );

  /** Fields of a CRD's schema, as `spec.a.b`; [] where the chart has no such CRD. */
  const fields = (version: string, plural: string): string[] => {
    const file = at(version, `crds/spiderpool.spidernet.io_${plural}.yaml`);
    if (!existsSync(file)) return [];
    const below = (schema: { properties?: object }, path: string): string[] =>
      Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => [`${path}${name}`, ...below(inner, `${path}${name}.`)]);
    return below(parse(readFileSync(file, 'utf8')).spec.versions[0].schema.openAPIV3Schema, '');
  };
  const schemaOf = (version: string, field: string): object | undefined => {
    const file = at(version, 'crds/spiderpool.spidernet.io_spidercoordinators.yaml');
    if (!existsSync(file)) return undefined;
    return parse(readFileSync(file, 'utf8')).spec.versions[0].schema.openAPIV3Schema.properties.spec.properties[field];
  };

  /** What a chart shows of itself, and the row that says in which versions it is so. */
  const SHOWN: [what: string, of: (version: string) => boolean, range: () => string][] = [
    ['spiderpool-init is a Pod', (version) => /^kind: Pod$/m.test(templates(version).get('pod.yaml')!), () => versions().initPod.in],
    [
      'spiderpool-multus has a preStop',
      (version) => templates(version).get('multus-daemonset.yaml')?.includes('preStop') ?? false,
      () => notes().multusPreStop.from,
    ],
    ['spiderpool-multus is a DaemonSet', (version) => templates(version).has('multus-daemonset.yaml'), () => notes().nadTemplate.from],
    [
      'a ConfigMap holds the configuration of Multus',
      (version) => templates(version).get('configmap.yaml')!.includes('cni-conf.json'),
      () => notes().multusConfig.read['spiderpool-multus'],
    ],
    [
      'agents run /install_multus',
      (version) => templates(version).get('daemonset.yaml')!.includes('/install_multus'),
      () => notes().multusImage.to,
    ],
    [
      'txQueueLen is in the CRD without a default',
      (version) => schemaOf(version, 'txQueueLen') !== undefined && !('default' in schemaOf(version, 'txQueueLen')!),
      () => versions().flaws.txQueueLen.in,
    ],
    [
      'agents delete the Multus files whenever they stop',
      (version) => {
        const text = templates(version).get('daemonset.yaml')!;
        const removes = text.indexOf('rm -f /host/etc/cni/net.d/00-multus.conf');
        return removes >= 0 && !text.slice(0, removes).split('{{- end }}').at(-1)!.includes('multusCNI.uninstall');
      },
      () => versions().flaws.preStop.in,
    ],
    [
      'SpiderMultusConfigs have mtu',
      (version) => fields(version, 'spidermultusconfigs').some((field) => field.endsWith('.mtu')),
      () => `${versions().flaws.mtu.in} || >=1.2.0`,
    ],
    [
      'objects are stored in the version that is in use today',
      (version) => fields(version, 'spiderippools').includes('spec.default'),
      () => `>=${versions().storedVersion.since}`,
    ],
    ['it installs Multus by default', (version) => defaults(version, 'multus.multusCNI.install') === true, () => notes().ownMultus.to],
    ['it has no Multus', (version) => defaults(version, 'multus') === undefined, () => notes().ownMultus.from],
    [
      'tuneSysctlConfig reaches the agents',
      (version) => templates(version).get('configmap.yaml')!.includes('tuneSysctlConfig:'),
      () => '0.8.8 - 0.8.13 || >=0.9.6',
    ],
    [
      'agents read clusterNetwork from a ConfigMap of a fixed name',
      (version) => /^ +key: clusterNetwork\n +name: spiderpool-conf$/m.test(templates(version).get('daemonset.yaml')!),
      () => notes().multusImage.to,
    ],
    [
      'its Multus image has /install_multus',
      (version) => /^v[4-9]/.test(String(defaults(version, 'multus.multusCNI.image.tag'))),
      () => notes().multusImage.to,
    ],
    [
      'a CRD of SpiderCoordinators',
      (version) => existsSync(at(version, 'crds/spiderpool.spidernet.io_spidercoordinators.yaml')),
      () => notes().coordinator.since,
    ],
    [
      'the ConfigMap names no default pools',
      (version) => !templates(version).get('configmap.yaml')!.includes('clusterDefaultIPv4IPPool:'),
      () => notes().defaultPools.to,
    ],
    [
      'an upgrade empties clusterNetwork: in a ConfigMap of the chart, filled by a Job at an install alone',
      (version) =>
        /^kind: Job$/m.test(templates(version).get('pod.yaml')!) && templates(version).get('configmap.yaml')!.includes('cni-conf.json'),
      () => versions().flaws.clusterNetwork.in,
    ],
  ];
  test.each(SHOWN)('%s exactly where it is said to be so', (_, of, range) => {
    for (const version of all) expect(of(version), version).toBe(satisfies(version, range()));
  });

  const PLURALS = ['spidercoordinators', 'spidermultusconfigs', 'spiderippools', 'spidersubnets'];
  test.each(Object.entries(replaced().fields))('%s is dropped by a chart, which has what takes its place', (field, instead) => {
    const has = (version: string) => PLURALS.some((plural) => fields(version, plural).includes(field));
    const ordered = [...all].sort(compare);
    const last = ordered.findLastIndex(has);
    const next = ordered[last + 1]!;
    expect(last).toBeGreaterThanOrEqual(0);
    expect(next).toBeDefined();
    if ('value' in instead) expect(defaults(next, String(instead.value)), next).toBeDefined();
    if ('field' in instead) expect(fields(next, 'spidermultusconfigs'), next).toContain(instead.field);
  });

  test('the init Job is a hook of the install alone', () => {
    for (const version of all.filter((each) => !satisfies(each, versions().initPod.in)))
      expect(templates(version).get('pod.yaml'), version).toMatch(/"?helm\.sh\/hook"?: "?post-install"?$/m);
  });

  test('names that checks read objects by, and what the charts give by default', () => {
    for (const version of all) {
      const [deployment, tls] = [templates(version).get('deployment.yaml')!, templates(version).get('tls.yaml')!];
      expect(deployment, version).toContain('SPIDERPOOL_GC_IP_ENABLED');
      // The controllers' rollout has no strategy of its own: Kubernetes decides.
      expect(deployment, version).not.toMatch(/^\s*strategy:/m);
      expect(defaults(version, 'spiderpoolController.name'), version).toBe('spiderpool-controller');
      expect(defaults(version, 'spiderpoolController.tls.secretName'), version).toBe('spiderpool-controller-server-certs');
      expect(defaults(version, 'spiderpoolController.replicas'), version).toBe(1);
      expect(defaults(version, 'global.configName'), version).toBe('spiderpool-conf');
      const hooks = [...tls.matchAll(/^ {2}name: (\S+)$/gm)].map(([, name]) => name!).filter((name) => name.includes('.'));
      expect(hooks.length, version).toBeGreaterThan(2);
      for (const name of hooks) expect(name, version).toMatch(/\.spiderpool\.spidernet\.io$/);
      expect(tls, version).not.toContain('failurePolicy: Ignore');
    }
  });

  test('objects of earlier releases are in no template where they are called left over', () => {
    for (const [name, range] of Object.entries(notes().leftovers.objects)) {
      const [kind, own] = name.split('/') as [string, string];
      for (const version of all.filter((each) => satisfies(each, range))) {
        const text = [...templates(version).values()].join('\n---\n');
        const made = text.split(/^---$/m).filter((part) => new RegExp(`^kind: ${kind}$`, 'm').test(part));
        const isMade = made.some(
          (part) =>
            part.includes(`name: ${own}\n`) ||
            (own === 'spiderpool-multus' &&
              /^ {2}name: \{\{ \.Values\.multus\.multusCNI\.name \| trunc 63 \| trimSuffix "-" \}\}$/m.test(part)),
        );
        expect(isMade, `${name} of ${version}`).toBe(false);
      }
    }
  });

  test('defaults that are watched are keys of some chart, and every change of theirs is in the tables', () => {
    for (const key of renames().watched.keys)
      expect(
        all.some((version) => defaults(version, key) !== undefined),
        key,
      ).toBe(true);
  });
});
