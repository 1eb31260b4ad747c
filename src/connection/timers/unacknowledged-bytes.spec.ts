import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { portOf } from '../../../test/support/port-of.js';
import { describeUnless } from '../../../test/support/describe-unless.js';
import { eventually } from '../../../test/support/within.js';
import { endInTable, readUnacknowledgedBytes, type ReadUnacknowledgedBytes } from './unacknowledged-bytes.js';

const notLinux = process.platform === 'linux' ? undefined : 'the lists exist only on Linux';
const read = readUnacknowledgedBytes as ReadUnacknowledgedBytes;

/** Both ends of a new connection between these addresses; the client does not read. */
async function connection(listenOn: string, to: string): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer();
  await once(listener.listen(0, listenOn), 'listening');
  const client = connect(portOf(listener), to).pause();
  const [server] = (await once(listener, 'connection')) as [Socket];
  listener.close();
  return { client, server };
}

describeUnless(notLinux, 'the unacknowledged bytes of connections', () => {
  let sockets: Socket[];

  beforeEach(() => (sockets = []));
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
  });

  it('are what a client that does not read has not taken, for each of several connections', async () => {
    const [full, idle] = [
      await connection('127.0.0.1', '127.0.0.1'),
      await connection('127.0.0.1', '127.0.0.1'),
    ];
    sockets.push(full.client, full.server, idle.client, idle.server);
    while (full.server.write(Buffer.alloc(65_536)));
    await eventually(async () => (await read([full.server])).get(full.server), 'bytes that wait');
    const found = await read([idle.server, full.server, full.client]);
    expect(found.get(full.server)).toBeGreaterThan(0);
    expect([found.get(idle.server), found.get(full.client)]).toEqual([0, 0]);
    full.client.resume();
    await eventually(async () => (await read([full.server])).get(full.server) === 0, 'everything taken');
  });

  it('leave out a connection without addresses or with those of no connection', async () => {
    const strange = { localAddress: '127.0.0.1', localPort: 1, remoteAddress: '127.0.0.2', remotePort: 2 };
    expect(await read([{}, { ...strange, remotePort: undefined }, strange])).toEqual(new Map());
  });
});

describe('the line of a connection in the lists', () => {
  it.each([
    ['127.0.0.1', '0100007F:0050'],
    ['203.0.113.9', '097100CB:0050'],
    ['::1', '00000000000000000000000001000000:0050'],
    ['::', '00000000000000000000000000000000:0050'],
    ['::ffff:127.0.0.1', '0000000000000000FFFF00000100007F:0050'],
    ['2001:db8:1:2:3:4:5:6', 'B80D0120020001000400030006000500:0050'],
    ['fe80::1%eth0', '000080FE000000000000000001000000:0050'],
    ['2001:db8::1:0:0:1', 'B80D0120000000000000010001000000:0050'],
  ])('has %s, port 80, as %s on a little-endian processor', (address, end) => {
    expect(endInTable(address, 80, 'LE')).toBe(end);
  });

  it('has the bytes of an address in their order on a big-endian processor', () => {
    expect(endInTable('127.0.0.1', 50_000, 'BE')).toBe('7F000001:C350');
  });
});
