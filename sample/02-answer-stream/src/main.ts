import 'reflect-metadata';
import { UserError } from '../../shared/processes/user-error.js';
import { serve } from './serve.js';
import { TwoNodes } from './nodes/two-nodes.js';

const { PORT = '3000', HOST = '127.0.0.1', NODES = '1', RESTART_AFTER_MS = '6000' } = process.env;
const options = { host: HOST, port: Number(PORT), restartAfterMs: Number(RESTART_AFTER_MS) };

if (NODES !== '1' && NODES !== '2') {
  console.error(`NODES is 1 or 2, not ${NODES}`);
  process.exit(1);
}
if (NODES === '2') await openTwoNodes();
else await serve(options.port, options.host);
console.log(`Open http://localhost:${PORT}, ask something, and reload the page. Ctrl+C ends everything.`);

async function openTwoNodes(): Promise<void> {
  const nodes = new TwoNodes(options);
  let isClosing = false;
  const close = async (code: number): Promise<void> => {
    if (isClosing) return;
    isClosing = true;
    await nodes.close();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void close(0));
  const fail = (error: unknown): Promise<void> => {
    if (!isClosing) console.error(error instanceof UserError ? `\n${error.message}\n` : error);
    return close(1);
  };
  try {
    const { gone } = await nodes.open();
    gone.catch(fail);
  } catch (error) {
    await fail(error);
  }
}
