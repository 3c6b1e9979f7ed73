// The messages of Kubernetes that we read as protobuf: field number, name and type, as in the generated.proto of k8s.io/api and k8s.io/apimachinery
// (v0.24 to v0.37: numbers never change). Only what checks ask for; a question for anything else is asked in JSON.

/** `!`: zero and empty are kept, because the Go type has no omitempty or is a pointer. Without it they are absent, as in JSON. */
export type Scalar = 'string' | 'string!' | 'int' | 'int!' | 'bool' | 'bool!' | 'time';
export interface Message {
  fields: Readonly<Record<number, FieldOf>>;
  /** Every field of the Go type is here, so that the message as a whole may be asked for. */
  complete: boolean;
}
export interface FieldOf {
  name: string;
  type: Scalar | 'map' | Message;
  many: boolean;
  /** Of a map: only these keys. */
  keys?: ReadonlySet<string>;
}

type Row = [name: string, type: FieldOf['type'], many?: 'many'];

function message(rows: Record<number, Row>, complete: 'complete' | 'partial' = 'partial'): Message {
  const fields = Object.fromEntries(
    Object.entries(rows).map(([number, [name, type, many]]) => [number, { name, type, many: many === 'many' }]),
  );
  return { fields, complete: complete === 'complete' };
}

const OWNER_REFERENCE = message(
  {
    1: ['kind', 'string!'],
    3: ['name', 'string!'],
    4: ['uid', 'string!'],
    5: ['apiVersion', 'string!'],
    6: ['controller', 'bool!'],
    7: ['blockOwnerDeletion', 'bool!'],
  },
  'complete',
);
const OBJECT_META = message({
  1: ['name', 'string'],
  2: ['generateName', 'string'],
  3: ['namespace', 'string'],
  5: ['uid', 'string'],
  6: ['resourceVersion', 'string'],
  7: ['generation', 'int'],
  8: ['creationTimestamp', 'time'],
  9: ['deletionTimestamp', 'time'],
  10: ['deletionGracePeriodSeconds', 'int!'],
  11: ['labels', 'map'],
  12: ['annotations', 'map'],
  13: ['ownerReferences', OWNER_REFERENCE, 'many'],
  14: ['finalizers', 'string!', 'many'],
});
const LABEL_SELECTOR = message(
  {
    1: ['matchLabels', 'map'],
    2: [
      'matchExpressions',
      message({ 1: ['key', 'string!'], 2: ['operator', 'string!'], 3: ['values', 'string!', 'many'] }, 'complete'),
      'many',
    ],
  },
  'complete',
);
const CONTAINER = message({
  1: ['name', 'string!'],
  2: ['image', 'string'],
  3: ['command', 'string!', 'many'],
  4: ['args', 'string!', 'many'],
});
const TOLERATION = message(
  { 1: ['key', 'string'], 2: ['operator', 'string'], 3: ['value', 'string'], 4: ['effect', 'string'], 5: ['tolerationSeconds', 'int!'] },
  'complete',
);
const POD_SPEC = message({
  2: ['containers', CONTAINER, 'many'],
  3: ['restartPolicy', 'string'],
  7: ['nodeSelector', 'map'],
  8: ['serviceAccountName', 'string'],
  10: ['nodeName', 'string'],
  11: ['hostNetwork', 'bool'],
  19: ['schedulerName', 'string'],
  20: ['initContainers', CONTAINER, 'many'],
  22: ['tolerations', TOLERATION, 'many'],
  24: ['priorityClassName', 'string'],
});
const IP = message({ 1: ['ip', 'string!'] }, 'complete');
const CONTAINER_STATUS = message({
  1: ['name', 'string!'],
  4: ['ready', 'bool!'],
  5: ['restartCount', 'int!'],
  6: ['image', 'string!'],
  7: ['imageID', 'string!'],
  8: ['containerID', 'string'],
  9: ['started', 'bool!'],
});
/** PodCondition and NodeCondition, without their probe and heartbeat times, which change all the time and which nobody asks for. */
const CONDITION = message({
  1: ['type', 'string!'],
  2: ['status', 'string!'],
  4: ['lastTransitionTime', 'time'],
  5: ['reason', 'string'],
  6: ['message', 'string'],
});
const POD = message({
  1: ['metadata', OBJECT_META],
  2: ['spec', POD_SPEC],
  3: [
    'status',
    message({
      1: ['phase', 'string'],
      2: ['conditions', CONDITION, 'many'],
      3: ['message', 'string'],
      4: ['reason', 'string'],
      5: ['hostIP', 'string'],
      6: ['podIP', 'string'],
      7: ['startTime', 'time'],
      8: ['containerStatuses', CONTAINER_STATUS, 'many'],
      9: ['qosClass', 'string'],
      10: ['initContainerStatuses', CONTAINER_STATUS, 'many'],
      12: ['podIPs', IP, 'many'],
      16: ['hostIPs', IP, 'many'],
    }),
  ],
});
const NODE = message({
  1: ['metadata', OBJECT_META],
  2: [
    'spec',
    message({
      1: ['podCIDR', 'string'],
      3: ['providerID', 'string'],
      4: ['unschedulable', 'bool'],
      5: [
        'taints',
        message({ 1: ['key', 'string!'], 2: ['value', 'string'], 3: ['effect', 'string!'], 4: ['timeAdded', 'time'] }, 'complete'),
        'many',
      ],
      7: ['podCIDRs', 'string!', 'many'],
    }),
  ],
  3: [
    'status',
    message({
      4: ['conditions', CONDITION, 'many'],
      5: ['addresses', message({ 1: ['type', 'string!'], 2: ['address', 'string!'] }, 'complete'), 'many'],
      7: [
        'nodeInfo',
        message({
          1: ['machineID', 'string!'],
          2: ['systemUUID', 'string!'],
          3: ['bootID', 'string!'],
          4: ['kernelVersion', 'string!'],
          5: ['osImage', 'string!'],
          6: ['containerRuntimeVersion', 'string!'],
          7: ['kubeletVersion', 'string!'],
          8: ['kubeProxyVersion', 'string!'],
          9: ['operatingSystem', 'string!'],
          10: ['architecture', 'string!'],
        }),
      ],
    }),
  ],
});
const POD_TEMPLATE = message({ 1: ['metadata', OBJECT_META], 2: ['spec', POD_SPEC] });

