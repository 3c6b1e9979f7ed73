import { grid } from '../../grid.ts';

const kinds = [
  'globaltrafficpolicies.flomesh.io',
  'pluginchains.plugin.flomesh.io',
  'pluginconfigs.plugin.flomesh.io',
  'plugins.plugin.flomesh.io',
  'serviceexports.flomesh.io',
  'serviceimports.flomesh.io',
];
const crds = kinds.map((name) => `CustomResourceDefinition/${name}`).join(', ');

grid('osm-edge/rollback-crds', [
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: ['warning ', `notice ${crds}`, 'notice '] },
  { fixture: 'healthy', to: 'osm-edge=1.2.3', expect: 'passed' },
  // One release adds fields alone.
  { to: 'osm-edge=1.3.9', expect: 'notice ' },
  { to: 'osm-edge=1.3.8', expect: 'not-applicable' },
  // Once it is installed.
  { backTo: 'osm-edge=1.3.7', expect: 'passed' },
  { backTo: 'osm-edge=1.2.3', expect: ['warning ', `notice ${crds}`, 'notice '] },
]);
