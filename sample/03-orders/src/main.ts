import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { DEMO_ACCOUNTS, DEMO_PASSWORD } from './database/seed.js';

const { PORT = '3000', HOST = '127.0.0.1', DATABASE = ':memory:', NODE_ENV } = process.env;

const app = await NestFactory.create(
  AppModule.of({ database: DATABASE, importPauseMs: 150, secureCookies: NODE_ENV === 'production' }),
);
app.enableShutdownHooks();
// Loopback: other machines cannot reach the sample unless HOST says so.
await app.listen(PORT, HOST);

const { port } = new URL(await app.getUrl());
const names = DEMO_ACCOUNTS.map(({ id, role }) => `${id} (${role})`).join(', ');
new Logger('Orders').log(
  `Open http://localhost:${port} and sign in as ${names}; password "${DEMO_PASSWORD}"`,
);
