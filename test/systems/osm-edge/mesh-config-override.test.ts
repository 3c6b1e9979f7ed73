import { grid } from '../../grid.ts';

const CONFIG = 'MeshConfig/osm-system/osm-mesh-config';
const found = Array.from({ length: 3 }, () => `warning ${CONFIG}`);
const steps = [
  `${CONFIG} /spec/sidecar/logLevel: error → debug`,
  `${CONFIG} /spec/traffic/outboundPortExclusionList:  → 6379`,
  `${CONFIG} /spec/observability/tracing/enable: false → true`,
];

grid('osm-edge/mesh-config-override', [
  { fixture: 'found', to: 'osm-edge=1.3.8', expect: found, steps },
  { fixture: 'found', expect: found },
  // Given with the upgrade: what it will not reach.
  { fixture: 'healthy', intent: { given: { osm: { enableEgress: false } }, reuse: 'reset-then-reuse' }, expect: `warning ${CONFIG}` },
  // A field that the CRD of 1.3.8 does not have is for the upgrade.
  {
    fixture: 'healthy',
    intent: { given: { osm: { http1PerRequestLoadBalancing: true } }, reuse: 'reset-then-reuse' },
    expect: `warning ${CONFIG}`,
  },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['meshconfigs.config.openservicemesh.io'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['secrets'], expect: 'unknown' },
]);
