import { grid } from '../../grid.ts';

const deployment = (name: string) => `Deployment/osm-system/${name}`;

grid('osm-edge/addon-images', [
  {
    fixture: 'found',
    to: 'osm-edge=1.3.9',
    expect: [`warning ${deployment('osm-prometheus')}`, `warning ${deployment('jaeger')}`],
    steps: [
      'helm upgrade osm osm-edge --repo=https://flomesh-io.github.io/osm-edge --version=1.3.9 -n osm-system --reset-then-reuse-values --set-string osm.prometheus.image=prom/prometheus:v2.45.0',
    ],
  },
  // New values drop the switches: helm deletes what they switched on.
  {
    fixture: 'healthy',
    to: 'osm-edge=1.3.9',
    intent: { given: { osm: { deployJaeger: true } } },
    expect: [`warning ${deployment('osm-prometheus')}`, `warning ${deployment('osm-grafana')}`],
  },
  { fixture: 'healthy', to: 'osm-edge=1.3.9', expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'found', forbidden: ['deployments.apps'], expect: 'unknown' },
  { fixture: 'found', forbidden: ['secrets'], expect: 'unknown' },
]);
