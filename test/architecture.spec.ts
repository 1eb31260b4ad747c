import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BACKENDS,
  importsOf,
  LAYERS,
  loadedBy,
  MAX_FILES,
  FACADE,
  MAX_LINES,
  PUBLIC_API,
  SHARED_BROKER_FOLDER,
  violationsOf,
  type SourceFile,
} from './support/architecture-rules.js';

const sources: readonly SourceFile[] = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
  .map((path) => ({ path, text: readFileSync(join('src', path), 'utf8') }));

describe('the source tree', () => {
  it('has no violation of layers, exports, places, sizes and import circles', () => {
    expect(violationsOf(sources)).toEqual([]);
  });

  it('has each layer and backend of the rules', () => {
    const folders = new Set(
      sources.flatMap(({ path }) =>
        path
          .split('/')
          .slice(0, path.startsWith('broker/') ? 2 : 1)
          .filter((name) => !name.endsWith('.ts')),
      ),
    );
    expect([...folders].toSorted()).toEqual(
      [
        ...Object.keys(LAYERS).filter((layer) => layer !== PUBLIC_API),
        ...Object.keys(BACKENDS),
        SHARED_BROKER_FOLDER,
      ].toSorted(),
    );
  });

  it('imports Nest only in the public API, the endpoint and entry points of features', () => {
    const importing = sources.filter((file) => importsOf(file).some(({ to }) => to.startsWith('@nestjs/')));
    expect(
      importing
        .map(({ path }) => path)
        .filter(
          (path) =>
            !/^((endpoint|room-changes|run-routes|method-events|http-api|express|openapi|terminus|throttler|admin|testing)\/)?((routes|runs|identity|limits|mock|streams)\/)?[^/]+$/.test(
              path,
            ),
        ),
    ).toEqual([]);
    expect(importing.length).toBeGreaterThan(0);
  });

  it('loads no optional peer dependency with the main entry', () => {
    const loaded = loadedBy('index.ts', sources);
    expect(
      [...loaded].filter((path) => /^(broker\/redis|testing\.ts|prometheus|opentelemetry|admin)/.test(path)),
    ).toEqual([]);
    expect([...loaded]).not.toContain('redis');
    expect([...loaded]).not.toContain('ioredis');
    expect([...loaded]).not.toContain('prom-client');
    expect([...loaded]).not.toContain('@opentelemetry/api');
    expect([...loaded]).toContain('rooms/room-hub.ts');
  });

  it('loads no library for API descriptions, nor them with the main entry', () => {
    const packages = [...loadedBy('openapi/index.ts', sources)].filter((path) => !path.endsWith('.ts'));
    expect(packages.filter((name) => !/^(@nestjs\/(common|core)|rxjs.*|node:.*)$/.test(name))).toEqual([]);
    expect([...loadedBy('index.ts', sources)].filter((path) => path.startsWith('openapi/'))).toEqual([]);
  });

  it('loads nothing of Nest with the cases of the broker contract', () => {
    const loaded = loadedBy('testing/broker-contract.ts', sources);
    expect([...loaded].filter((path) => /^(@nestjs|rxjs|rooms|connection|endpoint)/.test(path))).toEqual([]);
    expect([...loaded]).toContain('testing/broker-contract.ts');
  });

  it('loads nothing of Nest or Node with the contract, which pages may share', () => {
    expect([...loadedBy('contract/index.ts', sources)]).toEqual([
      'contract/index.ts',
      'contract/event-contract.ts',
    ]);
  });

  it('has files of at most about the documented length', () => {
    const page = readFileSync('docs/12-architecture.md', 'utf8');
    const documented = Number(/about (\d+) lines/.exec(page)?.[1]);
    expect(MAX_LINES).toBeGreaterThanOrEqual(documented);
    expect(MAX_LINES).toBeLessThanOrEqual(1.25 * documented);
  });
});

/** Violations of a single file that does not exist. */
function planted(path: string, text: string): string[] {
  return violationsOf([{ path, text }]);
}

