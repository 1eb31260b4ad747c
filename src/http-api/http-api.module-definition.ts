import { ConfigurableModuleBuilder } from '@nestjs/common';
import { HTTP_API_DEFAULTS, resolveHttpApiOptions } from './http-api-checks.js';
import type { SseHttpApiOptions, SseHttpApiRouteOptions } from './http-api-options.interface.js';
import { publishController } from './publish.controller.js';
import { RESOLVED_HTTP_API_OPTIONS } from './publish-key.guard.js';

const ROUTE: SseHttpApiRouteOptions = {
  path: HTTP_API_DEFAULTS.path,
  version: undefined,
  guards: undefined,
  decorators: undefined,
  imports: undefined,
};

const HTTP_API_OPTIONS = Symbol('HTTP_API_OPTIONS');

export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SseHttpApiOptions>({ optionsInjectionToken: HTTP_API_OPTIONS })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createSseHttpApiOptions')
    .setExtras(ROUTE, (definition, { imports = [], path = HTTP_API_DEFAULTS.path, ...route }) => ({
      ...definition,
      imports: [...new Set([...(definition.imports ?? []), ...imports])],
      controllers: [publishController({ ...route, path })],
      providers: [
        ...(definition.providers ?? []),
        {
          provide: RESOLVED_HTTP_API_OPTIONS,
          useFactory: (options: SseHttpApiOptions) =>
            resolveHttpApiOptions(options, (route.guards ?? []).length > 0),
          inject: [HTTP_API_OPTIONS],
        },
      ],
    }))
    .build();
