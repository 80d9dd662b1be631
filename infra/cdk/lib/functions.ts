import { bodies, connections, events, type Grant, items, park, secret, startTurn } from './grants';

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
const switches = 'document/*/switch';
const budgets = 'document/*/budget';
const messages = '/v1/{tenant}/{bot}/sessions/{session}/messages';
const token = '/v1/{tenant}/{bot}/sessions/{session}/token';
const turns = '/v1/{tenant}/{bot}/sessions/{session}/turns';
const accept = [items(session, 'UpdateItem'), bodies('Put'), startTurn];
const settle = [
  items(session, 'GetItem', 'PutItem', 'UpdateItem'),
  bodies('Get', 'Put'),
  secret('secrets'),
  connections,
];

export const functions = {
  'webhook-web': {
    memory: 256, timeout: 10, bots: true, http: [`POST ${messages}`, `POST ${token}`],
    may: [...accept, secret('access')],
  },
  'webhook-twilio': {
    memory: 256, timeout: 10, bots: true, http: ['POST /webhooks/twilio/{tenant}/{bot}'],
    may: [...accept, secret('secrets')],
  },
  'webhook-whatsapp': {
    memory: 256, timeout: 10, bots: true,
    http: ['GET /webhooks/whatsapp/{tenant}/{bot}', 'POST /webhooks/whatsapp/{tenant}/{bot}'],
    may: [...accept, secret('secrets')],
  },
  'api-messages': {
    memory: 256, timeout: 30, bots: true,
    http: [`GET ${messages}`, `GET ${turns}`, 'GET /healthz', 'GET /openapi.json'],
    may: [items(session, 'GetItem', 'Query'), bodies('Get'), secret('access')],
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
    may: [...settle, items(session, 'Query'), items(switches, 'GetItem'), items(budgets, 'UpdateItem'), park],
  },
  'tool-call': {
    memory: 128, timeout: 70, bots: true,
    may: [...settle, items('record/*', 'PutItem'), items(switches, 'GetItem')],
  },
  'turn-deliver': { memory: 128, timeout: 70, bots: true, sends: true, may: [...settle, park] },
  'turn-fail': { memory: 128, timeout: 70, bots: true, sends: true, may: [...settle, park] },
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
    may: [...accept, items('socket/*', 'GetItem'), connections],
  },
} satisfies Record<string, FunctionSpec>;

export type FunctionName = keyof typeof functions;
