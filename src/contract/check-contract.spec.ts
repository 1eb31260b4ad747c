import { z } from 'zod';
import { checkContract, contractExpected } from './check-contract.js';
import { defineEvents, type RoomContracts } from './event-contract.js';

const x = { x: z.string() };

describe('the contract of an application', () => {
  it.each<[RoomContracts]>([
    [{ 'orders/:id': x, 'orders/all': x, 'orders/:id/items': x, 'users/:id': x, '*': x }],
    [{ 'chat::room': x, chat: x }],
    [{ 'a-:id': x, 'b-:id': x }],
    [{ ':id/a': x, ':id/b': x }],
    [{}],
  ])('is accepted: %j', (rooms) => {
    expect(() => checkContract(defineEvents(rooms), {})).not.toThrow();
  });

  it.each<[RoomContracts, RegExp]>([
    [{ 'orders/{id}': x }, /"orders\/\{id\}" .*contains "\{id\}".*":id"/],
    [{ ':a:b': x }, /contains ":a:b"/],
    [{ 'orders/*': x }, /"orders\/\*".*is no room/],
    [{ '': x }, /is no room/],
    [{ 'user/undefined': x }, /is no room/],
    [{ 'a/:id': x, 'a/:key': x }, /"a\/:id" .*fits rooms that "a\/:key" fits too/],
    [{ ':kind/7': x, 'a/:id': x }, /":kind\/7" .*"a\/:id"/],
    [{ 'a-:x': x, ':y-b': x }, /"a-:x" .*":y-b"/],
    [{ a: { 'sse:ready': z.string() } }, /"a" .*wrong name.*"sse:"/],
    [{ a: { error: z.string() } }, /wrong name/],
    [{ a: { '': z.string() } }, /without a name/],
    [{ a: { paid: {} as never } }, /no schema for the event "paid"/],
    [{ a: { paid: undefined as never } }, /no schema for the event "paid"/],
    [{ a: null as never }, /an object of events, not null/],
  ])('is refused by name: %j', (rooms, message) => {
    expect(() => checkContract(defineEvents(rooms), {})).toThrow(message);
  });

  it('may have a room with an asterisk where the application allows such rooms', () => {
    expect(() =>
      checkContract(defineEvents({ 'orders/*': x }), { allowAsteriskInRoomNames: true }),
    ).not.toThrow();
  });

  it.each([undefined, null, 7, {}, { a: x }])('is what defineEvents() returned, and not %j', (value) => {
    expect(contractExpected(value)).toBe('what defineEvents() returned');
  });
});
