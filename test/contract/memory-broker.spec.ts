import { MemoryBroker } from 'nestjs-simple-sse';
import { brokerContract } from 'nestjs-simple-sse/testing';

describe('the broker contract', () => {
  const cases = brokerContract({
    name: 'memory',
    shared: false,
    createFixture: () => ({ createBroker: () => new MemoryBroker() }),
  });
  for (const { name, skipped, run } of cases) {
    if (skipped === undefined) it(name, run);
    else it.skip(`${name} (${skipped})`, run);
  }

  it('refuses to skip a case that does not exist', () => {
    const options = {
      name: 'memory',
      shared: false,
      createFixture: () => ({ createBroker: () => new MemoryBroker() }),
    };
    expect(() => brokerContract({ ...options, skips: { nonsense: 'because' } })).toThrow(
      'no case "nonsense"',
    );
  });
});
