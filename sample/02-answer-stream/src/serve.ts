import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { NodeIdentity } from './nodes/node-identity.js';

/** Starts this process as a node. */
export async function serve(port: number, host: string): Promise<void> {
  const app = await NestFactory.create(AppModule.of(new NodeIdentity()), { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  await app.listen(port, host);
}
