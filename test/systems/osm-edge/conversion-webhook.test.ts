import { grid } from '../../grid.ts';

grid('osm-edge/conversion-webhook', [
  { fixture: 'found', expect: 'blocker CustomResourceDefinition/meshconfigs.config.openservicemesh.io' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
