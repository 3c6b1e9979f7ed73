// Ends the program on a Node.js that is too old for it, before anything that such a one does not know: boot.ts imports this first.
// For `node dist/upgrade-guard.cjs`; the executable brings its own Node.js.
import { languageOf } from '../text/language.ts';

/** Put in by scripts/build.ts, from package.json. */
declare const LEAST_NODE: string;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const [leastMajor = 0, leastMinor = 0] = LEAST_NODE.split('.').map(Number);
if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
  const asked = / --lang[ =](en|zh)(?: |$)/.exec(process.argv.join(' '))?.[1];
  const text = {
    en: `error: upgrade-guard needs Node.js ${LEAST_NODE} or newer; this is Node.js ${process.versions.node}`,
    zh: `错误：upgrade-guard 需要 Node.js ${LEAST_NODE} 或更高版本；当前为 Node.js ${process.versions.node}`,
  };
  process.stderr.write(`${text[asked === 'en' || asked === 'zh' ? asked : languageOf(process.env)]}\n`);
  process.exit(1);
}
