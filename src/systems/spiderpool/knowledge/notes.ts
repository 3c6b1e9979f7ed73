// Notes about upgrades of Spiderpool that fit no table of their own: version ranges per release line (npm's notation), each row with its source, each read by one check.
// Not JSON: `applies` of a check needs them when it is loaded.

export const NOTES = {
  storage: {
    source: 'charts/spiderpool/crds@v0.4.0-rc2, @v0.4.0-rc3 (PR 1443)',
    old: 'v1',
    to: '>=0.4.0-rc3',
  },
  nadTemplate: {
    source:
      'charts/spiderpool/templates/multus-daemonset.yaml@v0.6.0, @v0.7.3; charts/spiderpool/crds@v0.8.0; issue 3352; helm pkg/kube/client.go (resource-policy)',
    from: '0.6.0-rc0 - 0.7.3',
    to: '>=0.8.0-rc0',
  },
  multusPreStop: {
    source: 'charts/spiderpool/templates/multus-daemonset.yaml@v0.7.0, @v0.7.3',
    from: '0.7.0 - 0.7.3',
    to: '>=0.8.0-rc0',
  },
  gc: {
    source: 'issues 3751, 3817; PR 3778, 3912, 3914; pkg/gcmanager@v0.9.4, @v0.9.5',
    from: '<=0.8.7 || 0.9.0-rc0 - 0.9.4 || 1.0.0-rc0 - 1.0.0-rc1',
  },
  coordinatorDefaults: {
    source: 'charts/spiderpool/crds/spiderpool.spidernet.io_spidercoordinators.yaml@v0.8.8, @v0.9.0, @v0.9.1, @v1.0.0',
    in: {
      detectGateway: '0.9.1 - 0.9.13',
      detectIPConflict: '0.9.1 - 0.9.13',
      hostRPFilter: '0.9.1 - 0.9.13',
      hostRuleTable: '>=0.9.1',
      podRPFilter: '0.8.8 - 0.8.13 || >=0.9.5',
      txQueueLen: '>=0.9.1',
    },
  },
  coordinator: {
    source: 'charts/spiderpool/crds@v0.6.0; cmd/spiderpool-agent/cmd/coordinator.go@v0.9.4; cmd/coordinator/cmd/command_add.go@v0.9.4',
    since: '>=0.6.0-rc0',
  },
  coordinatorObject: {
    source:
      'cmd/spiderpool-init/cmd/root.go@v0.9.4; cmd/spiderpool-agent/cmd/coordinator.go@v0.9.4, @v1.2.2 (first of the list); charts/spiderpool/templates/{deployment,pod}.yaml@v0.9.13; cmd/spiderpool-controller/cmd/config.go@v1.2.2',
  },
  kubeadm: {
    source: 'pkg/coordinatormanager/coordinator_informer.go@v0.8.5, @v0.9.1, @v1.2.2; issues 3054, 3204, 4954',
    config: '0.8.5 - 0.8.13 || >=0.9.1',
  },
  multusConfig: {
    source: 'charts/spiderpool/templates/configmap.yaml@v0.8.0, @v0.9.7; issues 3572, 4344; PR 4393',
    in: '0.8.0-rc0 - 0.8.8 || 0.9.0-rc0 - 0.9.7 || 1.0.0-rc0 - 1.0.0-rc3',
    detects: '0.8.9 - 0.8.13 || 0.9.8 - 0.9.13 || >=1.0.0-rc4',
  },
  multusImage: {
    source:
      'charts/spiderpool/templates/daemonset.yaml@v0.8.9, @v0.9.8, @v1.0.0-rc4 (/install_multus); k8snetworkplumbingwg/multus-cni v3.9.3, v4.0.0',
    to: '0.8.9 - 0.8.13 || 0.9.8 - 0.9.13 || >=1.0.0-rc4',
    old: /^v?[0-3]\./,
  },
  leftovers: {
    source: 'charts/spiderpool/templates@v0.7.3, @v0.8.0, @v0.9.7, @v0.9.8; charts/spiderpool/crds@v1.0.0-rc4, @v1.0.0',
    objects: {
      'DaemonSet/spiderpool-multus': '>=0.8.0',
      'ServiceAccount/spiderpool-multus': '>=0.8.0',
      'ClusterRole/spiderpool-multus': '>=0.8.0',
      'ClusterRoleBinding/spiderpool-multus': '>=0.8.0',
      'ConfigMap/multus-cni-config': '>=0.8.0',
      'ConfigMap/spiderpool-multus': '0.8.9 - 0.8.13 || 0.9.8 - 0.9.13 || >=1.0.0',
      'CustomResourceDefinition/spiderclaimparameters.spiderpool.spidernet.io': '>=1.0.0',
    },
  },
  autoPools: {
    source:
      'pkg/constant/k8s.go@v0.4.1, @v0.5.0; pkg/ipam/pool_selections.go@v0.5.0; pkg/applicationcontroller/app_controller.go@v0.5.0; pkg/ippoolmanager/utils.go@v1.2.2',
    since: '0.5.0-rc0',
    to: '>=0.5.0-rc0',
  },
  staleEndpoint: {
    source: 'pkg/ipam/allocate.go@v0.9.4 (retrieveExistingIPAllocation); pkg/podmanager/utils.go (IsStaticIPPod); issues 3699, 4916, 4982',
    in: '>=0.4.0',
  },
  poolState: {
    source:
      'issues 1797, 3771; pkg/ippoolmanager/ippool_manager.go@v0.9.4, @v0.9.6, @v0.9.7, @v1.0.0 (counts again from there on); pkg/ippoolmanager/ippool_informer.go@v0.9.4 (finalizer)',
    heals: '0.9.7 - 0.9.13 || >=1.0.0-rc2',
  },
  defaultPools: {
    source: 'charts/spiderpool/templates/configmap.yaml@v0.4.0-rc2, @v0.4.0-rc3; docs/usage/upgrade.md does not name it',
    since: '0.4.0-rc3',
    to: '>=0.4.0-rc3',
  },
} as const;
