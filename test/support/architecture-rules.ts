import { posix } from 'node:path';
import ts from 'typescript';

/** A source file: its path below `src/`, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Name of the layer of files directly in `src/`. */
export const PUBLIC_API = 'public API';

interface Layer {
  /** Layers, or single files, that it may import besides itself. */
  readonly imports: readonly string[];
  /** Layers of which it may import only types. */
  readonly types?: readonly string[];
  /** Packages that it may import. A name that ends in `*` is a prefix. */
  readonly packages: readonly string[];
}

/** Allowed imports of each layer. A layer is a folder of `src/`; the public API is the files directly in `src/`. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  protocol: { imports: [], packages: [] },
  connection: { imports: ['protocol'], types: ['metrics'], packages: ['node:*'] },
  metrics: { imports: [], types: ['connection'], packages: [] },
  callbacks: { imports: ['protocol', 'metrics', 'logs'], packages: ['rxjs'] },
  logs: { imports: [], types: ['connection'], packages: [] },
  broker: { imports: ['protocol'], packages: ['node:crypto'] },
  rooms: {
    imports: [
      'channels',
      'tracing',
      'logs',
      'protocol',
      'connection',
      'metrics',
      'callbacks',
      'broker/broker.interface.ts',
      'broker/partitioned-broker.interface.ts',
    ],
    types: ['contract'],
    packages: ['rxjs', 'node:crypto'],
  },
  commands: {
    imports: [
      'protocol',
      'broker/broker.interface.ts',
      'broker/partitioned-broker.interface.ts',
      'broker/control-channel.interface.ts',
    ],
    types: ['connection'],
    packages: [],
  },
  presence: {
    imports: [
      'logs',
      'protocol',
      'callbacks',
      'broker/broker.interface.ts',
      'broker/partitioned-broker.interface.ts',
      'broker/presence-store.interface.ts',
    ],
    types: ['connection'],
    packages: ['rxjs'],
  },
  sessions: {
    imports: [
      'protocol',
      'broker/broker.interface.ts',
      'broker/partitioned-broker.interface.ts',
      'broker/control-channel.interface.ts',
      'broker/session-store.interface.ts',
    ],
    types: ['connection'],
    packages: [],
  },
  limits: {
    imports: [
      'protocol',
      'broker/broker.interface.ts',
      'broker/partitioned-broker.interface.ts',
      'broker/user-stream-store.interface.ts',
    ],
    types: ['connection', 'metrics'],
    packages: ['node:net'],
  },
  drain: { imports: ['protocol'], types: ['connection', 'broker'], packages: [] },
  express: { imports: [], packages: ['@nestjs/common', '@nestjs/platform-express', 'node:http'] },
  terminus: { imports: ['protocol', 'sse.service.ts'], types: ['drain'], packages: ['@nestjs/common'] },
  throttler: {
    imports: ['protocol', 'endpoint', 'sse.constants.ts'],
    packages: ['@nestjs/common', '@nestjs/throttler'],
  },
  'cross-site': { imports: ['protocol'], packages: ['node:http'] },
  tickets: {
    imports: [
      'protocol',
      'broker/broker.interface.ts',
      'broker/partitioned-broker.interface.ts',
      'broker/ticket-store.interface.ts',
    ],
    packages: ['node:crypto'],
  },
  runs: {
    imports: [
      'protocol',
      'channels',
      'broker/partitioned-broker.interface.ts',
      'broker/run-store.interface.ts',
    ],
    types: ['metrics'],
    packages: ['rxjs', 'node:crypto', 'node:timers/promises'],
  },
  'run-routes': {
    imports: ['protocol', 'runs', 'endpoint', 'sse.interceptor.ts'],
    packages: ['@nestjs/common'],
  },
  endpoint: {
    imports: [
      'runs',
      'logs',
      'protocol',
      'connection',
      'limits',
      'cross-site',
      'tickets',
      'rooms',
      'sessions',
      'sse.constants.ts',
    ],
    types: ['callbacks'],
    packages: ['@nestjs/*', 'rxjs', 'node:*'],
  },
  'room-changes': {
    imports: ['protocol', 'connection', 'endpoint', 'sse.constants.ts', 'sse.service.ts'],
    packages: ['@nestjs/common', 'rxjs'],
  },
  admin: {
    imports: ['protocol', 'connection', 'rooms', 'metrics/node-totals.ts', PUBLIC_API],
    packages: ['@nestjs/*', 'rxjs', 'node:crypto', 'node:fs', 'node:os', 'node:path'],
  },
  'http-api': {
    imports: [
      'protocol',
      'rooms/room-pattern.ts',
      'rooms/publish/call-arguments.ts',
      'sse.module.ts',
      'sse.service.ts',
    ],
    packages: ['@nestjs/*', 'node:crypto'],
  },
  openapi: {
    imports: ['protocol', 'contract', 'endpoint', 'tickets', 'sse.constants.ts'],
    types: ['rooms'],
    packages: ['@nestjs/common', '@nestjs/core'],
  },
  testing: {
    imports: [
      'protocol',
      'broker/broker.interface.ts',
      'broker/partitioned-broker.interface.ts',
      'broker/control-channel.interface.ts',
      'broker/presence-store.interface.ts',
      'broker/ticket-store.interface.ts',
      'broker/session-store.interface.ts',
      'broker/run-store.interface.ts',
      'broker/user-stream-store.interface.ts',
      'rooms/publish/event-map.ts',
      'rooms/publish/sse-message.ts',
      PUBLIC_API,
    ],
    packages: ['node:*', '@nestjs/common', 'eventsource-parser'],
  },
  client: { imports: [], packages: [] },
  'method-events': {
    imports: ['protocol', 'rooms', 'sse.service.ts'],
    packages: ['@nestjs/*', 'rxjs'],
  },
  contract: { imports: ['protocol'], packages: [] },
  channels: { imports: [], types: ['connection'], packages: ['node:diagnostics_channel', 'rxjs'] },
  tracing: { imports: ['protocol'], types: ['callbacks'], packages: [] },
  opentelemetry: { imports: ['metrics'], types: ['tracing'], packages: ['@opentelemetry/api'] },
  prometheus: { imports: ['protocol', 'metrics'], packages: ['prom-client'] },
  [PUBLIC_API]: {
    imports: [
      'channels',
      'contract',
      'method-events',
      'tracing',
      'logs',
      'protocol',
      'connection',
      'metrics',
      'callbacks',
      'broker',
      'commands',
      'presence',
      'limits',
      'sessions',
      'cross-site',
      'tickets',
      'drain',
      'rooms',
      'runs',
      'endpoint',
      'room-changes',
      'run-routes',
      'testing',
    ],
    packages: ['@nestjs/*', 'rxjs', 'node:*'],
  },
};

/** Packages that each backend of the broker may import besides those of its layer: its client libraries. */
export const BACKENDS: Readonly<Record<string, readonly string[]>> = {
  memory: [],
  redis: ['redis', 'ioredis', 'node:os'],
};

