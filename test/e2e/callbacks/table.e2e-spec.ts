import { readFileSync } from 'node:fs';
import { Controller, Get, Post, Query, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  BroadcastsTo,
  type CloseReason,
  MemoryBroker,
  OnRoom,
  type RoutedRequest,
  type SseBroker,
  type SseClient,
  type SseMessage,
  type SseMetrics,
  SseModule,
  type SseModuleOptions,
  type RoomDecision,
  SseRoom,
  SseRoomChanges,
  SseRun,
  SseRunTail,
  type SseTracing,
} from 'nestjs-simple-sse';
import { SseAdminModule } from 'nestjs-simple-sse/admin';
import { defineEvents, typeOnly, type StandardSchema } from 'nestjs-simple-sse/contract';
import { from, Observable, throwError } from 'rxjs';
import { platforms } from '../../support/platforms.js';
import { refusal, unchecked } from '../../support/refusal.js';
import type { RunningApp } from '../../support/running-app.js';
import { sseApp, type SseAppMetadata } from '../../support/sse-app.js';
import { eventually, pause, someTurns } from '../../support/within.js';
import { WrappedMemoryBroker } from '../../support/wrapped-memory-broker.js';

/** Four ways in which a callback of an application fails. */
const FAILURES = {
  throws: (): never => {
    throw new Error('the callback failed');
  },
  rejects: () => Promise.reject(new Error('the callback failed')),
  hangs: () => new Promise<never>(() => {}),
  nonsense: () => Symbol('nonsense'),
} satisfies Record<string, () => unknown>;

type Way = keyof typeof FAILURES;
const WAYS = Object.keys(FAILURES) as Way[];
/** A failing callback, of the type that its place needs. */
type Failure = () => never;

/** Failures of the handlers below, by the path of their routes. */
@Controller()
class CallbackController {
  @Get('stream')
  @SseRoom('room')
  stream(): void {}

  @Get('rooms')
  @SseRoom((request: { query: { way: Way } }) => unchecked<Promise<string>>(FAILURES[request.query.way]()))
  rooms(): void {}

  @Get('handler')
  @SseRoom('room')
  handler(@Query('way') way: Way): unknown {
    return FAILURES[way]();
  }

  @Get('snapshot')
  @SseRoom('room', {
    snapshot: ({ query }: RoutedRequest & { query: { way: Way } }) => FAILURES[query.way](),
  })
  snapshot(): void {}

  @Get('shared')
  @SseRoom('room', {
    snapshot: {
      load: ({ query }: RoutedRequest & { query: { way: Way } }) => FAILURES[query.way](),
      shared: true,
    },
  })
  shared(): void {}

  @OnRoom('received')
  receive({ data }: SseMessage): unknown {
    return FAILURES[data as Way]();
  }

  @BroadcastsTo((way: Way) => unchecked<string>(FAILURES[way]()))
  publish(way: Way): Way {
    return way;
  }

  @BroadcastsTo(() => 'room', 'mapped', { data: (way: Way) => FAILURES[way]() })
  publishMapped(way: Way): Way {
    return way;
  }

  @Get('source')
  @SseRoom('room')
  source(@Query('way') way: Way): AsyncIterable<string> | Observable<string> {
    if (way === 'throws') return throwError(() => new Error('the callback failed'));
    let isFirst = true;
    const next = (): Promise<IteratorResult<string>> => {
      if (!isFirst) return unchecked(FAILURES[way]());
      isFirst = false;
      return Promise.resolve({ value: 'first', done: false });
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }
}

/** Routes whose broker stores runs. */
@Controller()
class RunController {
  /** Set by a row. */
  static compact: Failure = () => unchecked<never>(undefined);

  @Get('stream')
  @SseRoom('room')
  stream(): void {}

  @Get('run/:id')
  @SseRun(':id')
  run(@Query('way') way: Way): unknown {
    return FAILURES[way]();
  }

  @Get('tail')
  @SseRunTail('parts', { compact: () => RunController.compact() })
  tail(): void {}

  @Post('changes')
  @SseRoomChanges({ timeoutMs: 100 })
  changes(@Query('way') way: Way): RoomDecision {
    return unchecked(FAILURES[way]());
  }

  @Post('users')
  @SseRoomChanges({
    user: (request: RoutedRequest & { query: { way: Way } }) => unchecked(FAILURES[request.query.way]()),
  })
  users(): RoomDecision {
    return true;
  }

