import { expect, test } from 'vitest';
import type { Raw } from '../../../src/engine/contracts.ts';
import { checkText } from '../../check-files.ts';
import { grid } from '../../grid.ts';

const policy = (apiVersions: string[]): Raw => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'only-v1' },
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: ['admissionregistration.k8s.io'],
          apiVersions,
          resources: ['validatingadmissionpolicybindings'],
          operations: ['CREATE'],
        },
      ],
    },
    validations: [{ expression: 'true' }],
  },
});

const rule = (expr: string): Raw => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'one', namespace: 'monitoring', annotations: { expr } },
  spec: { groups: [{ name: 'g', rules: [{ alert: 'a', expr }] }] },
});

/** Is what they select gone in 1.25? */
const EXPRESSIONS = {
  'apiserver_storage_objects{resource="podsecuritypolicies.policy"} > 0': true,
  "rate(apiserver_request_total{resource='podsecuritypolicies'}[5m])": true,
  // v1 stays, a pattern may match it too, and what counts requests for deprecated versions is meant to end.
  'rate(apiserver_request_total{resource="poddisruptionbudgets"}[5m])': false,
  'rate(apiserver_request_total{resource="poddisruptionbudgets",version=~"v1.*"}[5m])': false,
  'apiserver_requested_deprecated_apis{group="policy",version="v1beta1",resource="poddisruptionbudgets"}': false,
  'kube_pod_container_resource_requests{resource="cpu"}': false,
};

type Rule = [versions: string[], resource: string, groups?: string[]];
const webhook = (...rules: Rule[]): Raw => ({
  ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'several' } },
  webhooks: [
    {
      name: 'several.example.com',
      rules: rules.map(([apiVersions, resource, apiGroups = ['policy']]) => ({
        apiGroups,
        apiVersions,
        resources: [resource],
        operations: ['*'],
      })),
      ...{ clientConfig: { url: 'https://hooks.example.com' }, sideEffects: 'None', admissionReviewVersions: ['v1'] },
    },
  ],
});
const across = (expect: string, ...rules: Rule[]) => ({ server: 'v1.24.17', to: 'kubernetes=1.25', objects: [webhook(...rules)], expect });
const LOST = 'warning ValidatingWebhookConfiguration/several';

grid('kubernetes/api-references', [
  // One rule for each version: what stays in another keeps it called.
  across(LOST, [['v1beta1'], 'poddisruptionbudgets']),
  across('passed', [['v1beta1'], 'poddisruptionbudgets'], [['v1'], 'poddisruptionbudgets']),
  across('passed', [['v1beta1'], 'poddisruptionbudgets'], [['v1'], '*']),
  across('passed', [['v1beta1'], 'poddisruptionbudgets/status'], [['*'], '*/*', ['*']]),
  across(LOST, [['v1beta1'], 'poddisruptionbudgets'], [['v1'], 'podsecuritypolicies']),
  across(LOST, [['v1beta1'], 'poddisruptionbudgets'], [['v1'], 'poddisruptionbudgets', ['apps']]),
  // Every resource of a version that goes whole, and of one of which some stay.
  across(LOST, [['v1beta1'], '*']),
  across('passed', [['v1beta1'], '*', ['storage.k8s.io']]),
  {
    fixture: 'found',
    to: 'kubernetes=1.25',
    expect: [
      'warning ValidatingWebhookConfiguration/budgets',
      'warning HorizontalPodAutoscaler/shop/web',
      'notice Job/shop/report-29000000',
      'notice ClusterRole/restricted',
      'notice PrometheusRule/monitoring/budgets',
    ],
  },
  { fixture: 'found', to: 'kubernetes=v1.24.20', expect: 'passed' },
  // The target of the autoscaler is gone whatever comes next.
  { fixture: 'found', server: 'v1.30.4', to: 'kubernetes=1.31', expect: 'warning HorizontalPodAutoscaler/shop/web' },
  ...Object.entries(EXPRESSIONS).map(([expr, isGone]) => ({
    server: 'v1.24.17',
    to: 'kubernetes=1.25',
    objects: [rule(expr)],
    expect: isGone ? 'notice PrometheusRule/monitoring/one' : 'passed',
  })),
  { fixture: 'healthy', to: 'kubernetes=1.25', expect: 'passed' },
  {
    server: 'v1.33.13',
    objects: [policy(['v1beta1'])],
    to: 'kubernetes=1.34',
    expect: 'warning ValidatingAdmissionPolicy/only-v1',
  },
  { server: 'v1.33.13', objects: [policy(['v1beta1', 'v1'])], to: 'kubernetes=1.34', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['mutatingwebhookconfigurations.admissionregistration.k8s.io'], expect: 'unknown' },
]);

test.each([
  ['extensions/v1beta1', ['HorizontalPodAutoscaler/default/web one.yaml:1']],
  ['apps/v1', []],
  // A version that goes does not matter where its group serves another.
  ['apps/v1beta2', []],
])('an autoscaler in a file that scales a Deployment of %s', async (apiVersion, objects) => {
  const text = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 1, maxReplicas: 3, scaleTargetRef: {apiVersion: ${apiVersion}, kind: Deployment, name: web}}
`;
  const { found } = await checkText({ 'one.yaml': text }, '--to', 'kubernetes=1.37');
  expect(found.filter(({ check }) => check === 'kubernetes/api-references').flatMap((each) => each.objects)).toEqual(objects);
});
