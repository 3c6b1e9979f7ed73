// Setup of every control plane test file: waits until a control plane of its version is free, then empties it.
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { clientOf } from './client.ts';
import { giveBack, mine } from './mine.ts';
import { reset } from './reset.ts';

afterAll(giveBack);
await reset(clientOf(mine), join(mine.folder, 'baseline.json'));
