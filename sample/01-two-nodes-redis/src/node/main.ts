import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { NodeIdentity } from './node-identity.js';
import { NodeModule } from './node.module.js';
import { report } from './report.js';

// Ends the node when its supervisor has ended.
process.once('disconnect', () => process.exit(1));

const identity = new NodeIdentity();
const app = await NestFactory.create(NodeModule.of(identity), { logger: ['error', 'warn'] });
app.enableShutdownHooks();
// Longer than nginx keeps an idle connection (60 s). With Node's 5 s, nginx may send a POST on a connection that the node
// is closing, and answers 502: it does not try a POST again at the other node.
app.getHttpServer().keepAliveTimeout = 75_000;
await app.listen(identity.port, '127.0.0.1');
report({ kind: 'up' });
