// Findings that a user has accepted (--accept): whole ones, or those of their objects that were named.
import type { Finding, Ref } from './contracts.ts';

/** `CHECK-ID` or `CHECK-ID:KIND/NAMESPACE/NAME`. */
export interface Acceptance {
  check: string;
  object?: string;
}

export const objectName = (ref: Ref): string => [ref.kind, ref.namespace, ref.name].filter(Boolean).join('/');

/** What was accepted by name is kept apart: a whole finding, or those of its objects that were named. */
export function split(findings: Finding[], check: string, accept: Acceptance[]): { finding: Finding; accepted: boolean }[] {
  const named = accept.filter((each) => each.check === check);
  if (named.some(({ object }) => !object)) return findings.map((finding) => ({ finding, accepted: true }));
  const isNamed = (ref: Ref) => named.some(({ object }) => object === objectName(ref));
  return findings.flatMap((finding) => {
    const [yes, no] = [finding.objects.filter(isNamed), finding.objects.filter((ref) => !isNamed(ref))];
    if (!yes.length) return [{ finding, accepted: false }];
    if (!no.length) return [{ finding, accepted: true }];
    return [
      { finding: { ...finding, objects: no }, accepted: false },
      { finding: { ...finding, objects: yes }, accepted: true },
    ];
  });
}
