import { posix } from 'node:path';
import * as api from 'nestjs-simple-sse';
import ts from 'typescript';
import { importsOf } from './support/architecture-rules.js';

/** Every name that the package exports. What is not here is not public, and what is here stays. */
const API: Readonly<
  Record<string, { readonly values: readonly string[]; readonly types: readonly string[] }>
> = {
  'index.ts': {
    values: [
      'BroadcastsTo',
      'ConnectedClient',
      'LastEventId',
      'MemoryBroker',
      'OnRoom',
      'RoomMessage',
      'RunSignal',
      'SseClient',
      'SseDestination',
      'SseError',
      'SseInterceptor',
      'SseModule',
      'SseRetryLaterException',
      'SseRoom',
      'SseRoomChanges',
      'SseRun',
      'SseRunTail',
      'SseRuns',
      'SseService',
      'SseTicketGuard',
      'SseTickets',
      'ticketOf',
      'ticketRooms',
    ],
    types: [
      'Acknowledge',
      'AddOptions',
      'AllowedOrigins',
      'AuthorizeRoom',
      'BroadcastOptions',
      'BroadcastsToOptions',
      'BrokerListener',
      'BrokerLogLevel',
      'BrokerNode',
      'BrokerState',
      'ClaimedSession',
      'CloseReason',
      'ControlChannel',
      'DecideRoom',
      'DisconnectOptions',
      'EarlierCopy',
      'EmitOptions',
      'ExcludedTarget',
      'HistoryPage',
      'HistoryPolicy',
      'Identify',
      'IssueOptions',
      'JoinOptions',
      'JsonValue',
      'LoadSnapshot',
      'LocalPresence',
      'MergeRunEvents',
      'MissingAcknowledgement',
      'OnRoomOptions',
      'PartitionedBroker',
      'PresenceChange',
      'PresenceCount',
      'PresenceStore',
      'PresentUser',
      'PublishOptions',
      'PublishReceipt',
      'ReadOptions',
      'RefusedRoom',
      'RemoteOptions',
      'RemoteTarget',
      'Replay',
      'RetryLaterOptions',
      'RetryRange',
      'RetryTime',
      'RoomChangesAnswer',
      'RoomDecision',
      'RoomDelivery',
      'RoomEvent',
      'RoomHistoryLimits',
      'RoomName',
      'RoomSource',
      'RoomsOfRequest',
      'RoomsOfResult',
      'RoutedRequest',
      'RunBounds',
      'RunChange',
      'RunLease',
      'RunListener',
      'RunPage',
      'RunProgress',
      'RunRead',
      'RunRecord',
      'RunSource',
      'RunStart',
      'RunState',
      'RunStore',
      'SendOptions',
      'SessionChange',
      'SessionName',
      'SessionOutcome',
      'SessionOwner',
      'SessionRoom',
      'SessionStore',
      'SessionTarget',
      'SseBroker',
      'SseClientContext',
      'SseErrorCode',
      'SseGauges',
      'SseHealth',
      'SseIdentity',
      'SseLimitOptions',
      'SseMember',
      'SseMessage',
      'SseMetrics',
      'SseModuleAsyncOptions',
      'SseModuleOptions',
      'SseOptionsFactory',
      'SseRoomChangesOptions',
      'SseRoomOptions',
      'SseRoomPolicyOptions',
      'SseRunEvent',
      'SseRunOptions',
      'SseRunRouteOptions',
      'SseRunStatus',
      'SseRunTailOptions',
      'SseRunsOptions',
      'SseSessionOptions',
      'SseSnapshot',
      'SseSnapshotOptions',
      'SseTicket',
      'SseTicketOptions',
      'SseTracing',
      'StartedRun',
      'StreamLabels',
      'TicketStore',
      'TraceContext',
      'TracedEvent',
      'UserStreamOutcome',
      'UserStreamRule',
      'UserStreamStore',
      'WriteLatency',
    ],
  },
  'http-api/index.ts': {
    values: ['SseHttpApiModule'],
    types: [
      'HttpApiCode',
      'PublishAnswer',
      'PublishFailure',
      'PublishResult',
      'SseHttpApiKey',
      'SseHttpApiOptions',
      'SseHttpApiRouteOptions',
    ],
  },
  'openapi/index.ts': {
    values: ['createAsyncApi', 'describeStreams'],
    types: [
      'AsyncApiDocument',
      'AsyncApiOptions',
      'DescribeOptions',
      'OpenApiDocument',
      'SchemaTarget',
      'ToJsonSchema',
    ],
  },
  'opentelemetry/index.ts': {
    values: ['openTelemetryMetrics', 'openTelemetryTracing'],
    types: [],
  },
  'prometheus/index.ts': {
    values: ['prometheusMetrics'],
    types: ['PrometheusMetricsOptions', 'PrometheusRegistry'],
  },
  'redis.ts': {
    values: ['redisBroker'],
    types: ['RedisBrokerOptions', 'RedisClientLike', 'RedisDriverName'],
  },
  'express/index.ts': { values: ['SseExpressAdapter'], types: [] },
  'terminus/index.ts': {
    values: ['SseHealthIndicator'],
    types: ['SseHealthResult', 'SseReadinessOptions'],
  },
  'throttler/index.ts': { values: ['SseThrottlerGuard'], types: [] },
  'admin/index.ts': {
    values: ['SseAdminModule'],
    types: ['SseAdminOptions'],
  },
  'contract/index.ts': {
    values: ['defineEvents', 'typeOnly'],
    types: [
      'EventContract',
      'EventsOf',
      'InputOf',
      'JsonOf',
      'RoomContract',
      'RoomContracts',
      'StandardIssue',
      'StandardResult',
      'StandardSchema',
    ],
  },
  'client/index.ts': {
    values: ['SseClientError', 'connectSse', 'fromSse'],
    types: [
      'AllEvents',
      'ChangeRooms',
      'ConnectOptions',
      'EventListener',
      'EventName',
      'EventOf',
      'EventSourceClass',
      'EventsByRoom',
      'EventsOfRoom',
      'EventsOptions',
      'FetchFunction',
      'LiveRoom',
      'RefusedRoom',
      'RoomChanges',
      'RoomChangesAnswer',
      'RoomName',
      'RoomsOptions',
      'SseClientErrorCode',
      'SseControlEvents',
      'SseEvent',
      'SseGap',
      'SseLive',
      'SseObservable',
      'SseObserver',
      'SseState',
      'SseStateDetail',
      'SseStateReason',
      'StateListener',
    ],
  },
  'testing.ts': {
    values: [
      'SseServiceMock',
      'SseTestingModule',
      'TestStream',
      'TestStreamError',
      'brokerContract',
      'closeTestStreams',
      'createSseServiceMock',
      'openTestStream',
    ],
    types: [
      'BrokerContractCase',
      'BrokerContractOptions',
      'BrokerFixture',
      'PublishedEvent',
      'SseMockOptions',
      'TestEvent',
      'TestGap',
      'TestReconnectOptions',
      'TestStreamEnd',
      'TestStreamOptions',
      'TestWaitOptions',
    ],
  },
};

