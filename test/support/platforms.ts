import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CollectingLogger } from './collecting-logger.js';
import { RunningApp } from './running-app.js';
import { throwAwayCertificate, throwAwayKey } from './throw-away-certificate.js';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { INestApplication, NestApplicationOptions, Type } from '@nestjs/common';

export interface StartOptions {
  /** Configures the application before `listen`, as its `main.ts` would: prefix, versioning, global interceptors. */
  configure?: (app: INestApplication) => unknown;
  nest?: NestApplicationOptions;
  /** Default: a free one. */
  port?: number;
  /** Replaces the platform's own adapter, for tests of its options. */
  adapter?: AbstractHttpAdapter;
}

export interface Platform {
  readonly name: 'express' | 'fastify' | 'fastify-h2c' | 'fastify-h2-tls';
  readonly framework: 'express' | 'fastify';
  readonly scheme: 'http' | 'https';
  readonly http2: boolean;
  /** A new adapter, for applications that are made by hand. */
  adapter(): AbstractHttpAdapter;
  start(module: Type, options?: StartOptions): Promise<RunningApp>;
}

export const express = platform('express', 'express', false, 'http', () => new ExpressAdapter());
export const fastify = platform('fastify', 'fastify', false, 'http', () => new FastifyAdapter());
const h2c = platform('fastify-h2c', 'fastify', true, 'http', () => new FastifyAdapter({ http2: true }));
const h2Tls = platform(
  'fastify-h2-tls',
  'fastify',
  true,
  'https',
  () => new FastifyAdapter({ http2: true, https: { key: throwAwayKey, cert: throwAwayCertificate } }),
);

/** For `describe.each`: the two frameworks over HTTP/1.1. */
export const platforms: Platform[] = [express, fastify];

/** Fastify over HTTP/2, in clear text and with TLS; Express does not support HTTP/2. */
export const http2Platforms: Platform[] = [h2c, h2Tls];

export const allPlatforms: Platform[] = [...platforms, ...http2Platforms];

function platform(
  name: Platform['name'],
  framework: Platform['framework'],
  http2: boolean,
  scheme: Platform['scheme'],
  newAdapter: () => AbstractHttpAdapter,
): Platform {
  return {
    name,
    framework,
    http2,
    adapter: newAdapter,
    scheme,
    async start(module, options = {}) {
      const logger = new CollectingLogger();
      const app = await NestFactory.create(module, options.adapter ?? newAdapter(), {
        abortOnError: false,
        ...options.nest,
        logger,
      });
      try {
        await options.configure?.(app);
        await app.listen(options.port ?? 0, '127.0.0.1');
      } catch (error) {
        await app.close();
        throw error;
      }
      return new RunningApp(app, logger, scheme, http2);
    },
  };
}
