import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import { SseRoom, SseService, type SseModuleOptions } from 'nestjs-simple-sse';
import { defineEvents, typeOnly, type StandardSchema } from 'nestjs-simple-sse/contract';
import { SseHttpApiModule } from 'nestjs-simple-sse/http-api';
import { createSseServiceMock } from 'nestjs-simple-sse/testing';
import { z } from 'zod';
import { platforms, express } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { events, type ShopEvents } from './shop-events.js';

@Controller()
class OrdersController {
  @Get('orders/:id')
  @SseRoom('orders/:id')
  order(): void {}
}

@Injectable()
class Payments {
  constructor(@Inject(SseService) readonly sse: SseService<ShopEvents>) {}
}

const KEY = 'k'.repeat(32);

function shop(options: SseModuleOptions): ReturnType<typeof sseApp> {
  return sseApp({
    controllers: [OrdersController],
    providers: [Payments],
    imports: [SseHttpApiModule.forRoot({ keys: [KEY] })],
    options,
  });
}

describe.each(platforms)('an application with a contract, on $name,', (platform) => {
  let running: RunningApp;
  afterEach(() => running.close());

  it('delivers what fits it unchanged, and nothing that does not', async () => {
    running = await platform.start(shop({ events }));
    const { sse } = running.get(Payments);
    const stream = await running.listen('/orders/7');
    await stream.nextEvent({ control: true });
    const wrong = unchecked<SseService>(sse);
    const refused = [
      await sseRefusal(() => wrong.broadcast('orders/7', 'paid', { amount: '7' })),
      await sseRefusal(() => wrong.broadcast(['orders/7', '*'], 'paid', { amount: 7 })),
      await sseRefusal(() => wrong.to('orders/7').emit('payed', { amount: 7 })),
      await sseRefusal(() => wrong.broadcast('orders/7/x', 'paid', { amount: 7 })),
      await sseRefusal(() => wrong.send({ room: 'orders/7' }, 'payed', 7)),
      await sseRefusal(() => [...wrong.clients()].map((client) => wrong.send(client, 'notice', {}))),
    ];
    expect(refused.map(({ code }) => code)).toEqual([
      'data-mismatch',
      'unknown-event',
      'unknown-event',
      'unknown-room',
      'unknown-event',
      'data-mismatch',
    ]);
    // The schema of zod returns no unknown property. What is sent is what was given.
    await sse.broadcast('orders/7', 'paid', unchecked({ amount: 7, extra: true }));
    expect(await stream.nextEvent()).toMatchObject({ event: 'paid', data: '{"amount":7,"extra":true}' });
  });

  it('answers events over HTTP that do not fit with 400, which names the field', async () => {
    running = await platform.start(shop({ events }));
    const answer = async (body: unknown): Promise<unknown> => {
      const response = await fetch(`${running.url}/sse/publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
        body: JSON.stringify(body),
      });
      const { code, field } = (await response.json()) as Record<string, unknown>;
      return [response.status, code, field];
    };
    const paid = { rooms: 'orders/7', event: 'paid', data: { amount: 7 } };
    expect(await answer(paid)).toEqual([200, undefined, undefined]);
    expect(await answer({ ...paid, data: {} })).toEqual([400, 'data-mismatch', 'data']);
    expect(await answer({ ...paid, event: 'payed' })).toEqual([400, 'unknown-event', 'event']);
    expect(await answer({ events: [paid, { ...paid, rooms: ['x'] }] })).toEqual([
      400,
      'unknown-room',
      'events[1].rooms',
    ]);
    expect(await answer({ ...paid, except: { user: 7 } })).toEqual([400, 'invalid-arguments', 'except']);
    expect(
      await answer({ ...paid, except: { client: 'a' }, acknowledge: { replicas: 1, timeoutMs: 1 } }),
    ).toEqual([400, 'unsupported-by-broker', 'acknowledge']);
    expect(await answer({ ...paid, data: {}, except: { user: 7 } })).toEqual([
      400,
      'invalid-arguments',
      'except',
    ]);
  });
});

/** A schema that accepts 1, and counts its calls. */
const counted = (): { schema: StandardSchema; calls: () => number } => {
  let calls = 0;
  const schema: StandardSchema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => (calls++, value === 1 ? { value } : { issues: [{ message: 'is not 1' }] }),
    },
  };
  return { schema, calls: () => calls };
};
const start = async (options: SseModuleOptions): Promise<RunningApp> => express.start(testApp({ options }));

describe('the option checkEvents', () => {
  it('compares an event once, however many clients receive it', async () => {
    const { schema, calls } = counted();
    const running = await start({ events: defineEvents({ a: { x: schema } }) });
    const pairs = await Promise.all([1, 2, 3].map(() => connectClient(running, '/rooms/a')));
    await running.sse.broadcast('a', 'x', 1);
    for (const { stream } of pairs) expect(await stream.nextEvent()).toMatchObject({ event: 'x', data: '1' });
    expect(calls()).toBe(1);
    await running.close();
  });

  it("with 'warn' logs an event that does not fit, repeated ones once, and publishes it", async () => {
    const { schema } = counted();
    const running = await start({ events: defineEvents({ a: { x: schema } }), checkEvents: 'warn' });
    const { stream } = await connectClient(running, '/rooms/a');
    for (let n = 0; n < 3; n++) await running.sse.broadcast('a', 'x', 2);
    expect(await stream.nextEvent()).toMatchObject({ event: 'x', data: '2' });
    const warnings = running.logger.lines.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.text).toContain(
      'The data of the event "x" for the room "a" does not fit the contract: data: is not 1.',
    );
    expect(warnings[0]?.text).toContain('contract.e2e-spec');
    await running.close();
  });

  it('is off where NODE_ENV is production, and asks no schema', async () => {
    const { schema, calls } = counted();
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    const running = await start({ events: defineEvents({ a: { x: schema } }) }).finally(
      () => (process.env['NODE_ENV'] = before),
    );
    await running.sse.broadcast('a', 'x', 2);
    await running.sse.broadcast('no/such/room', 'y', 2);
    expect(calls()).toBe(0);
    await running.close();
  });

  it('refuses other values at start-up, a contract that is wrong, and a check without a contract', async () => {
    const wrong: readonly (readonly [SseModuleOptions, RegExp])[] = [
      [{ events, checkEvents: unchecked('log') }, /"checkEvents" .*'warn'/],
      [{ checkEvents: true }, /"checkEvents" .*needs the option "events"/],
      [{ events: unchecked({}) }, /"events" .*defineEvents\(\)/],
      [{ events: defineEvents({ 'a/{id}': { x: typeOnly() } }) }, /"a\/\{id\}"/],
    ];
    for (const [options, message] of wrong) {
      expect(await sseRefusal(() => start(options))).toMatchObject({
        code: 'invalid-options',
        message: expect.stringMatching(message),
      });
    }
  });
});

describe('a mock of the service with a contract', () => {
  it('refuses what the application would refuse', async () => {
    const sse = createSseServiceMock<ShopEvents>({ events });
    await sse.broadcast('orders/7', 'paid', { amount: 7 });
    expect(sse.published('orders/7')).toEqual([{ event: 'paid', data: { amount: 7 } }]);
    const refused = await sseRefusal(() => unchecked<SseService>(sse).broadcast('orders/7', 'paid', {}));
    expect(refused.code).toBe('data-mismatch');
  });
});

it('a promise of a refused event that nobody awaits is logged, and the process goes on', async () => {
  const running = await express.start(
    testApp({ options: { events: defineEvents({ a: { x: z.number() } }) } }),
  );
  void running.sse.broadcast('a', 'x', 'text');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(running.logger.complaints.map(({ text }) => text).join()).toContain(
    'broadcast("a", "x", …) failed, and nobody awaited it',
  );
  await running.close();
});
