// Plain words of every contract: JSON, objects, sentences, rights. Depends on nothing.
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** An object as the server sent it: nothing dropped, nothing renamed. `apiVersion` and `kind` are filled in for items of built-in lists, which lack them. */
export type Raw = { [key: string]: Json };
/** As its folder in src/systems/ is called. */
export type SystemId = string;
export type Language = 'en' | 'zh';
/** The same sentence in every language. Data: it is stored in plans and journals. */
export type Text = Record<Language, string>;
/** One object. `apiVersion` and `kind` as in the object; the plural comes from discovery. */
export interface Ref {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  uid?: string;
  /** In results alone: the manifest that declares it (-f), and from which line on. */
  file?: string;
  line?: number;
  /** In results alone: the object of that manifest inside of which it stands. */
  inside?: string;
}
/** One RBAC rule, as a ClusterRole has it. `namespace`: a Role there is enough. */
export interface Rule {
  verbs: string[];
  group: string;
  resource: string;
  names?: string[];
  namespace?: string;
  /** Paths below the server (`/metrics`), without a query; group and resource are then ''. */
  nonResourceURLs?: string[];
}
/** A resource as checks name it: `pods`, `deployments.apps`, `spiderendpoints.spiderpool.spidernet.io`. The version is discovery's business. */
export type ResourceName = string;
/** Dotted path; a key that holds dots is quoted: `metadata.annotations['k8s.v1.cni.cncf.io/network-status']`. Arrays are walked through. */
export type Field = string;
