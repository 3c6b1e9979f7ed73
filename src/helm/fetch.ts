// A chart from a repository or a registry, fetched by helm because the user asked for it. It stays, so that a run can be resumed.
import { readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { HelmProgram } from '../engine/contracts.ts';
import { makeFolder } from '../files/folder.ts';
import { redactMarked } from '../text/redact.ts';
import { oneLine } from '../text/sanitise.ts';
import { UserError } from '../text/user-error.ts';

/** `chart`: its name in `repo`, or an oci:// reference. The archive's path below `folder`. Throws UserError. */
export async function fetchedChart(
  helm: HelmProgram,
  chart: string,
  version: string,
  repo: string | undefined,
  folder: string,
): Promise<string> {
  const into = path.join(folder, `${process.pid}`);
  await makeFolder(into, 0o700);
  try {
    const from = repo === undefined ? [] : ['--repo', repo];
    // A name that begins with a dash would be read as a flag.
    const { code, output } = await helm.call(['pull', ...from, '--version', version, '--destination', into, '--', chart]);
    const file = readdirSync(into).find((name) => name.endsWith('.tgz'));
    if (code || !file) throw notFetched(chart, version, output);
    const kept = path.join(folder, file);
    renameSync(path.join(into, file), kept);
    return kept;
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

function notFetched(chart: string, version: string, output: string): UserError {
  const why = oneLine(output.trim().split('\n').at(-1) ?? '', 500);
  const what = redactMarked(`${oneLine(chart, 200)} ${version}`);
  return new UserError(
    { en: `helm pull of chart ${what} failed: ${why}`, zh: `helm pull 下载 chart ${what} 失败：${why}` },
    {
      en: 'check name, version and network access to the repository; offline, pass the archive: --chart FILE.tgz',
      zh: '请检查名称、版本以及到仓库的网络；离线时请指定归档文件：--chart FILE.tgz',
    },
  );
}
