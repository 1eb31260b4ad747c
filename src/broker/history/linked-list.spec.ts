import * as fc from 'fast-check';
import { LinkedList, type Linked } from './linked-list.js';

class Member implements Linked<Member> {
  linkedBefore: Member | undefined;
  linkedAfter: Member | undefined;
}

describe('a linked list of rooms', () => {
  it('has the order of a Set after the same steps', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 })), (toggled) => {
        const members = Array.from({ length: 10 }, () => new Member());
        const [list, expected] = [new LinkedList<Member>(), new Set<Member>()];
        for (const index of toggled) {
          const member = members[index] as Member;
          if (expected.delete(member)) list.delete(member);
          else {
            list.add(member);
            expected.add(member);
          }
          const order: Member[] = [];
          for (let each = list.oldest; each !== undefined; each = each.linkedAfter) order.push(each);
          expect(order.map((each) => members.indexOf(each))).toEqual(
            [...expected].map((each) => members.indexOf(each)),
          );
        }
      }),
    );
  });
});
