// Between two hops of a run the checks are run once more: a blocker that was not accepted, and that no step of the run repairs, stops it there.
import type { Run, StepOf, Text } from '../engine/contracts.ts';
import { examine } from '../engine/examine.ts';
import { stepsOf } from '../engine/plan.ts';
import { HEADLINES, SYSTEMS } from '../systems/index.ts';
import { acceptance } from './asked.ts';
import type { Live } from './session.ts';

/** Findings that are named; the rest is counted. */
const NAMED = 3;

/** What stops the run; undefined: nothing does. */
export async function recheck({ steady }: Live, run: Run, step: StepOf<'recheck'>): Promise<Text | undefined> {
  const accept = (run.accept ?? []).map(acceptance);
  const { results } = await examine(steady, SYSTEMS, { systems: step.systems, targets: run.targets, accept });
  const repaired = new Set(stepsOf(run).flatMap(({ reasons }) => reasons));
  const stopping = results.flatMap(({ id, findings }) =>
    findings
      .filter(
        ({ severity, accepted, fingerprint, hop }) =>
          severity === 'blocker' && !accepted && !repaired.has(fingerprint) && (hop === undefined || hop === step.hop),
      )
      .map(({ message }) => ({ id, message })),
  );
  if (!stopping.length) return undefined;
  const rest = stopping.length - NAMED;
  const said = (language: 'en' | 'zh') =>
    stopping
      .slice(0, NAMED)
      .map(({ id, message }) => `${HEADLINES.get(id)?.headline[language] ?? id}: ${message[language]}`)
      .join({ en: '; ', zh: '；' }[language]);
  return {
    en: `blockers before ${step.hop}: ${said('en')}${rest > 0 ? `; and ${rest} more` : ''}`,
    zh: `升级到 ${step.hop} 之前的阻断项：${said('zh')}${rest > 0 ? `；另有 ${rest} 个` : ''}`,
  };
}
