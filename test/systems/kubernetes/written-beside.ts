// An EndpointSlice and a CSIStorageCapacity that no controller made, written in versions that are gone.
import type { Raw } from '../../../src/engine/contracts.ts';

export function writtenBeside(operation: 'Apply' | 'Update', manager: string): Raw[] {
  const written = (apiVersion: string, kind: string, namespace: string, rest: Raw): Raw => ({
    ...{ apiVersion: apiVersion.replace('v1beta1', 'v1'), kind, ...rest },
    metadata: {
      ...{ name: 'beside', namespace },
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ apiVersion: apiVersion.replace('v1beta1', 'v1'), kind }),
      },
      managedFields: [{ manager, operation, apiVersion, time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1', fieldsV1: {} }],
    },
  });
  return [
    written('discovery.k8s.io/v1beta1', 'EndpointSlice', 'shop', { addressType: 'IPv4', endpoints: [] }),
    written('storage.k8s.io/v1beta1', 'CSIStorageCapacity', 'kube-system', { storageClassName: 'fast' }),
  ];
}