describe('a planted violation is found', () => {
  it.each<[string, string]>([
    ['protocol/x.ts', `import { Batch } from '../connection/queue/batch.js';`],
    ['protocol/x.ts', `import type { Batch } from '../connection/queue/batch.js';`],
    ['protocol/x.ts', `import { once } from 'node:events';`],
    ['protocol/x.ts', `import { Subject } from 'rxjs';`],
    ['connection/x.ts', `import { Room } from '../rooms/room.js';`],
    ['connection/x.ts', `export type { Room } from '../rooms/room.js';`],
    ['connection/x.ts', `import { NoopMetrics } from '../metrics/noop-metrics.js';`],
    ['connection/x.ts', `import { type A, NoopMetrics } from '../metrics/noop-metrics.js';`],
    ['connection/x.ts', `import { Logger } from '@nestjs/common';`],
    ['metrics/x.ts', `import { ConnectionServices } from '../connection/connection-services.js';`],
    ['metrics/x.ts', `import type { SseFrame } from '../protocol/sse-frame.js';`],
    ['broker/x.ts', `import { RoomHub } from '../rooms/room-hub.js';`],
    ['broker/x.ts', `import type { RoomPolicy } from '../rooms/room-policy.js';`],
    ['broker/x.ts', `import { RedisBroker } from './redis/redis-broker.js';`],
    ['broker/x.ts', `const { Redis } = await import('ioredis');`],
    ['broker/nats/x.ts', `import { connect } from 'ioredis';`],
    ['broker/nats/x.ts', `import { RedisBroker } from '../redis/redis-broker.js';`],
    ['broker/redis/x.ts', `import { RoomHub } from '../../rooms/room-hub.js';`],
    ['rooms/x.ts', `import { MemoryBroker } from '../broker/memory/memory-broker.js';`],
    ['rooms/x.ts', `import { HttpExchange } from '../endpoint/http-exchange.js';`],
    ['rooms/x.ts', `import { SseService } from '../sse.service.js';`],
    ['rooms/x.ts', `import { Injectable } from '@nestjs/common';`],
    ['rooms/x.ts', `type Service = import('../sse.service.js').SseService;`],
    ['rooms/x.ts', `const api = await import('../index.js');`],
    ['rooms/x.ts', `import api = require('../index.js');`],
    ['rooms/x.ts', `require('express');`],
    ['rooms/x.ts', `import '../sse.module.js';`],
    ['rooms/x.ts', `const any = await import(name);`],
    ['rooms/x.ts', `import { Presence } from '../presence/presence.js';`],
    ['presence/x.ts', `import { RemoteCommands } from '../commands/remote-commands.js';`],
    ['commands/x.ts', `import type { Presence } from '../presence/presence.js';`],
    ['presence/x.ts', `import { RoomHub } from '../rooms/room-hub.js';`],
    ['presence/x.ts', `import { SseClient } from '../connection/sse-client.js';`],
    ['presence/x.ts', `import { MemoryPresence } from '../broker/memory/memory-presence.js';`],
    ['broker/x.ts', `import type { Presence } from '../presence/presence.js';`],
    ['endpoint/x.ts', `import { SseService } from '../sse.service.js';`],
    ['endpoint/x.ts', `import { MemoryBroker } from '../broker/memory/memory-broker.js';`],
    ['endpoint/x.ts', `import express from 'express';`],
    ['testing/x.ts', `import { MemoryBroker } from '../broker/memory/memory-broker.js';`],
    ['x.ts', `import { Redis } from 'ioredis';`],
    ['x.ts', `import { app } from '../sample/00-quick-start/src/app.js';`],
  ])('in %s: %s', (path, text) => {
    expect(planted(path, text)).toEqual([expect.stringMatching(`^${path} must not import `)]);
  });

  it.each<[string, string, RegExp]>([
    ['rooms/x.ts', 'export default class X {}', /default export/],
    ['rooms/x.ts', 'const x = 1;\nexport default x;', /default export/],
    ['rooms/x.ts', 'const x = 1;\nexport { x as default };', /default export/],
    ['index.ts', `export * from './rooms/room.js';`, /export \*/],
    ['index.ts', `export * as rooms from './rooms/room.js';`, /export \*/],
    ['rooms/utils/x.ts', '', /meaningless name/],
    ['helpers/x.ts', '', /meaningless name/],
    ['cellar/x.ts', '', /no layer/],
  ])('in %s: %j', (path, text, violation) => {
    expect(planted(path, text).join()).toMatch(violation);
  });
});

