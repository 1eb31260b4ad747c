import {
  judgeSession,
  type Membership,
  type PublishedEvent,
  type SessionVerdict,
} from './session-traffic.js';

describe('the judge of pages with sessions', () => {
  const events: readonly PublishedEvent[] = [1, 2, 3, 4].map((number) => ({
    room: 'chat',
    number,
    begun: 10 * number,
    done: 10 * number + 5,
  }));
  const inAll: Membership = { room: 'chat', joinCalled: 1, joined: 2, lastAwaited: Infinity, left: Infinity };

  function judge(received: number[], membership: Partial<Membership> = {}, gaps: string[] = []) {
    const memberships = [{ ...inAll, ...membership }];
    const texts = received.map((number) => `chat ${number}`);
    const page = { begun: 0, memberships, received: texts, gaps: new Set(gaps) };
    const { deliveries, gaps: announced, ...verdict } = judgeSession(page, events);
    expect(announced).toEqual(gaps);
    expect(deliveries).toBe(received.length);
    return verdict;
  }

  const clean: Omit<SessionVerdict, 'deliveries' | 'gaps'> = {
    lost: [],
    doubles: [],
    disorder: [],
    foreign: [],
  };

  it('accepts a page that has received everything once and in order', () => {
    expect(judge([1, 2, 3, 4])).toEqual(clean);
  });

  it('finds a lost event, a double one, disorder, and an event of a room that the page was not in', () => {
    expect(judge([1, 3, 4])).toEqual({ ...clean, lost: ['chat 2'] });
    expect(judge([1, 2, 2, 3, 4])).toEqual({ ...clean, doubles: ['chat 2'] });
    expect(judge([1, 3, 2, 4])).toEqual({ ...clean, disorder: ['chat 2'] });
    expect(judge([1, 2, 3, 4], { lastAwaited: 2, left: 29 })).toEqual({
      ...clean,
      foreign: ['chat 3', 'chat 4'],
    });
  });

  it('accepts a loss that a gap has announced', () => {
    expect(judge([1, 4], {}, ['chat'])).toEqual(clean);
    expect(judge([1, 4], {}, ['other']).lost).toEqual(['chat 2', 'chat 3']);
  });

  it('demands events between the answer to the join and the last one awaited before the leave, and allows those of the calls', () => {
    // The join was answered at 22. The page was cut after event 3, and event 4 came before its leave at 50.
    const membership = { joinCalled: 12, joined: 22, lastAwaited: 3, left: 50 };
    expect(judge([3], membership)).toEqual(clean);
    expect(judge([1, 2, 3, 4], membership)).toEqual(clean);
    expect(judge([2, 4], membership).lost).toEqual(['chat 3']);
  });

  it('demands the room of the request once the page has an id', () => {
    const news = events.map((event) => ({ ...event, room: 'news' }));
    const page = { begun: 22, memberships: [], received: ['news 4'], gaps: new Set<string>() };
    expect(judgeSession(page, news).lost).toEqual(['news 3']);
  });
});
