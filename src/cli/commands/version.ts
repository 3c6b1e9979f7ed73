// `version --knowledge FILE`: the horizons with the tables of FILE. Without it main prints what the build put in, and the core is not decoded.
import { replacedTables } from '../../engine/knowledge.ts';
import { horizons } from '../../systems/index.ts';
import { EXIT } from '../../text/user-error.ts';
import { aboutPage } from '../about.ts';
import type { Call } from '../call.ts';

export async function version({ out, version, flags, language }: Call): Promise<number> {
  out(aboutPage({ version, horizons: horizons(), replaced: replacedTables() }, flags.output, language).trimEnd());
  return EXIT.ok;
}
