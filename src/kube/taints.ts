// Taints and tolerations, as the scheduler compares them. Source: kubernetes staging/src/k8s.io/component-helpers/scheduling/corev1/helpers.go, api/core/v1 ToleratesTaint.
export interface Taint {
  key: string;
  value: string;
  effect: string;
}
export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

export const tolerates = (tolerations: readonly Toleration[], taint: Taint): boolean =>
  tolerations.some(
    ({ key = '', operator = 'Equal', value = '', effect = '' }) =>
      (effect === '' || effect === taint.effect) &&
      (key === '' ? operator === 'Exists' : key === taint.key) &&
      (operator === 'Exists' || value === taint.value),
  );
