import { trueOrFalse } from '../../protocol/input/option-checks.js';
import { eventArguments } from './event-arguments.js';

const CHECKS = { volatile: trueOrFalse };

describe('the arguments of send and broadcast', () => {
  it('are read by their number', () => {
    const none = { event: undefined, options: {} };
    expect(eventArguments('send', ['text'], CHECKS)).toEqual({ ...none, data: 'text' });
    expect(eventArguments('send', [undefined], CHECKS)).toEqual({ ...none, data: undefined });
    expect(eventArguments('send', ['paid', 7], CHECKS)).toEqual({ event: 'paid', data: 7, options: {} });
    expect(eventArguments('send', ['paid', undefined], CHECKS)).toEqual({
      event: 'paid',
      data: undefined,
      options: {},
    });
    expect(eventArguments('send', [undefined, 'x'], CHECKS)).toEqual({ ...none, data: 'x' });
    expect(eventArguments('send', ['', 'x'], CHECKS)).toEqual({ ...none, data: 'x' });
    expect(eventArguments('send', [null, null], CHECKS)).toEqual({ ...none, data: null });
  });

  it('options come last, and may be undefined', () => {
    const options = { volatile: true };
    expect(eventArguments('send', ['paid', 7, options], CHECKS)).toEqual({ event: 'paid', data: 7, options });
    expect(eventArguments('send', ['paid', 7, undefined], CHECKS).options).toEqual({});
  });

  it.each([[[]], [['a', 1, {}, {}]], [['a', 1, null]], [['a', 1, 'x']], [['a', 1, 7]]])(
    'refuses %j',
    (parts) => {
      expect(() => eventArguments('broadcast', parts, CHECKS)).toThrow(
        expect.objectContaining({
          code: 'invalid-arguments',
          message: expect.stringContaining('broadcast') as string,
        }),
      );
    },
  );

  it('options are checked by name and by value', () => {
    expect(() => eventArguments('send', ['paid', 7, { volatil: true }], CHECKS)).toThrow(
      expect.objectContaining({
        code: 'invalid-arguments',
        message: 'send has no option "volatil". Did you mean "volatile"?',
      }),
    );
    expect(() => eventArguments('send', ['paid', 7, { volatile: 1 }], CHECKS)).toThrow(
      expect.objectContaining({ message: 'The option "volatile" of send is true or false, not 1.' }),
    );
  });

  it.each([
    ['broadcast', 'broadcast(room, undefined, data, options)'],
    ['send', 'send(client, undefined, data, options)'],
  ] as const)('%s names the call with data and options but without a name', (method, call) => {
    for (const data of [{ id: 7 }, [7], 7, false]) {
      expect(() => eventArguments(method, [data, { volatile: true }], CHECKS)).toThrow(
        expect.objectContaining({
          code: 'invalid-event-name',
          message: expect.stringContaining(call) as string,
        }),
      );
    }
  });

  it('the name is checked', () => {
    expect(() => eventArguments('send', ['a\nb', 1], CHECKS)).toThrow(
      expect.objectContaining({ code: 'invalid-event-name' }),
    );
    expect(() => eventArguments('send', [{ name: 'a' }, 1], CHECKS)).toThrow(
      expect.objectContaining({ code: 'invalid-event-name' }),
    );
  });
});
