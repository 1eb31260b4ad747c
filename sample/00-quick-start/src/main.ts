import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';

const app = await NestFactory.create<NestExpressApplication>(AppModule);
app.enableShutdownHooks();
// Loopback: other machines cannot reach the sample unless HOST says so.
await app.listen(process.env['PORT'] ?? 3000, process.env['HOST'] ?? '127.0.0.1');

const { port } = new URL(await app.getUrl());
new Logger('QuickStart').log(`Open http://localhost:${port} in two or three tabs`);