const OPTIONAL_PEERS = [
  '@opentelemetry/api',
  '@nestjs/platform-express',
  '@nestjs/terminus',
  '@nestjs/throttler',
  'eventsource-parser',
  'ioredis',
  'prom-client',
  'redis',
];
/** Peers that an entry point extends, so that nobody can use it without them. */
const EXTENDED_PEERS: Record<string, readonly string[]> = {
  'express/index.ts': ['@nestjs/platform-express'],
  'throttler/index.ts': ['@nestjs/throttler'],
};
const ENTRIES = Object.keys(API);

const TYPE_TESTS = 'test/public-api.types.ts';
const declarations = new Map<string, string>();
let program: ts.Program;

/** The declarations of the published package, as `tsconfig.build.json` makes them. */
beforeAll(() => {
  const build = optionsOf('tsconfig.build.json');
  const library = ts.createProgram(
    ENTRIES.map((entry) => `src/${entry}`),
    { ...build, emitDeclarationOnly: true, sourceMap: false },
  );
  library.emit(undefined, (path, text) =>
    declarations.set(posix.relative('dist', posix.relative(process.cwd(), path)), text),
  );
  program = ts.createProgram([...ENTRIES.map((entry) => `src/${entry}`), TYPE_TESTS], {
    ...optionsOf('tsconfig.json'),
    noEmit: true,
  });
}, 60_000);

