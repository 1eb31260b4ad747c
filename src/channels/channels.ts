import { channel } from 'node:diagnostics_channel';

/**
 * Channels of `node:diagnostics_channel`, for tools that watch a process. A channel without a subscriber costs one read of a
 * property. docs/17-observability.md lists the messages.
 */
export const CHANNELS = {
  publish: channel('nestjs-simple-sse.publish'),
  deliver: channel('nestjs-simple-sse.deliver'),
  open: channel('nestjs-simple-sse.open'),
  close: channel('nestjs-simple-sse.close'),
  broker: channel('nestjs-simple-sse.broker'),
  run: channel('nestjs-simple-sse.run'),
};
