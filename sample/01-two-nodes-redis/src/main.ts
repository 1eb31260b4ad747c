import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { UserError } from '../../shared/processes/user-error.js';
import { SampleProcesses } from './supervisor/sample-processes.js';

const { PORT = '8080', HOST = '127.0.0.1', RESTART_AFTER_MS = '6000' } = process.env;
const operatorPassword = process.env['OPERATOR_PASSWORD'] ?? randomBytes(9).toString('base64url');
const processes = new SampleProcesses({
  host: HOST,
  port: Number(PORT),
  restartAfterMs: Number(RESTART_AFTER_MS),
  operatorPassword,
});
let isClosing = false;

async function close(code: number): Promise<void> {
  if (isClosing) return;
  isClosing = true;
  await processes.close();
  process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void close(0));

try {
  const { gone } = await processes.open();
  console.log(`Open http://localhost:${PORT} and kill a node. Ctrl+C ends everything.`);
  console.log(
    `Operators: http://localhost:${PORT}/sse-admin, user "operator", password "${operatorPassword}"`,
  );
  await gone;
} catch (error) {
  if (!isClosing) console.error(error instanceof UserError ? `\n${error.message}\n` : error);
  await close(1);
}
