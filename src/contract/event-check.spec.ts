import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { SseError } from '../protocol/sse-error.js';
import { EventCheck } from './event-check.js';
import { defineEvents, typeOnly } from './event-contract.js';
import type { StandardSchema } from './standard-schema.interface.js';

const line = {
  zod: z.object({ sku: z.string() }),
  valibot: v.object({ sku: v.string() }),
  arktype: type({ sku: 'string' }),
};

const check = new EventCheck(
  defineEvents({
    'orders/:id': {
      zod: z.object({ lines: z.array(line.zod) }),
      valibot: v.object({ lines: v.array(line.valibot) }),
      arktype: type({ lines: line.arktype.array() }),
      any: typeOnly<number>(),
    },
    'orders/all': { zod: z.number(), count: z.number() },
    'user::name': { message: z.string(), __proto__: z.string() },
    '*': { notice: z.object({ 'a b': z.literal(1) }), zod: z.boolean() },
  }),
);

function errorOf(work: () => void): SseError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error as SseError;
  }
}
const publish = (rooms: string | string[], event: string | undefined, data: unknown): SseError | undefined =>
  errorOf(() => check.publish([rooms].flat(), event, data));

describe('an event that is published', () => {
  it.each(['zod', 'valibot', 'arktype'])('passes with data that a schema of %s accepts', (name) => {
    expect(publish('orders/7', name, { lines: [{ sku: 'a' }] })).toBeUndefined();
  });

  it.each(['zod', 'valibot', 'arktype'])(
    'of %s is refused with event, room and path of the fault',
    (name) => {
      const error = publish('orders/7', name, { lines: [{ sku: 'a' }, { sku: 7 }] });
      expect(error).toMatchObject({ name: 'SseError', code: 'data-mismatch' });
      expect(error?.message).toMatch(
        new RegExp(
          `^The data of the event "${name}" for the room "orders/7" \\("orders/:id"\\) does not fit the contract: data.lines\\[1\\].sku: .+\\.$`,
        ),
      );
    },
  );

  it.each<[string | string[], string | undefined, unknown, string, RegExp]>([
    [
      'ordrs/7',
      'zod',
      {},
      'unknown-room',
      /no room "ordrs\/7". It fits none of "orders\/:id", "orders\/all"/,
    ],
    ['orders/7/items', 'zod', {}, 'unknown-room', /"orders\/7\/items"/],
    ['orders/:id', 'any', 1, 'unknown-room', /fill in its parameters/],
    [
      'orders/7',
      'zodd',
      {},
      'unknown-event',
      /no event "zodd" for the room "orders\/7".* Did you mean "zod"\?/,
    ],
    ['orders/7', undefined, {}, 'unknown-event', /without a name/],
    ['orders/7', 'toString', {}, 'unknown-event', /"toString"/],
    ['orders/all', 'any', 1, 'unknown-event', /the room "orders\/all"/],
    ['user:ann', undefined, 7, 'data-mismatch', /without a name .*the room "user:ann"/],
    ['user:ann', 'message', 7, 'data-mismatch', /the event "message"/],
    ['*', 'notice', { 'a b': 2 }, 'data-mismatch', /the room "\*" .*data\["a b"\]: /],
    ['*', 'any', 1, 'unknown-event', /the room "\*"/],
    [['orders/7', 'orders/all'], 'zod', { lines: [] }, 'data-mismatch', /"orders\/all"/],
    [['orders/7', 'other'], 'any', 1, 'unknown-room', /"other"/],
  ])('to %j with the name %s is refused', (rooms, event, data, code, message) => {
    expect(publish(rooms, event, data)).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each<[string | string[], string | undefined, unknown]>([
    ['orders/7', 'any', 'anything, where only the compiler checks'],
    ['orders/all', 'count', 7],
    ['user:ann', undefined, 'text'],
    [['orders/7', 'orders/8'], 'any', 1],
    [[], 'any', 1],
  ])('to %j with the name %s passes', (rooms, event, data) => {
    expect(publish(rooms, event, data)).toBeUndefined();
  });

  it('is compared with a schema once, also in several rooms', () => {
    let calls = 0;
    const counted: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => (calls++, { value }) },
    };
    const one = new EventCheck(defineEvents({ 'a/:b': { x: counted }, c: { x: counted } }));
    one.publish(['a/1', 'a/2', 'c'], 'x', 1);
    expect(calls).toBe(1);
  });
});

describe('an event to single clients', () => {
  it('passes where one room has such an event with such data', () => {
    for (const data of [{ lines: [] }, 7, true]) check.send('zod', data);
    check.send(undefined, 'text');
  });

  it('is refused where none has', () => {
    expect(errorOf(() => check.send('zod', 'text'))).toMatchObject({ code: 'data-mismatch' });
    expect(errorOf(() => check.send('notise', {}))).toMatchObject({
      code: 'unknown-event',
      message: expect.stringContaining('Did you mean "notice"?'),
    });
  });
});

describe('a schema that cannot say at once', () => {
  const late = z.string().refine(async () => true);
  const rejecting: StandardSchema = {
    '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('later')) },
  };
  const failing: StandardSchema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: () => {
        throw new Error('broken');
      },
    },
  };
  const broken = new EventCheck(defineEvents({ a: { late, rejecting, failing } }));

  it('because it is asynchronous refuses the event, and its rejection ends nothing', async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', listen);
    for (const name of ['late', 'rejecting']) {
      expect(errorOf(() => broken.publish(['a'], name, 'x'))).toMatchObject({
        code: 'data-mismatch',
        message: expect.stringContaining('asynchronous'),
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });

  it('because it throws refuses the event, with its error as the cause', () => {
    const error = errorOf(() => broken.publish(['a'], 'failing', 'x'));
    expect(error).toMatchObject({ code: 'data-mismatch', cause: new Error('broken') });
  });
});

describe('a message about faults', () => {
  it('names three of them, each on one line and in bounds', () => {
    const many: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({
          issues: [
            { message: `a\nb ${'x'.repeat(1_000)}` },
            ...[1, 2, 3, 4].map((n) => ({ message: `${n}.`, path: [{ key: n }] })),
          ],
        }),
      },
    };
    const { message = '' } =
      errorOf(() => new EventCheck(defineEvents({ a: { many } })).publish(['a'], 'many', 1)) ?? {};
    expect(message).toMatch(/data: a b x{196}…; data\[1\]: 1; data\[2\]: 2; and 2 more\.$/);
  });
});

it('with a function for warnings, faults are passed to it and thrown no more', () => {
  const warned: string[] = [];
  const lenient = new EventCheck(defineEvents({ a: { x: z.number() } }), ({ code }) => warned.push(code));
  lenient.publish(['b'], 'x', 1);
  lenient.publish(['a'], 'y', 1);
  lenient.publish(['a'], 'x', '1');
  lenient.publish(['a'], 'x', 1);
  lenient.send('z', 1);
  expect(warned).toEqual(['unknown-room', 'unknown-event', 'data-mismatch', 'unknown-event']);
});
