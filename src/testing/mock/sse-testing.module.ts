import { Global, Module, type DynamicModule } from '@nestjs/common';
import { SseService } from '../../sse.service.js';
import { createSseServiceMock, SseServiceMock, type SseMockOptions } from './sse-service-mock.js';

/**
 * Provides a mock of `SseService` to the providers of a testing module, as `SseModule` provides the real one to those of an
 * application: `imports: [SseTestingModule]`, or `SseTestingModule.forRoot(options)`.
 *
 * ```ts
 * const module = await Test.createTestingModule({ imports: [SseTestingModule], providers: [Payments] }).compile();
 * await module.get(Payments).paid(7);
 * expect(module.get(SseServiceMock).published('orders/7')).toEqual([{ event: 'paid', data: { id: 7 } }]);
 * ```
 */
@Global()
@Module({
  providers: [
    { provide: SseServiceMock, useFactory: () => createSseServiceMock() },
    { provide: SseService, useExisting: SseServiceMock },
  ],
  exports: [SseService, SseServiceMock],
})
export class SseTestingModule {
  /** Provides a mock with options. @throws SseError `invalid-options` */
  static forRoot(options: SseMockOptions = {}): DynamicModule {
    const mock = createSseServiceMock(options);
    return {
      module: SseTestingModule,
      providers: [
        { provide: SseServiceMock, useValue: mock },
        { provide: SseService, useValue: mock },
      ],
    };
  }
}
