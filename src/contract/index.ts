// Entry point `nestjs-simple-sse/contract`: the events of an application. Loads nothing, so pages may share the file that uses it.
export { defineEvents, typeOnly } from './event-contract.js';
export type { EventContract, RoomContract, RoomContracts } from './event-contract.js';
export type { EventsOf, JsonOf } from './events-of.js';
export type { InputOf, StandardIssue, StandardResult, StandardSchema } from './standard-schema.interface.js';
