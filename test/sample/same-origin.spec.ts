import { ForbiddenException, type ExecutionContext } from '@nestjs/common';
import { SameOriginGuard } from '../../sample/shared/same-origin.guard.js';
import { unchecked } from '../support/refusal.js';

function admits(headers: Record<string, string>): boolean {
  const context = { switchToHttp: () => ({ getRequest: () => ({ headers }) }) };
  return new SameOriginGuard().canActivate(unchecked<ExecutionContext>(context));
}

describe('the buttons of the two-nodes page', () => {
  it.each(['localhost', 'localhost:8080', '127.0.0.1:8080', '192.168.1.7', '[::1]:8080'])(
    'work under the host %s, for the page and for programs',
    (host) => {
      expect(admits({ host })).toBe(true);
      expect(admits({ host, 'sec-fetch-site': 'same-origin' })).toBe(true);
    },
  );

  it.each(['evil.example', 'evil.example:8080', 'localhost.evil.example', '127.0.0.1.evil.example', ''])(
    'refuse the host %j, which a DNS rebinding site may have',
    (host) => {
      expect(() => admits({ host })).toThrow(ForbiddenException);
      expect(() => admits({ host, 'sec-fetch-site': 'same-origin' })).toThrow(ForbiddenException);
    },
  );

  it('refuse pages of other sites', () => {
    expect(() => admits({ host: 'localhost', 'sec-fetch-site': 'cross-site' })).toThrow(ForbiddenException);
  });
});
