import { SseError } from '../../protocol/sse-error.js';
import { SseRoom } from '../../sse-room.decorator.js';
import { roomMetadataOf } from './room-metadata.js';

function decorate(upper: object, lower: object): { metadata: () => object } {
  class NewsController {
    @SseRoom('a', upper)
    @SseRoom('b', lower)
    news(): void {}
  }
  // oxlint-disable-next-line typescript/unbound-method -- only its metadata is read
  return { metadata: () => roomMetadataOf(NewsController, NewsController.prototype.news) };
}

describe('two @SseRoom of one method', () => {
  it.each([
    [
      { retryMs: 1 },
      { retryMs: 2 },
      'Two @SseRoom() of news set "retryMs" to 1 and 2. Set it in one of them.',
    ],
    [
      { endOnComplete: true },
      { endOnComplete: false },
      'Two @SseRoom() of news set "endOnComplete" to true and false. Set it in one of them.',
    ],
    [
      { replay: { perEventName: 1 } },
      { replay: 'all' },
      `Two @SseRoom() of news set "replay" to { perEventName: 1 } and 'all'. Set it in one of them.`,
    ],
  ])('are refused with %j and %j', (upper, lower, message) => {
    expect(() => decorate(upper, lower)).toThrow(new SseError('invalid-options', message));
  });

  it.each([
    [{ retryMs: 1 }, { retryMs: 1 }, { retryMs: 1 }],
    [{ retryMs: 1 }, { replay: 2 }, { retryMs: 1, replay: 2 }],
    [{ replay: { perEventName: 1 } }, { replay: { perEventName: 1 } }, { replay: { perEventName: 1 } }],
    [{ retryMs: undefined }, { retryMs: 3 }, { retryMs: 3 }],
  ])('with %j and %j have the rooms of both, and the options of both', (upper, lower, expected) => {
    expect(decorate(upper, lower).metadata()).toEqual({ sources: ['a', 'b'], ...expected });
  });
});

describe('an @SseRoom of a method', () => {
  it('overrides the options of its controller, and joins the rooms of both', () => {
    @SseRoom('all', { retryMs: 1, endOnComplete: true })
    class NewsController {
      @SseRoom('news', { retryMs: 2 })
      news(): void {}
    }
    // oxlint-disable-next-line typescript/unbound-method -- only its metadata is read
    expect(roomMetadataOf(NewsController, NewsController.prototype.news)).toEqual({
      sources: ['all', 'news'],
      retryMs: 2,
      endOnComplete: true,
    });
  });
});
