import { redisBroker } from 'nestjs-simple-sse/redis';
import { RedisServer } from '../redis/redis-server.js';
import { launchChromium } from '../support/chromium.js';
import { express } from '../support/platforms.js';
import { pause } from '../support/within.js';
import { adminApp, OPTIONS } from './admin-app.js';
import { openPage } from './admin-page.js';
import { crowd, type Member } from './crowd.js';
import type { RunningApp } from '../support/running-app.js';

/** Writes docs/admin.png: `npm test -- --testRegex=picture-spec`. Its figures are those of two nodes that share a Redis. */
const FILE = 'docs/admin.png';
const TRAFFIC_MS = 45_000;

function* readers(count: number): Iterable<Member> {
  for (let n = 0; n < count; n++)
    yield {
      rooms: ['prices', `orders/${(n * n) % 90}`, ...(n % 4 === 0 ? ['news'] : [])],
      user: `user-${n % 700}`,
    };
}

it(
  'two nodes with traffic are drawn',
  async () => {
    const redis = await RedisServer.start();
    const start = (nodeName: string): Promise<RunningApp> => {
      const options = { broker: redisBroker({ url: redis.url }), writeTimeoutMs: false } as const;
      return express.start(adminApp({ ...OPTIONS, nodeName }, options));
    };
    const nodes = [await start('web-1'), await start('web-2')] as const;
    crowd(nodes[0].sse, readers(1_240));
    crowd(nodes[1].sse, readers(1_105));
    crowd(nodes[0].sse, [{ rooms: ['prices', 'video'], user: 'user-17', isDeaf: true }]);
    const browser = await launchChromium();
    const page = await openPage(browser, nodes[0].url, []);
    const until = Date.now() + TRAFFIC_MS;
    for (let n = 0; Date.now() < until; n++) {
      const { sse } = nodes[n % 2] ?? nodes[0];
      await sse.broadcast('prices', 'price', { n, text: 'x'.repeat(400) }, { volatile: true });
      await sse.broadcast(`orders/${n % 90}`, 'paid', { n });
      const [oldest] = sse.clients('news');
      if (n % 3 === 0) oldest?.close();
      crowd(sse, readers(n % 3 === 0 ? 1 : 0));
      if (n % 9 === 0)
        (await nodes[1].listen('/events?room=news', { headers: { 'last-event-id': 'x' } })).close();
      await pause(150 + 60 * Math.sin(n / 20));
    }
    await page.setViewportSize({ width: 1140, height: 760 });
    await page.screenshot({ path: FILE });
    await browser.close();
    for (const node of nodes) await node.close();
    await redis.dispose();
  },
  4 * TRAFFIC_MS,
);
