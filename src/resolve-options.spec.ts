import { inspect } from 'node:util';
import { unchecked } from '../test/support/refusal.js';
import { MemoryBroker } from './broker/memory/memory-broker.js';
import { OPTIONAL_METRICS } from './callbacks/node-metrics.js';
import { NoopMetrics } from './metrics/noop-metrics.js';
import { SseError } from './protocol/sse-error.js';
import { DEFAULT_OPTIONS, resolveOptions } from './resolve-options.js';
import type { SseModuleOptions } from './sse-module-options.interface.js';

const MAX_TIMER_MS = 2_147_483_647;

function resolve(options: object): ReturnType<typeof resolveOptions> {
  return resolveOptions(options);
}

function refusalOf(options: unknown): SseError {
  try {
    resolveOptions(unchecked(options));
  } catch (error) {
    if (error instanceof SseError) return error;
    throw error;
  }
  throw new Error('the options were accepted, a refusal was expected');
}

interface NumberOption {
  readonly name: keyof SseModuleOptions & keyof ReturnType<typeof resolveOptions>;
  readonly standard: number | false;
  readonly min: number;
  readonly max: number;
  readonly orFalse: boolean;
}

const NUMBERS: readonly NumberOption[] = [
  { name: 'heartbeatIntervalMs', standard: 20_000, min: 1, max: MAX_TIMER_MS, orFalse: true },
  { name: 'retryMs', standard: 3_000, min: 0, max: Number.MAX_SAFE_INTEGER, orFalse: true },
  { name: 'maxQueuedBytes', standard: 1_048_576, min: 1, max: Number.MAX_SAFE_INTEGER, orFalse: false },
  { name: 'writeTimeoutMs', standard: 30_000, min: 1, max: MAX_TIMER_MS, orFalse: true },
  { name: 'flushIntervalMs', standard: false, min: 1, max: MAX_TIMER_MS, orFalse: true },
  { name: 'drainWindowMs', standard: 0, min: 0, max: MAX_TIMER_MS, orFalse: false },
  { name: 'shutdownGraceMs', standard: 1_000, min: 0, max: MAX_TIMER_MS, orFalse: false },
];

const BAD_NUMBERS: readonly unknown[] = [
  -1,
  1.5,
  NaN,
  Infinity,
  -Infinity,
  '20',
  '',
  null,
  true,
  {},
  [],
  1n,
  () => 1,
];

describe.each(NUMBERS)('the option $name', ({ name, standard, min, max, orFalse }) => {
  it(`is ${standard} by default, and for undefined`, () => {
    expect(resolve({})[name]).toBe(standard);
    expect(resolve({ [name]: undefined })[name]).toBe(standard);
  });

  it('accepts both extremes', () => {
    expect(resolve({ [name]: min })[name]).toBe(min);
    expect(resolve({ [name]: max })[name]).toBe(max);
  });

  it(`${orFalse ? 'accepts' : 'refuses'} false`, () => {
    if (orFalse) expect(resolve({ [name]: false })[name]).toBe(false);
    else expect(refusalOf({ [name]: false }).message).toContain(`"${name}"`);
  });

  it.each([...BAD_NUMBERS, min - 1, max + 1])(
    'refuses %p, and names the option and its allowed values',
    (value) => {
      const { code, message } = refusalOf({ [name]: value });
      expect(code).toBe('invalid-options');
      expect(message).toContain(`"${name}"`);
      expect(message).toContain(`a whole number from ${min} to ${max}`);
      expect(message.includes('or false to switch it off')).toBe(orFalse);
    },
  );
});

describe.each(['historyMaxEvents', 'historyMaxAgeMs', 'historyMaxBytes'] as const)(
  'the option %s',
  (name) => {
    it.each([...BAD_NUMBERS, 0, false])('refuses %p, and names the option', (value) => {
      expect(refusalOf({ [name]: value }).message).toContain(`"${name}"`);
    });

    it('accepts both extremes', () => {
      for (const value of [1, Number.MAX_SAFE_INTEGER]) {
        const { policy } = resolve({ [name]: value });
        const { maxEvents, maxAgeMs } = policy.limitsOf('any') || {};
        const found = {
          historyMaxEvents: maxEvents,
          historyMaxAgeMs: maxAgeMs,
          historyMaxBytes: policy.maxBytes,
        };
        expect(found[name]).toBe(value);
      }
    });
  },
);

