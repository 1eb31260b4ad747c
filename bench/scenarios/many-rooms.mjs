import { notAVariant, ownFleet } from './fleets.mjs';

const ROOM_SIZE = 10;

/** @type {import('./fleets.mjs').Cell} */
export const manyRooms = {
  id: 'many-rooms',
  scenario: 'many-rooms',
  title: 'Many rooms: publishing to a room of 10, alone and among 10,000 clients in rooms of 10',
  note: 'The same process measures both, so the last column is free of machine noise from one server to the next.',
  fleet: ownFleet('rooms of 10', 10_000, 2_000),
  rounds: 1,
  coreRounds: 2,
  columns: [
    { field: 'alone', title: 'CPU per publish, room alone (us)', digits: 1 },
    { field: 'among', title: 'among all rooms (us)', digits: 1 },
    { field: 'ratio', title: 'among / alone', digits: 2 },
  ],
  leftOut: notAVariant,
  async measure(stage, { quick }) {
    const clients = quick ? 2_000 : 10_000;
    const publishes = { receivers: ROOM_SIZE, bytes: 100, count: quick ? 1_500 : 2_500, block: 200 };
    await stage.connect({ clients: ROOM_SIZE });
    // Compiles the path before either figure is taken, and again after a collection, which discards some code.
    for (let pass = 0; pass < 3; pass++) await stage.deliver(publishes);
    const alone = await stage.deliver(publishes);
    await stage.connect({ clients: clients - ROOM_SIZE, rooms: clients / ROOM_SIZE - 1, firstRoom: 1 });
    await stage.memory(); // collects the garbage of connecting
    await stage.deliver(publishes);
    const among = await stage.deliver(publishes);
    return { alone: alone.cpu * ROOM_SIZE, among: among.cpu * ROOM_SIZE, ratio: among.cpu / alone.cpu };
  },
};
