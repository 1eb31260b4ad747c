import { eventArguments } from './event-arguments.js';

describe('the arguments of send and broadcast', () => {
  it('are read by their number', () => {
    const none = { event: undefined, options: {} };
    expect(eventArguments('send', ['text'])).toEqual({ ...none, data: 'text' });
    expect(eventArguments('send', [undefined])).toEqual({ ...none, data: undefined });
    expect(eventArguments('send', ['paid', 7])).toEqual({ event: 'paid', data: 7, options: {} });
    expect(eventArguments('send', ['paid', undefined])).toEqual({
      event: 'paid',
      data: undefined,
      options: {},
    });
    expect(eventArguments('send', [undefined, 'x'])).toEqual({ ...none, data: 'x' });
    expect(eventArguments('send', ['', 'x'])).toEqual({ ...none, data: 'x' });
    expect(eventArguments('send', [null, null])).toEqual({ ...none, data: null });
  });

  it('options come last, and may be undefined', () => {
    const options = { volatile: true };
    expect(eventArguments('send', ['paid', 7, options])).toEqual({ event: 'paid', data: 7, options });
    expect(eventArguments('send', ['paid', 7, undefined]).options).toEqual({});
  });

  it.each([[[]], [['a', 1, {}, {}]], [['a', 1, null]], [['a', 1, 'x']], [['a', 1, 7]]])(
    'refuses %j',
    (parts) => {
      expect(() => eventArguments('broadcast', parts)).toThrow(
        expect.objectContaining({
          code: 'invalid-arguments',
          message: expect.stringContaining('broadcast') as string,
        }),
      );
    },
  );

  it('the name is checked', () => {
    expect(() => eventArguments('send', ['a\nb', 1])).toThrow(
      expect.objectContaining({ code: 'invalid-event-name' }),
    );
    expect(() => eventArguments('send', [{ name: 'a' }, 1])).toThrow(
      expect.objectContaining({ code: 'invalid-event-name' }),
    );
  });
});
