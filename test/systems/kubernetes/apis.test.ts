// Which versions of APIs a path removes, what takes their place, and which version an object is written in.
import { describe, expect, test } from 'vitest';
import { apiOf, bites, namesDeprecated, pluralOf, replacementOf, resourcesToRead } from '../../../src/systems/kubernetes/apis.ts';
import { evidenceOf, type Writer } from '../../../src/systems/kubernetes/evidence.ts';
import { minorsBetween } from '../../../src/versions/kubernetes.ts';

describe('apis', () => {
  const said = (apiVersion: string, kind: string, from: string, to: string) => {
    const found = bites(apiVersion, kind, minorsBetween(from, to));
    return found && `${found.severity} ${found.minor ?? ''} ${replacementOf(found.api) ?? 'nothing'}`;
  };
  test.each([
    ['policy/v1beta1', 'PodDisruptionBudget', '1.24', '1.25', 'blocker 1.25 policy/v1 PodDisruptionBudget'],
    ['policy/v1beta1', 'PodDisruptionBudget', '1.23', '1.24', 'notice 1.25 policy/v1 PodDisruptionBudget'],
    ['policy/v1beta1', 'PodDisruptionBudget', '1.25', '1.26', undefined],
    ['policy/v1', 'PodDisruptionBudget', '1.24', '1.37', undefined],
    ['policy/v1beta1', 'PodSecurityPolicy', '1.24', '1.26', 'blocker 1.25 nothing'],
    ['flowcontrol.apiserver.k8s.io/v1beta1', 'FlowSchema', '1.25', '1.28', 'blocker 1.26 flowcontrol.apiserver.k8s.io/v1 FlowSchema'],
    ['autoscaling/v2beta2', 'HorizontalPodAutoscaler', '1.24', '1.27', 'blocker 1.26 autoscaling/v2 HorizontalPodAutoscaler'],
    [
      'admissionregistration.k8s.io/v1beta1',
      'ValidatingAdmissionPolicy',
      '1.33',
      '1.34',
      'blocker 1.34 admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy',
    ],
    ['networking.k8s.io/v1beta1', 'IPAddress', '1.36', '1.37', 'blocker 1.37 networking.k8s.io/v1 IPAddress'],
    ['resource.k8s.io/v1beta1', 'DeviceClass', '1.37', '1.38', 'blocker 1.38 resource.k8s.io/v1 DeviceClass'],
    ['v1', 'Endpoints', '1.33', '1.34', 'notice  discovery.k8s.io/v1 EndpointSlice'],
    // Borrowed group names are matched exactly.
    ['autoscaling.k8s.io/v1beta2', 'VerticalPodAutoscaler', '1.24', '1.38', undefined],
  ])('%s %s from %s to %s: %s', (apiVersion, kind, from, to, expected) => expect(said(apiVersion, kind, from, to)).toBe(expected));

  test('objects are read where the version that stays is served, never in numbers that the system makes', () => {
    const named = (since: number) => resourcesToRead(since).map(([name]) => name);
    const all = named(23);
    expect(all).toContain('horizontalpodautoscalers.autoscaling');
    expect(all).toContain('podsecuritypolicies.policy');
    // Of EndpointSlices those that no controller makes: the selector of the read says so.
    expect(all.filter((name) => /event|endpoint|review|lease|evictions|slices/.test(name))).toEqual(['endpointslices.discovery.k8s.io']);
    expect(named(13)).toContain('ingresses.networking.k8s.io');
    expect(apiOf('extensions/v1beta1', 'Ingress')?.removed).toBe('1.22');
    expect(pluralOf('NetworkPolicy')).toBe('networkpolicies');
  });
});

describe('texts that may name a deprecated version', () => {
  test.each([
    ['apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n', true],
    ['{"kind":"PodDisruptionBudget","apiVersion":"policy/v1beta1"}', true],
    ["'apiVersion' : 'batch/v1beta1'\n", true],
    ['apiVersion: *old\nkind: CronJob\n', true],
    ['apiVersion: v1\nkind: Endpoints\n', true],
    ['apiVersion: v1\nkind: Service\n', false],
    ['apiVersion: policy/v1\nkind: PodDisruptionBudget\n', false],
    ['apiVersion: batch/v1beta10\nkind: CronJob\n', false],
    ['apiVersion: autoscaling.k8s.io/v1beta2\nkind: VerticalPodAutoscaler\n', false],
    ['apiVersion: v1\nkind: EndpointsOfOurs\n', false],
  ])('%j: %s', (text, expected) => expect(namesDeprecated(text)).toBe(expected));
});

