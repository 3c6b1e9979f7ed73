import { grid } from '../../grid.ts';

const CONFIG = 'MeshConfig/osm-system/osm-mesh-config';

grid('osm-edge/certificate-duration', [
  { fixture: 'found', expect: `warning ${CONFIG}`, steps: [`${CONFIG} /spec/certificate/serviceCertValidityDuration: 365d → 8760h`] },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['meshconfigs.config.openservicemesh.io'], expect: 'unknown' },
]);
