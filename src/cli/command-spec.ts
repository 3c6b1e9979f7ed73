// What a command is, as data: its words and flags, and how the commands are grouped in help. They are listed in commands.ts.
import type { Text } from '../engine/contracts.ts';
import type { FlagName } from './flags.ts';

export interface Positional {
  /** As help shows it, in capitals. */
  name: string;
  required?: true;
  many?: true;
  /** What may stand here; shells complete it. */
  values?: readonly string[];
  /** Ids of checks may stand here too: the core knows them, and says what is wrong. */
  others?: true;
  file?: true;
}
export interface Example {
  text: Text;
  words: string;
}
export interface CommandSpec {
  name: string;
  group: Group;
  positionals: readonly Positional[];
  flags: readonly FlagName[];
  /** Flags that mean something else here than elsewhere. */
  here?: Partial<Record<FlagName, Text>>;
  /** What -o takes here. */
  output?: readonly string[];
  /** One line. */
  text: Text;
  /** What the user must know before using it. */
  more?: Text;
  examples: readonly Example[];
}
export type Group = 'look' | 'change' | 'carry' | 'learn' | 'tool';

export const GROUPS: Record<Group, Text> = {
  look: { en: 'Check', zh: '检查' },
  change: { en: 'Fix and upgrade', zh: '修复与升级' },
  carry: { en: 'Offline use and permissions', zh: '离线分析与权限' },
  learn: { en: 'Learn more', zh: '了解更多' },
  tool: { en: 'Other commands', zh: '其他命令' },
};

/** The systems of this build; a test compares them with the folders. */
export const SYSTEM_NAMES = ['kubernetes', 'spiderpool', 'k3s', 'osm-edge'] as const;
/** What -o takes where a result is printed, and where a list is. */
export const REPORTS = ['table', 'wide', 'json', 'yaml', 'markdown', 'html', 'sarif', 'junit'] as const;
export const DATA = ['table', 'json', 'yaml'] as const;
