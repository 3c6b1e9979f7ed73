// What `version` prints: the tool, what it runs on, and up to which version of each system its knowledge goes.
import type { Language } from '../engine/contracts.ts';

export interface Horizon {
  system: string;
  knownUpTo: string;
  /** What a pre-release said: findings up to here are provisional, and nothing is passed. */
  provisionalUpTo?: string;
}
export interface About {
  version: string;
  horizons: readonly Horizon[];
  /** Tables that --knowledge replaced. */
  replaced: readonly string[];
}

export function aboutPage({ version, horizons, replaced }: About, format: string | undefined, language: Language): string {
  const about = { name: 'upgrade-guard', version, node: process.versions.node, platform: `${process.platform}-${process.arch}` };
  if (format === 'json') {
    return `${JSON.stringify({ ...about, knowledge: horizons, ...(replaced.length ? { replaced } : {}) }, null, 2)}\n`;
  }
  const lines = [
    `${about.name} ${about.version} (Node.js ${about.node}, ${about.platform})`,
    ...horizons.map((horizon) => WORDS[language].horizon(horizon)),
    ...(replaced.length ? [WORDS[language].replaced(replaced)] : []),
  ];
  return `${lines.join('\n')}\n`;
}

const WORDS = {
  en: {
    horizon: ({ system, knownUpTo, provisionalUpTo }: Horizon) =>
      `${system}: known up to ${knownUpTo}${provisionalUpTo ? `, ${provisionalUpTo} provisional` : ''}`,
    replaced: (names: readonly string[]) => `tables from --knowledge: ${names.join(', ')}`,
  },
  zh: {
    horizon: ({ system, knownUpTo, provisionalUpTo }: Horizon) =>
      `${system}：支持到 ${knownUpTo}${provisionalUpTo ? `，${provisionalUpTo} 为暂定` : ''}`,
    replaced: (names: readonly string[]) => `来自 --knowledge 的数据表：${names.join('、')}`,
  },
};
