// The admission webhooks of Spiderpool's own objects, as several checks read them. They are named so in every chart (templates/tls.yaml): spiderippool.spiderpool.spidernet.io and the like.
import type { Columns, Installation, Ref, ValuesOf } from '../../engine/contracts.ts';
import { each, list, maybe, number, word } from '../../engine/read/index.ts';

const GROUP = '.spiderpool.spidernet.io';
/** Of the entry that exists with podResourceInject.enabled alone: it stands before the creation of Pods. */
export const PODS_HOOK = `pods${GROUP}`;

const SERVICE = maybe('clientConfig.service', { namespace: word('namespace', ''), name: word('name', ''), port: number('port', 443) });
type Hook<C extends Columns> = { name: string; service: { namespace: string; name: string; port: number } | undefined } & ValuesOf<C>;

const isOwn = ({ name }: { name: string }): boolean => name.endsWith(GROUP);

/** Both kinds of configuration that hold one of them. */
export const webhookReads = <C extends Columns>(columns: C) => {
  const hooks = each('webhooks', { name: word('name', ''), service: SERVICE, ...columns });
  const kind = (name: string) =>
    list(`${name}.admissionregistration.k8s.io`, { hooks }, { only: (row) => (row.hooks as unknown as { name: string }[]).some(isOwn) });
  return { validating: kind('validatingwebhookconfigurations'), mutating: kind('mutatingwebhookconfigurations') };
};

/** Those that call this installation, each with the configuration that holds it. */
export function hooksOf<C extends Columns>(
  rows: { validating: { ref: Ref; hooks: unknown[] }[]; mutating: { ref: Ref; hooks: unknown[] }[] },
  { namespace }: Pick<Installation, 'namespace'>,
): (Hook<C> & { on: Ref })[] {
  return [...rows.validating, ...rows.mutating].flatMap(({ ref, hooks }) =>
    (hooks as Hook<C>[]).filter((hook) => isOwn(hook) && hook.service?.namespace === namespace).map((hook) => ({ ...hook, on: ref })),
  );
}
