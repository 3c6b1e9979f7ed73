import { grid } from '../../grid.ts';

const crd = (name: string) => `blocker CustomResourceDefinition/${name}`;

grid('osm-edge/crds-current', [
  {
    fixture: 'found',
    expect: [
      'warning CustomResourceDefinition/meshconfigs.config.openservicemesh.io',
      crd('plugins.plugin.flomesh.io'),
      crd('trafficsplits.split.smi-spec.io'),
    ],
  },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'healthy', to: 'osm-edge=1.3.9', expect: 'passed' },
  { fixture: 'healthy', forbidden: ['customresourcedefinitions.apiextensions.k8s.io'], expect: 'unknown' },
]);
