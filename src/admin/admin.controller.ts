import {
  Body,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
  Req,
  Res,
  UseGuards,
  VERSION_NEUTRAL,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ConnectedClient } from '../connected-client.decorator.js';
import { SseClient } from '../connection/sse-client.js';
import { SseRoom } from '../sse-room.decorator.js';
import { SseService } from '../sse.service.js';
import { AdminActions } from './admin-actions.js';
import { AdminFeed } from './admin-feed.service.js';
import type { ResolvedAdminOptions } from './admin-options.js';
import { OwnPageGuard } from './own-page.guard.js';
import { PAGE_HEADERS, PageFiles } from './page-files.js';
import { subjectOf } from './viewer.js';

/**
 * Returns the controller of the page, with the path and the guards of the application.
 *
 * Answers are written to the response: interceptors of the application that wrap what handlers return leave them as they are.
 */
export function adminController({ path, guards }: Pick<ResolvedAdminOptions, 'path' | 'guards'>): Type {
  const folder = `${path.split('/').at(-1)}/`;

  @Controller({ path, version: VERSION_NEUTRAL })
  @UseGuards(...guards)
  class SseAdminController {
    readonly #files = new PageFiles();
    readonly #actions: AdminActions;

    constructor(
      private readonly feed: AdminFeed,
      private readonly http: HttpAdapterHost,
      sse: SseService,
    ) {
      this.#actions = new AdminActions(sse);
    }

    @Get()
    index(@Req() request: { readonly url: string }, @Res() response: object): void {
      // Relative, so that the page works below a prefix that a proxy takes away.
      const base = /^[^?]*\/(?:\?|$)/.test(request.url) ? '' : folder;
      this.#answer(response, 'text/html; charset=utf-8', this.#files.index(base));
    }

    @Get('assets/:name')
    asset(@Param('name') name: string, @Res() response: object): void {
      const file = this.#files.asset(name);
      if (file === undefined) throw new NotFoundException();
      this.#answer(response, file.type, file.text);
    }

    @Get('events')
    @UseGuards(new OwnPageGuard())
    @SseRoom({ endOnComplete: false })
    events(@Query() query: unknown, @ConnectedClient() client: SseClient): void {
      this.feed.add(client, subjectOf(query));
    }

    @Post('disconnect')
    @HttpCode(200)
    @UseGuards(new OwnPageGuard())
    async disconnect(@Body() body: unknown, @Res() response: object): Promise<void> {
      this.#answerJson(response, await this.#actions.disconnect(body));
    }

    @Post('send')
    @HttpCode(200)
    @UseGuards(new OwnPageGuard())
    async send(@Body() body: unknown, @Res() response: object): Promise<void> {
      this.#answerJson(response, await this.#actions.send(body));
    }

    #answerJson(response: object, value: object): void {
      this.#answer(response, 'application/json; charset=utf-8', JSON.stringify(value));
    }

    #answer(response: object, type: string, text: string): void {
      const { httpAdapter } = this.http;
      for (const [name, value] of Object.entries({ ...PAGE_HEADERS, 'Content-Type': type }))
        httpAdapter.setHeader(response, name, value);
      httpAdapter.reply(response, text, 200);
    }
  }
  hideFromOpenApi(SseAdminController);
  return SseAdminController;
}

/** Takes the routes out of the document of `@nestjs/swagger`, as its `@ApiExcludeController()` does. */
function hideFromOpenApi(controller: object): void {
  Reflect.defineMetadata('swagger/apiExcludeController', [true], controller);
}
