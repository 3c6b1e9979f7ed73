// runs: what was done to this cluster from here, by the journals.

import type { Command, Language, RunSummary, StoredRun } from '../../engine/contracts.ts';
import { runState } from '../../engine/progress.ts';
import { jsonOf, yamlOf } from '../../report/data.ts';
import { runDetail, runList } from '../../report/run.ts';
import { textOf } from '../../text/language.ts';
import { EXIT } from '../../text/user-error.ts';
import type { Call } from '../call.ts';
import { chosenRun, maybeCut, ranOn, sayUnreadable } from '../chosen-run.ts';
import { commandsLeft } from '../commands-left.ts';
import { openLive } from '../file-session.ts';
import { cutShort, howToEnd, running } from '../own-runs.ts';
import { recorded } from '../recorded-runs.ts';

export async function runs(call: Call): Promise<number> {
  call.begins({ en: 'Connecting...', zh: '正在连接……' });
  const live = await openLive(call).catch((error) => recorded(call, error));
  try {
    const data = { json: jsonOf, yaml: yamlOf }[call.flags.output ?? ''];
    if (call.args.length) {
      const stored = (await chosenRun(call, live))!;
      const left = await commandsLeft(stored, live.store);
      call.out(...(data ? [data(published(stored, left, call.language))] : runDetail(stored, call.face, left)));
      return EXIT.ok;
    }
    const { runs: all, unreadable } = await live.store.list();
    for (const each of unreadable) sayUnreadable(call, each);
    // What cannot be read is not nothing.
    const exit = unreadable.length ? EXIT.failed : EXIT.ok;
    for (const each of all) if (each.lengthUnknown) call.say(call.t(maybeCut(each)));
    if (data) {
      const whole = [];
      for (const { id } of all) {
        const stored = await live.store.read(id);
        if (stored) whole.push(published(stored, await commandsLeft(stored, live.store), call.language));
      }
      call.out(data(whole));
      return exit;
    }
    call.out(...runList(all, call.face, { unreadable: unreadable.length, of: ranOn(call) }));
    // Beside one that is running no other can be ended.
    const open = running(all) ?? cutShort(all);
    if (open) call.say(call.t(howToEnd(open).next));
    return exit;
  } finally {
    live.close();
  }
}

/** Who, when, what and how far; never the objects that the journal keeps. */
function published(stored: StoredRun & Pick<RunSummary, 'by'>, left: ReadonlyMap<string, readonly Command[]>, language: Language): object {
  const { run, progress, by } = stored;
  const { states } = progress;
  return {
    id: run.id,
    state: runState(stored),
    process: by ? { pid: by.pid, host: by.host, here: by.here } : null,
    what: run.what,
    at: run.at,
    tool: run.tool,
    cluster: run.cluster,
    stages: run.stages.map(({ id: stage, hop, title, steps }) => ({
      ...{ id: stage, hop: hop ?? null, title },
      steps: steps.map(({ id, do: doing, text, undo, reasons }) => ({
        ...{ id, do: doing, text, undo, reasons },
        result: states.apply.get(id)?.result ?? null,
        progress: states.apply.get(id)?.progress ?? null,
        undone: states.undo.get(id)?.result ?? null,
        commands: (left.get(id) ?? []).map((each) => textOf(each)[language]),
      })),
    })),
  };
}
