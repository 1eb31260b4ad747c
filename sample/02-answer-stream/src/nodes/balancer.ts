import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Passes connections to the nodes in turn, and to the next one where a node is down. It is enough for a sample: the one with
 * nginx is in `01-two-nodes-redis`.
 */
export async function openBalancer(port: number, host: string, nodes: readonly number[]): Promise<Server> {
  let turn = 0;
  const server = createServer((client) => {
    turn++;
    pass(
      client,
      nodes.map((_port, index) => nodes[(turn + index) % nodes.length] ?? 0),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}

function pass(client: Socket, [port, ...others]: readonly number[]): void {
  if (port === undefined) {
    client.destroy();
    return;
  }
  const node = connect(port, '127.0.0.1');
  const next = (): void => pass(client, others);
  client.once('error', () => node.destroy()).once('close', () => node.destroy());
  node.once('error', next).once('connect', () => {
    node.off('error', next);
    node.once('error', () => client.destroy()).once('close', () => client.destroy());
    client.pipe(node).pipe(client);
  });
}
