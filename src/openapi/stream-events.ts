import type { ContractEntry } from '../contract/contract-rooms.js';
import { componentName, type Components } from './components.js';
import { CONTROL_EVENTS, type ControlEventName } from './control-events.js';
import { dataFormOf, encodedData } from './data-form.js';
import type { DataSchemas } from './data-schema.js';
import type { JsonSchema } from './json-schema.js';

/** Name of events without a name, as in browsers. */
const UNNAMED = 'message';

const ID = { type: 'string', description: 'Send it as `Last-Event-ID` to go on behind this event.' };
const ANY_DATA = { type: 'string', description: 'A string as it is, anything else as JSON.' };

/** The events of one route. */
export interface DescribedEvents {
  readonly schema: JsonSchema;
  /** Names of the events with their rooms, for people. */
  readonly words: string;
}

/** The events of a document, each one component, and its data another. */
export class StreamEvents {
  readonly #components: Components;
  readonly #data: DataSchemas;
  /** True for OpenAPI 3.0, which cannot say that a text is JSON: there `data` is what the text says. */
  readonly #isParsed: boolean;
  readonly #described = new Map<string, JsonSchema>();

  constructor(components: Components, data: DataSchemas, isParsed: boolean) {
    this.#components = components;
    this.#data = data;
    this.#isParsed = isParsed;
  }

  /**
   * @param entries the keys of the contract; none for a stream whose events are unknown
   * @param control names of the control events
   */
  describe(entries: readonly ContractEntry[], control: readonly ControlEventName[]): DescribedEvents {
    const own = entries.flatMap(({ key, events }) =>
      Object.keys(events).map((name) => ({ key, events, name })),
    );
    const schemas = [
      ...own.map(({ key, events, name }) =>
        this.#once(JSON.stringify([key, name]), () => this.#own({ key, events }, name)),
      ),
      ...(entries.length === 0 ? [this.#once('*', () => this.#any())] : []),
      ...control.map((name) => this.#once(name, () => this.#control(name))),
    ];
    // The name does not distinguish events of several rooms that have the same one.
    const isDistinct = entries.length > 0 && new Set(own.map(({ name }) => name)).size === own.length;
    return {
      schema:
        schemas.length === 1 ? (schemas[0] as JsonSchema) : { [isDistinct ? 'oneOf' : 'anyOf']: schemas },
      words: wordsOf(entries, control),
    };
  }

  #once(key: string, create: () => JsonSchema): JsonSchema {
    const schema = this.#described.get(key) ?? create();
    this.#described.set(key, schema);
    return schema;
  }

  #own({ key, events }: ContractEntry, name: string): JsonSchema {
    const title = componentName(key, name);
    const description = `Event \`${name}\` of ${roomWords(key)}.`;
    const schema = this.#data.of(events[name] as ContractEntry['events'][string], key, name);
    const data = schema === undefined ? undefined : this.#components.add(title, schema);
    return this.#event(`${title}Event`, name, description, data);
  }

  #control(name: ControlEventName): JsonSchema {
    const { component, description, data } = CONTROL_EVENTS[name];
    return this.#event(`${component}Event`, name, description, this.#components.add(component, data));
  }

  /** @param data a reference to the schema of the data; `undefined` for any data */
  #event(component: string, name: string, description: string, data: JsonSchema | undefined): JsonSchema {
    const named = { type: 'string', enum: [name] };
    return this.#components.add(component, {
      // Swagger UI shows it in the list of alternatives.
      title: component,
      type: 'object',
      description,
      required: name === UNNAMED ? ['data'] : ['event', 'data'],
      properties: { event: named, data: this.#dataField(data), id: ID },
    });
  }

  #dataField(data: JsonSchema | undefined): JsonSchema {
    if (data === undefined) return this.#isParsed ? { description: ANY_DATA.description } : ANY_DATA;
    if (this.#isParsed) return data;
    return encodedData(dataFormOf(data, this.#components.find), data);
  }

  #any(): JsonSchema {
    return this.#components.add('SseEvent', {
      type: 'object',
      required: ['data'],
      properties: {
        event: { type: 'string', description: `Default: \`${UNNAMED}\`.` },
        data: this.#dataField(undefined),
        id: ID,
      },
    });
  }
}

function roomWords(key: string): string {
  return key === '*' ? 'all clients' : `\`${key}\``;
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function wordsOf(entries: readonly ContractEntry[], control: readonly string[]): string {
  const lines = entries.map(({ key, events }) => `- of ${roomWords(key)}: ${listed(Object.keys(events))}`);
  if (control.length > 0) lines.push(`- of the stream itself: ${listed(control)}`);
  return lines.length === 0 ? '' : `\n\nEvents:\n${lines.join('\n')}`;
}
