// Objects of every kind that is read as protobuf, with as many of their fields as an API server of any of the tested lines lets through.
import type { Body } from '../../bed/client.ts';

const LABELS = { app: 'rich', 'example.com/label': '' };

const TIME = '2024-02-29T12:34:56Z';
const MICRO = '2024-02-29T12:34:56.000789Z';
const CA = Buffer.from('not looked at by the server: \u0000\u00ff').toString('base64');
const REFERENCE = {
  apiVersion: 'v1',
  kind: 'Pod',
  namespace: 'default',
  name: 'p',
  uid: 'u',
  resourceVersion: '1',
  fieldPath: 'spec.containers{c}',
};

const SELECTOR = {
  matchLabels: { app: 'rich' },
  matchExpressions: [
    { key: 'tier', operator: 'In', values: ['a', 'b'] },
    { key: 'gone', operator: 'DoesNotExist' },
  ],
};
const NODE_TERM = {
  matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }],
  matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }],
};
const POD_TERM = { labelSelector: SELECTOR, namespaces: ['a'], namespaceSelector: {}, topologyKey: 'zone' };
const RESOURCES = { limits: { cpu: '1500m', memory: '1Gi', 'example.com/gpu': '2' }, requests: { cpu: '0.1', memory: '128974848' } };
const probe = (how: object) => ({
  ...how,
  initialDelaySeconds: 1,
  timeoutSeconds: 2,
  periodSeconds: 3,
  successThreshold: 1,
  failureThreshold: 5,
});

const CONTAINER = {
  name: 'c',
  image: 'example.com/i:1',
  command: ['/bin/sh', ''],
  args: ['-c', 'true'],
  workingDir: '/w',
  ports: [{ name: 'http', hostPort: 8080, containerPort: 8080, protocol: 'TCP', hostIP: '127.0.0.1' }],
  envFrom: [{ prefix: 'P_', configMapRef: { name: 'rich', optional: false } }, { secretRef: { name: 'rich', optional: true } }],
  env: [
    { name: 'A', value: 'ü' },
    { name: 'B', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
    { name: 'C', valueFrom: { resourceFieldRef: { containerName: 'c', resource: 'limits.cpu', divisor: '1m' } } },
    { name: 'D', valueFrom: { configMapKeyRef: { name: 'rich', key: 'k', optional: true } } },
    { name: 'E', valueFrom: { secretKeyRef: { name: 'rich', key: 'k' } } },
  ],
  resources: RESOURCES,
  volumeMounts: [{ name: 'empty', mountPath: '/e', readOnly: true, subPath: 's', mountPropagation: 'None' }],
  livenessProbe: probe({ httpGet: { path: '/', port: 'http', host: 'h', scheme: 'HTTPS', httpHeaders: [{ name: 'X', value: '' }] } }),
  readinessProbe: probe({ tcpSocket: { port: 8080 } }),
  startupProbe: probe({ exec: { command: ['true'] } }),
  lifecycle: { postStart: { exec: { command: ['a'] } }, preStop: { httpGet: { path: '/x', port: 81 } } },
  terminationMessagePath: '/dev/t',
  terminationMessagePolicy: 'FallbackToLogsOnError',
  imagePullPolicy: 'Never',
  securityContext: {
    ...{ capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] }, privileged: false, runAsUser: 0, runAsGroup: 7, runAsNonRoot: false },
    ...{ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, procMount: 'Default', seccompProfile: { type: 'RuntimeDefault' } },
    seLinuxOptions: { user: 'u', role: 'r', type: 't', level: 'l' },
  },
  stdin: true,
  stdinOnce: true,
  tty: true,
};
const VOLUMES = [
  { name: 'empty', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
  { name: 'plain', emptyDir: {} },
  { name: 'host', hostPath: { path: '/etc', type: 'Directory' } },
  { name: 'secret', secret: { secretName: 's', items: [{ key: 'k', path: 'p', mode: 256 }], defaultMode: 420, optional: true } },
  { name: 'map', configMap: { name: 'm', items: [{ key: 'k', path: 'p' }], optional: false } },
  { name: 'claim', persistentVolumeClaim: { claimName: 'rich', readOnly: true } },
  { name: 'nfs', nfs: { server: 's', path: '/p', readOnly: true } },
  { name: 'down', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' }, mode: 292 }] } },
  {
    name: 'projected',
    projected: {
      sources: [
        { serviceAccountToken: { audience: 'a', expirationSeconds: 3600, path: 'token' } },
        { configMap: { name: 'm', items: [{ key: 'k', path: 'p' }] } },
        { downwardAPI: { items: [{ path: 'c', resourceFieldRef: { containerName: 'c', resource: 'requests.cpu' } }] } },
      ],
    },
  },
  {
    name: 'csi',
    csi: { driver: 'd.example.com', readOnly: false, fsType: 'ext4', volumeAttributes: { a: '' }, nodePublishSecretRef: { name: 's' } },
  },
  {
    name: 'ephemeral',
    ephemeral: {
      volumeClaimTemplate: {
        metadata: { labels: { a: 'b' } },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    },
  },
  {
    name: 'iscsi',
    iscsi: { targetPortal: '10.0.0.1:3260', iqn: 'iqn.2001-04.com.example:storage.kube.sys1.xyz', lun: 0, portals: ['10.0.0.2:3260'] },
  },
];
const POD_SPEC = {
  volumes: VOLUMES,
  containers: [CONTAINER, { name: 'second', image: 'i' }],
  initContainers: [
    {
      ...CONTAINER,
      name: 'init',
      ports: [],
      livenessProbe: undefined,
      readinessProbe: undefined,
      startupProbe: undefined,
      lifecycle: undefined,
    },
  ],
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 0,
  dnsPolicy: 'None',
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  serviceAccountName: 's',
  automountServiceAccountToken: false,
  hostPID: true,
  shareProcessNamespace: false,
  securityContext: {
    ...{ runAsUser: 1, runAsGroup: 2, runAsNonRoot: true, supplementalGroups: [3, 4], fsGroup: 5, fsGroupChangePolicy: 'OnRootMismatch' },
    sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }],
  },
  imagePullSecrets: [{ name: 'pull' }],
  hostname: 'h',
  subdomain: 'sub',
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [NODE_TERM] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: NODE_TERM }],
    },
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [POD_TERM] },
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: POD_TERM }] },
  },
  schedulerName: 'none',
  tolerations: [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoExecute', tolerationSeconds: 0 }, { operator: 'Exists' }],
  hostAliases: [{ ip: '192.0.2.9', hostnames: ['a', 'b'] }],
  dnsConfig: { nameservers: ['192.0.2.1'], searches: ['example.com'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] },
  readinessGates: [{ conditionType: 'example.com/gate' }],
  enableServiceLinks: false,
  preemptionPolicy: 'PreemptLowerPriority',
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: SELECTOR }],
  setHostnameAsFQDN: false,
};
const TEMPLATE = { metadata: { labels: LABELS, annotations: { text: 'ü' } }, spec: POD_SPEC };
const SIMPLE = { matchLabels: { app: 'rich' } };
const JOB_TEMPLATE = { metadata: { labels: LABELS }, spec: { ...POD_SPEC, restartPolicy: 'Never' } };

