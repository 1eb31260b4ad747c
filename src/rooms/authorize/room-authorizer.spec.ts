import type { SseClient } from '../../connection/sse-client.js';
import { RoomAuthorizer } from './room-authorizer.js';

describe('the option authorizeRoom that never answers', () => {
  const reports: string[] = [];
  const authorizer = new RoomAuthorizer(
    { hasAuthorizer: true, authorizerOf: () => () => new Promise<boolean>(() => {}) },
    { report: (callback, error) => void reports.push(`${callback}: ${(error as Error).message}`) },
    1,
  );
  const client = { signal: new AbortController().signal } as SseClient;

  beforeEach(() => {
    reports.length = 0;
  });

  it('fails a stream that comes back, and is reported', async () => {
    await expect(authorizer.allowed(client, ['a', 'b'])).rejects.toThrow('has not answered within 1 ms');
    expect(reports).toEqual([expect.stringContaining('authorizeRoom: authorizeRoom has not answered')]);
  });

  it('refuses a join', async () => {
    await expect(authorizer.check(client, 'a')).rejects.toMatchObject({ code: 'room-forbidden' });
    expect(reports).toHaveLength(1);
  });
});