  @Post('decisions')
  @SseRoomChanges({ timeoutMs: 100 })
  decisions(@Query('way') way: Way): RoomDecision {
    return () => unchecked(FAILURES[way]());
  }
}

/** Options for `RunController`, one of whose routes compares users. */
const WITH_USERS: SseModuleOptions = { identify: () => ({ user: 'somebody' }) };

/** What a cell of the table begins with, and the test of it. */
type Cell = readonly [outcome: string, play: (table: Play, fail: Failure, way: Way) => Promise<void>];
type Row = Readonly<Record<Way, Cell>>;

/** An application whose other clients are served, and what it has reported. */
class Play {
  readonly counted: string[] = [];
  readonly uncaught: unknown[] = [];
  readonly reasons: CloseReason[] = [];
  running!: RunningApp;

  constructor(private readonly platform: (typeof platforms)[number]) {}

  async start(
    options: SseModuleOptions = {},
    imports: SseAppMetadata['imports'] = [],
    controllers: Type[] = [CallbackController],
  ): Promise<void> {
    const metrics: SseMetrics = {
      clientOpened: () => {},
      clientClosed: () => {},
      eventDelivered: () => {},
      volatileDropped: () => {},
      callbackFailed: (name) => this.counted.push(name),
      ...(options.metrics as Partial<SseMetrics> | undefined),
    };
    this.running = await this.platform.start(
      sseApp({ controllers, imports, options: { ...options, metrics } }),
    );
    this.running.sse.disconnected$.subscribe(({ reason }) => this.reasons.push(reason));
  }

  /** Opens a stream, shows that it receives events, and that its client is forgotten. */
  async servesOthers(): Promise<void> {
    const endedBefore = this.reasons.length;
    const stream = await this.running.listen('/stream');
    await this.running.sse.broadcast('room', 'still served');
    expect((await stream.nextEvent()).data).toBe('still served');
    stream.close();
    await eventually(() => this.reasons.length > endedBefore, 'the end of the client');
  }

  /** Sends a request that is not answered, and shows that nothing of it is left when its client has gone. */
  async leavesWaiting(path: string): Promise<void> {
    const waiting = this.running.open(path).catch(() => 'closed');
    await eventually(() => this.running.sse.health().streams === 1, 'the request');
    await this.servesOthers();
    this.running.server.closeAllConnections();
    expect(await waiting).toBe('closed');
    await eventually(() => this.running.sse.count() === 0, 'no client');
    await eventually(() => this.running.sse.health().streams === 0, 'no slot of a limit');
  }

