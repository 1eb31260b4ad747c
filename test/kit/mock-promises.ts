import type { SseServiceMock } from 'nestjs-simple-sse/testing';

/** Promises of the mock, each of which a mutant of it breaks. */
export const mockPromises = {
  async 'records each event of a room until it is cleared'(create: () => SseServiceMock) {
    const sse = create();
    await sse.broadcast('orders/7', 'paid', { id: 7 });
    await sse.broadcast('orders/8', 'paid', { id: 8 });
    await sse.broadcast('orders/7', 'shipped', { id: 7 });
    expect(sse.published('orders/7')).toEqual([
      { event: 'paid', data: { id: 7 } },
      { event: 'shipped', data: { id: 7 } },
    ]);
    expect(sse.publishedRooms()).toEqual(['orders/7', 'orders/8']);
    sse.clear();
    expect([sse.published('orders/7'), sse.publishedRooms()]).toEqual([[], []]);
  },
};
