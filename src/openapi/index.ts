// Entry point `nestjs-simple-sse/openapi`: descriptions of streams for OpenAPI and AsyncAPI. Loads no other package.
export { describeStreams, type OpenApiDocument } from './describe-streams.js';
export { createAsyncApi, type AsyncApiDocument, type AsyncApiOptions } from './async-api.js';
export type { DescribeOptions } from './describe-options.js';
export type { SchemaTarget, ToJsonSchema } from './data-schema.js';
