import { Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { SseModule, type SseModuleOptions } from 'nestjs-simple-sse';

export interface SseAppMetadata extends ModuleMetadata {
  options?: SseModuleOptions;
}

/** The root module of a small application that uses the module under test. */
export function sseApp({ options, imports = [], ...metadata }: SseAppMetadata): Type {
  @Module({ imports: [SseModule.forRoot(options), ...imports], ...metadata })
  class SseAppModule {}
  return SseAppModule;
}
