import { grid } from '../../grid.ts';

grid('kubernetes/kubelet-skew', [
  { fixture: 'newer', expect: 'blocker Node/w1' },
  {
    fixture: 'found',
    expect: ['blocker Node/w1, Node/w2', 'blocker Node/w3'],
    says: ['(2 Nodes) is older than Kubernetes 1.', ': upgrade kubelet to 1.', '(1 Node) is older than API server 1.30 supports'],
  },
  { fixture: 'found', to: 'kubernetes=v1.30.9', expect: 'blocker Node/w3' },
  { fixture: 'very-old', server: 'v1.26.15', expect: ['blocker Node/cp1', 'blocker Node/w1'] },
  { fixture: 'very-old', server: 'v1.26.15', to: 'kubernetes=v1.26.15', expect: 'blocker Node/cp1' },
  // Only one of two API servers can be asked: the static Pod of the other says that it is older.
  { fixture: 'middle', expect: 'blocker Node/cp1, Node/w1' },
  { fixture: 'odd', expect: 'unknown', says: ['nodes: '] },
  // Behind a first hop the nodes are upgraded before the next.
  { to: 'kubernetes=1.34', expect: 'warning Node/cp1, Node/w1' },
  { fixture: 'healthy', expect: 'passed' },
  { expect: 'passed' },
  { forbidden: ['nodes'], expect: 'unknown' },
]);
