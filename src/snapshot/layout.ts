// The names of a snapshot's parts; a folder that a person made has the same.
export const VERSION = 'version.json';
export const CLUSTER = 'cluster.json';
export const DISCOVERY = 'discovery.json';
export const ABSENT = 'absent.json';
/** The names of all parts before it, the last of them: a snapshot that lost one of them is not read as one of a cluster that has nothing of it. */
export const MEMBERS = 'members.json';
export const OBJECTS = 'objects/';
export const ASKED = 'asked/';
/** What was asked and is not there; no object. */
export const NOTHING = 'asked/nothing.json';
export const LOGS = 'logs/';

/** Every API that is served, and which could not be asked. */
export const APIS = 'apis.json';
/** text/<path>, the answer of a path (`metrics`, `readyz%3Fverbose`); text/<path>@<server> where every API server was asked. */
export const TEXTS = 'text/';
export const TEXT_PATH = /^text\/([\w.%~!*'()-]{1,200}?)(?:@([\w.%-]{0,200}))?$/;

/** Of `cluster.json`. A reader refuses what is newer than itself. */
export const SCHEMA = 1;

/** logs/<namespace>/<pod>/<container>.log. Names as Kubernetes allows them, which are safe in a path. */
export const LOG_PATH = /^logs\/([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)\/([a-z0-9][a-z0-9-]*)\.log$/;
