// The Pod that an object is or makes: of a Pod its own spec, of a controller that of its template.
import type { Json, Raw } from '../engine/contracts.ts';
import { isRaw } from './json.ts';

const IN: Record<string, readonly string[]> = {
  Pod: ['spec'],
  PodTemplate: ['template', 'spec'],
  Deployment: ['spec', 'template', 'spec'],
  StatefulSet: ['spec', 'template', 'spec'],
  DaemonSet: ['spec', 'template', 'spec'],
  ReplicaSet: ['spec', 'template', 'spec'],
  ReplicationController: ['spec', 'template', 'spec'],
  Job: ['spec', 'template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

/** `path`: where it stands, `spec.template.spec`. undefined: an object of this kind makes no Pod, or none is described. */
export function podSpecOf(object: Raw): { spec: Raw; path: string } | undefined {
  const keys = IN[String(object.kind)];
  const spec = keys?.reduce<Json | undefined>((value, key) => (isRaw(value) ? value[key] : undefined), object);
  return keys && isRaw(spec) ? { spec, path: keys.join('.') } : undefined;
}
