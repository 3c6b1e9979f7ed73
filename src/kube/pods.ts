// Pods: whether they live, whose they are, and every address that they say they have.
import type { Field, Json, Raw } from '../engine/contracts.ts';
import { addressKey } from './addresses.ts';
import { isRaw } from './json.ts';

export interface Owner {
  apiVersion: string;
  kind: string;
  name: string;
}

/** Written by multus: every interface of the Pod, with the addresses that its CNI plugin answered. status.podIPs has the default one only. */
const NETWORK_STATUS = 'k8s.v1.cni.cncf.io/network-status';
/** A network-status of hundreds of interfaces has some 64 KiB; what is longer is no such thing. */
const MAX_NETWORK_STATUS = 256 * 1024;

/** What `isLive` reads. */
export const LIVENESS_FIELDS: readonly Field[] = ['metadata.deletionTimestamp', 'status.phase'];

/** A Pod whose containers run or may still run, and which nobody has asked to go. */
export function isLive(pod: Raw): boolean {
  const phase = isRaw(pod.status) ? pod.status.phase : undefined;
  const deleted = isRaw(pod.metadata) ? pod.metadata.deletionTimestamp : undefined;
  return phase !== 'Succeeded' && phase !== 'Failed' && (deleted === undefined || deleted === null);
}

/** The owner that controls an object; undefined: nothing makes it anew when it is gone. */
export function controllerOf({ metadata }: Raw): Owner | undefined {
  const references = isRaw(metadata) && Array.isArray(metadata.ownerReferences) ? metadata.ownerReferences : [];
  const found = references.filter(isRaw).find(({ controller }) => controller === true);
  return found && { apiVersion: text(found.apiVersion), kind: text(found.kind), name: text(found.name) };
}

/** What `addressesOf` reads. */
export const ADDRESS_FIELDS: readonly Field[] = [`metadata.annotations['${NETWORK_STATUS}']`, 'status.podIP', 'status.podIPs'];

/** Keys of addresses.ts: of status.podIPs and of the network-status annotation, each once. */
export const addressesOf = (pod: Raw): string[] => keys(new Set([...statusAddresses(pod), ...networkAddresses(pod)]));

function statusAddresses(pod: Raw): unknown[] {
  const status = isRaw(pod.status) ? pod.status : {};
  const many = Array.isArray(status.podIPs) ? status.podIPs.map((each) => (isRaw(each) ? each.ip : undefined)) : [];
  return [...many, status.podIP];
}

function networkAddresses({ metadata }: Raw): unknown[] {
  const written = isRaw(metadata) && isRaw(metadata.annotations) ? metadata.annotations[NETWORK_STATUS] : undefined;
  if (typeof written !== 'string' || written.length > MAX_NETWORK_STATUS) return [];
  try {
    const networks: unknown = JSON.parse(written);
    return (Array.isArray(networks) ? networks : []).flatMap((each: unknown) => (isRaw(each) && Array.isArray(each.ips) ? each.ips : []));
  } catch {
    return []; // anybody may write an annotation
  }
}

/** Each once, however often and in however many forms it is written. */
function keys(written: Set<unknown>): string[] {
  const found = new Set<string>();
  for (const value of written) {
    const key = typeof value === 'string' ? addressKey(value) : undefined;
    if (key !== undefined) found.add(key);
  }
  return [...found];
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
