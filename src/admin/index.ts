/**
 * Entry point `nestjs-simple-sse/admin`: a page for operators, with the live streams of all nodes.
 *
 * @packageDocumentation
 */
export { SseAdminModule } from './sse-admin.module.js';
export type { SseAdminOptions } from './admin-options.interface.js';
