// What the operating system says about a file or a disk, in words.
import type { Text } from '../engine/contracts.ts';
import { oneLine } from './sanitise.ts';

const WORDS: Record<string, Text> = {
  ENOENT: { en: 'there is no such file or folder', zh: '没有这个文件或目录' },
  EACCES: { en: 'you may not do that (permission denied)', zh: '没有权限' },
  EPERM: { en: 'you may not do that (not permitted)', zh: '不允许此操作' },
  EISDIR: { en: 'that is a folder', zh: '这是一个目录' },
  ENOTDIR: { en: 'a part of the path is not a folder', zh: '路径中的某一部分不是目录' },
  ENOSPC: { en: 'the disk is full', zh: '磁盘已满' },
  EDQUOT: { en: 'your disk quota is used up', zh: '磁盘配额已用完' },
  EFBIG: { en: 'a file may not grow that far', zh: '文件大小超出限制' },
  EEXIST: { en: 'it exists already', zh: '已存在' },
  ENOTEMPTY: { en: 'it exists already', zh: '已存在' },
  EROFS: { en: 'the file system is read-only', zh: '文件系统是只读的' },
  EMFILE: { en: 'too many files are open', zh: '打开的文件过多' },
  ENXIO: { en: 'it cannot be opened (a socket, or a device that is not there)', zh: '无法打开（套接字或不存在的设备）' },
  ELOOP: { en: 'its links lead in a circle', zh: '链接形成了循环' },
  ENAMETOOLONG: { en: 'the name is too long', zh: '名称过长' },
  EIO: { en: 'the disk could not read or write (I/O error)', zh: '磁盘读写出错' },
};

export function whyOf(error: unknown): Text {
  const { code = '', message = String(error), text } = error as NodeJS.ErrnoException & { text?: Text };
  if (text) return text;
  const known = WORDS[code];
  if (known) return { en: `${known.en} (${code})`, zh: `${known.zh}（${code}）` };
  return { en: oneLine(message), zh: oneLine(message) };
}
