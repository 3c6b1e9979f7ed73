import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { aimed, aimedIn, aimOf } from '../../src/text/same-cluster.ts';
import { fed, inOneLine } from '../../src/text/shell.ts';

const PROD = aimOf([['kubeconfig', '/etc/k c'], ['context', 'prod'], ['namespace', 'x'], ['insecure-skip-tls-verify']]);

test('flags are named as kubectl and as helm name them, and what neither takes is left out', () => {
  expect(PROD).toEqual({
    kubectl: ' --kubeconfig /etc/k c --context prod --insecure-skip-tls-verify',
    helm: ' --kubeconfig /etc/k c --kube-context prod --kube-insecure-skip-tls-verify',
  });
  expect(
    aimOf([
      ['kuberc', 'f'],
      ['request-timeout', '3s'],
      ['token', 't'],
    ]),
  ).toEqual({ kubectl: '', helm: '' });
  expect(
    aimOf([
      ['as', 'eve'],
      ['as-group', 'ops'],
      ['as-uid', '7'],
      ['user', 'u'],
    ]),
  ).toEqual({
    kubectl: ' --as eve --as-group ops --as-uid 7 --user u',
    helm: ' --kube-as-user eve --kube-as-group ops',
  });
});

const AIM = { kubectl: ' --context prod', helm: ' --kube-context prod' };
test.each([
  ['kubectl get pods', 'kubectl --context prod get pods'],
  ['helm rollback osm 3 -n mesh', 'helm --kube-context prod rollback osm 3 -n mesh'],
  ['(umask 077; helm get values osm > f)', '(umask 077; helm --kube-context prod get values osm > f)'],
  ['kubectl get x -o yaml > f && kubectl replace -f f', 'kubectl --context prod get x -o yaml > f && kubectl --context prod replace -f f'],
  [
    'for job in $(kubectl get jobs -o name); do kubectl patch "$job"; done',
    'for job in $(kubectl --context prod get jobs -o name); do kubectl --context prod patch "$job"; done',
  ],
  ["printf %s 'a | kubectl delete' | kubectl apply -f -", "printf %s 'a | kubectl delete' | kubectl --context prod apply -f -"],
  ["echo 'it'\\''s; kubectl x'", "echo 'it'\\''s; kubectl x'"],
  ['kubectl get nodes   # kubectl get; kubectl x', 'kubectl --context prod get nodes   # kubectl get; kubectl x'],
  ['kubectl upgrade-guard check k3s', 'kubectl upgrade-guard check k3s'],
  ['helm pull osm-edge --repo u && kubectl get x', 'helm pull osm-edge --repo u && kubectl --context prod get x'],
  ['kubernetes/a: 1 Pod: kubectl drain refuses', 'kubernetes/a: 1 Pod: kubectl drain refuses'],
  ['helm spiderpool-upgrade fix', 'helm spiderpool-upgrade fix'],
  ['rm -f kubectl helm', 'rm -f kubectl helm'],
  ['kubectl-neat <f', 'kubectl-neat <f'],
])('%s', (command, expected) => expect(aimed(command, AIM)).toBe(expected));

test.each([
  ['take one: kubectl exec etcd -- etcdctl snapshot save f', 'take one: kubectl --context prod exec etcd -- etcdctl snapshot save f'],
  ['执行一次：kubectl exec etcd', '执行一次：kubectl --context prod exec etcd'],
  ['请执行“kubectl get --raw /metrics”', '请执行“kubectl --context prod get --raw /metrics”'],
])('in a sentence: %s', (sentence, expected) => expect(aimedIn(sentence, AIM)).toBe(expected));

test('a document on standard input stays as it is', () => {
  const document = JSON.stringify({ data: { run: "x; kubectl delete ns --all\n'; kubectl get" } }, null, 2);
  const command = fed('kubectl apply -f -', document);
  expect(aimed(command, AIM)).toBe(fed('kubectl --context prod apply -f -', document));
  expect(inOneLine(aimed(command, AIM)).replace(' --context prod', '')).toBe(inOneLine(command));
});

test('without flags nothing changes', () => expect(aimed('kubectl get x', aimOf([]))).toBe('kubectl get x'));

test('a shell runs what comes out with the flags in their places', () => {
  const script = `kubectl() { printf '%s|' "$@"; }; ${aimed("printf x | kubectl patch 'a b'", { kubectl: " --context 'my prod'", helm: '' })}`;
  expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe('--context|my prod|patch|a b|');
});