function workload(spec: Record<number, Row>, status: Record<number, Row>): Message {
  return message({ 1: ['metadata', OBJECT_META], 2: ['spec', message(spec)], 3: ['status', message(status)] });
}

/** By resource name. Lists of anything else that are not metadata-only are read as JSON. */
export const SCHEMAS: Readonly<Record<string, Message>> = {
  pods: POD,
  nodes: NODE,
  'deployments.apps': workload(
    { 1: ['replicas', 'int!'], 2: ['selector', LABEL_SELECTOR], 3: ['template', POD_TEMPLATE], 7: ['paused', 'bool'] },
    {
      1: ['observedGeneration', 'int'],
      2: ['replicas', 'int'],
      3: ['updatedReplicas', 'int'],
      4: ['availableReplicas', 'int'],
      7: ['readyReplicas', 'int'],
    },
  ),
  'daemonsets.apps': workload(
    { 1: ['selector', LABEL_SELECTOR], 2: ['template', POD_TEMPLATE] },
    {
      1: ['currentNumberScheduled', 'int!'],
      3: ['desiredNumberScheduled', 'int!'],
      4: ['numberReady', 'int!'],
      5: ['observedGeneration', 'int'],
      6: ['updatedNumberScheduled', 'int'],
      7: ['numberAvailable', 'int'],
      8: ['numberUnavailable', 'int'],
    },
  ),
  'statefulsets.apps': workload(
    { 1: ['replicas', 'int!'], 2: ['selector', LABEL_SELECTOR], 3: ['template', POD_TEMPLATE], 5: ['serviceName', 'string!'] },
    {
      1: ['observedGeneration', 'int'],
      2: ['replicas', 'int!'],
      3: ['readyReplicas', 'int'],
      5: ['updatedReplicas', 'int'],
      11: ['availableReplicas', 'int!'],
    },
  ),
  'replicasets.apps': workload(
    { 1: ['replicas', 'int!'], 2: ['selector', LABEL_SELECTOR], 3: ['template', POD_TEMPLATE] },
    { 1: ['replicas', 'int!'], 3: ['observedGeneration', 'int'], 4: ['readyReplicas', 'int'], 5: ['availableReplicas', 'int'] },
  ),
};
/** PartialObjectMetadata, and the beginning of every object. */
export const METADATA_ONLY = message({ 1: ['metadata', OBJECT_META] });
export const STATUS = message({
  2: ['status', 'string'],
  3: ['message', 'string'],
  4: ['reason', 'string'],
  5: [
    'details',
    message({
      1: ['name', 'string'],
      2: ['group', 'string'],
      3: ['kind', 'string'],
      4: ['causes', message({ 1: ['reason', 'string'], 2: ['message', 'string'], 3: ['field', 'string'] }, 'complete'), 'many'],
    }),
  ],
  6: ['code', 'int'],
});
