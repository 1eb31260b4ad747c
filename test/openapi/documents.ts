import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describeStreams, type DescribeOptions } from 'nestjs-simple-sse/openapi';
import type { ReceivedEvent } from '../support/event-stream.js';

export const VERSIONS = ['3.0.0', '3.1.0', '3.2.0'] as const;
export type Version = (typeof VERSIONS)[number];

export interface Content {
  readonly schema?: object;
  readonly itemSchema?: object;
}

export interface DescribedOperation {
  readonly summary?: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Content>> }>
  >;
}

/** A document as its readers receive it. */
export interface Described {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const builder = (version: string) =>
  new DocumentBuilder().setTitle('Shop').setOpenAPIVersion(version).addBearerAuth().build();

export function plainDocument(app: INestApplication, version: string): Described {
  return JSON.parse(JSON.stringify(SwaggerModule.createDocument(app, builder(version)))) as Described;
}

export function describedDocument(
  app: INestApplication,
  version: string,
  options?: DescribeOptions,
): Described {
  const document = describeStreams(app, () => SwaggerModule.createDocument(app, builder(version)), options);
  return JSON.parse(JSON.stringify(document)) as Described;
}

/** Compiles a schema of a document. In 3.0 bounds that exclude are booleans, which Ajv does not know. */
export function compiled(document: Described, schema: object): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const text = JSON.stringify({ ...schema, components: document.components });
  return ajv.compile(
    JSON.parse(text, (_key, value: unknown) => {
      if (typeof value !== 'object' || value === null) return value;
      const { exclusiveMinimum, minimum, ...rest } = value as Record<string, unknown>;
      return exclusiveMinimum === true ? { ...rest, exclusiveMinimum: minimum } : value;
    }) as object,
  );
}

/**
 * Returns a judge of received events, as a reader of the version of the document is one: in 3.0 of what the data says, later of
 * its text and, which validators leave to their users (JSON Schema 2020-12, 8.1), of the content of this text.
 */
export function judgeOf(document: Described, content: Content): (event: ReceivedEvent) => boolean {
  const schema = content.itemSchema ?? content.schema ?? { not: {} };
  const isParsed = document.openapi.startsWith('3.0');
  const isItem = compiled(document, schema);
  const contents = new Map<string, ValidateFunction>();
  return ({ event, data, id }) => {
    const fields = { ...(event !== 'message' && { event }), data: isParsed ? parsed(data) : data, id };
    if (!isItem(fields)) return false;
    const inner = contentOf(document, schema, event);
    if (inner === undefined) return true;
    const isContent = contents.get(event) ?? compiled(document, inner);
    contents.set(event, isContent);
    return isContent(JSON.parse(data));
  };
}

interface EventSchema {
  readonly properties: {
    readonly event: { enum: string[] };
    readonly data: { readonly contentSchema?: object };
  };
}

function contentOf({ components }: Described, schema: object, event: string): object | undefined {
  const { oneOf = [] } = schema as { oneOf?: { $ref: string }[] };
  const events = oneOf.map(({ $ref }) => components.schemas[$ref.split('/').at(-1) as string] as EventSchema);
  return events.find(({ properties }) => properties.event.enum[0] === event)?.properties.data.contentSchema;
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return data;
  }
}
