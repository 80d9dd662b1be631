import {
  answerFor, answerSteps, askPeople, bodies, cancelRuns, connections, events, followRuns, giveUp, type Grant, items, lendRole, park, publish, readRuns, remind, retryRuns, secret,
  seeThrough, startRun, startTurn, tellEvents,
} from './grants';

/** One Lambda: its size, when it runs and everything it may do. Its environment follows from what it may do. */
export interface FunctionSpec {
  /** MB */
  readonly memory: number;
  /** Seconds */
  readonly timeout: number;
  readonly may: readonly Grant[];
  /** What calls it; the turn machine and the sources of events name theirs in stack.ts. */
  readonly http?: readonly string[];
  readonly socket?: '$connect' | '$disconnect' | '$default';
  /** Carries the bot folders beside its bootstrap. */
  readonly bots?: true;
  /** Sends through carriers, whose addresses can be changed by context. */
  readonly sends?: true;
}

const session = 'session/*';
const unknown = 'document/*/unknown';
const approvals = 'document/*/approval';
const one = '/v1/{tenant}/{bot}/sessions/{session}';
const switches = 'document/*/switch';
/** What workflows want of conversations. */
const goals = items('document/*/goal', 'GetItem', 'PutItem');
/** When what was said to a contact came to nobody, the run that wanted it is told. */
const unreached = [items(session, 'Query'), bodies('Get'), goals, answerSteps];
const budgets = 'document/*/budget';
const messages = '/v1/{tenant}/{bot}/sessions/{session}/messages';
const token = '/v1/{tenant}/{bot}/sessions/{session}/token';
const turns = '/v1/{tenant}/{bot}/sessions/{session}/turns';
const accept = [items(session, 'UpdateItem'), bodies('Put'), startTurn];
/** What a repeated message is compared with. */
const said = [items(session, 'GetItem', 'Query'), bodies('Get')];
const settle = [
  items(session, 'GetItem', 'PutItem', 'UpdateItem'),
  bodies('Get', 'Put'),
  secret('secrets'),
  connections,
];
/** When a workflow waits for turns, what was said in them is read and told. */
const tellTurns = [items(session, 'Query'), tellEvents];

/** What people are told, and what waits for their sign. */
const notices = [items('document/*/notice', 'GetItem', 'PutItem'), items('document/*/tray', 'GetItem', 'PutItem')];
const tell = [...accept, ...said, ...notices, answerSteps, secret('access')];
const notice = '/v1/{tenant}/notices/{notice}';

const runs = '/v1/{tenant}/runs';
/** Which workflows there are, with what was published since the deployment. */
const catalogue = [items('document/*/workflow', 'GetItem', 'Query'), items('document/*/workflow-text', 'GetItem')];
const beginRun = [
  ...catalogue,
  items('document/*/run', 'GetItem', 'PutItem'), items('document/*/run-entry', 'PutItem'), items('document/*/room', 'GetItem', 'PutItem'),
  startRun, followRuns, cancelRuns,
];
/** What the effect of a step leaves behind, so that it happens once. */
const stepOnce = [
  items(session, 'GetItem', 'PutItem'), bodies('Get', 'Put'), items('document/*/effect', 'GetItem', 'PutItem'),
  items('document/*/cache', 'GetItem', 'PutItem'), items(unknown, 'GetItem', 'PutItem', 'DeleteItem'),
  items(switches, 'GetItem'), secret('secrets'),
];

