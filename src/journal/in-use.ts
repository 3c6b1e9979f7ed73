// The words for a run that another process works on: which one, where, and what to do where it is gone without its lock.
import type { RunOwner } from '../engine/contracts.ts';
import { oneLine } from '../text/sanitise.ts';
import { shellWord } from '../text/shell.ts';
import { UserError } from '../text/user-error.ts';

/** `folder`: of the run. */
export function inUse(id: string, { host, pid, here, sure }: RunOwner, folder: string): UserError {
  const at = oneLine(host, 200);
  const far = { en: `see how far it is: {tool} runs ${id}{reach}`, zh: `查看进度：{tool} runs ${id}{reach}` };
  // The name of the lock holds more than a reader needs.
  const remove = `rm ${shellWord(folder)}/lock,${pid},*`;
  const lost = here
    ? { en: `if process ${pid} is another program by now, delete the lock`, zh: `如果进程 ${pid} 已是其他程序，请删除锁文件` }
    : { en: 'if that machine no longer exists, delete the lock', zh: '如果该主机已不复存在，请删除锁文件' };
  return new UserError(
    {
      en: `run ${id} is in use by process ${pid} on ${here ? 'this machine' : `machine ${at}`}; nothing was sent`,
      zh: `运行 ${id} 正被${here ? '本机' : `主机 ${at} `}上的进程 ${pid} 使用；没有发出任何请求`,
    },
    sure
      ? { en: `wait for it to end; ${far.en}`, zh: `请等待其结束；${far.zh}` }
      : {
          en: `wait for it to end; ${far.en}; ${lost.en} and retry: ${remove}`,
          zh: `请等待其结束；${far.zh}；${lost.zh}后重试：${remove}`,
        },
  );
}