describe('evidence', () => {
  const old = (apiVersion: string) => apiVersion.includes('beta');
  const writer = (manager: string, operation: string, apiVersion: string, time: number, subresource?: string): Writer => ({
    manager,
    operation,
    apiVersion,
    time,
    subresource,
  });
  const said = (writers: Writer[], lastApplied?: { apiVersion?: string; kind?: string }) =>
    evidenceOf({ writers, lastApplied }, 'Ingress', old).map(
      ({ by, manager, certainty, overtaken }) => `${by} ${manager} ${certainty}${overtaken ? ' overtaken' : ''}`,
    );

  test.each<[string, Writer[], { apiVersion?: string; kind?: string } | undefined, string[]]>([
    ['an apply in the old version', [writer('argocd', 'Apply', 'x/v1beta1', 1)], undefined, ['apply argocd certain']],
    ['an apply in the new one', [writer('argocd', 'Apply', 'x/v1', 1)], undefined, []],
    [
      'applied in the old, later edited by another in the new: bites the first alone',
      [writer('argocd', 'Apply', 'x/v1beta1', 1), writer('kubectl-edit', 'Update', 'x/v1', 2)],
      undefined,
      ['apply argocd certain overtaken'],
    ],
    [
      'within one second: which came later is not known',
      [writer('argocd', 'Apply', 'x/v1beta1', 1), writer('kubectl-edit', 'Update', 'x/v1', 1)],
      undefined,
      ['apply argocd certain'],
    ],
    [
      'kubectl apply',
      [writer('kubectl-client-side-apply', 'Update', 'x/v1beta1', 1)],
      { apiVersion: 'x/v1beta1', kind: 'Ingress' },
      ['last-applied kubectl-client-side-apply high'],
    ],
    [
      'the annotation alone, of an object older than managedFields',
      [],
      { apiVersion: 'x/v1beta1', kind: 'Ingress' },
      ['last-applied kubectl-client-side-apply high'],
    ],
    [
      'the annotation of an object that another tool has applied since',
      [writer('kubectl-client-side-apply', 'Update', 'x/v1beta1', 1), writer('argocd', 'Apply', 'x/v1', 2)],
      { apiVersion: 'x/v1beta1', kind: 'Ingress' },
      [],
    ],
    ['an annotation copied from another kind', [], { apiVersion: 'x/v1beta1', kind: 'DaemonSet' }, []],
    ['an update', [writer('controller', 'Update', 'x/v1beta1', 1)], undefined, ['update controller medium']],
    [
      'an update whose manager moved on',
      [writer('controller', 'Update', 'x/v1beta1', 1), writer('controller', 'Update', 'x/v1', 2)],
      undefined,
      [],
    ],
    [
      'an update that went back',
      [writer('controller', 'Update', 'x/v1beta1', 3), writer('controller', 'Update', 'x/v1', 2)],
      undefined,
      ['update controller medium'],
    ],
    [
      'an update before the last apply of any manager',
      [writer('old', 'Update', 'x/v1beta1', 1), writer('argocd', 'Apply', 'x/v1', 2)],
      undefined,
      [],
    ],
    [
      'the control plane',
      [
        writer('kube-controller-manager', 'Update', 'x/v1beta1', 1),
        writer('api-priority-and-fairness-config-producer-v1', 'Apply', 'x/v1beta1', 1),
      ],
      undefined,
      [],
    ],
    [
      'what the API server made of older entries, and Helm, whose records tell',
      [
        writer('before-first-apply', 'Update', 'x/v1beta1', 1),
        writer('ancient-changes', 'Update', 'x/v1beta1', 1),
        writer('helm', 'Update', 'x/v1beta1', 1),
      ],
      undefined,
      [],
    ],
    ['a status', [writer('nginx', 'Update', 'x/v1beta1', 1, 'status')], undefined, []],
  ])('%s', (_, writers, lastApplied, expected) => expect(said(writers, lastApplied)).toEqual(expected));
});
