import type { Raw } from '../../../src/engine/contracts.ts';
import { grid } from '../../grid.ts';

const rule = (expr: string): Raw => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'one', namespace: 'monitoring' },
  spec: { groups: [{ name: 'g', rules: [{ alert: 'a', expr }] }] },
});

grid('kubernetes/metric-renames', [
  {
    fixture: 'found',
    expect: [
      'warning PrometheusRule/monitoring/control-plane',
      'warning PrometheusRule/monitoring/control-plane, PrometheusRule/monitoring/capacity',
    ],
  },
  { fixture: 'healthy', expect: 'passed' },
  { fixture: 'found', server: 'v1.34.10', to: 'kubernetes=1.35', expect: 'passed' },
  // Hidden in 1.31: that it is removed in 1.37 changes nothing any more.
  { server: 'v1.36.4', objects: [rule('apiserver_flowcontrol_request_concurrency_limit > 1')], expect: 'passed' },
  {
    server: 'v1.30.14',
    objects: [rule('apiserver_flowcontrol_request_concurrency_limit > 1')],
    expect: 'warning PrometheusRule/monitoring/one',
  },
  // A part of a histogram; a label that goes.
  { server: 'v1.28.15', objects: [rule('rate(apiserver_request_body_sizes_bucket[5m])')], expect: 'warning PrometheusRule/monitoring/one' },
  {
    server: 'v1.33.13',
    objects: [rule('sum by (resource_prefix) (apiserver_cache_list_total)')],
    expect: 'warning PrometheusRule/monitoring/one',
  },
  { server: 'v1.33.13', objects: [rule('sum(apiserver_cache_list_total)')], expect: 'passed' },
  // It goes with 1.29.
  { server: 'v1.26.15', to: 'kubernetes=1.27', objects: [rule('apiserver_request_body_sizes > 1')], expect: 'passed' },
  { expect: 'passed' },
  { fixture: 'healthy', forbidden: ['prometheusrules.monitoring.coreos.com'], expect: 'unknown' },
]);
