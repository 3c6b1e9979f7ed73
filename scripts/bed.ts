// npm run bed [VERSION…]: builds into the cache what control plane tests stand on, as npm test does by itself; with a version (1.36) the API server of that one too,
// for the tests that replace an API server by the next minor. They are skipped by name where it was not built.
import { BED_VERSIONS, MORE_APISERVERS, prepareApiserver, prepareBeds } from '../test/bed/prepare.ts';

const wanted = process.argv.slice(2);
const more = MORE_APISERVERS.filter((version) => wanted.includes(version));
if (more.length < wanted.length) throw new Error(`only these can be asked for: ${MORE_APISERVERS.join(', ')}`);
const troubles = [...(await prepareBeds(BED_VERSIONS, console.log)).values()];
for (const version of more) troubles.push(...[await prepareApiserver(version, console.log)].filter((trouble) => trouble !== undefined));
if (troubles.length) throw new Error(troubles.join('\n'));