/** Folder of the broker's layer that every backend may import: history in memory, by room. */
export const SHARED_BROKER_FOLDER = 'history';

/**
 * Longest allowed file. docs/12-architecture.md says "about 200 lines": a file may exceed that by a quarter. To be lowered
 * to 220 once no file is longer.
 */
export const MAX_LINES = 250;
/**
 * The one class that applications call. Its documentation is not counted, so that every public method stays in one file with
 * its units, errors and example.
 */
export const FACADE = 'sse.service.ts';
/** Most source files allowed directly in one folder, specs aside. */
export const MAX_FILES = 15;
const JUNK_FOLDERS = /(^|\/)(utils?|helpers?|common|misc|lib)\//;

export interface Import {
  readonly to: string;
  readonly typeOnly: boolean;
}

/** All modules that a file imports: imports, re-exports, `import()`, `require` and `import('…')` in types. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined
    ) {
      found.push({ to: textOf(node.moduleSpecifier), typeOnly: isTypeOnly(node) });
    } else if (ts.isExternalModuleReference(node)) {
      found.push({ to: textOf(node.expression), typeOnly: false });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      found.push({ to: textOf(node.argument.literal), typeOnly: true });
    } else if (ts.isCallExpression(node) && isModuleCall(node.expression)) {
      const [argument] = node.arguments;
      found.push({ to: argument === undefined ? '' : textOf(argument), typeOnly: false });
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(path, text));
  return found;
}

/** Violations of the architecture rules, one sentence each. */
export function violationsOf(files: readonly SourceFile[]): string[] {
  return [
    ...files.flatMap((file) => [
      ...importViolations(file),
      ...exportViolations(file),
      ...shapeViolations(file),
    ]),
    ...folderViolations(files),
    ...importCircles(files).map((circle) => `${circle.join(' -> ')} is an import circle`),
  ];
}

/** All files and packages loaded when a file is loaded, directly or through others. Type imports load nothing. */
export function loadedBy(entry: string, files: readonly SourceFile[]): Set<string> {
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    const file = files.find((each) => each.path === path);
    if (file === undefined) return;
    for (const { to, typeOnly } of importsOf(file)) {
      if (!typeOnly) load(isLocal(to) ? localPath(path, to) : to);
    }
  };
  load(entry);
  return loaded;
}

