// What is said of a gate, flag, plugin or value that a component of a newer minor refuses: on its command line, or in a configuration that it or kubeadm reads.
import type { Text } from '../../engine/contracts.ts';
import type { Component, Refused } from './refusals.ts';

type Said = Pick<Refused, 'why' | 'name' | 'value' | 'hop' | 'instead' | 'heldBefore'> & { component: Component };

/** `holder`: where it stands, which begins the sentence: the component itself, or a configuration. */
export function refusedText({ why, component, name, value, hop, instead = '', heldBefore }: Said, holder: Text): Text {
  const [en, zh] = [`${component} ${hop} does not start with it`, `${component} ${hop} 无法启动`];
  switch (why) {
    case 'gate-removed':
      return {
        en: `${holder.en} sets feature gate ${name}=${value}: removed in ${hop}, ${en}`,
        zh: `${holder.zh} 设置了特性门控 ${name}=${value}：该门控在 ${hop} 中移除，${zh}`,
      };
    case 'gate-locked':
      if (heldBefore)
        return {
          en: `${holder.en} sets feature gate ${name}=${value}: locked to ${instead} in ${heldBefore}, ${component} does not start once --emulated-version is ${heldBefore} or newer`,
          zh: `${holder.zh} 设置了特性门控 ${name}=${value}：自 ${heldBefore} 起锁定为 ${instead}，--emulated-version 提高到 ${heldBefore} 或更高后 ${component} 无法启动`,
        };
      return {
        en: `${holder.en} sets feature gate ${name}=${value}: locked to ${instead} in ${hop}, ${en}`,
        zh: `${holder.zh} 设置了特性门控 ${name}=${value}：自 ${hop} 起锁定为 ${instead}，${zh}`,
      };
    case 'gate-needs':
      return {
        en: `${holder.en} sets feature gate ${name}=true without ${instead}: required from ${hop} on, ${component} ${hop} does not start`,
        zh: `${holder.zh} 设置了特性门控 ${name}=true 但未启用 ${instead}：自 ${hop} 起必须启用，${zh}`,
      };
    case 'flag-removed':
      return {
        en: `${holder.en} has flag --${name}: removed in ${hop}, ${en}${instead ? `; use ${instead}` : ''}`,
        zh: `${holder.zh} 使用了参数 --${name}：该参数在 ${hop} 中移除，${zh}${instead ? `；请改用 ${instead}` : ''}`,
      };
    case 'plugin-removed':
      return {
        en: `${holder.en} names admission plugin ${name} in --${value}: removed in ${hop}, ${en}`,
        zh: `${holder.zh} 在 --${value} 中指定了准入插件 ${name}：该插件在 ${hop} 中移除，${zh}`,
      };
    case 'api-unknown':
      return {
        en: `${holder.en} names ${name} in --runtime-config: unknown from ${hop} on, ${en}`,
        zh: `${holder.zh} 在 --runtime-config 中指定了 ${name}：自 ${hop} 起不再识别，${zh}`,
      };
    case 'value-refused':
      return {
        en: `${holder.en} has --${name}=${value}: refused from ${hop} on, ${en}; use ${instead}`,
        zh: `${holder.zh} 使用了 --${name}=${value}：自 ${hop} 起不再接受，${zh}；请改用 ${instead}`,
      };
  }
}

/** As it would stand on the command line. */
export const writtenAs = ({ why, name, value }: Pick<Refused, 'why' | 'name' | 'value'>): string => {
  if (why === 'plugin-removed') return `--${value}=${name}`;
  if (why === 'api-unknown') return `--runtime-config=${value}`;
  return why.startsWith('gate') ? `--feature-gates=${name}=${value}` : `--${name}=${value}`;
};
