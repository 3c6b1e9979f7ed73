// What is read of the body of a release's record, and what a snapshot keeps of it: the release without its secrets.
import type { Column, Raw } from '../engine/contracts.ts';
import { isRaw } from '../kube/json.ts';
import { redactRelease } from './redact-release.ts';
import { decodeRelease, encodeRelease } from './release.ts';

/** For point reads of Secrets and ConfigMaps; `decodeRelease` reads it. */
export const recordBody: Column<Raw | undefined> = {
  paths: ['data.release'],
  marks: ['data.release:helm'],
  read: (object) => (isRaw(object) && isRaw(object.data) ? { release: object.data.release ?? null } : undefined),
  keep: (object) => {
    if (!isRaw(object) || !isRaw(object.data) || object.data.release === undefined) return undefined;
    const release = decodeRelease(object);
    const kind = object.kind === 'Secret' ? 'Secret' : 'ConfigMap';
    return { data: { release: 'raw' in release ? encodeRelease(redactRelease(release), kind) : '' } };
  },
};
