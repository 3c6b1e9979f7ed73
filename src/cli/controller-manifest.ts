// --controller FILE: the manifest of the controller that an upgrade installs where the cluster has none. Untrusted like any other file: what could not be read whole is refused.
import type { Raw } from '../engine/contracts.ts';
import { readManifests } from '../files/manifests.ts';
import { describe, refOf } from '../kube/refs.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';

/** Every object of the files, once. */
export async function controllerManifest(files: readonly string[]): Promise<Raw[]> {
  const { manifests, skipped, doubles } = await readManifests(files, process.stdin);
  const [unseen] = skipped.filter((each) => each.unseen);
  if (unseen) throw unusable(unseen.file, unseen.why);
  const [double] = doubles;
  if (double) {
    const name = describe(refOf(double[0]!.object));
    throw unusable(double.at(-1)!.file, { en: `${name} is declared more than once`, zh: `${name} 声明了多次` });
  }
  const objects = manifests.filter(({ inside }) => inside === undefined);
  const nameless = objects.find(({ part }) => part);
  if (nameless) throw unusable(nameless.file, { en: 'metadata.name is missing', zh: '缺少 metadata.name' });
  return objects.map(({ object }) => object);
}

const unusable = (file: string, why: { en: string; zh: string }): UserError =>
  new UserError({ en: `--controller ${oneLine(file, 300)}: ${why.en}`, zh: `--controller ${oneLine(file, 300)}：${why.zh}` });
