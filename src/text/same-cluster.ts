// The flags of a call that chose its cluster, put into the kubectl and helm commands that are printed for pasting: without them
// a shell sends the command to the current context, which may be another cluster.

/** Words behind `kubectl` and `helm`, such as ` --context prod`, each with a blank before it; '' where the current context was used. */
export interface Aim {
  kubectl: string;
  helm: string;
}

/** Our flag, as kubectl and as helm call it: `kubectl options`, and helm's pkg/cli/environment.go. Not of theirs: -n, which their commands carry themselves, kuberc (since kubectl 1.34), and a token, which is never printed. */
const WORDS: Record<string, { kubectl: string; helm?: string }> = {
  kubeconfig: { kubectl: 'kubeconfig', helm: 'kubeconfig' },
  context: { kubectl: 'context', helm: 'kube-context' },
  cluster: { kubectl: 'cluster' },
  user: { kubectl: 'user' },
  as: { kubectl: 'as', helm: 'kube-as-user' },
  'as-group': { kubectl: 'as-group', helm: 'kube-as-group' },
  'as-uid': { kubectl: 'as-uid' },
  server: { kubectl: 'server', helm: 'kube-apiserver' },
  'certificate-authority': { kubectl: 'certificate-authority', helm: 'kube-ca-file' },
  'tls-server-name': { kubectl: 'tls-server-name', helm: 'kube-tls-server-name' },
  'insecure-skip-tls-verify': { kubectl: 'insecure-skip-tls-verify', helm: 'kube-insecure-skip-tls-verify' },
};

/** @param words of the flags that were given, ready for a shell: `--context prod` as ['context', 'prod'], a switch without a second one. */
export function aimOf(words: readonly (readonly [flag: string, value?: string])[]): Aim {
  const as = (tool: 'kubectl' | 'helm') =>
    words.flatMap(([flag, value]) => {
      const name = WORDS[flag]?.[tool];
      return name === undefined ? [] : [` --${name}${value === undefined ? '' : ` ${value}`}`];
    });
  return { kubectl: as('kubectl').join(''), helm: as('helm').join('') };
}

/**
 * What a shell takes as text (in single quotes, behind a backslash, a comment, a document on standard input), or else, where it expects a
 * command, ours to fill in. Plugins take their flags behind their own name; helm pull and its like ask no cluster.
 */
const TEXT = String.raw`'[^']*'|\\[\s\S]|\s#\s.*$|<<'(?<end>\w+)'\n[\s\S]*?\n\k<end>$`;
const CALLED = String.raw`(?<called>kubectl|helm)(?= )(?! (?:upgrade-guard|spiderpool-upgrade|pull|repo|show|template)\b)`;
const BEFORE = String.raw`^|[|;&(]|\bdo\s|\bthen\s`;
const IN_COMMANDS = new RegExp(String.raw`${TEXT}|(?<before>(?:${BEFORE})\s*)${CALLED}`, 'gm');
/** Behind words such as `take one: `, too. */
const IN_SENTENCES = new RegExp(String.raw`${TEXT}|(?<before>(?:${BEFORE}|[:：“])\s*)${CALLED}`, 'gm');

/** The command with `aim` behind each `kubectl` and `helm` that a shell would run. */
export const aimed = (command: string, aim: Aim): string => filled(command, IN_COMMANDS, aim);
/** The same for a sentence that ends in one. */
export const aimedIn = (sentence: string, aim: Aim): string => filled(sentence, IN_SENTENCES, aim);

function filled(text: string, parts: RegExp, { kubectl, helm }: Aim): string {
  if (!kubectl && !helm) return text;
  return text.replace(parts, (whole, ...rest) => {
    const { before, called } = rest.at(-1) as { before?: string; called?: string };
    return called === undefined ? whole : `${before}${called}${called === 'helm' ? helm : kubectl}`;
  });
}
