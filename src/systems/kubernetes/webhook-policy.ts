// The remedy of webhook-backend: while an upgrade lasts, what a dead webhook rejects is let through, so that evicted Pods are re-created; its failurePolicy is put back when
// everything else is done. A run that is cut in between puts it back when it is resumed, and so does its undo. Source: kubernetes/website, Admission Webhook Good Practices.
import type { Finding, Raw, Ref, Refusal, Remedy, RowOf, StepDraft, Text } from '../../engine/contracts.ts';
import { isGap } from '../../engine/gaps.ts';
import { each, rowOf, word } from '../../engine/read/index.ts';
import { kubectlName } from '../../engine/steps/shell.ts';

interface Args {
  fails: boolean;
  service: string;
  hooks: string[];
}
const CONFIGURATION = {
  hooks: each('webhooks', { name: word('name', ''), policy: word('failurePolicy') }),
};
const RESOURCES = ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'];

export const untilUpgraded: Remedy<Args> = {
  lasts: 'unless-watched',
  pointReads: RESOURCES.map((name) => ({ resource: `${name}.admissionregistration.k8s.io`, columns: Object.values(CONFIGURATION) })),
  writes: RESOURCES.map((resource) => ({ verbs: ['patch'], group: 'admissionregistration.k8s.io', resource })),
  steps: async (found: Finding<Args>[], { look, path }) => {
    const steps: (StepDraft | Refusal)[] = [];
    for (const { args, objects } of found.filter(({ args }) => args.fails)) {
      for (const on of objects) {
        const object = await look.get(on);
        if (!object || isGap(object)) steps.push({ refused: UNSEEN, objects: [on] });
        else
          steps.push(
            ...stepsFor(on, rowOf(CONFIGURATION)(object as Raw), args).filter(({ when }) => path.chosen !== 'back' || when === 'instead'),
          );
      }
    }
    return steps;
  },
};

function stepsFor(on: Ref, { hooks }: RowOf<typeof CONFIGURATION>, { hooks: dead, service }: Args): StepDraft[] {
  const open = hooks.filter(({ name, policy }) => dead.includes(name) && policy !== 'Ignore');
  return open.flatMap(({ name, policy }) => {
    // By its name: another webhook may come to stand before it while the upgrade lasts.
    const path = `/webhooks[name=${name}]/failurePolicy`;
    const named = `${on.kind} ${on.name}`;
    const loosened: StepDraft = {
      ...{ do: 'patch', on, guard: [], undo: 'exact', when: 'first', optional: true },
      changes: [{ path, ...(policy ? { before: policy } : {}), after: 'Ignore' }],
      brief: () => ({ en: 'during the upgrade, sets failurePolicy to Ignore in', zh: '升级期间将 {} 的 failurePolicy 设为 Ignore' }),
      text: {
        en: `set failurePolicy of webhook ${name} (${named}) to Ignore while the upgrade lasts: nothing answers for it`,
        zh: `升级期间将 webhook ${name}（${named}）的 failurePolicy 设为 Ignore：它没有可用的后端`,
      },
    };
    const restored: StepDraft = {
      ...{ do: 'patch', on, guard: [], undo: 'exact', when: 'last', optional: true, after: [loosened] },
      changes: [{ path, before: 'Ignore', ...(policy ? { after: policy } : {}) }],
      text: {
        en: `set failurePolicy of webhook ${name} (${named}) back to Fail`,
        zh: `将 webhook ${name}（${named}）的 failurePolicy 改回 Fail`,
      },
    };
    return [loosened, restored, manual(on, name, service)];
  });
}

/** Outside of an upgrade. */
const manual = (on: Ref, name: string, service: string): StepDraft => ({
  ...{ do: 'manual', when: 'instead', guard: [], undo: 'none' },
  commands: [`kubectl get service,endpointslices -n ${service.split('/')[0]}`, `kubectl describe ${kubectlName(on)}`],
  text: {
    en: `restore the backend ${service} of webhook ${name}, or delete ${on.kind} ${on.name} if its software is no longer installed`,
    zh: `恢复 webhook ${name} 的后端 ${service}；如果对应的软件已卸载，则删除 ${on.kind} ${on.name}`,
  },
});

const UNSEEN: Text = { en: 'the webhook configuration could not be read', zh: '无法读取该 webhook 配置' };
