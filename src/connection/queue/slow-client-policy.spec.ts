import { CLOSE_REASONS } from '../close-reason.js';
import { SlowClientPolicy } from './slow-client-policy.js';

const policy = new SlowClientPolicy({ maxQueuedBytes: 100, writeTimeoutMs: 30_000, shutdownGraceMs: 0 });

describe('the slow client policy', () => {
  it.each<[number, number, boolean]>([
    [60, 40, true],
    [60, 41, false],
    [0, 101, true],
  ])('with %i queued bytes, %i more fit: %p', (queuedBytes, addedBytes, fits) => {
    expect(policy.fits(queuedBytes, addedBytes)).toBe(fits);
  });

  it.each<[number, boolean, string | undefined]>([
    [400, true, undefined],
    [401, true, 'slow-consumer'],
    [100, false, 'slow-consumer'],
  ])('with %i queued bytes and a stall in this turn %p, closes for %p', (queuedBytes, inTurn, reason) => {
    expect(policy.closeReasonInBurst(queuedBytes, inTurn)).toBe(reason);
  });

  it.each<[number, string | undefined]>([
    [100, undefined],
    [101, 'slow-consumer'],
  ])('with %i queued bytes at the end of the turn, closes for %p', (queuedBytes, reason) => {
    expect(policy.closeReasonAfterBurst(queuedBytes)).toBe(reason);
  });

  it('cuts the connection of a slow client, and of no other', () => {
    expect(CLOSE_REASONS.filter((reason) => policy.cutsConnection(reason))).toEqual([
      'slow-consumer',
      'write-timeout',
    ]);
  });

  it('waits for a client at the end of its stream, shorter at a shutdown', () => {
    expect([policy.endGraceMs('closed'), policy.endGraceMs('shutdown')]).toEqual([30_000, 0]);
  });
});