function importViolations(file: SourceFile): string[] {
  return importsOf(file).flatMap((each) => {
    const allowed = isLocal(each.to) ? mayImport(file.path, each) : mayUse(file.path, each.to);
    return allowed ? [] : [`${file.path} must not import ${each.to}`];
  });
}

function mayImport(path: string, { to, typeOnly }: Import): boolean {
  const target = localPath(path, to);
  const [from, into] = [layerOf(path), layerOf(target)];
  const layer = LAYERS[from];
  if (layer === undefined || target.startsWith('..')) return false;
  const backend = backendOf(target);
  // Only the public API and the backend itself may import a backend.
  if (backend !== undefined && backend !== backendOf(path)) return from === PUBLIC_API;
  if (from === into) return true;
  if (layer.imports.includes(into) || layer.imports.includes(target)) return true;
  return typeOnly && (layer.types?.includes(into) ?? false);
}

function mayUse(path: string, name: string): boolean {
  const allowed = [...(LAYERS[layerOf(path)]?.packages ?? []), ...(BACKENDS[backendOf(path) ?? ''] ?? [])];
  return allowed.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : name === each));
}

function exportViolations({ path, text }: SourceFile): string[] {
  return parse(path, text).statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    if (
      ts.isExportAssignment(statement) ||
      modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
    ) {
      return [`${path} has a default export`];
    }
    if (!ts.isExportDeclaration(statement)) return [];
    const { exportClause } = statement;
    if (exportClause === undefined || ts.isNamespaceExport(exportClause)) return [`${path} has export *`];
    return exportClause.elements.some(({ name }) => name.text === 'default')
      ? [`${path} has a default export`]
      : [];
  });
}

function shapeViolations({ path, text }: SourceFile): string[] {
  const counted = path === FACADE ? text.replace(/^ *\/\*\*[^]*?\*\/\n/gm, '') : text;
  const lines = counted.replace(/\n$/, '').split('\n').length;
  return [
    ...(lines > MAX_LINES ? [`${path} has ${lines} lines, over ${MAX_LINES}`] : []),
    ...(JUNK_FOLDERS.test(path) ? [`${path} is in a folder with a meaningless name`] : []),
    ...(LAYERS[layerOf(path)] === undefined ? [`${path} is in no layer`] : []),
  ];
}

function folderViolations(files: readonly SourceFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of files) {
    const folder = posix.dirname(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > MAX_FILES)
    .map(([folder, count]) => `${folder} has ${count} files, over ${MAX_FILES}`);
}

/** Import circles, types included, each as the paths along it. The last path is the first again. */
export function importCircles(files: readonly SourceFile[]): string[][] {
  const targets = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ to }) => isLocal(to))
        .map(({ to }) => localPath(file.path, to)),
    ]),
  );
  const circles: string[][] = [];
  const finished = new Set<string>();
  // Depth first: a file that is already on the way to itself closes a circle.
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start >= 0) return void circles.push([...way.slice(start), path]);
    if (finished.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...way, path]);
    finished.add(path);
  };
  for (const { path } of files) visit(path, []);
  return circles;
}

function layerOf(path: string): string {
  const [layer, ...rest] = path.split('/');
  return rest.length === 0 ? PUBLIC_API : (layer as string);
}

function backendOf(path: string): string | undefined {
  const [layer, backend, ...rest] = path.split('/');
  return layer === 'broker' && rest.length > 0 && backend !== SHARED_BROKER_FOLDER ? backend : undefined;
}

function isLocal(to: string): boolean {
  return to.startsWith('.');
}

function localPath(path: string, to: string): string {
  return posix.normalize(posix.join(posix.dirname(path), to)).replace(/\.js$/, '.ts');
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) {
    const { exportClause } = node;
    if (node.isTypeOnly) return true;
    return exportClause !== undefined && ts.isNamedExports(exportClause) && allTypes(exportClause.elements);
  }
  const { importClause } = node;
  if (importClause === undefined) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = importClause;
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    allTypes(namedBindings.elements)
  );
}

function allTypes(elements: readonly { readonly isTypeOnly: boolean }[]): boolean {
  return elements.length > 0 && elements.every(({ isTypeOnly: type }) => type);
}

function isModuleCall(expression: ts.Expression): boolean {
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(expression) && expression.text === 'require')
  );
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteralLike(node) ? node.text : `(${node.getText()})`;
}

function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
}
