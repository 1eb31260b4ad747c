import * as fc from 'fast-check';
import { encodeControl, failureText, parseControl, type RemoteCommand } from './remote-command-codec.js';

const head = { call: 'c-1', copy: 1, from: 'node_1', waitMs: 5_000 };
const disconnect = { ...head, to: { client: 'c' }, action: { do: 'disconnect' } };
const leave = { ...head, to: { users: ['7'] }, action: { do: 'leave', room: 'a' } };
const join = { ...head, to: { room: '*' }, action: { do: 'join', room: 'a', replay: 3 } };
const send = { ...head, to: { room: 'a' }, action: { do: 'send', event: 'x', data: 'text', volatile: true } };
const answer = { answer: 'c-1', node: 'node_2', reached: 2 };

describe('a control message', () => {
  it.each([disconnect, leave, join, send, answer, { ...answer, failed: 'Redis is gone' }])(
    'that a node has written is read unchanged: %j',
    (message) => {
      expect(parseControl(encodeControl(message as RemoteCommand))).toEqual(message);
    },
  );

  it.each([
    [0, true],
    [2_147_483_647, true],
    [2_147_483_648, false],
    [1e15, false],
    [-1, false],
  ])('with the reconnection time %d is accepted: %j', (retryMs, isAccepted) => {
    const command = parseControl(JSON.stringify({ ...disconnect, action: { do: 'disconnect', retryMs } }));
    expect(command !== undefined).toBe(isAccepted);
  });

  it.each([
    { ...leave, action: { do: 'leave', room: 'a\nb' } },
    { ...leave, action: { do: 'leave', room: '' } },
    { ...leave, action: { do: 'leave', room: 5 } },
    { ...leave, action: { do: 'leave', room: 'a\ud800' } },
    { ...leave, action: { do: 'leave' } },
    { ...leave, to: { users: [7] } },
    { ...leave, to: { users: ['a\u0000'] } },
    { ...leave, to: { users: { length: 1 } } },
    { ...leave, to: {} },
    { ...leave, to: [] },
    { ...leave, to: { users: ['7'], unless: 'a field of another version' } },
    { ...join, action: { do: 'join', room: 'a', replay: -1 } },
    { ...join, action: { do: 'join', room: 'a', since: 5 } },
    { ...send, action: { do: 'send', data: 7 } },
    { ...send, action: { do: 'send', data: 'text', event: 'a\nid: 5' } },
    { ...send, action: { do: 'send', data: 'text', event: 'sse:gap' } },
    { ...send, action: { do: 'send', data: 'text', event: '' } },
    { ...send, action: { do: 'send' } },
    { ...disconnect, to: { client: { toString: 1 } } },
    { ...disconnect, later: true },
    { ...disconnect, from: 'another channel' },
    { ...disconnect, call: '' },
    { ...disconnect, waitMs: 60_001 },
    { ...disconnect, action: { do: 'toString' } },
    { ...disconnect, action: null },
    { do: 'disconnect', client: 'c' },
    { ...answer, reached: -1 },
    { ...answer, reached: '2' },
    { ...answer, node: 'a b' },
    { ...answer, failed: 'forged\nline' },
    { ...answer, failed: 'x'.repeat(1_000) },
    ['disconnect'],
    null,
    7,
  ])('is refused: %j', (message) => {
    expect(parseControl(JSON.stringify(message))).toBeUndefined();
  });

  it('of any values never throws, and is accepted only with names as an application gives them', () => {
    const field = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('a', '*', '7', ['7'], ['7\n'], 0, -1, 1e15, 'sse:ready', { toString: 1 }),
    );
    const command = fc.record({
      call: fc.constantFrom('c-1', 7),
      from: fc.constantFrom('node', ''),
      waitMs: fc.constantFrom(1, 1e9),
      to: fc.record({ client: field, users: field, room: field }, { requiredKeys: [] }),
      action: fc.record(
        {
          do: fc.constantFrom('disconnect', 'leave', 'join', 'send', '__proto__'),
          room: field,
          replay: field,
          retryMs: field,
          event: field,
          data: field,
        },
        { requiredKeys: ['do'] },
      ),
    });
    fc.assert(
      fc.property(command, (value) => {
        const parsed = parseControl(JSON.stringify(value)) as RemoteCommand | undefined;
        if (parsed === undefined) return;
        const { to, action } = parsed;
        const room = 'room' in action ? action.room : 'a';
        for (const name of [room, to.room ?? 'a', ...(to.users ?? [])]) {
          expect(name).toMatch(/^[^\p{Cc}\p{Surrogate}]+$/u);
        }
        if (action.do === 'disconnect') expect(action.retryMs ?? 0).toBeLessThan(2 ** 31);
        if (action.do === 'send') expect(action.event ?? '').not.toMatch(/[\r\n\0]|^sse:/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('with any reason of a failure is read by the node that waits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1_000 }), (reason) => {
        const failed = failureText(reason);
        expect(parseControl(encodeControl({ ...answer, failed }))).toEqual({ ...answer, failed });
      }),
    );
  });
});
