import { grid } from '../../grid.ts';

const CONFIG = 'MeshConfig/osm-system/osm-mesh-config';
const config = (sidecarImage: string) => ({
  apiVersion: 'config.openservicemesh.io/v1alpha2',
  kind: 'MeshConfig',
  metadata: { name: 'osm-mesh-config', namespace: 'osm-system', uid: 'b1f4a0de-0000-4000-8000-000000000010' },
  spec: {
    sidecar: { sidecarClass: 'pipy', sidecarImage, sidecarDrivers: [{ sidecarName: 'pipy', sidecarImage: 'flomesh/pipy:0.90.2-14' }] },
  },
});
const to = 'osm-edge=1.3.8';

grid('osm-edge/sidecar-image', [
  {
    fixture: 'found',
    to,
    expect: `warning ${CONFIG}`,
    steps: [`${CONFIG} /spec/sidecar/sidecarDrivers/0/sidecarImage: flomesh/pipy:0.70.0-46 → flomesh/pipy:0.90.2-14`],
  },
  // The upgrade sets it.
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: `warning ${CONFIG}` },
  {
    objects: [config('flomesh/pipy:0.70.0-46')],
    to,
    expect: `warning ${CONFIG}`,
    steps: [`${CONFIG} /spec/sidecar/sidecarImage: flomesh/pipy:0.70.0-46 → flomesh/pipy:0.90.2-14`],
  },
  { objects: [config('registry.local/pipy:1')], to, expect: `notice ${CONFIG}` },
  { objects: [config('flomesh/pipy:latest')], to, expect: `warning ${CONFIG}` },
  { fixture: 'healthy', to, expect: 'passed' },
  { to, expect: 'passed' },
  { fixture: 'found', forbidden: ['meshconfigs.config.openservicemesh.io'], expect: 'unknown' },
]);
