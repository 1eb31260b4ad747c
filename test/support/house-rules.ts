import { posix } from 'node:path';
import ts from 'typescript';

/** One source file: its path below `src/`, and what stands in it. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

interface Floor {
  /** Floors, or single files, that it may import besides itself. */
  readonly imports: readonly string[];
  /** The same, but only their types. */
  readonly types?: readonly string[];
  /** Packages; a name that ends in `*` stands for all that begin so. */
  readonly packages: readonly string[];
}

/** Who may know whom. A floor is a folder of `src/`; the face is what stands in `src/` itself. */
export const FLOORS: Readonly<Record<string, Floor>> = {
  protocol: { imports: [], packages: [] },
  connection: { imports: ['protocol'], types: ['metrics'], packages: ['node:*'] },
  metrics: { imports: [], types: ['connection'], packages: [] },
  broker: { imports: ['protocol'], packages: ['node:crypto'] },
  rooms: {
    imports: ['protocol', 'connection', 'metrics', 'broker/broker.interface.ts'],
    packages: ['rxjs', 'node:crypto'],
  },
  commands: {
    imports: ['protocol', 'broker/broker.interface.ts'],
    types: ['connection'],
    packages: [],
  },
  presence: {
    imports: ['protocol', 'broker/broker.interface.ts', 'broker/presence-store.interface.ts'],
    types: ['connection'],
    packages: ['rxjs'],
  },
  endpoint: {
    imports: ['protocol', 'connection', 'rooms', 'sse.constants.ts'],
    packages: ['@nestjs/*', 'rxjs', 'node:*'],
  },
  testing: {
    imports: ['protocol', 'broker/broker.interface.ts', 'broker/presence-store.interface.ts'],
    packages: ['node:*'],
  },
  face: {
    imports: [
      'protocol',
      'connection',
      'metrics',
      'broker',
      'commands',
      'presence',
      'rooms',
      'endpoint',
      'testing',
    ],
    packages: ['@nestjs/*', 'rxjs', 'node:*'],
  },
};

/** What each backend of the broker may import besides: its own client library. */
export const BACKENDS: Readonly<Record<string, readonly string[]>> = {
  redis: ['redis', 'ioredis'],
};

export const MAX_LINES = 250;
const JUNK_FOLDERS = /(^|\/)(utils?|helpers?|common|misc|lib)\//;

export interface Import {
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Every module that a file names: imports, re-exports, `import()`, `require` and `import('…')` in types. */
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

/** What breaks the rules of the house, in words; none where all is well. */
export function faultsOf(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [...importFaults(file), ...exportFaults(file), ...shapeFaults(file)]);
}

/** Every file and package that loading a file loads, by way of others too; types load nothing. */
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

function importFaults(file: SourceFile): string[] {
  return importsOf(file).flatMap((each) => {
    const allowed = isLocal(each.to) ? mayImport(file.path, each) : mayUse(file.path, each.to);
    return allowed ? [] : [`${file.path} must not import ${each.to}`];
  });
}

function mayImport(path: string, { to, typeOnly }: Import): boolean {
  const target = localPath(path, to);
  const [from, into] = [floorOf(path), floorOf(target)];
  const floor = FLOORS[from];
  if (floor === undefined || target.startsWith('..')) return false;
  const backend = backendOf(target);
  // A backend is known to itself and to the face.
  if (backend !== undefined && backend !== backendOf(path)) return from === 'face';
  if (from === into) return true;
  if (floor.imports.includes(into) || floor.imports.includes(target)) return true;
  return typeOnly && (floor.types?.includes(into) ?? false);
}

function mayUse(path: string, name: string): boolean {
  const allowed = [...(FLOORS[floorOf(path)]?.packages ?? []), ...(BACKENDS[backendOf(path) ?? ''] ?? [])];
  return allowed.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : name === each));
}

function exportFaults({ path, text }: SourceFile): string[] {
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

function shapeFaults({ path, text }: SourceFile): string[] {
  const lines = text.replace(/\n$/, '').split('\n').length;
  return [
    ...(lines > MAX_LINES ? [`${path} has ${lines} lines, over ${MAX_LINES}`] : []),
    ...(JUNK_FOLDERS.test(path) ? [`${path} stands in a folder that says nothing`] : []),
    ...(FLOORS[floorOf(path)] === undefined ? [`${path} stands on no floor`] : []),
  ];
}

function floorOf(path: string): string {
  const [floor, ...rest] = path.split('/');
  return rest.length === 0 ? 'face' : (floor as string);
}

function backendOf(path: string): string | undefined {
  const [floor, backend, ...rest] = path.split('/');
  return floor === 'broker' && rest.length > 0 ? backend : undefined;
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
