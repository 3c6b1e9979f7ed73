// `check -f` in this process, without a cluster: the command as a user calls it, its JSON, its exit code.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgv } from '../src/cli/argv.ts';
import { type Call, callOf } from '../src/cli/call.ts';
import { callerOf } from '../src/cli/caller.ts';
import { check } from '../src/cli/commands/check.ts';

export interface FoundInFiles {
  check: string;
  severity: string;
  hop: string | null;
  message: string;
  /** KIND/NAMESPACE/NAME FILE:LINE (INSIDE OF WHAT) */
  objects: string[];
}
export interface CheckedFiles {
  exit: number;
  /** Why nothing could be checked (exit 1). */
  error?: string;
  found: FoundInFiles[];
  /** As JSON has it: everything that was asked was seen. */
  complete?: boolean;
  skipped: { file: string; line?: number; why: string; unseen: boolean }[];
}

type Published = {
  complete: boolean;
  manifests: { skipped: { file: string; line?: number; why: { en: string }; unseen: boolean }[] };
  checks: {
    id: string;
    findings: {
      severity: string;
      hop: string | null;
      message: { en: string };
      objects: { kind: string; namespace?: string; name: string; file?: string; line?: number; inside?: string }[];
    }[];
  }[];
};

/** `words`: behind `check kubernetes -f PATH… --offline`. */
export const checkFiles = (paths: readonly string[], ...words: string[]): Promise<CheckedFiles> => checkIn({}, paths, ...words);

/** `env`: of the process; helm is looked for in its PATH. */
export async function checkIn(
  env: Record<string, string | undefined>,
  paths: readonly string[],
  ...words: string[]
): Promise<CheckedFiles> {
  const { exit, said, error } = await saidIn(env, paths, '-o', 'json', ...words);
  if (error !== undefined) return { exit, error, found: [], skipped: [] };
  const { checks, manifests, complete } = JSON.parse(said) as Published;
  const found = checks.flatMap(({ id, findings }) =>
    findings.map(({ severity, hop, message, objects }) => ({
      check: id,
      severity,
      hop,
      message: message.en,
      objects: objects.map(
        ({ kind, namespace, name, file, line, inside }) =>
          `${[kind, namespace, name].filter(Boolean).join('/')} ${file}:${line}${inside === undefined ? '' : ` (${inside})`}`,
      ),
    })),
  );
  return { exit, found, complete, skipped: manifests.skipped.map(({ why, ...each }) => ({ ...each, why: why.en })) };
}

/** What it writes to stdout, as it is. */
export async function saidIn(
  env: Record<string, string | undefined>,
  paths: readonly string[],
  ...words: string[]
): Promise<{ exit: number; said: string; error?: string }> {
  const argv = ['check', 'kubernetes', ...paths.flatMap((each) => ['-f', each]), '--offline', ...words];
  const parsed = parseArgv(argv, 'upgrade-guard');
  const caller = { ...callerOf('upgrade-guard', {}), usage: 'upgrade-guard' };
  const call = callOf({ ...parsed, caller, env, version: '0', language: 'en', signal: new AbortController().signal });
  const lines: string[] = [];
  const quiet: Call = { ...call, out: (...more) => void lines.push(...more), say: () => {}, begins: () => false, progress: () => false };
  try {
    return { exit: await check(quiet), said: lines.join('\n') };
  } catch (error) {
    return { exit: 1, said: lines.join('\n'), error: (error as Error).message };
  }
}

/** The same of texts by file name, which the result names alone. */
export async function checkText(texts: Record<string, string>, ...words: string[]): Promise<CheckedFiles> {
  const folder = mkdtempSync(join(tmpdir(), 'ug-check-files-'));
  try {
    for (const [name, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const checked = await checkFiles([folder], ...words);
    const short = (text: string) => text.replaceAll(`${folder}/`, '');
    const found = checked.found.map((each) => ({ ...each, objects: each.objects.map(short) }));
    return { ...checked, found, skipped: checked.skipped.map((each) => ({ ...each, file: short(each.file) })) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