describe('history', () => {
  it('is stored by default: 256 events of 10 minutes for each room, and 32 MiB in total', () => {
    const { policy } = resolve({});
    expect(policy.limitsOf('any')).toEqual({ maxEvents: 256, maxAgeMs: 600_000 });
    expect([policy.maxBytes, policy.hasHistory, policy.isVolatile('any')]).toEqual([33_554_432, true, false]);
  });

  it('is not stored with false', () => {
    const { policy } = resolve({ history: false, historyMaxEvents: 5 });
    expect([policy.limitsOf('any'), policy.hasHistory]).toEqual([false, false]);
  });

  it.each([0, 1, 'false', null, {}])('refuses %p, and names the option', (value) => {
    expect(refusalOf({ history: value }).message).toMatch(/"history" .*true or false/);
  });
});

describe('the option rooms', () => {
  it('overrides the named options, and uses defaults for the others', () => {
    const { policy } = resolve({
      historyMaxEvents: 7,
      rooms: {
        'ticker/*': { volatile: true },
        'secret/*': { history: false },
        'chat/*': { historyMaxEvents: 50 },
        'log/*': { historyMaxAgeMs: 5, volatile: false, history: true },
      },
    });
    expect(policy.limitsOf('ticker/1')).toBe(false);
    expect(policy.isVolatile('ticker/1')).toBe(true);
    expect([policy.limitsOf('secret/1'), policy.isVolatile('secret/1')]).toEqual([false, false]);
    expect(policy.limitsOf('chat/1')).toEqual({ maxEvents: 50, maxAgeMs: 600_000 });
    expect(policy.limitsOf('log/1')).toEqual({ maxEvents: 7, maxAgeMs: 5 });
    expect(policy.limitsOf('lobby')).toEqual({ maxEvents: 7, maxAgeMs: 600_000 });
  });

  it('gives no room a history with history: false', () => {
    const { policy } = resolve({ history: false, rooms: { 'chat/*': { historyMaxEvents: 50 } } });
    expect([policy.limitsOf('chat/1'), policy.hasHistory]).toEqual([false, false]);
    for (const options of [
      { history: false, rooms: { chat: { history: true } } },
      { rooms: { chat: { history: true, volatile: true } } },
    ]) {
      expect(refusalOf(options).message).toContain('rooms["chat"].history');
    }
  });

  it.each<[unknown, string]>([
    [7, '"rooms"'],
    ['a', '"rooms"'],
    [null, '"rooms"'],
    [[], '"rooms"'],
    [new Map(), '"rooms"'],
    [{ a: null }, 'rooms["a"]'],
    [{ a: true }, 'rooms["a"]'],
    [{ a: [] }, 'rooms["a"]'],
    [{ a: { histroy: false } }, 'rooms["a"].histroy'],
    [{ a: { history: 0 } }, 'rooms["a"].history'],
    [{ a: { volatile: 'yes' } }, 'rooms["a"].volatile'],
    [{ a: { historyMaxEvents: 0 } }, 'rooms["a"].historyMaxEvents'],
    [{ 'a"b': { historyMaxAgeMs: false } }, 'rooms["a\\"b"].historyMaxAgeMs'],
  ])('refuses %j by name', (rooms, name) => {
    const { code, message } = refusalOf({ rooms });
    expect(code).toBe('invalid-options');
    expect(message).toContain(name);
    expect(message).not.toMatch(/\]\. /);
  });
});

describe('readyEvent', () => {
  it('is true by default', () => {
    expect([resolve({}).readyEvent, resolve({ readyEvent: false }).readyEvent]).toEqual([true, false]);
    expect(refusalOf({ readyEvent: 1 }).message).toContain('"readyEvent"');
  });
});

describe('serialize', () => {
  it('is JSON by default', () => {
    expect(resolve({}).serialize({ a: [1] })).toBe('{"a":[1]}');
    expect(resolve({ serialize: inspect }).serialize).toBe(inspect);
  });

  it.each([null, 'json', {}, true])('refuses %p, and names the option', (serialize) => {
    expect(refusalOf({ serialize }).message).toMatch(/"serialize" .*function/);
  });
});

