// The name of an installation as a sentence says it. A system that is the cluster itself has no other installation there: `kubernetes`, not `kubernetes@cluster`.
export const installationName = (id: string): string => id.replace(/@cluster$/, '');
