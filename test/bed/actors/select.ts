// Which labels a selector of a Plan wants, as the system-upgrade-controller reads it.

type Labels = Record<string, string>;
interface Requirement {
  key: string;
  operator: string;
  values?: string[];
}
export interface Selector {
  matchLabels?: Labels;
  matchExpressions?: Requirement[];
}

/** A LabelSelector. An empty one selects all, none at all selects nothing. */
export function selects(selector: Selector | undefined, labels: Labels = {}): boolean {
  if (!selector) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) && matchExpressions.every((each) => meets(labels, each))
  );
}

function meets(labels: Labels, { key, operator, values = [] }: Requirement): boolean {
  const value = labels[key];
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  // NotIn also holds where the label is missing.
  const isIn = value !== undefined && values.includes(value);
  if (operator === 'In') return isIn;
  if (operator === 'NotIn') return !isIn;
  throw new Error(`the system-upgrade-controller of the test bed does not know the operator ${operator}`);
}
