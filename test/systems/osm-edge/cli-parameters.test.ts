import { grid } from '../../grid.ts';
import { leaving } from './pods.ts';

const RECORD = 'Secret/osm-system/sh.helm.release.v1.osm.v1';
const apart = ['blocker Deployment/osm-system/osm-bootstrap'];
const seen = ['blocker Pod/osm-system/osm-bootstrap-6f-x', 'warning Event/osm-system/osm-controller-6f-y.17'];

/** Its image was set with kubectl set image, to one of another release. */
const injector = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
  metadata: {
    ...{ name: 'osm-injector', namespace: 'osm-system', uid: 'b1f4a0de-0000-4000-8000-000000000002' },
    labels: { app: 'osm-injector', meshName: 'osm', 'app.kubernetes.io/name': 'openservicemesh.io', 'app.kubernetes.io/version': '1.3.8' },
    annotations: { 'meta.helm.sh/release-name': 'osm', 'meta.helm.sh/release-namespace': 'osm-system' },
  },
  spec: {
    ...{ replicas: 1, selector: { matchLabels: { app: 'osm-injector' } } },
    template: {
      metadata: { labels: { app: 'osm-injector' } },
      spec: {
        initContainers: [{ name: 'init-osm-injector', image: 'curlimages/curl' }],
        containers: [{ name: 'osm-injector', image: 'flomesh/osm-edge-injector:1.1.1' }],
      },
    },
  },
};

grid('osm-edge/cli-parameters', [
  {
    objects: [injector],
    expect: 'blocker Deployment/osm-system/osm-injector',
    steps: [
      'Deployment/osm-system/osm-injector /spec/template/spec/containers/0/image: flomesh/osm-edge-injector:1.1.1 → flomesh/osm-edge-injector:1.3.8',
    ],
  },
  { fixture: 'found', to: 'osm-edge=1.3.9', expect: [...apart, `blocker ${RECORD}`, ...seen] },
  { fixture: 'healthy', expect: 'passed' },
  // A tag that was kept in the values, under the next chart.
  {
    to: 'osm-edge=1.3.9',
    intent: { given: { osm: { image: { tag: '1.1.1' } } } },
    expect: `blocker ${RECORD}`,
    steps: [],
  },
  { expect: 'passed' },
  { objects: [leaving], expect: 'passed' },
  { fixture: 'healthy', forbidden: ['events'], expect: 'passed' },
  { fixture: 'found', forbidden: ['pods'], expect: 'unknown' },
]);
