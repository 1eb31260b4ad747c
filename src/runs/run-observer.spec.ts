import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FollowStart } from './following/follow-start.js';
import { RunObserver } from './run-observer.js';

const START: FollowStart = { after: 0, epoch: 'e', gap: undefined, isResumed: false };

let counted: unknown[][];
let messages: unknown[];
let observer: RunObserver;
const onMessage = (message: unknown): void => void messages.push(message);

beforeEach(() => {
  [counted, messages] = [[], []];
  const count =
    (name: string) =>
    (...labels: unknown[]): void =>
      void counted.push([name, ...labels]);
  observer = new RunObserver({
    runStarted: count('started'),
    runEnded: count('ended'),
    clientResumed: count('resumed'),
    gapSent: count('gap'),
  });
  subscribe('nestjs-simple-sse.run', onMessage);
});
afterEach(() => void unsubscribe('nestjs-simple-sse.run', onMessage));

describe('RunObserver', () => {
  it('counts a start, and each end once by its state and a reason of a known list', () => {
    observer.started('r');
    observer.ended('r', { state: 'done', entries: 2 });
    observer.ended('r', { state: 'stopped', reason: 'unwatched' });
    observer.ended('r', { state: 'failed', reason: `user-${Math.random()}` });
    expect(counted).toEqual([
      ['started'],
      ['ended', 'done', 'none'],
      ['ended', 'stopped', 'unwatched'],
      ['ended', 'failed', 'none'],
    ]);
    expect(messages.slice(0, 2)).toEqual([
      { run: 'r', state: 'running' },
      { run: 'r', state: 'done', reason: undefined, events: 2 },
    ]);
  });

  it('counts a run without a record, or with one that still goes on elsewhere, as lost to its node', () => {
    observer.ended('r');
    observer.ended('r', { state: 'running', entries: 1 });
    expect(counted).toEqual([
      ['ended', 'failed', 'lease'],
      ['ended', 'failed', 'lease'],
    ]);
  });

  it.each<[string, Partial<FollowStart>, unknown[][]]>([
    ['a new client as none', {}, []],
    ['a new client that has missed events as none', { gap: 'trimmed' }, []],
    ['a client that goes on where it was', { isResumed: true }, [['resumed', 'full', 'broker']]],
    ['one with a gap', { isResumed: true, gap: 'trimmed' }, [['resumed', 'partial', 'broker']]],
    ['one with an id of an earlier run', { gap: 'epoch' }, [['resumed', 'none', 'none']]],
    ['one with an id of nothing', { gap: 'invalid' }, [['resumed', 'none', 'none']]],
  ])('counts the resume of %s', (_name, start, expected) => {
    observer.followed({ ...START, ...start });
    expect(counted).toEqual(expected);
  });

  it('counts nothing where the metrics of an application lack runs', () => {
    const silent = new RunObserver({});
    silent.started('r');
    silent.ended('r');
    silent.followed(START);
    expect(messages).toHaveLength(2);
  });
});
