import { grid } from '../../grid.ts';

const jaeger = 'Deployment/osm-system/jaeger';
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
      ...['warning TrafficSplit/shop/cart', 'warning ', 'notice ', 'notice '],
    ],
  },
  {
    fixture: 'found',
    objects: [root],
    to: 'osm-edge=1.2.3',
    expect: ['warning ', 'notice ', `notice ${jaeger}`, 'notice ', 'notice '],
  },
  // Without TrafficSplits or an own Jaeger neither is spoken of.
  { fixture: 'found', forbidden: ['trafficsplits.split.smi-spec.io', 'deployments.apps'], to: 'osm-edge=1.3.9', expect: 'unknown' },
  { fixture: 'found', to: 'osm-edge=1.1.3', expect: 'warning ' },
  { fixture: 'healthy', to: 'osm-edge=1.2.3', expect: 'passed' },
  { to: 'osm-edge=1.3.8', expect: 'passed' },
  // What the policy does not cover.
  { to: 'osm-edge=1.3.9-ubi8', expect: 'warning ' },
]);
