import { clientLabel } from './client-label.js';

const id = '1a2b3c4d-0000-4000-8000-000000000000';

describe('clientLabel', () => {
  it.each<[unknown, string]>([
    [{ id: 'req-7' }, 'client 1a2b3c4d, request req-7'],
    [{ id: 7 }, 'client 1a2b3c4d, request 7'],
    [{}, 'client 1a2b3c4d'],
    [{ id: '' }, 'client 1a2b3c4d'],
    [{ id: {} }, 'client 1a2b3c4d'],
    [undefined, 'client 1a2b3c4d'],
  ])('of the request %j is %s', (request, label) => {
    expect(clientLabel({ id, request })).toBe(label);
  });

  it('lets the id of a request neither begin a line nor fill the log', () => {
    const label = clientLabel({ id, request: { id: `a\n[Nest] forged\u001b[31m${'x'.repeat(1_000)}` } });
    expect(label).toMatch(/^client 1a2b3c4d, request [\x21-\x7e]{64}$/);
  });
});
