import { grid } from '../../grid.ts';

const node = (
  name: string,
  kubeletVersion: string,
  containerRuntimeVersion: string,
  osImage = 'Ubuntu 24.04.2 LTS',
  operatingSystem = 'linux',
) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: `node-${name}` },
  status: { nodeInfo: { kubeletVersion, containerRuntimeVersion, osImage, operatingSystem } },
});

grid('kubernetes/node-runtime', [
  { fixture: 'found', to: 'kubernetes=1.35', expect: ['notice Node/cp1', 'blocker Node/cp1', 'blocker Node/w1'] },
  { fixture: 'found', to: 'kubernetes=v1.34.9', expect: 'passed' },
  { fixture: 'healthy', to: 'kubernetes=1.35', expect: 'passed' },
  // What nothing shows is unknown, beside what is found too.
  {
    fixture: 'found',
    objects: [node('w1', 'v1.34.4', 'containerd://2.1.4')],
    to: 'kubernetes=1.35',
    expect: ['notice Node/cp1', 'blocker Node/cp1'],
  },
  {
    server: 'v1.34.4',
    objects: [node('cp1', 'v1.34.4', 'containerd://2.1.4'), node('w1', 'v1.34.4', 'containerd://2.1.4')],
    to: 'kubernetes=1.35',
    expect: 'unknown',
  },
  {
    server: 'v1.23.17',
    objects: [node('w1', 'v1.23.17', 'docker://20.10.24'), node('cp1', 'v1.23.17', 'containerd://1.5.18')],
    to: 'kubernetes=1.26',
    expect: ['blocker Node/w1', 'blocker Node/cp1'],
  },
  {
    server: 'v1.34.4',
    objects: [
      node('w1', 'v1.34.4', 'containerd://1.7.24', 'Windows Server 2022 Datacenter', 'windows'),
      node('cp1', 'v1.35.1', 'containerd://2.1.4'),
    ],
    to: 'kubernetes=1.35',
    expect: 'passed',
  },
  { forbidden: ['nodes'], to: 'kubernetes=1.31', expect: 'unknown' },
]);