describe('broker and metrics', () => {
  it('are a new MemoryBroker for each module, and no metrics, by default', () => {
    const [one, two] = [resolve({}), resolve({})];
    expect(one.broker.partitions).toEqual([expect.any(MemoryBroker)]);
    expect(one.metrics).toEqual([]);
    expect(one.broker.partitions[0]).not.toBe(two.broker.partitions[0]);
  });

  it('are those of the application if set', () => {
    const [broker, metrics] = [new MemoryBroker(), new NoopMetrics()];
    expect(resolve({ broker, metrics })).toMatchObject({
      broker: { partitions: [broker] },
      metrics: [metrics],
    });
    const several = [metrics, new NoopMetrics()];
    expect(resolve({ metrics: several }).metrics).toEqual(several);
  });

  it.each(['broker', 'metrics'] as const)(
    '%s without its methods is refused by name, with their names',
    (name) => {
      for (const value of [{}, null, [], 'redis', MemoryBroker, { publish: 1 }]) {
        const { message } = refusalOf({ [name]: value });
        expect(message).toContain(`"${name}"`);
        expect(message).toContain(name === 'broker' ? 'subscribe' : 'clientOpened');
      }
    },
  );
});

describe('an optional method of metrics', () => {
  const counters = { clientOpened() {}, clientClosed() {}, eventDelivered() {}, volatileDropped() {} };

  it.each(OPTIONAL_METRICS)('%s may be left out, and is a method otherwise', (name) => {
    expect(resolve({ metrics: counters }).metrics).toEqual([counters]);
    expect(refusalOf({ metrics: { ...counters, [name]: 1 } }).message).toContain(name);
    expect(refusalOf({ metrics: [counters, { ...counters, [name]: 1 }] }).message).toContain(name);
  });
});

describe('the options as a whole', () => {
  it('may be left out', () => {
    expect(resolveOptions()).toMatchObject({ heartbeatIntervalMs: 20_000 });
  });

  it('refuses an unknown name, and suggests the nearest one or lists the known ones', () => {
    const { code, message } = refusalOf({ heartbeatInterval: 5 });
    expect(code).toBe('invalid-options');
    expect(message).toBe('SseModule has no option "heartbeatInterval". Did you mean "heartbeatIntervalMs"?');
    expect(refusalOf({ rooms: { a: { histroy: false } } }).message).toContain('Did you mean "history"?');
    expect(refusalOf({ compression: 5 }).message).toMatch(/Known are: heartbeatIntervalMs.*retryMs.*broker/);
    for (const name of ['constructor', 'toString', 'isglobal']) {
      expect(refusalOf({ [name]: 1 }).message).toContain(`"${name}"`);
    }
    expect(refusalOf(JSON.parse('{ "__proto__": 1 }')).message).toContain('"__proto__"');
  });

  it.each([null, 7, 'text', true, []])('refuses %p', (options) => {
    expect(refusalOf(options).code).toBe('invalid-options');
  });

  it('an error message contains no secret', () => {
    expect(refusalOf({ broker: { url: 'redis://:secret@host' } }).message).not.toContain('secret');
    expect(refusalOf({ retryMs: { password: 'secret' } }).message).not.toContain('secret');
  });

  it('each listed default resolves to itself', () => {
    const { policy, ...resolved } = resolve({});
    expect(policy.limitsOf('any')).toEqual({
      maxEvents: DEFAULT_OPTIONS.historyMaxEvents,
      maxAgeMs: DEFAULT_OPTIONS.historyMaxAgeMs,
    });
    const { history, historyMaxEvents, historyMaxAgeMs, historyMaxBytes, ...others } = DEFAULT_OPTIONS;
    expect([history, historyMaxEvents, historyMaxAgeMs, historyMaxBytes]).toEqual([
      true,
      256,
      600_000,
      policy.maxBytes,
    ]);
    expect(resolved).toMatchObject(others);
  });

  it('does not change the given object', () => {
    const options = Object.freeze({
      retryMs: 1,
      rooms: Object.freeze({ a: Object.freeze({ volatile: true }) }),
    });
    resolveOptions(options);
    expect(options).toEqual({ retryMs: 1, rooms: { a: { volatile: true } } });
  });
});
