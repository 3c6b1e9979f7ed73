// What every start reads: it ends on a Node.js that is too old, and hands on to main, whose code V8 need not compile again.
import './least-node.ts';
import './no-debug.ts';
import { part } from './parts.ts';

part('main');
