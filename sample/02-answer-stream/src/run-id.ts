import { TextPipe } from '../../shared/text.pipe.js';

/**
 * Checks the id of an answer or of an import. The page makes it of 16 random bytes: only who has it can follow the run or stop it.
 * A real application puts the user into the name of the run, as `answers/7/…`.
 */
export const RUN_ID = new TextPipe('id', /^[0-9a-f]{32}$/, '32 hexadecimal digits');
