import { Controller, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Validator } from '@seriousme/openapi-schema-validator';
import { SseRoomChanges, type RoomDecision } from 'nestjs-simple-sse';
import { express } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';

@Controller()
class PageController {
  @Post('rooms')
  @SseRoomChanges({ maxRooms: 7 })
  rooms(): RoomDecision {
    return true;
  }

  @Post('own')
  @SseRoomChanges()
  @ApiOperation({ summary: 'of the application' })
  @ApiOkResponse({ description: 'of the application' })
  own(): RoomDecision {
    return true;
  }
}

it('a route with @SseRoomChanges() is described in the document of @nestjs/swagger, twice the same', async () => {
  const running = await express.start(sseApp({ controllers: [PageController] }));
  const describe = () =>
    JSON.parse(
      JSON.stringify(SwaggerModule.createDocument(running.app, new DocumentBuilder().build())),
    ) as Awaited<ReturnType<typeof SwaggerModule.createDocument>>;
  const document = describe();
  expect(describe()).toEqual(document);
  await running.close();
  const validated = await new Validator().validate(document as unknown as Record<string, unknown>);
  expect([validated.valid, validated.errors]).toEqual([true, undefined]);
  const { requestBody, responses } = document.paths['/rooms']?.post ?? {};
  expect(Object.keys(responses ?? {})).toEqual(['200', '400', '403', '404', '503']);
  expect(requestBody).toMatchObject({
    required: true,
    content: { 'application/json': { schema: { properties: { join: { type: 'array', maxItems: 7 } } } } },
  });
  const own = document.paths['/own']?.post;
  expect(own?.summary).toBe('of the application');
  expect(own?.responses['200']).toMatchObject({ description: 'of the application' });
});
