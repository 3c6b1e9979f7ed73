import { grid } from '../../grid.ts';

const RECORD = 'Secret/osm-system/sh.helm.release.v1.osm.v1';
const to = 'osm-edge=1.3.9';
const [refused, replaced] = [`blocker ${RECORD}`, `warning ${RECORD}`];

grid('osm-edge/values-schema', [
  { fixture: 'found', to, expect: [refused, refused, refused, refused, replaced, replaced] },
  { fixture: 'found', to: 'osm-edge=1.3.8', expect: [refused, refused, refused, refused, replaced, replaced] },
  { fixture: 'healthy', to, expect: 'passed' },
  // none came with 1.3.4.
  { to, intent: { given: { osm: { trafficInterceptionMode: 'none' } } }, expect: 'passed' },
  { to, intent: { given: { osm: { trafficInterceptionMode: 'off', enableEgress: 'yes' } } }, expect: [refused, refused] },
  { expect: 'passed' },
  { fixture: 'found', to, forbidden: ['secrets'], expect: 'unknown' },
]);