const WEBHOOK = {
  name: 'a.rich.example.com',
  sideEffects: 'NoneOnDryRun',
  admissionReviewVersions: ['v1', 'v1beta1'],
  failurePolicy: 'Ignore',
  matchPolicy: 'Exact',
  timeoutSeconds: 1,
  namespaceSelector: { matchLabels: { never: 'matches' } },
  objectSelector: SELECTOR,
  rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['', 'apps'], apiVersions: ['*'], resources: ['pods/*'], scope: 'Namespaced' }],
  clientConfig: { service: { namespace: 'default', name: 'none', path: '/x', port: 8443 } },
};
const BY_URL = { ...WEBHOOK, name: 'b.rich.example.com', rules: [], clientConfig: { url: 'https://127.0.0.1:1/x' } };

export function richObjects(namespace: string): Body[] {
  const metadata = (more: object = {}) => ({
    ...{ name: 'rich', namespace, labels: LABELS, annotations: { 'example.com/text': 'Zeile\n"值" <&>', empty: '' } },
    ...{ finalizers: ['example.com/keep'], ...more },
  });
  const cluster = (more: object = {}) => metadata({ namespace: undefined, ...more });
  const apps = (kind: string, spec: object): Body => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: metadata(),
    spec: { selector: SIMPLE, template: TEMPLATE, ...spec },
  });
  const rbac = (kind: string, more: object): Body => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind, ...more });
  const rules = [
    { verbs: ['get'], apiGroups: ['', 'apps'], resources: ['pods', 'pods/log'], resourceNames: ['a'] },
    { verbs: ['*'], apiGroups: ['example.com'], resources: ['*'] },
  ];
  const subjects = [
    { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'u' },
    { kind: 'ServiceAccount', name: 's', namespace },
  ];
  const event = { reason: 'Because', type: 'Warning', action: 'Doing', reportingInstance: 'i' };
  return [
    {
      ...{ apiVersion: 'v1', kind: 'Node', metadata: cluster({ name: 'rich', finalizers: [] }) },
      spec: {
        ...{ podCIDR: '10.9.0.0/24', podCIDRs: ['10.9.0.0/24', 'fd09::/64'], providerID: 'p://1', unschedulable: true },
        taints: [{ key: 'a', value: 'v', effect: 'NoSchedule', timeAdded: TIME }],
      },
      status: {
        ...{
          capacity: { cpu: '4', memory: '16Gi', 'hugepages-2Mi': '0' },
          allocatable: { cpu: '3920m', memory: '15Gi' },
          phase: 'Running',
        },
        addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
        conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: TIME, lastTransitionTime: TIME, reason: 'r', message: 'm' }],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
        nodeInfo: {
          ...{ kubeletVersion: 'v1.24.17', machineID: 'm', systemUUID: '', bootID: '', kernelVersion: '6', osImage: 'o' },
          ...{ containerRuntimeVersion: 'c', kubeProxyVersion: '', operatingSystem: 'linux', architecture: 'amd64' },
        },
        images: [{ names: ['a@sha256:1', 'a:1'], sizeBytes: 6_000_000_000 }],
        ...{ volumesInUse: ['v'], volumesAttached: [{ name: 'v', devicePath: '' }] },
      },
    },
    { apiVersion: 'v1', kind: 'Pod', metadata: metadata(), spec: POD_SPEC },
    {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: metadata({ finalizers: [] }) },
      spec: {
        ...{
          type: 'NodePort',
          selector: { a: 'b' },
          externalIPs: ['192.0.2.7'],
          publishNotReadyAddresses: true,
          sessionAffinity: 'ClientIP',
        },
        ...{ sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } }, externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' },
        ports: [
          { name: 'a', protocol: 'TCP', appProtocol: 'http', port: 80, targetPort: 'http' },
          { name: 'b', protocol: 'UDP', port: 81, targetPort: 8081 },
        ],
      },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Event', metadata: metadata({ finalizers: [] }), ...event, involvedObject: { ...REFERENCE, namespace } },
      ...{ message: 'ü', source: { component: 'c', host: 'h' }, firstTimestamp: TIME, lastTimestamp: TIME, count: 3, eventTime: MICRO },
      ...{ series: { count: 2, lastObservedTime: MICRO }, related: REFERENCE, reportingComponent: 'example.com/c' },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Event', metadata: metadata({ name: 'old', finalizers: [] }) },
      reason: 'r',
      involvedObject: { namespace },
    },
    {
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: metadata({ name: 'new', finalizers: [] }), ...event, eventTime: MICRO },
      ...{ reportingController: 'example.com/c', regarding: { ...REFERENCE, namespace }, related: REFERENCE, note: 'n' },
    },
    { apiVersion: 'v1', kind: 'Secret', metadata: metadata(), type: 'example.com/t', data: { k: CA, none: '' }, immutable: true },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(), data: { k: 'v\n', none: '' }, binaryData: { b: CA }, immutable: false },
    {
      ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: cluster() },
      spec: {
        ...{
          capacity: { storage: '5Gi' },
          accessModes: ['ReadWriteMany'],
          persistentVolumeReclaimPolicy: 'Retain',
          storageClassName: 'rich',
        },
        ...{ mountOptions: ['hard'], volumeMode: 'Filesystem', nodeAffinity: { required: { nodeSelectorTerms: [NODE_TERM] } } },
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: 'rich' },
        csi: {
          ...{ driver: 'd.example.com', volumeHandle: 'h', readOnly: true, fsType: 'ext4', volumeAttributes: { a: 'b' } },
          ...{ nodeStageSecretRef: { name: 's', namespace: 'n' }, controllerExpandSecretRef: { name: 's', namespace: 'n' } },
        },
      },
    },
    {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: metadata() },
      spec: {
        ...{
          accessModes: ['ReadWriteMany'],
          selector: SELECTOR,
          resources: { requests: { storage: '4.5Gi' }, limits: { storage: '9Gi' } },
        },
        ...{ storageClassName: 'rich', volumeMode: 'Filesystem', volumeName: 'rich' },
        dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' },
      },
    },
    apps('Deployment', {
      ...{ replicas: 0, paused: true, minReadySeconds: 1, revisionHistoryLimit: 0, progressDeadlineSeconds: 60 },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: 0 } },
    }),
    apps('DaemonSet', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } }, minReadySeconds: 3 }),
    apps('StatefulSet', {
      ...{ replicas: 1, serviceName: 'rich', podManagementPolicy: 'Parallel', revisionHistoryLimit: 2 },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data', labels: { a: 'b' } },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    }),
    apps('ReplicaSet', { replicas: 2, minReadySeconds: 5 }),
    {
      ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: metadata() },
      spec: {
        ...{ parallelism: 2, completions: 3, activeDeadlineSeconds: 100, backoffLimit: 0, ttlSecondsAfterFinished: 3600 },
        ...{ completionMode: 'Indexed', suspend: false, template: JOB_TEMPLATE },
      },
    },
    {
      ...{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: metadata() },
      spec: {
        ...{ schedule: '*/5 * * * *', startingDeadlineSeconds: 10, concurrencyPolicy: 'Forbid', suspend: true },
        ...{
          successfulJobsHistoryLimit: 0,
          failedJobsHistoryLimit: 1,
          jobTemplate: { metadata: { labels: LABELS }, spec: { template: JOB_TEMPLATE } },
        },
      },
    },
    {
      ...{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: metadata() },
      spec: {
        ...{ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'none' }, minReplicas: 1, maxReplicas: 9 },
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
          { type: 'Pods', pods: { metric: { name: 'm', selector: SELECTOR }, target: { type: 'AverageValue', averageValue: '1500m' } } },
          { type: 'External', external: { metric: { name: 'x' }, target: { type: 'Value', value: '30' } } },
        ],
        behavior: {
          scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: 'Min', policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] },
        },
      },
    },
    {
      ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: metadata(), spec: { minAvailable: '50%', selector: SELECTOR } },
      status: {
        ...{
          disruptionsAllowed: 0,
          currentHealthy: 1,
          desiredHealthy: 2,
          expectedPods: 3,
          observedGeneration: 0,
          disruptedPods: { p: TIME },
        },
        conditions: [
          { type: 'DisruptionAllowed', status: 'False', observedGeneration: 1, lastTransitionTime: TIME, reason: 'R', message: '' },
        ],
      },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: metadata({ name: 'most' }),
      spec: { maxUnavailable: 1, selector: {} },
    },
    {
      ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: metadata() },
      spec: {
        holderIdentity: 'h',
        leaseDurationSeconds: 60,
        acquireTime: MICRO,
        renewTime: '2024-02-29T12:34:56.100000Z',
        leaseTransitions: 0,
      },
    },
    {
      ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: metadata(), addressType: 'IPv4' },
      endpoints: [
        {
          ...{
            addresses: ['192.0.2.3'],
            conditions: { ready: false, serving: true, terminating: true },
            hostname: 'h',
            nodeName: 'n1',
            zone: 'z',
          },
          ...{ targetRef: REFERENCE, deprecatedTopology: { a: 'b' }, hints: { forZones: [{ name: 'z' }] } },
        },
        { addresses: ['192.0.2.4'] },
      ],
      ports: [{ name: '', port: 80, protocol: 'TCP', appProtocol: 'example.com/p' }, { name: 'all' }],
    },
    {
      ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: metadata({ name: 'none' }) },
      addressType: 'FQDN',
      endpoints: [],
    },
    {
      ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: cluster() },
      webhooks: [WEBHOOK, BY_URL],
    },
    {
      ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: cluster() },
      webhooks: [{ ...WEBHOOK, reinvocationPolicy: 'IfNeeded' }],
    },
    rbac('Role', { metadata: metadata(), rules }),
    rbac('Role', { metadata: metadata({ name: 'none' }), rules: [] }),
    rbac('ClusterRole', { metadata: cluster(), rules: [...rules, { verbs: ['get'], nonResourceURLs: ['/metrics', '/livez/*'] }] }),
    rbac('ClusterRole', { metadata: cluster({ name: 'sum' }), rules: null, aggregationRule: { clusterRoleSelectors: [SELECTOR] } }),
    rbac('RoleBinding', { metadata: metadata(), subjects, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'rich' } }),
    rbac('ClusterRoleBinding', {
      metadata: cluster(),
      subjects,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'rich' },
    }),
    {
      ...{
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: cluster(),
        provisioner: 'd.example.com',
        parameters: { a: '' },
      },
      ...{ reclaimPolicy: 'Retain', mountOptions: ['hard'], allowVolumeExpansion: false, volumeBindingMode: 'WaitForFirstConsumer' },
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }],
    },
    {
      ...{ apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: cluster({ name: 'd.example.com' }) },
      spec: {
        ...{ attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: ['Persistent', 'Ephemeral'], storageCapacity: false },
        ...{ fsGroupPolicy: 'File', requiresRepublish: true, tokenRequests: [{ audience: '', expirationSeconds: 3600 }] },
      },
    },
    {
      ...{ apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: cluster() },
      spec: { attacher: 'd.example.com', nodeName: 'n1', source: { persistentVolumeName: 'rich' } },
      status: { attached: true, attachmentMetadata: { a: 'b' }, attachError: { time: TIME, message: 'm' } },
    },
  ];
}