  get log(): string {
    return this.running.logger.complaints.map(({ text }) => text).join('\n');
  }
}

/** Is reported by name, once in the log, and nothing else changes. */
function reported(
  name: string,
  { options, subscribe }: { options?: (fail: Failure) => SseModuleOptions; subscribe?: Subscribe },
): Cell {
  return [
    'Reported',
    async (table, fail) => {
      await table.start(options?.(fail));
      subscribe?.(table.running, fail);
      await table.servesOthers();
      await table.servesOthers();
      await eventually(() => table.counted.includes(name), 'the count');
      expect(table.log.split(`A callback of the application failed: ${name}`)).toHaveLength(2);
    },
  ];
}

type Subscribe = (running: RunningApp, fail: Failure) => unknown;

/** Changes nothing, and is not reported. */
function ignored(options?: (fail: Failure) => SseModuleOptions, subscribe?: Subscribe): Cell {
  return [
    'No effect',
    async (table, fail) => {
      await table.start(options?.(fail));
      subscribe?.(table.running, fail);
      await table.servesOthers();
      await table.servesOthers();
      expect(table.counted).toEqual([]);
      expect(table.log).toBe('');
    },
  ];
}

/** A callback whose result nobody looks at. */
function resultIgnored(
  name: string,
  options?: (fail: Failure) => SseModuleOptions,
  subscribe?: Subscribe,
): Row {
  const failing = reported(name, { ...(options && { options }), ...(subscribe && { subscribe }) });
  const unseen = ignored(options, subscribe);
  return { throws: failing, rejects: failing, hangs: unseen, nonsense: unseen };
}

const subscriber = (name: 'connected$' | 'disconnected$' | 'brokerState$'): Row =>
  resultIgnored(name, undefined, ({ sse }, fail) =>
    (sse[name] as Observable<unknown>).subscribe(() => fail()),
  );

/** Answers the request with a status, and forgets the client. */
function answered(
  status: number,
  path: string,
  options?: (fail: Failure) => SseModuleOptions,
  headers: Record<string, string> = {},
): Cell {
  return [
    String(status),
    async (table, fail, way) => {
      await table.start(options?.(fail));
      const answer = await table.running.open(`${path}?way=${way}`, { headers });
      expect(answer.status).toBe(status);
      expect(table.running.sse.count()).toBe(0);
      expect(table.running.sse.health().streams).toBe(0);
      if (options === undefined) await table.servesOthers();
    },
  ];
}

/** Rejects the call, and changes nothing else. */
function rejected(
  error: object,
  call: (running: RunningApp, fail: Failure) => Promise<unknown>,
  options?: (fail: Failure) => SseModuleOptions,
): Cell {
  return [
    'Rejects',
    async (table, fail) => {
      await table.start(options?.(fail));
      expect(await refusal(() => call(table.running, fail))).toMatchObject(error);
      const stream = await table.running.listen('/stream');
      await eventually(() => table.running.sse.count('room') === 1, 'the client');
      stream.close();
      await eventually(() => table.running.sse.count() === 0, 'the end of the client');
    },
  ];
}

/** Keeps its own request waiting until its client leaves, and no other. */
function waits(path: string): Cell {
  return [
    'Waits',
    async (table, _fail, way) => {
      await table.start();
      await table.leavesWaiting(`${path}?way=${way}`);
    },
  ];
}

const FAILED = { message: 'the callback failed' };
const INVALID = { code: 'invalid-arguments' };

function brokerWith(method: keyof SseBroker, fail: Failure): SseModuleOptions {
  const broker = new WrappedMemoryBroker();
  Object.assign(broker, { [method]: fail });
  return { broker };
}

const CROSS_SITE = { cookie: 'a=1', origin: 'https://other.example', 'sec-fetch-site': 'cross-site' };
/** A broker that starts, and then fails to say so. */
function startedBroker(fail: Failure): SseModuleOptions {
  const broker = new WrappedMemoryBroker();
  const start = broker.start.bind(broker);
  broker.start = async (...args) => {
    await start(...args);
    return fail();
  };
  return { broker };
}

const keyed = (keyOf: Failure): SseModuleOptions => ({ limits: { keyOf } });
const origins = (allowedOrigins: Failure): SseModuleOptions => ({ allowedOrigins });
const identity = (identify: Failure): SseModuleOptions => ({ identify });
const member = { rooms: { room: { presence: true } }, identify: () => ({ user: 'somebody' }) };

/** Answers a request with a ticket, which is used and has set no cookie. */
const redeems = (status: number, options: (fail: Failure) => SseModuleOptions): Cell => [
  String(status),
  async (table, fail) => {
    await table.start(options(fail));
    const ticket = await table.running.sse.tickets.issue({ user: 'somebody' });
    const answer = await table.running.open(`/stream?ticket=${ticket}`);
    expect([answer.status, answer.headers['set-cookie']]).toEqual([status, undefined]);
    expect(table.running.sse.health().streams).toBe(0);
    await table.servesOthers();
  },
];
const redeemWaits = (options: (fail: Failure) => SseModuleOptions): Cell => [
  'Waits',
  async (table, fail) => {
    await table.start(options(fail));
    const ticket = await table.running.sse.tickets.issue({ user: 'somebody' });
    await table.leavesWaiting(`/stream?ticket=${ticket}`);
  },
];
/** The page, its stream and its actions are answered with the status, and nothing of them is left. */
const guarded = (status: number): Cell => [
  String(status),
  async (table, canActivate) => {
    await table.start({}, [SseAdminModule.forRoot({ guards: [{ canActivate }] })]);
    for (const path of ['/sse-admin', '/sse-admin/assets/app.js', '/sse-admin/events']) {
      const answer = await table.running.open(path);
      expect([path, answer.status]).toEqual([path, status]);
      answer.close();
    }
    await eventually(() => table.running.sse.health().streams === 0, 'no slot of a limit');
    await table.servesOthers();
  },
];
const guardWaits: Cell = [
  'Waits',
  async (table, canActivate) => {
    await table.start({}, [SseAdminModule.forRoot({ guards: [{ canActivate }] })]);
    const waiting = table.running.open('/sse-admin/events').catch(() => 'closed');
    await someTurns();
    expect(table.running.sse.health().streams).toBe(0);
    await table.servesOthers();
    table.running.server.closeAllConnections();
    expect(await waiting).toBe('closed');
  },
];
const authorized = (authorize: Failure): SseModuleOptions => ({ tickets: { authorize } });
/** A POST for one room is answered with the status; or with 200, and the status for the room. */
const changesRooms = (path: string, outcome: '500' | '503' | 'Refuses', roomStatus?: number): Cell => [
  outcome,
  async (table, _fail, way) => {
    await table.start(WITH_USERS, [], [RunController]);
    const stream = await table.running.listen('/stream');
    const [client] = [...table.running.sse.clients()];
    const answer = await fetch(`${table.running.url}${path}?way=${way}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client: client?.id, join: ['other'] }),
    });
    const body = (await answer.json()) as { refused?: { status: number }[] };
    expect([answer.status, body.refused?.map(({ status }) => status)]).toEqual(
      outcome === 'Refuses' ? [200, [roomStatus]] : [Number(outcome), undefined],
    );
    expect([...(client?.rooms ?? [])]).toEqual(['room']);
    stream.close();
    await eventually(() => table.running.sse.count() === 0, 'the end of the client');
    await table.servesOthers();
  },
];
const runFails = (status: number): Cell => [
  String(status),
  async (table, _fail, way) => {
    await table.start(WITH_USERS, [], [RunController]);
    expect((await table.running.open(`/run/one?way=${way}`)).status).toBe(status);
    await table.servesOthers();
  },
];
const runWaits: Cell = [
  'Waits',
  async (table, _fail, way) => {
    await table.start(WITH_USERS, [], [RunController]);
    await table.leavesWaiting(`/run/one?way=${way}`);
  },
];
const compacts = (isReported: boolean): Cell => [
  isReported ? 'Logged' : 'No effect',
  async (table, fail) => {
    await table.start(WITH_USERS, [], [RunController]);
    RunController.compact = fail;
    const run = await table.running.sse.runs.start('parts', from(['one', 'two']));
    await run.ended();
    const stream = await table.running.listen('/tail');
    const events = await stream.nextEvents(2);
    expect(events.map(({ data }) => data)).toEqual(['one', 'two']);
    expect(table.log.includes('compact')).toBe(isReported);
    stream.close();
    await table.servesOthers();
  },
];
/** The stream opens without the limit. */
const unlimited = (outcome: 'Opens' | 'Waits'): Cell => [
  outcome,
  async (table, fail) => {
    const broker = Object.assign(new MemoryBroker(), { userStreams: { add: fail, remove: fail } });
    const limits = { maxStreamsPerUserOnAllNodes: 1 };
    await table.start({ broker, limits, identify: () => ({ user: 'somebody' }) });
    await Promise.all([table.servesOthers(), table.servesOthers()]);
    expect(table.log.split('was not checked')).toHaveLength(2);
  },
];
const brokerTickets = (take: Failure): SseModuleOptions => {
  const broker = new WrappedMemoryBroker();
  Object.assign(broker, { tickets: { put: () => Promise.resolve(), read: () => undefined, take } });
  return { broker };
};

const end = (): void => {};

/** Reports a method of a tracer, and delivers the event without its trace. */
const traces = (method: keyof SseTracing): Cell =>
  reported(`tracing.${method}`, {
    options: (fail) => {
      const tracing: SseTracing = {
        publishStarted: () => ({ trace: { traceparent: '00-1-2-01' }, end }),
        deliveryStarted: () => ({ end }),
        [method]: fail,
      };
      return { tracing };
    },
  });

const serializes = rejected(
  { code: 'invalid-data' },
  ({ sse }) => sse.broadcast('room', { a: 1 }),
  (serialize) => ({ serialize }),
);
/** Two kinds of events in the room: one without a name, and one whose schema fails. */
const contract = (validate: Failure, checkEvents: 'warn' | true): SseModuleOptions => {
  const failing: StandardSchema = { '~standard': { version: 1, vendor: 'application', validate } };
  return { events: defineEvents({ room: { message: typeOnly(), failing } }), checkEvents };
};
const mismatches = rejected(
  { code: 'data-mismatch' },
  ({ sse }) => sse.broadcast('room', 'failing', 1),
  (validate) => contract(validate, true),
);
const warns: Cell = [
  'Logged',
  async (table, validate) => {
    await table.start(contract(validate, 'warn'));
    const stream = await table.running.listen('/stream');
    await table.running.sse.broadcast('room', 'failing', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'failing', data: '1' });
    expect(table.log).toContain('does not fit the contract: its schema');
    stream.close();
    await eventually(() => table.running.sse.count() === 0, 'the end of the client');
    await table.servesOthers();
  },
];
const decides = (error: object): Cell => [
  'Rejects',
  async (table, fail) => {
    await table.start(member);
    const stream = await table.running.listen('/stream');
    const { sse } = table.running;
    await eventually(async () => (await sse.presence('room')).length === 1, 'the member');
    expect(await refusal(() => sse.disconnect({ room: 'room', where: fail }))).toMatchObject(error);
    await sse.broadcast('room', 'still here');
    expect((await stream.nextEvent()).data).toBe('still here');
  },
];

const joins = async (table: Play, authorizeRoom: Failure): Promise<boolean> => {
  await table.start({ authorizeRoom });
  const { sse } = table.running;
  await table.running.listen('/stream');
  await eventually(() => sse.count('room') === 1, 'the client');
  return sse.join([...sse.clients()][0] as SseClient, 'another');
};
/** The join of an open stream rejects, and is reported once. */
const joinIsRefused: Cell = [
  'Rejects',
  async (table, fail) => {
    await expect(joins(table, fail)).rejects.toMatchObject({ code: 'room-forbidden' });
    expect(table.counted).toEqual(['authorizeRoom']);
    await table.servesOthers();
  },
];
const joinWaits: Cell = [
  'Waits',
  async (table, fail) => {
    let isSettled = false;
    const joined = joins(table, fail).finally(() => (isSettled = true));
    await eventually(() => (table.running as RunningApp | undefined)?.sse.count('room') === 1, 'the client');
    await table.servesOthers();
    expect(isSettled).toBe(false);
    for (const client of table.running.sse.clients()) client.close();
    expect(await joined).toBe(false);
  },
];

const sourceFails: Cell = [
  'Ends',
  async (table, _fail, way) => {
    await table.start();
    const stream = await table.running.open(`/source?way=${way}`);
    await stream.ended;
    await eventually(() => table.running.sse.count() === 0, 'the end of the client');
    if (stream.status === 200) expect(table.reasons).toEqual(['source-failed']);
    await table.servesOthers();
  },
];

/** Comes back with a position that is not known, so that the state is loaded while the stream is open. */
const stateAfterGap = (outcome: 'Ends' | 'Waits'): Cell => [
  outcome,
  async (table, _fail, way) => {
    await table.start();
    const headers = { 'last-event-id': '1.00000000.0' };
    const stream = await table.running.listen(`/snapshot?way=${way}`, { headers });
    if (outcome === 'Ends') {
      await stream.ended;
      await eventually(() => table.reasons.length > 0, 'the end of the client');
      expect(table.reasons).toEqual(['source-failed']);
    } else {
      await table.running.sse.broadcast('room', 'held');
      await someTurns();
      expect(stream.isOpen).toBe(true);
      stream.close();
      await eventually(() => table.running.sse.count() === 0, 'the end of the client');
    }
    await table.servesOthers();
  },
];

const receives = (fails: boolean): Cell => [
  fails ? 'Reported' : 'No effect',
  async (table, _fail, way) => {
    await table.start();
    await table.running.sse.broadcast('received', way);
    await table.servesOthers();
    expect(table.counted).toEqual(fails ? ['@OnRoom'] : []);
  },
];

const publishesResult = (method: 'publish' | 'publishMapped'): Cell => [
  'Reported',
  async (table, _fail, way) => {
    await table.start();
    expect(table.running.get(CallbackController)[method](way)).toBe(way);
    await table.servesOthers();
    expect(table.counted).toEqual(['@BroadcastsTo']);
  },
];

const publishesFrom = (fails: boolean): Cell => [
  fails ? 'Reported' : 'No effect',
  async (table, fail, way) => {
    await table.start();
    const source = new Observable<string>((observer) => {
      if (way === 'nonsense') observer.next(fail());
      else if (way !== 'hangs') void from(Promise.resolve().then(fail)).subscribe(observer);
    });
    table.running.sse.publishFrom('room', source);
    await table.servesOthers();
    if (fails) await eventually(() => table.counted.includes('publishFrom'), 'the count');
    else expect(table.counted).toEqual([]);
  },
];

const produces = (fails: boolean): Cell => [
  fails ? 'Reported' : 'No effect',
  async (table, fail) => {
    await table.start();
    const run = await table.running.sse.runs.start('run', fail);
    if (fails) expect(await run.ended()).toMatchObject({ state: 'failed', events: 0 });
    await table.servesOthers();
    expect(table.counted).toEqual(fails ? ['run'] : []);
    expect(await table.running.sse.runs.stop('run')).toMatchObject({ state: fails ? 'failed' : 'stopped' });
  },
];

const publishRejects = (error: object): Cell =>
  rejected(
    error,
    ({ sse }) => sse.broadcast('room', 'one'),
    (fail) => brokerWith('publish', fail),
  );

const brokerCall = (outcome: string, method: 'subscribe' | 'unsubscribe', isLogged: boolean): Cell => [
  outcome,
  async (table, fail) => {
    const broker = new WrappedMemoryBroker();
    await table.start({ broker });
    const original = broker[method].bind(broker);
    Object.assign(broker, { [method]: fail });
    const stream = await table.running.open('/stream');
    stream.close();
    await eventually(() => table.running.sse.count() === 0, 'the end of the client');
    if (isLogged) await eventually(() => table.log.includes('the callback failed'), 'the line');
    await someTurns();
    if (!isLogged) expect(table.log).toBe('');
    expect(table.running.sse.rooms()).toEqual([]);
    Object.assign(broker, { [method]: original });
    await table.servesOthers();
  },
];

const reads = (outcome: 'Ends' | 'Waits'): Cell => [
  outcome,
  async (table, fail) => {
    const broker = new WrappedMemoryBroker();
    await table.start({ broker });
    const id = await table.running.sse.broadcast('room', 'one');
    Object.assign(broker, { read: fail });
    const stream = await table.running.open('/stream', { headers: { 'last-event-id': id ?? '' } });
    if (outcome === 'Ends') {
      await stream.ended;
      await eventually(() => table.reasons.length > 0, 'the end of the client');
      expect(table.reasons).toEqual(['broker-unavailable']);
    } else {
      await table.running.sse.broadcast('room', 'held');
      await someTurns();
      expect(stream.isOpen).toBe(true);
      stream.close();
      await eventually(() => table.running.sse.count() === 0, 'the end of the client');
    }
    await table.servesOthers();
  },
];

const closes = (outcome: 'Reported' | 'No effect'): Cell => [
  outcome,
  async (table, fail) => {
    await table.start(brokerWith('close', fail));
    await table.servesOthers();
    await table.running.shutDown();
    expect(table.counted).toEqual(outcome === 'Reported' ? ['broker'] : []);
  },
];

const OPTIONS_OF_NEST = { logger: false, abortOnError: false } as const;

const starts = (options: (fail: Failure) => SseModuleOptions, error: object): Cell => [
  'No start',
  async (table, fail) => {
    const created = NestFactory.createApplicationContext(sseApp({ options: options(fail) }), OPTIONS_OF_NEST);
    expect(await refusal(() => created)).toMatchObject(error);
    await table.start();
  },
];

/** The start waits for a callback, as the start of any provider does. */
const startWaits = (module: (fail: Failure) => ReturnType<typeof SseModule.forRootAsync>): Cell => [
  'Waits',
  async (table, fail) => {
    let isStarted = false;
    const created = NestFactory.createApplicationContext(module(fail), OPTIONS_OF_NEST);
    void created.then(() => (isStarted = true));
    await table.start();
    await table.servesOthers();
    await pause(50);
    expect(isStarted).toBe(false);
  },
];

const useFactory = (fail: Failure): ReturnType<typeof SseModule.forRootAsync> =>
  SseModule.forRootAsync({ useFactory: fail });
const startsWith = (error: object): Cell => [
  'No start',
  async (table, fail) => {
    const created = NestFactory.createApplicationContext(useFactory(fail), OPTIONS_OF_NEST);
    expect(await refusal(() => created)).toMatchObject(error);
    await table.start();
  },
];

const presenceEvents: Row = resultIgnored(
  'presence$',
  () => member,
  ({ sse }, fail) => sse.presence$('room').subscribe(() => fail()),
);

/** The rows of the table in docs/10-errors.md, each with its four cells. */
const TABLE: Readonly<Record<string, Row>> = {
  metrics: resultIgnored('metrics.clientOpened', (clientOpened) => ({
    metrics: unchecked({ clientOpened }),
  })),
  identify: {
    throws: reported('identify', { options: identity }),
    rejects: reported('identify', { options: identity }),
    hangs: reported('identify', { options: identity }),
    nonsense: reported('identify', { options: identity }),
  },
  'limits.keyOf': {
    throws: answered(500, '/stream', keyed),
    rejects: answered(500, '/stream', keyed),
    hangs: answered(500, '/stream', keyed),
    nonsense: answered(500, '/stream', keyed),
  },
  allowedOrigins: {
    throws: answered(500, '/stream', origins, CROSS_SITE),
    rejects: answered(500, '/stream', origins, CROSS_SITE),
    hangs: answered(500, '/stream', origins, CROSS_SITE),
    nonsense: answered(500, '/stream', origins, CROSS_SITE),
  },
  'tickets.authorize': {
    throws: redeems(500, authorized),
    rejects: redeems(500, authorized),
    hangs: redeemWaits(authorized),
    nonsense: redeems(403, authorized),
  },
  'SseAdminModule guards': {
    throws: guarded(500),
    rejects: guarded(500),
    hangs: guardWaits,
    nonsense: guarded(200),
  },
  'tracing.publishStarted': {
    throws: traces('publishStarted'),
    rejects: traces('publishStarted'),
    hangs: traces('publishStarted'),
    nonsense: traces('publishStarted'),
  },
  'tracing.deliveryStarted': {
    throws: traces('deliveryStarted'),
    rejects: traces('deliveryStarted'),
    hangs: traces('deliveryStarted'),
    nonsense: traces('deliveryStarted'),
  },
  connected$: subscriber('connected$'),
  disconnected$: subscriber('disconnected$'),
  brokerState$: subscriber('brokerState$'),
  presence$: presenceEvents,
  stream: resultIgnored('stream()', undefined, ({ sse }, fail) => sse.stream('room').subscribe(() => fail())),
  serialize: { throws: serializes, rejects: serializes, hangs: serializes, nonsense: serializes },
  validate: { throws: mismatches, rejects: mismatches, hangs: mismatches, nonsense: mismatches },
  "validate with checkEvents: 'warn'": { throws: warns, rejects: warns, hangs: warns, nonsense: warns },
  where: {
    throws: decides(FAILED),
    rejects: decides(INVALID),
    hangs: decides(INVALID),
    nonsense: decides(INVALID),
  },
  authorizeRoom: {
    throws: joinIsRefused,
    rejects: joinIsRefused,
    hangs: joinWaits,
    nonsense: joinIsRefused,
  },
  '@SseRoom': {
    throws: answered(500, '/rooms'),
    rejects: answered(500, '/rooms'),
    hangs: waits('/rooms'),
    nonsense: answered(400, '/rooms'),
  },
  snapshot: {
    throws: answered(500, '/snapshot'),
    rejects: answered(500, '/snapshot'),
    hangs: waits('/snapshot'),
    nonsense: answered(500, '/snapshot'),
  },
  'snapshot with shared': {
    throws: answered(500, '/shared'),
    rejects: answered(500, '/shared'),
    hangs: waits('/shared'),
    nonsense: answered(500, '/shared'),
  },
  'snapshot after a gap': {
    throws: stateAfterGap('Ends'),
    rejects: stateAfterGap('Ends'),
    hangs: stateAfterGap('Waits'),
    nonsense: stateAfterGap('Ends'),
  },
  handler: {
    throws: answered(500, '/handler'),
    rejects: answered(500, '/handler'),
    hangs: waits('/handler'),
    nonsense: answered(500, '/handler'),
  },
  'handler source': {
    throws: sourceFails,
    rejects: sourceFails,
    hangs: [
      'Stays open',
      async (table) => {
        await table.start();
        const stream = await table.running.listen('/source?way=hangs');
        await stream.nextEvent();
        await table.running.sse.broadcast('room', 'one');
        expect((await stream.nextEvent()).data).toBe('one');
        stream.close();
        await eventually(() => table.running.sse.count() === 0, 'the end of the client');
      },
    ],
    nonsense: sourceFails,
  },
  '@SseRun': {
    throws: runFails(500),
    rejects: runFails(500),
    hangs: runWaits,
    nonsense: runFails(500),
  },
  'compact of @SseRunTail': {
    throws: compacts(true),
    rejects: compacts(true),
    hangs: compacts(true),
    nonsense: compacts(true),
  },
  '@SseRoomChanges': {
    throws: changesRooms('/changes', '500'),
    rejects: changesRooms('/changes', '500'),
    hangs: changesRooms('/changes', '503'),
    nonsense: changesRooms('/changes', '500'),
  },
  'decision of @SseRoomChanges': {
    throws: changesRooms('/decisions', 'Refuses', 500),
    rejects: changesRooms('/decisions', 'Refuses', 500),
    hangs: changesRooms('/decisions', 'Refuses', 503),
    nonsense: changesRooms('/decisions', 'Refuses', 500),
  },
  'user of @SseRoomChanges': {
    throws: changesRooms('/users', '500'),
    rejects: changesRooms('/users', '500'),
    hangs: changesRooms('/users', '500'),
    nonsense: changesRooms('/users', '500'),
  },
  publishFrom: {
    throws: publishesFrom(true),
    rejects: publishesFrom(true),
    hangs: publishesFrom(false),
    nonsense: publishesFrom(true),
  },
  'runs.start': {
    throws: produces(true),
    rejects: produces(true),
    hangs: produces(false),
    nonsense: produces(true),
  },
  '@BroadcastsTo': {
    throws: publishesResult('publish'),
    rejects: publishesResult('publish'),
    hangs: publishesResult('publish'),
    nonsense: publishesResult('publish'),
  },
  'data of @BroadcastsTo': {
    throws: publishesResult('publishMapped'),
    rejects: publishesResult('publishMapped'),
    hangs: publishesResult('publishMapped'),
    nonsense: publishesResult('publishMapped'),
  },
  '@OnRoom': {
    throws: receives(true),
    rejects: receives(true),
    hangs: receives(false),
    nonsense: receives(false),
  },
  'broker.start': {
    throws: starts((fail) => brokerWith('start', fail), FAILED),
    rejects: starts((fail) => brokerWith('start', fail), FAILED),
    hangs: startWaits((fail) => SseModule.forRoot(brokerWith('start', fail))),
    nonsense: ignored((fail) => startedBroker(fail)),
  },
  'broker.publish': {
    throws: publishRejects(FAILED),
    rejects: publishRejects(FAILED),
    hangs: [
      'Waits',
      async (table, fail) => {
        const broker = new WrappedMemoryBroker();
        await table.start({ broker, shutdownGraceMs: 100 });
        const original = broker.publish.bind(broker);
        broker.publish = fail;
        let isSettled = false;
        void table.running.sse.broadcast('room', 'one').then(() => (isSettled = true));
        broker.publish = original;
        await table.servesOthers();
        expect(isSettled).toBe(false);
      },
    ],
    nonsense: [
      'Settles',
      async (table, fail) => {
        const broker = new WrappedMemoryBroker();
        await table.start({ broker });
        const original = broker.publish.bind(broker);
        broker.publish = fail;
        expect(await table.running.sse.broadcast('room', 'one')).toBeUndefined();
        broker.publish = original;
        await table.servesOthers();
      },
    ],
  },
  'broker.subscribe': {
    throws: brokerCall('Logged', 'subscribe', true),
    rejects: brokerCall('Logged', 'subscribe', true),
    hangs: brokerCall('Waits', 'subscribe', false),
    nonsense: brokerCall('No effect', 'subscribe', false),
  },
  'broker.unsubscribe': {
    throws: brokerCall('Logged', 'unsubscribe', true),
    rejects: brokerCall('Logged', 'unsubscribe', true),
    hangs: brokerCall('No effect', 'unsubscribe', false),
    nonsense: brokerCall('No effect', 'unsubscribe', false),
  },
  'broker.read': {
    throws: reads('Ends'),
    rejects: reads('Ends'),
    hangs: reads('Waits'),
    nonsense: reads('Ends'),
  },
  'broker.tickets': {
    throws: redeems(500, brokerTickets),
    rejects: redeems(500, brokerTickets),
    hangs: redeemWaits(brokerTickets),
    nonsense: redeems(500, brokerTickets),
  },
  'broker.userStreams': {
    throws: unlimited('Opens'),
    rejects: unlimited('Opens'),
    hangs: unlimited('Waits'),
    nonsense: unlimited('Opens'),
  },
  'broker.close': {
    throws: closes('Reported'),
    rejects: closes('Reported'),
    hangs: [
      'Waits',
      async (table, fail) => {
        await table.start(brokerWith('close', fail));
        const stream = await table.running.listen('/stream');
        let isClosed = false;
        void table.running.app.close().then(() => (isClosed = true));
        await stream.ended;
        await pause(50);
        expect(isClosed).toBe(false);
        table.running.server.close();
        await table.start();
      },
    ],
    nonsense: closes('No effect'),
  },
  useFactory: {
    throws: startsWith(FAILED),
    rejects: startsWith(FAILED),
    hangs: startWaits(useFactory),
    nonsense: startsWith({ code: 'invalid-options' }),
  },
};

describe.each(platforms)('a callback of the application, on $name,', (platform) => {
  let table: Play;
  const collect = (error: unknown): void => void table.uncaught.push(error);

  beforeEach(() => {
    table = new Play(platform);
    process.on('uncaughtException', collect).on('unhandledRejection', collect);
  });
  afterEach(async () => {
    await table.running.close();
    await someTurns();
    process.off('uncaughtException', collect).off('unhandledRejection', collect);
    expect(table.uncaught).toEqual([]);
  });

  const cells = Object.entries(TABLE).flatMap(([callback, row]) =>
    WAYS.map((way) => ({ callback, way, outcome: row[way][0], play: row[way][1] })),
  );
  it.each(cells)('$callback that $way has the outcome of the table: $outcome', async ({ play, way }) => {
    await play(table, FAILURES[way] as Failure, way);
  });
});

it('the table in docs/10-errors.md has these rows and outcomes, and no other', () => {
  const [, section = ''] = readFileSync('docs/10-errors.md', 'utf8').split('## Callbacks of the application');
  const rows = Array.from(section.split('\n## ')[0]?.matchAll(/^\| `([^`(]+)[^|]*\|(.*)\|$/gm) ?? []);
  const documented = rows.map(([, name = '', cells = '']): [string, string[]] => [
    name.trim(),
    cells.split('|').map((cell) => cell.trim().replaceAll('`', '')),
  ]);
  const outcomes = Object.entries(TABLE).map(([name, row]): [string, string[]] => [
    name,
    WAYS.map((way) => row[way][0]),
  ]);
  // The rest of a cell says more about its outcome.
  const begins = documented.map(([name, cells], index) => [
    name,
    cells.map((cell, column) => {
      const outcome = outcomes[index]?.[1][column] ?? '';
      return cell.startsWith(outcome) ? outcome : cell;
    }),
  ]);
  expect(begins).toEqual(outcomes);
});
