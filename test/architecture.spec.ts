import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BACKENDS,
  faultsOf,
  FLOORS,
  importsOf,
  loadedBy,
  MAX_LINES,
  type SourceFile,
} from './support/house-rules.js';

const sources: readonly SourceFile[] = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
  .map((path) => ({ path, text: readFileSync(join('src', path), 'utf8') }));

describe('the house', () => {
  it('keeps its rules: floors, exports, places and lengths', () => {
    expect(faultsOf(sources)).toEqual([]);
  });

  it('has every floor and backend of the table', () => {
    const folders = new Set(
      sources.flatMap(({ path }) =>
        path
          .split('/')
          .slice(0, path.startsWith('broker/') ? 2 : 1)
          .filter((name) => !name.endsWith('.ts')),
      ),
    );
    expect([...folders].toSorted()).toEqual(
      [...Object.keys(FLOORS).filter((floor) => floor !== 'face'), ...Object.keys(BACKENDS)].toSorted(),
    );
  });

  it('knows Nest only at its face and at the endpoint', () => {
    const knowing = sources.filter((file) => importsOf(file).some(({ to }) => to.startsWith('@nestjs/')));
    expect(knowing.map(({ path }) => path).filter((path) => !/^(endpoint\/)?[^/]+$/.test(path))).toEqual([]);
    expect(knowing.length).toBeGreaterThan(0);
  });

  it('loads no optional peer for who imports the package itself', () => {
    const loaded = loadedBy('index.ts', sources);
    expect([...loaded].filter((path) => path.startsWith('broker/redis') || path === 'testing.ts')).toEqual(
      [],
    );
    expect([...loaded]).not.toContain('redis');
    expect([...loaded]).not.toContain('ioredis');
    expect([...loaded]).toContain('rooms/room-hub.ts');
  });

  it('loads nothing of Nest for who checks a broker', () => {
    const loaded = loadedBy('testing.ts', sources);
    expect([...loaded].filter((path) => /^(@nestjs|rxjs|rooms|connection|endpoint)/.test(path))).toEqual([]);
    expect([...loaded]).toContain('testing/broker-contract.ts');
  });
});

/** A file that is not there. */
function planted(path: string, text: string): string[] {
  return faultsOf([{ path, text }]);
}

describe('a planted fault is found', () => {
  it.each<[string, string]>([
    ['protocol/x.ts', `import { Batch } from '../connection/batch.js';`],
    ['protocol/x.ts', `import type { Batch } from '../connection/batch.js';`],
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
    ['rooms/x.ts', `import { MemoryBroker } from '../broker/memory-broker.js';`],
    ['rooms/x.ts', `import { RawHttp } from '../endpoint/raw-http.js';`],
    ['rooms/x.ts', `import { SseService } from '../sse.service.js';`],
    ['rooms/x.ts', `import { Injectable } from '@nestjs/common';`],
    ['rooms/x.ts', `type Service = import('../sse.service.js').SseService;`],
    ['rooms/x.ts', `const face = await import('../index.js');`],
    ['rooms/x.ts', `import face = require('../index.js');`],
    ['rooms/x.ts', `require('express');`],
    ['rooms/x.ts', `import '../sse.module.js';`],
    ['rooms/x.ts', `const any = await import(name);`],
    ['rooms/x.ts', `import { Presence } from '../presence/presence.js';`],
    ['presence/x.ts', `import { RemoteCommands } from '../commands/remote-commands.js';`],
    ['commands/x.ts', `import type { Presence } from '../presence/presence.js';`],
    ['presence/x.ts', `import { RoomHub } from '../rooms/room-hub.js';`],
    ['presence/x.ts', `import { SseClient } from '../connection/sse-client.js';`],
    ['presence/x.ts', `import { MemoryPresence } from '../broker/memory-presence.js';`],
    ['broker/x.ts', `import type { Presence } from '../presence/presence.js';`],
    ['endpoint/x.ts', `import { SseService } from '../sse.service.js';`],
    ['endpoint/x.ts', `import { MemoryBroker } from '../broker/memory-broker.js';`],
    ['endpoint/x.ts', `import express from 'express';`],
    ['testing/x.ts', `import { MemoryBroker } from '../broker/memory-broker.js';`],
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
    ['rooms/utils/x.ts', '', /says nothing/],
    ['helpers/x.ts', '', /says nothing/],
    ['cellar/x.ts', '', /no floor/],
  ])('in %s: %j', (path, text, fault) => {
    expect(planted(path, text).join()).toMatch(fault);
  });
});

describe('what is allowed is no fault', () => {
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

it('a file is as long as it may be, and no line longer', () => {
  expect(planted('rooms/x.ts', '// line\n'.repeat(MAX_LINES))).toEqual([]);
  expect(planted('rooms/x.ts', '// line\n'.repeat(MAX_LINES + 1))).toEqual([
    `rooms/x.ts has 251 lines, over 250`,
  ]);
});
