import { expect, test } from 'vitest';
import check from '../../../src/systems/osm-edge/checks/compatibility-policy.ts';
import { textOf } from '../../../src/text/language.ts';
import { grid } from '../../grid.ts';

const jaeger = 'Deployment/osm-system/jaeger';
const bootstrap = 'Deployment/osm-system/osm-bootstrap';
/** A root that selects what its leaves select. */
const root = {
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'cart', namespace: 'shop', uid: 'b1f4a0de-0000-4000-8000-000000000072' } },
  spec: { selector: { app: 'cart' }, ports: [{ port: 80 }] },
};

grid('osm-edge/compatibility-policy', [
  {
    fixture: 'found',
    to: 'osm-edge=1.3.9',
    expect: [
      ...['blocker ', 'warning ', 'notice ', `notice ${jaeger}`, 'notice '],
      ...['warning TrafficSplit/shop/cart', 'warning ', 'notice ', 'notice ', `warning ${bootstrap}`],
    ],
  },
  {
    fixture: 'found',
    objects: [root],
    to: 'osm-edge=1.2.3',
    expect: ['warning ', 'notice ', `notice ${jaeger}`, 'notice ', 'notice ', `warning ${bootstrap}`],
  },
  // Without TrafficSplits or an own Jaeger neither is spoken of.
  { fixture: 'found', forbidden: ['trafficsplits.split.smi-spec.io', 'deployments.apps'], to: 'osm-edge=1.3.9', expect: 'unknown' },
  { fixture: 'found', to: 'osm-edge=1.1.3', expect: [`warning ${bootstrap}`, 'warning '] },
  { fixture: 'healthy', to: 'osm-edge=1.2.3', expect: 'passed' },
  { to: 'osm-edge=1.3.8', expect: 'passed' },
  // What the policy does not cover.
  { to: 'osm-edge=1.3.9-ubi8', expect: 'warning ' },
]);

/** Of each problem a path on which it is met, and the nearest one on which it is not. */
const PATHS: [key: string, met: [string, string], silent: [string, string]][] = [
  ['bootstrap-crash', ['1.1.3', '1.3.0'], ['1.2.0', '1.3.0']],
  ['sidecar-path', ['1.1.3', '1.2.0'], ['1.2.0', '1.2.3']],
  ['open-defaults', ['1.1.3', '1.2.0'], ['1.2.0', '1.2.3']],
  ['jaeger-renamed', ['1.1.3', '1.2.0'], ['1.2.0', '1.2.3']],
  ['metric-labels', ['1.1.3', '1.2.0'], ['1.2.0', '1.2.3']],
  ['split-root', ['1.1.3', '1.2.0'], ['1.2.0', '1.2.3']],
  ['scripts-move', ['1.2.3', '1.3.0'], ['1.3.0', '1.3.9']],
  ['rotation-stalls', ['1.2.0', '1.2.1'], ['1.2.1', '1.2.3']],
  ['http2-balancing', ['1.3.8', '1.3.9'], ['1.3.7', '1.3.8']],
  ['reconciler', ['1.3.8', '1.3.9'], ['1.3.9', '1.3.9']],
  ['older-images', ['1.1.2', '1.1.3'], ['1.1.2', '1.2.0']],
  ['bad-duration', ['1.3.4', '1.3.5'], ['1.3.4', '1.3.6']],
  ['ubi8', ['1.2.2', '1.2.3-ubi8'], ['1.2.2-ubi8', '1.2.3-ubi8']],
  ['pre-release', ['1.2.3', '1.3.0-beta.4'], ['1.2.3', '1.3.0']],
];
const ref = (kind: string, namespace: string, name: string) => ({ apiVersion: 'v1', kind, namespace, name });
const rows = {
  workloads: [
    { ref: ref('Deployment', 'osm-system', 'jaeger'), containers: [] },
    {
      ref: ref('Deployment', 'osm-system', 'osm-bootstrap'),
      containers: [{ args: [{ name: 'enable-reconciler', value: 'true' }] }],
    },
  ],
  splits: [{ ref: ref('TrafficSplit', 'shop', 'cart'), root: 'cart', leaves: [{ service: 'cart-v1' }] }],
  services: [],
};
test.each(PATHS)('%s is reported on its paths alone', async (key, met, silent) => {
  const keysOf = async ([from, to]: [string, string]) => {
    const path = { installation: { id: 'osm-edge@osm-system/osm', namespace: 'osm-system', name: 'osm' }, from, to };
    const found = (await check.judge(rows as never, { path } as never)) as { key: string[] }[];
    return found.flatMap((each) => each.key);
  };
  expect(await keysOf(met)).toContain(key);
  expect(await keysOf(silent)).not.toContain(key);
});

test('and there is no other problem in the table', () => {
  const named = check.sources.map((source) => /\(([\w-]+)\)$/.exec(textOf(source).en)![1]);
  expect(PATHS.map(([key]) => key)).toEqual(expect.arrayContaining(named));
});
