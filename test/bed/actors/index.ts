// The actors: they play what no part of a real control plane does. Each is started by a test and stopped by it (`afterAll(() => actor.stop())`).
// A Pod that a test creates with a status is first Pending for a moment: on a Node of startKubelet kwok would run it. Make it before that starts, or on another Node.
export { startAdmission } from './admission.ts';
export { type KubeletOptions, type NodeSpec, startKubelet } from './kubelet.ts';
export type { Ending } from './pod.ts';
export { startSpiderpool } from './spiderpool.ts';
export { startSystemUpgrade } from './system-upgrade.ts';
export { hashOf, jobName } from './upgrade-job.ts';
export { guardOf, playUpgrade } from './upgrade-pod.ts';
export type { Actor } from './watch.ts';
