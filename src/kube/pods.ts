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

/** A Pod whose containers run or may still run, and which has no deletionTimestamp. */
export function isLive(pod: Raw): boolean {
  const phase = isRaw(pod.status) ? pod.status.phase : undefined;
  const deleted = isRaw(pod.metadata) ? pod.metadata.deletionTimestamp : undefined;
  return phase !== 'Succeeded' && phase !== 'Failed' && (deleted === undefined || deleted === null);
}

/** Asked to go, and not ended yet: its containers may still run. */
export function isTerminating(pod: Raw): boolean {
  const phase = isRaw(pod.status) ? pod.status.phase : undefined;
  const deleted = isRaw(pod.metadata) ? pod.metadata.deletionTimestamp : undefined;
  return phase !== 'Succeeded' && phase !== 'Failed' && deleted !== undefined && deleted !== null;
}

/** The owner that controls an object; undefined: nothing creates it again when it is gone. */
export function controllerOf({ metadata }: Raw): Owner | undefined {
  const references = isRaw(metadata) && Array.isArray(metadata.ownerReferences) ? metadata.ownerReferences : [];
  const found = references.filter(isRaw).find(({ controller }) => controller === true);
  return found && { apiVersion: text(found.apiVersion), kind: text(found.kind), name: text(found.name) };
}

/** What `addressesOf` reads; where it can be odd. */
export const NETWORK_FIELD: Field = `metadata.annotations['${NETWORK_STATUS}']`;
export const ADDRESS_FIELDS: readonly Field[] = [NETWORK_FIELD, 'status.podIP', 'status.podIPs'];

/** `keys`: of addresses.ts, of status.podIPs and of the network-status annotation, each once. `odd`: fields in which something cannot be understood, so that there may be more. */
export function addressesOf(pod: Raw): { keys: string[]; odd: Field[] } {
  const keys = new Set<string>();
  const odd: Field[] = [];
  const add = (value: unknown, field: Field) => {
    const key = typeof value === 'string' ? addressKey(value) : undefined;
    if (key !== undefined) keys.add(key);
    else if (!odd.includes(field)) odd.push(field);
  };
  const status = isRaw(pod.status) ? pod.status : {};
  for (const each of Array.isArray(status.podIPs) ? status.podIPs : []) {
    const ip = isRaw(each) ? each.ip : each;
    if (isThere(ip)) add(ip, 'status.podIPs');
  }
  if (isThere(status.podIP)) add(status.podIP, 'status.podIP');
  const networks = networksOf(pod);
  if (networks === undefined) odd.push(NETWORK_FIELD);
  for (const network of networks ?? []) {
    const ips = isRaw(network) ? (network.ips ?? []) : undefined;
    if (!Array.isArray(ips)) add(undefined, NETWORK_FIELD);
    // Nearly always the one of the status, in the same words.
    else for (const ip of ips) if (typeof ip !== 'string' || !keys.has(ip)) add(ip, NETWORK_FIELD);
  }
  return { keys: [...keys], odd };
}

const isThere = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

/** undefined: it is not a list. Any user of the namespace can write an annotation. */
function networksOf({ metadata }: Raw): unknown[] | undefined {
  const written = isRaw(metadata) && isRaw(metadata.annotations) ? metadata.annotations[NETWORK_STATUS] : undefined;
  if (written === undefined || written === '') return [];
  if (typeof written !== 'string' || written.length > MAX_NETWORK_STATUS) return undefined;
  try {
    const networks: unknown = JSON.parse(written) ?? [];
    return Array.isArray(networks) ? networks : undefined;
  } catch {
    return undefined;
  }
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
