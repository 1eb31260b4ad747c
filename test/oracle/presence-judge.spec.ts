import { EXACT_PRESENCE, judgePresence, memberText, type ReceivedChange } from './presence-judge.js';

const change = (type: ReceivedChange['type'], user = 'ann'): ReceivedChange => ({ type, room: 'a', user });
const list = (...users: string[]): Set<string> => new Set(users.map((user) => memberText('a', user)));

describe('the judge of presence', () => {
  it('accepts changes that alternate and lead to the list', () => {
    const record = [change('join'), change('leave'), change('join'), change('join', 'bob')];
    expect(judgePresence([record], list('ann', 'bob'))).toEqual({ presenceChanges: 4, ...EXACT_PRESENCE });
  });

  it('finds a join of a member and a leave of a user who is none', () => {
    const record = [change('join'), change('join'), change('leave', 'bob')];
    expect(judgePresence([record], list('ann')).presenceRepeats).toBe(2);
  });

  it('finds members that the list lacks, and those that were never announced, for each observer', () => {
    expect(judgePresence([[change('join')], []], list('bob')).presenceDifferences).toBe(3);
  });
});
