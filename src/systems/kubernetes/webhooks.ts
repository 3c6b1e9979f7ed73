// Admission webhooks: their configurations, as several checks read them.
import type { Column, Columns, Gap, Ref, RowOf } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { each, list, word } from '../../engine/read/index.ts';

const configurations = ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'].map(
  (name) => `${name}.admissionregistration.k8s.io`,
);

/** Both kinds, with these columns of each webhook besides its name and failurePolicy. Optional, so that one kind is judged without the other. */
export const webhookReads = <C extends Columns>(columns: C) => {
  const hooks = each('webhooks', { name: word('name', ''), policy: word('failurePolicy', 'Fail'), matches: each('rules', {}), ...columns });
  return {
    validating: list(configurations[0]!, { hooks }, { optional: true }),
    mutating: list(configurations[1]!, { hooks }, { optional: true }),
  };
};

type Configuration<H> = RowOf<{ hooks: Column<H[]> }>;
/** Every webhook with the configuration that holds it. One without rules matches nothing: the API server never calls it. */
export const hooksOf = <H extends { matches: readonly unknown[] }>({
  validating,
  mutating,
}: {
  validating: Configuration<H>[] | Gap;
  mutating: Configuration<H>[] | Gap;
}): (H & { on: Ref })[] =>
  [validating, mutating]
    .flatMap((rows) => (isGap(rows) ? [] : rows))
    .flatMap(({ ref, hooks }) => hooks.filter(({ matches }) => matches.length).map((hook) => ({ ...hook, on: ref })));
