// Fields that the target no longer knows, taken out of the manifests that declare them (fix -f): else an apply with strict validation fails after the upgrade, and one without
// it drops them in silence. Where another field took the place of one, the value moves there.
import type { Change, Json, Raw, Ref, StepDraft, Text } from '../engine/contracts.ts';
import { formatPointer, pointerGet } from '../kube/pointer.ts';

export interface DroppedField {
  kind: string;
  field: string;
  target: string;
  /** A key of the chart's values, or another field, that took its place. */
  value?: string;
  instead?: string;
}

/** undefined: the manifest does not hold it. */
export function withoutField(on: Ref, declared: Raw | undefined, { field, target, value, instead }: DroppedField): StepDraft | undefined {
  const path = formatPointer(field.split('.'));
  const before = pointerGet(declared, path);
  if (before === undefined) return undefined;
  const moved = instead ? movedTo(instead, declared, before) : undefined;
  const name = `${on.kind} ${[on.namespace, on.name].filter(Boolean).join('/')}`;
  return {
    do: 'patch',
    on,
    changes: [{ path, before }, ...(moved ? [moved] : [])],
    guard: [],
    optional: true,
    undo: 'exact',
    text: sayIt(name, field, target, moved ? instead : undefined, value),
  };
}

function sayIt(name: string, field: string, target: string, instead: string | undefined, value: string | undefined): Text {
  if (instead)
    return {
      en: `move ${field} to ${instead} in ${name}, as ${target} knows it`,
      zh: `将 ${name} 的 ${field} 移到 ${instead}（${target} 使用的字段）`,
    };
  const next = value ? { en: `; set the chart value ${value} instead`, zh: `；请改为设置 chart 的 ${value}` } : { en: '', zh: '' };
  return {
    en: `remove ${field} from ${name}: not in the CRD of ${target}${next.en}`,
    zh: `从 ${name} 移除 ${field}：${target} 的 CRD 中没有该字段${next.zh}`,
  };
}

/** A manifest that sets both has decided. */
function movedTo(instead: string, declared: Raw | undefined, value: Json): Change | undefined {
  const path = formatPointer(instead.split('.'));
  return pointerGet(declared, path) === undefined ? { path, after: value } : undefined;
}
