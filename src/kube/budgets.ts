// PodDisruptionBudgets: which of them count for a Pod, and how many evictions each still allows.
import type { Json, Raw, Ref } from '../engine/contracts.ts';
import { isRaw } from './json.ts';
import { refOf } from './refs.ts';

export interface BudgetRow {
  ref: Ref;
  selector: Json;
  /** Evictions that it allows now. */
  allows: number;
}

export function budgetRow(budget: Raw): BudgetRow {
  const ref = refOf(budget);
  const allowed = isRaw(budget.status) ? budget.status.disruptionsAllowed : undefined;
  return {
    ref,
    selector: selectorOf(ref, isRaw(budget.spec) ? budget.spec.selector : undefined),
    allows: typeof allowed === 'number' ? allowed : 0,
  };
}

/** The budgets that an eviction of this Pod counts against. The API server refuses one that counts against several. */
export function budgetsOf(pod: Raw, budgets: readonly BudgetRow[]): BudgetRow[] {
  const metadata = isRaw(pod.metadata) ? pod.metadata : {};
  const labels = isRaw(metadata.labels) ? metadata.labels : {};
  return budgets.filter(({ ref, selector }) => ref.namespace === metadata.namespace && selects(selector, labels));
}

/** An empty selector is none in policy/v1beta1, and everything in policy/v1. */
export const selectorOf = ({ apiVersion }: Pick<Ref, 'apiVersion'>, selector: Json | undefined): Json =>
  selector === undefined || (apiVersion === 'policy/v1beta1' && isEmpty(selector)) ? null : selector;

/** Of neither labels nor expressions. */
export const isEmpty = (selector: Json | undefined): boolean =>
  isRaw(selector) && Object.values(selector).every((part) => part === null || Object.keys(part as object).length === 0);

/** Was it empty in policy/v1beta1? Later versions return it so (kubernetes pkg/apis/policy/v1beta1/conversion.go). */
export const wasEmpty = (selector: Json | undefined): boolean =>
  isRaw(selector) &&
  Array.isArray(selector.matchExpressions) &&
  selector.matchExpressions.some((one) => isRaw(one) && one.key === OF_V1BETA1 && one.operator === 'Exists');
const OF_V1BETA1 = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match';

/** metav1.LabelSelector, as policy/v1 reads it: none selects nothing, an empty one everything. An operator that we do not know selects: better one budget too many. */
export function selects(selector: Json, labels: Raw): boolean {
  if (!isRaw(selector)) return false;
  const wanted = isRaw(selector.matchLabels) ? selector.matchLabels : {};
  const expressions = Array.isArray(selector.matchExpressions) ? selector.matchExpressions.filter(isRaw) : [];
  return (
    Object.entries(wanted).every(([key, value]) => labelOf(labels, key) === value) &&
    expressions.every(({ key, operator, values }) => meets(labelOf(labels, String(key)), operator, Array.isArray(values) ? values : []))
  );
}

/** How many of so many Pods must stay, by minAvailable and maxUnavailable; percentages are rounded up. Without either field maxUnavailable is 0 of nothing: the API refuses such a budget. */
export function keptOf(count: number, least: Json | undefined, most: Json | undefined): number {
  if (most !== undefined && most !== null) return Math.max(0, count - scaled(most, count));
  return scaled(least ?? 0, count);
}

function scaled(value: Json, count: number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d{1,3})%$/.exec(String(value))?.[1];
  return percent === undefined ? 0 : Math.ceil((Number(percent) * count) / 100);
}

function meets(label: Json | undefined, operator: Json | undefined, values: Json[]): boolean {
  switch (operator) {
    case 'In':
      return label !== undefined && values.includes(label);
    case 'NotIn':
      return label === undefined || !values.includes(label);
    case 'Exists':
      return label !== undefined;
    case 'DoesNotExist':
      return label === undefined;
    default:
      return true;
  }
}

const labelOf = (labels: Raw, key: string): Json | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
