// The messages of Kubernetes that we read as protobuf, out of protobuf-schema.json (made by scripts/knowledge/protobuf-schema.ts from the upstream sources).
// A message is unfolded when it is first asked for: most runs need a few of some 400.
import type { ApiResource } from '../engine/contracts.ts';
import schema from './protobuf-schema.json' with { type: 'json' };

export type Scalar = (typeof SCALARS)[number];
export interface Message {
  readonly fields: readonly FieldOf[];
}
export interface FieldOf {
  number: number;
  /** As JSON has it; '': JSON shows the fields of this message as those of the one around it. */
  name: string;
  type: Scalar | Message;
  shape: 'one' | 'list' | 'map';
  /** What JSON shows of a zero value, or of a list or map with nothing in it (which is not among the bytes at all). */
  empty: 'kept' | 'absent' | 'null';
  /** Never among the bytes: JSON shows always this. */
  constant?: string;
}

const SCALARS = ['string', 'int', 'bool', 'bytes', 'time', 'microTime', 'quantity', 'intOrString', 'json'] as const;

const messages = new Map<string, Message>();

/** `core/v1.Pod` */
function messageOf(name: string): Message {
  const known = messages.get(name) ?? unfolding(name);
  messages.set(name, known);
  return known;
}

function unfolding(name: string): Message {
  let fields: FieldOf[] | undefined;
  return {
    get fields() {
      fields ??= unfolded(name);
      return fields;
    },
  };
}

function unfolded(name: string): FieldOf[] {
  const [within, message] = parted(name);
  const line = (schema.packages as Record<string, Record<string, string>>)[within]?.[message];
  if (line === undefined) throw new Error(`protobuf-schema.json has no message ${name}`);
  return line ? line.split('; ').map((field) => fieldOf(field, within)) : [];
}

/** `2 containers [Container]!`: number, name, type. `[]` a list, `{}` a map by strings; `?` absent where it is empty, `!` null. A type of another package has its name before it; `0 kind =Pod` is a constant. */
function fieldOf(written: string, within: string): FieldOf {
  const [number, name, shown] = written.split(' ') as [string, string, string];
  if (shown.startsWith('=')) return { number: 0, name, type: 'string', shape: 'one', empty: 'kept', constant: shown.slice(1) };
  const type = shown.replace(/[[\]{}?!]/g, '');
  const shape = shown.startsWith('[') ? 'list' : shown.startsWith('{') ? 'map' : 'one';
  return {
    number: Number(number),
    name: name === '.' ? '' : name,
    type: isScalar(type) ? type : messageOf(type.includes('.') ? type : `${within}.${type}`),
    shape,
    empty: shown.endsWith('?') ? 'absent' : shown.endsWith('!') ? 'null' : 'kept',
  };
}

function isScalar(type: string): type is Scalar {
  return (SCALARS as readonly string[]).includes(type);
}

function parted(name: string): [string, string] {
  const dot = name.lastIndexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}

/** Lists of anything else that are not metadata-only are read as JSON. */
export function schemaOf({ group, version, resource }: Pick<ApiResource, 'group' | 'version' | 'resource'>): Message | undefined {
  const message = (schema.resources as Record<string, string>)[`${group}/${version}/${resource}`];
  return message === undefined ? undefined : messageOf(message);
}

/** PartialObjectMetadata, and the beginning of every object. */
export const METADATA_ONLY = messageOf('meta/v1.PartialObjectMetadata');
export const STATUS = messageOf('meta/v1.Status');
