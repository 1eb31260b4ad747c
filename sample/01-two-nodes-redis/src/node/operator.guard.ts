import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, UnauthorizedException } from '@nestjs/common';
import type { Request, Response } from 'express';

const USER = 'operator';

/**
 * Admits whoever knows the password, by HTTP Basic authentication: a browser sends it with streams too. Over a network it
 * needs HTTPS.
 */
export class OperatorGuard implements CanActivate {
  private readonly expected: Buffer;

  constructor(password: string) {
    this.expected = digest(`Basic ${Buffer.from(`${USER}:${password}`).toString('base64')}`);
  }

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { authorization = '' } = http.getRequest<Request>().headers;
    if (timingSafeEqual(digest(authorization), this.expected)) return true;
    http.getResponse<Response>().setHeader('WWW-Authenticate', 'Basic realm="Operators", charset="UTF-8"');
    throw new UnauthorizedException();
  }
}

/** Texts of all lengths become comparable in constant time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
