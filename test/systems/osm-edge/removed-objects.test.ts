import { grid } from '../../grid.ts';

grid('osm-edge/removed-objects', [
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: 'warning UpstreamTrafficSetting/shop/api' },
  { fixture: 'found', to: 'osm-edge=1.2.3', expect: 'passed' },
  { fixture: 'found-multicluster', to: 'osm-edge=1.2.3', expect: 'warning MultiClusterService/shop/cart' },
  { fixture: 'healthy-multicluster', to: 'osm-edge=1.1.3', expect: 'passed' },
  { fixture: 'healthy', to: 'osm-edge=1.3.9', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', to: 'osm-edge=1.3.9', forbidden: ['upstreamtrafficsettings.policy.openservicemesh.io'], expect: 'unknown' },
]);
