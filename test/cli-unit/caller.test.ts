// Who called: by the name of the file and the environment that Helm gives.
import { describe, expect, it } from 'vitest';
import { callerOf, connectionFromHelm } from '../../src/cli/caller.ts';

const HELM = { HELM_PLUGIN_NAME: 'spiderpool-upgrade' };

describe('callerOf', () => {
  it.each([
    ['/home/me/.krew/bin/kubectl-upgrade_guard', {}, 'kubectl', 'kubectl upgrade-guard'],
    ['C:\\krew\\bin\\kubectl-upgrade_guard.exe', {}, 'kubectl', 'kubectl upgrade-guard'],
    ['C:\\krew\\bin\\KUBECTL-UPGRADE_GUARD.EXE', {}, 'kubectl', 'kubectl upgrade-guard'],
    ['/usr/bin/kubectl_complete-upgrade_guard', {}, 'kubectl-completion', 'kubectl upgrade-guard'],
    ['/plugins/spiderpool-upgrade/bin/upgrade-guard', HELM, 'helm', 'helm spiderpool-upgrade'],
    ['/usr/bin/upgrade-guard', { HELM_PLUGIN_NAME: 'diff' }, 'hand', 'upgrade-guard'],
    ['/usr/bin/kubectl-upgrade_guard', HELM, 'kubectl', 'kubectl upgrade-guard'],
    ['dist/upgrade-guard.cjs', {}, 'hand', 'upgrade-guard'],
    ['', {}, 'hand', 'upgrade-guard'],
  ])('%s %o', (path, env, kind, usage) => expect(callerOf(path, env)).toEqual({ kind, usage }));
});

describe('connectionFromHelm', () => {
  const usual = () => 'default';
  const unasked = () => {
    throw new Error('Helm was asked although it does not matter');
  };

  it('takes what Helm took away', () => {
    const env = {
      KUBECONFIG: '/home/me/other-cluster',
      HELM_NAMESPACE: 'kube-system',
      HELM_KUBECONTEXT: 'prod',
      HELM_KUBEAPISERVER: 'https://1.2.3.4',
      HELM_KUBETOKEN: 't',
      HELM_KUBEASUSER: 'jane',
      HELM_KUBEASGROUPS: 'a,b,a,b',
      HELM_KUBECAFILE: '/ca.crt',
      HELM_KUBETLS_SERVER_NAME: 'name',
      HELM_KUBEINSECURE_SKIP_TLS_VERIFY: 'true',
      HELM_DEBUG: 'true',
    };
    expect(connectionFromHelm(env, usual)).toEqual({
      kubeconfig: '/home/me/other-cluster',
      namespace: 'kube-system',
      context: 'prod',
      server: 'https://1.2.3.4',
      token: 't',
      as: 'jane',
      'as-group': ['a', 'b'],
      'certificate-authority': '/ca.crt',
      'tls-server-name': 'name',
      'insecure-skip-tls-verify': true,
      v: '4',
    });
  });
  it('takes empty values, false and the namespace that was not chosen for nothing', () => {
    const env = {
      HELM_NAMESPACE: 'default',
      HELM_KUBECONTEXT: '',
      HELM_KUBEASGROUPS: '',
      HELM_KUBEINSECURE_SKIP_TLS_VERIFY: 'false',
      HELM_DEBUG: 'false',
    };
    expect(connectionFromHelm(env, unasked)).toEqual({});
  });
  it('does not take the namespace of the context for a choice, but any other', () => {
    expect(connectionFromHelm({ HELM_NAMESPACE: 'shop' }, () => 'shop')).toEqual({});
    expect(connectionFromHelm({ HELM_NAMESPACE: 'kube-system' }, () => 'shop')).toEqual({ namespace: 'kube-system' });
    expect(connectionFromHelm({ HELM_NAMESPACE: 'shop' }, () => undefined)).toEqual({ namespace: 'shop' });
  });
  it('leaves a list of kubeconfig files to the environment', () => {
    const list = ['/a', '/b'].join(process.platform === 'win32' ? ';' : ':');
    expect(connectionFromHelm({ KUBECONFIG: list }, unasked)).toEqual({});
  });
});
