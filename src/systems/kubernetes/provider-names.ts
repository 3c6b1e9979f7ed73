// What a provider calls this cluster, as far as the labels of its Nodes and the context of the kubeconfig show it; where they do not agree, or show nothing, a reader sets it. Sources: `aws eks
// update-kubeconfig` (the context is the ARN), eksctl pkg/utils/kubeconfig (user@cluster.region.eksctl.io) and its Node labels; `gcloud container clusters get-credentials` (gke_PROJECT_LOCATION_NAME);
// learn.microsoft.com/azure/aks/faq (a group of Nodes is named MC_group_cluster_location where no other name was chosen, and is the value of the label kubernetes.azure.com/cluster).
import type { Command, Text } from '../../engine/contracts.ts';
import { shellWord, toSet, whatIsSet } from '../../text/shell.ts';
import type { Member } from './upgrade-parts.ts';

export interface ProviderNames {
  cluster?: string;
  /** A region, or a zone. */
  location?: string;
  project?: string;
  /** The resource group. */
  group?: string;
}
type Labels = Pick<Member, 'aks' | 'eksctl' | 'region'>;

export function namesOf(by: string | undefined, context: string, members: readonly Labels[]): ProviderNames {
  // That of a snapshot has the file's name behind it.
  const [of = ''] = context.split(' ');
  if (by === 'EKS') return ofEks(of, members);
  if (by === 'GKE') {
    const [, project, location, cluster] = /^gke_([a-z0-9.:-]+)_([a-z0-9-]+)_([a-z0-9-]+)$/.exec(of) ?? [];
    return { project, location, cluster };
  }
  return by === 'AKS' ? ofAks(of, members) : {};
}

function ofEks(context: string, members: readonly Labels[]): ProviderNames {
  const [, arnRegion, arnName] = /^arn:aws[a-z-]*:eks:([a-z0-9-]+):\d{12}:cluster\/([A-Za-z0-9][\w-]{0,99})$/.exec(context) ?? [];
  const [, name, region] = /@([A-Za-z0-9][\w-]{0,99})\.([a-z0-9-]+)\.eksctl\.io$/.exec(context) ?? [];
  return {
    cluster: agreed([arnName, name, ...members.map(({ eksctl }) => eksctl)]),
    location: agreed([arnRegion, region, ...members.map((member) => member.region)]),
  };
}

/** Group and cluster may hold underscores: only where the context has the cluster's name, as `az aks get-credentials` makes it, is it known where one ends. */
function ofAks(context: string, members: readonly Labels[]): ProviderNames {
  const nodeGroup = agreed(members.map(({ aks }) => aks)) ?? '';
  const parts = /^MC_(.+)_[a-z0-9]+$/.exec(nodeGroup)?.[1] ?? '';
  const cluster = context.replace(/-admin$/, '');
  if (cluster && parts.endsWith(`_${cluster}`)) return { cluster, group: parts.slice(0, -cluster.length - 1) };
  const [group, only, ...more] = parts.split('_');
  return only && !more.length ? { cluster: only, group } : {};
}

/** What all say that say something. */
function agreed(values: readonly (string | undefined)[]): string | undefined {
  const [value, ...others] = new Set(values.filter((each) => each !== undefined));
  return others.length ? undefined : value;
}

/** A word of a command, and what a reader sets before it where it is not known. */
export interface Filled {
  word: string;
  before: Command[];
}
export const filled = (value: string | undefined, name: string, as: Text): Filled =>
  value === undefined ? { word: whatIsSet(name), before: [toSet(name, as)] } : { word: shellWord(value), before: [] };

/** As `as` of a variable: the command that lists the values. */
export const listedBy = (command: string): Text => ({ en: `listed by ${command}`, zh: `可用 ${command} 查看` });
