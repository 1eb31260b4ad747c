import { TextPipe } from '../../../shared/text.pipe.js';

// Refuses control characters and line ends, and characters that reverse the writing direction:
// with those a message could disguise the text after it.

export const ROOM_NAME = new TextPipe(
  'room',
  /^[a-z0-9][a-z0-9-]{0,23}$/,
  '1 to 24 of a-z, 0-9 and "-", beginning with a letter or a digit',
);

export const NICKNAME = new TextPipe(
  'nickname',
  /^[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]{1,24}$/u,
  '1 to 24 characters on one line',
);

export const MESSAGE_TEXT = new TextPipe(
  'text',
  /^[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]{1,500}$/u,
  '1 to 500 characters on one line',
);
