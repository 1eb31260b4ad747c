import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { addressKey } from './address-key.js';

describe('addressKey', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '0:0:0:0::'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::'],
    ['2001:db8::1:2:3:4', '2001:db8:0:0::'],
    ['fe80::1%eth0', 'fe80:0:0:0::'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::'],
    ['an address of a test', 'an address of a test'],
  ])('counts %s as %s', (address, key) => expect(addressKey(address)).toBe(key));

  it('is equal for all IPv6 addresses of a network of 64 bits, and differs for others', () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
    const half = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(half, half, half, half, (a, b, c, d) => {
        const [one, two, three] = [
          [...a, ...c],
          [...a, ...d],
          [...b, ...c],
        ].map((groups) => addressKey(groups.join(':')));
        expect(one).toBe(two);
        expect(one === three).toBe(a.join(':') === b.join(':'));
        expect(isIPv6(one ?? '')).toBe(true);
      }),
    );
  });
});
