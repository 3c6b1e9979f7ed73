// What the operating system says about a file or a disk, in its own standard words.
import type { Text } from '../engine/contracts.ts';
import { oneLine } from './sanitise.ts';

const WORDS: Record<string, Text> = {
  ENOENT: { en: 'no such file or directory', zh: '没有这个文件或目录' },
  EACCES: { en: 'permission denied', zh: '没有权限' },
  EPERM: { en: 'operation not permitted', zh: '不允许此操作' },
  EISDIR: { en: 'is a directory', zh: '这是一个目录' },
  ENOTDIR: { en: 'not a directory', zh: '路径中的某一部分不是目录' },
  ENOSPC: { en: 'no space left on device', zh: '磁盘空间不足' },
  EDQUOT: { en: 'disk quota exceeded', zh: '超出磁盘配额' },
  EFBIG: { en: 'file too large', zh: '文件过大' },
  EEXIST: { en: 'file exists', zh: '已存在' },
  ENOTEMPTY: { en: 'directory not empty', zh: '目录不为空' },
  EROFS: { en: 'read-only file system', zh: '只读文件系统' },
  EMFILE: { en: 'too many open files', zh: '打开的文件过多' },
  ENXIO: { en: 'no such device or address', zh: '没有这个设备或地址' },
  ELOOP: { en: 'too many levels of symbolic links', zh: '符号链接层数过多' },
  ENAMETOOLONG: { en: 'file name too long', zh: '文件名过长' },
  EIO: { en: 'input/output error', zh: '输入/输出错误' },
};

export function whyOf(error: unknown): Text {
  const { code = '', message = String(error), text } = error as NodeJS.ErrnoException & { text?: Text };
  if (text) return text;
  const known = WORDS[code];
  if (known) return { en: `${known.en} (${code})`, zh: `${known.zh}（${code}）` };
  return { en: oneLine(message), zh: oneLine(message) };
}
