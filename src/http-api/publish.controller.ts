import {
  Controller,
  HttpCode,
  HttpStatus,
  Inject,
  Post,
  Req,
  Res,
  UseGuards,
  type Type,
} from '@nestjs/common';
import type { SseHttpApiRouteOptions } from './http-api-options.interface.js';
import { OpenApi } from './open-api.js';
import { PublishKeyGuard } from './publish-key.guard.js';
import { PublishService, type PublishAnswer } from './publish.service.js';
import type { PublishRequest } from './request-checks.js';

/** Makes the controller of one registration, whose path, version, guards and decorators are metadata of its class. */
export function publishController({
  path,
  version,
  guards = [],
  decorators = [],
}: SseHttpApiRouteOptions & { readonly path: string }): Type {
  @Controller(version === undefined ? { path } : { path, version })
  @UseGuards(PublishKeyGuard, ...guards)
  class PublishController {
    constructor(@Inject(PublishService) private readonly publisher: PublishService) {}

    // The whole request instead of `@Body()`: pipes of the application would change the data.
    @Post('publish')
    @HttpCode(HttpStatus.OK)
    @OpenApi()
    publish(
      @Req() request: PublishRequest,
      @Res({ passthrough: true }) response: object,
    ): Promise<PublishAnswer> {
      return this.publisher.publish(request, response);
    }
  }
  for (const decorate of decorators) decorate(PublishController);
  return PublishController;
}
