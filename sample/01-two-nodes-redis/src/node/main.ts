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
await app.listen(identity.port, '127.0.0.1');
report({ kind: 'up' });
