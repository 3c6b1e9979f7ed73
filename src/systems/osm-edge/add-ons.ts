// Add-ons that the chart can install, by the Deployments that they run in; their images and switches among the values.
// Source: charts/osm/templates/{prometheus,grafana,jaeger}-deployment.yaml, osm-deployment.yaml@v1.1.3, @v1.2.0, @v1.3.9.
import type { Raw } from '../../engine/contracts.ts';
import { textAt } from './carried.ts';

export interface AddOn {
  /** In the order of their releases. */
  deployments: string[];
  container: string;
  /** Value with the image, and the one that switches it on. */
  image: string;
  flag: string;
}
export const ADD_ONS: readonly AddOn[] = [
  { deployments: ['osm-prometheus'], container: 'prometheus', image: 'osm.prometheus.image', flag: 'osm.deployPrometheus' },
  { deployments: ['osm-grafana'], container: 'grafana', image: 'osm.grafana.image', flag: 'osm.deployGrafana' },
  { deployments: ['osm-grafana'], container: 'renderer', image: 'osm.grafana.rendererImage', flag: 'osm.grafana.enableRemoteRendering' },
  { deployments: ['jaeger', 'osm-jaeger'], container: 'jaeger', image: 'osm.tracing.image', flag: 'osm.deployJaeger' },
  { deployments: ['osm-controller'], container: 'fluentbit-logger', image: 'osm.fluentBit', flag: 'osm.enableFluentbit' },
];

/** With these values; undefined: they do not say. */
export function imageIn({ image }: AddOn, values: Raw): string | undefined {
  if (image !== 'osm.fluentBit') return textAt(values, image);
  const [registry, tag] = [textAt(values, `${image}.registry`), textAt(values, `${image}.tag`)];
  return registry && tag ? `${registry}/fluent-bit:${tag}` : undefined;
}