describe('an allowed import is no violation', () => {
  it.each<[string, string]>([
    ['protocol/x.ts', `import { SseError } from './sse-error.js';`],
    ['connection/x.ts', `import { once } from 'node:events';`],
    ['connection/x.ts', `import type { SseMetrics } from '../metrics/sse-metrics.interface.js';`],
    ['connection/x.ts', `import { type SseMetrics } from '../metrics/sse-metrics.interface.js';`],
    ['metrics/x.ts', `import type { CloseReason } from '../connection/close-reason.js';`],
    ['broker/redis/x.ts', `import { isComplete } from '../completeness.js';`],
    ['broker/redis/x.ts', `const { Redis } = await import('ioredis');`],
    ['rooms/x.ts', `import type { SseBroker } from '../broker/broker.interface.js';`],
    ['endpoint/x.ts', `import { SSE_ROOM_METADATA } from '../sse.constants.js';`],
    ['presence/x.ts', `import type { SseClient } from '../connection/sse-client.js';`],
    ['presence/x.ts', `import type { PresenceStore } from '../broker/presence-store.interface.js';`],
    ['redis.ts', `import { RedisBroker } from './broker/redis/redis-broker.js';`],
    ['rooms/x.ts', `// import { SseService } from '../sse.service.js';`],
  ])('in %s: %s', (path, text) => {
    expect(planted(path, text)).toEqual([]);
  });
});

it('a file of the longest allowed length is no violation, and one line more is', () => {
  expect(planted('rooms/x.ts', '// line\n'.repeat(MAX_LINES))).toEqual([]);
  expect(planted('rooms/x.ts', '// line\n'.repeat(MAX_LINES + 1))).toEqual([
    `rooms/x.ts has ${MAX_LINES + 1} lines, over ${MAX_LINES}`,
  ]);
});

it('documentation of the facade is not counted, and its code is', () => {
  const documentation = '  /** First line\n   * and more. */\n'.repeat(MAX_LINES);
  expect(planted(FACADE, `${documentation}${'call();\n'.repeat(MAX_LINES)}`)).toEqual([]);
  expect(planted(FACADE, `${documentation}${'call();\n'.repeat(MAX_LINES + 1)}`)).toEqual([
    `${FACADE} has ${MAX_LINES + 1} lines, over ${MAX_LINES}`,
  ]);
  expect(planted('rooms/x.ts', documentation)).toHaveLength(1);
});

it('a folder with the most allowed files is no violation, and one file more is', () => {
  const folder = Array.from({ length: MAX_FILES + 1 }, (_, n) => ({ path: `rooms/x${n}.ts`, text: '' }));
  expect(violationsOf(folder.slice(1))).toEqual([]);
  expect(violationsOf(folder)).toEqual([`rooms has ${MAX_FILES + 1} files, over ${MAX_FILES}`]);
});

/** A file of `rooms/` that imports `rooms/b.ts`. */
function importingB(name: string, imports: string): SourceFile {
  return { path: `rooms/${name}.ts`, text: `${imports} from './b.js';` };
}

describe('an import circle is found', () => {
  it.each<[string, readonly SourceFile[], string[]]>([
    ['of a file with itself', [importingB('b', 'import { b }')], ['rooms/b.ts -> rooms/b.ts']],
    [
      'of three files, by types alone',
      [
        importingB('a', 'import type { B }'),
        { path: 'rooms/b.ts', text: `export type { C } from './c.js';` },
        { path: 'rooms/c.ts', text: `type A = import('./a.js').A;` },
      ],
      ['rooms/a.ts -> rooms/b.ts -> rooms/c.ts -> rooms/a.ts'],
    ],
    [
      'and two files that import a third are none',
      [importingB('a', 'import { b }'), importingB('c', 'import { b }'), { path: 'rooms/b.ts', text: '' }],
      [],
    ],
  ])('%s', (_name, files, circles) => {
    expect(violationsOf(files)).toEqual(circles.map((circle) => `${circle} is an import circle`));
  });
});
