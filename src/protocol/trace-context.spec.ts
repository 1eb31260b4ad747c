import { boundedTrace } from './trace-context.js';

describe('boundedTrace', () => {
  it('returns a trace context as it is', () => {
    const trace = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=b',
    };
    expect(boundedTrace(trace)).toBe(trace);
  });

  it.each<[unknown]>([
    [undefined],
    [null],
    ['00-0af7'],
    [['00-0af7']],
    [{}],
    [{ traceparent: 7 }],
    [{ traceparent: 'a', baggage: 'x'.repeat(2_048) }],
  ])('returns nothing for %j', (value) => {
    expect(boundedTrace(value)).toBeUndefined();
  });
});
