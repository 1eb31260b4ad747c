/** The parts of the page's `fleet.js` that these specs use. The page is plain JavaScript. */
interface Fleet {
  take(summary: object, nowMs: number): void;
  note(totals: Record<string, unknown>, nowMs: number): void;
  curve(name: string): number[];
  view(nowMs: number): {
    nodes: { name: string; isSilent: boolean }[];
    totals: Record<string, unknown>;
    rooms: { key: string; size: number }[];
    slow: object[];
    counts: Map<string, { total: number; recent: number }>;
  };
}

const FILE = '../../src/admin/page/fleet.js';
const { Fleet } = (await import(FILE)) as { Fleet: new () => Fleet };

interface Activity {
  opened: number;
  ended: Record<string, number>;
  deliveries?: number;
  gaps?: Record<string, number>;
}

/** A summary as a node sends it. */
function summary(node: string, uptimeMs: number, streams: number, activity: Partial<Activity> = {}): object {
  return {
    node,
    name: node,
    uptimeMs,
    streams,
    rooms: 1,
    activity: { opened: 0, ended: {}, ...activity },
    topRooms: [['news', streams]],
    slowClients: { count: 0, queuedBytes: 0, top: [] },
    broker: { state: 'live' },
  };
}

describe('what the operator’s page makes of the summaries of nodes', () => {
  let fleet: Fleet;

  beforeEach(() => {
    fleet = new Fleet();
  });

  it('sums streams and rooms over all nodes, the largest room first', () => {
    fleet.take(summary('a', 1_000, 3), 0);
    fleet.take(summary('b', 9_000, 4), 0);
    const { totals, rooms, nodes } = fleet.view(0);
    expect(totals).toMatchObject({ nodes: 2, streams: 7 });
    expect(rooms).toEqual([{ key: 'news', size: 7 }]);
    expect(nodes.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('takes rates from the uptime of each node, whatever the delay of a summary or the clock of a node', () => {
    fleet.take(summary('a', 10_000, 1, { opened: 100, deliveries: 1_000, ended: { 'client-gone': 3 } }), 0);
    expect(fleet.view(0).totals).toMatchObject({ opened: undefined, deliveries: undefined });
    const later = { opened: 120, deliveries: 5_000, ended: { 'client-gone': 4, replaced: 1 } };
    // Sent two seconds later, and received seven seconds later.
    fleet.take(summary('a', 12_000, 1, later), 7_000);
    expect(fleet.view(7_000).totals).toMatchObject({ opened: 10, deliveries: 2_000, ended: 1 });
  });

  it('leaves a silent node out of all sums after 8 s, and its row after 30 s', () => {
    fleet.take(summary('a', 1_000, 3), 0);
    fleet.take(summary('dead', 1_000, 4, { gaps: { trimmed: 9 } }), 0);
    fleet.take(summary('a', 9_000, 3), 8_000);
    expect(fleet.view(8_000).totals.streams).toBe(7);
    const { totals, nodes, rooms, counts } = fleet.view(8_001);
    expect(totals).toMatchObject({ nodes: 1, streams: 3 });
    expect(rooms).toEqual([{ key: 'news', size: 3 }]);
    expect(counts.has('gaps/trimmed')).toBe(false);
    expect(nodes.map(({ name, isSilent }) => [name, isSilent])).toEqual([
      ['a', false],
      ['dead', true],
    ]);
    fleet.take(summary('a', 30_000, 3), 30_000);
    expect(fleet.view(30_001).nodes.map(({ name }) => name)).toEqual(['a']);
  });

  it('counts again a node that was silent and is back', () => {
    fleet.take(summary('a', 1_000, 3), 0);
    expect(fleet.view(20_000).totals.streams).toBe(0);
    fleet.take(summary('a', 21_000, 3), 20_000);
    expect(fleet.view(20_000).totals.streams).toBe(3);
  });

  it('counts what happened in the last minute beside the sum since start', () => {
    fleet.take(summary('a', 0, 1, { gaps: { trimmed: 5 } }), 0);
    const gapsAt = (seconds: number, trimmed: number): unknown => {
      fleet.take(summary('a', 1_000 * seconds, 1, { gaps: { trimmed } }), 1_000 * seconds);
      const { totals, counts } = fleet.view(1_000 * seconds);
      fleet.note(totals, 1_000 * seconds);
      return counts.get('gaps/trimmed');
    };
    expect(gapsAt(2, 7)).toEqual({ total: 7, recent: 2 });
    for (let seconds = 4; seconds < 60; seconds += 2) gapsAt(seconds, 7);
    expect(gapsAt(60, 8)).toEqual({ total: 8, recent: 3 });
    gapsAt(62, 8);
    expect(gapsAt(64, 8)).toEqual({ total: 8, recent: 1 });
    for (let seconds = 66; seconds <= 122; seconds += 2) gapsAt(seconds, 8);
    expect(gapsAt(124, 8)).toEqual({ total: 8, recent: 0 });
  });

  it('lists 50 rooms and 20 slow clients, however many nodes list others', () => {
    for (let n = 0; n < 100; n++) {
      const node = `node-${n}`;
      const topRooms = Array.from({ length: 50 }, (_, room) => [`${node}/${room}`, 1 + room]);
      const top = Array.from({ length: 20 }, (_, id) => ({
        id: `${n}-${id}`,
        queuedBytes: id,
        stalledMs: 0,
      }));
      const slowClients = { count: 20, queuedBytes: 190, top };
      fleet.take({ ...summary(node, 1_000, 60), topRooms, slowClients }, 0);
    }
    const { rooms, slow, totals } = fleet.view(0);
    expect([rooms.length, slow.length, totals.slow, totals.waitingBytes]).toEqual([50, 20, 2_000, 19_000]);
    expect(rooms.every(({ size }) => size === 50)).toBe(true);
  });

  it('has 60 points in a curve at most', () => {
    for (let n = 0; n < 200; n++) fleet.note({ streams: n }, 2_000 * n);
    expect(fleet.curve('streams')).toEqual(Array.from({ length: 60 }, (_, n) => 140 + n));
  });

  it('shows a node of an older version, which does not count deliveries, gaps and resumes', () => {
    fleet.take(summary('old', 1_000, 3), 0);
    fleet.take(summary('old', 2_000, 3), 1_000);
    const { totals, counts } = fleet.view(1_000);
    expect([totals.streams, totals.deliveries, counts.get('deliveries')]).toEqual([
      3,
      0,
      { total: 0, recent: 0 },
    ]);
  });
});
