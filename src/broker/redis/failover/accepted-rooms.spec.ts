import { AcceptedRooms } from './accepted-rooms.js';

describe('the rooms of accepted events', () => {
  it('are lost if Redis accepted the event in another epoch after the current one had begun', () => {
    const rooms = new AcceptedRooms(1);
    rooms.add(['before'], 'old', 99);
    rooms.add(['after', 'both'], 'old', 100);
    rooms.add(['current'], 'new', 101);
    expect(rooms.takeLost('new', 100)).toEqual({ names: ['after', 'both'], all: false });
  });

  it('are taken once, and those of the current epoch are kept for the next change', () => {
    const rooms = new AcceptedRooms(1);
    rooms.add(['a'], 'old', 100);
    rooms.add(['b'], 'new', 101);
    rooms.takeLost('new', 100);
    expect(rooms.takeLost('new', 0).names).toEqual([]);
    expect(rooms.takeLost('third', 101).names).toEqual(['b']);
  });

  it('count by their last event', () => {
    const rooms = new AcceptedRooms(1);
    rooms.add(['a'], 'old', 100);
    rooms.add(['a'], 'new', 101);
    expect(rooms.takeLost('new', 0).names).toEqual([]);
  });

  it('are all rooms if there were more than are remembered, and only until the next epoch', () => {
    const rooms = new AcceptedRooms(5_000);
    for (const [n, name] of ['a', 'b', 'c'].entries()) rooms.add([name], 'old', 100 + n);
    expect(rooms.takeLost('old', 0)).toEqual({ names: [], all: false });
    expect(rooms.takeLost('new', 100)).toEqual({ names: ['b', 'c'], all: true });
    expect(rooms.takeLost('third', 0)).toEqual({ names: [], all: false });
  });

  it('do not include dropped rooms whose event was accepted before the epoch began', () => {
    const rooms = new AcceptedRooms(5_000);
    for (const [n, name] of ['a', 'b', 'c'].entries()) rooms.add([name], 'old', 100 + n);
    expect(rooms.takeLost('new', 101)).toEqual({ names: ['b', 'c'], all: false });
  });
});