describe.each(ENTRIES)('%s', (entry) => {
  const wanted = API[entry] ?? { values: [], types: [] };

  it('exports these names and no other', () => {
    const { values, types } = exportsOf(`src/${entry}`);
    expect({ values, types }).toEqual(wanted);
  });

  it('declares no `any`, in what it exports and in all that this is made of', () => {
    const loose = reachableFrom(entry.replace(/\.ts$/, '.d.ts')).filter((path) => hasAny(path));
    expect(loose).toEqual([]);
  });

  it('has types that compile without the optional peers', () => {
    const named = reachableFrom(entry.replace(/\.ts$/, '.d.ts'))
      .flatMap((path) => packagesOf(path))
      .filter((name) => EXTENDED_PEERS[entry]?.includes(name) !== true);
    expect(named.filter((name) => OPTIONAL_PEERS.includes(name))).toEqual([]);
    expect(named.filter((name) => !/^(@nestjs\/(common|core)|rxjs|node:.*)$/.test(name))).toEqual([]);
  });

  it('declares nothing that is marked as internal', () => {
    const inner = reachableFrom(entry.replace(/\.ts$/, '.d.ts')).filter((path) =>
      declarations.get(path)?.includes('@internal'),
    );
    expect(inner).toEqual([]);
  });
});

it('each value that the types export exists at run time', () => {
  expect(Object.keys(api).toSorted()).toEqual(API['index.ts']?.values);
});

it('each export is documented', () => {
  const checker = program.getTypeChecker();
  const silent = ENTRIES.flatMap((entry) =>
    symbolsOf(`src/${entry}`)
      .filter((symbol) => original(symbol).getDocumentationComment(checker).length === 0)
      .map(({ name }) => name),
  );
  expect(silent).toEqual([]);
});

it('the compiler accepts correct use of the types, and refuses wrong use', () => {
  const source = program.getSourceFile(TYPE_TESTS);
  const found = ts.getPreEmitDiagnostics(program, source).map(({ messageText, start = 0, file }) => {
    const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
    return `${TYPE_TESTS}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  expect(found).toEqual([]);
});

function optionsOf(config: string): ts.CompilerOptions {
  const read = ts.getParsedCommandLineOfConfigFile(
    config,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
      },
    },
  );
  if (read === undefined) throw new Error(`${config} cannot be read`);
  return read.options;
}

function symbolsOf(path: string): ts.Symbol[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(path);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${path} is no module`);
  return checker.getExportsOfModule(module);
}

function original(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? program.getTypeChecker().getAliasedSymbol(symbol) : symbol;
}

function exportsOf(path: string): { values: string[]; types: string[] } {
  const symbols = symbolsOf(path);
  return {
    values: names(symbols.filter(isValue)),
    types: names(symbols.filter((symbol) => !isValue(symbol))),
  };
}

function isValue(symbol: ts.Symbol): boolean {
  // A class that is exported as a type alone is no value.
  if (symbol.declarations?.some((each) => ts.isTypeOnlyExportDeclaration(each))) return false;
  return (original(symbol).flags & ts.SymbolFlags.Value) !== 0;
}

function names(symbols: readonly ts.Symbol[]): string[] {
  return symbols.map(({ name }) => name).toSorted();
}

/** A declaration file and all that it names. */
function reachableFrom(path: string, found: Set<string> = new Set()): string[] {
  const text = declarations.get(path);
  if (text === undefined)
    throw new Error(`${path} was not emitted; there are ${[...declarations.keys()].join(', ')}`);
  if (!found.has(path)) {
    found.add(path);
    for (const { to } of importsOf({ path, text })) {
      if (to.startsWith('.'))
        reachableFrom(posix.join(posix.dirname(path), to).replace(/\.js$/, '.d.ts'), found);
    }
  }
  return [...found];
}

function packagesOf(path: string): string[] {
  return importsOf({ path, text: declarations.get(path) ?? '' })
    .map(({ to }) => to)
    .filter((to) => !to.startsWith('.'));
}

function hasAny(path: string): boolean {
  const visit = (node: ts.Node): boolean =>
    node.kind === ts.SyntaxKind.AnyKeyword ||
    ts.forEachChild(node, (child) => visit(child) || undefined) === true;
  return visit(ts.createSourceFile(path, declarations.get(path) ?? '', ts.ScriptTarget.ESNext, true));
}
