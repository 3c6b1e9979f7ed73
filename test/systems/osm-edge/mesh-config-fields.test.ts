import { grid } from '../../grid.ts';

const CONFIG = 'MeshConfig/osm-system/osm-mesh-config';

const chain = [{ plugin: 'modules/outbound-tcp-routing', priority: 120 }];
const withoutMode = {
  apiVersion: 'config.openservicemesh.io/v1alpha2',
  kind: 'MeshConfig',
  metadata: { name: 'osm-mesh-config', namespace: 'osm-system', uid: 'b1f4a0de-0000-4000-8000-000000000010' },
  spec: {
    traffic: { enableEgress: true },
    pluginChains: { 'inbound-tcp': chain, 'inbound-http': chain, 'outbound-tcp': chain, 'outbound-http': chain },
  },
};

grid('osm-edge/mesh-config-fields', [
  // The chains as one: an undo leaves no empty map.
  {
    fixture: 'found',
    expect: `blocker ${CONFIG}`,
    steps: [`${CONFIG} /spec/traffic/interceptionMode: ∅ → iptables`, `${CONFIG} /spec/pluginChains: ∅ → [object Object]`],
  },
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: `blocker ${CONFIG}` },
  // What a fresh install has is written; the CRD of the installed version keeps it.
  { objects: [withoutMode], expect: `blocker ${CONFIG}`, steps: [`${CONFIG} /spec/traffic/interceptionMode: ∅ → iptables`] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['meshconfigs.config.openservicemesh.io'], expect: 'unknown' },
]);