export const functions = {
  'webhook-web': {
    memory: 256, timeout: 10, bots: true, http: [`POST ${messages}`, `POST ${token}`],
    may: [...accept, ...said, secret('access')],
  },
  'webhook-twilio': {
    memory: 256, timeout: 10, bots: true, http: ['POST /webhooks/twilio/{tenant}/{bot}'],
    may: [...accept, ...unreached, secret('secrets')],
  },
  'webhook-whatsapp': {
    memory: 256, timeout: 10, bots: true,
    http: ['GET /webhooks/whatsapp/{tenant}/{bot}', 'POST /webhooks/whatsapp/{tenant}/{bot}'],
    may: [...accept, ...unreached, secret('secrets')],
  },
  'api-messages': {
    memory: 256, timeout: 30, bots: true,
    http: [`GET ${messages}`, `GET ${turns}`, 'GET /healthz', 'GET /openapi.json'],
    may: [items(session, 'GetItem', 'Query'), bodies('Get'), secret('access')],
  },
  'api-approvals': {
    memory: 256, timeout: 10, bots: true,
    http: [
      'GET /v1/{tenant}/approvals', 'GET /v1/{tenant}/approvals/{approval}',
      'POST /v1/{tenant}/approvals/{approval}/approve', 'POST /v1/{tenant}/approvals/{approval}/deny',
    ],
    may: [items(approvals, 'GetItem', 'PutItem', 'Query'), answerFor, secret('access')],
  },
  'approval-ask': {
    memory: 128, timeout: 30, bots: true,
    may: [...accept, items(approvals, 'GetItem', 'PutItem'), answerFor, secret('access')],
  },
  'approval-tell': {
    memory: 128, timeout: 30, bots: true,
    may: [...accept, items(approvals, 'GetItem', 'PutItem'), answerSteps, tellEvents],
  },
  'api-unknown': {
    memory: 256, timeout: 10, bots: true, http: ['GET /v1/{tenant}/unknown', 'POST /v1/{tenant}/unknown/{id}'],
    may: [
      ...accept, items(session, 'GetItem', 'PutItem'), bodies('Get'),
      items(unknown, 'GetItem', 'Query', 'PutItem', 'DeleteItem'), secret('access'),
    ],
  },
  'api-sessions': {
    memory: 256, timeout: 30, bots: true,
    http: [
      `GET ${one}`,
      ...['takeover', 'handback', 'close', 'replies', 'turns/{turn}/redrive'].map((wish) => `POST ${one}/${wish}`),
    ],
    may: [
      ...accept, ...said, items(approvals, 'GetItem', 'PutItem', 'Query'), answerFor,
      items('document/*/request', 'GetItem', 'PutItem', 'DeleteItem'), secret('access'), tellEvents, goals, answerSteps,
    ],
  },
  'api-operate': {
    memory: 128, timeout: 10, bots: true,
    http: [
      'POST /v1/{tenant}/{bot}/stop', 'POST /v1/{tenant}/{bot}/resume',
      'POST /v1/{tenant}/stop', 'POST /v1/{tenant}/resume',
    ],
    may: [items(switches, 'GetItem', 'PutItem'), secret('access')],
  },
  'turn-run': {
    memory: 128, timeout: 150, bots: true, sends: true,
    may: [
      ...settle, ...tellTurns, items(approvals, 'GetItem', 'PutItem', 'Query'), answerFor,
      items(switches, 'GetItem'), items(budgets, 'UpdateItem'), park, ...notices, goals, answerSteps,
    ],
  },
  'tool-call': {
    memory: 128, timeout: 70, bots: true,
    may: [
      ...settle, items('record/*', 'PutItem'), items(approvals, 'GetItem', 'PutItem'),
      items(unknown, 'GetItem', 'PutItem', 'DeleteItem'), items(switches, 'GetItem'), askPeople, ...beginRun,
      items('document/*/reminder', 'GetItem', 'PutItem'), remind, goals, answerSteps,
    ],
  },
  'turn-deliver': { memory: 128, timeout: 70, bots: true, sends: true, may: [...settle, ...tellTurns, ...unreached, park] },
  'turn-fail': {
    memory: 128, timeout: 70, bots: true, sends: true,
    may: [...settle, ...tellTurns, ...unreached, items(unknown, 'GetItem', 'PutItem'), park],
  },
  'job-sweep': {
    memory: 128, timeout: 60,
    may: [items(session, 'GetItem', 'UpdateItem'), items('holds', 'Query', 'DeleteItem'), bodies('Get'), startTurn],
  },
  'stream-holds': { memory: 128, timeout: 60, may: [items('holds', 'PutItem'), events('stream')] },
  'queue-redrive': {
    memory: 128, timeout: 30, bots: true,
    may: [items(session, 'GetItem', 'Query', 'UpdateItem'), bodies('Get', 'Put'), startTurn, events('redrive')],
  },
  'socket-connect': {
    memory: 128, timeout: 10, socket: '$connect',
    may: [items(session, 'UpdateItem'), items('socket/*', 'PutItem'), secret('access')],
  },
  'socket-disconnect': {
    memory: 128, timeout: 10, socket: '$disconnect',
    may: [items(session, 'UpdateItem'), items('socket/*', 'GetItem', 'DeleteItem')],
  },
  'socket-message': {
    memory: 256, timeout: 10, bots: true, socket: '$default',
    may: [...accept, ...said, items('socket/*', 'GetItem'), connections],
  },
  'api-runs': {
    memory: 256, timeout: 30, bots: true,
    http: [
      'GET /v1/{tenant}/workflows', 'POST /v1/{tenant}/workflows/{workflow}/runs',
      'GET /v1/{tenant}/workflows/{workflow}/graph',
      `GET ${runs}`, `GET ${runs}/{run}`, `GET ${runs}/{run}/graph`, `GET ${runs}/{run}/value`, `POST ${runs}/{run}/cancel`, `POST ${runs}/{run}/retry`,
    ],
    may: [...beginRun, items('document/*/run-entry', 'Query'), items(session, 'GetItem'), bodies('Get'), readRuns, retryRuns, secret('access')],
  },
  'api-workflows': {
    memory: 256, timeout: 30, bots: true,
    http: [
      'GET /v1/{tenant}/workflows/{workflow}/versions', 'POST /v1/{tenant}/workflows/{workflow}/versions',
      'POST /v1/{tenant}/workflows/{workflow}/rollback',
    ],
    may: [
      ...catalogue, items('document/*/workflow', 'PutItem'), items('document/*/workflow-text', 'PutItem'), publish, lendRole, secret('access'),
    ],
  },
  'webhook-run': {
    memory: 256, timeout: 10, bots: true, http: ['POST /v1/{tenant}/hooks/{workflow}'],
    may: [...beginRun, secret('secrets'), tellEvents],
  },
  'workflow-start': { memory: 128, timeout: 30, bots: true, may: [...beginRun, giveUp] },
  'job-runs': {
    memory: 128, timeout: 30,
    may: [items('document/*/run', 'GetItem', 'PutItem'), items('document/*/room', 'GetItem', 'PutItem'), startRun, followRuns],
  },
  'step-tool': {
    memory: 128, timeout: 70, bots: true,
    may: [...stepOnce, items('record/*', 'PutItem'), items(approvals, 'GetItem', 'PutItem')],
  },
  'step-http': { memory: 128, timeout: 70, bots: true, may: stepOnce },
  'step-ask': {
    memory: 128, timeout: 290, bots: true,
    may: [
      items('document/*/cache', 'GetItem', 'PutItem'), items('document/*/run', 'GetItem', 'PutItem'),
      items(switches, 'GetItem'), items(budgets, 'UpdateItem'), secret('secrets'),
    ],
  },
  'step-approve': {
    memory: 128, timeout: 30, bots: true,
    may: [items(approvals, 'GetItem', 'PutItem'), askPeople, answerSteps],
  },
  'step-notify': { memory: 128, timeout: 30, bots: true, may: [...tell, seeThrough] },
  'notify-advance': { memory: 128, timeout: 30, bots: true, may: tell },
  'api-notices': {
    memory: 256, timeout: 10, bots: true, http: [`GET ${notice}`, `POST ${notice}/acknowledge`],
    may: [...notices, answerSteps, secret('access')],
  },
  'api-events': {
    memory: 256, timeout: 10, http: ['POST /v1/{tenant}/events'],
    may: [items(session, 'GetItem'), secret('access'), tellEvents],
  },
  'job-event': {
    memory: 128, timeout: 60, bots: true,
    may: [...beginRun, items('document/*/wait', 'GetItem', 'Query', 'DeleteItem'), answerSteps],
  },
  'step-wait': { memory: 128, timeout: 30, may: [items('document/*/wait', 'GetItem', 'PutItem')] },
  'reminder-tell': {
    memory: 128, timeout: 30, bots: true, may: [...accept, ...said, items('document/*/reminder', 'GetItem', 'PutItem')],
  },
  'step-converse': {
    memory: 128, timeout: 30, bots: true, may: [...accept, ...said, goals, answerSteps, items(switches, 'GetItem')],
  },
} satisfies Record<string, FunctionSpec>;

export type FunctionName = keyof typeof functions;
