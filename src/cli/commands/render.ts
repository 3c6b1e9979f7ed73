// render: a saved result of check in another format or language. Reads one file; knows nothing of any cluster.
import { readPublished } from '../../report/check-result.ts';
import { jsonOf, yamlOf } from '../../report/data.ts';
import { html } from '../../report/html.ts';
import { markdown } from '../../report/markdown.ts';
import { reportOf } from '../../report/report.ts';
import { shownFrom } from '../../report/saved.ts';
import { tableOf, tables } from '../../report/table.ts';
import { HEADLINES, SYSTEMS } from '../../systems/index.ts';
import { EXIT } from '../../text/user-error.ts';
import type { Call } from '../call.ts';
import { forPipeline } from '../pipeline.ts';
import { readSaved } from '../saved-file.ts';

export async function render(call: Call): Promise<number> {
  const [file] = call.args as [string];
  const { several, results, failed, data } = readPublished(await readSaved(file, call), file);
  call.out(...lines());
  return EXIT.ok;

  function lines(): string[] {
    const { output } = call.flags;
    if (output === 'json') return [jsonOf(data)];
    if (output === 'yaml') return [yamlOf(data)];
    const looks = results.map(shownFrom);
    if (output === 'sarif' || output === 'junit') return [forPipeline(call, output, looks, failed)];
    const report = withoutNext(reportOf(looks, failed, { systems: SYSTEMS, checks: HEADLINES }, call.face));
    if (output === 'markdown') return [markdown(report, call.face)];
    if (output === 'html') return [html(report, call.face)];
    return several ? tables(report, call.face) : tableOf(report.views[0]!, call.face, false);
  }
}

/** The next command hung on how that check was called, and on what the cluster was like then. */
const withoutNext = (report: ReturnType<typeof reportOf>) => ({
  ...report,
  views: report.views.map((view) => ({ ...view, next: undefined })),
});
